"""New recordings: on another machine than the run's, in other formats, in folders that name a machine."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

from asdbook import cli, experiment, systems
from asdbook.errors import BadInput
from asdbook.experiment import context
from asdbook.experiment.scoring import score_files


@pytest.fixture
def run(home):
    """A run that knows the fan alone."""
    return experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fan"]).folder


def write(path, rate=16_000, channels=1, peak=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    sound = np.clip(0.3 * rng.standard_normal((rate, channels)), -1, 1) * peak
    soundfile.write(path, sound, rate, subtype="FLOAT" if peak > 1 else "PCM_16")
    return path


def test_a_run_of_another_device_is_scored_here(run, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(context, "_has_bf16", lambda kind: False)
    file = write(tmp_path / "new.wav")
    [here] = score_files(str(run), [file])
    shutil.copytree(run, tmp_path / "moved")
    record = json.loads((run / "record.json").read_text())
    record["numeric_mode"].update(device="cuda", precision="bf16")
    del record["seal"]  # of what the run wrote
    (tmp_path / "moved" / "record.json").write_text(json.dumps(record))
    told: list[str] = []
    [moved] = score_files(str(tmp_path / "moved"), [file], progress=told.append)
    assert moved == here
    assert len(told) == 2 and "computing on the CPU" in told[0] and "float32" in told[1]


def test_what_decoding_changed_is_said(run, tmp_path, capsys):
    plain, odd = write(tmp_path / "plain.wav"), write(tmp_path / "odd.wav", 48_000, 2)
    loud = write(tmp_path / "loud.wav", peak=4.0)
    results = score_files(str(run), [plain, odd, loud])
    over = int((np.abs(np.rint(soundfile.read(loud)[0] * 32_768)) > 32_768).sum())
    assert over > 0
    assert [r["treatment"] for r in results] == [
        "", "resampled from 48000 Hz, first of 2 channels", f"{over} samples clipped",
    ]  # fmt: skip
    assert cli.main(["score", str(run), str(plain)]) == 0
    assert "treatment" not in capsys.readouterr().out
    assert cli.main(["score", str(run), str(plain), str(odd)]) == 0
    out = capsys.readouterr().out
    assert "treatment" in out.splitlines()[0] and "resampled from 48000 Hz, first of 2 channels" in out


@pytest.mark.parametrize("path", ["gearbox/test/new.wav", "fan/gearbox/train/new.wav", "gearbox/test/normal/new.wav"])
def test_a_folder_of_another_machine_is_not_scored_silently(run, tmp_path, path):
    file = write(tmp_path / path)
    with pytest.raises(BadInput, match=r"'gearbox', which is not in this run.*--machine \(fan\)"):
        score_files(str(run), [file])
    assert score_files(str(run), [file], machine="fan")[0]["group"] == "fan/00"


@pytest.mark.parametrize("path", ["fan/test/new.wav", "gearbox/new.wav", "new.wav"])
def test_folders_that_name_no_other_machine_are_scored(run, tmp_path, path):
    assert score_files(str(run), [write(tmp_path / path)])[0]["group"] == "fan/00"


def test_a_network_built_for_one_length_and_rate_scores_others(home, tmp_path):
    """A file of another rate is resampled; one that is shorter or longer than the window is tiled or covered."""
    tiny = dict(systems.get("ssdm").profiles["tiny"])
    made = experiment.run("ssdm", "synthetic-2023", profile="smoke", machines=["fan"], overrides=tiny).folder
    wave = np.random.default_rng(4).standard_normal(44_100 * 3) * 0.02
    files = [tmp_path / f"{name}.wav" for name in ("short", "long", "fast")]
    for file, (rate, seconds) in zip(files, [(16_000, 0.25), (16_000, 3), (44_100, 1)]):
        soundfile.write(file, wave[: int(rate * seconds)], rate)
    found = score_files(str(made), files)
    assert all(np.isfinite(row["score"]) and row["decision"] in ("normal", "anomalous") for row in found)
    assert [row["treatment"] for row in found] == ["", "", "resampled from 44100 Hz"]
    assert score_files(str(made), files[1:2])[0]["score"] == pytest.approx(found[1]["score"], rel=1e-4)
