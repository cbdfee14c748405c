"""The book's places on disk and its table of contents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from asdbook.errors import BadInput, UnknownName

STATUS = "status"
"""The page that shows how the others were made: always executed, and last."""


@dataclass(frozen=True)
class Page:
    """One entry of `_toc.yml`. `name` is as written there ("book/task"); `source` is its .py or .md file."""

    name: str
    source: Path

    @property
    def stem(self) -> str:
        """The short name that commands take: "task"."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def is_chapter(self) -> bool:
        """Whether the page is executed."""
        return self.source.suffix == ".py"


@dataclass(frozen=True)
class Book:
    """A checkout with `_config.yml`, `_toc.yml` and a `book` folder."""

    root: Path

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def source(self) -> Path:
        """The staged Sphinx source: only what the contents name."""
        return self.build / "source"

    @property
    def html(self) -> Path:
        """The last good site."""
        return self.build / "html"

    @property
    def static(self) -> Path:
        """Style sheets and the logo."""
        return self.root / "book" / "_static"

    @property
    def produced(self) -> Path:
        """Sounds and figures that chapters wrote, named by content."""
        return self.build / "static"

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """All pages in reading order."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        pages = tuple(Page(name, _source(self.root, name)) for name in _names(toc))
        stems = [page.stem for page in pages if page.is_chapter]
        for stem in stems:
            if stems.count(stem) > 1:
                raise BadInput(f"_toc.yml: two chapters are called {stem!r}; give them different file names")
        return pages

    @property
    def chapters(self) -> tuple[Page, ...]:
        """Pages that are executed, status last."""
        chapters = [page for page in self.pages if page.is_chapter]
        return tuple(sorted(chapters, key=lambda page: page.stem == STATUS))

    def chapter(self, stem: str) -> Page:
        """The chapter of that short name ("task" or "book/task.py").

        Raises:
            UnknownName: no such chapter in `_toc.yml`.
        """
        wanted = Path(stem).stem
        for page in self.chapters:
            if page.stem == wanted:
                return page
        raise UnknownName("chapter", stem, [page.stem for page in self.chapters])

    def executed(self, page: Page) -> Path:
        """Where the last good executed notebook of a chapter lies."""
        return self.build / "executed" / f"{page.stem}.ipynb"


def find_book(root: Path | None = None) -> Book:
    """The book at `root`, above the working folder, or around this package.

    Raises:
        BadInput: there is none.
    """
    here = Path.cwd()
    candidates = [root] if root else [here, *here.parents, *Path(__file__).resolve().parents]
    for folder in candidates:
        if (folder / "_toc.yml").is_file() and (folder / "_config.yml").is_file():
            return Book(folder.resolve())
    raise BadInput(f"no book in {root or here} or above: run this in the folder that holds _toc.yml")


def write_atomically(path: Path, text: str) -> None:
    """Writes `text` so that a crash leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def hash_files(files: list[Path], base: Path) -> str:
    """A short hash over the names (relative to `base`) and contents of files, in sorted order."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(base).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _names(toc: Any) -> Iterator[str]:
    """Page names of a table of contents, depth first."""
    if isinstance(toc, list):
        for entry in toc:
            yield from _names(entry)
    elif isinstance(toc, dict):
        for key in ("root", "file"):
            if key in toc:
                yield str(toc[key])
        for key in ("parts", "chapters", "sections", "subtrees", "entries"):
            yield from _names(toc.get(key, []))


def _source(root: Path, name: str) -> Path:
    for suffix in (".py", ".md"):
        if (root / f"{name}{suffix}").is_file():
            return root / f"{name}{suffix}"
    raise BadInput(f"_toc.yml names {name!r}, but {name}.py or .md does not exist: add it or drop it")
