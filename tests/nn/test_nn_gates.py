"""Gates of Eq. (1): what its algebra says of them (methods/building_blocks.md 6)."""

import pytest
import torch

from asdbook.errors import BadInput, UnknownName
from asdbook.nn import Gate, SqueezeExcite, gates_at
from asdbook.nn.gates import FREQUENCY, GATE_AXES, POSITION, TIME


def fixed(length, axis, weight=0.0, bias=0.0):
    gate = Gate(length, axis)
    torch.nn.init.constant_(gate.dense.weight, weight)
    torch.nn.init.constant_(gate.dense.bias, bias)
    return gate


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 5, 7), TIME), ((2, 3, 5, 7), FREQUENCY), ((2, 3, 9), POSITION)])
def test_known_outputs(shape, axis):
    x = torch.randn(shape)
    torch.testing.assert_close(fixed(shape[axis], axis)(x), 1.5 * x)
    torch.testing.assert_close(fixed(shape[axis], axis, bias=-30.0)(x), x)
    torch.testing.assert_close(fixed(shape[axis], axis, bias=30.0)(x), 2 * x)


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 5, 7), TIME), ((2, 3, 5, 7), FREQUENCY), ((2, 3, 9), POSITION)])
def test_equals_a_naive_loop(shape, axis):
    torch.manual_seed(0)
    gate, x = Gate(shape[axis], axis).double(), torch.randn(shape, dtype=torch.float64)
    expected = torch.empty_like(x)
    for b in range(shape[0]):
        pooled = torch.stack([x[b].select(axis - 1, i).mean() for i in range(shape[axis])])
        for i in range(shape[axis]):
            total = sum(gate.dense.weight[i, j] * pooled[j] for j in range(shape[axis])) + gate.dense.bias[i]
            place = x[b].select(axis - 1, i)
            expected[b].select(axis - 1, i).copy_(place + place / (1 + torch.exp(-total)))
    torch.testing.assert_close(gate(x), expected)


def test_with_zero_weights_a_permutation_passes_through():
    gate, x = fixed(7, FREQUENCY, bias=0.3), torch.randn(2, 3, 5, 7)
    order = torch.randperm(7)
    torch.testing.assert_close(gate(x)[..., order], gate(x[..., order]))


def test_the_factor_lies_between_one_and_two():
    torch.manual_seed(1)
    gate, x = Gate(7, FREQUENCY), 100 * torch.randn(4, 3, 5, 7)
    factor = gate(x) / x
    assert factor.min() >= 1 - 1e-6 and factor.max() <= 2 + 1e-6


def test_after_mean_removal_a_frequency_gate_is_blind():
    """The trap that the default placement avoids: the pooled vector is zero, the gate a constant."""
    gate, x = Gate(7, FREQUENCY), torch.randn(4, 1, 50, 7)
    x = x - x.mean(dim=2, keepdim=True)
    torch.testing.assert_close(gate(x), x * (1 + torch.sigmoid(gate.dense.bias)), rtol=1e-4, atol=1e-5)


def test_parameter_counts():
    known = {513: 263_682, 311: 97_032, 374: 140_250, 561: 315_282, 128: 16_512, 77: 6_006, 1250: 1_563_750, 10: 110}
    for length, parameters in known.items():
        assert sum(p.numel() for p in Gate(length, TIME).parameters()) == parameters


def test_another_length_is_refused():
    with pytest.raises(BadInput, match="7 positions was given 6"):
        Gate(7, FREQUENCY)(torch.rand(2, 3, 5, 6))


def test_placements():
    with pytest.raises(UnknownName, match="stage-a"):
        gates_at("stage-b")
    shape = (16, 77, 128)
    for placement, places in GATE_AXES.items():
        built = gates_at(placement)("stage A", shape)
        assert [gate.axis for gate in built] == list(places.get("stage A", ()))
    assert isinstance(gates_at("se")("unit A0", shape), SqueezeExcite)
    assert len(gates_at("se")("stage A", shape)) == 0


def test_squeeze_and_excitation_equals_its_formula():
    torch.manual_seed(0)
    block, x = SqueezeExcite(32), torch.randn(2, 32, 4, 5)
    first, second = block.dense[0].weight, block.dense[2].weight
    factor = torch.sigmoid(torch.relu(x.mean((2, 3)) @ first.T) @ second.T)
    torch.testing.assert_close(block(x), x * factor[:, :, None, None])
    assert first.shape == (2, 32)
