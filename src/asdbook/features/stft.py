"""Short-time Fourier transform: linear magnitude and phase.

The discriminative systems use frames of 1024 samples every 512 without padding at the ends, linear magnitude,
all 513 bins. Run these outside autocast: a magnitude can exceed what half precision holds.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from asdbook.errors import BadInput
from asdbook.features.framing import frames

PHASE_FLOOR_DB = -60.0
"""Phase of bins this far below the clip's largest magnitude is noise and is masked."""


def stft(waves: Tensor, window: Tensor, hop: int = 512, center: bool = False) -> Tensor:
    """(clip, sample) -> complex (clip, frame, bin); the window's length is the FFT's."""
    return torch.fft.rfft(frames(waves, window.numel(), hop, center) * window)


class MagnitudeStft(nn.Module):
    """(clip, sample) -> (clip, frame, bin) linear magnitude."""

    window: Tensor

    def __init__(self, n_fft: int = 1024, hop: int = 512, center: bool = False):
        super().__init__()
        self.hop, self.center = hop, center
        self.register_buffer("window", torch.hann_window(n_fft, periodic=True), persistent=False)

    @torch.no_grad()
    def forward(self, waves: Tensor) -> Tensor:
        real = torch.view_as_real(stft(waves, self.window, self.hop, self.center))
        return real[..., 0].square().addcmul_(real[..., 1], real[..., 1]).sqrt_()


class PhaseStft(nn.Module):
    """(clip, sample) -> phase of the short-time Fourier transform.

    `form="angle"`: (clip, frame, bin), angle / pi in (-1, 1]. `form="vector"`: (clip, 2, frame, bin), cosine and
    sine, zero where the magnitude lies more than 60 dB below the clip's largest (silence has no phase).
    """

    window: Tensor

    def __init__(
        self,
        n_fft: int = 1024,
        hop: int = 512,
        center: bool = False,
        form: Literal["angle", "vector"] = "vector",
    ):
        super().__init__()
        if form not in ("angle", "vector"):
            raise BadInput(f"phase form {form!r}: choose 'angle' or 'vector'")
        self.hop, self.center, self.form = hop, center, form
        self.register_buffer("window", torch.hann_window(n_fft, periodic=True), persistent=False)

    @torch.no_grad()
    def forward(self, waves: Tensor) -> Tensor:
        spectrum = stft(waves, self.window, self.hop, self.center)
        if self.form == "angle":
            return spectrum.angle() / torch.pi
        magnitude = spectrum.abs()
        floor = magnitude.amax(dim=(1, 2), keepdim=True) * 10 ** (PHASE_FLOOR_DB / 20)
        heard = (magnitude > 0) & (magnitude >= floor)
        unit = torch.where(heard, spectrum / magnitude, torch.zeros_like(spectrum))
        return torch.stack([unit.real, unit.imag], dim=1)
