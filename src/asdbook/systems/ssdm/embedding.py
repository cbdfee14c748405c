"""The self-supervised learning module: section II.A of SSDM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from asdbook.augment import feature_exchange, mixup, one_hot
from asdbook.data import SAMPLE_RATE
from asdbook.features import MagnitudeStft, Spectrum, WindowBank, frame_count
from asdbook.losses import AdaCos
from asdbook.nn import MultiPath, SpectrogramPath, SpectrumPath, gates_at
from asdbook.systems.base import Context
from asdbook.systems.ssdm.settings import SsdmConfig

if TYPE_CHECKING:
    from asdbook.data import TrainClips

FRAME, HOP = 1024, 512  # samples: 64 ms every 32 ms
WINDOWS_AT_ONCE = 64


def classes_of(train: TrainClips) -> np.ndarray:
    """The auxiliary task's class of each clip: machine type, ID or section, attributes; in words, (clip,).

    Where attributes are hidden or there are none, machine and ID are the class.
    """
    return np.array([f"{group} {known or ''}".strip() for group, known in zip(train.group("id"), train.attributes)])


class Embedder:
    """The dual-path network with gates: windows of waveform -> embeddings.

    Attributes:
        network: a `MultiPath` of spectrogram and spectrum.
        samples: length of a window.
    """

    def __init__(self, config: SsdmConfig, device: str = "cpu"):
        self.config = config
        self.samples = round(config.window_seconds * SAMPLE_RATE)
        frames = frame_count(self.samples, FRAME, HOP, center=False)
        size, gated = config.embedding, gates_at(config.gates)
        self.network = MultiPath({
            "spectrogram": SpectrogramPath(
                frames, FRAME // 2 + 1, width=config.width, embedding=size, attention=gated
            ),
            "spectrum": SpectrumPath(
                self.samples // 2, channels=8 * config.width, embedding=size, attention=gated
            ),
        })  # fmt: skip
        self._inputs = nn.ModuleDict({"spectrogram": MagnitudeStft(FRAME, HOP), "spectrum": Spectrum()})
        self.to(device)

    def to(self, device: str) -> Embedder:
        self.device = device
        self.network.to(device)
        self._inputs.to(device)
        return self

    def parts(self, waves: Tensor) -> list[Tensor]:
        """The embedding of each path: (window, sample) -> two of (window, embedding)."""
        return self.network.parts({name: feature(waves) for name, feature in self._inputs.items()})

    def train(self, bank: WindowBank, classes: np.ndarray, used: Tensor, ctx: Context) -> None:
        """Adam on sub-cluster AdaCos of mixed-up windows; the learning rate falls every few epochs.

        One class alone teaches nothing: then the network learns to tell exchanged embeddings from own ones (FeatEx).
        Classes of held-out clips are counted too: they are further centres to stay away from.

        Args:
            bank: windows of all training clips.
            classes: class of each clip, in words.
            used: positions of the clips to train on.
        """
        c = self.config
        names, codes = np.unique(classes, return_inverse=True)
        exchange = c.exchange or len(names) == 1
        labels = one_hot(torch.from_numpy(codes), len(names)).to(self.device)
        heads = nn.ModuleDict()
        with ctx.seeded("ssdm/centres"):
            if len(names) > 1:
                heads["own"] = AdaCos(
                    2 * c.embedding, len(names), c.subclusters, trainable=c.trainable_centres, scale=c.scale
                )
            if exchange:
                heads["exchanged"] = AdaCos(2 * c.embedding, 3 * len(names), c.subclusters, trainable=True)
        model = nn.ModuleDict({"network": self.network, "heads": heads.to(self.device)})
        optimizer = torch.optim.Adam(model.parameters(), lr=c.learning_rate)

        def before_epoch(epoch: int) -> None:
            for group in optimizer.param_groups:
                group["lr"] = c.learning_rate * c.decay ** (epoch // c.decay_every)

        def loss(positions: Tensor) -> Tensor:
            chosen = used[positions]
            waves, y = mixup(bank.drawn(chosen), labels[chosen], c.mixup)
            spectrogram, spectrum = self.parts(waves)
            value = waves.new_zeros(())
            if "own" in heads:
                value = value + heads["own"](torch.cat([spectrogram, spectrum], dim=1), y)
            if exchange:
                value = value + heads["exchanged"](*feature_exchange(spectrogram, spectrum, y))
            return value

        ctx.train(
            "ssdm/network", model, loss, items=len(used), epochs=c.epochs, batch_size=c.batch_size,
            optimizer=optimizer, min_batch=2, before_epoch=before_epoch,  # batch normalisation needs two clips
        )  # fmt: skip
        self.network.eval()

    @torch.inference_mode()
    def embed(self, bank: WindowBank) -> Tensor:
        """z of every clip, float32 (clip, 2 embedding): the mean over the windows that cover it."""
        self.network.eval()
        clip, offset = bank.cover()
        total = torch.zeros(len(bank), 2 * self.config.embedding, device=self.device)
        for at in torch.arange(len(clip), device=self.device).split(WINDOWS_AT_ONCE):
            total.index_add_(0, clip[at], torch.cat(self.parts(bank.windows(clip[at], offset[at])), dim=1))
        return total / clip.bincount(minlength=len(bank))[:, None]
