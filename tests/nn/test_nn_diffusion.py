"""Denoiser, forward chain, loss and one reverse step: Eq. (2)-(6) against formulas and float64 loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asdbook.errors import BadInput
from asdbook.nn.diffusion import (
    Denoiser,
    Schedule,
    clean_estimate,
    diffusion_loss,
    forward_step,
    noised,
    processes,
    reverse_mean,
    reverse_step,
)

SCHEDULE = Schedule.build()
step = st.integers(1, 500)
number = st.floats(-30, 30)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_counted():
    network = Denoiser(256)
    assert [count(m) for m in (network.eb1, network.eb2, network.db1, network.db2, network.time)] == [
        131_584, 262_656, 262_656, 131_328, 328_704,
    ]  # fmt: skip
    assert count(network) == 1_116_928 == count(Denoiser(256, skip=True))


def test_time_features_are_cosines_then_sines():
    seen = []
    network = Denoiser(4, hidden=8, time_features=6)
    network.time.dense.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.time(torch.tensor([0, 7]))
    angles = [7 * 10_000 ** (-k / 3) for k in range(3)]
    expected = [[1, 1, 1, 0, 0, 0], [*map(math.cos, angles), *map(math.sin, angles)]]
    torch.testing.assert_close(seen[0], torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("skip", [False, True])
def test_forward_is_the_described_network(skip):
    torch.manual_seed(0)
    network = Denoiser(5, hidden=16, time_features=8, skip=skip).double()
    z, t = torch.randn(3, 5, dtype=torch.float64), torch.tensor([1, 40, 500])

    def dense(layer, x):
        return x @ layer.weight.T + layer.bias

    def silu(x):
        return x / (1 + (-x).exp())

    added = network.time(t)
    first = silu(dense(network.eb1, z) + added)
    third = silu(dense(network.db1, silu(dense(network.eb2, first) + added)) + added)
    torch.testing.assert_close(network(z, t), dense(network.db2, third + first if skip else third))


def test_one_step_for_the_batch_equals_a_step_for_each_row_and_costs_one_row():
    torch.manual_seed(0)
    network, z, rows = Denoiser(6, hidden=32), torch.randn(40, 6), []
    network.time.register_forward_hook(lambda _, inputs, output: rows.append(len(output)))
    each = network(z, torch.full((40,), 123))
    for t in (torch.tensor(123), torch.tensor([123])):
        torch.testing.assert_close(network(z, t), each)
    assert rows == [40, 1, 1]
    assert not torch.allclose(network(z, torch.tensor(124)), each, atol=1e-6)


def test_every_weight_has_a_gradient():
    torch.manual_seed(0)
    network = Denoiser(6, hidden=16, time_features=8)
    diffusion_loss(network, torch.randn(64, 6), SCHEDULE).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.any() for p in network.parameters())


def test_weights_save_and_load_without_the_sinusoids():
    torch.manual_seed(0)
    network, other = Denoiser(6, hidden=16, time_features=8), Denoiser(6, hidden=16, time_features=8)
    assert not any("frequencies" in name for name in network.state_dict())
    other.load_state_dict(network.state_dict())
    z, t = torch.randn(4, 6), torch.tensor([1, 2, 3, 500])
    assert torch.equal(network(z, t), other(z, t))


@pytest.mark.parametrize("features", [0, 7])
def test_time_features_come_in_pairs(features):
    with pytest.raises(BadInput, match="an even number"):
        Denoiser(6, time_features=features)


def test_forward_marginals_one_step_a_row():
    torch.manual_seed(0)
    n = 100_000
    for t in (1, 100, 200, 500):
        z = noised(torch.full((n, 1), 3.0, dtype=torch.float64), t, torch.randn(n, 1, dtype=torch.float64), SCHEDULE)
        abar = float(SCHEDULE.abar[t])
        assert float(z.mean()) == pytest.approx(3 * abar**0.5, abs=3 * ((1 - abar) / n) ** 0.5)
        assert float(z.var()) == pytest.approx(1 - abar, rel=3 * (2 / n) ** 0.5)
    rows = noised(torch.ones(4, 2), torch.tensor([1, 100, 200, 500]), torch.zeros(4, 2), SCHEDULE)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows[:, 1].double(), SCHEDULE.abar[[1, 100, 200, 500]].sqrt(), rtol=1e-6, atol=0)


def test_steps_of_equation_2_lead_to_equation_3():
    # The chain is linear in z_0 and in the noise of each step: unit inputs give mean and variance without drawing.
    t0 = 200
    inputs = torch.eye(t0 + 1, dtype=torch.float64)  # clip 0 starts at 1; clip k has noise 1 in step k alone
    z = inputs[:, :1]
    for t in range(1, t0 + 1):
        z = forward_step(z, t, inputs[:, t : t + 1], SCHEDULE)
    assert float(z[0]) == pytest.approx(0.442284884870158**0.5, rel=1e-12)
    assert float(z[1:].square().sum()) == pytest.approx(1 - 0.442284884870158, rel=1e-12)


@given(step, number, number)
def test_clean_estimate_undoes_the_forward_jump(t, z0, e):
    z0, e = torch.tensor([[z0]], dtype=torch.float64), torch.tensor([[e]], dtype=torch.float64)
    back = clean_estimate(noised(z0, t, e, SCHEDULE), t, e, SCHEDULE)
    torch.testing.assert_close(back, z0, rtol=1e-9, atol=1e-9)


@given(step, number, number)
def test_reverse_mean_is_the_posterior_mean_given_the_clean_estimate(t, z, eps):
    # Bayes: z_{t-1} given z_t and z_0 has mean (sqrt(abar_{t-1}) beta z_0 + sqrt(alpha) (1-abar_{t-1}) z_t)/(1-abar_t).
    z, eps = torch.tensor([[z]], dtype=torch.float64), torch.tensor([[eps]], dtype=torch.float64)
    beta, abar, before = (float(v) for v in (SCHEDULE.beta[t], SCHEDULE.abar[t], SCHEDULE.abar[t - 1]))
    z0 = clean_estimate(z, t, eps, SCHEDULE)
    expected = (before**0.5 * beta * z0 + (1 - beta) ** 0.5 * (1 - before) * z) / (1 - abar)
    torch.testing.assert_close(reverse_mean(z, t, eps, SCHEDULE), expected, rtol=1e-8, atol=1e-8)


def test_reverse_step_adds_noise_but_in_the_last_step(monkeypatch):
    z, eps, n = torch.randn(3, 4, 2, dtype=torch.float64)
    for t in (2, 200, 500):
        added = reverse_step(z, t, eps, n, SCHEDULE) - reverse_mean(z, t, eps, SCHEDULE)
        torch.testing.assert_close(added, SCHEDULE.beta[t].sqrt() * n)
    assert torch.equal(reverse_step(z, 1, eps, n, SCHEDULE), reverse_mean(z, 1, eps, SCHEDULE))
    monkeypatch.setattr(processes, "NOISE_IN_LAST_STEP", True)
    added = reverse_step(z, 1, eps, n, SCHEDULE) - reverse_mean(z, 1, eps, SCHEDULE)
    torch.testing.assert_close(added, 0.01 * n)  # beta_1 = 1e-4


def test_loss_is_the_mean_square_of_what_the_network_missed():
    asked = []

    def denoiser(z, t):
        asked.append((z, t))
        return torch.zeros_like(z)

    z0 = torch.full((2000, 3), 2.0)
    torch.manual_seed(5)
    loss = diffusion_loss(denoiser, z0, SCHEDULE)
    z, t = asked[0]
    assert int(t.min()) == 1 and int(t.max()) == 500 and t.shape == (2000,)
    abar = SCHEDULE.abar[t][:, None]
    e = (z - abar.sqrt() * z0) / (1 - abar).sqrt()
    assert float(loss) == pytest.approx(float(e.square().mean()), rel=1e-4) == pytest.approx(1, abs=0.06)
    assert float(t.double().mean()) == pytest.approx(250.5, abs=4 * 500 / math.sqrt(12 * 2000))
    torch.manual_seed(5)
    assert torch.equal(diffusion_loss(denoiser, z0, SCHEDULE), loss)
    assert not torch.equal(diffusion_loss(denoiser, z0, SCHEDULE), loss)


def test_loss_of_the_best_denoiser_and_of_a_trained_one_on_a_gaussian():
    # z_0 ~ N(0, 1): the best prediction is sqrt(1 - abar_t) z_t, and it misses abar_t of the noise's variance.
    bayes = float(SCHEDULE.abar[1:].mean())
    assert bayes == pytest.approx(0.3907, abs=5e-5)
    torch.manual_seed(0)
    z0 = torch.randn(200_000, 4).double()
    best = float(diffusion_loss(lambda z, t: (1 - SCHEDULE.abar[t]).sqrt()[:, None] * z, z0, SCHEDULE))
    assert best == pytest.approx(bayes, rel=0.01)

    network = Denoiser(4, hidden=64, time_features=32)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(800):
        loss = diffusion_loss(network, torch.randn(256, 4), SCHEDULE)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        trained = float(diffusion_loss(network, torch.randn(100_000, 4), SCHEDULE))
    assert 0.99 * bayes < trained < 1.05 * bayes
