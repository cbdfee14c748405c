"""The denoising diffusion module on the vectors of one machine: section II.B of SSDM."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from asdbook.nn import diffusion
from asdbook.systems.base import Tensors
from asdbook.systems.ssdm.settings import Scaling, SsdmConfig

SMALLEST_SPREAD = 1e-3  # of the largest: a dimension that never varies must not blow up [our choice]


def scaled(z: Tensor, scaling: Scaling) -> Tensor:
    """z_0 from the embedding z, (..., dimension), before any standardisation.

    "direction" gives unit power a dimension, which noise of unit variance is made for; with "unit" it drowns.
    """
    if scaling == "raw":
        return z
    return functional.normalize(z, dim=-1) * (1.0 if scaling == "unit" else z.shape[-1] ** 0.5)


class Denoised:
    """The denoising diffusion module of one machine: scaling, denoiser, error. Section II.B.

    Args:
        config: the system's settings.
        dimension: of the vectors.
    """

    def __init__(self, config: SsdmConfig, dimension: int, device: str = "cpu"):
        self.config = config
        self.denoiser = diffusion.Denoiser(dimension, config.hidden).eval()
        self.schedule = diffusion.Schedule.build(config.steps, config.schedule)
        self.centre, self.spread = torch.zeros(dimension), torch.ones(dimension)
        self.to(device)

    def standardise(self, vectors: Tensor) -> None:
        """Takes mean and spread of each dimension from training vectors, where the setting says so."""
        if self.config.scaling == "perdim":
            z = self._unscaled(vectors)
            self.centre, self.spread = z.mean(dim=0), z.std(dim=0, correction=0)
            self.spread = self.spread.clamp(min=SMALLEST_SPREAD * float(self.spread.max())).clamp(min=1e-12)

    def _unscaled(self, vectors: Tensor) -> Tensor:
        if self.config.inputs != "embedding":  # the length of a spectrum is its level: it is kept
            return vectors
        return scaled(vectors, self.config.scaling)

    def z0(self, vectors: Tensor) -> Tensor:
        """(vector, dimension) -> what is diffused."""
        return (self._unscaled(vectors) - self.centre) / self.spread

    def loss(self, z0: Tensor) -> Tensor:
        """Eq. (5)."""
        return diffusion.diffusion_loss(self.denoiser, z0, self.schedule)

    def errors(self, vectors: Tensor, hashes: list[int], seed: int) -> Tensor:
        """Eq. (7) of vectors (vector, dimension), the mean over draws of noise; float64 (vector,)."""
        c = self.config
        return diffusion.mean_error(
            self.denoiser, self.z0(vectors), self.schedule, hashes, seed=seed, draws=c.draws, steps=c.start,
            reading=c.reading,
        )  # fmt: skip

    def reconstruction(self, vectors: Tensor, hashes: list[int], seed: int) -> Tensor:
        """z'_0 of the first draw by Eq. (6), also where the score is another reading's; (vector, dimension)."""
        noise = diffusion.clip_noise(hashes, seed, 0, self.config.start, vectors.shape[1])
        return diffusion.reconstruct(self.denoiser, self.z0(vectors), self.schedule, noise, steps=self.config.start)

    def to(self, device: str) -> Denoised:
        self.denoiser.to(device)
        self.schedule = self.schedule.to(device)
        self.centre, self.spread = self.centre.to(device), self.spread.to(device)
        return self

    def state(self) -> Tensors:
        return {"centre": self.centre, "spread": self.spread, **self.denoiser.state_dict()}

    def load(self, tensors: Tensors) -> Denoised:
        rest = dict(tensors)
        self.centre, self.spread = rest.pop("centre").to(self.centre), rest.pop("spread").to(self.spread)
        self.denoiser.load_state_dict(rest)
        return self
