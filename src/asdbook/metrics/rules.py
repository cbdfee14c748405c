"""Which clips enter which number, year by year: a table, not code.

Source: the official baselines and evaluators of DCASE Task 2, 2020 to 2024 (2025: the same baseline code; its
evaluator could not be read). Two domain conventions exist from 2022 on, and papers rarely say which they use:

    official      AUC of a domain: its normal clips against the anomalous clips of *both* domains
    same_domain   AUC of a domain: its normal clips against the anomalous clips of that domain

The pAUC is over all clips of the section in both. In 2021 the official rule is already within the domain, and
2020 has no domains, so these years know `official` only.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asdbook.errors import BadInput, UnknownName

Convention = Literal["official", "same_domain"]
CONVENTIONS: tuple[str, ...] = ("official", "same_domain")
FLOOR = sys.float_info.epsilon
"""Values are clipped below by this before a harmonic mean, as the evaluators do (2.22e-16)."""


@dataclass(frozen=True)
class Quantity:
    """One number of a unit: AUC or pAUC of some normal clips against some anomalous clips.

    Attributes:
        name: column name in tables.
        kind: "auc" or "pauc".
        normals: domain of the normal clips, or None for all clips of the unit.
        anomalies: the same for the anomalous clips.
    """

    name: str
    kind: Literal["auc", "pauc"]
    normals: str | None = None
    anomalies: str | None = None

    def mask(self, label: np.ndarray, domain: np.ndarray | None) -> np.ndarray:
        """Which clips of a unit enter, shape (clips,). `domain` may be None if no domain is asked for."""
        keep = np.ones(label.shape, bool)
        if self.normals is not None:
            keep &= (label == 1) | (domain == self.normals)
        if self.anomalies is not None:
            keep &= (label == 0) | (domain == self.anomalies)
        return keep


@dataclass(frozen=True)
class Rule:
    """How a year is scored.

    Attributes:
        unit: what a machine is divided into, "id" or "section".
        domains: whether clips have a domain.
        quantities: numbers computed for each unit; each is a column of the year's tables.
        score_name: name of the year's score.
        score_quantities: names of the quantities that enter it.
        mean: "harmonic" over all values at once, or "arithmetic" over units and then over machines.
        informational: numbers the official tables also print and the score ignores.
    """

    unit: Literal["id", "section"]
    domains: bool
    quantities: tuple[Quantity, ...]
    score_name: str
    score_quantities: tuple[str, ...]
    mean: Literal["harmonic", "arithmetic"]
    informational: tuple[Quantity, ...] = ()


_WITHIN = (
    Quantity("AUC source", "auc", "source", "source"),
    Quantity("AUC target", "auc", "target", "target"),
)
_PAUC_WITHIN = (
    Quantity("pAUC source", "pauc", "source", "source"),
    Quantity("pAUC target", "pauc", "target", "target"),
)
_AGAINST_ALL = (
    Quantity("AUC source", "auc", "source", None),
    Quantity("AUC target", "auc", "target", None),
)
_OMEGA = ("AUC source", "AUC target", "pAUC")

_IDS = Rule(
    # the 2020 evaluator prints no single number; papers average over IDs, then over machines
    unit="id",
    domains=False,
    quantities=(Quantity("AUC", "auc"), Quantity("pAUC", "pauc")),
    score_name="mean AUC",
    score_quantities=("AUC",),
    mean="arithmetic",
)
_SECTIONS_2021 = Rule(
    unit="section",
    domains=True,
    quantities=_WITHIN + _PAUC_WITHIN,
    score_name="Omega",
    score_quantities=("AUC source", "AUC target", "pAUC source", "pAUC target"),
    mean="harmonic",
)
_SECTIONS = Rule(
    unit="section",
    domains=True,
    quantities=(*_AGAINST_ALL, Quantity("pAUC", "pauc")),
    score_name="Omega",
    score_quantities=_OMEGA,
    mean="harmonic",
    informational=_PAUC_WITHIN,
)
_SECTIONS_WITHIN = Rule(
    unit="section",
    domains=True,
    quantities=(*_WITHIN, Quantity("pAUC", "pauc")),
    score_name="Omega",
    score_quantities=_OMEGA,
    mean="harmonic",
    informational=_PAUC_WITHIN,
)

RULES: dict[int, dict[str, Rule]] = {
    2020: {"official": _IDS},
    2021: {"official": _SECTIONS_2021},
    2022: {"official": _SECTIONS, "same_domain": _SECTIONS_WITHIN},
    2023: {"official": _SECTIONS, "same_domain": _SECTIONS_WITHIN},
    2024: {"official": _SECTIONS, "same_domain": _SECTIONS_WITHIN},
    2025: {"official": _SECTIONS, "same_domain": _SECTIONS_WITHIN},
}


def rule(year: int, convention: str = "official") -> Rule:
    """The rule of a year; `UnknownName` for an unknown year or convention, `BadInput` for one it lacks."""
    if year not in RULES:
        raise UnknownName("year", str(year), map(str, RULES))
    if convention not in CONVENTIONS:
        raise UnknownName("convention", convention, CONVENTIONS)
    if convention not in RULES[year]:
        raise BadInput(f"year {year} has one domain convention only; use 'official', not {convention!r}")
    return RULES[year][convention]


def harmonic_mean(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Harmonic mean along `axis`, after clipping values below by `FLOOR`; NaN where a value is NaN."""
    values = np.maximum(np.asarray(values, dtype=np.float64), FLOOR)  # np.maximum keeps NaN
    return values.shape[axis] / np.sum(1.0 / values, axis=axis)


def aggregate(values: np.ndarray, machine: np.ndarray, mean: str) -> np.ndarray:
    """A year's mean over cells, e.g. Omega over all, or a column over machines and units.

    Args:
        values: shape (cells,) or (cells, draws); a NaN makes the result NaN.
        machine: machine of each cell, shape (cells,).
        mean: "harmonic" (over all cells at once, 2021 on) or "arithmetic" (over a machine's cells, then over
            machines, 2020).

    Returns:
        shape () or (draws,).
    """
    if mean == "harmonic":
        return harmonic_mean(values, axis=0)
    per_machine = [np.mean(values[machine == name], axis=0) for name in dict.fromkeys(machine.tolist())]
    return np.mean(per_machine, axis=0)
