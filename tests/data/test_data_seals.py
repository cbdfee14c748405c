"""A stored set that is not what was written does not pass for whole; a copied one does."""

import json
import shutil

import numpy as np
import pytest

from asdbook import data
from asdbook.errors import BadInput

NAMES = [f"fan/train/section_00_source_train_normal_{i:04d}_speed_{i}.wav" for i in range(5)]


@pytest.fixture
def folder(tmp_path):
    audio = np.random.default_rng(0).integers(-999, 999, (5, 4000)).astype(np.int16)
    data.build(tmp_path / "set", name="five", year=2023, blocks=[(NAMES, audio)])
    return tmp_path / "set"


def change(path, position):
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["set.json", "clips.csv", "spans.npy", "waves.i16"])
@pytest.mark.parametrize("position", [0, 77, 200, 333, -9, -2])
def test_a_changed_byte_is_noticed_wherever_it_lies(folder, name, position):
    change(folder / name, position)
    with pytest.raises(BadInput, match="delete the folder, it is made again"):
        data.open_set(folder)


@pytest.mark.parametrize("name", ["clips.csv", "spans.npy", "waves.i16"])
def test_a_missing_file_is_noticed(folder, name):
    (folder / name).unlink()
    with pytest.raises(BadInput, match="delete the folder"):
        data.open_set(folder)


def test_a_copy_with_other_times_is_the_same_set(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    for path in (tmp_path / "copy").iterdir():
        path.touch()
    assert data.open_set(tmp_path / "copy").fingerprint == data.open_set(folder).fingerprint


def test_a_set_of_before_the_seals_still_opens(folder):
    about = json.loads((folder / "set.json").read_text())
    for key in ("files", "seal"):
        del about[key]
    (folder / "set.json").write_text(json.dumps(about))
    assert len(data.open_set(folder).table) == 5
    del about["content"]
    (folder / "set.json").write_text(json.dumps(about))
    with pytest.raises(BadInput, match="lacks content"):
        data.open_set(folder)
