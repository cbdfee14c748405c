"""The metrics worked through by hand: ten scores, every pair, every step of the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asdbook import metrics
from asdbook.report.figures import roc_points
from asdbook.report.tables import Table, Value


@dataclass(frozen=True)
class Example:
    """A few scored clips of one machine, made up for the page.

    Attributes:
        score: higher is more anomalous.
        label: 1 = anomaly.
        domain: "source" or "target".
    """

    score: np.ndarray
    label: np.ndarray
    domain: np.ndarray

    def normals(self, domain: str | None = None) -> np.ndarray:
        """Scores of normal clips (of a domain), ascending."""
        return np.sort(self.score[(self.label == 0) & self._in(domain)])

    def anomalies(self, domain: str | None = None) -> np.ndarray:
        """Scores of anomalous clips (of a domain), ascending."""
        return np.sort(self.score[(self.label == 1) & self._in(domain)])

    def _in(self, domain: str | None) -> np.ndarray:
        return np.ones(len(self.score), bool) if domain is None else self.domain == domain

    def evaluate(self, convention: str = "official", draws: int = 2000) -> metrics.Evaluation:
        """The official numbers of 2023 for this one machine."""
        names = np.full(len(self.score), "fan", object), np.full(len(self.score), "00", object)
        return metrics.evaluate(
            2023, *names, self.label, self.score, domain=self.domain, convention=convention, draws=draws, seed=0
        )


def ten() -> Example:
    """Ten clips: three normal ones and two anomalous ones a domain; the target domain scores higher."""
    score = [0.10, 0.20, 0.45, 0.30, 0.50, 0.60, 0.40, 0.90, 0.55, 0.80]
    label = [0] * 6 + [1] * 4
    domain = ["source"] * 3 + ["target"] * 3 + ["source"] * 2 + ["target"] * 2
    return Example(np.array(score), np.array(label), np.array(domain, dtype=object))


def pairs(normals: Sequence[float], anomalies: Sequence[float], **options: str) -> Table:
    """Every normal clip against every anomalous one: 1 where the anomaly scores higher, 1/2 for a tie."""
    rows = []
    for normal in normals:
        wins = [1.0 if anomaly > normal else 0.5 if anomaly == normal else 0.0 for anomaly in anomalies]
        rows.append([f"normal {normal:g}", *(f"{win:g}" for win in wins), Value(sum(wins), digits=1)])
    columns = ["", *(f"anomaly {anomaly:g}" for anomaly in anomalies), "won"]
    return Table(columns, rows, **options)


def share_won(normals: Sequence[float], anomalies: Sequence[float]) -> float:
    """Won pairs over all pairs, counted one by one: the AUC by its definition."""
    wins = [1.0 if a > n else 0.5 if a == n else 0.0 for n in normals for a in anomalies]
    return sum(wins) / len(wins)


def steps(example: Example, **options: str) -> Table:
    """The ROC curve as a walk down the scores: what a threshold just below each score would do."""
    fpr, tpr = roc_points(example.label, example.score)
    levels = np.unique(example.score)[::-1]
    rows = [["above all scores", "", Value(0.0, digits=2), Value(0.0, digits=2)]]
    for level, x, y in zip(levels, fpr[1:], tpr[1:]):
        kinds = ["anomaly" if label else "normal" for label in example.label[example.score == level]]
        rows.append([f"below {level:g}", " and ".join(kinds), Value(float(x), digits=2), Value(float(y), digits=2)])
    columns = ["threshold", "clip that is added", "false-alarm rate", "detection rate"]
    return Table(columns, rows, **options)


def percent(number: metrics.Number) -> Value:
    """A number of an evaluation in percent, with its interval or its reason."""
    value, low, high = (None if v is None else 100 * v for v in (number.value, number.low, number.high))
    return Value(value, low, high, reason=number.reason or "")


def conventions(example: Example, **options: str) -> Table:
    """The two readings of "AUC of a domain", side by side, in percent with bootstrap intervals."""
    read = {"official": "official: anomalies of both domains", "same_domain": "anomalies of the same domain"}
    rows = []
    for convention, says in read.items():
        evaluation = example.evaluate(convention)
        numbers = [*evaluation.columns.values(), evaluation.score]
        rows.append([says, *(percent(number) for number in numbers)])
    names = [*example.evaluate(draws=0).columns, "Omega"]
    return Table(["convention", *(f"{name} (%)" for name in names)], rows, **options)
