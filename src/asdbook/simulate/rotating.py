"""Fans: a shaft, blades and flow (methods/simulator.md 3.1). Pumps will share these parts.

Lines: shaft rate f_r and multiples, blade pass N_b f_r, mains hum 2 f_line. Flow noise power rises with
50-60 log10 of speed and its knee with speed itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.impacts import Modes, draw_modes, strike
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import FS, MAINS, NYQUIST_GUARD, Shaft, modulate, shaft, spin, stack, turning, voice, wander
from asdbook.simulate.take import Take, db

FAULTS = {
    "unbalance": (
        "Mass off the axis: the shaft line grows and everything pulses once per turn.",
        "lines below 200 Hz; fluctuation at the shaft rate in all bands",
    ),
    "clogging": (
        "Blocked inlet: flow noise darkens, blade tones weaken, the unloaded rotor runs a little faster.",
        "more below 400 Hz, less above 1.5 kHz",
    ),
    "tick": (
        "A foreign body or a damaged blade touches once per turn and rings the casing.",
        "vertical lines at the shaft rate, 1-4 kHz",
    ),
    "rub": (
        "A dry sleeve bearing squeals during part of each turn.",
        "a narrow line at 2-5 kHz, dashed in time",
    ),
    "voltage": (
        "Supply voltage drops: the rotor slows and the saturated iron hums.",
        "all lines lower; 100, 200, 300 ... Hz",
    ),
}

HUM_HZ = 100.0
"""Twice the mains frequency of the source country's 50 Hz."""
SHARES = {"shaft": 0.25, "blade": 0.35, "flow": 0.80, "hum": 0.20}
"""RMS of the components relative to the healthy machine (methods/simulator.md 3.1)."""


@dataclass(frozen=True)
class Fan:
    """What a fan is from clip to clip; frequencies in Hz, amplitudes of unit-RMS stacks."""

    hz: float
    blades: int
    knee: float
    rise: float
    fall: float
    breath: float  # modulation depth of flow noise at blade pass
    shaft_lines: np.ndarray
    blade_lines: np.ndarray
    hum_lines: np.ndarray
    casing: Modes


def design(rng: np.random.Generator, individual: np.random.Generator) -> Fan:
    """A fan of this data seed (`rng`) and its copy (`individual`: speed +-2 %, lines, modes, knee)."""
    hz = rng.uniform(24, 44)  # 1440-2640 rpm
    knee = rng.uniform(350, 800)
    return Fan(
        hz=hz * (1 + individual.normal(0, 0.02)),
        blades=int(rng.choice([5, 7, 9, 11])),  # odd numbers are usual
        knee=knee * np.exp(individual.normal(0, 0.05)),
        rise=0.8,
        fall=1.3,
        breath=rng.uniform(0.2, 0.4),
        shaft_lines=voice(rng, 6, 4.0),
        blade_lines=voice(rng, 8, 4.5),
        hum_lines=voice(rng, 6, 5.0),
        casing=draw_modes(rng, 900, 4000, 5, (0.01, 0.04)).jittered(individual, 0.05, 1.5),
    )


def sound(fan: Fan, take: Take) -> np.ndarray:
    """The fan close to its casing, float32 (n,), about unit RMS when healthy at design speed."""
    drop = min(take.amount("voltage"), 1.5)
    clog = min(take.amount("clogging"), 1.5)
    relative = take.point.speed * (1 - 0.10 * drop) * (1 + 0.04 * clog)
    rotor = shaft(take.rng("shaft"), take.n, fan.hz * relative, MAINS)
    x = _tones(fan, take, rotor, clog, relative)
    x += _flow(fan, take, rotor, clog, relative)
    x += _hum(fan, take, drop)
    if take.has("tick"):
        x += _tick(fan, take, rotor)
    if take.has("rub"):
        x += _rub(take, rotor)
    return x


def _tones(fan: Fan, take: Take, rotor: Shaft, clog: float, relative: float) -> np.ndarray:
    unbalance, tick = take.amount("unbalance"), take.amount("tick")
    rng = take.rng("line phases")
    phases = rng.random((2, 8))
    rise = np.ones(6)
    rise[0] += unbalance * (db(18) - 1)
    rise[1:] += unbalance * (db(10) - 1)
    level = relative ** (55 / 20)  # tonal power follows speed about as flow power does
    x = take.level("shaft", SHARES["shaft"] * level) * stack(
        rotor.z, fan.shaft_lines * rise, phases[0, :6], rotor.top
    )
    tones = stack(spin(fan.blades * rotor.turns), fan.blade_lines, phases[1], fan.blades * rotor.top)
    depth = min(0.10 + 0.8 * unbalance + 0.4 * tick, 1.0)
    tones = modulate(tones, rotor.cos(1, rng.random()), depth)
    x += take.level("blade", SHARES["blade"] * level * db(-5 * clog)) * tones
    if take.has("unbalance"):
        take.box(20, 8000)  # the lines at the bottom, the fluctuation everywhere
    return x


def _flow(fan: Fan, take: Take, rotor: Shaft, clog: float, relative: float) -> np.ndarray:
    unbalance = take.amount("unbalance")
    knee = fan.knee * relative * (1 - 0.35 * min(clog, 1.5))
    shape = slope(take.n, knee, fan.rise, fan.fall + 0.5 * clog)
    flow = coloured(take.rng("flow"), take.n, shape)
    rng = take.rng("flow phase")
    flow = modulate(flow, rotor.cos(fan.blades, rng.random()), fan.breath)
    # Unbalance makes the tip clearance, and with it the flow noise, breathe once per turn. Without it the
    # fault would be inaudible: small microphones cut the 1x line.
    flow = modulate(flow, rotor.cos(1, rng.random()), min(0.9 * unbalance, 1.0))
    if take.has("clogging"):
        take.box(20, 400)
        take.box(500, 8000)
    return take.level("flow", SHARES["flow"] * relative ** (55 / 20)) * flow


def _hum(fan: Fan, take: Take, drop: float) -> np.ndarray:
    turns = turning(np.full(take.n, HUM_HZ))
    lines = fan.hum_lines.copy()
    lines[1:] *= 1 + 1.5 * drop  # saturation: more upper harmonics
    x = stack(turns.z, lines, take.rng("hum").random(6), HUM_HZ)
    if take.has("voltage"):
        take.box(20, 8000)  # hum below 620 Hz, weaker flow above
    return take.level("hum", SHARES["hum"] * (1 + drop * (db(16) - 1))) * x


def _tick(fan: Fan, take: Take, rotor: Shaft) -> np.ndarray:
    rng = take.rng("fault")
    at = rotor.when(1.0, rng.random())
    amplitude = take.amount("tick") / np.sqrt(rotor.top) * (1 + 0.25 * rng.standard_normal(len(at)))
    casing = fan.casing.jittered(rng, 0.06, 3.0)  # where it touches differs from case to case
    take.box(700, 6000)
    return strike(at + rng.normal(0, 0.002 * FS / rotor.top, len(at)), amplitude, casing, take.n)


def _rub(take: Take, rotor: Shaft) -> np.ndarray:
    rng = take.rng("fault")
    hz = rng.uniform(2000, 4500)
    squeal = turning(hz * (1 + wander(rng, take.n, 0.01, 0.15)))
    line = stack(squeal.z, np.array([1.3, 0.4]), rng.random(2), squeal.top)
    breath = coloured(rng, take.n, band(take.n, 0.8 * hz, 1.25 * hz))  # stick-slip noise around it
    gate = np.maximum(rotor.cos(1, rng.random()) + np.float32(rng.uniform(-0.3, 0.3)), 0)
    take.box(0.85 * hz, 1.2 * hz)
    if 2 * squeal.top < NYQUIST_GUARD * FS:
        take.box(1.93 * hz, 2.07 * hz)
    return np.float32(take.amount("rub") * 1.4) * gate * (line + np.float32(0.5) * breath)
