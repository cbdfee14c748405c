"""The drills by name, and what each of them finds out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab import Lab

from asdbook.report.faults import Fault


@dataclass(frozen=True)
class Outcome:
    """What a drill found out; `Fault` has the meaning of the fields."""

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


def run_one(name: str, lab: Lab) -> Fault:
    """Runs one drill.

    Raises:
        AssertionError: something was lost, or said badly. Skipped: the machine does not allow it.
    """
    fault, when, function = DRILLS[name]
    lab.begin(name)
    found = function(lab)
    return Fault(name, fault, when, found.seen, found.lost, found.recovered, round(found.seconds, 1))
