"""`examine`: is this installation fit to run? One line a check, with the remedy where something is amiss.

Nothing is mended and nothing but one small file in `$ASDBOOK_HOME` is written (and removed).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from asdbook.errors import AsdBookError
from asdbook.experiment import provenance

State = Literal["ok", "warning", "problem"]

PYTHONS = ((3, 11), (3, 12))  # pyproject: requires-python
LOW_DISK, NO_DISK = 4.0, 0.5  # GB: a quick set takes 0.6 and its stages about as much; below 0.5 nothing fits
LOGMEL_TOLERANCE = 1e-3  # dB: float32 against librosa's float64; scores differ by far less (test_features_logmel)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: *; *([^\\]+?))? *\\?$", re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One check: its name, how it went, what was found, and the remedy if it did not go well."""

    name: str
    state: State
    text: str
    remedy: str = ""


def examine() -> Iterator[Line]:
    """All checks, cheapest first. A check that breaks is itself a problem, never a traceback."""
    checks: tuple[tuple[str, Callable[[], Iterator[Line]]], ...] = (
        ("python", _python),
        ("versions", _versions),
        ("lock", _lock),
        ("home", _home),
        ("threads", _threads),
        ("device", _devices),
        ("systems", _systems),
        ("browser", _browser),
        ("features", _features),
        ("simulator", _simulator),
    )
    for name, check in checks:
        try:
            yield from check()
        except AsdBookError as error:
            yield Line(name, "problem", str(error))
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            yield Line(name, "problem", f"{type(error).__name__}: {text}", "set up again: make setup")


def _python() -> Iterator[Line]:
    text = f"Python {platform.python_version()} in {sys.prefix}"
    if sys.version_info[:2] in PYTHONS:
        yield Line("python", "ok", text)
    else:
        yield Line("python", "problem", text, "use Python 3.11 or 3.12")


def _versions() -> Iterator[Line]:
    found = provenance.versions()
    yield Line("versions", "ok", ", ".join(f"{name} {version}" for name, version in found.items()))
    yield Line("commit", "ok", provenance.commit())


# --- lock -------------------------------------------------------------------------------------------------


def _lock() -> Iterator[Line]:
    """Installed versions against the pins, where there is a checkout."""
    path = Path(__file__).resolve().parents[3] / "requirements.lock"
    if not path.is_file():
        yield Line("lock", "ok", "no requirements.lock beside the source: installed as a package")
        return
    wanted = pins(path.read_text(encoding="utf-8"))
    absent, other = [], []
    for name, version in wanted.items():
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
            continue
        if have.partition("+")[0] != version.partition("+")[0]:  # 2.11.0+cpu is 2.11.0 without CUDA
            other.append(f"{name} {have} (pinned {version})")
    if not absent and not other:
        yield Line("lock", "ok", f"all {len(wanted)} pinned packages are installed as pinned")
        return
    parts = [f"not installed: {_some(absent)}"] * bool(absent) + [f"other versions: {_some(other)}"] * bool(other)
    yield Line("lock", "warning", "; ".join(parts), "make setup (results may differ from the records)")


def pins(text: str) -> dict[str, str]:
    """Package to version in a lock file, for this Python and platform."""
    from packaging.markers import Marker

    return {
        name: version
        for name, version, marker in _PIN.findall(text)
        if not marker or Marker(marker.strip()).evaluate()
    }


# --- machine ----------------------------------------------------------------------------------------------


def _home() -> Iterator[Line]:
    from asdbook.experiment.home import home

    folder = home()  # raises with its remedy where it cannot be made
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"written")
    except OSError as error:
        yield Line("home", "problem", f"{folder}: cannot be written ({error.strerror})", "set ASDBOOK_HOME")
        return
    yield Line("home", "ok", f"{folder} can be written")
    free = shutil.disk_usage(folder).free / 1e9
    remedy = "asdbook cache prune --yes, or set ASDBOOK_HOME to a larger disk"
    state: State = "problem" if free < NO_DISK else "warning" if free < LOW_DISK else "ok"
    yield Line("disk", state, f"{free:.1f} GB free", "" if state == "ok" else remedy)


def _threads() -> Iterator[Line]:
    from asdbook.experiment.seeding import default_threads

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{provenance.processor()}, {cores} cores, {default_threads(None)} threads by default"
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > cores:
        remedy = "unset it: small networks on more threads than cores run many times slower"
        yield Line("threads", "warning", f"{text}; OMP_NUM_THREADS={asked}", remedy)
    else:
        yield Line("threads", "ok", text)


def _devices() -> Iterator[Line]:
    import torch

    if not torch.cuda.is_available():
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        yield Line("device", "ok", f"cpu alone (torch with {built}, no GPU found)")
        return
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        sums = float(torch.ones(1000, device=f"cuda:{number}").sum())
        text = f"cuda:{number} {about.name}, {about.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"
        text += ", bf16" if torch.cuda.is_bf16_supported() else ", no bf16"
        if sums == 1000.0:
            yield Line("device", "ok", text)
        else:
            yield Line("device", "problem", f"{text}: a sum of ones is {sums}", "check driver and CUDA version")


# --- project ----------------------------------------------------------------------------------------------


def _systems() -> Iterator[Line]:
    from asdbook import systems

    for name in systems.BUILT_IN:
        systems.get(name)
    yield Line("systems", "ok", f"built in: {', '.join(systems.BUILT_IN)}")
    for name, place in systems.outside().items():
        try:
            systems.get(name)
        except Exception as error:
            text = f"{name} ({place}) cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())}"
            yield Line("systems", "warning", text, "mend or uninstall the package that brings it")
        else:
            yield Line("systems", "warning", f"{name} ({place}) is from outside and runs code of its package")


def _browser() -> Iterator[Line]:
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        remedy = "apt-get install chromium chromium-driver"
        yield Line("browser", "warning", f"no {' and no '.join(missing)}: browser tests are skipped", remedy)
    else:
        yield Line("browser", "ok", "chromium and chromedriver, for browser tests")


def _features() -> Iterator[Line]:
    """Log-mel of noise against librosa."""
    import librosa
    import numpy as np
    import torch

    from asdbook.features import LogMel

    noise = np.random.default_rng(0).normal(0.0, 0.1, 16_000).astype(np.float32)
    ours = LogMel()(torch.from_numpy(noise)[None])[0].double().numpy()
    power = librosa.feature.melspectrogram(
        y=noise.astype(np.float64), sr=16_000, n_fft=1024, hop_length=512, n_mels=128, power=2.0
    )
    error = float(np.abs(ours - 10.0 * np.log10(power.T)).max())
    good = error < LOGMEL_TOLERANCE
    text = f"log-mel of noise within {error:.1e} dB of librosa's"
    yield Line("features", "ok" if good else "problem", text, "" if good else "make setup")


def _simulator() -> Iterator[Line]:
    """A one-second clip, rendered twice."""
    import numpy as np

    from asdbook import simulate

    spec = simulate.Spec(profile="smoke")
    first, again = (simulate.render(spec, "fan", "train", "source", "normal", 1).audio for _ in range(2))
    good = first.shape == (1, 16_000) and bool(first.any()) and np.array_equal(first, again)
    text = "a clip of one second, the same twice" if good else f"a clip of shape {first.shape} that is not repeatable"
    yield Line("simulator", "ok" if good else "problem", text, "" if good else "make setup")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
