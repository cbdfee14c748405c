"""Threshold, confusion, precision and recall (T5, T7), and the plain words for one clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asdbook.errors import BadInput
from asdbook.metrics import confusion, decide, decisions, false_alarms, how_unusual, standing, threshold
from asdbook.metrics.decision import gamma_quantile

EXACT = 1e-12
NS = [0.10, 0.12, 0.15, 0.18, 0.20, 0.22, 0.25, 0.28, 0.30, 0.33]
NT = [0.35, 0.38, 0.40, 0.42, 0.45, 0.48, 0.50, 0.55, 0.60, 0.65]
AS = [0.26, 0.36, 0.47, 0.70]
AT = [0.43, 0.52, 0.62, 0.80]
T7 = [1.0, 1.2, 1.1, 1.4, 1.3, 1.25, 1.15, 1.6, 1.35, 1.05]


def test_t5_confusion_within_the_domain():
    score = np.array([*NS, *NT, *AS, *AT])
    label = np.repeat([0, 1], [20, 8])
    domain = np.array(["source"] * 10 + ["target"] * 10 + ["source"] * 4 + ["target"] * 4)
    called = decide(score, 0.41)
    source, target = decisions(["fan"] * 28, ["00"] * 28, label, called, domain)
    assert [source[k] for k in ("tn", "fp", "fn", "tp")] == [10, 0, 2, 2]
    assert [source[k] for k in ("precision", "recall", "f1")] == pytest.approx(
        [1.0, 0.5, 0.6666666666666666], abs=EXACT
    )
    assert [target[k] for k in ("tn", "fp", "fn", "tp")] == [3, 7, 0, 4]
    assert [target[k] for k in ("precision", "recall", "f1")] == pytest.approx(
        [0.36363636363636365, 1.0, 0.5333333333333333], abs=EXACT
    )
    assert false_alarms(label, called, domain) == {"source": 0.0, "target": 0.7}
    assert false_alarms(label, called) == {"all": 0.35}


def test_decision_is_strictly_above_the_threshold():
    assert decide([0.4, 0.41, 0.42], 0.41).tolist() == [0, 0, 1]


def test_one_class_only_counts_and_divides_by_eps():
    counted = confusion([0, 0, 0], [0, 0, 0])
    assert (counted.tn, counted.fp, counted.fn, counted.tp) == (3, 0, 0, 0)
    assert (counted.precision, counted.recall, counted.f1, counted.false_alarm_rate) == (0.0, 0.0, 0.0, 0.0)
    assert confusion([1, 1], [1, 0]).false_alarm_rate is None


def test_rows_without_domains_are_sorted_by_machine_and_unit():
    rows = decisions(["pump", "fan", "fan"], ["00", "02", "00"], [0, 1, 0], [1, 1, 0])
    assert [(r["machine"], r["unit"], r["domain"]) for r in rows] == [
        ("fan", "00", None), ("fan", "02", None), ("pump", "00", None),
    ]  # fmt: skip
    assert rows[2]["false_alarm_rate"] == 1.0


def test_t7_quantile_of_given_parameters():
    assert gamma_quantile(0.9, 4, 1, 0.5) == pytest.approx(4.340391534127932, abs=EXACT)


def test_t7_fit_has_three_free_parameters():
    fitted = threshold(T7 * 2)  # doubled: the same likelihood maximum, and enough clips for a fit
    assert fitted.reason is None and fitted.clips == 20
    assert fitted.value == pytest.approx(1.50650, abs=0.01)
    assert fitted.loc is not None and fitted.loc < min(T7)
    assert fitted.value > gamma_quantile(0.9, *(54.0213, 0.0, 0.0229540))  # the fit with loc fixed at 0
    assert threshold(T7 * 2, 0.8).value < fitted.value < threshold(T7 * 2, 0.95).value


def test_threshold_of_real_gamma_scores_is_calibrated():
    scores = stats.gamma(3.0, loc=2.0, scale=0.7).rvs(2000, random_state=np.random.default_rng(4))
    fitted = threshold(scores)
    assert fitted.value == pytest.approx(stats.gamma(3.0, loc=2.0, scale=0.7).ppf(0.9), rel=0.03)
    assert fitted.exceeded == pytest.approx(0.1, abs=0.02)
    assert fitted.exceeded == decide(scores, fitted).mean()


@pytest.mark.parametrize(
    ("scores", "words", "value"),
    [([3.0] * 50, "equal", 3.0), ([1.0, 2.0, 3.0], "only 3", 2.8), ([0.0], "only 1", 0.0)],
)
def test_degenerate_scores_fall_back_to_the_empirical_quantile_and_say_so(scores, words, value):
    found = threshold(scores)
    assert words in found.reason and "empirical quantile" in found.reason
    assert found.value == pytest.approx(value)
    assert (found.shape, found.loc, found.scale) == (None, None, None)


@pytest.mark.parametrize("shape", ["skewed left", "two clumps", "mostly zero", "huge"])
def test_odd_scores_still_give_a_threshold_within_reach(shape):
    rng = np.random.default_rng(1)
    scores = {
        "skewed left": -rng.gamma(2.0, size=300),
        "two clumps": np.concatenate([rng.normal(0, 0.01, 150), rng.normal(5, 0.01, 150)]),
        "mostly zero": np.concatenate([np.zeros(280), rng.gamma(2.0, size=20)]),
        "huge": 1e12 + 1e6 * rng.normal(size=300),
    }[shape]
    found = threshold(scores)
    assert scores.min() <= found.value <= scores.max() + np.ptp(scores)
    assert found.exceeded == np.mean(scores > found.value)


@pytest.mark.parametrize(("scores", "words"), [([], "no scores"), ([1.0, np.nan], "score 1"), (["x"], "numbers")])
def test_threshold_refuses(scores, words):
    with pytest.raises(BadInput, match=words):
        threshold(scores)
    with pytest.raises(BadInput, match="quantile"):
        threshold([1.0, 2.0], 1.0)


def test_how_unusual_in_plain_words():
    held_out = np.arange(200)
    assert how_unusual(194.5, held_out) == "higher than 97 % of 200 held-out normal clips"
    assert how_unusual(199.0, held_out) == "higher than 99 % of 200 held-out normal clips"  # 99.5 %, rounded down
    assert how_unusual(200, held_out) == "higher than all 200 held-out normal clips"
    assert how_unusual(-1, held_out) == how_unusual(0, held_out) == "not higher than any of 200 held-out normal clips"
    assert how_unusual(1.5, np.arange(1000)) == "among the lowest 1 % of 1000 held-out normal clips"


def test_how_unusual_where_percentages_would_mislead():
    few = standing(5, [1, 2, 3, 4, 6, 7, 8])
    assert few.text == "higher than 4 of 7 held-out normal clips (too few for a percentage)"
    assert few.share_below is None and few.reason
    for score, order in ((2.0, "higher than"), (1.0, "equal to"), (0.0, "lower than")):
        flat = standing(score, [1.0] * 30)
        assert flat.text.startswith(f"{order} the one value that all 30 held-out normal clips share")
        assert flat.share_below is None and "equal" in flat.reason
    with pytest.raises(BadInput, match="not a finite number"):
        how_unusual(float("nan"), [1.0, 2.0])
    with pytest.raises(BadInput, match="no scores"):
        how_unusual(1.0, [])


@given(st.lists(st.integers(-20, 20), min_size=20, max_size=60), st.integers(-25, 25))
def test_share_below_is_a_rank(held_out, score):
    found = standing(score, held_out)
    if len(set(held_out)) > 1:
        assert found.share_below == sum(x < score for x in held_out) / len(held_out)
        assert ("all" in found.text) == (score > max(held_out))


def test_decisions_refuse_what_does_not_match():
    with pytest.raises(BadInput, match="2 labels"):
        decisions(["fan"], ["00"], [0, 1], [0, 1])
    with pytest.raises(BadInput, match="decisions must be 0"):
        confusion([0, 1], [0, 2])


def test_a_gamma_fit_that_cuts_most_scores_is_not_used(monkeypatch):
    from asdbook.metrics import decision as module

    scores = np.linspace(1.0, 2.0, 20)
    monkeypatch.setattr(module, "_fit_gamma", lambda *_: (1.05, 2.0, 0.0, 1.0))  # 19 of 20 lie above
    found = threshold(scores)
    assert found.shape is None and "19 of 20" in found.reason
    assert found.value == pytest.approx(np.quantile(scores, 0.9))
