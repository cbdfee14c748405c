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
# # Claims
#
# What do the five papers claim, and what would show that it is so?
# This page lists every claim that we found, in our words, written down before any of the methods was run.
# Each has a type, and the type fixes beforehand what decides it.
#
# arithmetic
# : it follows from the printed numbers or it does not. Its verdict stands here already.
#
# superiority
# : one system scores more than another.
#
# equivalence
# : two systems score the same, to within a margin that is named beforehand.
#
# best of
# : a system scores more than *every* rival.
#
# absolute
# : a system reaches the printed number, to within a margin. Only the paper's own data can decide it.
#
# mechanism
# : why the method works. We name a number that stands for it.
#
# Each paper has one *primary* claim. The others share one error rate, by Holm's correction.

# %% tags=["hide-input"]
from asdbook import papers
from asdbook.report import claims, printed, show

decided = {paper: claims.decide(paper) for paper in papers.PAPERS}
everything = [one for several in decided.values() for one in several]
now = [one.name for one in everything]
show.numbers(**{"claims-all": len(everything), "claims-official": claims.on_official_data(everything),
                "claims-arithmetic": sum(one.claim.type == "arithmetic" for one in everything),
                "claims-not-run": now.count("not run"), "claims-untestable": now.count(claims.NO_RUN)})
printed.verdict_counts(everything, name="tab-claims-now", caption="Verdicts now, by type of claim")

# %% [markdown]
# Claims: {glue:text}`claims-all`. Decided by printed numbers alone: {glue:text}`claims-arithmetic`.
# Not run yet: {glue:text}`claims-not-run`. No run can test {glue:text}`claims-untestable` of them.
# **Tested on official data: {glue:text}`claims-official`.**
#
# The column *printed numbers* says whether a claim fits what its paper prints, with the rounding of the cells allowed
# for. For an arithmetic claim that is the verdict. For the others it is not: a table can be added up correctly and still
# not repeat. The errors behind these findings are on the page of [errata](errata.ipynb).
#
# Systems are named as in this library, `system:variant`, also where they are not built yet.
#
# ## SSDM
#
# {cite:t}`yin2024ssdm`.

# %% tags=["hide-input"]
printed.claims(decided["ssdm"], name="tab-claims-ssdm", caption="SSDM: claims, tests and verdicts")

# %% tags=["hide-input"]
printed.claim_checks(decided["ssdm"], name="tab-checks-ssdm", caption="SSDM: what the printed numbers say")

# %% [markdown]
# ## AudDSR
#
# {cite:t}`zavrtanik2024auddsr`.

# %% tags=["hide-input"]
printed.claims(decided["auddsr"], name="tab-claims-auddsr", caption="AudDSR: claims, tests and verdicts")

# %% tags=["hide-input"]
printed.claim_checks(decided["auddsr"], name="tab-checks-auddsr", caption="AudDSR: what the printed numbers say")

# %% [markdown]
# ## RC-MAE
#
# {cite:t}`zahedi2023rcmae`.

# %% tags=["hide-input"]
printed.claims(decided["rc_mae"], name="tab-claims-rc-mae", caption="RC-MAE: claims, tests and verdicts")

# %% tags=["hide-input"]
printed.claim_checks(decided["rc_mae"], name="tab-checks-rc-mae", caption="RC-MAE: what the printed numbers say")

# %% [markdown]
# ## Statistical clustering
#
# {cite:t}`tian2024statistical`.

# %% tags=["hide-input"]
statistical = decided["statistical_clustering"]
printed.claims(statistical, name="tab-claims-statistical", caption="Statistical clustering: claims, tests and verdicts")

# %% tags=["hide-input"]
printed.claim_checks(statistical, name="tab-checks-statistical", caption="Statistical clustering: what the printed numbers say")

# %% [markdown]
# ## OEVAE
#
# {cite:t}`hai2024oevae`.

# %% tags=["hide-input"]
printed.claims(decided["oevae"], name="tab-claims-oevae", caption="OEVAE: claims, tests and verdicts")

# %% tags=["hide-input"]
printed.claim_checks(decided["oevae"], name="tab-checks-oevae", caption="OEVAE: what the printed numbers say")
