"""Sound from a log-mel image: what a network's image would sound like, as well as an image without phase can say.

The mel bands give back a power spectrum by non-negative least squares, and Griffin and Lim's iteration finds phases
that fit it (D. Griffin, J. Lim, "Signal estimation from modified short-time Fourier transform", 1984). Both lose
detail: an image of a recording goes the same way, as the reference that a listener compares with.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from asdbook.errors import BadInput

FS, FRAME, HOP = 16_000, 1024, 512
"""Of `features.LogMel`."""
STEPS = 48
"""Of Griffin and Lim's iteration; the sound changes little after thirty."""
MOMENTUM = 0.99
"""Of the iteration; it finds in tens of steps what takes hundreds without."""
SOLVES = 200
"""Multiplicative updates of the least squares: a fan's image is fitted to under 0.1 dB after fifty, a tone later."""
LEAST = 1e-12
"""Keeps quotients finite, far below any power that is heard."""


@cache
def filters(bands: int) -> np.ndarray:
    """The mel filters of `features.LogMel`, (band, bin)."""
    import librosa  # here, because it takes a second to load

    return np.asarray(librosa.filters.mel(sr=FS, n_fft=FRAME, n_mels=bands), dtype=float)


def power(levels: np.ndarray) -> np.ndarray:
    """A power spectrum whose mel bands have these levels: (band, frame) in dB -> (bin, frame).

    Non-negative least squares by multiplicative updates from the filters' transpose; bins between two narrow filters
    of low pitch share what their bands hold.

    Raises:
        BadInput: not a finite image.
    """
    if levels.ndim != 2 or not np.isfinite(levels).all():
        raise BadInput(f"sound of an image: its levels must be finite, (band, frame), not of shape {levels.shape}")
    weights, wanted = filters(len(levels)), 10 ** (levels / 10)
    gram, start = weights.T @ weights, weights.T @ wanted
    found = start.copy()
    for _ in range(SOLVES):
        found *= start / (gram @ found + LEAST)
    return np.asarray(found)


def misfit(sound: np.ndarray, levels: np.ndarray) -> float:
    """How far the log-mel levels of a sound are from those of its image, root mean square in dB.

    Args:
        sound: from `wave`.
        levels: (band, frame) in dB; both ends are left out, where frames hang over.
    """
    spectrum = ShortTimeFFT(hann(FRAME, sym=False), HOP, FS).stft(sound, p0=0, p1=levels.shape[1])
    again = 10 * np.log10(filters(len(levels)) @ np.abs(spectrum) ** 2 + LEAST)
    return float(np.sqrt(np.mean((again - np.maximum(levels, 10 * np.log10(LEAST)))[:, 1:-1] ** 2)))


def wave(levels: np.ndarray, seed: int = 0) -> np.ndarray:
    """A sound with these levels: (band, frame) in dB -> float64 samples at 16 kHz, as many as frames' centres span.

    Griffin and Lim's iteration with the momentum of N. Perraudin, P. Balazs, P. Soendergaard, 2013.

    Args:
        levels: of `features.LogMel` with its usual frames.
        seed: of the first phases; two images that are compared take the same.
    """
    size = np.sqrt(power(levels))
    frames, samples = size.shape[1], (size.shape[1] - 1) * HOP
    transform = ShortTimeFFT(hann(FRAME, sym=False), HOP, FS)
    rng = np.random.default_rng(seed)
    phases = np.exp(2j * np.pi * rng.random(size.shape))
    before = np.zeros_like(phases)
    for _ in range(STEPS):
        sound = transform.istft(size * phases, k1=samples)
        now = transform.stft(sound, p0=0, p1=frames)
        phases = now - MOMENTUM / (1 + MOMENTUM) * before
        phases /= np.abs(phases) + LEAST
        before = now
    return np.asarray(transform.istft(size * phases, k1=samples))
