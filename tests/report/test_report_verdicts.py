"""Contrasts between records, verdicts of claims, and the front page's table."""

from __future__ import annotations

import numpy as np
import pytest
from bs4 import BeautifulSoup

from asdbook import metrics, papers
from asdbook.experiment import records
from asdbook.report import front, results, verdicts


def better(frame):
    """Scores that separate the labels more: anomalies one point up."""
    return frame.assign(score=frame["score"] + 1.0 * (frame["label"] == "anomaly"))


def evaluation(frame):
    test = frame[frame["split"] == "test"]
    return metrics.evaluate(
        2023, test["machine"].to_numpy(object), test["unit"].to_numpy(object),
        (test["label"] == "anomaly").to_numpy(int), test["score"].to_numpy(float),
        domain=test["domain"].to_numpy(object), draws=50, seed=0).as_dict()


@pytest.fixture
def two(book, make_record):
    """Records of two variants on the same three data seeds; the second is better."""
    for seed in (110, 111, 112):
        record, frame = make_record(seed, variant="mahalanobis")
        improved = better(frame)
        record = record.model_copy(update={"metrics": {"official": evaluation(improved)}})
        records.write(book / "book" / "results" / "autoencoder" / record.slug, record, improved, {})
    return [results.committed(variant=v, system="autoencoder") for v in ("mahalanobis", "mse")]


def score(stored):
    return 100 * stored.record.metrics["official"]["score"]["value"]


def test_difference_over_data_seeds_is_the_t_interval_of_paired_differences(two):
    a, b = two
    found = verdicts.between(a, b)
    expected = metrics.paired_over_data_seeds([score(s) for s in a], [score(s) for s in b])
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert verdicts.between(b, a).value == pytest.approx(-found.value)
    assert found.value > 5  # points of percent, not shares


def test_one_pair_is_bootstrapped_on_the_same_clips(two):
    a, b = two
    found = verdicts.between(a[:1], b[:1])
    assert found.value == pytest.approx(score(a[0]) - score(b[0]))
    assert found.low < found.value < found.high


def test_runs_on_other_data_are_never_paired(two):
    a, b = two
    assert verdicts.between(a[:1], b[1:]) is None
    assert verdicts.between([], b) is None


@pytest.mark.parametrize("seeds", [1, 3])
def test_column_against_column_and_against_a_number(two, seeds):
    group = two[0][:seeds]
    columns = [s.record.metrics["official"]["columns"] for s in group]
    gap = np.mean([100 * (c["AUC source"]["value"] - c["AUC target"]["value"]) for c in columns])
    assert verdicts.within(group, "AUC source", "AUC target").value == pytest.approx(gap)
    found = verdicts.within(group, "score", 0.5)
    assert found.value == pytest.approx(np.mean([score(s) for s in group]) - 50)
    assert found.low < found.value < found.high
    assert verdicts.within([], "score", 0.5) is None


def test_too_few_data_seeds_are_provisional_and_nothing_is_not_run(two):
    a, b = two
    decided = verdicts.decide([
        verdicts.claim("C1", "better <b>", "superiority", verdicts.between(a, b), a, primary=True),
        verdicts.claim("C2", "never run", "superiority", None, []),
        verdicts.arithmetic("C3", "adds up", 1.004, 1.0, rounding=0.005),
        verdicts.arithmetic("C4", "does not add up", 1.006, 1.0, rounding=0.005),
    ])
    assert [decided.found[k].name for k in ("C1", "C2", "C3", "C4")] == [
        "provisional", "not run", "holds as printed", "does not follow from the printed numbers"]
    assert decided.on_official_data == 0
    page = BeautifulSoup(decided.table().html(), "html.parser")
    assert page.find("b") is None
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]
    assert rows[0][:2] == ["C1better <b>", "… provisionalsynthetic-2023 · smoke"]
    assert rows[1][:2] == ["C2never run", "– not run"]
    assert "3 of 5 data seeds" in rows[0][2]


def test_every_verdict_has_a_sign():
    from asdbook.metrics import verdicts as rules

    names = {getattr(rules, n) for n in ("SUPPORTED", "NOT_REPRODUCED", "UNDECIDED", "HOLDS", "FAILS", "PROVISIONAL",
                                         "NO_VERDICT", "NOT_RUN", "AS_PRINTED", "NOT_AS_PRINTED")}
    assert names == set(verdicts.MARKS)


def test_front_page_says_not_run_until_a_record_is_there(book, make_record):
    entries = front.shelf()
    assert [entry.key for entry in entries] == list(dict.fromkeys(papers.table("headline")["paper"]))
    assert not any(entry.built for entry in entries)
    text = [cell for entry in entries for cell in entry.row()[2:3]]
    assert {cell.text for cell in text} == {front.NOT_RUN.text}
    record, frame = make_record(110, system="ssdm", variant="literal")
    records.write(book / "book" / "results" / "ssdm" / record.slug, record, frame, {})
    entry = next(e for e in front.shelf() if e.key == "ssdm")
    row = BeautifulSoup(front.table([entry]).html(), "html.parser").select("tbody tr")[0]
    cells = [cell.get_text(" ") for cell in row.find_all(["th", "td"])]
    assert entry.built and row.find("a")["href"] == "ssdm.html"
    assert "68.09" in cells[1] and "DCASE 2023 development" in cells[1]
    assert "synthetic-2023 · smoke" in cells[2] and f"{score(entry.records[0]):.1f}" in cells[2]
    assert "4 s a run" in cells[2]


def test_front_page_counts_only_official_data(book):
    assert front.tested_on_official_data() == 0


def test_seeds_are_counted_in_pairs(book, make_record):
    """Five runs of one system and two of the other are two pairs: no verdict that needs five."""
    for seed in (0, 1, 2, 3, 4):
        record, frame = make_record(seed, variant="mahalanobis")
        records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
        if seed < 2:
            other, frame = make_record(seed)
            records.write(book / "book" / "results" / "autoencoder" / other.slug, other, better(frame), {})
    a, b = ([s for s in results.committed(variant=v) if s.record.data.seed < 5] for v in ("mahalanobis", "mse"))
    claim = verdicts.claim("C", "c", "superiority", verdicts.between(a, b), a)
    assert (len(a), claim.evidence.data_seeds) == (5, 2)


def test_trainings_on_one_data_set_are_one_data_seed(book, make_record):
    record, frame = make_record(110)
    again = record.model_copy(update={"seed": 7})
    records.write(book / "book" / "results" / "autoencoder" / again.slug, again, frame, {})
    group = [s for s in results.committed(variant=record.variant) if s.record.data.seed == 110]
    row = results.from_records(group)
    assert len(group) == 2 and "2 trainings on one data set" in row.covers
    assert all(value.low is None for value in row.cells.values())


def test_a_table_never_mixes_versions_even_when_asked_for_one_variant(book, make_record):
    record, frame = make_record(110, variant="mahalanobis")
    newer = record.model_copy(update={"system_version": record.system_version + 1})
    records.write(book / "book" / "results" / "autoencoder" / newer.slug, newer, frame, {})
    assert results.committed(variant="mse") == []  # all of the older version
    assert [s.record.variant for s in results.committed()] == ["mahalanobis"]


def test_old_records_of_a_set_stay_until_that_set_is_made_anew(book, make_record):
    from asdbook import simulate

    old = make_record(1)[0].data.model_copy(update={"simulator_version": simulate.VERSION - 1})
    record, frame = make_record(1, data=old.model_copy(update={"name": "synthetic-2024"}))
    records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    assert [s.record.seed for s in results.committed(data="synthetic-2024")] == [1]  # 2023 is new, 2024 is not yet
    newer, frame = make_record(2, data=make_record(2)[0].data.model_copy(update={"name": "synthetic-2024"}))
    records.write(book / "book" / "results" / "autoencoder" / newer.slug, newer, frame, {})
    assert [s.record.seed for s in results.committed(data="synthetic-2024")] == [2]
