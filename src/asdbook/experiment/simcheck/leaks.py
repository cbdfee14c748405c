"""What must not tell a label or an attribute: level, order, length, noise ratio, gain, and a muted machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from asdbook.experiment.simcheck.audibility import logistic
from asdbook.experiment.simcheck.sounds import Sounds, has_domains
from asdbook.metrics import auc

PLACE_ATTRIBUTES = frozenset({"loc", "mic", "m-n", "n", "Bckg"})
"""Attributes that mean place, microphone or noise site: a muted machine still tells them, as it should."""
AUC = float


def area(label: np.ndarray, score: np.ndarray) -> AUC:
    """AUC as a float."""
    return float(auc(np.asarray(label, np.int8), np.asarray(score, np.float64)))


def within_parts(label: np.ndarray, score: np.ndarray, part: np.ndarray) -> AUC:
    """Mean over parts (domains or IDs) of the AUC within each."""
    return float(np.mean([area(label[part == p], score[part == p]) for p in np.unique(part)]))


def order_of_labels(test: Sounds) -> AUC:
    """Do running numbers tell anomalous from normal clips of a part?"""
    return within_parts(test.label, test.field("number"), test.field("part"))


def order_of_severity(anomalies: Sounds) -> AUC:
    """Do running numbers tell strong from weak anomalies (above and below the part's median)?"""
    part, severity = anomalies.field("part"), anomalies.field("severity")
    strong = np.zeros(len(anomalies), np.int8)
    for p in np.unique(part):
        here = part == p
        strong[here] = severity[here] > np.median(severity[here])
    return within_parts(strong, anomalies.field("number"), part)


def attributes_tell(learn: Sounds, test: Sounds) -> AUC:
    """Do attribute values tell the label? Log odds of each combination, counted in `learn`, scored on `test`."""
    counts: dict[str, list[float]] = {}
    for row in learn.truth:
        counts.setdefault(_combination(row), [1.0, 1.0])[row["label"] == "anomaly"] += 1  # 1: Laplace
    odds = [np.log(c[1] / c[0]) for c in (counts.get(_combination(row), [1.0, 1.0]) for row in test.truth)]
    return area(test.label, np.array(odds))


def _combination(row: dict[str, Any]) -> str:
    return row["part"] + str(sorted(row["heard"].items()))


def nuisances(sounds: Sounds) -> dict[str, AUC]:
    """AUC of what must say nothing about the label where every severity is 0."""
    label = sounds.label
    crest = 20 * np.log10(np.maximum(sounds.peak, 1e-6)) - sounds.level
    score = {"snr": sounds.field("snr_db"), "gain": sounds.field("gain_db"), "level": sounds.level}
    score |= {"peak": sounds.peak, "crest": crest}
    return {name: area(label, values) for name, values in score.items()}


def machine_attributes(sounds: Sounds) -> list[str]:
    """Attributes that say something about the machine itself and have more than one value in a part."""
    keys = [key for key in sounds.truth[0]["heard"] if key not in PLACE_ATTRIBUTES]
    found = [key for key in keys if any(len(np.unique(v)) > 1 for v in _by_part(sounds, key).values())]
    return found if has_domains(sounds) else [*found, "id"]


def _by_part(sounds: Sounds, key: str) -> dict[str, np.ndarray]:
    values = np.array([row["heard"][key] for row in sounds.truth])
    part = sounds.field("part")
    return {p: values[part == p] for p in np.unique(part).tolist()}


def readable(sounds: Sounds, key: str) -> dict[str, float]:
    """How well a linear classifier reads attribute `key` within a part, from all numbers and the level.

    Trained on one half and read on the other, both ways; one-against-rest AUC averaged over values, halves and
    parts (halves are never pooled: that would bias a chance result downwards).

    Returns:
        "auc", "accuracy", and "chance" (the share of the most frequent value).
    """
    numbers = np.concatenate([sounds.numbers, sounds.level[:, None], sounds.peak[:, None]], axis=1)
    areas, hits, chance = [], [], []
    for chosen, values in _to_read(sounds, key):
        here, odd = numbers[chosen], sounds.field("number")[chosen] % 2 == 1
        chance.append(float(np.unique(values, return_counts=True)[1].max() / len(values)))
        for half in (odd, ~odd):
            a, hit = _read(here[half], values[half], here[~half], values[~half])
            areas.append(a)
            hits.append(hit)
    return {"auc": float(np.mean(areas)), "accuracy": float(np.mean(hits)), "chance": float(np.mean(chance))}


def _to_read(sounds: Sounds, key: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mask and values of each part that has several values of `key`; of all clips where the key is the ID."""
    part = sounds.field("part")
    if key == "id" and not has_domains(sounds):  # a drone's attribute has that name too
        yield np.ones(len(part), bool), part
        return
    for name, values in _by_part(sounds, key).items():
        if len(np.unique(values)) > 1:
            yield part == name, values


def _read(x: np.ndarray, y: np.ndarray, x_new: np.ndarray, y_new: np.ndarray) -> tuple[float, float]:
    model = logistic().fit(x, y)
    known: Sequence[str] = model.classes_.tolist()
    probability = model.predict_proba(x_new)
    areas = [
        area(y_new == value, probability[:, k])
        for k, value in enumerate(known)
        if 0 < np.count_nonzero(y_new == value) < len(y_new)
    ]
    return float(np.mean(areas)), float(np.mean(model.predict(x_new) == y_new))
