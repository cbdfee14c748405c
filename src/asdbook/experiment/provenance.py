"""Where a number comes from: commit, versions, device, data, cost."""

from __future__ import annotations

import platform
import resource
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdbook.experiment.records import DataInfo

if TYPE_CHECKING:
    from asdbook.data import DataSet
    from asdbook.experiment.context import RunContext
    from asdbook.simulate import Spec

PACKAGES = ("asdbook", "torch", "torchaudio", "numpy", "scipy", "pandas", "scikit-learn", "librosa")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a number."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


@cache
def commit() -> str:
    """The source's commit, with "+" when files differ from it; "unknown" outside a checkout."""
    source = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(source), *words], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", str(source.parent))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def numeric_mode(device: str, precision: str, *, compile: bool, threads: int) -> dict[str, Any]:
    """What can change results beyond the method, after fallbacks: device kind, precision, compilation, threads."""
    from asdbook.experiment.context import resolve_mode

    precision, compile, _ = resolve_mode(device, precision, compile)
    return {"device": device.split(":")[0], "precision": precision, "compile": compile, "threads": threads}


@cache
def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def device(name: str, threads: int) -> dict[str, Any]:
    """The device that did the work."""
    if name.startswith("cuda"):
        import torch

        return {"kind": "cuda", "name": torch.cuda.get_device_name(name), "threads": threads}
    return {"kind": "cpu", "name": processor(), "threads": threads}


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB (Linux counts in kB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if platform.system() == "Darwin" else 1e3)


def data_info(data: DataSet, spec: Spec | None, restricted: bool) -> DataInfo:
    """The record's description of the clips; `spec` is that of a built-in set, None for a folder.

    A folder of generated clips stays "synthetic", but which seed and simulator made it is not known here.
    """
    from asdbook import simulate

    frame = data.table.frame
    return DataInfo(
        name=data.name,
        kind=data.kind,
        year=data.year,
        seed=spec.data_seed if spec else None,
        profile=spec.profile if spec else None,
        simulator_version=simulate.VERSION if spec else None,
        fingerprint=data.fingerprint,
        premise_off=list(spec.premise_off) if spec else [],
        machines=list(data.table.machines),
        restricted=restricted,
        train_clips=int((frame["split"] == "train").sum()),
        test_clips=int((frame["split"] == "test").sum()),
        seconds=round(float(frame["seconds"].sum()), 3),
        notes=data.notes,
    )


def cost(ctx: RunContext, data: DataSet) -> dict[str, Any]:
    """Seconds, memory (MB), clips scored a second, parameters.

    `wall_seconds` is the whole: this run (`this_run_seconds`) and what earlier runs spent on the stages that it
    read and the epochs that it resumed after (`earlier_seconds`). `phases` and `memory_mb` are of this run.
    """
    phases = {name: round(seconds, 3) for name, seconds in ctx.phases.items()}
    tests = int((data.table.frame["split"] == "test").sum())
    score = ctx.phases.get("score", 0.0)
    here = sum(ctx.phases.get(phase, 0.0) for phase in ("data", "fit", "score", "evaluate"))
    return {
        "phases": phases,
        "wall_seconds": round(here + sum(ctx.earlier.values()), 3),
        "this_run_seconds": round(here, 3),
        "earlier_seconds": {name: round(seconds, 3) for name, seconds in ctx.earlier.items()},
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "memory_mb": {name: round(peak, 1) for name, peak in ctx.memory_mb.items()},
        "clips_per_second": round(tests / score, 2) if score else None,
        "parameters": ctx.parameters,
    }
