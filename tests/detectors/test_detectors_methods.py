"""Each detector against scikit-learn or a loop in float64, and what its source says of it."""

import numpy as np
import pytest
import sklearn.cluster
import sklearn.covariance
import sklearn.mixture
import torch
from sklearn.neighbors import NearestNeighbors

from asdbook.detectors import KMeans, Knn, LocalDensity, Mahalanobis, Mixture, SmoteKnn, TwoBanks
from asdbook.errors import BadInput

DISTANCES = {"cosine": lambda x, r: 1 - x @ r, "euclidean": lambda x, r: np.linalg.norm(x - r)}
METRIC = pytest.mark.parametrize("metric", DISTANCES)


@pytest.fixture(scope="module")
def data():
    """Unit vectors: 80 source and 6 target clips, 12 queries, 10 dimensions."""
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(4, 10))
    source = centres[rng.integers(0, 4, 80)] + 0.3 * rng.normal(size=(80, 10))
    target = centres[rng.integers(0, 4, 6)] + 0.5 * rng.normal(size=(6, 10)) + 0.5
    asked = centres[rng.integers(0, 4, 12)] + 0.6 * rng.normal(size=(12, 10))
    return tuple(rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (source, target, asked))


def scores(detector, source, target, asked, names=None, seed=0):
    rows = torch.from_numpy(np.concatenate([source, target]))
    far = torch.arange(len(rows)) >= len(source)
    names = names or [f"r{i}" for i in range(len(rows))]
    return detector.fit(rows, far, names, seed).score(torch.from_numpy(asked)).numpy()


def mean_of_nearest(x, bank, k, metric):
    return np.mean(sorted(DISTANCES[metric](x, r) for r in bank)[:k])


@METRIC
@pytest.mark.parametrize("k", [1, 3, 200])
def test_knn_is_that_of_scikit_learn(data, metric, k):
    source, target, asked = data
    bank = np.concatenate([source, target])
    reference = NearestNeighbors(n_neighbors=min(k, len(bank)), algorithm="brute", metric=metric).fit(bank)
    expected = reference.kneighbors(asked)[0].mean(axis=1)
    np.testing.assert_allclose(scores(Knn(k, metric), *data), expected, rtol=1e-9, atol=1e-12)


def test_a_training_clip_is_at_zero_of_itself(data):
    source, target, _ = data
    assert np.all(scores(Knn(), source, target, source) == 0)
    assert np.all(scores(LocalDensity(), source, target, target) == 0)


@METRIC
@pytest.mark.parametrize("k", [1, 4, 10])
def test_two_banks_are_a_loop(data, metric, k):
    source, target, asked = data
    expected = [min(mean_of_nearest(x, bank, k, metric) for bank in (source, target)) for x in asked]
    np.testing.assert_allclose(scores(TwoBanks(k, metric), *data), expected, rtol=1e-9)


def test_two_banks_with_one_neighbour_or_one_domain_are_one_bank(data):
    source, target, asked = data
    np.testing.assert_array_equal(scores(TwoBanks(1), *data), scores(Knn(1), *data))
    for one in (TwoBanks(3), SmoteKnn(3)):
        np.testing.assert_array_equal(scores(one, source, target[:0], asked), scores(Knn(3), source, target[:0], asked))


@pytest.mark.parametrize("ratio, count", [(0.2, 16), (1.0, 80), (0.05, 6)])
def test_synthetic_clips_lie_between_target_clips_and_their_neighbours(data, ratio, count):
    source, target, asked = data
    detector = SmoteKnn(ratio=ratio, neighbours=2)
    scores(detector, source, target, asked, seed=3)
    bank = detector.state()["target"].numpy()
    assert len(bank) == count
    np.testing.assert_allclose(bank[: len(target)], target, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=1), 1, rtol=1e-12)
    joined = set()
    for made in bank[len(target) :]:
        pairs = []
        for i, a in enumerate(target):
            near = np.argsort(np.linalg.norm(target - a, axis=1))[1:3]
            # On the arc from a to b: made is s·a + t·b with s and t not negative.
            for j in near:
                (s, t), rest, _, _ = np.linalg.lstsq(np.stack([a, target[j]], axis=1), made, rcond=None)
                if rest[0] < 1e-20 and min(s, t) >= -1e-12:
                    pairs.append((i, j))
        assert pairs
        joined |= set(pairs)
    if count == 80:  # 74 draws of 12 pairs: all but certain to meet nearly all
        assert len(joined) >= 9


def test_smote_is_drawn_by_its_seed(data):
    source, target, asked = data
    one, same, other = (scores(SmoteKnn(ratio=1), source, target, asked, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)
    # Filling the bank brings nobody further away.
    assert np.all(one <= scores(TwoBanks(), *data) + 1e-12)


def test_smote_of_one_or_two_target_clips(data):
    source, target, asked = data
    one = SmoteKnn(ratio=1)
    np.testing.assert_array_equal(
        scores(one, source, target[:1], asked), scores(TwoBanks(), source, target[:1], asked)
    )
    assert len(one.state()["target"]) == 1
    two = SmoteKnn(ratio=1, neighbours=4)
    scores(two, source, target[:2], asked)
    assert len(two.state()["target"]) == 80


@METRIC
@pytest.mark.parametrize("k", [1, 3, 500])
def test_local_density_is_a_loop(data, metric, k):
    source, target, asked = data
    bank, distance = np.concatenate([source, target]), DISTANCES[metric]
    names = [f"r{i // 2}" for i in range(len(bank))]
    spacing = []
    for i, r in enumerate(bank):
        others = sorted(distance(r, o) for j, o in enumerate(bank) if names[j] != names[i])
        spacing.append(np.mean(others[:k]))
    expected = [min(distance(x, r) / n for r, n in zip(bank, spacing)) for x in asked]
    found = scores(LocalDensity(k, metric), source, target, asked, names)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@METRIC
def test_local_density_does_not_see_how_wide_a_cluster_is(metric):
    """Scaled towards its centre, a cluster keeps its ratios (angles on a circle, small enough to be lengths)."""
    rng = np.random.default_rng(2)
    angles, asked = 1e-2 * rng.normal(size=40), 1e-2 * rng.normal(size=10)
    wide = np.pi / 2 + 1e-2 * rng.normal(size=30)  # another cluster, far off, that stays

    def points(a):
        return np.stack([np.cos(a), np.sin(a)], axis=1)

    found = [
        scores(LocalDensity(2, metric), points(np.r_[factor * angles, wide]), points([]), points(factor * asked))
        for factor in (1.0, 0.2)
    ]
    np.testing.assert_allclose(*found, rtol=1e-3)
    plain = [
        scores(Knn(1, metric), points(np.r_[factor * angles, wide]), points([]), points(factor * asked))
        for factor in (1.0, 0.2)
    ]
    assert np.all(plain[1] < 0.5 * plain[0])


def test_local_density_needs_two_recordings_and_survives_copies(data):
    source, target, asked = data
    with pytest.raises(BadInput, match="come from one recording"):
        scores(LocalDensity(), source, target, asked, ["r"] * 86)
    twice = scores(LocalDensity(), np.repeat(source, 2, axis=0), np.repeat(target, 2, axis=0), asked)
    assert np.all(np.isfinite(twice)) and twice.min() > 1e6  # spacing zero: large, and not infinite


@pytest.mark.parametrize("all_clips, normalise", [(False, False), (True, False), (False, True)])
def test_kmeans_is_that_of_scikit_learn(data, all_clips, normalise):
    source, target, asked = data
    rows = np.concatenate([source, target]) if all_clips else source
    centres = sklearn.cluster.KMeans(4, n_init=10, random_state=7).fit(rows).cluster_centers_
    assert np.all(np.linalg.norm(centres, axis=1) < 1)
    if normalise:
        centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    references = np.concatenate([centres, target])
    expected = [min(1 - x @ r for r in references) for x in asked]
    found = scores(KMeans(4, all_clips, normalise), *data, seed=7)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_as_many_centroids_as_clips_are_nearest_neighbours(data):
    np.testing.assert_allclose(scores(KMeans(500), *data), scores(Knn(), *data), rtol=1e-9)


def test_mixture_is_that_of_scikit_learn_on_balanced_clips(data):
    source, target, asked = data
    rows = np.concatenate([source, *[target] * 13])  # 80 / 6 rounds to 13
    reference = sklearn.mixture.GaussianMixture(3, reg_covar=1e-2, random_state=1).fit(rows)
    found = scores(Mixture(3, 1e-2), *data, seed=1)
    np.testing.assert_allclose(found, -reference.score_samples(asked), rtol=1e-9)


def test_mixture_of_one_gaussian_is_its_formula(data):
    source, target, asked = data
    mean = source.mean(axis=0)
    covariance = np.cov(source.T, bias=True) + 1e-3 * np.eye(10)
    centred = asked - mean
    square = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred)
    expected = (square + np.linalg.slogdet(covariance)[1] + 10 * np.log(2 * np.pi)) / 2
    np.testing.assert_allclose(scores(Mixture(1), source, target[:0], asked), expected, rtol=1e-9)


@pytest.mark.parametrize("targets", [0, 6])
def test_mahalanobis_is_that_of_scikit_learn(data, targets):
    source, target, asked = data
    reference = sklearn.covariance.LedoitWolf().fit(source)
    expected = reference.mahalanobis(asked)
    if targets:
        centred = asked - target.mean(axis=0)
        there = np.einsum("ni,ij,nj->n", centred, reference.precision_, centred)
        expected = np.minimum(expected, there)
        assert np.any(there < reference.mahalanobis(asked))
    np.testing.assert_allclose(scores(Mahalanobis(), source, target[:targets], asked), expected, rtol=1e-8)


def test_mahalanobis_and_mixture_refuse_too_few_clips(data):
    source, target, asked = data
    with pytest.raises(BadInput, match="three or more different source clips"):
        scores(Mahalanobis(), np.repeat(source[:2], 5, axis=0), target, asked)
    with pytest.raises(BadInput, match="two or more training clips"):
        scores(Mixture(), source[:1], target[:0], asked)
