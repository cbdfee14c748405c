"""Sets, blocks and files: the simulator's outside.

>>> from asdbook.simulate import Spec, render
>>> block = render(Spec(profile="smoke"), "fan", "test", "source", "anomaly", 2)
>>> block.audio.shape, block.names[0].split("/")[0]
((2, 16000), 'fan')
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile

from asdbook.data.names import attributes_text
from asdbook.errors import BadInput, RunFailed, UnknownName
from asdbook.simulate.banks import FAMILIES, bank_c
from asdbook.simulate.clips import clips
from asdbook.simulate.phase import FS
from asdbook.simulate.presets import PRESETS, SIZES
from asdbook.simulate.seeds import stream
from asdbook.simulate.site import REFERENCE_DBFS, to_int16
from asdbook.simulate.spec import LABELS, ROLES, BlockPlan, Spec, plan
from asdbook.simulate.take import rendered_length
from asdbook.simulate.truth import check_apart, clip_path, truth_of, write_truth

FEW = 600.0
"""Seconds of sound below which starting worker processes takes longer than rendering."""
Progress = Callable[[int, int], None]
"""Called with (clips done, clips of the whole set)."""


@dataclass(frozen=True)
class Block:
    """Rendered clips of one cell.

    Attributes:
        machine: machine type.
        split: "train" or "test" (audit clips count as test).
        role: "train", "test" or "audit".
        part, label: of all clips of the block.
        names: official paths relative to the set's root.
        audio: int16 (clips, samples) at 16 kHz.
        truth: one dictionary a clip (`truth.truth_of`).
    """

    machine: str
    split: str
    role: str
    part: str
    label: str
    names: list[str]
    audio: np.ndarray
    truth: list[dict[str, Any]]

    @property
    def recording(self) -> list[str]:
        """Every clip is a recording of its own: the path without its ending."""
        return [name.rsplit(".", 1)[0] for name in self.names]


def render(
    spec: Spec,
    machine: str,
    role: str,
    part: str,
    label: str,
    count: int | None = None,
    start: int = 0,
    total: int | None = None,
) -> Block:
    """Clips `start` to `start + count` of one cell.

    Args:
        role: "train", "test" or "audit" (streams apart from both, for checks and audit classifiers).
        count: None: the rest of the cell.
        total: size of the cell that attributes, levels and faults are balanced over; None: the profile's
            size for train and test, `start + count` for audit.

    Raises:
        UnknownName, BadInput: a machine, role, part, label or range that does not exist.
        RunFailed: samples that are not finite.
    """
    spec.machine(machine)
    for kind, value, valid in (("role", role, ROLES), ("part", part, spec.parts(machine)), ("label", label, LABELS)):
        if value not in valid:
            raise UnknownName(kind, value, valid)
    if role == "train" and label == "anomaly":
        raise BadInput(f"training clips of {machine} are normal: ask for anomalies with role test or audit")
    if total is None:
        total = start + (count or 0) if role == "audit" else max(spec.cell(role, part), start + (count or 0))
    if count is None:
        count = total - start
    audio, cell, takes = clips(spec, machine, role, part, label, start, count, total)
    names = [clip_path(spec, machine, role, part, label, start + i, lot) for i, lot in enumerate(cell)]
    truth = [
        truth_of(spec, machine, part, label, name, lot, take) for name, lot, take in zip(names, cell, takes)
    ]
    split = "train" if role == "train" else "test"
    return Block(machine, split, role, part, label, names, to_int16(audio), truth)


def generate(spec: Spec, workers: int = 2, progress: Progress | None = None) -> Iterator[Block]:
    """All blocks of the set in the order of `plan`, rendered by `workers` processes.

    The result depends on neither `workers` nor the size of blocks. Few blocks are in flight at a time, so
    memory stays small; leaving the loop early stops the workers.
    """
    blocks = plan(spec)
    total = sum(b.count for b in blocks)
    done = 0
    alone = workers <= 1 or sum(b.count * spec.seconds(b.machine) for b in blocks) < FEW
    source = map(_render_block, [spec] * len(blocks), blocks) if alone else _pooled(spec, blocks, workers)
    for block in source:
        done += len(block.names)
        if progress is not None:
            progress(done, total)
        yield block


def _render_block(spec: Spec, block: BlockPlan) -> Block:
    return render(spec, block.machine, block.role, block.part, block.label, block.count, block.start)


def end_with_parent() -> None:
    """In a worker: ends it when the process that started it was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _pooled(spec: Spec, blocks: list[BlockPlan], workers: int) -> Iterator[Block]:
    """Blocks by worker processes.

    Raises:
        RunFailed: a worker ended before its work.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)  # a worker that imports a script without a main guard: the script itself gets the error
    # Spawned, not forked: the caller may hold torch threads, and a forked child could inherit their locks.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Block]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        try:
            for block in blocks:
                waiting.append(pool.submit(_render_block, spec, block))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RunFailed(
                f"{spec.preset}: a worker process ended before its work: in a script, put the call below "
                'if __name__ == "__main__": or give workers=1; otherwise look whether memory ran out'
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def write(
    spec: Spec,
    folder: str | Path,
    truth_folder: str | Path,
    workers: int = 2,
    progress: Progress | None = None,
) -> None:
    """Writes wav files in the official folders and, from 2023 on, attributes_00.csv; truth goes to `truth_folder`.

    A machine's folder appears when it is complete; one that exists is not touched.

    Raises:
        BadInput: a machine folder exists, or the truth would lie beside the clips.
    """
    folder, truth_folder = Path(folder), Path(truth_folder)
    check_apart(folder, truth_folder)
    for machine in spec.names:
        if (folder / machine).exists():
            raise BadInput(f"{folder / machine} exists: remove it or write to another folder")
    part = folder / ".part"
    shutil.rmtree(part, ignore_errors=True)
    truth: dict[str, list[dict[str, Any]]] = {machine: [] for machine in spec.names}
    expected = {m: sum(b.count for b in plan(spec) if b.machine == m) for m in spec.names}
    for block in generate(spec, workers, progress):
        for name, audio in zip(block.names, block.audio):
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            wavfile.write(target, FS, audio)
        rows = truth[block.machine]
        rows.extend(block.truth)
        if len(rows) == expected[block.machine]:
            if spec.definition.unit == "section":
                _write_attributes(part / block.machine / "attributes_00.csv", rows)
            write_truth(truth_folder / f"{block.machine}.jsonl", rows)
            (part / block.machine).rename(folder / block.machine)
    shutil.rmtree(part, ignore_errors=True)


def _write_attributes(target: Path, rows: list[dict[str, Any]]) -> None:
    """attributes_00.csv: file_name,d1p,d1v,...: what the file names say, no more."""
    keys = len(rows[0]["attributes"])
    header = ["file_name"] + [f"d{i + 1}{c}" for i in range(keys) for c in "pv"]
    with target.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([row["file"], *(part for pair in row["attributes"].items() for part in pair)])


@dataclass(frozen=True)
class Twin:
    """An anomalous clip and the same clip without its fault, int16 (samples,), at the same gain."""

    anomalous: np.ndarray
    healthy: np.ndarray
    truth: dict[str, Any]

    @property
    def boxes(self) -> list[list[float]]:
        """Where the fault shows: [t0, t1, f0, f1] in s and Hz."""
        return list(self.truth["boxes"])


def twin(spec: Spec, machine: str, role: str, part: str, index: int, total: int | None = None) -> Twin:
    """Anomalous clip `index` of a cell and its healthy twin (the same draws, severity 0)."""
    pair = [
        render(s, machine, role, part, "anomaly", 1, index, total) for s in (spec, replace(spec, severity=0.0))
    ]
    return Twin(pair[0].audio[0], pair[1].audio[0], pair[0].truth[0])


def extra_audio(kind: str, clips: int, samples: int, seed: int, matched: bool = False) -> np.ndarray:
    """Outside sound of bank C, float32 (clips, samples), each clip at the level of the sets (-40 dBFS).

    Args:
        kind: "noise" (for augmentation) or "non-machine" (nothing that turns).
        matched: draw from bank A's generator family instead: the upper bound of what augmentation can do.
    """
    if kind not in FAMILIES:
        raise UnknownName("kind of outside audio", kind, FAMILIES)
    n = rendered_length(samples)
    out = np.empty((clips, samples), np.float32)
    for i in range(clips):
        x = bank_c(stream("bank C", seed, kind, int(matched), i), kind, n, matched)
        out[i] = x[n - samples :] * np.float32(10 ** (REFERENCE_DBFS / 20))
    return out


def describe(preset: str) -> dict[str, dict[str, Any]]:
    """Facts for the reader, by machine: faults (what, where), attributes with their values by part, clip lengths."""
    if preset not in PRESETS:
        raise UnknownName("built-in set", preset, PRESETS)
    facts: dict[str, dict[str, Any]] = {}
    for name, kind in PRESETS[preset].machines.items():
        layout = kind.layout
        facts[name] = {
            "faults": [{"name": f, "what": what, "where": where} for f, (what, where) in kind.faults.items()],
            "attributes": layout.says,
            "keys": list(layout.keys),
            "hidden": layout.hidden,
            "train_only": kind.train_only,
            "parts": {part: [attributes_text(v) for v in layout.combinations(part)] for part in layout.parts},
            "seconds": {profile: min(size.seconds, kind.seconds) for profile, size in SIZES.items()},
        }
    return facts
