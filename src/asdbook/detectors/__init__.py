"""Detectors on embeddings, without knowledge of data sets or systems.

All are one kind of thing (`Detector`): `fit` on normal training embeddings of one machine, `score` others. Settings
are the constructor's arguments. `out_of_sample` gives training scores that a threshold may be taken from.
"""

from asdbook.detectors.banks import Knn, LocalDensity, SmoteKnn, TwoBanks
from asdbook.detectors.base import Detector, out_of_sample
from asdbook.detectors.densities import KMeans, Mahalanobis, Mixture
from asdbook.detectors.neighbours import NearestBank

DETECTORS: dict[str, type[Detector]] = {
    "knn": Knn,
    "two_banks": TwoBanks,
    "smote_knn": SmoteKnn,
    "local_density": LocalDensity,
    "kmeans": KMeans,
    "mixture": Mixture,
    "mahalanobis": Mahalanobis,
}
"""All detectors by name; without arguments each has the settings that its text gives as those of its source."""

__all__ = [
    "DETECTORS",
    "Detector",
    "KMeans",
    "Knn",
    "LocalDensity",
    "Mahalanobis",
    "Mixture",
    "NearestBank",
    "SmoteKnn",
    "TwoBanks",
    "out_of_sample",
]
