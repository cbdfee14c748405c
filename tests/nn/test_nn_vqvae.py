"""The two-level autoencoder: sizes of the layer table, grids, and which term of Eq. (1) teaches what."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from asdbook.nn import TwoLevelAutoencoder, VectorQuantiser, autoencoder_loss, joined, masked_error, sounding
from asdbook.nn.quantiser import COMMITMENT
from asdbook.nn.vqvae import ResidualStack

SMALL = {"hidden": 8, "inner": 4, "blocks": 2, "dimension": 6, "codes": 16}


def small(**options):
    torch.manual_seed(0)
    return TwoLevelAutoencoder(**{**SMALL, **options})


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_of_the_notes():
    """methods/auddsr.md 3.2: D = h = 128, r = 64."""
    network = TwoLevelAutoencoder()
    assert count(network.encoder_1) == 443_712
    assert count(network.encoder_2) == 573_696
    assert count(network.to_coarse) == 16_512
    assert count(network.to_fine) == 32_896
    assert count(network.general_2) == 591_041
    assert count(network.coarse) == count(network.fine) == 4096 * 128
    assert network.coarse.codes is not network.fine.codes


def test_multiply_adds_of_the_notes():
    """methods/auddsr.md 7: encoders 1.77 G and decoder 1.69 G for 128 x 320.

    Both hold DSR's one transposed convolution of the coarse map, where ours has a small decoder and interpolation.
    """
    with torch.device("meta"):
        network, images = TwoLevelAutoencoder(), torch.empty(1, 1, 128, 320)
        coarse, fine = torch.empty(1, 128, 16, 40), torch.empty(1, 128, 32, 80)
        with FlopCounterMode(display=False) as encoders:
            f1 = network.encoder_1(images)
            network.to_coarse(network.encoder_2(f1))
            network.to_fine(torch.cat([f1, fine], dim=1))
        with FlopCounterMode(display=False) as decoder:
            assert network.decode(coarse, fine).shape == (1, 1, 128, 320)
    upsampling = 16 * 128**2 * 16 * 40 / 1e9  # 4 x 4 x D^2 each coarse cell
    assert encoders.get_total_flops() / 2e9 + upsampling == pytest.approx(1.77, abs=0.005)
    assert decoder.get_total_flops() / 2e9 + upsampling == pytest.approx(1.69, abs=0.01)


@pytest.mark.parametrize(("bands", "frames"), [(128, 320), (64, 32), (32, 64), (8, 8)])
def test_grids(bands, frames):
    """9.7: coarse cells are 8 x 8, fine ones 4 x 4."""
    network = small().eval()
    codes = network.encode(torch.randn(2, 1, bands, frames))
    assert codes.coarse.vectors.shape == codes.coarse_features.shape == (2, 6, bands // 8, frames // 8)
    assert codes.fine.vectors.shape == codes.fine_features.shape == (2, 6, bands // 4, frames // 4)
    assert codes.coarse.indices.shape == (2, bands // 8, frames // 8)
    assert codes.fine.indices.shape == (2, bands // 4, frames // 4)
    assert network.decode(codes.coarse.vectors, codes.fine.vectors).shape == (2, 1, bands, frames)


@pytest.mark.parametrize(("frames", "width"), [(311, 0), (313, 312)])
def test_clips_must_be_padded(frames, width):
    """9.7: 311 frames cannot be joined, 313 silently lose one; so 313 are padded to 320."""
    network = small().eval()
    images = torch.randn(1, 1, 32, frames)
    if not width:
        with pytest.raises(RuntimeError):
            network.encode(images)
    else:
        codes = network.encode(images)
        assert network.decode(codes.coarse.vectors, codes.fine.vectors).shape[3] == width


def test_a_residual_block_adds_its_input_and_not_the_rectified_one():
    """The trap of DSR's code: a ReLU in place changes what is added."""
    torch.manual_seed(1)
    stack, x = ResidualStack(6, 3, 2), torch.randn(2, 6, 5, 7)
    kept, expected = x.clone(), x.clone()
    for block in stack.blocks:
        _, wide, _, narrow = block
        inner = functional.conv2d(expected.relu(), wide.weight, padding=1).relu()
        expected = expected + functional.conv2d(inner, narrow.weight)
    found = stack(x)
    torch.testing.assert_close(found, expected.relu())
    assert torch.equal(x, kept)
    trapped = x.relu()
    for block in stack.blocks:
        trapped = trapped.relu() + block(trapped)
    assert not torch.allclose(found, trapped.relu(), atol=1e-3)


def test_the_coarse_map_is_joined_by_bilinear_interpolation():
    torch.manual_seed(2)
    coarse, fine = torch.randn(1, 3, 2, 4), torch.randn(1, 3, 4, 8)
    found = joined(coarse, fine)
    assert found.shape == (1, 6, 4, 8) and torch.equal(found[:, 3:], fine)
    # Fine cell 2 lies at coarse place (2 + 1/2) / 2 - 1/2 = 0.75; the edge repeats.
    assert torch.equal(found[:, :3, 0, 0], coarse[:, :, 0, 0])
    rows = 0.25 * coarse[:, :, 0] + 0.75 * coarse[:, :, 1]
    torch.testing.assert_close(found[:, :3, 2, 3], 0.75 * rows[:, :, 1] + 0.25 * rows[:, :, 2])


def test_the_fine_map_knows_the_coarse_one():
    network = small().eval()
    f1 = network.encoder_1(torch.randn(1, 1, 32, 32))
    one, other = (network.fine_features(f1, torch.randn(1, 6, 4, 4)) for _ in range(2))
    assert not torch.allclose(one, other)


# What each term of Eq. (1) teaches (methods/auddsr.md 3.3).
PARTS = ("encoder 1", "encoder 2", "general 1", "to fine", "general 2", "coarse codes", "fine codes")
REACH = {
    "reconstruction": (1, 1, 1, 1, 1, 0, 0),
    "codebook coarse": (0, 0, 0, 0, 0, 1, 0),
    "commitment coarse": (1, 1, 0, 0, 0, 0, 0),
    "codebook fine": (0, 0, 0, 0, 0, 0, 1),
    "commitment fine": (1, 1, 1, 1, 0, 0, 0),
}


def parts_of(network):
    both = [*network.encoder_2.parameters(), *network.to_coarse.parameters()]
    return dict(
        zip(
            PARTS,
            [
                list(network.encoder_1.parameters()), both, list(network.general_1.parameters()),
                list(network.to_fine.parameters()), list(network.general_2.parameters()),
                list(network.coarse.parameters()), list(network.fine.parameters()),
            ],
        )
    )  # fmt: skip


def terms(network, images):
    """The terms of Eq. (1) of one forward pass, each written out."""
    codes = network.encode(images)
    rebuilt = network.decode(codes.coarse.vectors, codes.fine.vectors)
    found = {"reconstruction": functional.mse_loss(rebuilt, images)}
    for level in ("coarse", "fine"):
        features, book = getattr(codes, f"{level}_features"), getattr(network, level)
        chosen = book.lookup(getattr(codes, level).indices)
        found[f"codebook {level}"] = (features.detach() - chosen).square().mean()
        found[f"commitment {level}"] = COMMITMENT * (features - chosen.detach()).square().mean()
    return found


@pytest.mark.parametrize("term", REACH)
def test_what_each_term_teaches(term):
    """9.5, by autograd."""
    network = small(update="gradient").eval()
    images = torch.randn(2, 1, 32, 32)
    network.start(images[:1])
    terms(network, images)[term].backward()
    reached = tuple(
        int(any(p.grad is not None and bool(p.grad.abs().max() > 0) for p in parameters))
        for parameters in parts_of(network).values()
    )
    assert reached == REACH[term]


@pytest.mark.parametrize("update", ["gradient", "average"])
def test_the_loss_is_the_sum_of_its_terms(update):
    """Its value, and its gradient in every parameter; codes that are averages have no term of their own."""
    network, images = small(update=update).eval(), torch.randn(2, 1, 32, 32)
    network.start(images[:1])
    wanted = terms(network, images)
    total = sum(v for name, v in wanted.items() if update == "gradient" or not name.startswith("codebook"))
    parameters = list(network.parameters())
    expected = torch.autograd.grad(total, parameters)
    loss = autoencoder_loss(network, images)
    torch.testing.assert_close(loss, total)
    for found, known in zip(torch.autograd.grad(loss, parameters), expected):
        torch.testing.assert_close(found, known, rtol=1e-4, atol=1e-7)


def test_padded_frames_do_not_count_in_the_error():
    torch.manual_seed(3)
    left, right = torch.randn(3, 1, 4, 6), torch.randn(3, 1, 4, 6)
    lengths = [6, 2, 4]
    valid = torch.arange(6) < torch.tensor(lengths)[:, None]
    known = [(left[i, ..., :n] - right[i, ..., :n]).square().flatten() for i, n in enumerate(lengths)]
    by_frame = sum(float(k.sum()) for k in known) / 4 / sum(lengths)
    assert float(masked_error(left, right, valid)) == pytest.approx(by_frame, rel=1e-6)
    left[1, :, :, 2:] = 1e6
    assert float(masked_error(left, right, valid)) == pytest.approx(by_frame, rel=1e-6)
    full = torch.ones(3, 6, dtype=torch.bool)
    torch.testing.assert_close(masked_error(left, right, full), masked_error(left, right))


def test_a_column_of_codes_with_any_sound_counts():
    valid = torch.arange(32) < torch.tensor([32, 9, 8])[:, None]
    assert sounding(valid, 8).sum(dim=1).tolist() == [4, 2, 1] and sounding(valid, 4).sum(dim=1).tolist() == [8, 3, 2]
    assert sounding(None, 8) is None


def test_codes_of_padding_are_not_counted():
    torch.manual_seed(4)
    network, images = small(codes=20, update="average").train(), torch.randn(3, 1, 32, 32)
    valid = torch.arange(32) < torch.tensor([32, 16, 8])[:, None]
    autoencoder_loss(network, images, valid)
    assert int(network.coarse.used.sum()) == 4 * (4 + 2 + 1) and int(network.fine.used.sum()) == 8 * (8 + 4 + 2)
    network.eval()  # else each call moves the codes
    full = autoencoder_loss(network, images, torch.ones_like(valid))
    torch.testing.assert_close(full, autoencoder_loss(network, images))


def test_codes_start_from_columns_with_sound():
    """Of one clip that is all padding nothing is drawn."""
    network, images = small(codes=200).train(), torch.stack([torch.zeros(1, 32, 32), torch.randn(1, 32, 32)])
    network.start(images, torch.tensor([[True], [False]]).expand(-1, 32))
    f1 = network.encoder_1(images)
    features = network.to_coarse(network.encoder_2(f1))
    gaps = network.coarse.codes[:, None] - features.movedim(1, -1).flatten(1, 2)[:, None]  # (clip, code, cell, D)
    distance = gaps.norm(dim=-1).amin(dim=2)
    assert (distance[0] < 1e-6).all() and (distance[1] > 1e-3).any()
    whole = small(codes=200).train()
    whole.start(images)
    assert not torch.equal(whole.fine.codes, network.fine.codes)


def test_codes_start_from_features_and_nothing_is_counted():
    """The fine codes from features that already know the coarse codes."""
    network, images = small(codes=20).train(), torch.randn(3, 1, 32, 32)
    network.start(images)
    assert network.training and network.coarse.training and network.fine.training
    assert not network.coarse.used.any() and not network.fine.used.any()
    codes = network.eval().encode(images)
    for book, features in ((network.coarse, codes.coarse_features), (network.fine, codes.fine_features)):
        rows = features.movedim(1, -1).reshape(-1, 6)
        assert float(torch.cdist(book.codes, rows).detach().min(dim=1).values.max()) < 1e-3
        assert len(book.codes.unique(dim=0)) == 20


def test_training_rebuilds_images_from_codes():
    """Two kinds of images: after a hundred steps most of the error is gone, and the codes are in use."""
    torch.manual_seed(4)
    patterns = torch.randn(2, 1, 4, 4).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    network = small(update="average", revive=True, codes=8).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    network.start(patterns)
    first = None
    for _ in range(120):
        images = patterns[torch.arange(4) % 2]
        loss = autoencoder_loss(network, images)
        first = first or float(loss.detach())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    codes = network.eval().encode(patterns)
    error = float(masked_error(network.decode(codes.coarse.vectors, codes.fine.vectors), patterns))
    assert error < 0.3 * float(patterns.square().mean()) and float(loss.detach()) < 0.5 * first
    assert len(codes.fine.indices.unique()) > 1


def test_settings_reach_both_codebooks():
    for update, revive in (("gradient", False), ("average", True)):
        network = TwoLevelAutoencoder(**SMALL, update=update, revive=revive)
        for book in (network.coarse, network.fine):
            assert isinstance(book, VectorQuantiser) and (book.update, book.revive) == (update, revive)
            assert isinstance(book.codes, nn.Parameter) == (update == "gradient")
