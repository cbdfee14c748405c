"""The first stage: a general discrete space of machine sound. Section 3.1 of AudDSR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from asdbook.errors import RunFailed
from asdbook.features import FrameBank, LogMel, frame_bank
from asdbook.nn import TwoLevelAutoencoder, autoencoder_loss, perplexity
from asdbook.nn.vqvae import CELL
from asdbook.systems.auddsr.settings import AudDsrConfig
from asdbook.systems.base import Context

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

FLOOR_DB = -100.0
"""Lower end of log-mel levels, dB: silence must not be a hundred spreads away [our choice]."""
COLLAPSED = 1.5  # perplexity: one code does nearly everything
SETTLE = 0.8  # share of the training after which dead codes stay where they are, so that codes settle [our choice]
FIRST_IMAGES = 64  # from which codes start
CLIPS_AT_ONCE = 32
LEVELS = ("coarse", "fine")


def logmel_bank(clips: TrainClips | TestClips, config: AudDsrConfig, device: str) -> FrameBank:
    """Log-mel frames of all clips, dB."""
    logmel = LogMel(bands=config.bands).to(device)
    return frame_bank(clips, range(len(clips)), lambda waves: logmel(waves).clamp_min(FLOOR_DB), device)


def outside_bank(config: AudDsrConfig, samples: int, ctx: Context) -> FrameBank:
    """Log-mel frames of sound of no machine, in clips of so many samples."""
    logmel, parts = LogMel(bands=config.bands).to(ctx.device), []
    waves = torch.from_numpy(ctx.extra_audio("non-machine", config.outside_clips, samples))
    for some in waves.split(CLIPS_AT_ONCE):
        parts.append(logmel(some.to(ctx.device)).clamp_min(FLOOR_DB))
    frames = torch.cat(parts)
    return FrameBank(frames.flatten(0, 1), torch.full((len(frames),), frames.shape[1]))


def padded(frames: int) -> int:
    """The least multiple of 32 that holds these frames."""
    return -(-frames // CELL) * CELL


class General(nn.Module):
    """The autoencoder with the scaling of its input; images are (clip, 1, band, frame).

    Attributes:
        mean: of each band over the training clips, dB, (band,).
        spread: of all bands together, after that, dB.
        network: the two-level autoencoder.
    """

    mean: Tensor
    spread: Tensor
    log: Tensor

    def __init__(self, config: AudDsrConfig):
        super().__init__()
        c = self.config = config
        self.register_buffer("mean", torch.zeros(c.bands))
        self.register_buffer("spread", torch.ones(()))
        self.network = TwoLevelAutoencoder(c.hidden, c.inner, c.blocks, c.dimension, c.codes, c.update, c.revive)

    def images(self, bank: FrameBank, clips: Tensor, offsets: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Images of `frames` frames from `offsets` on, and which of their frames are sound, (clip, frame)."""
        cut, valid = bank.crops(clips, offsets, frames)
        return ((cut - self.mean) / self.spread).mT[:, None], valid

    def drawn(self, bank: FrameBank, clips: Tensor) -> tuple[Tensor, Tensor]:
        """`images` at random places, as long as training images are."""
        frames = self.config.crop_frames
        room = (bank.counts.to(clips.device)[clips] - frames).clamp_min(0) + 1
        offsets = (torch.rand(len(clips), device=clips.device) * room).long()
        return self.images(bank, clips, offsets, frames)

    def whole(self, bank: FrameBank, clips: Tensor) -> tuple[Tensor, Tensor]:
        """`images` of whole clips of one length, padded."""
        frames = padded(int(bank.counts[int(clips[0])]))
        return self.images(bank, clips, torch.zeros_like(clips), frames)

    def fit(self, bank: FrameBank, used: Tensor, name: str, ctx: Context) -> None:
        """Eq. (1) by Adam on the clips at positions `used`."""
        c = self.config
        self.to(ctx.device)
        self._scale(bank, used)
        with ctx.seeded(f"{name}/codes"):
            drawn = used[torch.randperm(len(used), device=used.device)[:FIRST_IMAGES]]
            self.network.start(*self.drawn(bank, drawn))
        epochs = math.ceil(c.iterations / math.ceil(len(used) / c.batch_size))
        self.register_buffer("log", torch.zeros(epochs, 4, device=ctx.device))  # kept in checkpoints

        def loss(positions: Tensor) -> Tensor:
            return autoencoder_loss(self.network, *self.drawn(bank, used[positions]))

        optimizer = torch.optim.Adam(self.parameters(), lr=c.learning_rate)
        ctx.train(
            name, self, loss, items=len(used), epochs=epochs, batch_size=c.batch_size, optimizer=optimizer,
            before_epoch=lambda epoch: self._look(epoch, epochs),
        )  # fmt: skip
        self.log[-1] = self._use()
        for i, what in enumerate(("perplexity coarse", "perplexity fine", "share used coarse", "share used fine")):
            ctx.history[f"{name}/{what}"] = self.log[:, i].tolist()
        del self.log
        self.eval()

    def _scale(self, bank: FrameBank, used: Tensor) -> None:
        """Mean of each band and one spread, over the clips at positions `used`."""
        rows = bank.rows(used)
        self.mean.copy_(rows.mean(dim=0))
        self.spread.copy_((rows - self.mean).square().mean().sqrt().clamp_min(1e-3))

    def _use(self) -> Tensor:
        """Perplexity of both codebooks and share of codes used, since the last epoch began, (4,)."""
        counts = torch.stack([self.network.coarse.used, self.network.fine.used])
        return torch.cat([perplexity(counts), (counts > 0).double().mean(dim=1)]).to(self.log.dtype)

    def _look(self, epoch: int, epochs: int) -> None:
        """Before an epoch: keeps how codes were used in the last one, and lets codes settle at the end."""
        if epoch:
            self.log[epoch - 1] = self._use()
        for codebook in (self.network.coarse, self.network.fine):
            codebook.used.zero_()
            codebook.revive = self.config.revive and epoch < SETTLE * epochs

    def check(self, name: str, ctx: Context) -> None:
        """Says how many codes training `name` left in use.

        Raises:
            RunFailed: a codebook collapsed, and the settings say that this stops the run.
        """
        for level in LEVELS:
            used = ctx.history[f"{name}/share used {level}"][-1]
            value = ctx.history[f"{name}/perplexity {level}"][-1]
            if value < COLLAPSED:
                said = f"{name}: the {level} codebook collapsed (perplexity {value:.2f} of {self.config.codes} codes)"
                if self.config.stop_collapsed:
                    raise RunFailed(f"{said}: set update=average and revive=true (auddsr:ema), or fewer codes")
                ctx.note(said)
            elif used < 0.5:
                ctx.note(f"{name}: {used:.0%} of the {level} codes were used in the last epoch")

    def live(self) -> tuple[Tensor, Tensor]:
        """Which codes the last epoch of the training used, bool (code,), coarse and fine."""
        return self.network.coarse.used > 0, self.network.fine.used > 0

    def load(self, tensors: dict[str, Tensor]) -> General:
        """Takes the tensors of a fitted one."""
        self.load_state_dict(tensors)
        return self.eval().requires_grad_(False)
