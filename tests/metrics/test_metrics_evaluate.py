"""Year rules, aggregation, intervals of a whole evaluation: T5, T6, T8, and a plain loop beside it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from asdbook.errors import BadInput, UnknownName
from asdbook.metrics import RULES, aggregate, evaluate, harmonic_mean, multiplicities, paired_difference, rule

EXACT = 1e-12
GOLDEN = Path(__file__).parents[1] / "golden" / "metrics"

NS = [0.10, 0.12, 0.15, 0.18, 0.20, 0.22, 0.25, 0.28, 0.30, 0.33]
NT = [0.35, 0.38, 0.40, 0.42, 0.45, 0.48, 0.50, 0.55, 0.60, 0.65]
AS = [0.26, 0.36, 0.47, 0.70]
AT = [0.43, 0.52, 0.62, 0.80]


def t5():
    """Keyword arguments of `evaluate` for T5: one machine, one section, two domains."""
    score = [*NS, *NT, *AS, *AT]
    return {
        "machine": ["fan"] * 28,
        "unit": ["00"] * 28,
        "label": [0] * 20 + [1] * 8,
        "score": score,
        "domain": ["source"] * 10 + ["target"] * 10 + ["source"] * 4 + ["target"] * 4,
    }


def cells(evaluation):
    return {cell.quantity: cell.number.value for cell in evaluation.cells}


def test_t5_official_convention_since_2022():
    for year in (2022, 2023, 2024, 2025):
        found = evaluate(year, **t5(), draws=0)
        assert cells(found) == pytest.approx(
            {"AUC source": 0.9625, "AUC target": 0.575, "pAUC": 0.638157894736842}, abs=EXACT
        )
        assert found.score_name == "Omega"
        assert found.score.value == pytest.approx(0.6904326181085483, abs=EXACT)
        assert found.machines["fan"].value == pytest.approx(0.6904326181085483, abs=EXACT)
        assert np.mean(list(cells(found).values())) == pytest.approx(0.725219298245614, abs=EXACT)


def test_t5_same_domain_convention_tells_itself_apart():
    found = cells(evaluate(2023, **t5(), convention="same_domain", draws=0))
    assert found["AUC source"] == pytest.approx(0.925, abs=EXACT)
    assert found["AUC target"] == pytest.approx(0.75, abs=EXACT)
    assert found["pAUC"] == pytest.approx(0.638157894736842, abs=EXACT)  # over both domains in either


def test_t5_rules_of_2021_are_within_the_domain():
    found = evaluate(2021, **t5(), draws=0)
    values = cells(found)
    assert values["AUC source"] == pytest.approx(0.925, abs=EXACT)
    assert values["AUC target"] == pytest.approx(0.75, abs=EXACT)
    assert values["pAUC source"] == pytest.approx(0.868421052631579, abs=EXACT)
    assert values["pAUC target"] == pytest.approx(0.6052631578947368, abs=EXACT)
    assert found.score.value == pytest.approx(4 / sum(1 / v for v in values.values()), abs=EXACT)
    with pytest.raises(BadInput, match="one domain convention"):
        evaluate(2021, **t5(), convention="same_domain")


def test_t5_informational_pauc_is_kept_apart_from_the_score():
    found = evaluate(2023, **t5(), draws=0)
    extra = {cell.quantity: cell.number.value for cell in found.informational}
    assert extra["pAUC source"] == pytest.approx(0.868421052631579, abs=EXACT)
    assert extra["pAUC target"] == pytest.approx(0.6052631578947368, abs=EXACT)
    assert set(found.columns) == {"AUC source", "AUC target", "pAUC"}


def test_t5_without_domains_by_the_rules_of_2020():
    found = evaluate(2020, **(t5() | {"domain": None}), draws=0)
    assert cells(found)["AUC"] == pytest.approx(0.76875, abs=EXACT)
    assert cells(found)["pAUC"] == pytest.approx(0.638157894736842, abs=EXACT)
    assert (found.score_name, found.score.value) == ("mean AUC", pytest.approx(0.76875, abs=EXACT))


def test_t6_harmonic_means():
    table = np.array([[0.80, 0.60, 0.55], [0.70, 0.40, 0.50]])
    assert harmonic_mean(table.reshape(-1)) == pytest.approx(0.562671267634223, abs=EXACT)
    assert harmonic_mean(table) == pytest.approx([0.7466666666666667, 0.48, 0.5238095238095238], abs=EXACT)
    machine = np.repeat(["a", "b"], 3)
    assert aggregate(table.reshape(-1), machine, "harmonic") == pytest.approx(0.562671267634223, abs=EXACT)
    assert aggregate(table.reshape(-1), machine, "arithmetic") == pytest.approx(0.5916666666666667, abs=EXACT)


def test_harmonic_mean_is_clipped_at_epsilon_and_keeps_holes():
    assert harmonic_mean(np.array([0.0, 1.0])) == pytest.approx(
        2 / (1 / sys.float_info.epsilon + 1), rel=1e-12
    )
    assert np.isnan(harmonic_mean(np.array([np.nan, 1.0])))


@pytest.mark.parametrize(
    ("name", "omega", "mean"),
    [
        ("2023_mse", 0.5925469043549957, 0.6114287349222227),
        ("2024_mse", 0.5650830191796572, 0.586339),
        ("2023_mahalanobis", 0.610508, 0.643083),
        ("2024_mahalanobis", 0.564893, 0.583200),
    ],
)
def test_t8_published_cells_give_the_published_scores(name, omega, mean):
    with open(GOLDEN / f"eval_{name}.csv", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    assert header[1:] == list(evaluate(2023, **t5(), draws=0).columns)  # the cells that Omega is made of
    values = np.array([[float(x) for x in row[1:]] for row in rows]).reshape(-1)
    machine = np.repeat([row[0] for row in rows], 3)
    assert values.size == {"2023": 21, "2024": 27}[name[:4]]
    assert aggregate(values, machine, rule(int(name[:4])).mean) == pytest.approx(omega, abs=1e-6)
    assert values.mean() == pytest.approx(mean, abs=1e-6)


def simulated(year=2023, machines=3, units=("00",), per_cell=(9, 7, 11, 6), seed=5, gap=0.8):
    """Unbalanced clips of several machines, scores with ties."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"m{m}", unit, domain, label)
        for m in range(machines)
        for unit in units
        for (domain, label), count in zip(
            [("source", 0), ("source", 1), ("target", 0), ("target", 1)], per_cell, strict=True
        )
        for _ in range(count + m)
    ]
    machine, unit, domain, label = (np.array(column) for column in zip(*rows))
    label = label.astype(int)
    score = np.round(rng.normal(size=label.size) + gap * label + 0.5 * (domain == "target"), 1)
    return {"machine": machine, "unit": unit, "label": label, "score": score, "domain": domain}


def loop_score(year, convention, clips, times=None):
    """A year's score as one writes it by hand with scikit-learn; `times` repeats clips. Independent of RULES."""
    index = np.arange(clips["label"].size)
    if times is not None:
        index = np.repeat(index, times)
    machine, unit, label, score, domain = (
        np.asarray(clips[k])[index] for k in ("machine", "unit", "label", "score", "domain")
    )
    values, by_machine = [], []
    for m in sorted(set(machine)):
        mine = []
        for u in sorted(set(unit[machine == m])):
            here = (machine == m) & (unit == u)
            y, s, d = label[here], score[here], domain[here]
            if year == 2020:
                mine.append(roc_auc_score(y, s))
                continue
            for name in ("source", "target"):
                within = d == name
                keep = within if year == 2021 or convention == "same_domain" else within | (y == 1)
                values.append(roc_auc_score(y[keep], s[keep]))
                if year == 2021:
                    values.append(roc_auc_score(y[keep], s[keep], max_fpr=0.1))
            if year > 2021:
                values.append(roc_auc_score(y, s, max_fpr=0.1))
        by_machine.append(np.mean(mine) if mine else 0.0)
    if year == 2020:
        return float(np.mean(by_machine))
    return len(values) / sum(1 / max(v, sys.float_info.epsilon) for v in values)


ALL = [(year, convention) for year in RULES for convention in RULES[year]]


@pytest.mark.parametrize(("year", "convention"), ALL)
def test_bootstrap_equals_a_loop_over_the_same_draws(year, convention):
    clips = simulated(machines=2, units=("00", "02"))
    draws = 12
    found = evaluate(year, **clips, convention=convention, draws=draws, seed=9)
    domain = [""] * clips["label"].size if year == 2020 else clips["domain"]
    stratum = [f"{m}|{u}|{d}|{y}" for m, u, d, y in zip(clips["machine"], clips["unit"], domain, clips["label"])]
    times = multiplicities(np.array(stratum), None, draws, 9)
    expected = [loop_score(year, convention, clips, times[:, k]) for k in range(draws)]
    assert found.score.draws == pytest.approx(expected, abs=EXACT)
    assert found.score.value == pytest.approx(loop_score(year, convention, clips), abs=EXACT)
    assert (found.score.low, found.score.high) == pytest.approx(tuple(np.quantile(expected, [0.025, 0.975])))


def test_2020_averages_ids_before_machines():
    fan = [("fan", "00", 1.0), ("fan", "02", 0.0)]  # AUC by ID
    pump = [("pump", "00", 0.5)]
    rows = []
    for machine, unit, wanted in fan + pump:
        high, low = (1.0, 0.0) if wanted == 1.0 else (0.0, 1.0) if wanted == 0.0 else (0.5, 0.5)
        rows += [(machine, unit, 1, high), (machine, unit, 1, high), (machine, unit, 0, low), (machine, unit, 0, low)]
    machine, unit, label, score = zip(*rows)
    found = evaluate(2020, machine, unit, label, score, draws=0)
    assert [found.machines[m].value for m in ("fan", "pump")] == [0.5, 0.5]
    assert found.columns["AUC"].value == 0.5
    unequal = evaluate(2020, machine[4:], unit[4:], label[4:], score[4:], draws=0)  # fan 02 = 0, pump 00 = 0.5
    assert unequal.score.value == 0.25


def test_score_does_not_depend_on_the_order_of_clips():
    clips = simulated()
    shuffle = np.random.default_rng(0).permutation(clips["label"].size)
    mixed = {key: value[shuffle] for key, value in clips.items()}
    assert evaluate(2023, **clips, draws=0).as_dict() == evaluate(2023, **mixed, draws=0).as_dict()


def test_draws_of_a_machine_do_not_depend_on_the_others():
    clips = simulated(machines=3)
    alone = {key: value[clips["machine"] == "m1"] for key, value in clips.items()}
    full = evaluate(2023, **clips, draws=50).machines["m1"]
    assert np.array_equal(full.draws, evaluate(2023, **alone, draws=50).machines["m1"].draws)


def test_same_seed_same_interval_other_seed_another():
    clips = simulated()
    first, again, other = (evaluate(2023, **clips, draws=200, seed=s).score for s in (1, 1, 2))
    assert (first.low, first.high) == (again.low, again.high)
    assert (first.low, first.high) != (other.low, other.high)
    assert first.low < first.value < first.high


def test_missing_class_is_missing_with_a_reason_and_never_averaged_around():
    clips = simulated(machines=2)
    keep = ~((clips["machine"] == "m0") & (clips["domain"] == "target") & (clips["label"] == 0))
    found = evaluate(2023, **{k: v[keep] for k, v in clips.items()}, draws=20).as_dict()
    first, second = found["machines"]
    hole = next(c for c in first["cells"] if c["quantity"] == "AUC target")
    assert hole["value"] is None and hole["low"] is None and hole["normals"] == 0
    assert "no target normal clip in m0 00" in hole["reason"]
    for number in (first["score"], found["columns"]["AUC target"], found["score"]):
        assert number["value"] is None and "m0 00" in number["reason"]
    assert second["score"]["value"] is not None
    assert found["columns"]["AUC source"]["value"] is not None


def test_no_anomalies_at_all():
    clips = simulated(machines=1)
    found = evaluate(2023, **{k: v[clips["label"] == 0] for k, v in clips.items()}, draws=20).as_dict()
    assert found["score"]["value"] is None
    assert all("anomalous" in cell["reason"] for cell in found["machines"][0]["cells"])


def test_clips_of_one_recording_are_resampled_together():
    clips = simulated(machines=1, per_cell=(20, 20, 20, 20))
    # every recording holds four equal clips: as informative as a quarter of the clips
    score = np.repeat(clips["score"][::4], 4)
    recording = np.repeat(np.arange(20), 4).astype(str)
    whole = evaluate(2023, **(clips | {"score": score}), recording=recording, draws=400).score
    naive = evaluate(2023, **(clips | {"score": score}), draws=400).score
    assert whole.value == naive.value
    assert (whole.high - whole.low) > 1.5 * (naive.high - naive.low)  # 2 × expected
    quarter = evaluate(2023, **{k: v[::4] for k, v in (clips | {"score": score}).items()}, draws=400).score
    assert (whole.high - whole.low) == pytest.approx(quarter.high - quarter.low, rel=0.2)


def test_a_single_recording_has_no_interval():
    clips = simulated(machines=1)
    recording = np.where(clips["label"] == 1, "r0", np.arange(clips["label"].size).astype(str))
    found = evaluate(2020, **(clips | {"domain": None}), recording=recording, draws=50).as_dict()
    assert found["score"]["value"] is not None
    assert found["score"]["low"] is None
    assert "only one anomalous recording" in found["score"]["reason"]


def test_record_dictionary_has_the_agreed_shape_and_is_json():
    found = evaluate(2023, **simulated(), draws=20).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {"convention", "year", "score", "columns", "machines"}
    assert found["score"]["name"] == "Omega" and {"value", "low", "high"} <= set(found["score"])
    assert list(found["columns"]) == ["AUC source", "AUC target", "pAUC"]
    machine = found["machines"][1]
    assert machine["machine"] == "m1" and {"value", "low", "high"} <= set(machine["score"])
    assert set(machine["cells"][0]) == {
        "unit", "quantity", "value", "low", "high", "reason", "normals", "anomalies",
    }  # fmt: skip
    assert (machine["cells"][0]["normals"], machine["cells"][0]["anomalies"]) == (10, 15)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"domain": None}, "needs `domain`"),
        ({"domain": ["middle"] * 28}, "domain of clip 0"),
        ({"machine": ["fan"] * 27}, "machine: shape"),
        ({"unit": ["00"] * 27 + [None]}, "section of clip 27"),
        ({"score": [float("nan")] * 28}, "score of clip 0"),
        ({"label": [0] * 27 + [7]}, "label of clip 27"),
        ({"draws": 1}, "draws"),
        ({"recording": ["a"] * 3}, "recording: shape"),
    ],
)
def test_bad_input(change, words):
    with pytest.raises(BadInput, match=words) as caught:
        evaluate(2023, **(t5() | change))
    assert "\n" not in str(caught.value)


def test_unknown_years_and_conventions_name_the_valid_ones():
    with pytest.raises(UnknownName, match="2023"):
        evaluate(1999, **t5())
    with pytest.raises(UnknownName, match="same_domain"):
        evaluate(2023, **t5(), convention="same-domain")
    with pytest.raises(BadInput, match="no clips"):
        evaluate(2023, [], [], [], [], [])


def test_paired_difference_uses_the_same_resamples():
    clips = simulated(machines=2)
    better = clips | {"score": clips["score"] + 0.3 * clips["label"]}
    a, b = evaluate(2023, **better, draws=400), evaluate(2023, **clips, draws=400)
    found = paired_difference(a, b)
    assert found.value == pytest.approx(a.score.value - b.score.value)
    assert found.low > 0.0
    assert found.high - found.low < 0.5 * (b.score.high - b.score.low)  # pairing removes what clips share
    same = paired_difference(b, b)
    assert (same.value, same.low, same.high, same.detectable) == (0.0, 0.0, 0.0, 0.0)
    two = paired_difference([a, a], [b, b])
    assert two.value == pytest.approx(found.value) and two.se == pytest.approx(found.se)


def test_paired_difference_refuses_what_is_not_paired():
    clips = simulated(machines=2)
    a = evaluate(2023, **clips, draws=20)
    for other in (
        evaluate(2023, **clips, draws=20, seed=1),
        evaluate(2023, **clips, draws=30),
        evaluate(2023, **clips, draws=20, convention="same_domain"),
        evaluate(2023, **(clips | {"label": 1 - clips["label"]}), draws=20),
    ):
        with pytest.raises(BadInput, match="differ"):
            paired_difference(a, other)
    with pytest.raises(BadInput, match="no resamples"):
        paired_difference(evaluate(2023, **clips, draws=0), evaluate(2023, **clips, draws=0))
    with pytest.raises(BadInput, match="against"):
        paired_difference([a, a], [a])


@given(st.integers(0, 10_000))
def test_score_lies_between_its_smallest_and_largest_cell(seed):
    found = evaluate(2023, **simulated(machines=2, per_cell=(3, 2, 4, 2), seed=seed), draws=0)
    values = [max(cell.number.value, sys.float_info.epsilon) for cell in found.cells]
    assert min(values) - EXACT <= found.score.value <= max(values) + EXACT
