"""The trivial detector: against a naive version, and against numbers computed by others on real recordings."""

import csv
from dataclasses import replace

import librosa
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from asdbook import data, systems

# AUC of the real cut's README: machine and ID to (mean spectrum, 95th percentile).
README = {
    "fan/00": (0.778, 0.713), "fan/02": (0.878, 0.875), "fan/04": (0.725, 0.700),
    "pump/00": (0.644, 0.791), "pump/02": (0.759, 0.556), "pump/04": (0.791, 0.716),
    "slider/00": (0.506, 0.834), "slider/02": (0.794, 0.988), "slider/04": (0.459, 0.878),
}  # fmt: skip


def fit_and_score(spec, dataset, ctx, overrides=None):
    system, variant = systems.parse(spec)
    model = system(systems.make_config(system, variant, "paper", overrides)).fit(dataset.train(), ctx)
    return model, model.score(dataset.test(), ctx).values


def naive(wave, statistic):
    mel = librosa.feature.melspectrogram(y=wave, sr=16_000, n_fft=1024, hop_length=512, n_mels=128)
    decibel = 10 * np.log10(np.maximum(mel, 2.220446e-16))
    return decibel.mean(1) if statistic == "mean" else np.percentile(decibel, 95, axis=1)


@pytest.mark.parametrize("statistic", ["mean", "p95"])
def test_is_a_loop_over_librosa(statistic, sets, context):
    tones = sets[2020]
    spectra = np.array([naive(tones.waves.array(i) / 32768, statistic) for i in range(len(tones.table))])
    frame = tones.table.frame
    group = (frame["machine"] + frame["id"]).to_numpy(dtype=object)
    recording = frame["recording"].to_numpy(dtype=object)
    is_train = (frame["split"] == "train").to_numpy()

    def nearest(i):
        near = is_train & (group == group[i]) & (recording != recording[i])
        return np.linalg.norm(spectra[near] - spectra[i], axis=1).min()

    model, values = fit_and_score(f"trivial:{statistic}", tones, context())
    np.testing.assert_allclose(values, [nearest(i) for i in np.flatnonzero(~is_train)], rtol=1e-4)
    np.testing.assert_allclose(
        model.train_scores_.values, [nearest(i) for i in np.flatnonzero(is_train)], rtol=1e-4
    )


def test_granularity_is_a_setting(sets, context):
    """Test clips that claim to be of the other ID are far from its clips, and near their machine's."""
    frame = sets[2020].table.frame
    tests = frame["split"] == "test"
    frame.loc[tests, "id"] = frame.loc[tests, "id"].map({"00": "02", "02": "00"})
    swapped = replace(sets[2020], table=data.ClipTable(frame, year=2020))
    _, by_id = fit_and_score("trivial", swapped, context())
    _, by_machine = fit_and_score("trivial", swapped, context(), {"group_by": "machine"})
    assert (by_machine < by_id).all()
    np.testing.assert_array_equal(by_machine, fit_and_score("trivial", sets[2020], context())[1])


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    return data.load(real_data, year=2020, cache_dir=tmp_path_factory.mktemp("real"))


@pytest.mark.real
@pytest.mark.parametrize(("variant", "column"), [("mean", 0), ("p95", 1)])
def test_readme_of_the_real_cut(real, variant, column, context):
    model, values = fit_and_score(f"trivial:{variant}", real, context())
    frame = real.test_table().frame
    anomalous = (frame["label"] == "anomaly").to_numpy()
    unit = (frame["machine"] + "/" + frame["id"]).to_numpy(dtype=object)
    found = {u: roc_auc_score(anomalous[unit == u], values[unit == u]) for u in np.unique(unit)}
    assert found == pytest.approx({u: v[column] for u, v in README.items()}, abs=0.002)
    assert (model.train_scores_.values > 0).all()


@pytest.mark.real
def test_recordings_of_the_real_cut_are_left_out_whole(real, real_data, context):
    """A clip's nearest neighbour is nearly always of its own recording: leaving only the clip out flatters."""
    with open(real_data / "files.csv") as file:
        recordings = {row["file"]: row["recording"] for row in csv.DictReader(file)}
    frame = real.train_table().frame
    assert frame["recording"].nunique() == 9 * 6  # nine IDs of six training recordings
    assert len({recordings[p] for p in frame["path"]}) == 6
    whole, _ = fit_and_score("trivial", real, context())
    frame["recording"] = frame["path"]
    alone = data.TrainClips(real.train().waves, data.ClipTable(frame, year=2020))
    clip = type(whole)(whole.config).fit(alone, context())
    assert np.mean(clip.train_scores_.values) < 0.9 * np.mean(whole.train_scores_.values)
