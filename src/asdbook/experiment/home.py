"""Where runs, caches and built-in sets live: `$ASDBOOK_HOME`, by default the platform's cache folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

from asdbook.errors import RunFailed


def home() -> Path:
    """The folder of all runs and caches (made when missing)."""
    folder = Path(os.environ.get("ASDBOOK_HOME") or user_cache_path("asdbook"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def place(kind: str) -> Path:
    """A sub-folder of `home()`: "runs", "stages" or "data"."""
    folder = home() / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def need_disk(folder: Path, megabytes: float) -> None:
    """Refuses early, before hours of work, when the disk cannot hold what will be written.

    Raises:
        RunFailed: fewer than `megabytes` are free where `folder` lies.
    """
    free = shutil.disk_usage(folder).free / 1e6
    if free < megabytes:
        raise RunFailed(
            f"{folder}: {free:.0f} MB free, {megabytes:.0f} MB needed: free some space, "
            "run `asdbook cache prune`, or point ASDBOOK_HOME to another disk"
        )
