"""Gates along one axis of a network's features: Eq. (1) of SSDM, and the squeeze-and-excitation block it improves.

Both scale features by a factor between 0 and 1 that is computed from an average of the features. The SSDM paper calls
its gate self-attention; it has no queries and keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from asdbook.errors import BadInput, UnknownName

TIME, FREQUENCY = 2, 3  # axes of (clip, channel, frame, bin)
POSITION = 2  # axis of (clip, channel, position), the spectrum path

Attention = Callable[[str, tuple[int, ...]], nn.Module]
"""(place in a network, shape of one clip's features there) to the module that goes there."""


class Gate(nn.Module):
    """y = x + sigmoid(avgpool_i(x) W^T + b) * x, Eq. (1) of SSDM, along axis i.

    The average is over all other axes but the clip's, so the factor has one number a position of axis i: between 1
    and 2, equal for all channels. It can never suppress. [our reading: the paper does not say what is averaged]

    Args:
        length: positions of the axis, n; W is n x n.
        axis: the axis, counted with the clip's axis as 0.
    """

    def __init__(self, length: int, axis: int):
        super().__init__()
        self.axis = axis
        self.dense = nn.Linear(length, length)  # W and b

    def forward(self, x: Tensor) -> Tensor:
        """Features of any number of axes, the shape is kept.

        Raises:
            BadInput: the axis has another length than the gate was built for.
        """
        length = self.dense.in_features
        if x.shape[self.axis] != length:
            raise BadInput(
                f"a gate along {length} positions was given {x.shape[self.axis]}: cut clips to the length that "
                "the network was built for"
            )
        others = [axis for axis in range(1, x.ndim) if axis != self.axis]
        factor = torch.sigmoid(self.dense(x.mean(dim=others)))  # (clip, position)
        for axis in others:
            factor = factor.unsqueeze(axis)
        return x + factor * x


class SqueezeExcite(nn.Module):
    """x * sigmoid(W2 relu(W1 avgpool(x))): a factor a channel, averaged over all positions, without bias.

    J. Hu, L. Shen, G. Sun, "Squeeze-and-excitation networks", CVPR 2018; with the ratio 16 of the FeatEx system.
    """

    def __init__(self, channels: int, ratio: int = 16):
        super().__init__()
        narrow = max(1, channels // ratio)
        self.dense = nn.Sequential(
            nn.Linear(channels, narrow, bias=False), nn.ReLU(), nn.Linear(narrow, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(clip, channel, ...), the shape is kept."""
        factor = self.dense(x.flatten(2).mean(dim=2))
        return x * factor.reshape(*factor.shape, *[1] * (x.ndim - 2))


Gates = Literal["default", "none", "input", "stage-a", "every-stage", "se"]

_SPECTRUM = {"convolution 2": (POSITION,), "convolution 3": (POSITION,)}
_STAGES = {f"stage {name}": (FREQUENCY, TIME) for name in "ABCD"}
GATE_AXES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "none": {},
    "input": {"magnitude": (FREQUENCY, TIME), **_SPECTRUM},
    "stage-a": {"stage A": _STAGES["stage A"], **_SPECTRUM},
    "default": {"magnitude": (FREQUENCY,), "stage A": _STAGES["stage A"], **_SPECTRUM},
    "every-stage": {"magnitude": (FREQUENCY,), **_STAGES, **_SPECTRUM},
}
"""Placement to the axes that are gated at each place of the dual-path network, frequency before time."""


def gates_at(placement: Gates) -> Attention:
    """The gates of Eq. (1) at the named places, or squeeze-and-excitation blocks ("se") in every unit.

    Raises:
        UnknownName: no such placement.
    """
    if placement == "se":
        return _squeeze
    if placement not in GATE_AXES:
        raise UnknownName("placement of gates", placement, [*GATE_AXES, "se"])
    axes = GATE_AXES[placement]

    def build(place: str, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(*(Gate(shape[axis - 1], axis) for axis in axes.get(place, ())))

    return build


def _squeeze(place: str, shape: tuple[int, ...]) -> nn.Module:
    return SqueezeExcite(shape[0]) if place.startswith(("unit", "convolution")) else nn.Sequential()


no_attention = gates_at("none")
"""Nothing, at any place."""
