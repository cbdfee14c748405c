"""Where runs, caches and built-in sets live: `$ASDBOOK_HOME`, by default the platform's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


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
