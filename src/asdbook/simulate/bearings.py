"""Rolling bearings (methods/simulator.md 3.3): rollers that pass a defect strike it.

With n balls of diameter d on pitch diameter D at contact angle phi, outer ring fixed, per turn of the shaft:
BPFO = n/2 (1 - (d/D) cos phi), BPFI = n/2 (1 + (d/D) cos phi), FTF = (1 - (d/D) cos phi) / 2,
BSF = D/(2d) (1 - (d/D)^2 cos^2 phi).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, lognormal, poisson, renewal, response, scatter, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, MAINS, Shaft, modulate, shaft, spin, stack, voice
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, cast, factor, tilt, tuned

FAULTS = {
    "outer": (
        "A pit in the outer ring is struck by every passing ball.",
        "impact rate BPFO in the bearing's resonances, 1.3-5.2 kHz",
    ),
    "inner": (
        "A pit in the inner ring: struck at BPFI, louder while it passes the load zone, once a turn.",
        "impact rate BPFI with sidebands at the shaft rate, 1.3-5.2 kHz",
    ),
    "ball": (
        "A damaged ball strikes both rings; its loudness follows the cage.",
        "impact rate 2 BSF with sidebands at FTF, 1.3-5.2 kHz",
    ),
    "contamination": (
        "Dirt in the grease: irregular crackle.",
        "random impacts, 1.3-5.2 kHz",
    ),
    "looseness": (
        "A loose housing rattles every second turn.",
        "impacts at half the shaft rate, 0.25-1.4 kHz",
    ),
}

SHARES = {"shaft": 0.30, "poles": 0.35, "rolling": 0.80}
"""RMS of the components at design speed."""
CATALOGUE = ((8, 6.75, 28.5), (9, 7.94, 39.04))
"""(balls, ball diameter mm, pitch diameter mm) of the 6203 and 6205 classes; contact angle 0."""


@dataclass(frozen=True)
class Geometry:
    """A bearing's dimensions: n balls, d and D in mm, contact angle in rad."""

    balls: int
    ball_mm: float
    pitch_mm: float
    angle: float = 0.0

    @property
    def ratio(self) -> float:
        """(d / D) cos phi."""
        return self.ball_mm / self.pitch_mm * float(np.cos(self.angle))

    @property
    def bpfo(self) -> float:
        """Balls passing a point of the outer ring, per turn."""
        return self.balls / 2 * (1 - self.ratio)

    @property
    def bpfi(self) -> float:
        """Balls passing a point of the inner ring, per turn."""
        return self.balls / 2 * (1 + self.ratio)

    @property
    def ftf(self) -> float:
        """Turns of the cage per turn."""
        return (1 - self.ratio) / 2

    @property
    def bsf(self) -> float:
        """Spins of a ball per turn; a defect hits both rings, so it strikes at 2 BSF."""
        return self.pitch_mm / (2 * self.ball_mm) * (1 - self.ratio**2)


@dataclass(frozen=True)
class Bearing:
    """What a bearing on its test stand is from clip to clip."""

    hz: float
    geometry: Geometry
    modes: Modes
    housing: Modes
    shaft_lines: np.ndarray
    pole_lines: np.ndarray
    rumble: float  # knee of the cage's low noise, Hz
    fall: float
    shares: dict[str, float]


def design(rng: np.random.Generator, individual: Tolerance) -> Bearing:
    """A bearing of this data seed; `hz` belongs to attribute vel 14 (1400 rpm)."""
    balls, ball, pitch = CATALOGUE[int(rng.integers(len(CATALOGUE)))]
    return Bearing(
        hz=14 * 100 / 60 * factor(individual, SPEED),
        geometry=Geometry(balls, ball * (1 + rng.uniform(-0.02, 0.02)), pitch),
        modes=cast(individual, draw_modes(rng, 1300, 5200, 5, (0.015, 0.05))),
        housing=cast(individual, draw_modes(rng, 250, 1400, 4, (0.02, 0.05))),
        shaft_lines=tuned(individual, voice(rng, 5, 4.0)),
        pole_lines=tuned(individual, voice(rng, 6, 4.0)),
        rumble=600 * factor(individual, KNEE),
        fall=tilt(individual, 1.0),
        shares=balance(individual, SHARES),
    )


def sound(bearing: Bearing, take: Take) -> np.ndarray:
    """The bearing close to its housing, float32 (n,), about unit RMS when healthy at design speed."""
    spindle = shaft(take.rng("shaft"), take.n, bearing.hz * take.point.speed, MAINS)
    phases = take.rng("line phases").random((2, 6))
    x = take.level("shaft", bearing.shares["shaft"]) * stack(
        spindle.z, bearing.shaft_lines, phases[0, :5], spindle.top
    )
    x += take.level("poles", bearing.shares["poles"]) * stack(
        spin(6 * spindle.turns), bearing.pole_lines, phases[1], 6 * spindle.top
    )
    x += _rolling(bearing, take, spindle)
    if any(take.has(name) for name in ("outer", "inner", "ball")):
        x += _struck(bearing, take, spindle)
    if take.has("contamination"):
        x += _dirt(bearing, take)
    if take.has("looseness"):
        x += rattle(bearing.housing, take, spindle, "looseness")
    return x


def _rolling(bearing: Bearing, take: Take, spindle: Shaft) -> np.ndarray:
    modes = bearing.modes.jittered(take.rng("mode jitter"), 0.01, 0.5)
    ringing = np.abs(response(modes, take.n))
    ringing /= np.float32(np.sqrt(np.mean(ringing**2)))
    shape = ringing + 0.4 * slope(take.n, bearing.rumble, 0.7, bearing.fall)  # and a little low rumble of the cage
    x = coloured(take.rng("rolling"), take.n, shape)
    x = modulate(x, spindle.cos(1, take.rng("rolling phase").random()), 0.25)
    speed = db(8 * np.log2(take.point.speed))  # +8 dB per doubling of speed
    return take.level("rolling", bearing.shares["rolling"] * speed) * x


def _struck(bearing: Bearing, take: Take, spindle: Shaft) -> np.ndarray:
    """Localised defects: x = sum_k q(t_k) h(t - t_k), rates and load weights q by the defect's place."""
    rng = take.rng("fault")
    name = take.fault.name if take.fault else ""
    g = bearing.geometry
    order = {"outer": g.bpfo, "inner": g.bpfi, "ball": 2 * g.bsf}[name]
    turns = renewal(rng, 1 / order, 0.01, take.span * spindle.top + 1)  # slip: 1 % of the interval
    at = spindle.at(turns)
    turns = turns[: len(at)]
    offset = rng.random()
    if name == "inner":
        weight = np.maximum(0, 0.5 + 0.6 * np.cos(2 * np.pi * (turns + offset))) / 0.67  # unit mean square
    elif name == "ball":
        weight = np.maximum(0, 0.5 + 0.5 * np.cos(2 * np.pi * (g.ftf * turns + offset))) / 0.61
    else:
        weight = np.ones(len(at))
    rate = order * bearing.hz * take.point.speed
    amplitude = take.amount(name) / np.sqrt(rate) * weight * scatter(rng, 0.2, len(at))
    take.box(300, 8000)  # modes at 1.3-5.2 kHz and their skirts
    return strike(at, amplitude, bearing.modes.jittered(rng, 0.04, 3.0), take.n)


def _dirt(bearing: Bearing, take: Take) -> np.ndarray:
    rng = take.rng("fault")
    rate = rng.uniform(15, 30)  # rarer grains of that power would reach full scale
    at = poisson(rng, rate, 0, take.n)
    inside = poisson(rng, 1.0, take.lead, take.n)[:1]  # one grain at least in the kept part
    at = np.concatenate([at, inside])
    amplitude = take.amount("contamination") / np.sqrt(rate) * lognormal(rng, 0.45, len(at))
    modes = bearing.modes.jittered(rng, 0.08, 3.0)
    take.box_events(at, 0.015, 600, 8000)
    return strike(at, amplitude, modes, take.n)


def rattle(modes: Modes, take: Take, spindle: Shaft, name: str) -> np.ndarray:
    """Looseness: impacts at half the shaft rate, +-40 % amplitude, 3 % timing scatter.

    A pure sine at f_r / 2 would lie below 25 Hz and be inaudible.
    """
    rng = take.rng("fault")
    at = spindle.when(0.5, rng.random())
    rate = 0.5 * spindle.top
    amplitude = take.amount(name) / np.sqrt(rate) * scatter(rng, 0.4, len(at))
    at = at + rng.normal(0, 0.03 * FS / rate, len(at))
    take.box(250, 1600)
    return strike(np.clip(at, 0, take.n - 1), amplitude, modes.jittered(rng, 0.06, 3.0), take.n)
