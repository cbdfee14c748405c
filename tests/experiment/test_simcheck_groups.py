"""The simulator's checks of IDs, hidden groups and additional machines, on planted sounds and on smoke sets."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from asdbook.experiment import simcheck
from asdbook.experiment.simcheck import audibility, cell, groups, leaks, sounds

TINY = cell.Sizes(audit=24, control=24, level=3, muted=24)
IDS = ("00", "02", "04", "06")


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(audibility, "CLASSIFIERS", {"logistic": audibility.logistic,
                                                    "boosting": partial(audibility.boosting, 5)})  # fmt: skip


def humming(n: int, hz_of, *, seed: int = 0, loud=lambda i: 150.0, anomalous: bool = False) -> sounds.Sounds:
    """n clips of noise with a tone at `hz_of(i)` Hz of amplitude `loud(i)`; parts in turn."""
    rng = np.random.default_rng(seed)
    time = np.arange(8000) / 16_000
    hz, level = (np.array([value(i) for i in range(n)]) for value in (hz_of, loud))
    audio = rng.standard_normal((n, 8000)) * 300 + level[:, None] * np.sin(2 * np.pi * hz[:, None] * time)
    rows = [
        {
            "part": IDS[i % 4], "machine": "fan", "label": "anomaly" if anomalous and i // 4 % 2 else "normal",
            "number": i // 4, "heard": {"group": str(i // 4 % 5)}, "fault": None,
        }
        for i in range(n)
    ]  # fmt: skip
    return sounds.measure(audio.astype(np.int16), rows)


def own_tone(i: int) -> float:
    return 700.0 + 300 * (i % 4)


def one_tone(i: int) -> float:
    return 700.0


def test_ids_with_tones_of_their_own_are_told_apart_and_others_are_not():
    found = groups.identities(humming(160, own_tone), humming(160, own_tone, seed=1, anomalous=True))
    assert found["accuracy"] > 0.97 and found["accuracy of anomalies"] > 0.97
    assert found["distance ratio"] < 0.8  # nothing was changed: every clip is nearest to its own ID
    alike = groups.identities(humming(160, one_tone), humming(160, one_tone, seed=1, anomalous=True))
    assert alike["accuracy"] < 0.5
    assert 0.97 < alike["distance ratio"] < 1.05


def test_an_anomaly_that_sounds_like_another_id_has_a_ratio_above_one():
    test = humming(160, lambda i: own_tone(i + 1), seed=1, anomalous=True)
    assert groups.identities(humming(160, own_tone), test)["distance ratio"] > 1.1


def test_hidden_groups_are_found_where_they_sound_and_not_where_they_do_not():
    def source(some: sounds.Sounds) -> sounds.Sounds:
        return replace(some, truth=tuple(row | {"part": "source"} for row in some.truth))

    clear = groups.hidden(source(humming(200, lambda i: 500.0 + 400 * (i // 4 % 5))))
    assert clear["groups"] == 5 and clear["best"] == max(clear["k-means"], clear["mixture"]) > 0.95
    assert groups.hidden(source(humming(200, one_tone)))["best"] < 0.1


def test_the_id_is_an_attribute_to_be_read_where_there_are_ids():
    told = humming(160, own_tone)
    assert leaks.machine_attributes(told) == ["group", "id"]
    assert leaks.readable(told, "id")["auc"] > 0.97
    assert 0.4 < leaks.readable(humming(160, one_tone), "id")["auc"] < 0.6


def test_an_attribute_of_the_name_id_is_read_within_a_domain():
    some = humming(160, own_tone)
    rows = [row | {"part": ("source", "target")[i % 2], "heard": {"id": str(i // 8 % 2)}} for i, row in
            enumerate(some.truth)]  # fmt: skip
    assert 0.35 < leaks.readable(replace(some, truth=tuple(rows)), "id")["auc"] < 0.65


def test_the_trivial_detector_compares_with_the_clips_own_id():
    train, test = humming(80, own_tone), humming(80, lambda i: own_tone(i + 1), seed=1)
    naive = [
        min(np.linalg.norm(x - y) for y, other in zip(train.spectrum, train.truth) if other["part"] == row["part"])
        for x, row in zip(test.spectrum, test.truth)
    ]
    assert audibility.trivial(train)(test) == pytest.approx(naive, rel=1e-5)


def test_the_audit_classifier_knows_the_id(few_trees):
    """The fault of one ID is as loud as the next one's health: without the ID it cannot be told."""

    def loud(i: int) -> float:
        return 80.0 * (1 + i % 4 + i // 4 % 2)

    learn, test = (humming(640, one_tone, seed=s, loud=loud, anomalous=True) for s in (0, 1))
    score = audibility.trained("logistic", learn)(test)
    assert leaks.area(test.label, score) > 0.95
    rows = [tuple(row | {"part": "source"} for row in some.truth) for some in (learn, test)]
    learn, test = (replace(some, truth=row) for some, row in zip((learn, test), rows))
    assert leaks.area(test.label, audibility.trained("logistic", learn)(test)) < 0.85


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ASDBOOK_HOME", str(tmp_path))


def test_checks_of_a_set_with_ids(place, few_trees):
    report = simcheck.run([100, 101], ["ToyConveyor"], preset="synthetic-2020", profile="smoke", sizes=TINY)
    assert {one["number"] for one in report["checks"]} == {1, 2, 3, 4, 6, 7, 8, 9, 11}
    twin = next(one for one in report["checks"] if "bit for bit" in one["statistic"])
    assert twin["verdict"] == "pass"
    muted = next(one for one in report["details"] if one["machine"] == "ToyConveyor id")
    assert muted["statistic"] == "AUC of reading an ID"
    assert report["sizes"]["audit"] == 48 and report["sizes"]["test"] == 18


def test_checks_of_a_set_with_hidden_groups_and_additional_machines(place, few_trees):
    machines = ["AirCompressor", "gearbox"]
    report = simcheck.run([100, 101], machines, preset="synthetic-2024", profile="smoke", sizes=TINY)
    assert {one["number"] for one in report["checks"]} == {1, 2, 3, 4, 5, 6, 7, 8, 9, 12}
    of = {m: {one["number"] for one in report["details"] if one["machine"].startswith(m)} for m in machines}
    assert of["AirCompressor"] == {1, 4}
    assert 12 in of["gearbox"]
    assert report["sizes"]["test"] == 12
