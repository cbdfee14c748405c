"""What the cache holds, and how it is emptied."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asdbook.errors import UnknownName
from asdbook.experiment.home import home, place

KINDS = ("data", "stages", "runs")


@dataclass(frozen=True)
class Entry:
    """One set, stage or run on disk."""

    kind: str
    path: Path
    megabytes: float
    used: datetime


def entries(kinds: Sequence[str] = KINDS) -> list[Entry]:
    """Everything of these kinds under `$ASDBOOK_HOME`, largest first."""
    found = []
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownName("cache kind", kind, KINDS)
        for path in place(kind).iterdir():
            if not path.name.startswith(".") and path.suffix != ".lock":
                found.append(_entry(kind, path))
    return sorted(found, key=lambda entry: -entry.megabytes)


def _entry(kind: str, path: Path) -> Entry:
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    used = max((p.stat().st_mtime for p in [*files, path]), default=0.0)
    size = sum(p.stat().st_size for p in files) / 1e6
    return Entry(kind, path, size, datetime.fromtimestamp(used, UTC))


def prune(kinds: Sequence[str], *, days: float = 0.0, really: bool = False) -> list[Entry]:
    """Removes entries not used for `days`; only below `home()`. Without `really`, only names them."""
    limit = datetime.now(UTC) - timedelta(days=days)
    gone = [entry for entry in entries(kinds) if entry.used <= limit]
    for entry in gone if really else []:
        if home() not in entry.path.parents:
            continue  # a link out of the cache is not ours to remove
        if entry.path.is_dir() and not entry.path.is_symlink():
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink()
    return gone
