"""The official network: sizes, normalisation, and that it can learn."""

import pytest
import torch
from torch import nn

from asdbook.nn import Autoencoder


def test_parameters_are_the_official_count():
    network = Autoencoder()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == 267_928
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    assert sum(p.numel() for m in linear for p in m.parameters()) == 265_864
    assert [(m.in_features, m.out_features) for m in linear] == [
        (640, 128), (128, 128), (128, 128), (128, 128), (128, 8),
        (8, 128), (128, 128), (128, 128), (128, 128), (128, 640),
    ]  # fmt: skip


def test_normalisation_is_keras_like_and_the_last_layer_is_bare():
    network = Autoencoder()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]
    assert len(norms) == 9
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}
    assert isinstance(network.decoder[-1], nn.Linear)


def test_the_code_is_never_negative():
    torch.manual_seed(0)
    code = Autoencoder().eval().encoder(torch.randn(50, 640))
    assert code.shape == (50, 8) and code.min() == 0 and code.max() > 0


def test_every_weight_has_a_gradient():
    torch.manual_seed(0)
    network = Autoencoder(inputs=20, hidden=16, bottleneck=4)
    network(torch.randn(64, 20)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_over_fits_one_batch():
    torch.manual_seed(0)
    network = Autoencoder(inputs=20, hidden=64, bottleneck=8)
    x = torch.randn(32, 20)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(300):
        loss = nn.functional.mse_loss(network(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.gpu
def test_cpu_equals_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.manual_seed(0)
    network, x = Autoencoder().eval(), torch.randn(64, 640)
    expected = network(x)
    torch.testing.assert_close(network.cuda()(x.cuda()).cpu(), expected, rtol=1e-3, atol=1e-4)
