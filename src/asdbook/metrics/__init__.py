"""Official metrics of DCASE Task 2 per year, honest intervals, decisions and verdicts.

NumPy and SciPy only; no knowledge of models or files. Task: given test clips of machines with labels
(1 = anomaly) and scores (higher = more anomalous), compute

    evaluate             a year's official numbers with bootstrap intervals   (evaluation.py)
    auc, pauc            the two quantities they are made of                  (roc.py)
    RULES                which clips enter which number, by year              (rules.py)
    paired_difference,
    over_training_seeds,
    over_data_seeds, …   what a difference or a mean over seeds is worth      (intervals.py)
    verdict              what an interval says about a paper's claim          (verdicts.py)
    threshold, decisions,
    how_unusual          from scores to decisions and plain words             (decision.py)
"""

from asdbook.metrics.decision import (
    Confusion,
    Standing,
    Threshold,
    confusion,
    decide,
    decisions,
    false_alarms,
    how_unusual,
    standing,
    threshold,
)
from asdbook.metrics.evaluation import Cell, Evaluation, Number, evaluate, paired_difference
from asdbook.metrics.intervals import (
    Interval,
    detectable,
    holm,
    jackknife,
    multiplicities,
    over_data_seeds,
    over_training_seeds,
    paired_over_data_seeds,
    percentile_interval,
)
from asdbook.metrics.roc import auc, pauc
from asdbook.metrics.rules import RULES, Rule, aggregate, harmonic_mean, rule
from asdbook.metrics.verdicts import Evidence, Verdict, adjust, verdict

__all__ = [
    "RULES",
    "Cell",
    "Confusion",
    "Evaluation",
    "Evidence",
    "Interval",
    "Number",
    "Rule",
    "Standing",
    "Threshold",
    "Verdict",
    "adjust",
    "aggregate",
    "auc",
    "confusion",
    "decide",
    "decisions",
    "detectable",
    "evaluate",
    "false_alarms",
    "harmonic_mean",
    "holm",
    "how_unusual",
    "jackknife",
    "multiplicities",
    "over_data_seeds",
    "over_training_seeds",
    "paired_difference",
    "paired_over_data_seeds",
    "pauc",
    "percentile_interval",
    "rule",
    "standing",
    "threshold",
    "verdict",
]
