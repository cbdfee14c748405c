"""Stacked vectors without copies."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.errors import BadInput
from asdbook.features import FrameBank, Vectors, frame_bank


def naive(spectrograms, width):
    """Vectors as the official code stacks them, and the clip of each."""
    rows, clips = [], []
    for clip, frames in enumerate(spectrograms):
        for t in range(len(frames) - width + 1):
            rows.append(np.concatenate([frames[t + i] for i in range(width)]))
            clips.append(clip)
    return np.array(rows), np.array(clips)


@pytest.mark.parametrize("counts", [[7, 5, 9], [5], [6, 6]])
def test_vectors_are_the_official_ones(counts):
    rng = np.random.default_rng(0)
    spectrograms = [rng.normal(size=(n, 4)).astype(np.float32) for n in counts]
    flat = torch.from_numpy(np.concatenate(spectrograms))
    vectors = Vectors(FrameBank(flat, torch.tensor(counts)), 5)
    rows, clips = naive(spectrograms, 5)
    assert len(vectors) == len(rows)
    np.testing.assert_array_equal(vectors[torch.arange(len(vectors))].numpy(), rows)
    np.testing.assert_array_equal(vectors.clip.numpy(), clips)


def test_no_frame_is_held_twice():
    flat = torch.zeros(100, 8)
    assert FrameBank(flat, torch.tensor([100])).vectors(5).data_ptr() == flat.data_ptr()


@pytest.mark.parametrize(("samples", "count"), [(160_000, 309), (176_000, 340), (192_000, 372)])
def test_vector_counts(samples, count):  # methods/baseline.md section 2
    frames = 1 + samples // 512
    assert len(Vectors(FrameBank(torch.zeros(frames, 1), torch.tensor([frames])), 5)) == count


def test_a_clip_without_a_vector_is_refused():
    with pytest.raises(BadInput, match="clip 1 has 4 frames"):
        Vectors(FrameBank(torch.zeros(12, 2), torch.tensor([8, 4])), 5)


class Lengths:
    """Clips of two lengths, handed out by length as the wave store does."""

    def batches(self, positions, size):
        for length in (10, 20):
            chosen = np.array([p for p in positions if (10 if p % 2 else 20) == length])
            yield chosen, torch.stack([torch.full((length,), float(p)) for p in chosen])


def test_bank_keeps_the_order_of_positions():
    bank = frame_bank(Lengths(), [4, 1, 2, 3], lambda waves: waves.unfold(1, 5, 5))
    assert bank.counts.tolist() == [4, 2, 4, 2]
    assert bank.flat[:, 0].tolist() == [4.0] * 4 + [1.0] * 2 + [2.0] * 4 + [3.0] * 2


def bank_of(counts, bands=3):
    """Frames numbered from 0 through all clips, so that each says where it stood."""
    total = sum(counts)
    return FrameBank(torch.arange(total, dtype=torch.float32)[:, None].expand(total, bands), torch.tensor(counts))


@pytest.mark.parametrize("chosen", [[0], [2, 0], [1, 1, 2], [3, 2, 1, 0], []])
def test_rows_are_all_frames_of_the_clips_in_order(chosen):
    counts = [4, 1, 6, 3]
    first = np.cumsum(counts) - counts
    expected = [first[c] + t for c in chosen for t in range(counts[c])]
    rows = bank_of(counts).rows(torch.tensor(chosen, dtype=torch.int64))
    assert rows.shape == (len(expected), 3) and rows[:, 0].tolist() == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 12), st.data())
def test_crops_by_a_loop_over_frames(counts, frames, data):
    """Within the clip, or its last frame again, called padding; never a frame of the next clip."""
    clips = data.draw(st.lists(st.integers(0, len(counts) - 1), min_size=1, max_size=5))
    offsets = [data.draw(st.integers(0, counts[c] - 1)) for c in clips]
    cut, valid = bank_of(counts).crops(torch.tensor(clips), torch.tensor(offsets), frames)
    assert cut.shape == (len(clips), frames, 3) and valid.dtype == torch.bool
    first = np.cumsum(counts) - counts
    for row, own, clip, offset in zip(cut[:, :, 0].tolist(), valid.tolist(), clips, offsets):
        for t in range(frames):
            assert own[t] == (offset + t < counts[clip])
            assert row[t] == first[clip] + min(offset + t, counts[clip] - 1)
