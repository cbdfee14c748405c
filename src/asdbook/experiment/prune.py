"""What the cache holds, and how it is emptied."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from asdbook.errors import UnknownName
from asdbook.experiment.home import home, place

KINDS = ("data", "stages", "runs")


@dataclass(frozen=True)
class Entry:
    """One set, stage or run on disk, or what a killed process left of one.

    Attributes:
        kind: "data", "stages" or "runs".
        path: file or folder.
        megabytes: on disk, 1e6 bytes.
        used: when it was last made, read or scored with.
        partial: nothing but what a killed process left; or one is at work on it right now.
    """

    kind: str
    path: Path
    megabytes: float
    used: datetime
    partial: bool = False


def entries(kinds: Sequence[str] = KINDS) -> list[Entry]:
    """Everything of these kinds under `$ASDBOOK_HOME`, largest first."""
    found = []
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownName("cache kind", kind, KINDS)
        for path in place(kind).iterdir():
            if path.suffix != ".lock" and (path.suffix == ".part" or not path.name.startswith(".")):
                found.append(_entry(kind, path))
    return sorted(found, key=lambda entry: -entry.megabytes)


def _entry(kind: str, path: Path) -> Entry:
    """Last use is the newest time of its files: whoever opens one gives it the time of then (`paths.mark_used`)."""
    files = [file for file in ([*path.rglob("*")] if path.is_dir() else [path]) if file.is_file()]
    used = max((file.stat().st_mtime for file in [path, *files]), default=0.0)
    size = sum(file.stat().st_size for file in files)
    partial = path.suffix == ".part" or (kind == "runs" and not any(path.glob("*/record.json")))
    return Entry(kind, path, size / 1e6, datetime.fromtimestamp(used, UTC), partial)


def prune(kinds: Sequence[str], *, days: float = 0.0, really: bool = False) -> list[Entry]:
    """Removes entries not used for `days`, and names them; without `really`, only names them.

    Only what lies in `home()` goes, and nothing that another process is working on.
    """
    limit = datetime.now(UTC) - timedelta(days=days)
    gone = []
    for entry in entries(kinds):
        if entry.used > limit or home() not in entry.path.parents:
            continue
        with _alone(entry) as alone:
            if alone:
                gone.append(entry)
                if really:
                    _remove(entry.path)
    return gone


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextlib.contextmanager
def _alone(entry: Entry) -> Iterator[bool]:
    """Holds the entry's lock; False where another process has it, and so is writing there."""
    path, name = entry.path, entry.path.name.removesuffix(".part")
    lock = {
        "data": path.with_name(f".{name.removeprefix('.')}.lock"),
        "stages": path.with_name(name).with_suffix(".lock"),
        "runs": path / ".lock",
    }[entry.kind]
    if not lock.exists():  # made by a writer before it writes: there is none
        yield True
        return
    held = FileLock(str(lock))
    try:
        held.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError:  # a read-only cache: what is there can be named
        yield True
        return
    try:
        yield True
    finally:
        held.release()
