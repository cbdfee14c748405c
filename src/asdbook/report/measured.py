"""The papers' mechanisms: for each the number that we let stand for it, measured on records run by run.

A mechanism says *why* a method works. No score decides it, so each gets a measure here, named before it was run:
`papers.claims` says in words what is compared (`metric`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report import embeddings, verdicts


@dataclass(frozen=True)
class Measure:
    """What stands for a mechanism.

    Attributes:
        systems: one ("system:variant"), or two whose difference counts.
        name: of the number, as it stands beside its value.
        value: one run's number in points, from what `read` finds. Positive favours the claim, or of two systems the
            larger number.
        read: what a run keeps of it; None where it keeps nothing. By default the vectors of one machine.
    """

    systems: tuple[str, ...]
    name: str
    value: Callable[[Any], float]
    read: Callable[[Stored], Any] = embeddings.of


def gain_over_norm(vectors: embeddings.Vectors) -> float:
    """AUC of the reconstruction error minus AUC of the length of the embedding, in points."""
    return embeddings.error_auc(vectors) - embeddings.norm_auc(vectors)


MEASURES: Mapping[str, Measure] = {
    "ssdm-C7": Measure(
        ("ssdm:ss-knn", "ssdm:no-gate-knn"), "AUC of nearest neighbours on slider, with gates − without",
        embeddings.neighbour_auc,
    ),
    "ssdm-C8": Measure(("ssdm:literal",), "slider: AUC of the error − AUC of the norm of z", gain_over_norm),
}  # fmt: skip
"""Claim to its measure."""


def interval(measure: Measure, groups: Sequence[Sequence[Stored]]) -> metrics.Interval | None:
    """The measure over data sets drawn anew (trainings on one data set are averaged); None where nothing ran.

    Args:
        measure: what to measure.
        groups: runs of each of its systems.
    """
    runs = [(stored,) for stored in groups[0]] if len(groups) == 1 else verdicts.paired_seeds(*groups)
    by_data: dict[object, list[float]] = {}
    for run in runs:
        values = [one(measure, stored) for stored in run]
        if None not in values:
            data = run[0].record.data
            gap = values[0] - (values[1] if len(values) > 1 else 0.0)  # type: ignore[operator]
            by_data.setdefault((data.seed, data.fingerprint), []).append(gap)
    return metrics.over_data_seeds([float(np.mean(gaps)) for gaps in by_data.values()]) if by_data else None


def one(measure: Measure, stored: Stored) -> float | None:
    """The number of one run."""
    found = measure.read(stored)
    return None if found is None else measure.value(found)
