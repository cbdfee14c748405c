"""Vector quantisation: every feature vector is replaced by the nearest of K learnt codes.

A. van den Oord, O. Vinyals, K. Kavukcuoglu, "Neural discrete representation learning", 2017 (loss, straight-through
gradient, codes as moving averages). Two things are added here, because without them a short training collapses to one
code: the codes start from data, each counted once, and codes that nothing chooses are moved to where features are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Update = Literal["gradient", "average"]
COMMITMENT = 0.25  # lambda_K of Eq. (1)
DECAY = 0.99  # of the moving averages
EPS = 1e-5  # keeps an average of no vectors finite
DEAD_BELOW = 0.1  # a code with a smaller moving count is moved [our choice]
DISTANCES_AT_ONCE = 2**24  # numbers of the distance matrix in memory, 64 MB


def nearest(features: Tensor, codes: Tensor, at_once: int = DISTANCES_AT_ONCE) -> Tensor:
    """Index of the nearest code of each vector; of equally near ones the first.

    Args:
        features: (vector, dimension).
        codes: (code, dimension).
        at_once: distances that are held in memory at a time.

    Returns:
        int64 (vector,).
    """
    with torch.autocast(features.device.type, enabled=False):  # rounded to bf16, neighbours change places
        features, codes = features.detach().float(), codes.detach().float()
        sizes = codes.square().sum(dim=1)
        rows = max(1, at_once // len(codes))
        # |f - c|^2 = |f|^2 - 2 f c + |c|^2, and |f|^2 is the same for every code.
        parts = [torch.addmm(sizes, part, codes.T, alpha=-2).argmin(dim=1) for part in features.split(rows)]
    return torch.cat(parts)


def perplexity(counts: Tensor) -> Tensor:
    """exp of the entropy of code use, from counts (..., code): 1 for a single code, K when all are used equally."""
    p = counts.double() / counts.double().sum(dim=-1, keepdim=True).clamp_min(1)
    return torch.special.entr(p).sum(dim=-1).exp()


@dataclass(frozen=True)
class Quantised:
    """A map of codes.

    Attributes:
        vectors: the codes, (clip, dimension, band, frame); gradients pass straight through to the features.
        indices: which codes, int64 (clip, band, frame).
        loss: the terms of Eq. (1) that belong to this codebook.
    """

    vectors: Tensor
    indices: Tensor
    loss: Tensor


class VectorQuantiser(nn.Module):
    """A codebook, moved by the gradient of the codebook term or by moving averages, never by both.

    Args:
        codes: K.
        dimension: D.
        update: "gradient": the second and fourth term of Eq. (1); "average": those terms left out, codes are moving
            averages of the features that chose them.
        revive: whether codes that nothing chooses are moved to features drawn at random.
    """

    codes: Tensor
    counts: Tensor
    sums: Tensor
    used: Tensor

    def __init__(self, codes: int, dimension: int, update: Update = "average", revive: bool = False):
        super().__init__()
        self.update, self.revive = update, revive
        start = torch.randn(codes, dimension)
        if update == "gradient":
            self.codes = nn.Parameter(start)
        else:
            self.register_buffer("codes", start)
            self.register_buffer("counts", torch.zeros(codes))  # N
            self.register_buffer("sums", start.clone())  # m
        self.register_buffer("used", torch.zeros(codes, dtype=torch.int64))  # in training, until set to zero

    @torch.no_grad()
    def start(self, features: Tensor, sound: Tensor | None = None) -> None:
        """Codes become features (clip, dimension, band, frame) drawn at random, each counted once: N = 1, m = code.

        Those where `sound`, bool (clip, frame), is False are not drawn.

        Without this N is 0, and a code that the first batch does not choose becomes m / EPS: far from everything, so
        that it is not chosen for hundreds of steps.
        """
        flat = _flat(features) if sound is None else _flat(features)[_cells(sound, features)]
        drawn = torch.randperm(len(flat), device=flat.device)
        drawn = drawn.repeat(-(-len(self.codes) // len(flat)))[: len(self.codes)]
        self.codes.copy_(flat[drawn])
        if self.update == "average":
            self.counts.fill_(1)
            self.sums.copy_(self.codes)

    def forward(self, features: Tensor, sound: Tensor | None = None) -> Quantised:
        """Features (clip, dimension, band, frame) to their nearest codes; in training the codebook learns.

        Where `sound`, bool (clip, frame), is False a frame is padding: it has codes, and nothing is learnt from it.
        """
        flat = _flat(features)
        chosen = nearest(flat, self.codes)
        vectors = self.lookup(chosen.view(len(features), *features.shape[2:]))
        loss = COMMITMENT * error_of_sound(features, vectors.detach(), sound)
        if self.update == "gradient":
            loss = loss + error_of_sound(vectors, features.detach(), sound)
        if self.training:
            own = slice(None) if sound is None else _cells(sound, features)
            self._count(flat.detach()[own], chosen[own])
        passed = features + (vectors - features).detach()
        return Quantised(passed, chosen.view(len(features), *features.shape[2:]), loss)

    def lookup(self, indices: Tensor) -> Tensor:
        """Codes of a map of indices: (clip, band, frame) -> (clip, dimension, band, frame)."""
        return functional.embedding(indices, self.codes).movedim(-1, 1)

    @torch.no_grad()
    def _count(self, flat: Tensor, chosen: Tensor) -> None:
        """Counts which codes were chosen, and moves averaged codes."""
        counts = torch.bincount(chosen, minlength=len(self.codes))
        self.used += counts
        if self.update == "gradient":
            return
        sums = torch.zeros_like(self.sums).index_add_(0, chosen, flat.to(self.sums.dtype))
        self.counts.lerp_(counts.to(self.counts.dtype), 1 - DECAY)
        self.sums.lerp_(sums, 1 - DECAY)
        total = self.counts.sum()
        smoothed = (self.counts + EPS) / (total + len(self.codes) * EPS) * total
        self.codes.copy_(self.sums / smoothed[:, None])
        if self.revive:
            self._revive(flat)

    def _revive(self, flat: Tensor) -> None:
        # As many are drawn as there are codes, so that what is drawn later does not depend on how many are dead.
        drawn = flat[torch.randint(len(flat), (len(self.codes),), device=flat.device)].to(self.codes.dtype)
        dead = self.counts < DEAD_BELOW
        self.codes.copy_(torch.where(dead[:, None], drawn, self.codes))
        self.sums.copy_(torch.where(dead[:, None], drawn, self.sums))
        self.counts.masked_fill_(dead, 1)


def error_of_sound(left: Tensor, right: Tensor, sound: Tensor | None = None) -> Tensor:
    """Mean squared difference of maps (clip, dimension, band, frame) over the frames that are sound, a scalar."""
    if sound is None:
        return functional.mse_loss(left, right)
    weight = sound[:, None, None].to(left.dtype)  # where all is sound this is the plain mean, bit for bit
    return functional.mse_loss(left * weight, right * weight) * (sound.numel() / sound.sum().clamp_min(1))


def _cells(sound: Tensor, features: Tensor) -> Tensor:
    """Which vectors of `_flat` are sound, bool (vector,)."""
    return sound[:, None].expand(-1, features.shape[2], -1).flatten()


def _flat(features: Tensor) -> Tensor:
    """(clip, dimension, band, frame) -> (vector, dimension)."""
    return features.movedim(1, -1).flatten(0, 2)
