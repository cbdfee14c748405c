"""Thousands of random and mutated names, sound files and tables: refused in one line, or read as a naive reader does.

`ASDBOOK_FUZZ=10000` sets how many inputs each kind gets (default: a few hundred to a few thousand). Input k of a
kind depends on k alone, so a failure is found again by its number.
"""

from __future__ import annotations

import io
import os
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asdbook import data
from asdbook.data import audio, names, sidecars, truth
from asdbook.errors import AsdBookError, BadInput

from .conftest import sound


def numbers(default: int) -> range:
    """Numbers of the inputs of one kind."""
    return range(int(os.environ.get("ASDBOOK_FUZZ", default)))


def mutated(original: bytes, rng: random.Random, first: int = 0, last: int | None = None) -> bytes:
    """One to four small changes between two positions: a byte, a bit, a piece lost, doubled or put in."""
    out = bytearray(original)
    for _ in range(rng.randint(1, 4)):
        end = min(len(out), last if last is not None else len(out))
        at = rng.randrange(first, max(first + 1, end))
        piece = rng.choice([1, 1, 2, 4, 7])
        match rng.randrange(7):
            case 0 if out:
                out[at % len(out)] = rng.randrange(256)
            case 1 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 2:
                del out[at : at + piece]
            case 3:
                out[at:at] = out[at : at + piece]
            case 4:
                out[at:at] = rng.choice(SPICE)
            case 5:
                out[at : at + 1] = rng.choice(SPICE)
            case 6 if first == 0 and last is None:
                lines = bytes(out).split(b"\n")
                lines.insert(rng.randrange(len(lines)), rng.choice(lines))  # a line twice
                out = bytearray(b"\n".join(lines))
    return bytes(out)


SPICE = [
    b"\n", b"\r", b"\r\n", b",", b'"', b'""', b"\x00", b"\xff", b"\xef\xbb\xbf", b" ", b"\t", b";", b"_", b"-", b".",
    b"nan", b"inf", b"-1", b"1e9999", b"1_0", b"0x1", "٣".encode(), "\u2028".encode(), "\x85".encode(), b"/", b"\\",
    b"../", b"normal", b"anomaly", b"source", b"target", b"train", b"test", b"section_00_", b".wav", b"\xff" * 4,
]  # fmt: skip


def one_line(error: Exception) -> None:
    assert isinstance(error, AsdBookError | audio.Unusable)
    assert len(str(error).splitlines()) == 1, repr(str(error))


# --- names ------------------------------------------------------------------------------------------------


def official(rng: random.Random) -> str:
    label, domain = rng.choice(names.LABELS), rng.choice(names.DOMAINS)
    unit, index = f"{rng.randrange(7):02d}", rng.randrange(10 ** rng.randint(1, 12))
    attributes = rng.choice(["noAttribute", "", "car_B1_spd_31V_mic_1", "weight15_BckgF", "m-n_W", "vel_6"])
    return rng.choice(
        [
            lambda: names.name_2020(label, unit, index % 10**8),
            lambda: names.hidden_name_2020(unit, index % 10**8),
            lambda: names.name_2021(unit, domain, "test", label, index),
            lambda: names.hidden_name_2021(unit, domain, index),
            lambda: names.name_2023(unit, domain, rng.choice(names.SPLITS), label, index, attributes),
            lambda: names.hidden_name_2023(unit, index),
        ]
    )()


def naive_name(text: str) -> dict[str, str | None] | None:
    """What a name says, by cutting it at its underscores; None where it is outside the grammar."""
    base = text.replace("\\", "/").split("/")[-1]
    if not base.endswith(".wav"):
        return None
    words = base[:-4].split("_")
    said: dict[str, str | None] = dict.fromkeys(("section", "id", "domain", "split", "label", "index"))

    def digits(word: str, least: int, most: int) -> bool:
        return least <= len(word) <= most and all(c in "0123456789" for c in word)

    def take(key: str, valid: tuple[str, ...]) -> None:
        if words and words[0] in valid:
            said[key] = words.pop(0)

    take("label", names.LABELS)
    if words[:1] == ["id"] and len(words) == 3:
        said["id"], said["index"] = words[1], words[2]
        return said if digits(words[1], 2, 2) and digits(words[2], 8, 8) else None
    if said["label"] or len(words) < 3 or words[0] != "section" or not digits(words[1], 2, 2):
        return None
    said["section"], words = words[1], words[2:]
    take("domain", names.DOMAINS)
    take("split", names.SPLITS if said["domain"] else ("test",))
    if said["domain"]:
        take("label", names.LABELS)
    elif words[0] in ("machine", "noise"):
        said["split"], words = "supplemental", words[1:]
    if not words or not digits(words[0], 1, 12):
        return None
    said["index"] = words[0]
    free = bool(said["label"]) or said["split"] == "supplemental"  # only these may go on with attributes
    if len(words) > 1 and not free:
        return None
    if said["domain"] and not said["label"] and said["split"] != "test":
        return None
    return None if "\n" in "_".join(words) else said


def test_names() -> None:
    for k in numbers(4_000):
        rng = random.Random(k)
        text = official(rng)
        if k % 4:
            text = mutated(text.encode(), rng).decode("utf-8", "surrogateescape" if k % 8 == 1 else "replace")
        expected = naive_name(text)
        try:
            found = names.parse(text)
        except BadInput as error:
            one_line(error)
            assert expected is None, f"{k}: {text!r} refused"
            continue
        assert expected is not None, f"{k}: {text!r} taken"
        assert {key: getattr(found, key) for key in expected} == {**expected, "index": int(expected["index"] or "")}
        assert isinstance(names.attributes_of(found.attributes), dict)


# --- sound files ------------------------------------------------------------------------------------------


def wav(rng: random.Random) -> bytes:
    """A small file in one of the usual formats."""
    channels, rate = rng.choice([(1, 16_000), (1, 16_000), (2, 16_000), (1, 44_100), (1, 8_000)])
    subtype = rng.choice(["PCM_16", "PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
    out = io.BytesIO()
    samples = sound(rng.randrange(100), rate // 4).repeat(channels).reshape(-1, channels)
    soundfile.write(out, samples, rate, subtype=subtype, format="WAV")
    return out.getvalue()


def naive_wav(content: bytes) -> np.ndarray | None:
    """Samples of a plain 16-bit, 16 kHz, one-channel file without anything odd; None for any other."""
    if len(content) < 44 or content[:4] != b"RIFF" or content[8:16] != b"WAVEfmt " or content[36:40] != b"data":
        return None
    size, form, channels, rate, per_second, block, bits = struct.unpack("<IHHIIHH", content[16:36])
    (length,) = struct.unpack("<I", content[40:44])
    plain = (size, form, channels, rate, per_second, block, bits) == (16, 1, 1, 16_000, 32_000, 2, 16)
    if not plain or length != len(content) - 44 or length % 2 or length < 6_400:
        return None
    return np.frombuffer(content[44:], "<i2")


def test_sound_files(tmp_path: Path) -> None:
    read = 0
    file = tmp_path / "a.wav"
    for k in numbers(600):
        rng = random.Random(k)
        content = wav(rng)
        whole = rng.random() < 0.3  # most changes hit the header
        content = mutated(content, rng, 0, None if whole else 60)
        if k % 10 == 0:
            content = content[: rng.randrange(len(content))]
        file.write_bytes(content)
        expected = naive_wav(content)
        try:
            decoded = audio.decode(file)
        except audio.Unusable as error:
            one_line(error)
            assert expected is None, f"{k}: refused ({error})"
            continue
        read += 1
        assert decoded.samples.dtype == np.int16 and decoded.samples.ndim == 1
        assert len(decoded.samples) == -(-decoded.header.frames * 16_000 // decoded.header.rate), k
        assert decoded.header.seconds >= audio.MIN_SECONDS
        if expected is not None:
            assert np.array_equal(decoded.samples, expected), k
    assert read > 0.1 * len(numbers(600))  # else the test would say nothing of what is read


# --- tables -----------------------------------------------------------------------------------------------

Reader = Callable[[Path], object]


def lines_of(content: bytes) -> list[str] | None:
    """Lines of a table that holds no quotes: cut at line ends alone; None where a naive reader must pass."""
    if b'"' in content:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]


def fuzzed(original: str, count: int, file: Path, read: Reader) -> Iterator[tuple[int, bytes, object]]:
    """(number, content, what was read) of the mutations that are taken; refusals are checked to be one line."""
    for k in numbers(count):
        content = mutated(original.encode(), random.Random(k))
        file.write_bytes(content)
        try:
            found = read(file)
        except BadInput as error:
            one_line(error)
            continue
        yield k, content, found


def test_files_csv(tmp_path: Path) -> None:
    original = "file,recording\n" + "".join(f"fan/train/{i}.wav,monday {i // 2}\n" for i in range(6))
    compared = 0
    for k, content, found in fuzzed(original, 800, tmp_path / "files.csv", sidecars.read_recordings):
        lines = lines_of(content)
        if lines is None:
            continue
        header = lines[0].split(",")
        if header.count("file") != 1 or header.count("recording") != 1:
            continue
        file, recording = header.index("file"), header.index("recording")
        rows = [line.split(",") for line in lines[1:]]
        assert found == {row[file].strip(): row[recording].strip() for row in rows}, k
        assert len(rows) == len(found), k  # nothing listed twice was taken
        compared += 1
    assert compared > 40  # else the test would say nothing of what is read


def test_attribute_tables(tmp_path: Path) -> None:
    said = {f"train/section_00_source_train_normal_{i:04d}_n_A.wav": "n_A" for i in range(4)}
    original = "file_name,d1p,d1v\n" + "".join(f"fan/{name},n,A\n" for name in said)
    compared = 0
    reader = lambda file: sidecars.check_attributes(file, said)  # noqa: E731 - a reader like the others
    for k, content, found in fuzzed(original, 800, tmp_path / "attributes_00.csv", reader):
        assert isinstance(found, list) and all(len(line.splitlines()) == 1 for line in found), k
        lines = lines_of(content)
        header = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").partition(b"\n")[0]
        if header != b"file_name,d1p,d1v":
            named = any("no column" in line for line in found)
            assert header[:9] == b"file_name" or named or lines is None or len(lines) < 2, k
            continue
        if lines is None:
            continue
        rows = {"/".join(row[0].split("/")[-2:]): row for row in (line.split(",") for line in lines[1:])}
        agree = {name for name, row in rows.items() if name in said and len(row) > 2 and row[2].strip() == "A"}
        for name in said:
            about = any(line.startswith(f"attributes_00.csv: {name} ") for line in found)
            assert about is (name not in agree) or not rows, (k, found)
        compared += 1
    assert compared > 40  # else the test would say nothing of what is read


@pytest.mark.parametrize("kind", ["ground_truth_data", "ground_truth_domain"])
def test_truth_tables(tmp_path: Path, kind: str) -> None:
    file = tmp_path / kind / "ground_truth_fan_section_00_test.csv"
    file.parent.mkdir()
    original = "".join(f"section_00_{i:04d}.wav,{i % 2}\n" for i in range(8))
    compared = 0
    for k, content, found in fuzzed(original, 400, file, lambda _: truth.read_truth(tmp_path, ["fan"])):
        lines = lines_of(content)
        if lines is None:
            continue
        assert isinstance(found, dict)
        words = ("normal", "anomaly") if kind == "ground_truth_data" else ("source", "target")
        rows = [line.split(",") for line in lines]
        expected = {row[0].strip().replace("\\", "/").split("/")[-1]: words[int(row[1].strip())] for row in rows}
        values = {name: one.label or one.domain for (_, name), one in found.items()}
        assert values == expected and len(rows) == len(values), k
        compared += 1
    assert compared > 40  # else the test would say nothing of what is read


def test_truth_list_of_2020(tmp_path: Path) -> None:
    blocks = [f"id_01_{i:08d}.wav,{'normal' if i % 2 else 'anomaly'}_id_01_{i:08d}.wav,{1 - i % 2}" for i in range(8)]
    original = "\n".join(["fan", *blocks, "pump", *blocks]) + "\n"
    compared = 0
    reader = lambda _: truth.read_truth(tmp_path, ["fan", "pump"])  # noqa: E731 - a reader like the others
    for k, content, found in fuzzed(original, 600, tmp_path / "eval_data_list.csv", reader):
        lines = lines_of(content)
        if lines is None:
            continue
        expected, machine = {}, ""
        for line in lines:
            cells = [cell.strip() for cell in line.split(",") if cell.strip()]
            machine = cells[0] if len(cells) == 1 else machine
            if len(cells) > 1 and machine in ("fan", "pump"):
                file = cells[0].replace("\\", "/").split("/")[-1]
                expected[machine, file] = naive_name(cells[1] if cells[1].endswith(".wav") else cells[1] + ".wav")
        assert isinstance(found, dict)
        assert {key: one.label for key, one in found.items()} == {k2: e["label"] for k2, e in expected.items() if e}, k
        compared += 1
    assert compared > 40  # else the test would say nothing of what is read


# --- whole folders ----------------------------------------------------------------------------------------


def test_folders_of_strange_names(tmp_path: Path) -> None:
    """`index` and `check` of folders with mutated names and folders."""
    for k in numbers(60)[:200]:
        rng = random.Random(k)
        root = tmp_path / str(k)
        for i in range(6):
            path = f"fan/{rng.choice(['train', 'test', 'test/anomaly', 'source_test', 'extra'])}/{official(rng)}"
            if rng.random() < 0.5:
                path = mutated(path.encode(), rng).replace(b"\x00", b"").decode("utf-8", "surrogateescape")
            file = Path(os.path.normpath(f"{root}/{path}".replace("..", "")))
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(str(file), sound(i), 16_000, format="WAV", subtype="PCM_16")
            except (OSError, RuntimeError, UnicodeError):
                continue  # no name of this file system
        for read in (data.index, data.check):
            try:
                read(root)
            except BadInput as error:
                one_line(error)
