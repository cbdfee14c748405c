"""The detector that any method should beat: how far is a clip's spectrum from the nearest normal clip's?

Log-mel spectrogram (1024/512, 128 bands, dB), one statistic over time, Euclidean distance to the nearest training
clip of the same group. It is fitted without training, knows only which machine (and ID) a clip is from, and is the
yardstick for "did the network learn anything that a mean spectrum does not show".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from asdbook.detectors import NearestBank
from asdbook.features import LogMel
from asdbook.systems.base import BaseConfig, Config, Context, Scores, System, Tensors
from asdbook.systems.grouping import recordings

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

CLIPS_AT_ONCE = 32


class TrivialConfig(Config):
    """Settings of the trivial detector."""

    group_by: Literal["machine", "id"] = "id"
    """Clips are compared with training clips of the same machine ID (section from 2021 on), or machine."""
    statistic: Literal["mean", "p95"] = "mean"
    """Over time, band by band: the mean, or the 95th percentile, which keeps short events."""
    bands: int = 128
    """Mel bands."""


STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda logmel: logmel.mean(dim=1),
    "p95": lambda logmel: torch.quantile(logmel, 0.95, dim=1),
}
"""(clip, frame, band) to (clip, band)."""


class Trivial(System):
    """Distance of the mean (or 95th percentile) log-mel spectrum to the nearest training clip of its group."""

    name = "trivial"
    version = 1
    title = "distance of the mean log-mel spectrum to the nearest training clip"
    Config = TrivialConfig
    variants: ClassVar = {
        "mean": {"statistic": "mean"},
        "p95": {"statistic": "p95"},
        "by-machine": {"statistic": "mean", "group_by": "machine"},  # beside systems that read no machine ID
    }
    profiles: ClassVar = {"tiny": {"bands": 32}, "smoke": {}, "quick": {}, "paper": {}}
    deviations = ("not from a paper: the project's own lower yardstick",)
    knows = ("machine", "id")
    config: TrivialConfig

    @classmethod
    def known_by(cls, config: BaseConfig) -> tuple[str, ...]:
        return ("machine", "id") if config.model_dump()["group_by"] == "id" else ("machine",)

    def fit(self, train: TrainClips, ctx: Context) -> Trivial:
        with ctx.phase("features"):
            spectra = self._spectra(train, ctx)
        self.bank_ = NearestBank(spectra, train.group(self.config.group_by), recordings(train))
        # Out of sample: each training clip against those of other recordings.
        self.train_scores_ = Scores(self.bank_.leave_recording_out()[:, 0].cpu().numpy())
        return self

    def score(self, clips: TestClips, ctx: Context) -> Scores:
        spectra = self._spectra(clips, ctx)
        distance = self.bank_.distances(spectra, clips.group(self.config.group_by))[:, 0]
        return Scores(distance.cpu().numpy(), embeddings=spectra.cpu().numpy())

    def _spectra(self, clips: TrainClips | TestClips, ctx: Context) -> Tensor:
        """One spectrum a clip, (clip, band) in dB."""
        logmel = LogMel(bands=self.config.bands).to(ctx.device)
        statistic = STATISTICS[self.config.statistic]
        spectra = torch.empty(len(clips), self.config.bands, device=ctx.device)
        for positions, waves in clips.batches(np.arange(len(clips)), CLIPS_AT_ONCE):
            spectra[torch.as_tensor(positions)] = statistic(logmel(waves.to(ctx.device)))
        return spectra

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        tensors = {
            "spectra": self.bank_.embeddings,
            "train_scores": torch.from_numpy(self.train_scores_.values),
        }
        return tensors, {"groups": self.bank_.groups, "recordings": self.bank_.recordings}

    @classmethod
    def from_state(cls, config: BaseConfig, tensors: Tensors, extra: dict[str, Any]) -> Trivial:
        system = cls(config)
        system.bank_ = NearestBank(tensors["spectra"], extra["groups"], extra["recordings"])
        system.train_scores_ = Scores(tensors["train_scores"].numpy())
        return system
