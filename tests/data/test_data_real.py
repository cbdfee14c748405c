"""The small cut of real recordings: counts, groups and sound as its README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asdbook import data

pytestmark = pytest.mark.real


def test_counts_and_recordings(real_data: Path) -> None:
    table = data.index(real_data)
    data.check_usable(table)
    assert (table.year, len(table)) == (2020, 540)
    assert table.machines == ("fan", "pump", "slider")
    frame = table.frame
    counts = frame.groupby(["machine", "id", "split", "label"])["recording"].agg(["size", "nunique"])
    assert len(counts) == 3 * 3 * 3
    for (_, _, split, label), row in counts.iterrows():
        expected = {"train": (24, 6), "testnormal": (16, 4), "testanomaly": (20, 5)}
        assert tuple(row) == expected[split if split == "train" else split + label]
    assert frame["recording"].nunique() == 9 * 15
    assert (frame.groupby("recording").size() == 4).all()
    assert (frame["seconds"] == 2.5).all()
    # no recording on both sides of the split
    train, test = (set(frame.loc[frame["split"] == split, "recording"]) for split in ("train", "test"))
    assert not train & test
    assert "fan/00/anomaly/3" in test


def test_sound(real_data: Path, tmp_path: Path) -> None:
    found = data.load(real_data, cache_dir=tmp_path)
    assert (found.kind, found.year, len(found.train()), len(found.test())) == ("real", 2020, 216, 324)
    assert set(found.notes) == {"layout", "year"}  # nothing was resampled, mixed down, clipped or skipped
    for i in range(0, 540, 45):
        expected = soundfile.read(real_data / found.table.frame["path"][i], dtype="int16")[0]
        assert np.array_equal(found.waves.array(i), expected)
    assert len(found.waves.groups()) == 1
    assert data.load(real_data, cache_dir=tmp_path).fingerprint == found.fingerprint
