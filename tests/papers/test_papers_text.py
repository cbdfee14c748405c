"""The tables against the papers' own texts, where a checkout has them beside it."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from asdbook import papers

TEXTS = Path(os.environ.get("ASDBOOK_PAPER_TEXTS", Path(__file__).parents[3] / "shared" / "papers"))

pytestmark = pytest.mark.skipif(
    not TEXTS.is_dir(), reason="no texts of the papers: name their folder in ASDBOOK_PAPER_TEXTS"
)


def text(paper):
    return (TEXTS / f"{paper}.txt").read_text(encoding="utf-8")


def lines(paper):
    """Numbers of each line of the text that has several, in order; marks of bold type left out."""
    for line in text(paper).splitlines():
        cells = [re.sub(r"<.*?>|\*", "", cell).strip() for cell in line.split("\t")]
        numbers = [cell for cell in cells if re.fullmatch(r"\d+\.\d+", cell)]
        if numbers:
            yield numbers


@pytest.mark.parametrize(
    "name", ["ssdm_table1", "auddsr_table1", "auddsr_table2", "rc_mae_table4", "statistical_clustering_table1"]
)
def test_rows_stand_in_the_text(name):
    frame = papers.table(name)
    printed = [group["printed"].tolist() for _, group in frame.groupby("row", sort=False)]
    found = list(lines(frame["paper"].iloc[0]))
    assert printed
    assert all(row in found for row in printed)


@pytest.mark.parametrize("name", ["rc_mae_table3", "oevae_table1"])
def test_columns_stand_in_the_text(name):
    frame = papers.table(name)
    systems = list(dict.fromkeys(frame["row"]))
    wide = frame.pivot(index=["machine", "quantity"], columns="row", values="printed")[systems]
    found = list(lines(frame["paper"].iloc[0]))
    assert all(row in found for row in wide.to_numpy().tolist())


@pytest.mark.parametrize("name", ["ssdm_table2", "rc_mae_table1", "rc_mae_table2"])
def test_cells_stand_in_the_text(name):
    frame = papers.table(name)
    body = " ".join(text(frame["paper"].iloc[0]).split())
    assert all(cell in body for cell in frame["printed"])


@pytest.mark.parametrize(
    "name",
    ["ssdm-E2", "ssdm-E9", "auddsr-E4", "auddsr-E5", "rc_mae-E12", "rc_mae-E21", "statistical_clustering-E4",
     "oevae-E3", "oevae-E7", "oevae-E14"],
)  # fmt: skip
def test_quoted_sentences_stand_in_the_text(name):
    erratum = papers.erratum(name)
    body = normal(text(erratum.paper))
    for part in erratum.printed.split("…"):
        words = normal(part).split()
        assert words
        pairs = {f"{a} {b}" for a, b in pairwise(words)} or set(words)
        assert sum(pair in body for pair in pairs) >= 0.65 * len(pairs), part  # letters with indices are set otherwise


def normal(words):
    return re.sub(r"[^a-z0-9.%]+", " ", words.lower())
