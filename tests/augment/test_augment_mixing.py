"""Mixup and feature exchange: worked examples of the labels, and what no draw may change."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.augment import feature_exchange, mixup, one_hot

CLASSES = 4


def batch(count, seed=0):
    torch.manual_seed(seed)
    return torch.randn(count, 50), one_hot(torch.randint(CLASSES, (count,)), CLASSES)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 1000))
def test_labels_sum_to_one(count, probability, seed):
    waves, y = batch(count, seed)
    assert torch.allclose(mixup(waves, y, probability)[1].sum(1), torch.ones(count), atol=1e-6)
    both, labels = feature_exchange(waves[:, :3], waves[:, 3:6], y, probability)
    assert both.shape == (count, 6) and labels.shape == (count, 3 * CLASSES)
    assert torch.allclose(labels.sum(1), torch.ones(count), atol=1e-6)


def test_waves_and_labels_are_mixed_alike():
    """One-hot waves: what a wave is made of can be read from it, and must be what its label says."""
    torch.manual_seed(1)
    numbers = torch.arange(16)
    waves, y = mixup(one_hot(numbers, 16), one_hot(numbers, 16), 1.0)
    torch.testing.assert_close(waves, y)
    assert ((y > 0).sum(1) <= 2).all() and (y.amax(1) < 1).sum() >= 12
    assert len(y.amax(1).unique()) > 10  # one draw a clip, not one a batch


def test_probability_zero_and_one():
    waves, y = batch(200)
    kept, labels = mixup(waves, y, 0.0)
    assert torch.equal(kept, waves) and torch.equal(labels, y)
    share = [(mixup(waves, y, p)[0] == waves).all(1).float().mean().item() for p in (0.5, 1.0)]
    assert 0.35 < share[0] < 0.65 and share[1] < 0.05


def test_mixing_two_of_a_class_keeps_the_label():
    waves = torch.randn(6, 10)
    y = one_hot(torch.zeros(6, dtype=torch.long), CLASSES)
    torch.testing.assert_close(mixup(waves, y, 1.0)[1], y)


def test_exchange_worked_example():
    """[y, 0, 0] where the embedding is one's own, [0, y / 2, y' / 2] where it is the partner's."""
    count = 64
    torch.manual_seed(3)
    own = torch.arange(count, dtype=torch.float32)[:, None]
    y = one_hot(torch.arange(count), count)
    both, labels = feature_exchange(own, own, y, 0.5)
    blocks = labels.unflatten(1, (3, count))
    assert torch.equal(both[:, 1:], own)  # the second path stays
    for i in range(count):
        partner = int(both[i, 0])
        if blocks[i, 0].any():
            assert partner == i and torch.equal(blocks[i, 0], y[i]) and not blocks[i, 1:].any()
        else:
            torch.testing.assert_close(blocks[i, 1], y[i] / 2)
            torch.testing.assert_close(blocks[i, 2], y[partner] / 2)
    assert 15 < int((blocks[:, 0].sum(1) == 0).sum()) < 50


def test_draws_follow_the_global_generator():
    waves, y = batch(20)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(mixup(waves, y, 1.0)[0])
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
