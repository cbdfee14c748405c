"""The trainable networks of DSR: sizes, grids, and what their normalisation cannot see."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from asdbook.nn import DetectionUNet, ObjectDecoder, SubspaceRestriction

FULL = {
    "restriction": lambda: SubspaceRestriction(128, 128),
    "decoder": lambda: ObjectDecoder(128, 256, 64, 128, 64),
    "unet": lambda: DetectionUNet(64),
}


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("which", "known"), [("restriction", 7_818_240), ("decoder", 9_416_321), ("unet", 5_608_386)]
)
def test_parameter_counts_of_the_notes(which, known):
    """methods/auddsr.md 4.2 and 4.3."""
    assert count(FULL[which]()) == known


@pytest.mark.parametrize(
    ("which", "shape", "known"),
    [
        ("restriction", (1, 128, 16, 40), 1.32), ("restriction", (1, 128, 32, 80), 5.29),
        ("decoder", (1, 256, 32, 80), 10.08), ("unet", (1, 2, 128, 320), 28.03),
    ],
)  # fmt: skip
def test_multiply_adds_of_the_notes(which, shape, known):
    """methods/auddsr.md 7, in units of 10^9."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        FULL[which]()(torch.empty(shape))
    assert counter.get_total_flops() / 2e9 == pytest.approx(known, abs=0.006)


@pytest.mark.parametrize("norm", ["instance", "group", "batch"])
def test_grids(norm):
    torch.manual_seed(0)
    maps = torch.randn(2, 6, 16, 40)
    assert SubspaceRestriction(6, 8, norm)(maps).shape == maps.shape
    assert ObjectDecoder(6, 8, 4, 8, 4, norm=norm)(torch.randn(2, 12, 16, 40)).shape == (2, 1, 64, 160)
    assert DetectionUNet(8, norm=norm)(torch.randn(2, 2, 64, 160)).shape == (2, 2, 64, 160)
    assert DetectionUNet(4, norm=norm)(torch.randn(2, 2, 16, 32)).shape == (2, 2, 16, 32)  # fewer channels than groups
    assert DetectionUNet(8, inputs=3, norm=norm)(torch.randn(2, 3, 8, 16)).shape == (2, 2, 8, 16)


def test_frames_that_are_no_multiple_of_32_are_lost():
    """9.7, documented: a coarse map of 39 cells comes back with 36, one of 40 with 40."""
    module = SubspaceRestriction(4, 4)
    assert module(torch.randn(1, 4, 16, 39)).shape == (1, 4, 16, 36)
    assert module(torch.randn(1, 4, 16, 40)).shape == (1, 4, 16, 40)


def unet(norm, circular=False):
    """With weights of usual size, so that the 1e-5 inside normalisation is small beside any variance."""
    torch.manual_seed(1)
    network = DetectionUNet(8, norm=norm)
    for module in network.modules():
        if circular and isinstance(module, nn.Conv2d):
            module.padding_mode = "circular"
            module._reversed_padding_repeated_twice = [1, 1, 1, 1]
    return network.eval()


def change_by(network, other):
    torch.manual_seed(2)
    images = 10 * torch.randn(2, 2, 32, 64)
    with torch.inference_mode():
        return float((network(other(images)) - network(images)).abs().max())


def louder(images):
    return 2 * images


def shifted(images):
    return images + torch.tensor([0.0, 5.0])[:, None, None]


def test_a_level_alone_is_invisible_behind_instance_normalisation():
    """9.17, the blind spot of 4.3: neither a scale of both images nor a constant on one changes the map."""
    assert change_by(unet("instance"), louder) < 1e-4
    assert change_by(unet("instance", circular=True), shifted) < 1e-4


def test_batch_normalisation_sees_levels():
    """9.17: the same two changes."""
    assert change_by(unet("batch"), louder) > 1e-2
    assert change_by(unet("batch", circular=True), shifted) > 1e-2


@pytest.mark.parametrize("norm", ["instance", "group", "batch"])
def test_a_clip_alone_is_as_in_company(norm):
    """Once fitted; in training batch normalisation alone mixes clips."""
    torch.manual_seed(3)
    network, images = DetectionUNet(8, norm=norm), torch.randn(3, 2, 16, 16)
    alone = (network(images[:1]) - network(images)[:1]).detach()
    assert (float(alone.abs().max()) > 1e-3) == (norm == "batch")
    network.eval()
    torch.testing.assert_close(network(images[:1]), network(images)[:1], rtol=1e-4, atol=1e-5)


def test_the_restriction_has_no_way_around_its_bottleneck():
    """With the narrowest stage silent nothing of the input comes through."""
    torch.manual_seed(4)
    module = SubspaceRestriction(4, 4)
    narrowest = module.layers[4]
    with torch.no_grad():
        narrowest[-3].weight.zero_()
    one, other = (module(torch.randn(1, 4, 8, 8)) for _ in range(2))
    assert torch.equal(one, other)


def test_the_detection_network_has_ways_around():
    """Skip connections at every level: with the deepest stage silent the input still comes through."""
    torch.manual_seed(5)
    network = DetectionUNet(8)
    with torch.no_grad():
        network.down[-1][-3].weight.zero_()
    one, other = (network(torch.randn(1, 2, 32, 32)) for _ in range(2))
    assert not torch.allclose(one, other)
