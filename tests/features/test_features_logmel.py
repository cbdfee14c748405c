"""Log-mel against librosa, and what the official code says about silence and frame counts."""

import librosa
import numpy as np
import pytest
import torch

from asdbook.errors import BadInput
from asdbook.features import LogMel, frame_count, frames
from asdbook.features import logmel as module

RATE = 16_000


def waves(clips=3, seconds=10.0, seed=0):
    """Noise with a tone and a click, float32 (clip, sample)."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(RATE * seconds)) / RATE
    sound = 0.05 * rng.standard_normal((clips, len(time))) + 0.2 * np.sin(2 * np.pi * 440 * time)
    sound[:, len(time) // 3] += 0.7
    return sound.astype(np.float32)


def official(sound):
    """The official code's steps, (clip, frame, band) float64 power."""
    power = librosa.feature.melspectrogram(
        y=sound.astype(np.float64), sr=RATE, n_fft=1024, hop_length=512, n_mels=128, power=2.0
    )
    return np.swapaxes(power, -1, -2)


def test_power_is_librosas_to_float32_accuracy():
    noise = np.random.default_rng(0).normal(0, 0.1, (3, 10 * RATE)).astype(np.float32)
    ours = LogMel(log=False)(torch.from_numpy(noise)).numpy()
    error = np.abs(ours / official(noise) - 1)  # 120 000 values: the worst is a bin that happens to be empty
    assert np.quantile(error, 0.9999) < 2.5e-6 and error.max() < 5e-6


def test_power_beside_a_strong_tone_is_accurate_to_the_frames_peak():
    sound = waves()  # float32 FFT errors scale with the strongest bin of a frame
    ours, expected = LogMel(log=False)(torch.from_numpy(sound)).numpy(), official(sound)
    error = np.abs(ours - expected) / expected.max(axis=-1, keepdims=True)
    assert error.max() < 5e-7


def test_decibels_are_the_official_ones():
    sound = waves(seconds=2.0)
    expected = 20.0 / 2.0 * np.log10(np.maximum(official(sound), 2.220446e-16))
    np.testing.assert_allclose(LogMel()(torch.from_numpy(sound)).numpy(), expected, atol=1e-4)


def test_digital_silence_is_minus_156_5_db():
    silence = LogMel()(torch.zeros(2, RATE))
    assert silence.unique().numel() == 1
    assert float(silence[0, 0, 0]) == pytest.approx(-156.5356, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "count"), [(6, 188), (10, 313), (11, 344), (12, 376), (18, 563)]
)  # methods/data.md section 4
def test_frame_counts(seconds, count):
    samples = RATE * seconds
    assert frame_count(samples) == count
    assert frames(torch.zeros(1, samples)).shape == (1, count, 1024)


@pytest.mark.parametrize(("samples", "count"), [(160_000, 311), (192_000, 374), (288_000, 561), (1023, 0)])
def test_frame_counts_without_padding(samples, count):
    assert frame_count(samples, center=False) == count


def test_blocks_do_not_change_the_result(monkeypatch):
    sound = torch.from_numpy(waves(clips=5, seconds=1.0))
    whole = LogMel()(sound)
    monkeypatch.setattr(module, "BLOCK_SAMPLES", 1)
    np.testing.assert_allclose(LogMel()(sound).numpy(), whole.numpy(), atol=1e-4)


def test_band_groups_hold_every_weight():
    filters = module.mel_filters(RATE, 1024, 128, 0.0, None)
    rest = filters.clone()
    for bins, bands in module.band_groups(filters):
        rest[bins, bands] = 0
    assert rest.abs().sum() == 0 and filters.abs().sum() > 0


def test_a_band_below_the_bins_resolution_is_no_error():
    logmel = LogMel(bands=256)  # librosa warns: some triangles lie between two bins
    assert torch.isfinite(logmel(torch.zeros(1, RATE))).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_refuses_samples_that_are_not_finite(bad):
    sound = torch.zeros(3, RATE)
    sound[1, 77] = bad
    with pytest.raises(BadInput, match="clip 1"):
        LogMel()(sound)


def test_refuses_other_shapes():
    with pytest.raises(BadInput, match="shape"):
        LogMel()(torch.zeros(RATE))
    with pytest.raises(BadInput, match="0 samples"):
        LogMel()(torch.zeros(1, 0))


def test_band_centres_are_where_the_filters_peak():
    filters = module.mel_filters(16_000, 1024, 128, 0.0, None).numpy()
    centres = module.mel_centres(16_000, 128)
    assert centres.shape == (128,) and (np.diff(centres) > 0).all()
    hertz = np.arange(513) * 16_000 / 1024
    peak = hertz[filters.argmax(0)]
    assert (np.abs(peak - centres)[filters.max(0) > 0] <= 16_000 / 1024).all()
