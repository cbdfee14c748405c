"""Recipes against numbers worked out elsewhere, and the intervals of rounding against brute force."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.cells import Span, find, series, span
from asdbook.papers.checks import Check, build
from asdbook.papers.recompute import RECIPES, evaluate

Q = ["AUC source", "AUC target", "pAUC"]


def of(table, row, quantities=("h-mean",)):
    addresses = [f"{table} / {row} / {quantity}" for quantity in quantities]
    return addresses[0] if len(addresses) == 1 else addresses


@pytest.mark.parametrize(
    "row, value, low, high",
    [
        ("AE (Mahala.)", 57.678, 57.673, 57.683),
        ("MobileNetV2", 61.976, 61.971, 61.981),
        ("FeatEx", 66.882, 66.877, 66.887),
        ("Han et al.", 64.314, 64.309, 64.319),
        ("Self-implement Baseline", 63.551, 63.546, 63.556),
        ("SSDM (Ours)", 68.091, 68.086, 68.096),
    ],
)
def test_harmonic_means_of_ssdm(row, value, low, high):
    found = evaluate({"recipe": "hmean", "of": of("ssdm_table1", row)}).span
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=6e-4)


AUDDSR = {
    "AE": (74.2000, 74.2348, 60.5833, 60.5609), "IDNN": (79.2950, 79.4496, 63.7767, 63.8861),
    "ANP": (76.5167, 76.9304, 63.8167, 64.2217), "PAE": (81.2450, 81.4043, 67.1800, 67.4326),
    "AudDSR": (84.9750, 85.2774, 71.4233, 71.7200), "MobileNetV2": (84.0017, 84.6230, 77.7417, 78.6683),
    "GlowAff": (84.6667, 85.2391, 73.3333, 73.9565), "STgram": (89.6800, 90.4083, 84.6400, 85.5539),
    "AudDSR_annot": (89.7683, 90.1248, 84.0317, 84.5883), "GeCo": (92.4667, 93.2396, 86.3350, 87.2270),
}  # fmt: skip


@pytest.mark.parametrize("row", AUDDSR)
def test_both_averaging_rules_of_auddsr(row):
    found = [
        evaluate({"recipe": recipe, "of": f"auddsr_table1 / {row} / {quantity}"}).span.value
        for quantity in ("AUC", "pAUC")
        for recipe in ("mean", "id_mean")
    ]
    assert found == pytest.approx(AUDDSR[row], abs=6e-5)


RC_MAE = {
    "AE Baseline": (73.5100, 60.8517), "GMADE": (90.7750, 84.3317), "MobileNetV2": (84.0017, 77.7417),
    "Glow_AFF": (84.6667, 73.3333), "STgram-MFN": (92.3633, 86.2917), "AADCL": (79.7383, 64.9633),
    "Our Method": (94.3967, 87.9350),
}  # fmt: skip


@pytest.mark.parametrize("row", RC_MAE)
def test_averages_of_rc_mae(row):
    found = [
        evaluate({"recipe": "mean", "of": f"rc_mae_table4 / {row} / {quantity}"}).span.value
        for quantity in ("AUC", "pAUC")
    ]
    assert found == pytest.approx(RC_MAE[row], abs=6e-5)


STATISTICAL = {  # columns of Total, all 21 values, machines without and with attributes
    "AE-MSE": (65.00, 50.29, 52.86, 55.36, 58.44, 53.26), "AE-MAHALA": (65.78, 49.53, 52.28, 55.03, 58.51, 52.67),
    "System-1": (68.72, 53.84, 53.63, 57.95, 59.65, 56.73), "System-2": (66.89, 50.43, 53.42, 56.08, 53.18, 58.47),
    "System-3": (70.84, 63.86, 56.67, 63.26, 68.50, 59.83), "System-4": (71.38, 63.58, 56.61, 63.29, 68.40, 59.93),
}  # fmt: skip


@pytest.mark.parametrize("row", STATISTICAL)
def test_harmonic_means_of_statistical_clustering(row):
    name = "statistical_clustering_table1"
    found = [evaluate({"recipe": "hmean", "of": f"{name} / {row} / {q}"}).span.value for q in Q]
    for machines in (None, ["ToyTrain", "gearbox", "slider"], ["ToyCar", "bearing", "fan", "valve"]):
        found.append(evaluate({"recipe": "hmean", "of": of(name, row, Q), "machines": machines}).span.value)
    assert found == pytest.approx(STATISTICAL[row], abs=0.006)


@pytest.mark.parametrize("row, omega", [("Baseline", 55.024), ("Baseline(MHLAE)", 56.986), ("OEVAES", 53.409)])
def test_scores_of_oevae(row, omega):
    assert evaluate({"recipe": "hmean", "of": of("oevae_table1", row, Q)}).span.value == pytest.approx(omega, abs=6e-4)


def test_cells_below_both_baselines_of_statistical_clustering():
    """Counted as cells in which *both* baselines are above: 3, 5, 3 and 3 of 21."""
    name, counts = "statistical_clustering_table1", []
    for row in ("System-1", "System-2", "System-3", "System-4"):
        mse = evaluate({"recipe": "wins", "table": name, "row": "AE-MSE", "quantities": Q, "against": [row]})
        mahala = evaluate({"recipe": "wins", "table": name, "row": "AE-MAHALA", "quantities": Q, "against": [row]})
        both = {c for c in names(mse)} & {c for c in names(mahala)}
        counts.append(len(both))
    assert counts == [3, 5, 3, 3]


def names(worked):
    return worked.text.partition(": ")[2].split(", ")


def test_wins_count_cells_and_machines():
    inputs = {"recipe": "wins", "table": "oevae_table1", "row": "OEVAES", "quantities": Q,
              "against": ["Baseline", "Baseline(MHLAE)"]}  # fmt: skip
    assert [evaluate(inputs).span.value] + [evaluate({**inputs, "least": k}).span.value for k in (1, 2, 3)] \
        == [6, 4, 2, 0]  # fmt: skip
    assert evaluate(inputs).text == (
        "6 of 21: bearing AUC target, bearing pAUC, valve AUC target, ToyCar AUC target, ToyTrain AUC source, "
        "ToyTrain pAUC"
    )


def test_a_tie_within_rounding_is_no_certain_win():
    """Gearbox: OEVAES 57.893 against 57.889 of Baseline: ahead as printed, not for certain."""
    found = evaluate({"recipe": "hmean_wins", "table": "oevae_table1", "row": "OEVAES", "quantities": Q,
                      "against": ["Baseline"]}).span  # fmt: skip
    assert found.value == found.low + 1 == found.high


def test_distances_of_the_ensemble():
    found = [
        evaluate({"recipe": "gap", "table": "statistical_clustering_table1", "row": "System-4", "other": other,
                  "quantities": Q}).span.value
        for other in ("System-3", "System-1", "System-2")
    ]  # fmt: skip
    assert found == pytest.approx([0.67, 9.76, 12.23], abs=0.005)


def test_repair_puts_the_printed_mean_right():
    for rule, table, row, quantity in (("hmean", "ssdm_table1", "MobileNetV2", "h-mean"),
                                       ("mean", "rc_mae_table4", "MobileNetV2", "AUC")):  # fmt: skip
        address = f"{table} / {row} / {quantity}"
        target = f"{table} / {row} / all / {quantity}"
        worked = evaluate({"recipe": "repair", "of": address, "target": target, "rule": rule})
        machine, change = re.fullmatch(r".*?(\w+) [\d.]+ would have to be ([\d.]+)", worked.text).groups()
        mended = evaluate({"recipe": rule, "of": address, "replace": {machine: change}}).span.value
        assert mended == pytest.approx(float(find(target)), abs=0.002)
        others = [m for m in series(address) if m != machine]
        changes = [smallest_change(rule, series(address), m, float(find(target))) for m in others]
        assert min(changes) >= worked.span.value - 1e-6


def smallest_change(rule, cells, machine, wanted):
    """Bisection instead of the closed form."""
    start, low, high = float(cells[machine]), 1.0, 400.0
    for _ in range(200):
        middle = (low + high) / 2
        values = [middle if m == machine else float(cell) for m, cell in cells.items()]
        mean = np.mean(values) if rule == "mean" else len(values) / sum(1 / v for v in values)
        low, high = (middle, high) if mean < wanted else (low, middle)
    return abs(low - start)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_rounding_leaves_the_interval(seed):
    """Cells drawn within their rounding never give a mean or a difference outside the interval."""
    rng = np.random.default_rng(seed)
    for recipe, mean in (("mean", np.mean), ("hmean", lambda x: len(x) / np.sum(1 / x))):
        ours, theirs = of("ssdm_table1", "SSDM (Ours)"), of("ssdm_table1", "MobileNetV2")
        a, b = (np.array([float(c) for c in series(s).values()]) + rng.uniform(-0.005, 0.005, 7)
                for s in (ours, theirs))  # fmt: skip
        minuend, subtrahend = {"recipe": recipe, "of": ours}, {"recipe": recipe, "of": theirs}
        inside(evaluate(minuend).span, mean(a))
        inside(evaluate({"recipe": "difference", "minuend": minuend, "subtrahend": subtrahend}).span, mean(a) - mean(b))
        gain = {"recipe": "gain", "minuend": minuend, "subtrahend": subtrahend}
        inside(evaluate(gain).span, 100 * (mean(a) / mean(b) - 1))


def inside(found, value):
    assert found.low <= value <= found.high


def test_spans_of_printed_cells():
    assert span("62.00") == Span(62.0, 61.995, 62.005)
    assert span("62.00", cut=True) == Span(62.0, 62.0, 62.01)
    assert span("85.20", places=1) == Span(85.2, pytest.approx(85.15), pytest.approx(85.25))
    assert span("41") == Span(41, 40.5, 41.5)
    assert span("62.00").text() == "62.000 (61.995 to 62.005)"
    assert Span(3, 3, 3).text() == "3"
    assert Span(3, 2, 4).text() == "3 (2 to 4)"
    assert Span(-0.1, -0.2, -1e-12).text() == "-0.100 (-0.200 to 0.000)"
    assert Span(1.5, 1.5, 1.5).text() == "1.500"


@pytest.mark.parametrize(
    "printed, extra, finding",
    [
        ("68.09", {}, "agrees"),
        ("68.08", {}, "cut off"),
        ("68.07", {}, "differs"),
        ("68", {}, "agrees"),
        ("68.0", {}, "cut off"),
        ("68.0", {"approximate": True}, "differs"),
        ("68.20", {"places": 0}, "agrees"),
    ],
)
def test_findings_beside_a_printed_number(printed, extra, finding):
    check = Check("a mean", {"recipe": "hmean", "of": of("ssdm_table1", "SSDM (Ours)")}, printed, **extra)
    assert check.outcome.finding == finding
    assert check.outcome.sentence().startswith("a mean: 68.091 (68.086 to 68.096); printed ")


@pytest.mark.parametrize(
    "relation, bound, finding",
    [(">", 0, "holds"), (">", 1.21, "open"), (">", 2, "fails"), ("<", 2, "holds"), ("<", 0, "fails"),
     ("<", 1.21, "open")],
)  # fmt: skip
def test_findings_of_a_relation(relation, bound, finding):
    of = {"recipe": "difference", "minuend": "ssdm_table1 / SSDM (Ours) / all / h-mean",
          "subtrahend": "ssdm_table1 / FeatEx / all / h-mean"}  # fmt: skip
    assert Check("a lead", of, relation=relation, bound=bound).outcome.finding == finding


@pytest.mark.parametrize(
    "expression, error, message",
    [
        ({"recipe": "hmeen", "of": "x"}, UnknownName, "did you mean 'hmean'"),
        ({"recipe": "hmean", "off": "x"}, UnknownName, "input of recipe hmean 'off'"),
        ({"recipe": "difference", "minuend": "x"}, BadInput, "'subtrahend' is missing"),
        ("ssdm_table1 / SSDM (Ours) / h-mean", BadInput, "has 3 parts"),
        ("ssdm_table1 / SSDM / all / h-mean", UnknownName, "row of ssdm_table1"),
        ("ssdm_table1 / SSDM (Ours) / pump / h-mean", UnknownName, "machine of ssdm_table1"),
        ("ssdm_table1 / SSDM (Ours) / fan / AUC", UnknownName, "quantity of ssdm_table1"),
        ("ssdm_table9 / SSDM (Ours) / fan / AUC", UnknownName, "table of printed numbers"),
        ("baseline_2023_dev / mse / fan / pAUC", BadInput, "only a paper's own table"),
        ("ssdm_table2 / SSDM / all / Denoising diffusion module", BadInput, "is no number"),
        ({"recipe": "mean", "of": "ssdm_table1 / FeatEx / h-mean", "machines": ["pump"]}, UnknownName, "machine of"),
        ({"recipe": "mean", "of": "ssdm_table1 / FeatEx / AUC"}, UnknownName, "quantity of ssdm_table1"),
        ({"recipe": "repair", "of": "ssdm_table1 / FeatEx / h-mean", "rule": "median",
          "target": "ssdm_table1 / FeatEx / all / h-mean"}, UnknownName, "rule of recipe repair"),
    ],
)  # fmt: skip
def test_bad_expressions_are_named(expression, error, message):
    with pytest.raises(error, match=message):
        evaluate(expression)


def test_checks_are_validated_when_they_are_read():
    good = {"what": "x", "of": "ssdm_table1 / FeatEx / all / h-mean"}
    assert build(Check, good, "here").outcome.finding == "shown"
    for extra, message in (
        ({"colour": "red"}, "key of here 'colour'"), ({"relation": "="}, "relation of"), ({"level": "c"}, "level of"),
        ({"shows": "nothing"}, "shows of"), ({"printed": "1", "relation": ">"}, "give one"),
        ({"printed": 1.0}, "write text in quotes"), ({"of": {"recipe": "x"}}, "recipe 'x'"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=message):
            build(Check, {**good, **extra}, "here")
    with pytest.raises(BadInput, match="missing 1 required positional argument: 'of'"):
        build(Check, {"what": "x"}, "here")


def test_every_recipe_says_what_it_does():
    assert all(recipe.__doc__ for recipe in RECIPES.values())
