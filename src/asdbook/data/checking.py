"""`check`: what is in a folder of clips, what is missing, and what is damaged, all of it at once.

Where `index` stops at the first fault of a set, a check goes on: it lists every file that cannot be used, every
sound that should not be trusted, and every gap, and leaves the folder as it is.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asdbook.data import sidecars
from asdbook.data.files import Listing, list_files, strays
from asdbook.data.hearing import CLIPPED_SHARE, Heard, hear_all
from asdbook.data.indexing import Draft, draft_of
from asdbook.data.inventory import compare
from asdbook.data.waves import SAMPLE_RATE
from asdbook.data.years import rules
from asdbook.errors import BadInput, one_line

FEW_TRAINING = 20
"""Below this a decision threshold is a plain quantile of very few scores (`metrics.decision.FEW`)."""


@dataclass(frozen=True)
class Finding:
    """Something wrong: its kind, for counting, and a line that names file or machine, and the reason."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", one_line(self.text))


@dataclass
class Report:
    """What a check found.

    Attributes:
        root: the folder as it was named.
        summary: lines that say what is there.
        rows: a table, header first: a row a machine type and ID or section.
        missing: gaps, against the published inventory or in themselves.
        damaged: files and tables that cannot be used or should not be trusted.
        remarks: what is well and worth knowing.
    """

    root: str
    summary: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    missing: list[Finding] = field(default_factory=list)
    damaged: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.missing and not self.damaged

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        table = [dict(zip(self.rows[0], row)) for row in self.rows[1:]]
        wrong = {name: [vars(f) for f in getattr(self, name)] for name in ("missing", "damaged")}
        return {"root": self.root, "clean": self.clean, "summary": self.summary, "table": table, **wrong} | {
            "remarks": self.remarks
        }


def check(
    folder: str | Path,
    *,
    against: int | None = None,
    year: int | None = None,
    truth: str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Report:
    """Looks at every file of a folder and decodes each clip once; changes nothing.

    Args:
        folder: official layout or one's own (`indexing`).
        against: year of the published inventory to compare with.
        year: forces the year's rules; by default those of `against`, or they follow from the names.
        truth: folder of the organisers' truth, as for `load`.
        threads: for decoding; by default two, or one on one core.
        progress: called with one line at a time.

    Raises:
        BadInput: no such folder, no clip at all, or a year without inventory.
    """
    root, report = Path(folder), Report(str(folder))
    year = against if year is None else year
    refused: list[BadInput] = []
    listing = list_files(root, refused.append)
    draft = draft_of(listing, year=year, truth=Path(truth) if truth else None, refuse=refused.append)
    paths = sorted({row["path"] for row in draft.rows} | {problem.path for problem in draft.problems})
    heard = hear_all(root, paths, threads or min(2, os.cpu_count() or 1), progress)
    for row in draft.rows:
        sound = heard[row["path"]]
        row["seconds"] = sound.header.seconds if isinstance(sound, Heard) else None
    named = {problem.path for problem in draft.problems}
    usable = [row for row in draft.rows if row["seconds"] and row["path"] not in named]
    mark = _mark(root, refused)
    report.damaged += [
        Finding("whole set", str(error).removeprefix(f"{root}: ").removeprefix(f"{root}/")) for error in refused
    ]
    report.damaged += _files(draft, heard, root, report.remarks)
    report.damaged += _sounds(draft, heard, report.remarks)
    report.damaged += _tables(draft, listing, report.remarks)
    _gaps(draft.year, usable, bool(mark), report)
    if against is not None:
        found = compare(draft.rows, against)
        report.missing += [Finding(f"inventory of {against}", text) for text in found.missing]
        report.remarks += found.remarks
    report.remarks = [one_line(remark) for remark in report.remarks]
    report.summary = list(_summary(draft, heard, mark, len(usable)))
    report.rows = [[one_line(cell) for cell in row] for row in _table(draft.year, usable)]
    return report


def _mark(root: Path, refused: list[BadInput]) -> dict[str, str]:
    try:
        return sidecars.read_mark(root)
    except BadInput as error:
        refused.append(error)
        return {}


# --- damage -----------------------------------------------------------------------------------------------


def _files(
    draft: Draft, heard: Mapping[str, Heard | str], root: Path, remarks: list[str]
) -> Iterator[Finding]:
    """Files that cannot be used: by name or place, or because they do not decode."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for problem in draft.problems:
        reasons[problem.path].append(problem.reason)
    for path, sound in heard.items():
        if isinstance(sound, str):
            reasons[path].append(sound)
    for path in sorted(reasons):
        yield from (Finding(reason.partition(":")[0], f"{path}: {reason}") for reason in reasons[path])
    ignored = []
    for path, reason, wrong in strays(root):
        if wrong:
            yield Finding(reason.partition(":")[0], f"{path}: {reason}")
        else:
            ignored.append(path)
    if ignored:
        remarks.append(f"{len(ignored)} other files beside the clips are ignored: {_some(ignored)}")


def _sounds(draft: Draft, heard: Mapping[str, Heard | str], remarks: list[str]) -> Iterator[Finding]:
    """Sounds that decode and should not be trusted."""
    usable = {path: sound for path, sound in heard.items() if isinstance(sound, Heard)}
    touched = 0
    for path, sound in usable.items():
        if sound.constant:
            yield Finding("silent", f"{path}: silent: all samples are equal (a dead channel?)")
        elif sound.clipped >= CLIPPED_SHARE:
            share = f"{100 * sound.clipped:.2g} %"
            yield Finding("clipped", f"{path}: clipped: {share} of the samples are cut off at full scale")
        touched += 0 < sound.clipped < CLIPPED_SHARE
    if touched:
        remarks.append(f"{touched} clips touch full scale for less than {100 * CLIPPED_SHARE:g} % of their samples")
    yield from _repeated(draft, usable, remarks)
    rates = Counter(f"{s.header.rate} Hz" for s in usable.values() if s.header.rate != SAMPLE_RATE)
    channels = Counter(f"{s.header.channels} channels" for s in usable.values() if s.header.channels > 1)
    for counts, treatment in ((rates, "resampled to 16000 Hz"), (channels, "the first is used")):
        remarks += [f"{value} in {count} clips: {treatment}" for value, count in sorted(counts.items())]


def _repeated(draft: Draft, usable: Mapping[str, Heard], remarks: list[str]) -> Iterator[Finding]:
    """The same sound twice: a leak between training and test, a contradiction, or a copy."""
    same: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in draft.rows:
        sound = usable.get(row["path"])
        if sound is not None and not sound.constant:
            same[sound.digest].append(row)
    copies = 0
    for rows in (rows for rows in same.values() if len(rows) > 1):
        listed = " and ".join(row["path"] for row in rows[:4])
        if len({row["split"] for row in rows}) > 1:
            yield Finding("leak", f"{listed}: the same sound in training and test")
        elif len({row["label"] for row in rows} - {None}) > 1:
            yield Finding("contradiction", f"{listed}: the same sound as normal and as anomaly")
        elif len({row["machine"] for row in rows}) > 1:
            yield Finding("copy", f"{listed}: the same sound for several machines")
        else:
            copies += len(rows) - 1
    if copies:
        remarks.append(f"{copies} clips repeat the sound of another clip of their machine and split")


def _tables(draft: Draft, listing: Listing, remarks: list[str]) -> Iterator[Finding]:
    """Attribute tables that contradict the names; `files.csv` against the files."""
    yield from (Finding("attribute table", line) for line in draft.mismatches)
    if draft.notes["layout"] == "own" and listing.attribute_tables:
        remarks.append(f"attribute tables are read with official names alone: {_some(listing.attribute_tables)}")
    if listing.recordings is None:
        return
    try:
        listed = sidecars.read_recordings(listing.root / listing.recordings)
    except BadInput:
        return  # named already: the draft read it too
    there = {clip.path for clip in listing.clips}
    for file in sorted(set(listed) - there):
        yield Finding("files.csv", f"{sidecars.RECORDINGS}: {file} is listed and not there")
    unlisted = sorted(row["path"] for row in draft.rows if row["path"] not in listed)
    if unlisted:
        remarks.append(f"{len(unlisted)} clips are not listed in {sidecars.RECORDINGS}: {_some(unlisted)}")
    splits: dict[str, set[str]] = defaultdict(set)
    for row in draft.rows:
        if row["path"] in listed:
            splits[row["recording"]].add(row["split"])
    for recording in sorted(name for name, found in splits.items() if len(found) > 1):
        yield Finding("leak", f"{sidecars.RECORDINGS}: clips of recording {recording} are in training and in test")


# --- gaps -------------------------------------------------------------------------------------------------


def _gaps(year: int | None, usable: Iterable[dict[str, Any]], generated: bool, report: Report) -> None:
    """Machine IDs or sections that cannot be trained or evaluated with the usable clips."""
    own = year is None
    few: list[str] = []
    untested: list[str] = []
    for (machine, unit), rows in _by_unit(year, usable).items():
        where = machine if own else f"{machine} ({rules(year).unit} {unit})"
        train = [row for row in rows if row["split"] == "train"]
        test = [row for row in rows if row["split"] == "test"]
        if not train:
            report.missing.append(Finding("training clips", f"{where}: no training clips"))
        elif len(train) < FEW_TRAINING:
            few.append(f"{where} {len(train)}")
        if test:
            _test_gaps(where, test, own, report)
        elif own or generated or _additional(year, machine, unit):
            untested.append(where)
        else:
            report.missing.append(Finding("test clips", f"{where}: no test clips"))
    if few:
        report.remarks.append(f"few training clips, thresholds will be rough: {', '.join(few)}")
    if untested:
        report.remarks.append(f"no test clips, so no metrics (training and scoring work): {', '.join(untested)}")


def _test_gaps(where: str, test: Sequence[Mapping[str, Any]], own: bool, report: Report) -> None:
    unknown = [row["path"] for row in test if row["label"] is None]
    if len(unknown) == len(test):
        remedy = "no metrics, only scores" if own else "give the organisers' truth with --truth, or only score them"
        report.remarks.append(f"{where}: the labels of all {len(test)} test clips are hidden: {remedy}")
        return
    if unknown:
        text = f"{where}: {len(unknown)} of {len(test)} test clips have no label: {_some(unknown)}"
        _note(report, own, "labels", text)
    for label, word in (("normal", "normal"), ("anomaly", "anomalous")):
        if not any(row["label"] == label for row in test):
            _note(report, own, "labels", f"{where}: no {word} test clip: an AUC needs both")
    domains = {row["domain"] for row in test}
    if len(domains) == 1 and None not in domains:
        other = "target" if domains == {"source"} else "source"
        _note(report, own, "domains", f"{where}: no test clip of the {other} domain")


def _note(report: Report, remark: bool, kind: str, text: str) -> None:
    if remark:
        report.remarks.append(text)
    else:
        report.missing.append(Finding(kind, text))


def _additional(year: int | None, machine: str, unit: str) -> bool:
    """Whether the organisers published training clips of this unit apart from its test clips."""
    law = rules(year)
    if machine not in law.evaluation:
        return False
    development, evaluation = law.units.get(machine) or law.units["*"]
    return unit in evaluation and not (machine in law.development and unit in development)


def _by_unit(
    year: int | None, rows: Iterable[dict[str, Any]]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    unit = rules(year).unit
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["machine"], row[unit] or "")):
        groups[row["machine"], row[unit] or ""].append(row)
    return dict(groups)


# --- what is there ----------------------------------------------------------------------------------------


def _summary(
    draft: Draft, heard: Mapping[str, Heard | str], mark: Mapping[str, str], usable: int
) -> Iterator[str]:
    how = str(draft.notes["year"])
    named = how if how[0].isdigit() else f"{draft.year} {how}"
    own = draft.notes["layout"] == "own"
    yield "layout: own recordings (no official names)" if own else f"layout: official names, year {named}"
    if mark:
        yield f"generated clips: {mark.get('name', 'unnamed')}"
    headers = [sound.header for sound in heard.values() if isinstance(sound, Heard)]
    minutes = sum(header.seconds for header in headers) / 60
    machines = len({row["machine"] for row in draft.rows})
    yield f"{draft.total} wav files, {usable} usable, {minutes:.1f} min, {machines} machine type{'s' * (machines != 1)}"
    rates = Counter(f"{header.rate} Hz" for header in headers)
    channels = Counter(f"{header.channels} channel{'s' if header.channels > 1 else ''}" for header in headers)
    formats = Counter(header.subtype for header in headers)
    yield "; ".join(_shares(counts) for counts in (rates, channels, formats) if counts)
    for folder, count in draft.notes.get("left_out", {}).items():
        yield f"left out: {count} clips in {folder}"
    if "truth" in draft.notes:
        yield f"truth: {draft.notes['truth']}"


def _shares(counts: Counter[str]) -> str:
    """ "16000 Hz", or with numbers where they differ."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({count})" for value, count in counts.most_common())


def _table(year: int | None, usable: Iterable[dict[str, Any]]) -> list[list[str]]:
    """Usable clips by machine type and ID or section."""
    law = rules(year)
    plus = " (source + target)" if law.domains else ""
    table = [["machine", law.unit, *(f"{what}{plus}" for what in ("train", "test normal", "test anomaly"))]]
    table[0] += ["unlabelled", "seconds"]
    for (machine, unit), rows in _by_unit(year, usable).items():
        cells = [
            _counted(rows, law.domains, split="train"),
            _counted(rows, law.domains, split="test", label="normal"),
            _counted(rows, law.domains, split="test", label="anomaly"),
            str(sum(row["split"] == "test" and row["label"] is None for row in rows)),
        ]
        lengths = sorted({round(row["seconds"], 2) for row in rows if row["seconds"]})
        span = "-" if not lengths else f"{lengths[0]:g}" + (f" to {lengths[-1]:g}" if len(lengths) > 1 else "")
        table.append([machine, unit, *cells, span])
    return table


def _counted(rows: Iterable[Mapping[str, Any]], domains: bool, **wanted: str) -> str:
    chosen = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    if not domains:
        return str(len(chosen))
    return " + ".join(str(sum(row["domain"] == domain for row in chosen)) for domain in ("source", "target"))


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
