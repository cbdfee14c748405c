"""`DataSet`: clip table and waves together, with a fingerprint; `build` it from arrays, `open_set` it.

On disk a set is a folder of `set.json`, `clips.csv`, `waves.i16` and `spans.npy`, written under a temporary
name, under a lock, and renamed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from asdbook.data import seals
from asdbook.data.clips import TestClips, TrainClips, visible_test_clips
from asdbook.data.files import own_recording
from asdbook.data.names import NO_ATTRIBUTE, parse
from asdbook.data.table import COLUMNS, ClipTable
from asdbook.data.waves import REMEDY, SAMPLE_RATE, SAMPLES, WaveStore, WaveWriter, need_space, write_folder
from asdbook.errors import BadInput, UnknownName
from asdbook.paths import mark_used

Kind = Literal["synthetic", "official", "real"]
SCHEMA = 1
"""Raised when the files of a set, or how clips are decoded, change: older sets are then made again."""
_FIRST = ("schema", "name", "kind", "year", "sample_rate", "clips", "fingerprint", "content", "notes")
_ABOUT = (*_FIRST, "files", "seal")  # keys of set.json; a set of before the seals has the first ones alone


@dataclass(frozen=True)
class DataSet:
    """A set of clips ready for systems.

    Attributes:
        name: for records and tables.
        kind: "synthetic", "official" (names and sizes of the published set) or "real" (other recordings).
        year: whose rules apply; None for recordings of one's own.
        table: row i describes clip i of `waves`.
        waves: the sound.
        fingerprint: hexadecimal; changes with names, labels, recordings or a single sample.
        notes: resampled, channel, clipped, skipped and what else a record should say.
        folder: where it lies, or None.
    """

    name: str
    kind: Kind
    year: int | None
    table: ClipTable
    waves: WaveStore
    fingerprint: str
    notes: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def train(self) -> TrainClips:
        """Training clips with all that is known of them."""
        positions = self.table.where(split="train")
        return TrainClips(self.waves.view(positions), self.table.take(positions))

    def test(self) -> TestClips:
        """Test clips in the type that shows what the year's rules give, and no more."""
        positions = self.table.where(split="test")
        return visible_test_clips(self.waves.view(positions), self.table.take(positions))

    def train_table(self) -> ClipTable:
        """Rows of `train()`, in the same order."""
        return self.table.select(split="train")

    def test_table(self) -> ClipTable:
        """Rows of `test()`, in the same order: for evaluation, not for systems."""
        return self.table.select(split="test")

    def select(self, machines: Sequence[str]) -> DataSet:
        """The set with these machine types alone; its fingerprint is its own.

        Raises:
            UnknownName: a machine type that the set does not have.
        """
        for machine in machines:
            if machine not in self.table.machines:
                raise UnknownName("machine", machine, self.table.machines)
        chosen = sorted(set(machines))
        if chosen == list(self.table.machines):
            return self
        positions = self.table.where(machine=chosen)
        digest = hashlib.sha256(json.dumps([self.fingerprint, chosen]).encode()).hexdigest()
        return replace(
            self, table=self.table.take(positions), waves=self.waves.view(positions), fingerprint=digest
        )


# --- from arrays ------------------------------------------------------------------------------------------


def rows_of(names: Sequence[str], recordings: Sequence[str | None] | None = None) -> pd.DataFrame:
    """Table rows of official relative paths such as "fan/train/section_00_source_train_normal_0000_n_A.wav".

    Args:
        names: paths `<machine>/<train|test>/<official name>`.
        recordings: recording of each clip; None for the clip itself.
    """
    rows = []
    for i, path in enumerate(names):
        parts = path.split("/")
        if len(parts) != 3 or parts[1] not in ("train", "test"):
            raise BadInput(f"clip path {path!r}: expected <machine>/<train or test>/<official name>")
        name = parse(parts[2])
        attributes = (name.attributes or "").strip("_")
        rows.append(
            {
                "path": path,
                "machine": parts[0],
                "section": name.section,
                "id": name.id,
                "domain": name.domain,
                "split": parts[1],
                "label": name.label,
                "attributes": None if attributes in ("", NO_ATTRIBUTE) else attributes,
                "recording": (recordings[i] if recordings is not None else None) or own_recording(path),
                "seconds": None,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def build(
    folder: str | Path,
    *,
    name: str,
    year: int | None,
    blocks: Iterable[tuple[pd.DataFrame | Sequence[str], np.ndarray]],
    kind: Kind = "synthetic",
    fingerprint: str | None = None,
    notes: Mapping[str, Any] | None = None,
    expected_bytes: int = 0,
) -> DataSet:
    """Writes a set straight from arrays; a folder that exists is opened as it lies.

    Args:
        folder: of the set itself; the caller chooses a name that changes with what is built.
        name: of the set.
        year: whose rules apply.
        blocks: (rows, audio): rows as `rows_of` gives them, or the list of paths; audio int16
            (clips, samples) at 16 kHz. Rows end up sorted by path: the order of blocks does not matter.
        kind: see `DataSet`.
        fingerprint: where the caller knows the set by other means; by default from names and sound.
        notes: for `DataSet.notes`.
        expected_bytes: of sound, for the check of free space.

    Raises:
        BadInput: rows and audio do not fit, audio is no int16, or a path occurs twice.
        RunFailed: the disk is too full.
    """
    final = Path(folder)
    final.parent.mkdir(parents=True, exist_ok=True)
    if not (final / "set.json").exists():
        need_space(final.parent, expected_bytes)

        def fill(partial: Path) -> None:
            _build_into(partial, name, year, blocks, kind, fingerprint, dict(notes or {}))

        write_folder(final, fill)
    return open_set(final)


def _build_into(
    partial: Path,
    name: str,
    year: int | None,
    blocks: Iterable[tuple[pd.DataFrame | Sequence[str], np.ndarray]],
    kind: Kind,
    fingerprint: str | None,
    notes: dict[str, Any],
) -> None:
    writer = WaveWriter(partial)
    frames: list[pd.DataFrame] = []
    digests: list[str] = []
    try:
        for rows, audio in blocks:
            frame = rows.copy() if isinstance(rows, pd.DataFrame) else rows_of(rows)
            if audio.ndim != 2 or audio.dtype != np.int16 or len(audio) != len(frame):
                found = f"{audio.dtype} {audio.shape}"
                raise BadInput(f"set {name!r}: a block of {len(frame)} rows needs int16 audio, got {found}")
            frame["seconds"] = audio.shape[1] / SAMPLE_RATE
            for clip in audio:
                writer.append(clip)
                digests.append(hashlib.sha256(np.ascontiguousarray(clip).tobytes()).hexdigest())
            frames.append(frame)
        if not frames:
            raise BadInput(f"set {name!r}: no blocks: nothing to build")
    except BaseException:
        writer.abort()
        raise
    frame = pd.concat(frames, ignore_index=True)
    twice = frame["path"][frame["path"].duplicated()]
    if len(twice):
        raise BadInput(f"set {name!r}: the path {twice.iloc[0]!r} occurs twice: paths must differ")
    order = np.argsort(frame["path"].to_numpy(dtype=object), kind="stable")
    writer.close(order)
    table = ClipTable(frame.iloc[order], year=year)
    content = content_hash(table, [digests[i] for i in order])
    given = fingerprint or content
    write_set(partial, table, name=name, kind=kind, fingerprint=given, content=content, notes=notes)


# --- on disk ----------------------------------------------------------------------------------------------


def content_hash(table: ClipTable, digests: Sequence[str]) -> str:
    """sha256 over the clips, sorted by canonical name: what is known of each, and the hash of its sound."""
    frame = table.frame
    canonical = [_canonical(path, machine) for path, machine in zip(frame["path"], frame["machine"])]
    known = frame.drop(columns=["path"]).astype(object).where(frame.drop(columns=["path"]).notna(), None)
    lines = [
        json.dumps([name, *row, digest], ensure_ascii=True)
        for name, row, digest in zip(canonical, known.to_numpy().tolist(), digests, strict=True)
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _canonical(path: str, machine: str) -> str:
    """The path from the machine folder on, so that a root one level up makes no difference."""
    _, found, tail = f"/{path}".rpartition(f"/{machine}/")
    return f"{machine}/{tail}" if found else f"{machine}/{path}"


def write_set(
    folder: Path,
    table: ClipTable,
    *,
    name: str,
    kind: Kind,
    fingerprint: str,
    content: str,
    notes: Mapping[str, Any],
) -> None:
    table.write_csv(folder / "clips.csv")
    about = {
        "schema": SCHEMA,
        "name": name,
        "kind": kind,
        "year": table.year,
        "sample_rate": SAMPLE_RATE,
        "clips": len(table),
        "fingerprint": fingerprint,
        "content": content,
        "notes": dict(notes),
    }
    about["files"] = seals.of_files(folder)
    about["seal"] = seals.of_text(about)
    (folder / "set.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def open_set(folder: str | Path) -> DataSet:
    """Opens what `load` or `build` wrote.

    Raises:
        BadInput: no set there, a set of another version, or files that do not fit each other.
    """
    folder = Path(folder)
    about = _about(folder)
    try:
        table = ClipTable.read_csv(folder / "clips.csv", year=about["year"], notes=about["notes"])
    except (OSError, ValueError, BadInput) as error:  # BadInput: columns of another table
        raise BadInput(f"{folder}/clips.csv: cannot be read ({error}): {REMEDY}") from error
    waves = WaveStore.open(folder)
    if not len(waves) == len(table) == about["clips"]:
        raise BadInput(f"{folder}: {len(waves)} waves, {len(table)} rows, {about['clips']} clips: {REMEDY}")
    if "files" in about and not seals.same_sound(folder, about["files"]):
        digests = (hashlib.sha256(waves.array(i).tobytes()).hexdigest() for i in range(len(waves)))
        if content_hash(table, list(digests)) != about["content"]:
            raise BadInput(f"{folder}/{SAMPLES}: the sound is not what was written: {REMEDY}")
    mark_used(folder / "set.json")
    return DataSet(
        about["name"],
        about["kind"],
        about["year"],
        table,
        waves,
        about["fingerprint"],
        dict(about["notes"]),
        folder,
    )


def _about(folder: Path) -> dict[str, Any]:
    """set.json, after a look at whether it and the files that it lists are what was written."""
    try:
        about = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder}: no data set that can be read (set.json: {error}): {REMEDY}") from error
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        raise BadInput(f"{folder}: a data set of another version: {REMEDY}")
    lacking = [key for key in _FIRST if key not in about]
    if lacking or not isinstance(about["notes"], dict):
        what = f"lacks {', '.join(lacking)}" if lacking else "has notes of another form"
        raise BadInput(f"{folder}/set.json: {what}: {REMEDY}")
    if set(about) == set(_FIRST):  # a set of before the seals
        return about
    if set(about) != set(_ABOUT) or seals.of_text(about) != about["seal"]:
        raise BadInput(f"{folder}/set.json: not what was written: {REMEDY}")
    if (changed := seals.changed(folder, about["files"])) is not None:
        raise BadInput(f"{folder}/{changed}: not what was written: {REMEDY}")
    return about
