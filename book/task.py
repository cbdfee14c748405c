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
# # The task
#
# A machine runs day and night, and a microphone listens.
# One day the machine sounds different.
# The task is to notice.
#
# The difficulty is what we may learn from.
# Faults are rare and each is different, so recordings of faults are missing.
# A system learns from *normal* recordings alone, and must give every new recording a number, its **anomaly score**.
# A higher score means "more anomalous".
# This is *anomalous sound detection*, and it is Task 2 of the yearly DCASE challenge {cite:p}`koizumi2020dcase`.
#
# This page says which data sets exist, lets you hear the built-in machines that this book runs on,
# and works through the official metrics on ten scores.
# Some words that the whole book uses:
#
# - A **clip** is one recording of some seconds. A **machine type** is for example *fan*.
# - **Training clips** are normal. **Test clips** are normal or anomalous, and nobody tells the system which.
# - A **label** is that secret. It is used for one purpose: to measure how good the scores are.

# %% tags=["parameters"]
preset = "synthetic-2023"
data_seed = 110

# %% tags=["hide-input"]
import time
from dataclasses import replace

import numpy as np

from asdbook import metrics, simulate
from asdbook.data.years import YEARS
from asdbook.experiment import provenance as origin
from asdbook.report import (
    checks, figures, listening, provenance, sets, show, tables, worked)

started = time.time()

# %% [markdown]
# ## Five years of data sets
#
# Each year of the challenge asked a harder question.
#
# - **2020.** Several machines of one type, each with an ID. The ID of a test clip is known {cite:p}`koizumi2020dcase`.
# - **2021 and 2022.** *Domain shift*: the machine runs at another speed, in another place, in other noise.
#   Nearly all training clips come from the *source* domain, a handful from the *target* domain
#   {cite:p}`kawaguchi2021dcase,dohi2022dcase`.
#   From 2022 on the domain of a test clip is not told.
# - **2023.** *First shot*: one section a machine type, and new machine types in the evaluation
#   {cite:p}`dohi2023dcase`. Nobody can tune a system to a machine type.
# - **2024.** The settings of some machine types, their **attributes**, are no longer told {cite:p}`nishida2024dcase`.
#
# {numref}`tab-years` is read from the library's own year table, which also decides what a system may see.
# Test clips have no label, attribute or (from 2022 on) domain at all in this library: a system that asks for one stops
# with an error.

# %% tags=["hide-input"]
years = [y for y in YEARS.values() if 2020 <= y.year <= 2024]
rows = [[str(y.year), ", ".join(y.development), y.unit, ", ".join(y.test_fields),
         ", ".join(y.hidden) or "none"] for y in years]
told = [str(y.year) for y in years if "domain" in y.test_fields]
tables.Table(
    ["year", "machine types (development)", "unit", "known of a test clip",
     "attributes hidden"], rows, name="tab-years",
    caption="What each year's data hold, and what a system may know at test time: the "
            f"domain is told in {', '.join(told)} alone")

# %% [markdown]
# The recordings of these years may not be shipped with a book: their licences forbid commercial use or ask for the same
# licence again.
# You can download them and run every chapter on them; see [](running.md).
# Everything that runs on this page runs on sound that we make ourselves.

# %% [markdown]
# ## The built-in machines
#
# The library holds a simulator of machines.
# It builds each sound from physics: shafts and their orders, gears, bearings, flow noise, impacts that ring through
# a casing, a room, a microphone, and the noise of a factory around it.
# There are {glue:text}`sets` sets, laid out like the data of {glue:text}`years`, with the same machine types,
# file names and domains or IDs.
# How many clips there are, and how long, is up to the profile. {numref}`tab-sets-built` sets them side by side.
#
# Why simulate?
# Because then **we know the truth**: which fault a clip has, how severe it is, where it sits in time and frequency.
# No real data set tells that.
# And because a reader without any download can run everything.
#
# What simulated machines cannot do is replace recordings.
# A method that works on them works on our idea of a machine.
# So every number in this book carries a badge that names its data,
# and no difference is ever taken between numbers from different data.
# One more caution: the strength of the faults was set on data seeds 100 to 104, on which the checks below also run and
# no system is compared, so that the trivial detector scores roughly as it does on real recordings.
# The *level* of a score on the built-in machines is therefore no finding; differences between systems are.

# %% tags=["hide-input"]
facts = simulate.describe(preset)
severity = simulate.assign.SEVERITY
whole = {name: simulate.describe(name) for name in simulate.PRESETS}
kinds = {machine for several in whole.values() for machine in several}
show.numbers(
    preset=preset, machines=len(facts),
    faults=sum(len(f["faults"]) for f in facts.values()),
    candidates=listening.CANDIDATES, mildest=severity[0], sets=len(whole),
    worst_severity=(severity[1], "g"), kinds=len(kinds),
    years=", ".join(str(p.year) for p in simulate.PRESETS.values()))
sets.overview(
    name="tab-sets-built",
    caption=f"The built-in sets: {len(whole)} sets, {len(kinds)} machine types in all")

# %% [markdown]
# In the set of 2024 the names of some machines hide their settings; the sound still has them, and the truth is kept
# aside. Its additional machines come with training clips alone: they may help a system to learn, and nobody tests them.
# It is drawn anew, not 2023 with names removed.
#
# The next table lists what the settings of each machine change, one tab a set.

# %% tags=["hide-input"]
show.Tabs({name: [sets.machines(name)] for name in simulate.PRESETS})

# %% [markdown]
# ### Premises, and their switches
#
# A method leans on something in the data: on settings that change the sound, on machines that differ, on words.
# {numref}`tab-premises` lists what the built-in machines offer.
# Each premise can be switched off.
# An effect that stays when its premise is off is not what its paper says it is.

# %% tags=["hide-input"]
offered = {premise for p in simulate.PRESETS.values() for premise in p.premises}
sets.premises(
    name="tab-premises",
    caption=f"{len(offered)} premises that a method may lean on; each has a switch")

# %% [markdown]
# ### Hear them
#
# We play {glue:text}`preset`: {glue:text}`machines` machines with {glue:text}`faults` faults.
# Two machine types that only the set of 2020 has follow.
# Below you hear each of them: first a healthy machine in its factory, then *the same clip with the fault*.
# The two have the same speed, the same noise and the same place; only the fault differs.
# So what you hear change is the fault.
# Both sounds play at the same gain.
# Under the two spectrograms (time to the right, frequency upwards, level as brightness) a third map shows
# the difference. Red means that the fault adds level there, blue that it takes some away.
# A frame shows where a fault sits, unless it sits nearly everywhere.
#
# Here faults are at full severity, and we play the least noisy of {glue:text}`candidates` clips.
# In the test sets severity lies between {glue:text}`mildest` and {glue:text}`worst_severity`,
# and the noise is often louder than the machine.
#
# #### Fan

# %% tags=["hide-input"]
heard = {}


def hear(machine, among=preset):
    if machine not in whole[among]:
        return show.Prose(f"{among} has no {machine}.")
    heard[machine] = listening.faults(among, machine, data_seed=data_seed)
    return listening.tabs(heard[machine])


hear("fan")

# %% [markdown]
# #### Gearbox

# %% tags=["hide-input"]
hear("gearbox")

# %% [markdown]
# #### Bearing

# %% tags=["hide-input"]
hear("bearing")

# %% [markdown]
# #### Slide rail

# %% tags=["hide-input"]
hear("slider")

# %% [markdown]
# #### Valve

# %% tags=["hide-input"]
hear("valve")

# %% [markdown]
# #### Toy car

# %% tags=["hide-input"]
hear("ToyCar")

# %% [markdown]
# #### Toy train

# %% tags=["hide-input"]
hear("ToyTrain")

# %% [markdown]
# #### Pump

# %% tags=["hide-input"]
hear("pump", "synthetic-2020")

# %% [markdown]
# #### Toy conveyor

# %% tags=["hide-input"]
hear("ToyConveyor", "synthetic-2020")

# %% [markdown]
# ### Which faults change the sound most
#
# {numref}`fig-excess` ranks the faults by how much they change the spectrogram where they sit (dots).
# Look at the lower end: those faults change levels little even where they sit.
# The hollow diamonds say how much the *mean spectrum* of the clip changes.
# A detector that averages over time can see nothing else.

# %% tags=["hide-input"]
hearings = [one for group in heard.values() for one in group.values()]
order = sorted(hearings, key=lambda one: -one.excess())
dots = [figures.Dot(f"{one.machine}, {one.fault}", one.excess(),
                    group="where the fault sits", other=one.mean_change())
        for one in order]
top, last = order[0], order[-1]
show.numbers(weakest=f"{last.machine} {last.fault}", weakest_db=(last.excess(), ".1f"),
             strongest=f"{top.machine} {top.fault}", strongest_db=(top.excess(), ".1f"))
mean = sorted(one.mean_change() for one in order)
show.numbers(mean_low=(mean[0], ".1f"), mean_high=(mean[-1], ".1f"))

# %% tags=["hide-input"]
figures.intervals(
    dots, unit="change of level (dB)", other="in the mean spectrum").named(
    "fig-excess", f"The {top.machine}'s {top.fault} changes its place in the "
    f"spectrogram most, the {last.machine}'s {last.fault} least. The mean spectrum "
    f"changes by {mean[0]:.1f} to {mean[-1]:.1f} dB (full severity, one clip each).")

# %% [markdown]
# The largest change is that of the {glue:text}`strongest`, with {glue:text}`strongest_db` dB,
# the smallest that of the {glue:text}`weakest`, with {glue:text}`weakest_db` dB.
# In the mean spectrum the changes lie between {glue:text}`mean_low` and {glue:text}`mean_high` dB:
# an event that is short or narrow all but disappears there.
#
# ### Does the simulator deserve trust?
#
# A simulator can cheat without anyone noticing: by loudness, by file order, by a noise that only faulty clips have.
# So we test it like a measuring instrument.
# Each check is a number with an interval over several data seeds, and a band that was fixed beforehand.
# A check *passes* when the whole interval lies inside the band and *fails* when the whole interval lies outside;
# otherwise it stays *undecided*.

# %% tags=["hide-input"]
found = checks.load()
words = {"checked": "", "passed": "pass", "failed": "fail", "open": "undecided"}
totals = {key: checks.total(found, verdict) for key, verdict in words.items()}
show.numbers(**totals)
checks.counts(
    found, name="tab-checks", caption=f"Checks of the built-in machines by set: "
    f"{totals['passed']} of {totals['checked']} pass, {totals['failed']} fail")

# %% tags=["hide-input"]
show.Tabs({name: [several.table()] for name, several in found.items()})

# %% [markdown]
# Checks in {numref}`tab-checks`: {glue:text}`checked`; the tabs below it show each of them.
# Passed: {glue:text}`passed`. Failed: {glue:text}`failed`. Undecided: {glue:text}`open`.
# A failed check is a known limit of the built-in machines, and results that lean on it deserve less trust.

# %% [markdown]
# ## The metrics, on ten scores
#
# How good is a list of scores?
# We work the official metrics through on ten made-up clips of one machine.
# {numref}`fig-ten` shows them. In the target domain the normal clips score higher:
# that is what domain shift does to most systems.

# %% tags=["hide-input"]
ten = worked.ten()
figures.ten_scores(ten.label, ten.score, ten.domain).named(
    "fig-ten", f"Ten scores: {len(ten.normals())} normal clips (dots) and "
    f"{len(ten.anomalies())} anomalous ones (crosses). Most anomalies score higher, "
    "but not all.")

# %% [markdown]
# ### Step 1: compare pairs
#
# Take one normal and one anomalous clip.
# The system is right about this pair when the anomaly scores higher. A tie counts one half.
# The **AUC** is the share of pairs that it gets right:
#
# $$
# \AUC = \frac{1}{N^- N^+} \sum_{i=1}^{N^-} \sum_{j=1}^{N^+}
# \left( \mathbb{1}\left[\score(x^+_j) > \score(x^-_i)\right]
# + \tfrac12\, \mathbb{1}\left[\score(x^+_j) = \score(x^-_i)\right] \right)
# $$ (task-auc)
#
# where $N^-$ and $N^+$ are the numbers of normal and anomalous clips.
# {numref}`tab-pairs` lists every pair of our ten clips. Count the ones.

# %% tags=["hide-input"]
won = worked.share_won(ten.normals(), ten.anomalies())
all_pairs = len(ten.normals()) * len(ten.anomalies())
show.numbers(won=(won * all_pairs, "g"), pairs=all_pairs, auc=(won, ".4f"))
worked.pairs(ten.normals(), ten.anomalies(), name="tab-pairs",
             caption=f"Every normal clip against every anomalous one: {won:.0%} won")

# %% [markdown]
# Right pairs: {glue:text}`won` of {glue:text}`pairs`, so the AUC is {glue:text}`auc`.
# Guessing gives one half. The library counts the same way, only faster:

# %%
float(metrics.auc(ten.label, ten.score))

# %%
show.source(metrics.auc)

# %% [markdown]
# ### Step 2: the ROC curve
#
# The same number has a picture.
# Move a threshold down through the scores.
# Each time it passes an anomaly, one more anomaly is detected, and the curve goes up.
# Each time it passes a normal clip, there is one more false alarm, and the curve goes right.
# {numref}`tab-steps` lists the walk, {numref}`fig-roc` draws it. The area below the curve is the AUC.

# %% tags=["hide-input"]
worked.steps(ten, name="tab-steps", caption="Walking down the scores")

# %% tags=["hide-input"]
figures.roc(ten.label, ten.score).named(
    "fig-roc", f"The ROC curve of the ten scores has the area {won:.3f}. The shaded "
    "strip is what the partial AUC looks at.")

# %% [markdown]
# ### Step 3: only few false alarms are bearable
#
# An engineer who is called at night for nothing switches the system off.
# So the challenge also looks at the left edge of the curve alone, up to a false-alarm rate of $p = 0.1$.
# With $A(p)$ the area of that strip, the official **pAUC** is scaled such that guessing gives one half again
# (McClish's standardisation):
#
# $$
# \pAUC = \frac12 \left( 1 + \frac{A(p) - p^2/2}{p - p^2/2} \right)
# $$ (task-pauc)

# %%
p = metrics.roc.MAX_FPR
fpr, tpr = figures.roc_points(ten.label, ten.score)
top = tpr[fpr == 0].max()       # detection rate before the first false alarm
area = p * top                  # the curve is flat up to p: one of six is more than p
by_hand = float(0.5 * (1 + (area - p**2 / 2) / (p - p**2 / 2)))
by_hand, float(metrics.pauc(ten.label, ten.score))

# %% tags=["hide-input"]
worst = metrics.pauc(np.array([0, 1]), np.array([1.0, 0.0]))
printed = metrics.pauc(ten.label, ten.score, literal=True)
show.numbers(p=(p, "g"), pauc=(by_hand, ".4f"), strip=(area, "g"), worst=(worst, ".4f"),
             literal="undefined" if np.isnan(printed) else "defined")

# %% [markdown]
# The strip has the area {glue:text}`strip`, so the pAUC is {glue:text}`pauc`, by hand and in the library.
#
# Two things to know when you read a table.
# The worst possible pAUC is not zero but {glue:text}`worst`; a value just below one half is already bad.
# And the formula that the challenge papers print is another one.
# It looks at the highest-scoring $\lfloor p N^- \rfloor$ normal clips alone.
# With our six normal clips that is none of them, and the printed formula is {glue:text}`literal`.
# All published numbers that we checked follow the official code, which is {eq}`task-pauc`.
#
# ### Step 4: two domains
#
# From 2022 on there is an AUC for each domain, and its definition surprises many readers.
# **The source AUC compares the normal clips of the source domain with the anomalies of _both_ domains.**
# The target AUC compares the normal clips of the target domain with the same anomalies.

# %% tags=["hide-input"]
worked.pairs(ten.normals("source"), ten.anomalies(), name="tab-source",
             caption="Source AUC: normal source clips against all anomalies")

# %% tags=["hide-input"]
worked.pairs(ten.normals("target"), ten.anomalies(), name="tab-target",
             caption="Target AUC: normal target clips against all anomalies")

# %% [markdown]
# Why like this?
# A system has one threshold for both domains, because nobody tells it the domain of a clip.
# If all target scores are higher, a threshold that catches the source anomalies rings for every normal target clip.
# Comparing within each domain would hide that.
# The official rule shows it: domain shift *raises* the source AUC and *lowers* the target AUC.
# So a high source AUC alone proves nothing.
# {numref}`tab-conventions` sets both readings side by side. Some published code uses the second one,
# and papers rarely say which they used; from 2022 on our records hold both.

# %% tags=["hide-input"]
worked.conventions(
    ten, name="tab-conventions",
    caption="The same ten scores under the two readings of “AUC of a domain”")

# %% [markdown]
# ### Step 5: one number
#
# The official score $\Omega$ is the harmonic mean of all these numbers, over all machines:
#
# $$
# \Omega = \hmean_{m,\, s} \left\{ \AUC_{m,s,\text{source}},\ \AUC_{m,s,\text{target}},\ \pAUC_{m,s} \right\}
# $$ (task-omega)
#
# The harmonic mean leans towards the smallest value: one bad machine cannot be bought back by two good ones.

# %%
values = np.array([number.value for number in ten.evaluate().columns.values()])
harmonic, arithmetic = float(metrics.harmonic_mean(values)), float(values.mean())
show.numbers(omega=(harmonic, ".4f"), mean=(arithmetic, ".4f"),
             test_clips=sets.machine_span(preset, "paper", "test"))
values.round(4), round(harmonic, 4), round(arithmetic, 4)

# %% [markdown]
# Here $\Omega$ is {glue:text}`omega`, and the plain mean would be {glue:text}`mean`.
#
# ### Step 6: how sure are we?
#
# Ten clips prove little. With other clips of the same machine the numbers would differ.
# We draw the clips again and again with replacement, compute the score each time,
# and keep the middle 95 % (a *bootstrap*; clips cut from one recording stay together).
# The small numbers in {numref}`tab-conventions` are these intervals, and they are wide.
# A real test set has {glue:text}`test_clips` clips a machine, and its intervals are still several points wide.
# That is why the tables of results in this book carry them.
#
# ### Step 7: from a score to an alarm
#
# A score becomes a decision through a threshold.
# The official rule fits a gamma distribution to scores of normal training clips and takes its 90 % quantile.
# The fit must use clips that the system did not train on; otherwise it has seen them and scores them too low.
# Nothing in the official score depends on this threshold, but an engineer does.

# %%
held_out = np.random.default_rng(data_seed).gamma(4.0, 0.07, size=40)   # made-up scores
limit = metrics.threshold(held_out, quantile=0.9)
alarm = metrics.decide(ten.score, limit)
rates = metrics.false_alarms(ten.label, alarm, ten.domain)
rates

# %% tags=["hide-input"]
show.numbers(limit=(limit.value, ".3f"), caught=int(alarm[ten.label == 1].sum()),
             anomalies=int(ten.label.sum()), source_rate=(rates["source"], ".0%"),
             target_rate=(rates["target"], ".0%"))

# %% [markdown]
# The threshold is {glue:text}`limit`.
# It catches {glue:text}`caught` of {glue:text}`anomalies` anomalies.
# The price differs: false alarms for {glue:text}`source_rate` of the normal source clips and
# {glue:text}`target_rate` of the normal target clips, *at one threshold*.
# This is domain shift as the person on call feels it.

# %% [markdown]
# ## Try it
#
# Guess first, then unfold the answer. The answers are computed when this page is built.
#
# **1.** All ten clips get the same score. What are AUC and pAUC?

# %% tags=["hide-cell"]
equal = np.full(len(ten.score), 0.5)
# every pair is a tie: chance
float(metrics.auc(ten.label, equal)), float(metrics.pauc(ten.label, equal))

# %% [markdown]
# **2.** A friend subtracts 0.2 from every target score. What happens to the source AUC, the target AUC and $\Omega$?

# %% tags=["hide-cell"]
lowered = np.where(ten.domain == "target", ten.score - 0.2, ten.score)
shifted = replace(ten, score=lowered).evaluate(draws=0).columns
before = ten.evaluate(draws=0).columns
{name: (round(before[name].value, 3), round(shifted[name].value, 3)) for name in before}

# %% [markdown]
# **3.** You square every score. Which of the numbers above change?

# %% tags=["hide-cell"]
squared = replace(ten, score=ten.score**2)
# only the order of scores counts
squared.evaluate(draws=0).score.value == ten.evaluate(draws=0).score.value

# %% [markdown]
# ## Provenance

# %% tags=["hide-input"]
provenance.of_page({
    "built-in machines": f"{preset}, simulator version {simulate.VERSION}, "
                         f"data seed {data_seed}",
    "commit": tables.code(origin.commit()), "device": origin.processor(),
    "wall time": provenance.seconds_text(time.time() - started),
    "peak memory": f"{origin.peak_memory_mb():.0f} MB",
})
