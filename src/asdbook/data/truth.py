"""The organisers' truth of evaluation clips, whose names hide label and, from 2022 on, domain.

Layouts (methods/data.md section 6):

    ground_truth_data/ground_truth_<m>_section_SS_[source_|target_]test.csv      file,0|1
    ground_truth_domain/ground_truth_<m>_section_SS_test.csv                     file,0|1 (1: target)
    eval_data_list.csv, eval_data_list_<year>.csv        machine line, then lines of file,true name[,label]

The folders count where both are there: the lists of 2022 are wrong for ToyCar and ToyTrain.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asdbook.data.names import parse
from asdbook.errors import BadInput


@dataclass(frozen=True)
class Truth:
    """What the organisers published of one clip."""

    label: str | None
    domain: str | None


def read_truth(folder: Path, machines: Sequence[str]) -> dict[tuple[str, str], Truth]:
    """(machine, file name) -> truth, for these machine types.

    Raises:
        BadInput: no truth found, a line that is no `file,0` or `file,1`, or two lines that disagree.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of truth files: check the path")
    found: dict[tuple[str, str], Truth] = {}
    for path in sorted(folder.rglob("eval_data_list*.csv")):
        found.update(_list_entries(path, machines))
    for kind in ("ground_truth_data", "ground_truth_domain"):
        for machine in machines:
            for path in sorted(folder.rglob(f"{kind}/ground_truth_{machine}_section_*_test.csv")):
                _take_table(path, kind, machine, found)
    if not found:
        raise BadInput(
            f"{folder}: no truth for {', '.join(machines)}: expected ground_truth_data/ground_truth_<machine>"
            "_section_<SS>_test.csv (and ground_truth_domain/) or eval_data_list.csv"
        )
    return found


def _take_table(path: Path, kind: str, machine: str, found: dict[tuple[str, str], Truth]) -> None:
    """One headerless table of `file,0|1`."""
    seen: set[str] = set()
    for number, row in enumerate(_rows(path), start=1):
        if len(row) != 2 or row[1].strip() not in ("0", "1"):
            raise BadInput(f"{path}, line {number}: expected 'file,0' or 'file,1', got {','.join(row)!r}")
        file, one = row[0].strip(), row[1].strip() == "1"
        if file in seen:
            raise BadInput(f"{path}, line {number}: {file} is listed twice: remove one of the lines")
        seen.add(file)
        before = found.get((machine, file), Truth(None, None))
        if kind == "ground_truth_data":
            found[machine, file] = replace(before, label="anomaly" if one else "normal")
        else:
            found[machine, file] = replace(before, domain="target" if one else "source")


def _list_entries(path: Path, machines: Sequence[str]) -> Iterator[tuple[tuple[str, str], Truth]]:
    """A machine's name alone opens its block of lines: hidden name, true name, and in 2020 the label."""
    machine = ""
    for number, row in enumerate(_rows(path), start=1):
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(cells) == 1:
            machine = cells[0]
        elif len(cells) in (2, 3) and machine:
            if machine in machines:
                try:
                    name = parse(cells[1] if cells[1].endswith(".wav") else f"{cells[1]}.wav")
                except BadInput as error:
                    raise BadInput(f"{path}, line {number}: {error}") from error
                yield (machine, cells[0]), Truth(name.label, name.domain)
        else:
            raise BadInput(f"{path}, line {number}: expected 'hidden name,true name' below a machine's name")


def _rows(path: Path) -> Iterable[list[str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a table ({error}): save it as UTF-8 csv") from error
