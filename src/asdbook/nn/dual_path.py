"""The dual-path network: a residual network on the spectrogram, a 1-D convolutional network on the whole spectrum.

K. Wilkinghoff, "Design choices for learning embeddings from auxiliary tasks for domain generalization in anomalous
sound detection", ICASSP 2023; layer tables as in its code. Two of its oddities are left out, as in later code: the
first unit without, and one unit with misplaced, batch normalisation. All convolutions and dense layers are free of
biases, and batch normalisation has no affine part, so that no constant solution exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from asdbook.errors import BadInput
from asdbook.nn.gates import Attention, no_attention

Activation = Callable[[], nn.Module]
STEM = 7  # kernel of the first convolution
POOL = 3  # window of the first pooling
SPECTRUM_KERNELS = ((256, 64), (64, 32), (16, 4))  # kernel and stride of the spectrum path's convolutions
DENSE_LAYERS = 4  # with batch normalisation, before the last one


def same(kernel: int, stride: int, length: int) -> tuple[int, int]:
    """Zeros before and after, so that the output has ceil(length / stride) positions; the odd one goes after."""
    total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


class SameConv(nn.Module):
    """A convolution without bias over 1 or 2 axes, padded as `same` says: any length, also with a stride."""

    def __init__(self, axes: int, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        kind = nn.Conv1d if axes == 1 else nn.Conv2d
        self.conv = kind(inputs, outputs, kernel, stride, bias=False)
        self.axes, self.kernel, self.stride = axes, kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        pads = [same(self.kernel, self.stride, length) for length in reversed(x.shape[-self.axes :])]
        if all(before == after for before, after in pads):  # the convolution's own padding copies nothing
            padding = [before for before, _ in reversed(pads)]
            convolve = functional.conv1d if self.axes == 1 else functional.conv2d
            return convolve(x, self.conv.weight, stride=self.stride, padding=padding)
        return self.conv(functional.pad(x, [n for pair in pads for n in pair]))


class ResidualUnit(nn.Module):
    """BN, activation, convolution 3x3, BN, activation, convolution 3x3 [, attention], added to the normalised input.

    A unit that changes the number of channels halves time and frequency; its skip is a 2x2 maximum and a 1x1
    convolution. Nothing follows the sum.
    """

    def __init__(
        self, inputs: int, outputs: int, attention: nn.Module, activation: Activation, affine: bool, lead: bool = True
    ):
        super().__init__()
        halves = inputs != outputs
        self.norm = nn.BatchNorm2d(inputs, affine=affine) if lead else nn.Identity()
        self.branch = nn.Sequential(
            activation(),
            SameConv(2, inputs, outputs, 3, 2 if halves else 1),
            nn.BatchNorm2d(outputs, affine=affine),
            activation(),
            SameConv(2, outputs, outputs, 3),
            attention,
        )
        self.skip = (
            nn.Sequential(nn.MaxPool2d(2, 2, ceil_mode=True), SameConv(2, inputs, outputs, 1))
            if halves
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return self.skip(x) + self.branch(x)


class SpectrogramPath(nn.Module):
    """(clip, frame, bin) linear magnitude -> (clip, embedding).

    Mean removal over time and batch normalisation a bin, a 7x7 convolution, four stages of two residual units, the
    maximum over time, a dense layer.

    Args:
        frames: frames of a clip; only attention along time depends on them.
        bins: frequency bins.
        width: channels of the first stage; the others have 2, 4 and 8 times as many.
        embedding: outputs.
        attention: what goes at the places "magnitude" (before the mean is removed), "unit ..." and "stage A" to
            "stage D".
        activation: the nonlinearity.
        affine: whether batch normalisation learns a scale and a shift.

    Raises:
        BadInput: too few frames or bins.
    """

    def __init__(
        self,
        frames: int,
        bins: int = 513,
        *,
        width: int = 16,
        embedding: int = 128,
        attention: Attention = no_attention,
        activation: Activation = nn.ReLU,
        affine: bool = False,
    ):
        super().__init__()
        t, f = ((-(-n // 2) - POOL) // 2 + 1 for n in (frames, bins))
        if t < 1 or f < 1:
            raise BadInput(f"{frames} frames of {bins} bins are too few for the spectrogram path: make clips longer")
        self.magnitude = attention("magnitude", (1, frames, bins))
        self.bins = nn.BatchNorm1d(bins, affine=affine)
        self.stem = nn.Sequential(
            SameConv(2, 1, width, STEM, 2), nn.BatchNorm2d(width, affine=affine), activation(), nn.MaxPool2d(POOL, 2)
        )
        stages, inputs = [], width
        for i, name in enumerate("ABCD"):
            outputs = width * 2**i
            if i:
                t, f = -(-t // 2), -(-f // 2)
            shape = (outputs, t, f)
            units = [
                ResidualUnit(
                    inputs if n == 0 else outputs, outputs, attention(f"unit {name}{n}", shape), activation, affine,
                    lead=bool(i or n),  # the stem's output is normalised already
                )
                for n in range(2)
            ]  # fmt: skip
            stages.append(nn.Sequential(*units, attention(f"stage {name}", shape)))
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.dense = nn.Sequential(
            nn.BatchNorm1d(inputs * f, affine=affine), nn.Linear(inputs * f, embedding, bias=False)
        )
        self.memory_format = torch.channels_last  # a tenth to a half faster on CPUs; rounding apart, the same
        self.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def forward(self, magnitude: Tensor) -> Tensor:
        x = self.magnitude(magnitude[:, None])[:, 0]
        x = x - x.mean(dim=1, keepdim=True)  # every bin's mean over the clip
        x = self.bins(x.transpose(1, 2)).transpose(1, 2)
        x = self.stages(self.stem(x[:, None].contiguous(memory_format=self.memory_format)))
        return self.dense(x.amax(dim=2).flatten(1))  # the maximum over time; frequency is kept


class SpectrumPath(nn.Module):
    """(clip, bin) linear magnitude of the whole clip's spectrum -> (clip, embedding).

    Three 1-D convolutions, four dense layers with batch normalisation, one without.

    Args:
        bins: bins of the spectrum: half the samples of a clip.
        channels: of the convolutions, and width of the dense layers.
        embedding: outputs.
        attention: what goes at the places "convolution 1" to "convolution 3".
        activation: the nonlinearity.
        affine: whether batch normalisation learns a scale and a shift.
    """

    def __init__(
        self,
        bins: int,
        *,
        channels: int = 128,
        embedding: int = 128,
        attention: Attention = no_attention,
        activation: Activation = nn.ReLU,
        affine: bool = False,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        inputs, length = 1, bins
        for i, (kernel, stride) in enumerate(SPECTRUM_KERNELS, 1):
            length = -(-length // stride)
            layers += [SameConv(1, inputs, channels, kernel, stride), activation()]
            layers.append(attention(f"convolution {i}", (channels, length)))
            inputs = channels
        self.convolutions = nn.Sequential(*layers)
        dense: list[nn.Module] = []
        inputs = channels * length
        for _ in range(DENSE_LAYERS):
            dense += [nn.Linear(inputs, channels, bias=False), nn.BatchNorm1d(channels, affine=affine), activation()]
            inputs = channels
        self.dense = nn.Sequential(*dense, nn.Linear(channels, embedding, bias=False))

    def forward(self, spectrum: Tensor) -> Tensor:
        return self.dense(self.convolutions(spectrum[:, None]).flatten(1))


class MultiPath(nn.Module):
    """Several paths on several inputs of one clip; their embeddings one beside the other.

    Args:
        paths: name to path; `forward` takes the inputs by the same names.
    """

    def __init__(self, paths: Mapping[str, nn.Module]):
        super().__init__()
        self.paths = nn.ModuleDict(dict(paths))

    def parts(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """The embedding of each path, float32 (clip, embedding)."""
        return [path(inputs[name]).float() for name, path in self.paths.items()]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return torch.cat(self.parts(inputs), dim=1)
