"""From values over data seeds to verdicts: a t interval against a band.

    pass        the 95 % interval lies inside the band
    fail        it lies wholly outside
    undecided   otherwise, also with one data seed only

A band end of None is open. Checks of one thing over many machines or faults are summed up by `each` (every one,
or all but some, must pass) or `mean_of` (the mean over machines of a seed is the value).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asdbook.errors import BadInput
from asdbook.metrics import over_data_seeds

PASS, FAIL, UNDECIDED = "pass", "fail", "undecided"
Band = tuple[float | None, float | None]
VETO_SEEDS = 5
"""Data seeds from which on a single machine's failure decides a summary."""
CHANCE: Band = (0.47, 0.53)
"""What "at chance" means for an AUC (the design's choice)."""


@dataclass(frozen=True)
class Check:
    """One number against one band.

    Attributes:
        number: of the check in the table of checks (1-12).
        name: short name, shared by a summary and its details.
        machine: a machine type, or "all".
        statistic: what the number is, in words.
        values: one per data seed; for a summary by `each` those of the decisive detail.
        band: lower and upper end; None is open.
        mean, low, high: over data seeds, 95 % t interval (None with one seed).
        verdict: "pass", "fail" or "undecided".
        fault: the fault a detail is about.
        clips: how many clips a seed and machine stand behind the number.
        note: what else a reader should know.
        exact: counted, not sampled: low and high are the extremes over data seeds, and all must be inside.
    """

    number: int
    name: str
    machine: str
    statistic: str
    values: tuple[float, ...]
    band: Band
    mean: float
    low: float | None
    high: float | None
    verdict: str
    fault: str | None = None
    clips: str = ""
    note: str = ""
    exact: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data with four decimals; empty fields left out."""
        plain = asdict(self)
        for key in ("mean", "low", "high"):
            plain[key] = None if plain[key] is None else round(plain[key], 4)
        plain["values"] = [round(value, 4) for value in self.values]
        plain["band"] = list(self.band)
        empty = {"fault": None, "clips": "", "note": "", "exact": False}
        return {key: value for key, value in plain.items() if key not in empty or value != empty[key]}


def decide(low: float | None, high: float | None, band: Band) -> str:
    """Verdict of an interval against a band; an interval that is not there decides nothing."""
    if low is None or high is None:
        return UNDECIDED
    lower = -np.inf if band[0] is None else band[0]
    upper = np.inf if band[1] is None else band[1]
    if lower <= low and high <= upper:
        return PASS
    return FAIL if high < lower or low > upper else UNDECIDED


def check(
    number: int,
    name: str,
    machine: str,
    statistic: str,
    values: Sequence[float],
    band: Band,
    *,
    exact: bool = False,
    **about: Any,
) -> Check:
    """A check of one value per data seed.

    Args:
        exact: the values are counted, not sampled: the band must hold every one of them, and one seed decides.
        **about: `fault`, `clips`, `note`.
    """
    if not values:
        raise BadInput(f"check {number} ({name}) of {machine}: no data seed gave a value; run at least one seed")
    points = tuple(float(value) for value in values)
    if exact:
        mean, low, high = float(np.mean(points)), min(points), max(points)
        verdict = PASS if decide(low, high, band) == PASS else FAIL
        return Check(number, name, machine, statistic, points, band, mean, low, high, verdict, exact=True, **about)
    interval = over_data_seeds(points)
    verdict = decide(interval.low, interval.high, band)
    return Check(
        number, name, machine, statistic, points, band, interval.value, interval.low, interval.high, verdict, **about
    )


def margin(one: Check) -> float:
    """How far inside its band a check's mean lies (an exact one's worst value); negative outside."""
    low, high = one.band
    values = one.values if one.exact else (one.mean,)
    return min(np.inf if low is None else min(values) - low, np.inf if high is None else high - max(values))


def each(details: Sequence[Check], allowed: int = 0, note: str = "") -> Check:
    """Every detail must pass, but for `allowed` of them; the summary shows the detail that decides.

    The order is by how far the mean lies inside its band: with `allowed` = 1 the second worst is shown.
    """
    ranked = sorted(details, key=margin)
    shown = ranked[min(allowed, len(ranked) - 1)]
    passed = sum(one.verdict == PASS for one in details)
    failed = sum(one.verdict == FAIL for one in details)
    verdict = PASS if passed >= len(details) - allowed else FAIL if failed > allowed else UNDECIDED
    who = shown.machine if shown.fault is None else f"{shown.machine} {shown.fault}"
    inside = sum(margin(one) >= 0 for one in details)
    words = [f"decided by {who}"]
    words += [] if shown.exact else [f"{inside} of {len(details)} means inside"]
    words.append(f"{passed} pass, {failed} fail, {len(details) - passed - failed} undecided")
    exempt = f", all but {allowed}" if allowed else ", each"
    return Check(
        number=shown.number,
        name=shown.name,
        machine="all",
        statistic=shown.statistic + exempt,
        values=shown.values,
        band=shown.band,
        mean=shown.mean,
        low=shown.low,
        high=shown.high,
        verdict=verdict,
        clips=shown.clips,
        note="; ".join([*words, note] if note else words),
        exact=shown.exact,
    )


def mean_of(details: Sequence[Check], *, veto: bool = True, note: str = "") -> Check:
    """The mean over machines (and what else the details differ in) of each data seed.

    Args:
        veto: one detail that fails makes the summary fail: a leak of one machine must not hide in a mean. It takes
            VETO_SEEDS data seeds: with two, some of sixty details would fail by chance in four runs of ten.
    """
    first = details[0]
    values = np.mean([one.values for one in details], axis=0).tolist()
    made = check(
        first.number, first.name, "all", f"{first.statistic}, mean of {len(details)}", values, first.band,
        clips=first.clips, note=note,
    )  # fmt: skip
    broken = [f"{one.machine} {one.fault or ''}".strip() for one in details if one.verdict == FAIL]
    if not (veto and broken) or len(values) < VETO_SEEDS:
        return made
    note = "; ".join(filter(None, [note, "fails alone: " + ", ".join(broken)]))
    return Check(**{**made.__dict__, "verdict": FAIL, "note": note})


def table(checks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Checks (as dictionaries) as rows of text, the header first."""
    rows = [["check", "machine", "what", "mean", "95 % interval", "band", "verdict"]]
    for one in checks:
        interval = "-" if one["low"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
        machine = f"{one['machine']} {one['fault']}" if "fault" in one else one["machine"]
        name = f"{one['number']} {one['name']}"
        rows.append(
            [name, machine, one["statistic"], f"{one['mean']:.3f}", interval, band_text(one["band"]), one["verdict"]]
        )
    return rows


def band_text(band: Sequence[float | None]) -> str:
    """ "0.47 to 0.53", "at least 0.9", "at most 0.85"."""
    low, high = band
    if low is None:
        return "any" if high is None else f"at most {high:g}"
    if high is None:
        return f"at least {low:g}"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
