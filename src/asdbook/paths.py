"""Names that are data (of machines, sets, stages) as parts of paths, and the mark of last use in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path


def plain(name: str, longest: int = 60) -> str:
    """A name with nothing but letters, digits, '_', '-' and inner dots; two names may become one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:longest]


def slug(name: str, longest: int = 60) -> str:
    """`plain`, where a hash keeps apart what was lost; never empty."""
    text = plain(name, longest)
    return text if text == name != "" else f"{text}-{_code(name)}".lstrip("-")


def file_slug(file: Path, longest: int = 60) -> str:
    """A name for what is made from a file: its stem, and a hash of where it lies that keeps files of one name apart."""
    return f"{plain(file.stem, longest)}-{_code(str(file.resolve()))}".lstrip("-")


def _code(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=4).hexdigest()


def mark_used(path: Path) -> None:
    """Gives a file in the cache the time of now, so that `cache prune --days` knows; a read-only one stays."""
    with contextlib.suppress(OSError):
        os.utime(path)
