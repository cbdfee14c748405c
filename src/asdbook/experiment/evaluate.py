"""Official metrics of scores on disk, made here or elsewhere: `evaluate_path`. Loads no torch.

Three kinds of input: a scores file (`scores.csv` or `.csv.gz` with at least file, machine, score and label),
a run or record folder, or a folder of csv files in the layout of the official evaluators with their truth.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from asdbook import metrics
from asdbook.data import names
from asdbook.errors import BadInput
from asdbook.experiment.folders import RunFolder, find_run
from asdbook.experiment.official_files import (
    YEARS_OF_STYLE,
    Clip,
    Truth,
    finite,
    read_folder,
    read_truth,
    zero_or_one,
)

_LABELS = {"normal": 0, "anomaly": 1, "0": 0, "1": 1}


def evaluate_path(
    path: str | Path,
    truth: str | Path | None = None,
    year: int | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
    by_recording: bool = False,
) -> dict[str, Any]:
    """A year's official numbers, in both domain conventions from 2022 on, and decisions where there are some.

    Args:
        path: a scores file, a run or record folder, or a folder of official csv files.
        truth: the evaluator's truth folder (or 2020's eval_data_list.csv); without it labels come from the
            scores file or from names that carry them.
        year: whose rules apply; a record knows its own, official file names say enough for a default.
        draws: bootstrap resamples; 0 for no intervals.
        by_recording: score recordings, not clips: the mean over the clips that were cut from one.
        seed: seed of the resamples; the default is the one that records are made with.

    Returns:
        {"path", "kind" ("scores", "record" or "official"), "year", "clips", "metrics": {convention:
        Evaluation.as_dict()}, "decisions": [rows of P, R, F1 and false-alarm rate per machine, unit, domain]
        or [], "notes": [text]}.

    Raises:
        BadInput: anything that does not match, with the file and line.
    """
    path, truth = Path(path), None if truth is None else Path(truth)
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder; name a scores file, a run or a folder of csv files")
    if truth is not None and not truth.exists():
        raise BadInput(f"{truth}: no such truth; name the folder that holds ground_truth_data")
    notes: list[str] = []
    if path.is_dir() and any(path.glob("anomaly_score_*.csv")):
        kind = "official"
        clips, style, named_year = read_folder(path, truth)
        year = _year_of_files(path, style, year if year is not None else named_year, notes)
    else:
        if path.is_dir() and RunFolder(path).latest() is not None:
            path = find_run(str(path))  # an experiment's folder: its newest attempt
        file, info = _scores_file(path)
        kind = "record" if info else "scores"
        year = year if year is not None else info.get("year")
        clips = _read_scores(file, truth, year, notes if info else None)
        year = _year_of_scores(file, clips, year, notes)
    if by_recording:
        clips = _recordings(clips)
        notes.append("scores are means over the clips of a recording")
    return {
        "path": str(path),
        "kind": kind,
        "year": year,
        "clips": len(clips),
        "metrics": _metrics(clips, year, draws, seed),
        "decisions": _decisions(clips),
        "notes": notes,
    }


def _recordings(clips: Sequence[Clip]) -> list[Clip]:
    """One entry a recording, with the mean score of its clips and no decision."""
    groups: dict[tuple[Any, ...], list[Clip]] = {}
    for clip in clips:
        key = (clip.machine, clip.unit, clip.domain, clip.label, clip.recording or clip.file)
        groups.setdefault(key, []).append(clip)
    return [
        replace(group[0], score=math.fsum(clip.score for clip in group) / len(group), decision=None)
        for group in groups.values()
    ]


def _metrics(clips: Sequence[Clip], year: int, draws: int, seed: int) -> dict[str, Any]:
    if year not in metrics.RULES:
        metrics.rule(year)  # raises with the years there are
    return {
        convention: metrics.evaluate(
            year,
            [clip.machine for clip in clips],
            [clip.unit for clip in clips],
            [clip.label for clip in clips],
            [clip.score for clip in clips],
            domain=[clip.domain or "" for clip in clips],
            recording=[clip.recording or clip.file for clip in clips],  # a name, so that order changes nothing
            convention=convention,
            draws=draws,
            seed=seed,
        ).as_dict()
        for convention in metrics.RULES[year]
    }


def _decisions(clips: Sequence[Clip]) -> list[dict[str, Any]]:
    called = [clip.decision for clip in clips]
    if any(decision is None for decision in called):
        return []
    domains = [clip.domain for clip in clips]
    return metrics.decisions(
        [clip.machine for clip in clips],
        [clip.unit for clip in clips],
        [clip.label for clip in clips],
        [decision or 0 for decision in called],
        None if None in domains else [domain or "" for domain in domains],
    )


def _year_of_files(path: Path, style: str, year: int | None, notes: list[str]) -> int:
    """The year whose rules apply to official file names."""
    allowed = YEARS_OF_STYLE[style]
    if year is None:
        if len(allowed) > 1:
            notes.append(f"year not given: {allowed[0]} to {allowed[-1]} name files alike and share one rule")
        return allowed[0]
    if year not in allowed:
        shown = " to ".join(map(str, sorted({allowed[0], allowed[-1]})))
        raise BadInput(f"{path}: the file names are those of {shown}, not of {year}; leave the year out")
    return year


def _year_of_scores(file: Path, clips: Sequence[Clip], year: int | None, notes: list[str]) -> int:
    if year is not None:
        return year
    if any(clip.domain for clip in clips):
        raise BadInput(f"{file}: clips have domains, so the year matters; give it (2021, or 2022 to 2025)")
    notes.append("year not given: without domains the rules of 2020 apply")
    return 2020


def _scores_file(path: Path) -> tuple[Path, dict[str, Any]]:
    """The scores file, and the year if a record lies beside it."""
    if path.is_dir():
        found = [path / name for name in ("scores.csv.gz", "scores.csv") if (path / name).is_file()]
        if not found:
            raise BadInput(f"{path}: no scores.csv.gz, scores.csv or anomaly_score_*.csv in it")
        file = found[0]
    else:
        file = path
    record = file.parent / "record.json"
    if not file.name.startswith("scores.csv") or not record.is_file():
        return file, {}
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        return file, {"year": int(content["data"]["year"] or 2020)}  # None: one's own recordings, IDs as in 2020
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BadInput(f"{record}: damaged record ({problem!r}); restore it or move it away") from None


def _read_scores(path: Path, truth: Path | None, year: int | None, notes: list[str] | None) -> list[Clip]:
    """Test clips of a scores file; truth, if given, stands in for labels and domains.

    A run of ours may hold clips without a label: `notes` then says how many. None: every clip needs one.
    """
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))  # "": the reader knows all line ends
    try:
        have = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = have
        lines = [(reader.line_num, row) for row in reader]
    except csv.Error as problem:
        raise BadInput(f"{path}, line {reader.line_num}: cannot be read as a table ({problem})") from None
    needed = ("file", "machine", "score") if truth else ("file", "machine", "score", "label")
    for column in needed:
        if column not in have:
            raise BadInput(f"{path}, line 1: no column {column!r}; expected at least {', '.join(needed)}")
    rows: list[tuple[int, dict[str, str]]] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in lines:
        if None in row or None in row.values():
            raise BadInput(f"{path}, line {line}: not {len(have)} fields as in the header")
        clean = {key: value.strip() for key, value in row.items()}
        if clean.get("split", "test") != "test":
            continue
        name = (clean["machine"], clean["file"])
        if name in seen:
            raise BadInput(f"{path}, line {line}: {clean['file']} occurs twice (first on line {seen[name]})")
        seen[name] = line
        rows.append((line, clean))
    if not rows:
        raise BadInput(f"{path}: no test clips; check the column 'split'")
    if notes is not None and truth is None:
        rows = _labelled(path, rows, notes)
    facts = _facts(path, rows, truth, year) if truth else {}
    return [_clip(path, line, row, facts) for line, row in rows]


def _labelled(
    path: Path, rows: list[tuple[int, dict[str, str]]], notes: list[str]
) -> list[tuple[int, dict[str, str]]]:
    kept = [(line, row) for line, row in rows if row["label"]]
    if not kept:
        raise BadInput(f"{path}: none of the {len(rows)} test clips has a label; give the truth folder")
    if len(kept) < len(rows):
        notes.append(f"{len(rows) - len(kept)} of {len(rows)} test clips have no label: not evaluated")
    return kept


def _clip(path: Path, line: int, row: dict[str, str], facts: dict[str, tuple[int, str | None]]) -> Clip:
    if not row["machine"] or not row["file"]:
        raise BadInput(f"{path}, line {line}: file or machine is empty")
    unit = _unit(row)
    if facts:
        label, domain = facts[f"{row['machine']}/{Path(row['file']).name}"]
    else:
        if row["label"] not in _LABELS:
            raise BadInput(f"{path}, line {line}: label {row['label']!r}; expected normal or anomaly")
        label, domain = _LABELS[row["label"]], row.get("domain") or None
    if domain not in (None, "source", "target"):
        raise BadInput(f"{path}, line {line}: domain {domain!r}; expected source, target or nothing")
    decision = None
    if row.get("decision"):
        decision = zero_or_one(path, line, finite(path, line, row["decision"]), "the decision")
    recording = (row.get("recording") or row["file"]) if "recording" in row else None
    score = finite(path, line, row["score"])
    return Clip(row["file"], row["machine"], unit, domain, label, score, recording, decision)


def _unit(row: dict[str, str]) -> str:
    """ID or section: the column, or what the name says; names outside the grammar are one unit, "00"."""
    if row.get("unit"):
        return row["unit"]
    try:
        parsed = names.parse(row["file"])
    except BadInput:
        return "00"
    return parsed.section or parsed.id or "00"


def _facts(
    path: Path, rows: Sequence[tuple[int, dict[str, str]]], truth: Path, year: int | None
) -> dict[str, tuple[int, str | None]]:
    """Truth by "machine/basename"; every clip of the truth must be there, and no other."""
    style = next((s for s, years in YEARS_OF_STYLE.items() if year in years), None)
    if style is None:
        raise BadInput(f"{path}: a truth folder needs the year, to know its layout; give the year")
    known: Truth = read_truth(truth, style)
    facts = {
        f"{key.machine}/{name}": (label, key.domain or domain)
        for key, block in known.items()
        for name, (label, domain) in block.items()
    }
    found = set()
    for line, row in rows:
        name = f"{row['machine']}/{Path(row['file']).name}"
        if name not in facts:
            raise BadInput(f"{path}, line {line}: {name} is not in the truth {truth}")
        if name in found:
            raise BadInput(f"{path}, line {line}: {name} occurs twice")
        found.add(name)
    missing = [name for name in facts if name not in found]
    if missing:
        raise BadInput(f"{path}: {missing[0]} is in the truth {truth} and not here ({len(missing)} missing)")
    return facts


def _text(path: Path) -> str:
    """The file's text, unpacked if its name ends in .gz."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.name.endswith(".gz") else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise BadInput(f"{path}: cannot be read as a scores file ({problem}): restore it, or make it again") from None
