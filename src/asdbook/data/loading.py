"""`load`: from a folder of sound files to a `DataSet`, decoded once.

Whether a folder must be decoded again is told by the paths, sizes and times of its files: the second time
costs a look at each file's size and no more.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from asdbook.data import sidecars
from asdbook.data.audio import Decoded, Unusable, decode
from asdbook.data.dataset import SCHEMA, DataSet, Kind, content_hash, open_set, write_set
from asdbook.data.files import Listing, list_files
from asdbook.data.indexing import Draft, Problem, add_headers, draft_of
from asdbook.data.table import ClipTable
from asdbook.data.waves import SAMPLE_RATE, WaveWriter, need_space, write_folder
from asdbook.data.years import rules
from asdbook.errors import BadInput
from asdbook.paths import plain

_CHUNK = 64  # files decoded before they are written: bounds memory at 64 clips (25 MB of 12 s clips)


def load(
    folder: str | Path,
    *,
    cache_dir: str | Path,
    name: str | None = None,
    year: int | None = None,
    truth: str | Path | None = None,
    kind: Kind | None = None,
    skip_bad: bool = False,
    threads: int | None = None,
) -> DataSet:
    """Decodes a folder of clips once into a wave store; after that it is opened as it lies.

    Args:
        folder: official layout or one's own (`indexing`).
        cache_dir: where the store goes: 32 kB for each second of sound.
        name: by default the mark of a generated set, else the folder's name.
        year: forces the year's rules.
        truth: folder with the organisers' truth for hidden labels.
        kind: by default "synthetic" for a folder with a generator's mark, "official" where names, machine
            types and numbers of training clips are the published ones, else "real".
        skip_bad: go on without unusable files, and note them.
        threads: for decoding; by default two, or one on one core.

    Raises:
        BadFiles, BadInput: see `indexing.index`; unusable files all at once. RunFailed: the disk is too full.
    """
    root = Path(folder)
    listing = list_files(root)
    mark = sidecars.read_mark(root)
    name = name or mark.get("name") or root.resolve().name
    truth = Path(truth) if truth is not None else None
    if truth is not None and not truth.is_dir():
        raise BadInput(f"{truth}: no such folder of truth files: check the path")
    final = Path(cache_dir) / f"{plain(name) or 'set'}-{_listing_key(listing, (name, year, kind, skip_bad), truth)}"
    if not (final / "set.json").exists():
        draft = draft_of(listing, year=year, truth=truth)
        add_headers(draft)
        chosen = kind or _mark_kind(mark) or _kind_of(draft)
        _write_store(final, draft, name, chosen, skip_bad, threads or min(2, os.cpu_count() or 1))
    opened = open_set(final)  # knows nothing of the folder: a set holds no path of the machine
    table = ClipTable(opened.table.frame, root=root, year=opened.year, notes=opened.notes)
    return replace(opened, table=table)


def _write_store(final: Path, draft: Draft, name: str, kind: Kind, skip_bad: bool, workers: int) -> None:
    """Writes the set's folder, if there is room for it."""
    final.parent.mkdir(parents=True, exist_ok=True)
    need_space(final.parent, int(sum(row["seconds"] or 0 for row in draft.rows) * SAMPLE_RATE * 2))
    write_folder(final, lambda partial: _decode_into(partial, draft, name, kind, skip_bad, workers))


def _decode_into(
    partial: Path, draft: Draft, name: str, kind: Kind, skip_bad: bool, workers: int
) -> None:
    """Decodes file by file in the order of the paths, keeps what is usable, and writes the set."""
    writer = WaveWriter(partial)
    digests: list[str] = []
    done: Counter[str] = Counter()
    bad = {problem.path for problem in draft.problems}
    rows = sorted((row for row in draft.rows if row["path"] not in bad), key=lambda row: row["path"])
    try:
        for decoded in _decoded(draft.root, rows, workers):
            if isinstance(decoded, Problem):
                draft.problems.append(decoded)
                continue
            writer.append(decoded.samples)
            digests.append(hashlib.sha256(decoded.samples.tobytes()).hexdigest())
            done.update(_treatment(decoded))
        table = draft.table(skip_bad)
    except BaseException:
        writer.abort()
        raise
    writer.close()
    notes = {**table.notes, **_treatment_notes(done)}
    content = content_hash(table, digests)
    write_set(partial, table, name=name, kind=kind, fingerprint=content, content=content, notes=notes)


def _decoded(
    root: Path, rows: Sequence[dict[str, Any]], workers: int
) -> Iterator[Decoded | Problem]:
    """The rows' sound, in order, a chunk at a time so that memory stays bounded."""
    def one(row: dict[str, Any]) -> Decoded | Problem:
        try:
            return decode(root / row["path"])
        except Unusable as problem:
            return Problem(row["path"], str(problem))

    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(rows), _CHUNK):
            part = rows[first : first + _CHUNK]
            yield from pool.map(one, part)


def _treatment(decoded: Decoded) -> Iterator[str]:
    header = decoded.header
    if header.rate != SAMPLE_RATE:
        yield f"resampled {header.rate}"
    if header.channels > 1:
        yield f"channel {header.channels}"
    if decoded.clipped:
        yield "clipped"


def _treatment_notes(done: Mapping[str, int]) -> dict[str, Any]:
    """Counts of clips: by original rate in Hz, by number of channels (the first was taken), clipped."""
    notes: dict[str, Any] = {}
    for key in sorted(done):
        what, _, value = key.partition(" ")
        if value:
            notes.setdefault(what, {})[value] = done[key]
        else:
            notes[what] = done[key]
    return notes


def _mark_kind(mark: Mapping[str, str]) -> Kind | None:
    return "synthetic" if mark.get("kind") == "synthetic" else None


def _kind_of(draft: Draft) -> Kind:
    """Official only where machine types, IDs or sections, and numbers of training clips are as published."""
    year = rules(draft.year)
    counts = Counter((r["machine"], r[year.unit]) for r in draft.rows if r["split"] == "train")
    low, high = year.train_clips
    listed = all(unit in year.units_of(machine) for machine, unit in counts)
    published = bool(counts) and listed and all(low <= n <= high for n in counts.values())
    return "official" if published and not draft.problems else "real"


def _listing_key(listing: Listing, options: tuple[Any, ...], truth: Path | None) -> str:
    """Changes with any file's path, size or time, and with what was asked for."""
    beside = [["truth"], *_truth_files(truth)] if truth is not None else []  # even a truth that is empty
    files = [[f.path, f.size, f.changed] for f in (*listing.clips, *listing.others)]
    text = json.dumps([SCHEMA, str(listing.root.resolve()), list(options), files, beside])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _truth_files(folder: Path) -> list[list[Any]]:
    """Path, size and time of every csv file below a folder of truth."""
    return sorted([str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in folder.rglob("*.csv"))
