"""Presets: which machines a built-in set holds, their faults and strengths, and how many clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from asdbook.simulate import bearings, conveyors, drones, gears, pumps, rotating, sliders, toys, valves
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.layouts import Layout
from asdbook.simulate.layouts_2020 import LAYOUTS_2020
from asdbook.simulate.layouts_2023 import LAYOUTS_2023
from asdbook.simulate.layouts_2024 import ADDITIONAL_2024, LAYOUTS_2024
from asdbook.simulate.take import Take

Design = Callable[[np.random.Generator, Tolerance], Any]
Sound = Callable[[Any, Take], np.ndarray]


@dataclass(frozen=True)
class MachineType:
    """One machine type of a preset.

    Attributes:
        design: (stream of the data seed, tolerances of the individual) to the machine's constants.
        sound: (constants, take) to the sound close by.
        faults: name to (what happens, where it shows).
        strengths: g1 of each fault in dB: RMS relative to the healthy machine for faults that add a sound,
            multiple of the designed change otherwise. The only table that calibration moves.
        layout: attributes.
        seconds: clip length in the official sets.
        train_only: an additional machine: training clips, no test clips.
        spread: tolerances of copies, as a multiple of what the families give; 0: all copies alike.
    """

    design: Design
    sound: Sound
    faults: Mapping[str, tuple[str, str]]
    strengths: Mapping[str, float]
    layout: Layout
    seconds: float = 10.0
    train_only: bool = False
    spread: float = 1.0


@dataclass(frozen=True)
class Preset:
    """A built-in set.

    Attributes:
        name: as in `Spec.preset`.
        year: whose naming and rules it follows.
        unit: what a machine type divides into: "section" (one, with two domains) or "id".
        machines: by name, in the order of generation.
        premises: switches that `Spec.premise_off` may name.
    """

    name: str
    year: int
    unit: str
    machines: Mapping[str, MachineType]
    premises: tuple[str, ...]


@dataclass(frozen=True)
class Size:
    """Clips of a profile.

    Attributes:
        seconds: longest clip; shorter where the official clips are.
        train: normal training clips of a part: "source", "target", or "id" for each machine ID.
        test: test clips of a part and label; `test_id` those of a machine ID.
    """

    seconds: float
    train: Mapping[str, int]
    test: int
    test_id: int


SIZES: Mapping[str, Size] = MappingProxyType(
    {
        "smoke": Size(1.0, {"source": 10, "target": 2, "id": 6}, 3, 3),
        "quick": Size(4.0, {"source": 190, "target": 10, "id": 100}, 50, 50),
        "paper": Size(12.0, {"source": 990, "target": 10, "id": 1000}, 50, 100),
    }
)
"""Sizes by profile. `paper` has the official numbers; those of 2020 differ from ID to ID (methods/data.md 3): about
1000 for training, 100 normal test clips and, here, as many anomalous ones."""

STRENGTHS: dict[str, dict[str, float]] = {
    "AirCompressor": {"leak": -4.0, "clogging": 0.0, "looseness": -3.0, "valve": -4.0},
    "BrushlessMotor": {"unbalance": 0.0, "tick": -5.0, "rub": -6.0, "phase": 0.0},
    "HoveringDrone": {"propeller": 0.0, "motor": -2.0},
    "ToyCar": {"shaft": 2.0, "gear": 1.0, "voltage": -1.0, "tyre": 2.5},
    "ToyTrain": {"shaft": 0.0, "gear": 2.0, "voltage": -2.0, "wheel": 2.0, "track": 4.0},
    "bearing": {"outer": 1.0, "inner": 1.0, "ball": 0.0, "contamination": -0.5, "looseness": 0.0},
    "fan": {"unbalance": 1.0, "clogging": 0.0, "tick": -5.5, "rub": -5.5, "voltage": -4.0},
    "gearbox": {"wear": -4.0, "tooth": -2.0, "misalignment": 0.5, "lubrication": -1.5},
    "slider": {"rail": -3.0, "belt": 2.0, "grease": -1.5, "jam": -1.0},
    "valve": {"leak": -8.0, "sticking": 2.5, "contamination": 2.0, "coil": -3.0},
}
"""g1 of each machine's faults in dB."""
STRENGTHS_2020: dict[str, dict[str, float]] = {
    "ToyCar": {"shaft": 2.0, "gear": -1.0, "voltage": -3.5, "tyre": 3.0},
    "ToyConveyor": {"slip": 2.0, "object": -2.0, "roller": 2.0, "voltage": -4.5},
    "fan": {"unbalance": -0.5, "clogging": -3.0, "tick": -5.5, "rub": -7.0, "voltage": -3.5},
    "pump": {"cavitation": -4.5, "leak": -7.0, "clogging": -1.0, "looseness": -2.0},
    "slider": {"rail": -1.0, "belt": 2.0, "grease": -1.0, "jam": 0.5},
    "valve": {"leak": -8.0, "sticking": 2.5, "contamination": 2.0, "coil": -6.0},
}
"""In synthetic-2020, where every ID has its own training clips and one place: fans and valves hard, slide rails
easy, as the official autoencoder found the real ones (methods/simulator.md 1b.2)."""

_FAMILIES: dict[str, tuple[Design, Sound, Mapping[str, tuple[str, str]]]] = {
    "AirCompressor": (pumps.design_compressor, pumps.sound, pumps.FAULTS_COMPRESSOR),
    "BrushlessMotor": (rotating.design_motor, rotating.sound, rotating.FAULTS_MOTOR),
    "HoveringDrone": (drones.design, drones.sound, drones.FAULTS),
    "ToyCar": (toys.design_car, toys.sound, toys.FAULTS_CAR),
    "ToyConveyor": (conveyors.design, conveyors.sound, conveyors.FAULTS),
    "ToyTrain": (toys.design_train, toys.sound, toys.FAULTS_TRAIN),
    "bearing": (bearings.design, bearings.sound, bearings.FAULTS),
    "fan": (rotating.design, rotating.sound, rotating.FAULTS),
    "gearbox": (gears.design, gears.sound, gears.FAULTS),
    "pump": (pumps.design, pumps.sound, pumps.FAULTS),
    "slider": (sliders.design, sliders.sound, sliders.FAULTS),
    "valve": (valves.design, valves.sound, valves.FAULTS),
}
SECONDS_2020 = {"ToyCar": 11.0}
SECONDS_2023 = {"ToyCar": 12.0, "ToyTrain": 12.0}
"""Official clip lengths other than 10 s (methods/data.md 4)."""


def _machine(name: str, layout: Layout, strengths: Mapping[str, float] | None = None, **more: Any) -> MachineType:
    design, sound, faults = _FAMILIES[name]
    return MachineType(design, sound, faults, strengths or STRENGTHS[name], layout, **more)


def _preset_2020() -> Preset:
    machines = {
        m: _machine(m, layout, STRENGTHS_2020[m], seconds=SECONDS_2020.get(m, 10.0), spread=SPREAD_2020[m])
        for m, layout in LAYOUTS_2020.items()
    }
    return Preset("synthetic-2020", 2020, "id", machines, ("ids", "groups", "power", "texture", "text"))


def _preset_2023() -> Preset:
    machines = {m: _machine(m, layout, seconds=SECONDS_2023.get(m, 10.0)) for m, layout in LAYOUTS_2023.items()}
    premises = ("attributes", "groups", "power", "texture", "shift", "text")
    return Preset("synthetic-2023", 2023, "section", machines, premises)


def _preset_2024() -> Preset:
    machines = {
        m: _machine(m, layout, seconds=SECONDS_2023.get(m, 10.0), spread=SPREAD_2024.get(m, 1.0))
        for m, layout in LAYOUTS_2024.items()
    }
    machines |= {m: _machine(m, layout, train_only=True) for m, layout in ADDITIONAL_2024.items()}
    premises = ("attributes", "groups", "power", "texture", "shift", "text")
    return Preset("synthetic-2024", 2024, "section", machines, premises)


SPREAD_2020: dict[str, float] = {
    "ToyCar": 0.75, "ToyConveyor": 0.4, "fan": 0.8, "pump": 0.6, "slider": 0.45, "valve": 0.35,
}  # fmt: skip
"""Tolerances of copies in synthetic-2020, set so that a linear classifier tells 90-99 % of normal clips' IDs."""
SPREAD_2024: dict[str, float] = {"gearbox": 2.0}
"""Tolerances of copies in synthetic-2024, so that the two hidden gearboxes can be told apart by a clustering."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {preset.name: preset for preset in (_preset_2020(), _preset_2023(), _preset_2024())}
)
"""Built-in sets by name."""
