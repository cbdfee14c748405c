"""Detectors that sum the training embeddings up: by centres, by a mixture of Gaussians, by a covariance.

Scikit-learn fits (on one thread, so that sums are the same however many there are), torch scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from asdbook.detectors.base import Detector, Training, unit
from asdbook.errors import BadInput


def fitted(estimator: Any, rows: Tensor, *names: str) -> list[Tensor]:
    """The named results of a scikit-learn estimator fitted on rows (clip, dimension), on the rows' device."""
    with threadpool_limits(1):
        estimator.fit(rows.cpu().numpy())
    return [torch.from_numpy(getattr(estimator, name)).to(rows.device) for name in names]


def distinct(rows: Tensor) -> int:
    """How many different rows there are."""
    return len(torch.unique(rows, dim=0))


@dataclass(eq=False)
class KMeans(Detector):
    """1 - x.r to the nearest of the k-means centroids of the source clips and of all target clips.

    (Wilkinghoff, ICASSP 2024, with 16 centroids; 32 in 2024's challenge.) A centroid is a mean of unit vectors and
    shorter than one, more so the wider its cluster; the author leaves it so and finds scaling harmful.

    Attributes:
        clusters: centroids; fewer where there are fewer different clips.
        all_clips: k-means over clips of both domains; the target clips stay references of their own.
        normalise: scale centroids to length one.
    """

    clusters: int = 16
    all_clips: bool = False
    normalise: bool = False
    parts: ClassVar = ("references",)

    def _learn(self, train: Training) -> dict[str, Tensor]:
        import sklearn.cluster  # imported where it is used: a second that other systems need not wait

        rows = train.embeddings if self.all_clips else train.source
        estimator = sklearn.cluster.KMeans(
            min(self.clusters, distinct(rows)), n_init=10, random_state=train.seed % 2**32
        )
        (centres,) = fitted(estimator, rows, "cluster_centers_")
        if self.normalise:
            centres = unit(centres, "centroids")
        return {"references": torch.cat([centres, train.target])}

    def _measure(self, queries: Tensor, prepared: dict[str, Tensor]) -> Tensor:
        return 1 - (queries @ prepared["references"].T).amax(1)


@dataclass(eq=False)
class Mixture(Detector):
    """Minus the log-likelihood (nats) under a mixture of Gaussians with full covariances.

    Target clips are repeated until they weigh as much as the source clips. (16 components and 1e-3 added to the
    variances as in Wilkinghoff's system of DCASE 2022, which balances otherwise: it adds, for each source clip, the
    middle between it and a random target clip.)

    Attributes:
        components: Gaussians; fewer where there are fewer different clips.
        floor: added to the variance of every dimension (unit vectors of 256 dimensions have about 4e-3).
    """

    components: int = 16
    floor: float = 1e-3
    parts: ClassVar = ("means", "whitening", "log_weights")

    def _learn(self, train: Training) -> dict[str, Tensor]:
        import sklearn.mixture

        times = round(len(train.source) / len(train.target)) if len(train.target) else 0
        rows = torch.cat([train.source, train.target.repeat(max(times, 1), 1)])
        if len(rows) < 2:
            raise BadInput("a mixture needs two or more training clips, found one: take another detector")
        estimator = sklearn.mixture.GaussianMixture(
            min(self.components, distinct(rows)), reg_covar=self.floor, random_state=train.seed % 2**32
        )
        means, whitening, weights = fitted(estimator, rows, "means_", "precisions_cholesky_", "weights_")
        return {"means": means, "whitening": whitening, "log_weights": weights.log()}

    def _measure(self, queries: Tensor, prepared: dict[str, Tensor]) -> Tensor:
        densities = []
        for mean, whitening, log_weight in zip(*(prepared[part] for part in self.parts)):
            square = ((queries - mean) @ whitening).square().sum(1)
            log_volume = whitening.diagonal().log().sum() - len(mean) / 2 * math.log(2 * math.pi)
            densities.append(log_weight + log_volume - square / 2)
        return -torch.stack(densities).logsumexp(0)


@dataclass(eq=False)
class Mahalanobis(Detector):
    """Squared Mahalanobis distance to the nearer of the domains' means.

    Both with the covariance of the source clips, shrunk as Ledoit and Wolf say: ten target clips give a mean, and no
    covariance. (Our choice; the smaller of two domains is the official baseline's selective Mahalanobis.) Fitting
    raises `BadInput` if there are not three different source clips: two lie on a line.
    """

    parts: ClassVar = ("means", "whitening")

    def _learn(self, train: Training) -> dict[str, Tensor]:
        import sklearn.covariance

        if distinct(train.source) < 3:
            raise BadInput("a covariance needs three or more different source clips: take another detector")
        (covariance,) = fitted(sklearn.covariance.LedoitWolf(), train.source, "covariance_")
        root, failed = torch.linalg.cholesky_ex(covariance)
        if failed:
            raise BadInput("the covariance of the source clips is singular: give more clips or take another detector")
        whitening = torch.linalg.solve_triangular(root, torch.eye(len(root)).to(root), upper=False).T
        domains = [rows.mean(0) for rows in (train.source, train.target) if len(rows)]
        return {"means": torch.stack(domains), "whitening": whitening.contiguous()}

    def _measure(self, queries: Tensor, prepared: dict[str, Tensor]) -> Tensor:
        centred = queries - prepared["means"][:, None]  # (domain, query, dimension)
        return (centred @ prepared["whitening"]).square().sum(2).amin(0)
