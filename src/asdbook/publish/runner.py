"""Executes one chapter: jupytext -> papermill -> a clean notebook, moved into place only on success."""

from __future__ import annotations

import ast
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput, RunFailed, UnknownName
from asdbook.publish.clean import clean_notebook, known_places, scrub
from asdbook.publish.digest import source_hash
from asdbook.publish.pages import Book, Page

CELL_SECONDS = 600  # a hanging cell stops the build; a chapter's own budget is far below (DESIGN section 6)


class ChapterFailed(RunFailed):
    """A chapter's cell raised. `report` holds the cell and its traceback, for the terminal."""

    def __init__(self, message: str, report: str):
        super().__init__(message)
        self.report = report


def parameter_names(source: Path) -> dict[str, Any]:
    """Names and default values assigned in a chapter's `parameters` cell; empty without such a cell.

    Raises:
        BadInput: the cell holds more than assignments of literals.
    """
    import jupytext

    found: dict[str, Any] = {}
    for cell in jupytext.read(source).cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        for node in ast.parse(cell.source).body:
            name, value = _assignment(node)
            if name is None or value is None:
                line = ast.unparse(node)
                raise BadInput(f"{source.name}: the parameters cell may hold `name = literal` only: {line}")
            found[name] = ast.literal_eval(value)
    return found


def _assignment(node: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """Name and literal of `name = literal` (or with a type); None for anything else."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    value = getattr(node, "value", None)
    if not isinstance(target, ast.Name) or value is None:
        return None, None
    try:
        ast.literal_eval(value)
    except ValueError:
        return None, None
    return target.id, value


def check_parameters(page: Page, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted values that differ from the chapter's defaults.

    Raises:
        UnknownName: a name that the chapter's `parameters` cell does not assign. (papermill only warns.)
    """
    known = parameter_names(page.source)
    for name in wanted:
        if name not in known:
            raise UnknownName(f"parameter of chapter {page.stem}", name, known)
    return {name: value for name, value in wanted.items() if known[name] != value}


def execute_chapter(
    book: Book,
    page: Page,
    parameters: Mapping[str, Any],
    *,
    cell_seconds: int | None = CELL_SECONDS,
) -> float:
    """Executes a chapter and moves the clean notebook to `book.executed(page)`.

    Args:
        book: where sources and results lie.
        page: the chapter.
        parameters: values for its `parameters` cell; unknown names are refused before anything runs.
        cell_seconds: limit for one cell; None for no limit.

    Returns:
        Wall time in seconds.

    Raises:
        UnknownName: an unknown parameter.
        ChapterFailed: a cell raised, timed out, or its kernel died. The last good notebook stays.
    """
    import nbformat

    injected = check_parameters(page, parameters)
    output = book.executed(page)
    output.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".run-") as folder:
        result = Path(folder) / "out.ipynb"
        _run(book, page, injected, result, cell_seconds)
        data = str(parameters.get("data", ""))
        notebook = clean_notebook(nbformat.read(result, as_version=4), book.root, data)
        told = {name: scrub(value, known_places(book.root, data)) if isinstance(value, str) else value
                for name, value in parameters.items()}
        notebook.metadata["asdbook"] = {"source": source_hash(page.source), "parameters": told}
        nbformat.write(notebook, result)
        os.replace(result, output)
    return time.perf_counter() - started


def _run(book: Book, page: Page, parameters: Mapping[str, Any], result: Path, cell_seconds: int | None) -> None:
    """Executes the chapter's notebook into `result`, whose folder is temporary."""
    import nbformat
    import papermill

    from asdbook.publish import kernel

    draft = result.with_name("in.ipynb")
    nbformat.write(_notebook(page, kernel.KERNEL), draft)
    with kernel.environment(book), _failures(page, result):
        papermill.execute_notebook(
            draft, result, parameters, progress_bar=False, cwd=book.root / "book",
            execution_timeout=cell_seconds, **kernel.options(),
        )  # fmt: skip


def _notebook(page: Page, kernel: str) -> Any:
    """The chapter as a notebook with a kernel and repeatable cell names (jupytext draws random ones)."""
    import jupytext

    notebook = jupytext.read(page.source)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": "Python 3", "language": "python"}
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"{page.stem}-{index}"[-64:]
    return notebook


@contextmanager
def _failures(page: Page, result: Path) -> Iterator[None]:
    """Turns what can go wrong in a kernel into one line and a report."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    where = f"chapter {page.stem!r} (book/{page.source.name})"
    try:
        yield
    except PapermillExecutionError as error:
        traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
        report = f"{where}, cell [{error.exec_count}]:\n\n{_indent(error.source)}\n\n{traceback}\n"
        message = f"{where}: cell [{error.exec_count}] raised {error.ename}: {_first_line(error.evalue)}"
        raise ChapterFailed(f"{message}: mend the chapter; the last good page stays", report) from error
    except CellTimeoutError as error:
        message = f"{where}: a cell took longer than its limit: {_first_line(str(error))}"
        raise ChapterFailed(message, str(error)) from error
    except (DeadKernelError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "kernel" not in str(error).lower():
            raise
        message = f"{where}: the kernel died (out of memory?): run `make execute CH={page.stem}` again"
        raise ChapterFailed(message, f"{error}\n{_last_cell(result)}") from error


def _last_cell(result: Path) -> str:
    """The cell that was running, from papermill's draft."""
    try:
        cells = json.loads(result.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return ""
    running = [c for c in cells if c.get("metadata", {}).get("papermill", {}).get("status") == "running"]
    return "\n\n".join(_indent("".join(cell["source"])) for cell in running)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "(no message)"


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
