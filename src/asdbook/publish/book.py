"""Orchestrates the book: execute what changed, stage, build, check, publish; the last good stays."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asdbook.errors import AsdBookError, BadInput, UnknownName
from asdbook.experiment import provenance
from asdbook.publish import site
from asdbook.publish.check_notebook import check_notebook
from asdbook.publish.check_site import check_site
from asdbook.publish.defects import CheckFailed, Defect
from asdbook.publish.digest import changed, chapter_digest, source_hash
from asdbook.publish.manifest import Entry, Manifest, load_manifest
from asdbook.publish.pages import STATUS, Book, Page, find_book
from asdbook.publish.runner import CELL_SECONDS, execute_chapter, parameter_names
from asdbook.publish.stage import stage


def build_book(
    profile: str = "smoke", only: list[str] | None = None, strict: bool = True, *, root: Path | None = None
) -> Path:
    """Executes chapters whose inputs changed, then builds and checks the site if anything on it changed.

    A page made by `execute` stays as it is until its inputs change.

    Args:
        profile: passed to chapters whose parameters cell has a `profile`.
        only: chapters that may be executed; the others keep their last outputs, with a banner if stale.
            One without outputs is executed all the same.
        strict: whether a Sphinx warning fails the build.
        root: the checkout; by default found from the working folder.

    Returns:
        The front page, `build/html/index.html`.

    Raises:
        ChapterFailed, SiteFailed, CheckFailed: with a report; the last good site stays.
    """
    book = find_book(root)
    allowed = {book.chapter(name).stem for name in only} if only is not None else None
    manifest = load_manifest(book)
    pages = [page for page in book.chapters if page.stem != STATUS]  # that one last, in _finish
    stale = {page.stem for page in pages if not _renewed(book, page, manifest, profile, allowed)}
    return _finish(book, manifest, stale, strict)


def _renewed(book: Book, page: Page, manifest: Manifest, profile: str, allowed: set[str] | None) -> bool:
    """Executes a chapter whose inputs changed; whether its outputs are those of its present inputs."""
    wanted = {"profile": profile} if "profile" in parameter_names(page.source) else {}
    reasons = _reasons(book, page, manifest, wanted)
    if not reasons:
        _say(f"{page.stem:12} up to date")
    elif allowed is None or page.stem in allowed or not book.executed(page).is_file():
        _execute(book, page, manifest, wanted, reasons, by="book")
    else:
        _say(f"{page.stem:12} stale ({', '.join(reasons)} changed), kept with a banner")
        return False
    return True


def execute(
    chapter: str | None = None,
    *,
    profile: str | None = None,
    data: str | None = None,
    seeds: str | None = None,
    device: str | None = None,
    fresh: bool = False,
    root: Path | None = None,
) -> Path:
    """Runs one chapter's whole experiment list (or all chapters') and renders the book from it.

    Args:
        chapter: short name ("baseline"); None for all.
        profile: "smoke", "quick" or "paper".
        data: name of a built-in set or the root of year folders.
        seeds: "0,1,2".
        device: "cpu" or "cuda".
        fresh: ignore cached runs.
        root: the checkout.

    Returns:
        The front page.

    Raises:
        UnknownName: a chapter, or a parameter that the chapter (for all chapters: that no chapter) has.
    """
    book = find_book(root)
    given = {"profile": profile, "data": _data(data), "seeds": _seeds(seeds), "device": device, "fresh": fresh or None}
    pages = [page for page in book.chapters if page.stem != STATUS]
    plans = _plans([book.chapter(chapter)] if chapter else pages, given, strict=chapter is not None)
    manifest = load_manifest(book)
    for page, parameters in plans:
        _execute(book, page, manifest, parameters, ["asked for"], by="execute")
    for page in pages:  # a first `make execute` in a fresh clone: the book needs every page
        if not book.executed(page).is_file():
            _execute(book, page, manifest, {}, ["never executed"], by="book")
    return _finish(book, manifest, {page.stem for page in pages if _stale(book, page, manifest)}, strict=True)


def check(root: Path | None = None) -> list[Defect]:
    """Defects of the executed notebooks and of the last good site, without building anything."""
    book = find_book(root)
    if not (book.html / "index.html").is_file():
        raise BadInput("no book built yet: run `make book` first")
    return _check_notebooks(book, staged=False) + check_site(book.html)


def _finish(book: Book, manifest: Manifest, stale: set[str], strict: bool) -> Path:
    """Status, staging, notebook checks, the site if anything changed, its checks, and the swap."""
    for page in book.chapters:
        if page.stem == STATUS:
            _execute(book, page, manifest, {}, [], by="book")
    digest = f"{stage(book, stale)}-{'strict' if strict else 'lax'}"
    _raise(_check_notebooks(book, staged=True))
    front = book.html / "index.html"
    if digest == manifest.site and front.is_file():
        _say(f"{'site':12} up to date")
        return front
    started = time.perf_counter()
    built = site.build_site(book, strict)
    _say(f"{'site':12} built   {time.perf_counter() - started:6.1f} s")
    started = time.perf_counter()
    _raise(check_site(built))
    _say(f"{'site':12} checked {time.perf_counter() - started:6.1f} s")
    front = site.publish(book, built)
    manifest.site = digest
    manifest.save(book)
    return front


def _execute(
    book: Book, page: Page, manifest: Manifest, parameters: Mapping[str, Any], reasons: list[str], *, by: str
) -> None:
    """Runs one chapter and notes it in the manifest."""
    why = f" ({', '.join(reasons)})" if reasons else ""
    _say(f"{page.stem:12} running{why} ...")
    digest = chapter_digest(book, page)  # before the run: an edit meanwhile must count as a change
    seconds = execute_chapter(book, page, parameters, cell_seconds=CELL_SECONDS if by == "book" else None)
    _say(f"{page.stem:12} ran     {seconds:6.1f} s")
    if page.stem == STATUS:
        return  # it shows the manifest: an entry of its own would change it each time
    device = provenance.device(str(parameters.get("device") or "cpu"), 0)["name"]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest.chapters[page.stem] = Entry(
        digest, dict(parameters), by, round(seconds, 1), now, device, provenance.versions()
    )
    manifest.save(book)


def _reasons(book: Book, page: Page, manifest: Manifest, wanted: Mapping[str, Any]) -> list[str]:
    """Why a chapter must be executed; empty if it need not be."""
    entry = manifest.chapters.get(page.stem)
    if entry is None or not book.executed(page).is_file():
        return ["never executed"]
    differs = changed(entry.digest, chapter_digest(book, page))
    if entry.by == "book" and entry.parameters != dict(wanted):
        differs.append("parameters")
    return differs


def _stale(book: Book, page: Page, manifest: Manifest) -> bool:
    entry = manifest.chapters.get(page.stem)
    return entry is None or bool(changed(entry.digest, chapter_digest(book, page)))


def _plans(pages: list[Page], given: dict[str, Any], *, strict: bool) -> list[tuple[Page, dict[str, Any]]]:
    """Which parameters each chapter gets. One named chapter must know all of them, of many at least one."""
    wanted = {name: value for name, value in given.items() if value is not None}
    known = {page.stem: parameter_names(page.source) for page in pages}
    for name in wanted:
        knows = [stem for stem, names in known.items() if name in names]
        if not knows or (strict and len(knows) < len(pages)):
            what = f"parameter of chapter {pages[0].stem}" if strict else "parameter of any chapter"
            raise UnknownName(what, name, {n for names in known.values() for n in names})
    return [(page, {n: v for n, v in wanted.items() if n in known[page.stem]}) for page in pages]


def _data(name: str | None) -> str | None:
    """A folder by its full path, because chapters run in another one; anything else as it is."""
    return str(Path(name).resolve()) if name and Path(name).is_dir() else name


def _seeds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise BadInput(f"SEEDS={text!r}: give whole numbers with commas, like 110,111") from error


def _check_notebooks(book: Book, *, staged: bool) -> list[Defect]:
    import nbformat

    found: list[Defect] = []
    for page in book.chapters:
        path = (book.source / page.name).with_suffix(".ipynb") if staged else book.executed(page)
        if path.is_file():
            notebook = nbformat.read(path, as_version=4)
            found += check_notebook(page.stem, notebook, source_hash(page.source))
    return found


def _raise(defects: list[Defect]) -> None:
    if defects:
        raise CheckFailed(defects)


def _say(line: str) -> None:
    print(line, flush=True)


def report_failure(error: AsdBookError) -> None:
    """Prints the long report that some failures carry (a traceback of a chapter, a list of defects)."""
    if text := getattr(error, "report", ""):
        print(f"\n{text}\n", file=sys.stderr)
