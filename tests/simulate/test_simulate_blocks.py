"""Signal blocks against textbook facts: lines where the phase says, energies as the bookkeeping promises."""

from __future__ import annotations

import numpy as np
import pytest

from asdbook.simulate import impacts, noise, phase
from asdbook.simulate.seeds import balanced, permuted_quantiles, stream
from asdbook.simulate.take import rendered_length

N = 69_120
FS = phase.FS


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def spectrum(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(x), 1 / FS), np.abs(np.fft.rfft(x * np.hanning(len(x))))


def test_rendered_lengths_are_even_smooth_and_leave_a_lead_in() -> None:
    assert rendered_length(64_000) == N  # 0.32 s in front of 4 s
    for kept in (16_000, 64_000, 160_000, 192_000, 12_345):
        n = rendered_length(kept)
        assert n % 2 == 0
        assert 0.3 * FS <= n - kept <= 0.6 * FS
        for prime in (2, 3, 5):
            while n % prime == 0:
                n //= prime
        assert n == 1


def test_streams_differ_by_every_part_of_the_key_and_repeat() -> None:
    first = stream("a", 1, "b").random(4)
    assert np.array_equal(first, stream("a", 1, "b").random(4))
    for other in (("a", 2, "b"), ("a", 1, "c"), ("c", 1, "b"), ("a", 1, "b", 0), ("a", "b", 1)):
        assert not np.array_equal(first, stream(*other).random(4))


def test_quantiles_and_balance_are_exact() -> None:
    q = permuted_quantiles(stream("q"), 50)
    assert np.allclose(np.sort(q), (np.arange(50) + 0.5) / 50)
    assert not np.array_equal(q, np.sort(q))
    counts = np.bincount(balanced(stream("b"), 8, 50), minlength=8)
    assert counts.sum() == 50
    assert counts.max() - counts.min() == 1


def test_stack_equals_the_plain_sum_of_cosines() -> None:
    axle = phase.shaft(stream("stack"), 4000, 123.0, phase.MAINS)
    a, p = np.array([1.0, 0.5, 0.25]), np.array([0.1, 0.7, 0.3])
    plain = sum(a[k] * np.cos(2 * np.pi * ((k + 1) * axle.turns + p[k])) for k in range(3))
    assert np.allclose(phase.stack(axle.z, a, p, axle.top), plain, atol=2e-4)


def test_stack_leaves_out_what_would_alias() -> None:
    tone = phase.turning(np.full(N, 3000.0))
    x = phase.stack(tone.z, np.ones(5), np.zeros(5), 3000.0)
    f, s = spectrum(x)
    assert f[np.argmax(s)] in (pytest.approx(3000, abs=1), pytest.approx(6000, abs=1))
    assert s[np.abs(f - 7000) < 500].max() < 1e-3 * s.max()  # 9 kHz would fold to 7 kHz


@pytest.mark.parametrize("depth", [0.0, 0.3, 1.0])
def test_modulation_keeps_the_mean_power(depth: float) -> None:
    x = noise.coloured(stream("am"), N, np.ones(N // 2 + 1, np.float32))
    y = phase.modulate(x, phase.wave(np.arange(N) * 20 / FS), depth)
    assert rms(y) == pytest.approx(rms(x), rel=0.03)
    if depth == 0:
        assert np.array_equal(x, y)


def test_wander_has_its_deviation_and_time_constant() -> None:
    x = np.concatenate([phase.wander(stream("ou", i), N, 0.01, 0.2) for i in range(40)])
    assert np.std(x) == pytest.approx(0.01, rel=0.12)
    lag = int(0.2 * FS)
    assert np.mean(x[:-lag] * x[lag:]) / np.var(x) == pytest.approx(np.exp(-1), abs=0.12)


def test_coloured_noise_has_unit_power_and_its_shape() -> None:
    shape = noise.slope(N, 500.0, 0.8, 1.3)
    x = noise.coloured(stream("noise"), N, shape)
    assert rms(x) == pytest.approx(1.0, rel=0.03)
    f, s = spectrum(x)
    low, high = (np.mean(s[(f > a) & (f < b)] ** 2) for a, b in ((1900, 2100), (3800, 4200)))
    assert 10 * np.log10(low / high) == pytest.approx(2.6 * 3.01, abs=1.5)  # falls as f^-1.3 in amplitude


def test_stationary_keeps_the_spectrum_and_loses_the_events() -> None:
    at = np.arange(2000, N, 8000.0)
    modes = impacts.draw_modes(stream("m"), 800, 3000, 4, (0.02, 0.05))
    x = impacts.strike(at, np.ones(len(at)), modes, N)
    y = noise.stationary(stream("y"), x)
    assert rms(y) == pytest.approx(rms(x), rel=0.1)
    assert np.abs(x).max() / rms(x) > 2.5 * np.abs(y).max() / rms(y)


def test_unit_hits_have_the_square_root_of_their_rate_as_rms() -> None:
    modes = impacts.draw_modes(stream("modes"), 700, 4000, 5, (0.02, 0.05))
    rate = 25.0
    at = impacts.renewal(stream("times"), 1 / rate, 0.02, N / FS) * FS
    x = impacts.strike(at[at < N - 1], np.ones(int((at < N - 1).sum())), modes, N)
    assert rms(x) == pytest.approx(np.sqrt(rate), rel=0.08)


@pytest.mark.parametrize("hz", [500.0, 2500.0, 5000.0])
def test_placing_between_samples_loses_nothing(hz: float) -> None:
    f = np.fft.rfftfreq(1024, 1 / FS)
    for part in (0.0, 0.25, 0.5, 0.73):
        h = np.abs(np.fft.rfft(impacts.place(np.array([300 + part]), np.ones(1), 1024)))
        assert 20 * np.log10(h[np.argmin(np.abs(f - hz))]) == pytest.approx(0.0, abs=0.2)


def test_response_rings_at_its_modes_and_decays() -> None:
    modes = impacts.Modes(np.array([1000.0]), np.array([0.02]), np.ones(1))
    h = np.fft.irfft(impacts.response(modes, N), N)
    t = np.arange(N) / FS
    expected = np.exp(-0.02 * 2 * np.pi * 1000 * t) * np.sin(2 * np.pi * 1000 * np.sqrt(1 - 0.02**2) * t)
    expected *= np.sqrt(FS / np.sum(expected**2))
    assert np.corrcoef(h[:800], expected[:800])[0, 1] > 0.999
    assert np.sum(h**2) == pytest.approx(FS, rel=1e-3)


def test_shaft_locked_ticks_come_once_per_turn() -> None:
    axle = phase.shaft(stream("ticks"), N, 31.0, phase.BRUSHED)
    at = axle.when(1.0, 0.25)
    turns = np.interp(at, np.arange(N), axle.turns) + 0.25
    assert np.allclose(turns, np.rint(turns), atol=1e-6)
    assert len(at) == pytest.approx(axle.turns[-1] - axle.turns[0], abs=1)


def test_poisson_always_has_an_event_in_the_clip() -> None:
    for i in range(50):
        at = impacts.poisson(stream("p", i), 0.01, 5000, 20_000)
        assert len(at) >= 1
        assert at.min() >= 5000
        assert at.max() <= 20_000


def test_envelope_follows_its_closed_form() -> None:
    x = impacts.envelope(np.array([1000.0]), np.array([2.0]), 0.003, 0.05, 32_000)
    t = np.arange(4000) / FS
    expected = 2 * (1 - np.exp(-t / 0.003)) * np.exp(-t / 0.05)
    assert np.abs(x[1000:5000] - expected).max() < 0.05
