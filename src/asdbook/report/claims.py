"""Verdicts on the papers' claims (`asdbook.papers`) from committed records: none is typed.

A claim is tested where every system of its contrasts has committed records on one data set of its year, made at
one profile with the same seeds. Official data come first. Of built-in data only the verdict seeds count, which
were run once, after the configuration was committed. A claim about some machines, or whose number is not a
score, needs a chapter's own measurement: here it stays "not run".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asdbook import metrics, papers
from asdbook.experiment.records import Stored
from asdbook.papers.arithmetic import Printed
from asdbook.papers.claims import Claim
from asdbook.papers.recompute import evaluate
from asdbook.report import results, verdicts
from asdbook.report.tables import Html, badge

WHOLE = ("Omega", "mean AUC")
"""Metrics that are a year's score over all machines."""

NO_RUN = "no run can test it"


@dataclass(frozen=True)
class Decided:
    """A claim, what printed numbers say of it, and the verdict of records.

    Attributes:
        claim: the paper's claim.
        printed: from printed numbers.
        verdict: from records; for an arithmetic claim, and one that no run can test, without meaning.
        data: badge of the data that the verdict stands on; None where nothing ran.
    """

    claim: Claim
    printed: Printed
    verdict: metrics.Verdict
    data: Html | None

    @property
    def name(self) -> str:
        """The verdict now, in words."""
        if self.claim.type == "arithmetic":
            return self.printed.name
        return NO_RUN if self.claim.untestable else self.verdict.name


def decide(paper: str) -> list[Decided]:
    """Verdicts on all claims of a paper; Holm's correction over those that are not primary."""
    claims = papers.all_claims(paper)
    found = {claim.id: _found(claim) for claim in claims}
    secondary = [claim.id for claim in claims if not claim.primary]
    corrected = dict(zip(secondary, metrics.verdicts.adjust([found[name][0] for name in secondary])))
    return [
        Decided(claim, papers.as_printed(claim), metrics.verdict(corrected.get(claim.id, found[claim.id][0])),
                found[claim.id][1])
        for claim in claims
    ]  # fmt: skip


def on_official_data(decided: Sequence[Decided]) -> int:
    """How many claims were tested on official data."""
    return sum(one.verdict.tested_on == "official data" for one in decided)


def _found(claim: Claim) -> tuple[metrics.Evidence, Html | None]:
    """Evidence from the best data set that has all systems of the claim; none is evidence too."""
    nothing = metrics.Evidence("mechanism")
    if not claim.contrasts or claim.machines or claim.metric not in WHOLE:
        return nothing, None
    for kind, name, profile in _places(claim):
        groups = {system: _records(system, name, profile) for system in claim.systems}
        contrasts = {}
        for contrast in claim.contrasts:
            interval = _contrast(claim, [groups[system] for system in contrast])
            if interval is not None:
                contrasts[" − ".join(contrast)] = interval
        if len(contrasts) == len(claim.contrasts):
            seeds = min(len({s.record.data.seed for s in group}) for group in groups.values())
            evidence = metrics.Evidence(
                claim.type, contrasts, kind, profile, seeds, claim.margin  # type: ignore[arg-type]
            )
            return evidence, badge(kind, name, profile)
    return nothing, None


def _contrast(claim: Claim, groups: Sequence[list[Stored]]) -> metrics.Interval | None:
    if claim.type == "absolute":
        return verdicts.within(groups[0], "score", evaluate(claim.reported).span.value / 100)
    return verdicts.between(groups[0], groups[1])


def _places(claim: Claim) -> Iterator[tuple[str, str, str]]:
    """Kind, name and profile of data of the claim's year that its first system ran on; official data first."""
    system, _, variant = claim.systems[0].partition(":")
    found = {(s.record.data.kind, s.record.data.name, s.record.profile)
             for s in results.committed(system=system, variant=variant) if s.record.data.year == claim.year}
    order = ("official", "synthetic")
    yield from sorted((f for f in found if f[0] in order), key=lambda f: (order.index(f[0]), f[2] != "paper", f))


def _records(label: str, data: str, profile: str) -> list[Stored]:
    """Records of a system that a verdict may use: nothing changed by hand, verdict seeds on built-in data."""
    system, _, variant = label.partition(":")
    found = results.committed(system=system, variant=variant, data=data, profile=profile)
    found = [s for s in found if not s.record.overrides and not s.record.data.premise_off]
    return [s for s in found if s.record.data.kind != "synthetic"
            or (s.record.data.seed in results.VERDICT_SEEDS and s.record.data.seed == s.record.seed)]
