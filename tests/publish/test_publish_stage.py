"""What reaches Sphinx: only listed pages, with what they name."""

import nbformat
import pytest
import yaml

from asdbook.errors import BadInput
from asdbook.publish.check_notebook import STALE_CLASS
from asdbook.publish.digest import source_hash
from asdbook.publish.stage import expand_modules, site_config, stage, staged_links


@pytest.fixture
def executed(book):
    """A book whose chapters look executed."""
    for page in book.chapters:
        cells = [nbformat.v4.new_markdown_cell("# Title\n\nHear ../_static/audio/ab12.wav and _static/figures/c3.png.")]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["asdbook"] = {"source": source_hash(page.source)}
        book.executed(page).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, book.executed(page))
    for name in ("audio/ab12.wav", "audio/old.wav", "figures/c3.png"):
        (book.produced / name).parent.mkdir(parents=True, exist_ok=True)
        (book.produced / name).write_bytes(b"x")
    return book


def test_only_listed_pages_and_named_files_are_staged(executed):
    stage(executed, set())
    staged = {path.relative_to(executed.source).as_posix() for path in executed.source.rglob("*") if path.is_file()}
    assert {name for name in staged if not name.startswith("_static/")} == {
        "_config.yml", "_toc.yml", "book/first.ipynb", "book/second.md", "book/status.ipynb", "book/references.bib"
    }
    assert {"_static/audio/ab12.wav", "_static/figures/c3.png", "_static/book.css"} <= staged
    assert "_static/audio/old.wav" not in staged


def test_the_hash_follows_what_is_staged(executed):
    first = stage(executed, set())
    assert stage(executed, set()) == first
    assert stage(executed, {"first"}) != first
    (executed.root / "book" / "second.md").write_text("# Other\n")
    assert stage(executed, set()) != first


def test_a_stale_page_says_so_below_its_title(executed):
    stage(executed, {"first"})
    text = nbformat.read(executed.source / "book" / "first.ipynb", as_version=4).cells[0]["source"]
    assert text.startswith("# Title\n\n:::{admonition}") and STALE_CLASS in text and "make execute CH=first" in text
    assert "Hear" in text


def test_a_changed_source_gets_the_banner_too(executed):
    page = executed.chapter("first")
    page.source.write_text(page.source.read_text() + "\n# changed\n")
    stage(executed, set())
    assert STALE_CLASS in (executed.source / "book" / "first.ipynb").read_text()


def test_a_chapter_that_never_ran_is_named(executed):
    executed.executed(executed.chapter("first")).unlink()
    with pytest.raises(BadInput, match="make execute CH=first"):
        stage(executed, set())


def test_links_between_pages_follow_the_staged_names(book):
    text = "[a](first.py), [b](first.md#part), [c](../book/second.md), [d](gone.md), [e](https://x.org/first.md)"
    staged = "[a](first.ipynb), [b](first.ipynb#part), [c](../book/second.md), [d](gone.md), [e](https://x.org/first.md)"
    assert staged_links(text, book) == staged


def test_buttons_need_an_address(executed):
    config = yaml.safe_load((executed.root / "_config.yml").read_text())
    without = site_config(config)["html"]
    assert not without["use_repository_button"] and not without["use_issues_button"]
    config["repository"]["url"] = "https://example.org/asdbook"
    buttons = site_config(config)["html"]
    assert buttons["use_repository_button"] and buttons["use_issues_button"]
    assert not buttons["use_edit_page_button"]


def test_a_reference_page_names_all_public_modules():
    text = expand_modules("# Publish\n\n<!-- modules: asdbook.publish -->\n")
    assert "## `asdbook.publish`" in text and ".. automodule:: asdbook.publish.runner" in text
    assert "__main__" not in text
    with pytest.raises(BadInput, match=r"asdbook\.absent"):
        expand_modules("<!-- modules: asdbook.absent -->")
