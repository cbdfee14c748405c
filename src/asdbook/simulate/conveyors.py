"""Toy conveyor (methods/simulator.md 3.6): brushed gear motor, rollers, and a belt whose seam thumps once a lap.

Attribute physics: `speed`, and `load` on the belt (0 to 1): mesh and friction rise by 4 dB, speed falls by 3 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate import brushed
from asdbook.simulate.brushed import Gearmotor
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, flurry, lognormal, scatter, strike
from asdbook.simulate.phase import FS, Shaft, stack, turning, wander
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import balance, cast

FAULTS = {
    "slip": (
        "The belt jams and slips: the drive slows for a moment and the belt chirps.",
        "short dips of all lines with a chirp at 0.8-2.5 kHz",
    ),
    "object": (
        "A metal object on the belt rattles over a roller once per lap.",
        "a short rattle once per lap, 0.8-6 kHz",
    ),
    "roller": (
        "A bent roller: gears and friction swell with every turn of the roller, and scrape during half of it.",
        "fluctuation at the roller rate, 1-5 kHz",
    ),
    "voltage": brushed.VOLTAGE,
}

SHARES = {"motor": 0.30, "ripple": 0.35, "mesh": 0.55, "friction": 0.60, "seam": 0.25, "brush": 0.15}
"""RMS of the components at design speed and half load."""
ROLLER_HZ = (5.0, 9.5)
"""Turns of a roller per s at design speed; 4-12 over copies, speeds and loads."""
LAP = (1.0, 2.2)
"""Time of a belt lap at design speed in s."""
RATTLE = 24
"""Hits of the object per lap, within 100 ms: with fewer, single hits would reach full scale."""
SEAM = 0.06
"""Time between the seam's thumps on the two end rollers, as a share of a lap."""


@dataclass(frozen=True)
class Conveyor:
    """What a conveyor is from clip to clip. Shares are RMS relative to the healthy conveyor."""

    motor: Gearmotor  # its wheel is the driven roller
    rollers_per_lap: float  # turns of a roller per lap of the belt
    seam: Modes
    metal: Modes
    shares: dict[str, float]

    @property
    def lap_hz(self) -> float:
        """Laps of the belt per s at design speed."""
        return self.motor.wheel_hz / self.rollers_per_lap


def design(rng: np.random.Generator, individual: Tolerance) -> Conveyor:
    """A toy conveyor of this data seed (`rng`) and one copy of it (`individual`)."""
    motor = brushed.design(rng, individual, ROLLER_HZ, (12.0, 18.0))
    return Conveyor(
        motor=motor,
        rollers_per_lap=rng.uniform(*LAP) * motor.wheel_hz / motor.pace,  # the belt's length is the design's
        seam=cast(individual, draw_modes(rng, 200, 1400, 4, (0.05, 0.12))),
        metal=cast(individual, draw_modes(rng, 900, 5000, 5, (0.015, 0.04))),
        shares=balance(individual, SHARES),
    )


def sound(conveyor: Conveyor, take: Take) -> np.ndarray:
    """The conveyor close by, float32 (n,), about unit RMS when healthy at design speed and half load."""
    load = take.point.load - 0.5
    speed = take.point.speed * (1 - 0.03 * load) * brushed.drift(take)
    steady = brushed.axle(conveyor.motor, take, speed)
    motor, chirp = _slipping(take, steady) if take.has("slip") else (steady, np.zeros(take.n, np.float32))
    roller = motor.geared(1 / conveyor.motor.reduction)
    belt = roller.geared(1 / conveyor.rollers_per_lap)
    if take.has("slip"):
        _box_seam(conveyor, take, steady, belt)
    loud, bent = brushed.loudness(speed) * db(4 * load), take.amount("roller")
    x = brushed.tones(conveyor.motor, take, motor, conveyor.shares, loud, bent)
    x += brushed.friction(conveyor.motor, take, roller, conveyor.shares["friction"] * loud, bent)
    x += brushed.brush(take, motor, conveyor.shares["brush"])
    x += _seam(conveyor, take, belt, speed) + chirp
    if take.has("object"):
        x += _object(conveyor, take, belt)
    if take.has("roller"):
        x += brushed.scrape(take, roller, bent)
    return x


def _seam_at(take: Take, belt: Shaft) -> np.ndarray:
    """Sample positions of the seam on the first and second end roller, in order."""
    offset = float(take.rng("seam place").random())
    return np.sort(np.concatenate([belt.when(1.0, offset), belt.when(1.0, offset - SEAM)]))


def _seam(conveyor: Conveyor, take: Take, belt: Shaft, speed: float) -> np.ndarray:
    at = _seam_at(take, belt)
    uneven = scatter(take.rng("seam"), 0.2, int(take.span * 8) + 2)[: len(at)]  # thump k keeps its draw
    force = take.level("seam", conveyor.shares["seam"] / np.sqrt(2 * conveyor.lap_hz * speed))
    return strike(at, force * uneven, conveyor.seam.jittered(take.rng("seam modes"), 0.01, 0.5), take.n)


def _slipping(take: Take, motor: Shaft) -> tuple[Shaft, np.ndarray]:
    """The motor's shaft and the belt's chirp: episodes of 50-200 ms in which speed falls by 5-20 % at gain 1.

    The first episode lies in the kept part whatever else is drawn; others follow 0.4-1.2 s apart.
    """
    rng, amount = take.rng("fault"), take.amount("slip")
    first = take.lead / FS + rng.uniform(0.02, max(take.seconds - 0.25, 0.03))
    count = int(take.span / 0.4) + 2
    starts = first + np.concatenate([[0.0], np.cumsum(rng.uniform(0.4, 1.2, count))])
    length, depth = rng.uniform(0.05, 0.20, count + 1), rng.uniform(0.05, 0.20, count + 1)
    hz = rng.uniform(800, 2000)
    t = np.arange(take.n) / FS
    gate, drop = np.zeros(take.n), np.zeros(take.n)
    for start, lasts, deep in zip(starts, length, depth):
        within = np.clip((t - start) / lasts, 0, 1)
        bump = np.sin(np.pi * within) ** 2  # edges of a quarter of the episode, 12 ms at least
        gate, drop = gate + bump, drop + min(deep * amount, 0.4) * bump
        if start < take.n / FS:
            take.box(20, 8000, start - take.lead / FS, start + lasts - take.lead / FS + 0.02)
    swept = turning(hz * (1.25 - 0.25 * gate) * (1 + wander(rng, take.n, 0.02, 0.05)))  # falls as the belt grips
    tone = stack(swept.z, np.array([1.2, 0.6, 0.3]), rng.random(3), swept.top)
    rate = float(np.mean(length)) / 0.8  # share of time in episodes, by expectation
    loud = np.float32(amount / np.sqrt(rate * 3 / 8))  # mean square of the bump
    return motor.braked(drop), loud * gate.astype(np.float32) * tone


def _box_seam(conveyor: Conveyor, take: Take, steady: Shaft, belt: Shaft) -> None:
    """The seam comes late after a slip: boxes around its due and its true thumps."""
    free = steady.geared(1 / (conveyor.motor.reduction * conveyor.rollers_per_lap))
    for due, now in zip(_seam_at(take, free), _seam_at(take, belt)):
        if now - due > 0.001 * FS:
            take.box(100, 2500, (due - take.lead) / FS - 0.01, (now - take.lead) / FS + 0.04)


def _object(conveyor: Conveyor, take: Take, belt: Shaft) -> np.ndarray:
    """Something hard on the belt: RATTLE hits each time it passes the roller; in the kept part once at least."""
    rng = take.rng("fault")
    seen = rng.uniform(take.lead, take.n - 0.12 * FS)
    place = float(np.interp(seen, np.arange(take.n), belt.turns))
    at = belt.when(1.0, -place)
    hits = flurry(rng, at, RATTLE, 0.10).ravel()
    force = take.amount("object") / np.sqrt(RATTLE * conveyor.lap_hz) * lognormal(rng, 0.3, len(hits))
    here = hits < take.n - 1
    take.box_events(at, 0.14, 500, 7900)
    return strike(hits[here], force[here], conveyor.metal.jittered(rng, 0.06, 3.0), take.n)
