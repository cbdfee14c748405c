# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Status
#
# How the pages of this book were made.
# The build writes this page last, each time, from its own notes. Nothing on it is typed.

# %% tags=["hide-input"]
from myst_nb import glue

from asdbook.publish import status
from asdbook.publish.pages import find_book

book = find_book()
chapters, records = status.chapters(book), status.records(book)
for name, table in (("status-chapters", chapters), ("status-records", records)):
    glue(name, len(table), display=False)
    stale = (table["state"] != "up to date").sum()
    glue(f"{name}-stale", int(stale), display=False)

# %% [markdown]
# ## Chapters
#
# A chapter is executed again when one of its inputs changes:
# its source, the library, the version of a system or of the simulator, a committed record, or the pinned packages.
# Chapters in this build: {glue:text}`status-chapters`.
# Stale among them, which means that an input changed since the execution: {glue:text}`status-chapters-stale`.

# %% tags=["hide-input"]
status.show(chapters)

# %% [markdown]
# ## Packages
#
# The versions that the chapters ran with.

# %% tags=["hide-input"]
status.show(status.versions(book))

# %% [markdown]
# ## Records
#
# A record is the committed result of a finished run.
# It is stale when the version of its system or of the simulator was raised later.
# Committed records: {glue:text}`status-records`. Stale among them: {glue:text}`status-records-stale`.

# %% tags=["hide-input"]
status.show(records)
