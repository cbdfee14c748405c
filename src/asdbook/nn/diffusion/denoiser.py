"""The network of the denoising diffusion module: it predicts the noise in a noisy vector (Yin et al., section II.B).

The paper: two encoder blocks and two decoder blocks of dense layers, hidden size 512, equal input and output size,
output is the predicted noise. Activation, the way the step enters and skips are ours: methods of DDPM for vectors
(Kotelnikov et al., TabDDPM 2023).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from asdbook.errors import BadInput

# Longest period of the step's sinusoids, in steps / (2 pi) (TabDDPM, as in "Attention is all you need").
MAX_PERIOD = 10_000


class TimeFeatures(nn.Module):
    """Step t (n,) -> vector (n, hidden): cosines and sines of t, then Linear, SiLU, Linear.

    Args:
        features: number of sinusoids, half of them cosines: even.
        hidden: length of the vector.
    """

    frequencies: Tensor

    def __init__(self, features: int = 128, hidden: int = 512):
        super().__init__()
        if features < 2 or features % 2:
            raise BadInput(f"{features} time features: an even number is needed, half cosines and half sines")
        half = features // 2
        frequencies = torch.exp(-math.log(MAX_PERIOD) * torch.arange(half, dtype=torch.float64) / half)
        self.register_buffer("frequencies", frequencies.float(), persistent=False)
        self.dense = nn.Sequential(nn.Linear(features, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, t: Tensor) -> Tensor:
        angle = t[:, None] * self.frequencies  # (n, features / 2), radians
        return self.dense(torch.cat([angle.cos(), angle.sin()], dim=1))


class Denoiser(nn.Module):
    """Noisy vectors z_t (batch, dimension) and their steps t -> predicted noise (batch, dimension).

    EB1 dimension-hidden, EB2 hidden-hidden, DB1 hidden-hidden, DB2 hidden-dimension; SiLU after all but the last.
    The step's features are added before the activations of EB1, EB2 and DB1. No batch normalisation and no dropout:
    the first would mix statistics of different steps, and a score must not be drawn.

    Args:
        dimension: length of a vector.
        hidden: width of the blocks; 512 in the paper.
        time_features: number of sinusoids of the step.
        skip: adds EB1's output to DB1's, as in a U-Net.
    """

    def __init__(self, dimension: int, hidden: int = 512, time_features: int = 128, *, skip: bool = False):
        super().__init__()
        self.dimension = dimension
        self.skip = skip
        self.time = TimeFeatures(time_features, hidden)
        self.eb1 = nn.Linear(dimension, hidden)
        self.eb2 = nn.Linear(hidden, hidden)
        self.db1 = nn.Linear(hidden, hidden)
        self.db2 = nn.Linear(hidden, dimension)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        """`t`: long (batch,), or one step for the whole batch, () or (1,): its features are then computed once."""
        time = self.time(t.reshape(-1))  # (batch or 1, hidden)
        encoded = silu(self.eb1(z) + time)
        hidden = silu(self.eb2(encoded) + time)
        decoded = silu(self.db1(hidden) + time)
        return self.db2(decoded + encoded if self.skip else decoded)
