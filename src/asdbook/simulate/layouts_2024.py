"""synthetic-2024: attributes of ToyTrain, gearbox and slider are hidden; three additional machines for training.

Value tables of the development set and of three machines of the evaluation set (methods/data.md 2.1, 2.3). What the
numbers mean in our physics is ours: they spread the sound over the range that the family can hold.
"""

from __future__ import annotations

from dataclasses import replace

from asdbook.simulate.layouts import TOY_CAR, TOY_TRAIN, Layout, Values, domains, grid
from asdbook.simulate.take import Operating


def _bearing(values: Values, part: str) -> Operating:
    speed = (8 + float(values["vel"]) / 2) / 14  # vel 4 to 16: 1000 to 1600 rpm; 1400 is the design speed
    return Operating(individual=values["pro"], speed=speed, site=part, place=values["loc"])


def _fan(values: Values, part: str) -> Operating:
    return Operating(site=values["n"])


def _gearbox(values: Values, part: str) -> Operating:
    load = float(values["wt"]) / 100  # 0 to 2.5: mesh tones rise by 12 dB and a small motor slows by 11 % from 0 to 200
    return Operating(individual=values["pro"], load=load, speed=1 - 0.03 * (load - 1), site=part)


def _slider(values: Values, part: str) -> Operating:
    # On a given stroke more acceleration also means a higher top speed: 0.01 to 0.13 is 0.2 to 1.9 and 0.5 to 1.24.
    ac = float(values["ac"])
    return Operating(ramp=(ac + 0.005) / 0.07, speed=(ac / 0.07) ** 0.35, site=part)


def _valve(values: Values, part: str) -> Operating:
    """One valve or both; a fault sits in the first that works."""
    patterns = {"A": 0, "B": 1}
    valves = [
        Operating(individual=key, pattern=patterns[values[key]], site=part)
        for key in ("v1pat", "v2pat")
        if values[key] != "none"
    ]
    return valves[0] if len(valves) == 1 else valves[0].beside(valves[1])


def _compressor(values: Values, part: str) -> Operating:
    """fl: flow setting, the load; nos: nozzle, 5 % of speed a step."""
    return Operating(load=float(values["fl"]) / 2, speed=0.95 + 0.05 * float(values["nos"]), site=part)


def _motor(values: Values, part: str) -> Operating:
    return Operating(speed=float(values["spd"]) / 2000, site=values["Bckg"])  # spd: rpm


def _drone(values: Values, part: str) -> Operating:
    speed, mic = 0.85 + 0.1 * float(values["spd"]), values["mic"]
    return Operating(individual=values["id"], speed=speed, site=part, microphone=mic, place=mic)


LAYOUTS_2024: dict[str, Layout] = {
    "ToyCar": TOY_CAR,
    "ToyTrain": replace(TOY_TRAIN, hidden=True),
    "bearing": Layout(
        ("pro", "vel", "loc"),
        domains(
            grid(("A",), ("4", "12"), tuple("ABCD")) + grid(("B",), ("8", "16"), tuple("ABCD")),
            grid(("A",), ("4", "12"), tuple("EFGH")) + grid(("B",), ("8", "16"), tuple("EFGH")),
        ),
        _bearing,
        1,
        "pro: one of two bearings; vel: shaft speed, the same in both domains; loc: microphone position",
    ),
    "fan": Layout(
        ("n",),
        domains((("A",), ("B",)), (("X",), ("Y",))),
        _fan,
        1,
        "n: factory noise; fan and room are the same",
    ),
    "gearbox": Layout(
        ("pro", "wt"),
        domains(
            grid(("A", "B"), ("0", "50", "100", "150", "200")),
            grid(("A",), ("30", "80", "130", "180", "250")) + grid(("B",), ("20", "70", "120", "170", "250")),
        ),
        _gearbox,
        1,
        "pro: one of two gearboxes; wt: load, mesh tones rise by 12 dB from 0 to 200, the motor slows",
        hidden=True,
    ),
    "slider": Layout(
        ("ac",),
        domains(
            grid(("0.03", "0.05", "0.07", "0.09", "0.11")),
            grid(("0.01", "0.02", "0.04", "0.06", "0.08", "0.10", "0.12", "0.13")),
        ),
        _slider,
        1,
        "ac: acceleration, ramps, stop impacts and top speed follow",
        hidden=True,
    ),
    "valve": Layout(
        ("v1pat", "v2pat"),
        domains((("A", "none"), ("B", "none"), ("none", "B")), (("A", "B"), ("B", "B"))),
        _valve,
        1,
        "v1pat, v2pat: patterns of two valves; one of them in the source domain, both in the target domain",
    ),
}

ADDITIONAL_2024: dict[str, Layout] = {
    "AirCompressor": Layout(
        ("fl", "nos"),
        domains(
            grid(("0", "2"), ("0", "2", "3")),
            grid(("1",), ("0", "1", "2", "3")) + grid(("0", "2"), ("1",)),
        ),
        _compressor,
        0,
        "fl: flow setting; nos: nozzle, 5 % of speed a step",
        hidden=True,
    ),
    "BrushlessMotor": Layout(
        ("spd", "Bckg"),
        domains(
            grid(("1000", "1200", "1400", "1600", "1800", "2000", "2400", "2800", "3000"), tuple("ACDF")),
            grid(("1100", "1300", "1500", "1700", "1900"), tuple("BEG")),
        ),
        _motor,
        0,
        "spd: rpm; Bckg: factory noise",
        hidden=True,
    ),
    "HoveringDrone": Layout(
        ("id", "spd", "mic"),
        domains(grid(("A1", "A2", "B1", "B2"), ("1", "2"), ("1",)), grid(("C1", "C2"), ("3",), ("2",))),
        _drone,
        0,
        "id: a copy with its own tolerances; spd: 10 % of rotor speed a step; mic: another microphone",
        hidden=True,
    ),
}
"""Machines with training clips only."""
