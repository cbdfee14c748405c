"""`evaluate_path`: scores files, record folders, and the official evaluators' layouts, read strictly."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asdbook import metrics
from asdbook.errors import AsdBookError, BadInput
from asdbook.experiment.evaluate import evaluate_path

HEADER = ["file", "machine", "unit", "domain", "label", "split", "recording", "score", "decision"]


def lines(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def clips_2023(machines=("fan", "ToyCar"), per_cell=6, seed=0):
    """Rows (machine, hidden name, domain, label, score), in an order that is not the order of names."""
    rng = np.random.default_rng(seed)
    rows = []
    for machine in machines:
        cells = [(d, y) for d in ("source", "target") for y in (0, 1) for _ in range(per_cell)]
        numbers = rng.permutation(len(cells))
        for number, (domain, label) in zip(numbers, cells):
            score = float(rng.normal() + label)
            rows.append((machine, f"section_00_{number:04d}.wav", domain, label, score))
    return rows


def official_2023(root: Path, rows, decisions=False, year_tag="") -> tuple[Path, Path]:
    """Score folder and truth folder in the evaluator's layout, rows in different orders."""
    scores, truth = root / "scores", root / "truth"
    for machine in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == machine]
        stem = f"{year_tag}{machine}_section_00_test"
        lines(scores / f"anomaly_score_{stem}.csv", [(n, repr(s)) for _, n, _, _, s in mine])
        if decisions:
            lines(scores / f"decision_result_{stem}.csv", [(n, int(s > 0.5)) for _, n, _, _, s in mine])
        by_name = sorted(mine, key=lambda row: row[1])
        plain = f"ground_truth_{machine}_section_00_test.csv"
        lines(truth / "ground_truth_data" / plain, [(n, y) for _, n, _, y, _ in by_name])
        lines(truth / "ground_truth_domain" / plain, [(n, int(d == "target")) for _, n, d, _, _ in by_name])
    return scores, truth


def expected(rows, year=2023, convention="official", draws=2000, units="00"):
    machine, _, domain, label, score = zip(*rows)
    return metrics.evaluate(
        year, machine, [units] * len(rows), label, score, domain=domain, convention=convention, draws=draws
    ).as_dict()


def refused(*args, **kwargs) -> str:
    with pytest.raises(AsdBookError) as caught:
        evaluate_path(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_official_folder_is_matched_by_name_not_by_order(tmp_path):
    rows = clips_2023()
    found = evaluate_path(*official_2023(tmp_path, rows), draws=0)
    assert found["kind"] == "official" and found["clips"] == len(rows)
    assert set(found["metrics"]) == {"official", "same_domain"}
    for convention in found["metrics"]:
        mine, wanted = found["metrics"][convention], expected(rows, 2022, convention, draws=0)
        assert mine["score"] == wanted["score"] and mine["columns"] == wanted["columns"]
    assert found["metrics"]["official"] != found["metrics"]["same_domain"]
    assert found["year"] == 2022 and "share one rule" in found["notes"][0]
    assert found["decisions"] == []
    json.dumps(found, allow_nan=False)


def test_a_given_year_and_the_baselines_own_names(tmp_path):
    rows = clips_2023()
    assert evaluate_path(*official_2023(tmp_path / "a", rows), year=2024, draws=0)["year"] == 2024
    scores, truth = official_2023(tmp_path / "b", rows, year_tag="DCASE2023T2")
    for path in list(scores.iterdir()):
        path.rename(scores / path.name.replace("_test.csv", "_test_seed13711_id(0_)_Eval.csv"))
    found = evaluate_path(scores, truth, draws=0)
    assert found["year"] == 2023 and found["notes"] == []
    assert found["metrics"]["official"]["score"] == expected(rows, draws=0)["score"]


def test_decision_files_give_rates_within_the_domain(tmp_path):
    rows = clips_2023(machines=("fan",), per_cell=8)
    found = evaluate_path(*official_2023(tmp_path, rows, decisions=True), draws=0)["decisions"]
    assert [(r["machine"], r["unit"], r["domain"]) for r in found] == [
        ("fan", "00", "source"), ("fan", "00", "target"),
    ]  # fmt: skip
    for row in found:
        mine = [(y, int(s > 0.5)) for _, _, d, y, s in rows if d == row["domain"]]
        assert row["tp"] == mine.count((1, 1)) and row["fp"] == mine.count((0, 1))
        assert row["precision"] == pytest.approx(row["tp"] / (row["tp"] + row["fp"]))
        assert row["recall"] == pytest.approx(row["tp"] / 8)


def test_2021_has_a_file_a_domain(tmp_path):
    rng = np.random.default_rng(1)
    rows = []
    for section in ("00", "01"):
        for domain in ("source", "target"):
            for k in range(20):
                name = f"section_{section}_{domain}_test_{k:04d}.wav"
                rows.append(("pump", section, domain, name, k % 2, rng.normal()))
    for section in ("00", "01"):
        for domain in ("source", "target"):
            mine = [row for row in rows if row[1:3] == (section, domain)]
            stem = f"pump_section_{section}_{domain}_test.csv"
            lines(tmp_path / "s" / f"anomaly_score_{stem}", [(n, s) for *_, n, _, s in reversed(mine)])
            lines(tmp_path / "t" / "ground_truth_data" / f"ground_truth_{stem}", [(n, y) for *_, n, y, _ in mine])
    found = evaluate_path(tmp_path / "s", tmp_path / "t", draws=0)
    assert found["year"] == 2021 and set(found["metrics"]) == {"official"}
    machine, unit, domain, _, label, score = zip(*rows)
    wanted = metrics.evaluate(2021, machine, unit, label, score, domain=domain, draws=0).as_dict()
    assert found["metrics"]["official"] == wanted
    assert len(wanted["machines"][0]["cells"]) == 8


@pytest.mark.parametrize("ending", ["", "_test"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_2020_with_the_block_list_as_truth(tmp_path, ending, as_folder):
    rng = np.random.default_rng(2)
    rows = [
        (machine, unit, f"id_{unit}_{k:08d}.wav", int(rng.integers(0, 2)) if k > 1 else k, float(rng.normal()))
        for machine in ("fan", "ToyCar")
        for unit in ("01", "03")
        for k in range(25)
    ]
    listing = []
    for machine in ("fan", "ToyCar"):
        listing.append((machine,))
        for m, unit, name, label, _ in rows:
            if m == machine:
                word = ("normal", "anomaly")[label]
                listing.append((name, f"{word}_id_{unit}_00000000.wav", label))
        for unit in ("01", "03"):
            mine = [(n, s) for m, u, n, _, s in rows if (m, u) == (machine, unit)]
            lines(tmp_path / "s" / f"anomaly_score_{machine}_id_{unit}{ending}.csv", mine[::-1])
    truth = lines(tmp_path / "truth" / "eval_data_list.csv", listing)
    found = evaluate_path(tmp_path / "s", truth.parent if as_folder else truth, draws=0)
    machine, unit, _, label, score = zip(*rows)
    assert found["year"] == 2020
    assert found["metrics"] == {"official": metrics.evaluate(2020, machine, unit, label, score, draws=0).as_dict()}


def test_development_names_are_their_own_truth(tmp_path):
    rows = clips_2023(machines=("fan",))
    named = [
        (f"section_00_{d}_test_{('normal', 'anomaly')[y]}_{k:04d}_m-n_W.wav", s)
        for k, (_, _, d, y, s) in enumerate(rows)
    ]
    lines(tmp_path / "anomaly_score_fan_section_00_test.csv", named)
    found = evaluate_path(tmp_path, year=2023, draws=0)
    assert found["metrics"]["official"] == expected(rows, draws=0)
    lines(tmp_path / "anomaly_score_fan_section_00_test.csv", [*named, ("section_00_0001.wav", 1.0)])
    assert "line 25" in (message := refused(tmp_path)) and "carries no label" in message
    lines(tmp_path / "anomaly_score_fan_section_00_test.csv", [*named, (named[0][0].replace("_00_", "_01_", 1), 1.0)])
    assert "does not belong" in refused(tmp_path)


def change(path: Path, line: int, text: str | None) -> None:
    """Replaces a line (counted from 1), or removes it."""
    content = path.read_text().splitlines()
    content[line - 1 : line] = [] if text is None else [text]
    path.write_text("\n".join(content) + "\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("section_00_0000.wav,nan", "nan is not a finite number"),
        ("section_00_0000.wav,inf", "inf is not a finite number"),
        ("section_00_0000.wav,high", "'high' is not a finite number"),
        ("section_00_0000.wav,1_0", "1_0 is not a finite number"),
        ("section_00_0000.wav,", "is not a finite number"),
        ("section_00_0000.wav", "1 fields"),
        ("section_00_0000.wav,1,2", "3 fields"),
        ("section_00_9999.wav,1.0", "section_00_9999.wav is not in the truth"),
        ("file,score", "no header"),
    ],
)
def test_bad_lines_are_named_with_file_and_line(tmp_path, text, words):
    scores, truth = official_2023(tmp_path, clips_2023())
    change(scores / "anomaly_score_fan_section_00_test.csv", 3, text)
    message = refused(scores, truth)
    assert words in message and "anomaly_score_fan_section_00_test.csv, line 3" in message


def test_duplicates_and_missing_names(tmp_path):
    scores, truth = official_2023(tmp_path, clips_2023())
    path = scores / "anomaly_score_fan_section_00_test.csv"
    first, second = path.read_text().splitlines()[:2]
    change(path, 2, first)
    assert "line 2" in (message := refused(scores, truth)) and "twice (first on line 1)" in message
    change(path, 2, None)
    assert f"{second.split(',')[0]} missing" in (message := refused(scores, truth)) and str(path) in message


def test_missing_extra_and_foreign_files(tmp_path):
    scores, truth = official_2023(tmp_path, clips_2023())
    fan = scores / "anomaly_score_fan_section_00_test.csv"
    content = fan.read_text()
    fan.unlink()
    assert "no anomaly_score file for fan 00" in refused(scores, truth)
    fan.write_text(content)
    extra = scores / "anomaly_score_valve_section_00_test.csv"
    extra.write_text(content)
    assert "no truth for valve 00" in refused(scores, truth)
    extra.unlink()
    odd = scores / "anomaly_score_fan.csv"
    odd.write_text(content)
    assert "not an official name" in refused(scores, truth)
    odd.unlink()
    twin = scores / "anomaly_score_DCASE2023T2fan_section_00_test_seed1.csv"
    twin.write_text(content)
    assert "second file" in refused(scores, truth)
    twin.unlink()
    old = scores / "anomaly_score_pump_id_00.csv"
    old.write_text(content)
    assert "several years" in refused(scores, truth)
    old.unlink()
    fan.write_text("")
    assert "empty" in refused(scores, truth)
    fan.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(scores, truth)


def test_truth_that_does_not_hold_together(tmp_path):
    scores, truth = official_2023(tmp_path, clips_2023())
    name = "ground_truth_fan_section_00_test.csv"
    labels, domains = truth / "ground_truth_data" / name, truth / "ground_truth_domain" / name
    before = labels.read_text()
    change(labels, 4, "section_00_0003.wav,2")
    assert "line 4: expected 'file,0' or 'file,1'" in refused(scores, truth)
    labels.write_text(before)
    before = domains.read_text()
    change(domains, 4, None)
    assert "section_00_0003.wav missing" in refused(scores, truth)
    domains.write_text(before)
    assert "not of 2020" in refused(scores, truth, 2020)
    domains.unlink()
    assert "ground_truth_domain" in refused(scores, truth)
    assert "no such truth" in refused(scores, truth / "nowhere")
    assert "no such folder" in refused(scores, scores)


def test_decisions_must_be_complete_and_binary(tmp_path):
    scores, truth = official_2023(tmp_path, clips_2023(), decisions=True)
    path = scores / "decision_result_fan_section_00_test.csv"
    before = path.read_text()
    change(path, 2, before.splitlines()[1].rsplit(",", 1)[0] + ",0.5")
    assert "decision_result_fan_section_00_test.csv, line 2: the decision is 0.5" in refused(scores, truth)
    path.unlink()
    assert "decision_result_fan_section_00_test.csv: missing" in refused(scores, truth)


def scores_rows(rows, split="test", recording=True):
    return [
        [f"{m}/test/{n}", m, "00", d, ("normal", "anomaly")[y], split, f"{m}/{n}" if recording else "", repr(s), 0]
        for m, n, d, y, s in rows
    ]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_scores_file_with_every_column(tmp_path, ending):
    rows = clips_2023()
    training = scores_rows([("fan", "train.wav", "source", 0, 99.0)], split="train")
    path = lines(tmp_path / "scores.csv", [HEADER, *scores_rows(rows), *training])
    if ending.endswith("gz"):
        (tmp_path / "scores.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        path = tmp_path / "scores.csv.gz"
    found = evaluate_path(path, year=2023)
    assert found["kind"] == "scores" and found["clips"] == len(rows)  # the training clip does not count
    mine, wanted = found["metrics"]["official"], expected(rows)
    assert mine["score"]["value"] == wanted["score"]["value"]
    assert mine["score"]["low"] == pytest.approx(wanted["score"]["low"], abs=0.02)
    assert found["decisions"][0]["recall"] == 0.0
    assert evaluate_path(tmp_path, year=2023)["metrics"] == found["metrics"]  # the folder that holds it
    assert "the year matters" in refused(path)


def test_scores_file_with_the_fewest_columns_takes_units_from_names(tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        ("fan", unit, f"{('normal', 'anomaly')[k % 2]}_id_{unit}_{k:08d}.wav", k % 2, float(rng.normal()))
        for unit in ("00", "02")
        for k in range(20)
    ]
    path = lines(
        tmp_path / "mine.csv",
        [("score", "label", "machine", "file"), *[(repr(s), y, m, f"fan/test/{n}") for m, _, n, y, s in rows]],
    )
    found = evaluate_path(path, draws=0)
    machine, unit, _, label, score = zip(*rows)
    assert found["metrics"]["official"] == metrics.evaluate(2020, machine, unit, label, score, draws=0).as_dict()
    assert "2020" in found["notes"][0] and found["decisions"] == []


def test_scores_file_with_recordings_is_resampled_by_recording(tmp_path):
    rows = [(m, n, d, y, round(s, 1)) for m, n, d, y, s in clips_2023(per_cell=12)]
    lines(tmp_path / "a.csv", [HEADER, *scores_rows(rows)])
    grouped = scores_rows(rows)
    for k, row in enumerate(grouped):
        row[6] = f"r{k // 4}"
    lines(tmp_path / "b.csv", [HEADER, *grouped])
    found = [evaluate_path(tmp_path / name, year=2023)["metrics"]["official"] for name in ("a.csv", "b.csv")]
    each, together = found[0]["score"], found[1]["score"]
    assert each["value"] == together["value"] and each["low"] != together["low"]


def test_record_folder_knows_its_year(tmp_path):
    rows = clips_2023()
    lines(tmp_path / "scores.csv", [HEADER, *scores_rows(rows)])
    (tmp_path / "record.json").write_text(json.dumps({"data": {"year": 2024}, "seed": 7}))
    found = evaluate_path(tmp_path)
    assert (found["kind"], found["year"]) == ("record", 2024)
    assert found["metrics"] == evaluate_path(tmp_path / "scores.csv", year=2024)["metrics"]
    assert found["metrics"] != evaluate_path(tmp_path, seed=8)["metrics"]
    (tmp_path / "record.json").write_text("{")
    assert "damaged record" in refused(tmp_path)


def test_a_run_is_evaluated_on_its_labelled_clips(tmp_path):
    rows = clips_2023()
    table = scores_rows(rows)
    for number, row in enumerate(table[3:5]):
        row[HEADER.index("label")], row[0] = "", f"fan/test/unlabelled {number}.wav"
    run = tmp_path / "run" / "2"
    lines(run / "scores.csv", [HEADER, *table])
    lines(tmp_path / "run" / "1" / "record.json", [])  # an older attempt: not the one that is read
    (run / "record.json").write_text(json.dumps({"data": {"year": 2023}}))
    found = evaluate_path(run, draws=0)
    assert found["metrics"]["official"] == expected(rows[:3] + rows[5:], draws=0)
    assert found["clips"] == len(rows) - 2 and f"2 of {len(rows)} test clips have no label" in found["notes"][0]
    whole = evaluate_path(tmp_path / "run", draws=0)  # the experiment's folder
    assert whole == found and whole["path"] == str(run)
    assert "label ''" in refused(lines(tmp_path / "else.csv", [HEADER, *table]), year=2023)
    for row in table:
        row[HEADER.index("label")] = ""
    lines(run / "scores.csv", [HEADER, *table])
    assert "none of the 48 test clips has a label" in (message := refused(run)) and "truth" in message


def test_the_message_of_a_bad_score_fits_the_file(tmp_path):
    rows = scores_rows(clips_2023())
    rows[2][HEADER.index("score")] = "nan"
    message = refused(lines(tmp_path / "scores.csv", [HEADER, *rows]), year=2023)
    assert "nan is not a finite number" in message and "header" not in message


def test_scores_file_with_hidden_labels_takes_the_truth(tmp_path):
    rows = clips_2023()
    _, truth = official_2023(tmp_path, rows)
    hidden = [(f"{m}/test/{n}", m, repr(s)) for m, n, _, _, s in rows]
    path = lines(tmp_path / "hidden.csv", [("file", "machine", "score"), *hidden])
    assert evaluate_path(path, truth, 2023, draws=0)["metrics"]["official"] == expected(rows, draws=0)
    assert "no column 'label'" in refused(path, year=2023)
    assert "give the year" in refused(path, truth)
    lines(path, [("file", "machine", "score"), *hidden[:-1]])
    assert "1 missing" in refused(path, truth, 2023)
    lines(path, [("file", "machine", "score"), *hidden, ("fan/test/other.wav", "fan", 1)])
    assert f"line {len(hidden) + 2}" in (message := refused(path, truth, 2023)) and "not in the truth" in message


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("score", "nan", "nan is not a finite number"),
        ("score", "", "is not a finite number"),
        ("label", "broken", "label 'broken'"),
        ("label", "", "label ''"),
        ("domain", "middle", "domain 'middle'"),
        ("machine", "", "file or machine is empty"),
        ("decision", "2", "the decision is 2"),
    ],
)
def test_bad_rows_of_a_scores_file(tmp_path, column, value, words):
    rows = scores_rows(clips_2023())
    rows[2][HEADER.index(column)] = value
    path = lines(tmp_path / "scores.csv", [HEADER, *rows])
    message = refused(path, year=2023)
    assert words in message and "scores.csv, line 4" in message


def test_scores_files_that_cannot_be_used(tmp_path):
    rows = scores_rows(clips_2023())
    path = lines(tmp_path / "scores.csv", [HEADER, *rows, rows[4]])
    assert "twice (first on line 6)" in refused(path, year=2023)
    lines(path, [HEADER, rows[0][:-2]])
    assert "line 2: not 9 fields" in refused(path, year=2023)
    lines(path, [HEADER])
    assert "no test clips" in refused(path, year=2023)
    path.write_text("")
    assert "no column 'file'" in refused(path, year=2023)
    packed = tmp_path / "scores.csv.gz"
    for content in (b"no gzip", gzip.compress(b"file,machine\n" * 50)[:-9]):
        packed.write_bytes(content)
        assert "cannot be read" in refused(packed, year=2023)
    assert "no such file" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no scores.csv.gz" in refused(tmp_path / "empty")
    lines(path, [HEADER, *rows])
    assert "unknown year" in refused(path, year=1999)


def test_real_names_with_commas_and_quotes_survive(tmp_path):
    path = tmp_path / "scores.csv"
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file", "machine", "score", "label"])
        for k in range(6):
            writer.writerow([f'my "fan", take {k}.wav', "my fan", k, "anomaly" if k > 2 else "normal"])
    found = evaluate_path(path, draws=0)
    assert found["metrics"]["official"]["score"]["value"] == 1.0
    assert found["metrics"]["official"]["machines"][0]["cells"][0]["unit"] == "00"


def test_reading_scores_loads_no_torch(tmp_path):
    code = "import sys, asdbook.experiment.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_errors_are_of_the_expected_kind(tmp_path):
    with pytest.raises(BadInput):
        evaluate_path(tmp_path / "nowhere")
