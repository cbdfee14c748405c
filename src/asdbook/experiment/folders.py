"""Run folders: one per experiment, numbered attempts inside, never half a result.

`$ASDBOOK_HOME/runs/<system>-<variant>-<data>-<key>/<attempt>/`. An attempt is worked on as `<attempt>.part`
and renamed when it is complete, so an earlier attempt stays whole whatever happens to a later one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from asdbook.data.waves import cannot_write
from asdbook.errors import BadInput, RunFailed
from asdbook.experiment.home import place
from asdbook.paths import plain


def key_of(identity: Mapping[str, Any]) -> str:
    """A content key: the same experiment gives the same key on every machine."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class RunFolder:
    """The folder of one experiment."""

    base: Path

    @classmethod
    def of(cls, identity: Mapping[str, Any], data_name: str) -> RunFolder:
        """The folder for an experiment's identity."""
        text = f"{identity['system']}-{identity['variant']}-{data_name}"
        return cls(place("runs") / f"{plain(text, 80)}-{key_of(identity)[:12]}")

    def attempts(self) -> list[Path]:
        """Complete attempts, oldest first."""
        if not self.base.is_dir():
            return []
        done = [p for p in self.base.iterdir() if p.name.isdigit() and (p / "record.json").exists()]
        return sorted(done, key=lambda p: int(p.name))

    def latest(self) -> Path | None:
        """The newest complete attempt, or None."""
        return next(reversed(self.attempts()), None)

    def mark_used(self) -> None:
        """Remembers that a result was read, for `cache prune --days`; where nothing can be written, it is not."""
        if self.base.resolve().parent == place("runs").resolve():  # a record of the book is no cache
            with contextlib.suppress(OSError):
                (self.base / ".used").touch()

    def next_attempt(self) -> int:
        """Number of the attempt to work on (an interrupted one keeps its number)."""
        if not self.base.is_dir():
            return 1
        return 1 + max((int(p.name) for p in self.base.iterdir() if p.name.isdigit()), default=0)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time.

        Raises:
            RunFailed: another process runs the same experiment right now, or the folder cannot be written to.
        """
        lock = FileLock(str(self.base / ".lock"))
        try:
            self.base.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunFailed(
                f"{self.base}: another process is running this experiment: wait for it, then run again "
                "to read its result"
            ) from error
        except OSError as error:
            said = cannot_write(self.base, error)
            if said is None:
                raise
            raise said from error
        try:
            yield
        finally:
            lock.release()

    def forget_empty(self) -> None:
        """Removes what a refused run left: parts without a file, and the folder if nothing else is in it."""
        for part in self.base.glob("*.part"):
            if not any(path.is_file() for path in part.rglob("*")):
                shutil.rmtree(part, ignore_errors=True)
        if {path.name for path in self.base.iterdir()} <= {".lock"}:
            shutil.rmtree(self.base, ignore_errors=True)


def all_runs() -> list[Path]:
    """Newest complete attempt of every experiment under `$ASDBOOK_HOME`, newest last."""
    latest = [RunFolder(base).latest() for base in place("runs").iterdir() if base.is_dir()]
    found = [path for path in latest if path is not None]
    return sorted(found, key=lambda p: (p / "record.json").stat().st_mtime)


def find_run(text: str) -> Path:
    """A run by folder, or by any unambiguous part of its folder's name.

    Raises:
        BadInput: nothing matches, or more than one run does.
    """
    found = _found(text)
    RunFolder(found.parent).mark_used()
    return found


def _found(text: str) -> Path:
    path = Path(text)
    if (path / "record.json").exists():
        return path
    if path.is_dir() and (last := RunFolder(path).latest()):
        return last
    matches = [run for run in all_runs() if text in run.parent.name]
    if not matches:
        raise BadInput(f"run {text!r}: no such run: `asdbook records` lists them")
    if len(matches) > 1:
        names = ", ".join(run.parent.name for run in matches[-4:])
        raise BadInput(f"run {text!r}: {len(matches)} runs match ({names}): give more of the name")
    return matches[0]
