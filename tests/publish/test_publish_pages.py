"""The contents, and what the project's own pages promise."""

import re
import subprocess

import pytest
import yaml

from asdbook.errors import BadInput, UnknownName
from asdbook.publish.pages import Book, find_book, write_atomically
from asdbook.publish.stage import PACKAGE, public_modules

from .conftest import ROOT

PROJECT = Book(ROOT)


def test_pages_in_reading_order_and_status_last(book):
    (book.root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/status\nparts:\n  - caption: A\n    chapters:\n      - file: book/first\n"
        "        sections:\n          - file: book/second\n"
    )
    assert [page.stem for page in book.pages] == ["status", "first", "second"]
    assert [page.stem for page in book.chapters] == ["first", "status"]


def test_a_listed_page_without_file_is_named(book):
    (book.root / "_toc.yml").write_text("root: book/first\nchapters:\n  - file: book/absent\n")
    with pytest.raises(BadInput, match=r"book/absent"):
        _ = book.pages


def test_an_unknown_chapter_gets_the_nearest_name(book):
    with pytest.raises(UnknownName, match="did you mean 'first'"):
        book.chapter("frist")
    assert book.chapter("book/first.py").stem == "first"


def test_the_book_is_found_from_below_and_its_absence_said(book, tmp_path, monkeypatch):
    monkeypatch.chdir(book.root / "book")
    assert find_book().root == book.root.resolve()
    with pytest.raises(BadInput, match="no book"):
        find_book(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "file"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\udc80")
    assert target.read_text() == "old"


def test_every_part_of_the_library_has_a_reference_page():
    listed = "\n".join(page.source.read_text() for page in PROJECT.pages if "/api/" in page.name)
    named = set(re.findall(r"modules: (asdbook\.\w+)", listed))
    parts = {path.name for path in PACKAGE.iterdir() if len([*path.glob("[!_]*.py")]) > 0} - {"cli", "bench"}
    assert {f"asdbook.{part}" for part in parts} <= named
    assert all(public_modules(name) for name in named)


def test_no_measured_number_is_typed_on_a_page():
    """Times, sizes and scores belong on pages that compute them."""
    for page in PROJECT.pages:
        if page.is_chapter:
            continue
        text = re.sub(r"(```|~~~).*?\1|`[^`]*`|\$[^$]*\$", "", page.source.read_text(), flags=re.DOTALL)
        text = re.sub(r"Python 3\.11 or 3\.12|\b20\d\d\b", "", text)
        found = re.findall(r"\d+\.\d+|\d+ ?(?:%|s\b|min|MB|GB|hours?|seconds?)", text)
        assert not found, f"{page.name}: {found}"


def test_references_are_sorted_and_have_what_a_reader_needs():
    text = (ROOT / "book" / "references.bib").read_text()
    keys = re.findall(r"^@\w+\{(\w+),", text, flags=re.MULTILINE)
    assert keys == sorted(keys) and len(keys) == len(set(keys))
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        assert {"author", "title", "year"} <= set(re.findall(r"^ {2}(\w+) = ", entry, flags=re.MULTILINE)), entry


def test_without_an_address_there_is_no_repository_in_the_configuration():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert config["repository"]["url"] == ""
    assert config["only_build_toc_files"] is True
    assert config["execute"]["execute_notebooks"] == "off"


def test_make_alone_lists_every_command():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE).group(1).split()
    for target in targets:
        assert re.search(rf"^  make {target} +\S", listed, flags=re.MULTILINE), target
