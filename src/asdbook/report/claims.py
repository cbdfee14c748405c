"""Verdicts on the papers' claims (`asdbook.papers`) from committed records: none is typed.

A claim is tested where every system of its contrasts has committed records on one data set of its year, made at
one profile with the same seeds. Official data come first. Of built-in data only the verdict seeds count, which
were run once, after the configuration was committed. A claim about some machines, or whose number is not a
score, needs a measure of its own (`asdbook.report.measured`): without one it stays "not run".

A chapter that runs systems itself hands its runs over: then they decide in place of the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from asdbook import metrics, papers
from asdbook.experiment.records import Stored
from asdbook.papers.arithmetic import Printed
from asdbook.papers.claims import Claim
from asdbook.papers.recompute import evaluate
from asdbook.report import measured, results, verdicts
from asdbook.report.tables import Html, badge

WHOLE = ("Omega", "mean AUC")
"""Metrics that are a year's score over all machines."""

NO_RUN = "no run can test it"
REFUTED = (metrics.verdicts.FAILS, metrics.verdicts.NOT_REPRODUCED)


@dataclass(frozen=True)
class Decided:
    """A claim, what printed numbers say of it, and the verdict of records.

    Attributes:
        claim: the paper's claim.
        printed: from printed numbers.
        verdict: from records; for an arithmetic claim, and one that no run can test, without meaning.
        data: badge of the data that the verdict stands on; None where nothing ran.
        missing: systems of the claim without a record on the data that the others ran on.
    """

    claim: Claim
    printed: Printed
    verdict: metrics.Verdict
    data: Html | None
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The verdict now, in words."""
        if self.claim.type == "arithmetic":
            return self.printed.name
        return NO_RUN if self.claim.untestable else self.verdict.name


Runs = Sequence[Stored]


def decide(paper: str, runs: Runs | None = None) -> list[Decided]:
    """Verdicts on all claims of a paper; Holm's correction over those that are not primary.

    Args:
        paper: one of `papers.PAPERS`.
        runs: those of a page that ran systems itself; by default the committed records.
    """
    claims = papers.all_claims(paper)
    found = {claim.id: _found(claim, runs) for claim in claims}
    secondary = [claim.id for claim in claims if not claim.primary]
    corrected = dict(zip(secondary, metrics.verdicts.adjust([found[name][0] for name in secondary])))
    return [
        Decided(claim, papers.as_printed(claim), metrics.verdict(corrected.get(claim.id, found[claim.id][0])),
                found[claim.id][1], _missing(claim, runs, *found[claim.id]))
        for claim in claims
    ]  # fmt: skip


def on_official_data(decided: Sequence[Decided]) -> int:
    """How many claims were tested on official data."""
    return sum(one.verdict.tested_on == "official data" for one in decided)


def _found(claim: Claim, runs: Runs | None) -> tuple[metrics.Evidence, Html | None]:
    """Evidence from the best data set that has all systems of the claim; none is evidence too."""
    nothing = metrics.Evidence("mechanism")
    measure = measured.MEASURES.get(claim.id)
    if measure is None and (not claim.contrasts or claim.machines or claim.metric not in WHOLE):
        return nothing, None
    systems = measure.systems if measure else claim.systems
    for kind, name, profile in _places(claim, systems[0], runs):
        groups = {system: _records(system, name, profile, runs) for system in systems}
        contrasts = _measured(measure, groups) if measure else _scores(claim, groups)
        whole = len(contrasts) == max(1, len(claim.contrasts))
        if contrasts and (whole or claim.type == "best_of"):
            seeds = min(len(interval.points) for interval in contrasts.values()) or 1  # of the pairs
            evidence = metrics.Evidence(
                claim.type, contrasts, kind, profile, seeds, claim.margin, digits=1  # type: ignore[arg-type]
            )
            if whole or metrics.verdict(evidence).name in REFUTED:  # one better rival is enough against "best of"
                return evidence, badge(kind, name, profile)
    return nothing, None


def _missing(claim: Claim, runs: Runs | None, found: metrics.Evidence, data: Html | None) -> tuple[str, ...]:
    """Systems of a claim that have no run where others of it have; without them it may be refuted all the same."""
    if data is not None:  # of rivals alone: its first system has run
        return tuple(names[1] for names in claim.contrasts if len(names) > 1 and claim.type == "best_of"
                     and " − ".join(names) not in found.contrasts)  # fmt: skip
    for _, name, profile in _places(claim, claim.systems[0], runs) if claim.contrasts else ():
        return tuple(label for label in claim.systems if not _records(label, name, profile, runs))
    return ()


def _scores(claim: Claim, groups: Mapping[str, list[Stored]]) -> dict[str, metrics.Interval]:
    """Each contrast of a claim about scores that has runs."""
    contrasts = {}
    for contrast in claim.contrasts:
        interval = _contrast(claim, [groups[system] for system in contrast])
        if interval is not None:
            contrasts[" − ".join(contrast)] = interval
    return contrasts


def _measured(measure: measured.Measure, groups: Mapping[str, list[Stored]]) -> dict[str, metrics.Interval]:
    """The number that stands for a mechanism, if there are runs for it."""
    interval = measured.interval(measure, list(groups.values()))
    return {} if interval is None else {measure.name: interval}


def _contrast(claim: Claim, groups: Sequence[list[Stored]]) -> metrics.Interval | None:
    if claim.type == "absolute":
        return verdicts.within(groups[0], "score", evaluate(claim.reported).span.value / 100)
    return verdicts.between(groups[0], groups[1])


def _places(claim: Claim, first: str, runs: Runs | None) -> Iterator[tuple[str, str, str]]:
    """Kind, name and profile of data of the claim's year that its first system ran on; official data first."""
    system, _, variant = first.partition(":")
    pool = results.committed(system=system, variant=variant) if runs is None else runs
    found = {(s.record.data.kind, s.record.data.name, s.record.profile)
             for s in pool if s.record.label == first and s.record.data.year == claim.year}
    order = ("official", "synthetic")
    yield from sorted((f for f in found if f[0] in order), key=lambda f: (order.index(f[0]), f[2] != "paper", f))


def _records(label: str, data: str, profile: str, runs: Runs | None) -> list[Stored]:
    """Runs of a system that a verdict may use: nothing changed by hand; of built-in data records of verdict seeds."""
    system, _, variant = label.partition(":")
    if runs is not None:
        found = [s for s in runs if (s.record.label, s.record.data.name, s.record.profile) == (label, data, profile)]
        return [s for s in found if results.untouched(s)]
    found = results.committed(system=system, variant=variant, data=data, profile=profile)
    found = [s for s in found if not s.record.overrides and not s.record.data.premise_off]
    return [s for s in found if s.record.data.kind != "synthetic"
            or (s.record.data.seed in results.VERDICT_SEEDS and s.record.data.seed == s.record.seed)]
