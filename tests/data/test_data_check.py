"""`data.check`: every kind of damage named at once, gaps against the inventory, silence on generated sets."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asdbook import cli, data, papers, simulate
from asdbook.data import hearing, inventory
from asdbook.errors import BadInput, UnknownName

from .conftest import OWN, RATE, Write, section_paths, sound

TRAIN = "fan/train/section_00_source_train_normal_{:04d}_n_A.wav"
TEST = "fan/test/section_00_source_test_normal_{:04d}_n_A.wav"


def everything(report: data.Report) -> str:
    wrong = [f"{finding.kind} | {finding.text}" for finding in (*report.missing, *report.damaged)]
    return "\n".join([*report.summary, *wrong, *report.remarks])


def floats(file: Path, samples: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(file, samples, rate, subtype="FLOAT")


@pytest.fixture
def ruin(write: Write, tmp_path: Path) -> tuple[Path, list[str]]:
    """A folder with more than twenty kinds of damage, and what a check must say of each."""
    paths = section_paths("fan", train=30)
    paths += [path for machine in ("bearing", "gearbox", "slider") for path in section_paths(machine)]
    root = write([p for p in paths if not p.startswith(("slider/train", "bearing/test"))])
    say: list[str] = []

    def spoil(i: int, reason: str) -> Path:
        say.append(f"{TRAIN.format(i)}: {reason}")
        return root / TRAIN.format(i)

    spoil(0, "unreadable: ").write_text("this is no sound")
    spoil(1, "empty: 0 bytes").write_bytes(b"")
    soundfile.write(spoil(2, "empty: no samples"), np.zeros(0, np.int16), RATE)
    file = spoil(3, "truncated: the last 1000 bytes")
    file.write_bytes(file.read_bytes()[:-1000])
    floats(spoil(4, "not finite: sample 17 is nan"), np.where(np.arange(4000) == 17, np.nan, 0.1))
    floats(spoil(5, "not finite: sample 0 is inf"), np.full(4000, np.inf))
    soundfile.write(spoil(6, "too short: 0.19994 s"), sound(0, 3199), RATE)
    soundfile.write(spoil(7, "silent: all samples are equal"), np.zeros(4000, np.int16), RATE)
    soundfile.write(spoil(8, "clipped: "), np.clip(sound(8).astype(int) * 3, -32768, 32767).astype(np.int16), RATE)
    file = spoil(9, "unreadable: ")
    file.unlink()
    file.symlink_to("nowhere.wav")
    file = root / TRAIN.format(10)
    soundfile.write(file, sound(10, 12_000), 48_000)
    say.append("48000 Hz in 1 clips: resampled to 16000 Hz")
    soundfile.write(root / TRAIN.format(11), np.stack([sound(11), sound(12)], axis=1), RATE)
    say.append("2 channels in 1 clips: the first is used")
    (root / TEST.format(0)).write_bytes((root / TRAIN.format(12)).read_bytes())
    say.append(f"{TEST.format(0)} and {TRAIN.format(12)}: the same sound in training and test")
    anomaly = TEST.format(1).replace("normal", "anomaly")
    (root / anomaly).write_bytes((root / TEST.format(1)).read_bytes())
    say.append(f"{anomaly} and {TEST.format(1)}: the same sound as normal and as anomaly")
    more = {
        "fan/train/holiday.wav": "name outside the official grammar",
        "fan/train/normal_id_00_00000001.wav": "name of 2020, the year of the set is 2022",
        "fan/outside.wav": "outside train/ and test/ folders",
        TRAIN.format(31).replace("normal", "anomaly"): "an anomaly among the training clips",
        "fan/train/section_00_source_test_normal_0040_n_A.wav": "the name says test, the folder train",
        "copy/" + TRAIN.format(13): "",
        "fan/test/section_00_0007.wav": "",
        "fan/test/section_02_source_test_normal_0000_n_A.wav": "",
    }
    write(more, first_seed=500)
    say += [f"{path}: {reason}" for path, reason in more.items() if reason]
    say += [
        "names of 2020 and of later years in one folder",
        f"1 clip names occur more than once (copy/{TRAIN.format(13)} and {TRAIN.format(13)})",
        "slider (section 00): no training clips",
        "bearing (section 00): no test clips",
        "fan (section 02): no training clips",
        "fan (section 00): 1 of 9 test clips have no label: fan/test/section_00_0007.wav",
        "fan (section 02): no anomalous test clip",
        "few training clips, thresholds will be rough: ",
    ]
    (root / "fan/train/old.mp3").write_bytes(b"ID3")
    (root / "fan/train/notes.txt").write_text("notes")
    (root / "valve/train").mkdir(parents=True)
    (root / "fan/loop").symlink_to(root / "fan")
    say += [
        "fan/train/old.mp3: sound in another format (.mp3)",
        "1 other files beside the clips are ignored: fan/train/notes.txt",
        "valve/train: a folder without any .wav file",
        "fan/loop: a link to a folder that is read already",
    ]
    with open(root / "fan/attributes_00.csv", "w", newline="") as out:
        rows = [["fan/" + "/".join(p.split("/")[1:]), "n", "B"] for p in section_paths("fan", train=30)]
        csv.writer(out).writerows([["file_name", "d1p", "d1v"], *rows, ["fan/train/gone.wav", "n", "A"]])
    say += ["has n_A in its name, B in the table", "train/gone.wav is listed and not there"]
    with open(root / "files.csv", "w", newline="") as out:
        rows = [[TRAIN.format(14), "monday"], [TEST.format(1), "monday"], ["fan/train/lost.wav", "sunday"]]
        csv.writer(out).writerows([["file", "recording"], *rows])
    say += [
        "files.csv: fan/train/lost.wav is listed and not there",
        "clips of recording fan/00/normal/monday are in training and in test",
        "clips are not listed in files.csv",
    ]
    (root / "asdbook-set.json").write_text("{")
    say += ["asdbook-set.json: cannot be read"]
    return root, say


def test_every_kind_of_damage_is_named_at_once(ruin: tuple[Path, list[str]]) -> None:
    root, expected = ruin
    before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
    report = data.check(root)
    text = everything(report)
    assert not report.clean
    assert [line for line in expected if line not in text] == []
    assert len({finding.kind for finding in (*report.missing, *report.damaged)}) >= 20
    against = everything(data.check(root, against=2023))
    for line in (
        "machine ToyCar (development set)",
        "slider section 00: 0 training clips, published 1000",
        "fan section 02: not in the published inventory of 2023",
        "nothing of the evaluation set of 2023 is here",
    ):
        assert line in against
    assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


def test_the_command_names_all_and_exits_2(ruin: tuple[Path, list[str]], own_home: Path, capsys) -> None:
    root, expected = ruin
    assert cli.main(["data", "check", str(root), "--all"]) == 2
    out = capsys.readouterr().out
    assert [line for line in expected if line not in out] == []
    assert "things are wrong" in out and "Traceback" not in out
    assert cli.main(["data", "check", str(root), "--json"]) == 2
    content = json.loads(capsys.readouterr().out)
    assert content["clean"] is False and content["table"][1]["machine"] == "fan"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_files_and_folders_that_may_not_be_read(write: Write) -> None:
    root = write(section_paths(train=30) + section_paths("gearbox", train=30))
    (root / TRAIN.format(0)).chmod(0)
    (root / "gearbox/test").chmod(0)
    text = everything(data.check(root))
    (root / "gearbox/test").chmod(0o755)
    assert f"{TRAIN.format(0)}: unreadable" in text
    assert "gearbox/test: a folder that cannot be opened: Permission denied" in text


def test_a_file_name_that_is_no_text(write: Write) -> None:
    root = write(section_paths(train=30))
    try:
        Path(os.fsdecode(bytes(root) + b"/fan/train/\xff.wav")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    (root / TRAIN.format(0)).write_bytes(b"")
    text = everything(data.check(root))
    assert "is not UTF-8: rename it" in text and "empty: 0 bytes" in text


@pytest.mark.parametrize("preset", sorted(simulate.PRESETS))
def test_silent_on_generated_sets(preset: str, own_home: Path, tmp_path: Path, capsys) -> None:
    folder = str(tmp_path / "set")
    machines = [x for m in list(simulate.PRESETS[preset].machines)[-2:] for x in ("--machine", m)]
    assert cli.main(["data", "synth", folder, "--preset", preset, "--profile", "smoke", *machines]) == 0
    assert cli.main(["data", "check", folder]) == 0
    assert capsys.readouterr().out.endswith("nothing wrong\n")


def test_silent_on_real_recordings(real_data: Path) -> None:
    report = data.check(real_data)
    assert report.clean and report.remarks == []
    assert "540 wav files, 540 usable, 22.5 min, 3 machine types" in report.summary
    assert report.rows[1] == ["fan", "00", "24", "16", "20", "0", "2.5"]


def test_own_recordings(write: Write) -> None:
    report = data.check(write([*OWN, "lathe/train/a.wav", "lathe/train/b.wav"]))
    assert report.clean
    assert report.summary[0] == "layout: own recordings (no official names)"
    assert "no test clips, so no metrics (training and scoring work): lathe" in report.remarks


def test_hidden_labels_are_a_remark_and_truth_fills_them(write: Write, tmp_path: Path) -> None:
    root = write(
        [p.replace("fan", "grinder") for p in section_paths(train=30) if "/train/" in p]
        + [f"grinder/test/section_00_{i:04d}.wav" for i in range(4)]
    )
    report = data.check(root)
    assert report.clean and "the labels of all 4 test clips are hidden" in everything(report)
    for kind, values in (("ground_truth_data", "0101"), ("ground_truth_domain", "0011")):
        (tmp_path / "truth" / kind).mkdir(parents=True)
        lines = [f"section_00_{i:04d}.wav,{value}" for i, value in enumerate(values)]
        (tmp_path / "truth" / kind / "ground_truth_grinder_section_00_test.csv").write_text("\n".join(lines) + "\n")
    report = data.check(root, truth=tmp_path / "truth")
    assert report.clean and report.rows[1][3:6] == ["1 + 1", "1 + 1", "0"]
    broken = tmp_path / "truth/ground_truth_data/ground_truth_grinder_section_00_test.csv"
    broken.write_text("section_00_0000.wav,2\n")
    assert "line 1: expected 'file,0' or 'file,1'" in everything(data.check(root, truth=tmp_path / "truth"))


def test_what_cannot_be_checked_at_all(tmp_path: Path, write: Write) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        data.check(tmp_path / "none")
    with pytest.raises(UnknownName, match="inventory"):
        data.check(write(section_paths()), against=2026)


# --- sounds -----------------------------------------------------------------------------------------------


def test_flat_tops_are_counted_as_a_loop_counts_them() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        samples = rng.choice(np.array([-32768, -32767, 0, 5, 32767], np.int16), 60)
        expected, i = 0, 0
        while i < len(samples):
            side = 1 if samples[i] == 32767 else (-1 if samples[i] <= -32767 else 0)
            j = i
            while j < len(samples) and side == (1 if samples[j] == 32767 else (-1 if samples[j] <= -32767 else 0)):
                j += 1
            expected += (j - i) if side and j - i >= 3 else 0
            i = j
        assert hearing._flat_tops(samples) == expected


def test_a_loud_sine_is_not_clipped_and_a_cut_one_is(tmp_path: Path) -> None:
    time = np.arange(RATE) / RATE
    sine = np.sin(2 * np.pi * 100 * time)
    for gain, clipped in ((0.9999, False), (1.5, True)):
        soundfile.write(tmp_path / "a.wav", np.clip(gain * sine, -1, 1), RATE, subtype="PCM_16")
        assert (hearing.hear(tmp_path / "a.wav").clipped >= hearing.CLIPPED_SHARE) is clipped


# --- inventory --------------------------------------------------------------------------------------------


def rows_of(entry: inventory.Entry, hidden: bool = False) -> list[dict[str, object]]:
    """As many rows as published, in the middle of what is allowed; of hidden test clips the names alone."""
    unit = {"id": None, "section": entry.unit} if entry.cells[0].domain else {"id": entry.unit, "section": None}
    rows: list[dict[str, object]] = []
    for cell in entry.cells:
        known = {"domain": cell.domain, "label": cell.label}
        if hidden and cell.split == "test":
            known = {"domain": None, "label": None}
        one = {"machine": entry.machine, "split": cell.split, "seconds": sum(entry.seconds) / 2, **unit, **known}
        rows += [one] * ((cell.least + cell.most) // 2)
    return rows


@pytest.mark.parametrize("year", [2020, 2021, 2022, 2023, 2024, 2025])
@pytest.mark.parametrize("hidden", [False, True])
def test_the_published_sets_have_nothing_missing(year: int, hidden: bool) -> None:
    entries = inventory.published(year)
    rows = [row for entry in entries for row in rows_of(entry, hidden and entry.part == "evaluation")]
    found = inventory.compare(rows, year)
    assert found.missing == [] and found.remarks == []


def test_totals_of_the_notes() -> None:
    def total(year: int, part: str, split: str) -> int:
        entries = [e for e in inventory.published(year) if e.part == part]
        return sum(cell.least for e in entries for cell in e.cells if cell.split == split)

    assert total(2024, "development", "train") + total(2024, "development", "test") == 8_400  # methods/data.md 3
    assert total(2023, "evaluation", "test") == 200 * 7
    assert total(2022, "development", "test") == 200 * 21
    assert len(inventory.published(2020)) == 41  # machines, as RC-MAE counts them


def printed_aucs(table: str, quantity: str) -> dict[tuple[str, str], float]:
    """Printed values of the official baselines, six decimals."""
    path = Path(papers.__file__).parent / table
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["quantity"] == quantity and row["machine"] != "all"]
    return {(row["machine"], row["unit"]): float(row["value"]) for row in rows if row["system"] == "mse"}


def off_grid(value: float, normals: int, anomalies: int) -> float:
    """How far a printed AUC lies from a multiple of 1/(2 N- N+), in units of what rounding to 1e-6 allows."""
    steps = 2 * normals * anomalies
    return abs(value * steps - round(value * steps)) / (0.5e-6 * steps)


@pytest.mark.parametrize(
    ("year", "part", "table", "quantity", "normals", "cells"),
    [
        (2020, "development", "baseline_2020_dev.csv", "AUC", {None}, 20),
        (2023, "evaluation", "baseline_2023_eval.csv", "AUC source", {"source"}, 7),
        (2023, "evaluation", "baseline_2023_eval.csv", "AUC target", {"target"}, 7),
    ],
)
def test_counts_fit_the_printed_aucs(
    year: int, part: str, table: str, quantity: str, normals: set[str | None], cells: int
) -> None:
    """An AUC of N- normal and N+ anomalous clips is a multiple of 1/(2 N- N+): a wrong count misses the grid."""
    printed, tested = printed_aucs(table, quantity), 0
    for entry in inventory.published(year):
        test = [cell for cell in entry.cells if cell.split == "test"]
        if entry.part != part or not test:
            continue
        n = sum(cell.least for cell in test if cell.label == "normal" and cell.domain in normals)
        a = sum(cell.least for cell in test if cell.label == "anomaly")  # 2022 on: both domains' anomalies
        assert off_grid(printed[entry.machine, entry.unit], n, a) <= 1.01, entry
        tested += 1
    assert tested == cells


def test_a_missing_clip_section_machine_and_a_stranger_are_named() -> None:
    entries = inventory.published(2022)
    rows = [row for entry in entries for row in rows_of(entry)]
    rows = [r for r in rows if not (r["machine"] == "fan" and r["section"] == "01") and r["machine"] != "valve"]
    first = next(i for i, r in enumerate(rows) if r["machine"] == "slider" and r["split"] == "test")
    del rows[first]
    rows += [{**rows[0], "machine": "pump"}]
    assert inventory.compare(rows, 2022).missing == [
        "fan section 01 (development set)",
        "slider section 00: 49 source normal test clips, published 50",
        "machine valve (development set)",
        "machine valve (evaluation set)",
        "pump section 00: not in the published inventory of 2022",
    ]


def test_counts_from_memory_and_lengths_are_remarks() -> None:
    rows = [row for entry in inventory.published(2020) if entry.part == "development" for row in rows_of(entry)]
    rows = [{**row, "seconds": 2.5} if row["machine"] == "fan" else row for row in rows[1:]]
    found = inventory.compare(rows, 2020)
    assert found.missing == ["ToyCar id 01: 999 normal training clips, published 1000"]
    assert "fan id 00: clips of 2.5 s, published 10 s" in found.remarks
    assert "nothing of the evaluation set of 2020 is here" in found.remarks
    rows = [r for r in rows if not (r["machine"] == "pump" and r["id"] == "00" and r["split"] == "train")][1:]
    found = inventory.compare(rows[: len(rows)], 2020)
    assert "pump id 00: 0 training clips, published 906" in found.missing  # none at all is no slip of memory


def test_attribute_tables_beside_names_of_ones_own_are_not_passed_over(write: Write) -> None:
    root = write(OWN)
    (root / "attributes_00.csv").write_text("file_name,d1p,d1v\n")
    assert any("read with official names alone: attributes_00.csv" in one for one in data.check(root).remarks)
