"""Committed records: the only way into `book/results`, and what is missing or stale there."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.datasets import SILENT, is_builtin
from asdbook.experiment.folders import find_run

FILES = ("record.json", "scores.csv.gz", "figures.npz")


def promote(run: str, results: Path) -> Path:
    """Copies a run's record (not its weights) to `results/<system>/<slug>`; returns that folder.

    Raises:
        BadInput: no such run, a record over its size limit, or one that names a folder of this machine.
    """
    source = records.load(find_run(run))
    size = sum((source.folder / name).stat().st_size for name in FILES)
    if size > records.MAX_BYTES:
        raise BadInput(f"{source.folder}: {size / 1e6:.1f} MB, a committed record holds at most 1 MB")
    text = (source.folder / "record.json").read_text()
    if str(Path.home()) in text or str(source.folder.parent) in text:
        raise BadInput(f"{source.folder}: the record names a folder of this machine: it cannot be committed")
    target = Path(results) / source.record.system / source.record.slug
    temporary = target.with_name(f".{target.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(source.folder / name, temporary / name)
    shutil.rmtree(target, ignore_errors=True)
    return temporary.rename(target)


def staleness(record: records.Record) -> str | None:
    """Why a record is stale (its system or simulator changed since), or None."""
    from asdbook import simulate, systems

    if record.system not in systems.names():
        return "system unknown"
    version = systems.get(record.system).version
    if record.system_version != version:
        return f"system version {record.system_version}, now {version}"
    made = record.data.simulator_version
    if made is not None and made != simulate.VERSION:
        return f"simulator version {made}, now {simulate.VERSION}"
    return None


def planned(plan: Path, chapter: str | None = None) -> Iterator[dict[str, Any]]:
    """The experiments of `experiments.toml`, one a (system:variant, data, seed).

    Raises:
        BadInput: the file is missing, not TOML, or names a chapter that it lacks.
    """
    try:
        content = tomllib.loads(Path(plan).read_text())
    except FileNotFoundError as error:
        raise BadInput(f"{plan}: no such file: run this in the book's repository") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{plan}: not TOML ({error}): mend the file") from error
    if chapter is not None and chapter not in content:
        raise BadInput(f"{plan}: no chapter {chapter!r}: choose from {', '.join(content)}")
    for name, rows in content.items():
        if chapter is None or name == chapter:
            for row in rows["runs"]:
                yield from _expand(row)


def _expand(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for system in row["systems"]:
        for seed in row["seeds"]:
            yield {
                "name": system,
                "data": row["data"],
                "profile": row["profile"],
                "data_seed": seed,
                "seed": seed,
                "overrides": row.get("set", {}),
            }


def make_records(
    plan: Path,
    results: Path,
    *,
    chapter: str | None = None,
    threads: int | None = None,
    dry: bool = False,
    progress: Callable[[str], None] = SILENT,
) -> int:
    """Runs and promotes what `plan` lists and `results` lacks or holds stale; returns how many."""
    from asdbook.experiment.runner import run

    count = 0
    for job in planned(plan, chapter):
        why = _lacking(job, results)
        if why is None:
            continue
        count += 1
        progress(f"{job['name']} on {job['data']}, seed {job['seed']}, {job['profile']}: {why}")
        if not dry:
            stored = run(job.pop("name"), job.pop("data"), progress=progress, threads=threads, **job)
            promote(str(stored.folder), results)
    return count


def _lacking(job: dict[str, Any], results: Path) -> str | None:
    from asdbook import systems

    cls, variant = systems.parse(job["name"])
    wanted = {
        "system": cls.name,
        "variant": variant,
        "data": Path(job["data"]).name,
        "seed": job["seed"],
        "profile": job["profile"],
        "overrides": job["overrides"],
    }
    if is_builtin(job["data"]):
        wanted["data_seed"] = job["data_seed"]
    found = records.find(results, **wanted) if Path(results).is_dir() else []
    if not found:
        return "missing"
    return staleness(found[0].record)
