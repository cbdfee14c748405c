"""What a stored set's files were when they were written, so that a damaged one does not pass for whole.

`set.json` carries digests of the small files and of itself. The sound is large: its size and time tell whether it
is as it was written, and where the time differs (a copied cache) its content is read and compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asdbook.data.waves import SAMPLES


def of_text(about: Mapping[str, Any]) -> str:
    """Digest of everything in set.json but the seal itself."""
    text = json.dumps({key: value for key, value in about.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def of_files(folder: Path) -> dict[str, Any]:
    """File name to digest; of the sound, size (bytes) and time of the last change (ns)."""
    small = {p.name: _digest(p) for p in sorted(folder.iterdir()) if p.name not in (SAMPLES, "set.json")}
    return {**small, SAMPLES: _stamp(folder)}


def changed(folder: Path, files: Mapping[str, Any]) -> str | None:
    """The first small file that is missing or not what was written."""
    for name, digest in files.items():
        path = folder / name
        if name != SAMPLES and (not path.is_file() or _digest(path) != digest):
            return name
    return None


def same_sound(folder: Path, files: Mapping[str, Any]) -> bool:
    """Whether the sound is known to be as it was written; otherwise its content must be compared."""
    return files.get(SAMPLES) == _stamp(folder)


def _stamp(folder: Path) -> list[int]:
    state = (folder / SAMPLES).stat()
    return [state.st_size, state.st_mtime_ns]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
