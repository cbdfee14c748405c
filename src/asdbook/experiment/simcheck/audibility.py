"""What can be heard: the trivial detector, the audit classifier, and a clip against its healthy twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from asdbook.experiment.simcheck.sounds import FS, FULL_SCALE, Sounds, has_domains, spectrogram
from asdbook.metrics import auc, evaluate

Score = Callable[[Sounds], np.ndarray]
RESOLUTIONS = {"fine": (256, 64), "long": (1024, 256)}
"""Frame and hop in samples of the twin check: 16 ms shows impacts, 64 ms shows lines."""


def logistic() -> Pipeline:
    """Standardised logistic regression, C = 0.01 (methods/simulator.md 7)."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))


def boosting(trees: int = 200) -> HistGradientBoostingClassifier:
    """Boosted trees on the same numbers; a fifth of the features a split, and 63 bins, keep them fast."""
    return HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=15, max_features=0.2, max_bins=63, early_stopping=False, random_state=0
    )


CLASSIFIERS: dict[str, Callable[[], Any]] = {"logistic": logistic, "boosting": boosting}
"""Both are run, and the better one for each machine counts: it is a check of audibility, not a system."""


def trained(name: str, sounds: Sounds) -> Score:
    """The classifier `name` trained to tell anomalous from normal clips.

    Where there are IDs it knows them: numbers are taken less the mean of the ID's normal clips.
    """
    centre = _centres(sounds)
    model = CLASSIFIERS[name]().fit(centre(sounds), sounds.label)
    return lambda clips: np.asarray(model.predict_proba(centre(clips))[:, 1])


def _centres(sounds: Sounds) -> Callable[[Sounds], np.ndarray]:
    if has_domains(sounds):
        return lambda clips: clips.numbers
    part, normal = sounds.field("part"), sounds.label == 0
    mean = {name: sounds.numbers[(part == name) & normal].mean(axis=0) for name in np.unique(part)}
    return lambda clips: clips.numbers - np.stack([mean[name] for name in clips.field("part")])


def trivial(train: Sounds) -> Score:
    """Distance of the mean log-mel spectrum to the nearest training clip's (as the system `trivial:mean`).

    Training clips of the same ID where there are IDs, of the machine otherwise.
    """
    if has_domains(train):
        return lambda clips: cdist(clips.spectrum, train.spectrum).min(axis=1)
    banks = {part: train.spectrum[train.field("part") == part] for part in np.unique(train.field("part"))}

    def score(clips: Sounds) -> np.ndarray:
        part, out = clips.field("part"), np.empty(len(clips))
        for name, bank in banks.items():
            out[part == name] = cdist(clips.spectrum[part == name], bank).min(axis=1)
        return out

    return score


def ranking(score: Score, test: Sounds) -> dict[str, Any]:
    """How a score ranks a test set: official numbers, pooled AUC, AUC within each part and of each fault."""
    values, label = np.asarray(score(test), np.float64), test.label
    part, fault = test.field("part"), np.array([row["fault"] or "" for row in test.truth])
    normal = label == 0
    return {
        **_official(test, label, values),
        "pooled": float(auc(label, values)),
        **{f"within {p}": float(auc(label[part == p], values[part == p])) for p in np.unique(part).tolist()},
        "faults": {
            f: float(auc(label[normal | (fault == f)], values[normal | (fault == f)]))
            for f in np.unique(fault[fault != ""]).tolist()
        },
    }


def _official(test: Sounds, label: np.ndarray, values: np.ndarray) -> dict[str, float | None]:
    """By the rule of 2022 on: h-mean, AUC source, AUC target, pAUC; by that of 2020: means over IDs."""
    part, machine = test.field("part"), test.field("machine")
    if not has_domains(test):
        cells = evaluate(2020, machine, part, label, values, draws=0).cells
        mean = {q: [c.number.value for c in cells if c.quantity == q] for q in ("AUC", "pAUC")}
        return {f"mean {q}": float(np.mean([v for v in found if v is not None])) for q, found in mean.items()}
    official = evaluate(2023, machine, np.full(len(test), "00"), label, values, part, draws=0)
    found = {cell.quantity: cell.number.value for cell in official.cells}
    return {"h-mean": official.score.value, **{name: found[name] for name in ("AUC source", "AUC target", "pAUC")}}


def pooled(score: Score, normals: Sounds, anomalies: Sounds) -> float:
    """AUC of all these anomalies against all these normal clips."""
    label = np.repeat(np.array([0, 1], np.int8), [len(normals), len(anomalies)])
    return float(auc(label, np.concatenate([score(normals), score(anomalies)])))


def visibility(
    anomalous: np.ndarray, healthy: np.ndarray, boxes: Sequence[Sequence[float]], resolution: str
) -> tuple[float | None, float | None]:
    """Mean absolute difference in dB between a clip and its twin, inside and outside the fault's boxes.

    A cell is inside if its centre is; outside if its frame's and bin's whole extent misses every box. Cells
    between count for neither: a window smears what is inside over its own length.

    Args:
        anomalous, healthy: int16 (samples,), at the same gain.
        boxes: [t0, t1, f0, f1] in s and Hz.
        resolution: key of RESOLUTIONS.

    Returns:
        inside, outside; None where there is no such cell.
    """
    frame, hop = RESOLUTIONS[resolution]
    pair = np.stack([anomalous, healthy]).astype(np.float32) / np.float32(FULL_SCALE)
    db = spectrogram(pair, frame, hop)  # (2, frame, bin)
    difference = np.abs(db[0] - db[1])
    time = (np.arange(difference.shape[0]) * hop + frame / 2) / FS
    hz = np.arange(difference.shape[1]) * FS / frame
    inside = np.zeros(difference.shape, bool)
    near = np.zeros(difference.shape, bool)
    half, lobe = frame / 2 / FS, 2 * FS / frame  # half a window; main lobe of the Hann window
    for t0, t1, f0, f1 in boxes:
        # A box shorter than a hop or thinner than a bin still holds the cell nearest to its centre.
        in_time = (time >= t0) & (time <= t1) | (np.abs(time - (t0 + t1) / 2) <= hop / 2 / FS)
        in_band = (hz >= f0) & (hz <= f1) | (np.abs(hz - (f0 + f1) / 2) <= FS / frame / 2)
        inside |= np.outer(in_time, in_band)
        near |= np.outer((time > t0 - half) & (time < t1 + half), (hz > f0 - lobe) & (hz < f1 + lobe))
    near |= inside
    return (
        float(difference[inside].mean()) if inside.any() else None,
        float(difference[~near].mean()) if not near.all() else None,
    )
