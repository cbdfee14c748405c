"""From a name or a folder to a data set: built-in machines are generated straight into a wave store."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdbook import simulate
from asdbook.errors import BadInput, UnknownName
from asdbook.experiment.home import place

if TYPE_CHECKING:
    from asdbook.data import DataSet
    from asdbook.simulate import Spec

SILENT: Callable[[str], None] = lambda text: None  # noqa: E731 - a value, not a function to read


def is_builtin(data: str) -> bool:
    """Whether `data` names a built-in set rather than a folder."""
    return data in simulate.PRESETS


def spec_of(
    data: str,
    data_seed: int,
    profile: str,
    premise_off: Sequence[str] = (),
    machines: Sequence[str] | None = None,
) -> Spec:
    """The simulator's specification of a built-in set."""
    if data not in simulate.PRESETS:
        raise UnknownName("data set", data, simulate.PRESETS)
    return simulate.Spec(
        preset=data,
        data_seed=data_seed,
        profile=profile,
        premise_off=tuple(sorted(set(premise_off))),
        machines=tuple(sorted(set(machines))) if machines else None,
    )


def builtin_fingerprint(spec: Spec) -> str:
    """A built-in set is known by simulator version and specification; nothing need be decoded."""
    text = json.dumps([simulate.VERSION, *_identity(spec)])
    return hashlib.sha256(text.encode()).hexdigest()


def _identity(spec: Spec) -> list[Any]:
    usual = [spec.preset, spec.data_seed, spec.profile, sorted(spec.premise_off), sorted(spec.machines or [])]
    checks = [spec.severity, sorted(spec.faults or []), spec.mute]  # variations for checks and listening
    return usual + (checks if spec.severity is not None or spec.faults or spec.mute else [])


def builtin_key(spec: Spec) -> str:
    """Folder name of a built-in set under `home()/data`."""
    return (
        f"{spec.preset}-{spec.profile}-d{spec.data_seed}-v{simulate.VERSION}-{builtin_fingerprint(spec)[:10]}"
    )


def builtin(spec: Spec, progress: Callable[[str], None] = SILENT, workers: int | None = None) -> DataSet:
    """The wave store of a built-in set, generated on first use (about 0.5 GB at `quick`)."""
    from asdbook import data

    folder = place("data") / builtin_key(spec)
    if (folder / "set.json").exists():
        return data.open_set(folder)
    progress(f"generating {spec.preset}, data seed {spec.data_seed}, profile {spec.profile}")
    truth: list[dict[str, Any]] = []
    seconds = sum(block.count * spec.seconds(block.machine) for block in simulate.plan(spec))

    def blocks() -> Iterator[Any]:
        for block in simulate.generate(spec, workers or min(2, os.cpu_count() or 1), _every_tenth(progress)):
            truth.extend(block.truth)
            yield data.rows_of(block.names, block.recording), block.audio
        _write_truth(spec, truth)  # before the set gets its name: a set without its truth cannot be left behind

    return data.build(
        folder,
        name=spec.preset,
        year=simulate.PRESETS[spec.preset].year,
        blocks=blocks(),
        fingerprint=builtin_fingerprint(spec),
        expected_bytes=int(seconds * data.SAMPLE_RATE * 2),
    )


def _every_tenth(progress: Callable[[str], None]) -> Callable[[int, int], None]:
    """Progress in clips, said at every tenth of the way."""
    said = 0

    def tell(done: int, total: int) -> None:
        nonlocal said
        if done * 10 // total > said:
            said = done * 10 // total
            progress(f"{done} of {total} clips")

    return tell


def _truth_path(spec: Spec) -> Path:
    return place("truth") / f"{builtin_key(spec)}.json.gz"  # never beside the clips a system reads


def _write_truth(spec: Spec, truth: list[dict[str, Any]]) -> None:
    path = _truth_path(spec)
    temporary = path.with_suffix(".part")
    with gzip.open(temporary, "wt") as out:
        json.dump(truth, out)
    temporary.rename(path)


def truth(spec: Spec) -> list[dict[str, Any]]:
    """What the simulator knows of each clip: fault, severity, hidden attributes, SNR, boxes.

    Raises:
        BadInput: the set was not generated here yet.
    """
    path = _truth_path(spec)
    if not path.exists():
        raise BadInput(
            f"{path}: no truth yet: generate the set first (`asdbook data synth` or `asdbook run`)"
        )
    with gzip.open(path, "rt") as handle:
        return json.load(handle)


def resolve(
    data_name: str,
    *,
    data_seed: int,
    profile: str,
    premise_off: Sequence[str] = (),
    machines: Sequence[str] | None = None,
    skip_bad: bool = False,
    year: int | None = None,
    truth: str | None = None,
    progress: Callable[[str], None] = SILENT,
) -> DataSet:
    """A built-in set by name, or a folder of recordings decoded once into the cache.

    Args:
        data_name: built-in set or folder.
        data_seed, profile, premise_off: of a built-in set.
        machines: only these.
        skip_bad: leave unusable recordings out and note them.
        year: forces the year's rules for a folder.
        truth: folder with the organisers' truth for hidden labels of a folder.
        progress: called with one line at a time.

    Raises:
        BadInput: neither a built-in name nor a folder; or unusable recordings, all listed at once.
    """
    if is_builtin(data_name):
        if year is not None or truth is not None:
            raise BadInput(f"{data_name}: a built-in set knows its year and labels: leave out --year and --truth")
        return builtin(spec_of(data_name, data_seed, profile, premise_off, machines), progress)
    from asdbook import data

    if premise_off:
        raise BadInput(f"{data_name}: premises belong to built-in sets: leave out --premise-off for a folder")
    if not Path(data_name).is_dir():
        if os.sep in data_name or "." in data_name:
            raise BadInput(f"{data_name}: no such folder: name a folder of recordings or a built-in set")
        raise UnknownName("data set", data_name, [*simulate.PRESETS, "a folder"])
    loaded = data.load(data_name, cache_dir=place("data"), year=year, truth=truth, skip_bad=skip_bad)
    return loaded.select(machines) if machines else loaded
