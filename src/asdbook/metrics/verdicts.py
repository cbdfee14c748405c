"""Verdicts on papers' claims, computed from intervals: no verdict is typed by hand.

A claim is decided by where a 95 % interval lies, never by the point estimate:

    superiority, mechanism   supported: wholly above the margin (0 by default); refuted: wholly at or below it
    equivalence, absolute    supported: wholly inside ±margin; refuted: wholly outside on one side
    best_of                  supported: above the margin against *every* rival (no correction is needed for an
                             "every"); refuted: at or below it against some rival, corrected for their number
    arithmetic               recomputed from printed numbers: within the printed rounding or not, no data

What data may say (names of verdicts):
    official data at `paper` settings   supported / not reproduced under our reading / undecided
    built-in machines                   holds in simulation / fails in simulation / undecided, from at least
                                        five data seeds; fewer: provisional
    anything else that ran              no verdict (small real sets are smoke checks)
    nothing ran                         not run
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from asdbook.errors import BadInput, UnknownName
from asdbook.metrics.intervals import Interval, holm

ClaimType = Literal["superiority", "equivalence", "best_of", "absolute", "arithmetic", "mechanism"]
CLAIM_TYPES = ("superiority", "equivalence", "best_of", "absolute", "arithmetic", "mechanism")
DATA_KINDS = ("official", "synthetic", "real")

SUPPORTED = "supported"
AS_PRINTED = "holds as printed"
NOT_AS_PRINTED = "does not follow from the printed numbers"
NOT_REPRODUCED = "not reproduced under our reading"
UNDECIDED = "undecided"
HOLDS = "holds in simulation"
FAILS = "fails in simulation"
PROVISIONAL = "provisional"
NO_VERDICT = "no verdict"
NOT_RUN = "not run"

DATA_SEEDS = 5
"""Fewest data seeds for a verdict in simulation: the t quantile is 2.8 with 5 and 12.7 with 2."""
ALPHA = 0.05


@dataclass(frozen=True)
class Evidence:
    """A claim and what was measured for it.

    Attributes:
        claim: the claim's type.
        contrasts: interval of each contrast, by name: one, or for `best_of` one for each rival. Signed so
            that positive favours the claim; `absolute` is ours minus the printed value. Empty: nothing ran.
        data: "official", "synthetic" (built-in machines) or "real" (a small real set); None for arithmetic.
        profile: profile of the runs; official data speak at "paper" only.
        data_seeds: number of data sets drawn anew behind each contrast (synthetic).
        margin: half-width for equivalence and absolute; least difference for the others; rounding of the
            printed number for arithmetic.
        adjusted_p: the claim's p after Holm's correction over its family (`adjust`); None for a primary one.
        digits: decimals of the sentence; contrasts in points need one, shares three.
    """

    claim: ClaimType
    contrasts: Mapping[str, Interval] = field(default_factory=dict)
    data: str | None = None
    profile: str | None = None
    data_seeds: int = 0
    margin: float = 0.0
    adjusted_p: float | None = None
    digits: int = 3


@dataclass(frozen=True)
class Verdict:
    """A named verdict with the sentence that must stand beside it.

    Attributes:
        name: one of the names at the top of this module.
        text: interval, what it covers, and the smallest difference it could have detected.
        tested_on: "official data", "simulation", "small real set", "printed numbers", or None if not run.
    """

    name: str
    text: str
    tested_on: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "text": self.text, "tested_on": self.tested_on}


_TESTED_ON = {"official": "official data", "synthetic": "simulation", "real": "small real set"}
_NAMES = {
    "official": {"yes": SUPPORTED, "no": NOT_REPRODUCED, "open": UNDECIDED},
    "synthetic": {"yes": HOLDS, "no": FAILS, "open": UNDECIDED},
}


def verdict(evidence: Evidence) -> Verdict:
    """The verdict that the evidence allows.

    Raises:
        UnknownName: unknown claim type or data kind.
        BadInput: no margin for an equivalence, several contrasts where one belongs, negative margin.
    """
    _check(evidence)
    if not evidence.contrasts:
        return Verdict(NOT_RUN, "nothing was run for this claim")
    told = "; ".join(describe(name, interval, evidence.digits) for name, interval in evidence.contrasts.items())
    if evidence.claim == "arithmetic":
        return _arithmetic(evidence)
    data = evidence.data or ""
    tested = _TESTED_ON[data]
    if data == "real":
        return Verdict(NO_VERDICT, f"a small real set is a smoke check; {told}", tested)
    if data == "official" and evidence.profile != "paper":
        return Verdict(NO_VERDICT, f"settings are {evidence.profile!r}, not the paper's; {told}", tested)
    if data == "synthetic" and evidence.claim == "absolute":
        return Verdict(NO_VERDICT, "a printed number is not compared across data sets", tested)
    finding = _finding(evidence)
    if data == "synthetic" and evidence.data_seeds < DATA_SEEDS:
        points = {"yes": "for the claim", "no": "against the claim", "open": "neither way"}[finding]
        so_far = f"{evidence.data_seeds} of {DATA_SEEDS} data seeds, so far {points}"
        return Verdict(PROVISIONAL, f"{so_far}; {told}", tested)
    return Verdict(_NAMES[data][finding], told + _correction(evidence), tested)


def describe(name: str, interval: Interval, digits: int = 3) -> str:
    """One contrast in words: value, interval, what it covers, smallest detectable difference."""
    head = f"{name}: {interval.value:+.{digits}f}"
    if interval.low is None or interval.high is None:
        return f"{head}, no interval ({interval.covers})"
    found = interval.detectable
    least = "" if found is None else f"; smallest detectable: {found:.{digits}f} (80 % power, 5 % two-sided)"
    ends = f"{interval.level:.0%} interval {interval.low:+.{digits}f} to {interval.high:+.{digits}f}"
    ends = ends.replace("%", " %", 1)
    return f"{head}, {ends}, covers {interval.covers}{least}"


def decisive_p(evidence: Evidence) -> float | None:
    """The claim's p value for a family's correction; None where a contrast has no interval.

    superiority, mechanism: two-sided, against the margin. equivalence, absolute: two-sided, against the nearer
    end of ±margin, from inside (two one-sided tests) as from outside. best_of: the largest over rivals (each
    must be beaten), or where one is not, the smallest among those not beaten times the number of rivals.
    """
    values = [(interval, interval.p_value(evidence.margin)) for interval in evidence.contrasts.values()]
    if not values or any(p is None for _, p in values):
        return None
    each = [p for _, p in values if p is not None]
    if evidence.claim in ("equivalence", "absolute"):
        interval = values[0][0]
        upper, lower = interval.p_value(evidence.margin), interval.p_value(-evidence.margin)
        if upper is None or lower is None:
            return None
        return max(upper, lower)
    if evidence.claim != "best_of" or all(i.value > evidence.margin for i, _ in values):
        return max(each)
    return min(1.0, len(each) * min(p for i, p in values if p is not None and i.value <= evidence.margin))


def adjust(family: Sequence[Evidence]) -> list[Evidence]:
    """Secondary claims with `adjusted_p` by Holm over those of the family that were tested."""
    p_values = [decisive_p(one) if one.claim != "arithmetic" else None for one in family]
    tested = [k for k, p in enumerate(p_values) if p is not None]
    adjusted = holm([p for p in p_values if p is not None])
    result = list(family)
    for k, p in zip(tested, adjusted.tolist(), strict=True):
        result[k] = replace(family[k], adjusted_p=p)
    return result


def _finding(evidence: Evidence) -> str:
    """"yes", "no" or "open", after the family's correction if there is one."""
    finding = _by_interval(evidence)
    decided_by_family = evidence.adjusted_p is None or evidence.adjusted_p <= ALPHA
    return finding if decided_by_family else "open"


def _by_interval(evidence: Evidence) -> str:
    ends = [(i.low, i.high) for i in evidence.contrasts.values() if i.low is not None and i.high is not None]
    if len(ends) < len(evidence.contrasts):
        return "open"
    margin = evidence.margin
    if evidence.claim in ("equivalence", "absolute"):
        low, high = ends[0]
        if -margin < low and high < margin:
            return "yes"
        return "no" if low >= margin or high <= -margin else "open"
    if all(low > margin for low, _ in ends):
        return "yes"
    if evidence.claim != "best_of":
        return "no" if ends[0][1] <= margin else "open"
    for interval in evidence.contrasts.values():
        p = interval.p_value(margin)
        below = interval.high is not None and interval.high <= margin
        if below and p is not None and p * len(ends) <= ALPHA:  # Bonferroni: "some rival" has many chances
            return "no"
    return "open"


def _arithmetic(evidence: Evidence) -> Verdict:
    """Recomputed minus printed, against the rounding of the printed number."""
    off = next(iter(evidence.contrasts.values())).value
    name = next(iter(evidence.contrasts))
    agrees = abs(off) <= evidence.margin * (1.0 + 1e-9) + 1e-12  # a half unit of the last digit is not exact
    text = f"{name}: recomputed from printed numbers, off by {off:+.4g} (rounding: {evidence.margin:.4g})"
    return Verdict(AS_PRINTED if agrees else NOT_AS_PRINTED, text, "printed numbers")


def _correction(evidence: Evidence) -> str:
    if evidence.adjusted_p is None:
        return ""
    outcome = "decides" if evidence.adjusted_p <= ALPHA else "does not decide"
    return f"; p = {evidence.adjusted_p:.3g} after Holm's correction {outcome}"


def _check(evidence: Evidence) -> None:
    if evidence.claim not in CLAIM_TYPES:
        raise UnknownName("claim type", evidence.claim, CLAIM_TYPES)
    if evidence.margin < 0 or not math.isfinite(evidence.margin):
        raise BadInput(f"{evidence.claim} claim: margin {evidence.margin} must be a number ≥ 0")
    if evidence.claim in ("equivalence", "absolute") and evidence.margin == 0:
        raise BadInput(f"{evidence.claim} claim: needs a margin > 0; nothing is equal to within 0")
    if evidence.claim != "best_of" and len(evidence.contrasts) > 1:
        raise BadInput(f"{evidence.claim} claim: {len(evidence.contrasts)} contrasts; one only, or best_of")
    if evidence.claim != "arithmetic" and evidence.contrasts and evidence.data not in DATA_KINDS:
        raise UnknownName("data kind", str(evidence.data), DATA_KINDS)


def stated(value: float, what: str = "printed numbers") -> Interval:
    """An exact number as a contrast, for `arithmetic` claims."""
    return Interval(value, value, value, 0.0, math.inf, what)
