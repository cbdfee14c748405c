"""Every printed average of every table: recomputed here by hand, without the library's recipes."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from asdbook import papers
from asdbook.papers import averaging

FOLDER = Path(papers.__file__).parent
HARMONIC = {"ssdm_table1", "statistical_clustering_table1"}
WRONG = {
    ("ssdm_table1", "MobileNetV2", "h-mean"),
    ("auddsr_table1", "AudDSR", "pAUC"),
    ("auddsr_table1", "GlowAff", "AUC"),
    ("auddsr_table1", "GlowAff", "pAUC"),
    ("auddsr_table1", "AudDSR_annot", "AUC"),
    ("auddsr_table1", "AudDSR_annot", "pAUC"),
    ("rc_mae_table4", "AE Baseline", "pAUC"),
    ("rc_mae_table4", "MobileNetV2", "AUC"),
    ("rc_mae_table4", "Glow_AFF", "AUC"),
    ("rc_mae_table4", "Glow_AFF", "pAUC"),
    ("rc_mae_table4", "STgram-MFN", "pAUC"),
}  # fmt: skip


def printed_averages():
    """(table, row, quantity) to the cells and the average, as decimals, straight from the csv files."""
    found = {}
    for path in sorted(FOLDER.glob("*_table*.csv")):
        groups: dict[tuple[str, str, str], dict[str, str]] = {}
        with path.open(encoding="utf-8", newline="") as handle:
            for line in csv.DictReader(handle):
                if line["scale"] == "percent":
                    key = (path.stem, line["row"], line["quantity"])
                    groups.setdefault(key, {})[line["machine"]] = line["printed"]
        for key, cells in groups.items():
            if "all" in cells and len(cells) > 1:
                average = cells.pop("all")
                found[key] = (list(cells.values()), average)
    return found


def allowed(name, cells, shift):
    """The average of cells that are each moved by `shift`, in decimals."""
    values = [Decimal(cell) + shift for cell in cells]
    if name in HARMONIC:
        return len(values) / sum(1 / value for value in values)
    return sum(values) / len(values)


def fits(name, cells, average):
    """Whether some true numbers round to the cells while their average rounds to the printed one."""
    half = Decimal(1).scaleb(Decimal(cells[0]).as_tuple().exponent) / 2
    slack = Decimal(1).scaleb(Decimal(average).as_tuple().exponent) / 2
    low, high = allowed(name, cells, -half), allowed(name, cells, half)
    return low <= Decimal(average) + slack and Decimal(average) - slack <= high


def test_each_average_fits_its_cells_or_is_an_erratum():
    found = printed_averages()
    assert len(found) == 60
    wrong = {key for key, (cells, average) in found.items() if not fits(key[0], cells, average)}
    assert wrong == WRONG
    for name, row, quantity in wrong:
        frame = papers.table(name)
        cell = frame[(frame["row"] == row) & (frame["quantity"] == quantity) & (frame["machine"] == "all")]
        assert cell["errata"].iloc[0] != ""


def test_the_library_finds_the_same():
    found = papers.averages()
    assert {(a.table, a.row, a.quantity) for a in found} == set(printed_averages())
    assert {(a.table, a.row, a.quantity) for a in found if a.outcome.finding != "agrees"} == WRONG
    assert all(a.explained for a in found)


@pytest.mark.parametrize("average", papers.averages(), ids=lambda a: f"{a.table}-{a.row}-{a.quantity}")
def test_each_recomputed_average_is_the_naive_one(average):
    cells, printed = printed_averages()[average.table, average.row, average.quantity]
    assert average.outcome.printed == printed
    assert average.outcome.span.value == pytest.approx(float(allowed(average.table, cells, 0)), abs=1e-9)


def test_an_unexplained_average_is_seen():
    average = next(a for a in papers.averages() if a.outcome.finding == "differs")
    bare = averaging.Average(average.table, average.row, average.quantity, average.outcome, ())
    assert not bare.explained
    assert average.explained


def test_tables_without_recomputed_averages_are_known():
    covered = {a.table for a in papers.averages()} | set(averaging.ALONE)
    others = set(papers.own()) - covered
    assert all("all" not in set(papers.table(name)["machine"]) or (papers.table(name)["scale"] == "text").all()
               for name in others)  # fmt: skip
