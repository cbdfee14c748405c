"""Where runs, caches and built-in sets live: `$ASDBOOK_HOME`, by default the platform's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from asdbook.errors import RunFailed


def home() -> Path:
    """The folder of all runs and caches (made when missing).

    Raises:
        RunFailed: it cannot be made.
    """
    return _made(Path(os.environ.get("ASDBOOK_HOME") or user_cache_path("asdbook")))


def place(kind: str) -> Path:
    """A sub-folder of `home()`: "runs", "stages" or "data"."""
    return _made(home() / kind)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFailed(
            f"{folder}: cannot be made ({error.strerror}): set ASDBOOK_HOME to a folder that you may write to"
        ) from error
    return folder
