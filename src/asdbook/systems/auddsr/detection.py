"""The second stage: simulated anomalies, the object-specific decoder and the detection module. Sections 3.2 and 3.3."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from asdbook.augment import anomaly_masks, replacements, spread, touched
from asdbook.features import FrameBank
from asdbook.losses import focal
from asdbook.nn import (
    DetectionUNet,
    Encoded,
    ObjectDecoder,
    SubspaceRestriction,
    error_of_sound,
    joined,
    masked_error,
    sounding,
)
from asdbook.nn.vqvae import COARSE, FINE
from asdbook.systems.auddsr.general import General
from asdbook.systems.auddsr.settings import AudDsrConfig, Score
from asdbook.systems.base import Context

ERROR_WEIGHT = 10.0  # of the squared error on spectrograms, as in DSR
POOL = 21  # bands and frames of the average before the smoothed maximum, as in DSR
SCORES: tuple[str, ...] = get_args(Score)
FEWEST = 2  # clips of a batch: one stays clean
CLIPS_AT_ONCE = 16
FRAMES_AT_ONCE = 16 * 1024  # of clips scored together: long ones go alone, not all into memory


# Section 3.3: anomalies are simulated by other codes inside an anomaly map M.
@dataclass(frozen=True)
class Simulated:
    """Maps of codes with an anomaly.

    Attributes:
        coarse, fine: code vectors Q_1A and Q_2A, (clip, D, band, frame).
        target: the anomalous part of the image, bool (clip, band, frame): the whole of each replaced cell.
    """

    coarse: Tensor
    fine: Tensor
    target: Tensor


def simulate(c: AudDsrConfig, general: General, codes: Encoded, mask: Tensor) -> Simulated:
    """Codes inside M, bool (clip, band, frame), give way to others of their codebook; outside nothing changes."""
    live, network = general.live(), general.network
    coarse, fine = codes.coarse.vectors, codes.fine.vectors
    in_coarse, in_fine = touched(mask, COARSE), touched(mask, FINE)
    if c.levels != "fine":
        book = network.coarse
        other = replacements(codes.coarse_features, book.codes, in_coarse, live[0], sampling=c.sampling)
        coarse = torch.where(in_coarse[:, None], book.lookup(other.clamp_min(0)), coarse)
    if c.levels != "coarse":
        book = network.fine
        other = replacements(codes.fine_features, book.codes, in_fine, live[1], sampling=c.sampling)
        fine = torch.where(in_fine[:, None], book.lookup(other.clamp_min(0)), fine)
    return Simulated(coarse, fine, spread(in_fine, FINE) if c.levels == "fine" else spread(in_coarse, COARSE))


# Section 3.2: two decoders, and a network that tells where they differ.
@dataclass(frozen=True)
class Decoded:
    """What the networks make of maps of codes.

    Attributes:
        general: X_G, which keeps an anomaly, (clip, 1, band, frame).
        object: X_S, which should not.
        logits: normal and anomalous, (clip, 2, band, frame).
        restored: features of the coarse and the fine map behind the restriction modules; empty without them.
    """

    general: Tensor
    object: Tensor
    logits: Tensor
    restored: tuple[Tensor, ...]


class ObjectModel(nn.Module):
    """The trainable networks of one machine type or ID."""

    def __init__(self, config: AudDsrConfig):
        super().__init__()
        c = self.config = config
        self.restrict = nn.ModuleList(
            SubspaceRestriction(c.dimension, c.restriction_width, c.norm) for _ in range(2 * c.restriction)
        )
        self.decoder = ObjectDecoder(
            c.dimension, c.decoder_width, c.decoder_middle, c.hidden, c.inner, c.blocks, c.norm
        )
        self.unet = DetectionUNet(c.unet_width, norm=c.norm)

    def forward(self, general: General, coarse: Tensor, fine: Tensor) -> Decoded:
        with torch.no_grad():
            kept = general.network.decode(coarse, fine)
        restored: tuple[Tensor, ...] = ()
        if self.restrict:
            restored = tuple(module(codes) for module, codes in zip(self.restrict, (coarse, fine)))
            coarse, fine = general.network.coarse(restored[0]).vectors, general.network.fine(restored[1]).vectors
        clean = self.decoder(joined(coarse, fine))
        # Detached as in DSR: the loss of the map never shapes the decoder.
        return Decoded(kept, clean, self.unet(torch.cat([clean.detach(), kept], dim=1)), restored)

    def loss(self, general: General, images: Tensor, valid: Tensor, outliers: int) -> Tensor:
        """Focal loss of the map, squared errors of the clean spectrogram and of the clean maps of codes.

        Args:
            general: the frozen first stage.
            images: the first half stays clean, the last `outliers` are anomalous all over, the rest gets an anomaly.
            valid: which frames are sound, (clip, frame).
            outliers: clips of other machines; they count in the focal loss alone.
        """
        own, clean = len(images) - outliers, len(images) // 2
        with torch.no_grad():
            codes = general.network.encode(images)
            mask = torch.zeros_like(images[:, 0], dtype=torch.bool)
            mask[clean:own] = self.masks(images[clean:own], valid[clean:own])
            made = simulate(self.config, general, codes, mask)
            target = made.target.clone()
            target[own:] = True
        found = self(general, made.coarse, made.fine)
        weight = valid[:, None].expand_as(target).float()
        total = focal(found.logits, target, weight=weight)
        total = total + ERROR_WEIGHT * masked_error(found.object[:own], images[:own], valid[:own])
        levels = ((codes.coarse.vectors, COARSE), (codes.fine.vectors, FINE))
        for restored, (wanted, size) in zip(found.restored, levels):
            total = total + error_of_sound(restored[:own], wanted[:own], sounding(valid[:own], size))
        return total

    def masks(self, images: Tensor, valid: Tensor) -> Tensor:
        """Anomaly maps M for images, bool (clip, band, frame), each with a part in the frames that are sound.

        A map that lies in padding alone is spread over the whole time, else its clip were a clean one.
        """
        c, (count, _, bands, frames) = self.config, images.shape
        drawn = anomaly_masks(count, bands, frames, shapes=c.shapes, rotate=c.rotate, device=str(images.device))
        lost = ~(drawn & valid[:, None]).flatten(1).any(dim=1)
        return drawn | (lost[:, None, None] & drawn.any(dim=2, keepdim=True))


def train_object(
    model: ObjectModel, general: General, bank: FrameBank, own: Tensor, others: Tensor, name: str, ctx: Context
) -> None:
    """Trains the second stage of one group by Adam.

    Args:
        model: learns.
        general: the first stage, which does not.
        bank: log-mel frames of all training clips.
        own: positions of the group's clips.
        others: positions of clips of the type's other IDs; used with `outliers` alone.
        name: of the training.
        ctx: of the run.
    """
    c = model.config

    def loss(positions: Tensor) -> Tensor:
        clips, outliers = own[positions], len(positions) // 4 if c.outliers and len(others) else 0
        if outliers:
            drawn = torch.randint(len(others), (outliers,), device=others.device)
            clips = torch.cat([clips[:-outliers], others[drawn]])
        return model.loss(general, *general.drawn(bank, clips), outliers)

    whole, rest = divmod(len(own), c.object_batch_size)  # a last batch of one clip is left out: no half of it is clean
    epochs = math.ceil(c.object_iterations / (whole + (rest > 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=c.object_learning_rate)
    ctx.train(
        name, model, loss, items=len(own), epochs=epochs, batch_size=c.object_batch_size, optimizer=optimizer,
        min_batch=FEWEST,
    )  # fmt: skip
    model.eval()


# Test: the same without simulation.
def batches(general: General, bank: FrameBank, clips: Tensor) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Whole clips of one length at a time: numbers among `clips`, their images, and how many frames are sound."""
    counts = bank.counts.to(clips.device)[clips]
    for frames in counts.unique().tolist():
        at_once = min(CLIPS_AT_ONCE, max(1, FRAMES_AT_ONCE // frames))
        for numbers in (counts == frames).nonzero().flatten().split(at_once):
            yield numbers, general.whole(bank, clips[numbers])[0], frames


@torch.inference_mode()
def respond(
    model: ObjectModel, general: General, images: Tensor, frames: int, use: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Scores and anomaly maps of clips of one length.

    Args:
        model, general: fitted.
        images: (clip, 1, band, frame), padded.
        frames: how many of the frames are sound.
        use: counts of the coarse and the fine codes over the group's training clips, each (code,).

    Returns:
        Every score of `SCORES`, (clip, score), and the probability of an anomaly, (clip, band, frames).
    """
    codes = general.network.encode(images)
    found = model(general, codes.coarse.vectors, codes.fine.vectors)
    probability = found.logits.softmax(dim=1)[:, 1, :, :frames]

    def error(left: Tensor, right: Tensor) -> Tensor:
        return (left - right)[..., :frames].square().mean(dim=(1, 2, 3))

    scores = [
        probability.mean(dim=(1, 2)),
        functional.avg_pool2d(probability, (POOL, min(POOL, frames)), stride=1).amax(dim=(1, 2)),
        torch.quantile(probability.flatten(1), 0.95, dim=1),
        error(images, found.general),
        error(images, found.object),
        error(found.object, found.general),
        sum(rarity(level.indices[..., : math.ceil(frames / cell)], counts)
            for level, counts, cell in ((codes.coarse, use[0], COARSE), (codes.fine, use[1], FINE))),
    ]  # fmt: skip
    return torch.stack(scores, dim=1), probability


def rarity(indices: Tensor, counts: Tensor) -> Tensor:
    """Mean of -log of the frequency of a clip's codes, (clip, band, frame) -> (clip,); each code counted once more."""
    frequency = (counts + 1) / (counts + 1).sum()
    return -frequency.log()[indices].mean(dim=(1, 2))


@torch.inference_mode()
def code_use(general: General, bank: FrameBank, clips: Tensor) -> tuple[Tensor, Tensor]:
    """How often each code stands in the maps of these clips, float32 (code,), coarse and fine."""
    counts = [torch.zeros(general.config.codes, device=clips.device) for _ in range(2)]
    for _, images, frames in batches(general, bank, clips):
        codes = general.network.encode(images)
        for total, level, cell in zip(counts, (codes.coarse, codes.fine), (COARSE, FINE)):
            own = level.indices[..., : math.ceil(frames / cell)]
            total += torch.bincount(own.flatten(), minlength=len(total))
    return counts[0], counts[1]
