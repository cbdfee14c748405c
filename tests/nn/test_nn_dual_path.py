"""The dual-path network: the layer table of the cited code, its parameter counts, and what it must not depend on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from asdbook.errors import BadInput
from asdbook.nn import MultiPath, SpectrogramPath, SpectrumPath, gates_at
from asdbook.nn.dual_path import ResidualUnit, SameConv, same


def count(module):
    return sum(p.numel() for p in module.parameters())


# Seconds, frames, attention, spectrogram path, spectrum path: methods/building_blocks.md 1.4, affine normalisation.
TABLE = [
    (10, 311, "none", 967_090, 1_573_888),
    (18, 561, "se", 972_530, 1_711_104),
    (18, 561, "none", 967_090, 1_704_960),
    (12, 374, "se", 972_530, 1_612_800),
]


@pytest.mark.parametrize(("seconds", "frames", "attention", "spectrogram", "spectrum"), TABLE)
def test_parameter_counts_of_the_cited_systems(seconds, frames, attention, spectrogram, spectrum):
    both = {"attention": gates_at(attention), "affine": True}
    assert count(SpectrogramPath(frames, **both)) == spectrogram
    assert count(SpectrumPath(seconds * 8000, **both)) == spectrum
    both["affine"] = False
    without = count(SpectrogramPath(frames, **both)) + count(SpectrumPath(seconds * 8000, **both))
    assert without == spectrogram + spectrum - 7842


def test_parameter_counts_of_ssdm():
    """18 s, without a learnt scale and shift: none of the gates, and n^2 + n for each gated axis of the default."""
    parts = {"none": 0, "default": sum(n * n + n for n in (513, 128, 140, 71, 18))}
    for placement, extra in parts.items():
        attention = gates_at(placement)
        paths = SpectrogramPath(561, attention=attention), SpectrumPath(144_000, attention=attention)
        assert sum(map(count, paths)) == 2_664_208 + extra
    assert parts["default"] == 305_388


def test_embedding_256_of_8000_bins():
    assert count(SpectrogramPath(374, embedding=256, affine=True)) == 1_229_234
    assert count(SpectrumPath(8000, embedding=256, affine=True)) == 1_442_816


@pytest.mark.parametrize(
    ("frames", "shapes"),
    [
        (311, [(16, 77, 128), (32, 39, 64), (64, 20, 32), (128, 10, 16)]),
        (561, [(16, 140, 128), (32, 70, 64), (64, 35, 32), (128, 18, 16)]),
        (374, [(16, 93, 128), (32, 47, 64), (64, 24, 32), (128, 12, 16)]),
    ],
)
def test_shapes_of_the_layer_table(frames, shapes):
    path = SpectrogramPath(frames).eval()
    seen = []
    for stage in path.stages:
        stage.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape[1:])))
    assert path(torch.rand(1, frames, 513)).shape == (1, 128)
    assert seen == shapes


@pytest.mark.parametrize(("seconds", "lengths"), [(10, [1250, 40, 10]), (18, [2250, 71, 18]), (12, [1500, 47, 12])])
def test_lengths_of_the_spectrum_path(seconds, lengths):
    path = SpectrumPath(seconds * 8000).eval()
    seen = []
    for layer in path.convolutions:
        if isinstance(layer, SameConv):
            layer.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    path(torch.rand(1, seconds * 8000))
    assert seen == lengths


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5))
def test_same_padding_gives_length_over_stride_rounded_up(length, kernel, stride):
    before, after = same(kernel, stride, length)
    assert 0 <= after - before <= 1
    total = length + before + after
    assert total < kernel or (total - kernel) // stride + 1 >= -(-length // stride)
    if before + after:  # no more zeros than needed
        assert (total - kernel) // stride + 1 == -(-length // stride)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 2), st.integers(4, 13), st.sampled_from([3, 4, 7]), st.integers(1, 3))
def test_same_convolution_is_a_convolution_of_the_padded_input(axes, length, kernel, stride):
    torch.manual_seed(0)
    layer = SameConv(axes, 2, 3, kernel, stride)
    x = torch.randn(1, 2, *[length] * axes)
    padded = functional.pad(x, [*same(kernel, stride, length)] * axes)
    expected = (functional.conv1d if axes == 1 else functional.conv2d)(padded, layer.conv.weight, stride=stride)
    torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-5)
    assert layer(x).shape[-1] == -(-length // stride)


def test_the_skip_carries_the_normalised_input():
    unit = ResidualUnit(4, 4, nn.Sequential(), nn.ReLU, affine=False).eval()
    unit.norm.running_mean.fill_(1.0)
    unit.norm.running_var.fill_(4.0)
    for layer in unit.branch:
        if isinstance(layer, SameConv):
            nn.init.zeros_(layer.conv.weight)
    x = torch.randn(2, 4, 5, 6)
    torch.testing.assert_close(unit(x), (x - 1) / 2, rtol=1e-4, atol=1e-4)


def test_no_constant_solution_exists():
    network = MultiPath({"a": SpectrogramPath(30, 65, width=2, embedding=4), "b": SpectrumPath(640, channels=4)})
    assert not any(name.endswith("bias") for name, _ in network.named_parameters())


def test_constant_sound_in_a_bin_is_removed():
    torch.manual_seed(0)
    path = SpectrogramPath(30, 65, width=2, embedding=4).eval()
    x = torch.rand(2, 30, 65)
    torch.testing.assert_close(path(x), path(x + torch.rand(1, 1, 65)), rtol=1e-4, atol=1e-5)


def test_other_activation_and_third_branch():
    paths = {
        "a": SpectrogramPath(30, 65, width=2, embedding=4, activation=nn.PReLU),
        "b": SpectrumPath(640, channels=4, embedding=4),
        "c": nn.Linear(5, 4),
    }
    network = MultiPath(paths)
    inputs = {"a": torch.rand(2, 30, 65), "b": torch.rand(2, 640), "c": torch.rand(2, 5)}
    assert network(inputs).shape == (2, 12)
    assert any(isinstance(layer, nn.PReLU) for layer in network.modules())


def test_every_weight_gets_a_gradient():
    torch.manual_seed(0)
    network = MultiPath({
        "a": SpectrogramPath(60, 65, width=2, embedding=4, attention=gates_at("every-stage")),
        "b": SpectrumPath(5000, channels=4, attention=gates_at("every-stage")),
    })  # fmt: skip
    network({"a": torch.rand(4, 60, 65), "b": torch.rand(4, 5000)}).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_too_short_a_clip_is_refused():
    with pytest.raises(BadInput, match="make clips longer"):
        SpectrogramPath(4)
