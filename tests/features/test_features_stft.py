"""Magnitude, phase and whole-clip spectrum against librosa and NumPy."""

import librosa
import numpy as np
import pytest
import torch

from asdbook.errors import BadInput
from asdbook.features import MagnitudeStft, PhaseStft, Spectrum


@pytest.fixture
def sound():
    return np.random.default_rng(1).normal(0, 0.1, (3, 16_000)).astype(np.float32)


def reference(sound, center=False):
    complex_ = librosa.stft(
        sound.astype(np.float64), n_fft=1024, hop_length=512, window="hann", center=center, pad_mode="constant"
    )
    return np.swapaxes(complex_, -1, -2)


@pytest.mark.parametrize("center", [False, True])
def test_magnitude_is_librosas(sound, center):
    ours = MagnitudeStft(center=center)(torch.from_numpy(sound)).numpy()
    expected = np.abs(reference(sound, center))
    assert ours.shape == expected.shape == (3, 32 if center else 30, 513)
    np.testing.assert_allclose(ours, expected, atol=2e-6 * expected.max())


def test_phase_as_vector_is_the_unit_of_librosas(sound):
    ours = PhaseStft(form="vector")(torch.from_numpy(sound)).numpy()
    expected = reference(sound)
    loud = np.abs(expected) > 0.05 * np.abs(expected).max()
    np.testing.assert_allclose((ours[:, 0] + 1j * ours[:, 1])[loud], (expected / np.abs(expected))[loud], atol=1e-4)


def test_phase_as_angle_lies_in_its_range(sound):
    ours = PhaseStft(form="angle")(torch.from_numpy(sound)).numpy()
    expected = np.angle(reference(sound)) / np.pi
    loud = np.abs(reference(sound)) > 0.05 * np.abs(reference(sound)).max()
    assert ours.min() >= -1 and ours.max() <= 1
    turn = np.abs(ours - expected)[loud]
    np.testing.assert_allclose(np.minimum(turn, 2 - turn), 0, atol=1e-4)


def test_silence_has_no_phase():
    half = torch.zeros(1, 16_000)
    half[0, :4096] = torch.sin(torch.arange(4096) * 0.3)
    phase = PhaseStft()(half)
    length = phase.square().sum(dim=1)
    assert torch.isfinite(phase).all()
    assert length[0, -1].abs().max() == 0
    assert length[0, 2].max() == pytest.approx(1, abs=1e-5)


def test_spectrum_is_numpys(sound):
    ours = Spectrum()(torch.from_numpy(sound)).numpy()
    expected = np.abs(np.fft.rfft(sound.astype(np.float64)))[:, :8000]
    assert ours.shape == (3, 8000)
    np.testing.assert_allclose(ours, expected, atol=3e-6 * expected.max())
    np.testing.assert_array_equal(Spectrum(keep=100)(torch.from_numpy(sound)).numpy(), ours[:, :100])


def test_refusals():
    with pytest.raises(BadInput, match="at least 1024"):
        MagnitudeStft()(torch.zeros(1, 1023))
    with pytest.raises(BadInput, match="vector"):
        PhaseStft(form="degrees")
