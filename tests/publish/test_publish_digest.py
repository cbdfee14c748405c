"""What makes the build execute a chapter again, and what does not."""

import pytest

from asdbook.publish import digest
from asdbook.publish.digest import changed, chapter_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library of a few files in the place of asdbook."""
    files = {
        "errors.py": "", "data/index.py": "", "report/tables.py": "", "cli/run.py": "", "publish/book.py": "",
        "simulate/__init__.py": "VERSION: int = 3\n", "simulate/fan.py": "", "systems/base.py": "",
        "systems/one.py": "class One:\n    version = 1\n", "systems/two.py": "class Two:\n    version: int = 4\n",
    }
    for name, text in files.items():
        (tmp_path / "asdbook" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "asdbook" / name).write_text(text)
    monkeypatch.setattr(digest, "PACKAGE", tmp_path / "asdbook")
    return tmp_path / "asdbook"


@pytest.fixture
def differs(book, package):
    """A function: which inputs of the chapter `first` differ from those at the start of the test."""
    page = book.chapter("first")
    page.source.write_text("# %%\nrun('one')\n")
    before = chapter_digest(book, page)
    return lambda: changed(before, chapter_digest(book, page))


def test_nothing_changed(differs):
    assert differs() == []


def test_the_source_counts(differs, book):
    book.chapter("first").source.write_text("# %%\nrun('one')  # again\n")
    assert differs() == ["source"]


@pytest.mark.parametrize(
    "name", ["errors.py", "data/index.py", "report/tables.py", "systems/base.py", "systems/one.py"]
)
def test_the_library_and_the_named_system_count(differs, package, name):
    (package / name).write_text((package / name).read_text() + "# changed\n")
    assert differs() == ["library"]


@pytest.mark.parametrize("name", ["cli/run.py", "publish/book.py", "systems/two.py", "simulate/fan.py"])
def test_other_systems_and_what_no_number_comes_from_do_not_count(differs, package, name):
    (package / name).write_text((package / name).read_text() + "# changed\n")
    assert differs() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("systems/two.py", "class Two:\n    version: int = 5\n"), ("simulate/__init__.py", "VERSION = 4\n")],
)
def test_raised_versions_count_for_all(differs, package, name, text):
    (package / name).write_text(text)
    assert differs() == ["versions"]


def test_a_chapter_that_names_the_simulator_depends_on_its_source(book, package):
    page = book.chapter("first")
    page.source.write_text("# %%\nfrom asdbook import simulate\n")
    before = chapter_digest(book, page)
    (package / "simulate" / "fan.py").write_text("# changed\n")
    assert changed(before, chapter_digest(book, page)) == ["library"]


def test_records_and_pins_count(differs, book):
    record = book.root / "book" / "results" / "one" / "mse" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    assert differs() == ["records"]
    (book.root / "requirements.lock").write_text("numpy==3\n")
    assert differs() == ["records", "lock"]


def test_an_example_counts_for_the_page_that_names_it(book, package):
    file = book.root / "examples" / "level" / "level.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n")
    (file.parent / "level.egg-info").mkdir()
    page = book.chapter("first")
    other = chapter_digest(book, page)
    page.source.write_text('# %%\nread("examples/level")\n')
    before = chapter_digest(book, page)
    file.write_text("x = 2\n")
    assert "examples" not in other
    assert changed(before, chapter_digest(book, page)) == ["examples"]
