"""New recordings by a trained run: score, decision, and how unusual each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook import metrics
from asdbook.errors import BadInput, RunFailed
from asdbook.experiment import records
from asdbook.experiment.folders import find_run
from asdbook.experiment.home import place

if TYPE_CHECKING:
    import pandas as pd

    from asdbook.data import TestClips
    from asdbook.data.audio import Decoded
    from asdbook.systems.base import Context, MapGrid, System


@dataclass(frozen=True)
class ClipMap:
    """Where a clip sounds wrong, and the spectrogram of the same cells.

    Attributes:
        values: probability that a cell is anomalous, float32 (band, frame).
        level: log-mel spectrogram in dB, float32 (band, frame).
        seconds: centres of the frames, (frame,).
        hertz: centres of the bands, (band,).
    """

    values: np.ndarray
    level: np.ndarray
    seconds: np.ndarray
    hertz: np.ndarray


def score_files(
    run: str,
    files: Sequence[str | Path],
    *,
    machine: str | None = None,
    unit: str | None = None,
    maps: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Scores wav files with the model of a run.

    Args:
        run: a run's folder, or an unambiguous part of its name.
        files: wav files of one machine.
        machine: which machine they are; may be left out when the run knows one, or a file's folder names it.
        unit: machine ID (2020) or section; may be left out when the run knows one for that machine.
        maps: whether to say where each file sounds wrong.
        progress: told, a line each, what this machine computes otherwise than the run's.

    Returns:
        For each file: file, group, score, threshold, decision ("normal" or "anomalous"), in words how unusual
        the score is among out-of-sample training clips of the same machine, and treatment: what decoding
        changed ("resampled from 48000 Hz, first of 2 channels"; "" for nothing). With `maps` also map, a `ClipMap`.

    Raises:
        BadInput: unknown run or machine, unreadable files, a run whose weights are not kept, or maps of a system
            that makes none.
    """
    from asdbook import systems
    from asdbook.experiment.context import RunContext
    from asdbook.experiment.stages import StageCache

    stored = records.load(find_run(run))
    record = stored.record
    grid = map_grid(run) if maps else None
    train = stored.scores()
    train = train[train["split"] == "train"]
    units = [_group(Path(f), machine, unit, train, record.data.year) for f in files]
    decoded = _decoded([Path(f) for f in files])
    clips = _clips([Path(f) for f in files], decoded, units, record.data.year)
    system = systems.load(stored.folder)
    mode, notes = _mode_here(record.numeric_mode)
    for note in notes:
        progress(f"note: {note}")
    stages = StageCache(place("stages"), fingerprint=record.data.fingerprint, seed=record.seed, mode=mode)
    ctx = RunContext(
        seed=record.seed,
        profile=record.profile,
        device=mode["device"],
        precision=mode["precision"],
        threads=mode["threads"],
        stages=stages,
    )
    values = np.asarray(system.score(clips, ctx).values, dtype=float)
    found = [
        {**_row(str(file), group, float(value), train, record), "treatment": _treatment(sound)}
        for file, group, value, sound in zip(files, units, values, decoded, strict=True)
    ]
    if grid is not None:
        for row, clip_map in zip(found, _maps(system, grid, clips, ctx), strict=True):
            row["map"] = clip_map
    return found


def map_grid(run: str) -> MapGrid:
    """Where the cells of the maps of a run's system lie.

    Raises:
        BadInput: the system makes no maps.
    """
    from asdbook import systems
    from asdbook.systems.base import no_maps

    record = records.load(find_run(run)).record
    system = systems.get(record.system)
    grid = system(system.Config(**record.config)).map_grid
    if grid is None:
        raise no_maps(record.system)
    return grid


def _maps(system: System, grid: MapGrid, clips: TestClips, ctx: Context) -> list[ClipMap]:
    """The system's map of each clip beside the spectrogram of the same cells."""
    from asdbook.features import LogMel

    log_mel, found = LogMel(grid.sample_rate, grid.n_fft, grid.hop, grid.bands), []
    for k, values in enumerate(system.maps(clips, ctx)):
        level = log_mel(clips.batch([k]))[0].T.numpy()
        if values.shape != level.shape:
            raise RunFailed(f"system {system.name}: a map of shape {values.shape} for a spectrogram of shape "
                            f"{level.shape} (band, frame): its `maps` does not fit its `map_grid`")  # fmt: skip
        place = grid.seconds(level.shape[1]), grid.hertz()
        found.append(ClipMap(np.asarray(values, dtype=np.float32), level, *place))
    return found


def _mode_here(mode: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The run's numeric mode as far as this machine can do it, and a note for each thing that it cannot."""
    import torch

    from asdbook.experiment.context import resolve_mode

    device, notes = mode["device"], []
    if device == "cuda" and not torch.cuda.is_available():
        device = "cpu"
        notes.append("the run was made on a CUDA device and none is visible here: computing on the CPU")
    precision, _, more = resolve_mode(device, mode["precision"], compile=False)
    return {**mode, "device": device, "precision": precision}, notes + more


def _treatment(sound: Decoded) -> str:
    """What decoding changed, in words; "" for nothing."""
    from asdbook.data import SAMPLE_RATE

    header, parts = sound.header, []
    if header.rate != SAMPLE_RATE:
        parts.append(f"resampled from {header.rate} Hz")
    if header.channels > 1:
        parts.append(f"first of {header.channels} channels")
    if sound.clipped:
        parts.append(f"{sound.clipped} samples clipped")
    return ", ".join(parts)


def _row(
    file: str, group: tuple[str, str], value: float, train: pd.DataFrame, record: records.Record
) -> dict[str, Any]:
    machine, unit = group
    threshold = record.decision["machines"][machine]["threshold"]
    peers = train[train["machine"] == machine]["score"].to_numpy(dtype=float)
    return {
        "file": file,
        "group": f"{machine}/{unit}",
        "score": value,
        "threshold": threshold,
        "decision": "anomalous" if value > threshold else "normal",
        "unusual": metrics.how_unusual(value, peers),
    }


def _group(
    file: Path, machine: str | None, unit: str | None, train: pd.DataFrame, year: int | None
) -> tuple[str, str]:
    """Machine and unit of a file: given, named by its folders or its name, or the only one there is."""
    known = sorted(train["machine"].unique())
    if machine is None:
        said = _machine_in_path(file)
        if said is not None and said not in known:
            raise BadInput(
                f"{file}: its folder says {said!r}, which is not in this run: "
                f"name a machine with --machine ({', '.join(known)})"
            )
        named = [part for part in reversed(file.resolve().parts[:-1]) if part in known]
        machine = named[0] if named else (known[0] if len(known) == 1 else None)
    if machine is None or machine not in known:
        what = "no machine given" if machine is None else f"machine {machine!r} is not in this run"
        raise BadInput(f"{file}: {what}: name one with --machine ({', '.join(known)})")
    units = sorted(train[train["machine"] == machine]["unit"].unique())
    unit = unit or _unit_in_name(file.name, year) or (units[0] if len(units) == 1 else "")
    if unit not in units:
        what = f"ID {unit!r} of {machine} is not in this run" if unit else "no ID given"
        raise BadInput(f"{file}: {what}: name one with --id ({', '.join(units)})")
    return machine, unit


def _machine_in_path(file: Path) -> str | None:
    """The folder above train/ or test/, which in every layout is the machine; None elsewhere."""
    from asdbook.data.files import place_of

    whole = file.resolve()
    place = place_of(whole.relative_to(whole.anchor).as_posix(), Path(whole.anchor))
    return (place.machine or None) if place is not None and place.split is not None else None


def _unit_in_name(name: str, year: int | None) -> str | None:
    from asdbook import data

    try:
        return getattr(data.parse(name), data.rules(year).unit)
    except BadInput:
        return None


def _decoded(files: list[Path]) -> list[Decoded]:
    """The files' sound at 16 kHz; all unusable files are named at once."""
    from asdbook.data import audio

    decoded, problems = [], []
    for file in files:
        try:
            decoded.append(audio.decode(file))
        except audio.Unusable as problem:
            problems.append(f"{file}: {problem}")
    if problems:
        raise BadInput("; ".join(problems) + ": mend or leave out these files")
    return decoded


def _clips(
    files: list[Path], decoded: list[Decoded], units: list[tuple[str, str]], year: int | None
) -> TestClips:
    """Decoded files as test clips of that year's type."""
    import pandas as pd

    from asdbook import data
    from asdbook.data import clips, table

    lengths = np.array([len(sound.samples) for sound in decoded])
    samples = np.concatenate([sound.samples for sound in decoded])
    waves = data.WaveStore(samples, np.cumsum(lengths) - lengths, lengths, data.SAMPLE_RATE)
    frame = pd.DataFrame(None, index=range(len(files)), columns=list(table.COLUMNS))
    frame["path"] = [str(file) for file in files]
    frame["machine"] = [machine for machine, _ in units]
    frame[data.rules(year).unit] = [unit for _, unit in units]
    frame["seconds"] = lengths / data.SAMPLE_RATE
    return clips.visible_test_clips(waves, data.ClipTable(frame, year=year))
