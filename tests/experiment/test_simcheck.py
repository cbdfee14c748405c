"""The simulator's checks on inputs whose answer is known: planted leaks are found, clean inputs are at chance."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from asdbook import simulate
from asdbook.errors import BadInput
from asdbook.experiment import simcheck
from asdbook.experiment.simcheck import anchor, audibility, bands, cell, judging, leaks, sounds
from asdbook.experiment.simcheck.bands import CHANCE, FAIL, PASS, UNDECIDED
from asdbook.simulate import Block, Spec

COMMITTED = sorted((Path(__file__).parents[2] / "book" / "results" / "simulator").glob("*.json"))
TINY = cell.Sizes(audit=24, control=24, level=3, muted=24)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clips(n: int, *, seed: int = 0, audio: np.ndarray | None = None, **columns) -> sounds.Sounds:
    """n clips of both domains and labels in turn; `columns` replace entries of the truth."""
    rows = []
    for i in range(n):
        row = {
            "part": ("source", "target")[i % 2],
            "label": ("normal", "anomaly")[i // 2 % 2],
            "machine": "fan",
            "number": i // 4,
            "snr_db": 0.0,
            "gain_db": 0.0,
            "severity": 0.5,
            "fault": None if i // 2 % 2 == 0 else "tick",
            "heard": {"spd": str(i // 4 % 3), "mic": str(i % 2)},
        }
        rows.append(row | {key: values[i] for key, values in columns.items()})
    if audio is None:
        audio = (rng(seed).standard_normal((n, 4000)) * 500).astype(np.int16)
    return sounds.measure(audio, rows)


# --- verdicts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "band", "verdict"),
    [
        (0.48, 0.52, CHANCE, PASS),
        (0.47, 0.53, CHANCE, PASS),
        (0.46, 0.52, CHANCE, UNDECIDED),
        (0.52, 0.56, CHANCE, UNDECIDED),
        (0.40, 0.60, CHANCE, UNDECIDED),
        (0.54, 0.60, CHANCE, FAIL),
        (0.30, 0.46, CHANCE, FAIL),
        (0.91, 0.99, (0.9, None), PASS),
        (0.80, 0.89, (0.9, None), FAIL),
        (None, None, CHANCE, UNDECIDED),
    ],
)
def test_verdict_is_where_the_interval_lies(low, high, band, verdict):
    assert bands.decide(low, high, band) == verdict


def test_interval_is_students_t_over_data_seeds():
    one = bands.check(1, "level", "fan", "AUC", [0.48, 0.50, 0.52], CHANCE)
    half = 4.302653 * 0.02 / np.sqrt(3)  # t quantile of 2 degrees of freedom
    assert (one.low, one.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    assert one.verdict == UNDECIDED
    assert bands.check(1, "level", "fan", "AUC", [0.499, 0.5, 0.501], CHANCE).verdict == PASS
    assert bands.check(1, "level", "fan", "AUC", [0.60, 0.61, 0.62], CHANCE).verdict == FAIL
    assert bands.check(1, "level", "fan", "AUC", [0.5], CHANCE).verdict == UNDECIDED


def test_exact_checks_hold_for_every_seed():
    assert bands.check(2, "length", "fan", "AUC", [0.5], (0.5, 0.5), exact=True).verdict == PASS
    assert bands.check(2, "length", "fan", "AUC", [0.5, 0.5, 0.51], (0.5, 0.5), exact=True).verdict == FAIL


def test_no_seed_is_refused():
    with pytest.raises(BadInput, match="at least one seed"):
        bands.check(1, "level", "fan", "AUC", [], CHANCE)
    with pytest.raises(BadInput, match="no data seeds"):
        simcheck.run([])


def test_an_exact_summary_shows_the_worst_value_not_the_worst_mean():
    steady = bands.check(1, "peak", "a", "peak", [0.9, 0.9], (0.0, 0.999), exact=True)
    clipped = bands.check(1, "peak", "b", "peak", [1.0, 0.1], (0.0, 0.999), exact=True)
    shown = bands.each([steady, clipped])
    assert shown.verdict == FAIL and shown.high == 1.0 and "decided by b" in shown.note
    assert bands.each([steady]).as_dict()["exact"] is True and "note" not in steady.as_dict()


def audible(*means: float) -> list[bands.Check]:
    return [bands.check(7, "a", f"m{i}", "AUC", [m - 0.002, m, m + 0.002], (0.95, None)) for i, m in enumerate(means)]


def test_each_allows_as_many_exceptions_as_it_says():
    assert bands.each(audible(0.99, 0.98, 0.97)).verdict == PASS
    assert bands.each(audible(0.99, 0.98, 0.80)).verdict == FAIL
    shown = bands.each(audible(0.99, 0.98, 0.80), allowed=1)
    assert shown.verdict == PASS and shown.mean == pytest.approx(0.98)
    assert bands.each(audible(0.99, 0.70, 0.80), allowed=1).verdict == FAIL
    assert bands.each(audible(0.99, 0.95, 0.98)).verdict == UNDECIDED


def test_a_leak_of_one_machine_does_not_hide_in_the_mean():
    a = [0.44, 0.441, 0.439, 0.44, 0.441]
    rows = [bands.check(3, "c", m, "AUC", v, CHANCE) for m, v in (("a", a), ("b", [1 - x for x in a]))]
    assert bands.mean_of(rows).verdict == FAIL
    two = [bands.check(3, "c", m, "AUC", v[:2], CHANCE) for m, v in (("a", a), ("b", [1 - x for x in a]))]
    assert bands.mean_of(two).verdict != FAIL  # two that agree by chance decide nothing
    assert bands.mean_of(rows, veto=False).verdict == PASS


def test_monotone_check():
    rising = np.array([[0.5, 0.6, 0.7, 0.8, 0.9], [0.51, 0.6, 0.69, 0.8, 0.91]])
    assert judging._steps("fan", "trivial", rising, "").verdict == PASS
    assert judging._steps("fan", "trivial", rising - np.array([0, 0, 0, 0, 0.11]), "").verdict != FAIL
    dropping = judging._steps("fan", "trivial", rising - np.array([0, 0, 0, 0, 0.3]), "")
    assert dropping.verdict == FAIL and dropping.mean == pytest.approx(-0.195)


# --- leaks ------------------------------------------------------------------------------------------------


def test_a_planted_order_is_found():
    assert leaks.order_of_labels(clips(80)) == 0.5
    late = [i // 4 + 100 * (i // 2 % 2) for i in range(80)]
    assert leaks.order_of_labels(clips(80, number=late)) == 1.0
    falling = clips(80, severity=[1 - i / 80 for i in range(80)])
    assert leaks.order_of_severity(falling.pick(falling.label == 1)) == 0.0


def test_a_planted_level_noise_ratio_or_gain_is_found():
    n = 80
    anomalous = np.array([i // 2 % 2 for i in range(n)])
    audio = rng().standard_normal((n, 4000)) * 500
    clean = leaks.nuisances(clips(n, audio=audio.astype(np.int16)))
    assert clean["snr"] == clean["gain"] == 0.5
    assert 0.35 < clean["level"] < 0.65
    loud = (audio * (1 + anomalous)[:, None]).astype(np.int16)
    found = leaks.nuisances(clips(n, audio=loud, snr_db=anomalous.tolist(), gain_db=(-anomalous).tolist()))
    assert found["level"] == found["peak"] == found["snr"] == 1.0 and found["gain"] == 0.0


def test_a_peak_at_the_negative_limit_counts_as_full_scale():
    audio = np.zeros((1, 4000), np.int16)
    audio[0, 7] = -32768
    assert sounds.measure(audio, clips(1).truth).peak[0] == 1.0
    one = bands.check(1, "no clipping", "fan", "peak", [1.0], judging.BELOW_FULL_SCALE, exact=True)
    assert one.verdict == FAIL


def test_attributes_that_tell_the_label_are_found():
    assert leaks.attributes_tell(clips(120), clips(120)) == 0.5
    told = [{"spd": "9" if i // 2 % 2 else "1"} for i in range(120)]
    assert leaks.attributes_tell(clips(120, heard=told), clips(120, heard=told)) == 1.0


def test_a_muted_machine_whose_attribute_still_sounds_is_found():
    n = 240
    quiet = clips(n)
    assert leaks.machine_attributes(quiet) == ["spd"]  # the microphone may be heard
    assert 0.4 < leaks.readable(quiet, "spd")["auc"] < 0.6
    speed = np.array([int(row["heard"]["spd"]) for row in quiet.truth])
    hum = 200 * np.sin(2 * np.pi * (1000 + 1000 * speed)[:, None] * np.arange(4000) / 16000)
    leaking = clips(n, audio=(rng().standard_normal((n, 4000)) * 500 + hum).astype(np.int16))
    assert leaks.readable(leaking, "spd")["auc"] > 0.9


# --- audibility -------------------------------------------------------------------------------------------


def ticking(n: int, amplitude: float, seed: int) -> sounds.Sounds:
    """Noise; the anomalous clips tick every 50 ms."""
    audio = rng(seed).standard_normal((n, 8000)) * 500
    audio[np.ix_([i // 2 % 2 == 1 for i in range(n)], np.arange(8000) % 800 < 4)] += amplitude
    return clips(n, audio=audio.astype(np.int16))


@pytest.mark.parametrize("name", list(audibility.CLASSIFIERS))
def test_the_audit_classifier_hears_a_fault_and_nothing_where_there_is_none(name):
    heard = audibility.trained(name, ticking(120, 2500, 1))
    test = ticking(80, 2500, 2)
    rank = audibility.ranking(heard, test)
    assert rank["pooled"] > 0.95 and rank["faults"]["tick"] == rank["pooled"]
    null = audibility.ranking(audibility.trained(name, ticking(120, 0, 3)), ticking(200, 0, 4))
    assert 0.35 < null["pooled"] < 0.65


def test_the_audit_classifier_does_not_live_on_level():
    n = 160
    audio = rng().standard_normal((n, 8000)) * 2000
    loud = audio * np.array([1 + i // 2 % 2 for i in range(n)])[:, None]
    a, b = (clips(n, audio=x.astype(np.int16)) for x in (audio, loud))
    assert np.quantile(np.abs(a.numbers - b.numbers), 0.999) < 0.05  # dB; rounding to 16 bits differs
    assert np.abs(a.level - b.level).max() == pytest.approx(6.02, abs=0.05)


def test_the_trivial_detector_is_the_nearest_mean_spectrum():
    train, test = ticking(40, 0, 1), ticking(24, 2000, 2)
    naive = [min(np.linalg.norm(x - y) for y in train.spectrum) for x in test.spectrum]
    assert audibility.trivial(train)(test) == pytest.approx(naive, rel=1e-5)
    rank = audibility.ranking(audibility.trivial(train.pick(train.label == 0)), test)
    parts = [rank["AUC source"], rank["AUC target"], rank["pAUC"]]
    assert rank["h-mean"] == pytest.approx(3 / sum(1 / p for p in parts))


@pytest.mark.parametrize("resolution", list(audibility.RESOLUTIONS))
def test_a_fault_shows_inside_its_box_alone(resolution):
    healthy = rng().standard_normal(32000) * 300
    band = np.fft.rfft(rng(1).standard_normal(32000) * 3000)
    hz = np.fft.rfftfreq(32000, 1 / 16000)
    band[(hz < 2000) | (hz > 4000)] = 0
    faulty = healthy.copy()
    faulty[8000:16000] += np.fft.irfft(band)[8000:16000]
    pair = faulty.astype(np.int16), healthy.astype(np.int16)
    inside, outside = audibility.visibility(*pair, [[0.5, 1.0, 2000, 4000]], resolution)
    assert inside > 10 and outside < 1
    wrong_inside, wrong_outside = audibility.visibility(*pair, [[1.2, 1.7, 2000, 4000]], resolution)
    assert wrong_inside < 0.1 and wrong_outside > 1
    assert audibility.visibility(pair[1], pair[1], [[0.5, 1.0, 2000, 4000]], resolution) == (0.0, 0.0)


def test_a_box_thinner_than_a_cell_still_holds_one():
    x = (rng().standard_normal(16000) * 300).astype(np.int16)
    inside, _ = audibility.visibility(x, x, [[0.5, 0.5001, 1000, 1001]], "long")
    assert inside == 0.0


# --- the whole --------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ASDBOOK_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def few_trees(monkeypatch):
    few = {"logistic": audibility.logistic, "boosting": partial(audibility.boosting, 5)}  # 200 take seconds
    monkeypatch.setattr(audibility, "CLASSIFIERS", few)


def test_run_from_rendering_to_the_table(place, few_trees, monkeypatch):
    said: list[str] = []
    options = {"profile": "smoke", "sizes": TINY, "progress": said.append}
    report = simcheck.run([100, 101], ["gearbox"], **options)
    assert said[-1] == "checked gearbox, data seed 101 (2 of 2)"
    assert {one["number"] for one in report["checks"]} == set(range(1, 10))
    twin = [one for one in report["checks"] if "bit for bit" in one["statistic"]]
    assert [one["verdict"] for one in twin] == [PASS]
    assert next(one for one in report["checks"] if one["name"] == "clip length")["verdict"] == PASS
    lines = simcheck.rows(report)
    assert len(lines) == 1 + len(report["checks"]) and len({len(line) for line in lines}) == 1
    simcheck.write(report, place / "table" / "checks.json")
    read = json.loads((place / "table" / "checks.json").read_text())
    assert read == json.loads(json.dumps(report)) and str(place) not in json.dumps(read)

    def never(*args, **kwargs):
        raise AssertionError("measured again although nothing changed")

    monkeypatch.setattr(cell, "measure", never)
    assert simcheck.run([100, 101], ["gearbox"], **options)["checks"] == report["checks"]


def counting(scale: float, count: list[int]):
    """A renderer whose sound can be changed."""

    def render(spec: Spec, *args) -> Block:
        block = simulate.render(spec, *args)
        count[0] += len(block.names)
        return replace(block, audio=(block.audio * scale).astype(np.int16))

    return render


def test_a_cell_is_measured_again_only_when_its_sound_changed(tmp_path, monkeypatch):
    spec, count = Spec(data_seed=100, profile="smoke"), [0]
    monkeypatch.setattr(cell, "measure", lambda *args: {"rendered by": id(args[-1])})
    one, other = counting(1.0, count), counting(0.5, count)
    first = cell.measured(spec, "bearing", TINY, tmp_path, one)
    assert cell.measured(spec, "bearing", TINY, tmp_path, counting(1.0, count)) == first
    assert cell.measured(spec, "bearing", TINY, tmp_path, other) == {"rendered by": id(other)}
    assert len(list(tmp_path.glob("*.json"))) == 2


def leaky(spec: Spec, machine: str, role: str, part: str, label: str, *rest) -> Block:
    """A simulator whose anomaly path is louder, whatever the severity, and speaks its fault at severity 0."""
    block = simulate.render(spec, machine, role, part, label, *rest)
    if label == "anomaly":
        tone = np.arange(block.audio.shape[1]) % (8 + len(spec.faults[0]) if spec.faults else 8)
        return replace(block, audio=(4 * block.audio.astype(int) + 400 * tone).clip(-32768, 32767).astype(np.int16))
    return block


def test_a_leaky_simulator_fails_its_negative_controls(few_trees):
    specs = [Spec(data_seed=seed, profile="smoke") for seed in (100, 101)]
    cells = {"bearing": [cell.measure(spec, "bearing", TINY, leaky) for spec in specs]}
    verdicts = {one.statistic: one.verdict for one in judging.controls(cells)[0]}
    for what in ("level", "trivial", "logistic trained on faults", "logistic trained at severity 0"):
        assert verdicts[f"AUC of {what}, mean of 1"] == FAIL, what
    assert verdicts["share of clips equal bit for bit whatever the fault, each"] == FAIL
    assert verdicts["AUC of snr, mean of 1"] != FAIL


def test_anchor_wants_source_above_target():
    above = {"fan": [{"AUC source": 0.80 + d, "AUC target": 0.50} for d in (0, 0.01, 0.02)]}
    equal = {"fan": [{"AUC source": 0.50 + d, "AUC target": 0.50} for d in (0, 0.01, 0.02)]}
    assert anchor.judge_anchor(above)[0][0].verdict == PASS
    assert anchor.judge_anchor(equal)[0][0].verdict == FAIL


def test_the_anchors_level_is_that_of_the_published_machines():
    rows = {"fan": [{"AUC source": 0.95, "AUC target": 0.50 + d} for d in (0, 0.001, 0.002)]}
    verdicts = {one.statistic: (one.verdict, one.band) for one in anchor.judge_anchor(rows)[0]}
    assert verdicts["autoencoder AUC source, mean of 1"] == (FAIL, (0.5535, 0.8019))
    assert verdicts["autoencoder AUC target, mean of 1"] == (PASS, (0.3618, 0.6078))


@pytest.mark.parametrize("path", COMMITTED, ids=[path.stem for path in COMMITTED])
def test_committed_verdicts_follow_from_their_numbers(path):
    assert path.stat().st_size < 300_000
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["preset"] == path.stem
    assert len(report["seeds"]) >= 2 and set(report["seeds"]) <= set(simcheck.CALIBRATION_SEEDS)
    for one in report["details"]:
        assert one["mean"] == pytest.approx(np.mean(one["values"]), abs=2e-4)
        if one["number"] != 6:
            low, high = one["low"], one["high"]
            edges = [edge for edge in one["band"] if edge is not None]
            rounded = any(abs(edge - end) < 1e-4 for edge in edges for end in (low, high))
            assert rounded or one["verdict"] in (bands.decide(low, high, one["band"]), FAIL), one
