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
# # Add a system
#
# A system is one Python class with two verbs: `fit` hears normal clips, `score` gives one number a clip.
# Data, seeds, training loop, metrics, intervals, records and tables are there already.
# This page adds a system from outside, without touching the library, and runs it.

# %% tags=["parameters"]
seeds = [110]
fresh = False

# %% tags=["hide-input"]
import sys

from IPython.display import Markdown

from asdbook import experiment, systems
from asdbook.publish.pages import find_book
from asdbook.report import results, show

folder = find_book().root / "examples/band_level"
def listing(name, language):
    text = (folder / name).read_text().strip()
    return Markdown(f"`examples/band_level/{name}`\n\n```{language}\n{text}\n```")

lines = (folder / "band_level.py").read_text().splitlines()
show.numbers(lines=len(lines), filled=sum(bool(line.strip()) for line in lines))

# %% [markdown]
# ## The code
#
# The idea is old and simple. Take the mean level of each mel band of a clip.
# Fit a Gaussian to these levels over the normal clips of a machine.
# A clip is as anomalous as its levels are far from that Gaussian, in the distance that the covariance defines.
# If {math}`\ell(x) \in \R^B` are the mean levels of clip $x$ in $B$ bands, and $\mu$, $\Sigma$ are mean and covariance
# over training clips, then
#
# $$
# \score(x) = \frac{1}{B}\, (\ell(x) - \mu)^\top \Sigma^{-1} (\ell(x) - \mu) .
# $$ (extending-score)
#
# The whole file follows; it has {glue:text}`filled` lines with text.
# The page reads it from the disk, and the tests run it.

# %% tags=["hide-input"]
listing("band_level.py", "python")

# %% [markdown]
# What to notice, from top to bottom:
#
# - **The configuration** is frozen and refuses unknown keys. The text under a field is its description.
#   Each field can be set from the command line with `--set bands=32`.
# - **A variant is a method, a profile is a size.** The first variant is the default, and `tiny` is for tests.
#   No profile may change what a variant sets.
# - **What it knows** is declared in `knows` and holds: a test clip has no label, no attribute and, from 2022 on,
#   no domain. Asking for one is an `AttributeError`.
# - **`fit` gets all machines at once**, so a system may learn from one machine for another. This one goes group by group.
# - **Training scores are out of sample.** Whole recordings are held out, because clips of one recording are near copies.
#   The held-out scores set the alarm threshold.
# - **Randomness comes from the context**: `ctx.rng(purpose)` depends on the seed and the purpose, and on nothing else.
#   A system that trains a network calls `ctx.train`, which also makes checkpoints.
# - **A system may say where** a clip sounds wrong: then it has a method `maps`, and `map_grid` says in which bands and
#   frames. `asdbook score --maps` draws them. This one scores whole clips and makes no maps.
# - **`state` and `from_state`** hold what was fitted, as tensors and as what JSON can hold. No pickle.
#
# The full contract is in {py:class}`asdbook.systems.base.System` and {py:class}`asdbook.systems.base.Context`.

# %% [markdown]
# ## The registration
#
# A package that is installed beside the library is found through one entry point:

# %% tags=["hide-input"]
listing("pyproject.toml", "toml")

# %% [markdown]
# After the installation the command line knows the system like any other:
#
# ```{code-block} bash
# .venv/bin/pip install --no-deps ./examples/band_level
# .venv/bin/asdbook systems
# .venv/bin/asdbook run band_level:diagonal --profile quick
# ```
#
# This page installs nothing. It enters the class by hand, for as long as the page runs:

# %%
sys.path.insert(0, str(folder))
systems.BUILT_IN["band_level"] = "band_level:BandLevel"

# %% [markdown]
# ## The result
#
# The new system and the project's own yardstick, on the same simulated fan:

# %%
names = ("band_level:full", "band_level:diagonal", "trivial:mean")
size = {"profile": "quick", "machines": ("fan",), "threads": 1, "fresh": fresh}
seed = {"data_seed": seeds[0], "seed": seeds[0]}
runs = {name: experiment.run(name, "synthetic-2023", **size, **seed) for name in names}

# %% tags=["hide-input"]
rows = [results.from_records([run], who=name, here=True) for name, run in runs.items()]
full, diagonal = (row.cells["fan", "AUC source"].value for row in rows[:2])
show.numbers(full=(full, ".0f"), diagonal=(diagonal, ".0f"))
results.beside(
    rows, ["AUC source", "AUC target", "pAUC"], name="tab-extending",
    caption="The example beside the trivial detector: one machine, one seed, simulated "
            f"sound; with the full covariance its source AUC is {full:.0f} %")

# %% [markdown]
# {numref}`tab-extending` shows that the example works.
# On the source domain it reaches an AUC of {glue:text}`full` % with the full covariance,
# and of {glue:text}`diagonal` % where each band stands for itself.
# It is no claim: one machine and one seed decide nothing.
#
# ## The tests
#
# Nobody writes tests for what every system must do. The contract tests run over all registered systems and variants,
# and over this example:
#
# ```{code-block} bash
# .venv/bin/pytest tests/systems/test_systems_contract.py -k band_level
# ```
#
# They check, among other things, that
#
# - each clip gets one finite score, alone the same as among others, in any order, under any file name;
# - the same seed gives the same scores, bit for bit, and a saved system scores as before;
# - training scores are out of sample and cover each machine;
# - clips of another year, too short, with samples that are not numbers, or of a machine without training clips are
#   scored or refused with one clear line;
# - faults of severity zero score like normal clips: a system that hears the difference hears an artefact.
#
# ## From a system to a chapter
#
# A method from a paper becomes part of the book in four more steps. `CONTRIBUTING.md` says how.
#
# 1. The class moves to `src/asdbook/systems`, and its name to `BUILT_IN` there. Its golden outputs are written once.
# 2. The paper's tables become csv files, its claims entries of `claims.toml`, in `src/asdbook/papers`.
# 3. The experiments are listed in `book/experiments.toml`, and `make records` runs them.
# 4. The chapter is written as `book/<name>.py` and listed in `_toc.yml`.
