"""Verdicts: every claim type, what each kind of data may say, and the words beside it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from asdbook.errors import BadInput, UnknownName
from asdbook.metrics import Evidence, Interval, adjust, over_data_seeds, verdict
from asdbook.metrics.verdicts import decisive_p, stated


def interval(low, high, df=math.inf):
    """A normal interval from its ends."""
    return Interval((low + high) / 2, low, high, (high - low) / (2 * 1.959964), df, "recordings of one run")


def official(claim, low, high, margin=0.0):
    return Evidence(claim, {"a - b": interval(low, high)}, "official", "paper", margin=margin)


def synthetic(claim, low, high, margin=0.0, seeds=5):
    return Evidence(claim, {"a - b": interval(low, high)}, "synthetic", "quick", seeds, margin)


@pytest.mark.parametrize("claim", ["superiority", "mechanism"])
@pytest.mark.parametrize(
    ("low", "high", "margin", "on_official", "in_simulation"),
    [
        (0.01, 0.03, 0.0, "supported", "holds in simulation"),
        (-0.01, 0.03, 0.0, "undecided", "undecided"),
        (-0.03, -0.01, 0.0, "not reproduced under our reading", "fails in simulation"),
        (0.01, 0.03, 0.02, "undecided", "undecided"),
        (0.01, 0.03, 0.03, "not reproduced under our reading", "fails in simulation"),
        (0.00, 0.03, 0.0, "undecided", "undecided"),
    ],
)
def test_one_sided_claims(claim, low, high, margin, on_official, in_simulation):
    assert verdict(official(claim, low, high, margin)).name == on_official
    assert verdict(synthetic(claim, low, high, margin)).name == in_simulation


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [
        (-0.01, 0.01, "supported"),
        (-0.03, 0.01, "undecided"),
        (0.01, 0.03, "undecided"),
        (0.02, 0.03, "not reproduced under our reading"),
        (-0.04, -0.021, "not reproduced under our reading"),
        (-0.04, 0.04, "undecided"),
    ],
)
def test_equivalence_and_absolute_need_the_whole_interval_inside_the_margin(low, high, name):
    assert verdict(official("equivalence", low, high, 0.02)).name == name
    assert verdict(official("absolute", low, high, 0.02)).name == name


def test_best_of_must_beat_every_rival():
    def best(*ends, data="official"):
        contrasts = {f"ours - rival {k}": interval(*end) for k, end in enumerate(ends)}
        return verdict(Evidence("best_of", contrasts, data, "paper", 5)).name

    assert best((0.01, 0.03), (0.002, 0.05)) == "supported"
    assert best((0.01, 0.03), (-0.002, 0.05)) == "undecided"
    assert best((0.01, 0.03), (-0.05, -0.02)) == "not reproduced under our reading"
    assert best((0.01, 0.03), (-0.05, -0.02), data="synthetic") == "fails in simulation"
    # one of three rivals only just ahead (p = 0.04): with three chances that does not refute
    assert best((0.01, 0.03), (0.01, 0.03), (-0.0395, -0.0005)) == "undecided"


def test_arithmetic_needs_no_data():
    found = verdict(Evidence("arithmetic", {"average pAUC": stated(0.004)}, margin=0.005))
    assert (found.name, found.tested_on) == ("holds as printed", "printed numbers")
    assert verdict(Evidence("arithmetic", {"mean": stated(0.005)}, margin=0.005)).name == "holds as printed"
    wrong = verdict(Evidence("arithmetic", {"average pAUC": stated(-5.0)}, margin=0.005))
    assert wrong.name == "does not follow from the printed numbers" and "-5" in wrong.text


def test_fewer_than_five_data_seeds_are_provisional():
    for seeds in (1, 4):
        found = verdict(synthetic("superiority", 0.01, 0.03, seeds=seeds))
        assert found.name == "provisional"
        assert f"{seeds} of 5 data seeds, so far for the claim" in found.text
    single = Evidence("superiority", {"a - b": over_data_seeds([0.1])}, "synthetic", "quick", 1)
    assert verdict(single).name == "provisional" and "no interval" in verdict(single).text


def test_what_may_not_speak():
    small = replace(synthetic("superiority", 0.01, 0.03), data="real")
    assert (verdict(small).name, verdict(small).tested_on) == ("no verdict", "small real set")
    quick = replace(official("superiority", 0.01, 0.03), profile="quick")
    assert verdict(quick).name == "no verdict" and "quick" in verdict(quick).text
    level = synthetic("absolute", -0.001, 0.001, 0.02)
    assert verdict(level).name == "no verdict" and "across data sets" in verdict(level).text
    assert not any(character.isdigit() for character in verdict(level).text)  # no difference is shown
    assert verdict(Evidence("superiority")).name == "not run"
    assert verdict(Evidence("superiority")).tested_on is None


def test_the_text_names_interval_coverage_and_detectable_difference():
    text = verdict(official("superiority", 0.010, 0.030)).text
    assert "a - b: +0.020, 95 % interval +0.010 to +0.030, covers recordings of one run" in text
    assert "smallest detectable: 0.014" in text  # 2.80 × 0.0051
    assert "\n" not in text


def test_every_seed_counts_in_the_degrees_of_freedom():
    five = over_data_seeds([0.01, 0.02, 0.015, 0.03, 0.012])
    found = verdict(Evidence("superiority", {"a - b": five}, "synthetic", "quick", 5))
    assert found.name == "holds in simulation" and five.df == 4


def test_holm_turns_a_weak_secondary_finding_undecided():
    weak, strong = official("superiority", 0.0005, 0.0395), official("superiority", 0.02, 0.04)
    assert verdict(weak).name == "supported"  # p = 0.044 alone
    adjusted = adjust([weak, strong, Evidence("superiority")])
    assert adjusted[0].adjusted_p == pytest.approx(decisive_p(weak))  # largest of two: times 1
    crowd = adjust([weak, weak, strong])
    assert verdict(crowd[0]).name == "undecided" and "after Holm" in verdict(crowd[0]).text
    assert verdict(crowd[2]).name == "supported"
    assert adjusted[2].adjusted_p is None and verdict(adjusted[2]).name == "not run"


def test_decisive_p_matches_the_interval_rule():
    cases = [
        official("superiority", 0.001, 0.02),
        official("superiority", -0.001, 0.02),
        official("superiority", -0.03, -0.001),
        official("equivalence", -0.015, 0.019, 0.02),
        official("equivalence", -0.015, 0.021, 0.02),
        official("equivalence", 0.021, 0.04, 0.02),
        official("equivalence", -0.06, -0.019, 0.02),
        Evidence("best_of", {"x": interval(0.01, 0.02), "y": interval(0.001, 0.03)}, "official", "paper"),
        Evidence("best_of", {"x": interval(0.01, 0.02), "y": interval(-0.001, 0.03)}, "official", "paper"),
    ]
    for evidence in cases:
        decided = verdict(evidence).name != "undecided"
        assert (decisive_p(evidence) <= 0.05) == decided, evidence


def test_bad_evidence():
    with pytest.raises(UnknownName, match="superiority"):
        verdict(official("superior", 0, 1))
    with pytest.raises(BadInput, match="margin"):
        verdict(official("equivalence", -0.1, 0.1))
    with pytest.raises(BadInput, match="margin"):
        verdict(official("superiority", 0.1, 0.2, -0.1))
    with pytest.raises(BadInput, match="contrasts"):
        verdict(Evidence("superiority", {"a": interval(0, 1), "b": interval(0, 1)}, "official", "paper"))
    with pytest.raises(UnknownName, match="official"):
        verdict(Evidence("superiority", {"a": interval(0, 1)}, "offical", "paper"))
