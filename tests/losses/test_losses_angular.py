"""AdaCos and sub-cluster AdaCos against float64 loops, limits, and the runaway of the scale as coded."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook.augment import one_hot
from asdbook.errors import BadInput, UnknownName
from asdbook.losses import AdaCos

D = 12


def soft(count, classes, seed=0):
    torch.manual_seed(seed)
    y = one_hot(torch.randint(classes, (count,)), classes)
    share = torch.rand(count, 1)
    return share * y + (1 - share) * y[torch.randperm(count)]


def cosine(x, w):
    x, w = [float(v) for v in x], [float(v) for v in w]
    dot = sum(a * b for a, b in zip(x, w))
    return dot / math.sqrt(sum(a * a for a in x)) / math.sqrt(sum(b * b for b in w))


def naive(x, centres, y, s):
    """The definition, in Python floats: mean of -sum_c y_c ln p_c."""
    total = 0.0
    for xi, yi in zip(x, y):
        exps = [[math.exp(s * cosine(xi, w)) for w in own] for own in centres]
        everything = sum(sum(own) for own in exps)
        total -= sum(float(yc) * math.log(sum(own) / everything) for yc, own in zip(yi, exps))
    return total / len(x)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 6), st.integers(1, 4), st.integers(0, 1000))
def test_equals_the_definition(classes, subclusters, seed):
    y, x = soft(5, classes, seed), torch.randn(5, D)
    if classes * subclusters < 3:
        return
    loss = AdaCos(D, classes, subclusters)
    assert float(loss(x, y)) == pytest.approx(naive(x, loss.centres, y, float(loss.scale)), rel=1e-5)


def test_scales_of_the_notes():
    """methods/building_blocks.md 3.2 and 4."""
    known = {(119, 16): 10.679, (138, 16): 10.889, (167, 16): 11.158, (187, 16): 11.318, (119, 1): 6.747}
    for (classes, subclusters), scale in known.items():
        assert float(AdaCos(4, classes, subclusters).scale) == pytest.approx(scale, abs=1e-3)
    assert float(AdaCos(4, 9 * 119, 16).scale) == pytest.approx(13.787, abs=1e-3)
    assert float(AdaCos(4, 3 * 119, 16).scale) == pytest.approx(12.233, abs=1e-3)


def original_adacos(x, centres, y, s):
    """B_avg without the own class, the median angle to it: the update of the AdaCos paper, in Python floats."""
    average = angles = 0.0
    angles = []
    for xi, c in zip(x, y):
        cosines = [cosine(xi, w) for w in centres]
        average += sum(math.exp(s * v) for k, v in enumerate(cosines) if k != c) / len(x)
        angles.append(math.acos(cosines[c]))
    return math.log(average) / math.cos(min(math.pi / 4, sorted(angles)[len(x) // 2]))


def test_one_sub_cluster_without_own_class_is_adacos():
    torch.manual_seed(0)
    x, numbers = torch.randn(7, D), torch.randint(40, (7,))
    loss = AdaCos(D, 40, 1, scale="without-own", clamp=100.0).train()
    expected = original_adacos(x, loss.centres[:, 0], numbers.tolist(), float(loss.scale))
    value = loss(x, one_hot(numbers, 40))
    assert float(loss.scale) == pytest.approx(expected, rel=1e-5)
    assert float(value) == pytest.approx(naive(x, loss.centres, one_hot(numbers, 40), expected), rel=1e-5)


@pytest.mark.parametrize("subclusters", [2, 16])
def test_scale_as_coded_by_hand(subclusters):
    """With two sub-clusters or more the summed angle exceeds pi / 4: the rule is sqrt(2) ln of the mean sum."""
    torch.manual_seed(1)
    x, y = torch.randn(9, 64), soft(9, 30, seed=1)
    loss = AdaCos(64, 30, subclusters, scale="as-coded", clamp=100.0).train()
    before = float(loss.scale)
    sums = [sum(math.exp(before * cosine(xi, w)) for own in loss.centres for w in own) for xi in x]
    loss(x, y)
    assert float(loss.scale) == pytest.approx(math.sqrt(2) * math.log(sum(sums) / len(x)), rel=1e-4)


def aligned(loss, c, count=64):
    """Embeddings whose best cosine to a centre is c, and their labels."""
    torch.manual_seed(2)
    numbers = torch.randint(loss.centres.shape[0], (count,))
    w = torch.nn.functional.normalize(loss.centres[numbers, 0], dim=1)
    other = torch.randn_like(w)
    other = torch.nn.functional.normalize(other - (other * w).sum(1, keepdim=True) * w, dim=1)
    return c * w + math.sqrt(1 - c * c) * other, one_hot(numbers, loss.centres.shape[0])


@pytest.mark.parametrize(("c", "fixed_point"), [(0.5, 11.17), (0.7, 14.54)])
def test_fixed_points_as_coded(c, fixed_point):
    torch.manual_seed(0)
    loss = AdaCos(256, 119, 16, scale="as-coded", clamp=1e6).train()
    x, y = aligned(loss, c)
    for _ in range(400):
        loss(x, y)
    assert float(loss.scale) == pytest.approx(fixed_point, rel=0.02)


def test_runaway_as_coded_and_the_clamp_that_stops_it():
    """Cosines above 1 / sqrt(2) make the recursion grow without bound."""
    torch.manual_seed(0)
    free = AdaCos(256, 119, 16, scale="as-coded", clamp=1e6).train()
    held = AdaCos(256, 119, 16, scale="as-coded").train()
    held.load_state_dict(free.state_dict())
    x, y = aligned(free, 0.9)
    for _ in range(60):
        free(x, y)
        held(x, y)
    assert float(free.scale) > 1e4
    assert float(held.scale) == pytest.approx(4 * held.start)


@pytest.mark.parametrize("rule", ["fixed", "as-coded", "without-own"])
def test_the_scale_moves_only_in_training_and_only_where_asked(rule):
    torch.manual_seed(0)
    loss = AdaCos(D, 6, 4, scale=rule)
    start = float(loss.scale)
    loss.eval()(torch.randn(5, D), soft(5, 6))
    assert float(loss.scale) == start
    loss.train()(torch.randn(5, D), soft(5, 6))
    assert (float(loss.scale) == start) == (rule == "fixed")


@pytest.mark.parametrize("trainable", [False, True])
def test_gradients_reach_embeddings_and_trainable_centres(trainable):
    torch.manual_seed(0)
    loss = AdaCos(D, 6, 4, trainable=trainable, scale="as-coded").train()
    x = torch.randn(5, D, requires_grad=True)
    loss(x, soft(5, 6)).backward()
    assert x.grad.abs().sum() > 0
    assert [name for name, _ in loss.named_parameters()] == (["centres"] if trainable else [])
    if trainable:
        assert loss.centres.grad.abs().sum() > 0
    assert not loss.scale.requires_grad


def test_lengths_of_embeddings_and_centres_do_not_count():
    torch.manual_seed(0)
    loss, x, y = AdaCos(D, 6, 4), torch.randn(5, D), soft(5, 6)
    value = loss(x, y)
    loss.centres *= 3
    torch.testing.assert_close(loss(10 * x, y), value)


def test_computed_in_float32_under_autocast():
    torch.manual_seed(0)
    loss, x, y = AdaCos(D, 6, 4), torch.randn(5, D), soft(5, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss(x, y), loss(x.clone(), y)) and loss(x, y).dtype == torch.float32
        inside = loss(x, y)
    assert torch.equal(inside, loss(x, y))


def test_large_scales_stay_finite():
    loss, x, y = AdaCos(D, 6, 4), torch.randn(5, D), soft(5, 6)
    loss.scale.fill_(1e4)
    assert torch.isfinite(loss(x, y))


def test_training_pulls_embeddings_to_their_class():
    torch.manual_seed(0)
    loss, y = AdaCos(D, 3, 2), one_hot(torch.arange(6) % 3, 3)
    x = torch.nn.Parameter(torch.randn(6, D))
    optimizer = torch.optim.Adam([x], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss(x, y).backward()
        optimizer.step()
    assert torch.equal(loss.cosines(x).amax(2).argmax(1), torch.arange(6) % 3)


def test_bad_input():
    with pytest.raises(BadInput, match="at least three"):
        AdaCos(D, 1, 2)
    with pytest.raises(UnknownName, match="as-coded"):
        AdaCos(D, 6, 2, scale="coded")
