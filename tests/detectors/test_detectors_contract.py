"""What holds for every detector: shapes, invariances, state, refusals, out-of-sample scores."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save

from asdbook.detectors import DETECTORS, Knn, Mixture, out_of_sample
from asdbook.errors import BadInput

ALL = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)
SYMMETRIC = ("knn", "two_banks", "local_density", "mahalanobis")  # the others draw, by position


def clips(seed=0, count=60, dimension=6, target=8):
    """Embeddings in three clusters of any length, the last `target` of another domain, each its own recording."""
    draw = torch.Generator().manual_seed(seed)
    centres = torch.randn(3, dimension, generator=draw)
    rows = centres[torch.arange(count) % 3] + 0.2 * torch.randn(count, dimension, generator=draw)
    rows = rows * torch.rand(count, 1, generator=draw).add(0.5)
    far = torch.arange(count) >= count - target
    rows[far] += torch.randn(dimension, generator=draw)
    return rows, far, [f"r{i}" for i in range(count)]


def queries(seed=1, count=9, dimension=6):
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


def fitted(make, seed=0, **sizes):
    return make().fit(*clips(seed, **sizes), 0)


@ALL
def test_scores_are_finite_float64_and_repeat(make):
    one, other = fitted(make), fitted(make)
    scores = one.score(queries())
    assert scores.dtype == torch.float64 and scores.shape == (9,) and scores.isfinite().all()
    assert torch.equal(scores, other.score(queries())) and torch.equal(scores, one.score(queries()))
    assert one.score(queries()[:0]).shape == (0,)


@ALL
def test_a_far_clip_scores_higher_than_training_clips(make):
    """Opposite to all that was heard, against clips of the training."""
    draw = torch.Generator().manual_seed(3)
    rows = torch.tensor([1.0, 0, 0, 0, 0, 0]) + 0.1 * torch.randn(40, 6, generator=draw)
    detector = make().fit(rows, torch.arange(40) >= 35, [f"r{i}" for i in range(40)], 0)
    assert detector.score(-rows[:5]).min() > detector.score(rows).max()


@ALL
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([1e-3, 0.37, 5.0, 1e4]))
def test_a_clip_scores_by_its_direction_and_by_itself(make, seed, factor):
    detector, asked = fitted(make), queries(seed).double()
    together = detector.score(asked)
    alone = torch.cat([detector.score(asked[i : i + 1]) for i in range(len(asked))])
    torch.testing.assert_close(alone, together, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(detector.score(factor * asked), together, rtol=1e-7, atol=1e-10)


@ALL
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_lengths_of_training_clips_do_not_matter(make, seed):
    rows, far, names = clips(seed)
    powers = 2.0 ** torch.randint(-3, 4, (len(rows), 1), generator=torch.Generator().manual_seed(seed % 2**31))
    one, other = (make().fit(r, far, names, 0).score(queries()) for r in (rows, rows * powers))
    assert torch.equal(one, other)


@pytest.mark.parametrize("make", [DETECTORS[name] for name in SYMMETRIC], ids=SYMMETRIC)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_training_clips_does_not_matter(make, seed):
    rows, far, names = clips()
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    shuffled = make().fit(rows[order], far[order], [names[i] for i in order], 0)
    torch.testing.assert_close(shuffled.score(queries()), fitted(make).score(queries()), rtol=1e-9, atol=1e-12)


@ALL
@pytest.mark.parametrize("target", [0, 1, 2])
def test_few_target_clips(make, target):
    detector = fitted(make, target=target)
    assert detector.score(queries()).isfinite().all()


@ALL
def test_target_clips_alone_are_a_domain_like_any(make):
    rows, far, names = clips(target=0)
    as_source, as_target = (make().fit(rows, domain, names, 0).score(queries()) for domain in (far, ~far))
    assert torch.equal(as_source, as_target)


@ALL
def test_fewer_clips_than_centroids_and_copies(make):
    rows, far, names = clips(count=5, target=1)
    few = make().fit(rows, far, names, 0)
    assert few.score(queries()).isfinite().all() and few.score(rows).isfinite().all()
    copies = make().fit(rows.repeat(3, 1), far.repeat(3), [f"r{i}" for i in range(15)], 0)
    assert copies.score(queries()).isfinite().all() and copies.score(rows).isfinite().all()


@ALL
def test_state_through_a_file_scores_the_same(make):
    detector = fitted(make)
    read = make().load(load(save(detector.state())))
    assert torch.equal(read.score(queries()), detector.score(queries()))
    no_target = fitted(make, target=0)
    assert torch.equal(make().load(load(save(no_target.state()))).score(queries()), no_target.score(queries()))
    with pytest.raises(BadInput, match="found nothing"):
        make().load({})
    with pytest.raises(BadInput, match=r"holds .*; found other"):
        make().load({"other": torch.zeros(1)})


@ALL
def test_what_cannot_be_used_is_refused_in_one_line(make):
    rows, far, names = clips()
    zero, broken = rows.clone(), rows.clone()
    zero[3], broken[4, 1] = 0, torch.nan
    for wrong, message in [
        ((rows[0], far, names), r"training embeddings have shape \(6,\)"),
        ((rows.long(), far, names), "torch.int64"),
        ((rows[:0], far[:0], []), "at least one clip"),
        ((rows, far[:-1], names), "one bool and one recording"),
        ((rows, far.long(), names), "one bool and one recording"),
        ((rows, far, names[:-1]), "one bool and one recording"),
        ((zero, far, names), "training embeddings: the embedding of clip 3 is zero"),
        ((broken, far, names), "training embeddings: the embedding of clip 4 is not finite"),
    ]:
        with pytest.raises(BadInput, match=message) as caught:
            make().fit(*wrong, 0)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="learnt nothing"):
        make().score(rows)
    with pytest.raises(BadInput, match="queries have 5 dimensions, the training embeddings had 6"):
        fitted(make).score(queries(dimension=5))
    with pytest.raises(BadInput, match="queries: the embedding of clip 0 is zero"):
        fitted(make).score(torch.zeros(1, 6))


@ALL
def test_settings_are_checked_when_fitting(make):
    for name, value in vars(make()).items():
        wrong = {"metric": "cosin"} if name == "metric" else {name: 0}
        if isinstance(value, bool):
            continue
        with pytest.raises(BadInput, match=name):
            make(**wrong).fit(*clips(), 0)


@ALL
def test_out_of_sample_scores_hear_nothing_of_the_recording(make):
    """By hand: the fold of a clip is found by what refits without it give."""
    rows, far, _ = clips(count=30, target=6)
    names = [f"r{i // 2}" for i in range(30)]
    scores = out_of_sample(make, rows, far, names, seed=4, folds=3)
    assert scores.dtype == torch.float64 and scores.isfinite().all()
    assert torch.equal(scores, out_of_sample(make, rows, far, names, seed=4, folds=3))
    # A clip replaced by anything else changes no score of its own recording (out of sample), but its own.
    changed = rows.clone()
    changed[7] = torch.randn(6, generator=torch.Generator().manual_seed(9))
    again = out_of_sample(make, changed, far, names, seed=4, folds=3)
    assert again[6] == scores[6]
    assert not torch.equal(again, scores)


def test_out_of_sample_by_a_loop():
    """With a fold for each recording there is nothing to deal: every clip against all other recordings."""
    rows, far, _ = clips(count=20, target=4)
    names = [f"r{i // 2}" for i in range(20)]
    found = out_of_sample(lambda: Knn(k=2), rows, far, names, seed=0, folds=10)
    for i, name in enumerate(names):
        rest = torch.tensor([other != name for other in names])
        kept = [other for other in names if other != name]
        expected = Knn(k=2).fit(rows[rest], far[rest], kept, 0).score(rows[i : i + 1])
        torch.testing.assert_close(found[i : i + 1], expected, rtol=1e-12, atol=0)


def test_folds_share_the_target_clips():
    """With five folds and five target clips, each detector hears four of them."""
    heard = []

    class Spy(Knn):
        def _learn(self, train):
            heard.append((len(train.source), len(train.target)))
            return super()._learn(train)

    out_of_sample(Spy, *clips(count=50, target=5), seed=2)
    assert heard == [(36, 4)] * 5


def test_out_of_sample_refuses():
    rows, far, names = clips(count=6, target=0)
    with pytest.raises(BadInput, match="all 6 training clips come from one recording"):
        out_of_sample(Knn, rows, far, ["r"] * 6, 0)
    with pytest.raises(BadInput, match="folds = 1"):
        out_of_sample(Knn, rows, far, names, 0, folds=1)
    with pytest.raises(BadInput, match="5 recordings"):
        out_of_sample(Knn, rows, far, names[:5], 0)
    with pytest.raises(BadInput, match="two or more training clips"):  # what a fold's own fit says
        out_of_sample(Mixture, rows[:2], far[:2], names[:2], 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@ALL
def test_the_device_changes_scores_by_rounding_alone(make):
    rows, far, names = clips()
    there = make().fit(rows.cuda(), far, names, 0)
    found = there.score(queries().cuda())
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), fitted(make).score(queries()), rtol=1e-6, atol=1e-9)
