"""Coloured noise by the frequency domain: white Gaussian bins times a shape, normalised by expectation.

Never normalised by the clip's own RMS: that would turn a random loudness of one component into a change of
all others, and divide by zero where a component is absent (methods/simulator.md 9).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import fft

from asdbook.simulate.phase import FS


@lru_cache(maxsize=16)
def bins(n: int) -> np.ndarray:
    """Frequencies of the rfft bins in Hz, float32 (n // 2 + 1,); bin 0 counts as half a bin (log-safe)."""
    f = np.fft.rfftfreq(n, 1 / FS)
    f[0] = f[1] / 2
    return f.astype(np.float32)


@lru_cache(maxsize=16)
def log_bins(n: int) -> np.ndarray:
    """Natural logarithm of `bins(n)`."""
    return np.log(bins(n))


def slope(n: int, knee: float, rise: float, fall: float) -> np.ndarray:
    """Amplitude shape (f/fc)^p / (1 + (f/fc)^(p+q)): rises as f^p, falls as f^-q; float32 (bins,).

    Args:
        knee: fc in Hz.
        rise, fall: p and q. Flow p 0.8, q 1.3; leak p 1.2, q 0.6; pink tail q 0.5.
    """
    x = log_bins(n) - np.float32(np.log(knee))
    return np.exp(np.float32(rise) * x) / (1 + np.exp(np.float32(rise + fall) * x))


def band(n: int, low: float, high: float, octaves: float = 0.25) -> np.ndarray:
    """A band from `low` to `high` Hz with raised-cosine edges `octaves` wide, float32 (bins,)."""
    x = log_bins(n)
    width = octaves * np.log(2)
    up = np.clip((x - np.log(low)) / width + 0.5, 0, 1)
    down = np.clip((np.log(high) - x) / width + 0.5, 0, 1)
    return (0.25 * (1 - np.cos(np.pi * up)) * (1 - np.cos(np.pi * down))).astype(np.float32)


def coloured(rng: np.random.Generator, n: int, shape: np.ndarray) -> np.ndarray:
    """Gaussian noise with amplitude spectrum `shape`, unit expected RMS, float32 (n,)."""
    white = rng.standard_normal(2 * len(shape), dtype=np.float32).view(np.complex64)
    white[0] = 0  # no offset
    white *= shape
    power = 2 * float(np.sum(shape[1:].astype(np.float64) ** 2)) * 2 / n**2  # E|white|^2 = 2
    white *= np.float32(1 / np.sqrt(power))
    return fft.irfft(white, n)


def ripple(rng: np.random.Generator, n: int, knots: int, sd_db: float) -> np.ndarray:
    """A smooth random response over log frequency, amplitude, float32 (bins,).

    Args:
        knots: log-spaced knots from 60 Hz to 8 kHz.
        sd_db: standard deviation at the knots in dB.
    """
    at = np.linspace(np.log(60.0), np.log(8000.0), knots)
    db = np.interp(log_bins(n), at, rng.normal(0.0, sd_db, knots))
    return np.exp(db.astype(np.float32) * np.float32(np.log(10) / 20))


def stationary(rng: np.random.Generator, x: np.ndarray, width_hz: float = 16.0) -> np.ndarray:
    """Stationary Gaussian noise with the mean spectrum of `x` smoothed over `width_hz`, float32 (n,).

    It keeps what a mean spectrum sees and loses all events and modulation (premise switch `texture`).
    """
    n = len(x)
    power = np.abs(fft.rfft(x)) ** 2
    width = max(1, round(width_hz * n / FS))
    total = np.cumsum(np.concatenate([np.zeros(width), power, np.zeros(width)], dtype=np.float64))
    smooth = (total[2 * width :] - total[: -2 * width])[: len(power)] / (2 * width)
    white = rng.standard_normal(2 * len(power), dtype=np.float32).view(np.complex64)
    return fft.irfft(white * np.sqrt(smooth / 2).astype(np.float32), n)
