"""Clean notebooks of all chapters, without outputs: what a reader downloads or opens in Jupyter."""

from __future__ import annotations

from pathlib import Path

from asdbook.publish.clean import KERNELSPEC
from asdbook.publish.pages import find_book


def write_notebooks(root: Path | None = None) -> Path:
    """Writes one notebook a chapter to `build/notebooks` and returns that folder."""
    import jupytext
    import nbformat

    book = find_book(root)
    folder = book.build / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for page in book.chapters:
        notebook = jupytext.read(page.source)
        notebook.metadata["kernelspec"] = dict(KERNELSPEC)
        for index, cell in enumerate(notebook.cells):
            cell["id"] = f"{page.stem}-{index}"  # jupytext draws random ones
        nbformat.write(notebook, folder / f"{page.stem}.ipynb")
    return folder
