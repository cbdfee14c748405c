"""synthetic-2023: every attribute stands in the file name."""

from __future__ import annotations

from asdbook.simulate.layouts import TOY_CAR, TOY_TRAIN, Layout, Values, domains, grid
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
    "ToyCar": TOY_CAR,
    "ToyTrain": TOY_TRAIN,
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
