"""Printed numbers of the official baselines stay as printed; what we compute says so; doubt is marked."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from asdbook import papers
from asdbook.report import official, tables
from asdbook.report.tables import Value


def test_a_printed_average_is_shown_as_printed_and_its_rounding_is_said():
    cell = official.row("baseline_2024_dev", "mse").cells["all", "pAUC"]
    assert (cell.text, cell.computed, cell.errata) == ("52.8", False, ())
    assert official.recomputed("baseline_2024_dev", "mse", ("all", "pAUC")) == pytest.approx(52.862, abs=5e-4)
    (note,) = official.notes("baseline_2024_dev", "mse")
    assert note == ("*official, mse*: pAUC of all machines is printed as 52.8, its printed cells give 52.9: "
                    "the rounding of the cells allows both.")
    assert official.notes("baseline_2024_dev", "mahalanobis") == []


def test_an_average_that_is_not_printed_says_that_it_was_computed():
    cells = official.row("baseline_2023_dev", "mse").cells
    assert cells["all", "Omega"].computed and not cells["fan", "pAUC"].computed
    fan = 3 / (1 / 80.19 + 1 / 36.18 + 1 / 59.04)
    assert cells["fan", "Omega"].value == pytest.approx(fan, abs=1e-9)
    assert "computed" in tables.markup(cells["all", "Omega"])
    cells = official.row("baseline_2020_dev", "mse").cells
    assert cells["all", "AUC"].value == pytest.approx(73.6619, abs=1e-3) and cells["all", "AUC"].computed
    assert (cells["fan", "AUC"].text, cells["fan", "AUC"].computed) == ("65.16", False)  # the printed mean over IDs


def test_the_erratum_stands_at_its_cell_and_at_what_follows_from_it():
    cells = official.row("baseline_2023_dev", "mahalanobis").cells
    marked = {cell for cell, value in cells.items() if value.errata}
    assert marked == {("ToyTrain", "AUC target"), ("ToyTrain", "Omega"), ("all", "AUC target"), ("all", "Omega")}
    page = BeautifulSoup(tables.markup(cells["ToyTrain", "AUC target"]), "html.parser")
    assert page.get_text(" ", strip=True) == "43.42 oevae-E13"
    assert page.a["href"] == "errata.html#oevae-E13"


@pytest.mark.parametrize("name", ["baseline_2020_dev", "baseline_2023_dev", "baseline_2024_dev", "baseline_2023_eval"])
def test_every_printed_number_is_in_the_table(name):
    text = BeautifulSoup(official.printed(name).html(), "html.parser").get_text(" ")
    frame = papers.table(name)
    shown = frame[(frame["status"] == "printed") & (frame["scale"] == "percent")]
    assert all(value in text for value in shown["value"])
    systems = frame["system"].unique()
    assert all(f"official, {system}" in text for system in systems)


def test_averages_alone_are_shown_without_computed_ones():
    cells = official.row("baseline_2020_eval", "mse").cells
    assert not any(value.computed for value in cells.values()) and cells["valve", "AUC"].text == "55.72"


def test_a_missing_record_is_said():
    row = official.missing(2020, "ours, mse", tables.badge("synthetic", "synthetic-2020"))
    assert row.cells == {("all", "AUC"): Value(None, reason="no record yet"),
                         ("all", "pAUC"): Value(None, reason="no record yet")}
    assert "make records" in row.origin


def test_columns_follow_the_years_rule():
    assert official.columns(2020) == ["AUC", "pAUC"]
    assert official.columns(2023) == official.columns(2024) == ["AUC source", "AUC target", "pAUC", "Omega"]
