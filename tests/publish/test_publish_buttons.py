"""Buttons: none without an address; with one, each leads to a file that exists, at the commit that built the page."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from filelock import FileLock

from asdbook.errors import BadInput
from asdbook.publish.address import NOTEBOOKS_BRANCH, Address, address, revision
from asdbook.publish.book import build_book
from asdbook.publish.notebooks import install_cell, write_notebooks
from asdbook.publish.pages import Book

ROOT = Path(__file__).parents[2]
URL = "https://github.com/somebody/the-book"
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]


def git(folder, *words):
    return subprocess.run([*GIT, "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def set_address(book, url, branch="main"):
    """Writes the one setting."""
    path = book.root / "_config.yml"
    config = yaml.safe_load(path.read_text())
    config["repository"] = {"url": url, "branch": branch}
    path.write_text(yaml.safe_dump(config))


def commit(root):
    """A git checkout of what is there, without what is built."""
    (root / ".gitignore").write_text("build/\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "a book")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def addressed(built, tmp_path_factory):
    """The small book with an address, committed and built; its clean notebooks written as `make notebooks` does."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    with FileLock(shared / "addressed.lock"):
        root = shared / "addressed" / "checkout"
        if not root.exists():
            shutil.copytree(built.root, root)
            set_address(Book(root), URL)
            commit(root)
            build_book(root=root)
            write_notebooks(root)
    return Book(root)


def hrefs(book, page):
    """Label to address of a built page's buttons."""
    soup = BeautifulSoup((book.html / "book" / f"{page}.html").read_text(), "html.parser")
    found = {}
    for tag in soup.select(".article-header-buttons a[href]"):
        label = next(name for name in tag["class"] if name.endswith("-button"))
        assert tag.get_text(strip=True) and tag["title"]
        found[label.removeprefix("btn-")] = tag["href"]
    return found


@pytest.mark.book
def test_without_an_address_only_the_download_is_left(built):
    assert hrefs(built, "first") == {"download-notebook-button": "../_static/notebooks/first.ipynb"}
    clean = json.loads((built.html / "_static" / "notebooks" / "first.ipynb").read_text())
    assert "google.colab" not in str(clean["cells"]) and not any(cell.get("outputs") for cell in clean["cells"])


@pytest.mark.book
def test_every_button_leads_to_a_file(addressed):
    for page in addressed.pages:
        buttons = hrefs(addressed, page.stem)
        assert buttons["source-repository-button"] == URL
        assert buttons["source-issues-button"] == f"{URL}/issues/new/choose"
        edited = buttons["source-edit-button"].removeprefix(f"{URL}/edit/main/")
        assert (addressed.root / edited) == page.source and page.source.is_file()
        assert ("launch-colab-button" in buttons) == (page.is_chapter and page.stem != "status")
        if page.is_chapter:
            download = addressed.html / "book" / buttons["download-notebook-button"]
            made = addressed.build / "notebooks" / download.name
            assert download.read_bytes() == made.read_bytes()


@pytest.mark.book
def test_colab_opens_a_notebook_of_the_pushed_folder(addressed):
    parts = urlsplit(hrefs(addressed, "first")["launch-colab-button"])
    assert parts.netloc == "colab.research.google.com"
    prefix = f"/github/somebody/the-book/blob/{NOTEBOOKS_BRANCH}/"
    assert parts.path.startswith(prefix)
    assert (addressed.build / "notebooks" / unquote(parts.path.removeprefix(prefix))).is_file()
    workflow = (ROOT / ".github" / "workflows" / "pages.yml").read_text()
    assert f"push-notebooks.sh build/notebooks {NOTEBOOKS_BRANCH}\n" in workflow


@pytest.mark.book
def test_the_page_itself_has_no_install_cell(addressed):
    assert "google.colab" not in (addressed.html / "book" / "first.html").read_text()


COLAB = """
import sys, types
from IPython.core.interactiveshell import InteractiveShell
sys.modules.update({name: types.ModuleType(name) for name in __NAMES__})
shell = InteractiveShell.instance()
shell.register_magic_function(lambda line: print("pip", line), "line", "pip")
for _ in range(2):  # a reader runs the first cell again
    result = shell.run_cell(__CELL__)
    result.raise_error()
shell.run_cell("import os; print(os.getcwd()); print(sys.path[0])")
"""


def in_colab(cell, folder, names, remote):
    """What the cell prints in a kernel where the modules `names` are loaded and GitHub is the folder `remote`."""
    code = COLAB.replace("__NAMES__", repr(names)).replace("__CELL__", repr(cell))
    instead = {"KEY_0": f"url.{remote}.insteadOf", "VALUE_0": f"{URL}.git", "COUNT": "1"}
    environment = {**os.environ, **{f"GIT_CONFIG_{key}": value for key, value in instead.items()}}
    environment["IPYTHONDIR"] = str(folder / ".ipython")
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=120)
    return [line for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.book
def test_the_first_cell_fetches_the_commit_that_built_the_page(addressed, tmp_path):
    notebook = json.loads((addressed.build / "notebooks" / "first.ipynb").read_text())
    cell = "".join(notebook["cells"][0]["source"])
    built_at = git(addressed.root, "rev-parse", "HEAD")
    assert built_at in cell and "pip install" not in str(notebook["cells"][1:])
    remote = tmp_path / "remote"
    shutil.copytree(addressed.root / ".git", remote / ".git")
    git(remote, "reset", "--hard", "--quiet")
    (remote / "newer.txt").write_text("x")
    commit(remote)
    home = tmp_path / "content"
    home.mkdir()
    assert in_colab(cell, home, [], remote)[-2:][0] == str(home), "elsewhere nothing happens"
    assert not (home / "the-book").exists()
    said = in_colab(cell, home, ["google", "google.colab"], remote)
    assert said[-3:] == ["pip install --quiet --editable .", str(home / "the-book"), str(home / "the-book" / "src")]
    assert sum(line.startswith("pip") for line in said) == 1, "run again, the cell does nothing"
    assert git(home / "the-book", "rev-parse", "HEAD") == built_at
    assert not (home / "the-book" / "newer.txt").exists()


def test_outside_git_the_branch_stands_in_and_the_cell_says_so(book):
    set_address(book, URL, branch="stable")
    assert revision(book) is None
    cell = install_cell(book, address(book))
    assert "git checkout --quiet stable\n" in cell and "of branch stable, as they are now" in cell


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}.git"])
def test_ways_to_write_the_address(book, url):
    set_address(book, url)
    assert address(book) == Address("somebody", "the-book")
    assert address(book).clone == f"{URL}.git"


@pytest.mark.parametrize(
    "url", ["github.com/a/b", "https://github.com/a", "https://gitlab.com/a/b", "https://github.com/a/b c"]
)
def test_an_address_that_no_button_can_use_is_refused(book, url):
    set_address(book, url)
    with pytest.raises(BadInput, match=re.escape(repr(url))):
        address(book)


def test_the_project_s_own_setting_is_one_that_can_be_used():
    address(Book(ROOT))


def test_notebooks_of_dropped_chapters_do_not_stay(book):
    folder = book.build / "notebooks"
    folder.mkdir(parents=True)
    (folder / "gone.ipynb").write_text("{}")
    write_notebooks(book.root)
    assert {path.name for path in folder.iterdir()} == {"first.ipynb", "status.ipynb"}


def test_the_branch_holds_the_notebooks_and_nothing_else(book, tmp_path):
    write_notebooks(book.root)
    head = commit(book.root)
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(book.root, "remote", "add", "origin", str(remote))
    script = str(ROOT / ".github" / "push-notebooks.sh")
    for _ in range(2):  # the second push replaces the first
        subprocess.run(["bash", script, "build/notebooks", NOTEBOOKS_BRANCH], cwd=book.root, check=True, timeout=60)
    assert git(remote, "ls-tree", "--name-only", NOTEBOOKS_BRANCH).split() == ["first.ipynb", "status.ipynb"]
    assert git(remote, "log", "--format=%s", NOTEBOOKS_BRANCH).splitlines() == [f"Clean notebooks of {head}"]
    pushed = git(remote, "show", f"{NOTEBOOKS_BRANCH}:first.ipynb")
    assert pushed == (book.build / "notebooks" / "first.ipynb").read_text().strip()
    assert git(book.root, "status", "--porcelain") == "" and git(book.root, "rev-parse", "HEAD") == head
    empty = subprocess.run(["bash", script, "nowhere", "x"], cwd=book.root, capture_output=True, text=True)
    assert empty.returncode == 2 and "make notebooks" in empty.stdout
