"""The fault table: what was done to a run, what its user saw, and what was lost (`book/results/faults.json`)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput
from asdbook.report import results
from asdbook.report.tables import Html, Table, Value, join, markup


@dataclass(frozen=True)
class Fault:
    """One drill.

    Attributes:
        id: its name in `tests/reliability`.
        fault, when: what was done, at which moment.
        seen: what the user saw.
        lost: what had to be done again.
        recovered: what it took until the scores were those of an undisturbed run, bit for bit.
        seconds: of the run that recovered, without starting Python.
    """

    id: str
    fault: str
    when: str
    seen: str
    lost: str
    recovered: str
    seconds: float


def drills(path: Path | None = None) -> list[Fault]:
    """All drills, as `.ci/faults` wrote them.

    Raises:
        BadInput: the file is missing or damaged.
    """
    path = path or results.folder() / "faults.json"
    try:
        return [Fault(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: no fault table that can be read ({error}): run .ci/faults") from error


def table(found: list[Fault], **options: Any) -> Table:
    """One row a drill."""
    rows = [[join(Html(f"<strong>{markup(f.fault)}</strong><br>"), f.when), _breakable(f.seen), f.lost, f.recovered,
             Value(f.seconds)] for f in found]  # fmt: skip
    columns = ["what went wrong, and when", "what the user saw", "what was lost", "back to the same scores by",
               "which took (s)"]  # fmt: skip
    return Table(columns, rows, **options)


def _breakable(text: str) -> Html:
    """Long paths may break after a slash or an underscore."""
    return Html(re.sub(r"([/_])", r"\1<wbr>", markup(text)))
