"""Fans and brushless motors: a rotor, its tones and its flow (methods/simulator.md 3.1). Pumps share the parts.

Lines: shaft rate f_r and multiples, blade pass N_b f_r (commutation 6 p f_r of a motor with p pole pairs),
mains hum 2 f_line (torque ripple 2 p f_r of the motor). Flow noise power rises with 50-60 log10 of speed and its
knee with speed itself; a motor's grows by 8 dB per doubling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, scatter, strike
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import (
    FS,
    MAINS,
    NYQUIST_GUARD,
    SERVO,
    Drive,
    Shaft,
    modulate,
    shaft,
    spin,
    stack,
    turning,
    voice,
    wander,
)
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, cast, factor, tilt, tuned

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
        "vertical lines at the shaft rate, 1-4 kHz; sidebands of the blade tones",
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
FAULTS_MOTOR = {
    "unbalance": FAULTS["unbalance"],
    "tick": (
        "A chip of a magnet touches the stator once per turn and rings the casing.",
        "vertical lines at the shaft rate, 1-4 kHz; sidebands of the commutation",
    ),
    "rub": FAULTS["rub"],
    "phase": (
        "One of the three phases is weak: the rotor slows and its torque ripples.",
        "all lines lower; multiples of twice the electrical frequency",
    ),
}

HUM_HZ = 100.0
"""Twice 50 Hz, in both domains: as in the DCASE sets, the noise of another place is mixed to the same fan, and
the fan's own mains does not move with it."""
FLOW_LAW = 55.0
"""Power of flow noise in dB per decade of speed: 50-60."""
MOTOR_LAW = 27.0
"""Power of a motor's sound in dB per decade of speed: 8 dB per doubling."""
SHARES = {"shaft": 0.25, "blade": 0.35, "flow": 0.80, "hum": 0.20}
"""RMS of the components relative to the healthy machine (methods/simulator.md 3.1)."""
SHARES_MOTOR = {"shaft": 0.25, "blade": 0.60, "flow": 0.70, "hum": 0.15}
"""The same of a brushless motor: commutation in place of blades, torque ripple in place of hum."""


@dataclass(frozen=True)
class Fan:
    """What a fan or motor is from clip to clip; frequencies in Hz, amplitudes of unit-RMS stacks."""

    hz: float
    blades: int  # order of its tones: blades, or commutations a turn
    knee: float
    rise: float
    fall: float
    breath: float  # modulation depth of flow noise at blade pass
    shaft_lines: np.ndarray
    blade_lines: np.ndarray
    hum_lines: np.ndarray
    casing: Modes
    shares: dict[str, float]
    drive: Drive = MAINS
    law: float = FLOW_LAW  # dB per decade of speed
    hum_order: int | None = None  # of the shaft; None: mains hum


def design(rng: np.random.Generator, individual: Tolerance) -> Fan:
    """A fan of this data seed (`rng`) and its copy (`individual`); 1440-2640 rpm."""
    return Fan(
        hz=rng.uniform(24, 44) * factor(individual, SPEED),
        blades=int(rng.choice([5, 7, 9, 11])),  # odd numbers are usual
        knee=rng.uniform(350, 800) * factor(individual, KNEE),
        rise=0.8,
        fall=tilt(individual, 1.3),
        breath=rng.uniform(0.2, 0.4) * factor(individual, 0.1),
        shaft_lines=tuned(individual, voice(rng, 6, 4.0)),
        blade_lines=tuned(individual, voice(rng, 8, 4.5)),
        hum_lines=tuned(individual, voice(rng, 6, 5.0)),
        casing=cast(individual, draw_modes(rng, 900, 4000, 5, (0.01, 0.04))),
        shares=balance(individual, SHARES),
    )


def design_motor(rng: np.random.Generator, individual: Tolerance) -> Fan:
    """A brushless motor: 2000 rpm at speed 1, two to five pole pairs, cooling air and rolling noise as its flow."""
    pairs = int(rng.choice([2, 3, 4, 5]))
    return Fan(
        hz=2000 / 60 * factor(individual, SPEED),
        blades=6 * pairs,  # six steps of the commutation per electrical turn
        knee=rng.uniform(800, 1600) * factor(individual, KNEE),
        rise=0.8,
        fall=tilt(individual, 1.1),
        breath=rng.uniform(0.1, 0.3) * factor(individual, 0.1),
        shaft_lines=tuned(individual, voice(rng, 6, 4.0)),
        blade_lines=tuned(individual, voice(rng, 8, 4.0)),
        hum_lines=tuned(individual, voice(rng, 6, 5.0)),
        casing=cast(individual, draw_modes(rng, 1200, 4500, 5, (0.01, 0.04))),
        shares=balance(individual, SHARES_MOTOR),
        drive=SERVO,
        law=MOTOR_LAW,
        hum_order=2 * pairs,
    )


def sound(fan: Fan, take: Take) -> np.ndarray:
    """The fan close to its casing, float32 (n,), about unit RMS when healthy at design speed."""
    drop = min(take.amount("voltage") + take.amount("phase"), 1.5)
    clog = min(take.amount("clogging"), 1.5)
    relative = take.point.speed * (1 - 0.10 * drop) * (1 + 0.04 * clog)
    rotor = shaft(take.rng("shaft"), take.n, fan.hz * relative, fan.drive)
    x = _tones(fan, take, rotor, clog, relative)
    x += _flow(fan, take, rotor, clog, relative)
    mains = turning(np.full(take.n, HUM_HZ))
    if take.has("voltage") or take.has("phase"):
        take.box(20, 8000)  # hum below 620 Hz, weaker flow above
    cycle = mains if fan.hum_order is None else rotor.geared(fan.hum_order)
    x += hum(take, cycle, fan.hum_lines, fan.shares["hum"], drop)
    if take.has("tick"):
        x += ticks(fan.casing, take, rotor, "tick")
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
    level = relative ** (fan.law / 20)  # tonal power follows speed about as flow power does
    x = take.level("shaft", fan.shares["shaft"] * level) * stack(
        rotor.z, fan.shaft_lines * rise, phases[0, :6], rotor.top
    )
    tones = stack(spin(fan.blades * rotor.turns), fan.blade_lines, phases[1], fan.blades * rotor.top)
    depth = min(0.10 + 0.8 * unbalance + 0.4 * tick, 1.0)
    tones = modulate(tones, rotor.cos(1, rng.random()), depth)
    x += take.level("blade", fan.shares["blade"] * level * db(-5 * clog)) * tones
    if take.has("tick"):
        take.box_lines(fan.blades * rotor.hz * np.arange(1, 4), 1.5 * rotor.hz)
    if take.has("unbalance"):
        take.box(20, 8000)  # the lines at the bottom, the fluctuation everywhere
    return x


def _flow(fan: Fan, take: Take, rotor: Shaft, clog: float, relative: float) -> np.ndarray:
    unbalance = take.amount("unbalance")
    knee = fan.knee * relative * (1 - 0.35 * clog)
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
    return take.level("flow", fan.shares["flow"] * relative ** (fan.law / 20)) * flow


def hum(take: Take, cycle: Shaft, lines: np.ndarray, share: float, drop: float) -> np.ndarray:
    """Hum of the iron at the turns of `cycle`; `drop` saturates it: up to 16 dB more, most in upper harmonics."""
    lines = lines.copy()
    lines[1:] *= 1 + 1.5 * drop
    x = stack(cycle.z, lines, take.rng("hum").random(len(lines)), cycle.top)
    return take.level("hum", share * (1 + drop * (db(16) - 1))) * x


def ticks(modes: Modes, take: Take, rotor: Shaft, name: str) -> np.ndarray:
    """Fault `name`: one hit per turn, through `modes`."""
    rng = take.rng("fault")
    at = rotor.when(1.0, rng.random())
    amplitude = take.amount(name) / np.sqrt(rotor.top) * scatter(rng, 0.25, len(at))
    own = modes.jittered(rng, 0.06, 3.0)  # where it touches differs from case to case
    take.box(700, 6000)
    at = at + rng.normal(0, 0.002 * FS / rotor.top, len(at))
    return strike(np.clip(at, 0, take.n - 1), amplitude, own, take.n)


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
