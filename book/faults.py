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
# # When something goes wrong
#
# Processes are killed, disks fill up, files get damaged, and two people start the same run.
# `.ci/faults` does {glue:text}`faults-drills` such things to small runs of real processes.
# After each it runs the same command again and compares the scores with those of an undisturbed run.
#
# - All scores were the same, bit for bit.
# - Every message was one line that says what to do.
# - No half-written set, checkpoint or record was taken for a whole one.
# - Recordings and finished results were as before.
#
# A drill fails unless all of this holds, and the tests repeat the drills.
#
# {numref}`tab-faults` says what was done and what was seen.
# The last column is the time of the run that gave the scores, without the start of Python.
# These runs are tiny. In a large one the same is lost:
# at most the part that was being written (a set that was being decoded or generated starts again from its first
# clip), and in training the time since the last checkpoint,
# which is {glue:text}`faults-seconds` seconds plus one epoch at most.
# A damaged file of the cache costs what it held.

# %% tags=["hide-input"]
from asdbook.experiment.runner import CHECKPOINT_SECONDS
from asdbook.report import faults, show

drills = faults.drills()
show.numbers(**{"faults-drills": len(drills),
                "faults-seconds": int(CHECKPOINT_SECONDS)})
faults.table(drills, name="tab-faults", caption="What was done to runs, what their "
             "user saw, and what was lost")

# %% [markdown]
# Three habits of the library are behind the table.
# A file is written under a temporary name and renamed when it is whole.
# Everything random depends on the seed, a purpose and the epoch alone, so a resumed training needs no generator state.
# And stored files carry checksums: a damaged network or checkpoint is left aside and made again,
# a damaged set or record is refused with a remedy.
#
# One damage is not noticed: a changed sound file of the cache whose size and time of change are as before.
# The sound is large, and is compared with its checksum only where its time differs.
