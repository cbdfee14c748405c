"""What a system may see at test time, by year: the rest does not exist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asdbook import data
from asdbook.data.clips import Clips
from asdbook.errors import BadInput, UnknownName

from .conftest import OWN, Write, paths_2020, paths_2021, section_paths

ALL_FIELDS = {"machine", "section", "id", "domain", "split", "label", "attributes", "recording", "path", "seconds"}
ALL_FIELDS |= {"table", "frame", "notes", "year", "root", "index", "name"}
VISIBLE = {
    2020: (paths_2020(), {"machine", "id"}, data.TestClips2020),
    2021: (paths_2021(), {"machine", "section", "domain"}, data.TestClips2021),
    2022: (section_paths() + section_paths(section="01"), {"machine", "section"}, data.TestClips2022),
    2023: (section_paths(), {"machine", "section"}, data.TestClips2022),
    2024: (section_paths(), {"machine", "section"}, data.TestClips2022),
    2025: (section_paths(), {"machine", "section"}, data.TestClips2022),
    2026: (section_paths(), {"machine", "section"}, data.TestClips2022),
    None: (OWN, {"machine", "id"}, data.TestClips2020),
}


def loaded(write: Write, tmp_path: Path, year: int | None) -> data.DataSet:
    return data.load(write(VISIBLE[year][0]), cache_dir=tmp_path / "cache", year=year)


def strings_within(thing: object) -> set[str]:
    """All texts that can be reached from an object through its fields."""
    found: set[str] = set()
    for kind in type(thing).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            value = getattr(thing, slot)
            if isinstance(value, np.ndarray) and value.dtype == object:
                found |= {text for text in value if isinstance(text, str)}
            elif isinstance(value, str | Path):
                found.add(str(value))
            elif not isinstance(value, np.ndarray | int):
                found |= strings_within(value)
    return found


@pytest.mark.parametrize("year", list(VISIBLE))
def test_a_leak_is_an_attribute_error(write: Write, tmp_path: Path, year: int | None) -> None:
    _, visible, kind = VISIBLE[year]
    clips = loaded(write, tmp_path, year).test()
    assert type(clips) is kind and isinstance(clips, data.TestClips)
    for name in visible:
        assert len(getattr(clips, name)) == len(clips) > 0
    for name in ALL_FIELDS - visible:
        with pytest.raises(AttributeError):
            getattr(clips, name)
        with pytest.raises(AttributeError):  # nor can it be attached
            setattr(clips, name, ["normal"])
    assert not hasattr(clips, "__dict__")


@pytest.mark.parametrize("year", list(VISIBLE))
def test_no_secret_text_can_be_reached(write: Write, tmp_path: Path, year: int | None) -> None:
    _, visible, _ = VISIBLE[year]
    found = loaded(write, tmp_path, year)
    seen = strings_within(found.test())
    frame = found.test_table().frame
    for name in ALL_FIELDS & set(frame.columns) - visible:
        assert seen.isdisjoint(set(frame[name].dropna().astype(str)))
    assert seen == {value for name in visible for value in frame[name]}


@pytest.mark.parametrize("year", list(VISIBLE))
def test_training_clips_know_all(write: Write, tmp_path: Path, year: int | None) -> None:
    found = loaded(write, tmp_path, year)
    train, frame = found.train(), found.train_table().frame
    assert len(train) == len(frame) == (frame["split"] == "train").sum() > 0
    assert set(frame["label"]) == {"normal"}
    for name in ("machine", "section", "id", "domain", "attributes", "recording"):
        expected = frame[name].astype(object).where(frame[name].notna(), None)
        assert list(getattr(train, name)) == list(expected)
    with pytest.raises(AttributeError):
        train.label  # noqa: B018


def test_rows_and_waves_fit(write: Write, tmp_path: Path) -> None:
    found = data.load(write(section_paths()), cache_dir=tmp_path / "cache")
    for clips, table in ((found.train(), found.train_table()), (found.test(), found.test_table())):
        assert len(clips) == len(clips.waves) == len(table) == len(clips.lengths)
        everything = list(found.table.frame["path"])
        for i, path in enumerate(table.frame["path"]):
            assert np.array_equal(clips.waves.array(i), found.waves.array(everything.index(path)))
        with pytest.raises(BadInput, match="clip position"):
            clips.batch([len(table)])  # the other clips of the set are out of reach
    positions, batch = next(found.test().batches(size=5))
    assert list(positions) == [0, 1, 2, 3, 4] and batch.shape == (5, 4_000)


def test_groups(write: Write, tmp_path: Path) -> None:
    found = data.load(write(paths_2020() + paths_2020("pump", ["00"])), cache_dir=tmp_path / "cache")
    assert set(found.test().group()) == {"fan", "pump"}
    assert set(found.test().group("id")) == set(found.train().group("id")) == {"fan/00", "fan/02", "pump/00"}
    sections = data.load(write(section_paths(), "b"), cache_dir=tmp_path / "cache")
    assert set(sections.test().group("id")) == {"fan/00"}
    own = data.load(write(OWN, "c"), cache_dir=tmp_path / "cache")
    assert set(own.train().group("id")) == {"press/00"}
    with pytest.raises(UnknownName, match="unknown group 'domain'"):
        found.test().group("domain")  # type: ignore[arg-type]


def test_fields_cannot_be_changed(write: Write, tmp_path: Path) -> None:
    found = data.load(write(section_paths()), cache_dir=tmp_path / "cache")
    with pytest.raises(ValueError, match="read-only"):
        found.test().machine[0] = "other"


def test_table_of_another_length_is_refused(write: Write, tmp_path: Path) -> None:
    found = data.load(write(section_paths()), cache_dir=tmp_path / "cache")
    with pytest.raises(BadInput, match="waves for"):
        Clips(found.waves, found.test_table())
