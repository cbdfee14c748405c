"""Sets: determinism, twins, premise switches, balance, levels, names, files and truth."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.stats import rankdata

from asdbook import simulate
from asdbook.data.names import attributes_of, parse
from asdbook.errors import BadInput, RunFailed, UnknownName
from asdbook.simulate import (
    PRESETS,
    Spec,
    describe,
    extra_audio,
    generate,
    plan,
    read_truth,
    render,
    twin,
    write,
)

SMOKE = Spec(profile="smoke", data_seed=100)
MACHINES = tuple(PRESETS["synthetic-2023"].machines)


def auc(normal: np.ndarray, anomalous: np.ndarray) -> float:
    ranks = rankdata(np.concatenate([normal, anomalous]))[len(normal) :]
    return float((ranks.sum() - len(anomalous) * (len(anomalous) + 1) / 2) / (len(normal) * len(anomalous)))


@pytest.fixture(scope="module")
def smoke_set() -> list:
    return list(generate(SMOKE, workers=1))


def test_set_has_all_machines_and_the_profile_s_numbers(smoke_set: list) -> None:
    for machine in MACHINES:
        blocks = [b for b in smoke_set if b.machine == machine]
        count = {
            (role, d, label): sum(len(b.names) for b in blocks if (b.role, b.part, b.label) == (role, d, label))
            for role in ("train", "test")
            for d in ("source", "target")
            for label in ("normal", "anomaly")
        }
        assert count["train", "source", "normal"] == 10
        assert count["train", "target", "normal"] == 2
        assert count["train", "source", "anomaly"] == 0
        assert {v for k, v in count.items() if k[0] == "test"} == {3}


def test_profiles_have_the_official_sizes() -> None:
    paper = plan(Spec(profile="paper", machines=("fan",)))
    assert sum(b.count for b in paper if b.role == "train") == 1000
    assert sum(b.count for b in paper if b.role == "test") == 200
    official = {m: Spec(profile="paper").seconds(m) for m in ("fan", "ToyCar", "ToyTrain")}
    assert official == {"fan": 10.0, "ToyCar": 12.0, "ToyTrain": 12.0}
    assert Spec("synthetic-2020", profile="paper").seconds("ToyCar") == 11.0
    quick = plan(Spec(profile="quick", machines=("fan",)))
    assert sum(b.count for b in quick if b.role == "train") == 200
    assert sum(b.count for b in quick if b.part == "target" and b.role == "train") == 10


def test_names_parse_and_agree_with_the_truth(smoke_set: list) -> None:
    seen = set()
    for block in smoke_set:
        for name, truth in zip(block.names, block.truth):
            machine, split, _ = name.split("/")
            clip = parse(name)
            assert (machine, split) == (block.machine, block.split)
            assert (clip.section, clip.domain, clip.split, clip.label) == ("00", block.part, split, block.label)
            assert attributes_of(clip.attributes) == truth["attributes"]
            assert truth["file"] == name
            assert clip.index >= (1 if machine.startswith("Toy") else 0)
            seen.add(name)
    assert len(seen) == sum(len(b.names) for b in smoke_set)


def test_audio_is_finite_unclipped_and_not_silent(smoke_set: list) -> None:
    for block in smoke_set:
        assert block.audio.dtype == np.int16
        assert block.audio.shape[1] == 16_000
        assert np.abs(block.audio.astype(int)).max() < 32_000, block.names[0]
        level = 20 * np.log10(np.sqrt(np.mean((block.audio / 32768.0) ** 2, axis=1)))
        assert np.all(level > -50)
        assert np.all(level < -20)


def test_set_repeats_and_depends_on_the_seed(smoke_set: list) -> None:
    again = render(SMOKE, "valve", "test", "target", "anomaly")
    (block,) = [b for b in smoke_set if b.names == again.names]
    assert np.array_equal(block.audio, again.audio)
    assert block.truth == again.truth
    other = render(replace(SMOKE, data_seed=101), "valve", "test", "target", "anomaly")
    assert not np.array_equal(other.audio, again.audio)


def test_blocks_and_order_do_not_change_a_clip() -> None:
    whole = render(SMOKE, "gearbox", "train", "source", "normal")
    for start, count in ((3, 2), (0, 1), (9, 1)):
        part = render(SMOKE, "gearbox", "train", "source", "normal", count, start)
        assert np.array_equal(part.audio, whole.audio[start : start + count])
        assert part.names == whole.names[start : start + count]
    assert [b.count for b in plan(replace(SMOKE, machines=("gearbox",)), block=4)][:3] == [4, 4, 2]


def test_worker_processes_give_the_same_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asdbook.simulate.sets.FEW", 0.0)  # workers even for a set as small as this
    spec = replace(SMOKE, machines=("fan",))
    calls: list[tuple[int, int]] = []
    pooled = list(generate(spec, workers=2, progress=lambda done, total: calls.append((done, total))))
    alone = list(generate(spec, workers=1))
    assert [b.names for b in pooled] == [b.names for b in alone]
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(pooled, alone))
    assert calls[-1] == (24, 24)
    assert all(a[0] < b[0] for a, b in pairwise(calls))


@pytest.mark.parametrize("machine", MACHINES)
def test_severity_zero_is_the_healthy_twin_bit_for_bit(machine: str) -> None:
    from asdbook.simulate.assign import lots
    from asdbook.simulate.clips import clip

    spec = replace(SMOKE, severity=0.0)
    cell = lots(spec, machine, "test", "source", "anomaly", 3)
    for i, lot in enumerate(cell):
        walked, _ = clip(spec, machine, "test", "source", "anomaly", i, lot)
        healthy, _ = clip(spec, machine, "test", "source", "anomaly", i, replace(lot, fault=None))
        assert lot.fault is not None
        assert np.array_equal(walked, healthy)


def test_twins_share_all_but_the_fault() -> None:
    for fault in PRESETS["synthetic-2023"].machines["bearing"].faults:
        spec = replace(SMOKE, machines=("bearing",), faults=(fault,), severity=1.0)
        pair = twin(spec, "bearing", "test", "source", 1)
        assert pair.truth["fault"] == fault
        assert pair.boxes
        assert not np.array_equal(pair.anomalous, pair.healthy)
        other = twin(replace(spec, severity=0.7), "bearing", "test", "source", 1)
        assert np.array_equal(pair.healthy, other.healthy)
        assert np.std((other.anomalous - pair.healthy).astype(float)) < np.std(
            (pair.anomalous - pair.healthy).astype(float)
        )


def test_boxes_lie_inside_their_clips(smoke_set: list) -> None:
    for block in smoke_set:
        for truth in block.truth:
            assert bool(truth["boxes"]) == (truth["label"] == "anomaly"), truth["file"]
            for t0, t1, f0, f1 in truth["boxes"]:
                assert 0 <= t0 < t1 <= 1.0
                assert 0 < f0 < f1 <= 8000


def test_severities_faults_and_attributes_are_balanced() -> None:
    from asdbook.simulate.assign import lots

    for machine in MACHINES:
        spec = Spec(profile="quick", data_seed=100)
        for domain in ("source", "target"):
            normal = lots(spec, machine, "test", domain, "normal", 50)
            anomaly = lots(spec, machine, "test", domain, "anomaly", 50)
            assert [n.shown for n in normal] == [a.shown for a in anomaly]
            for part in ("snr_db", "gain_db"):
                a, b = (sorted(getattr(lot, part) for lot in cell) for cell in (normal, anomaly))
                assert a == pytest.approx(b)
            severity = np.array([lot.severity for lot in anomaly])
            assert severity.min() > 0.4
            assert severity.max() < 1.0
            assert severity.mean() == pytest.approx(0.7)
            names, counts = np.unique([lot.fault for lot in anomaly], return_counts=True)
            assert set(names) == set(spec.faults_of(machine))
            assert counts.max() - counts.min() <= 1
            assert abs(np.corrcoef(severity, np.arange(50))[0, 1]) < 0.5


def test_level_says_nothing_at_severity_zero_and_little_with_faults() -> None:
    spec = Spec(profile="smoke", data_seed=100)
    zero = replace(spec, severity=0.0)
    for machine in ("fan", "valve"):
        normal = render(spec, machine, "audit", "source", "normal", 40)
        twins = render(zero, machine, "audit", "source", "anomaly", 40)
        level = [np.mean(b.audio.astype(float) ** 2, axis=1) for b in (normal, twins)]
        assert auc(*level) == pytest.approx(0.5, abs=0.13)  # standard error 0.065 at 40 + 40


def test_audit_clips_differ_from_test_and_training() -> None:
    audit = render(SMOKE, "fan", "audit", "source", "normal", 3)
    test = render(SMOKE, "fan", "test", "source", "normal", 3)
    train = render(SMOKE, "fan", "train", "source", "normal", 3)
    for other in (test, train):
        c = np.corrcoef(np.concatenate([audit.audio, other.audio]).astype(float))
        assert np.abs(c[:3, 3:]).max() < 0.5


def changed(premise: str, machine: str, role: str, domain: str, label: str = "normal") -> tuple:
    plain = render(SMOKE, machine, role, domain, label)
    off = render(replace(SMOKE, premise_off=(premise,)), machine, role, domain, label)
    return plain, off


def test_premise_attributes_shuffles_the_names_and_no_sound() -> None:
    plain, off = changed("attributes", "slider", "train", "source")
    assert np.array_equal(plain.audio, off.audio)
    assert [t["heard"] for t in plain.truth] == [t["heard"] for t in off.truth]
    shown = [[tuple(t["attributes"].values()) for t in b.truth] for b in (plain, off)]
    assert shown[0] != shown[1]
    assert sorted(shown[0]) == sorted(shown[1])


def test_premise_shift_moves_only_the_target() -> None:
    plain, off = changed("shift", "gearbox", "test", "source", "anomaly")
    assert np.array_equal(plain.audio, off.audio)
    plain, off = changed("shift", "gearbox", "test", "target", "anomaly")
    assert plain.names == off.names
    assert not np.array_equal(plain.audio, off.audio)
    source = PRESETS["synthetic-2023"].machines["gearbox"].layout.combinations("source")
    assert all(t["heard"] in source for t in off.truth)
    assert [t["snr_db"] for t in plain.truth] == [t["snr_db"] for t in off.truth]


def test_premise_groups_leaves_one_operating_point() -> None:
    plain, off = changed("groups", "ToyCar", "train", "source")
    assert plain.names == off.names
    assert len({t["individual"] for t in off.truth}) == 1
    assert len({t["individual"] for t in plain.truth}) > 1
    same = [i for i, t in enumerate(plain.truth) if t["heard"] == off.truth[0]["heard"]]
    for i in same:
        assert np.array_equal(plain.audio[i], off.audio[i])


def test_premise_power_removes_the_level_of_speed_and_leaves_the_noise() -> None:
    spec = replace(SMOKE, machines=("bearing",))
    spread = []
    for s in (spec, replace(spec, premise_off=("power",))):
        block = render(s, "bearing", "audit", "source", "normal", 48)
        quiet = render(replace(s, mute=True), "bearing", "audit", "source", "normal", 48)
        machine = block.audio.astype(float) - quiet.audio
        level = 10 * np.log10(np.mean(machine**2, axis=1))
        ratio = 10 ** (np.array([t["snr_db"] for t in block.truth]) / 10)
        level -= np.array([t["gain_db"] for t in block.truth]) + 10 * np.log10(ratio / (1 + ratio))
        speed = np.array([t["speed"] for t in block.truth])
        spread.append(level[speed == speed.max()].mean() - level[speed == speed.min()].mean())
    assert spread[0] > 2.5
    assert abs(spread[1]) < 1.0


def test_premise_texture_keeps_the_spectrum_and_loses_the_events() -> None:
    plain, off = changed("texture", "valve", "test", "source", "anomaly")
    quiet = render(replace(SMOKE, mute=True), "valve", "test", "source", "anomaly")
    crest = []
    for block in (plain, off):
        machine = block.audio.astype(float) - quiet.audio
        frames = machine[:, :15_872].reshape(len(machine), -1, 256)
        crest.append(np.std(np.log(np.mean(frames**2, axis=2)), axis=1).mean())
    assert crest[1] < 0.5 * crest[0]


def test_muted_machine_leaves_noise_that_knows_no_individual() -> None:
    quiet = replace(SMOKE, mute=True)
    a = render(quiet, "ToyTrain", "test", "source", "anomaly")
    b = render(replace(quiet, severity=0.0), "ToyTrain", "test", "source", "anomaly")
    c = render(replace(quiet, premise_off=("groups",)), "ToyTrain", "test", "source", "anomaly")
    assert np.array_equal(a.audio, b.audio)
    assert np.array_equal(a.audio, c.audio)  # neither car nor speed is in the noise
    assert not np.array_equal(a.audio, render(SMOKE, "ToyTrain", "test", "source", "anomaly").audio)


def test_files_are_the_blocks_and_truth_stays_apart(tmp_path: Path) -> None:
    spec = replace(SMOKE, machines=("valve", "fan"))
    write(spec, tmp_path / "set", tmp_path / "truth", workers=1)
    for block in generate(spec, workers=1):
        for name, audio in zip(block.names, block.audio):
            rate, read = wavfile.read(tmp_path / "set" / name)
            assert rate == 16_000
            assert np.array_equal(read, audio)
    found = {p.relative_to(tmp_path / "set").as_posix() for p in (tmp_path / "set").rglob("*") if p.is_file()}
    assert {p for p in found if not p.endswith(".wav")} == {"fan/attributes_00.csv", "valve/attributes_00.csv"}
    with (tmp_path / "set/fan/attributes_00.csv").open() as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["file_name", "d1p", "d1v"]
    assert {row[0] for row in rows[1:]} == {p for p in found if p.startswith("fan") and p.endswith(".wav")}
    truth = read_truth(tmp_path / "truth")
    assert {t["file"] for t in truth} == {p for p in found if p.endswith(".wav")}
    assert json.dumps(truth)


def test_writing_refuses_to_overwrite_and_to_leak(tmp_path: Path) -> None:
    spec = replace(SMOKE, machines=("fan",))
    with pytest.raises(BadInput, match="inside the clips"):
        write(spec, tmp_path / "set", tmp_path / "set" / "fan" / "truth")
    (tmp_path / "set" / "fan").mkdir(parents=True)
    with pytest.raises(BadInput, match="exists"):
        write(spec, tmp_path / "set", tmp_path / "truth")


def test_outside_audio_repeats_and_has_its_shape() -> None:
    for kind in ("noise", "non-machine"):
        x = extra_audio(kind, 12, 16_000, seed=1)
        assert x.shape == (12, 16_000)
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        assert np.array_equal(x[:3], extra_audio(kind, 3, 16_000, seed=1))
        level = 20 * np.log10(np.sqrt(np.mean(x**2, axis=1)))
        assert np.all(level > -60)
        assert np.all(level < -30)
    matched = extra_audio("noise", 3, 16_000, seed=1, matched=True)
    assert not np.array_equal(matched, extra_audio("noise", 3, 16_000, seed=1))
    with pytest.raises(UnknownName):
        extra_audio("music", 1, 1000, 0)


def test_description_covers_every_fault_and_attribute() -> None:
    facts = describe("synthetic-2023")
    assert tuple(facts) == MACHINES
    for machine, fact in facts.items():
        kind = PRESETS["synthetic-2023"].machines[machine]
        assert {f["name"] for f in fact["faults"]} == set(kind.faults) == set(kind.strengths)
        assert 3 <= len(fact["faults"]) <= 5
        assert all(f["what"].endswith(".") and f["where"] for f in fact["faults"])
        for texts in fact["parts"].values():
            assert all(list(attributes_of(text)) == fact["keys"] for text in texts)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"preset": "synthetic-2022"}, "unknown built-in set"),
        ({"profile": "fast"}, "unknown profile"),
        ({"machines": ("fann",)}, "did you mean 'fan'"),
        ({"preset": "synthetic-2020", "premise_off": ("shift",)}, "unknown premise"),
        ({"severity": 1.5}, "from 0 to 1"),
        ({"data_seed": -1}, "data seed"),
        ({"faults": ("rub",)}, "name the machines too"),
    ],
)
def test_specs_refuse_what_does_not_exist(change: dict, error: str) -> None:
    with pytest.raises(BadInput, match=error):
        replace(SMOKE, **change)


def test_lists_and_single_names_do_as_tuples() -> None:
    spec = Spec(profile="smoke", data_seed=100, machines=["fan"], premise_off="shift", faults=["rub"])
    assert (spec.machines, spec.premise_off, spec.faults) == (("fan",), ("shift",), ("rub",))
    assert hash(spec) == hash(replace(spec))


def test_render_refuses_training_anomalies_and_clips_outside_the_cell() -> None:
    with pytest.raises(BadInput, match="training clips"):
        render(SMOKE, "fan", "train", "source", "anomaly", 1)
    with pytest.raises(UnknownName, match="role"):
        render(SMOKE, "fan", "evaluation", "source", "normal", 1)
    with pytest.raises(BadInput, match="the cell has 3"):
        render(SMOKE, "fan", "test", "source", "normal", 2, 2, total=3)


def test_samples_that_are_not_finite_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asdbook.simulate.clips.mix", lambda *a: np.full(16_000, np.nan, np.float32))
    with pytest.raises(RunFailed, match="not finite"):
        render(SMOKE, "fan", "test", "source", "normal", 1)


@pytest.mark.parametrize("preset", ["synthetic-2020", "synthetic-2023", "synthetic-2024"])
def test_boxes_alone_are_those_of_the_truth(preset: str) -> None:
    for machine, facts in simulate.describe(preset).items():
        if facts["train_only"]:
            continue
        spec = simulate.Spec(preset, data_seed=7, profile="smoke")
        part = list(facts["parts"])[-1]
        block = simulate.render(spec, machine, "test", part, "anomaly")
        assert [simulate.boxes(spec, machine, "test", part, k) for k in range(len(block.names))] == [
            truth["boxes"] for truth in block.truth
        ]
        assert any(truth["boxes"] for truth in block.truth)
