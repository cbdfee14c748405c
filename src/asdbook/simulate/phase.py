"""Shafts and harmonics: speed wander, phase, and stacks of orders that wander together.

All lines of one shaft come from one phase. A spectrogram then shows parallel wiggles, as machines do;
independent wander of the lines sounds like an organ (methods/simulator.md 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.signal import lfilter

FS = 16_000
"""Sampling rate in Hz, as in all DCASE years."""
NYQUIST_GUARD = 0.47
"""Highest line as a share of FS: leaves room for modulation sidebands below FS/2."""
CONTROL = 160
"""Samples per step of the speed walk (100 Hz): slower than any audible modulation that we synthesise."""


@dataclass(frozen=True)
class Drive:
    """How steady a drive turns.

    Attributes:
        sigma: relative standard deviation of speed within a clip.
        tau: correlation time of that walk in seconds.
        spread: relative standard deviation of mean speed between clips.
    """

    sigma: float
    tau: float
    spread: float


MAINS = Drive(sigma=0.002, tau=1.0, spread=0.007)  # induction motor: slip follows load
SERVO = Drive(sigma=0.0006, tau=0.5, spread=0.002)  # inverter or servo loop
BRUSHED = Drive(sigma=0.010, tau=0.25, spread=0.015)  # small DC motor: brush contact, battery


def wander(rng: np.random.Generator, n: int, sigma: float, tau: float) -> np.ndarray:
    """An Ornstein-Uhlenbeck walk with standard deviation `sigma`, correlation time `tau` s; float64 (n,)."""
    steps = -(-n // CONTROL) + 1
    a = np.exp(-CONTROL / (FS * tau))
    white = rng.standard_normal(steps) * (sigma * np.sqrt(1 - a * a))
    white[0] = rng.standard_normal() * sigma  # start in the stationary state
    knots = np.asarray(lfilter([1.0], [1.0, -a], white))
    ramp = np.arange(CONTROL) / CONTROL
    fine = knots[:-1, None] + np.diff(knots)[:, None] * ramp  # linear interpolation, knots x CONTROL
    return fine.ravel()[:n]


@dataclass(frozen=True)
class Shaft:
    """A turning shaft over one clip.

    Attributes:
        turns: phase in revolutions, float64 (n,), increasing.
        top: highest speed in the clip in Hz.
    """

    turns: np.ndarray
    top: float

    @property
    def hz(self) -> float:
        """Mean speed over the clip in Hz."""
        return float(self.turns[-1] - self.turns[0]) * FS / (len(self.turns) - 1)

    @cached_property
    def z(self) -> np.ndarray:
        """exp(i 2 pi turns), complex64 (n,)."""
        return spin(self.turns)

    def cos(self, order: float = 1.0, offset: float = 0.0) -> np.ndarray:
        """cos(2 pi (order turns + offset)), float32 (n,)."""
        return wave(order * self.turns + offset)

    def when(self, order: float, offset: float = 0.0) -> np.ndarray:
        """Sample positions at which order * turns + offset passes whole numbers, float64 (events,)."""
        phase = order * self.turns + offset
        return np.interp(np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1), phase, np.arange(len(phase)))

    def braked(self, drop: np.ndarray) -> Shaft:
        """This shaft with its speed lowered by the share `drop`, (n,); exactly this one where `drop` is 0."""
        return Shaft(self.turns - np.cumsum(np.diff(self.turns, prepend=self.turns[0]) * drop), self.top)

    def geared(self, ratio: float) -> Shaft:
        """A shaft that turns `ratio` times as fast, without slip."""
        return Shaft(self.turns * ratio, self.top * ratio)

    def at(self, revolutions: np.ndarray) -> np.ndarray:
        """Sample positions of given revolutions (counted from the clip's start), those inside the clip."""
        phase = self.turns - self.turns[0]
        inside = revolutions[(revolutions >= 0) & (revolutions <= phase[-1])]
        return np.interp(inside, phase, np.arange(len(phase)))


def shaft(rng: np.random.Generator, n: int, hz: float, drive: Drive) -> Shaft:
    """A shaft at mean speed `hz` (before the drive's clip spread), with random start angle."""
    centre = hz * (1 + drive.spread * float(np.clip(rng.standard_normal(), -2.5, 2.5)))
    speed = centre * (1 + wander(rng, n, drive.sigma, drive.tau))
    return turning(speed, start=float(rng.random()))


def turning(speed: np.ndarray, start: float = 0.0) -> Shaft:
    """The shaft whose speed in Hz is `speed`, (n,), starting at `start` revolutions."""
    return Shaft(turns=np.cumsum(speed / FS) + start, top=float(np.max(speed)))


def wave(turns: np.ndarray) -> np.ndarray:
    """cos(2 pi turns), float32; the phase is wrapped in float64 before the cast."""
    return np.cos(np.float32(2 * np.pi) * (turns - np.floor(turns)).astype(np.float32))


def spin(turns: np.ndarray) -> np.ndarray:
    """exp(i 2 pi turns), complex64."""
    angle = np.float32(2 * np.pi) * (turns - np.floor(turns)).astype(np.float32)
    z = np.empty(len(turns), np.complex64)
    z.real, z.imag = np.cos(angle), np.sin(angle)
    return z


def stack(z: np.ndarray, amplitudes: np.ndarray, phases: np.ndarray, hz: float) -> np.ndarray:
    """Re sum_k a_k exp(i phi_k) z^k, k = 1..K, float32 (n,), by Horner's scheme (one product a harmonic).

    Args:
        z: exp(i theta) of the fundamental, complex64 (n,).
        amplitudes, phases: (K,) amplitudes and phases in turns.
        hz: highest frequency of the fundamental; harmonics beyond the guard are left out.
    """
    keep = max(0, min(len(amplitudes), int(NYQUIST_GUARD * FS / max(hz, 1e-9))))
    if keep == 0:
        return np.zeros(len(z), np.float32)
    c = (amplitudes[:keep] * np.exp(2j * np.pi * phases[:keep])).astype(np.complex64)
    total = z * c[-1]
    for k in range(keep - 2, -1, -1):
        total += c[k]
        total *= z
    return np.ascontiguousarray(total.real)


def voice(rng: np.random.Generator, harmonics: int, fall_db: float, scatter_db: float = 3.0) -> np.ndarray:
    """Line amplitudes of unit RMS (sum a^2 / 2 = 1), falling by `fall_db` a harmonic with random scatter.

    Drawn per individual, not per clip: it is what gives a machine its voice.
    """
    db = -fall_db * np.arange(harmonics) + rng.normal(0.0, scatter_db, harmonics)
    amplitudes = 10 ** (db / 20)
    return amplitudes / np.sqrt(np.sum(amplitudes**2) / 2)


def modulate(x: np.ndarray, carrier: np.ndarray, depth: float) -> np.ndarray:
    """x (1 + m cos), divided by sqrt(1 + m^2 / 2): the pattern in time changes, the mean power does not."""
    return x * ((1 + np.float32(depth) * carrier) * np.float32(1 / np.sqrt(1 + depth**2 / 2)))
