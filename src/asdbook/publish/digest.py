"""What a chapter's output depends on, as hashes by input: the build executes a chapter when one changes."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import asdbook
from asdbook.publish.pages import Book, Page, hash_files

PIPELINE = 1
"""Raised when the runner changes what it does to a notebook: all chapters are executed again."""

PACKAGE = Path(asdbook.__file__).parent
UNRELATED = ("cli", "publish", "bench")
"""Packages that no chapter's numbers come from."""

EXAMPLE = re.compile(r"\bexamples/\w+")
"""How a page names a folder of code that it shows and runs."""


def source_hash(source: Path) -> str:
    """Short hash of a chapter's source text; the executed notebook carries it."""
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16]


def chapter_digest(book: Book, page: Page) -> dict[str, str]:
    """Hashes by input of one chapter.

    `library` covers all of the package except the command line, this part, the benchmarks, and the systems
    and the simulator where the chapter's source does not name them: those count by their version numbers.
    `examples` is there only for a chapter that names a folder of examples.
    """
    text = page.source.read_text(encoding="utf-8")
    results = book.root / "book" / "results"
    records = [file for file in results.rglob("*") if file.is_file()]
    lock = book.root / "requirements.lock"
    shown = [file for folder in set(EXAMPLE.findall(text)) for file in (book.root / folder).glob("*.*")]
    examples = [file for file in shown if file.is_file()]
    return {
        "source": source_hash(page.source),
        "library": hash_files(_library(text), PACKAGE),
        "versions": _versions(),
        "records": hash_files(records, results),
        "lock": hash_files([lock] if lock.is_file() else [], book.root),
        "python": ".".join(str(number) for number in sys.version_info[:2]),
        "pipeline": str(PIPELINE),
        **({"examples": hash_files(examples, book.root)} if examples else {}),
    }


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Names of the inputs that differ."""
    return [name for name in now if before.get(name) != now[name]]


def _library(text: str) -> list[Path]:
    words = set(re.findall(r"\w+", text))
    return [file for file in PACKAGE.rglob("*") if file.is_file() and _matters(file, words)]


def _matters(file: Path, words: set[str]) -> bool:
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    if "__pycache__" in parts or parts[0] in UNRELATED:
        return False
    if parts[0] == "simulate":
        return "simulate" in words
    if parts[0] == "systems":
        return parts[1] in ("__init__", "base") or parts[1] in words
    return True


def _versions() -> str:
    """Version numbers of all systems and of the simulator, read from their text (imports would be slow)."""
    found = []
    patterns = {"simulate": r"^VERSION\b[^=\n]*=\s*(\d+)", "systems": r"^ +version\b[^=\n]*=\s*(\d+)"}
    for folder, pattern in patterns.items():
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            numbers = re.findall(pattern, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            found += [f"{file.relative_to(PACKAGE)}:{number}" for number in numbers]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
