"""Figures from records and arrays; each comes with alt text made from its numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from asdbook import metrics
from asdbook.errors import BadInput
from asdbook.report.show import Picture
from asdbook.report.style import BLACK, BLUE, DOMAINS, GREY, LABELS, ORANGE, SEQUENCE, canvas, styled

NARROW = 4.0
"""Ratio of the largest to the smallest loss below which an axis needs all digits for ticks."""


def loss_curves(history: Mapping[str, Sequence[float]], *, unit: str = "mean squared error, dB²") -> Picture:
    """Training loss by epoch, one line a model.

    Args:
        history: `Record.loss_history`: name to one value an epoch.
        unit: what the loss measures, for the axis.
    """
    if not history:
        raise BadInput("loss curves: the record holds no loss history: this system does not train")
    with styled():
        figure, axes = canvas(height=2.7)
        for k, (name, values) in enumerate(history.items()):
            colour, line = SEQUENCE[k % len(SEQUENCE)], ("-", "--", ":")[k // len(SEQUENCE) % 3]
            axes.plot(range(1, len(values) + 1), values, line, color=colour, label=name.split("/")[-1])
        axes.set(xlabel="epoch", ylabel=unit, yscale="log")
        low, high = (end(v for values in history.values() for v in values) for end in (min, max))
        few = low > 0 and high / low < NARROW
        axes.yaxis.set_major_locator(LogLocator(subs=range(1, 10) if few else (1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(ncols=2)
    ends = [f"{name.split('/')[-1]} from {values[0]:.3g} to {values[-1]:.3g}" for name, values in history.items()]
    epochs = max(len(values) for values in history.values())
    alt = f"Training loss ({unit}) over {epochs} epochs, logarithmic axis: {'; '.join(ends)}."
    return Picture(figure, alt)


def score_distributions(scores: pd.DataFrame, machine: str, threshold: float | None = None) -> Picture:
    """Histograms of a machine's test scores by label, one panel a domain.

    Args:
        scores: `Stored.scores()`.
        machine: machine type.
        threshold: decision threshold, drawn as a line.
    """
    test = scores[(scores["split"] == "test") & (scores["machine"] == machine)]
    if test.empty:
        raise BadInput(f"score distributions: no test scores of machine {machine!r}")
    domains: list[Any] = [d for d in DOMAINS if (test["domain"] == d).any()] or [None]
    low, high = np.quantile(test["score"], [0.0, 0.99])  # the longest tail would squeeze everything else
    edges = np.linspace(low, high, 26)
    words = []
    with styled():
        figure, panels = canvas(len(domains), 1, height=1.0 + 1.25 * len(domains), sharex=True, squeeze=False)
        for axes, domain in zip(panels[:, 0], domains):
            part = test if domain is None else test[test["domain"] == domain]
            words.append(_histograms(axes, part, edges, domain, threshold))
        panels[0, 0].legend(loc="upper right")
        panels[-1, 0].set_xlabel("anomaly score (higher is more anomalous)")
    limit = "" if threshold is None else f" The decision threshold is {threshold:.3g}."
    return Picture(figure, f"Scores of {machine}. {' '.join(words)}{limit}")


def _histograms(
    axes: Any, part: pd.DataFrame, edges: np.ndarray, domain: str | None, threshold: float | None
) -> str:
    """Draws one domain's panel and says what it shows."""
    medians = []
    for label, mark in LABELS.items():
        values = part.loc[part["label"] == label, "score"].to_numpy(dtype=float)
        axes.hist(np.clip(values, edges[0], edges[-1]), edges, histtype="stepfilled", alpha=0.22, color=mark.colour)
        axes.hist(np.clip(values, edges[0], edges[-1]), edges, histtype="step", color=mark.colour,
                  linestyle=mark.line, linewidth=1.5, label=label)
        if values.size:
            medians.append(f"median of {values.size} {label} clips {np.median(values):.3g}")
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        axes.axvline(threshold, color=BLACK, linewidth=1, linestyle=":")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set(ylabel="clips", title=f"{domain} domain" if domain else "")
    return f"{f'In the {domain} domain' if domain else 'Over all clips'}: {', '.join(medians)}."


def roc(label: Sequence[int], score: Sequence[float], *, max_fpr: float = 0.1) -> Picture:
    """The ROC curve of a few scores as steps, with the part that pAUC looks at shaded.

    Args:
        label: 1 = anomaly.
        score: higher is more anomalous.
        max_fpr: right end of the shaded part.
    """
    labels, scores = np.asarray(label), np.asarray(score, dtype=float)
    fpr, tpr = roc_points(labels, scores)
    area, partial = float(metrics.auc(labels, scores)), float(metrics.pauc(labels, scores))
    with styled():
        figure, axes = canvas(height=3.4)
        axes.plot([0, 1], [0, 1], ":", color=GREY, label="guessing")
        inside = np.unique(np.concatenate([fpr[fpr <= max_fpr], [max_fpr]]))
        top = np.array([np.interp(x, fpr, tpr) if x not in fpr else tpr[fpr == x].max() for x in inside])
        axes.fill_between(inside, top, color=ORANGE, alpha=0.5, linewidth=0, label=f"up to {max_fpr:.0%}")
        axes.plot(fpr, tpr, color=BLUE, marker="o", label="ROC curve", clip_on=False, zorder=3)
        axes.set(xlabel="false-alarm rate (share of normal clips above)",
                 ylabel="detection rate\n(share of anomalies above)", xlim=(0, 1), ylim=(0, 1.02))
        axes.set_aspect("equal")
        axes.legend(loc="lower right")
    steps = ", ".join(f"({x:.2f}, {y:.2f})" for x, y in zip(fpr, tpr))
    alt = (f"ROC curve of {len(labels)} scores through the points (false-alarm rate, detection rate) {steps}. "
           f"Area {area:.3f}; standardised partial area up to {max_fpr:.0%}: {partial:.3f}.")
    return Picture(figure, alt, pixels=440)


def roc_points(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False-alarm and detection rates when the threshold falls past each distinct score, from (0, 0) to (1, 1)."""
    levels = np.unique(score)[::-1]
    normal, anomaly = score[label == 0], score[label == 1]
    fpr = [0.0, *(float((normal >= level).mean()) for level in levels)]
    tpr = [0.0, *(float((anomaly >= level).mean()) for level in levels)]
    return np.array(fpr), np.array(tpr)


@dataclass(frozen=True)
class Dot:
    """One line of an interval plot: a value, its interval, the seeds' own values, a second number beside it."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    seeds: Sequence[float] = ()
    group: str = ""
    other: float | None = None


def intervals(
    dots: Sequence[Dot], *, unit: str, reference: float | None = None, reference_label: str = "", other: str = ""
) -> Picture:
    """Values with intervals, one line each; single seeds as small points, groups by colour and marker.

    Args:
        dots: top to bottom.
        unit: axis label.
        reference: a vertical guide (for example chance).
        reference_label: what it is.
        other: what the dots' second numbers are, drawn as hollow diamonds.
    """
    groups = list(dict.fromkeys(dot.group for dot in dots))
    with styled():
        figure, axes = canvas(height=0.85 + 0.28 * len(dots) + (0.25 if len(groups) > 1 or other else 0))
        for y, dot in enumerate(dots):
            _draw_dot(axes, y, dot, groups.index(dot.group), first=dot.group not in [d.group for d in dots[:y]])
        seconds = [(dot.other, y) for y, dot in enumerate(dots) if dot.other is not None]
        if seconds:
            axes.plot(*zip(*seconds), "D", color=GREY, markerfacecolor="white", label=other, zorder=4)
        if reference is not None:
            axes.axvline(reference, color=GREY, linestyle=":", linewidth=1, label=reference_label or None)
        axes.set(yticks=range(len(dots)), yticklabels=[dot.label for dot in dots], xlabel=textwrap.fill(unit, 34))
        axes.invert_yaxis()
        if len(groups) > 1 or reference_label or seconds:
            figure.legend(loc="outside upper center", ncols=min(3, len(groups) + bool(reference_label)))
    said = "; ".join(_said(dot) + (f", {other} {dot.other:.1f}" if dot.other is not None else "") for dot in dots)
    return Picture(figure, f"Values with 95 % intervals ({unit}): {said}.")


def _draw_dot(axes: Any, y: int, dot: Dot, k: int, *, first: bool) -> None:
    """One line of an interval plot; `k` is its group's number, named in the legend at its first line."""
    colour, mark = SEQUENCE[k % len(SEQUENCE)], "osD^vP"[k % 6]
    if dot.low is not None and dot.high is not None:
        axes.plot([dot.low, dot.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot(list(dot.seeds), [y] * len(dot.seeds), "|", color=BLACK, markersize=6, markeredgewidth=0.9)
    axes.plot(dot.value, y, mark, color=colour, markersize=6, zorder=3,
              label=dot.group if dot.group and first else None)


def _said(dot: Dot) -> str:
    group = f" ({dot.group})" if dot.group else ""
    ends = "" if dot.low is None or dot.high is None else f", {dot.low:.1f} to {dot.high:.1f}"
    seeds = f", {len(dot.seeds)} seeds" if dot.seeds else ""
    return f"{dot.label}{group} {dot.value:.1f}{ends}{seeds}"


def ten_scores(label: Sequence[int], score: Sequence[float], domain: Sequence[str]) -> Picture:
    """A handful of scores on a line, one row a domain and label: what every metric below is computed from."""
    labels, scores, domains = np.asarray(label), np.asarray(score, dtype=float), np.asarray(domain)
    rows = [(d, w) for d in DOMAINS if (domains == d).any() for w in LABELS]
    words = []
    with styled():
        figure, axes = canvas(height=0.75 + 0.34 * len(rows))
        for y, (where, what) in enumerate(rows):
            chosen = np.sort(scores[(domains == where) & (labels == (what == "anomaly"))])
            mark = LABELS[what]
            axes.axhline(y, color="#DDDDDD", linewidth=0.8, zorder=0)
            axes.plot(chosen, [y] * len(chosen), mark.marker, color=mark.colour, markersize=8, linestyle="none")
            words.append(f"{where} {what}: {', '.join(f'{value:g}' for value in chosen)}")
        axes.set(yticks=range(len(rows)), yticklabels=[f"{d}, {w}" for d, w in rows],
                 xlabel="anomaly score", ylim=(len(rows) - 0.5, -0.5))
    return Picture(figure, f"{len(scores)} scores on a line. {'; '.join(words)}.")


def bottleneck_idea(seed: int = 0) -> Picture:
    """Why a narrow network scores anomalies: it can only answer with points near what it has seen.

    Two numbers stand for a spectrogram, a curve for all that the network can put out. Simulated.
    """
    rng = np.random.default_rng(seed)
    t = np.linspace(-1.15, 1.15, 400)
    curve = np.column_stack([t, 0.55 * np.sin(2.2 * t)])
    at = rng.uniform(-1, 1, 60)
    normal = np.column_stack([at, 0.55 * np.sin(2.2 * at)]) + rng.normal(0, 0.05, (60, 2))
    odd = np.array([[-0.35, 0.45], [0.35, -0.25]])
    answers = _nearest(odd, curve)
    errors = np.linalg.norm(odd - answers, axis=1)
    usual = np.linalg.norm(normal - _nearest(normal, curve), axis=1)
    with styled():
        figure, axes = canvas(height=2.9)
        axes.plot(*curve.T, color=GREY, linewidth=5, alpha=0.35, label="all the network can answer")
        axes.plot(*normal.T, "o", color=LABELS["normal"].colour, markersize=4, label="normal clips")
        axes.plot(*odd.T, "X", color=LABELS["anomaly"].colour, markersize=9, label="anomalous clips")
        for point, answer in zip(odd, answers):
            axes.annotate("", answer, point, arrowprops={"arrowstyle": "->", "color": BLACK, "linewidth": 1.2})
        axes.set(xlabel="level in one frequency band (any unit)", ylabel="level in another band")
        axes.set(xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        figure.legend(loc="outside upper center", ncols=2)
    alt = (f"A bent line stands for all that the network can answer. {len(normal)} normal clips lie along it, on "
           f"average {usual.mean():.2f} away. Two anomalous clips lie {errors[0]:.2f} and {errors[1]:.2f} away; "
           "arrows lead from each to the nearest point of the line. The arrow's length is the anomaly score.")
    return Picture(figure, alt)


def _nearest(points: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """For each point the nearest one of the curve."""
    distance = np.linalg.norm(points[:, None] - curve[None], axis=2)
    return curve[distance.argmin(axis=1)]
