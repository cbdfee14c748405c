"""The idea of SSDM as a drawing: its boxes, and what denoising does to a normal and to an odd point."""

from __future__ import annotations

from typing import Any

import numpy as np

from asdbook.report.show import Picture
from asdbook.report.style import BLACK, GREY, LABELS, ORANGE, SKY, canvas, styled

KEPT = 0.44
"""Share of the clean vector's power that is left after 200 of 500 steps, abar_t: the noise of the toy."""


WORDS = {"normal": "normal", "anomaly": "anomalous"}


def idea(seed: int = 3) -> Picture:
    """Boxes of the method above, a toy of noise and denoising below. Simulated, two numbers a clip.

    The toy's denoiser is exact: the mean of all normal points, weighted by how likely each led to the noisy one.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.15 * np.pi, 0.95 * np.pi, 160)
    normal = 2.2 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.07, (160, 2)) - [0, 0.9]
    clips = np.array([normal[(angle - 0.3 * np.pi).__abs__().argmin()], [-0.3, -0.35]])
    noisy = KEPT**0.5 * clips + (1 - KEPT) ** 0.5 * np.array([[-0.2, -1.1], [-1.3, -0.5]])
    answers = _denoised(noisy, normal)
    errors = np.linalg.norm(clips - answers, axis=1)
    with styled():
        figure, grid = canvas(height=4.7, mosaic=[["boxes"], ["toy"]], height_ratios=[1, 1.55])
        _boxes(grid["boxes"])
        axes = grid["toy"]
        axes.plot(*normal.T, "o", color=GREY, alpha=0.35, markersize=3, label="normal training clips")
        for (label, mark), clip, dirty, answer in zip(LABELS.items(), clips, noisy, answers):
            _arrow(axes, clip, dirty, ORANGE)
            _arrow(axes, dirty, answer, BLACK)
            axes.plot(*np.array([clip, answer]).T, ":", color=mark.colour, linewidth=2)
            axes.plot(*clip, mark.marker, color=mark.colour, markersize=9, label=f"{WORDS[label]} test clip")
        axes.plot([], [], color=ORANGE, label="add noise")
        axes.plot([], [], color=BLACK, label="remove it")
        axes.set(xlabel="first number of the embedding", ylabel="second number", xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    alt = ("Boxes: a clip goes two ways, as spectrogram and as spectrum, each through a network with gates, to one "
           "embedding z; z gets noise, the noise is removed, and the distance to z is the score. Below, a toy in two "
           f"dimensions: {len(normal)} normal clips lie on an arc. A normal clip on it and an anomalous one off it "
           "are moved by noise and then denoised to the arc. The normal clip ends "
           f"{errors[0]:.2f} from where it was, the anomalous one {errors[1]:.2f}.")
    return Picture(figure, alt)


def _denoised(noisy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The most likely clean vectors in the mean, if clean vectors are the known ones: (row, dimension)."""
    gap = noisy[:, None] - KEPT**0.5 * known[None]
    likely = -(gap**2).sum(axis=2) / (2 * (1 - KEPT))
    weight = np.exp(12 * (likely - likely.max(axis=1, keepdims=True)))  # sharpened: many small steps, drawn as one
    return np.asarray(weight @ known / weight.sum(axis=1, keepdims=True))


def _arrow(axes: Any, start: np.ndarray, end: np.ndarray, colour: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.4})


BOXES = {
    "clip": (0.0, 0.5, "clip"), "spectrogram": (0.2, 0.82, "spectrogram\n2-D, gates"),
    "spectrum": (0.2, 0.18, "spectrum\n1-D, gates"), "z": (0.46, 0.5, "z"), "noisy": (0.64, 0.5, "noisy\nz"),
    "rebuilt": (0.83, 0.5, "rebuilt\nz"),
}  # fmt: skip
"""Name to place and words of a box."""
WAYS = (("clip", "spectrogram"), ("clip", "spectrum"), ("spectrogram", "z"), ("spectrum", "z"), ("z", "noisy"),
        ("noisy", "rebuilt"))  # fmt: skip


def _boxes(axes: Any) -> None:
    """The method as boxes and arrows."""
    axes.set(xlim=(-0.07, 0.95), ylim=(-0.05, 1.05))
    axes.axis("off")
    drawn = {}
    for name, (x, y, words) in BOXES.items():
        colour = SKY if name in ("spectrogram", "spectrum") else "white"
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": BLACK, "alpha": 0.9}
        drawn[name] = axes.text(x, y, words, ha="center", va="center", fontsize=8.5, bbox=box)
    for first, second in WAYS:
        axes.annotate("", xy=BOXES[second][:2], xytext=BOXES[first][:2], zorder=0,
                      arrowprops={"arrowstyle": "->", "color": BLACK, "shrinkA": 16, "shrinkB": 18})
    axes.annotate("", xy=BOXES["rebuilt"][:2], xytext=BOXES["z"][:2], annotation_clip=False, zorder=0,
                  arrowprops={"arrowstyle": "<->", "color": LABELS["anomaly"].colour, "shrinkA": 12, "shrinkB": 16,
                              "connectionstyle": "arc3,rad=0.55"})
    axes.text(0.65, 0.02, "score: squared distance", ha="center", fontsize=8.5, color=LABELS["anomaly"].colour)
    axes.text(0.7, 0.9, "trained to tell classes apart", ha="center", fontsize=8.5, color=GREY)
    axes.annotate("", xy=BOXES["z"][:2], xytext=(0.55, 0.86), zorder=0,
                  arrowprops={"arrowstyle": "->", "color": GREY, "shrinkB": 14, "linestyle": ":"})
