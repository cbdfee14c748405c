"""Mixing of clips: mixup of waveforms, and exchange of one path's embedding between clips (FeatEx).

Random numbers come from torch's global generator, which the training loop seeds for every epoch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def one_hot(classes: Tensor, count: int) -> Tensor:
    """Class numbers (clip,) -> float32 labels (clip, count)."""
    return functional.one_hot(classes, count).float()


def mixup(waves: Tensor, targets: Tensor, probability: float = 0.5) -> tuple[Tensor, Tensor]:
    """lambda x_i + (1 - lambda) x_j and the same of the labels, lambda ~ U(0, 1), one draw a clip.

    H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018. The partner
    is a random place of the batch, by chance the clip's own [our choice; the published code takes the reversed batch].

    Args:
        waves: (clip, sample).
        targets: labels (clip, class).
        probability: with which a clip is mixed; otherwise it stays as it is.
    """
    count, device = len(waves), waves.device
    share = torch.rand(count, 1, device=device)  # lambda
    share = share.where(torch.rand(count, 1, device=device) < probability, torch.ones_like(share))
    partner = torch.randperm(count, device=device)
    return share * waves + (1 - share) * waves[partner], share * targets + (1 - share) * targets[partner]


def feature_exchange(
    exchanged: Tensor, kept: Tensor, targets: Tensor, probability: float = 0.5
) -> tuple[Tensor, Tensor]:
    """FeatEx: one path's embedding is replaced by that of another clip, and the label says so.

    K. Wilkinghoff, "Self-supervised learning for anomalous sound detection", ICASSP 2024. The label of C entries
    becomes 3 C: [y, 0, 0] for a clip left alone, [0, y / 2, y' / 2] for one that got its partner's embedding.

    Args:
        exchanged: embedding of the path that is exchanged, (clip, dimension).
        kept: embedding of the path that stays, (clip, dimension).
        targets: labels (clip, class).
        probability: with which a clip is exchanged.

    Returns:
        Both embeddings side by side (clip, 2 dimension), labels (clip, 3 class).
    """
    count, device = len(exchanged), exchanged.device
    drawn = torch.rand(count, 1, device=device) < probability
    partner = torch.randperm(count, device=device)
    mixed = torch.where(drawn, exchanged[partner], exchanged)
    none = torch.zeros_like(targets)
    alone = torch.cat([targets, none, none], dim=1)
    swapped = torch.cat([none, targets / 2, targets[partner] / 2], dim=1)
    return torch.cat([mixed, kept], dim=1), torch.where(drawn, swapped, alone)
