"""Results from records, beside the numbers that were printed: never a difference across data sets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from asdbook import metrics, simulate
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.records import Record, Stored
from asdbook.report.tables import Html, Table, Value, badge, join

ROOT = "ASDBOOK_BOOK"
COVERS_ONE = "recordings of one run"
LONG_ENOUGH = 0.5
"""Points: a score that moves by more when training is doubled is called under-trained."""
VERDICT_SEEDS = range(5)
"""Data seed = training seed of the runs that verdicts stand on; other seeds are for development."""


def folder() -> Path:
    """`book/results` of the checkout that is being read: named by ASDBOOK_BOOK, else found upwards."""
    if root := os.environ.get(ROOT):
        return Path(root) / "book" / "results"
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / "book" / "results").is_dir():
            return place / "book" / "results"
    return here / "book" / "results"


def _all(root: Path) -> list[Stored]:
    """All records below `root`, each parsed once: a page asks for them dozens of times."""
    return [_load(file.parent, file.stat().st_mtime_ns) for file in records.files(root)]


@lru_cache(maxsize=2048)
def _load(place: Path, changed: int) -> Stored:
    return records.load(place)


def _field(record: Record, key: str) -> Any:
    """A record's field; `data` is the data set's name, `data_seed` its seed, as in `records.find`."""
    if key == "data":
        return record.data.name
    return record.data.seed if key == "data_seed" else getattr(record, key)


def committed(**wanted: Any) -> list[Stored]:
    """Committed records whose fields equal `wanted`; of several attempts of a run, the last.

    A table never mixes versions: records of an older version of their system are left out, and those of an older
    simulator wherever newer ones of the same system and set exist. What is newest is asked of all records, not of
    these.
    """
    found = [s for s in _all(folder()) if all(_field(s.record, key) == want for key, want in wanted.items())]
    everything = [s.record for s in _all(folder())] if found else []
    newest: dict[str, int] = {}
    for record in everything:
        newest[record.system] = max(newest.get(record.system, 0), record.system_version)
    renewed = {(record.system, record.data.name) for record in everything
               if record.data.kind == "synthetic" and not stale(record)}
    found = [s for s in found if not (stale(s.record) and (s.record.system, s.record.data.name) in renewed)]
    latest: dict[tuple[Any, ...], Stored] = {}
    for stored in sorted(found, key=lambda s: s.record.attempt):
        record = stored.record
        if record.system_version == newest[record.system]:
            key = (record.label, record.data.name, record.data.seed, record.seed, record.profile,
                   record.slug, tuple(record.data.premise_off))
            latest[key] = stored
    return list(latest.values())


def data_badge(record: Record) -> Html:
    """Which data and which profile a number comes from."""
    return badge(record.data.kind, record.data.name, record.profile)


def origin(group: Sequence[Record]) -> str:
    """Where a row was computed: date, device, commit of committed records."""
    days = sorted({record.started[:10] for record in group})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    devices = sorted({str(record.device.get("kind", "unknown")).replace("cpu", "CPU") for record in group})
    commits = sorted({record.commit[:7] for record in group})
    many = "record" if len(group) == 1 else f"{len(group)} records"
    old = sorted({str(record.data.simulator_version) for record in group if stale(record)})
    warning = f", simulator version {', '.join(old)} (stale: now {simulate.VERSION})" if old else ""
    return f"{many} of {span}, {', '.join(devices)}, commit {', '.join(commits)}{warning}"


def stale(record: Record) -> bool:
    """Whether a record's built-in clips are no longer those that the simulator makes."""
    return record.data.kind == "synthetic" and record.data.simulator_version != simulate.VERSION


def known_truth(*groups: Sequence[Stored]) -> Stored | None:
    """The first record whose clips can be rendered again, with their truth: built-in data, not stale."""
    for stored in (stored for group in groups for stored in group):
        if stored.record.data.kind == "synthetic" and not stale(stored.record):
            return stored
    return None


def with_known_truth(*groups: Sequence[Stored]) -> Stored:
    """As `known_truth`, where there must be one.

    Raises:
        BadInput: there is none; run the chapter on a built-in set.
    """
    if (stored := known_truth(*groups)) is not None:
        return stored
    raise BadInput("no record on built-in machines of this simulator version: run `make records`")


@dataclass(frozen=True)
class Row:
    """Numbers of one system on one data set, in percent, by machine and quantity.

    Attributes:
        who: the row's label.
        data: badge of the data and profile.
        cells: (machine, quantity) to number; machine "all" holds the year's aggregate.
        origin: where the numbers were made or printed.
        covers: what the intervals cover.
    """

    who: str
    data: Html
    cells: Mapping[tuple[str, str], Value]
    origin: str
    covers: str = ""

    @property
    def machines(self) -> list[str]:
        return list(dict.fromkeys(machine for machine, _ in self.cells if machine != "all"))


def from_records(group: Sequence[Stored], *, who: str = "", here: bool = False, convention: str = "official") -> Row:
    """One row set from the records of one system on one data set.

    A single record shows its own bootstrap interval. Several data seeds show the mean and its t interval over
    data seeds (training seeds on the same data are averaged first); training seeds alone show their mean.

    Args:
        group: records that differ in seeds only.
        who: label; by default "system:variant".
        here: the record was made while the page ran.
        convention: "official" or "same_domain".
    """
    all_records = [stored.record for stored in group]
    tables = [_cells(record.metrics[convention]) for record in all_records]
    if len(tables) == 1:
        cells, covers = tables[0], COVERS_ONE
    else:
        sets = [(record.data.name, record.data.seed, record.data.fingerprint) for record in all_records]
        shared = [key for key in tables[0] if all(key in other for other in tables)]
        cells = {key: _over_seeds([table[key].value for table in tables], sets) for key in shared}
        seeds = len(set(sets))
        one = f"mean of {len(tables)} trainings on one data set"
        covers = one if seeds == 1 else f"{seeds} data seeds, each with its own training"
    first = all_records[0]
    made = "ran here" if here else origin(all_records)
    return Row(who or first.label, data_badge(first), cells, made, covers)


def _over_seeds(values: Sequence[float | None], sets: Sequence[object]) -> Value:
    """Mean over data sets (each the mean of its trainings) with its t interval; `sets` names each value's data."""
    known: dict[object, list[float]] = {}
    for value, name in zip(values, sets, strict=True):
        if value is None:
            return Value(None, reason="undefined for a seed")
        known.setdefault(name, []).append(value)
    means = [sum(trainings) / len(trainings) for trainings in known.values()]
    if len(means) == 1:
        return Value(means[0])
    interval = metrics.over_data_seeds(means)
    return Value(interval.value, interval.low, interval.high)


def _cells(evaluation: Mapping[str, Any]) -> dict[tuple[str, str], Value]:
    """Numbers of one evaluation in percent: machine cells (mean over units where a machine has several)."""
    found: dict[tuple[str, str], Value] = {}
    for machine in evaluation["machines"]:
        by_quantity: dict[str, list[Mapping[str, Any]]] = {}
        for cell in machine["cells"]:
            by_quantity.setdefault(cell["quantity"], []).append(cell)
        for quantity, cells in by_quantity.items():
            found[machine["machine"], quantity] = _percent(cells[0]) if len(cells) == 1 else _mean(cells)
        found[machine["machine"], evaluation["score"]["name"]] = _percent(machine["score"])
    for quantity, number in evaluation["columns"].items():
        found["all", quantity] = _percent(number)
    found["all", evaluation["score"]["name"]] = _percent(evaluation["score"])
    return found


def _percent(number: Mapping[str, Any]) -> Value:
    value, low, high = (None if number.get(k) is None else 100 * number[k] for k in ("value", "low", "high"))
    return Value(value, low, high, reason=str(number.get("reason") or ""))


def _mean(cells: Sequence[Mapping[str, Any]]) -> Value:
    """Mean over a machine's units; its interval is not the mean of theirs, so none is shown."""
    values = [cell["value"] for cell in cells]
    if any(value is None for value in values):
        return Value(None, reason="undefined for a unit")
    return Value(100 * sum(values) / len(values))


def untouched(stored: Stored) -> bool:
    """Whether a run had every machine and premise of its data, and no setting changed by hand."""
    record = stored.record
    return not (record.overrides or record.data.premise_off or record.data.restricted)


def for_tables(group: Sequence[Stored]) -> list[Stored]:
    """The runs that tables and verdicts use: nothing changed by hand, on verdict seeds; while there are none, all."""
    plain = [s for s in group if untouched(s)]
    sealed = [s for s in plain if s.record.data.seed in VERDICT_SEEDS and s.record.seed == s.record.data.seed]
    return sealed or plain


def alarms(groups: Mapping[str, Sequence[Stored]], **options: Any) -> Table:
    """What the decision does: alarms among normal and among anomalous clips by domain, mean over machines and runs.

    Args:
        groups: row label to records.
    """
    kinds = [(word, key, domain) for word, key in (("false alarms", "false_alarm"), ("detected", "detection"))
             for domain in ("source", "target")]
    lines = []
    for who, group in groups.items():
        rates = [rate for stored in group for rate in stored.record.decision["rates"]]
        shown = []
        for _, key, domain in kinds:
            values = [rate[key] for rate in rates if rate["domain"] == domain and rate[key] is not None]
            shown.append(Value(100 * sum(values) / len(values)) if values else Value(None))
        lines.append([join(who, data_badge(group[0].record)), *shown])
    return Table(["threshold", *(f"{word}, {domain} (%)" for word, _, domain in kinds)], lines, **options)


def false_alarms(group: Sequence[Stored]) -> float:
    """Share of normal test clips that ring, in percent: mean over machines, domains and runs."""
    rates = [rate["false_alarm"] for stored in group for rate in stored.record.decision["rates"]]
    known = [rate for rate in rates if rate is not None]
    return 100 * sum(known) / len(known) if known else float("nan")


def beside(
    rows: Iterable[Row], quantities: Sequence[str], *, machines: Sequence[str] | None = None,
    total: str = "all machines", **options: Any
) -> Table:
    """The table "printed and ours": for each machine one line a row set, the data's badge in every line.

    Where each row set comes from stands in notes below. Nothing is subtracted.

    Args:
        rows: printed numbers first, then ours.
        quantities: columns, in percent.
        machines: which, in order; by default all machines of the row sets; () shows the aggregate alone.
        total: name of the aggregate lines; "" leaves them out.
        **options: caption, name and notes of the `Table`.
    """
    rows = list(rows)
    order = list(dict.fromkeys(m for row in rows for m in row.machines)) if machines is None else list(machines)
    lines = []
    for machine in [*order, *(["all"] if total else [])]:
        for row in rows:
            if not any((machine, quantity) in row.cells for quantity in quantities):
                continue
            shown = [row.cells.get((machine, quantity), Value(None)) for quantity in quantities]
            name = total if machine == "all" else machine
            lines.append([name, join(row.who, row.data), *shown])
    columns = ["machine", "system and data", *(f"{quantity} (%)" for quantity in quantities)]
    if not order:
        lines, columns = [line[1:] for line in lines], columns[1:]
    notes = [*options.pop("notes", ()), *origins(rows)]
    return Table(columns, lines, notes=notes, **options)


def origins(rows: Iterable[Row]) -> list[str]:
    """Where row sets come from, and what their intervals cover; one line for those that agree."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row.origin, row.covers), []).append(row.who)
    return [
        f"*{'; '.join(dict.fromkeys(who))}*: {origin}." + (f" Intervals (95 %) cover {covers}." if covers else "")
        for (origin, covers), who in groups.items()
    ]


def training_effect(change: metrics.Interval | None, times: float = 2) -> str:
    """In words, what longer training did to the score, and whether the shorter one was long enough.

    Args:
        change: longer minus shorter training, in points (`verdicts.between`).
        times: how much longer.
    """
    much = "Twice" if times == 2 else f"{times:g} times"
    if change is None:
        return f"{much} the training was not run."
    if change.value < -LONG_ENOUGH:
        return f"{much} the training lowers the score by {-change.value:.1f} points: **over-trained, or noise**."
    label = "under-trained" if change.value > LONG_ENOUGH else "trained long enough"
    return f"{much} the training changes the score by {change.value:+.1f} points: **{label}**."
