"""Replaced codes against a float64 sort, the notes' pools (methods/auddsr.md 5.3), and codes that must not be used."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.augment import replacement, replacements, visibility
from asdbook.augment.replacement import pool
from asdbook.errors import BadInput, UnknownName


def problem(n=3, d=5, h=6, w=7, count=40, seed=0, share=0.5):
    torch.manual_seed(seed)
    return torch.randn(n, d, h, w), torch.randn(count, d), torch.rand(n, h, w) < share, torch.rand(count) < 0.7


def naive_ranks(z, codes, cells, live, new):
    """The rank of every replacement among the live codes, by distances in float64 and a sort, cell by cell."""
    alive = [k for k in range(len(codes)) if live[k]]
    ranks = []
    for n, i, j in cells.nonzero().tolist():
        distance = {k: float((z[n, :, i, j].double() - codes[k].double()).square().sum()) for k in alive}
        ranks.append((n, sorted(alive, key=distance.get).index(int(new[n, i, j]))))
    return ranks


@pytest.mark.parametrize(
    ("count", "s", "first", "last"),
    [
        (4096, 0.2, 204, 819),
        (4096, 1.0, 204, 4094),
        (512, 0.2, 25, 102),
        (512, 1.0, 25, 510),
        (256, 0.2, 12, 51),
        (256, 1.0, 12, 254),
        (128, 0.2, 6, 25),
        (128, 1.0, 6, 126),
        (19, 1.0, 1, 17),  # a share below one code still leaves the nearest out
        (3, 1.0, 1, 1),
        (2, 0.2, 1, 1),  # the other one
        (2, 1.0, 1, 1),
        (1, 1.0, 0, 0),  # nothing else to choose
    ],
)
def test_pools_of_the_notes(count, s, first, last):
    low, high = pool(count, torch.tensor([s]))
    assert (low, int(high)) == (first, last + 1)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1))
def test_a_pool_is_never_empty_and_within_the_codes(count, s, skip):
    low, high = pool(count, torch.tensor([s]), skip)
    assert 0 <= low < int(high) <= count
    assert low >= 1 or count == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.floats(0.05, 1), st.integers(0, 1000))
def test_ranks_by_a_float64_sort(count, s, seed):
    z, codes, cells, live = problem(count=count, seed=seed)
    live[seed % count] = True
    new = replacements(z, codes, cells, live, strength=(s, s))
    assert new.dtype == torch.long and torch.equal(new >= 0, cells) and (new[~cells] == -1).all()
    assert live[new[cells]].all()
    low, high = pool(int(live.sum()), torch.tensor([s]))
    assert all(low <= rank < int(high) for _, rank in naive_ranks(z, codes, cells, live, new))


@pytest.mark.parametrize(("s", "first", "last"), [(0.2, 6, 25), (1.0, 6, 126)])
def test_ranks_fill_the_pool_evenly(s, first, last):
    torch.manual_seed(0)
    z, codes = torch.randn(2, 4, 60, 60), torch.randn(128, 4)
    cells, live = torch.ones(2, 60, 60, dtype=torch.bool), torch.ones(128, dtype=torch.bool)
    new = replacements(z, codes, cells, live, strength=(s, s))
    order = torch.cdist(z.movedim(1, -1).reshape(-1, 4).double(), codes.double()).argsort(dim=1)
    ranks = (order == new.reshape(-1, 1)).nonzero()[:, 1]
    assert (int(ranks.min()), int(ranks.max())) == (first, last)
    share = torch.bincount(ranks, minlength=128)[first : last + 1] / len(ranks) * (last - first + 1)
    assert float((share - 1).abs().max()) < 5 * math.sqrt((last - first + 1) / len(ranks))  # five standard errors


def test_one_strength_a_sample():
    torch.manual_seed(1)
    z, codes = torch.randn(40, 3, 12, 12), torch.randn(100, 3)
    cells, live = torch.ones(40, 12, 12, dtype=torch.bool), torch.ones(100, dtype=torch.bool)
    new = replacements(z, codes, cells, live)
    order = torch.cdist(z.movedim(1, -1).reshape(-1, 3).double(), codes.double()).argsort(dim=1)
    farthest = (order == new.reshape(-1, 1)).nonzero()[:, 1].reshape(40, -1).amax(dim=1)
    assert int(farthest.min()) >= 18 and int(farthest.max()) <= 98
    counts = torch.histc(farthest.float(), bins=4, min=18, max=99)
    assert (counts >= 3).all()  # uniform over the range: ten of forty are expected in each quarter


def test_the_nearest_code_is_never_used():
    """9.11, with features that are codes exactly: the distance to the nearest is 0."""
    torch.manual_seed(2)
    codes, at = torch.randn(24, 8), torch.randint(24, (4, 8, 8))
    z = codes[at].movedim(-1, 1)
    cells = torch.rand(4, 8, 8) < 0.4
    new = replacements(z, codes, cells, torch.ones(24, dtype=torch.bool), skip=0.0)
    changed = torch.where(new >= 0, new, at)
    assert (changed[cells] != at[cells]).all() and torch.equal(changed[~cells], at[~cells])


@pytest.mark.parametrize("sampling", ["similar", "uniform"])
def test_no_marked_cell_no_change(sampling):
    z, codes, cells, _ = problem()
    new = replacements(z, codes, torch.zeros_like(cells), torch.ones(40, dtype=torch.bool), sampling=sampling)
    assert (new == -1).all()


def test_uniform_takes_every_live_code_alike():
    torch.manual_seed(3)
    live = torch.rand(30) < 0.5
    cells = torch.ones(2, 50, 50, dtype=torch.bool)
    new = replacements(torch.zeros(2, 4, 50, 50), torch.randn(30, 4), cells, live, sampling="uniform")
    counts = torch.bincount(new.flatten(), minlength=30)
    assert not counts[~live].any()
    expected = 5000 / int(live.sum())
    assert ((counts[live] - expected).abs() < 5 * math.sqrt(expected)).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_live_codes(count):
    z, codes, cells, _ = problem()
    live = torch.zeros(40, dtype=torch.bool)
    live[5 : 5 + count] = True
    new = replacements(z, codes, cells, live)
    ranks = {rank for _, rank in naive_ranks(z, codes, cells, live, new)}
    assert ranks == {0 if count == 1 else 1}


def test_chunks_change_nothing(monkeypatch):
    z, codes, cells, live = problem(n=4, h=9, w=9)
    results = []
    for limit in (replacement.DISTANCES, 40 * 7, 1):  # all at once, seven cells, less than one cell
        monkeypatch.setattr(replacement, "DISTANCES", limit)
        torch.manual_seed(4)
        results.append(replacements(z, codes, cells, live))
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_distances_in_float32_under_autocast():
    z, codes, cells, live = problem()
    torch.manual_seed(5)
    plain = replacements(z, codes, cells, live)
    torch.manual_seed(5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(replacements(z, codes, cells, live), plain)


def test_features_that_are_learnt_are_read_without_a_gradient():
    z, codes, cells, live = problem()
    assert not replacements(z.requires_grad_(), codes, cells, live).requires_grad


def test_draws_follow_the_global_generator():
    z, codes, cells, live = problem(count=200)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(replacements(z, codes, cells, live))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])


def test_bad_input():
    z, codes, cells, live = problem()
    with pytest.raises(BadInput, match="none of 40 codes"):
        replacements(z, codes, cells, torch.zeros_like(live))
    with pytest.raises(UnknownName, match="similar"):
        replacements(z, codes, cells, live, sampling="similiar")


# ---- visibility


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
def test_visibility_equals_the_loops(h, w, seed):
    torch.manual_seed(seed)
    changed, clean, mask = torch.randn(3, h, w), torch.randn(3, h, w), torch.rand(3, h, w) < 0.5
    both = visibility(changed, clean, mask)
    for side, value in ((True, both[0]), (False, both[1])):
        for n in range(3):
            own = [
                abs(float(changed[n, i, j] - clean[n, i, j]))
                for i in range(h)
                for j in range(w)
                if bool(mask[n, i, j]) == side
            ]
            if own:
                assert float(value[n]) == pytest.approx(sum(own) / len(own), rel=1e-5, abs=1e-7)
            else:
                assert math.isnan(value[n])


def test_a_bad_pixel_stays_on_its_side():
    changed, mask = torch.ones(1, 2, 2), torch.tensor([[[True, False], [True, False]]])
    changed[0, 0, 1] = torch.nan
    inside, outside = visibility(changed, torch.zeros(1, 2, 2), mask)
    assert inside.tolist() == [1.0] and outside.isnan().all()
