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
# # Anomalous sound detection: five papers, run again
#
# Machines break, and often one can hear it first.
# Five papers teach a computer to hear it, from recordings of healthy machines alone.
# This book runs them again, one chapter at a time: text, code, training, tables, sounds.
#
# It answers three questions for each paper.
#
# - **How does it work?** Every equation stands next to the code that runs it.
# - **Does it hold?** Our numbers stand beside the printed ones, with intervals, over several seeds,
#   and every claim of the paper gets a verdict that is computed, not typed.
# - **What does it cost?** Time, memory and parameters, measured.

# %% tags=["remove-input"]
import time

from asdbook import systems
from asdbook.experiment import provenance as origin
from asdbook.report import front, provenance, results, show, tables

started = time.time()
shelf = front.shelf()
show.numbers(papers=len(shelf), built=sum(book.built for book in shelf),
             official=front.tested_on_official_data(), records=len(results.committed()))

# %% [markdown]
# ## The five papers
#
# {numref}`tab-papers` is made from the committed records.
# Read a row like this: what the paper reports on its data, then what we found, *on which data*, then the verdict.
# The two scores stand on different data unless the badges agree, so their difference means nothing.

# %% tags=["remove-input"]
built = sum(book.built for book in shelf)
front.table(shelf, name="tab-papers", caption="The five papers: reported, and ours "
            f"({built} of {len(shelf)} rebuilt so far)")

# %% [markdown]
# Papers rebuilt so far: {glue:text}`built` of {glue:text}`papers`.
# Claims tested on official data so far: **{glue:text}`official`**.
# Each claim is listed on [its own page](claims.ipynb), and every error that we found in the printed tables
# under [errata](errata.ipynb).
# Whatever this book says today about a method holds on *simulated* machines.
# A claim can only become "supported" on the official recordings, which every reader may download but no book may ship.
#
# The yardstick of all five has a chapter: [the official autoencoder](baseline.ipynb).
# The papers that are rebuilt: [SSDM](ssdm.ipynb) and [AudDSR](auddsr.ipynb).

# %% [markdown]
# ## Which sound data this is
#
# Everything here runs without a download, on **built-in machines**: a simulator that builds fans, gears, bearings, rails,
# valves and toys from physics, puts them into a noisy factory, and breaks them in known ways.
# You can hear each machine and each fault in [the task](task.ipynb).
# Simulated sound is no substitute for recordings. It has one advantage: the truth is known.
#
# Every number carries a badge that names its data:

# %% tags=["remove-input"]
badges = [("synthetic", "made by the simulator of this library",
           "holds or fails in simulation"),
          ("official", "recordings of the DCASE challenge",
           "supported, or not reproduced under our reading"),
          ("real", "a small set of other recordings", "none: a smoke check")]
rows = [[tables.badge(kind), what, says] for kind, what, says in badges]
tables.Table(["badge", "data", "verdict it allows"], rows)

# %% [markdown]
# ## Three ways to read
#
# ::::{grid} 1 1 3 3
# :gutter: 3
#
# :::{grid-item-card} Ten minutes
# Hear a healthy fan and a broken one in [the task](task.ipynb).
# Then look at the first figure of [the official autoencoder](baseline.ipynb), and at its verdicts.
# :::
#
# :::{grid-item-card} An afternoon
# Read [the task](task.ipynb) to the end, with pencil and paper for the ten scores.
# Then read [the official autoencoder](baseline.ipynb) line by line, and do its exercises.
# [SSDM](ssdm.ipynb) is the next step: a learned embedding, a diffusion model, and what each is worth.
# In [AudDSR](auddsr.ipynb) you hear anomalies that were simulated in a learned alphabet of sound.
# :::
#
# :::{grid-item-card} A week
# Install the library, rebuild this book with one command, and run a chapter at full size or on your own machine's
# recordings: [](running.md).
# Symbols are explained in [](notation.md), functions in [](api/index.md).
# :::
# ::::
#
# [](status.ipynb) says when each page was made, and from which versions.

# %% [markdown]
# ## Provenance

# %% tags=["remove-input"]
provenance.of_page({
    "records read": len(results.committed()), "commit": tables.code(origin.commit()),
    "systems": ", ".join(systems.names()),
    "wall time": provenance.seconds_text(time.time() - started)})
