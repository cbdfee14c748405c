"""Wave store: equal to soundfile, resampling, channels, mixed lengths, views, atomic writing."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook import data
from asdbook.data.audio import Unusable, decode, resampled
from asdbook.data.waves import WaveStore, WaveWriter, write_folder
from asdbook.errors import BadInput

from .conftest import RATE, Write, section_paths, sound


def store_of(folder: Path, clips: list[np.ndarray], order: list[int] | None = None) -> WaveStore:
    folder.mkdir(parents=True, exist_ok=True)
    writer = WaveWriter(folder)
    for clip in clips:
        writer.append(clip)
    writer.close(order)
    return WaveStore.open(folder)


def test_equal_to_soundfile(write: Write, tmp_path: Path) -> None:
    root = write(section_paths())
    found = data.load(root, cache_dir=tmp_path / "cache")
    batch = found.waves.batch(range(len(found.table)))
    assert batch.dtype == torch.float32 and batch.shape == (len(found.table), 4_000)
    for i, path in enumerate(found.table.frame["path"]):
        assert np.array_equal(found.waves.array(i), soundfile.read(root / path, dtype="int16")[0])
        expected = soundfile.read(root / path, dtype="float32")[0]  # soundfile divides by 32768 too
        assert np.array_equal(batch[i].numpy(), expected)
    assert found.waves.sample_rate == RATE and "resampled" not in found.notes and "channel" not in found.notes


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100, 48_000])
def test_resampling_keeps_a_tone(rate: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate)
    found = resampled(tone, rate)
    expected = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE)
    assert len(found) == RATE
    inner = slice(400, -400)  # the filter reaches past the ends
    assert np.abs(found - expected)[inner].max() < 2e-3


def test_resampling_removes_what_would_fold_back() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 15_000 * np.arange(48_000) / 48_000)  # above 8 kHz, would appear at 1 kHz
    assert np.abs(resampled(tone, 48_000)[400:-400]).max() < 5e-3


def test_resampling_and_channel_are_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "press/train"
    folder.mkdir(parents=True)
    left, right = sound(1, 44_100), sound(2, 44_100)
    soundfile.write(folder / "a.wav", np.stack([left, right], 1), 44_100)
    soundfile.write(folder / "b.wav", np.stack([left, right], 1)[:16_000], RATE)
    soundfile.write(folder / "c.wav", left[:16_000], RATE)
    found = data.load(tmp_path, cache_dir=tmp_path / "cache")
    assert found.notes["resampled"] == {"44100": 1}
    assert found.notes["channel"] == {"2": 2}
    assert list(found.waves.lengths) == [16_000, 16_000, 16_000]
    assert np.array_equal(found.waves.array(1), left[:16_000])  # the first channel
    assert list(found.table.frame["seconds"]) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT", "DOUBLE", "PCM_U8"])
def test_other_sample_formats_are_rounded(tmp_path: Path, subtype: str) -> None:
    wave = 0.9 * np.sin(np.arange(8_000) / 7)
    soundfile.write(tmp_path / "x.wav", wave, RATE, subtype=subtype)
    exact = soundfile.read(tmp_path / "x.wav", dtype="float64")[0]
    decoded = decode(tmp_path / "x.wav")
    assert np.abs(decoded.samples - exact * 32_768).max() <= 0.5
    assert decoded.clipped == 0


def test_beyond_full_scale_is_clipped_and_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "press/train"
    folder.mkdir(parents=True)
    wave = np.array([0.5, 1.5, -2.0, 1.0, -1.0] * 1_000)
    soundfile.write(folder / "x.wav", wave, RATE, subtype="FLOAT")
    found = data.load(tmp_path, cache_dir=tmp_path / "cache")
    assert list(found.waves.array(0)[:5]) == [16_384, 32_767, -32_768, 32_767, -32_768]
    assert found.notes["clipped"] == 1
    assert decode(folder / "x.wav").clipped == 2_000


def test_streamed_wav_without_a_size_is_whole(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", sound(0), RATE)
    content = bytearray((tmp_path / "x.wav").read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"  # what a program writes into a pipe
    (tmp_path / "x.wav").write_bytes(bytes(content))
    assert np.array_equal(decode(tmp_path / "x.wav").samples, sound(0))


def test_wav_with_other_chunks_is_whole(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", sound(0), RATE)
    content = (tmp_path / "x.wav").read_bytes()
    at = content.index(b"data")
    odd = b"LIST" + (5).to_bytes(4, "little") + b"hello\x00"  # chunks are padded to even length
    riff = (len(content) + len(odd) - 8).to_bytes(4, "little")
    (tmp_path / "x.wav").write_bytes(content[:4] + riff + content[8:at] + odd + content[at:])
    assert np.array_equal(decode(tmp_path / "x.wav").samples, sound(0))
    (tmp_path / "x.wav").write_bytes((tmp_path / "x.wav").read_bytes()[:-2])
    with pytest.raises(Unusable, match="truncated: the last 2 bytes"):
        decode(tmp_path / "x.wav")


def test_clips_of_different_length_are_never_cut(write: Write, tmp_path: Path) -> None:
    root = write(section_paths("fan"))
    write(section_paths("gearbox"), samples=5_000, first_seed=100)
    found = data.load(root, cache_dir=tmp_path / "cache")
    waves = found.waves
    assert sorted(set(waves.lengths)) == [4_000, 5_000]
    with pytest.raises(BadInput, match=r"different length \(4000 to 5000 samples\): use groups\(\) or padded\(\)"):
        waves.batch([0, len(waves) - 1])
    groups = waves.groups()
    assert [set(waves.lengths[g]) for g in groups] == [{4_000}, {5_000}]
    assert sorted(np.concatenate(groups)) == list(range(len(waves)))
    padded, mask = waves.padded([len(waves) - 1, 0])
    assert padded.shape == mask.shape == (2, 5_000)
    assert list(mask.sum(1)) == [5_000, 4_000] and not padded[1, 4_000:].any()
    assert torch.equal(padded[1, :4_000], waves.batch([0])[0])
    seen = [int(i) for positions, batch in waves.batches(None, 3) for i in positions]
    assert sorted(seen) == list(range(len(waves)))


def test_positions(tmp_path: Path) -> None:
    clips = [sound(i, 10 + i) for i in range(4)]
    store = store_of(tmp_path / "s", clips, order=[2, 0, 3, 1])
    assert [store.length(i) for i in range(4)] == [12, 10, 13, 11]
    assert np.array_equal(store.array(0), clips[2])
    view = store.view([3, 0])
    assert len(view) == 2 and np.array_equal(view.array(0), clips[1])
    for bad in ([4], [-1], np.array([0, 9])):
        with pytest.raises(BadInput, match="clip position"):
            store.batch(bad)
    with pytest.raises(BadInput, match="clip position 2: expected 0 to 1"):
        view.array(2)
    with pytest.raises(BadInput, match="expected integers"):
        store.batch(np.array([True, False, True, False]))
    with pytest.raises(BadInput, match="expected integers"):
        store.batch([0.5])  # type: ignore[list-item]
    with pytest.raises(BadInput, match="batch size 0"):
        list(store.batches(None, 0))
    assert store.batch(torch.tensor([1])).shape == (1, 10)
    assert store.batch([]).shape == (0, 0)


def test_store_is_read_only(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", [sound(0, 10)])
    with pytest.raises(ValueError, match="read-only"):
        store.array(0)[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        store.lengths[0] = 1
    batch = store.batch([0])
    batch += 1  # a batch is the caller's own
    assert np.array_equal(store.array(0), sound(0, 10))


lengths = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@settings(max_examples=30)
@given(lengths, st.randoms(use_true_random=False))
def test_any_lengths_any_order(tmp_path_factory: pytest.TempPathFactory, sizes: list[int], random) -> None:
    clips = [sound(i, n) for i, n in enumerate(sizes)]
    store = store_of(tmp_path_factory.mktemp("s"), clips)
    wanted = [random.randrange(len(clips)) for _ in range(6)]
    padded, mask = store.padded(wanted)
    for row, keep, i in zip(padded, mask, wanted):
        assert np.array_equal(row[keep].numpy(), clips[i].astype(np.float32) / 32_768)
    for group in store.groups(wanted):
        expected = np.stack([clips[i] for i in group]).astype(np.float32) / 32_768
        assert np.array_equal(store.batch(group).numpy(), expected)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    started = threading.Barrier(2)
    calls: list[int] = []
    made: list[bool] = []

    def fill(folder: Path) -> None:
        calls.append(1)
        (folder / "x").write_text("whole")

    def write_it() -> None:
        started.wait()
        made.append(write_folder(tmp_path / "set", fill))

    threads = [threading.Thread(target=write_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and sorted(made) == [False, True]
    assert (tmp_path / "set/x").read_text() == "whole"


def test_rest_of_a_killed_writer_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".set.part").mkdir()
    (tmp_path / ".set.part/half").write_text("half")
    assert write_folder(tmp_path / "set", lambda folder: None)
    assert not (tmp_path / "set/half").exists() and not (tmp_path / ".set.part").exists()


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "x").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "set", fill)
    assert not (tmp_path / "set").exists() and not (tmp_path / ".set.part").exists()


@pytest.mark.gpu
def test_batch_on_the_device(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    store = store_of(tmp_path / "s", [sound(0, 100), sound(1, 100)])
    batch = store.batch([1, 0], device="cuda")
    assert batch.is_cuda and torch.equal(batch.cpu(), store.batch([1, 0]))
