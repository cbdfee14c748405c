"""Toy car and toy train (methods/simulator.md 3.6): brushed gear motor, wheels, track joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate import brushed
from asdbook.simulate.brushed import Gearmotor
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, flurry, lognormal, poisson, scatter, strike
from asdbook.simulate.phase import FS, Shaft, stack, turning, wander
from asdbook.simulate.take import Take
from asdbook.simulate.tolerances import balance, cast, factor

FAULTS_CAR = {
    "shaft": (
        "A bent axle: gears and friction swell with every wheel turn, and scrape during half of it.",
        "fluctuation at the wheel rate, 1-5 kHz",
    ),
    "gear": (
        "A deformed gear: its harmonics grow, one tick per wheel turn.",
        "gear lines and ticks, 1-4 kHz",
    ),
    "voltage": brushed.VOLTAGE,
    "tyre": (
        "A flat or fouled tyre thumps once per wheel turn.",
        "thumps 45-140 ms apart, 0.2-1.6 kHz",
    ),
}
FAULTS_TRAIN = {
    "shaft": FAULTS_CAR["shaft"],
    "gear": FAULTS_CAR["gear"],
    "voltage": FAULTS_CAR["voltage"],
    "wheel": (
        "A flat wheel hammers the rail once per turn.",
        "hits at the wheel rate, 0.3-3 kHz",
    ),
    "track": (
        "A chipped joint: one joint of the oval rattles louder and longer than the others.",
        "a few thumps a clip, 0.3-3.5 kHz",
    ),
}


@dataclass(frozen=True)
class Toy:
    """What a toy is from clip to clip. Shares are RMS relative to the healthy toy at design speed."""

    motor: Gearmotor
    joint: Modes  # wheel on joint, damped
    joint_rate: float  # joints per s at design speed
    wheelbase: float  # s between the two axles' thumps at design speed
    laps: int  # joints per lap of the oval
    squeal_hz: float
    shares: dict[str, float]


CAR = {"motor": 0.30, "ripple": 0.35, "mesh": 0.60, "friction": 0.50, "joints": 0.25, "brush": 0.15}
TRAIN = {
    "motor": 0.25, "ripple": 0.30, "mesh": 0.50, "friction": 0.50, "joints": 0.55, "brush": 0.12,
    "squeal": 0.15, "chatter": 0.20,
}  # fmt: skip


CHIPS = 24
"""Hits of a passage over a chipped joint: with fewer, single hits would reach full scale."""
WHEEL_HZ = (9.5, 17.0)
"""Turns of a wheel per s at design speed: 59-105 ms a turn, 45-140 ms over all cars and speeds."""
REDUCTION = (6.5, 9.0)


def _design(rng: np.random.Generator, individual: Tolerance, shares: dict[str, float]) -> Toy:
    motor = brushed.design(rng, individual, WHEEL_HZ, REDUCTION)
    return Toy(
        motor=motor,
        joint=cast(individual, draw_modes(rng, 200, 1600, 4, (0.05, 0.12))),
        joint_rate=rng.uniform(2.5, 4.5) * motor.pace,
        wheelbase=rng.uniform(0.05, 0.09) / motor.pace,
        laps=int(rng.integers(5, 8)),
        squeal_hz=rng.uniform(2500, 4000) * factor(individual, 0.06),
        shares=balance(individual, shares),
    )


def design_car(rng: np.random.Generator, individual: Tolerance) -> Toy:
    """A toy car model of this data seed (`rng`) and one copy of it (`individual`: A1 ... E2)."""
    return _design(rng, individual, CAR)


def design_train(rng: np.random.Generator, individual: Tolerance) -> Toy:
    """A toy train: slower, heavier on its joints, with curve squeal and coupler chatter."""
    return _design(rng, individual, TRAIN)


def sound(toy: Toy, take: Take) -> np.ndarray:
    """The toy close by, float32 (n,), about unit RMS when healthy at design speed."""
    speed = take.point.speed * brushed.drift(take)
    motor = brushed.axle(toy.motor, take, speed)
    wheel = motor.geared(1 / toy.motor.reduction)
    loud, bent = brushed.loudness(speed), take.amount("shaft")
    x = brushed.tones(toy.motor, take, motor, toy.shares, loud, bent)
    x += brushed.friction(toy.motor, take, wheel, toy.shares["friction"] * loud, bent)
    x += brushed.brush(take, motor, toy.shares["brush"])
    x += _joints(toy, take, speed)
    if "squeal" in toy.shares:
        x += _train(toy, take, speed)
    x += _faults(toy, take, wheel)
    return x


@dataclass(frozen=True)
class Passages:
    """Passages of the two axles over joints, first to last, also those that fall behind the clip's end."""

    first: np.ndarray  # samples, first axle
    second: np.ndarray
    number: np.ndarray  # of the joint on the oval
    uneven: np.ndarray  # force, (passages, 2)


def _passages(toy: Toy, take: Take, speed: float) -> Passages:
    """All draws are made for the highest speed that a fault may give: passage k keeps its draws in the twin."""
    rng = take.rng("joints")
    period = FS / (toy.joint_rate * speed)
    start = rng.random() * toy.laps
    most = toy.joint_rate * take.point.speed * (1 + 1.5 * brushed.OFF)
    count = int(take.span * most) + 2
    number = np.floor(start) + np.arange(count) + 1
    at = (number - start + 0.01 * np.clip(rng.standard_normal(count), -2, 2)) * period  # 1 % of the interval
    uneven = scatter(take.rng("joint force"), 0.2, (count, 2))
    return Passages(at, at + toy.wheelbase / speed * FS, number % toy.laps, uneven)


def _joints(toy: Toy, take: Take, speed: float) -> np.ndarray:
    passing = _passages(toy, take, speed)
    force = take.level("joints", toy.shares["joints"] / np.sqrt(2 * toy.joint_rate * speed))
    at, uneven = np.concatenate([passing.first, passing.second]), passing.uneven.T.ravel()
    here = (at > 0) & (at < take.n - 1)
    modes = toy.joint.jittered(take.rng("joint modes"), 0.01, 0.5)
    x = strike(at[here], force * uneven[here], modes, take.n)
    if take.has("track"):
        x += _chipped(toy, take, passing)
    return x


def _chipped(toy: Toy, take: Take, passing: Passages) -> np.ndarray:
    """One joint of the oval: CHIPS hits within 120 ms; that joint is chosen among those of the clip."""
    rng = take.rng("fault")
    at, number = passing.first, passing.number
    kept = number[(at >= take.lead) & (at < take.n - 0.05 * FS)]  # 50 ms of it must be heard
    which = kept[int(rng.integers(len(kept)))] if len(kept) else number[-1]
    hits = flurry(rng, at, CHIPS, 0.12)
    rate = toy.joint_rate / toy.laps * CHIPS  # at design speed: a slower train strikes no harder
    force = take.amount("track") / np.sqrt(rate) * lognormal(rng, 0.4, hits.size).reshape(hits.shape)
    chipped = (number == which)[:, None] & (hits > 0) & (hits < take.n - 1)
    casing = toy.motor.casing
    modes = Modes(
        np.concatenate([toy.joint.hz, casing.hz[:3]]),
        np.concatenate([toy.joint.zeta, casing.zeta[:3]]),
        np.concatenate([toy.joint.amplitude, casing.amplitude[:3]]),
    )
    take.box_events(at[number == which], 0.2, 150, 7900)
    return strike(hits[chipped], force[chipped], modes.jittered(rng, 0.06, 2.0), take.n)


def _train(toy: Toy, take: Take, speed: float) -> np.ndarray:
    """Curve squeal in part of each lap and chatter of the couplers."""
    rng = take.rng("squeal")
    hz = toy.squeal_hz * (1 + wander(rng, take.n, 0.015, 0.1))
    tone = stack(turning(hz).z, np.array([1.3, 0.4]), rng.random(2), float(hz.max()))
    lap = turning(np.full(take.n, toy.joint_rate * speed / toy.laps), start=float(rng.random()))
    gate = np.clip(lap.cos(2) * 2 - 0.6, 0, 1)  # two curves a lap
    x = take.level("squeal", toy.shares["squeal"] * 1.8) * gate * tone
    rng = take.rng("chatter")
    at = poisson(rng, 12.0, 0, take.n)
    force = take.level("chatter", toy.shares["chatter"] / np.sqrt(12.0)) * lognormal(rng, 0.4, len(at))
    return x + strike(at, force, toy.motor.casing, take.n)


def _faults(toy: Toy, take: Take, wheel: Shaft) -> np.ndarray:
    """What a fault adds as a sound of its own: scraping, ticks, thumps once per wheel turn."""
    if take.has("shaft"):
        return brushed.scrape(take, wheel, take.amount("shaft"))
    casing = toy.motor.casing
    whole = Modes(casing.hz * 0.55, casing.zeta, casing.amplitude)  # the whole wheel set rings lower
    hits = {"gear": (casing, 0.7, 500, 8000), "tyre": (toy.joint, 1.0, 100, 2200), "wheel": (whole, 1.0, 100, 5000)}
    name = take.fault.name if take.fault else ""
    if name not in hits:
        return np.zeros(take.n, np.float32)
    modes, share, low, high = hits[name]
    rng = take.rng("fault")
    at = wheel.when(1.0, rng.random())
    amplitude = share * take.amount(name) / np.sqrt(wheel.top)
    at = np.clip(at + rng.normal(0, 0.01 * FS / wheel.top, len(at)), 0, take.n - 1)
    take.box(low, high)
    return strike(at, amplitude * scatter(rng, 0.25, len(at)), modes.jittered(rng, 0.06, 3.0), take.n)
