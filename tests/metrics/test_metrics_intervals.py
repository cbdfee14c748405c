"""Draws, intervals over seeds, jackknife, Holm, detectable differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from asdbook.errors import BadInput
from asdbook.metrics import (
    auc,
    detectable,
    evaluate,
    holm,
    jackknife,
    multiplicities,
    over_data_seeds,
    over_training_seeds,
    paired_over_data_seeds,
    percentile_interval,
)
from asdbook.metrics.intervals import satterthwaite


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(0, 2**31))
def test_stratified_draws_keep_the_size_of_every_stratum(names, seed):
    stratum = np.array(names)
    times = multiplicities(stratum, None, 30, seed)
    assert times.shape == (stratum.size, 30) and times.min() >= 0
    for name in set(names):
        assert (times[stratum == name].sum(axis=0) == (stratum == name).sum()).all()


def test_recordings_are_drawn_whole_and_as_many_as_there_are():
    stratum = np.array(["x"] * 6 + ["y"] * 3)
    recording = np.array(["r1", "r2", "r1", "r3", "r3", "r3", "r1", "r1", "r2"])  # r1 of x is not r1 of y
    times = multiplicities(stratum, recording, 200, 4)
    assert (times[0] == times[2]).all() and (times[3] == times[4]).all() and (times[4] == times[5]).all()
    assert (times[[0, 1, 3]].sum(axis=0) == 3).all() and (times[[6, 8]].sum(axis=0) == 2).all()
    assert (times[0] != times[6]).any()


def test_draws_are_uniform_and_repeat_with_the_seed():
    times = multiplicities(np.array(["a"] * 10), None, 20_000, 1)
    assert times.mean(axis=1) == pytest.approx(np.ones(10), abs=0.03)  # sd of a mean: 0.95/√20000 = 0.007
    assert times.var(axis=1) == pytest.approx(np.full(10, 0.9), abs=0.06)  # multinomial: 1 - 1/10
    assert np.array_equal(times[:, :50], multiplicities(np.array(["a"] * 10), None, 20_000, 1)[:, :50])
    assert not np.array_equal(times, multiplicities(np.array(["a"] * 10), None, 20_000, 2))


def test_one_multiplicity_each_is_the_point_estimate():
    rng = np.random.default_rng(2)
    label, score = np.repeat([0, 1], 30), rng.normal(size=60)
    assert (auc(label, score, multiplicity=np.ones((60, 4), int)) == auc(label, score)).all()


def test_bootstrap_interval_covers_the_truth_about_as_often_as_it_says():
    # normal scores one standard deviation apart: AUC = Φ(1/√2) = 0.7602
    truth, hits, runs = stats.norm.cdf(1 / math.sqrt(2)), 0, 200
    rng = np.random.default_rng(20)
    label = np.repeat([0, 1], 50)
    for run in range(runs):
        score = rng.normal(size=100) + label
        found = evaluate(2020, ["fan"] * 100, ["00"] * 100, label, score, draws=300, seed=run).score
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / runs <= 0.99  # 95 % ± 3 standard errors of 1.5 %, a little less for the percentile


def test_over_data_seeds_is_the_textbook_t_interval():
    values = [0.61, 0.64, 0.60, 0.66, 0.63]
    found = over_data_seeds(values)
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high), abs=1e-12)
    assert found.df == 4 and found.points == tuple(values) and "5 data seeds" in found.covers
    paired = paired_over_data_seeds(values, [0.60, 0.60, 0.61, 0.60, 0.60])
    p = stats.ttest_rel(values, [0.60, 0.60, 0.61, 0.60, 0.60]).pvalue
    assert paired.p_value() == pytest.approx(p, rel=1e-9)


def test_one_data_seed_has_a_value_and_no_interval():
    found = over_data_seeds([0.6])
    assert (found.value, found.low, found.high, found.detectable, found.p_value()) == (0.6, *[None] * 4)


def test_over_training_seeds_adds_clip_and_seed_variance():
    rng = np.random.default_rng(6)
    clip = rng.normal(0, 0.02, size=4000)  # shared by all seeds: the same resamples
    values = np.array([0.60, 0.62, 0.64])
    found = over_training_seeds(values, values[:, None] + clip)
    seed_part = values.var(ddof=1) / 3
    clip_part = clip.var(ddof=1)
    assert found.se == pytest.approx(math.sqrt(clip_part + seed_part))
    assert found.df == pytest.approx((clip_part + seed_part) ** 2 / (seed_part**2 / 2))
    half = stats.t.ppf(0.975, found.df) * found.se
    assert (found.low, found.high) == pytest.approx((0.62 - half, 0.62 + half))
    assert "3 seeds" in found.covers and found.points == tuple(values)


def test_one_training_seed_is_a_percentile_interval_that_says_so():
    draws = np.random.default_rng(1).normal(0.6, 0.02, 1000)
    found = over_training_seeds([0.6], draws[None])
    assert (found.low, found.high) == tuple(np.quantile(draws, [0.025, 0.975]))
    assert "one training seed" in found.covers


def test_satterthwaite_is_that_of_welch():
    # Welch's t test is its best-known case
    a, b = np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 5.0, 9.0])
    df = satterthwaite([a.var(ddof=1) / 4, b.var(ddof=1) / 3], [3, 2])
    assert df == pytest.approx(stats.ttest_ind(a, b, equal_var=False).df)
    assert satterthwaite([0.0, 0.0], [3, 2]) == math.inf


def test_detectable_difference():
    assert detectable(1.0) == pytest.approx(2.8015852, abs=1e-6)  # 1.959964 + 0.841621
    assert detectable(0.01, df=4) == pytest.approx((2.7764451 + 0.9409646) * 0.01, abs=1e-8)
    # it does what it says: a true difference of that size is found in about 80 % of experiments
    rng = np.random.default_rng(8)
    n, sd = 10, 1.0
    least = detectable(sd / math.sqrt(n), df=n - 1)
    found = [over_data_seeds(rng.normal(least, sd, n)).low > 0 for _ in range(2000)]
    assert 0.76 <= np.mean(found) <= 0.84


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).size == 0
    with pytest.raises(BadInput, match="Holm"):
        holm([0.5, 1.2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_between_the_raw_and_the_bonferroni_values(p_values):
    p, adjusted = np.array(p_values), holm(p_values)
    assert (adjusted >= p).all() and (adjusted <= np.minimum(1, p * p.size) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@pytest.mark.parametrize("quantity", ["auc", "pauc"])
def test_jackknife_is_the_usual_one(quantity):
    rng = np.random.default_rng(12)
    label, score = np.repeat([0, 1], [25, 17]), rng.normal(size=42)
    left_out = []
    for k in range(42):
        keep = np.arange(42) != k
        left_out.append(roc_auc_score(label[keep], score[keep], max_fpr=0.1 if quantity == "pauc" else None))
    left_out = np.array(left_out)
    se = math.sqrt(41 / 42 * ((left_out - left_out.mean()) ** 2).sum())
    found = jackknife(label, score, quantity)
    assert found.se == pytest.approx(se, abs=1e-12)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 41) * se, abs=1e-12)
    # the evaluators' printed half-width is smaller by N - 1: spread of the leave-outs over N (N - 1)
    printed = stats.t.ppf(0.975, 41) * math.sqrt(((left_out - left_out.mean()) ** 2).sum() / (42 * 41))
    assert (found.high - found.value) / printed == pytest.approx(41)


def test_refusals():
    with pytest.raises(BadInput, match="quantity"):
        jackknife([0, 1], [0.0, 1.0], "f1")
    with pytest.raises(BadInput, match="fewer than 2"):
        jackknife([0, 0, 1], [0.0, 1.0, 2.0])
    with pytest.raises(BadInput, match="same seeds"):
        paired_over_data_seeds([0.1, 0.2], [0.1])
    with pytest.raises(BadInput, match="finite"):
        over_data_seeds([0.1, math.nan])
    with pytest.raises(BadInput, match="resamples"):
        percentile_interval(0.5, np.array([0.5]))
    with pytest.raises(BadInput, match="one row of draws"):
        over_training_seeds([0.5, 0.6], np.zeros((1, 5)))
