"""Focal loss of a map with two classes, as the DSR family computes it.

T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal loss for dense object detection", ICCV 2017, without class
weight and with the label smoothing of DSR's code (methods/auddsr.md 4.4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def focal(
    logits: Tensor, target: Tensor, *, gamma: float = 2.0, smoothing: float = 1e-5, weight: Tensor | None = None
) -> Tensor:
    """Mean over pixels of -(1 - p_t)^gamma ln p_t, a scalar in float32, also from half-precision logits.

    p_t = y p_1 + (1 - y) p_0 + smoothing, with y and 1 - y clamped to [smoothing, 1 - smoothing].

    Logits go in, never probabilities: a second softmax would bound p_t by e / (1 + e) = 0.73, the loss by 0.0227.

    Args:
        logits: (n, 2, H, W), channel 1 for "anomalous".
        target: y, bool or float (n, H, W), 1 where anomalous.
        weight: (n, H, W) or a shape that expands to it, 0 in padded frames; the mean is over the weight.
    """
    log_0, log_1 = logits.float().log_softmax(dim=1).unbind(dim=1)
    y = target.float()
    share_0, share_1 = (1 - y).clamp(smoothing, 1 - smoothing), y.clamp(smoothing, 1 - smoothing)
    # In logarithms throughout: without smoothing a p_t that underflows still has a loss and a gradient
    log_p = torch.logaddexp(log_0 + share_0.log(), log_1 + share_1.log())
    log_p = torch.logaddexp(log_p, torch.full_like(log_p, math.log(smoothing) if smoothing else -math.inf))
    wrong = -torch.expm1(log_p)  # 1 - p_t
    # Rounding can leave it at or below 0, where a power below 1 has no gradient
    loss = -(wrong.clamp(min=torch.finfo(wrong.dtype).eps) ** gamma) * log_p
    if weight is None:
        return loss.mean()
    weight = weight.float().expand_as(loss)
    return (weight * loss).sum() / weight.sum()
