"""Each erratum proven from printed cells; the file and the tables name the same cells."""

from __future__ import annotations

import re

import pytest

from asdbook import papers
from asdbook.errors import BadInput, UnknownName
from asdbook.papers.errata import KINDS, PROVEN, parse_errata

PROVABLE = [e for e in papers.all_errata() if e.kind in PROVEN]
OTHERS = [e for e in papers.all_errata() if e.kind not in PROVEN]


@pytest.mark.parametrize("erratum", PROVABLE, ids=lambda e: e.id)
def test_the_error_lies_outside_what_the_cells_allow(erratum):
    errors = [check.outcome for check in erratum.checks if check.shows == "error"]
    assert errors
    for outcome in errors:
        assert outcome.finding in ("differs", "fails")
        if outcome.finding == "differs":  # however the last digit was made: one unit of it away at least
            printed = float(outcome.printed)
            unit = 10.0 ** -len(outcome.printed.partition(".")[2])
            assert outcome.span.high < printed - 0.4999 * unit or outcome.span.low > printed + 0.4999 * unit
    assert erratum.proven


@pytest.mark.parametrize("erratum", OTHERS, ids=lambda e: e.id)
def test_text_and_notes_give_their_reasoning(erratum):
    assert len(erratum.explanation) > 25
    assert not erratum.proven
    assert all(check.outcome.calculation for check in erratum.checks)


def test_causes_explain():
    causes = [(e.id, c.outcome.finding) for e in PROVABLE for c in e.checks if c.shows == "cause"]
    assert len(causes) > 15
    assert {finding for _, finding in causes} <= {"agrees", "cut off", "holds"}


def test_cells_and_errata_name_each_other():
    named = {(*cell, e.id) for e in papers.all_errata() for cell in e.cells().itertuples(index=False, name=None)}
    marked = set()
    for name in papers.own():
        for _, cell in papers.table(name).iterrows():
            for mark in cell["errata"].split():
                marked.add((name, cell["row"], cell["machine"], cell["quantity"], mark))
    assert marked == named
    assert len(marked) > 50


def test_numbers_name_the_cell_that_is_wrong():
    for e in papers.all_errata(kind="number"):
        cells = {" / ".join(cell) for cell in e.cells().itertuples(index=False, name=None)}
        assert {c.printed for c in e.checks if c.shows == "error"} <= cells


def test_what_should_stand_there_is_the_recomputed_number():
    """Typed corrections of averages are those that the checks give."""
    for e in papers.all_errata(kind="number"):
        if e.id == "rc_mae-E3":  # its cell is the slip, not the average
            continue
        for check in e.checks:
            if check.shows == "error":
                assert f"{check.outcome.span.value:.2f}" in e.should_be, e.id


def test_known_numbers():
    found = {e.id: [c.outcome.span.value for c in e.checks] for e in papers.all_errata()}
    assert found["ssdm-E2"][:3] == pytest.approx([18.0, 9.8, 1.8], abs=0.05)
    assert found["ssdm-E4"][:2] == pytest.approx([56.69, 68.46], abs=0.005)
    assert found["auddsr-E2"][8:] == pytest.approx([-0.23, 0.308, 0.038], abs=0.001)
    assert found["auddsr-E3"] == pytest.approx([0.44, 0.088, -0.283], abs=0.001)
    assert found["rc_mae-E11"][:2] == pytest.approx([96.64, 91.89], abs=0.005)
    assert found["statistical_clustering-E4"] == pytest.approx([-5.26, -5.33, 6.47, -1.74], abs=0.01)
    assert found["oevae-E3"][:2] == pytest.approx([-5.02, -10.00], abs=0.005)


def test_ids_are_complete_and_in_order():
    for paper, last in (("ssdm", 10), ("auddsr", 9), ("rc_mae", 21), ("statistical_clustering", 6), ("oevae", 15)):
        assert [e.id for e in papers.all_errata(paper)] == [f"{paper}-E{k}" for k in range(1, last + 1)]
    assert sum(len(papers.all_errata(kind=kind)) for kind in KINDS) == len(papers.all_errata())


def test_unknown_names():
    with pytest.raises(UnknownName, match="did you mean 'ssdm-E"):
        papers.erratum("ssdm-E99")
    with pytest.raises(UnknownName, match="kind of erratum"):
        papers.all_errata(kind="typo")
    with pytest.raises(UnknownName, match="paper"):
        papers.all_errata("nobody")
    assert papers.erratum("ssdm-E1").kind == "number"


TEXT = """
[[erratum]]
id = "ssdm-E1"
paper = "ssdm"
kind = "text"
where = "Eq. 1"
printed = "a"
explanation = "b"
consequence = "c"
"""
ERROR = '[[erratum.checks]]\nwhat = "x"\nof = "ssdm_table1 / FeatEx / all / h-mean"\nprinted = "1"\nshows = "error"\n'


def change(old, new):
    assert old in TEXT
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    "text, message",
    [
        (TEXT + TEXT, "erratum ssdm-E1 stands twice"),
        (TEXT + "colour = 1", "key of erratum ssdm-E1 'colour'"),
        (change('id = "ssdm-E1"', 'id = "auddsr-E1"'), "must be ssdm-E and a number"),
        (change('"text"', '"typo"'), "kind of erratum ssdm-E1 'typo'"),
        (change('paper = "ssdm"', 'paper = "sdm"'), "paper of erratum ssdm-E1 'sdm'"),
        (change('"text"', '"number"'), "needs a check that shows the error"),
        (TEXT + ERROR, "a text shows no error"),
        (change('explanation = "b"\n', ""), "erratum ssdm-E1: missing 1 required"),
        (TEXT + 'affects = [{ table = "ssdm_table1", column = "x" }]', "key of a cell of erratum ssdm-E1 'column'"),
        ("[[errata]]\n", "table of the erratum file 'errata'"),
        ("[[erratum", "erratum file: "),
        (change('printed = "a"', "printed = 1"), "write text in quotes"),
    ],
)
def test_a_wrong_file_is_refused(text, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        parse_errata(text)


def test_a_cell_that_is_not_there_is_named():
    for cell, message in (('{ row = "FeatEx" }', "names no table"),
                          ('{ table = "ssdm_table1", row = "Featex" }', "did you mean 'FeatEx'")):  # fmt: skip
        (erratum,) = parse_errata(TEXT + f"affects = [{cell}]")
        with pytest.raises(BadInput, match=message):
            erratum.cells()


def test_a_wrong_proof_is_seen():
    """An erratum whose cells do allow the printed number is not proven."""
    wrong = change('"text"', '"number"') + ERROR.replace('printed = "1"', 'printed = "66.88"')
    (erratum,) = parse_errata(wrong)
    assert not erratum.proven
