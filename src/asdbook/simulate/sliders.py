"""Slide rails (methods/simulator.md 3.4): a carriage that runs to and fro with a trapezoid velocity.

Speed and position come from one cycle phase, so a defect of the rail sits at a fixed position: it sounds
once per stroke, at mirrored times. Motor whine follows the velocity and glides at the ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, flurry, scatter, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, NYQUIST_GUARD, modulate, stack, turning, voice, wander, wave
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, cast, factor, tilt, tuned

FAULTS = {
    "rail": (
        "A dent in the rail: the carriage knocks at one position, once per stroke.",
        "thin vertical lines at mirrored times, strongest at 1.5-5 kHz",
    ),
    "belt": (
        "A loose belt: whine and friction flutter at 15-40 Hz, a knock at reversal.",
        "pulsation below 1.5 kHz during motion",
    ),
    "grease": (
        "No grease: friction noise rises and becomes brighter while the carriage moves.",
        "noise at 1.5-7 kHz during motion",
    ),
    "jam": (
        "Stick-slip: the carriage squeals in the middle of a stroke.",
        "dashed lines at 1.5-2.5 kHz and harmonics",
    ),
}

SHARES = {"whine": 0.50, "friction": 0.70, "stops": 0.45, "idle": 0.08}
"""RMS of the components over whole cycles at design speed."""
WHINE_HZ = 160.0
"""Motor order at full design velocity."""
GRID = 2048
BALLS = 4
"""Balls of the carriage that pass a dent within 12 ms: one hit with all the energy would reach full scale."""
SLAPS = 3
"""Slaps of a loose belt at each reversal, within 30 ms, for the same reason."""


@dataclass(frozen=True)
class Slider:
    """What a slide rail is from clip to clip."""

    cycle: float  # s, two strokes, at design speed
    ramp: float  # share of a stroke at design speed and acceleration
    dwell: float  # share of a stroke
    whine_hz: float
    whine_lines: np.ndarray
    knee: float
    fall: float
    stop: Modes
    rail: Modes
    defect: float  # position 0-1 where this rail would be dented
    shares: dict[str, float]


@dataclass(frozen=True)
class Motion:
    """One clip's motion: cycle phase, velocity (1 = full speed) and position (0-1), all (n,)."""

    phase: np.ndarray
    velocity: np.ndarray
    position: np.ndarray
    cycle: float


def design(rng: np.random.Generator, individual: Tolerance) -> Slider:
    """A slide rail of this data seed (`rng`) and one copy of it (`individual`)."""
    pace = factor(individual, SPEED)
    return Slider(
        cycle=rng.uniform(0.70, 0.95) / pace,
        ramp=rng.uniform(0.10, 0.14),
        dwell=rng.uniform(0.05, 0.09),
        whine_hz=WHINE_HZ * np.exp(rng.normal(0, 0.1)) * pace * factor(individual, 0.01),
        whine_lines=tuned(individual, voice(rng, 9, 3.0)),
        knee=rng.uniform(800, 1500) * factor(individual, KNEE),
        fall=tilt(individual, 1.1),
        stop=cast(individual, draw_modes(rng, 300, 2500, 5, (0.02, 0.06))),
        rail=cast(individual, draw_modes(rng, 1500, 5000, 4, (0.012, 0.04))),
        defect=rng.uniform(0.2, 0.8),
        shares=balance(individual, SHARES),
    )


@lru_cache(maxsize=256)
def profile(ramp: float, dwell: float) -> tuple[np.ndarray, np.ndarray]:
    """Signed velocity and position over one cycle on GRID + 1 points: forth, dwell, back, dwell."""
    c = np.linspace(0, 1, GRID + 1)
    run = 1 - dwell
    knots = np.array([0, ramp * run, (1 - ramp) * run, run, 1]) / 2
    stroke = np.interp(c % 0.5, knots, [0, 1, 1, 0, 0])
    velocity = np.where(c < 0.5, stroke, -stroke)
    velocity[-1] = 0
    position = np.concatenate([[0], np.cumsum((velocity[1:] + velocity[:-1]) / 2)])
    return velocity, position / position.max()


def _shape(slider: Slider, take: Take) -> tuple[float, float]:
    """Ramp and dwell of this clip as shares of a stroke: ramps lengthen with speed over acceleration."""
    ramp = float(np.clip(slider.ramp * take.point.speed / take.point.ramp, 0.05, 0.30))
    return round(ramp, 4), round(slider.dwell, 4)


def motion(slider: Slider, take: Take) -> Motion:
    """The clip's strokes: period follows the set speed, ramps lengthen with speed over acceleration."""
    rng = take.rng("motion")
    point = take.point
    cycle = slider.cycle / point.speed * (1 + 0.006 * float(rng.standard_normal()))
    rate = (1 + wander(rng, take.n, 0.01, cycle)) / cycle  # strokes scatter by about 1 %
    phase = np.cumsum(rate / FS) + rng.random()
    velocity, position = profile(*_shape(slider, take))
    grid = np.linspace(0, 1, GRID + 1)
    at = phase - np.floor(phase)
    return Motion(phase, np.abs(np.interp(at, grid, velocity)), np.interp(at, grid, position), cycle)


def sound(slider: Slider, take: Take) -> np.ndarray:
    """The rail close by, float32 (n,), about unit RMS over whole cycles when healthy at design speed."""
    run = motion(slider, take)
    v = run.velocity.astype(np.float32)
    slack, dry = take.amount("belt"), take.amount("grease")
    rng = take.rng("fault")
    flutter = wave(np.cumsum(rng.uniform(15, 40) * (1 + wander(rng, take.n, 0.05, 0.2)) / FS))
    depth = min(0.9 * slack, 1.0)

    whine = turning(slider.whine_hz * take.point.speed * np.maximum(run.velocity, 0.02))
    tones = stack(whine.z, slider.whine_lines, take.rng("whine").random(9), whine.top)
    tones = modulate(tones * np.sqrt(v), flutter, depth)
    shape = slope(take.n, slider.knee, 0.8, max(slider.fall - 0.4 * min(dry, 1.5), 0.4))
    friction = modulate(coloured(take.rng("friction"), take.n, shape) * v ** np.float32(0.7), flutter, depth)
    speed = db(8 * np.log2(take.point.speed))

    x = take.level("whine", slider.shares["whine"] * 1.1 * take.point.speed) * tones
    x += take.level("friction", slider.shares["friction"] * 1.1 * speed * (1 + 2.0 * dry)) * friction
    x += take.level("idle", slider.shares["idle"]) * coloured(take.rng("idle"), take.n, slope(take.n, 300, 0.6, 1.0))
    x += _stops(slider, take, run)
    _boxes(slider, take, run)
    if take.has("rail"):
        x += _rail(slider, take, run)
    if take.has("belt"):
        x += _knock(slider, take, run)
    if take.has("jam"):
        x += _squeal(take, run)
    return x


def _at(run: Motion, marks: list[float]) -> np.ndarray:
    """Sample positions where the cycle phase passes any of `marks` (0-1)."""
    samples = np.arange(len(run.phase))
    found = []
    for mark in marks:
        whole = np.arange(np.ceil(run.phase[0] - mark), np.floor(run.phase[-1] - mark) + 1)
        found.append(np.interp(whole + mark, run.phase, samples))
    return np.sort(np.concatenate(found))


def _stops(slider: Slider, take: Take, run: Motion) -> np.ndarray:
    """Impacts at the end of each stroke; their force follows the deceleration."""
    rng = take.rng("stops")
    at = _at(run, [0.5 * (1 - slider.dwell), 1 - 0.5 * slider.dwell])
    uneven = scatter(rng, 0.25, len(at))
    force = take.level("stops", slider.shares["stops"] * np.sqrt(slider.cycle / 2) * take.point.ramp)
    modes = slider.stop.jittered(take.rng("stop modes"), 0.01, 0.5)
    return strike(at, force * uneven, modes, take.n)


def _rail(slider: Slider, take: Take, run: Motion) -> np.ndarray:
    """A dent: one short group of hits per stroke at a fixed position, scaled by nothing but severity."""
    rng = take.rng("fault")
    where = float(np.clip(slider.defect + rng.normal(0, 0.08), 0.12, 0.88))
    _, position = profile(*_shape(slider, take))
    half = GRID // 2
    there = float(np.interp(where, position[: half + 1], np.arange(half + 1))) / GRID
    back = 1 - 0.5 * slider.dwell - there  # the mirrored time of the way back
    at = _at(run, [there, back])
    hits = flurry(rng, at, BALLS, 0.012)
    force = take.amount("rail") * np.sqrt(run.cycle / (2 * BALLS)) * scatter(rng, 0.25, hits.shape)
    here = hits < take.n - 1
    take.box_events(at, 0.03, 700, 8000)
    return strike(hits[here], force[here], slider.rail.jittered(rng, 0.06, 3.0), take.n)


def _knock(slider: Slider, take: Take, run: Motion) -> np.ndarray:
    """The slack belt slaps its guard a few times at each reversal."""
    rng = take.rng("fault knock")
    hits = flurry(rng, _at(run, [0.03, 0.53]), SLAPS, 0.03)
    force = take.amount("belt") * np.sqrt(run.cycle / (2 * SLAPS)) * scatter(rng, 0.3, hits.shape)
    here = hits < take.n - 1
    return strike(hits[here], force[here], slider.stop.jittered(rng, 0.08, 3.0), take.n)


def _squeal(take: Take, run: Motion) -> np.ndarray:
    rng = take.rng("fault")
    hz = rng.uniform(1500, 2500)
    line = turning(hz * (1 + wander(rng, take.n, 0.02, 0.1)))
    tone = stack(line.z, np.array([1.2, 0.6, 0.35]), rng.random(3), line.top)
    centre = rng.uniform(0.35, 0.65)
    gate = np.exp(-(((run.position - centre) / 0.15) ** 2)) * (run.velocity > 0.5)
    smooth = np.convolve(gate, np.hanning(65) / np.hanning(65).sum(), "same")  # edges of 4 ms: no clicks
    starts = np.flatnonzero(np.diff((smooth > 0.25).astype(np.int8)) == 1)
    length = float(np.mean(smooth > 0.25)) * take.span / max(len(starts), 1)
    for order in (1, 2, 3):
        if order * line.top < NYQUIST_GUARD * FS:
            take.box_events(starts, length, 0.95 * hz * order, 1.05 * hz * order)
    return np.float32(take.amount("jam") * 1.6) * smooth.astype(np.float32) * tone


def _boxes(slider: Slider, take: Take, run: Motion) -> None:
    """Boxes of the faults that show whenever the carriage moves."""
    bands = {"belt": (20.0, 8000.0), "grease": (300.0, 8000.0)}
    name = take.fault.name if take.fault else ""
    if name not in bands:
        return
    starts = _at(run, [0.01, 0.51])
    take.box_events(starts, 0.44 * run.cycle, *bands[name])
