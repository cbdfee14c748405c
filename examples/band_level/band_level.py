"""How unusual are a clip's band levels? The distance from a Gaussian of normal ones."""

from typing import ClassVar, Literal

import numpy as np
import torch

from asdbook.features import LogMel
from asdbook.systems.base import Config, Scores, System
from asdbook.systems.grouping import by_group, filled, hold_out, recordings

HELD_OUT = 0.25  # share of the clips that calibrate the decision, in whole recordings
FLOOR = 0.1  # share of the mean variance added to each band: no direction is unseen


class BandLevelConfig(Config):
    """Settings of the band-level detector."""

    covariance: Literal["full", "diagonal"] = "full"
    """Whether bands vary together or each on its own."""
    bands: int = 64
    """Mel bands."""


class BandLevel(System):
    """Mahalanobis distance of a clip's mean log-mel spectrum from normal clips'."""

    name = "band_level"
    version = 1
    title = "distance of the band levels from a Gaussian of normal clips"
    Config = BandLevelConfig
    variants: ClassVar = {name: {"covariance": name} for name in ("full", "diagonal")}
    profiles: ClassVar = {"tiny": {"bands": 16}, "smoke": {}, "quick": {}, "paper": {}}
    deviations = ("not from a paper: an example of how a system is added",)
    knows = ("machine",)

    def fit(self, train, ctx):
        levels, names = self._levels(train, ctx), recordings(train)
        self.means_, self.precisions_ = {}, {}
        scores = np.full(len(train), np.nan)
        for group, mine in by_group(train, self.config.group_by).items():
            rng = ctx.rng(f"held out of {group}")
            held = hold_out(names[mine], HELD_OUT, rng, group)
            self._fit_group(group, levels[mine[~held]])
            scores[mine[held]] = self._distance(group, levels[mine[held]])
        positions = np.flatnonzero(~np.isnan(scores))
        self.train_scores_ = Scores(scores[positions], clips=positions)
        return self

    def score(self, clips, ctx):
        levels = self._levels(clips, ctx)

        def distance(group, mine):
            return self._distance(group, levels[mine])

        return Scores(filled(clips, self.config.group_by, set(self.means_), distance))

    def _levels(self, clips, ctx):
        """Mean over time of each band, (clip, band) in dB."""
        logmel = LogMel(bands=self.config.bands).to(ctx.device)
        levels = np.empty((len(clips), self.config.bands))
        for positions, waves in clips.batches():
            spectra = logmel(waves.to(ctx.device))  # (clip, frame, band)
            levels[positions] = spectra.double().mean(dim=1).cpu().numpy()
        return levels

    def _fit_group(self, group, levels):
        covariance = np.cov(levels, rowvar=False, bias=True)
        if self.config.covariance == "diagonal":
            covariance = np.diag(np.diag(covariance))
        covariance += FLOOR * np.diag(covariance).mean() * np.eye(len(covariance))
        self.means_[group] = levels.mean(0)
        self.precisions_[group] = np.linalg.inv(covariance)

    def _distance(self, group, levels):
        away = levels - self.means_[group]  # (clip, band)
        return (away @ self.precisions_[group] * away).mean(1)

    def state(self):
        groups = sorted(self.means_)
        arrays = {
            "means": np.stack([self.means_[group] for group in groups]),
            "precisions": np.stack([self.precisions_[group] for group in groups]),
            "train_scores": self.train_scores_.values,
            "train_clips": self.train_scores_.clips,
        }
        tensors = {key: torch.from_numpy(array) for key, array in arrays.items()}
        return tensors, {"groups": groups}

    @classmethod
    def from_state(cls, config, tensors, extra):
        system = cls(config)
        arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
        system.means_ = dict(zip(extra["groups"], arrays["means"]))
        system.precisions_ = dict(zip(extra["groups"], arrays["precisions"]))
        system.train_scores_ = Scores(arrays["train_scores"], arrays["train_clips"])
        return system
