"""Committed records: the only way into `book/results`, and what is missing or stale there."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.datasets import SILENT, is_builtin
from asdbook.experiment.folders import find_run

FILES = ("scores.csv.gz", "figures.npz", "record.json")  # in this order: a record.json means that all is there


def promote(run: str, results: Path) -> Path:
    """Copies a run's record (not its weights) to `results/<system>/<slug>`; returns that folder.

    Raises:
        BadInput: no such run, a record over its size limit, or one that names a folder of this machine.
    """
    source = records.load(find_run(run).resolve())
    source.scores(), source.figures()  # a damaged file must not reach the book
    size = sum((source.folder / name).stat().st_size for name in FILES)
    if size > records.MAX_BYTES:
        raise BadInput(f"{source.folder}: {size / 1e6:.1f} MB, a committed record holds at most 1 MB")
    text = (source.folder / "record.json").read_text()
    if str(Path.home()) in text or str(source.folder.parent) in text:
        raise BadInput(f"{source.folder}: the record names a folder of this machine: it cannot be committed")
    target = Path(results) / source.record.system / source.record.slug
    if (target / "record.json").exists():
        _refuse_another(source.record, records.load(target).record, target)
    temporary = target.with_name(f".{target.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(source.folder / name, temporary / name)
    return _put(temporary, target)


def _put(new: Path, target: Path) -> Path:
    """Puts a complete folder in a folder's place; whenever the process is killed, one of the two is there whole."""
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def _refuse_another(new: records.Record, old: records.Record, target: Path) -> None:
    """A folder's name says which experiment it holds; anything that the name leaves out must agree."""
    for what, mine, theirs in (
        ("machines", new.data.machines, old.data.machines),
        ("switched-off premises", new.data.premise_off, old.data.premise_off),
        ("year", new.data.year, old.data.year),
    ):
        if mine != theirs:
            raise BadInput(
                f"{target}: holds a record with other {what} ({theirs}, this run: {mine}): move it away first"
            )


class PlanRow(BaseModel):
    """One row of `experiments.toml`: systems x seeds on one data set.

    A seed is that of the data and of the training; `training_seeds` trains several times on the same data instead.
    """

    model_config = ConfigDict(extra="forbid")
    data: str
    profile: str
    seeds: list[int]
    training_seeds: list[int] = Field(default_factory=list)
    systems: list[str]
    set: dict[str, Any] = Field(default_factory=dict)
    machines: list[str] = Field(default_factory=list)
    premise_off: list[str] = Field(default_factory=list)


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
            for row in _rows(plan, name, rows):
                yield from _expand(row)


def _rows(plan: Path, chapter: str, content: dict[str, Any]) -> list[PlanRow]:
    try:
        return [PlanRow.model_validate(row) for row in content["runs"]]
    except KeyError as error:
        raise BadInput(f"{plan}: chapter {chapter!r} has no runs: add [[{chapter}.runs]]") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BadInput(f"{plan}: a run of {chapter!r}: {key}: {first['msg'].lower()}: mend the file") from error


def _expand(row: PlanRow) -> Iterator[dict[str, Any]]:
    for system in row.systems:
        for data_seed, seed in ((d, s) for d in row.seeds for s in row.training_seeds or [d]):
            yield {
                "name": system,
                "data": row.data,
                "profile": row.profile,
                "data_seed": data_seed,
                "seed": seed,
                "overrides": row.set,
                "machines": row.machines or None,
                "premise_off": row.premise_off,
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
    premises, machines = sorted(job["premise_off"]), job["machines"]
    found = [s for s in found if sorted(s.record.data.premise_off) == premises]
    found = [
        s
        for s in found
        if (sorted(s.record.data.machines) == sorted(machines) if machines else not s.record.data.restricted)
    ]
    if not found:
        return "missing"
    return staleness(found[0].record)
