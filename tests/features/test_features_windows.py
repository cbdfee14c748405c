"""Windows of clips of any length: tiling, covering, drawing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.errors import BadInput
from asdbook.features import WindowBank


class Clips:
    """Clips of these lengths; sample k of clip i is 100 i + k, in steps of 2^-15."""

    def __init__(self, lengths, nan=False):
        self.lengths, self.nan = np.array(lengths), nan

    def batches(self, positions, size):
        for length in np.unique(self.lengths):
            same = np.flatnonzero(self.lengths == length)
            waves = 100.0 * torch.from_numpy(same)[:, None] + torch.arange(int(length))
            waves = (waves / 32768).float()
            if self.nan:
                waves[-1, 0] = torch.nan
            yield same, waves


def whole(bank, positions, offsets):
    return (32768 * bank.windows(torch.tensor(positions), torch.tensor(offsets))).long()


def test_a_window_inside_one_from_the_end_on_and_one_of_a_short_clip():
    bank = WindowBank(Clips([10, 3, 6]), 5)
    assert whole(bank, [0, 0], [2, 5]).tolist() == [[2, 3, 4, 5, 6], [5, 6, 7, 8, 9]]
    assert whole(bank, [1, 1], [0, 2]).tolist() == [[100, 101, 102, 100, 101], [102, 100, 101, 102, 100]]


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 12))
def test_covering_windows_cover_every_sample_and_are_as_few_as_can_be(lengths, samples):
    bank = WindowBank(Clips(lengths), samples)
    clip, offset = bank.cover()
    for i, length in enumerate(lengths):
        mine = offset[clip == i]
        assert len(mine) == -(-length // samples) and mine[0] == 0
        heard = {int(o) + k for o in mine for k in range(samples)}
        assert heard >= set(range(length))
        if length >= samples:
            assert max(heard) == length - 1  # nothing is tiled


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 99))
def test_drawn_windows(length, samples, seed):
    torch.manual_seed(seed)
    bank = WindowBank(Clips([length]), samples)
    drawn = (32768 * bank.drawn(torch.zeros(50, dtype=torch.long))).long()
    steps = drawn.diff(dim=1) % length  # neighbours stay neighbours, also over the seam
    assert (steps == 1 % length).all()
    if length > samples:
        assert (drawn[:, -1] - drawn[:, 0] == samples - 1).all()  # wholly inside


def test_every_place_is_drawn():
    torch.manual_seed(0)
    bank = WindowBank(Clips([9, 4]), 5)
    first = (32768 * bank.drawn(torch.tensor([0, 1] * 300))[:, 0]).long()
    assert set(first.tolist()) == {0, 1, 2, 3, 4, 100, 101, 102, 103}


def test_samples_that_are_not_numbers_are_refused():
    with pytest.raises(BadInput, match="NaN"):
        WindowBank(Clips([5, 5], nan=True), 3)
    with pytest.raises(BadInput, match="no samples"):
        WindowBank(Clips([5, 0]), 3)
