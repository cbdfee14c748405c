"""Room, microphone, noise ratio and level: what stands between a machine and its recording."""

from __future__ import annotations

import numpy as np
from scipy import fft
from scipy.signal import lfilter

from asdbook.simulate.noise import bins, log_bins, ripple
from asdbook.simulate.phase import FS

REFERENCE_DBFS = -40.0
"""RMS of healthy machine plus noise at reference settings. Impacts have crest factors of 25-35 dB: at -37 dBFS one
valve in some thousand clips reached full scale (methods/simulator.md 5 has -37)."""
GAIN_DB = 3.0
"""Half-range of the clip gain."""
SNR_DB = (-6.0, 6.0)
"""Range of the healthy machine's level over the noise."""
CLIP_EQ_DB = 1.0
"""Standard deviation of the clip's own smooth response (9 knots): position and temper of the day."""
BODY_EQ_DB = 2.0
"""Standard deviation of an individual's radiation (13 knots): what tells copies of a noisy machine apart."""
ROOM_SECONDS = 0.2
"""Length of a room response; shorter than the lead-in."""


def room(rng: np.random.Generator, n: int, direct_db: tuple[float, float]) -> np.ndarray:
    """Frequency response of a room, complex64 (bins,), unit mean power.

    Direct sound, 3-6 early reflections in 1-15 ms, and a Gaussian tail exp(-6.91 t / T60) with a first-order
    low-pass of 4-7 kHz. An image-method box gives similar statistics for far more work.

    Args:
        direct_db: range of the direct-to-reverberant ratio in dB; 4-8 near a machine, -6-0 for the factory.
    """
    taps = round(ROOM_SECONDS * FS)
    t = np.arange(taps) / FS
    tail = rng.standard_normal(taps) * np.exp(-6.91 * t / rng.uniform(0.15, 0.5))
    a = np.exp(-2 * np.pi * rng.uniform(4000, 7000) / FS)
    tail = np.asarray(lfilter([1 - a], [1, -a], tail))
    for _ in range(int(rng.integers(3, 7))):
        tail[int(rng.uniform(0.001, 0.015) * FS)] += rng.choice([-1, 1]) * rng.uniform(2, 4) * np.std(tail[:400])
    tail[0] = 0
    ratio = 10 ** (rng.uniform(*direct_db) / 20)
    h = tail / np.sqrt(np.sum(tail**2)) / ratio
    h[0] += 1.0
    h /= np.sqrt(np.sum(h**2))
    return fft.rfft(h.astype(np.float32), n)


def microphone(rng: np.random.Generator, n: int) -> np.ndarray:
    """Amplitude response of a microphone, float32 (bins,): high-pass, roll-off, ripple of 2 dB, unit at 1 kHz.

    First-order high-pass at 40-120 Hz, first-order roll-off above 5-7 kHz.
    """
    low, high = rng.uniform(40, 120), rng.uniform(5000, 7000)
    f = bins(n)
    shape = (f / low) / np.sqrt(1 + (f / low) ** 2) / np.sqrt(1 + (f / high) ** 2)
    smooth = ripple(rng, n, 9, 2.0)
    at = int(np.argmin(np.abs(log_bins(n) - np.log(1000.0))))
    return shape * smooth / (shape[at] * smooth[at])


def mix(machine: np.ndarray, noise: np.ndarray, snr_db: float, gain_db: float) -> np.ndarray:
    """Machine (healthy reference: unit RMS) plus noise (unit RMS) at `snr_db`, at the reference level.

    The ratio is that of the *healthy reference*, not of this clip: a fault that adds energy must not turn
    the noise up with it. The sum of healthy machine and noise keeps its level whatever the ratio.
    """
    ratio = 10 ** (snr_db / 10)
    out = machine * np.float32(np.sqrt(ratio / (1 + ratio))) + noise * np.float32(np.sqrt(1 / (1 + ratio)))
    return out * np.float32(10 ** ((REFERENCE_DBFS + gain_db) / 20))


def to_int16(x: np.ndarray) -> np.ndarray:
    """float in [-1, 1) to int16, rounded; values outside are held at the limits (tests see that none are)."""
    return np.clip(np.rint(x * np.float32(32768)), -32768, 32767).astype(np.int16)
