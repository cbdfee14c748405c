"""Attributes: which values a machine's clips have in each domain, and what they mean physically.

2023 shows all attributes. Value sets follow the official ones where those are known (methods/data.md 2.1,
2.2); the physical meaning is ours (methods/simulator.md 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

from asdbook.simulate.take import Operating

Values = Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """Attribute values of one machine type.

    Attributes:
        keys: official keys in the order of the file name.
        source, target: all combinations, in the order of `keys`.
        meaning: from (values, domain) to physics.
        first_index: 0 for MIMII-like machines, 1 for toys (methods/data.md 1).
        says: one line for the reader: what the attribute changes.
    """

    keys: tuple[str, ...]
    source: tuple[tuple[str, ...], ...]
    target: tuple[tuple[str, ...], ...]
    meaning: Callable[[Values, str], Operating]
    first_index: int
    says: str

    def combinations(self, domain: str) -> tuple[dict[str, str], ...]:
        """The domain's attribute values as dictionaries."""
        rows = self.source if domain == "source" else self.target
        return tuple(dict(zip(self.keys, row)) for row in rows)

    def individuals(self) -> dict[str, str]:
        """Individual name to the domain where it occurs first."""
        found: dict[str, str] = {}
        for domain in ("source", "target"):
            for values in self.combinations(domain):
                found.setdefault(self.meaning(values, domain).individual, domain)
        return found


def grid(*columns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """All combinations of the columns' values."""
    return tuple(product(*columns))


def _bearing(values: Values, domain: str) -> Operating:
    return Operating(speed=float(values["vel"]) / 14, site=domain, place=values["loc"])  # vel: 100 rpm


def _fan(values: Values, domain: str) -> Operating:
    return Operating(site=values["m-n"], place=values["m-n"])


def _gearbox(values: Values, domain: str) -> Operating:
    return Operating(speed=float(values["volt"]) / 2, load=float(values["wt"]) / 200, site=domain)


def _slider(values: Values, domain: str) -> Operating:
    return Operating(speed=float(values["vel"]) / 500, ramp=float(values["ac"]) / 0.05, site=domain)


def _valve(values: Values, domain: str) -> Operating:
    return Operating(pattern=int(values["pat"]), site=domain)


def _toy(nominal: float) -> Callable[[Values, str], Operating]:
    def meaning(values: Values, domain: str) -> Operating:
        speed = float(values["spd"].rstrip("V")) / nominal
        return Operating(
            individual=values["car"], speed=speed, site=domain, microphone=values["mic"], place=values["mic"]
        )

    return meaning


SOURCE_CARS = ("B1", "B2", "C1", "C2", "D1", "D2")
TARGET_CARS = ("A1", "A2", "E1", "E2")

LAYOUTS_2023: dict[str, Layout] = {
    "ToyCar": Layout(
        ("car", "spd", "mic"),
        grid(SOURCE_CARS, ("31V", "34V", "40V"), ("1",)),
        grid(TARGET_CARS, ("28V", "37V"), ("2",)),
        _toy(34.0),
        1,
        "car: a copy with its own tolerances; spd: motor voltage, all orders move; mic: another microphone",
    ),
    "ToyTrain": Layout(
        ("car", "spd", "mic"),
        grid(SOURCE_CARS, ("7", "8", "10"), ("1",)),
        grid(TARGET_CARS, ("6", "9"), ("2",)),
        _toy(8.0),
        1,
        "car: a copy with its own tolerances; spd: speed step, all orders and joints move; mic: microphone",
    ),
    "bearing": Layout(
        ("vel", "loc"),
        grid(("10", "14", "18"), ("A", "B")),
        grid(("12", "16"), ("C", "D")),
        _bearing,
        0,
        "vel: shaft speed in 100 rpm, impact rates and rolling noise follow; loc: microphone position",
    ),
    "fan": Layout(
        ("m-n",),
        (("W",), ("X",)),
        (("Y",), ("Z",)),
        _fan,
        0,
        "m-n: factory noise and room; the fan itself is the same",
    ),
    "gearbox": Layout(
        ("volt", "wt"),
        grid(("1.5", "2.0", "2.5"), ("0", "100", "200")),
        grid(("1.75", "2.25", "2.75"), ("50", "150")),
        _gearbox,
        0,
        "volt: shaft speed; wt: load, mesh tones rise by 6 dB from 0 to 200",
    ),
    "slider": Layout(
        ("vel", "ac"),
        grid(("400", "500", "600"), ("0.04", "0.06")),
        grid(("450", "550"), ("0.03", "0.05", "0.07")),
        _slider,
        0,
        "vel: carriage speed in mm/s, whine and cycle follow; ac: acceleration, ramps and stop impacts follow",
    ),
    "valve": Layout(
        ("pat",),
        (("00",), ("01",)),
        (("02",), ("03",)),
        _valve,
        0,
        "pat: the controller's pattern of openings",
    ),
}
