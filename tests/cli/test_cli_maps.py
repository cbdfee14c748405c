"""`asdbook score --maps`: a map and a picture of each file, whatever the files are called, or a clear word why not."""

from __future__ import annotations

import json
import sys
import types
import warnings

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from asdbook import cli, experiment, simulate, systems
from asdbook.features import LogMel
from asdbook.report import anomaly_maps, fault_maps
from asdbook.systems.base import MapGrid
from asdbook.systems.trivial import Trivial

RATE, TONE, START = 16_000, 2600.0, 0.5


class Mapper(Trivial):
    """The trivial detector with a map: cells above -40 dB are anomalous."""

    name, map_grid = "mapper", MapGrid()

    def maps(self, clips, ctx):
        log_mel = LogMel()
        return [torch.sigmoid(log_mel(clips.batch([k]))[0].T + 40).numpy() for k in range(len(clips))]


@pytest.fixture
def run(home, monkeypatch):
    """A run of a system with maps."""
    module = types.ModuleType("asdbook_mapper_of_this_test")
    module.Mapper = Mapper
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(systems.BUILT_IN, "mapper", f"{module.__name__}:Mapper")
    return experiment.run("mapper", "synthetic-2023", profile="smoke", machines=["fan"]).folder


def write(path, seconds=1.0):
    """Silence, and from `START` on a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(RATE * seconds)) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * TONE * time) * (time >= START), RATE)
    return path


def call(capsys, *arguments):
    code = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_maps_say_where_in_time_and_frequency(run, tmp_path, capsys):
    files = [write(tmp_path / "one.wav"), write(tmp_path / "two.wav", 1.7)]  # of different length
    code, out, _ = call(capsys, "score", run, *files, "--maps", tmp_path / "maps")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4 and lines[0].startswith("file")
    assert lines[-1] == f"maps (npz and png) of 2 files: {tmp_path / 'maps'}"
    _, plain, _ = call(capsys, "score", run, *files)
    assert lines[:-1] == plain.splitlines()
    found = sorted((tmp_path / "maps").iterdir())
    assert [path.name[:4] for path in found] == ["one-", "one-", "two-", "two-"]
    for arrays, seconds in zip(found[::2], (1.0, 1.7)):
        with np.load(arrays, allow_pickle=False) as kept:
            values, time, hertz, score = (kept[key] for key in ("map", "seconds", "hertz", "score"))
        assert values.dtype == np.float32 and values.shape == (128, len(time)) == (128, 1 + int(seconds * RATE) // 512)
        tone = values[np.argmax(values.sum(1))] > 0.5
        assert np.abs(hertz[np.argmax(values.sum(1))] - TONE) < 100 and np.isfinite(score)
        assert np.abs(time[tone].min() - START) <= 0.032 and time[tone].max() > seconds - 0.1
        assert Image.open(arrays.with_suffix(".png")).size[0] > 500


def test_files_of_one_name_do_not_overwrite_each_other(run, tmp_path, capsys):
    files = [write(tmp_path / folder / "new.wav") for folder in ("a", "b")]
    odd = write(tmp_path / "$x^2$ 泵\n.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the font has not all letters
        code, out, _ = call(capsys, "score", run, *files, odd, "--maps", tmp_path / "maps", "--json")
    rows = json.loads(out)
    assert code == 0 and len({row["map"] for row in rows}) == 3
    assert len(list((tmp_path / "maps").iterdir())) == 6
    before = {path.name for path in (tmp_path / "maps").iterdir()}
    assert call(capsys, "score", run, *files, odd, "--maps", tmp_path / "maps")[0] == 0  # again: the same names
    assert {path.name for path in (tmp_path / "maps").iterdir()} == before


def test_a_system_without_maps_says_so_before_anything_is_done(home, tmp_path, capsys):
    made = experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fan"]).folder
    code, out, err = call(capsys, "score", made, tmp_path / "missing.wav", "--maps", tmp_path / "maps")
    assert code == 2 and out == "" and not (tmp_path / "maps").exists()
    assert err.strip().endswith("system trivial makes no anomaly maps: use one that does (auddsr)")
    assert len(err.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_refused_before_scoring(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Trivial, "score", lambda *_: pytest.fail("scored"))
    write(tmp_path / "file.wav")
    for folder in (tmp_path / "file.wav", tmp_path / "file.wav" / "maps"):
        code, _, err = call(capsys, "score", run, tmp_path / "file.wav", "--maps", folder)
        assert code == 3 and len(err.splitlines()) == 1 and "name another folder" in err


def test_a_full_disk_leaves_no_half_file(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(anomaly_maps, "check_folder", lambda folder: folder.mkdir())

    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(anomaly_maps.Path, "write_bytes", full)
    code, _, err = call(capsys, "score", run, write(tmp_path / "a.wav"), "--maps", tmp_path / "maps")
    assert code == 3 and "No space left on device" in err and not list((tmp_path / "maps").iterdir())


def test_a_map_that_does_not_fit_its_grid_is_an_error(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Mapper, "maps", lambda self, clips, ctx: [np.zeros((64, 32), np.float32)] * len(clips))
    code, _, err = call(capsys, "score", run, write(tmp_path / "a.wav"), "--maps", tmp_path / "maps")
    assert code == 3 and "(64, 32)" in err and "(128, 32)" in err


@pytest.fixture
def tiny(home):
    """A run of auddsr."""
    tiny = dict(systems.get("auddsr").profiles["tiny"])
    return experiment.run("auddsr", "synthetic-2020", profile="smoke", machines=["fan"], overrides=tiny)


def test_auddsr_makes_maps(tiny, tmp_path, capsys):
    files = [write(tmp_path / "one.wav"), write(tmp_path / "two.wav", 1.7)]
    code, out, _ = call(capsys, "score", tiny.folder, *files, "--id", "00", "--maps", tmp_path / "maps", "--json")
    assert code == 0
    for row, seconds in zip(json.loads(out), (1.0, 1.7)):
        with np.load(row["map"], allow_pickle=False) as kept:
            assert kept["map"].shape == (len(kept["hertz"]), 1 + int(seconds * RATE) // 512)
            assert 0 <= kept["map"].min() <= kept["map"].max() <= 1
            assert kept["map"].mean() == pytest.approx(row["score"], rel=1e-3)  # the score is the map's mean


def test_maps_in_a_record_of_auddsr_are_compared_with_the_truth(tiny):
    found = fault_maps.pointing([tiny])
    names = {one.name for one in found.places} | set(found.nowhere)
    assert found.places and names <= {f"fan, {f['name']}" for f in simulate.describe("synthetic-2020")["fan"]["faults"]}
    assert all(0 <= one.inside <= 1 and one.gain.value == one.gain.value for one in found.places)
