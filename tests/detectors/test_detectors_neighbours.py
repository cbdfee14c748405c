"""Nearest neighbours against a loop."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.detectors import NearestBank
from asdbook.detectors.neighbours import Bank
from asdbook.errors import BadInput


def naive(query, group, bank, groups, k, allowed=lambda j: True):
    """Sorted distances of one query to its group, one at a time."""
    found = [float(np.linalg.norm(query - b)) for j, b in enumerate(bank) if groups[j] == group and allowed(j)]
    return (sorted(found) + [np.inf] * k)[:k]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    clips=st.integers(4, 40),
    k=st.integers(1, 4),
    offset=st.sampled_from([0.0, -60.0, 1e3]),
)
def test_distances_are_those_of_a_loop(seed, clips, k, offset):
    rng = np.random.default_rng(seed)
    bank = (rng.normal(size=(clips, 5)) + offset).astype(np.float32)
    queries = (rng.normal(size=(7, 5)) + offset).astype(np.float32)
    groups = [f"g{i % 2}" for i in range(clips)]
    recordings = [f"r{i // 2}" for i in range(clips)]
    nearest = NearestBank(torch.from_numpy(bank), groups, recordings)
    asked = [f"g{i % 2}" for i in range(7)]
    bank, queries = bank.astype(np.float64), queries.astype(np.float64)
    expected = [naive(q, g, bank, groups, k) for q, g in zip(queries, asked)]
    found = nearest.distances(torch.from_numpy(queries).float(), asked, k)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)
    left_out = [
        naive(bank[i], groups[i], bank, groups, k, lambda j, i=i: recordings[j] != recordings[i])
        for i in range(clips)
    ]
    np.testing.assert_allclose(nearest.leave_recording_out(k).numpy(), left_out, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 6),
    scale=st.sampled_from([1e-30, 1e-21, 1.0, 1e6, 1e30]),
    offset=st.sampled_from([0.0, 30.0]),
    step=st.sampled_from([0.0, 1e-9, 1e-6, 1e-3]),
)
def test_neighbours_that_float32_cannot_tell_apart(seed, k, scale, offset, step):
    """Rows in bunches a step apart, more of them than are looked at; their distances are right."""
    rng = np.random.default_rng(seed)
    bunches = np.repeat(rng.normal(size=(3, 16)), [1, 4, 15], axis=0)
    bank = scale * (bunches + offset + step * rng.normal(size=(20, 16)))
    queries = np.concatenate([bank[[0, 3, 9, 12]], scale * (offset + rng.normal(size=(5, 16)))])
    exclude = rng.random((9, 20)) < 0.3
    exclude[4] = True
    found, rows = Bank(torch.from_numpy(bank)).nearest(torch.from_numpy(queries), k, torch.from_numpy(exclude))
    for query, left_out, distance, row in zip(queries, exclude, found.numpy(), rows.numpy()):
        each = np.where(left_out, np.inf, np.linalg.norm(query - bank, axis=1))
        np.testing.assert_allclose(distance, np.sort(each)[:k], rtol=1e-7, atol=3e-7 * scale)
        counts = np.isfinite(distance)
        np.testing.assert_allclose(each[row[counts]], distance[counts], rtol=1e-12)
        assert len(set(row[counts])) == counts.sum()


def test_one_precision_of_products_for_all(monkeypatch):
    """Where torch may round products to bfloat16, float32 is not asked."""
    bank = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    plain = Bank(bank).nearest(bank + 0.1, 3)
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    monkeypatch.setattr(torch, "addmm", None)
    for one, other in zip(plain, Bank(bank).nearest(bank + 0.1, 3)):
        assert torch.equal(one, other)


def test_a_copy_is_at_distance_zero():
    bank = torch.full((3, 4), -61.37) + torch.arange(3)[:, None]
    assert NearestBank(bank, "aaa", "xyz").distances(bank, "aaa").abs().max() == 0


def test_blocks_of_queries_do_not_matter(monkeypatch):
    bank = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    nearest = NearestBank(bank, ["a"] * 30, [str(i // 3) for i in range(30)])
    whole = nearest.distances(bank + 0.1, ["a"] * 30), nearest.leave_recording_out()
    monkeypatch.setattr("asdbook.detectors.neighbours.QUERIES_AT_ONCE", 7)
    blocks = nearest.distances(bank + 0.1, ["a"] * 30), nearest.leave_recording_out()
    for one, other in zip(whole, blocks):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


def test_refusals():
    nearest = NearestBank(torch.zeros(2, 3), ["fan", "fan"], ["0", "0"])
    with pytest.raises(BadInput, match="'pump'"):
        nearest.distances(torch.zeros(1, 3), ["pump"])
    with pytest.raises(BadInput, match="'fan' come from one recording"):
        nearest.leave_recording_out()
    with pytest.raises(BadInput, match="one group"):
        NearestBank(torch.zeros(2, 3), ["fan"], ["0", "1"])
