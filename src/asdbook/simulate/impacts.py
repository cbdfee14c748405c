"""Impacts: trains of events, placed between samples, ringing through the modes of a part.

A train is one array: positions and amplitudes of all events are accumulated by one `bincount` with a
16-tap windowed sinc, then multiplied by the modes' closed-form response in the frequency domain
(methods/simulator.md 6). The response has energy FS, so that unit hits at rate r have RMS sqrt(r).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.noise import bins
from asdbook.simulate.phase import FS

TAPS = 16
"""Taps of the fractional delay: two points would lose 5 dB at 5 kHz, and differently from hit to hit."""
PHASES = 64
"""Sub-sample positions of the table (1 microsecond steps)."""


def _sinc_table() -> np.ndarray:
    """Kaiser-windowed sinc for each sub-sample phase, float64 (PHASES + 1, TAPS)."""
    offset = np.arange(TAPS)[None] - (TAPS // 2 - 1) - np.arange(PHASES + 1)[:, None] / PHASES
    edge = np.clip(1 - (offset / (TAPS / 2)) ** 2, 0, None)
    return np.sinc(offset) * np.i0(6.0 * np.sqrt(edge)) / np.i0(6.0)  # beta 6: -60 dB side lobes


TABLE = _sinc_table()


@dataclass(frozen=True)
class Modes:
    """Resonances of a part: h(t) = sum_j A_j exp(-zeta_j w_j t) sin(w_dj t).

    Attributes:
        hz: frequencies in Hz, (J,); below 6.5 kHz.
        zeta: damping ratios, (J,): 0.01-0.05 metal, 0.03-0.12 plastic or rubber.
        amplitude: relative amplitudes, (J,).
    """

    hz: np.ndarray
    zeta: np.ndarray
    amplitude: np.ndarray

    def jittered(self, rng: np.random.Generator | Tolerance, hz: float = 0.01, db: float = 1.0) -> Modes:
        """The same part on another day, or in another copy: frequencies * exp N(0, hz), amplitudes N(0, db) dB."""
        j = len(self.hz)
        return Modes(
            self.hz * np.exp(rng.normal(0, hz, j)),
            self.zeta * np.exp(rng.normal(0, 0.05, j)),
            self.amplitude * 10 ** (rng.normal(0, db, j) / 20),
        )


def draw_modes(
    rng: np.random.Generator, low: float, high: float, count: int, zeta: tuple[float, float]
) -> Modes:
    """`count` modes, log-spaced with jitter between `low` and `high` Hz, amplitudes within about 3 dB."""
    grid = (np.arange(count) + 0.5 + rng.uniform(-0.35, 0.35, count)) / count
    hz = low * (high / low) ** grid
    return Modes(hz, rng.uniform(*zeta, count), 10 ** (rng.uniform(-3, 3, count) / 20))


def response(modes: Modes, n: int) -> np.ndarray:
    """H(w) = sum_j A_j w_j^2 / (w_j^2 - w^2 + 2 i zeta_j w_j w), energy FS; complex64 (n // 2 + 1,).

    Amplitudes are those of the ringing in time, so a lightly damped mode does not drown the others.
    """
    f2 = bins(n) ** 2
    total = np.zeros(len(f2), np.complex64)
    for hz, zeta, amplitude in zip(modes.hz, modes.zeta, modes.amplitude):
        real = np.float32(hz * hz) - f2
        imag = np.float32(2 * zeta * hz) * bins(n)
        scale = np.float32(amplitude * hz) / (real * real + imag * imag)  # FT of sin: w_d / (...)
        total.real += real * scale
        total.imag -= imag * scale
    energy = 2 * float(np.sum(total.real.astype(np.float64) ** 2 + total.imag.astype(np.float64) ** 2)) / n
    return total * np.float32(np.sqrt(FS / energy))


def place(positions: np.ndarray, amplitudes: np.ndarray, n: int) -> np.ndarray:
    """Unit impulses at fractional sample `positions`, scaled, as a band-limited float32 train (n,)."""
    whole = np.floor(positions).astype(np.int64)
    phase = np.rint((positions - whole) * PHASES).astype(np.int64)
    index = (whole[:, None] - (TAPS // 2 - 1) + np.arange(TAPS)) % n  # wraps into the lead-in, which is cut
    weight = TABLE[phase] * amplitudes[:, None]
    return np.bincount(index.ravel(), weight.ravel(), minlength=n).astype(np.float32)


def strike(positions: np.ndarray, amplitudes: np.ndarray, modes: Modes, n: int) -> np.ndarray:
    """Hits at `positions` ringing through `modes`, float32 (n,); RMS sqrt(rate) for unit amplitudes."""
    if len(positions) == 0:
        return np.zeros(n, np.float32)
    return fft.irfft(fft.rfft(place(positions, amplitudes, n)) * response(modes, n), n)


def envelope(positions: np.ndarray, amplitudes: np.ndarray, attack: float, decay: float, n: int) -> np.ndarray:
    """Sum over events of a (1 - exp(-t / attack)) exp(-t / decay), peak about a; times in s; float32 (n,)."""
    at = np.clip(np.rint(positions), 0, n - 1).astype(np.int64)
    train = np.bincount(at, amplitudes, minlength=n).astype(np.float32)
    t = np.arange(n) / FS
    kernel = (np.exp(-t / decay) - np.exp(-t * (1 / decay + 1 / attack))).astype(np.float32)
    return np.maximum(fft.irfft(fft.rfft(train) * fft.rfft(kernel), n), 0)  # nothing sounds before its event


def renewal(rng: np.random.Generator, mean: float, scatter: float, span: float) -> np.ndarray:
    """Event times 0..span whose intervals are mean (1 + scatter w): errors add up, as rollers slip."""
    count = int(span / mean * 1.2) + 8
    steps = mean * np.maximum(1 + scatter * rng.standard_normal(count), 0.1)
    times = np.cumsum(steps) - mean * rng.random()
    return times[(times >= 0) & (times < span)]


def poisson(rng: np.random.Generator, rate: float, low: int, high: int) -> np.ndarray:
    """Positions of a Poisson train of `rate` per s between samples `low` and `high`, at least one event.

    One event at least: a clip that is labelled with a fault must hold it.
    """
    count = max(1, int(rng.poisson(rate * (high - low) / FS)))
    return np.sort(rng.uniform(low, high - 1, count))


def lognormal(rng: np.random.Generator, sigma: float, count: int) -> np.ndarray:
    """Log-normal amplitudes with unit mean square, held within 2 sigma (crest factor), (count,)."""
    w = np.clip(rng.standard_normal(count), -2, 2)
    return np.exp(sigma * w - sigma**2)


def scatter(rng: np.random.Generator, share: float, shape: int | tuple[int, ...]) -> np.ndarray:
    """Factors 1 + `share` w, w standard normal held within 2 sigma: hits that add up must not reach full scale."""
    return 1 + share * np.clip(rng.standard_normal(shape), -2, 2)


def flurry(rng: np.random.Generator, at: np.ndarray, count: int, seconds: float) -> np.ndarray:
    """`count` hits within `seconds` after each of the positions `at`, (len(at), count), in samples.

    Jittered on a grid: hits that coincide would add up to a peak near full scale.
    """
    grid = (np.arange(count) + rng.uniform(0.2, 0.8, (len(at), count))) / count
    return at[:, None] + grid * seconds * FS
