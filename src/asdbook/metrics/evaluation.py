"""One call from scores to a year's official numbers with intervals.

`evaluate` checks its input, computes each cell (a quantity of a machine's ID or section) and each mean of the
year's rule, and resamples recordings for the intervals. A value that is not defined (no anomalous clip, say)
is missing with its reason, and so is every mean that would need it: nothing is averaged around a hole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from asdbook.errors import BadInput
from asdbook.metrics.intervals import DRAWS, Interval, multiplicities, paired, percentile_interval
from asdbook.metrics.roc import auc, pauc, validate
from asdbook.metrics.rules import Quantity, Rule, aggregate, rule

_BLOCK = 500  # resamples at a time: 200 clips are then 0.8 MB of float64, which stays in cache


@dataclass(frozen=True)
class Number:
    """A value with its interval, or the reason why there is none.

    Attributes:
        value: None where it is not defined; then `reason` says why.
        low, high: 95 % percentile interval; None where it was not computed.
        reason: one line, or None.
        draws: resampled values, shape (draws,), or None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    draws: np.ndarray | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "low": self.low, "high": self.high, "reason": self.reason}


@dataclass(frozen=True)
class Cell:
    """One quantity of one unit of one machine, with the numbers of clips that entered."""

    machine: str
    unit: str
    quantity: str
    number: Number
    normals: int
    anomalies: int

    def as_dict(self) -> dict[str, Any]:
        row: dict[str, Any] = {"unit": self.unit, "quantity": self.quantity}
        return row | self.number.as_dict() | {"normals": self.normals, "anomalies": self.anomalies}


@dataclass(frozen=True)
class Evaluation:
    """A year's numbers for one run.

    Attributes:
        year, convention, score_name: what was computed.
        score: the year's score (Omega; 2020: mean AUC).
        columns: each quantity's mean over machines by the year's rule.
        machines: each machine's score.
        cells: all cells in order of machine, unit, quantity.
        informational: cells that official tables also print and the score ignores (no interval).
        design: digest of clips, labels, strata, recordings, number of draws and seed. Two evaluations with
            equal design were resampled alike and may be compared pairwise.
    """

    year: int
    convention: str
    score_name: str
    score: Number
    columns: dict[str, Number]
    machines: dict[str, Number]
    cells: tuple[Cell, ...]
    informational: tuple[Cell, ...]
    design: str

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for `record.json`; undefined values are None with a reason, never 0.5."""
        return {
            "convention": self.convention,
            "year": self.year,
            "score": {"name": self.score_name} | self.score.as_dict(),
            "columns": {name: number.as_dict() for name, number in self.columns.items()},
            "machines": [
                {
                    "machine": name,
                    "score": number.as_dict(),
                    "cells": [cell.as_dict() for cell in self.cells if cell.machine == name],
                }
                for name, number in self.machines.items()
            ],
        }


@dataclass(frozen=True)
class _Clips:
    """Checked input: one entry per clip."""

    machine: np.ndarray
    unit: np.ndarray
    label: np.ndarray
    score: np.ndarray
    domain: np.ndarray | None
    recording: np.ndarray | None


def evaluate(
    year: int,
    machine: Sequence[str] | np.ndarray,
    unit: Sequence[str] | np.ndarray,
    label: Sequence[int] | np.ndarray,
    score: Sequence[float] | np.ndarray,
    domain: Sequence[str] | np.ndarray | None = None,
    recording: Sequence[str] | np.ndarray | None = None,
    convention: str = "official",
    draws: int = DRAWS,
    seed: int = 0,
) -> Evaluation:
    """Official numbers of a year with 95 % bootstrap intervals over recordings.

    Args:
        year: 2020 to 2025; decides which clips enter which number and how they are averaged.
        machine, unit, label, score: one entry per test clip; unit is the ID (2020) or section, label 1 is an
            anomaly, a higher score is more anomalous.
        domain: "source" or "target" per clip; needed from 2021 on, ignored for 2020.
        recording: clips cut from one recording share its name (unique within machine, unit, domain and
            label); None if each clip is its own recording.
        convention: "official" or "same_domain" (see `asdbook.metrics.rules`).
        draws: resamples for the intervals; 0 computes none.
        seed: seed of the resamples.

    Raises:
        BadInput: unequal lengths, unknown labels or domains, scores that are not finite, no clips.
        UnknownName: unknown year or convention.
    """
    law = rule(year, convention)
    clips = _check(law, year, machine, unit, label, score, domain, recording)
    if draws < 0 or draws == 1:
        raise BadInput(f"draws = {draws}: give 0 for no intervals, or at least 2 (2000 are usual)")
    cells: list[Cell] = []
    informational: list[Cell] = []
    for name in sorted(set(clips.machine.tolist())):
        for part in sorted(set(clips.unit[clips.machine == name].tolist())):
            here = np.flatnonzero((clips.machine == name) & (clips.unit == part))
            cells += _unit_cells(law.quantities, clips, here, draws, seed)
            informational += _unit_cells(law.informational, clips, here, 0, seed)
    scored = [cell for cell in cells if cell.quantity in law.score_quantities]
    names = dict.fromkeys(cell.machine for cell in cells)
    return Evaluation(
        year=year,
        convention=convention,
        score_name=law.score_name,
        score=_mean(scored, law.mean),
        columns={q.name: _mean([c for c in cells if c.quantity == q.name], law.mean) for q in law.quantities},
        machines={name: _mean([c for c in scored if c.machine == name], law.mean) for name in names},
        cells=tuple(cells),
        informational=tuple(informational),
        design=_design(clips, draws, seed),
    )


def paired_difference(a: Evaluation | Sequence[Evaluation], b: Evaluation | Sequence[Evaluation]) -> Interval:
    """Score of a minus score of b on the same clips and resamples, over one or several paired training seeds.

    Raises:
        BadInput: other clips, draws or seeds on the two sides, another convention, or a missing score.
    """
    left = [a] if isinstance(a, Evaluation) else list(a)
    right = [b] if isinstance(b, Evaluation) else list(b)
    both = left + right
    if not left or len(left) != len(right):
        raise BadInput(f"{len(left)} runs against {len(right)}; give the same seeds on both")
    if len({(e.year, e.convention, e.design) for e in both}) > 1:
        raise BadInput("paired difference: the runs differ in clips, year, convention, or draws")
    for one in both:
        if one.score.value is None or one.score.draws is None:
            raise BadInput(f"paired difference: a score has no resamples ({one.score.reason or 'draws = 0'})")
    values = [np.array([e.score.value for e in side], dtype=np.float64) for side in (left, right)]
    draws = [np.array([e.score.draws for e in side], dtype=np.float64) for side in (left, right)]
    return paired(values[0], values[1], draws[0], draws[1])


def _unit_cells(
    quantities: Sequence[Quantity], clips: _Clips, here: np.ndarray, draws: int, seed: int
) -> list[Cell]:
    """All quantities of one unit; `here` are its clips' positions."""
    label, score = clips.label[here], clips.score[here]
    domain = None if clips.domain is None else clips.domain[here]
    machine, unit = str(clips.machine[here[0]]), str(clips.unit[here[0]])
    recording = None if clips.recording is None else clips.recording[here]
    domains = [""] * here.size if domain is None else domain.tolist()
    stratum = np.array([f"{machine}|{unit}|{d}|{y}" for d, y in zip(domains, label)])
    times = multiplicities(stratum, recording, draws, seed) if draws else None
    cells = []
    for quantity in quantities:
        keep = quantity.mask(label, domain)
        y, s = label[keep], score[keep]
        normals, anomalies = int((y == 0).sum()), int((y == 1).sum())
        if normals and anomalies:
            thin = _too_few_recordings(stratum[keep], y, None if recording is None else recording[keep])
            number = _resampled(quantity, y, s, None if times is None or thin else times[keep], thin)
        else:
            number = Number(None, reason=_why_undefined(quantity, normals, machine, unit))
        cells.append(Cell(machine, unit, quantity.name, number, normals, anomalies))
    return cells


def _resampled(
    quantity: Quantity, label: np.ndarray, score: np.ndarray, times: np.ndarray | None, thin: str | None
) -> Number:
    """The value, and its resampled values in blocks that stay in cache."""
    metric = auc if quantity.kind == "auc" else pauc
    value = float(metric(label, score))
    if times is None:
        return Number(value, reason=thin)
    draws = np.empty(times.shape[1])
    for start in range(0, draws.size, _BLOCK):
        draws[start : start + _BLOCK] = metric(label, score, multiplicity=times[:, start : start + _BLOCK])
    interval = percentile_interval(value, draws)
    return Number(value, interval.low, interval.high, None, draws)


def _too_few_recordings(stratum: np.ndarray, label: np.ndarray, recording: np.ndarray | None) -> str | None:
    """Why an interval over recordings would be a fiction: a class with a single recording never varies."""
    for y, word in ((0, "normal"), (1, "anomalous")):
        clips = np.flatnonzero(label == y)
        count = clips.size if recording is None else len({(stratum[k], recording[k]) for k in clips})
        if count < 2:
            return f"no interval: only one {word} recording"
    return None


def _why_undefined(quantity: Quantity, normals: int, machine: str, unit: str) -> str:
    word, domain = ("anomalous", quantity.anomalies) if normals else ("normal", quantity.normals)
    where = f"{domain} " if domain else ""
    return f"{quantity.name} is not defined: no {where}{word} clip in {machine} {unit}"


def _mean(cells: Sequence[Cell], mean: str) -> Number:
    """Mean over cells by the year's rule: missing if a cell is, and without interval if a cell has none."""
    for cell in cells:
        if cell.number.value is None:
            return Number(None, reason=cell.number.reason)
    machine = np.array([cell.machine for cell in cells])
    value = float(aggregate(np.array([cell.number.value for cell in cells], dtype=np.float64), machine, mean))
    resampled = [cell.number.draws for cell in cells if cell.number.draws is not None]
    if len(resampled) < len(cells):
        reasons = [c.number.reason for c in cells if c.number.draws is None and c.number.reason]
        return Number(value, reason=reasons[0] if reasons else None)
    draws = aggregate(np.stack(resampled), machine, mean)
    interval = percentile_interval(value, draws)
    return Number(value, interval.low, interval.high, None, draws)


def _check(
    law: Rule,
    year: int,
    machine: Sequence[str] | np.ndarray,
    unit: Sequence[str] | np.ndarray,
    label: Sequence[int] | np.ndarray,
    score: Sequence[float] | np.ndarray,
    domain: Sequence[str] | np.ndarray | None,
    recording: Sequence[str] | np.ndarray | None,
) -> _Clips:
    labels, scores = validate(np.asarray(label), np.asarray(score))
    if scores.size == 0:
        raise BadInput("evaluate: no clips; give at least one normal and one anomalous test clip")
    if law.domains and domain is None:
        raise BadInput(f"year {year} needs `domain`: 'source' or 'target' for each clip")
    checked = _Clips(
        machine=_names("machine", machine, scores.size),
        unit=_names(law.unit, unit, scores.size),
        label=labels,
        score=scores,
        domain=_names("domain", domain, scores.size) if law.domains and domain is not None else None,
        recording=None if recording is None else _names("recording", recording, scores.size),
    )
    if checked.domain is not None:
        wrong = np.flatnonzero(~np.isin(checked.domain, ("source", "target")))
        if wrong.size:
            raise BadInput(
                f"domain of clip {wrong[0]} (counted from 0) is {checked.domain[wrong[0]]!r}; "
                "use 'source' or 'target'"
            )
    return checked


def _names(what: str, values: Sequence[str] | np.ndarray, clips: int) -> np.ndarray:
    """Text array of shape (clips,); a missing entry is an error, since it would become a group of its own."""
    array = np.asarray(values, dtype=object)
    if array.shape != (clips,):
        raise BadInput(f"{what}: shape {array.shape}, but there are {clips} scores; give one per clip")
    for k, x in enumerate(array):
        if x is None or str(x) in ("", "nan", "<NA>", "None"):
            raise BadInput(f"{what} of clip {k} (counted from 0) is missing; give one for every clip")
    return array.astype(str)


def _design(clips: _Clips, draws: int, seed: int) -> str:
    digest = hashlib.sha256(f"{draws}/{seed}".encode())
    for column in (clips.machine, clips.unit, clips.label, clips.domain, clips.recording):
        digest.update(b"-" if column is None else "\n".join(map(str, column.tolist())).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]
