"""The trainable networks of DSR: subspace restriction, object-specific decoder, detection U-Net.

V. Zavrtanik, M. Kristan, D. Skocaj, "DSR: a dual subspace re-projection network for surface anomaly detection", 2022;
AudDSR, section 3.2, follows it and states no sizes. Sizes here are those of its authors' code.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from asdbook.nn.vqvae import ResidualStack, doubled

Norm = Literal["instance", "group", "batch"]
GROUPS = 8  # of group normalisation, at most


def normalisation(norm: Norm, channels: int) -> nn.Module:
    """Of a map of `channels`: "instance" and "group" take each clip's own level and contrast away, "batch" does not."""
    if norm == "instance":
        return nn.InstanceNorm2d(channels)
    if norm == "group":
        return nn.GroupNorm(math.gcd(GROUPS, channels), channels)
    return nn.BatchNorm2d(channels)


def blocks(norm: Norm, *channels: int) -> nn.Sequential:
    """Convolution 3x3, normalisation, ReLU, from each number of channels to the next."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), normalisation(norm, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def bilinear() -> nn.Module:
    """Doubles bands and frames."""
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


class SubspaceRestriction(nn.Module):
    """Pulls a map of codes back to one that normal sound has; narrow in the middle and without skip connections.

    (clip, D, band, frame) -> the same; band and frame are multiples of 4.

    Args:
        dimension: D.
        width: channels of the first stage; D in DSR.
        norm: what follows each convolution.
    """

    def __init__(self, dimension: int, width: int, norm: Norm = "instance"):
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            blocks(norm, dimension, w, w), nn.MaxPool2d(2),
            blocks(norm, w, 2 * w, 2 * w), nn.MaxPool2d(2),
            blocks(norm, 2 * w, 4 * w, 4 * w),
            bilinear(), blocks(norm, 4 * w, 2 * w, 2 * w, 2 * w),
            bilinear(), blocks(norm, 2 * w, w, w, w),
            nn.Conv2d(w, dimension, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ObjectDecoder(nn.Module):
    """Both maps on the fine grid (clip, 2 D, band, frame) -> image (clip, 1, 4 band, 4 frame).

    Args:
        dimension: D.
        width: channels of the first stage; 2 D in DSR.
        middle: channels at its narrowest.
        hidden, inner, residual_blocks: of the residual stack.
        norm: what follows each convolution of the first half.
    """

    def __init__(
        self,
        dimension: int,
        width: int,
        middle: int,
        hidden: int,
        inner: int,
        residual_blocks: int = 2,
        norm: Norm = "instance",
    ):
        super().__init__()
        w = width
        self.layers = nn.Sequential(
            blocks(norm, 2 * dimension, w, 2 * w), nn.MaxPool2d(2),
            blocks(norm, 2 * w, 2 * w, 4 * w), nn.MaxPool2d(2),
            nn.Conv2d(4 * w, middle, 1),
            doubled(middle, middle), nn.ReLU(), doubled(middle, middle), nn.ReLU(),
            nn.Conv2d(middle, hidden, 3, padding=1), ResidualStack(hidden, inner, residual_blocks),
            doubled(hidden, hidden // 2), nn.ReLU(), doubled(hidden // 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class DetectionUNet(nn.Module):
    """Images (clip, channel, band, frame), multiples of 8 -> logits (clip, 2, band, frame): normal and anomalous.

    With instance normalisation the output does not change when all inputs are scaled by one number, nor, away from
    the edges, when a constant is added to one of them: a fault that is a level alone is nearly invisible to it.

    Args:
        width: channels of the first stage.
        inputs: channels of the images.
        norm: what follows each convolution.
    """

    def __init__(self, width: int, inputs: int = 2, norm: Norm = "instance"):
        super().__init__()
        sizes, upward = (width, 2 * width, 4 * width, 4 * width), (4 * width, 2 * width, width)
        self.down = nn.ModuleList(blocks(norm, before, now, now) for before, now in zip((inputs, *sizes), sizes))
        self.rise = nn.ModuleList(
            nn.Sequential(bilinear(), blocks(norm, below, now)) for below, now in zip(sizes[:0:-1], upward)
        )
        self.merge = nn.ModuleList(blocks(norm, 2 * now, now, now) for now in upward)
        self.head = nn.Conv2d(width, 2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        levels = [self.down[0](images)]
        for stage in list(self.down)[1:]:
            levels.append(stage(functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for rise, merge in zip(self.rise, self.merge):
            x = merge(torch.cat([rise(x), levels.pop()], dim=1))
        return self.head(x)
