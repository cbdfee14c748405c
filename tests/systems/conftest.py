"""A small set of two machines that every system is tried on, made of noise and tones, and ways to change it."""

import numpy as np
import pandas as pd
import pytest
import torch

from asdbook import data
from asdbook.data import ClipTable, DataSet, TrainClips
from asdbook.experiment.context import RunContext
from asdbook.experiment.stages import StageCache

RATE = 16_000
PITCH = {"fan": 300.0, "pump": 900.0}  # Hz
TRAIN = {"source": 9, "target": 3}
TEST = 3  # of each machine, domain and label


def sound(machine, domain, label, rng, seconds=1.0):
    """int16 (samples,): a tone with two overtones in coloured noise; an anomaly has a second tone."""
    time = np.arange(int(RATE * seconds)) / RATE
    pitch = PITCH[machine] * (1.1 if domain == "target" else 1.0) * rng.uniform(0.98, 1.02)
    tones = sum(np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in (1, 2, 3))
    noise = np.convolve(rng.standard_normal(len(time) + 7), np.hanning(8), mode="valid")
    wave = 0.05 * tones + 0.02 * noise * rng.uniform(0.8, 1.25)
    if label == "anomaly":
        wave = wave + 0.05 * np.sin(2 * np.pi * 2600 * time)
    return np.round(np.clip(wave, -1, 0.9999) * 32767).astype(np.int16)


def blocks(year, seconds=1.0):
    """(paths, audio) of the set in official names: 2020 with two IDs a machine, otherwise two domains."""
    rng = np.random.default_rng(20)
    for machine in PITCH:
        for i, domain in enumerate(TRAIN):
            cells = [("train", "normal", TRAIN[domain]), ("test", "normal", TEST), ("test", "anomaly", TEST)]
            for split, label, count in cells:
                names = [
                    f"{machine}/{split}/{label}_id_0{2 * i}_{n:08d}.wav"
                    if year == 2020
                    else f"{machine}/{split}/section_00_{domain}_{split}_{label}_{n:04d}_noAttribute.wav"
                    for n in range(count)
                ]
                yield names, np.stack([sound(machine, domain, label, rng, seconds) for _ in names])


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """The set by year: 2020 (IDs), 2021 (test domains are known) and 2023."""
    folder = tmp_path_factory.mktemp("sets")
    return {
        year: data.build(folder / str(year), name=f"tones-{year}", year=year, blocks=blocks(year))
        for year in (2020, 2021, 2023)
    }


@pytest.fixture(scope="session")
def tones(sets):
    return sets[2023]


@pytest.fixture
def context():
    """Makes contexts on one thread."""
    return lambda **options: RunContext(**{"seed": 110, "threads": 1, "noise": outside, **options})


@pytest.fixture
def cached(tmp_path, context):
    """Makes contexts that share the stages in the test's own folder."""

    def make():
        return context(stages=StageCache(tmp_path, fingerprint="set", seed=110, mode={"device": "cpu"}))

    return make


def outside(kind, clips, samples):
    """Sound of no machine: white noise that comes and goes."""
    rng = np.random.default_rng(len(kind))
    swell = 1 + np.sin(np.linspace(0, 20, samples) * rng.uniform(0.5, 2, (clips, 1)))
    return (0.02 * swell * rng.standard_normal((clips, samples))).astype(np.float32)


def take(dataset: DataSet, positions) -> DataSet:
    """The set's clips at these positions, in this order."""
    return DataSet(
        dataset.name,
        dataset.kind,
        dataset.year,
        dataset.table.take(positions),
        dataset.waves.view(positions),
        dataset.fingerprint,
    )


def renamed(dataset: DataSet) -> DataSet:
    """The same clips under other file names, which are also the names of their recordings."""
    frame: pd.DataFrame = dataset.table.frame
    frame["path"] = [f"{path.split('/')[0]}/x{len(frame) - i:04d}.wav" for i, path in enumerate(frame["path"])]
    frame["recording"] = frame["path"]
    return DataSet(
        dataset.name,
        dataset.kind,
        dataset.year,
        ClipTable(frame, year=dataset.year),
        dataset.waves,
        dataset.fingerprint,
    )


class Broken(TrainClips):
    """Training clips, one of which holds a sample that is not a number."""

    __slots__ = ()

    def batch(self, positions, device="cpu"):
        waves = super().batch(positions, device).clone()
        waves[-1, 5] = torch.nan
        return waves

    def batches(self, positions=None, size=64, device="cpu"):
        for chosen, _ in super().batches(positions, size, device):
            yield chosen, self.batch(chosen, device)


@pytest.fixture
def change():
    """Ways to change a set."""
    return {"take": take, "renamed": renamed, "broken": Broken}
