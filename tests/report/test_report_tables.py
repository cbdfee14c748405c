"""Tables: names are data, numbers are labelled with their data, intervals follow the number of seeds."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from asdbook import metrics
from asdbook.errors import BadInput
from asdbook.report import official, provenance, results, tables
from asdbook.report.tables import Table, Value

EVIL = '<b onload="x">fan</b> & `a` *b* | {math}`x`'


def soup(text):
    return BeautifulSoup(text.replace("<wbr>", ""), "html.parser")


def test_names_are_escaped_in_both_forms():
    table = Table(["machine", EVIL], [[EVIL, EVIL]], caption="names")
    page = soup(table.html())
    assert page.find("b") is None
    assert [cell.get_text() for cell in page.find_all(["td", "th"])] == ["machine", EVIL, EVIL, EVIL]
    cells = soup("".join(line[4:] for line in table.markdown().splitlines() if 'class="asd-cell"' in line))
    assert cells.find("b") is None
    assert [cell.get_text() for cell in cells.find_all("div")] == ["machine", EVIL, EVIL, EVIL]


def test_a_name_cannot_leave_its_cell_by_line_breaks():
    text = Table(["a"], [["x\n\n# heading\n~~~~"]]).markdown()
    assert text.count("~~~~\n") == 1 and "\n# heading" not in text


def test_header_cells_have_scope_and_wide_tables_scroll():
    page = soup(Table(["a", "b"], [["x", 1], ["y", 2]]).html())
    assert [th["scope"] for th in page.find_all("th")] == ["col", "col", "row", "row"]
    assert "overflow-x:auto" in page.find("table").parent["style"]


def test_uneven_rows_are_refused():
    with pytest.raises(BadInput, match="fill missing cells"):
        Table(["a", "b"], [["only one"]], name="tab-x")


@pytest.mark.parametrize(
    "value, shown",
    [
        (Value(61.234, 55.04, 67.96), "61.2 55.0 to 68.0"),
        (Value(61.234, digits=2), "61.23"),
        (Value(-0.04, -0.26, 0.04), "0.0 -0.3 to 0.0"),
        (Value(61.23, text="61.230"), "61.230"),
        (Value(None, reason="one class only"), "one class only"),
        (Value(None), "–"),
        (Value(float("nan")), "–"),
        (None, "–"),
        (pd.NA, "–"),
        (True, "yes"),
    ],
)
def test_values(value, shown):
    assert soup(tables.markup(value)).get_text() == shown


def test_one_record_shows_its_own_interval(book):
    (stored, *_) = results.committed(seed=110)
    row = results.from_records([stored])
    cell = stored.record.metrics["official"]["machines"][0]["cells"][0]
    shown = row.cells[stored.record.metrics["official"]["machines"][0]["machine"], cell["quantity"]]
    assert (shown.value, shown.low, shown.high) == tuple(100 * cell[k] for k in ("value", "low", "high"))
    assert row.covers == results.COVERS_ONE


def test_several_data_seeds_show_the_mean_and_its_t_interval(book):
    group = results.committed(system="autoencoder", data="synthetic-2023")
    row = results.from_records(group)
    values = [100 * s.record.metrics["official"]["score"]["value"] for s in group]
    expected = metrics.over_data_seeds(values)
    shown = row.cells["all", "Omega"]
    assert len(group) == 3
    assert (shown.value, shown.low, shown.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert row.covers == "3 data seeds, each with its own training"
    assert row.origin == "3 records of 2026-02-03, CPU, commit 0123456"


def test_beside_names_the_data_of_every_line_and_takes_no_difference(book):
    printed = official.row("baseline_2023_dev", "mse", who="official MSE")
    ours = results.from_records(results.committed(seed=110), who="ours", here=True)
    table = results.beside([printed, ours], ["AUC source", "pAUC"], machines=["fan"], name="tab-x", caption="c")
    page = soup(table.html())
    lines = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]
    assert len(lines) == 4 and len(lines[0]) == 4  # two row sets, one machine and the aggregate; no column more
    assert lines[0] == ["fan", "official MSE 2023 development", "80.19", "59.04"]
    assert lines[1][1] == "ours synthetic-2023 · smoke"
    badges = [badge["class"][1] for badge in page.select("tbody .asd-badge")]
    assert badges == ["asd-badge-official", "asd-badge-synthetic"] * 2
    assert table.notes[0].startswith("*official MSE*: printed: Table 1, quoted by the OEVAE report")
    assert 'href="errata.html#oevae-E1"' in table.notes[0]
    assert table.notes[1] == "*ours*: ran here. Intervals (95 %) cover recordings of one run."


def test_the_aggregate_alone_needs_no_column_of_machines(book):
    ours = results.from_records(results.committed(seed=110))
    table = results.beside([ours], ["pAUC"], machines=())
    assert [list(table.columns), len(table.rows)] == [["system and data", "pAUC (%)"], 1]


def test_a_table_without_rows_says_so():
    page = soup(Table(["a", "b"], []).html())
    assert page.select("tbody th")[0].get_text() == "none"
    assert Table(["a", "b"], []).markdown().count("asd-cell") == 4


def test_verdict_seeds_replace_development_seeds(book, make_record):
    from asdbook.experiment import records

    group = results.committed(system="autoencoder")
    assert results.for_tables(group) == group
    record, frame = make_record(3)
    records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    assert [s.record.seed for s in results.for_tables(results.committed(system="autoencoder"))] == [3]


def test_a_table_never_mixes_system_versions(book, make_record):
    from asdbook.experiment import records

    record, frame = make_record(113, system_version=2)
    records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    assert [s.record.seed for s in results.committed(system="autoencoder")] == [113]


def test_the_last_attempt_of_a_run_counts(book, make_record):
    from asdbook.experiment import records

    record, frame = make_record(110, attempt=2)
    records.write(book / "book" / "results" / "autoencoder" / "again", record, frame, {})
    found = results.committed(seed=110)
    assert [s.record.attempt for s in found] == [2]


def test_provenance_names_everything_a_reader_needs(book, make_record):
    (book / "requirements.lock").write_text("numpy==2\n")
    record, _ = make_record()
    text = soup(provenance.of_record(record).html()).get_text(" ")
    for part in ("autoencoder:mse", "smoke", "synthetic-2023", "f" * 12, "data 110, training 110", "0123456789ab",
                 "torch 2.11.0", "a processor, 1 thread", "precision float32", "2026-02-03", "4 s", "312 MB",
                 "267,928 trainable in each of 2 models"):
        assert part in " ".join(text.split()), part
    assert provenance.lock_hash() != "no lock file here"
    assert str(book) not in text
    record.cost.update(wall_seconds=200.0, this_run_seconds=4.0, earlier_seconds={"autoencoder/fan": 196.0})
    assert "3 min, 4 s of it in this run" in soup(provenance.of_record(record).html()).get_text(" ")


def test_changed_settings_stay_out_of_the_main_rows(book, make_record):
    from asdbook.experiment import records

    before = results.for_tables(results.committed(system="autoencoder"))
    data = make_record(2)[0].data.model_copy(update={"premise_off": ["shift"]})
    for seed, changes in ((1, {"overrides": {"epochs": 100}}), (2, {"data": data})):
        record, frame = make_record(seed, **changes)
        records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    assert len(results.committed(system="autoencoder")) == 5
    found = [s.record.seed for s in results.for_tables(results.committed(system="autoencoder"))]
    assert found == [s.record.seed for s in before]


def test_stale_records_are_named_and_have_no_truth(book):
    from asdbook import simulate

    group = results.committed(seed=110)
    assert "stale" not in results.origin([group[0].record])
    group[0].record.data.simulator_version = simulate.VERSION + 1
    assert f"simulator version {simulate.VERSION + 1} (stale: now {simulate.VERSION})" in results.origin(
        [group[0].record])
    assert results.known_truth(group) is None
    with pytest.raises(BadInput, match="make records"):
        results.with_known_truth(group)
    group[0].record.data.simulator_version = simulate.VERSION
    assert results.with_known_truth([], group) is group[0]


def test_alarms_are_means_over_machines_by_domain(book, make_record):
    from asdbook.experiment import records

    rates = [{"machine": m, "domain": d, "false_alarm": f, "detection": 0.8}
             for m, d, f in (("fan", "source", 0.1), ("valve", "source", 0.3), ("fan", "target", 0.5))]
    record, frame = make_record(7, decision={"rates": rates})
    records.write(book / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    table = results.alarms({"held-out": results.committed(seed=7)})
    assert [round(cell.value, 6) for cell in table.rows[0][1:]] == [20.0, 50.0, 80.0, 80.0]
    assert list(table.columns)[1] == "false alarms, source (%)"


def test_costs_are_one_row_a_system_with_their_span(make_record, tmp_path):
    from asdbook.experiment import records

    runs = []
    for w, m, c in ((4.0, 300.0, 99.0), (200.0, 312.4, 50.0)):
        record, frame = make_record(110, cost={"wall_seconds": w, "peak_memory_mb": m, "clips_per_second": c})
        records.write(tmp_path / str(w), record, frame, {})
        runs.append(records.load(tmp_path / str(w)))
    size = max(records.size(stored.folder) for stored in runs) / 1000
    table = provenance.costs(runs, notes=["Own."])
    assert table.caption.endswith("the longest of these took 3 min")
    assert provenance.costs([]).caption.endswith("none yet")
    assert [note.partition(" ")[0] for note in table.notes] == ["Own.", "Memory"]
    rows = soup(table.html()).select("tbody tr")
    cells = [cell.get_text() for cell in rows[0].find_all(["th", "td"])]
    assert len(rows) == 1
    assert cells[1] == "synthetic-2023, smoke, 2 runs"
    assert cells[2:] == ["a processor, 1 thread", "4 s to 3 min", "312 MB", f"9 MB + {size:.0f} kB", "50 to 99"]


def test_row_sets_of_one_origin_share_a_line():
    def row(who, origin, covers=""):
        return results.Row(who, tables.badge("plain"), {}, origin, covers)

    lines = results.origins([row("a", "here", "clips"), row("b", "there"), row("c", "here", "clips")])
    assert lines == ["*a; c*: here. Intervals (95 %) cover clips.", "*b*: there."]


@pytest.mark.parametrize("value, said", [
    (0.4, "changes the score by +0.4 points: **trained long enough**."),
    (-0.4, "changes the score by -0.4 points: **trained long enough**."),
    (0.6, "changes the score by +0.6 points: **under-trained**."),
    (-0.6, "lowers the score by 0.6 points: **over-trained, or noise**."),
])  # fmt: skip
def test_training_effect_names_what_is_under_trained(value, said):
    interval = metrics.Interval(value, None, None, None, 1.0, "x")
    assert results.training_effect(interval) == f"Twice the training {said}"
    assert results.training_effect(interval, 8) == f"8 times the training {said}"
    assert "not run" in results.training_effect(None)


@pytest.mark.parametrize("seconds, text", [(4.2, "4 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h"),
                                           (None, "not measured")])
def test_durations(seconds, text):
    assert provenance.seconds_text(seconds) == text
