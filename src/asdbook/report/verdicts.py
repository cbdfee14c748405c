"""From records to verdicts: contrasts between systems on the same data, and the table of claims.

All contrasts are in points of percent and paired: same clips and resamples, or same data seeds. The rules of what
data may say are those of `asdbook.metrics.verdict`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report.results import data_badge
from asdbook.report.tables import Html, Table, badge, link, stacked

DRAWS = 2000
MARKS = {
    "supported": "✓", "holds in simulation": "✓", "not reproduced under our reading": "✗",
    "fails in simulation": "✗", "holds as printed": "✓", "does not follow from the printed numbers": "✗",
    "undecided": "?", "provisional": "…", "no verdict": "–", "not run": "–",
}  # fmt: skip
"""A sign for each verdict besides its words."""

Difference = Callable[[metrics.Evaluation], metrics.Number]


@dataclass(frozen=True)
class Claim:
    """One row of the table of verdicts.

    Attributes:
        key: short name ("B1").
        text: the claim in one sentence.
        evidence: what was measured.
        data: badge of the data, or None where nothing ran.
        primary: decided first; the others' p values are corrected over their family.
        name: the claim in a few words.
    """

    key: str
    text: str
    evidence: metrics.Evidence
    data: Html | None = None
    primary: bool = False
    name: str = ""

    @property
    def title(self) -> Html:
        """Key and name, linked to the claim's row on the page of claims where it has a name."""
        if not self.name:
            return Html(f"<strong>{escape(self.key)}</strong>")
        return link(f"{self.key} · {self.name}", f"claims.html#baseline-{self.key}")


@lru_cache(maxsize=64)  # a page compares each of its runs with several others
def evaluated(stored: Stored, draws: int = DRAWS) -> metrics.Evaluation:
    """A record's official evaluation again, with its resampled values (records keep intervals alone)."""
    record, frame = stored.record, stored.scores()
    test = frame[frame["split"] == "test"]
    domain = None if test["domain"].isna().all() else test["domain"].to_numpy(dtype=object)
    return metrics.evaluate(
        record.data.year or 2020, test["machine"].to_numpy(dtype=object), test["unit"].to_numpy(dtype=object),
        (test["label"] == "anomaly").to_numpy(dtype=int), test["score"].to_numpy(dtype=float),
        domain=domain, recording=test["recording"].to_numpy(dtype=object), draws=draws, seed=0,
    )  # fmt: skip


def points(interval: metrics.Interval) -> metrics.Interval:
    """An interval of shares as one of points of percent."""

    def times(value: float | None) -> float | None:
        return None if value is None else 100 * value

    return replace(
        interval, value=100 * interval.value, low=times(interval.low), high=times(interval.high),
        se=times(interval.se), points=tuple(100 * p for p in interval.points),
    )  # fmt: skip


def paired_seeds(left: Sequence[Stored], right: Sequence[Stored]) -> list[tuple[Stored, Stored]]:
    """Runs of two systems on the same data and seeds, in order of the data seed.

    Built-in data are the same where name, seed, version, premises and tested machines are: one of two systems may
    have heard additional machines.
    """

    def key(stored: Stored) -> tuple[Any, ...]:
        record, data = stored.record, stored.record.data
        same: tuple[Any, ...] = (data.fingerprint,)
        if data.simulator_version is not None and data.seed is not None:
            tested = tuple(row["machine"] for row in record.metrics["official"]["machines"])
            same = (data.seed, data.simulator_version, tuple(sorted(data.premise_off)), tested)
        return (data.name, *same, record.seed, record.profile)

    others = {key(stored): stored for stored in right}
    both = [(stored, others[key(stored)]) for stored in left if key(stored) in others]
    return sorted(both, key=lambda pair: (pair[0].record.data.seed or 0, pair[0].record.seed))


def between(left: Sequence[Stored], right: Sequence[Stored]) -> metrics.Interval | None:
    """Official score of `left` minus that of `right` in points; None where no pair ran.

    One pair: bootstrap over its recordings. Several data seeds: t interval over their differences.
    """
    both = paired_seeds(left, right)
    if not both:
        return None
    if len(both) == 1:
        a, b = (evaluated(stored) for stored in both[0])
        return points(metrics.paired_difference(a, b))
    scores = np.array([[s.record.metrics["official"]["score"]["value"] for s in pair] for pair in both])
    return points(metrics.paired_over_data_seeds(scores[:, 0], scores[:, 1]))


def within(group: Sequence[Stored], quantity: str, minus: str | float) -> metrics.Interval | None:
    """One column of a system minus another column or a constant (a share), in points; None where nothing ran.

    Args:
        group: runs that differ in seeds only.
        quantity: a column ("AUC source") or "score" for the year's score.
        minus: a column, or a number.
    """
    if not group:
        return None
    if len(group) == 1:
        evaluation = evaluated(group[0])
        left = _number(evaluation, quantity)
        right = minus if isinstance(minus, float) else _number(evaluation, minus)
        return points(metrics.percentile_interval(left[0] - _value(right), left[1] - _draws(right)))
    by_data: dict[Any, list[float]] = {}
    for s in group:
        gap = _stored(s, quantity) - (minus if isinstance(minus, float) else _stored(s, minus))
        by_data.setdefault((s.record.data.seed, s.record.data.fingerprint), []).append(gap)
    return points(metrics.over_data_seeds([float(np.mean(gaps)) for gaps in by_data.values()]))


Resampled = tuple[float, np.ndarray]


def _number(evaluation: metrics.Evaluation, quantity: str) -> Resampled:
    number = evaluation.score if quantity == "score" else evaluation.columns[quantity]
    return float(number.value or 0.0), np.zeros(DRAWS) if number.draws is None else number.draws


def _value(number: float | Resampled) -> float:
    return number if isinstance(number, float) else number[0]


def _draws(number: float | Resampled) -> float | np.ndarray:
    return number if isinstance(number, float) else number[1]


def _stored(stored: Stored, quantity: str) -> float:
    official = stored.record.metrics["official"]
    return float((official["score"] if quantity == "score" else official["columns"][quantity])["value"])


def claim(
    key: str, text: str, kind: str, contrast: metrics.Interval | None, group: Sequence[Stored], *,
    margin: float = 0.0, primary: bool = False, name: str = "",
) -> Claim:  # fmt: skip
    """A claim with what the records say about it.

    Args:
        key, text: short name and sentence.
        kind: type of the claim (`metrics.Evidence.claim`).
        contrast: from `between` or `within`; None where nothing ran.
        group: the records it came from.
        margin: in points.
        primary, name: see `Claim`.
    """
    if contrast is None or not group:
        return Claim(key, text, metrics.Evidence(kind), None, primary, name)  # type: ignore[arg-type]
    record = group[0].record
    seeds = max(1, len(contrast.points))  # of the pairs: a seed that one side lacks is no evidence
    evidence = metrics.Evidence(
        kind, {"difference in points": contrast}, record.data.kind, record.profile, seeds, margin, digits=1  # type: ignore[arg-type]
    )
    return Claim(key, text, evidence, data_badge(record), primary, name)


def arithmetic(key: str, text: str, recomputed: float, printed: float, rounding: float, name: str = "") -> Claim:
    """A claim that follows from printed numbers alone."""
    from asdbook.metrics.verdicts import stated

    contrast = {"recomputed minus printed": stated(recomputed - printed)}
    evidence = metrics.Evidence("arithmetic", contrast, margin=rounding)
    return Claim(key, text, evidence, badge("plain", "printed numbers"), name=name)


@dataclass(frozen=True)
class Verdicts:
    """Claims with their verdicts, secondary ones corrected over their family."""

    claims: Sequence[Claim]
    found: Mapping[str, metrics.Verdict] = field(default_factory=dict)

    @property
    def on_official_data(self) -> int:
        """How many claims were tested on official data."""
        return sum(verdict.tested_on == "official data" for verdict in self.found.values())

    def name(self, key: str) -> str:
        """The verdict of a claim, with its sign."""
        name = self.found[key].name
        return f"{MARKS[name]} {name}"

    def cell(self, key: str, place: str = "") -> Html:
        """Verdict of a claim, and below it the data that it stands on, or those that nothing ran on."""
        claim = next(claim for claim in self.claims if claim.key == key)
        data = claim.data or (badge("plain", place) if place else None)
        below = f"<br>{data.text}" if data else ""
        return Html(f'<span class="asd-verdict">{escape(self.name(key))}</span>{below}')

    def table(self, **options: Any) -> Table:
        """One row a claim: sentence, verdict with the data it stands on, numbers."""
        return table({"": self}, **options)


def table(found: Mapping[str, Verdicts], **options: Any) -> Table:
    """One row a claim and data set: sentence, verdict with the data it stands on, numbers."""
    keys = list(dict.fromkeys(claim.key for several in found.values() for claim in several.claims))
    rows: list[tuple[str, list[Any]]] = []
    for key in keys:
        for data, several in found.items():
            for claim in (claim for claim in several.claims if claim.key == key):
                again = any(key == other for other, _ in rows)  # the sentence stands in its first row
                first = claim.title if again else Html(f"{claim.title.text}<br>{escape(claim.text)}")
                rows.append((key, [first, several.cell(key, data), several.found[key].text]))
    return Table(["claim", "verdict", "numbers"], [row for _, row in rows], **options)


def count(found: Mapping[str, Verdicts]) -> str:
    """How many verdicts of each kind, in words."""
    names = Counter(verdict.name for several in found.values() for verdict in several.found.values())
    return ", ".join(f"{many} × {name}" for name, many in names.most_common())


def glance(found: Mapping[str, Verdicts], **options: Any) -> Table:
    """One row a claim, and its verdict on each data set: for the top of a chapter.

    Args:
        found: data set to verdicts; a claim that a set does not know is left out there.
        **options: of the `Table`.
    """
    rows: dict[str, list[Any]] = {}
    for data, several in found.items():
        for claim in several.claims:
            first = Html(f'{claim.title.text}<br><span class="asd-quiet">{escape(claim.text)}</span>')
            rows.setdefault(claim.key, [first, []])[1].append(several.cell(claim.key, data))
    lines = [[first, stacked(cells)] for first, cells in rows.values()]
    return Table(["claim", "verdict, by data"], lines, **options)


def decide(claims: Sequence[Claim]) -> Verdicts:
    """Verdicts of a chapter's claims; Holm's correction over all that are not primary."""
    secondary = [claim for claim in claims if not claim.primary]
    corrected = dict(zip((c.key for c in secondary), metrics.verdicts.adjust([c.evidence for c in secondary])))
    found = {c.key: metrics.verdict(corrected.get(c.key, c.evidence)) for c in claims}
    return Verdicts(list(claims), found)
