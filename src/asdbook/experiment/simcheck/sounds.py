"""Numbers of clips that the checks need, all computed in one pass so that audio can be dropped.

The audit classifier's features (methods/simulator.md 7): statistics over time of a log-mel spectrogram, and of a
finer spectrogram with the spectrum of its modulations. Both spectrograms are taken less the clip's own mean level,
so that no classifier lives on loudness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import fft

from asdbook.features import LogMel

FULL_SCALE = 32768.0
AT_ONCE = 16
"""Clips at a time: 16 fine spectrograms of 4 s are 4 MB, which stays in cache."""
FINE = (256, 128)
"""Frame and hop in samples of the fine spectrogram: 16 ms, 125 frames a second."""
EPS = 1e-10
"""Power floor before decibels: below the quantisation noise of 16 bits in any bin."""
MODULATION_BANDS, MODULATION_BINS, MODULATION_HZ = 16, 24, 60.0
FS = 16_000
BANDS = 128
"""Mel bands of the coarse statistics and of the trivial detector."""


@dataclass(frozen=True)
class Sounds:
    """What is kept of n clips.

    Attributes:
        numbers: audit features, float32 (n, features).
        spectrum: mean log-mel spectrum in dB, float32 (n, 128): what the trivial detector sees.
        level: RMS in dBFS (n,). peak: largest |sample| / full scale (n,).
        truth: the simulator's truth of each clip, with its running number as "number".
        samples: length of each clip (n,).
    """

    numbers: np.ndarray
    spectrum: np.ndarray
    level: np.ndarray
    peak: np.ndarray
    samples: np.ndarray
    truth: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.level)

    def field(self, key: str) -> np.ndarray:
        """One entry of the truth for all clips, (n,)."""
        return np.array([row[key] for row in self.truth])

    @property
    def label(self) -> np.ndarray:
        """1 for clips made by the anomaly path (at any severity, also 0), (n,)."""
        return (self.field("label") == "anomaly").astype(np.int8)

    def pick(self, chosen: np.ndarray) -> Sounds:
        """The clips at indices, or where a mask is true."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        rows = tuple(self.truth[i] for i in index)
        return Sounds(
            self.numbers[index], self.spectrum[index], self.level[index], self.peak[index], self.samples[index], rows
        )


def has_domains(sounds: Sounds) -> bool:
    """Whether the parts of the set are domains; otherwise they are machine IDs."""
    return set(np.unique(sounds.field("part")).tolist()) <= {"source", "target"}


def join(parts: Sequence[Sounds]) -> Sounds:
    """Clips one after the other."""
    names = ("numbers", "spectrum", "level", "peak", "samples")
    numbers, spectrum, level, peak, samples = (np.concatenate([getattr(p, name) for p in parts]) for name in names)
    rows = tuple(row for part in parts for row in part.truth)
    return Sounds(numbers, spectrum, level, peak, samples, rows)


_LOGMEL = LogMel(n_fft=1024, hop=512, bands=BANDS)  # as the trivial detector


def measure(audio: np.ndarray, truth: Sequence[dict[str, Any]]) -> Sounds:
    """All numbers of clips, audio int16 (n, samples)."""
    parts = [_measure(audio[i : i + AT_ONCE], truth[i : i + AT_ONCE]) for i in range(0, len(audio), AT_ONCE)]
    return join(parts)


def _measure(audio: np.ndarray, truth: Sequence[dict[str, Any]]) -> Sounds:
    waves = audio.astype(np.float32) / np.float32(FULL_SCALE)
    mel = _LOGMEL(torch.from_numpy(waves)).numpy()  # (clip, frame, band) dB
    numbers = np.concatenate([coarse(mel), fine(waves)], axis=1)
    # Integers: -32768 has no positive int16 counterpart.
    peak = np.abs(audio.astype(np.int32)).max(axis=1) / FULL_SCALE
    level = 10 * np.log10(np.mean(np.square(waves, dtype=np.float64), axis=1) + EPS)
    samples = np.full(len(audio), audio.shape[1])
    return Sounds(numbers, mel.mean(axis=1), level, peak, samples, tuple(truth))


def coarse(mel: np.ndarray) -> np.ndarray:
    """(clip, frame, band) dB to (clip, 6 bands): mean, deviation, 5, 50 and 95 %, maximum, level-free."""
    x = np.sort(_level_free(mel), axis=2)  # (clip, band, frame)
    last = x.shape[2] - 1
    ranks = [x[:, :, round(share * last)] for share in (0.05, 0.5, 0.95, 1.0)]
    return np.concatenate([x.mean(axis=2), x.std(axis=2), *ranks], axis=1)


def spectrogram(waves: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """(clip, sample) to dB power (clip, frame, bin) with a periodic Hann window; frames within the clip only."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(waves, frame, axis=1)[:, ::hop]
    spectrum = fft.rfft(frames * window, axis=2)
    return 10 * np.log10(spectrum.real**2 + spectrum.imag**2 + np.float32(EPS))


def fine(waves: np.ndarray) -> np.ndarray:
    """Statistics of the fine spectrogram (mean, deviation, skewness, 95 %, maximum), and its modulations."""
    x = _level_free(spectrogram(waves, *FINE))  # (clip, bin, frame)
    mean, deviation = x.mean(axis=2), x.std(axis=2)
    z = (x - mean[:, :, None]) / (deviation[:, :, None] + np.float32(1e-3))
    skew = (z * z * z).mean(axis=2)
    ordered = np.partition(x, round(0.95 * (x.shape[2] - 1)), axis=2)
    high = ordered[:, :, round(0.95 * (x.shape[2] - 1))]
    return np.concatenate([mean, deviation, skew, high, x.max(axis=2), modulations(x)], axis=1)


def modulations(x: np.ndarray) -> np.ndarray:
    """Log power of the modulations of 16 bands in 24 bins of 2.5 Hz up to 60 Hz; x: (clip, bin, frame) dB."""
    bands = np.stack([part.mean(axis=1) for part in np.array_split(x[:, 1:], MODULATION_BANDS, axis=1)], axis=1)
    bands = bands - bands.mean(axis=2, keepdims=True)
    power = np.abs(fft.rfft(bands, axis=2)) ** 2 / bands.shape[2]
    hz = np.arange(power.shape[2]) * (FS / FINE[1]) / bands.shape[2]
    width = MODULATION_HZ / MODULATION_BINS
    bins = [power[:, :, (hz > k * width) & (hz <= (k + 1) * width)] for k in range(MODULATION_BINS)]
    pooled = np.stack([b.mean(axis=2) for b in bins if b.shape[2]], axis=2)
    return np.log(pooled + np.float32(1e-3)).reshape(len(x), -1)


def _level_free(db: np.ndarray) -> np.ndarray:
    """(clip, frame, band) less each clip's mean, as contiguous (clip, band, frame) float32."""
    free = db - db.mean(axis=(1, 2), keepdims=True)
    return np.ascontiguousarray(free.transpose(0, 2, 1), dtype=np.float32)
