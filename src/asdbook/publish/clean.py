"""Between execution and page: paths scrubbed, timings out, names of cells repeatable."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

INJECTED = "injected-parameters"
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
"""What every reader's Jupyter has."""


def clean_notebook(notebook: Any, root: Path, data: str = "") -> Any:
    """Strips papermill's traces, hides the injected cell, scrubs paths of this machine; in place.

    Args:
        notebook: an executed notebook.
        root: the checkout.
        data: the folder of recordings that the chapter was given, if any.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    places = known_places(root, data)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = re.sub(r"-\d+$", "", cell.get("id", "cell"))[:50] + f"-{index}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        tags = cell.metadata.get("tags", [])
        if INJECTED in tags:
            cell["id"] = f"parameters-{index}"
            cell.metadata["tags"] = [*tags, "hide-input"]
            cell["source"] = scrub(cell["source"], places)
        for output in cell.get("outputs", []):
            _clean_output(output, places)
        if cell["cell_type"] == "code":
            cell["outputs"] = merge_streams(cell["outputs"])
    return notebook


def known_places(root: Path, data: str = "") -> dict[str, str]:
    """Folders of this machine and what stands for them in a page, longest first."""
    places = {
        str(root): ".",
        sys.prefix: "$VENV",
        sys.base_prefix: "$PYTHON",
        str(Path.home()): "~",
        tempfile.gettempdir(): "$TMPDIR",
    }
    if home := os.environ.get("ASDBOOK_HOME"):
        places[home] = "$ASDBOOK_HOME"
    if Path(data).is_absolute():
        places[data] = f"$DATA/{Path(data).name}"
    usable = {place: name for place, name in places.items() if len(place) > 1}
    return dict(sorted(usable.items(), key=lambda item: -len(item[0])))


def scrub(text: str, places: dict[str, str]) -> str:
    """Text without the known folders of this machine."""
    for place, name in places.items():
        text = re.sub(re.escape(place) + r"(?![\w.-])", lambda _, name=name: name, text)  # type: ignore[misc]
    return text


def merge_streams(outputs: list[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one output (how they were cut depends on timing)."""
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and output["output_type"] == last["output_type"] == "stream"
            and output["name"] == last["name"]
        ):
            last["text"] += output["text"]
        else:
            merged.append(output)
    return merged


def _clean_output(output: Any, places: dict[str, str]) -> None:
    if output["output_type"] == "stream":
        output["text"] = scrub(output["text"], places)
    for kind, value in output.get("data", {}).items():
        # Pictures are base64: they hold no path, and the search would only cost time.
        if isinstance(value, str) and (kind.startswith("text/") or kind == "image/svg+xml"):
            output["data"][kind] = scrub(value, places)
