"""The drills by name, and what each of them finds out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab import Lab


@dataclass(frozen=True)
class Row:
    """One drill's outcome.

    Attributes:
        id: name of the drill.
        fault: what was done.
        when: at which moment.
        seen: what the user saw.
        lost: what had to be done again.
        recovered: what it took until the scores were those of an undisturbed run.
        seconds: of the run that recovered.
    """

    id: str
    fault: str
    when: str
    seen: str
    lost: str
    recovered: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a drill found out; `Row` has the meaning of the fields."""

    seen: str
    lost: str
    seconds: float
    recovered: str = "the next run"


Drill = Callable[[Lab], Outcome]
DRILLS: dict[str, tuple[str, str, Drill]] = {}
"""Name to (fault, when, drill), in the order of the table."""


def drill(fault: str, when: str) -> Callable[[Drill], Drill]:
    """Registers a drill under its function's name."""

    def register(function: Drill) -> Drill:
        DRILLS[function.__name__.replace("_", "-")] = (fault, when, function)
        return function

    return register


def run_one(name: str, lab: Lab) -> Row:
    """Runs one drill.

    Raises:
        AssertionError: something was lost, or said badly. Skipped: the machine does not allow it.
    """
    fault, when, function = DRILLS[name]
    lab.begin(name)
    found = function(lab)
    return Row(name, fault, when, found.seen, found.lost, found.recovered, round(found.seconds, 1))
