"""Bad input: each kind is refused with one line that names the file and the remedy; earlier results stay."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asdbook import data
from asdbook.data import waves
from asdbook.errors import AsdBookError, BadInput, RunFailed

from .conftest import OWN, RATE, Write, paths_2020, section_paths, sound

BAD = "fan/train/section_00_source_train_normal_0001_n_A.wav"


def one_line(error: pytest.ExceptionInfo[AsdBookError]) -> str:
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def cut_in_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:30])


def not_finite(value: float) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        samples = sound(0) / 32768
        samples[17] = value
        soundfile.write(file, samples, RATE, subtype="FLOAT")

    return spoil


SPOIL: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda file: file.write_text("this is no sound"), "unreadable: "),
    "zero bytes": (lambda file: file.write_bytes(b""), "empty: 0 bytes"),
    "no samples": (lambda file: soundfile.write(file, np.zeros(0, np.int16), RATE), "empty: no samples"),
    "cut off": (cut, "truncated: the last 1000 bytes of sound are missing"),
    "cut in the header": (cut_in_header, "unreadable: "),
    "NaN": (not_finite(np.nan), "not finite: sample 17 is nan"),
    "Inf": (not_finite(-np.inf), "not finite: sample 17 is -inf"),
    "very short": (lambda file: soundfile.write(file, sound(0, 3_199), RATE), "too short: 0.19994 s, at least 0.2 s"),
    "broken link": (lambda file: (file.unlink(), file.symlink_to("nowhere.wav")), "unreadable: "),
    "folder": (lambda file: (file.unlink(), file.mkdir()), ""),
}


@pytest.mark.parametrize("kind", [kind for kind in SPOIL if kind != "folder"])
def test_bad_file_is_named_with_reason_and_remedy(write: Write, tmp_path: Path, kind: str) -> None:
    root = write(section_paths())
    spoil, reason = SPOIL[kind]
    spoil(root / BAD)
    with pytest.raises(data.BadFiles) as caught:
        data.load(root, cache_dir=tmp_path / "cache")
    message = one_line(caught)
    assert f"1 of {len(section_paths())} files cannot be used: {BAD}: {reason}" in message
    assert "mend or remove them" in message and "--skip-bad" in message
    assert [problem.path for problem in caught.value.problems] == [BAD]
    assert not list((tmp_path / "cache").glob("*/set.json"))
    assert not list((tmp_path / "cache").glob(".*.part"))


@pytest.mark.parametrize("kind", [kind for kind in SPOIL if kind != "folder"])
def test_skip_bad_goes_on_and_says_so(write: Write, tmp_path: Path, kind: str) -> None:
    root = write(section_paths())
    spoil, reason = SPOIL[kind]
    spoil(root / BAD)
    found = data.load(root, cache_dir=tmp_path / "cache", skip_bad=True)
    assert len(found.table) == len(found.waves) == len(section_paths()) - 1
    assert BAD not in set(found.table.frame["path"])
    skipped = found.notes["skipped"]
    assert len(skipped) == 1 and skipped[0]["file"] == BAD and skipped[0]["reason"].startswith(reason)
    for i, path in enumerate(found.table.frame["path"]):  # the rows that are left still fit their sound
        assert np.array_equal(found.waves.array(i), soundfile.read(root / path, dtype="int16")[0])
    with pytest.raises(data.BadFiles):  # what was skipped once is not forgotten
        data.load(root, cache_dir=tmp_path / "cache")


def test_a_folder_named_like_a_clip_is_no_clip(write: Write) -> None:
    root = write(section_paths())
    SPOIL["folder"][0](root / BAD)
    assert len(data.index(root)) == len(section_paths()) - 1


def test_all_bad_files_at_once(write: Write, tmp_path: Path) -> None:
    root = write([*section_paths(), "fan/train/holiday.wav", "fan/outside.wav"])
    spoiled = sorted(section_paths())[:3]
    for path, kind in zip(spoiled, ("zero bytes", "NaN", "cut off")):
        SPOIL[kind][0](root / path)
    with pytest.raises(data.BadFiles) as caught:
        data.load(root, cache_dir=tmp_path / "cache")
    expected = {*spoiled, "fan/train/holiday.wav", "fan/outside.wav"}
    assert {problem.path for problem in caught.value.problems} == expected
    message = one_line(caught)
    assert all(path in message for path in expected)
    assert "holiday.wav: name outside the official grammar" in message
    assert "outside.wav: outside train/ and test/ folders" in message
    good = data.load(root, cache_dir=tmp_path / "cache", skip_bad=True)
    assert len(good.table) == len(section_paths()) - 3
    assert {entry["file"] for entry in good.notes["skipped"]} == expected


def test_a_long_list_stays_one_line_and_is_complete(write: Write) -> None:
    root = write([*section_paths(), *(f"fan/train/clip {i}.wav" for i in range(40))])
    with pytest.raises(data.BadFiles) as caught:
        data.index(root)
    assert len(caught.value.problems) == 40 and "and 10 more" in one_line(caught)


def test_nothing_usable_is_left(write: Write, tmp_path: Path) -> None:
    root = write([BAD])
    SPOIL["zero bytes"][0](root / BAD)
    with pytest.raises(BadInput, match="no usable clip is left of 1"):
        data.load(root, cache_dir=tmp_path / "cache", skip_bad=True)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("fan/train/section_00_source_train_anomaly_0000_n_A.wav", "an anomaly among the training clips"),
        ("fan/train/section_00_source_test_normal_0000_n_A.wav", "the name says test, the folder train"),
        ("fan/test/anomaly/section_00_source_test_normal_0000_n_A.wav", "the name says normal, the folder anomaly"),
        ("fan/train/section_00_0000.wav", "a training clip without a label in its name"),
        ("fan/source_test/section_00_target_test_normal_0007_n_A.wav", "the name says target, the folder source_test"),
    ],
)
def test_name_against_folder(write: Write, path: str, reason: str) -> None:
    with pytest.raises(data.BadFiles) as caught:
        data.index(write([*section_paths(), path]))
    assert f"{path}: {reason}" in one_line(caught)


def test_anomalies_among_own_training_clips(write: Write) -> None:
    with pytest.raises(data.BadFiles, match=r"press/train/anomaly/x\.wav: an anomaly among the training clips"):
        data.index(write([*OWN, "press/train/anomaly/x.wav"]))


def test_anomalies_in_a_table_of_another_making(write: Write) -> None:
    table = data.index(write(section_paths()))
    frame = table.frame
    frame.loc[frame["split"] == "train", "label"] = "anomaly"
    with pytest.raises(BadInput, match=r"anomalies among the training clips .* move them to test/"):
        data.check_usable(data.ClipTable(frame, year=2023))


def test_duplicate_names(write: Write) -> None:
    root = write([*section_paths(), *(f"copy/{path}" for path in section_paths())])
    with pytest.raises(BadInput) as caught:
        data.index(root)
    message = one_line(caught)
    assert f"{len(section_paths())} clip names occur more than once" in message
    first = sorted(section_paths())[0]
    assert f"copy/{first} and {first}" in message
    assert "keep one copy" in message


@pytest.mark.parametrize(("missing", "part"), [("train", "training"), ("test", "test")])
def test_machine_without_training_or_test_clips(write: Write, missing: str, part: str) -> None:
    root = write([*section_paths(), *(p for p in section_paths("gearbox") if f"/{missing}/" not in p)])
    table = data.index(root)  # a list may be incomplete; a run may not
    with pytest.raises(BadInput, match=rf"no {part} clips for gearbox \(section 00\): add clips to {missing}/"):
        data.check_usable(table)
    if missing == "test":
        data.check_usable(table, need_test=False)


def test_machine_id_without_training_clips(write: Write) -> None:
    table = data.index(write([*paths_2020(), "fan/test/normal_id_04_00000000.wav"]))
    with pytest.raises(BadInput, match=r"no training clips for fan \(id 04\)"):
        data.check_usable(table)


def test_one_label_alone_gives_no_auc(write: Write) -> None:
    table = data.index(write([p for p in section_paths() if "anomaly" not in p]))
    with pytest.raises(BadInput, match=r"no test clip labelled anomaly for fan \(section 00\): an AUC needs both"):
        data.check_usable(table)


def test_folder_that_is_not_there(tmp_path: Path, write: Write) -> None:
    with pytest.raises(BadInput, match="nowhere: no such folder: check the path"):
        data.index(tmp_path / "nowhere")
    root = write(section_paths())
    with pytest.raises(BadInput, match=r"is a file: name the folder that holds"):
        data.index(root / BAD)


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "fan/train").mkdir(parents=True)
    (tmp_path / "fan/train/readme.txt").write_text("soon")
    with pytest.raises(BadInput, match=r"no \.wav file here or below: expected <machine>/train/\*\.wav"):
        data.index(tmp_path)


# --- disk -------------------------------------------------------------------------------------------------


def test_full_disk_is_seen_before_anything_is_written(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(section_paths())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(waves.shutil, "disk_usage", lambda _: usage._replace(free=200 * 2**20))
    with pytest.raises(RunFailed, match=r"disk too full \(256 MB needed, 200 MB free\): free some space") as caught:
        data.load(root, cache_dir=tmp_path / "cache")
    one_line(caught)
    assert not list((tmp_path / "cache").iterdir())
    with pytest.raises(RunFailed, match="disk too full"):
        data.build(tmp_path / "cache/x", name="x", year=2023, blocks=[])


def test_disk_that_fills_up_leaves_nothing_behind(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(section_paths())
    earlier = data.load(write(paths_2020(), "earlier"), cache_dir=tmp_path / "cache")
    append = waves.WaveWriter.append

    def full(self: waves.WaveWriter, clip: np.ndarray) -> None:
        if len(self._lengths) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, clip)

    monkeypatch.setattr(waves.WaveWriter, "append", full)
    with pytest.raises(RunFailed, match="disk too full"):
        data.load(root, cache_dir=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob(".*.part"))
    assert [p.parent for p in (tmp_path / "cache").glob("*/set.json")] == [earlier.folder]
    assert earlier.folder is not None and data.open_set(earlier.folder).fingerprint == earlier.fingerprint
    monkeypatch.undo()
    assert len(data.load(root, cache_dir=tmp_path / "cache").waves) == len(section_paths())


def test_damaged_sets(write: Write, tmp_path: Path) -> None:
    good = data.load(write(section_paths()), cache_dir=tmp_path / "cache").folder
    assert good is not None

    def damaged(name: str, change: Callable[[Path], object]) -> Path:
        copy = tmp_path / f"damaged-{len(list(tmp_path.glob('damaged-*')))}"
        shutil.copytree(good, copy)
        change(copy / name)
        return copy

    changes: list[tuple[str, Callable[[Path], object]]] = [
        ("set.json", lambda f: f.unlink()),
        ("set.json", lambda f: f.write_text("{")),
        ("set.json", lambda f: f.write_text("[]")),
        ("set.json", lambda f: f.write_text(f.read_text().replace('"schema": 1', '"schema": 0'))),
        ("set.json", lambda f: f.write_text('{"schema": 1}')),
        ("set.json", lambda f: f.write_text(f.read_text().replace('"notes": {', '"notes": [], "rest": {'))),
        ("clips.csv", lambda f: f.unlink()),
        ("clips.csv", lambda f: f.write_text(f.read_text().replace("path,", "file,", 1))),
        ("clips.csv", lambda f: f.write_text("\n".join(f.read_text().splitlines()[:-1]) + "\n")),
        ("waves.i16", lambda f: f.write_bytes(f.read_bytes()[:-2])),
        ("spans.npy", lambda f: f.write_bytes(b"")),
        ("spans.npy", lambda f: f.unlink()),
        ("spans.npy", lambda f: np.save(f, np.arange(4))),
        ("spans.npy", lambda f: np.save(f, np.load(f).astype(float))),
    ]
    for name, change in changes:
        folder = damaged(name, change)
        with pytest.raises(BadInput, match="delete the folder, it is made again") as caught:
            data.open_set(folder)
        assert str(folder) in one_line(caught)


def test_a_reason_that_files_share_is_said_once(write: Write) -> None:
    root = write(section_paths())
    for path in sorted(section_paths())[:4]:
        (root / path).write_bytes(b"")
    with pytest.raises(data.BadFiles) as caught:
        data.index(root)
    message = one_line(caught)
    assert message.count("empty: 0 bytes") == 1 and all(path in message for path in sorted(section_paths())[:4])


def test_a_folder_without_train_or_test_has_one_fault_and_a_remedy(write: Write) -> None:
    root = write(["a.wav", "b.wav", "inner/c.wav"])
    with pytest.raises(BadInput, match="no train/ or test/ folder above any of its 3 clips: move") as caught:
        data.index(root)
    assert "a.wav" not in one_line(caught)
    report = data.check(root)
    texts = [finding.text for finding in report.damaged]
    assert texts[0].startswith("no train/ or test/ folder") and "a.wav: outside train/ and test/ folders" in texts


def test_a_year_forced_on_ones_own_names_is_one_fault(write: Write) -> None:
    root = write(OWN)
    assert len(data.index(root)) == len(OWN)
    with pytest.raises(BadInput, match=r"none of its \d+ clips has an official name: leave the year out") as caught:
        data.index(root, year=2023)
    assert "outside the official grammar" not in one_line(caught)
    assert "leave the year out" in data.check(root, against=2023).damaged[0].text


def test_a_table_with_semicolons_is_told_what_it_holds(write: Write) -> None:
    root = write(OWN)
    (root / "files.csv").write_text("file;recording\na.wav;1\n")
    with pytest.raises(BadInput, match="with a comma between them, one row a clip; found 'file;recording'"):
        data.index(root)
