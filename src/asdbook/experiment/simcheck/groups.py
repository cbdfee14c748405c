"""Groups that sound alike: machine IDs (2020) and hidden attributes (2024) (methods/simulator.md 1b.4, 1b.5)."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from asdbook.experiment.simcheck.audibility import logistic
from asdbook.experiment.simcheck.sounds import BANDS, Sounds

DIMENSIONS = (4, 8, 16)
"""Principal components that are clustered."""


def statistics(sounds: Sounds) -> np.ndarray:
    """Mean and deviation over time of each log-mel band, less the clip's level: float32 (clips, 256)."""
    return sounds.numbers[:, : 2 * BANDS]


def identities(train: Sounds, test: Sounds) -> dict[str, float]:
    """How well IDs are told apart, and how near anomalies lie to other IDs.

    Returns:
        "accuracy" of a linear classifier of IDs, learnt on training clips, on normal test clips;
        "accuracy of anomalies", the same on anomalous ones;
        "distance ratio": median over anomalies of the distance to the nearest training clip of the own ID over that
        of all others (mean spectra).
    """
    model = logistic().fit(statistics(train), train.field("part"))
    hit = model.predict(statistics(test)) == test.field("part")
    odd = test.pick(test.label == 1)
    distance = cdist(odd.spectrum, train.spectrum)
    own = odd.field("part")[:, None] == train.field("part")[None]
    ratio = np.where(own, distance, np.inf).min(axis=1) / np.where(own, np.inf, distance).min(axis=1)
    return {
        "accuracy": float(np.mean(hit[test.label == 0])),
        "accuracy of anomalies": float(np.mean(hit[test.label == 1])),
        "distance ratio": float(np.median(ratio)),
    }


def hidden(train: Sounds) -> dict[str, float]:
    """Adjusted Rand index of the better of two clusterings of source training clips with the hidden groups.

    k-means and Gaussian mixtures (one covariance for all clusters, so that what noise does to every clip does not
    make clusters) with the true number of groups, each on a few numbers of principal components.

    Returns:
        "best" over methods and components, "k-means" and "mixture" with their best components, "groups".
    """
    source = train.pick(train.field("part") == "source")
    truth = [str(sorted(row["heard"].items())) for row in source.truth]
    count = len(set(truth))
    found: dict[str, list[float]] = {"k-means": [], "mixture": []}
    for dimensions in DIMENSIONS:
        shrink = make_pipeline(StandardScaler(), PCA(min(dimensions, len(source) - 1), random_state=0))
        x = shrink.fit_transform(statistics(source).astype(np.float64))
        means = KMeans(count, n_init=10, random_state=0).fit_predict(x)
        mixture = GaussianMixture(count, covariance_type="tied", n_init=5, random_state=0, reg_covar=1e-3)
        found["k-means"].append(adjusted_rand_score(truth, means))
        found["mixture"].append(adjusted_rand_score(truth, mixture.fit_predict(x)))
    best = {name: float(max(values)) for name, values in found.items()}
    return {"best": max(best.values()), **best, "groups": float(count)}
