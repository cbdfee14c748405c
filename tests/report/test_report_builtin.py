"""What pages say of built-in machines: twins, clips by name, truth beside scores, failures, checks, ten scores."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from asdbook import metrics, simulate
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.report import checks, clips, listening, show, worked

WHERE = {"preset": "synthetic-2023", "data_seed": 110, "profile": "smoke"}


@pytest.fixture(scope="module")
def leak():
    return listening.fault("synthetic-2023", "valve", "leak", data_seed=110, candidates=2)


def test_the_twin_differs_by_the_fault_alone(leak):
    healthy, faulty = leak.waves
    assert healthy.shape == faulty.shape == (64_000,)
    assert leak.twin.truth["fault"] == "leak" and leak.twin.truth["severity"] == 1.0
    before, after = (listening.spectrograms.levels(w) for w in (healthy, faulty))
    inside = listening.box_mask(leak.twin.boxes, after.shape)
    assert 0.05 < inside.mean() < 0.95
    assert leak.excess() == pytest.approx(np.abs(after - before)[inside].mean())
    assert leak.excess() > 2 * np.abs(after - before)[~inside].mean()


def test_the_less_noisy_candidate_is_played():
    spec = simulate.Spec(profile="quick", machines=("fan",), severity=1.0, faults=("tick",))
    ratios = [simulate.twin(spec, "fan", "audit", "source", k, 4).truth["snr_db"] for k in range(4)]
    assert listening.fault("synthetic-2023", "fan", "tick", data_seed=110).snr == max(ratios)


def test_the_display_of_a_fault_has_words_picture_and_sounds(leak):
    text = listening.tabs({"leak": leak}).markdown()
    assert text.startswith("::::::{tab-set}") and ":::::{tab-item} leak" in text
    assert text.count("{figure}") == 1 and text.count("<audio") == 2 and ":alt: " in text
    assert "severity 1 of 1" in text and f"{leak.excess():.1f} dB on average" in text


def test_tab_titles_are_data():
    tabs = show.Tabs({"<b>`fan`</b>:::\n:::::": [show.Prose("x")]})
    assert "<b>" not in tabs.markdown().replace("\\<b\\>", "") and ":::::{tab-item} \\<b\\>" in tabs.markdown()
    assert "<b>" not in tabs.html()


def set_scores():
    """Names of a smoke set's fan clips with scores that the truth explains."""
    spec = simulate.Spec(profile="smoke", machines=("fan",))
    rows = []
    for domain in ("source", "target"):
        for label in ("normal", "anomaly"):
            block = simulate.render(spec, "fan", "test", domain, label)
            for k, (name, truth) in enumerate(zip(block.names, block.truth)):
                rows.append([name, "fan", "00", domain, label, "test", name, truth["severity"] + 0.01 * k, 0])
    rows += [[f"fan/train/{k}.wav", "fan", "00", "source", "normal", "train", str(k), 0.1 * k, 0] for k in range(25)]
    return pd.DataFrame(rows, columns=records.SCORE_COLUMNS)


def test_a_clip_is_found_again_by_its_name():
    spec = simulate.Spec(profile="smoke", machines=("ToyCar",))
    block = simulate.render(spec, "ToyCar", "test", "target", "anomaly")
    found = clips.clip(block.names[1], **WHERE)
    np.testing.assert_array_equal(found.wave * 32768, block.audio[1])
    assert found.truth == block.truth[1]
    with pytest.raises(BadInput, match="outside the official grammar"):
        clips.clip("fan/test/other.wav", **WHERE)
    with pytest.raises(BadInput, match="the grammar of that year"):
        clips.clip("fan/test/normal_id_00_00000001.wav", **WHERE)
    with pytest.raises(BadInput, match="machine/train or test"):
        clips.clip("pump/test/other.wav", **WHERE)


def test_another_data_seed_is_noticed():
    name = simulate.render(simulate.Spec(profile="smoke"), "ToyCar", "test", "source", "normal", 1).names[0]
    others = [seed for seed in range(111, 131) if
              simulate.render(simulate.Spec(profile="smoke", data_seed=seed), "ToyCar", "test", "source", "normal",
                              1).names[0] != name]
    with pytest.raises(BadInput, match="the run's own data seed"):
        clips.clip(name, **{**WHERE, "data_seed": others[0]})


def test_truth_stands_beside_the_scores():
    known = clips.with_truth(set_scores(), **WHERE)
    assert len(known) == 12 and set(known[known["label"] == "normal"]["severity"]) == {0.0}
    np.testing.assert_allclose(known["score"] - known["severity"], [0.0, 0.01, 0.02] * 4, atol=1e-9)
    by_fault = clips.auc_by_fault(known)
    assert by_fault["clips"].sum() == 6 and (by_fault["auc"] == 100).all()  # severity is at least 0.4


def test_most_wrong_counts_the_clips_on_the_wrong_side():
    frame = set_scores()
    normal = frame[(frame["label"] == "normal") & (frame["split"] == "test")].index
    frame.loc[normal[0], "score"] = 5.0  # above every anomaly
    (first, *_) = clips.most_wrong(frame).to_dict("records")
    assert first["file"] == frame.loc[normal[0], "file"] and first["wrong"] == 1.0


def test_middle_clip_is_the_lower_median():
    frame = set_scores()
    part = frame[(frame["label"] == "anomaly") & (frame["domain"] == "source")].sort_values("score")
    assert clips.middle_clip(frame, "fan", "anomaly") == part.iloc[1]["file"]
    with pytest.raises(BadInput, match="no normal source test clip of valve"):
        clips.middle_clip(frame, "valve", "normal")


def test_typical_and_failing_clips_are_shown(make_record, tmp_path):
    record, _ = make_record(110)
    records.write(tmp_path, record, set_scores(), {})
    stored = records.load(tmp_path)
    picture, players = listening.typical(stored, "fan", "dB²")
    assert "higher than" in players.html() and "dB²" in players.html() and len(picture.alt) > 40
    failing = listening.failures(stored, 2)  # one machine: both clips are shown, though names may agree
    assert len(failing.items) == 2 and failing.markdown().count("<audio") == 2


def write_checks(book, preset, rows, version=simulate.VERSION):
    folder = book / "book" / "results" / "simulator"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{preset}.json").write_text(json.dumps(
        {"preset": preset, "simulator_version": version, "seeds": [100, 101], "profile": "quick", "checks": rows}))


@pytest.mark.parametrize("content", ["{", "[]", '{"checks": [{"verdict": "maybe"}]}'])
def test_damaged_checks_are_refused(book, content):
    folder = book / "book" / "results" / "simulator"
    folder.mkdir(parents=True)
    (folder / "synthetic-2023.json").write_text(content)
    with pytest.raises(BadInput, match=r"synthetic-2023.json: not a file of checks"):
        checks.load()


CHECK = {"number": 1, "name": "level", "statistic": "AUC of level alone", "mean": 0.55, "low": 0.52, "high": 0.58,
         "band": [0.5, None], "verdict": "pass"}


def test_checks_are_shown_with_interval_band_and_sign(book):
    assert all(found.rows == [] and "not run" in found.table().html() for found in checks.load().values())
    write_checks(book, "synthetic-2023", [CHECK, {**CHECK, "verdict": "fail", "low": None}], simulate.VERSION + 1)
    found = checks.load()["synthetic-2023"]
    assert found.origin() == (f"Simulator version {simulate.VERSION + 1} (stale: now {simulate.VERSION}), "
                              "2 data seeds, profile quick.")
    text = BeautifulSoup(found.table().html(), "html.parser").get_text(" ")
    assert found.count("pass") == found.count("fail") == 1
    assert "0.520 to 0.580" in text and "at least 0.5" in text and "✓ pass" in text and "✗ fail" in text


def test_every_sets_checks_are_read(book):
    write_checks(book, "synthetic-2020", [CHECK])
    write_checks(book, "synthetic-2024", [CHECK, {**CHECK, "verdict": "undecided"}])
    found = checks.load()
    assert set(found) == set(simulate.PRESETS)
    assert [checks.total(found), *(checks.total(found, v) for v in ("pass", "fail", "undecided"))] == [3, 2, 0, 1]
    page = BeautifulSoup(checks.counts(found).html(), "html.parser")
    lines = {row.th.get_text(): [cell.get_text() for cell in row.find_all("td")] for row in page.select("tbody tr")}
    assert lines["synthetic-2024"][:3] == ["1", "0", "1"]
    assert lines["synthetic-2023"] == ["not run", "–", "–", "–"]


def test_ten_scores_agree_with_the_metrics():
    ten = worked.ten()
    assert len(ten.score) == 10
    assert worked.share_won(ten.normals(), ten.anomalies()) == pytest.approx(metrics.auc(ten.label, ten.score))
    official = ten.evaluate("official", draws=0).columns
    same = ten.evaluate("same_domain", draws=0).columns
    for domain in ("source", "target"):
        pairs = worked.share_won(ten.normals(domain), ten.anomalies())
        assert official[f"AUC {domain}"].value == pytest.approx(pairs)
        within = worked.share_won(ten.normals(domain), ten.anomalies(domain))
        assert same[f"AUC {domain}"].value == pytest.approx(within)
    assert official["AUC source"].value > same["AUC source"].value  # what the chapter says of the rule
    assert official["AUC target"].value < same["AUC target"].value


def test_the_walk_down_the_scores_ends_at_one_one():
    table = worked.steps(worked.ten())
    assert [cell.value for cell in table.rows[0][2:]] == [0.0, 0.0]
    assert [cell.value for cell in table.rows[-1][2:]] == [1.0, 1.0]
    assert len(table.rows) == 11


def test_ties_count_one_half():
    assert worked.share_won([1.0, 2.0], [1.0]) == 0.25
    assert [row[1] for row in worked.pairs([1.0, 2.0], [1.0]).rows] == ["0.5", "0"]
