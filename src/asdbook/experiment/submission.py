"""A run's test scores in the tree that the official evaluators read (methods/metrics.md section 5).

    2022 on  teams/<team>/<system>/anomaly_score_<machine>_section_<SS>_test.csv
    2021     teams/<team>/anomaly_score_<machine>_section_<SS>_(source|target)_test.csv
    2020     teams/<team>/anomaly_score_<machine>_id_<NN>.csv

and from 2021 on a `decision_result_...` file beside each. Lines are `basename.wav,value`, sorted by name as the
evaluators sort, without header; scores have all their digits. Labels are not written, so a truth folder, or names
that carry labels, are needed to evaluate them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd

from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.folders import find_run

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def submission(run: str, folder: Path, *, team: str = "asdbook", system: str | None = None) -> list[Path]:
    """Writes the files of a run.

    Args:
        run: a run's folder, or an unambiguous part of its name.
        folder: where `teams/` goes; new or empty.
        team: name of the team's folder.
        system: name of the system's folder (2022 on); by default system and variant.

    Returns:
        The files written, sorted.

    Raises:
        BadInput: an unknown run, recordings of one's own, a folder that is not empty, a name that is no word.
    """
    stored = records.load(find_run(run))
    year = stored.record.data.year
    if year is None:
        raise BadInput(f"{stored.folder}: recordings of one's own: no challenge has a place for their scores")
    system = system or f"{stored.record.system}_{stored.record.variant}"
    for what, name in (("team", team), ("system", system)):
        if not _WORD.fullmatch(name):
            raise BadInput(f"{what} {name!r}: use letters, digits, '.', '_' and '-'")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder}: not empty: choose a new folder, nothing is overwritten")
    files = _files(stored, year)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    home = part / "teams" / team / system if year >= 2022 else part / "teams" / team
    home.mkdir(parents=True)
    for name, lines in files.items():
        (home / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    return sorted(folder.rglob("*.csv"))


def _files(stored: records.Stored, year: int) -> dict[str, list[str]]:
    """File name to lines."""
    table = stored.scores()
    test = table[table["split"] == "test"]
    if test.empty:
        raise BadInput(f"{stored.folder}: the run has no test clips: nothing to submit")
    keys = ["machine", "unit", "domain"] if year == 2021 else ["machine", "unit"]
    files: dict[str, list[str]] = {}
    for key, rows in test.groupby(keys):
        machine, unit, *domain = (str(part) for part in key)
        place = f"{machine}_id_{unit}" if year == 2020 else "_".join([machine, "section", unit, *domain, "test"])
        names = rows["file"].str.rsplit("/", n=1).str[-1]
        twice = names[names.duplicated()]
        if len(twice):
            raise BadInput(f"{stored.folder}: {twice.iloc[0]} occurs twice for {place}: evaluators know names alone")
        files[f"anomaly_score_{place}.csv"] = _lines(names, rows["score"])
        if year >= 2021:
            files[f"decision_result_{place}.csv"] = _lines(names, rows["decision"].astype(int))
    return files


def _lines(names: pd.Series, values: pd.Series) -> list[str]:
    """Sorted lines; a float's repr is the shortest text that reads back as the same number."""
    return sorted(f"{name},{value!r}" for name, value in zip(names.tolist(), values.tolist(), strict=True))
