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

# %% [markdown]
# ## When something goes wrong
#
# Processes are killed, disks fill up, files get damaged.
# `.ci/faults` does {glue:text}`status-drills` such things to small runs, in real processes, and then runs the same command again.
# Every drill ends with the scores of an undisturbed run, bit for bit.
# Every message is one line that says what to do. Recordings and finished runs were never touched.
# {numref}`tab-faults` says what happened. The tests repeat the drills.

# %% tags=["hide-input"]
from asdbook.report import faults

drills = faults.drills()
glue("status-drills", len(drills), display=False)
faults.table(drills, name="tab-faults", caption="What went wrong in the drills, what was seen, and what was lost")
