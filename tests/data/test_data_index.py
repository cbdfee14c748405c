"""The index: layouts of every year, what is known of a clip, recordings, attributes, year and truth."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from asdbook import data
from asdbook.data.files import place_of
from asdbook.errors import BadInput, UnknownName

from .conftest import OWN, Write, paths_2020, paths_2021, section_paths


def row_of(table: data.ClipTable, ending: str) -> dict[str, object]:
    rows = table.frame[table.frame["path"].str.endswith(ending)]
    assert len(rows) == 1
    row = rows.iloc[0].to_dict()
    return {key: None if pd.isna(value) else value for key, value in row.items()}


def test_2020(write: Write) -> None:
    table = data.index(write(paths_2020()))
    assert (table.year, len(table), table.machines) == (2020, 14, ("fan",))
    assert row_of(table, "test/anomaly_id_02_00000001.wav") == {
        "path": "fan/test/anomaly_id_02_00000001.wav",
        "machine": "fan",
        "section": None,
        "id": "02",
        "domain": None,
        "split": "test",
        "label": "anomaly",
        "attributes": None,
        "recording": "fan/test/anomaly_id_02_00000001",
        "seconds": 0.25,
    }


def test_2020_evaluation_names_hide_the_label(write: Write) -> None:
    table = data.index(write([*paths_2020(), "fan/test/id_01_00000003.wav", "fan/train/normal_id_01_00000000.wav"]))
    row = row_of(table, "id_01_00000003.wav")
    assert (row["label"], row["split"], row["id"]) == (None, "test", "01")


def test_2021(write: Write) -> None:
    table = data.index(write(paths_2021()))
    assert table.year == 2021
    assert row_of(table, "section_00_target_test_anomaly_0001.wav")["domain"] == "target"
    assert row_of(table, "train_normal_0002_strength_1_ambient.wav")["attributes"] == "strength_1_ambient"


def test_2021_copies_that_the_baseline_makes_are_left_out(write: Write) -> None:
    paths = paths_2021()
    root = write(paths)
    (root / "fan/test").mkdir()
    for path in paths:
        if "_test/" in path:
            shutil.copy(root / path, root / "fan/test" / path.rsplit("/", 1)[-1])
    table = data.index(root)
    assert len(table) == len(paths)
    assert table.notes["left_out"] == {"test (copies of source_test and target_test)": 8}


def test_2023_and_hidden_names(write: Write) -> None:
    hidden = ["bandsaw/train/section_00_source_train_normal_0000_vel_13.wav", "bandsaw/test/section_00_0000.wav"]
    table = data.index(write([*section_paths(), *hidden]))
    assert table.year == 2023
    row = row_of(table, "bandsaw/test/section_00_0000.wav")
    assert (row["domain"], row["label"], row["attributes"]) == (None, None, None)
    row = row_of(table, "fan/train/section_00_target_train_normal_0000_n_X.wav")
    assert (row["section"], row["id"], row["domain"], row["attributes"]) == ("00", None, "target", "n_X")


def test_concealed_and_irregular_attributes(write: Write) -> None:
    paths = [
        "slider/train/section_00_source_train_normal_0000_noAttribute.wav",
        "fan/train/section_00_source_train_normal_0000_.wav",
        "gearbox/train/section_00_source_train_normal_0000_ac_0.03_.wav",
        "RoboticArm/train/section_00_source_normal_0000_weight15_BckgF.wav",
    ]
    table = data.index(write(paths))
    assert list(table.frame["attributes"].isna()) == [False, True, False, True]
    assert row_of(table, "ac_0.03_.wav")["attributes"] == "ac_0.03"
    row = row_of(table, "weight15_BckgF.wav")
    assert (row["split"], row["label"], row["domain"]) == ("train", "normal", "source")


@pytest.mark.parametrize("prefix", ["", "dev_data/raw/", "dev_fan/", "2023/dev_data/raw/"])
def test_root_at_any_level(write: Write, prefix: str) -> None:
    table = data.index(write([prefix + path for path in section_paths()]))
    assert table.machines == ("fan",)
    assert row_of(table, "test_anomaly_0001_n_X.wav")["recording"] == (
        "fan/test/section_00_target_test_anomaly_0001_n_X"
    )


def test_root_is_the_machine_itself(write: Write) -> None:
    table = data.index(write(section_paths("bearing")) / "bearing")
    assert table.machines == ("bearing",)
    assert set(table.frame["split"]) == {"train", "test"}


def test_development_and_evaluation_side_by_side(write: Write) -> None:
    paths = ["dev_data/raw/" + path for path in paths_2020(ids=("00",))]
    paths += ["eval_data/raw/" + path for path in paths_2020(ids=("01",))]
    table = data.index(write(paths))
    assert len(table) == 14 and set(table.frame["id"]) == {"00", "01"}


def test_supplemental_and_renamed_clips_are_left_out(write: Write) -> None:
    extra = [f"AutoTrash/supplemental/section_00_machine_{i:04d}_.wav" for i in (1, 2)]
    extra += ["AutoTrash/test_rename/section_00_source_test_normal_0000_noAttribute.wav"]
    extra += ["AutoTrash/train/section_00_source_train_normal_0000_noAttribute.wav"]
    table = data.index(write(extra))
    assert len(table) == 1
    assert table.notes["left_out"] == {"supplemental": 2, "test_rename": 1}


def test_own_recordings(write: Write) -> None:
    root = write([*OWN, "press/test/wednesday.wav"])
    table = data.index(root)
    assert table.year is None
    known = ("id", "split", "label", "section", "domain", "attributes")
    assert [row_of(table, "broken belt.wav")[k] for k in known] == ["00", "test", "anomaly", None, None, None]
    assert row_of(table, "monday 1.wav")["label"] == "normal"
    assert row_of(table, "wednesday.wav")["label"] is None
    assert table.notes["layout"] == "own"


def test_hidden_files_and_links(write: Write, tmp_path: Path) -> None:
    root = write([*section_paths(), "fan/train/._section_00.wav", "__MACOSX/fan/train/x.wav"])
    os.symlink(root, root / "fan" / "back")  # a loop
    linked = tmp_path / "linked"
    linked.mkdir()
    os.symlink(root / "fan", linked / "fan")
    assert len(data.index(root)) == len(data.index(linked)) == len(section_paths())


# --- year -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "year"),
    [
        (paths_2020(), 2020),
        (paths_2021(), 2021),
        (section_paths(), 2023),
        (section_paths() + section_paths(section="01"), 2022),
        (section_paths("pump"), 2021),  # the only year of sections that has a pump
        (section_paths("grinder"), 2023),
        (section_paths("RoboticArm"), 2024),
        (section_paths("CoffeeGrinder"), 2025),
        (section_paths("press"), 2023),  # a machine of no year
        (section_paths(section="17"), 2023),  # a section of no year
        (section_paths(section="17") + section_paths(section="18"), 2022),
    ],
)
def test_inferred_year(write: Write, paths: list[str], year: int) -> None:
    table = data.index(write(paths))
    assert table.year == year
    assert table.notes["year"].startswith(str(year))


@pytest.mark.parametrize(("hidden", "year"), [("gearbox", 2024), ("bearing", 2025)])
def test_concealed_machines_tell_the_year(write: Write, hidden: str, year: int) -> None:
    paths = [f"{m}/train/section_00_source_train_normal_0000_noAttribute.wav" for m in ("slider", hidden)]
    assert data.index(write(paths)).year == year


def test_forced_year(write: Write) -> None:
    root = write(section_paths())
    assert data.index(root, year=2025).year == 2025
    with pytest.raises(BadInput, match="name of 2021 or later, the year given is 2020"):
        data.index(root, year=2020)
    with pytest.raises(BadInput, match="name of 2020, the year given is 2023"):
        data.index(write(paths_2020(), "other"), year=2023)
    with pytest.raises(UnknownName, match="unknown year '2032'"):
        data.index(root, year=2032)
    with pytest.raises(BadInput, match="has an official name: leave the year out"):
        data.index(write(OWN, "own"), year=2020)


def test_two_years_in_one_folder(write: Write) -> None:
    with pytest.raises(BadInput, match="names of 2020 and of later years in one folder: name the folder"):
        data.index(write(section_paths("fan") + paths_2020("pump")))


# --- files beside the clips -------------------------------------------------------------------------------


def test_recordings_of_files_csv(write: Write) -> None:
    root = write(paths_2020())
    lines = ["file,machine,recording", "fan/test/anomaly_id_00_00000000.wav,fan,7"]
    lines += ["fan/test/anomaly_id_00_00000001.wav,fan,7", "fan/test/normal_id_00_00000000.wav,fan,7"]
    lines += ["fan/test/gone.wav,fan,9"]
    (root / "files.csv").write_text("\n".join(lines) + "\n")
    table = data.index(root)
    recordings = table.frame.set_index("path")["recording"]
    assert recordings["fan/test/anomaly_id_00_00000000.wav"] == "fan/00/anomaly/7"
    assert recordings["fan/test/anomaly_id_00_00000001.wav"] == "fan/00/anomaly/7"
    assert recordings["fan/test/normal_id_00_00000000.wav"] == "fan/00/normal/7"
    assert recordings["fan/test/normal_id_00_00000001.wav"] == "fan/test/normal_id_00_00000001"
    assert table.notes["files.csv"] == "11 clips not listed, 1 listed files not there"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip,group\na,b\n", "expected the columns 'file' and 'recording'"),
        ("file,recording\na.wav,1\na.wav,2\n", "line 3: 'a.wav' is listed twice"),
        ("file,recording\na.wav,\n", "line 2: empty file or recording"),
    ],
)
def test_broken_files_csv(write: Write, text: str, message: str) -> None:
    root = write(paths_2020())
    (root / "files.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        data.index(root)


def test_attribute_tables_are_a_cross_check(write: Write) -> None:
    root = write(section_paths())
    names = sorted(p for p in section_paths() if "/train/" in p)
    rows = ["file_name,d1p,d1v"] + [f"{p},n,{'X' if 'target' in p else 'A'}" for p in names]
    (root / "fan/attributes_00.csv").write_text("\n".join(rows) + "\n")
    assert "attribute_mismatches" not in data.index(root).notes
    rows[1] = rows[1][:-1] + "B"  # another value
    rows[2] = rows[2].replace("0001", "0099")  # one that is not there, and so one that is not listed
    (root / "fan/attributes_00.csv").write_text("\n".join(rows) + "\n")
    table = data.index(root)
    found = table.notes["attribute_mismatches"]
    assert found["count"] == len(found["first"]) == 3
    assert "has n_A in its name, B in the table" in found["first"][0]
    assert any("0099_n_A.wav is listed and not there" in line for line in found["first"])
    assert any("0001_n_A.wav is not listed" in line for line in found["first"])
    assert row_of(table, "source_train_normal_0000_n_A.wav")["attributes"] == "n_A"  # the name counts


def test_attribute_table_spells_the_parameter_otherwise(write: Write) -> None:
    paths = ["ToyCar/train/section_00_source_train_normal_0000_car_B1_spd_31V_mic_1.wav"]
    root = write(paths)
    (root / "ToyCar/attributes_00.csv").write_text(
        f"file_name,d1p,d1v,d2p,d2v,d3p,d3v\n{paths[0]},car,B1,speed,31V,mic,1\n"
    )
    assert "attribute_mismatches" not in data.index(root).notes


def test_truth_of_hidden_names(write: Write, tmp_path: Path) -> None:
    hidden = [f"grinder/test/section_00_{i:04d}.wav" for i in range(4)]
    root = write([*section_paths("grinder", test=0), *hidden])
    truth = tmp_path / "truth"
    for kind, values in (("ground_truth_data", (0, 1, 0, 1)), ("ground_truth_domain", (0, 0, 1, 1))):
        (truth / kind).mkdir(parents=True)
        lines = [f"section_00_{i:04d}.wav,{value}" for i, value in enumerate(values)]
        (truth / kind / "ground_truth_grinder_section_00_test.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInput, match="4 test clips have no label"):
        data.check_usable(data.index(root))
    table = data.index(root, truth=truth)
    test = table.select(split="test").frame
    assert list(test["label"]) == ["normal", "anomaly", "normal", "anomaly"]
    assert list(test["domain"]) == ["source", "source", "target", "target"]
    data.check_usable(table)


def test_truth_list_of_2020(write: Write, tmp_path: Path) -> None:
    root = write(["fan/train/normal_id_01_00000000.wav", *(f"fan/test/id_01_{i:08d}.wav" for i in (0, 1))])
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/eval_data_list.csv").write_text(
        "fan\nid_01_00000000.wav,normal_id_01_00000098.wav,0\nid_01_00000001.wav,anomaly_id_01_00000003.wav,1\n"
        "pump\nid_01_00000000.wav,anomaly_id_01_00000098.wav,1\n"
    )
    test = data.index(root, truth=tmp_path / "truth").select(split="test").frame
    assert list(test["label"]) == ["normal", "anomaly"]


@pytest.mark.parametrize(
    ("line", "message"),
    [("section_00_0000.wav,2", "expected 'file,0' or 'file,1'"), ("section_00_0000.wav", "expected 'file,0'")],
)
def test_broken_truth(write: Write, tmp_path: Path, line: str, message: str) -> None:
    root = write(section_paths("grinder"))
    folder = tmp_path / "truth/ground_truth_data"
    folder.mkdir(parents=True)
    with pytest.raises(BadInput, match="no truth for grinder"):
        data.index(root, truth=tmp_path / "truth")
    (folder / "ground_truth_grinder_section_00_test.csv").write_text(line + "\n")
    with pytest.raises(BadInput, match=message):
        data.index(root, truth=tmp_path / "truth")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fan\n\nid_01_00000000.wav,normal_id_01_00000098.wav,1\n", "line 3: label '1' of normal_id"),
        ("fan\nid_01_00000000.wav,normal_id_01_00000098.wav,2\n", "line 2: label '2'"),
        ("fan\n" + "id_01_00000000.wav,normal_id_01_00000098.wav\n" * 2, "line 3: id_01_00000000.wav is listed twice"),
        ("id_01_00000000.wav,normal_id_01_00000098.wav\n", "line 1: expected 'hidden name,true name"),
        ("fan\nid_01_00000000.wav,other.wav\n", "line 2: "),
    ],
)
def test_broken_truth_list(write: Write, tmp_path: Path, text: str, message: str) -> None:
    root = write(["fan/train/normal_id_01_00000000.wav", "fan/test/id_01_00000000.wav"])
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/eval_data_list.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        data.index(root, truth=tmp_path / "truth")


# --- the table --------------------------------------------------------------------------------------------


def test_table_cannot_be_changed_from_outside(write: Write) -> None:
    table = data.index(write(section_paths()))
    frame = table.frame
    frame["label"] = "anomaly"
    frame.drop(frame.index, inplace=True)
    assert len(table) == len(section_paths()) and set(table.frame["label"]) == {"normal", "anomaly"}
    with pytest.raises(AttributeError):
        table.frame = frame  # type: ignore[misc]


def test_select(write: Write) -> None:
    table = data.index(write(section_paths() + section_paths("gearbox")))
    assert len(table.select(machine="fan")) == len(section_paths())
    part = table.select(machine=["fan", "gearbox"], split="test", domain="target")
    assert set(part.frame["domain"]) == {"target"} and part.machines == ("fan", "gearbox")
    assert len(table.select(id=None)) == len(table)
    assert part.root == table.root and part.year == table.year
    with pytest.raises(UnknownName, match="unknown column 'lable': did you mean 'label'"):
        table.select(lable="normal")


def test_table_survives_csv(write: Write, tmp_path: Path) -> None:
    paths = [*section_paths(), "fan/train/section_00_source_train_normal_0009_panel_None.wav"]
    paths += ["fan/train/section_00_source_train_normal_0010_NA.wav"]  # an attribute, no missing value
    table = data.index(write(paths))
    table.write_csv(tmp_path / "clips.csv")
    again = data.ClipTable.read_csv(tmp_path / "clips.csv", year=table.year)
    pd.testing.assert_frame_equal(table.frame, again.frame)
    assert row_of(again, "0010_NA.wav")["attributes"] == "NA"
    assert json.dumps(table.notes)  # notes go into records


def test_places() -> None:
    root = Path("/somewhere/valve")
    assert place_of("clip.wav", root) is None
    assert place_of("fan/clip.wav", root) is None
    assert place_of("fan/train/deeper/clip.wav", root) is None
    place = place_of("train/clip.wav", root)
    assert place is not None and (place.machine, place.split) == ("valve", "train")
    place = place_of("a/fan/Test/Abnormal/clip.wav", root)
    assert place is not None and (place.machine, place.split, place.label) == ("fan", "test", "anomaly")
