"""Score, decision and truth files in the layouts of the official evaluators, read strictly.

Layouts (no headers; `basename.wav,value` per line):

    2020     anomaly_score_<machine>_id_<NN>.csv, or the baseline's ..._id_<NN>_test.csv
    2021     anomaly_score_<machine>_section_<SS>_(source|target)_test.csv
    2022 on  anomaly_score_<machine>_section_<SS>_test.csv, or the baseline's
             anomaly_score_DCASE<year>T2<machine>_section_<SS>_test_seed<seed><tag>.csv
    2021 on  decision_result_... with the same stem, values 0 or 1

Truth: `ground_truth_data/` (labels) and, from 2022 on, `ground_truth_domain/` (0 source, 1 target), each with
ground_truth_<machine>_section_<SS>_[<domain>_]test.csv; for 2020 `eval_data_list.csv`, where a line with the
machine alone opens a block of `hidden name,true name,label`. Without truth, names that carry label and domain
(development sets) are their own truth.

The evaluators sort rows as text and never compare names. Here clips are matched by name, and a duplicate, a
missing or extra name or a value that is no number is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from asdbook.data import names
from asdbook.data.truth import basename, lines, read_list, read_table
from asdbook.errors import BadInput

YEARS_OF_STYLE = {"id": (2020,), "domain": (2021,), "section": (2022, 2023, 2024, 2025)}

_SCORE_FILE = re.compile(
    r"(?P<what>anomaly_score|decision_result)_(?:DCASE(?P<year>[0-9]{4})T2)?(?P<machine>.+?)"
    r"_(?:id_(?P<id>[0-9]{2})(?:_test)?"
    r"|section_(?P<section>[0-9]{2})(?:_(?P<domain>source|target))?_test(?:_seed[0-9]+.*)?)\.csv"
)
_TRUTH_FILE = re.compile(
    r"ground_truth_(?P<machine>.+?)_section_(?P<section>[0-9]{2})(?:_(?P<domain>source|target))?_test\.csv"
)


@dataclass(frozen=True, order=True)
class Key:
    """What one official file is about; `domain` is "" where a file holds both or none."""

    machine: str
    unit: str
    domain: str = ""


@dataclass(frozen=True)
class Clip:
    """One test clip with its truth."""

    file: str
    machine: str
    unit: str
    domain: str | None
    label: int
    score: float
    recording: str | None = None
    decision: int | None = None


@dataclass(frozen=True)
class _Value:
    """A number and the line it stands on."""

    number: float
    line: int


Truth = dict[Key, dict[str, tuple[int, str | None]]]


def read_folder(folder: Path, truth: Path | None) -> tuple[list[Clip], str, int | None]:
    """Clips of a folder of official csv files, matched with the truth by name.

    Returns:
        clips, the file style ("id", "domain" or "section"), and the year if the file names say it.

    Raises:
        BadInput: see the module; one line that names file and line.
    """
    scores, style, year = _files(folder, "anomaly_score")
    decisions, _, _ = _files(folder, "decision_result")
    known = None if truth is None else read_truth(truth, style)
    if known is not None:
        _same_keys(folder, truth or folder, scores, known)
    clips: list[Clip] = []
    for key, path in sorted(scores.items()):
        values = read_values(path)
        if known is None:
            facts = {name: _from_name(path, name, value.line, key) for name, value in values.items()}
        else:
            facts = known[key]
            same_names(path, {name: value.line for name, value in values.items()}, facts)
        called = _decisions(folder, key, path, values, decisions) if decisions else {}
        for name, value in values.items():
            label, domain = facts[name]
            domain = key.domain or domain
            clips.append(
                Clip(name, key.machine, key.unit, domain, label, value.number, None, called.get(name))
            )
    return clips, style, year


def read_values(path: Path) -> dict[str, _Value]:
    """`name,number` lines of one file; names are cut to their last path part."""
    values: dict[str, _Value] = {}
    for line, fields in lines(path):
        if len(fields) != 2:
            raise BadInput(f"{path}, line {line}: {len(fields)} fields; expected 'basename.wav,value'")
        name = basename(fields[0])
        if name in values:
            raise BadInput(f"{path}, line {line}: {name} occurs twice (first on line {values[name].line})")
        values[name] = _Value(finite(path, line, fields[1], " (these files have no header)"), line)
    if not values:
        raise BadInput(f"{path}: empty; expected lines of 'basename.wav,value'")
    return values


def finite(path: Path, line: int, text: str, hint: str = "") -> float:
    """A finite number, or `BadInput` with file, line and a hint at what may be wrong."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
        text = repr(text[:40])
    if "_" in text or not math.isfinite(value):  # float() takes 1_000, a csv means a slip
        raise BadInput(f"{path}, line {line}: {text} is not a finite number{hint}")
    return value


def zero_or_one(path: Path, line: int, value: float, what: str) -> int:
    if value not in (0.0, 1.0):
        raise BadInput(f"{path}, line {line}: {what} is {value:g}; expected 0 or 1")
    return int(value)


def read_truth(truth: Path, style: str) -> Truth:
    """Labels (and domains) of the official truth, by file and clip name."""
    if style == "id":
        return _read_list_2020(truth)
    root = truth.parent if truth.name == "ground_truth_data" else truth
    labels = _truth_files(root / "ground_truth_data")
    domains = _truth_files(root / "ground_truth_domain") if style == "section" else {}
    known: Truth = {}
    for key, path in labels.items():
        found = read_table(path)
        where: dict[str, str | None] = dict.fromkeys(found, None)
        if style == "section":
            if key not in domains:
                raise BadInput(f"{root / 'ground_truth_domain' / path.name}: missing; {path} has its labels")
            listed = read_table(domains[key])
            same_names(domains[key], {name: line for name, (_, line) in listed.items()}, found)
            where = {name: ("source", "target")[one] for name, (one, _) in listed.items()}
        known[key] = {name: (label, where[name]) for name, (label, _) in found.items()}
    return known


def same_names(path: Path, have: Mapping[str, int], want: Collection[str]) -> None:
    """Refuses extra and missing names; `have` maps names to line numbers (0: not known)."""
    for name, line in have.items():
        if name not in want:
            place = f", line {line}" if line else ""
            raise BadInput(f"{path}{place}: {name} is not in the truth; remove it or name the right truth")
    missing = [name for name in want if name not in have]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadInput(f"{path}: {missing[0]}{more} missing, though in the truth; add the line")


def _files(folder: Path, what: str) -> tuple[dict[Key, Path], str, int | None]:
    """The files of one kind, their one style, and the year that baseline names carry."""
    found: dict[Key, Path] = {}
    styles: dict[str, Path] = {}
    years: set[int] = set()
    for path in sorted(folder.glob(f"{what}_*.csv")):
        match = _SCORE_FILE.fullmatch(path.name)
        if match is None:
            raise BadInput(f"{path}: not an official name; expected such as {what}_fan_section_00_test.csv")
        style = "id" if match["id"] else ("domain" if match["domain"] else "section")
        styles.setdefault(style, path)
        key = Key(match["machine"], match["id"] or match["section"], match["domain"] or "")
        if key in found:
            raise BadInput(f"{path}: second file for the clips of {found[key].name}; keep one")
        found[key] = path
        if match["year"]:
            years.add(int(match["year"]))
    if len(styles) > 1 or len(years) > 1:
        shown = " and ".join(path.name for path in styles.values())
        raise BadInput(f"{folder}: files of several years ({shown or sorted(years)}); keep one year a folder")
    return found, next(iter(styles), ""), next(iter(years), None)


def _same_keys(folder: Path, truth: Path, scores: dict[Key, Path], known: Truth) -> None:
    for key, path in scores.items():
        if key not in known:
            raise BadInput(f"{path}: {truth} has no truth for {key.machine} {key.unit} {key.domain}".rstrip())
    for key in known:
        if key not in scores:
            what = f"{key.machine} {key.unit} {key.domain}".rstrip()
            raise BadInput(f"{folder}: no anomaly_score file for {what}, which the truth lists; add it")


def _decisions(
    folder: Path, key: Key, path: Path, values: dict[str, _Value], files: dict[Key, Path]
) -> dict[str, int]:
    if key not in files:
        name = path.name.replace("anomaly_score", "decision_result", 1)
        raise BadInput(f"{folder / name}: missing, though other decision files exist; add it or remove them")
    called = read_values(files[key])
    same_names(files[key], {n: v.line for n, v in called.items()}, values)
    return {n: zero_or_one(files[key], v.line, v.number, "the decision") for n, v in called.items()}


def _from_name(path: Path, name: str, line: int, key: Key) -> tuple[int, str | None]:
    """Label and domain that a development name carries."""
    try:
        parsed = names.parse(name)
    except BadInput as problem:
        raise BadInput(f"{path}, line {line}: {problem}") from None
    if parsed.label is None:
        raise BadInput(f"{path}, line {line}: {name} carries no label; give the truth folder")
    if (parsed.section or parsed.id) != key.unit or (key.domain and parsed.domain != key.domain):
        raise BadInput(f"{path}, line {line}: {name} does not belong in this file; move the line")
    return int(parsed.label == "anomaly"), parsed.domain


def _truth_files(folder: Path) -> dict[Key, Path]:
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; the truth is laid out as in the official evaluator")
    found = {}
    for path in sorted(folder.glob("*.csv")):
        match = _TRUTH_FILE.fullmatch(path.name)
        if match is None:
            raise BadInput(f"{path}: not an official name, such as ground_truth_fan_section_00_test.csv")
        found[Key(match["machine"], match["section"], match["domain"] or "")] = path
    if not found:
        raise BadInput(f"{folder}: no ground_truth_*.csv; the truth is laid out as in the official evaluator")
    return found


def _read_list_2020(truth: Path) -> Truth:
    """`eval_data_list.csv`, by the machine IDs that the hidden names carry."""
    path = truth / "eval_data_list.csv" if truth.is_dir() else truth
    known: Truth = {}
    for clip in read_list(path):
        try:
            unit = names.parse(clip.file).id
        except BadInput as problem:
            raise BadInput(f"{path}, line {clip.line}: {problem}") from None
        if unit is None or clip.name.label is None:
            raise BadInput(f"{path}, line {clip.line}: expected such as id_01_00000000.wav,normal_id_01_00000098.wav,0")
        known.setdefault(Key(clip.machine, unit), {})[clip.file] = (int(clip.name.label == "anomaly"), None)
    if not known:
        raise BadInput(f"{path}: no clips; expected the blocks of eval_data_list.csv")
    return known
