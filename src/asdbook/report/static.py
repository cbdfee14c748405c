"""Where pictures and sounds of a page go: files beside the built book, or into the notebook itself.

The build names a folder in `ASDBOOK_STATIC`; files there are named by their content, so a rebuilt page
finds them again. A notebook that somebody runs alone has no such folder and carries the bytes inside.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

STATIC = "ASDBOOK_STATIC"


def folder() -> Path | None:
    """The book's static folder, or None when a notebook runs alone."""
    place = os.environ.get(STATIC)
    return Path(place) if place else None


def keep(content: bytes, kind: str, suffix: str) -> str | None:
    """Writes `content` as `<static>/<kind>/<hash><suffix>`, whole or not at all.

    Returns:
        The path below the static folder, or None when there is no such folder.
    """
    base = folder()
    if base is None:
        return None
    name = hashlib.sha256(content).hexdigest()[:20] + suffix
    target = base / kind / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{name}.{os.getpid()}")
        temporary.write_bytes(content)
        temporary.replace(target)
    return f"{kind}/{name}"


def data_uri(content: bytes, mime: str) -> str:
    """The bytes as an address that needs no file."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def page_address(content: bytes, kind: str, suffix: str, mime: str) -> str:
    """Address for raw HTML on a page of the book (pages lie one folder below the root)."""
    kept = keep(content, kind, suffix)
    return f"../_static/{kept}" if kept else data_uri(content, mime)
