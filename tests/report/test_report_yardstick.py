"""The baseline chapter: its parameters decide what is shown; three built-in sets beside the printed numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from asdbook import metrics, simulate
from asdbook.experiment import records
from asdbook.report import chapter, sensitivity, verdicts, yardstick
from asdbook.systems.base import BaseConfig

SETS = {"synthetic-2020": 2020, "synthetic-2023": 2023, "synthetic-2024": 2024}


def made_up(data, seed, gap=1.0):
    """Scores of two machines on a built-in set: two IDs in 2020, two domains after; anomalies `gap` higher."""
    rng, year, rows = np.random.default_rng(seed), SETS[data], []
    for machine in ("fan", "valve"):
        for k in range(48):
            unit = ("00", "02")[k % 2] if year == 2020 else "00"
            domain = pd.NA if year == 2020 else ("source", "target")[k % 2]
            label = "anomaly" if k % 4 < 2 else "normal"
            name = f"{machine}/test/{k}.wav"
            value = rng.normal(gap if label == "anomaly" else 0.0, 1.0)
            rows.append([name, machine, unit, domain, label, "test", name, value, int(value > 1)])
    return pd.DataFrame(rows, columns=records.SCORE_COLUMNS)


@pytest.fixture
def write(commit):
    """`write(data, label, seed, gap, **changes)` commits a made-up record."""
    rates = [{"machine": "fan", "domain": "source", "false_alarm": 0.1, "detection": 0.5}]

    def one(data, label, seed, gap=1.0, **changes):
        info = {"name": data, "year": SETS[data], "fingerprint": f"{data}{seed}".ljust(64, "0")}
        changes = {"decision": {"machines": {}, "rates": rates}, **changes}
        return commit(label, seed, made_up(data, seed, gap), data=info, **changes)

    return one


def cells(table):
    page = BeautifulSoup(table.html().replace("<wbr>", ""), "html.parser")
    return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]


def shown(data="synthetic-2023"):
    """A page whose tables show the records of a set."""
    return chapter.Shown(yardstick.asked("synthetic-2023", [110])).on(data)


def test_ids_have_two_columns_and_stand_beside_the_numbers_of_2020(write):
    group = [write("synthetic-2020", "autoencoder:mse", seed) for seed in range(5)]
    table = yardstick.table(shown("synthetic-2020"), ["mse", "mahalanobis"])
    assert list(table.columns)[2:] == ["AUC (%)", "pAUC (%)"]
    lines = cells(table)
    printed = next(line for line in lines if line[0] == "fan" and "official" in line[1])
    assert printed[1:] == ["official, mse 2020 development", "65.16", "52.59"]
    assert not any("official, mahalanobis" in line[1] for line in lines)  # 2020 knew no such baseline
    ours = next(line for line in lines if line[0] == "fan" and "ours, mse" in line[1])
    per_seed = [np.mean([c["value"] for c in s.record.metrics["official"]["machines"][0]["cells"]
                         if c["quantity"] == "AUC"]) for s in group]
    assert ours[2].startswith(f"{100 * np.mean(per_seed):.1f} ")
    missing = next(line for line in lines if "ours, mahalanobis" in line[1])
    assert missing == ["all machines", "ours, mahalanobis synthetic-2020 · quick", "no record yet", "no record yet"]
    assert any("make records" in note for note in table.notes)


def test_additional_machines_have_no_rows(write):
    write("synthetic-2024", "autoencoder:mse", 0)
    lines = cells(yardstick.table(shown("synthetic-2024"), ["mse"]))
    assert {line[0] for line in lines} == {"ToyCar", "ToyTrain", "bearing", "fan", "gearbox", "slider", "valve",
                                           "all machines"}
    assert not {"AirCompressor", "BrushlessMotor", "HoveringDrone"} & set(shown("synthetic-2024").machines)
    total = next(line for line in lines if line[0] == "all machines" and "official" in line[1])
    assert total[2:5] == ["65.0", "50.3", "52.8"]


def test_the_overview_has_a_column_a_set_and_names_what_is_missing(write):
    write("synthetic-2020", "autoencoder:mse", 0, gap=3.0)
    write("synthetic-2020", "trivial:mean", 0, gap=0.2)
    table = yardstick.overview(shown())
    lines = {line[0]: line[1:] for line in cells(table)}
    assert [str(column.text).split("<br>")[1] for column in table.columns[1:]] == [
        "Omega (%)", "mean AUC (%)", "Omega (%)"]
    assert lines["autoencoder:mse"][0] == lines["autoencoder:mse"][2] == "no record yet"
    assert float(lines["autoencoder:mse"][1].split()[0]) > 90 > float(lines["trivial:mean"][1].split()[0])
    assert yardstick.winner(shown("synthetic-2020")) == "autoencoder:mse"
    assert yardstick.winner(shown("synthetic-2024")) is None
    assert yardstick.finding(shown("synthetic-2024"), "mse") == "No record of ours on synthetic-2024 yet."
    assert "(fan)" in yardstick.finding(shown("synthetic-2020"), "mse")


def test_smoke_runs_one_small_fan_and_reads_records(write):
    asked = yardstick.asked("synthetic-2020", [7, 8])
    assert asked.options() == [{"data_seed": 7, "seed": 7, "profile": "quick", "overrides": {"epochs": 20},
                                "machines": ("fan",)}]
    assert asked.labels == [f"autoencoder:{score}" for score in yardstick.SCORES]
    stored = write("synthetic-2020", "autoencoder:mse", 0)
    page = chapter.Shown(asked)
    assert [s.folder for s in page.on("synthetic-2020").group(yardstick.MSE)] == [stored.folder]
    assert page.runs is None and yardstick.sets_of(page)[0] == "synthetic-2020"  # the parameter comes first
    assert sorted(yardstick.sets_of(page)) == sorted(SETS)


def test_another_profile_shows_its_own_runs_on_all_seeds(write):
    write("synthetic-2020", "autoencoder:mse", 0, gap=0.0)
    asked = yardstick.asked("synthetic-2020", [3, 4], "paper")
    assert [(o["seed"], o["data_seed"], o["profile"]) for o in asked.options()] == [(3, 3, "paper"), (4, 4, "paper")]
    assert "machines" not in asked.options()[0] and "trivial:mean" in asked.labels
    live = {"autoencoder:mse": [write("synthetic-2020", "autoencoder:mse", seed, gap=4.0) for seed in (3, 4)]}
    page = chapter.Shown(asked, live)
    row = page.row("autoencoder:mse")
    assert row.origin == "ran here" and row.covers == "2 data seeds, each with its own training"
    assert page.value("autoencoder:mse") > 95
    assert page.row("trivial:mean").cells["all", "AUC"].reason == "no record yet"
    assert page.on("synthetic-2020").group(yardstick.MSE) == live[yardstick.MSE]
    assert page.on("synthetic-2023").group(yardstick.MSE) == []  # no run of its own there, and no record


def test_a_folder_of_ones_own_comes_first_with_its_years_numbers(write):
    stored = write("synthetic-2023", "autoencoder:mse", 3)
    stored.record.data.name, stored.record.data.kind = "mine", "official"
    del stored.record.metrics["official"]["machines"][1]  # the folder holds a fan
    asked = yardstick.asked("/somewhere/mine", [3], "quick")
    page = chapter.Shown(asked, {"autoencoder:mse": [stored]})
    assert yardstick.sets_of(page)[0] == "mine" and page.year == 2023
    assert yardstick.printed_table(2023, ["fan"]) == "baseline_2023_dev"
    assert yardstick.printed_table(2023, ["bandsaw", "shaker"]) == "baseline_2023_eval"
    assert yardstick.printed_table(2022, ["fan"]) is None
    lines = cells(yardstick.table(page, ["mse"]))
    assert [(line[0], line[1].split()[0]) for line in lines] == [("fan", "official,"), ("fan", "ours,")]
    assert yardstick.asked("/somewhere/mine", [3]).options()[0].get("machines") is None


def test_claims_are_decided_on_each_set_and_linked_by_name(write):
    for seed in range(5):
        for score, gap in (("mse", 2.0), ("mahalanobis", 2.5), ("mahalanobis-framewise", 2.5)):
            write("synthetic-2020", f"autoencoder:{score}", seed, gap)
    found = yardstick.decide(shown())
    assert list(found["synthetic-2020"].found) == ["B1", "B3", "B4"]  # without domains no shift
    assert found["synthetic-2020"].found["B1"].name == "holds in simulation"
    assert found["synthetic-2023"].found["B1"].name == "not run"
    assert [v.name for v in found["printed numbers"].found.values()] == ["holds as printed"] * 2
    page = BeautifulSoup(verdicts.glance(found).html(), "html.parser")
    first = page.select("tbody tr")[0]
    assert first.a.get_text() == "B1 · Better than guessing" and first.a["href"] == "claims.html#baseline-B1"
    assert first.td.get_text(" ").count("synthetic-") == 3
    assert len(page.select("tbody tr")) == 6
    assert verdicts.count(found).startswith("8 × not run")


def test_the_gap_between_domains_is_counted_from_the_rows(write):
    assert yardstick.domain_gap(shown()) == [None, "15.2", None, None, "3", "7"]
    stored = write("synthetic-2023", "autoencoder:mse", 0)
    columns = stored.record.metrics["official"]["columns"]
    gap = 100 * (columns["AUC source"]["value"] - columns["AUC target"]["value"])
    assert yardstick.domain_gap(shown())[0] == f"{gap:.1f}"


def test_sizes_come_from_the_parameters():
    class Config(BaseConfig):
        epochs: int = 7

    profiles = {"quick": {"epochs": 50}, "paper": {"epochs": 100}}
    system = type("Few", (), {"Config": Config, "profiles": profiles})

    def shown_sizes(asked, **more):
        return cells(chapter.sizes(asked, chapter.settings(asked, system), {"epochs": "epochs"}, **more))

    small = shown_sizes(yardstick.asked("synthetic-2020", [1]))
    assert small[0] == ["machines", "1", "6", "6"] and small[-1] == ["epochs", "20", "50", "100"]
    size = simulate.SIZES
    ids = {len(f["parts"]) for f in simulate.describe("synthetic-2020").values()}
    spans = [{n * size[p].train["id"] for n in ids} for p in ("quick", "paper")]
    for text, span in zip(small[1][2:], spans):
        assert str(min(span)) in text and str(max(span)) in text
    del profiles["quick"]  # then the default stands
    more = {"updates": dict.fromkeys(("live", "records", "paper"), "3")}
    whole = shown_sizes(yardstick.asked("synthetic-2023", [1], "paper"), more=more)
    assert whole[0][1] == "7" and whole[-2][1:] == ["100", "7", "100"] and whole[-1] == ["updates", "3", "3", "3"]
    folder = shown_sizes(yardstick.asked("/data/x", [1], "quick"))
    assert folder[-1][1] == "7" and {line[1] for line in folder[:-1]} == {"as in the folder"}


CHOICES = [sensitivity.Choice("the other split", "autoencoder:official-split", "autoencoder:mse")]
WANTED = {"system": "autoencoder", "profile": "quick"}


def test_choices_are_compared_on_the_same_data_and_seed(write):
    assert sensitivity.finding(CHOICES, **WANTED) == "No choice has records both ways yet"
    assert cells(sensitivity.table(CHOICES, WANTED))[0][0] == "no record yet"
    for seed in range(5):
        write("synthetic-2023", "autoencoder:mse", seed, gap=1.0)
        write("synthetic-2023", "autoencoder:official-split", seed, gap=3.0)
    for score in ("mse", "official-split"):  # a development seed stays out where verdict seeds are there
        write("synthetic-2023", f"autoencoder:{score}", 110)
    write("synthetic-2023", "autoencoder:mse", 2, gap=2.0, overrides={"epochs": 100}, config={"epochs": 100})
    found = sensitivity.effects(CHOICES, **WANTED)
    assert [(what, len(contrast.points)) for what, *_, contrast in found] == [
        ("the other split", 5), ("epochs = 100, not epochs = 2", 0)]  # one seed: its clips are resampled
    lines = cells(sensitivity.table(CHOICES, WANTED))
    assert lines[0][0] == "the other split autoencoder:official-split − autoencoder:mse" and lines[0][2] == "yes"
    assert "5 data seeds" in lines[0][3] and "1 data seed" in lines[1][3]
    assert sensitivity.finding(CHOICES, **WANTED).startswith(("2 of 2 changes", "1 of 2 changes"))


def test_changed_settings_stand_in_the_order_of_their_values(write):
    write("synthetic-2023", "autoencoder:mse", 2)
    for epochs in (100, 7, 20):
        write("synthetic-2023", "autoencoder:mse", 2, overrides={"epochs": epochs}, config={"epochs": epochs})
    words = [what for what, *_ in sensitivity.effects([], **WANTED)]
    assert words == [f"epochs = {epochs}, not epochs = 2" for epochs in (7, 20, 100)]


@pytest.mark.parametrize("low, value, high, said", [
    (0.6, 1.0, 1.4, "yes"), (-1.4, -1.0, -0.6, "yes"), (-0.4, 0.1, 0.5, "no"), (0.1, 0.6, 1.1, "open: the interval"),
    (None, 0.7, None, "over 0.5 points in one run"), (None, 0.0, None, "under 0.5 points in one run")])
def test_a_change_matters_when_its_interval_is_beyond_half_a_point(low, value, high, said):
    assert sensitivity.word(metrics.Interval(value, low, high, None, 1.0, "x")).startswith(said)


def test_the_page_runs_what_its_parameters_ask():
    calls = []
    asked = yardstick.asked("synthetic-2023", [3, 4], "quick", ("mse",))
    found = asked.run(lambda *names, **told: calls.append((names, told)) or len(calls), device="cpu", threads=1)
    assert set(found) == set(asked.labels) and all(len(group) == 2 for group in found.values())
    assert calls[0] == ((asked.labels[0], "synthetic-2023"), {
        "device": "cpu", "threads": 1, "data_seed": 3, "seed": 3, "profile": "quick"})  # fmt: skip
