"""Recordings of one's own from `data check` to `score` with a decision, with and without test clips."""

import json

import numpy as np
import pytest
import soundfile

from asdbook import cli, data, experiment
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.experiment.folders import all_runs

RATE = 16_000
SMOKE = ("--profile", "smoke", "--threads", "1")  # two threads on a busy machine are many times slower than one


def press(seed, broken=False, seconds=1.0):
    """A hum of 120 Hz with harmonics in noise; a broken press whistles."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(RATE * seconds)) / RATE
    sound = 0.02 * rng.standard_normal(len(time)) * rng.uniform(0.8, 1.25)
    sound += sum(0.05 / k * np.sin(2 * np.pi * 120 * k * time + rng.uniform(0, 6)) for k in range(1, 6))
    return sound + (0.05 * np.sin(2 * np.pi * 3_000 * time) if broken else 0.0)


def save(root, path, seed, broken=False, **options):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, press(seed, broken, **options), RATE, subtype="PCM_16")
    return file


@pytest.fixture
def own(tmp_path):
    """`press/train/*.wav` and `press/test/{normal,anomaly}/*.wav` with a files.csv of recordings."""
    root = tmp_path / "hall"
    names = [f"press/train/monday {i:02d}.wav" for i in range(24)]
    for i, name in enumerate(names):
        save(root, name, i)
    for i in range(6):
        names += [f"press/test/normal/tuesday {i}.wav", f"press/test/anomaly/belt {i}.wav"]
        save(root, names[-2], 100 + i)
        save(root, names[-1], 200 + i, broken=True)
    rows = [f"{name},{name.split('/')[-1].split()[0]} {i // 2}" for i, name in enumerate(names)]
    (root / "files.csv").write_text("\n".join(["file,recording", *rows]) + "\n")
    return root


@pytest.fixture
def normal_only(tmp_path):
    """What many have: normal recordings and nothing else."""
    root = tmp_path / "shop"
    for i in range(24):
        save(root, f"press/train/{i:02d}.wav", i)
    return root


def call(capsys, *arguments):
    code = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def newest():
    return records.load(all_runs()[-1])


@pytest.mark.parametrize("system", ["trivial", "autoencoder"])
def test_from_check_to_decision(own, own_home, tmp_path, capsys, system):
    code, out, _ = call(capsys, "data", "check", own)
    assert code == 0 and "layout: own recordings" in out and out.endswith("nothing wrong\n")
    code, out, _ = call(capsys, "run", system, "--data", own, *SMOKE)
    assert code == 0 and "mean AUC" in out and "press" in out and "false alarms" in out
    stored = newest()
    assert stored.record.data.kind == "real" and stored.record.data.year is None
    cell = stored.record.metrics["official"]["machines"][0]["cells"][0]
    assert (cell["normals"], cell["anomalies"]) == (6, 6) and cell["low"] <= cell["value"] <= cell["high"]
    table = stored.scores()
    assert table[table["split"] == "train"].groupby("recording").size().eq(2).all()  # both clips, or neither
    good, bad = save(tmp_path, "new/good.wav", 300), save(tmp_path, "new/bad.wav", 301, broken=True)
    code, out, _ = call(capsys, "score", stored.folder, good, bad, "--json")
    results = json.loads(out)
    assert code == 0 and [r["group"] for r in results] == ["press/00", "press/00"]
    for one in results:
        assert one["decision"] == ("anomalous" if one["score"] > one["threshold"] else "normal")
        assert "held-out normal clip" in one["unusual"]
    if system == "trivial":  # the whistle cannot be missed; the autoencoder learns little in ten steps
        assert cell["value"] == 1.0 and [r["decision"] for r in results] == ["normal", "anomalous"]


@pytest.mark.parametrize("system", ["trivial", "autoencoder"])
def test_normal_recordings_alone(normal_only, own_home, tmp_path, capsys, system):
    code, out, _ = call(capsys, "data", "check", normal_only)
    assert code == 0 and "no test clips, so no metrics (training and scoring work): press" in out
    code, out, _ = call(capsys, "run", system, "--data", normal_only, *SMOKE)
    assert code == 0 and "no labels: no metrics" in out and "note: press: no test clips" in out
    record = newest().record
    assert record.metrics == {} and record.decision["rates"] == [] and record.data.test_clips == 0
    assert np.isfinite(record.decision["machines"]["press"]["threshold"])
    bad = save(tmp_path, "new/bad.wav", 301, broken=True)
    code, out, _ = call(capsys, "score", newest().folder, bad)
    assert code == 0 and ("anomalous" in out or system == "autoencoder") and "press/00" in out
    code, out, _ = call(capsys, "records")
    assert code == 0 and system in out
    code, _, err = call(capsys, "evaluate", newest().folder)
    assert code == 2 and "no test clips" in err


def test_test_clips_without_labels_are_scored(own, own_home, capsys):
    for path in [*own.glob("press/test/*/*.wav")]:
        path.rename(own / "press/test" / path.name)
    (own / "files.csv").unlink()
    code, out, _ = call(capsys, "run", "trivial", "--data", own, *SMOKE)
    assert code == 0 and "no labels: no metrics" in out
    table = newest().scores()
    test = table[table["split"] == "test"]
    assert len(test) == 12 and test["label"].isna().all() and set(test["decision"]) == {0, 1}
    assert newest().record.metrics == {}


def test_labelled_clips_count_and_the_others_are_scored(own, own_home, capsys):
    one = own / "press/test/anomaly/belt 0.wav"
    one.rename(own / "press/test/belt 0.wav")
    save(own, "lathe/train/a.wav", 400)
    save(own, "lathe/train/b.wav", 401)
    save(own, "lathe/test/normal/c.wav", 402)
    code, out, _ = call(capsys, "run", "trivial", "--data", own, *SMOKE, "--machine", "press")
    assert code == 0 and "note: press: 1 test clips without label are scored, not evaluated" in out
    cell = newest().record.metrics["official"]["machines"][0]["cells"][0]
    assert (cell["normals"], cell["anomalies"]) == (6, 5)
    code, out, _ = call(capsys, "run", "trivial", "--data", own, *SMOKE)
    assert code == 0 and "note: lathe: no anomalous test clip, so no AUC" in out
    assert newest().record.metrics["official"]["score"]["value"] is None
    code, _, err = call(capsys, "run", "trivial", "--data", own, *SMOKE, "--machine", "mill")
    assert code == 2 and "unknown machine 'mill'" in err


def test_training_clips_are_needed(own, own_home, capsys):
    save(own, "lathe/test/normal/c.wav", 402)
    code, _, err = call(capsys, "run", "trivial", "--data", own, *SMOKE)
    assert code == 2 and "no training clips for lathe" in err


def test_official_names_keep_the_refusal(tmp_path, own_home):
    root = tmp_path / "official"
    for i in range(4):
        save(root, f"fan/train/section_00_source_train_normal_{i:04d}_n_A.wav", i)
    with pytest.raises(BadInput, match="no test clips for fan"):
        experiment.run("trivial", str(root), profile="smoke")


# --- --truth and --year ------------------------------------------------------------------------------------


@pytest.fixture
def hidden(tmp_path):
    """An evaluation machine with hidden labels, and the organisers' truth."""
    root, truth = tmp_path / "eval", tmp_path / "truth"
    for i in range(24):
        domain = "source" if i < 20 else "target"
        save(root, f"grinder/train/section_00_{domain}_train_normal_{i:04d}_noAttribute.wav", i)
    values = {"ground_truth_data": [], "ground_truth_domain": []}
    for i in range(16):
        save(root, f"grinder/test/section_00_{i:04d}.wav", 100 + i, broken=i % 2 == 1)
        values["ground_truth_data"].append(f"section_00_{i:04d}.wav,{i % 2}")
        values["ground_truth_domain"].append(f"section_00_{i:04d}.wav,{i // 8}")
    for kind, lines in values.items():
        (truth / kind).mkdir(parents=True)
        (truth / kind / "ground_truth_grinder_section_00_test.csv").write_text("\n".join(lines) + "\n")
    return root, truth


def test_truth_and_year_go_through_run(hidden, own_home, capsys):
    root, truth = hidden
    run = ("run", "trivial", "--data", root, *SMOKE)
    code, _, err = call(capsys, *run)
    assert code == 2 and "16 test clips have no label" in err and "--truth" in err
    code, out, _ = call(capsys, *run, "--truth", truth)
    assert code == 0 and "Omega 1.000" in out
    first = newest().record
    code, out, err = call(capsys, *run, "--truth", truth, "--year", "2024")
    assert code == 0 and "from the cache" not in err
    assert (first.data.year, newest().record.data.year) == (2023, 2024)
    assert data.YEARS[2024].test_fields == ("machine", "section")
    code, _, err = call(capsys, *run, "--truth", truth, "--year", "2020")
    assert code == 2 and "the year given is 2020" in err
    code, _, err = call(capsys, *run, "--truth", root / "none")
    assert code == 2 and "no such folder of truth files" in err


@pytest.mark.parametrize("option", [("--year", "2023"), ("--truth", ".")])
def test_built_in_sets_know_their_year_and_labels(own_home, capsys, option):
    code, _, err = call(capsys, "run", "trivial", "--profile", "smoke", *option)
    assert code == 2 and "leave out --year and --truth" in err


def test_a_folder_stands_for_its_files_and_unusual_files_are_named(own, own_home, tmp_path, capsys):
    (own / "press/train/zero.wav").write_bytes(b"")
    code, _, err = call(capsys, "run", "trivial", "--data", own, *SMOKE)
    assert code == 2 and "press/train/zero.wav: empty: 0 bytes" in err
    code, out, _ = call(capsys, "run", "trivial", "--data", own, *SMOKE, "--skip-bad")
    assert code == 0 and "note: 1 unusable file left out: press/train/zero.wav" in out
    run = newest().folder
    save(tmp_path, "new/a.wav", 300)
    save(tmp_path, "new/b.WAV", 301, broken=True)
    (tmp_path / "new/notes.txt").write_text("not scored")
    code, out, _ = call(capsys, "score", run, tmp_path / "new", "--json")
    assert code == 0 and [r["file"].rsplit("/", 1)[-1] for r in json.loads(out)] == ["a.wav", "b.WAV"]
    code, _, err = call(capsys, "score", run, own)
    assert code == 2 and "no .wav file in this folder" in err
