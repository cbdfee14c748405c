"""Verdicts that printed numbers give by themselves: no run is needed, and none is typed.

holds as printed
    every check agrees.
holds for printed averages, not for their cells
    checks on printed averages agree, but an average does not follow from the cells beside it.
does not follow from the printed numbers
    a check on printed numbers fails.
depends on the reading
    the sentence is unclear, and its readings give different answers.
not decided by the printed numbers
    the rounding of the cells allows both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asdbook.papers.checks import DISAGREES, Check
from asdbook.papers.claims import Claim, all_claims

HOLDS = "holds as printed"
AVERAGES_ONLY = "holds for printed averages, not for their cells"
FAILS = "does not follow from the printed numbers"
READING = "depends on the reading"
OPEN = "not decided by the printed numbers"
NOTHING = "nothing printed to check"
VERDICTS = (HOLDS, AVERAGES_ONLY, FAILS, READING, OPEN)


@dataclass(frozen=True)
class Printed:
    """What the printed numbers say of a claim.

    Attributes:
        name: a verdict, see the top of this module, or `NOTHING`.
        sentences: one a check: recomputed value with interval, printed number, finding.
    """

    name: str
    sentences: tuple[str, ...]


def as_printed(claim: Claim) -> Printed:
    """What the paper's own printed numbers say of a claim of any type; the verdict if it is arithmetic."""
    return Printed(_verdict(claim.checks), tuple(check.outcome.sentence() for check in claim.checks))


def verdicts(paper: str | None = None) -> dict[str, Printed]:
    """Claim id to verdict, for all arithmetic claims."""
    return {claim.id: as_printed(claim) for claim in all_claims(paper, "arithmetic")}


def _verdict(checks: Sequence[Check]) -> str:
    findings = [(check.level, check.outcome.finding) for check in checks if check.outcome.finding != "shown"]
    if not findings:
        return NOTHING
    wrong = {level for level, finding in findings if finding in DISAGREES}
    readings = {finding in DISAGREES for level, finding in findings if level == "reading"}
    if wrong == {"reading"} and len(readings) == 2:
        return READING
    if wrong == {"cells"} and any(level == "printed" for level, _ in findings):
        return AVERAGES_ONLY
    if wrong:
        return FAILS
    return OPEN if any(finding == "open" for _, finding in findings) else HOLDS
