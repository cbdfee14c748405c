"""The simulator's checks: is what the built-in machines say worth hearing? (methods/simulator.md 7, 1b)

    run(seeds=...)       renders the calibration seeds, measures every machine, returns the report
    rows(report)         its summary as rows of text, header first
    write(report, path)  the committed table (`book/results/simulator/<preset>.json`)

The report: "checks" holds one row a summary, "details" one row a machine, attribute or fault; each row has number,
name, machine, statistic, values (one a data seed), mean, low, high (95 % t interval over data seeds), band,
verdict ("pass", "fail" or "undecided"), and where it applies fault, clips, note. The verdicts are data: a check
that fails is reported, and the simulator is not changed for a paper's sake.

Modules, in the order of the work: `sounds` (clips to numbers); `audibility`, `leaks`, `groups` (statistics); `cell`
(all of a machine and data seed, cached); `judging` (numbers to checks); `bands` (intervals to verdicts); `anchor`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from asdbook import simulate
from asdbook.errors import BadInput
from asdbook.experiment.home import place
from asdbook.experiment.simcheck import bands
from asdbook.experiment.simcheck.cell import LEVELS, Sizes, measured
from asdbook.experiment.simcheck.judging import judge
from asdbook.simulate import Spec

SCHEMA = 1
CALIBRATION_SEEDS = (100, 101, 102, 103, 104)
"""Discarded data seeds: strengths were set on them, no system is compared on them."""


def run(
    seeds: Sequence[int] = CALIBRATION_SEEDS,
    machines: Sequence[str] | None = None,
    *,
    preset: str = "synthetic-2023",
    profile: str = "quick",
    scale: float = 1.0,
    sizes: Sizes | None = None,
    anchor: bool = False,
    workers: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Runs the checks; about one to three minutes a machine and data seed, resumed where it was interrupted.

    Args:
        seeds: data seeds; a verdict needs at least two.
        machines: some of the preset's, or all.
        scale: of the audit, control and muted sets; below 1 for a first look.
        sizes: instead of `scale`.
        anchor: also train the official autoencoder on each seed (slow).
        workers: processes.
        progress: called with a line a machine and seed.

    Raises:
        BadInput, UnknownName: no seeds, or a set, machine or profile that does not exist.
    """
    if not seeds:
        raise BadInput("simulator checks: no data seeds given: name at least one, e.g. --seeds 100,101")
    if anchor and preset != "synthetic-2023":
        raise BadInput(f"simulator checks: the anchor compares with the published results of 2023, not with {preset}")
    chosen = sizes or Sizes.scaled(scale)
    specs = [Spec(preset, seed, profile, machines=tuple(machines) if machines else None) for seed in seeds]
    names = specs[0].names
    started = time.monotonic()
    cells = _all_cells(specs, chosen, workers, progress)
    checks, details = judge(cells)
    if anchor:
        from asdbook.experiment.simcheck.anchor import anchor as run_anchor

        more = run_anchor(preset, seeds, profile, machines, progress)
        checks, details = checks + more[0], details + more[1]
    return {
        "schema": SCHEMA,
        "preset": preset,
        "profile": profile,
        "simulator_version": simulate.VERSION,
        "seeds": list(seeds),
        "machines": list(names),
        "sizes": {**_tested(cells)["sizes"], "severities": list(LEVELS)},
        "checks": [one.as_dict() for one in checks],
        "details": [one.as_dict() for one in details],
        "seconds": round(time.monotonic() - started),
    }


def _all_cells(
    specs: list[Spec], sizes: Sizes, workers: int, progress: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """Machine to its measured cells, one a data seed."""
    cells: dict[str, list[dict[str, Any]]] = {machine: [] for machine in specs[0].names}
    jobs = [(spec, machine) for spec in specs for machine in specs[0].names]
    for done, ((spec, machine), cell) in enumerate(zip(jobs, _cells(jobs, sizes, workers)), 1):
        cells[machine].append(cell)
        progress(f"checked {machine}, data seed {spec.data_seed} ({done} of {len(jobs)})")
    return cells


def _tested(cells: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A cell of a machine that has test clips, if there is one."""
    first = [seeds[0] for seeds in cells.values()]
    return next((cell for cell in first if cell["sizes"]["test"]), first[0])


def _cells(jobs: list[tuple[Spec, str]], sizes: Sizes, workers: int) -> Iterator[dict[str, Any]]:
    """Measured cells in the order of `jobs`."""
    one = partial(_one, sizes=sizes, folder=place("stages") / "simcheck")
    if workers <= 1:
        yield from map(one, jobs)
        return
    # Spawned: a forked child could inherit locks of torch's threads.
    with ProcessPoolExecutor(workers, get_context("spawn"), simulate.sets.end_with_parent) as pool:
        yield from pool.map(one, jobs)


def _one(job: tuple[Spec, str], sizes: Sizes, folder: Path) -> dict[str, Any]:
    # One thread: features and trees are small, and threads on shared cores wait for each other.
    with threadpool_limits(1):
        return measured(job[0], job[1], sizes, folder)


def rows(report: dict[str, Any], details: bool = False) -> list[list[str]]:
    """The report as rows of text, header first: all summaries, with `details` also what they sum up."""
    return bands.table([*report["checks"], *(report["details"] if details else [])])


def write(report: dict[str, Any], path: str | Path) -> None:
    """Writes the report as JSON, one check a line; to a temporary name, then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {key: value for key, value in report.items() if key not in ("checks", "details")}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key in ("checks", "details"):
        inner = ",\n".join(f"    {json.dumps(one, ensure_ascii=False)}" for one in report[key])
        lines.append(f"  {json.dumps(key)}: [\n{inner}\n  ]")
    part = path.with_suffix(".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    part.rename(path)
