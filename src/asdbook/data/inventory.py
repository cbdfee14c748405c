"""The published inventory: how many clips of which machine, ID or section, domain and label there are.

Source: methods/data.md sections 2.2, 2.3, 3 and 4. Counts that we have from memory alone, or only roughly, are
marked as not sure: a difference from them is a remark, not a fault. Test clips of ToyConveyor (2020) are not
known by ID and are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from asdbook.data.years import YEARS, rules
from asdbook.errors import UnknownName

Part = Literal["development", "evaluation"]
_LENGTH_SLACK = 0.6  # s: 2020's clips are "approximately" 10 s


@dataclass(frozen=True)
class Cell:
    """Clips of one split, domain (None in 2020) and label: at least and at most so many."""

    split: str
    domain: str | None
    label: str
    least: int
    most: int
    sure: bool = True


@dataclass(frozen=True)
class Entry:
    """One ID or section of a machine type in one part of a year; `seconds` least and most."""

    part: Part
    machine: str
    unit: str
    cells: tuple[Cell, ...]
    seconds: tuple[float, float]


@dataclass
class Differences:
    """A folder against the inventory: what is missing, too much or other than published; what only may be."""

    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


# --- tables -----------------------------------------------------------------------------------------------

# 2020 development: training normals (from memory), test normals, test anomalies by ID.
_DEVELOPMENT_2020: Mapping[str, tuple[tuple[int, ...], int, tuple[int, ...]]] = {
    "fan": ((911, 916, 933, 915), 100, (407, 359, 348, 361)),
    "pump": ((906, 905, 602, 936), 100, (143, 111, 100, 102)),
    "slider": ((968, 968, 434, 434), 100, (356, 267, 178, 89)),
    "valve": ((891, 608, 900, 892), 100, (119, 120, 120, 120)),
    "ToyCar": ((1000, 1000, 1000, 1000), 350, (264, 265, 265, 265)),
    "ToyConveyor": ((1000, 1000, 1000), 0, (0, 0, 0)),
}
# 2020 evaluation: test normals and anomalies by ID; training clips are "about 1000" an ID.
_EVALUATION_2020: Mapping[str, tuple[tuple[int, int], ...]] = {
    "fan": ((100, 326), (100, 358), (109, 349)),
    "pump": ((100, 116), (100, 113), (100, 248)),
    "slider": ((100, 178),) * 3,
    "valve": ((100, 120), (100, 120), (100, 400)),
    "ToyCar": ((250, 265),) * 3,
    "ToyConveyor": ((200, 355),) * 3,
}
Quad = tuple[int, int, int, int]  # source normal, source anomaly, target normal, target anomaly
# Evaluation sections that differ from the nominal 100 a cell (2021) or 50 a cell (2023).
_EXCEPTIONS: Mapping[tuple[int, str, str], Quad] = {
    (2021, "gearbox", "03"): (130, 104, 104, 182),
    (2021, "gearbox", "04"): (144, 108, 104, 130),
    (2021, "gearbox", "05"): (108, 102, 110, 102),
    (2021, "slider", "05"): (103, 101, 103, 100),
    (2023, "bandsaw", "00"): (67, 40, 60, 33),
    (2023, "grinder", "00"): (107, 27, 36, 30),
    (2023, "shaker", "00"): (49, 53, 52, 46),
}
_SECONDS: Mapping[int, Mapping[str, tuple[float, float]]] = {
    2020: {"ToyCar": (11, 11), "*": (10, 10)},
    2021: {"*": (10, 10)},
    2022: {"*": (10, 10)},
    2023: {"ToyCar": (12, 12), "ToyTrain": (12, 12), "*": (10, 10), "evaluation": (6, 18)},
    2024: {"ToyCar": (12, 12), "ToyTrain": (12, 12), "*": (10, 10), "evaluation": (6, 12)},
    2025: {"*": (6, 18), "evaluation": (6, 18)},
}


def published(year: int) -> tuple[Entry, ...]:
    """All entries of a year, development first.

    Raises:
        UnknownName: a year whose inventory is not known.
    """
    if year not in _SECONDS:
        raise UnknownName("year of the published inventory", str(year), map(str, _SECONDS))
    entries = []
    law = YEARS[year]
    parts: tuple[tuple[Part, tuple[str, ...]], ...] = (
        ("development", law.development),
        ("evaluation", law.evaluation),
    )
    for part, machines in parts:
        for machine in machines:
            units = (law.units.get(machine) or law.units["*"])[part == "evaluation"]
            for place, unit in enumerate(units):
                cells = _cells_2020(part, machine, place) if year == 2020 else _cells(year, part, machine, unit)
                entries.append(Entry(part, machine, unit, tuple(cells), _seconds(year, part, machine)))
    return tuple(entries)


def _seconds(year: int, part: Part, machine: str) -> tuple[float, float]:
    table = _SECONDS[year]
    if part == "evaluation" and "evaluation" in table:
        return table["evaluation"]
    return table.get(machine, table["*"])


def _cells_2020(part: Part, machine: str, place: int) -> Iterator[Cell]:
    if part == "development":
        train, normals, anomalies = _DEVELOPMENT_2020[machine]
        yield Cell("train", None, "normal", train[place], train[place], sure=machine == "ToyCar")
        counts = (normals, anomalies[place])
    else:
        yield Cell("train", None, "normal", 900, 1100, sure=False)
        counts = _EVALUATION_2020[machine][place]
    if all(counts):
        yield Cell("test", None, "normal", counts[0], counts[0])
        yield Cell("test", None, "anomaly", counts[1], counts[1])


def _cells(year: int, part: Part, machine: str, unit: str) -> Iterator[Cell]:
    if year == 2021:  # "about 1000" of the source, three of the target
        yield Cell("train", "source", "normal", 900, 1100, sure=False)
        yield Cell("train", "target", "normal", 3, 3)
    else:
        yield Cell("train", "source", "normal", 990, 990)
        yield Cell("train", "target", "normal", 10, 10)
    nominal = 100 if year == 2021 else 50
    counts = _EXCEPTIONS.get((year, machine, unit), (nominal,) * 4) if part == "evaluation" else (nominal,) * 4
    for k, domain in enumerate(("source", "target")):
        for j, label in enumerate(("normal", "anomaly")):
            yield Cell("test", domain, label, counts[2 * k + j], counts[2 * k + j])


# --- comparison -------------------------------------------------------------------------------------------


def compare(rows: Iterable[Mapping[str, Any]], year: int) -> Differences:
    """Rows of a clip table (dictionaries, None where unknown) against the published inventory of a year.

    A part (development, evaluation) of which nothing is there is a remark; of a part that is there, every
    machine, ID or section and count is compared, at the level of what the names tell.
    """
    law = rules(year)
    entries = published(year)
    there: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        there.setdefault((row["machine"], row[law.unit] or ""), []).append(row)
    found = Differences()
    for part in ("development", "evaluation"):
        own = [entry for entry in entries if entry.part == part]
        if not any((entry.machine, entry.unit) in there for entry in own):
            found.remarks.append(f"nothing of the {part} set of {year} is here")
            continue
        _compare_part(own, there, law.unit, found)
    known = {(entry.machine, entry.unit) for entry in entries}
    for machine, unit in sorted(set(there) - known):
        found.missing.append(f"{machine} {law.unit} {unit or '(none)'}: not in the published inventory of {year}")
    return found


def _compare_part(
    entries: Iterable[Entry],
    there: Mapping[tuple[str, str], list[Mapping[str, Any]]],
    unit: str,
    found: Differences,
) -> None:
    machines = {machine for machine, _ in there}
    gone: dict[str, None] = {}
    for entry in entries:
        rows = there.get((entry.machine, entry.unit))
        if entry.machine not in machines:
            gone.setdefault(f"machine {entry.machine} ({entry.part} set)")
        elif rows is None:
            found.missing.append(f"{entry.machine} {unit} {entry.unit} ({entry.part} set)")
        else:
            _compare_entry(entry, rows, unit, found)
    found.missing += list(gone)


def _compare_entry(entry: Entry, rows: list[Mapping[str, Any]], unit: str, found: Differences) -> None:
    where = f"{entry.machine} {unit} {entry.unit}"
    for split in ("train", "test"):
        here = [row for row in rows if row["split"] == split]
        cells = [cell for cell in entry.cells if cell.split == split]
        if not cells:
            continue
        by_domain = bool(here) and all(row["domain"] for row in here) and cells[0].domain is not None
        by_label = bool(here) and all(row["label"] for row in here)
        counts = Counter(_key(row["domain"], row["label"], by_domain, by_label) for row in here)
        for key in dict.fromkeys(_key(c.domain, c.label, by_domain, by_label) for c in cells):
            part = [c for c in cells if _key(c.domain, c.label, by_domain, by_label) == key]
            least, most = sum(c.least for c in part), sum(c.most for c in part)
            if least <= counts[key] <= most:
                continue
            label = {"anomaly": "anomalous"}.get(key[1], key[1])
            what = " ".join(word for word in (key[0], label, "training" if split == "train" else "test") if word)
            expected = str(least) if least == most else f"{least} to {most}"
            sure = all(c.sure for c in part) or not here
            text = f"{where}: {counts[key]} {what} clips, published {expected}"
            (found.missing if sure else found.remarks).append(text + ("" if sure else " (not verified by us)"))
    seconds = sorted({round(row["seconds"], 2) for row in rows if row["seconds"]})
    least_s, most_s = entry.seconds
    if seconds and (seconds[0] < least_s - _LENGTH_SLACK or seconds[-1] > most_s + _LENGTH_SLACK):
        span = f"{least_s:g} s" if least_s == most_s else f"{least_s:g} to {most_s:g} s"
        shown = f"{seconds[0]:g} s" if len(seconds) == 1 else f"{seconds[0]:g} to {seconds[-1]:g} s"
        found.remarks.append(f"{where}: clips of {shown}, published {span}")


def _key(domain: str | None, label: str | None, by_domain: bool, by_label: bool) -> tuple[str, str]:
    return (domain or "") if by_domain else "", (label or "") if by_label else ""
