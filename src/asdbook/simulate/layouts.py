"""What a layout is: the parts of a machine's clips (domains, or machine IDs in 2020), their attributes and physics.

The tables are in `layouts_2020`, `layouts_2023` and `layouts_2024`. Value sets follow the official ones where those
are known (methods/data.md 2.1, 2.2); the physical meaning is ours (methods/simulator.md 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

from asdbook.simulate.take import Operating

Values = Mapping[str, str]
Rows = tuple[tuple[str, ...], ...]
Meaning = Callable[[Values, str], Operating]


@dataclass(frozen=True)
class Layout:
    """Attribute values of one machine type.

    Attributes:
        keys: attribute keys in the order of the file name.
        parts: part of the set to all its combinations of values, in the order of `keys`. Parts are the domains
            "source" and "target", or machine IDs such as "00".
        meaning: from (values, part) to physics.
        first_index: 0 for MIMII-like machines, 1 for toys (methods/data.md 1).
        says: one line for the reader: what the attribute changes.
        hidden: the sound has the attributes and the file names do not show them.
    """

    keys: tuple[str, ...]
    parts: Mapping[str, Rows]
    meaning: Meaning
    first_index: int
    says: str
    hidden: bool = False

    def combinations(self, part: str) -> tuple[dict[str, str], ...]:
        """The part's attribute values as dictionaries."""
        return tuple(dict(zip(self.keys, row)) for row in self.parts[part])

    def individuals(self) -> dict[str, str]:
        """Individual name to the part where it occurs first."""
        found: dict[str, str] = {}
        for part in self.parts:
            for values in self.combinations(part):
                found.setdefault(self.meaning(values, part).individual, part)
        return found


def grid(*columns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """All combinations of the columns' values."""
    return tuple(product(*columns))


def domains(source: Rows, target: Rows) -> dict[str, Rows]:
    """Parts of a set with domains."""
    return {"source": source, "target": target}


def toy(nominal: float, copy: str = "car") -> Meaning:
    """Toys: a copy, a speed step or voltage (`nominal`: design speed), and a microphone with its own place."""

    def meaning(values: Values, part: str) -> Operating:
        speed = float(values["spd"].rstrip("V")) / nominal
        mic = values["mic"]
        return Operating(individual=values[copy], speed=speed, site=part, microphone=mic, place=mic)

    return meaning


SOURCE_CARS = ("B1", "B2", "C1", "C2", "D1", "D2")
TARGET_CARS = ("A1", "A2", "E1", "E2")

TOY_CAR = Layout(
    ("car", "spd", "mic"),
    domains(grid(SOURCE_CARS, ("31V", "34V", "40V"), ("1",)), grid(TARGET_CARS, ("28V", "37V"), ("2",))),
    toy(34.0),
    1,
    "car: a copy with its own tolerances; spd: motor voltage, all orders move; mic: another microphone",
)
TOY_TRAIN = Layout(
    ("car", "spd", "mic"),
    domains(grid(SOURCE_CARS, ("7", "8", "10"), ("1",)), grid(TARGET_CARS, ("6", "9"), ("2",))),
    toy(8.0),
    1,
    "car: a copy with its own tolerances; spd: speed step, all orders and joints move; mic: microphone",
)
"""The toys' layouts of 2023 and 2024."""
