"""Vector quantisation: figures computed by hand (methods/auddsr.md 9.1 to 9.4), the nearest code, revival."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from asdbook.nn import VectorQuantiser, perplexity, quantiser
from asdbook.nn.quantiser import nearest

CODES = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
BATCH = [[1.0, 0.0], [0.0, 1.0], [3.0, 0.0], [5.0, 2.0]]
CHOSEN = [0, 0, 1, 1]
"""The nearest code of each vector of the batch."""


def made(update="average", revive=False, codes=CODES):
    """A quantiser in float64 with these codes, each counted once."""
    book = VectorQuantiser(len(codes), len(codes[0]), update, revive).double()
    with torch.no_grad():
        book.codes.copy_(torch.tensor(codes))
        if update == "average":
            book.counts.fill_(1)
            book.sums.copy_(book.codes)
    return book


def as_map(vectors, **options):
    """(vector, D) -> (1, D, 1, vector)."""
    return torch.tensor(vectors, dtype=torch.float64, **options).T[None, :, None]


def as_rows(features):
    return features[0, :, 0].T


@pytest.mark.parametrize("update", ["average", "gradient"])
def test_straight_through(update):
    """9.1: the output is the code; the gradient of the features is that of the output; codes get none."""
    book, z = made(update), as_map([[1.0, 0.0], [3.0, 0.0]]).requires_grad_()
    made_of = book(z)
    assert as_rows(made_of.vectors).tolist() == [[0, 0], [4, 0]]
    assert made_of.indices.tolist() == [[[0, 1]]]
    weights = as_map([[2.0, -1.0], [0.5, 3.0]])
    (weights * made_of.vectors).sum().backward()
    assert torch.equal(z.grad, weights)
    assert not isinstance(book.codes, nn.Parameter) or book.codes.grad is None


def test_moving_averages_with_decay_one_half(monkeypatch):
    """9.2 A: the code that nothing chose stays."""
    monkeypatch.setattr(quantiser, "DECAY", 0.5)
    monkeypatch.setattr(quantiser, "EPS", 0.0)
    book = made()
    assert book(as_map(BATCH)).indices.flatten().tolist() == CHOSEN
    np.testing.assert_allclose(book.counts, [1.5, 1.5, 0.5], rtol=1e-12)
    np.testing.assert_allclose(book.sums, [[0.5, 0.5], [6, 1], [0, 2]], rtol=1e-12)
    np.testing.assert_allclose(book.codes, [[1 / 3, 1 / 3], [4, 2 / 3], [0, 4]], rtol=1e-12)


def test_moving_averages_with_the_usual_decay():
    """9.2 B."""
    book = made()
    book(as_map(BATCH))
    np.testing.assert_allclose(book.counts, [1.01, 1.01, 0.99], rtol=1e-12)
    smoothed = [book.sums[i, j] / book.codes[i, j] for i, j in ((0, 0), (1, 0), (2, 1))]
    np.testing.assert_allclose(smoothed, [1.0099999336, 1.0099999336, 0.9900001329], rtol=1e-9)
    known = [[0.00990099075, 0.00990099075], [4.000000263, 0.0198019815], [0, 3.999999463]]
    np.testing.assert_allclose(book.codes, known, rtol=1e-8)


def test_a_cold_start_explodes_and_ours_is_none():
    """9.2 C: with N = 0 a code that nothing chose is flung away; `start` counts each code once."""
    cold = made()
    cold.counts.zero_()
    cold(as_map(BATCH))
    known = [[0.500125, 0.500125], [202.05, 1.00025], [0, 396_297]]
    np.testing.assert_allclose(cold.codes, known, rtol=1e-5)

    ours = VectorQuantiser(3, 2).double()
    ours.start(as_map(BATCH))
    assert ours.counts.tolist() == [1, 1, 1] and torch.equal(ours.sums, ours.codes)
    ours(as_map(BATCH))
    assert ours.codes.abs().max() <= 1.1 * 5


@pytest.mark.parametrize("update", ["average", "gradient"])
def test_losses_and_gradients_of_that_batch(update):
    """9.3: commitment 0.25 of 1.0; the codebook term 1.0 and its gradients with "gradient" alone."""
    book, z = made(update), as_map(BATCH).requires_grad_()
    loss = book(z).loss
    assert float(loss.detach()) == pytest.approx(0.25 if update == "average" else 1.25, rel=1e-12)
    loss.backward()
    np.testing.assert_allclose(as_rows(z.grad), [[0.0625, 0], [0, 0.0625], [-0.0625, 0], [0.0625, 0.125]])
    if update == "gradient":
        np.testing.assert_allclose(book.codes.grad, [[-0.25, -0.25], [0, -0.5], [0, 0]])
        assert book.codes.tolist() == CODES  # moved by the optimiser alone, never by both
        assert not {"counts", "sums"} & set(book.state_dict())
    else:
        assert not list(book.parameters())


def test_perplexity_of_known_use():
    """9.3."""
    assert float(perplexity(torch.tensor([5, 5, 0]))) == pytest.approx(2)
    assert float(perplexity(torch.full((4096,), 7))) == pytest.approx(4096)
    assert float(perplexity(torch.tensor([0, 9, 0]))) == pytest.approx(1)
    both = perplexity(torch.tensor([[1, 1, 1, 1], [8, 0, 0, 0]]))
    assert both.tolist() == pytest.approx([4, 1])
    p = np.array([0.2, 0.5, 0.3])
    assert float(perplexity(torch.tensor([2, 5, 3]))) == pytest.approx(math.exp(-(p * np.log(p)).sum()))


@pytest.mark.parametrize("revive", [False, True])
def test_codes_stay_among_the_features(revive):
    """9.4, over 50 steps of random features; from N = 0 the same steps fling codes away."""
    torch.manual_seed(0)
    batches = [torch.randn(4, 8, 4, 6) for _ in range(50)]
    largest = max(float(b.abs().max()) for b in batches)
    warm, cold = VectorQuantiser(64, 8, revive=revive), VectorQuantiser(64, 8)
    warm.start(batches[0])
    furthest = {id(book): 0.0 for book in (warm, cold)}
    for features in batches:
        for book in (warm, cold):
            book(features)
            furthest[id(book)] = max(furthest[id(book)], float(book.codes.abs().max()))
    assert furthest[id(warm)] <= 1.1 * largest
    assert furthest[id(cold)] > 1e3
    assert float(perplexity(warm.used)) > 30 > float(perplexity(cold.used))


def test_codes_start_as_features_that_differ():
    """Also where there are fewer features than codes; the first batch is then at no distance."""
    torch.manual_seed(1)
    features = torch.randn(2, 3, 4, 4)
    rows = {tuple(v) for v in features.movedim(1, -1).reshape(-1, 3).tolist()}
    for codes, different in ((20, 20), (32, 32), (70, 32)):
        book = VectorQuantiser(codes, 3)
        book.start(features)
        drawn = {tuple(v) for v in book.codes.tolist()}
        assert drawn <= rows and len(drawn) == different
    assert float(book.eval()(features).loss) < 1e-12


@pytest.mark.parametrize("update", ["average", "gradient"])
def test_nothing_moves_and_nothing_is_counted_outside_of_training(update):
    torch.manual_seed(2)
    book = VectorQuantiser(9, 4, update, revive=True).eval()
    before = {name: tensor.clone() for name, tensor in book.state_dict().items()}
    book(torch.randn(3, 4, 5, 5))
    assert all(torch.equal(before[name], tensor) for name, tensor in book.state_dict().items())
    book.train()(torch.randn(3, 4, 5, 5))
    assert int(book.used.sum()) == 75


def test_lookup_is_the_inverse_of_quantising():
    torch.manual_seed(3)
    book = VectorQuantiser(20, 4).eval()
    found = book(torch.randn(3, 4, 5, 6))
    assert found.indices.shape == (3, 5, 6) and found.vectors.shape == (3, 4, 5, 6)
    looked_up = book.lookup(found.indices)
    torch.testing.assert_close(found.vectors, looked_up)
    assert looked_up[1, :, 2, 3].tolist() == book.codes[found.indices[1, 2, 3]].tolist()
    assert torch.equal(book(looked_up).indices, found.indices)


def test_revival_moves_dead_codes_alone():
    """Onto features of the batch, counted once; all others are as without revival."""
    torch.manual_seed(4)
    plain, revived = VectorQuantiser(12, 3), VectorQuantiser(12, 3, revive=True)
    revived.load_state_dict(plain.state_dict())
    counts = torch.tensor([0.0, 0.05, 0.1009, 0.1011, 1, 5, 0.02, 3, 3, 3, 3, 3])  # a hundredth goes in this step
    for book in (plain, revived):
        book.counts.copy_(counts)
        book.codes[:7] = 100 + torch.arange(7)[:, None]  # so that nothing chooses them
        book.sums.copy_(book.codes * book.counts[:, None])
    features = torch.randn(2, 3, 4, 4)
    plain(features)
    revived(features)
    dead = torch.tensor([1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0], dtype=torch.bool)
    assert torch.equal(plain.counts < quantiser.DEAD_BELOW, dead)
    for name in ("codes", "sums", "counts"):
        assert torch.equal(getattr(revived, name)[~dead], getattr(plain, name)[~dead])
    rows = {tuple(v) for v in features.movedim(1, -1).reshape(-1, 3).tolist()}
    assert all(tuple(v) in rows for v in revived.codes[dead].tolist())
    assert torch.equal(revived.sums[dead], revived.codes[dead]) and (revived.counts[dead] == 1).all()


def test_what_is_drawn_later_does_not_depend_on_how_many_codes_were_dead():
    torch.manual_seed(5)
    features, later = torch.randn(1, 3, 4, 4), []
    for counts in (torch.zeros(12), torch.full((12,), 50.0)):
        book = VectorQuantiser(12, 3, revive=True)
        book.counts.copy_(counts)
        torch.manual_seed(6)
        book(features)
        later.append(float(torch.rand(())))
    assert later[0] == later[1]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 20), st.integers(0, 1000))
def test_the_nearest_code_by_a_float64_distance_matrix(vectors, codes, dimension, seed):
    """None is nearer than the one found, to rounding of float32."""
    rng = torch.Generator().manual_seed(seed)
    z, book = torch.randn(vectors, dimension, generator=rng), torch.randn(codes, dimension, generator=rng)
    distances = (z.double()[:, None] - book.double()[None]).square().sum(-1)
    found = nearest(z, book)
    assert found.dtype == torch.int64 and found.shape == (vectors,)
    excess = distances.gather(1, found[:, None])[:, 0] - distances.min(dim=1).values
    assert float(excess.max()) <= 1e-5 * (1 + float(distances.max()))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 20), st.integers(1, 400), st.integers(0, 1000))
def test_chunks_change_nothing_and_the_first_of_equals_is_taken(vectors, codes, at_once, seed):
    """With small whole numbers, which have no rounding and many codes equally near."""
    rng = torch.Generator().manual_seed(seed)
    z, book = (torch.randint(-2, 3, (n, 3), generator=rng).float() for n in (vectors, codes))
    distances = (z[:, None] - book[None]).square().sum(-1).numpy()
    assert nearest(z, book, at_once).tolist() == distances.argmin(axis=1).tolist()  # NumPy's is the first


def test_distances_are_never_held_beyond_the_limit(monkeypatch):
    """3.4, item 6: at the paper's size the whole matrix would take 13 GB."""
    sizes, product = [], torch.addmm

    def watched(*args, **options):
        sizes.append((made_of := product(*args, **options)).numel())
        return made_of

    monkeypatch.setattr(torch, "addmm", watched)
    nearest(torch.randn(50, 4), torch.randn(32, 4), at_once=100)
    assert max(sizes) <= 100 and sum(sizes) == 50 * 32


def test_neighbours_are_found_in_float32_under_autocast():
    """In bf16 a hundredth of the distance would be lost."""
    torch.manual_seed(7)
    z, book = 10 + 0.01 * torch.randn(200, 16), 10 + 0.01 * torch.randn(30, 16)
    expected = nearest(z, book)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest(z, book), expected)
    rounded = torch.addmm(book.square().sum(1).bfloat16(), z.bfloat16(), book.bfloat16().T, alpha=-2).argmin(1)
    assert not torch.equal(rounded, expected)


def test_learning_lowers_the_error():
    """Three clouds of features and three codes: each code finds its cloud, by averages and by gradient."""
    torch.manual_seed(8)
    centres = torch.tensor([[5.0, 0.0], [0.0, 5.0], [-5.0, -5.0]])
    for update in ("average", "gradient"):
        book = VectorQuantiser(3, 2, update)
        with torch.no_grad():
            book.codes.copy_(centres + torch.randn(3, 2))
        if update == "average":
            book.counts.fill_(1)
            book.sums.copy_(book.codes)
        optimiser = torch.optim.Adam(book.parameters(), lr=0.05) if update == "gradient" else None
        for _ in range(150):
            features = (centres.repeat(20, 1) + 0.1 * torch.randn(60, 2)).T[None, :, None]
            loss = book(features).loss
            if optimiser:
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        assert float((book.codes.detach() - centres).abs().max()) < 0.35


# Padding: frames that are no sound have codes, and nothing is learnt from them.
@pytest.mark.parametrize("update", ["gradient", "average"])
def test_codes_learn_from_sound_alone(update):
    """Two clips of 4 and 1 frames in maps of 4 frames are as good as their 5 frames side by side."""
    torch.manual_seed(1)
    features = torch.randn(2, 2, 3, 4, dtype=torch.float64)
    features[1, :, :, 1:] = 1e3  # padding, and far away
    sound = torch.arange(4) < torch.tensor([4, 1])[:, None]
    alone = torch.cat([features[:1], features[1:, :, :, :1]], dim=3)
    padded, plain = made(update).train(), made(update).train()
    maps = features.clone().requires_grad_()
    found, known = padded(maps, sound), plain(alone)
    torch.testing.assert_close(found.loss, known.loss)
    assert torch.equal(padded.used, plain.used) and padded.used.sum() == 3 * 5
    torch.testing.assert_close(padded.codes, plain.codes)
    found.loss.backward()
    assert (maps.grad[1, :, :, 1:] == 0).all() and (maps.grad[0] != 0).all()


def test_where_all_is_sound_the_mask_changes_no_bit():
    torch.manual_seed(2)
    left, right = torch.randn(2, 3, 5, 7, 11)
    assert torch.equal(quantiser.error_of_sound(left, right, torch.ones(3, 11, dtype=torch.bool)),
                       quantiser.error_of_sound(left, right))  # fmt: skip
    books = [made(codes=torch.randn(6, 5).tolist()) for _ in range(2)]
    books[1].load_state_dict(books[0].state_dict())
    for book, sound in zip(books, (None, torch.ones(3, 11, dtype=torch.bool))):
        book.train()(left.double(), sound)
    assert all(torch.equal(a, b) for a, b in zip(books[0].state_dict().values(), books[1].state_dict().values()))


def test_codes_start_from_sound_alone():
    features = torch.zeros(2, 2, 3, 4, dtype=torch.float64)
    features[:, :, :, 2:] = 7.0
    book = made()
    book.start(features, torch.tensor([[True, True, False, False]] * 2))
    assert (book.codes == 0).all()
