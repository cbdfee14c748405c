"""A pair of gears (methods/simulator.md 3.2): mesh f_m = Z1 f_1, sidebands, friction, motor lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, scatter, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, MAINS, Shaft, modulate, shaft, spin, stack, voice
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, cast, factor, tilt, tuned

FAULTS = {
    "wear": (
        "All teeth worn: upper mesh harmonics grow and pulse with the shaft.",
        "mesh harmonics 2-10 and all their sidebands, 0.5-8 kHz",
    ),
    "tooth": (
        "A cracked or missing tooth knocks once per turn.",
        "vertical lines at the pinion's rate, 0.7-3.6 kHz",
    ),
    "misalignment": (
        "Shafts out of line: even mesh harmonics and the second shaft order grow.",
        "2nd, 4th, 6th mesh harmonic; sidebands at twice the shaft rate of all",
    ),
    "lubrication": (
        "Too little oil: friction noise rises, becomes brighter and pulses with the pinion.",
        "noise floor at 2-7 kHz",
    ),
}

SHARES = {"mesh": 0.80, "friction": 0.50, "motor": 0.25, "shaft": 0.15}
"""RMS of the components at half load."""
HARMONICS = 10


@dataclass(frozen=True)
class Gearbox:
    """What a gearbox is from clip to clip."""

    hz: float  # pinion shaft at design speed
    teeth: tuple[int, int]
    knee: float  # of friction noise, Hz
    fall: float
    mesh_lines: np.ndarray
    motor_lines: np.ndarray
    am: float
    pm: float  # rad
    casing: Modes
    shares: dict[str, float]


def design(rng: np.random.Generator, individual: Tolerance) -> Gearbox:
    """A gearbox of this data seed: Z1 17-31, Z2 31-61 coprime, f_1 15-30 Hz, so the mesh is at 255-930 Hz."""
    z1 = int(rng.integers(17, 32))
    z2 = int(rng.choice([z for z in range(33, 62) if np.gcd(z, z1) == 1]))
    return Gearbox(
        hz=rng.uniform(15, 30) * factor(individual, SPEED),
        teeth=(z1, z2),
        knee=rng.uniform(1200, 2500) * factor(individual, KNEE),
        fall=tilt(individual, 1.1),
        mesh_lines=tuned(individual, voice(rng, HARMONICS, 5.0)),
        motor_lines=tuned(individual, voice(rng, 5, 4.0)),
        am=rng.uniform(0.08, 0.16) * factor(individual, 0.2),
        pm=rng.uniform(0.05, 0.15) * factor(individual, 0.2),
        casing=cast(individual, draw_modes(rng, 700, 3600, 5, (0.01, 0.04))),
        shares=balance(individual, SHARES),
    )


def sound(box: Gearbox, take: Take) -> np.ndarray:
    """The gearbox close to its casing, float32 (n,), about unit RMS healthy at half load."""
    load = take.point.load
    hz = box.hz * take.point.speed * (1 - 0.025 * (load - 0.5))  # slip under load
    pinion = shaft(take.rng("shaft"), take.n, hz, MAINS)
    x = _mesh(box, take, pinion, db(6 * (load - 0.5)))  # 6 dB from none to full load
    x += _friction(box, take, pinion, db(3 * (load - 0.5)))
    x += _motor(box, take, pinion)
    if take.has("tooth"):
        x += _tooth(box, take, pinion)
    return x


def _mesh(box: Gearbox, take: Take, pinion: Shaft, level: float) -> np.ndarray:
    wear, bend = take.amount("wear"), take.amount("misalignment")
    z1, z2 = box.teeth
    rng = take.rng("mesh phases")
    phases, angle = rng.random(HARMONICS), rng.random(4)
    mesh = z1 * pinion.turns + box.pm / (2 * np.pi) * pinion.cos(1, angle[0])
    lines = box.mesh_lines.copy()
    lines[1:] *= 1 + wear * (db(14) - 1)
    lines[1::2] *= 1 + bend * (db(9) - 1)
    x = stack(spin(mesh), lines, phases, z1 * pinion.top * 1.02)
    x = modulate(x, pinion.cos(1, angle[1]), min(box.am + 0.6 * wear, 0.9))
    x = modulate(x, pinion.cos(z1 / z2, angle[2]), box.am)  # the wheel's shaft
    x = modulate(x, pinion.cos(2, angle[3]), min(0.7 * bend, 0.9))
    mesh_hz = z1 * pinion.hz
    if take.has("wear"):
        take.box_lines(mesh_hz * np.arange(1, HARMONICS + 1), 1.5 * pinion.hz)
    if take.has("misalignment"):  # every harmonic pulses twice a turn; the shaft's second order grows
        take.box_lines(np.append(2 * pinion.hz, mesh_hz * np.arange(1, HARMONICS + 1)), 2.5 * pinion.hz)
    return take.level("mesh", box.shares["mesh"] * level) * x


def _friction(box: Gearbox, take: Take, pinion: Shaft, level: float) -> np.ndarray:
    dry = take.amount("lubrication")
    fall = box.fall - 0.45 * min(dry, 1.5)
    shape = slope(take.n, box.knee, 0.8, fall)
    x = coloured(take.rng("friction"), take.n, shape)
    x = modulate(x, pinion.cos(box.teeth[0], take.rng("friction phase").random()), 0.3)
    starved = take.rng("starved phase").random()  # teeth that meet dry, always the same ones
    x = modulate(x, pinion.cos(1, starved), min(0.8 * dry, 0.9))
    if take.has("lubrication"):
        take.box(500, 8000)
    speed = take.point.speed ** (30 / 20)  # sliding noise grows slower with speed than flow does
    return take.level("friction", box.shares["friction"] * level * speed * (1 + 1.7 * dry)) * x


def _motor(box: Gearbox, take: Take, pinion: Shaft) -> np.ndarray:
    bend = take.amount("misalignment")
    phases = take.rng("motor phases").random((2, 5))
    x = stack(spin(3 * pinion.turns), box.motor_lines, phases[0], 3 * pinion.top)
    x *= take.level("motor", box.shares["motor"])
    lines = np.array([0.5, 0.5 * (1 + bend * (db(9) - 1)), 0.2])
    x += take.level("shaft", box.shares["shaft"]) * stack(pinion.z, lines, phases[1, :3], pinion.top)
    return x


def _tooth(box: Gearbox, take: Take, pinion: Shaft) -> np.ndarray:
    rng = take.rng("fault")
    at = pinion.when(1.0, rng.random())
    amplitude = take.amount("tooth") / np.sqrt(pinion.top) * scatter(rng, 0.3, len(at))
    at = at + rng.normal(0, 0.004 * FS / pinion.top, len(at))
    take.box(500, 6000)
    return strike(at, amplitude, box.casing.jittered(rng, 0.06, 3.0), take.n)
