"""Magnitude spectrum of a whole clip: resolution 1 / clip length, no window, no normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asdbook.features.framing import check_waves


class Spectrum(nn.Module):
    """(clip, sample) -> (clip, sample // 2): |FFT| of the clip, linear, the Nyquist bin left out.

    Bins reach about the square root of n to n times the amplitude: keep this in float32. `keep` cuts to the lowest
    bins (8000 bins of a 12 s clip are 0-667 Hz).
    """

    def __init__(self, keep: int | None = None):
        super().__init__()
        self.keep = keep

    @torch.no_grad()
    def forward(self, waves: Tensor) -> Tensor:
        check_waves(waves, at_least=2)
        bins = waves.shape[1] // 2
        real = torch.view_as_real(torch.fft.rfft(waves)[:, : min(bins, self.keep or bins)])
        return real[..., 0].square().addcmul_(real[..., 1], real[..., 1]).sqrt_()
