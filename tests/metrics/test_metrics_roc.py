"""AUC and pAUC: golden numbers T1 to T5, scikit-learn, an independent O(n²) count, and properties."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from asdbook.errors import BadInput
from asdbook.metrics import auc, pauc

EXACT = 1e-12


def joined(normals, anomalies):
    """Labels and scores of one unit."""
    label = np.array([0] * len(normals) + [1] * len(anomalies))
    return label, np.array([*normals, *anomalies], dtype=np.float64)


def naive_auc(normals, anomalies):
    """Mann-Whitney by counting pairs."""
    wins = sum(1.0 if a > n else 0.5 if a == n else 0.0 for n in normals for a in anomalies)
    return wins / (len(normals) * len(anomalies))


def naive_area(normals, anomalies, p):
    """Area over [0, p] of the ROC polygon, point by point from every threshold."""
    points = [(0.0, 0.0)]
    for t in sorted({*normals, *anomalies}, reverse=True):
        points.append((sum(n >= t for n in normals) / len(normals), sum(a >= t for a in anomalies) / len(anomalies)))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 >= p or x1 == x0:
            continue
        end = min(x1, p)
        y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
        area += (end - x0) * (y0 + y_end) / 2
    return area


def naive_pauc(normals, anomalies, p=0.1):
    return 0.5 * (1 + (naive_area(normals, anomalies, p) - p * p / 2) / (p - p * p / 2))


T1 = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [11, 9.5, 10.5, 3.5])
T2 = (np.arange(1, 21) * 0.05, [1.2, 0.97, 0.93, 0.5])
T3 = ([0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.45, 0.25])
T4 = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [11, 10, 10, 3.5])


@pytest.mark.parametrize(
    ("name", "clips", "area", "official", "literal"),
    [
        ("T1", T1, 0.8, 0.7368421052631579, 0.5),
        ("T2", T2, 0.83125, 0.6710526315789473, 0.375),
        ("T3", T3, 0.7333333333333333, 0.6491228070175439, math.nan),
        ("T4", T4, 0.8, 0.7368421052631579, 0.25),
    ],
)
def test_golden(name, clips, area, official, literal):
    label, score = joined(*clips)
    assert auc(label, score) == pytest.approx(area, abs=EXACT)
    assert pauc(label, score) == pytest.approx(official, abs=EXACT)
    assert pauc(label, score, literal=True) == pytest.approx(literal, abs=EXACT, nan_ok=True)


@pytest.mark.parametrize(
    ("share", "official"),
    [(0.0, 9 / 19), (0.05, 0.5), (0.1, 0.526315789473684), (0.25, 0.605263157894737), (0.5, 0.736842105263158),
     (0.9, 0.947368421052632), (1.0, 1.0)],
)  # fmt: skip
def test_formula_and_official_number_are_linked_by_the_printed_table(share, official):
    # 10 normals, so that p N⁻ = 1; a share of 20 anomalies above the top normal
    label, score = joined(np.arange(10), [20] * round(20 * share) + [-1] * round(20 * (1 - share)))
    assert pauc(label, score, literal=True) == pytest.approx(share, abs=EXACT)
    assert pauc(label, score) == pytest.approx(official, abs=1e-6)
    assert pauc(label, score) == pytest.approx(0.5 + (share - 0.05) / 1.9, abs=EXACT)


def test_literal_formula_takes_the_highest_normals_whatever_their_order():
    label, score = joined(*T1)
    mixed = np.random.default_rng(3).permutation(label.size)
    assert pauc(label[mixed], score[mixed], literal=True) == 0.5


@pytest.mark.parametrize(("p", "n", "count"), [(0.1, 10, 1), (0.1, 9, 0), (0.29, 100, 29), (0.3, 10, 3)])
def test_literal_count_is_not_lost_to_rounding(p, n, count):
    label, score = joined(np.arange(n), [n - count - 0.5])  # above all but `count` normals
    found = pauc(label, score, p=p, literal=True)
    assert math.isnan(found) if count == 0 else found == 0.0
    label, score = joined(np.arange(n), [n - count + 0.5])  # beats exactly one of the counted normals
    if count:
        assert pauc(label, score, p=p, literal=True) == pytest.approx(1 / count)


def test_edge_cases_of_the_official_code():
    label, flat = joined([1.0] * 12, [1.0] * 5)
    assert auc(label, flat) == 0.5
    assert pauc(label, flat) == pytest.approx(0.5, abs=EXACT)
    assert pauc(label, flat, literal=True) == 0.0
    label, backwards = joined(range(10, 20), range(10))
    assert auc(label, backwards) == 0.0
    assert pauc(label, backwards) == pytest.approx(9 / 19, abs=EXACT)
    for one_class in (np.zeros(5, int), np.ones(5, int)):
        assert math.isnan(auc(one_class, np.arange(5.0)))
        assert math.isnan(pauc(one_class, np.arange(5.0)))
        assert math.isnan(pauc(one_class, np.arange(5.0), literal=True))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("p", [0.05, 0.1, 0.37, 1.0])
def test_agrees_with_scikit_learn_and_with_counting(ties, p):
    rng = np.random.default_rng(17 + ties)
    for _ in range(40):
        label = np.concatenate([[0, 1], rng.integers(0, 2, rng.integers(1, 90))])
        score = rng.normal(size=label.size) + 0.7 * label
        if ties:
            score = np.round(score, 1)
        normals, anomalies = score[label == 0], score[label == 1]
        assert auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=EXACT)
        assert auc(label, score) == pytest.approx(naive_auc(normals, anomalies), abs=EXACT)
        assert pauc(label, score, p=p) == pytest.approx(roc_auc_score(label, score, max_fpr=p), abs=EXACT)
        assert pauc(label, score, p=p) == pytest.approx(naive_pauc(normals, anomalies, p), abs=EXACT)


# Scores on a coarse grid, so that ties are common; monotone maps of integers below 2^20 keep every order exact.
grid = st.lists(st.integers(-30, 30), min_size=1, max_size=40)


@given(grid, grid)
def test_rank_statistics_ignore_monotone_maps_order_and_mirror(normals, anomalies):
    label, score = joined(normals, anomalies)
    warped = score**3 + 2.0 * score + 7.0  # strictly increasing and exact on this grid
    shuffle = np.random.default_rng(len(normals)).permutation(score.size)
    for metric in (auc, pauc):
        value = metric(label, score)
        assert metric(label, warped) == pytest.approx(value, abs=EXACT)
        assert metric(label[shuffle], score[shuffle]) == pytest.approx(value, abs=EXACT)
    assert auc(1 - label, score) == pytest.approx(1 - auc(label, score), abs=EXACT)
    assert auc(label, -score) == pytest.approx(1 - auc(label, score), abs=EXACT)
    assert auc(label, score) == naive_auc(normals, anomalies)


@given(grid, grid, st.floats(0.01, 1.0))
def test_partial_auc_is_bounded(normals, anomalies, p):
    label, score = joined(normals, anomalies)
    floor = 0.5 * (1 - (p / 2) / (1 - p / 2))  # area 0; 9/19 at p = 0.1
    assert floor - 1e-9 <= pauc(label, score, p=p) <= 1 + 1e-9
    assert pauc(label, score, p=p) == pytest.approx(naive_pauc(normals, anomalies, p), abs=1e-9)


@given(grid, grid, st.integers(0, 2**31))
def test_multiplicity_is_repetition(normals, anomalies, seed):
    label, score = joined(normals, anomalies)
    times = np.random.default_rng(seed).integers(0, 4, size=(label.size, 3))
    times[0] += 1  # at least one clip of each class
    times[-1] += 1
    by_weight = auc(label, score, multiplicity=times), pauc(label, score, multiplicity=times)
    for draw in range(3):
        again = np.repeat(score, times[:, draw]), np.repeat(label, times[:, draw])
        normals_, anomalies_ = again[0][again[1] == 0], again[0][again[1] == 1]
        assert by_weight[0][draw] == naive_auc(normals_, anomalies_)  # integer counts: exactly equal
        assert by_weight[1][draw] == pytest.approx(naive_pauc(normals_, anomalies_), abs=EXACT)
    ones = np.ones((label.size, 1), int)
    assert auc(label, score, multiplicity=ones)[0] == auc(label, score)
    assert pauc(label, score, multiplicity=ones)[0] == pauc(label, score)


@pytest.mark.parametrize(
    ("label", "score", "words"),
    [
        ([0, 1], [0.1, math.nan], "score of clip 1"),
        ([0, 1], [math.inf, 0.1], "score of clip 0"),
        ([0, 1], ["a", "b"], "not all are numbers"),
        ([0, 2], [0.1, 0.2], "label of clip 1"),
        ([0.0, 0.5], [0.1, 0.2], "label of clip 1"),
        (["normal", "anomaly"], [0.1, 0.2], "label of clip 0"),
        (np.array([0, None], object), [0.1, 0.2], "label of clip 1"),
        ([0, 1, 1], [0.1, 0.2], "shape"),
        ([[0, 1]], [[0.1, 0.2]], "shape"),
    ],
)
def test_bad_input_is_named_in_one_line(label, score, words):
    for metric in (auc, pauc):
        with pytest.raises(BadInput, match=words) as caught:
            metric(np.asarray(label), np.asarray(score))
        assert "\n" not in str(caught.value)


def test_arguments_that_make_no_sense_are_refused():
    label, score = joined(*T1)
    for p in (0.0, -0.1, 1.5, math.nan):
        with pytest.raises(BadInput, match="pAUC"):
            pauc(label, score, p=p)
    with pytest.raises(BadInput, match="literal"):
        pauc(label, score, literal=True, multiplicity=np.ones((14, 2)))
    with pytest.raises(BadInput, match="multiplicity"):
        auc(label, score, multiplicity=np.ones((13, 2)))


def test_labels_may_be_any_kind_of_zero_and_one():
    _, score = joined(*T1)
    for label in (np.array([False] * 10 + [True] * 4), np.array([0.0] * 10 + [1.0] * 4),
                  np.array([0] * 10 + [1] * 4, object)):  # fmt: skip
        assert auc(label, score) == pytest.approx(0.8, abs=EXACT)
