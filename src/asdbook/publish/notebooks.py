"""Clean notebooks of all chapters, without outputs: what a reader downloads or opens in Jupyter or Colab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asdbook.publish.address import Address, address, revision
from asdbook.publish.clean import KERNELSPEC
from asdbook.publish.pages import Book, find_book

# A clone and not only the package: chapters read the committed records. Editable, so that a provenance table can
# name the commit; the kernel runs already, so it is told where the library is.
INSTALL = """\
# In Colab: fetches the library and the records {what}, and installs. Elsewhere: nothing.
import sys
from pathlib import Path

if "google.colab" in sys.modules and not Path("_toc.yml").exists():
    !git clone --quiet {clone} {name}
    %cd -q {name}
    !git checkout --quiet {commit}
    %pip install --quiet --editable .
    sys.path.insert(0, str(Path("src").resolve()))"""


def write_notebooks(root: Path | None = None, folder: Path | None = None) -> Path:
    """Writes one notebook a chapter to `folder` and returns that.

    With a repository address set, a first cell makes the notebook run in Colab at this commit.

    Args:
        root: the checkout; by default found from the working folder.
        folder: by default `build/notebooks`, which is emptied first: all of it is pushed.
    """
    import jupytext
    import nbformat

    book = find_book(root)
    install = install_cell(book, address(book))
    folder = folder or book.build / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for page in book.chapters:
        notebook = jupytext.read(page.source)
        notebook.metadata = nbformat.from_dict({"kernelspec": dict(KERNELSPEC)})  # jupytext's varies in its order
        if install:
            notebook.cells.insert(0, nbformat.v4.new_code_cell(install))
        for index, cell in enumerate(notebook.cells):
            cell["id"] = f"{page.stem}-{index}"  # jupytext draws random ones
        nbformat.write(notebook, folder / f"{page.stem}.ipynb")
    return folder


def install_cell(book: Book, place: Address | None) -> str | None:
    """The source of the first cell; None without an address.

    Outside a git checkout (an unpacked archive) no commit is known: the branch stands in, and the cell says so.
    """
    if place is None:
        return None
    commit = revision(book)
    values: dict[str, Any] = {"clone": place.clone, "name": place.name, "commit": commit or place.branch}
    what = "at the commit that made this notebook" if commit else f"of branch {place.branch}, as they are now"
    return INSTALL.format(what=what, **values)
