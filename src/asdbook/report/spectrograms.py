"""Spectrograms of clips side by side, always on one colour scale, with boxes where a fault is known to sit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from asdbook.errors import BadInput
from asdbook.report.show import Picture
from asdbook.report.style import BLACK, MAP, canvas, styled

FS = 16_000
WINDOW, HOP = 1024, 256
"""64 ms windows: 15.6 Hz between bins; 16 ms steps show events that the 32 ms of the official features blur."""
FIRST = 2
"""First frame that lies wholly inside a clip; frame k is centred at k steps."""
SPAN_DB = 60.0
"""Range of the colour scale below its maximum."""


@dataclass(frozen=True)
class Panel:
    """One clip of a comparison.

    Attributes:
        title: short, shown above.
        wave: samples at 16 kHz, shape (samples,).
        boxes: regions to frame, each (start s, end s, low Hz, high Hz).
    """

    title: str
    wave: np.ndarray
    boxes: Sequence[Sequence[float]] = field(default_factory=tuple)


def levels(wave: np.ndarray) -> np.ndarray:
    """Level in dB relative to full scale, shape (bins, frames); Hann windows of 64 ms, 16 ms apart."""
    window = hann(WINDOW, sym=False)
    transform = ShortTimeFFT(window, HOP, FS, scale_to="magnitude")
    last = max(FIRST + 1, len(wave) // HOP - FIRST)
    magnitude = np.abs(transform.stft(np.asarray(wave, dtype=float), p0=FIRST, p1=last))
    return 20 * np.log10(np.maximum(magnitude, 1e-7))  # floor -140 dB: digital silence stays finite


def spectrograms(panels: Sequence[Panel], *, columns: int = 2, top_hz: float = 8000.0) -> Picture:
    """Clips as spectrograms on one colour scale.

    Args:
        panels: in reading order.
        columns: panels a row.
        top_hz: upper end of the frequency axis.
    """
    if not panels:
        raise BadInput("spectrograms: no clips to show")
    pictures = [levels(panel.wave) for panel in panels]
    top = max(float(np.quantile(picture, 0.999)) for picture in pictures)
    rows = -(-len(panels) // columns)
    with styled():
        figure, grid = canvas(rows, columns, height=0.55 + 1.45 * rows, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        images = [_draw(axes, *pair, top) for axes, pair in zip(grid.flat, zip(panels, pictures))]
        for axes in grid.flat:
            axes.set_ylim(0, top_hz / 1000)
        for axes in grid[:, 0]:
            axes.set_ylabel("kHz")
        for axes in grid[-1]:
            axes.set_xlabel("seconds")
        figure.colorbar(images[0], ax=grid, label="dB", shrink=0.9, pad=0.02, aspect=14 * rows)
    said = "; ".join(_said(panel, picture) for panel, picture in zip(panels, pictures))
    return Picture(figure, f"Spectrograms on one colour scale: {said}.")


def _extent(picture: np.ndarray) -> tuple[float, float, float, float]:
    """Edges of a picture of `levels` in s and kHz, so that boxes lie where the truth puts them."""
    start, end = (HOP * (FIRST + k - 0.5) / FS for k in (0, picture.shape[1]))
    return start, end, 0.0, FS / 2000


def _draw(axes: Any, panel: Panel, picture: np.ndarray, top: float) -> Any:
    image = axes.imshow(picture, origin="lower", aspect="auto", cmap=MAP, vmin=top - SPAN_DB, vmax=top,
                        extent=_extent(picture), interpolation="nearest", rasterized=True)
    axes.set_title(panel.title, fontsize=9)
    _frame(axes, telling(panel.boxes, len(panel.wave) / FS))
    return image


PAD_SECONDS, PAD_HZ = 0.02, 90.0
"""Frames stand this far outside a region: an impact of some milliseconds or a single line stays visible in it."""


WHOLE = 0.6
"""A region that covers more of the picture than this says nothing about a place: it is not framed."""


def telling(boxes: Sequence[Sequence[float]], seconds: float) -> list[Sequence[float]]:
    """The regions that say where something sits: those that do not cover nearly all of the clip.

    Args:
        boxes: each (start s, end s, low Hz, high Hz).
        seconds: length of the clip.
    """
    area = seconds * FS / 2
    return [box for box in boxes if (box[1] - box[0]) * (box[3] - box[2]) <= WHOLE * area]


def _frame(axes: Any, boxes: Sequence[Sequence[float]], colours: Sequence[str] = (BLACK, "white")) -> None:
    """Frames regions (start s, end s, low Hz, high Hz); thin where many stand close together."""
    width = 1.0 if len(boxes) <= 8 else 0.5
    for start, end, low, high in boxes:
        corner = (start - PAD_SECONDS, (low - PAD_HZ) / 1000)
        size = (end - start + 2 * PAD_SECONDS, (high - low + 2 * PAD_HZ) / 1000)
        for colour, line in zip(colours, (2 * width, width) if len(colours) > 1 else (width,)):
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=line))  # on any colour


CHANGE_DB = 20.0
"""Range of the change map to both sides."""


def change(healthy: Panel, faulty: Panel) -> Picture:
    """Two clips with the same draws on one colour scale, and below them what the one has that the other lacks.

    Args:
        healthy, faulty: same length; `faulty.boxes` are framed in the map of changes.
    """
    before, after = levels(healthy.wave), levels(faulty.wave)
    top = max(float(np.quantile(picture, 0.999)) for picture in (before, after))
    with styled():
        figure, grid = canvas(height=4.1, mosaic=[["healthy", "faulty"], ["change", "change"]])
        for key, panel, picture in (("healthy", healthy, before), ("faulty", faulty, after)):
            image = _draw(grid[key], Panel(panel.title, panel.wave), picture, top)
        figure.colorbar(image, ax=[grid["healthy"], grid["faulty"]], label="dB", pad=0.02)
        grid["faulty"].set_yticklabels([])
        shown = grid["change"].imshow(after - before, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-CHANGE_DB,
                                      vmax=CHANGE_DB, extent=_extent(after))
        framed = telling(faulty.boxes, len(faulty.wave) / FS)
        where = "its known place framed" if framed else "nearly everywhere" if faulty.boxes else "no single place"
        grid["change"].set_title(f"what the fault changes, {where}", fontsize=9)
        _frame(grid["change"], framed, colours=(BLACK,))
        figure.colorbar(shown, ax=grid["change"], label="dB more", pad=0.02)
        for key in ("healthy", "change"):
            grid[key].set_ylabel("kHz")
        for axes in grid.values():
            axes.set(xlabel="seconds", ylim=(0, 8))
    alt = (f"Spectrograms on one colour scale: {_said(healthy, before)}; {_said(faulty, after)}. Below, their "
           f"difference: {np.mean(np.abs(after - before) > 6):.0%} of the cells change by more than 6 dB"
           f"{_boxes_said(faulty.boxes)}.")
    return Picture(figure, alt)


def _boxes_said(boxes: Sequence[Sequence[float]]) -> str:
    """How many regions are framed, and their span of frequencies."""
    if not boxes:
        return ""
    low, high = min(box[2] for box in boxes), max(box[3] for box in boxes)
    many = f"{len(boxes)} regions" if len(boxes) > 1 else "1 region"
    return f"; the fault is known to sit in {many} between {low:.0f} and {high:.0f} Hz"


def _said(panel: Panel, picture: np.ndarray) -> str:
    """Level in dB of full scale and strongest band of a clip, in words."""
    power = 10 ** (picture / 10)
    rms = 10 * np.log10(np.mean(np.asarray(panel.wave, dtype=float) ** 2) + 1e-14)
    edges = np.array([0, 500, 1000, 2000, 4000, 8000])
    hz = np.linspace(0, FS / 2, picture.shape[0])
    bands = [power[(hz >= low) & (hz < high)].sum() for low, high in itertools.pairwise(edges)]
    k = int(np.argmax(bands))
    boxes = f", framed regions: {len(panel.boxes)}" if panel.boxes else ""
    return f"{panel.title}, {rms:.0f} dB, most of its power from {edges[k]} to {edges[k + 1]} Hz{boxes}"


@dataclass(frozen=True)
class Field:
    """A map over (band, frame): a log-mel spectrogram, an answer of a network, an error."""

    title: str
    values: np.ndarray
    unit: str = "dB"
    scale: str = "level"


def fields(panels: Sequence[Field], *, seconds: float, columns: int = 1, yscale: str = "mel band") -> Picture:
    """Maps over (band, frame); panels with the same `scale` share limits, so that they can be compared."""
    limits = {
        scale: (
            min(float(np.quantile(p.values, 0.01)) for p in panels if p.scale == scale),
            max(float(np.quantile(p.values, 0.995)) for p in panels if p.scale == scale),
        )
        for scale in dict.fromkeys(p.scale for p in panels)
    }
    rows = -(-len(panels) // columns)
    with styled():
        figure, grid = canvas(rows, columns, height=0.4 + 1.35 * rows, squeeze=False, sharex=True, sharey=True)
        for axes, panel in zip(grid.flat, panels):
            low, high = limits[panel.scale]
            colours = MAP if panel.scale == "level" else "magma"
            extent = (0, seconds, 0, panel.values.shape[0])
            image = axes.imshow(panel.values, origin="lower", aspect="auto", cmap=colours, vmin=low, vmax=high,
                                extent=extent, rasterized=True)
            axes.set_title(panel.title, fontsize=9)
            figure.colorbar(image, ax=axes, label=panel.unit, pad=0.02)
        for axes in grid[:, 0]:
            axes.set_ylabel(yscale)
        for axes in grid[-1]:
            axes.set_xlabel("seconds")
    said = "; ".join(f"{p.title}, mean {p.values.mean():.1f} {p.unit}" for p in panels)
    return Picture(figure, f"Maps over time and frequency: {said}.")
