"""Log-mel of ten-second clips: ours against librosa called clip by clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from asdbook.bench.timing import alternate

CLIPS, SAMPLES = 64, 160_000  # ten seconds at 16 kHz


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row: clips a second of both sides and the largest difference in dB."""
    import librosa
    import torch

    from asdbook.features import LogMel

    waves = np.random.default_rng(0).normal(0, 0.1, (CLIPS, SAMPLES)).astype(np.float32)
    tensor, feature = torch.from_numpy(waves), LogMel()

    def ours() -> torch.Tensor:
        return feature(tensor)

    def reference() -> list[np.ndarray]:
        eps = np.finfo(float).eps
        found = []
        for wave in waves:
            power = librosa.feature.melspectrogram(
                y=wave, sr=16_000, n_fft=1024, hop_length=512, n_mels=128, power=2.0
            )
            found.append(10 * np.log10(np.maximum(power, eps)))
        return found

    gap = np.abs(ours().numpy() - np.stack(reference()).transpose(0, 2, 1)).max()
    fast, slow = alternate(ours, reference, rounds=5)
    return [
        {
            "ours": "LogMel",
            "reference": "librosa, clip by clip",
            "work": f"{CLIPS} clips of 10 s",
            "unit": "clips/s",
            "ours_rate": CLIPS / fast,
            "reference_rate": CLIPS / slow,
            "ratio": slow / fast,
            "agreement": f"largest gap {gap:.1e} dB",
        }
    ]
