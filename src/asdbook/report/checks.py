"""The simulator's checks as a table: what was measured, its interval, its band, its verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asdbook import simulate
from asdbook.errors import BadInput
from asdbook.report.results import folder
from asdbook.report.tables import Html, Table, Value

FOLDER = "simulator"
MARKS = {"pass": "✓ pass", "fail": "✗ fail", "undecided": "? undecided"}
"""A sign besides the colour, for readers who see none."""


@dataclass(frozen=True)
class Checks:
    """What `asdbook data synth --check` wrote into the book's results.

    Attributes:
        content: the file; None when the checks were not run.
        preset: the built-in set.
    """

    content: Mapping[str, Any] | None
    preset: str = ""

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The summary checks, in order."""
        return [] if self.content is None else list(self.content["checks"])

    def count(self, verdict: str) -> int:
        """How many summaries have this verdict."""
        return sum(row["verdict"] == verdict for row in self.rows)

    def table(self, **options: Any) -> Table:
        """One row a check; a row that says so when none was run."""
        columns = ["check", "what is measured", "mean and 95 % interval", "allowed", "verdict", "note"]
        rows = [[f"{row['number']} {row['name']}", row["statistic"],
                 Value(row["mean"], row["low"], row["high"], digits=3), band(row["band"]),
                 Html(f'<span class="asd-verdict">{MARKS[row["verdict"]]}</span>'), row.get("note", "")]
                for row in self.rows]
        notes = [*options.pop("notes", ()), *([self.origin()] if self.content else [])]
        return Table(columns, rows or [["not run", None, None, None, None, None]], notes=notes, **options)

    def origin(self) -> str:
        """Which simulator was checked, on how many data seeds, and whether it is still the present one."""
        content = self.content or {}
        version, seeds = content.get("simulator_version"), content.get("seeds", [])
        old = "" if version == simulate.VERSION else f" (stale: now {simulate.VERSION})"
        return f"Simulator version {version}{old}, {len(seeds)} data seeds, profile {content.get('profile')}."


def load() -> dict[str, Checks]:
    """The committed checks by built-in set: every file that is there, and none for the other sets.

    Raises:
        BadInput: a file is not what the check command writes.
    """
    found = {name: Checks(None, name) for name in simulate.PRESETS}
    for path in sorted((folder() / FOLDER).glob("*.json")):
        checks = _read(path)
        found[checks.preset] = checks
    return found


def _read(path: Path) -> Checks:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if {row["verdict"] for row in content["checks"]} <= set(MARKS):
            return Checks(content, str(content["preset"]))
        raise ValueError("an unknown verdict")
    except (ValueError, KeyError, TypeError) as error:
        remedy = "write it anew with `asdbook data synth --check`"
        raise BadInput(f"{FOLDER}/{path.name}: not a file of checks ({error}): {remedy}") from error


def total(found: Mapping[str, Checks], verdict: str = "") -> int:
    """How many summaries of all sets have this verdict; without one, how many there are."""
    return sum(checks.count(verdict) if verdict else len(checks.rows) for checks in found.values())


def counts(found: Mapping[str, Checks], **options: Any) -> Table:
    """One row a set: how many checks passed, failed and stayed undecided, and of which simulator."""
    rows = []
    for name, checks in found.items():
        numbers = [str(checks.count(verdict)) for verdict in MARKS] if checks.content else ["not run", None, None]
        rows.append([name, *numbers, checks.origin() if checks.content else None])
    return Table(["set", *MARKS, "made with"], rows, **options)


def band(ends: list[float | None]) -> str:
    """What is allowed, in words."""
    low, high = ends
    if low is None:
        return "any" if high is None else f"at most {high:g}"
    if high is None:
        return f"at least {low:g}"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
