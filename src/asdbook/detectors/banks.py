"""Detectors that keep training embeddings as they are and measure how near the nearest ones lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from asdbook.detectors.base import METRICS, Detector, Metric, Training, recording_codes, unit
from asdbook.detectors.neighbours import Bank

SPACING_FLOOR = 1e-12  # where references coincide (a short clip that was tiled) the score stays finite


def mean_distance(queries: Tensor, bank: Bank, k: int, metric: Metric, exclude: Tensor | None = None) -> Tensor:
    """Mean distance to the k nearest of a bank, or to all where it has fewer, float64 (query,)."""
    distance = METRICS[metric](bank.nearest(queries, min(k, len(bank.rows)), exclude)[0])
    counts = distance.isfinite()
    return distance.where(counts, 0).sum(1) / counts.sum(1)


@dataclass(eq=False)
class Knn(Detector):
    """Mean distance to the k nearest training embeddings of both domains; one bank.

    SSDM (Yin et al.) says "KNN" and neither k nor distance: k = 1 and cosine are our choice.

    Attributes:
        k: neighbours; where there are fewer training clips, all of them.
        metric: "cosine" is 1 - x.r, "euclidean" |x - r| of unit vectors. For k = 1 both rank clips alike.
    """

    k: int = 1
    metric: Metric = "cosine"
    parts: ClassVar = ("bank",)

    def _learn(self, train: Training) -> dict[str, Tensor]:
        return {"bank": train.embeddings}

    def _prepare(self, fitted: dict[str, Tensor]) -> Bank:
        return Bank(fitted["bank"])

    def _measure(self, queries: Tensor, prepared: Bank) -> Tensor:
        return mean_distance(queries, prepared, self.k, self.metric)


@dataclass(eq=False)
class TwoBanks(Detector):
    """The smaller of the mean distances to the k nearest source and to the k nearest target embeddings.

    For k = 1 it equals `Knn`; for more, ten target clips are not outvoted by a thousand source clips. Without
    target clips there is one bank. (As in the DCASE ASD toolkit of Fujimura.)

    Attributes:
        k: neighbours in each bank; a bank with fewer clips uses all it has.
        metric: as in `Knn`.
    """

    k: int = 1
    metric: Metric = "cosine"
    parts: ClassVar = ("source", "target")

    def _learn(self, train: Training) -> dict[str, Tensor]:
        return {"source": train.source, "target": train.target}

    def _prepare(self, fitted: dict[str, Tensor]) -> list[Bank]:
        return [Bank(rows) for rows in fitted.values() if len(rows)]

    def _measure(self, queries: Tensor, prepared: list[Bank]) -> Tensor:
        return torch.stack([mean_distance(queries, bank, self.k, self.metric) for bank in prepared]).amin(0)


@dataclass(eq=False)
class SmoteKnn(TwoBanks):
    """Two banks, the target one filled up with points between target clips and their neighbours (SMOTE).

    A synthetic clip lies at a random place between a target clip and one of its nearest target clips, scaled to
    length one. With one target clip there is nothing between: it stays as it is; with none there is one bank.
    (Chawla et al. 2002; the toolkit of Fujimura takes ratio 0.2 and 2 neighbours, Wilkinghoff ratio 1 and 4.)

    Attributes:
        ratio: size of the filled target bank over that of the source bank; 1 is parity. A target bank that is
            larger stays as it is.
        neighbours: target clips that one is joined with; fewer where there are fewer.
    """

    ratio: float = 0.2
    neighbours: int = 2

    def _learn(self, train: Training) -> dict[str, Tensor]:
        target = train.target
        wanted = round(self.ratio * len(train.source)) - len(target)
        if wanted > 0 and len(target) > 1:
            target = torch.cat([target, self._between(target, wanted, train.seed)])
        return {"source": train.source, "target": target}

    def _between(self, target: Tensor, wanted: int, seed: int) -> Tensor:
        draw = torch.Generator().manual_seed(seed)
        k = min(self.neighbours, len(target) - 1)
        itself = torch.eye(len(target), dtype=torch.bool, device=target.device)
        near = Bank(target).nearest(target, k, itself)[1].cpu()
        first = torch.randint(len(target), (wanted,), generator=draw)
        second = near[first, torch.randint(k, (wanted,), generator=draw)]
        step = torch.rand(wanted, 1, generator=draw, dtype=torch.float64).to(target.device)
        return unit(target[first] + step * (target[second] - target[first]), "synthetic target clips")


@dataclass(eq=False)
class LocalDensity(Detector):
    """Distance to a training embedding over that embedding's own distance to its neighbours, the smallest such ratio.

    A(x) = min over r of d(x, r) / n(r), n(r) being the mean distance from r to its k nearest clips of other
    recordings: a clip is far only by the measure of where it lies, so that a loosely spread domain is not all
    anomalous. (Wilkinghoff et al., "Keeping the balance", ICASSP 2025, with r alone left out; the whole recording
    of r is our choice, since clips cut from one recording are near copies. n(r) has 1e-12 added.)

    Fitting raises `BadInput` if all clips come from one recording.

    Attributes:
        k: neighbours that n(r) averages; fewer where there are fewer.
        metric: as in `Knn`; it matters here, since a ratio of squares is not a ratio.
    """

    k: int = 1
    metric: Metric = "cosine"
    parts: ClassVar = ("references", "spacing")

    def _learn(self, train: Training) -> dict[str, Tensor]:
        rows = train.embeddings
        code = recording_codes(train.recordings).to(rows.device)
        spacing = mean_distance(rows, Bank(rows), self.k, self.metric, exclude=code[:, None] == code)
        return {"references": rows, "spacing": spacing}

    def _measure(self, queries: Tensor, prepared: dict[str, Tensor]) -> Tensor:
        # All pairs: the smallest ratio need not be at the nearest one. From differences, so that a copy is at zero.
        chords = torch.cdist(queries, prepared["references"], compute_mode="donot_use_mm_for_euclid_dist")
        return (METRICS[self.metric](chords) / (prepared["spacing"] + SPACING_FLOOR)).amin(1)
