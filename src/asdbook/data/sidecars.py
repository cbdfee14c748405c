"""Files beside the clips: `files.csv` (recordings), `attributes_NN.csv` (cross-check), the mark of a set."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from asdbook.data.names import attributes_of
from asdbook.errors import BadInput, one_line

RECORDINGS = "files.csv"
MARK = "asdbook-set.json"
"""Beside generated clips: `{"kind": "synthetic", "name": "synthetic-2023"}`. Their names are official, so
only this tells them from recordings."""


def read_recordings(path: Path) -> dict[str, str]:
    """`files.csv`: file (posix, relative to its folder) -> recording, as written there.

    Raises:
        BadInput: columns missing, or a file named twice.
    """
    rows = _rows(path)
    if not rows or not {"file", "recording"} <= set(rows[0]):
        header = ",".join(name for name in rows[0] if name) if rows else "no row"  # None: cells beyond the header
        raise BadInput(
            f"{path}: expected the columns 'file' and 'recording' with a comma between them, one row a clip; "
            f"found {header[:80]!r}"
        )
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):  # line 1 is the header
        file, recording = (row["file"] or "").strip(), (row["recording"] or "").strip()
        if not file or not recording:
            raise BadInput(f"{path}, line {number}: empty file or recording: fill it in, or remove the line")
        if file in found:
            raise BadInput(f"{path}, line {number}: {file!r} is listed twice: remove one of the lines")
        found[file] = recording
    return found


def read_mark(folder: Path) -> dict[str, str]:
    """What the mark of a generated set says; {} where there is none.

    Raises:
        BadInput: the mark is no JSON object of strings.
    """
    path = folder / MARK
    if not path.exists():
        return {}
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read ({error}): remove it, or generate the set again") from error
    if not isinstance(mark, dict):
        raise BadInput(f"{path}: expected a JSON object: remove it, or generate the set again")
    return {str(key): str(value) for key, value in mark.items()}


def write_mark(folder: Path, name: str, premise_off: Sequence[str] = ()) -> None:
    """Marks a folder of generated clips, so that `load` never takes them for recordings.

    Premises that were off become part of the name: records of such a folder do not pass for the usual set's.
    """
    off = " and ".join(sorted(set(premise_off)))
    mark = {"kind": "synthetic", "name": f"{name} without {off}" if off else name}
    (folder / MARK).write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")


def check_attributes(path: Path, machine_names: Mapping[str, str | None]) -> list[str]:
    """Compares `attributes_NN.csv` with the file names, which count (the csv files have known defects).

    Args:
        path: header `file_name,d1p,d1v,d2p,d2v,...`; the parameter's spelling may differ from the name's, so
            values alone are compared.
        machine_names: "train/<file>" -> raw attribute string of the clips in the machine's folder.

    Returns:
        One line for each mismatch.
    """
    try:
        rows = _rows(path)
    except BadInput as error:
        return [str(error)]
    if rows and "file_name" not in rows[0]:
        return [f"{path.name}: no column 'file_name' in its first line"]
    listed: dict[str, tuple[str, ...]] = {}
    for row in rows:
        file = "/".join((row.get("file_name") or "").split("/")[-2:])
        values = (v.strip() for k, v in row.items() if k and k.startswith("d") and k.endswith("v") and v)
        listed[file] = tuple(sorted(v for v in values if v))
    return [one_line(line) for line in _mismatches(path, listed, machine_names)]


def _mismatches(
    path: Path, listed: Mapping[str, tuple[str, ...]], names: Mapping[str, str | None]
) -> Iterable[str]:
    for file, values in listed.items():
        if file not in names:
            yield f"{path.name}: {file} is listed and not there"
        elif tuple(sorted(attributes_of(names[file]).values())) != values:
            said = names[file] or "no attributes"
            yield f"{path.name}: {file} has {said} in its name, {', '.join(values) or 'none'} in the table"
    splits = {file.split("/")[0] for file in listed}  # evaluation tables cover training clips only
    sections = {"_".join(file.split("/")[-1].split("_")[:2]) for file in listed}
    for file in names:
        section = "_".join(file.split("/")[-1].split("_")[:2])
        if file.split("/")[0] in splits and section in sections and file not in listed:
            yield f"{path.name}: {file} is not listed"


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a table ({error}): save it as UTF-8 csv") from error
