"""Small brushed motors with plastic gears (methods/simulator.md 3.6): what toy car, train and conveyor share.

Orders of one motor at f_m: commutation ripple 6 f_m (three armature slots), pinion mesh 8-10 f_m, wheels f_m / R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import BRUSHED, Shaft, modulate, shaft, spin, stack, voice
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, cast, factor, tilt, tuned

SPEED = 0.025
"""Relative standard deviation of speed between copies: 2-3 % of a cheap motor."""
OFF = 0.12
"""Share by which a wrong voltage moves the speed."""
VOLTAGE = (
    "Wrong voltage and worn brushes: speed off, motor orders and brush noise up.",
    "all lines shifted; crackle at 2-6 kHz",
)


@dataclass(frozen=True)
class Gearmotor:
    """Motor, pinion and the wheel (or roller) that they turn, from clip to clip."""

    hz: float  # motor at design speed
    reduction: float
    pace: float  # speed of this copy relative to the design
    pinion: int  # teeth
    motor_lines: np.ndarray
    ripple_lines: np.ndarray
    mesh_lines: np.ndarray
    knee: float
    fall: float
    casing: Modes

    @property
    def wheel_hz(self) -> float:
        """Turns of the wheel per s at design speed."""
        return self.hz / self.reduction


def design(
    rng: np.random.Generator, individual: Tolerance, wheel: tuple[float, float], reduction: tuple[float, float]
) -> Gearmotor:
    """A motor whose wheel turns `wheel` times per s through a `reduction`, both drawn from their ranges."""
    pace, gears = factor(individual, SPEED), rng.uniform(*reduction)
    return Gearmotor(
        hz=rng.uniform(*wheel) * gears * pace,
        reduction=gears,
        pace=pace,
        pinion=int(rng.integers(8, 11)),
        motor_lines=tuned(individual, voice(rng, 5, 3.0)),
        ripple_lines=tuned(individual, voice(rng, 6, 4.0)),
        mesh_lines=tuned(individual, voice(rng, 8, 4.0)),
        knee=rng.uniform(1000, 2000) * factor(individual, KNEE),
        fall=tilt(individual, 1.1),
        casing=cast(individual, draw_modes(rng, 1000, 4000, 5, (0.03, 0.08))),
    )


def drift(take: Take) -> float:
    """Speed relative to what it would be: off by up to 18 % either way with the fault `voltage`."""
    off = min(take.amount("voltage"), 1.5)
    sign = 1 if take.rng("fault sign").random() < 0.5 else -1
    return 1 + OFF * sign * off


def axle(motor: Gearmotor, take: Take, speed: float) -> Shaft:
    """The motor's shaft in this clip at `speed` relative to the design."""
    return shaft(take.rng("motor"), take.n, motor.hz * speed, BRUSHED)


def loudness(speed: float) -> float:
    """+8 dB per doubling of speed, as an amplitude."""
    return db(8 * np.log2(speed))


def tones(
    motor: Gearmotor, take: Take, turning: Shaft, shares: dict[str, float], loud: float, bent: float
) -> np.ndarray:
    """Motor orders, commutation ripple and pinion mesh; `bent` makes the mesh pulse with the wheel."""
    gear, off = take.amount("gear"), take.amount("voltage")
    wheel = turning.geared(1 / motor.reduction)
    rng = take.rng("line phases")
    phases, angle = rng.random((3, 8)), rng.random(3)
    x = stack(turning.z, motor.motor_lines, phases[0, :5], turning.top)
    x *= take.level("motor", shares["motor"] * (1 + 1.0 * off))
    ripple = stack(spin(6 * turning.turns), motor.ripple_lines, phases[1, :6], 6 * turning.top)
    x += take.level("ripple", shares["ripple"] * (1 + 0.5 * off)) * ripple
    lines = motor.mesh_lines.copy()
    lines[1:] *= 1 + gear * (db(8) - 1)
    mesh = stack(spin(motor.pinion * turning.turns), lines, phases[2], motor.pinion * turning.top)
    mesh = modulate(mesh, wheel.cos(1, angle[0]), min(0.12 + 0.75 * bent + 0.3 * gear, 0.95))
    mesh = modulate(mesh, wheel.cos(2, angle[1]), min(0.4 * bent, 0.8))
    return x + take.level("mesh", shares["mesh"] * loud) * mesh


def friction(motor: Gearmotor, take: Take, wheel: Shaft, share: float, bent: float) -> np.ndarray:
    """Friction noise that breathes with the wheel, more so with a `bent` one."""
    x = coloured(take.rng("friction"), take.n, slope(take.n, motor.knee, 0.8, motor.fall))
    angle = take.rng("friction phase").random()
    return take.level("friction", share) * modulate(x, wheel.cos(1, angle), min(0.2 + 0.7 * bent, 0.95))


def brush(take: Take, turning: Shaft, share: float) -> np.ndarray:
    """Brush noise at 2-6 kHz, three times a turn; worn brushes (fault `voltage`) are up to 14 dB louder."""
    worn = take.amount("voltage")
    x = coloured(take.rng("brush"), take.n, band(take.n, 2000, 6000, 0.6))
    x = modulate(x, turning.cos(3, take.rng("brush phase").random()), 0.5)
    if take.has("voltage"):
        take.box(20, 8000)  # brush noise at 2-6 kHz, and every line shifts
    return take.level("brush", share * (1 + 4.0 * worn)) * x


def scrape(take: Take, wheel: Shaft, amount: float) -> np.ndarray:
    """Scraping during half of each turn of a bent axle or roller, 1-5 kHz."""
    rng = take.rng("fault")
    gate = np.maximum(wheel.cos(1, rng.random()), 0)
    noise = coloured(rng, take.n, band(take.n, rng.uniform(1000, 1800), 5000, 0.5))
    take.box(300, 8000)
    return np.float32(1.2 * amount) * gate * noise
