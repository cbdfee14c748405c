"""Writes `build/source`: what `_toc.yml` names and nothing else, so the repository is no Sphinx source."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from asdbook.errors import BadInput
from asdbook.publish.check_notebook import STALE_CLASS
from asdbook.publish.digest import PACKAGE, source_hash
from asdbook.publish.pages import Book, Page, hash_files

MODULES = re.compile(r"^<!-- modules: (asdbook[\w.]*) -->$", re.MULTILINE)
"""On an API page: replaced by the documentation of that package and each public module below it."""

MADE = re.compile(r"_static/((?:audio|figures)/[\w.-]+\.(?:wav|png))")
"""Sounds and pictures that chapters wrote, as pages name them."""

LINK = re.compile(r"(\]\()([\w./-]+)\.(?:py|md|ipynb)(?=[)#])")

BANNER = """

:::{{admonition}} This page is older than its source
:class: warning {stale}
Its outputs were made before {source}, the library or its records last changed.
Run `make execute CH={stem}` to make them anew.
:::
"""


def stage(book: Book, stale: set[str]) -> str:
    """Writes the staged source anew and returns a hash of all that the site depends on.

    Args:
        book: the checkout.
        stale: short names of chapters whose outputs are older than their inputs; they get a banner.

    Raises:
        BadInput: a chapter that was never executed.
    """
    shutil.rmtree(book.source, ignore_errors=True)
    book.source.mkdir(parents=True)
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    staged = yaml.safe_dump(site_config(config), sort_keys=False, allow_unicode=True)
    (book.source / "_config.yml").write_text(staged, encoding="utf-8")
    shutil.copy(book.root / "_toc.yml", book.source)
    for bibliography in (book.root / "book").glob("*.bib"):
        _copy(bibliography, book.source / "book" / bibliography.name)
    for page in book.pages:
        _stage_page(book, page, page.stem in stale)
    _stage_static(book)
    files = [path for path in book.source.rglob("*") if path.is_file()]
    package = [path for path in PACKAGE.rglob("*.py")]  # the API pages show its docstrings
    lock = book.root / "requirements.lock"
    locked = hash_files([lock], book.root) if lock.is_file() else ""
    return "-".join([hash_files(files, book.source), hash_files(package, PACKAGE), locked])


def site_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with buttons derived from the one repository setting: no address, no button.

    The edit button stays off: the theme would point it at a notebook, and what is edited is the .py file.
    """
    address = (config.get("repository") or {}).get("url") or ""
    html = dict(config.get("html") or {})
    html["use_repository_button"] = html["use_issues_button"] = bool(address)
    html["use_edit_page_button"] = False
    return {**config, "repository": {**(config.get("repository") or {}), "url": address}, "html": html}


def expand_modules(text: str) -> str:
    """An API page with its `<!-- modules: asdbook.data -->` lines replaced by autodoc directives."""
    return MODULES.sub(lambda match: _module_sections(match.group(1)), text)


def staged_links(text: str, book: Book) -> str:
    """Links between pages, written as the files are called in the checkout, as they are called when staged."""
    chapters = {page.stem: page.is_chapter for page in book.pages}

    def staged(match: re.Match[str]) -> str:
        stem = match.group(2).rsplit("/", 1)[-1]
        if stem not in chapters:
            return match.group()  # Sphinx names it
        return f"{match.group(1)}{match.group(2)}{'.ipynb' if chapters[stem] else '.md'}"

    return LINK.sub(staged, text)


def public_modules(package: str) -> list[str]:
    """Dotted names of a package and the public modules below it (a module stands for itself)."""
    base = PACKAGE.parent / Path(*package.split("."))
    if base.with_suffix(".py").is_file():
        return [package]
    if not base.is_dir():
        raise BadInput(f"an API page names {package!r}, which does not exist: mend its modules line")
    below = [file.relative_to(PACKAGE.parent).with_suffix("").parts for file in sorted(base.rglob("*.py"))]
    names = {".".join(part for part in parts if part != "__init__") for parts in below
             if not any(part.startswith("_") and part != "__init__" for part in parts)}
    return sorted(names)


def _module_sections(package: str) -> str:
    sections = []
    for name in public_modules(package):
        directive = f".. automodule:: {name}\n   :members:\n   :ignore-module-all:\n"
        sections.append(f"## `{name}`\n\n```{{eval-rst}}\n{directive}```\n")
    return "\n".join(sections)


def _stage_page(book: Book, page: Page, stale: bool) -> None:
    target = book.source / page.name
    if not page.is_chapter:
        text = expand_modules(page.source.read_text(encoding="utf-8"))
        _write(target.with_suffix(".md"), staged_links(text, book))
        return
    import nbformat

    executed = book.executed(page)
    if not executed.is_file():
        raise BadInput(f"chapter {page.stem!r} was never executed: run `make execute CH={page.stem}`")
    notebook = nbformat.read(executed, as_version=4)
    if stale or notebook.metadata.get("asdbook", {}).get("source") != source_hash(page.source):
        _add_banner(notebook, page)
    for cell in notebook.cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = staged_links(cell["source"], book)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target.with_suffix(".ipynb"))


def _add_banner(notebook: Any, page: Page) -> None:
    """Says below the title that the page is stale."""
    banner = BANNER.format(stale=STALE_CLASS, source=page.source.name, stem=page.stem)
    for cell in notebook.cells:
        if cell["cell_type"] == "markdown" and (title := re.search(r"^# .+$", cell["source"], re.MULTILINE)):
            cell["source"] = cell["source"][: title.end()] + banner + cell["source"][title.end() :]
            return


def _stage_static(book: Book) -> None:
    """Style sheets, and the sounds and figures that staged pages name (older ones stay behind)."""
    target = book.source / "_static"
    for file in book.static.rglob("*"):
        if file.is_file():
            _copy(file, target / file.relative_to(book.static))
    pages = [path for path in book.source.rglob("*") if path.suffix in (".ipynb", ".md")]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    for name in sorted({name for text in texts for name in MADE.findall(text)}):
        if (file := book.produced / name).is_file():  # the site's checker names missing ones
            _copy(file, target / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
