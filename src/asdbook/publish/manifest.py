"""What the build knows of its own executions: `build/manifest.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from asdbook.publish.pages import Book, write_atomically


@dataclass(frozen=True)
class Entry:
    """One executed chapter.

    Attributes:
        digest: hash by input ("source", "library", "records", ...) at execution.
        parameters: values that were injected.
        by: "book" (the build's profile) or "execute" (asked for with parameters; kept until inputs change).
        seconds: wall time of the execution.
        executed: ISO time, UTC.
        device: name of the processor or GPU that the chapter ran on.
        versions: of Python and the packages that results depend on.
    """

    digest: dict[str, str]
    parameters: dict[str, Any]
    by: str
    seconds: float
    executed: str
    device: str
    versions: dict[str, str]


@dataclass
class Manifest:
    """All entries by chapter, and the digest of the last good site."""

    chapters: dict[str, Entry] = field(default_factory=dict)
    site: str = ""

    def save(self, book: Book) -> None:
        """Writes the manifest, whole or not at all."""
        chapters = {name: asdict(entry) for name, entry in self.chapters.items()}
        text = json.dumps({"chapters": chapters, "site": self.site}, indent=1, sort_keys=True)
        write_atomically(manifest_path(book), text + "\n")


def manifest_path(book: Book) -> Path:
    return book.build / "manifest.json"


def load_manifest(book: Book) -> Manifest:
    """The manifest, or an empty one. A damaged file counts as empty: the build makes it anew."""
    try:
        data = json.loads(manifest_path(book).read_text(encoding="utf-8"))
        entries = {name: Entry(**entry) for name, entry in data["chapters"].items()}
        return Manifest(entries, str(data["site"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Manifest()
