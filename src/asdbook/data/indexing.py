"""From a folder to a `ClipTable`: official layouts of every year, and a plain one for one's own recordings.

Official (methods/data.md section 0), the root at any level above the machine folders, or one of them:

    <root>/[dev_data/raw/ | dev_ToyCar/ | ...]<machine>/{train,test}/*.wav       2021: {source,target}_test/

One's own recordings, any file names, machine ID "00":

    <root>/<machine>/train/*.wav    <root>/<machine>/test/{normal,anomaly}/*.wav

The year follows from the names (`infer_year`) unless it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from asdbook.data import sidecars
from asdbook.data.files import Listing, Place, Refuse, list_files, place_of, refuse_now
from asdbook.data.inference import infer_year
from asdbook.data.names import NO_ATTRIBUTE, ClipName, parse
from asdbook.data.table import COLUMNS, ClipTable
from asdbook.data.truth import read_truth
from asdbook.data.years import Year, rules
from asdbook.errors import BadInput

_SHOWN = 30  # files named in one error line; `BadFiles.problems` has all
_NOTED = 20  # mismatches kept in the notes of a record


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used: path relative to the root, and why."""

    path: str
    reason: str


class BadFiles(BadInput):
    """Files that cannot be used, all at once. `problems` lists every one."""

    def __init__(self, root: Path, problems: Sequence[Problem], total: int):
        self.problems = tuple(problems)
        more = f"; and {len(self.problems) - _SHOWN} more" if len(self.problems) > _SHOWN else ""
        super().__init__(
            f"{root}: {len(self.problems)} of {total} files cannot be used: {_reasons(self.problems[:_SHOWN])}{more} "
            "(`asdbook data check` lists all; mend or remove them, or go on without them: skip_bad, --skip-bad)"
        )


def _reasons(problems: Sequence[Problem]) -> str:
    """ "a.wav: empty", or the reason once where several files share it: "a.wav, b.wav: empty"."""
    files: dict[str, list[str]] = {}
    for problem in problems:
        files.setdefault(problem.reason, []).append(problem.path)
    return "; ".join(f"{', '.join(paths)}: {reason}" for reason, paths in files.items())


@dataclass
class Draft:
    """Rows on their way to a table, with the problems met so far."""

    root: Path
    year: int | None
    rows: list[dict[str, Any]]
    problems: list[Problem]
    total: int
    notes: dict[str, Any] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)
    """Where attribute tables and names disagree."""

    def table(self, skip_bad: bool) -> ClipTable:
        """The finished table, sorted by path.

        Raises:
            BadFiles: problems, unless they are to be skipped.
            BadInput: nothing is left.
        """
        if self.problems and not skip_bad:
            raise BadFiles(self.root, self.problems, self.total)
        skipped = {problem.path for problem in self.problems}
        rows = sorted((r for r in self.rows if r["path"] not in skipped), key=lambda r: r["path"])
        if not rows:
            raise BadInput(f"{self.root}: no usable clip is left of {self.total}: look at the files again")
        notes = dict(self.notes)
        if self.problems:
            notes["skipped"] = [{"file": p.path, "reason": p.reason} for p in self.problems]
        return ClipTable(
            pd.DataFrame(rows, columns=list(COLUMNS)), root=self.root, year=self.year, notes=notes
        )


def index(
    folder: str | Path, *, year: int | None = None, truth: str | Path | None = None, skip_bad: bool = False
) -> ClipTable:
    """Lists the clips of a folder and what is known of them. Reads headers, decodes nothing.

    Args:
        folder: see the head of this module.
        year: forces the year's rules; by default they follow from the names.
        truth: folder with the organisers' truth of evaluation clips (`truth.read_truth`), for hidden labels.
        skip_bad: go on without files that cannot be used, and note them in `ClipTable.notes["skipped"]`.

    Raises:
        BadFiles: files that cannot be used, all at once.
        BadInput: no such folder, no clips, duplicate names, names of two grammars, a broken `files.csv`.
    """
    listing = list_files(Path(folder))
    draft = draft_of(listing, year=year, truth=Path(truth) if truth is not None else None)
    add_headers(draft)
    return draft.table(skip_bad)


def draft_of(
    listing: Listing, *, year: int | None = None, truth: Path | None = None, refuse: Refuse = refuse_now
) -> Draft:
    """Rows from paths, names and the files beside them; no sound file is opened.

    `refuse` is called for faults of the whole set (names of two years, duplicates, broken tables); where it
    returns, the draft goes on as well as it can.
    """
    if year is not None:
        rules(year)  # an unknown year is refused before anything else
    if not listing.clips:
        raise BadInput(
            f"{listing.root}: no .wav file here or below: "
            "expected <machine>/train/*.wav and <machine>/test/*.wav"
        )
    places, problems, notes = _places(listing)
    names = {path: _parsed(path) for path in places}
    _refuse_shapeless(listing, names, left_out=bool(notes), forced=year is not None, refuse=refuse)
    free = year is None and not any(names.values())
    if not free:
        problems += [
            Problem(path, "name outside the official grammar") for path, name in names.items() if name is None
        ]
    official = {path: name for path, name in names.items() if name is not None}
    chosen, how = (None, "own recordings: no official name among them") if free else (year, "as given")
    if not free and year is None:
        chosen, how = infer_year(listing.root, places, official, refuse)
    if not free:
        problems += _of_other_years(official, rules(chosen), "given is" if year else "of the set is")
    notes = {"layout": "own" if free else "official", "year": how, **notes}
    rows = [
        _free_row(path, place) if free else _row(path, place, official[path])
        for path, place in places.items()
        if free or path in official
    ]
    for row in rows:
        path = row["path"]
        problems += [Problem(path, reason) for reason in _contradictions(row, places[path], names[path])]
    _refuse_duplicates(listing.root, rows, places, refuse)
    draft = Draft(listing.root, chosen, rows, _first_per_file(problems), len(listing.clips), notes)
    _apply_tables(draft, listing, truth, refuse)
    _check_attributes(draft, listing, names)
    return draft


def _apply_tables(draft: Draft, listing: Listing, truth: Path | None, refuse: Refuse) -> None:
    """What the organisers' truth and a table of recordings say."""
    recordings = listing.root / listing.recordings if listing.recordings is not None else None
    for apply, file in ((_apply_truth, truth), (_apply_recordings, recordings)):
        try:
            if file is not None:
                apply(draft, file)
        except BadInput as error:
            refuse(error)


def add_headers(draft: Draft) -> None:
    """Fills `seconds` from the files' headers; unusable files become problems."""
    from asdbook.data.audio import Unusable, read_header

    bad = {problem.path for problem in draft.problems}
    for row in draft.rows:
        if row["path"] in bad:
            continue
        try:
            row["seconds"] = read_header(draft.root / row["path"]).seconds
        except Unusable as problem:
            draft.problems.append(Problem(row["path"], str(problem)))


def check_usable(table: ClipTable, need_test: bool = True) -> None:
    """Checks that every machine ID or section can be trained and, if asked, evaluated.

    Raises:
        BadInput: training or test clips missing, anomalies among the training clips, or test labels unknown.
    """
    frame = table.frame
    where = f"{table.root}: " if table.root else ""
    unit = rules(table.year).unit
    train, test = frame[frame["split"] == "train"], frame[frame["split"] == "test"]
    wrong = train[train["label"].eq("anomaly").fillna(False)]
    if len(wrong):
        which = _some(wrong["path"])
        raise BadInput(f"{where}anomalies among the training clips ({which}): move them to test/")
    groups = {tuple(key) for key in frame[["machine", unit]].fillna("").drop_duplicates().to_numpy()}
    for part, rows in (("training", train), ("test", test if need_test else None)):
        if rows is None:
            continue
        have = {tuple(key) for key in rows[["machine", unit]].fillna("").drop_duplicates().to_numpy()}
        missing = sorted(groups - have)
        if missing:
            names = ", ".join(f"{machine} ({unit} {value})" for machine, value in missing)
            folder = "train/" if part == "training" else "test/"
            remedy = f"add clips to {folder}, or leave the machine out"
            raise BadInput(f"{where}no {part} clips for {names}: {remedy}")
    if need_test:
        _check_labels(test, unit, where)


def _check_labels(test: pd.DataFrame, unit: str, where: str) -> None:
    unknown = test[test["label"].isna()]
    if len(unknown):
        raise BadInput(
            f"{where}{len(unknown)} test clips have no label ({_some(unknown['path'])}): "
            "name the folder of the organisers' truth (truth=, --truth), or only score them"
        )
    for (machine, value), rows in test.groupby(["machine", unit]):
        for label in ("normal", "anomaly"):
            if not rows["label"].eq(label).any():
                raise BadInput(
                    f"{where}no test clip labelled {label} for {machine} ({unit} {value}): "
                    "an AUC needs both, add some or leave the machine out"
                )


# --- rows -------------------------------------------------------------------------------------------------


def _places(listing: Listing) -> tuple[dict[str, Place], list[Problem], dict[str, Any]]:
    """Place of each clip; clips that belong to neither training nor test are noted."""
    places: dict[str, Place] = {}
    problems: list[Problem] = []
    left_out: Counter[str] = Counter()
    for clip in listing.clips:
        place = place_of(clip.path, listing.root)
        if place is None:
            problems.append(Problem(clip.path, "outside train/ and test/ folders"))
        elif place.split is None:
            left_out[place.folder] += 1
        else:
            places[clip.path] = place
    # The official baseline of 2021 copies source_test/ and target_test/ into test/.
    originals = {
        (p.machine, p.base) for p in places.values() if p.folder in ("source_test", "target_test")
    }
    for path, place in list(places.items()):
        if place.folder == "test" and (place.machine, place.base) in originals:
            del places[path]
            left_out["test (copies of source_test and target_test)"] += 1
    return places, problems, {"left_out": dict(left_out)} if left_out else {}


def _refuse_shapeless(
    listing: Listing, names: dict[str, ClipName | None], *, left_out: bool, forced: bool, refuse: Refuse
) -> None:
    """A folder that fits no layout at all has one fault, and not as many as it has clips."""
    count = len(listing.clips)
    if not names and not left_out:
        refuse(
            BadInput(
                f"{listing.root}: no train/ or test/ folder above any of its {count} clips: move normal clips to "
                "<machine>/train/, others to <machine>/test/normal/, <machine>/test/anomaly/ or plain <machine>/test/"
            )
        )
    elif forced and names and not any(names.values()):
        refuse(
            BadInput(
                f"{listing.root}: none of its {count} clips has an official name: "
                "leave the year out (year, --year, --against) for recordings of one's own"
            )
        )


def _parsed(path: str) -> ClipName | None:
    try:
        return parse(path)
    except BadInput:
        return None


def _of_other_years(names: dict[str, ClipName], year: Year, how: str) -> list[Problem]:
    """2020's names differ from all others; 2021's and 2022's overlap, so a forced year takes both."""
    wants_2020 = year.year == 2020
    return [
        Problem(path, f"name of {'2021 or later' if wants_2020 else '2020'}, the year {how} {year.year}")
        for path, name in names.items()
        if (name.year_style == "2020") != wants_2020
    ]


def _row(path: str, place: Place, name: ClipName) -> dict[str, Any]:
    attributes = (name.attributes or "").strip("_")  # true names of the 2024 slider end in an underscore
    return {
        "path": path,
        "machine": place.machine,
        "section": name.section,
        "id": name.id,
        "domain": name.domain,
        "split": place.split,
        "label": name.label,
        "attributes": None if attributes in ("", NO_ATTRIBUTE) else attributes,
        "recording": place.recording,
        "seconds": None,
    }


def _free_row(path: str, place: Place) -> dict[str, Any]:
    label = place.label or ("normal" if place.split == "train" else None)
    unknown = dict.fromkeys(COLUMNS)
    known = {"path": path, "machine": place.machine, "id": "00", "split": place.split, "label": label}
    return {**unknown, **known, "recording": place.recording}


def _contradictions(row: dict[str, Any], place: Place, name: ClipName | None) -> Iterable[str]:
    """Why a clip must not be used although it can be read."""
    if name is not None:
        if name.split is not None and name.split != place.split:
            yield f"the name says {name.split}, the folder {place.folder}"
        if place.label is not None and name.label is not None and place.label != name.label:
            yield f"the name says {name.label}, the folder {place.label}"
        if place.split == "train" and name.label is None:
            yield "a training clip without a label in its name"
        if place.domain is not None and name.domain is not None and place.domain != name.domain:
            yield f"the name says {name.domain}, the folder {place.folder}"
    if row["split"] == "train" and row["label"] == "anomaly":
        yield "an anomaly among the training clips: move it to test"


def _first_per_file(problems: Sequence[Problem]) -> list[Problem]:
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path, problem)
    return sorted(first.values(), key=lambda problem: problem.path)


def _refuse_duplicates(
    root: Path, rows: Sequence[dict[str, Any]], places: dict[str, Place], refuse: Refuse
) -> None:
    paths: dict[str, list[str]] = {}
    for row in rows:
        paths.setdefault(places[row["path"]].canonical, []).append(row["path"])
    doubled = [found for found in paths.values() if len(found) > 1]
    if doubled:
        shown = "; ".join(" and ".join(found[:3]) for found in doubled[:5])
        refuse(
            BadInput(
                f"{root}: {len(doubled)} clip names occur more than once ({shown}): "
                "keep one copy, or name the folder of one year and part"
            )
        )


# --- files beside the clips -------------------------------------------------------------------------------


def _apply_truth(draft: Draft, folder: Path) -> None:
    """Fills hidden labels and domains; the table alone has them, never what a system sees."""
    truth = read_truth(folder, sorted({row["machine"] for row in draft.rows}))
    filled = 0
    for row in draft.rows:
        known = truth.get((row["machine"], row["path"].rsplit("/", 1)[-1]))
        if known is None or row["split"] != "test" or row["label"] is not None:
            continue
        row["label"] = known.label
        row["domain"] = row["domain"] or known.domain
        filled += 1
    draft.notes["truth"] = f"{filled} hidden test labels filled in"


def _check_attributes(draft: Draft, listing: Listing, names: dict[str, ClipName | None]) -> None:
    if draft.notes["layout"] != "official" or rules(draft.year).free_attributes:
        return
    mismatches = draft.mismatches
    for table in listing.attribute_tables:
        folder = table.rsplit("/", 1)[0] + "/" if "/" in table else ""
        beside = {
            row["path"][len(folder) :]: name.attributes
            for row in draft.rows
            if row["path"].startswith(folder) and (name := names[row["path"]]) is not None
        }
        lines = sidecars.check_attributes(listing.root / table, beside)
        mismatches += [f"{folder}{line}" for line in lines]
    if mismatches:
        draft.notes["attribute_mismatches"] = {"count": len(mismatches), "first": mismatches[:_NOTED]}


def _apply_recordings(draft: Draft, path: Path) -> None:
    """A recording's name is unique within machine, ID and label, so these become part of it."""
    listed = sidecars.read_recordings(path)
    unit = rules(draft.year).unit
    missing = 0
    for row in draft.rows:
        recording = listed.pop(row["path"], None)
        if recording is None:
            missing += 1
        else:
            row["recording"] = f"{row['machine']}/{row[unit]}/{row['label']}/{recording}"
    if missing or listed:
        draft.notes["files.csv"] = f"{missing} clips not listed, {len(listed)} listed files not there"


def _some(paths: Iterable[str]) -> str:
    shown = list(paths)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")

