"""Presets: which machines a built-in set holds, their faults and strengths, and how many clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from asdbook.simulate import bearings, gears, rotating, sliders, toys, valves
from asdbook.simulate.layouts import LAYOUTS_2023, Layout
from asdbook.simulate.take import Take

Design = Callable[[np.random.Generator, np.random.Generator], Any]
Sound = Callable[[Any, Take], np.ndarray]


@dataclass(frozen=True)
class MachineType:
    """One machine type of a preset.

    Attributes:
        design: (stream of the data seed, stream of the individual) to the machine's constants.
        sound: (constants, take) to the sound close by.
        faults: name to (what happens, where it shows).
        strengths: g1 of each fault in dB: RMS relative to the healthy machine for faults that add a sound,
            multiple of the designed change otherwise. The only table that calibration moves.
        layout: attributes.
        toy: toys have 12 s clips in the official sets, others 10 s.
    """

    design: Design
    sound: Sound
    faults: Mapping[str, tuple[str, str]]
    strengths: Mapping[str, float]
    layout: Layout
    toy: bool = False


@dataclass(frozen=True)
class Preset:
    """A built-in set.

    Attributes:
        name: as in `Spec.preset`.
        year: whose naming and rules it follows.
        machines: by name, in the order of generation.
        premises: switches that `Spec.premise_off` may name.
    """

    name: str
    year: int
    machines: Mapping[str, MachineType]
    premises: tuple[str, ...]


@dataclass(frozen=True)
class Size:
    """Clips of a profile: seconds (of other machines and toys), training clips, test clips a cell."""

    seconds: float
    toy_seconds: float
    train: Mapping[str, int]
    test: int  # per domain and label


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "smoke": Size(1.0, 1.0, {"source": 10, "target": 2}, 3),
        "quick": Size(4.0, 4.0, {"source": 190, "target": 10}, 50),
        "paper": Size(10.0, 12.0, {"source": 990, "target": 10}, 50),
    }
)
"""Sizes by profile: `paper` has the official numbers."""

STRENGTHS_2023: dict[str, dict[str, float]] = {
    "ToyCar": {"shaft": 2.0, "gear": 0.0, "voltage": -1.5, "tyre": 4.0},
    "ToyTrain": {"shaft": 0.0, "gear": 2.0, "voltage": -2.0, "wheel": 2.0, "track": 4.0},
    "bearing": {"outer": 2.5, "inner": 2.5, "ball": 1.0, "contamination": 1.5, "looseness": 0.0},
    "fan": {"unbalance": 1.0, "clogging": 0.0, "tick": -5.0, "rub": -6.5, "voltage": -4.0},
    "gearbox": {"wear": -5.0, "tooth": -1.0, "misalignment": 1.0, "lubrication": -1.0},
    "slider": {"rail": -3.0, "belt": 2.0, "grease": -2.0, "jam": -1.5},
    "valve": {"leak": -8.0, "sticking": 2.5, "contamination": 2.0, "coil": -3.0},
}

_FAMILIES: dict[str, tuple[Design, Sound, Mapping[str, tuple[str, str]]]] = {
    "ToyCar": (toys.design_car, toys.sound, toys.FAULTS_CAR),
    "ToyTrain": (toys.design_train, toys.sound, toys.FAULTS_TRAIN),
    "bearing": (bearings.design, bearings.sound, bearings.FAULTS),
    "fan": (rotating.design, rotating.sound, rotating.FAULTS),
    "gearbox": (gears.design, gears.sound, gears.FAULTS),
    "slider": (sliders.design, sliders.sound, sliders.FAULTS),
    "valve": (valves.design, valves.sound, valves.FAULTS),
}


def _machine(name: str, layout: Layout, strengths: Mapping[str, float]) -> MachineType:
    design, sound, faults = _FAMILIES[name]
    return MachineType(design, sound, faults, strengths, layout, toy=name.startswith("Toy"))


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "synthetic-2023": Preset(
            name="synthetic-2023",
            year=2023,
            machines={m: _machine(m, LAYOUTS_2023[m], STRENGTHS_2023[m]) for m in LAYOUTS_2023},
            premises=("attributes", "groups", "power", "texture", "shift"),
        )
    }
)
"""Built-in sets by name."""
