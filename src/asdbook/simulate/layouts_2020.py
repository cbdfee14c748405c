"""synthetic-2020: machine IDs, no domains, no attributes.

All IDs of a type stand at one place, before one microphone, in one factory: with the machines muted the ID cannot
be told. Fans, pumps and slide rails have a few operating points, valves two patterns; no file name shows them.
"""

from __future__ import annotations

from asdbook.simulate.layouts import Layout, Rows, Values
from asdbook.simulate.take import Operating

MIMII_IDS = ("00", "02", "04", "06")
CAR_IDS = ("01", "02", "03", "04")
CONVEYOR_IDS = ("01", "02", "03")
STEP = 0.03
"""Speed step between operating points, relative (methods/simulator.md 8.5)."""


def _speeds(values: Values, part: str) -> Operating:
    return Operating(individual=part, speed=1 + STEP * (int(values["point"]) - 2))


def _patterns(values: Values, part: str) -> Operating:
    return Operating(individual=part, pattern=int(values["point"]) - 1)


def _one(values: Values, part: str) -> Operating:
    return Operating(individual=part)


def _ids(ids: tuple[str, ...], *rows: tuple[str, ...]) -> dict[str, Rows]:
    return {name: rows for name in ids}


_THREE = (("1",), ("2",), ("3",))
LAYOUTS_2020: dict[str, Layout] = {
    "fan": Layout(("point",), _ids(MIMII_IDS, *_THREE), _speeds, 0, "three speeds, 3 % apart", hidden=True),
    "pump": Layout(("point",), _ids(MIMII_IDS, *_THREE), _speeds, 0, "three speeds, 3 % apart", hidden=True),
    "slider": Layout(("point",), _ids(MIMII_IDS, *_THREE), _speeds, 0, "three speeds, 3 % apart", hidden=True),
    "valve": Layout(
        ("point",), _ids(MIMII_IDS, *_THREE[:2]), _patterns, 0, "two patterns of openings", hidden=True
    ),
    "ToyCar": Layout((), _ids(CAR_IDS, ()), _one, 0, "one voltage", hidden=True),
    "ToyConveyor": Layout((), _ids(CONVEYOR_IDS, ()), _one, 0, "one speed", hidden=True),
}
