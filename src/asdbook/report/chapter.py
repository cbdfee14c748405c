"""What all chapters on a paper share: the page's parameters, where its numbers come from, tables over systems.

The parameters decide: `smoke` trains one small system live and reads committed records for the tables; any other
profile runs every system on every seed of the named data, and the tables show those runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from asdbook import metrics, papers, simulate
from asdbook.experiment.records import Stored
from asdbook.report import official, results, sets, verdicts
from asdbook.report.results import Row
from asdbook.report.tables import Html, Table, Value, badge, code, join

RECORDED = "quick"
"""Profile of the committed records."""
DEVELOPMENT = 110
"""Data seed of runs that no verdict stands on: variants and settings are compared there."""


@dataclass(frozen=True)
class Asked:
    """The page's parameters.

    Attributes:
        data: a built-in set or a folder of recordings.
        seeds: training seeds; of built-in data also the data seeds.
        profile: "smoke": small live runs of the first seed; else every system on every seed.
        systems: all systems of the tables.
        live: those that the small run trains.
        small: what the small run is told besides (profile, overrides, machines).
        main: the built-in set of the chapter.
    """

    data: str
    seeds: Sequence[int]
    profile: str
    systems: Sequence[str]
    live: Sequence[str]
    small: Mapping[str, Any]
    main: str = "synthetic-2023"

    @property
    def whole(self) -> bool:
        """Whether the page's tables come from runs of its own."""
        return self.profile != "smoke"

    @property
    def built_in(self) -> bool:
        return self.data in simulate.PRESETS

    @property
    def labels(self) -> list[str]:
        """Which systems run here."""
        return list(self.systems if self.whole else self.live)

    def options(self) -> list[dict[str, Any]]:
        """What `experiment.run` is told for each seed, besides system, data and device."""
        if self.whole:
            return [{"data_seed": seed, "seed": seed, "profile": self.profile} for seed in self.seeds]
        small = {key: value for key, value in self.small.items() if key != "machines" or self.built_in}
        return [{"data_seed": seed, "seed": seed, **small} for seed in self.seeds[:1]]

    def run(self, runner: Callable[..., Stored], **common: Any) -> dict[str, list[Stored]]:
        """Trains and scores every system of `labels` on the page's data, once for each of `options`.

        Args:
            runner: `experiment.run`.
            **common: what it is told besides (device, threads, fresh).
        """
        return {label: [runner(label, self.data, **common, **each) for each in self.options()]
                for label in self.labels}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """Where the page's numbers come from: runs of its own where its parameters ask for them, else records.

    Attributes:
        asked: the parameters.
        live: system to the runs of this page; empty where the page reads records.
    """

    asked: Asked
    live: Mapping[str, Sequence[Stored]] = field(default_factory=dict)

    @property
    def runs(self) -> list[Stored] | None:
        """All runs of this page, for `claims.decide`; None where it reads records."""
        return [stored for group in self.live.values() for stored in group] or None

    @property
    def data(self) -> str:
        """The data set that the tables show."""
        return self.runs[0].record.data.name if self.runs else self.asked.main

    @property
    def year(self) -> int:
        """The year whose rules it follows."""
        return (self.runs[0].record.data.year if self.runs else simulate.PRESETS[self.asked.main].year) or 2020

    @property
    def score(self) -> str:
        """The name of that year's score."""
        return metrics.rules.rule(self.year).score_name

    @property
    def machines(self) -> list[str]:
        """Machines with test clips."""
        if self.runs:
            return [row["machine"] for row in self.runs[0].record.metrics["official"]["machines"]]
        return [name for name, facts in simulate.describe(self.asked.main).items() if not facts["train_only"]]

    def on(self, data: str) -> Shown:
        """The same page on another data set: its runs if they are on that one, else the records."""
        return Shown(replace(self.asked, main=data), self.live if data == self.data else {})

    def group(self, label: str) -> list[Stored]:
        """Runs of one system that differ in seeds only, lowest data seed first.

        Once one of the chapter's systems has records of verdict seeds, those of other seeds are left to the
        ablations: lines of one table stand on the same data.
        """
        if self.live:
            return list(self.live.get(label, ()))
        own = self._committed(label)
        if not own or any(map(_is_sealed, own)):
            return own
        others = (stored for name in self.asked.systems for stored in self._committed(name))
        return [] if any(map(_is_sealed, others)) else own

    def _committed(self, label: str) -> list[Stored]:
        system, _, variant = label.partition(":")
        found = results.committed(system=system, variant=variant, data=self.data, profile=RECORDED)
        return _by_seed(results.for_tables(found))

    def row(self, label: str, who: str = "") -> Row:
        """A line of a table: the runs, or that there are none yet."""
        group = self.group(label)
        if group:
            return results.from_records(group, who=who or label, here=bool(self.live))
        return official.missing(self.year, who or label, badge("synthetic", self.data, RECORDED))

    def value(self, label: str, machine: str = "all") -> float | None:
        """The official score of a system in percent, or None."""
        cell = self.row(label).cells.get((machine, self.score))
        return None if cell is None else cell.value

    def development(self, label: str, **wanted: Any) -> list[Stored]:
        """The runs of a variant on the development seed; by default the one with nothing changed by hand.

        Args:
            label: "system:variant".
            **wanted: fields of the record (`overrides`).
        """
        system, _, variant = label.partition(":")
        found = results.committed(**{
            "system": system, "variant": variant, "data": self.asked.main, "profile": RECORDED,
            "data_seed": DEVELOPMENT, "overrides": {}, **wanted,
        })  # fmt: skip
        return [s for s in found if not s.record.data.premise_off and not s.record.data.restricted][-1:]


def _is_sealed(stored: Stored) -> bool:
    """Whether a run is of a verdict seed."""
    return stored.record.data.seed in results.VERDICT_SEEDS


def _by_seed(group: Sequence[Stored]) -> list[Stored]:
    return sorted(group, key=lambda stored: (stored.record.data.seed or 0, stored.record.seed))


def printed_row(table: str, row: str, *, quantity: str, score: str, part: str, who: str = "") -> Row:
    """One row of a paper's table, its numbers as printed, under the name of the year's score.

    Args:
        table: "ssdm_table1".
        row: as the paper names the system.
        quantity: as the paper names the number ("h-mean").
        score: the year's score that it is.
        part: of the official data ("2023 development").
        who: label; by default the paper's name.
    """
    frame = papers.table(table)
    frame = frame[(frame["row"] == row) & (frame["quantity"] == quantity)]
    cells = {(str(cell["machine"]), score): Value(float(cell["percent"]), text=str(cell["printed"]),
                                                  errata=tuple(str(cell["errata"]).split()))
             for _, cell in frame.iterrows()}  # fmt: skip
    first = frame.iloc[0]
    return Row(who or row, badge("official", part), cells, f"printed: {first['provenance']}")


def across(rows: Sequence[Row], score: str, machines: Sequence[str], *, total: str, **options: Any) -> Table:
    """Systems down, machines across: the form of most papers' tables, with the total first. Nothing is subtracted.

    Args:
        rows: printed numbers first, then ours.
        score: the quantity shown, in percent.
        machines: columns.
        total: name of the column of all machines.
        **options: caption, name and notes of the `Table`.
    """
    lines = []
    for row in rows:
        shown = [row.cells.get((machine, score), Value(None)) for machine in ("all", *machines)]
        lines.append([join(row.who, row.data), *shown])
    notes = [*options.pop("notes", ()), *results.origins(rows)]
    return Table(["system and data", total, *machines], lines, notes=notes, **options)


def better(rows: Mapping[str, float | None]) -> str | None:
    """The label with the highest number; None where there is none."""
    known = {label: value for label, value in rows.items() if value is not None}
    return max(known, key=lambda label: known[label]) if known else None


def said(contrast: metrics.Interval | None, left: str, right: str) -> str:
    """One comparison in words, as far as its interval allows."""
    if contrast is None:
        return f"`{left}` and `{right}` have no run on the same data and seeds yet"
    ends = "" if contrast.low is None else f", {contrast.low:+.1f} to {contrast.high:+.1f}"
    points = f"({contrast.value:+.1f} points{ends})"
    if contrast.low is not None and contrast.high is not None and contrast.low > 0:
        return f"`{left}` beats `{right}` {points}"
    if contrast.low is not None and contrast.high is not None and contrast.high < 0:
        return f"`{left}` scores *below* `{right}` {points}"
    return f"`{left}` and `{right}` cannot be told apart {points}"


UNCORRECTED = "These intervals are not corrected for their number; verdicts are."
"""Below tables of several paired differences over data seeds."""


def difference(contrast: metrics.Interval | None, digits: int = 1) -> Html:
    """A cell: difference in points with interval, and below it the smallest one that could have been detected."""
    if contrast is None:
        return Html(Value(None, reason="no record yet").html())
    least = "" if contrast.detectable is None else f"detectable: {contrast.detectable:.{digits}f}"
    shown = Value(contrast.value, contrast.low, contrast.high, digits).html()
    return Html(f'{shown}<span class="asd-interval">{least}</span>')


def differences(shown: Shown, systems: Sequence[str], rivals: Sequence[str], **options: Any) -> Table:
    """Official score of each system minus that of each rival, paired by data seed, in points."""
    lines = []
    for system in systems:
        group = shown.group(system)
        cells = [None if rival == system else difference(verdicts.between(group, shown.group(rival)))
                 for rival in rivals]  # fmt: skip
        lines.append([code(system), *cells])
    heads = [Html(f"minus {code(rival).text}") for rival in rivals]
    return Table(["system", *heads], lines, notes=[*options.pop("notes", ()), UNCORRECTED], **options)


def knowledge(shown: Shown, labels: Sequence[str], known: Mapping[str, Sequence[str]], **options: Any) -> Table:
    """What each system is told of a training clip, besides its sound; marks for all that any of them knows.

    Args:
        shown: where records come from.
        labels: systems.
        known: what the library says, by label where a variant uses other facts than its system declares; by system
            for those that have no record yet.
        **options: of the `Table`.
    """
    told = {}
    for label in labels:
        group = [] if label in known else shown.group(label)
        told[label] = group[0].record.knows if group else list(known.get(label, known.get(label.partition(":")[0], ())))
    every = list(dict.fromkeys(fact for facts in told.values() for fact in facts))
    rows = [[code(label), *("yes" if fact in facts else "no" for fact in every)] for label, facts in told.items()]
    return Table(["system", *every], rows, **options)


def profiles(asked: Asked) -> dict[str, str]:
    """Column of the table of sizes to the profile that it shows."""
    live = asked.profile if asked.whole else str(asked.small.get("profile", RECORDED))
    return {"live": live, "records": RECORDED, "paper": "paper"}


def settings(asked: Asked, system: Any) -> dict[str, dict[str, Any]]:
    """All settings of a system (a class, `systems.get`) in each column of `sizes`."""
    named, default = profiles(asked), system.Config().model_dump()
    found = {column: default | dict(system.profiles.get(profile, {})) for column, profile in named.items()}
    if not asked.whole:
        found["live"] |= dict(asked.small.get("overrides", {}))
    return found


def sizes(
    asked: Asked, columns: Mapping[str, Mapping[str, Any]], words: Mapping[str, str],
    more: Mapping[str, Mapping[str, Any]] | None = None, **options: Any,
) -> Table:  # fmt: skip
    """What this page runs live, what the records ran, what profile `paper` asks for: settings, machines, clips.

    Args:
        asked: the parameters.
        columns: `settings` of the system.
        words: which of them the table shows, and what they are called there.
        more: what the settings do not say, in words, to its value in each column.
        **options: of the `Table`.
    """
    preset = asked.data if asked.built_in else asked.main
    tested = sum(not fact["train_only"] for fact in simulate.describe(preset).values())
    few = len(asked.small.get("machines", ())) or tested
    counts = {"live": tested if asked.whole else few, "records": tested, "paper": tested}
    named = profiles(asked)
    lines: list[list[Any]] = [["machines", *(str(counts[c]) for c in named)]]
    for role, word in (("train", "training"), ("test", "test")):
        lines.append([f"{word} clips a machine", *(sets.machine_span(preset, p, role) for p in named.values())])
    lines.append(["seconds a clip", *(sets.seconds_of(preset, p) for p in named.values())])
    if not asked.built_in:
        lines = [[line[0], "as in the folder", *line[2:]] for line in lines]
    rows = {what: {c: columns[c][key] for c in named} for key, what in words.items()} | dict(more or {})
    lines += [[what, *(str(values[c]) for c in named)] for what, values in rows.items()]
    return Table(["", "this page, live", "records", join("profile", code("paper"))], lines, **options)

