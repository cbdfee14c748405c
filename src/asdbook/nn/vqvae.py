"""VQ-VAE-2 with two levels: a spectrogram becomes a coarse and a fine map of codes, and is decoded from both.

A. Razavi, A. van den Oord, O. Vinyals, "Generating diverse high-fidelity images with VQ-VAE-2", 2019; as in AudDSR,
section 3.1, with the sizes of DSR (the vision method it follows). The paper numbers encoders and codebooks in opposite
order: its f_1, Q_2 are fine here, its f_2, Q_1 coarse.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from asdbook.nn.quantiser import Quantised, Update, VectorQuantiser

FINE, COARSE = 4, 8
"""Bands, and frames, of a spectrogram in one cell of a map of codes."""
CELL = 32
"""What bands and frames must be multiples of: a coarse map is halved twice more when it is restored."""


class ResidualStack(nn.Module):
    """Convolution 3x3 to `inner` channels and 1x1 back, added to the input; several times, then ReLU."""

    def __init__(self, channels: int, inner: int, blocks: int):
        super().__init__()
        # ReLU must not work in place: its result would be added instead of its input.
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(channels, inner, 3, padding=1, bias=False),
                nn.ReLU(),
                nn.Conv2d(inner, channels, 1, bias=False),
            )
            for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)
        return functional.relu(x)


def halved(inputs: int, outputs: int) -> nn.Module:
    """A convolution that halves bands and frames."""
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)


def doubled(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution that doubles bands and frames."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


@dataclass(frozen=True)
class Encoded:
    """A spectrogram as codes.

    Attributes:
        coarse, fine: the maps of codes (Q_1 and Q_2 in the paper).
        coarse_features, fine_features: what was quantised, (clip, D, band, frame).
    """

    coarse: Quantised
    fine: Quantised
    coarse_features: Tensor
    fine_features: Tensor


class TwoLevelAutoencoder(nn.Module):
    """Images (clip, 1, band, frame), multiples of 8, to two maps of codes and back.

    Args:
        hidden: channels of the convolutions.
        inner: channels inside residual blocks.
        blocks: residual blocks in a stack.
        dimension: D, of a code.
        codes: K, of each codebook.
        update: how codes learn, see `VectorQuantiser`.
        revive: whether dead codes are moved.
    """

    def __init__(
        self,
        hidden: int = 128,
        inner: int = 64,
        blocks: int = 2,
        dimension: int = 128,
        codes: int = 4096,
        update: Update = "gradient",
        revive: bool = False,
    ):
        super().__init__()
        stack = (hidden, inner, blocks)
        self.encoder_1 = nn.Sequential(
            halved(1, hidden // 2), nn.ReLU(), halved(hidden // 2, hidden), nn.ReLU(),
            nn.Conv2d(hidden, hidden, 3, padding=1), ResidualStack(*stack),
        )  # fmt: skip
        self.encoder_2 = nn.Sequential(
            halved(hidden, hidden), nn.ReLU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.ReLU(), ResidualStack(*stack)
        )
        self.to_coarse = nn.Conv2d(hidden, dimension, 1)
        self.coarse = VectorQuantiser(codes, dimension, update, revive)
        # "Decoded and upsampled" (section 3.1) asks for more than the one layer of DSR [our choice].
        self.general_1 = nn.Sequential(
            nn.Conv2d(dimension, hidden, 3, padding=1), ResidualStack(*stack), doubled(hidden, dimension)
        )
        self.to_fine = nn.Conv2d(hidden + dimension, dimension, 1)
        self.fine = VectorQuantiser(codes, dimension, update, revive)
        self.general_2 = nn.Sequential(
            nn.Conv2d(2 * dimension, hidden, 3, padding=1), ResidualStack(*stack),
            doubled(hidden, hidden // 2), nn.ReLU(), doubled(hidden // 2, 1),
        )  # fmt: skip

    def encode(self, images: Tensor, valid: Tensor | None = None) -> Encoded:
        """The two maps of codes; the coarse one is made first, and the fine one knows it.

        Codes learn nothing from cells in which no frame is `valid`, bool (clip, frame): from padding.
        """
        f1 = self.encoder_1(images)
        coarse_features = self.to_coarse(self.encoder_2(f1))
        coarse = self.coarse(coarse_features, sounding(valid, COARSE))
        fine_features = self.fine_features(f1, coarse.vectors)
        return Encoded(coarse, self.fine(fine_features, sounding(valid, FINE)), coarse_features, fine_features)

    def fine_features(self, f1: Tensor, coarse: Tensor) -> Tensor:
        """What the fine codebook quantises: the first encoder's features beside f_U, the decoded coarse map."""
        return self.to_fine(torch.cat([f1, self.general_1(coarse)], dim=1))

    def decode(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Maps of code vectors -> image; the coarse map is brought to the fine grid by bilinear interpolation."""
        return self.general_2(joined(coarse, fine))

    @torch.no_grad()
    def start(self, images: Tensor, valid: Tensor | None = None) -> None:
        """Codes start from the features of these images, see `VectorQuantiser.start`."""
        f1 = self.encoder_1(images)
        features = self.to_coarse(self.encoder_2(f1))
        self.coarse.start(features, sounding(valid, COARSE))
        vectors = self.coarse.lookup(self.coarse.eval()(features).indices)
        self.coarse.train(self.training)
        self.fine.start(self.fine_features(f1, vectors), sounding(valid, FINE))


def sounding(valid: Tensor | None, size: int) -> Tensor | None:
    """Which columns of a map hold any sound: bool (clip, frame) -> (clip, frame / size)."""
    return None if valid is None else valid.unflatten(1, (-1, size)).any(dim=2)


def joined(coarse: Tensor, fine: Tensor) -> Tensor:
    """Both maps on the fine grid, (clip, 2 D, band, frame)."""
    upsampled = functional.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([upsampled, fine], dim=1)


def autoencoder_loss(network: TwoLevelAutoencoder, images: Tensor, valid: Tensor | None = None) -> Tensor:
    """Eq. (1): squared error of the reconstruction, plus the codebooks' terms.

    Args:
        network: learns.
        images: (clip, 1, band, frame).
        valid: which frames are sound and not padding, (clip, frame); None: all.
    """
    codes = network.encode(images, valid)
    rebuilt = network.decode(codes.coarse.vectors, codes.fine.vectors)
    return masked_error(rebuilt, images, valid) + codes.coarse.loss + codes.fine.loss


def masked_error(left: Tensor, right: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean squared difference of images over the frames that are sound, a scalar."""
    error = (left.float() - right.float()).square().mean(dim=(1, 2))  # (clip, frame)
    if valid is None:
        return error.mean()
    return (error * valid).sum() / valid.sum().clamp_min(1)
