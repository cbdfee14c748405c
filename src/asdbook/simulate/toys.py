"""Toy car and toy train (methods/simulator.md 3.6): brushed motor, plastic gears, wheels, track joints.

Orders of one motor: commutation ripple 6 f_m (three armature slots), pinion mesh 9 f_m, wheels f_m / R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.impacts import Modes, draw_modes, lognormal, poisson, strike
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import BRUSHED, FS, Shaft, modulate, shaft, spin, stack, turning, voice, wander
from asdbook.simulate.take import Take, db

FAULTS_CAR = {
    "shaft": (
        "A bent axle: gears and friction swell with every wheel turn, and scrape during half of it.",
        "fluctuation at the wheel rate, 1-5 kHz",
    ),
    "gear": (
        "A deformed gear: its harmonics grow, one tick per wheel turn.",
        "gear lines and ticks, 1-4 kHz",
    ),
    "voltage": (
        "Wrong voltage and worn brushes: speed off, motor orders and brush noise up.",
        "all lines shifted; crackle at 2-6 kHz",
    ),
    "tyre": (
        "A flat or fouled tyre thumps once per wheel turn.",
        "thumps 50-120 ms apart, 0.2-1.6 kHz",
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

    hz: float  # motor at design speed
    reduction: float
    pinion: int  # teeth
    motor_lines: np.ndarray
    ripple_lines: np.ndarray
    mesh_lines: np.ndarray
    knee: float
    joint: Modes  # wheel on joint, damped
    casing: Modes
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


def _design(rng: np.random.Generator, individual: np.random.Generator, shares: dict[str, float]) -> Toy:
    tolerance = np.exp(individual.normal(0, 0.025))  # +-2.5 % speed between copies
    balance = {name: share * db(individual.normal(0, 1.5)) for name, share in shares.items()}
    mesh = voice(rng, 8, 4.0) * 10 ** (individual.normal(0, 2.0, 8) / 20)
    return Toy(
        hz=rng.uniform(85, 140) * tolerance,
        reduction=rng.uniform(6, 9),
        pinion=int(rng.integers(8, 11)),
        motor_lines=voice(rng, 5, 3.0) * 10 ** (individual.normal(0, 2.0, 5) / 20),
        ripple_lines=voice(rng, 6, 4.0) * 10 ** (individual.normal(0, 2.0, 6) / 20),
        mesh_lines=mesh / np.sqrt(np.sum(mesh**2) / 2),
        knee=rng.uniform(1000, 2000) * np.exp(individual.normal(0, 0.06)),
        joint=draw_modes(rng, 200, 1600, 4, (0.05, 0.12)).jittered(individual, 0.06, 1.5),
        casing=draw_modes(rng, 1000, 4000, 5, (0.03, 0.08)).jittered(individual, 0.06, 1.5),
        joint_rate=rng.uniform(2.5, 4.5),
        wheelbase=rng.uniform(0.05, 0.09),
        laps=int(rng.integers(5, 8)),
        squeal_hz=rng.uniform(2500, 4000) * np.exp(individual.normal(0, 0.06)),
        shares=balance,
    )


def design_car(rng: np.random.Generator, individual: np.random.Generator) -> Toy:
    """A toy car model of this data seed (`rng`) and one copy of it (`individual`: A1 ... E2)."""
    return _design(rng, individual, CAR)


def design_train(rng: np.random.Generator, individual: np.random.Generator) -> Toy:
    """A toy train: slower, heavier on its joints, with curve squeal and coupler chatter."""
    return _design(rng, individual, TRAIN)


def sound(toy: Toy, take: Take) -> np.ndarray:
    """The toy close by, float32 (n,), about unit RMS when healthy at design speed."""
    off = min(take.amount("voltage"), 1.5)
    sign = 1 if take.rng("fault sign").random() < 0.5 else -1
    speed = take.point.speed * (1 + 0.12 * sign * off)
    motor = shaft(take.rng("motor"), take.n, toy.hz * speed, BRUSHED)
    wheel = Shaft(motor.turns / toy.reduction, motor.top / toy.reduction)
    loud = db(8 * np.log2(speed))  # +8 dB per doubling
    x = _lines(toy, take, motor, wheel, loud)
    x += _friction(toy, take, wheel, loud)
    x += _brush(toy, take, motor)
    x += _joints(toy, take, speed)
    if "squeal" in toy.shares:
        x += _train(toy, take, speed)
    x += _faults(toy, take, wheel)
    return x


def _lines(toy: Toy, take: Take, motor: Shaft, wheel: Shaft, loud: float) -> np.ndarray:
    bent, gear, off = take.amount("shaft"), take.amount("gear"), take.amount("voltage")
    rng = take.rng("line phases")
    phases, angle = rng.random((3, 8)), rng.random(3)
    x = stack(motor.z, toy.motor_lines, phases[0, :5], motor.top)
    x *= take.level("motor", toy.shares["motor"] * (1 + 1.0 * off))
    ripple = stack(spin(6 * motor.turns), toy.ripple_lines, phases[1, :6], 6 * motor.top)
    x += take.level("ripple", toy.shares["ripple"] * (1 + 0.5 * off)) * ripple
    lines = toy.mesh_lines.copy()
    lines[1:] *= 1 + gear * (db(8) - 1)
    mesh = stack(spin(toy.pinion * motor.turns), lines, phases[2], toy.pinion * motor.top)
    mesh = modulate(mesh, wheel.cos(1, angle[0]), min(0.12 + 0.75 * bent + 0.3 * gear, 0.95))
    mesh = modulate(mesh, wheel.cos(2, angle[1]), min(0.4 * bent, 0.8))
    if take.has("gear"):
        take.box(500, 8000)
    return x + take.level("mesh", toy.shares["mesh"] * loud) * mesh


def _friction(toy: Toy, take: Take, wheel: Shaft, loud: float) -> np.ndarray:
    bent = take.amount("shaft")
    x = coloured(take.rng("friction"), take.n, slope(take.n, toy.knee, 0.8, 1.1))
    angle = take.rng("friction phase").random()
    x = modulate(x, wheel.cos(1, angle), min(0.2 + 0.7 * bent, 0.95))
    return take.level("friction", toy.shares["friction"] * loud) * x


def _brush(toy: Toy, take: Take, motor: Shaft) -> np.ndarray:
    worn = take.amount("voltage")
    x = coloured(take.rng("brush"), take.n, band(take.n, 2000, 6000, 0.6))
    x = modulate(x, motor.cos(3, take.rng("brush phase").random()), 0.5)
    if take.has("voltage"):
        take.box(20, 8000)  # brush noise at 2-6 kHz, and every line shifts
    return take.level("brush", toy.shares["brush"] * (1 + 4.0 * worn)) * x


def _joint_times(toy: Toy, take: Take, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions of joint passages of the first axle and the joint's number on the oval."""
    rng = take.rng("joints")
    period = FS / (toy.joint_rate * speed)
    start = rng.random() * toy.laps
    count = int(take.n / period) + 2
    number = np.floor(start) + np.arange(count) + 1
    at = (number - start) * period + rng.normal(0, 0.01 * period, count)
    inside = (at > 0) & (at < take.n - 1)
    return at[inside], number[inside] % toy.laps


def _joints(toy: Toy, take: Take, speed: float) -> np.ndarray:
    at, number = _joint_times(toy, take, speed)
    rng = take.rng("joint force")
    second = np.clip(at + toy.wheelbase / speed * FS, 0, take.n - 1)
    scatter = 1 + 0.2 * np.clip(rng.standard_normal((2, len(at))), -2, 2)
    force = take.level("joints", toy.shares["joints"] / np.sqrt(2 * toy.joint_rate * speed))
    both = np.concatenate([at, second])
    x = strike(both, force * scatter.ravel(), toy.joint.jittered(take.rng("joint modes"), 0.01, 0.5), take.n)
    if take.has("track"):
        x += _chipped(toy, take, at, number)
    return x


def _chipped(toy: Toy, take: Take, at: np.ndarray, number: np.ndarray) -> np.ndarray:
    """One joint of the oval: CHIPS hits within 120 ms; that joint is chosen among those of the clip."""
    rng = take.rng("fault")
    kept = number[at >= take.lead]
    which = kept[int(rng.integers(len(kept)))] if len(kept) else number[-1]
    passages = at[number == which]
    hits = (passages[:, None] + np.sort(rng.uniform(0, 0.12, (len(passages), CHIPS)), 1) * FS).ravel()
    rate = toy.joint_rate / toy.laps * CHIPS  # at design speed: a slower train strikes no harder
    force = take.amount("track") / np.sqrt(rate) * lognormal(rng, 0.4, len(hits))
    modes = Modes(
        np.concatenate([toy.joint.hz, toy.casing.hz[:3]]),
        np.concatenate([toy.joint.zeta, toy.casing.zeta[:3]]),
        np.concatenate([toy.joint.amplitude, toy.casing.amplitude[:3]]),
    )
    take.box_events(passages, 0.2, 150, 7900)
    return strike(np.clip(hits, 0, take.n - 1), force, modes.jittered(rng, 0.06, 2.0), take.n)


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
    return x + strike(at, force, toy.casing, take.n)


def _faults(toy: Toy, take: Take, wheel: Shaft) -> np.ndarray:
    """What a fault adds as a sound of its own: scraping, ticks, thumps once per wheel turn."""
    rng = take.rng("fault")
    if take.has("shaft"):
        gate = np.maximum(wheel.cos(1, rng.random()), 0)
        scrape = coloured(rng, take.n, band(take.n, rng.uniform(1000, 1800), 5000, 0.5))
        take.box(300, 8000)
        return np.float32(0.6 * take.amount("shaft") * 2) * gate * scrape
    hits = {"gear": (toy.casing, 0.7), "tyre": (toy.joint, 1.0), "wheel": (toy.casing, 1.0)}
    name = take.fault.name if take.fault else ""
    if name not in hits:
        return np.zeros(take.n, np.float32)
    modes, share = hits[name]
    if name == "wheel":
        modes = Modes(modes.hz * 0.55, modes.zeta, modes.amplitude)  # the whole wheel set rings lower
    at = wheel.when(1.0, rng.random())
    amplitude = share * take.amount(name) / np.sqrt(wheel.top)
    at = np.clip(at + rng.normal(0, 0.01 * FS / wheel.top, len(at)), 0, take.n - 1)
    if name != "gear":
        take.box(100, 2200 if name == "tyre" else 5000)
    scatter = 1 + 0.25 * np.clip(rng.standard_normal(len(at)), -2, 2)
    return strike(at, amplitude * scatter, modes.jittered(rng, 0.06, 3.0), take.n)
