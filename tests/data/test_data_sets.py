"""Data sets: fingerprint, cache, kinds, arrays against files, selection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from asdbook import data
from asdbook.data import loading
from asdbook.data.names import name_2020, name_2023
from asdbook.errors import BadInput, UnknownName

from .conftest import RATE, Write, paths_2020, section_paths, sound


def test_second_time_decodes_nothing(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(section_paths())
    first = data.load(root, cache_dir=tmp_path / "cache")

    def never(*_: object) -> None:
        raise AssertionError("opened a sound file again")

    monkeypatch.setattr(loading, "decode", never)
    monkeypatch.setattr(loading, "add_headers", never)
    again = data.load(root, cache_dir=tmp_path / "cache")
    assert again.fingerprint == first.fingerprint and again.notes == first.notes
    assert again.table.root == root
    pd.testing.assert_frame_equal(again.table.frame, first.table.frame)


def test_fingerprint_stays(write: Write, tmp_path: Path) -> None:
    root = write(section_paths())
    cache = tmp_path / "cache"
    first = data.load(root, cache_dir=cache)
    assert len(first.fingerprint) == 64 and int(first.fingerprint, 16)
    moved = tmp_path / "moved/dev_data/raw"
    shutil.copytree(root, moved)
    for file in moved.rglob("*.wav"):
        os.utime(file, (1, 1))
    assert data.load(moved, cache_dir=cache).fingerprint == first.fingerprint
    assert data.load(tmp_path / "moved", cache_dir=cache).fingerprint == first.fingerprint
    assert data.load(root, cache_dir=cache, name="other").fingerprint == first.fingerprint
    assert data.load(root, cache_dir=tmp_path / "elsewhere").fingerprint == first.fingerprint


def one_sample(root: Path) -> None:
    file = root / section_paths()[0]
    samples = soundfile.read(file, dtype="int16")[0]
    samples[5] += 1
    soundfile.write(file, samples, RATE)


def swap(root: Path) -> None:
    a, b = (root / path for path in section_paths()[:2])
    content = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(content)


def rename(root: Path) -> None:
    file = root / section_paths()[0]
    file.rename(file.with_name(file.name.replace("n_A", "n_B")))


def remove(root: Path) -> None:
    (root / section_paths()[0]).unlink()


def group(root: Path) -> None:
    rows = [f"{path},1" for path in section_paths() if "source_test_normal" in path]
    (root / "files.csv").write_text("file,recording\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("change", [one_sample, swap, rename, remove, group])
def test_fingerprint_changes(write: Write, tmp_path: Path, change) -> None:
    root = write(section_paths())
    for file in root.rglob("*.wav"):
        os.utime(file, (1, 1))  # so that a change within the clock's resolution is seen
    before = data.load(root, cache_dir=tmp_path / "cache").fingerprint
    change(root)
    assert data.load(root, cache_dir=tmp_path / "cache").fingerprint != before


def test_arrays_and_files_give_the_same_set(write: Write, tmp_path: Path) -> None:
    paths = section_paths()
    audio = np.stack([sound(seed) for seed in range(len(paths))])
    blocks = [(data.rows_of(paths[6:]), audio[6:]), (paths[:6], audio[:6])]  # in another order
    built = data.build(tmp_path / "built", name="synthetic-2023", year=2023, blocks=blocks)
    read = data.load(write(paths), cache_dir=tmp_path / "cache")
    assert built.fingerprint == read.fingerprint
    pd.testing.assert_frame_equal(built.table.frame, read.table.frame)
    assert all(np.array_equal(built.waves.array(i), read.waves.array(i)) for i in range(len(paths)))
    assert (built.kind, read.kind) == ("synthetic", "real")


def test_build_opens_what_is_there(tmp_path: Path) -> None:
    def never():
        raise AssertionError("generated again")
        yield

    blocks = [([f"fan/train/{name_2020('normal', '00', 0)}"], sound(0)[None])]
    first = data.build(tmp_path / "s", name="x", year=2020, blocks=blocks, fingerprint="f00d", notes={"a": 1})
    again = data.build(tmp_path / "s", name="x", year=2020, blocks=never())
    assert first.fingerprint == again.fingerprint == "f00d"
    assert again.notes == {"a": 1} and again.folder == tmp_path / "s"


def test_rows_of() -> None:
    names = [f"fan/test/{name_2023('00', 'source', 'test', 'anomaly', 3, {'n': 'A'})}"]
    row = data.rows_of(names, ["r7"]).iloc[0]
    assert (row["machine"], row["split"], row["label"], row["attributes"]) == ("fan", "test", "anomaly", "n_A")
    assert row["recording"] == "r7"
    assert data.rows_of(names).iloc[0]["recording"] == names[0].removesuffix(".wav")
    for bad in ("x.wav", "fan/valid/x.wav", "fan/train/x.wav", "/fan/train/id_00_00000000.wav"):
        with pytest.raises(BadInput):
            data.rows_of([bad])


@pytest.mark.parametrize(
    ("audio", "count"),
    [
        (np.zeros((2, 10), np.float32), 2),
        (np.zeros((3, 10), np.int16), 2),
        (np.zeros(10, np.int16), 2),
    ],
)
def test_build_refuses_blocks_that_do_not_fit(tmp_path: Path, audio: np.ndarray, count: int) -> None:
    with pytest.raises(BadInput, match="a block of 2 rows needs int16 audio, got"):
        data.build(tmp_path / "s", name="x", year=2023, blocks=[(section_paths()[:count], audio)])
    assert not list(tmp_path.glob("*/set.json")) and not (tmp_path / ".s.part").exists()


def test_build_refuses_duplicates_and_nothing(tmp_path: Path) -> None:
    paths = section_paths()[:2]
    audio = np.zeros((2, 10), np.int16)
    with pytest.raises(BadInput, match="occurs twice"):
        data.build(tmp_path / "s", name="x", year=2023, blocks=[(paths, audio), (paths, audio)])
    with pytest.raises(BadInput, match="nothing to build"):
        data.build(tmp_path / "s", name="x", year=2023, blocks=[])


def test_kind(write: Write, tmp_path: Path) -> None:
    root = write(section_paths())
    cache = tmp_path / "cache"
    assert data.load(root, cache_dir=cache).kind == "real"  # official names alone make no official set
    assert data.load(root, cache_dir=cache, kind="official").kind == "official"
    data.write_mark(root, "synthetic-2023")
    marked = data.load(root, cache_dir=cache)
    assert (marked.kind, marked.name) == ("synthetic", "synthetic-2023")
    data.write_mark(root, "synthetic-2020", ["ids", "groups"])  # no set for the usual one's records
    marked = data.load(root, cache_dir=cache)
    assert (marked.kind, marked.name) == ("synthetic", "synthetic-2020 without groups and ids")
    (root / "asdbook-set.json").write_text("[")
    with pytest.raises(BadInput, match=r"asdbook-set\.json: cannot be read"):
        data.load(root, cache_dir=cache)


def test_published_numbers_make_an_official_set(write: Write, tmp_path: Path) -> None:
    whole = paths_2020("fan", ["00"]) + [f"fan/train/{name_2020('normal', '00', i)}" for i in range(3, 911)]
    assert data.load(write(whole), cache_dir=tmp_path / "cache").kind == "official"
    other = [path.replace("fan/", "press/") for path in whole]  # as many clips of a machine of no year
    assert data.load(write(other, "other"), cache_dir=tmp_path / "cache").kind == "real"


def test_select(write: Write, tmp_path: Path) -> None:
    found = data.load(write(section_paths() + section_paths("gearbox")), cache_dir=tmp_path / "cache")
    part = found.select(["gearbox"])
    assert part.table.machines == ("gearbox",) and len(part.waves) == len(section_paths())
    assert part.fingerprint != found.fingerprint
    assert set(part.train().machine) == {"gearbox"}
    at = list(found.table.frame["path"]).index(part.table.frame["path"].iloc[0])
    assert np.array_equal(part.waves.array(0), found.waves.array(at))
    assert found.select(["gearbox", "fan"]) is found
    with pytest.raises(UnknownName, match="unknown machine 'gearbos': did you mean 'gearbox'"):
        found.select(["gearbos"])


def test_a_set_holds_no_path_of_the_machine(write: Write, tmp_path: Path) -> None:
    root = write([f"dev_data/{path}" for path in section_paths()])
    folder = data.load(root, cache_dir=tmp_path / "cache").folder
    assert folder is not None
    text = (folder / "set.json").read_text() + (folder / "clips.csv").read_text()
    assert str(tmp_path) not in text and str(root.parent) not in text


def test_name_that_is_no_path(write: Write, tmp_path: Path) -> None:
    found = data.load(write(section_paths()), cache_dir=tmp_path / "cache", name="../../<b>set</b>")
    assert found.name == "../../<b>set</b>"
    assert found.folder is not None and found.folder.parent == tmp_path / "cache"


def test_loading_needs_no_torch(write: Write, tmp_path: Path) -> None:
    root = write(section_paths())
    code = (
        "import sys; from asdbook import data\n"
        f"found = data.load({str(root)!r}, cache_dir={str(tmp_path / 'cache')!r})\n"
        "found.train(), found.test(), data.check_usable(found.table)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_public_names_exist() -> None:
    assert all(hasattr(data, name) for name in data.__all__)
    assert sorted(data.__all__) == sorted(data._HOME_OF)
    assert callable(data.index) and callable(data.load)
    with pytest.raises(AttributeError):
        data.lode  # noqa: B018
