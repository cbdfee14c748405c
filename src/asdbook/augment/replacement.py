"""Replacement of code vectors inside an anomaly map, and how visible the change is after decoding.

AudDSR (V. Zavrtanik et al., ICASSP 2024) samples replacements "from codebooks" and gives no rule; the rule here is that
of DSR, the vision method it follows (V. Zavrtanik, M. Kristan, D. Skocaj, "DSR - a dual subspace re-projection network
for surface anomaly detection", ECCV 2022): codes that are near, but not too near (methods/auddsr.md 5.3).

Random numbers come from torch's global generator, which the training loop seeds for every epoch.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from asdbook.errors import BadInput, UnknownName

Sampling = Literal["similar", "uniform"]
DISTANCES = 2**24  # at most so many float32 distances at once: 64 MB


def replacements(
    z: Tensor,
    codes: Tensor,
    cells: Tensor,
    live: Tensor,
    *,
    sampling: Sampling = "similar",
    skip: float = 0.05,
    strength: tuple[float, float] = (0.2, 1.0),
) -> Tensor:
    """A new code for every marked cell: int64 (n, h, w), index into all K codes, and -1 where nothing is replaced.

    "similar" sorts the live codes by their distance to z at the cell and takes one of the ranks of `pool`, each cell on
    its own; the sample's strength s, drawn once, says how far away a replacement may be. "uniform" takes any live code,
    the nearest included. Codes that are not live are never used: the decoder has not learnt to read them.

    Args:
        z: features before quantisation, (n, d, h, w): the same that the quantiser sees.
        codes: (K, d).
        cells: marked cells, bool (n, h, w).
        live: codes in use, bool (K,).
        skip: share of the nearest codes that are left out, since the change would be invisible.
        strength: range of s, uniform.

    Raises:
        UnknownName: no such sampling.
        BadInput: no code is live.
    """
    if sampling not in get_args(Sampling):
        raise UnknownName("sampling of replacements", sampling, get_args(Sampling))
    alive = live.nonzero()[:, 0]
    if not len(alive):
        raise BadInput(f"none of {len(codes)} codes is in use: train the discrete autoencoder longer")
    sample, row, column = cells.bool().nonzero(as_tuple=True)
    new = torch.full(cells.shape, -1, dtype=torch.long, device=cells.device)
    if sampling == "uniform":
        new[sample, row, column] = alive[torch.randint(len(alive), sample.shape, device=cells.device)]
        return new
    s = strength[0] + (strength[1] - strength[0]) * torch.rand(len(z), device=z.device)
    low, high = pool(len(alive), s, skip)
    drawn = low + (torch.rand(sample.shape, device=z.device) * (high - low)[sample]).long()
    rank = drawn.minimum(high[sample] - 1)  # the largest float32 below 1, times a count, can round up to the count
    new[sample, row, column] = alive[_code_of_rank(z[sample, :, row, column], codes[alive], rank)]
    return new


def pool(count: int, s: Tensor, skip: float = 0.05) -> tuple[int, Tensor]:
    """Ranks that may replace, low <= rank < high, of `count` live codes at strengths s (n,): low, high (n,).

    low = floor(skip count), but at least 1, so that the nearest code is never used; high = min(floor(s count) + 1,
    count - 1). Where that leaves no rank (two codes, or a small s) the pool is `low` alone: of two codes the other
    one. Of a single code there is nothing else to choose: rank 0, the nearest.
    """
    low = min(max(1, math.floor(skip * count)), count - 1)
    high = ((s.double() * count).floor().long() + 1).clamp(max=count - 1).clamp(min=low + 1)
    return low, high


def _code_of_rank(z: Tensor, codes: Tensor, rank: Tensor) -> Tensor:
    """Index of the code that is the rank-th nearest, from 0: (m, d), (K, d), (m,) -> (m,), in float32."""
    chosen = []
    with torch.no_grad(), torch.autocast(z.device.type, enabled=False):
        codes = codes.float()
        half = codes.square().sum(dim=1) / 2
        rows = max(1, DISTANCES // len(codes))
        for part, ranks in zip(z.float().split(rows), rank.split(rows)):
            distances = torch.addmm(half, part, codes.T, alpha=-1)  # |z - e|^2 / 2 - |z|^2 / 2: the same order
            chosen.append(distances.argsort(dim=1).gather(1, ranks[:, None])[:, 0])
    return torch.cat(chosen)


def visibility(changed: Tensor, clean: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean |changed - clean| inside and outside the map, each float32 (n,): images and mask (n, H, W).

    NaN where a sample has no such pixel (average with `nanmean`); a pixel on one side never touches the other side.
    """
    difference, mask = (changed - clean).abs().float(), mask.bool()

    def mean(where: Tensor) -> Tensor:
        return difference.masked_fill(~where, 0).sum(dim=(1, 2)) / where.sum(dim=(1, 2))

    return mean(mask), mean(~mask)
