"""Log-mel spectrogram of the official baselines: librosa's numbers, several times faster.

Pad, cut into frames, window, real FFT, re² + im², matrix products, logarithm, a few clips at a time so that the
intermediate arrays stay in the processor's cache. The power is taken as re² + im² because `abs().square()` takes
four times as long. The mel matrix is 97 % zeros: products of 16 bands with the bins they cover take a quarter of
the time of one product with all bins.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from asdbook.features.framing import check_waves, frames

EPS = 2.220446e-16
"""Floor of the mel power: float64's machine epsilon, as in the official code; digital silence is -156.5 dB."""

BLOCK_SAMPLES = 2 * 160_000
"""Samples computed at once on a CPU: two 10 s clips at 16 kHz; from eight on they leave the cache and take twice
as long."""

BAND_GROUP = 16
"""Mel bands of one matrix product."""


@cache
def mel_filters(sample_rate: int, n_fft: int, bands: int, fmin: float, fmax: float | None) -> Tensor:
    """Triangular filters with equal area on Slaney's mel scale (librosa's default), (bin, band) float32."""
    with warnings.catch_warnings():
        # librosa's downloader looks for progress widgets and, in a notebook without them, says so on stderr.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import librosa.filters  # here, because it takes a second to load

    filters = librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=bands, fmin=fmin, fmax=fmax, htk=False, norm="slaney"
    )
    return torch.from_numpy(filters).T.contiguous()


def mel_centres(sample_rate: int, bands: int) -> np.ndarray:
    """Frequencies in Hz at which the filters of `mel_filters` peak (from 0 Hz to half the rate), float64 (band,)."""
    import librosa  # here, because it takes a second to load

    return librosa.mel_frequencies(n_mels=bands + 2, fmin=0.0, fmax=sample_rate / 2)[1:-1]


def band_groups(filters: Tensor) -> list[tuple[slice, slice]]:
    """(bins, bands) slices that together hold every filter weight that is not zero."""
    groups = []
    for first in range(0, filters.shape[1], BAND_GROUP):
        bands = slice(first, first + BAND_GROUP)
        used = (filters[:, bands] != 0).any(dim=1).nonzero().flatten().tolist() or [0]
        groups.append((slice(used[0], used[-1] + 1), bands))
    return groups


def decibel(power: Tensor) -> Tensor:
    """10 log10(max(power, EPS)): decibels without reference and without a lower clip."""
    return power.clamp_min(EPS).log10_().mul_(10.0)


class LogMel(nn.Module):
    """(clip, sample) -> (clip, frame, band): mel power in dB, or plain power with `log=False`.

    Args:
        sample_rate: Hz.
        n_fft: frame and window length in samples (periodic Hann).
        hop: samples between frames.
        bands: mel bands.
        fmin: lower edge in Hz.
        fmax: upper edge in Hz; None is half the sample rate.
        center: pad half a frame of zeros at both ends.
        log: whether to return decibels.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int = 16_000,
        n_fft: int = 1024,
        hop: int = 512,
        bands: int = 128,
        fmin: float = 0.0,
        fmax: float | None = None,
        center: bool = True,
        log: bool = True,
    ):
        super().__init__()
        self.n_fft, self.hop, self.center, self.log = n_fft, hop, center, log
        self.register_buffer("window", torch.hann_window(n_fft, periodic=True), persistent=False)
        filters = mel_filters(sample_rate, n_fft, bands, fmin, fmax)
        self.register_buffer("filters", filters, persistent=False)
        self._groups = band_groups(filters)

    @torch.no_grad()
    def forward(self, waves: Tensor) -> Tensor:
        check_waves(waves)
        at_once = max(1, BLOCK_SAMPLES // waves.shape[1]) if waves.device.type == "cpu" else 256
        return torch.cat([self._block(block) for block in waves.split(at_once)])

    def _block(self, waves: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(frames(waves, self.n_fft, self.hop, self.center) * self.window)
        real = torch.view_as_real(spectrum)  # (clip, frame, bin, 2)
        power = real[..., 0].square().addcmul_(real[..., 1], real[..., 1])
        parts = [power[..., bins] @ self.filters[bins, bands] for bins, bands in self._groups]
        mel = torch.cat(parts, dim=-1)  # (clip, frame, band)
        return decibel(mel) if self.log else mel
