"""New recordings by a trained run: score, decision, and how unusual each is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook import metrics
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.folders import find_run
from asdbook.experiment.home import place

if TYPE_CHECKING:
    import pandas as pd

    from asdbook.data import TestClips


def score_files(
    run: str, files: Sequence[str | Path], *, machine: str | None = None, unit: str | None = None
) -> list[dict[str, Any]]:
    """Scores wav files with the model of a run.

    Args:
        run: a run's folder, or an unambiguous part of its name.
        files: wav files of one machine.
        machine: which machine they are; may be left out when the run knows one, or a file's folder names it.
        unit: machine ID (2020) or section; may be left out when the run knows one for that machine.

    Returns:
        For each file: file, group, score, threshold, decision ("normal" or "anomalous") and, in words, how
        unusual the score is among out-of-sample training clips of the same machine.

    Raises:
        BadInput: unknown run or machine, unreadable files, or a run whose weights are not kept.
    """
    from asdbook import systems
    from asdbook.experiment.context import RunContext
    from asdbook.experiment.stages import StageCache

    stored = records.load(find_run(run))
    record, mode = stored.record, stored.record.numeric_mode
    train = stored.scores()
    train = train[train["split"] == "train"]
    units = [_group(Path(f), machine, unit, train, record.data.year) for f in files]
    clips = _clips([Path(f) for f in files], units, record.data.year)
    system = systems.load(stored.folder)
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
    return [
        _row(str(file), group, float(value), train, record)
        for file, group, value in zip(files, units, values, strict=True)
    ]


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


def _unit_in_name(name: str, year: int | None) -> str | None:
    from asdbook import data

    try:
        return getattr(data.parse(name), data.rules(year).unit)
    except BadInput:
        return None


def _clips(files: list[Path], units: list[tuple[str, str]], year: int | None) -> TestClips:
    """Decoded files as test clips of that year's type; all unusable files are named at once."""
    import pandas as pd

    from asdbook import data
    from asdbook.data import audio, clips, table

    decoded, problems = [], []
    for file in files:
        try:
            decoded.append(audio.decode(file).samples)
        except audio.Unusable as problem:
            problems.append(f"{file}: {problem}")
    if problems:
        raise BadInput("; ".join(problems) + ": mend or leave out these files")
    lengths = np.array([len(samples) for samples in decoded])
    waves = data.WaveStore(np.concatenate(decoded), np.cumsum(lengths) - lengths, lengths, data.SAMPLE_RATE)
    frame = pd.DataFrame(None, index=range(len(files)), columns=list(table.COLUMNS))
    frame["path"] = [str(file) for file in files]
    frame["machine"] = [machine for machine, _ in units]
    frame[data.rules(year).unit] = [unit for _, unit in units]
    frame["seconds"] = lengths / data.SAMPLE_RATE
    return clips.visible_test_clips(waves, data.ClipTable(frame, year=year))
