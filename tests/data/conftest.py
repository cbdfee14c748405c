"""Small sets on disk for the tests of `asdbook.data`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16_000
SAMPLES = 4_000  # 0.25 s: just above the shortest usable clip

Write = Callable[..., Path]


def sound(seed: int, samples: int = SAMPLES) -> np.ndarray:
    """Noise that differs from clip to clip, int16."""
    return np.random.default_rng(seed).integers(-20_000, 20_000, samples).astype(np.int16)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes clips of these relative paths below `tmp_path / folder` and returns that folder."""

    def make(paths: Iterable[str], folder: str = "set", samples: int = SAMPLES, first_seed: int = 0) -> Path:
        root = tmp_path / folder
        for seed, path in enumerate(paths, start=first_seed):
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, sound(seed, samples), RATE, subtype="PCM_16")
        root.mkdir(exist_ok=True)
        return root

    return make


def section_paths(machine: str = "fan", section: str = "00", train: int = 3, test: int = 2) -> list[str]:
    """Paths of a small set of 2022 on: source and target, both labels."""
    paths = [f"{machine}/train/section_{section}_source_train_normal_{i:04d}_n_A.wav" for i in range(train)]
    paths += [f"{machine}/train/section_{section}_target_train_normal_0000_n_X.wav"]
    for domain in ("source", "target"):
        for label in ("normal", "anomaly"):
            value = "A" if domain == "source" else "X"
            stem = f"{machine}/test/section_{section}_{domain}_test_{label}"
            paths += [f"{stem}_{i:04d}_n_{value}.wav" for i in range(test)]
    return paths


def paths_2020(machine: str = "fan", ids: Iterable[str] = ("00", "02")) -> list[str]:
    """Paths of a small set of 2020."""
    paths = []
    for one in ids:
        paths += [f"{machine}/train/normal_id_{one}_{i:08d}.wav" for i in range(3)]
        paths += [f"{machine}/test/{label}_id_{one}_{i:08d}.wav" for label in ("normal", "anomaly") for i in (0, 1)]
    return paths


def paths_2021(machine: str = "fan") -> list[str]:
    """Paths of a small set of 2021: free-form attributes, test names without them, a folder for each domain."""
    paths = [f"{machine}/train/section_00_source_train_normal_{i:04d}_strength_1_ambient.wav" for i in range(3)]
    for domain in ("source", "target"):
        for label in ("normal", "anomaly"):
            paths += [f"{machine}/{domain}_test/section_00_{domain}_test_{label}_{i:04d}.wav" for i in (0, 1)]
    return paths


OWN = [
    "press/train/monday 1.wav",
    "press/train/monday 2.wav",
    "press/test/normal/tuesday 1.wav",
    "press/test/anomaly/broken belt.wav",
]
