"""Eq. (7) under each reading of "200 steps": float64 loops, closed forms, reproducible noise."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asdbook.errors import BadInput, UnknownName
from asdbook.nn.diffusion import (
    CLIPS_AT_ONCE,
    READINGS,
    RECONSTRUCTIONS,
    Denoiser,
    Schedule,
    clip_noise,
    mean_error,
    processes,
    readings,
    reconstruct,
    reconstruction_error,
)

SCHEDULE = Schedule.build()
NAMED = "partial", "respaced", "rebuilt", "onestep", "nonoise", "ddim"


def gaussian(lam):
    """The best denoiser of z_0 ~ N(0, lam): linear in z_t."""

    def denoiser(z, t):
        abar = SCHEDULE.abar[t].to(z)[:, None]
        return (1 - abar).sqrt() / (abar * lam + 1 - abar) * z

    return denoiser


def gain_and_variance(denoiser, reading="partial", steps=200):
    """z'_0 = gain z_0 + noise of this variance, of a linear denoiser: unit inputs, nothing is drawn."""
    how = {"steps": steps, "reading": reading}
    gain = reconstruct(denoiser, torch.ones(1, 1).double(), SCHEDULE, torch.zeros(1, steps + 1, 1), **how)
    unit = torch.eye(steps + 1).double()[:, :, None]
    moved = reconstruct(denoiser, torch.zeros(steps + 1, 1).double(), SCHEDULE, unit, **how)
    return gain.item(), moved.square().sum().item()


@pytest.mark.parametrize(
    ("lam", "gain", "variance", "exact"),
    [(1, 0.4423, 0.8043, 0.80438), (4, 0.7603, 1.684, 1.688), (0.1, 0.0735, 0.1003, 0.0995)],
)
def test_chain_of_a_gaussian(lam, gain, variance, exact):
    got = gain_and_variance(gaussian(lam))
    assert got[0] == pytest.approx(gain, abs=5e-5)
    assert got[1] == pytest.approx(variance, rel=5e-4)
    abar = 0.442284884870158
    k = abar**0.5 * lam / (abar * lam + 1 - abar)
    assert got[0] == pytest.approx(k * abar**0.5, rel=1e-9)  # the mean has no error of discretisation
    posterior = lam * (1 - abar) / (abar * lam + 1 - abar) + k**2 * (1 - abar)
    assert exact == pytest.approx(posterior, rel=5e-4) == pytest.approx(got[1], rel=0.01)


def test_noise_in_the_last_step_adds_beta_1(monkeypatch):
    without = gain_and_variance(gaussian(1))
    monkeypatch.setattr(processes, "NOISE_IN_LAST_STEP", True)
    gain, variance = gain_and_variance(gaussian(1))
    assert gain == without[0] and variance - without[1] == pytest.approx(1e-4, rel=1e-6)


def test_drawn_chain_has_these_moments_and_this_score():
    d, clips = 256, 200
    noise = clip_noise(range(clips), 0, 0, 200, d)
    z0 = torch.full((clips, d), 1.0)
    back = reconstruct(gaussian(1), z0, SCHEDULE, noise)
    assert back.mean().item() == pytest.approx(0.4423, abs=4 * (0.8043 / back.numel()) ** 0.5)
    assert back.var().item() == pytest.approx(0.8043, rel=4 * (2 / back.numel()) ** 0.5)
    error = reconstruction_error(gaussian(1), z0, SCHEDULE, noise)
    # (1 - abar)^2 ||z_0||^2 + d (1 - abar^2), and the printed spread of one draw.
    assert error.mean().item() == pytest.approx(0.31105 * d + 205.92, abs=4 * 24.2 / clips**0.5)
    assert error.std().item() == pytest.approx(24.2, rel=0.2)


@pytest.mark.parametrize(
    ("reading", "gain", "variance"),
    [
        ("onestep", 0.44228, 0.24667),  # abar; abar (1 - abar)
        ("ddim", 0.6638, 0.6638**2 * (1 / 0.442285 - 1)),  # all of its variance is the start's
        ("respaced", 0.0063527, 0.99996),  # abar_500; nothing of z_0 is left
        ("nonoise", 0.442285**0.5, 0.8043 - 0.442285 * (1 - 0.442285)),  # partial without the start's noise
    ],
)
def test_other_readings_of_a_gaussian(reading, gain, variance):
    got = gain_and_variance(gaussian(1), reading)
    assert got[0] == pytest.approx(gain, abs=1e-4) and got[1] == pytest.approx(variance, abs=3e-4)


def test_no_variance_reconstructs_zero():
    z0 = torch.randn(8, 5).double() * 7
    for reading in ("partial", "onestep", "ddim", "nonoise"):
        noise = clip_noise(range(8), 1, 0, 200, 5)
        back = reconstruct(gaussian(0), z0, SCHEDULE, noise, reading=reading)
        assert back.abs().max() < 1e-9
        error = reconstruction_error(gaussian(0), z0, SCHEDULE, noise, reading=reading)
        torch.testing.assert_close(error, z0.square().sum(1))


@pytest.mark.parametrize("reading", ["partial", "respaced", "rebuilt", "onestep", "ddim"])
def test_a_silent_network_scores_noise_alone(reading):
    def silent(z, t):
        return torch.zeros_like(z)

    gain, _ = gain_and_variance(silent, reading)
    assert gain == pytest.approx(1, rel=1e-10)
    noise = clip_noise(range(6), 0, 0, 200, 4)
    here, there = (
        reconstruction_error(silent, z0, SCHEDULE, noise, reading=reading)
        for z0 in (torch.zeros(6, 4).double(), torch.full((6, 4), 9.0).double())
    )
    torch.testing.assert_close(here, there)
    assert here.min() > 0.1


def two_points(a):
    """The best denoiser of two equally likely points, a and -a."""

    def denoiser(z, t):
        abar = SCHEDULE.abar[t].to(z)[:, None]
        z0 = a * torch.tanh(abar.sqrt() * a * z / (1 - abar))
        return (z - abar.sqrt() * z0) / (1 - abar).sqrt()

    return denoiser


def test_two_points_are_found_again():
    a, n = 1.5, 400
    z0 = torch.full((n, 1), 0.9).double()
    noise = clip_noise(range(n), 0, 0, 500, 1)
    abar = 0.442284884870158
    z = abar**0.5 * 0.9 + (1 - abar) ** 0.5 * noise[:, 0].double()
    expected = a * torch.tanh(abar**0.5 * a * z / (1 - abar))
    torch.testing.assert_close(reconstruct(two_points(a), z0, SCHEDULE, noise[:, :201], reading="onestep"), expected)
    for reading, steps in (("partial", 500), ("ddim", 500), ("partial", 100)):
        back = reconstruct(two_points(a), z0, SCHEDULE, noise[:, : steps + 1], steps=steps, reading=reading)
        share = (back > 0).double().mean().item()  # near the start a is likelier; from t = 500 both are alike
        assert back.abs().sub(a).abs().max() < 0.02
        assert share == pytest.approx(0.5, abs=0.11) if steps == 500 else share > 0.9


def signal_left(steps):
    """abar_0..abar_T of the linear schedule."""
    beta = [0.0] + [1e-4 + (0.02 - 1e-4) * k / max(steps - 1, 1) for k in range(steps)]
    return [math.prod(1 - b for b in beta[: t + 1]) for t in range(steps + 1)]


def loop(network, z0, noise, reading, steps):
    """One clip after another in float64, with tables of its own: (z'_0, error)."""
    last = steps if reading == "rebuilt" else 60
    abar = signal_left(last)
    times = list(range(steps + 1))
    if reading == "respaced":
        times = [0, last] if steps == 1 else [0] + [round(1 + k * (last - 1) / (steps - 1)) for k in range(steps)]
    back, error = np.zeros_like(z0), np.zeros(len(z0))
    for c, clean in enumerate(z0):

        def eps(z, t):
            return network(torch.tensor(z)[None], torch.tensor([t]))[0].detach().numpy()

        if reading == "eps-average":
            for t in range(1, steps + 1):
                e = noise[c, t]
                error[c] += ((e - eps(abar[t] ** 0.5 * clean + (1 - abar[t]) ** 0.5 * e, t)) ** 2).sum() / steps
            continue
        top = abar[times[-1]]
        z = clean if reading == "nonoise" else top**0.5 * clean + (1 - top) ** 0.5 * noise[c, 0]
        if reading == "onestep":
            back[c] = (z - (1 - top) ** 0.5 * eps(z, steps)) / top**0.5
        else:
            for i in range(1, steps + 1):
                t, before = times[steps - i + 1], times[steps - i]
                a, e = abar[t] / abar[before], eps(z, t)
                if reading == "ddim":
                    x = (z - (1 - abar[t]) ** 0.5 * e) / abar[t] ** 0.5
                    z = abar[before] ** 0.5 * x + (1 - abar[before]) ** 0.5 * e
                else:
                    z = (z - (1 - a) / (1 - abar[t]) ** 0.5 * e) / a**0.5
                    z = z + ((1 - a) ** 0.5 * noise[c, i] if before else 0)
            back[c] = z
        error[c] = ((clean - back[c]) ** 2).sum()
    return back, error


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("steps", [1, 20, 60])
def test_a_loop_over_clips_agrees(reading, steps):
    torch.manual_seed(0)
    network, schedule = Denoiser(5, hidden=16, time_features=8).double(), Schedule.build(60)
    z0 = torch.randn(3, 5).double()
    noise = clip_noise([3, 1, 2], 7, 0, steps, 5)
    back, error = loop(network, z0.numpy(), noise.double().numpy(), reading, steps)
    got = reconstruction_error(network, z0, schedule, noise, steps=steps, reading=reading)
    assert got.dtype == torch.float64 and got.shape == (3,) and not got.requires_grad
    np.testing.assert_allclose(got, error, rtol=1e-9)
    if reading in RECONSTRUCTIONS:
        got = reconstruct(network, z0, schedule, noise, steps=steps, reading=reading)
        np.testing.assert_allclose(got, back, rtol=1e-9, atol=1e-9)


def test_one_respaced_step_is_one_estimate_from_the_last_step():
    torch.manual_seed(0)
    network, z0 = Denoiser(5, hidden=16, time_features=8).double(), torch.randn(3, 5).double()
    noise = clip_noise(range(3), 0, 0, 500, 5)
    one = reconstruct(network, z0, SCHEDULE, noise[:, :2], steps=1, reading="respaced")
    torch.testing.assert_close(one, reconstruct(network, z0, SCHEDULE, noise, steps=500, reading="onestep"))


def test_all_steps_are_partial_respaced_and_rebuilt_alike():
    torch.manual_seed(0)
    network, z0, schedule = Denoiser(5, hidden=16).double(), torch.randn(3, 5).double(), Schedule.build(40, "cosine")
    noise = clip_noise(range(3), 0, 0, 40, 5)
    first = reconstruct(network, z0, schedule, noise, steps=40)
    for reading in ("respaced", "rebuilt"):
        other = reconstruct(network, z0, schedule, noise, steps=40, reading=reading)
        torch.testing.assert_close(other, first)


@pytest.mark.parametrize("reading", READINGS)
def test_single_precision_is_enough(reading):
    torch.manual_seed(0)
    network, z0 = Denoiser(16, hidden=64).eval(), torch.randn(10, 16)
    noise = clip_noise(range(10), 0, 0, 200, 16)
    single = reconstruction_error(network, z0, SCHEDULE, noise, reading=reading)
    double = reconstruction_error(network.double(), z0.double(), SCHEDULE, noise, reading=reading)
    torch.testing.assert_close(single, double, rtol=1e-4, atol=0)


def test_few_steps_change_little_and_many_forget():
    z0 = torch.randn(50, 8).double()
    error = [
        reconstruction_error(gaussian(1), z0, SCHEDULE, clip_noise(range(50), 0, 0, t, 8), steps=t).mean()
        for t in (1, 20, 200)
    ]
    assert error[0] < 0.01 < error[1] < error[2]


@given(
    st.lists(st.integers(0, 2**256 - 1), min_size=1, max_size=5),
    st.integers(0, 1000),
    st.integers(0, 9),
    st.integers(0, 6),
)
def test_noise_belongs_to_the_clip(hashes, seed, draw, steps):
    noise = clip_noise(hashes, seed, draw, steps, 3)
    assert noise.shape == (len(hashes), steps + 1, 3) and noise.dtype == torch.float32
    for row, clip in zip(noise, hashes):
        generator = np.random.default_rng(np.random.SeedSequence((seed, draw, clip)))
        np.testing.assert_array_equal(row, generator.standard_normal((steps + 1, 3), dtype=np.float32))
    assert torch.equal(clip_noise(hashes[::-1], seed, draw, steps, 3), noise.flip(0))
    assert torch.equal(clip_noise(hashes, seed, draw, steps + 4, 3)[:, : steps + 1], noise)
    assert not torch.equal(clip_noise(hashes, seed, draw + 1, steps, 3), noise)
    assert not torch.equal(clip_noise(hashes, seed + 1, draw, steps, 3), noise)


def test_noise_is_standard_normal_and_independent():
    noise = clip_noise(range(100), 0, 0, 99, 20).double()
    n = noise.numel()
    assert abs(noise.mean().item()) < 4 / n**0.5 and noise.var().item() == pytest.approx(1, abs=4 * (2 / n) ** 0.5)
    again = [clip_noise(range(100), seed, draw, 99, 20) for seed, draw in ((0, 1), (1, 0))]
    for other in (noise.roll(1, 0), noise.roll(1, 1), *again):
        assert abs((noise * other).mean().item()) < 4 / n**0.5


@pytest.mark.parametrize("reading", READINGS)
def test_scores_repeat_and_move_with_their_clips(reading):
    torch.manual_seed(0)
    network, z0 = Denoiser(12, hidden=32).eval(), torch.randn(150, 12)
    hashes = [int(h) for h in np.random.default_rng(0).integers(0, 2**63, 150)]
    assert len(z0) > 2 * CLIPS_AT_ONCE

    def score(rows):
        chosen = [hashes[i] for i in rows]
        return mean_error(network, z0[rows], SCHEDULE, chosen, seed=3, draws=2, steps=20, reading=reading)

    first = score(range(150))
    assert torch.equal(score(range(150)), first)
    order = np.random.default_rng(1).permutation(150)
    # Another place in the batch may round a matrix product otherwise, in the last bits.
    torch.testing.assert_close(score(order), first[order], rtol=1e-4, atol=1e-8)
    torch.testing.assert_close(score([7]), first[[7]], rtol=1e-4, atol=1e-8)


def test_mean_over_draws_in_chunks(monkeypatch):
    torch.manual_seed(0)
    network, z0 = Denoiser(6, hidden=16).double(), torch.randn(10, 6).double()
    noise = [clip_noise(range(10), 4, draw, 30, 6) for draw in range(3)]
    draws = [reconstruction_error(network, z0, SCHEDULE, n, steps=30) for n in noise]
    monkeypatch.setattr(readings, "CLIPS_AT_ONCE", 4)
    got = mean_error(network, z0, SCHEDULE, range(10), seed=4, draws=3, steps=30)
    torch.testing.assert_close(got, sum(draws) / 3)
    assert mean_error(network, z0[:0], SCHEDULE, [], seed=4).shape == (0,)


def test_bad_input_is_refused():
    z0, noise = torch.zeros(2, 3), torch.zeros(2, 201, 3)
    with pytest.raises(UnknownName, match="did you mean 'partial'"):
        reconstruct(gaussian(1), z0, SCHEDULE, noise, reading="partal")
    with pytest.raises(UnknownName, match="did you mean 'eps-average'"):
        reconstruction_error(gaussian(1), z0, SCHEDULE, noise, reading="eps-averag")
    with pytest.raises(BadInput, match="'eps-average' reconstructs nothing"):
        reconstruct(gaussian(1), z0, SCHEDULE, noise, reading="eps-average")
    with pytest.raises(BadInput, match=r"\(2, 101, 3\) is needed"):
        reconstruct(gaussian(1), z0, SCHEDULE, noise, steps=100)
    for reading in READINGS:
        for steps in (0, 501):
            with pytest.raises(BadInput, match=f"diffusion step {steps}: this schedule has the steps 1 to 500"):
                noise = torch.zeros(2, steps + 1, 3)
                reconstruction_error(gaussian(1), z0, SCHEDULE, noise, steps=steps, reading=reading)
    with pytest.raises(BadInput, match="1 hashes for 2 clips"):
        mean_error(gaussian(1), z0, SCHEDULE, [5], seed=0)
    with pytest.raises(BadInput, match="0 draws"):
        mean_error(gaussian(1), z0, SCHEDULE, [5, 6], seed=0, draws=0)


def test_the_readings_are_the_seven_named_ones():
    assert tuple(RECONSTRUCTIONS) == NAMED and set(READINGS) == {*NAMED, "eps-average"}


@pytest.mark.gpu
@pytest.mark.parametrize("reading", READINGS)
def test_cpu_equals_gpu(reading):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.manual_seed(0)
    network, z0 = Denoiser(64).eval(), torch.randn(70, 64)
    expected = mean_error(network, z0, SCHEDULE, range(70), seed=0, draws=2, reading=reading)
    got = mean_error(network.cuda(), z0.cuda(), SCHEDULE, range(70), seed=0, draws=2, reading=reading)
    assert got.device.type == "cuda"
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-3, atol=1e-4)
    assert torch.isfinite(processes.diffusion_loss(network, z0.cuda(), SCHEDULE.to("cuda")))
