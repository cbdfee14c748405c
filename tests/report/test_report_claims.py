"""Verdicts on the papers' claims come from committed verdict seeds alone; tables hold what the data files hold."""

from __future__ import annotations

import copy

import pytest

from asdbook import papers
from asdbook.experiment import records
from asdbook.report import claims, printed

SEEDS = range(5)


@pytest.fixture
def shelf(tmp_path, monkeypatch, make_record):
    """`shelf(label, score)` commits a record a verdict seed, with the given official score by seed."""
    (tmp_path / "book" / "results").mkdir(parents=True)
    monkeypatch.setenv("ASDBOOK_BOOK", str(tmp_path))

    def add(label, score, seeds=SEEDS, data=None, **changes):
        system, _, variant = label.partition(":")
        for seed in seeds:
            base, frame = make_record(seed)
            metrics = copy.deepcopy(base.metrics)
            metrics["official"]["score"]["value"] = score(seed)
            info = base.data.model_copy(update=data or {})
            record, _ = make_record(seed, system=system, variant=variant, metrics=metrics, data=info, **changes)
            records.write(tmp_path / "book" / "results" / system / record.slug, record, frame, {})

    return add


def of(name):
    return next(one for one in claims.decide(papers.claim(name).paper) if one.claim.id == name)


def test_nothing_ran(shelf):
    names = {one.claim.id: one.name for paper in papers.PAPERS for one in claims.decide(paper)}
    for claim in papers.all_claims():
        if claim.type == "arithmetic":
            assert names[claim.id] == papers.verdicts()[claim.id].name
        else:
            assert names[claim.id] == (claims.NO_RUN if claim.untestable else "not run")


@pytest.mark.parametrize(
    "gain, verdict",
    [
        (lambda seed: 0.05 + 0.001 * seed, "holds in simulation"),
        (lambda seed: -0.05 - 0.001 * seed, "fails in simulation"),
        (lambda seed: 0.05 * (seed - 2), "undecided"),
    ],
)
def test_five_verdict_seeds_decide_a_superiority(shelf, gain, verdict):
    shelf("ssdm:ss-knn", lambda seed: 0.6 + 0.01 * seed)
    shelf("ssdm:literal", lambda seed: 0.6 + 0.01 * seed + gain(seed))
    found = of("ssdm-C6")
    assert found.name == verdict
    assert "synthetic-2023" in found.data.text
    assert found.verdict.tested_on == "simulation"


def test_fewer_seeds_are_provisional_and_development_seeds_do_not_count(shelf):
    shelf("ssdm:ss-knn", lambda seed: 0.6 + 0.01 * (seed % 5), [0, 1, 110, 111, 112, 113])
    shelf("ssdm:literal", lambda seed: 0.7 + 0.012 * (seed % 5), [0, 1, 110, 111, 112, 113])
    found = of("ssdm-C6")
    assert found.name == "provisional"
    assert "2 of 5 data seeds" in found.verdict.text


def test_changed_runs_do_not_count(shelf):
    shelf("ssdm:ss-knn", lambda seed: 0.6)
    shelf("ssdm:literal", lambda seed: 0.7, overrides={"draws": 8})
    assert of("ssdm-C6").name == "not run"
    shelf("ssdm:literal", lambda seed: 0.7, data={"premise_off": ["attributes"], "name": "synthetic-2023-off"})
    assert of("ssdm-C6").name == "not run"


def test_data_of_another_year_do_not_count(shelf):
    for label in ("ssdm:ss-knn", "ssdm:literal"):
        shelf(label, lambda seed: 0.6 + 0.01 * seed, data={"year": 2022, "name": "synthetic-2022"})
    assert of("ssdm-C6").name == "not run"


def test_best_of_needs_every_rival(shelf):
    shelf("ssdm:literal", lambda seed: 0.7 + 0.012 * seed)
    shelf("ssdm:ss-knn", lambda seed: 0.6 + 0.01 * seed)
    assert of("ssdm-C4").name == "not run"
    shelf("ssdm:dm", lambda seed: 0.5 + 0.01 * seed)
    found = of("ssdm-C4")
    assert found.name == "holds in simulation"
    assert "ssdm:literal − ssdm:dm" in found.verdict.text


def test_one_better_rival_is_enough_against_best_of(shelf):
    """What the missing rival would score cannot save the claim."""
    shelf("ssdm:literal", lambda seed: 0.5 + 0.012 * seed)
    shelf("ssdm:ss-knn", lambda seed: 0.6 + 0.01 * seed)
    found = of("ssdm-C4")
    assert found.name == "fails in simulation" and "ssdm:dm" not in found.verdict.text


def test_claims_about_some_machines_need_their_vectors(shelf):
    shelf("ssdm:ss-knn", lambda seed: 0.7 + 0.01 * seed)
    shelf("ssdm:no-gate-knn", lambda seed: 0.6 + 0.012 * seed)
    assert of("ssdm-C7").name == "not run"  # its records keep no vectors
    assert of("ssdm-C5").name == "holds in simulation"


def test_a_printed_score_is_compared_on_official_data_only(shelf):
    shelf("ssdm:literal", lambda seed: 0.68 + 0.001 * seed)
    assert of("ssdm-C1").name == "no verdict"
    official = {"kind": "official", "name": "dcase-2023", "seed": None}
    shelf("ssdm:literal", lambda seed: 0.9, [0], data=official, profile="quick")
    assert of("ssdm-C1").name == "no verdict"
    shelf("ssdm:literal", lambda seed: 0.9, [0], data=official, profile="paper")
    found = of("ssdm-C1")
    assert found.verdict.tested_on == "official data"
    assert claims.on_official_data(claims.decide("ssdm")) == 1
    assert claims.on_official_data(claims.decide("oevae")) == 0


def test_tables_hold_every_entry(shelf):
    for paper in papers.PAPERS:
        decided = claims.decide(paper)
        found = papers.all_errata(paper)
        assert len(printed.claims(decided).rows) == len(papers.all_claims(paper))
        assert len(printed.claim_checks(decided).rows) == sum(len(c.checks) for c in papers.all_claims(paper))
        assert len(printed.errata(found).rows) == len(found)
        proofs = printed.proofs(found)
        assert len(proofs.rows) == sum(len(e.checks) for e in found)
        for row, check in zip(proofs.rows, (c for e in found for c in e.checks), strict=True):
            assert row[3] == check.outcome.span.text() and row[2] == check.outcome.calculation
    html = printed.errata(papers.all_errata("ssdm")).html()
    assert "instead: 61.98" in html and "ssdm-E1" in html


def test_counts_add_up(shelf):
    everything = [one for paper in papers.PAPERS for one in claims.decide(paper)]
    table = printed.verdict_counts(everything)
    assert sum(int(row[-1]) for row in table.rows) == len(everything)
    assert all(sum(map(int, row[1:-1])) == int(row[-1]) for row in table.rows)
    overview = printed.overview()
    assert [row[0] for row in overview.rows] == [*printed.names().values(), "all"]
    assert sum(int(row[1]) for row in printed.averages().rows) == len(papers.averages())
    assert any("rc_mae-E4" in row[3].text for row in printed.averages().rows if row[3] is not None)
