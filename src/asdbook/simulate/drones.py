"""Hovering drone (methods/simulator.md 3.6): four small brushed motors, each with a propeller of two blades.

Lines of one arm: its rate f_a, blade pass 2 f_a, commutation 6 f_a. A controller holds the drone level, so the arms
turn nearly, not exactly, alike: their lines beat. Attribute physics: `speed` (throttle), and `load` (payload, 0 to 1):
speed rises by 6 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import Drive, Shaft, modulate, shaft, stack, voice
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, factor, tilt, tuned

FAULTS = {
    "propeller": (
        "A chipped blade: one arm shakes, its two blades sound different, and it turns faster to keep its lift.",
        "odd orders of one arm's rate and a split blade tone, 50-1000 Hz; fluctuation at that rate",
    ),
    "motor": (
        "Worn brushes in one arm: it slows and crackles; the other arms make up for it.",
        "brush noise at 2-6 kHz; the blade tones drift apart",
    ),
}

SHARES = {"blades": 0.65, "flow": 0.65, "ripple": 0.30, "brush": 0.15}
"""RMS of the components at design speed, all arms together."""
ARMS = 4
LAW = 50.0
"""Power of propeller sound in dB per decade of speed."""
HELD = Drive(sigma=0.006, tau=0.15, spread=0.008)
"""A brushed motor under an attitude controller: steadier than a toy's, and quicker to correct."""
ODD_DB = -14.0
"""Odd orders of a healthy propeller relative to the even ones: no two blades are quite alike."""


@dataclass(frozen=True)
class Drone:
    """What a drone is from clip to clip."""

    hz: float  # mean rate of the arms at design speed
    trim: np.ndarray  # each arm's rate relative to the mean, (ARMS,)
    lines: np.ndarray  # orders 1 to 12 of an arm, blades alone; even ones are blade pass
    ripple: np.ndarray  # harmonics of 6 f_a
    knee: float
    fall: float
    breath: float  # modulation depth of flow noise at blade pass
    shares: dict[str, float]


def design(rng: np.random.Generator, individual: Tolerance) -> Drone:
    """A drone of this data seed (`rng`) and one copy of it (`individual`): rotors at 4800-7800 rpm."""
    even = voice(rng, 6, 4.0)
    odd = voice(rng, 6, 4.0) * db(ODD_DB)
    trim = rng.uniform(-0.02, 0.02, ARMS)  # the battery is never in the middle
    return Drone(
        hz=rng.uniform(80, 130) * factor(individual, SPEED),
        trim=1 + trim - trim.mean() + np.clip(individual.normal(0, 0.005, ARMS), -0.0125, 0.0125),
        lines=tuned(individual, np.stack([odd, even], 1).ravel()),
        ripple=tuned(individual, voice(rng, 4, 4.0)),
        knee=rng.uniform(700, 1600) * factor(individual, KNEE),
        fall=tilt(individual, 1.1),
        breath=rng.uniform(0.3, 0.5) * factor(individual, 0.1),
        shares=balance(individual, SHARES),
    )


def sound(drone: Drone, take: Take) -> np.ndarray:
    """The drone from below, float32 (n,), about unit RMS when healthy at design speed and half payload."""
    chip, worn = take.amount("propeller"), take.amount("motor")
    speed = take.point.speed * (1 + 0.06 * (take.point.load - 0.5))
    hurt = int(take.rng("fault arm").integers(ARMS))
    change = 0.04 * min(chip, 1.5) - 0.06 * min(worn, 1.5)
    arms = []
    for k in range(ARMS):
        relative = 1 + (change if k == hurt else -change / (ARMS - 1))  # the controller keeps the lift
        arms.append(shaft(take.rng(f"arm {k}"), take.n, drone.hz * drone.trim[k] * speed * relative, HELD))
    loud = speed ** (LAW / 20)
    x = _blades(drone, take, arms, hurt, loud)
    x += _flow(drone, take, arms, hurt, loud)
    x += _brushes(drone, take, arms, hurt)
    if take.has("propeller"):
        take.box(20, 8000)  # lines at the bottom, fluctuation of the flow everywhere
    if take.has("motor"):
        take.box(20, 8000)  # lines drift apart below 2 kHz, brush noise above
    return x


def _blades(drone: Drone, take: Take, arms: list[Shaft], hurt: int, loud: float) -> np.ndarray:
    chip = take.amount("propeller")
    x = np.zeros(take.n, np.float32)
    ripple = np.zeros(take.n, np.float32)
    for k, arm in enumerate(arms):
        phases = take.rng(f"line phases {k}").random(16)
        lines = drone.lines.copy()
        if k == hurt:
            lines[0::2] *= 1 + chip * (db(18) - 1)  # as a fan's unbalance
        x += stack(arm.z, lines, phases[:12], arm.top)
        six = arm.geared(6)
        ripple += stack(six.z, drone.ripple, phases[12:], six.top)
    each = 1 / np.sqrt(ARMS)
    x *= take.level("blades", drone.shares["blades"] * each * loud)
    return x + take.level("ripple", drone.shares["ripple"] * each) * ripple


def _flow(drone: Drone, take: Take, arms: list[Shaft], hurt: int, loud: float) -> np.ndarray:
    """Turbulence at the propellers, pulsing with the blades; a chipped one pulses once per turn too."""
    chip = take.amount("propeller")
    rng = take.rng("flow phase")
    knee = drone.knee * take.point.speed
    shape = slope(take.n, knee, 0.8, drone.fall)
    x = np.zeros(take.n, np.float32)
    for k, arm in enumerate(arms):
        air = coloured(take.rng(f"flow {k}"), take.n, shape)
        air = modulate(air, arm.cos(2, rng.random()), drone.breath)
        once = arm.cos(1, rng.random())
        rough = modulate(air, once, min(0.9 * chip, 1.0)) * np.float32(1 + 0.8 * chip)
        x += rough if k == hurt else air
    return take.level("flow", drone.shares["flow"] / np.sqrt(ARMS) * loud) * x


def _brushes(drone: Drone, take: Take, arms: list[Shaft], hurt: int) -> np.ndarray:
    """Brush noise of all arms as one; a worn arm adds its own, three times a turn and unsteady."""
    shape = band(take.n, 2000, 6000, 0.6)
    x = coloured(take.rng("brush"), take.n, shape)
    x *= take.level("brush", drone.shares["brush"])
    if take.has("motor"):
        rng = take.rng("fault")
        own = modulate(coloured(rng, take.n, shape), arms[hurt].cos(3, rng.random()), 0.7)
        sparks = np.abs(coloured(rng, take.n, slope(take.n, 40, 2.0, 3.0)))  # mean square 1
        x += np.float32(take.amount("motor")) * sparks * own
    return x
