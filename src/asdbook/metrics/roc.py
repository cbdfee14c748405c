"""AUC and partial AUC exactly as the official code of DCASE Task 2 computes them.

Task: rank test clips of a machine so that anomalous ones come first.
Conventions: scores are higher for more anomalous clips; label 1 is an anomaly, 0 is normal; a tie between a
normal and an anomalous clip counts one half.

Metrics:
    `auc`    area under the ROC curve (trapezoids), which is the Mann-Whitney statistic.
    `pauc`   area over the false-positive rates [0, p], p = 0.1, standardised after McClish (1989):
             0.5 at chance, 1 at best, 9/19 at worst. With `literal=True` the formula that the challenge's
             papers print (e.g. Dohi et al. 2023; RC-MAE eq. 12), which no official number follows.

Both take `multiplicity`, how often each clip counts in each of many resamples, and then return one value per
resample: the bootstrap (`asdbook.metrics.intervals`) uses the same lines of code as the point estimate.
"""

from __future__ import annotations

import math

import numpy as np

from asdbook.errors import BadInput

MAX_FPR = 0.1
"""p of the challenge's pAUC: the false-positive rates that count are [0, 0.1]."""


def auc(label: np.ndarray, score: np.ndarray, multiplicity: np.ndarray | None = None) -> float | np.ndarray:
    """Area under the ROC curve; ties count one half.

    Args:
        label: shape (clips,), 1 for anomalous and 0 for normal clips.
        score: shape (clips,), higher is more anomalous.
        multiplicity: shape (clips, draws), times each clip occurs in each resample, or None for the sample.

    Returns:
        The value, or with `multiplicity` an array of shape (draws,). NaN where a class is missing.

    Raises:
        BadInput: unequal lengths, labels other than 0 and 1, scores that are not finite numbers.
    """
    label, score = validate(label, score)
    normals, anomalies, w_normals, w_anomalies = _split(label, score, multiplicity)
    return _shaped(roc_area(normals, anomalies, w_normals, w_anomalies, 1.0), multiplicity)


def pauc(
    label: np.ndarray,
    score: np.ndarray,
    p: float = MAX_FPR,
    literal: bool = False,
    multiplicity: np.ndarray | None = None,
) -> float | np.ndarray:
    """Partial AUC over false-positive rates up to `p`.

    The default is the official number: the area A over [0, p], with the curve interpolated linearly at p,
    standardised as 1/2 (1 + (A - p²/2) / (p - p²/2)) (McClish 1989).
    `literal=True` is the printed formula: over the floor(p N⁻) highest-scoring normal clips and all anomalous
    clips, the share of pairs where the anomalous clip scores strictly higher; NaN where floor(p N⁻) = 0.

    Args:
        label, score, multiplicity: as for `auc`; `literal` takes no `multiplicity`.
        p: largest false-positive rate, in (0, 1].

    Returns:
        The value, or with `multiplicity` an array of shape (draws,). NaN where a class is missing.

    Raises:
        BadInput: as for `auc`, or `p` outside (0, 1].
    """
    if not 0.0 < p <= 1.0:
        raise BadInput(f"pAUC: p = {p} is not a false-positive rate; give a number in (0, 1]")
    label, score = validate(label, score)
    if literal:
        if multiplicity is not None:
            raise BadInput("pAUC: the literal formula is not defined for resamples; drop `multiplicity`")
        return _literal_pauc(score[label == 0], score[label == 1], p)
    normals, anomalies, w_normals, w_anomalies = _split(label, score, multiplicity)
    area = roc_area(normals, anomalies, w_normals, w_anomalies, p)
    return _shaped(standardise(area, p), multiplicity)


def standardise(area: np.ndarray, p: float) -> np.ndarray:
    """McClish's standardisation of the area over [0, p]: chance becomes 0.5, a perfect ranking 1."""
    chance = p * p / 2
    return 0.5 * (1.0 + (area - chance) / (p - chance))


def roc_area(
    normals: np.ndarray, anomalies: np.ndarray, w_normals: np.ndarray, w_anomalies: np.ndarray, p: float
) -> np.ndarray:
    """Area under the ROC curve over the false-positive rates [0, p], for many weightings of the clips.

    Walking down the scores, each distinct score v of normal clips moves the curve right by the normals at v
    and up by the anomalies tied with them; the piece's area is a trapezoid, cut at p where it crosses it.
    The sums over anomalies come from one cumulative sum over their sorted scores.

    Args:
        normals, anomalies: scores, shapes (N⁻,), (N⁺,).
        w_normals, w_anomalies: multiplicities, shapes (N⁻, draws), (N⁺, draws). Integers make exact counts.
        p: largest false-positive rate; 1 for the whole area.

    Returns:
        shape (draws,); NaN where one class has no clip.
    """
    draws = w_normals.shape[1]
    if normals.size == 0 or anomalies.size == 0:
        return np.full(draws, np.nan)
    value, step = _steps_down(normals, w_normals)  # (groups,), (groups, draws)
    n_total = step.sum(axis=0)
    if p < 1.0:
        limit = p * n_total  # normals that fit left of p, a real number
        before = np.cumsum(step, axis=0) - step
        # groups beyond p in every resample add nothing: with p = 0.1 that is most of them
        used = max(1, int(np.count_nonzero((before < limit).any(axis=1))))
        value, step, before = value[:used], step[:used], before[:used]
    order = np.argsort(anomalies, kind="stable")
    below = np.zeros((anomalies.size + 1, draws))  # [k]: weight of the k lowest anomalies
    np.cumsum(w_anomalies[order], axis=0, out=below[1:])
    a_total = below[-1]
    low = below[np.searchsorted(anomalies[order], value, side="left")]
    high = below[np.searchsorted(anomalies[order], value, side="right")]
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 where a resample has no clip of a class
        if p >= 1.0:
            pairs = 0.5 * np.einsum("gd,gd->d", step, 2.0 * a_total - low - high)
        else:
            part = np.clip((limit - before) / np.where(step > 0, step, 1.0), 0.0, 1.0)
            pairs = np.einsum("gd,gd->d", step * part, (a_total - high) + 0.5 * part * (high - low))
        return pairs / (n_total * a_total)


def validate(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as int8 and scores as float64, both of shape (clips,), or `BadInput` with the first culprit."""
    try:
        score = np.asarray(score, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise BadInput(f"scores: not all are numbers ({problem}); give one number per clip") from None
    label = np.asarray(label)
    if score.ndim != 1 or label.shape != score.shape:
        raise BadInput(
            f"scores have shape {score.shape}, labels {label.shape}; give one of each per clip, in one order"
        )
    bad = np.flatnonzero(~np.isfinite(score))
    if bad.size:
        raise BadInput(
            f"score of clip {bad[0]} (counted from 0) is {score[bad[0]]}, {bad.size} such in all; "
            "scores must be finite: look for silent clips or a diverged training"
        )
    numbers = label.dtype.kind in "biuf"
    known = np.isin(label, (0, 1)) if numbers else np.array([_is_zero_or_one(x) for x in label], bool)
    if not known.all():
        k = int(np.flatnonzero(~known)[0])
        raise BadInput(f"label of clip {k} (counted from 0) is {label[k]!r}; use 0 for normal, 1 for anomaly")
    return label.astype(np.int8), score


def _is_zero_or_one(x: object) -> bool:
    """For arrays of Python objects, where a missing value or a word may stand among the numbers."""
    return isinstance(x, (int, float, np.number, np.bool_)) and x in (0, 1)


def _split(
    label: np.ndarray, score: np.ndarray, multiplicity: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores and float64 weights of normal and anomalous clips."""
    if multiplicity is None:
        weight = np.ones((score.size, 1))
    else:
        weight = np.asarray(multiplicity, dtype=np.float64)
        if weight.ndim != 2 or weight.shape[0] != score.size:
            raise BadInput(f"multiplicity has shape {weight.shape}; expected ({score.size}, draws)")
    normal = label == 0
    return score[normal], score[~normal], weight[normal], weight[~normal]


def _steps_down(scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct scores in descending order, and the weight at each: shapes (groups,), (groups, draws)."""
    order = np.argsort(-scores, kind="stable")
    ordered, weights = scores[order], weights[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    if first.size < ordered.size:
        weights = np.add.reduceat(weights, first, axis=0)
    return ordered[first], weights


def _literal_pauc(normals: np.ndarray, anomalies: np.ndarray, p: float) -> float:
    """The printed formula; the papers leave unsaid that the normals must be sorted by descending score."""
    count = math.floor(p * normals.size + 1e-9)  # 1e-9: 0.29 * 100 is 28.999…, and 29 is meant
    if count == 0 or anomalies.size == 0:
        return math.nan
    top = np.sort(normals)[::-1][:count]
    return float(np.mean(anomalies[None, :] > top[:, None]))


def _shaped(values: np.ndarray, multiplicity: np.ndarray | None) -> float | np.ndarray:
    return float(values[0]) if multiplicity is None else values
