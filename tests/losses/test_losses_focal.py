"""Focal loss against the notes' golden values (methods/auddsr.md 4.4), Python floats, and the double-softmax trap."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from asdbook.losses import focal


def naive(logits, target, gamma=2.0, smoothing=1e-5, weight=None):
    """The definition, pixel by pixel in Python floats."""
    total = mass = 0.0
    for n, i, j in torch.ones_like(target, dtype=torch.bool).nonzero().tolist():
        a, b = (math.exp(float(logits[n, c, i, j]) - float(logits[n, :, i, j].max())) for c in (0, 1))
        y = min(max(float(target[n, i, j]), smoothing), 1 - smoothing)
        p = (y * b + (1 - y) * a) / (a + b) + smoothing
        share = 1.0 if weight is None else float(weight[n, i, j])
        total -= share * (1 - p) ** gamma * math.log(p)
        mass += share
    return total / mass


def of_probability(p):
    """Logits of one pixel whose probability of class 1 is p."""
    return torch.tensor([math.log(1 - p), math.log(p)]).reshape(1, 2, 1, 1)


def problem(seed=0, n=2, h=3, w=5, scale=3.0):
    torch.manual_seed(seed)
    return scale * torch.randn(n, 2, h, w), torch.rand(n, h, w) < 0.4


@pytest.mark.parametrize(
    ("p", "plain", "smoothed"),
    [(0.5, 0.173287, 0.173275), (0.9, 0.00105361, 0.00105354), (0.1, 1.865094, 1.864874)],
)
@pytest.mark.parametrize("anomalous", [False, True])
def test_golden_values(p, plain, smoothed, anomalous):
    """p is the probability of the true class, whichever that is."""
    logits, target = of_probability(p if anomalous else 1 - p), torch.full((1, 1, 1), anomalous)
    assert float(focal(logits, target, smoothing=0.0)) == pytest.approx(plain, rel=5e-6)
    assert float(focal(logits, target)) == pytest.approx(smoothed, rel=5e-6)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]), st.sampled_from([0.0, 1e-5, 0.05]), st.booleans()
)
def test_equals_the_definition(seed, gamma, smoothing, weighted):
    logits, target = problem(seed)
    weight = torch.rand(2, 3, 5) if weighted else None
    value = float(focal(logits, target, gamma=gamma, smoothing=smoothing, weight=weight))
    assert value == pytest.approx(naive(logits, target, gamma, smoothing, weight), rel=1e-4, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 30))
def test_without_focus_it_is_cross_entropy(seed, scale):
    """9.12."""
    logits, target = problem(seed, scale=scale)
    expected = functional.cross_entropy(logits, target.long())
    torch.testing.assert_close(focal(logits, target, gamma=0.0, smoothing=0.0), expected)
    assert float(focal(of_probability(0.5), torch.ones(1, 1, 1), gamma=0.0, smoothing=0.0)) == pytest.approx(0.693147)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(-50, 50))
def test_neither_a_common_level_nor_the_names_of_the_classes_count(seed, level):
    logits, target = problem(seed)
    value = focal(logits, target)
    torch.testing.assert_close(focal(logits + level, target), value, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(focal(logits.flip(1), ~target), value)
    torch.testing.assert_close(focal(logits, target.float()), value)


def test_a_second_softmax_would_bound_the_loss():
    """Why logits go in: certain and right probabilities, taken for logits, still cost 0.0227."""
    certain, target = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1), torch.ones(1, 1, 1)
    assert float(focal(certain, target, smoothing=0.0)) == pytest.approx(0.02266, abs=1e-5)
    assert float(focal(of_probability(1 - 1e-6), target)) < 1e-9


def test_padding_of_weight_zero_does_not_count():
    logits, target = problem(h=4, w=9)
    weight = torch.zeros(2, 4, 9)
    weight[:, :, :6] = 1
    value = focal(logits, target, weight=weight)
    torch.testing.assert_close(value, focal(logits[..., :6], target[..., :6]))
    changed = logits.clone()
    changed[..., 6:] = 100
    torch.testing.assert_close(focal(changed, target, weight=weight), value)
    frames = torch.tensor([1, 1, 1, 1, 1, 1, 0, 0, 0])
    torch.testing.assert_close(focal(logits, target, weight=frames), value)  # one weight a frame expands
    torch.testing.assert_close(focal(logits, target, weight=torch.full_like(weight, 0.3)), focal(logits, target))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([0.5, 2.0]), st.sampled_from([0.0, 1e-5]))
def test_gradient_by_differences(seed, gamma, smoothing):
    logits, target = problem(seed, n=1, h=2, w=2, scale=1.0)
    logits.requires_grad_()
    focal(logits, target, gamma=gamma, smoothing=smoothing).backward()
    for at in torch.ones_like(logits).nonzero().tolist():
        values = []
        for step in (-1e-4, 1e-4):
            moved = logits.detach().double()
            moved[tuple(at)] += step
            values.append(naive(moved, target, gamma, smoothing))
        assert float(logits.grad[tuple(at)]) == pytest.approx((values[1] - values[0]) / 2e-4, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 1e-5])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("right", [False, True])
def test_certainty_stays_finite(gamma, smoothing, right):
    """Also where the probability of the true class underflows or rounds to 1."""
    logits = torch.tensor([0.0, 500.0]).reshape(1, 2, 1, 1).requires_grad_()
    value = focal(logits, torch.full((1, 1, 1), right), gamma=gamma, smoothing=smoothing)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(logits.grad).all()
    assert (float(value.detach()) < 1e-4) == right
    if not right and not smoothing:
        assert logits.grad[0, 1, 0, 0] > 0.9  # still pulled back


def test_computed_in_float32_under_autocast():
    logits, target = problem()
    outside = focal(logits, target)
    with torch.autocast("cpu", torch.bfloat16):
        inside = focal(logits, target)
    assert inside.dtype == torch.float32 and torch.equal(inside, outside)
    half = logits.bfloat16()
    assert torch.equal(focal(half, target), focal(half.float(), target)) and focal(half, target).dtype == torch.float32


def test_training_fits_a_map():
    torch.manual_seed(0)
    target = torch.rand(1, 6, 6) < 0.1
    logits = torch.nn.Parameter(torch.randn(1, 2, 6, 6))
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        focal(logits, target).backward()
        optimizer.step()
    assert torch.equal(logits.argmax(dim=1).bool(), target)
