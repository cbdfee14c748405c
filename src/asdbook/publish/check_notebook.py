"""The checker of executed notebooks: what Sphinx would build without a word."""

from __future__ import annotations

import re
from typing import Any

from asdbook.publish.defects import Defect, poor_alt, text_defects

MAX_CELL_LINES = 15  # BOOK.md section c: a cell calls the library and shows the result
MAX_PAGE_BYTES = 2_000_000  # BOOK.md section c, for notebook and built page alike
STALE_CLASS = "stale-page"
"""Class of the banner on a page whose source changed after its execution."""


def check_notebook(page: str, notebook: Any, source: str | None = None) -> list[Defect]:
    """Defects of one executed chapter.

    Args:
        page: name for messages.
        notebook: the executed notebook.
        source: hash of the chapter's present source; None leaves that check out.
    """
    found: list[Defect] = []
    for cell in notebook.cells:
        if cell["cell_type"] == "code" and cell["source"].strip():
            found += _check_cell(page, cell)
    if source is not None and notebook.metadata.get("asdbook", {}).get("source") != source:
        banner = any(STALE_CLASS in c["source"] for c in notebook.cells if c["cell_type"] == "markdown")
        if not banner:
            found.append(Defect(page, "source", "executed from another source, and no banner says so"))
    found += _check_headings(page, notebook)
    return found


def _check_cell(page: str, cell: Any) -> list[Defect]:
    first = cell["source"].strip().splitlines()[0][:60]
    if cell.get("execution_count") is None:
        return [Defect(page, f"cell {first!r}", "was not executed: execute the chapter")]
    place = f"cell [{cell['execution_count']}] {first!r}"
    found: list[Defect] = []
    lines = len(cell["source"].strip().splitlines())
    if lines > MAX_CELL_LINES:
        found.append(Defect(page, place, f"{lines} lines, at most {MAX_CELL_LINES}: move code into src"))
    for output in cell["outputs"]:
        found += _check_output(page, place, cell, output)
    return found


def _check_output(page: str, place: str, cell: Any, output: Any) -> list[Defect]:
    kind = output["output_type"]
    if kind == "error":
        return [Defect(page, place, f"error output: {output['ename']}: {output['evalue'][:80]}")]
    if kind == "stream":
        found = text_defects(page, place, output["text"])
        if output["name"] == "stderr" and not found:
            text = output["text"].strip()[:80]
            found = [Defect(page, place, f"text on stderr: {text!r}: mend its cause")]
        return found
    data = output.get("data", {})
    shown = [mime for mime in ("text/html", "text/markdown", "image/png", "image/svg+xml") if mime in data]
    shown = [mime for mime in shown or ["text/plain"] if mime.startswith("text/") and mime in data]
    found = [defect for mime in shown for defect in text_defects(page, place, _visible(mime, data[mime]))]
    if any(mime.startswith("image/") for mime in data):
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt")
        if poor_alt(alt):
            found.append(Defect(page, place, "image without alt text: set it in the cell's mystnb metadata"))
    return found


def _visible(mime: str, text: str) -> str:
    """Text without embedded base64 data, which would only look like paths."""
    return re.sub(r"base64,[A-Za-z0-9+/=\s]+", "base64,", text) if mime == "text/html" else text


def _check_headings(page: str, notebook: Any) -> list[Defect]:
    """Headings in order, one title: screen readers stumble on a skipped level."""
    found, last, titles = [], 0, 0
    for cell in notebook.cells:
        if cell["cell_type"] != "markdown":
            continue
        text = re.sub(r"^(`{3,}|:{3,}).*?^\1", "", cell["source"], flags=re.MULTILINE | re.DOTALL)
        for marks, title in re.findall(r"^(#{1,6}) +(.+)$", text, flags=re.MULTILINE):
            level = len(marks)
            titles += level == 1
            if level > last + 1:
                found.append(Defect(page, f"heading {title!r}", f"level {level} follows level {last}"))
            last = level
    if titles != 1:
        found.append(Defect(page, "headings", f"{titles} titles of level 1, one is needed"))
    return found
