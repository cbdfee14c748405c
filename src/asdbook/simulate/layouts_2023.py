"""synthetic-2023: every attribute stands in the file name."""

from __future__ import annotations

from asdbook.simulate.layouts import SOURCE_CARS, TARGET_CARS, Layout, Values, domains, grid, toy
from asdbook.simulate.take import Operating


def _bearing(values: Values, part: str) -> Operating:
    return Operating(speed=float(values["vel"]) / 14, site=part, place=values["loc"])  # vel: 100 rpm


def _fan(values: Values, part: str) -> Operating:
    return Operating(site=values["m-n"], place=values["m-n"])


def _gearbox(values: Values, part: str) -> Operating:
    return Operating(speed=float(values["volt"]) / 2, load=float(values["wt"]) / 200, site=part)


def _slider(values: Values, part: str) -> Operating:
    return Operating(speed=float(values["vel"]) / 500, ramp=float(values["ac"]) / 0.05, site=part)


def _valve(values: Values, part: str) -> Operating:
    return Operating(pattern=int(values["pat"]), site=part)


LAYOUTS_2023: dict[str, Layout] = {
    "ToyCar": Layout(
        ("car", "spd", "mic"),
        domains(grid(SOURCE_CARS, ("31V", "34V", "40V"), ("1",)), grid(TARGET_CARS, ("28V", "37V"), ("2",))),
        toy(34.0),
        1,
        "car: a copy with its own tolerances; spd: motor voltage, all orders move; mic: another microphone",
    ),
    "ToyTrain": Layout(
        ("car", "spd", "mic"),
        domains(grid(SOURCE_CARS, ("7", "8", "10"), ("1",)), grid(TARGET_CARS, ("6", "9"), ("2",))),
        toy(8.0),
        1,
        "car: a copy with its own tolerances; spd: speed step, all orders and joints move; mic: microphone",
    ),
    "bearing": Layout(
        ("vel", "loc"),
        domains(grid(("10", "14", "18"), ("A", "B")), grid(("12", "16"), ("C", "D"))),
        _bearing,
        0,
        "vel: shaft speed in 100 rpm, impact rates and rolling noise follow; loc: microphone position",
    ),
    "fan": Layout(
        ("m-n",),
        domains((("W",), ("X",)), (("Y",), ("Z",))),
        _fan,
        0,
        "m-n: factory noise and room; the fan itself is the same",
    ),
    "gearbox": Layout(
        ("volt", "wt"),
        domains(
            grid(("1.5", "2.0", "2.5"), ("0", "100", "200")),
            grid(("1.75", "2.25", "2.75"), ("50", "150")),
        ),
        _gearbox,
        0,
        "volt: shaft speed; wt: load, mesh tones rise by 6 dB from 0 to 200",
    ),
    "slider": Layout(
        ("vel", "ac"),
        domains(grid(("400", "500", "600"), ("0.04", "0.06")), grid(("450", "550"), ("0.03", "0.05", "0.07"))),
        _slider,
        0,
        "vel: carriage speed in mm/s, whine and cycle follow; ac: acceleration, ramps and stop impacts follow",
    ),
    "valve": Layout(
        ("pat",),
        domains((("00",), ("01",)), (("02",), ("03",))),
        _valve,
        0,
        "pat: the controller's pattern of openings",
    ),
}
