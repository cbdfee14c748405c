"""How far a number can be trusted: bootstrap over recordings, training seeds, data seeds, jackknife.

Which interval answers which question:
    bootstrap            one run: would other recordings of the same machines have given another score?
    over_training_seeds  several trainings scored on the same clips: other recordings *and* another training?
    over_data_seeds      several data sets, each with its own training: a data set is the unit of replication
    jackknife            the official evaluators' interval, done in the usual way (see there)
Every `Interval` says in words what it covers and the smallest difference that could have been detected.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from asdbook.errors import BadInput
from asdbook.metrics.roc import auc, pauc, validate

LEVEL = 0.95
POWER = 0.80
DRAWS = 2000
"""2000 resamples: the 2.5 % quantile then moves by about 3 % of the interval's width from seed to seed."""


@dataclass(frozen=True)
class Interval:
    """A number and how far it can be trusted.

    Attributes:
        value: the estimate.
        low, high: ends of the interval; None where the data cannot give one (a single seed).
        se: standard error; None likewise.
        df: degrees of freedom of the t quantile; inf for a normal or percentile interval.
        covers: in words, what would vary.
        points: the seeds' own values, for drawing.
        level: two-sided level of the interval.
    """

    value: float
    low: float | None
    high: float | None
    se: float | None
    df: float
    covers: str
    points: tuple[float, ...] = ()
    level: float = LEVEL

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that a two-sided test would find with 80 % power; see `detectable`."""
        return None if self.se is None else detectable(self.se, self.df, 1.0 - self.level)

    def p_value(self, against: float = 0.0) -> float | None:
        """Two-sided p of "the true value is `against`", by the t (or normal) law of (value, se, df)."""
        if self.se is None:
            return None
        if self.se == 0.0:
            return 1.0 if self.value == against else 0.0
        return 2.0 * _t_cdf(-abs(self.value - against) / self.se, self.df)


def detectable(se: float, df: float = math.inf, alpha: float = 1.0 - LEVEL, power: float = POWER) -> float:
    """Smallest true difference that a two-sided test at `alpha` detects with probability `power`.

    MDE = (t[1 - alpha/2, df] + t[power, df]) · se, the usual approximation to the noncentral t;
    for df = inf it is (1.960 + 0.842) · se = 2.80 · se.
    """
    return (_t_quantile(1.0 - alpha / 2.0, df) + _t_quantile(power, df)) * se


def multiplicities(
    stratum: np.ndarray, recording: np.ndarray | None = None, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """Times that each clip occurs in each bootstrap resample of recordings, drawn within strata.

    In every stratum as many recordings are drawn with replacement as it has; all clips of a recording go
    together. A stratum's generator comes from (seed, the stratum's name): the draws for one machine do not
    depend on which other machines are present, so two systems on the same clips are resampled alike.

    Args:
        stratum: name of each clip's stratum (e.g. "fan|00|source|1"), shape (clips,).
        recording: recording of each clip, unique within its stratum, or None where each clip is its own.
        draws: number of resamples.
        seed: any integer ≥ 0.

    Returns:
        int16, shape (clips, draws).
    """
    stratum = np.asarray(stratum)
    counts = np.empty((stratum.size, draws), dtype=np.int16)
    for name in np.unique(stratum):
        clips = np.flatnonzero(stratum == name)
        if recording is None:
            group = np.arange(clips.size)
        else:
            group = np.unique(np.asarray(recording)[clips], return_inverse=True)[1].reshape(-1)
        total = int(group.max()) + 1
        rng = np.random.default_rng([seed, zlib.crc32(str(name).encode())])
        drawn = rng.integers(0, total, size=(total, draws), dtype=np.int64)  # (pick, draw)
        cells = drawn * draws + np.arange(draws)
        times = np.bincount(cells.reshape(-1), minlength=total * draws).reshape(total, draws)
        counts[clips] = times[group]
    return counts


def percentile_interval(
    value: float, draws: np.ndarray, covers: str = "recordings of one run", level: float = LEVEL
) -> Interval:
    """Percentile bootstrap interval of `value` from its resampled values `draws`, shape (draws,)."""
    draws = np.asarray(draws, dtype=np.float64)
    if draws.ndim != 1 or draws.size < 2:
        raise BadInput(f"bootstrap interval: {draws.size} resamples; at least 2 are needed, 2000 are usual")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    se = float(draws.std(ddof=1))
    return Interval(float(value), float(low), float(high), se, math.inf, covers, level=level)


def over_training_seeds(
    values: Sequence[float] | np.ndarray, draws: np.ndarray, level: float = LEVEL, clip_df: float = math.inf
) -> Interval:
    """Interval of the mean over S trainings that were scored on the same clips.

    Variance = (bootstrap variance of the mean over seeds) + s²/S, s² the variance between seeds; t quantile
    with Satterthwaite's degrees of freedom. With S = 1 only recordings can be covered, and the label says so.

    Args:
        values: score of each seed, length S.
        draws: resampled scores, shape (S, draws), the same resamples in every row.
        clip_df: degrees of freedom of the clip variance. [our choice: inf, it comes from many clips]
    """
    points = _points(values)
    draws = np.atleast_2d(np.asarray(draws, dtype=np.float64))
    if draws.shape[0] != points.size:
        raise BadInput(f"{points.size} seeds but resamples of {draws.shape[0]}; give one row of draws each")
    if points.size == 1:
        return percentile_interval(points[0], draws[0], "recordings (one training seed)", level)
    clip_variance = float(draws.mean(axis=0).var(ddof=1))
    seed_variance = float(points.var(ddof=1)) / points.size
    df = satterthwaite([clip_variance, seed_variance], [clip_df, points.size - 1])
    covers = f"recordings and training ({points.size} seeds on the same clips)"
    return _t_interval(points, math.sqrt(clip_variance + seed_variance), df, covers, level)


def over_data_seeds(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> Interval:
    """t interval of the mean over S data sets drawn anew, each with its own training: s²/S, S - 1 degrees.

    With S = 1 there is a value and no interval.
    """
    points = _points(values)
    covers = f"machines, faults, noise and training ({points.size} data seeds)"
    if points.size == 1:
        return Interval(float(points[0]), None, None, None, math.nan, covers, tuple(points.tolist()), level)
    se = math.sqrt(float(points.var(ddof=1)) / points.size)
    return _t_interval(points, se, points.size - 1, covers, level)


def satterthwaite(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Degrees of freedom of a sum of variance estimates: (Σv)² / Σ(v²/df) (Satterthwaite 1946)."""
    below = sum(v * v / df for v, df in zip(variances, dfs, strict=True))
    return math.inf if below == 0.0 else sum(variances) ** 2 / below


def paired(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, a_draws: np.ndarray, b_draws: np.ndarray
) -> Interval:
    """Interval of the difference a - b of two systems on the same clips, over the same resamples and seeds.

    Args:
        a, b: scores of S seeds each; seed i of a is paired with seed i of b.
        a_draws, b_draws: resampled scores, shape (S, draws); `Evaluation.draws` of runs with equal `design`.
    """
    differences = _differences(a, b)
    a_draws, b_draws = np.atleast_2d(a_draws), np.atleast_2d(b_draws)
    if a_draws.shape != b_draws.shape:
        raise BadInput(f"resamples differ: {a_draws.shape} and {b_draws.shape}; use the same draws and seed")
    return over_training_seeds(differences, a_draws - b_draws)


def paired_over_data_seeds(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> Interval:
    """t interval of the difference a - b over data seeds; a[i] and b[i] are scores on the same data set."""
    return over_data_seeds(_differences(a, b))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjustment: reject where the result is ≤ alpha, and the family error stays ≤ alpha."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise BadInput(f"Holm's correction: p values must lie in [0, 1], got {p.tolist()}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def jackknife(label: np.ndarray, score: np.ndarray, quantity: str = "auc", level: float = LEVEL) -> Interval:
    """Leave-one-clip-out interval of AUC or pAUC: se² = (N-1)/N · Σ(θ₍ᵢ₎ - mean)², t with N - 1 degrees.

    The official evaluators (2023, 2024) print "official score ci95" from the spread of the leave-one-out
    estimates divided by N(N-1), which is too small by the factor N - 1 (1.53e-5 printed for 2023 where the
    usual jackknife gives 0.021); they also pool clips of all machines without normalising scores, and average
    the half-widths of AUC and pAUC. This is the usual jackknife; do not compare it with the printed value.
    """
    if quantity not in ("auc", "pauc"):
        raise BadInput(f"jackknife: unknown quantity {quantity!r}; choose 'auc' or 'pauc'")
    metric = auc if quantity == "auc" else pauc
    label, score = validate(label, score)
    if min((label == 0).sum(), (label == 1).sum()) < 2:
        raise BadInput("jackknife: fewer than 2 clips of a class; leaving one out leaves none")
    n = score.size
    estimates = np.empty(n)
    block = max(1, 2_000_000 // n)  # leave-outs at a time: 16 MB of float64 weights
    for start in range(0, n, block):
        out = np.arange(start, min(start + block, n))
        left = np.ones((n, out.size), dtype=np.int16)
        left[out, np.arange(out.size)] = 0
        estimates[out] = metric(label, score, multiplicity=left)
    se = math.sqrt((n - 1) / n * float(((estimates - estimates.mean()) ** 2).sum()))
    half = _t_quantile((1.0 + level) / 2.0, n - 1) * se
    value = float(metric(label, score))
    return Interval(value, value - half, value + half, se, n - 1, "clips (jackknife)", level=level)


def _points(values: Sequence[float] | np.ndarray) -> np.ndarray:
    points = np.asarray(values, dtype=np.float64).reshape(-1)
    if points.size == 0 or not np.isfinite(points).all():
        raise BadInput(f"scores of seeds must be finite and at least one, got {points.tolist()}")
    return points


def _differences(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> list[float]:
    left, right = _points(a), _points(b)
    if left.size != right.size:
        raise BadInput(f"{left.size} seeds against {right.size}; give the same seeds on both")
    return (left - right).tolist()


def _t_interval(points: np.ndarray, se: float, df: float, covers: str, level: float) -> Interval:
    value = float(points.mean())
    half = _t_quantile((1.0 + level) / 2.0, df) * se
    return Interval(value, value - half, value + half, se, float(df), covers, tuple(points.tolist()), level)


def _t_quantile(probability: float, df: float) -> float:
    return float(ndtri(probability)) if math.isinf(df) else float(stdtrit(df, probability))


def _t_cdf(t: float, df: float) -> float:
    return float(ndtr(t)) if math.isinf(df) else float(stdtr(df, t))
