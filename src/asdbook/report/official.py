"""The official baselines' printed numbers as row sets: printed averages as printed, ours marked as computed.

Where a source prints no average, we compute it by the year's rule from the printed cells and say so in the cell.
A cell that an erratum puts in doubt carries its id, and so does every number computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from asdbook import metrics, papers
from asdbook.papers import quoting
from asdbook.report import results
from asdbook.report.results import Row
from asdbook.report.tables import Html, Table, Value, badge, erratum

PARTS = {"dev": "development", "eval": "evaluation"}


def year_of(name: str) -> int:
    """The year of a table "baseline_<year>_<dev or eval>"."""
    return int(name.split("_")[1])


def columns(year: int) -> list[str]:
    """A year's quantities and its score, in the order of its rule."""
    rule = metrics.rules.rule(year)
    names = [quantity.name for quantity in rule.quantities]
    return [*names, *([rule.score_name] if rule.score_name.startswith("Omega") else [])]


def row(name: str, system: str, *, who: str = "") -> Row:
    """An official baseline's numbers: printed ones as printed, averages that are not printed computed.

    Args:
        name: a table "baseline_<year>_<dev or eval>".
        system: "mse" or "mahalanobis".
        who: label.
    """
    _, year, part = name.split("_")
    said = quoting.printed(name, system)
    flags = {**quoting.flags(name, system), **quoting.differing(name, system)}
    cells = computed(name, system, flags)
    for cell, number in said.items():
        cells[cell] = Value(number.percent, text=number.text, errata=flags.get(cell, ()))
    first = papers.table(name).iloc[0]
    origin = f"printed: {first['table']}, {first['provenance']}"
    if about := quoting.row_flags(name, system):
        origin += f" (erratum {', '.join(erratum(e).text for e in about)})"
    badged = badge("official", f"{year} {PARTS[part]}")
    return Row(who or f"official, {system}", badged, cells, origin)


def computed(name: str, system: str, flags: Mapping[quoting.Cell, tuple[str, ...]]) -> dict[quoting.Cell, Value]:
    """Averages by the year's rule from the printed cells; none where a source prints averages alone.

    Args:
        name, system: as in `row`.
        flags: errata of single cells; a number that such a cell enters carries them too.
    """
    if set(papers.table(name)["unit"]) <= {"mean", "all"}:
        return {}
    frame = papers.baseline(name, system)
    mean = metrics.rules.rule(year_of(name)).mean
    found: dict[quoting.Cell, Value] = {}
    for machine, rows in frame.groupby(level="machine", sort=False):
        doubted = {q: flags.get((str(machine), q), ()) for q in frame.columns}
        for quantity in frame.columns if len(rows) > 1 else ():
            found[str(machine), quantity] = _value(rows[[quantity]], "arithmetic", doubted[quantity])
        if mean == "harmonic":
            found[str(machine), "Omega"] = _value(rows, mean, _union(doubted.values()))
    for quantity in frame.columns:
        doubts = _union(ids for (_, q), ids in flags.items() if q == quantity)
        found["all", quantity] = _value(frame[[quantity]], mean, doubts)
    if mean == "harmonic":
        found["all", "Omega"] = _value(frame, mean, _union(flags.values()))
    return found


def recomputed(name: str, system: str, cell: quoting.Cell = ("all", "Omega")) -> float:
    """What the printed cells give for an average (percent), whether it is printed or not."""
    return float(computed(name, system, {})[cell].value or float("nan"))


def _value(frame: pd.DataFrame, mean: str, errata: tuple[str, ...]) -> Value:
    """The mean over all numbers of `frame` (percent) by a year's rule."""
    stacked = frame.stack()
    machines = stacked.index.get_level_values("machine").to_numpy(dtype=object)
    number = 100 * float(metrics.aggregate(stacked.to_numpy(dtype=float) / 100, machines, mean))
    return Value(number, computed=True, errata=errata)


def _union(groups: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e for ids in groups for e in ids))


def notes(name: str, system: str) -> list[str]:
    """Printed averages whose last digit their own cells do not give, with the reason; [] where all agree."""
    again, found = computed(name, system, {}), []
    errata = quoting.differing(name, system)
    for (machine, quantity), number in quoting.printed(name, system).items():
        if (machine, quantity) not in again:
            continue
        digits = len(number.text.partition(".")[2])
        ours = f"{again[machine, quantity].value:.{digits}f}"
        if ours == number.text:
            continue
        marks = " ".join(erratum(e).text for e in errata.get((machine, quantity), ()))
        why = marks or "the rounding of the cells allows both"
        place = "all machines" if machine == "all" else machine
        found.append(f"*official, {system}*: {quantity} of {place} is printed as {number.text}, "
                     f"its printed cells give {ours}: {why}.")
    return found


def printed(name: str, **options: Any) -> Table:
    """One table of printed baseline numbers, all its systems; what is computed says so in its cell."""
    systems = [str(s) for s in papers.table(name)["system"].unique()]
    rows = [row(name, system) for system in systems]
    said = [*options.pop("notes", ()), *(note for system in systems for note in notes(name, system))]
    return results.beside(rows, columns(year_of(name)), notes=said, **options)


def missing(year: int, who: str, data: Html, command: str = "make records") -> Row:
    """A row that says that no record is there yet."""
    cells = {("all", quantity): Value(None, reason="no record yet") for quantity in columns(year)}
    return Row(who, data, cells, f"no record is committed yet: run `{command}`")
