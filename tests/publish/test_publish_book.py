"""The whole way: a small book is executed, built strictly, checked; the last good site stays."""

import json
import urllib.request

import pytest

from asdbook.errors import BadInput, UnknownName
from asdbook.publish import __main__ as command
from asdbook.publish import book as orchestra
from asdbook.publish import site, stage
from asdbook.publish.book import build_book, check, execute
from asdbook.publish.defects import CheckFailed
from asdbook.publish.manifest import load_manifest, manifest_path
from asdbook.publish.notebooks import write_notebooks
from asdbook.publish.runner import ChapterFailed
from asdbook.publish.site import SiteFailed

pytestmark = pytest.mark.book


def test_the_site_is_whole(built):
    page = (built.html / "book" / "first.html").read_text()
    assert "The sum is <strong>3</strong>" in page or "The sum is 3" in page
    assert 'alt="a line that rises from zero to one"' in page
    assert "book/first.html" in (built.html / "index.html").read_text()
    assert "AsdBookError" in (built.html / "book" / "second.html").read_text()
    assert not list(built.html.rglob("unlisted*"))
    assert (built.html / "_static" / "mathjax" / "tex-chtml-full.js").is_file()
    assert "up to date" in (built.html / "book" / "status.html").read_text()
    assert check(built.root) == []


def test_no_address_no_button(built):
    page = (built.html / "book" / "first.html").read_text()
    for word in ("github.com", "mybinder", "colab", "Suggest edit", "Open issue"):
        assert word not in page, word


def test_a_second_build_executes_and_builds_nothing(copied, capsys, monkeypatch):
    monkeypatch.setattr(site, "build_site", lambda *_: pytest.fail("Sphinx ran again"))
    before = copied.executed(copied.chapter("first")).stat().st_mtime_ns
    build_book(root=copied.root)
    assert copied.executed(copied.chapter("first")).stat().st_mtime_ns == before
    said = capsys.readouterr().out
    assert "first        up to date" in said and "site         up to date" in said


def test_a_failing_chapter_keeps_the_last_good_of_everything(copied, capsys):
    front = (copied.html / "book" / "first.html").read_bytes()
    notebook = copied.executed(copied.chapter("first")).read_bytes()
    source = copied.chapter("first").source
    source.write_text(source.read_text() + "\n# %%\nraise RuntimeError('broken')\n")
    with pytest.raises(ChapterFailed, match="broken"):
        build_book(root=copied.root)
    assert "first        running (source) ..." in capsys.readouterr().out
    assert (copied.html / "book" / "first.html").read_bytes() == front
    assert copied.executed(copied.chapter("first")).read_bytes() == notebook


def test_a_sphinx_warning_and_a_defect_keep_the_last_good_site(copied, monkeypatch):
    page = copied.root / "book" / "second.md"
    front = (copied.html / "book" / "second.html").read_bytes()
    page.write_text("# Second\n\n[gone](nowhere.md) and {numref}`nothing`\n")
    with pytest.raises(SiteFailed) as failure:
        build_book(root=copied.root)
    assert "book/second.md" in failure.value.report and str(copied.root) not in failure.value.report
    page.write_text("# Second\n\nThe run is in /home/me/runs.\n")
    with pytest.raises(CheckFailed, match=r"book/second\.html: p: an absolute path"):
        build_book(root=copied.root)
    assert (copied.html / "book" / "second.html").read_bytes() == front


@pytest.fixture
def unbuilt(copied, monkeypatch):
    """A built book where Sphinx is replaced by a note of what was staged: tests of the order of things."""
    staged = []
    monkeypatch.setattr(orchestra, "stage", lambda book, stale: staged.append(stale) or stage.stage(book, stale))
    monkeypatch.setattr(site, "build_site", lambda book, strict: book.html)
    monkeypatch.setattr(site, "publish", lambda book, built: built / "index.html")
    return copied, staged


def test_only_named_chapters_run_and_others_get_a_banner(unbuilt):
    book, staged = unbuilt
    (book.root / "requirements.lock").write_text("numpy==3\n")
    build_book(only=["status"], root=book.root)
    assert staged == [{"first"}]
    assert "stale-page" in (book.source / "book" / "first.ipynb").read_text()
    with pytest.raises(UnknownName, match="unknown chapter 'frist'"):
        build_book(only=["frist"], root=book.root)


def test_execute_passes_parameters_and_its_page_stays(unbuilt, capsys):
    book, staged = unbuilt
    execute("first", profile="quick", root=book.root)
    entry = load_manifest(book).chapters["first"]
    assert entry.by == "execute" and entry.parameters == {"profile": "quick"}
    assert 'profile = \\"quick\\"' in book.executed(book.chapter("first")).read_text()
    build_book(profile="smoke", root=book.root)
    assert load_manifest(book).chapters["first"] == entry
    assert staged == [set(), set()]
    with pytest.raises(UnknownName, match="parameter of chapter first 'device'"):
        execute("first", device="cuda", root=book.root)
    with pytest.raises(UnknownName, match="parameter of any chapter 'seeds'"):
        execute(seeds="1,2", root=book.root)
    with pytest.raises(BadInput, match="SEEDS='one'"):
        execute("first", seeds="one", root=book.root)


def test_a_folder_is_found_from_where_the_command_runs(tmp_path, monkeypatch):
    from asdbook.publish.book import _data

    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _data("mine") == str(tmp_path / "mine")
    assert [_data(name) for name in ("synthetic-2023", "", None)] == ["synthetic-2023", "", None]


def test_a_damaged_manifest_counts_as_none(copied):
    manifest_path(copied).write_text("{")
    assert load_manifest(copied).chapters == {}
    manifest_path(copied).write_text(json.dumps({"chapters": {"first": {"odd": 1}}, "site": ""}))
    assert load_manifest(copied).chapters == {}


def test_clean_notebooks_hold_no_outputs(copied):
    folder = write_notebooks(copied.root)
    notebook = json.loads((folder / "first.ipynb").read_text())
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_the_command_prints_one_line_and_the_report(copied, monkeypatch, capsys):
    monkeypatch.chdir(copied.root)
    monkeypatch.setattr("sys.argv", ["publish", "execute", "--chapter", "frist"])
    assert command.main() == 2
    assert capsys.readouterr().err == "error: unknown chapter 'frist': did you mean 'first'?\n"
    monkeypatch.setattr("sys.argv", ["publish", "check"])
    assert command.main() == 0
    (copied.html / "book" / "second.html").unlink()
    assert command.main() == 3
    error = capsys.readouterr().err
    assert "second.html leads nowhere" in error and "Traceback" not in error


def test_the_server_shows_the_book_on_this_machine_only(built, monkeypatch):
    from threading import Thread

    servers = []
    real = site.ThreadingHTTPServer
    monkeypatch.setattr(site, "ThreadingHTTPServer", lambda *a: servers.append(real(*a)) or servers[-1])
    thread = Thread(target=site.serve, kwargs={"port": 0, "root": built.root})
    thread.start()
    while not servers:
        thread.join(0.01)
    host, port = servers[0].server_address
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/book/first.html") as answer:
        assert b"First chapter" in answer.read()
    assert host == "127.0.0.1"
    with pytest.raises(BadInput, match=f"port {port} cannot be used"):
        site.serve(port, root=built.root)
    servers[0].shutdown()
    thread.join()


def test_nothing_to_serve_or_check_is_said(book):
    for call in (lambda: site.serve(0, root=book.root), lambda: check(book.root)):
        with pytest.raises(BadInput, match="make book"):
            call()
