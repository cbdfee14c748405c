"""Claims: complete, valid, one primary a paper; verdicts that printed numbers give."""

from __future__ import annotations

import re

import pytest

from asdbook import papers
from asdbook.errors import BadInput, UnknownName
from asdbook.papers import arithmetic
from asdbook.papers.claims import TYPES, parse_claims

LAST = {"ssdm": 10, "auddsr": 13, "rc_mae": 11, "statistical_clustering": 13, "oevae": 9}


def test_all_claims_are_there():
    for paper, last in LAST.items():
        assert [c.id for c in papers.all_claims(paper)] == [f"{paper}-C{k}" for k in range(1, last + 1)]
    assert len(papers.all_claims()) == sum(LAST.values()) == 56
    assert sum(len(papers.all_claims(type=kind)) for kind in TYPES) == 56
    assert all(papers.all_claims(type=kind) for kind in TYPES)


def test_one_primary_claim_a_paper_and_a_run_can_test_it():
    primary = [c for c in papers.all_claims() if c.primary]
    assert [c.paper for c in primary] == list(papers.PAPERS)
    assert all(c.contrasts and c.metric and c.data != "printed" for c in primary)


@pytest.mark.parametrize("claim", papers.all_claims(), ids=lambda c: c.id)
def test_a_claim_says_what_would_test_it(claim):
    assert claim.text.endswith(".") and claim.test.endswith(".") and claim.where
    assert claim.year is None or claim.year in (2020, 2023, 2024)
    if claim.type in ("superiority", "equivalence", "best_of", "absolute"):
        assert claim.contrasts


def test_systems_that_exist_are_named_as_in_the_registry():
    from asdbook import systems

    built = [name for claim in papers.all_claims() for name in claim.systems
             if name.partition(":")[0] in systems.names()]  # fmt: skip
    assert "autoencoder:mahalanobis" in built
    for name in built:
        systems.parse(name)  # raises for a variant that does not exist


VERDICTS = {
    "ssdm-C2": arithmetic.AVERAGES_ONLY,
    "ssdm-C10": arithmetic.HOLDS,
    "auddsr-C4": arithmetic.HOLDS,
    "auddsr-C5": arithmetic.HOLDS,
    "auddsr-C6": arithmetic.FAILS,
    "auddsr-C7": arithmetic.HOLDS,
    "auddsr-C8": arithmetic.HOLDS,
    "auddsr-C9": arithmetic.HOLDS,
    "rc_mae-C2": arithmetic.AVERAGES_ONLY,
    "rc_mae-C3": arithmetic.HOLDS,
    "oevae-C1": arithmetic.READING,
    "oevae-C2": arithmetic.READING,
    "oevae-C3": arithmetic.FAILS,
}


def test_verdicts_of_arithmetic_claims():
    found = papers.verdicts()
    assert {name: verdict.name for name, verdict in found.items()} == VERDICTS
    assert all(verdict.sentences for verdict in found.values())
    assert list(papers.verdicts("oevae")) == ["oevae-C1", "oevae-C2", "oevae-C3"]


@pytest.mark.parametrize(
    "name, verdict",
    [
        ("ssdm-C1", arithmetic.HOLDS),
        ("auddsr-C2", arithmetic.FAILS),
        ("auddsr-C3", arithmetic.HOLDS),
        ("rc_mae-C1", arithmetic.HOLDS),
        ("rc_mae-C4", arithmetic.HOLDS),
        ("statistical_clustering-C1", arithmetic.HOLDS),
        ("statistical_clustering-C2", arithmetic.HOLDS),
        ("statistical_clustering-C3", arithmetic.FAILS),
        ("statistical_clustering-C4", arithmetic.HOLDS),
        ("statistical_clustering-C5", arithmetic.FAILS),
        ("oevae-C4", arithmetic.NOTHING),
    ],
)
def test_what_printed_numbers_say_of_other_claims(name, verdict):
    assert papers.as_printed(papers.claim(name)).name == verdict


def test_an_open_check_leaves_a_claim_open():
    text = claim(CHECK.replace('printed = "66.88"', 'relation = ">"\nbound = 66.88'), ARITHMETIC)
    (found,) = [c for c in parse_claims(text) if c.type == "arithmetic"]
    assert papers.as_printed(found).name == arithmetic.OPEN


def test_a_margin_stands_where_it_must():
    for one in papers.all_claims():
        assert (one.margin > 0) == (one.type in ("equivalence", "absolute"))


def test_claims_that_contradict_printed_numbers_name_an_erratum():
    for one in papers.all_claims():
        if papers.as_printed(one).name in (arithmetic.FAILS, arithmetic.AVERAGES_ONLY):
            assert one.errata, one.id


def test_counts():
    frame = papers.counts()
    assert list(frame.index) == [*papers.PAPERS, "all"]
    assert frame["tables"].tolist() == [2, 2, 4, 1, 1, 10]
    assert frame["claims"].tolist() == [*LAST.values(), 56]
    assert frame.loc["all", "cells"] == sum(len(papers.table(name)) for name in papers.own())
    assert frame.loc["all", "averages"] == len(papers.averages())
    kinds = ["number", "statement", "conflict", "text"]
    assert (frame[kinds].sum(axis=1) == frame["errata"]).all()
    assert frame.loc["all", "errata"] + frame.loc["all", "notes"] == len(papers.all_errata())
    assert frame["rows"].tolist() == [9, 12, 20, 6, 3, 50]


SUPERIORITY = """
[[claim]]
id = "ssdm-C1"
paper = "ssdm"
text = "A."
where = "here"
type = "superiority"
primary = true
contrasts = [["ssdm:literal", "ssdm:ss-knn"]]
metric = "Omega"
data = "2023 development"
test = "B."
"""
ARITHMETIC = """
[[claim]]
id = "ssdm-C2"
paper = "ssdm"
text = "A."
where = "here"
type = "arithmetic"
test = "B."
"""
CHECK = '[[claim.checks]]\nwhat = "x"\nof = "ssdm_table1 / FeatEx / all / h-mean"\nprinted = "66.88"\n'


def claim(check=CHECK, second=ARITHMETIC):
    return SUPERIORITY + second + check


def test_a_good_file_is_read():
    first, second = parse_claims(claim())
    assert first.systems == ["ssdm:literal", "ssdm:ss-knn"] and first.year == 2023
    assert papers.as_printed(second).name == arithmetic.HOLDS


def swap(old, new):
    assert old in SUPERIORITY
    return SUPERIORITY.replace(old, new)


@pytest.mark.parametrize(
    "text, message",
    [
        (SUPERIORITY + "colour = 1", "key of claim ssdm-C1 'colour'"),
        (swap("primary = true", "primary = false"), "0 primary ()"),
        (SUPERIORITY + swap("ssdm-C1", "ssdm-C2"), "2 primary (ssdm-C1, ssdm-C2)"),
        (SUPERIORITY + SUPERIORITY, "claim ssdm-C1 stands twice"),
        (swap('"superiority"', '"superior"'), "did you mean 'superiority'"),
        (swap('id = "ssdm-C1"', 'id = "ssdm-1"'), "must be ssdm-C and a number"),
        (swap('"ssdm:ss-knn"', '"ssdm ss-knn"'), "must be written system:variant"),
        (swap('"ssdm:ss-knn"', '"sssdm:ss-knn"'), "system of claim ssdm-C1 'sssdm': did you mean 'ssdm'"),
        (swap('"ssdm:ss-knn"', '"ssdm:literal"'), "2 different system(s)"),
        (swap('[["ssdm:literal", "ssdm:ss-knn"]]', "[]"), "takes one contrast, here are 0"),
        (swap('"Omega"', '"omega"'), "metric of claim ssdm-C1"),
        (swap('"Omega"', '""'), "name the data and the metric"),
        (swap('"2023 development"', '"2023"'), "data of claim ssdm-C1"),
        (SUPERIORITY + "margin = -1", "one of at least 0"),
        (swap('"superiority"', '"equivalence"'), "need a margin above 0"),
        (swap('"superiority"', '"absolute"') + "margin = 1", "names 1 different system(s)"),
        (swap('"superiority"', '"absolute"').replace(', "ssdm:ss-knn"', "") + "margin = 1", "absolute says how"),
        (SUPERIORITY + 'reported = "ssdm_table1 / FeatEx / all / h-mean"', "absolute says how"),
        (SUPERIORITY + 'errata = ["ssdm-E99"]', "unknown erratum 'ssdm-E99'"),
        (SUPERIORITY + 'untestable = "x"', "is a mechanism without contrast"),
        (SUPERIORITY + ARITHMETIC, "arithmetic has checks"),
        (claim(CHECK.replace("[[claim.checks]]", 'data = "2023 development"\n[[claim.checks]]')), "arithmetic has"),
        (claim(CHECK.replace("h-mean", "hmean")), None),
        (swap('test = "B."\n', ""), "claim ssdm-C1: missing 1 required"),
        ("[claims]\n", "table of the claim file 'claims'"),
    ],
)
def test_a_wrong_file_is_refused(text, message):
    if message is None:  # a wrong address is found when the check is worked out
        claims = parse_claims(text)
        with pytest.raises(UnknownName, match="quantity of ssdm_table1"):
            papers.as_printed(claims[1])
        return
    with pytest.raises(BadInput, match=re.escape(message)):
        parse_claims(text)


def test_unknown_names():
    with pytest.raises(UnknownName, match="did you mean 'ssdm-C"):
        papers.claim("ssdm-C99")
    with pytest.raises(UnknownName, match="type of claim"):
        papers.all_claims(type="wish")
    with pytest.raises(UnknownName, match="paper"):
        papers.all_claims("nobody")
