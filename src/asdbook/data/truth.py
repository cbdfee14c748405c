"""The organisers' truth of evaluation clips, whose names hide label and, from 2022 on, domain.

Layouts (methods/data.md section 6):

    ground_truth_data/ground_truth_<m>_section_SS_[source_|target_]test.csv      file,0|1
    ground_truth_domain/ground_truth_<m>_section_SS_test.csv                     file,0|1 (1: target)
    eval_data_list.csv, eval_data_list_<year>.csv        machine line, then lines of file,true name[,label]

The folders count where both are there: the lists of 2022 are wrong for ToyCar and ToyTrain. `read_table` and
`read_list` read one file each; `read_truth` all of a folder; `experiment.official_files` adds what an evaluator asks.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asdbook.data.names import ClipName, parse
from asdbook.errors import BadInput


@dataclass(frozen=True)
class Truth:
    """What the organisers published of one clip."""

    label: str | None
    domain: str | None


@dataclass(frozen=True)
class Listed:
    """A clip of an `eval_data_list`: machine, hidden file name, true name, and the line it stands on."""

    machine: str
    file: str
    name: ClipName
    line: int


def read_truth(folder: Path, machines: Sequence[str]) -> dict[tuple[str, str], Truth]:
    """(machine, file name) -> truth, for these machine types.

    Raises:
        BadInput: no truth found, a line that is no `file,0` or `file,1`, or two lines that disagree.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder of truth files: check the path")
    found: dict[tuple[str, str], Truth] = {}
    for path in sorted(folder.rglob("eval_data_list*.csv")):
        for clip in read_list(path):
            if clip.machine in machines:
                found[clip.machine, clip.file] = Truth(clip.name.label, clip.name.domain)
    for kind, words in (("ground_truth_data", ("normal", "anomaly")), ("ground_truth_domain", ("source", "target"))):
        for machine in machines:
            for path in sorted(folder.rglob(f"{kind}/ground_truth_{machine}_section_*_test.csv")):
                for file, (one, _) in read_table(path).items():
                    before = found.get((machine, file), Truth(None, None))
                    what = "label" if kind == "ground_truth_data" else "domain"
                    found[machine, file] = replace(before, **{what: words[one]})
    if not found:
        raise BadInput(
            f"{folder}: no truth for {', '.join(machines)}: expected ground_truth_data/ground_truth_<machine>"
            "_section_<SS>_test.csv (and ground_truth_domain/) or eval_data_list.csv"
        )
    return found


def read_table(path: Path) -> dict[str, tuple[int, int]]:
    """A headerless table of `file,0|1`: file name to the number and the line it stands on.

    Raises:
        BadInput: another line, a file that is listed twice, or no line at all.
    """
    found: dict[str, tuple[int, int]] = {}
    for line, fields in lines(path):
        if len(fields) != 2 or fields[1] not in ("0", "1"):
            raise BadInput(f"{path}, line {line}: expected 'file,0' or 'file,1', got {','.join(fields)!r}")
        file = basename(fields[0])
        if file in found:
            first = found[file][1]
            raise BadInput(f"{path}, line {line}: {file} is listed twice (first on line {first}): remove a line")
        found[file] = int(fields[1]), line
    if not found:
        raise BadInput(f"{path}: empty: expected lines of 'file,0' or 'file,1'")
    return found


def read_list(path: Path) -> Iterator[Listed]:
    """A machine's name alone opens its block of lines: hidden name, true name, and in 2020 the label.

    Raises:
        BadInput: another line, a name outside the grammars, a clip that is listed twice, or a label that is not
            the true name's.
    """
    machine = ""
    seen: set[tuple[str, str]] = set()
    for line, fields in lines(path):
        cells = [field for field in fields if field]  # some editions pad the machine's line with commas
        if len(cells) == 1:
            machine = cells[0]
            continue
        if len(cells) not in (2, 3) or not machine:
            raise BadInput(f"{path}, line {line}: expected 'hidden name,true name[,label]' below a machine's name")
        file = basename(cells[0])
        try:
            name = parse(cells[1] if cells[1].endswith(".wav") else f"{cells[1]}.wav")
        except BadInput as error:
            raise BadInput(f"{path}, line {line}: {error}") from error
        if len(cells) == 3 and {"0": "normal", "1": "anomaly"}.get(cells[2]) != name.label:
            raise BadInput(f"{path}, line {line}: label {cells[2]!r} of {cells[1]}: expected 0 or 1, as the name says")
        if (machine, file) in seen:
            raise BadInput(f"{path}, line {line}: {file} is listed twice for {machine}: remove a line")
        seen.add((machine, file))
        yield Listed(machine, file, name, line)


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, stripped fields) of a csv file without its blank lines.

    Raises:
        BadInput: it is no table in UTF-8.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            for fields in reader:
                if any(field.strip() for field in fields):
                    yield reader.line_num, [field.strip() for field in fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a table ({error}): save it as UTF-8 csv") from error


def basename(name: str) -> str:
    """The last part of a path of any system."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]
