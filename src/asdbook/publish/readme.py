"""The README's table of what the two commands take: made from a measurement, never typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput

BEGIN = "<!-- cost: made by .ci/measure, do not edit -->"
END = "<!-- /cost -->"
STEPS = {
    "setup": "set-up, once (part of either command)",
    "book": "`make book`, first time",
    "again": "`make book`, nothing changed",
    "test": "`make test`",
}


def table(cost: dict[str, Any]) -> str:
    """The measurement as markdown."""
    lines = ["| | time | peak memory |", "| --- | --- | --- |"]
    for step, words in STEPS.items():
        row = cost["steps"][step]
        lines.append(f"| {words} | {_time(row['seconds'])} | {row['peak_mb'] / 1000:.1f} GB |")
    disk = cost["disk"]
    lines.append("")
    lines.append(
        f"Measured on {cost['cores']} cores ({cost['processor']}), without a GPU. Disk: "
        f"{disk['venv_mb'] / 1000:.1f} GB for the packages, {disk['made_mb'] / 1000:.1f} GB for what the book makes."
    )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def filled(text: str, cost: dict[str, Any]) -> str:
    """The README with its table replaced.

    Raises:
        BadInput: the marks are missing.
    """
    if BEGIN not in text or END not in text:
        raise BadInput(f"README.md: the lines {BEGIN!r} and {END!r} are missing: put them where the table goes")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    return f"{head}{BEGIN}\n{table(cost)}\n{END}{tail}"


def update(root: Path) -> bool:
    """Rewrites README.md from book/results/cost.json; whether anything changed."""
    path, source = root / "README.md", root / "book" / "results" / "cost.json"
    if not source.is_file():
        raise BadInput(f"{source}: no measurement: run .ci/measure on an idle machine")
    text = path.read_text(encoding="utf-8")
    new = filled(text, json.loads(source.read_text()))
    path.write_text(new, encoding="utf-8")
    return new != text
