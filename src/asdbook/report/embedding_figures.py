"""Figures of vectors: maps by t-SNE, densities of one number a clip, a score along one setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asdbook.report import embeddings
from asdbook.report.embeddings import Vectors
from asdbook.report.show import Picture
from asdbook.report.style import BLACK, GREY, LABELS, SEQUENCE, canvas, styled

STARTS = (("pca", 0), ("random", 1), ("random", 2))
"""Starts of t-SNE: the usual one, which no seed changes, and two that a seed draws."""


def missing(what: str) -> Picture:
    """In place of a figure whose records are not there yet; it keeps the figure's number."""
    with styled():
        figure, axes = canvas(height=0.7)
        axes.text(0.5, 0.5, f"not run yet: {what}", ha="center", va="center", color=GREY, wrap=True)
        axes.axis("off")
    return Picture(figure, f"No figure yet: {what} is not run.")


def maps(panels: Mapping[str, Vectors]) -> Picture:
    """t-SNE of the test clips of each panel's vectors: a column a panel, a row a start; equal settings throughout.

    Colour and mark say the label; target clips are hollow. Below each column: two numbers that no map changes.

    Args:
        panels: title to vectors of the same clips.
    """
    with styled():
        figure, grid = canvas(
            len(STARTS), len(panels), height=0.9 + 1.75 * len(STARTS), squeeze=False,
            subplot_kw={"xticks": [], "yticks": []},
        )  # fmt: skip
        for k, (title, vectors) in enumerate(panels.items()):
            for row, (start, seed) in enumerate(STARTS):
                _points(grid[row, k], embeddings.flat(vectors.test, start=start, seed=seed), vectors)
            grid[0, k].set_title(title, fontsize=10)
            grid[-1, k].set_xlabel(f"kNN AUC {embeddings.neighbour_auc(vectors):.0f} %\n"
                                   f"1-NN purity {embeddings.purity(vectors):.0f} %")
        for row, (start, seed) in enumerate(STARTS):
            grid[row, 0].set_ylabel("PCA start" if start == "pca" else f"random start {seed}", fontsize=9)
        _legend(figure, grid[0, 0], next(iter(panels.values())))
    said = "; ".join(f"{title}: AUC of nearest neighbours {embeddings.neighbour_auc(v):.1f} %, label purity "
                     f"{embeddings.purity(v):.1f} %" for title, v in panels.items())
    count = len(next(iter(panels.values())).label)
    alt = (f"Maps of {count} test clips by t-SNE, {len(panels)} columns and {len(STARTS)} rows (starts). {said}. "
           "The maps of one column differ in shape from start to start.")
    return Picture(figure, alt)


def _points(axes: object, places: np.ndarray, vectors: Vectors) -> None:
    """One map: label by colour and mark, target hollow."""
    for value, (label, mark) in enumerate(LABELS.items()):
        for domain in ("source", "target"):
            chosen = (vectors.label == value) & (vectors.domain == domain)
            face = mark.colour if domain == "source" else "none"
            axes.scatter(  # type: ignore[attr-defined]
                *places[chosen].T, s=13, marker=mark.marker, facecolors=face, edgecolors=mark.colour, linewidths=0.8,
                label=f"{label}, {domain}",
            )  # fmt: skip


def _legend(figure: object, axes: object, vectors: Vectors) -> None:
    handles, labels = axes.get_legend_handles_labels()  # type: ignore[attr-defined]
    figure.legend(handles, labels, loc="outside upper center", ncols=2)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Density:
    """One panel: a number a clip.

    Attributes:
        title: of the panel.
        values: of the test clips, (clip,).
        label: 1 = anomaly.
        unit: axis label.
        either: whether the direction of the values means nothing, so that the AUC counts in the better one.
    """

    title: str
    values: np.ndarray
    label: np.ndarray
    unit: str
    either: bool = False

    @property
    def said(self) -> str:
        """The title, and which end is anomalous where that is not the upper one."""
        below = self.either and embeddings.auc(self.label, self.values) < 50
        return f"{self.title}, lower values anomalous" if below else self.title

    @property
    def auc(self) -> float:
        """AUC of the values, in percent."""
        found = embeddings.auc(self.label, self.values)
        return max(found, 100 - found) if self.either else found


def densities(panels: Sequence[Density]) -> Picture:
    """Gaussian kernel densities (Scott's bandwidth) of normal and anomalous clips, one panel below the other."""
    from scipy.stats import gaussian_kde

    ends: dict[str, list[float]] = {}
    for panel in panels:  # panels of one unit share their axis
        ends.setdefault(panel.unit, []).extend([panel.values.min(), panel.values.max()])
    with styled():
        figure, grid = canvas(len(panels), 1, height=0.5 + 1.45 * len(panels), squeeze=False)
        for axes, panel in zip(grid[:, 0], panels):
            low, high = min(ends[panel.unit]), max(ends[panel.unit])
            line = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), 300)
            for value, (label, mark) in enumerate(LABELS.items()):
                curve = gaussian_kde(panel.values[panel.label == value])(line)
                axes.fill_between(line, curve, color=mark.colour, alpha=0.18, linewidth=0)
                axes.plot(line, curve, mark.line, color=mark.colour, label=label)
            axes.set_title(f"{panel.said}: AUC {panel.auc:.0f} %", fontsize=9)
            axes.set(xlabel=panel.unit, ylabel="density", yticks=[])
            axes.set_ylim(bottom=0)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
    said = "; ".join(
        f"{p.said} ({p.unit}): median of normal clips {np.median(p.values[p.label == 0]):.3g}, of anomalies "
        f"{np.median(p.values[p.label == 1]):.3g}, AUC {p.auc:.1f} %" for p in panels)  # fmt: skip
    return Picture(figure, f"Densities of normal and anomalous test clips, one panel below the other. {said}.")


@dataclass(frozen=True)
class Line:
    """One panel of a sweep.

    Attributes:
        unit: axis label.
        values: setting to value.
        guides: name to a constant value, drawn as horizontal lines.
    """

    unit: str
    values: Mapping[int, float]
    guides: Mapping[str, float]


def sweep(panels: Sequence[Line], *, setting: str, chosen: int) -> Picture:
    """A score along one setting, with guides; the chosen setting is marked.

    Args:
        panels: one below the other, on one axis of settings.
        setting: name of the setting, for the axis.
        chosen: the setting that our variant uses.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.guides))
    with styled():
        figure, grid = canvas(len(panels), 1, height=0.8 + 1.9 * len(panels), squeeze=False, sharex=True)
        for axes, panel in zip(grid[:, 0], panels):
            steps = sorted(panel.values)
            axes.axvline(chosen, color=GREY, linewidth=0.8, linestyle=":")
            for name, value in panel.guides.items():
                k = names.index(name)  # one look a guide, in all panels
                axes.axhline(value, color=SEQUENCE[k + 1], linestyle=("--", ":", "-.")[k % 3], label=name)
            axes.plot(steps, [panel.values[t] for t in steps], "o-", color=BLACK, label="diffusion error", zorder=3)
            axes.set_xscale("log")
            axes.set_xticks(steps, [str(t) for t in steps])
            axes.minorticks_off()
            axes.set_ylabel(panel.unit)
        grid[-1, 0].set_xlabel(setting)
        both = dict(pair for axes in grid[:, 0] for pair in zip(*reversed(axes.get_legend_handles_labels())))
        figure.legend(list(both.values()), list(both), loc="outside upper center", ncols=2)
    said = ". ".join(
        f"{panel.unit}: " + ", ".join(f"{value:.1f} at {t}" for t, value in sorted(panel.values.items()))
        + "".join(f"; {name} {value:.1f}" for name, value in panel.guides.items()) for panel in panels)  # fmt: skip
    return Picture(figure, f"{setting}, marked at {chosen}. {said}.")
