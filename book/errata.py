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
# # Errata
#
# We copied every table of the five papers, cell by cell, and recomputed what can be recomputed.
# This page lists what does not fit, with the calculation.
# It also lists slips of notation, wording and citation, because a reader who rebuilds a method trips over them.
#
# Errors are normal. Most of these change nothing, and some papers are quoted here because they print enough to be checked.
# Where we are wrong, please tell us.

# %% tags=["hide-input"]
from asdbook import papers
from asdbook.papers import cells
from asdbook.report import printed, show

counts = papers.counts()
show.numbers(**{f"errata-{column}": int(counts.loc["all", column])
                for column in counts.columns})
example = papers.erratum("ssdm-E1").checks[0].outcome
cell = cells.span(example.printed)
numbers = {"cell-low": cell.low, "cell-high": cell.high, "low": example.span.low,
           "high": example.span.high, "value": example.span.value}
show.numbers(**{f"errata-{key}": (value, ".3f") for key, value in numbers.items()},
             **{"errata-printed": example.printed})
shown = papers.recomputed()
show.numbers(**{f"errata-{key}": value for key, value in shown.items()})

# %% tags=["hide-input"]
printed.overview(
    name="tab-errata-counts", caption="What was copied from each paper, and what was "
    f"found: {counts.loc['all', 'errata']} errata")

# %% [markdown]
# In all: {glue:text}`errata-tables` tables with {glue:text}`errata-rows` rows and {glue:text}`errata-cells` cells,
# {glue:text}`errata-claims` [claims](claims.ipynb),
# {glue:text}`errata-errata` errata and {glue:text}`errata-notes` notes.
# Recomputed below: {glue:text}`errata-entries` entries with {glue:text}`errata-checks` calculations, among them all
# {glue:text}`errata-proven` numbers, statements and conflicts.
# The other {glue:text}`errata-wording` entries hold no number to recompute: wording, notation, citations.
#
# ## How to read a recomputation
#
# A printed {glue:text}`errata-printed` stands for some number from {glue:text}`errata-cell-low` to
# {glue:text}`errata-cell-high`.
# A mean of several cells therefore lies in an interval, and so does a difference of two means.
# A printed average is *wrong* only if no number that rounds to it lies in that interval.
# One example: the harmonic mean of MobileNetV2 in the SSDM paper is printed as {glue:text}`errata-printed`.
# Its cells give {glue:text}`errata-value`, and however they were rounded, between {glue:text}`errata-low` and
# {glue:text}`errata-high`.
# We also try whether digits were cut off instead of rounded, before we call a number wrong.
#
# There are five kinds of entries:
#
# number ({glue:text}`errata-number`)
# : a printed number that its own cells do not allow.
#
# statement ({glue:text}`errata-statement`)
# : a sentence that the paper's own numbers contradict.
#
# conflict ({glue:text}`errata-conflict`)
# : a number that another source contradicts.
#
# text ({glue:text}`errata-text`)
# : notation, wording, equations, citations.
#
# note ({glue:text}`errata-notes`)
# : no error, but something to know.
#
# ## Every printed average
#
# {numref}`tab-averages` recomputes all {glue:text}`errata-averages` averages whose cells are printed too.

# %% tags=["hide-input"]
differ = [a for a in papers.averages() if a.outcome.finding == "differs"]
printed.averages(
    name="tab-averages", caption="Averages recomputed from the cells beside them: "
    f"{len(differ)} of {len(papers.averages())} do not follow")

# %% [markdown]
# ## SSDM
#
# {cite:t}`yin2024ssdm`.

# %% tags=["hide-input"]
found = papers.all_errata("ssdm")
printed.errata(found, name="tab-errata-ssdm",
               caption=printed.errata_said("SSDM", found))

# %% tags=["hide-input"]
printed.proofs(found, name="tab-proofs-ssdm",
               caption=printed.proofs_said("SSDM", found))

# %% [markdown]
# ## AudDSR
#
# {cite:t}`zavrtanik2024auddsr`.

# %% tags=["hide-input"]
found = papers.all_errata("auddsr")
printed.errata(found, name="tab-errata-auddsr",
               caption=printed.errata_said("AudDSR", found))

# %% tags=["hide-input"]
printed.proofs(found, name="tab-proofs-auddsr",
               caption=printed.proofs_said("AudDSR", found))

# %% [markdown]
# ## RC-MAE
#
# {cite:t}`zahedi2023rcmae`.

# %% tags=["hide-input"]
found = papers.all_errata("rc_mae")
printed.errata(found, name="tab-errata-rc-mae",
               caption=printed.errata_said("RC-MAE", found))

# %% tags=["hide-input"]
printed.proofs(found, name="tab-proofs-rc-mae",
               caption=printed.proofs_said("RC-MAE", found))

# %% [markdown]
# ## Statistical clustering
#
# {cite:t}`tian2024statistical`.

# %% tags=["hide-input"]
found = papers.all_errata("statistical_clustering")
printed.errata(found, name="tab-errata-statistical",
               caption=printed.errata_said("Statistical clustering", found))

# %% tags=["hide-input"]
printed.proofs(found, name="tab-proofs-statistical",
               caption=printed.proofs_said("Statistical clustering", found))

# %% [markdown]
# ## OEVAE
#
# {cite:t}`hai2024oevae`.

# %% tags=["hide-input"]
found = papers.all_errata("oevae")
printed.errata(found, name="tab-errata-oevae",
               caption=printed.errata_said("OEVAE", found))

# %% tags=["hide-input"]
printed.proofs(found, name="tab-proofs-oevae",
               caption=printed.proofs_said("OEVAE", found))

# %% [markdown]
# ## How the recomputation runs
#
# An erratum is an entry of a data file. It names a recipe and the cells that go into it; nothing on this page is typed.
# This is the function that works a recipe out:

# %% tags=["hide-input"]
show.source(papers.recompute.evaluate)
