"""From scores to decisions: the official threshold, precision, recall, F1, false alarms, and plain words.

Sources: official baselines 2021 to 2025 (gamma fit with three free parameters, 0.9 quantile, strict >); their
evaluators (precision, recall and F1 within a domain, each with eps = 2.2e-16 in the denominator). None of it
enters the official score. The scores that a threshold is fitted to must be out of sample (held-out clips, or
leave-one-recording-out): nearest-neighbour scores of the training clips themselves are zero.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from asdbook.errors import BadInput
from asdbook.metrics.roc import validate

QUANTILE = 0.9
EPS = np.finfo(np.float64).eps
"""2.2e-16, the official guard against 0/0."""
FEW = 20
"""Below 20 clips one clip is more than 5 %: no gamma fit, and no percentages in words."""


@dataclass(frozen=True)
class Threshold:
    """Decision 1 iff score > value.

    Attributes:
        value: threshold on the score.
        shape, loc, scale: fitted gamma distribution; None if the empirical quantile had to stand in.
        quantile: quantile of the normal clips' scores that was aimed at.
        clips: number of scores it was fitted to.
        exceeded: share of these scores above the threshold (1 - quantile if the gamma fits well).
        reason: why there is no gamma fit, or None.
    """

    value: float
    shape: float | None
    loc: float | None
    scale: float | None
    quantile: float = QUANTILE
    clips: int = 0
    exceeded: float = math.nan
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Confusion:
    """Counts of decisions, and what the official tables derive from them."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def precision(self) -> float:
        return self.tp / max(self.tp + self.fp, EPS)

    @property
    def recall(self) -> float:
        return self.tp / max(self.tp + self.fn, EPS)

    @property
    def f1(self) -> float:
        p, r = self.precision, self.recall
        return 2.0 * p * r / max(p + r, EPS)

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of normal clips called anomalous; None without normal clips."""
        normals = self.tn + self.fp
        return self.fp / normals if normals else None

    def as_dict(self) -> dict[str, Any]:
        derived = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return asdict(self) | derived | {"false_alarm_rate": self.false_alarm_rate}


@dataclass(frozen=True)
class Standing:
    """Where a score stands among held-out normal clips.

    Attributes:
        text: in plain words, for people.
        share_below: share of the held-out scores strictly below; None where it would mislead.
        clips: number of held-out scores.
        reason: why the words are weaker than usual, or None.
    """

    text: str
    share_below: float | None
    clips: int
    reason: str | None = None


def threshold(train_scores: Sequence[float] | np.ndarray, quantile: float = QUANTILE) -> Threshold:
    """Quantile of a gamma distribution fitted to out-of-sample scores of normal clips.

    `scipy.stats.gamma.fit` with shape, loc and scale free, as in the official code (loc fixed at 0 gives
    another threshold). Where no gamma can be fitted (fewer than 20 scores, all equal, or the optimiser
    fails) the empirical quantile stands in and `reason` says why.

    Raises:
        BadInput: no scores, scores that are not finite numbers, or a quantile outside (0, 1).
    """
    if not 0.0 < quantile < 1.0:
        raise BadInput(f"threshold: quantile {quantile} is not in (0, 1); the challenge uses 0.9")
    scores = _finite("threshold", train_scores)
    if scores.size < FEW:
        reason = f"only {scores.size} held-out scores (at least {FEW} for a gamma fit): empirical quantile"
    elif np.ptp(scores) == 0.0:
        reason = "all held-out scores are equal: empirical quantile"
    else:
        fit = _fit_gamma(scores, quantile)
        if fit is not None:
            value, shape, loc, scale = fit
            over = int(np.sum(scores > value))
            if _plausible(over, scores.size, quantile):
                return Threshold(value, shape, loc, scale, quantile, scores.size, over / scores.size)
            reason = f"{over} of {scores.size} held-out scores exceed the gamma fit's quantile: empirical quantile"
        else:
            reason = "the gamma fit failed: empirical quantile"
    value = float(np.quantile(scores, quantile))
    exceeded = float(np.mean(scores > value))
    return Threshold(value, None, None, None, quantile, scores.size, exceeded, reason)


def _plausible(over: int, clips: int, quantile: float) -> bool:
    """Whether `over` of `clips` scores may lie above the true quantile: within 4 binomial deviations and one clip.

    The optimiser of the three-parameter fit now and then stops far off; its quantile then cuts most scores.
    """
    expected = clips * (1.0 - quantile)
    return abs(over - expected) <= 1.0 + 4.0 * math.sqrt(expected * quantile)


def gamma_quantile(quantile: float, shape: float, loc: float, scale: float) -> float:
    """Quantile of a gamma distribution with given parameters."""
    from scipy.special import gammaincinv

    return float(loc + scale * gammaincinv(shape, quantile))


def decide(score: Sequence[float] | np.ndarray, limit: Threshold | float) -> np.ndarray:
    """1 where score > limit (strictly), else 0; int8, shape (clips,)."""
    value = limit.value if isinstance(limit, Threshold) else float(limit)
    return (_finite("decision", score) > value).astype(np.int8)


def confusion(label: Sequence[int] | np.ndarray, decision: Sequence[int] | np.ndarray) -> Confusion:
    """Counts of one domain's clips; also with one class only, where the official 4-way unpacking breaks."""
    truth, called = validate(np.asarray(label), np.asarray(decision))
    if not np.isin(called, (0, 1)).all():
        raise BadInput("decisions must be 0 (normal) or 1 (anomalous)")
    return Confusion(
        tn=int(((truth == 0) & (called == 0)).sum()),
        fp=int(((truth == 0) & (called == 1)).sum()),
        fn=int(((truth == 1) & (called == 0)).sum()),
        tp=int(((truth == 1) & (called == 1)).sum()),
    )


def decisions(
    machine: Sequence[str] | np.ndarray,
    unit: Sequence[str] | np.ndarray,
    label: Sequence[int] | np.ndarray,
    decision: Sequence[int] | np.ndarray,
    domain: Sequence[str] | np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Precision, recall, F1 and false-alarm rate per machine, unit and domain, always within the domain.

    Returns:
        rows {"machine", "unit", "domain" (None without domains), "tn", "fp", "fn", "tp", "precision",
        "recall", "f1", "false_alarm_rate"}, sorted.
    """
    label, decision = np.asarray(label), np.asarray(decision)
    keys = list(zip(machine, unit, [None] * len(label) if domain is None else domain))
    if not len(keys) == len(label) == len(decision):
        raise BadInput(f"decisions: {len(keys)} names, {len(label)} labels, {len(decision)} decisions")
    groups: dict[tuple[str, str, str | None], list[int]] = {}
    for k, (m, u, d) in enumerate(keys):
        groups.setdefault((str(m), str(u), None if d is None else str(d)), []).append(k)
    rows = []
    for key in sorted(groups, key=lambda key: (key[0], key[1], key[2] or "")):
        counted = confusion(label[groups[key]], decision[groups[key]])
        rows.append({"machine": key[0], "unit": key[1], "domain": key[2]} | counted.as_dict())
    return rows


def false_alarms(
    label: Sequence[int] | np.ndarray,
    decision: Sequence[int] | np.ndarray,
    domain: Sequence[str] | np.ndarray | None = None,
) -> dict[str, float | None]:
    """Share of normal clips called anomalous, per domain at the one threshold; {"all": …} without domains."""
    label, decision = np.asarray(label), np.asarray(decision)
    where = np.full(label.shape, "all") if domain is None else np.asarray(domain, dtype=object).astype(str)
    return {
        name: confusion(label[where == name], decision[where == name]).false_alarm_rate
        for name in sorted(set(where.tolist()))
    }


def how_unusual(score: float, train_scores: Sequence[float] | np.ndarray) -> str:
    """In plain words, e.g. "higher than 97 % of 200 held-out normal clips"; see `standing`."""
    return standing(score, train_scores).text


def standing(score: float, train_scores: Sequence[float] | np.ndarray) -> Standing:
    """Where a score stands among out-of-sample scores of normal clips.

    Percentages are rounded down and never reach 100: "higher than all" is said only where it is so. With
    fewer than 20 held-out clips it counts instead; if all of them score the same, only the order is said.

    Raises:
        BadInput: the score or a held-out score is not a finite number, or there are no held-out scores.
    """
    held_out = _finite("held-out clips", train_scores)
    if not math.isfinite(score):
        raise BadInput(f"score {score} is not a finite number: look for a silent clip or a diverged training")
    n = held_out.size
    below = int((held_out < score).sum())
    clips = f"{n} held-out normal clip{'s' if n != 1 else ''}"
    if n >= 2 and np.ptp(held_out) == 0.0:
        order = "higher than" if below else ("equal to" if score == held_out[0] else "lower than")
        reason = "all held-out scores are equal, so they say nothing about how scores vary"
        return Standing(f"{order} the one value that all {clips} share; {reason}", None, n, reason)
    if n < FEW:
        reason = f"fewer than {FEW} held-out clips, too few for a percentage"
        return Standing(f"higher than {below} of {clips} (too few for a percentage)", None, n, reason)
    if below == n:
        return Standing(f"higher than all {clips}", 1.0, n)
    if below == 0:
        return Standing(f"not higher than any of {clips}", 0.0, n)
    percent = 100 * below // n  # rounded down
    words = f"higher than {percent} % of" if percent else "among the lowest 1 % of"
    return Standing(f"{words} {clips}", below / n, n)


def _fit_gamma(scores: np.ndarray, quantile: float) -> tuple[float, float, float, float] | None:
    """(threshold, shape, loc, scale), or None where the optimiser fails or returns no distribution."""
    from scipy import stats  # half a second to import: only where a fit is made

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow while the optimiser explores
        try:
            shape, loc, scale = (float(x) for x in stats.gamma.fit(scores))
            value = gamma_quantile(quantile, shape, loc, scale)
        except (stats.FitError, ValueError, FloatingPointError):
            return None
    usable = all(map(math.isfinite, (value, shape, loc, scale))) and shape > 0 and scale > 0
    # a threshold that no clip or every clip exceeds is a failed fit, whatever the optimiser says
    sane = usable and scores.min() <= value <= scores.max() + np.ptp(scores)
    return (value, shape, loc, scale) if sane else None


def _finite(what: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise BadInput(f"{what}: scores must be numbers") from None
    if array.size == 0:
        raise BadInput(f"{what}: no scores; give at least one")
    if not np.isfinite(array).all():
        k = int(np.flatnonzero(~np.isfinite(array))[0])
        raise BadInput(f"{what}: score {k} (counted from 0) is {array[k]}; scores must be finite")
    return array
