"""One look for all figures: Okabe-Ito colours, fixed marks for labels and domains, readable on a phone.

Figures are drawn 4.4 inches wide with 10 pt letters and saved at 200 dots per inch: twice the pixels of a
440-pixel column, and letters of 9 pixels on a telephone 360 pixels wide (where some 300 are left for a figure).
The background is white in both themes (the style sheet rounds its corners), so that colours keep their contrast
in dark mode.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

WIDTH = 4.4
"""Inches; see the module's text."""
DPI = 200
"""Dots per inch: 2 x the 100 of the page."""

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
SEQUENCE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Okabe-Ito colours in order of use; yellow is left out: it has no contrast on white."""
GREY = "#6B6B6B"
"""Frames, guides and small print: contrast 5.3 on white."""
MAP = "viridis"
"""Colour map of spectrograms and error maps: monotone in lightness, readable without colour."""


@dataclass(frozen=True)
class Mark:
    """How one label or domain is always drawn: colour, and a second cue that needs no colour."""

    colour: str
    marker: str
    line: str


LABELS = {"normal": Mark(BLUE, "o", "-"), "anomaly": Mark(VERMILION, "X", "--")}
DOMAINS = {"source": Mark(GREEN, "s", "-"), "target": Mark(PURPLE, "^", "--")}

RC: dict[str, Any] = {
    "font.size": 10.0,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "axes.titlesize": 10.0,
    "axes.labelsize": 10.0,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.prop_cycle": cycler(color=SEQUENCE),
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100,
    "image.interpolation": "nearest",
}


@contextmanager
def styled() -> Iterator[None]:
    """Inside, matplotlib draws in the book's style; nothing outside changes."""
    with mpl.rc_context(cast(Any, RC)):
        yield


def canvas(
    rows: int = 1, columns: int = 1, *, height: float = 2.6, mosaic: list[list[str]] | None = None, **options: Any
) -> tuple[Figure, Any]:
    """An empty figure of the book's width, apart from pyplot's list of open figures.

    Args:
        rows, columns: panels.
        height: of the whole figure in inches.
        mosaic: names of panels by place, in place of rows and columns.
        **options: for `Figure.subplots`.

    Returns:
        The figure and its axes, as `Figure.subplots` gives them.
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    if mosaic is not None:
        return figure, figure.subplot_mosaic(mosaic, **options)  # type: ignore[arg-type]
    return figure, figure.subplots(rows, columns, **options)


def png(figure: Figure, colours: int = 255) -> bytes:
    """The figure as PNG with a palette (a third of the size, no visible change on flat colours)."""
    from PIL import Image

    raw = io.BytesIO()
    with styled():
        figure.savefig(raw, format="png", dpi=DPI)
    picture = Image.open(raw).convert("RGB")
    palette = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    out = io.BytesIO()
    palette.save(out, format="png", optimize=True)
    return out.getvalue()
