"""Stacked vectors without copies."""

import numpy as np
import pytest
import torch

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
