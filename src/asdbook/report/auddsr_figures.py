"""Drawings of AudDSR: its idea, its blocks, masks on both grids, the cold start, the blind spot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyBboxPatch, Rectangle

from asdbook.report.show import Picture
from asdbook.report.style import BLACK, BLUE, GREEN, GREY, MAP, ORANGE, SEQUENCE, SKY, YELLOW, canvas, styled

TILES = ListedColormap([BLUE, SKY, GREEN, YELLOW, ORANGE])
"""One colour a code, in the toy of the idea."""
BANDS, FRAMES = 8, 14
HOLE = (slice(4, 7), slice(8, 12))
"""Where the toy's anomaly sits."""


def idea(seed: int = 4) -> Picture:
    """Five steps on a toy: codes of a normal sound, others put in, kept, repaired, and where the two differ."""
    rng = np.random.default_rng(seed)
    normal = np.repeat((np.arange(BANDS) // 2)[:, None], FRAMES, axis=1)
    normal[:, ::4] = np.minimum(normal[:, ::4] + 1, 4)  # the machine's beat
    odd = normal.copy()
    odd[HOLE] = (odd[HOLE] + rng.integers(1, 5, odd[HOLE].shape)) % 5
    differ = (odd != normal).astype(float)
    panels = [("1  a normal sound, in codes", normal), ("2  other codes put in", odd),
              ("3  general decoder: kept", odd), ("4  object decoder: repaired", normal),
              ("5  detector: where they differ", differ)]  # fmt: skip
    with styled():
        figure, grid = canvas(3, 2, height=4.4, subplot_kw={"xticks": [], "yticks": []})
        for axes, (title, values) in zip(grid.flat, panels):
            last = values is differ
            axes.imshow(values, origin="lower", aspect="auto", cmap="magma" if last else TILES, vmin=0,
                        vmax=1 if last else 4)  # fmt: skip
            axes.set_title(title, fontsize=9)
            if values is odd:
                axes.add_patch(Rectangle((HOLE[1].start - 0.5, HOLE[0].start - 0.5), 4, 3, fill=False, linewidth=2,
                                         edgecolor=BLACK))  # fmt: skip
        for axes in grid[:, 0]:
            axes.set_ylabel("pitch")
        for axes in grid[2]:
            axes.set_xlabel("time")
        end = grid[2, 1]
        end.axis("off")
        end.text(0.5, 0.55, "score of a clip:\nthe mean of 5", ha="center", va="center", transform=end.transAxes)
    alt = (f"Five toy pictures of {BANDS} by {FRAMES} tiles, one colour a code. A regular pattern; the same with "
           f"{int(differ.sum())} tiles of other codes in a framed rectangle; what the general decoder gives, with "
           "them; what the object decoder gives, without; and the map, bright exactly there. The score is its mean.")
    return Picture(figure, alt)


@dataclass(frozen=True)
class Box:
    """A part of the drawing: place of its centre, width, words, and what it is (`KINDS`)."""

    x: float
    y: float
    width: float
    text: str
    kind: str = "data"

    def patch(self) -> FancyBboxPatch:
        """Its frame; two lines of words are higher than one."""
        height = 0.065 if "\n" in self.text else 0.035
        return FancyBboxPatch((self.x - self.width / 2, self.y - height / 2), self.width, height,
                              boxstyle="round,pad=0.008", facecolor=KINDS[self.kind], edgecolor=BLACK)  # fmt: skip


KINDS = {"data": "white", "frozen": "#D5DEE6", "trained": YELLOW}
"""What a box is to its colour: what flows; trained in the first stage alone; trained in the second."""
WAYS = ("X e1", "e1 e2", "e2 q1", "q1 g1", "g1 q2", "e1 q2", "q2 qa", "q1 qa", "M qa", "qa g2", "qa r", "r o", "g2 u",
        "o u", "u s")  # fmt: skip
"""Arrows, from and to."""


def parts(bands: int, frames: int) -> dict[str, Box]:
    """The boxes, with the grid of each map."""
    image, fine, coarse = f"{bands} × {frames}", f"{bands // 4} × {frames // 4}", f"{bands // 8} × {frames // 8}"
    return {
        "X": Box(0.11, 0.95, 0.2, f"X\n{image}"), "e1": Box(0.4, 0.95, 0.24, f"encoder 1\n{fine}", "frozen"),
        "e2": Box(0.82, 0.95, 0.24, f"encoder 2\n{coarse}", "frozen"),
        "q1": Box(0.83, 0.79, 0.28, f"coarse codes $Q_c$\n{coarse}", "frozen"),
        "g1": Box(0.5, 0.79, 0.28, f"decoder module 1\n{fine}", "frozen"),
        "q2": Box(0.17, 0.64, 0.3, f"fine codes $Q_f$\n{fine}", "frozen"),
        "M": Box(0.08, 0.49, 0.13, "map M"),
        "qa": Box(0.56, 0.49, 0.6, r"other codes inside M:  $\tilde{Q}_c$ and $\tilde{Q}_f$"),
        "r": Box(0.8, 0.35, 0.26, "subspace\nrestriction", "trained"),
        "g2": Box(0.24, 0.21, 0.3, f"general decoder\n{image}", "frozen"),
        "o": Box(0.8, 0.21, 0.3, f"object decoder\n{image}", "trained"),
        "u": Box(0.5, 0.05, 0.34, "detection network", "trained"), "s": Box(0.9, 0.05, 0.14, "score"),
    }  # fmt: skip


def blocks(bands: int, frames: int) -> Picture:
    """All parts, with the grid of each map for an image of `bands` x `frames`."""
    boxes = parts(bands, frames)
    with styled():
        figure, axes = canvas(height=5.4)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        drawn = {name: axes.add_patch(box.patch()) for name, box in boxes.items()}
        for first, second in map(str.split, WAYS):
            ends = [(boxes[name].x, boxes[name].y) for name in (first, second)]
            axes.annotate("", xy=ends[1], xytext=ends[0], arrowprops={
                "arrowstyle": "->", "color": BLACK, "patchA": drawn[first], "patchB": drawn[second], "shrinkA": 0,
                "shrinkB": 1})  # fmt: skip
        for box in boxes.values():
            axes.text(box.x, box.y, box.text, ha="center", va="center", fontsize=8.5)
        for x, name in ((0.33, "$X_G$"), (0.69, "$X_S$")):
            axes.text(x, 0.125, name, fontsize=10, ha="center", va="center")
        handles = [Rectangle((0, 0), 1, 1, facecolor=KINDS[kind], edgecolor=BLACK) for kind in ("frozen", "trained")]
        figure.legend(handles, ["stage 1, then frozen", "stage 2"], loc="outside lower center", ncols=2)
    said = ("X goes through encoder 1 and encoder 2 to coarse codes; decoder module 1 brings them to the fine grid, "
            "where they join encoder 1's features and become fine codes. Inside the map M other codes stand in. The "
            "general decoder makes X_G of both maps; subspace restriction and the object decoder make X_S. The "
            "detection network sees both, and the mean of its map is the score. Encoders, codebooks and general "
            "decoder are shaded: they are frozen in stage 2.")  # fmt: skip
    return Picture(figure, f"Boxes and arrows, grids for {bands} × {frames}. {said}")


def masks(panels: Mapping[str, np.ndarray], cells: Sequence[Mapping[str, np.ndarray]]) -> Picture:
    """Anomaly maps in a column, beside each what is replaced on the coarse and on the fine grid.

    Args:
        panels: title to map, bool (band, frame).
        cells: for each map, name of the grid to its cells.
    """
    columns = 1 + len(cells[0])
    said = []
    with styled():
        figure, grid = canvas(len(panels), columns, height=0.4 + 0.82 * len(panels), squeeze=False,
                              subplot_kw={"xticks": [], "yticks": []})  # fmt: skip
        for number, (line, (title, mask), own) in enumerate(zip(grid, panels.items(), cells)):
            for axes, (name, values) in zip(line, {"map M": mask, **own}.items()):
                axes.imshow(values, origin="lower", aspect="auto", cmap="gray_r", vmin=0, vmax=1)
                if number == 0:
                    axes.set_title(name, fontsize=9)
            line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
            said.append(f"{title}: {np.mean(mask):.0%} of the image, "
                        + ", ".join(f"{np.mean(v):.0%} of the {n}" for n, v in own.items()))  # fmt: skip
    return Picture(figure, f"Anomaly maps, marked cells dark, time to the right, pitch upwards. {'; '.join(said)}.")


@dataclass(frozen=True)
class Steps:
    """A codebook while it learns: the largest number in any code, and the perplexity, by step."""

    largest: Sequence[float]
    perplexity: Sequence[float]


def cold_start(runs: Mapping[str, Steps], most: int) -> Picture:
    """Largest number in any code (logarithmic) and perplexity over steps, one line a start.

    Args:
        runs: name of a start to what happened.
        most: number of codes.
    """
    said = []
    with styled():
        figure, (above, below) = canvas(2, 1, height=3.8, sharex=True)
        for k, (name, run) in enumerate(runs.items()):
            steps = range(1, len(run.largest) + 1)
            line = ("-", "--", ":")[k % 3]
            above.plot(steps, run.largest, line, color=SEQUENCE[k], label=name)
            below.plot(steps, run.perplexity, line, color=SEQUENCE[k])
            said.append(f"{name}: largest number at most {max(run.largest):.3g}, perplexity at the end "
                        f"{run.perplexity[-1]:.1f}")  # fmt: skip
        below.axhline(most, color=GREY, linewidth=0.8, linestyle=":")
        above.set(yscale="log", ylabel="largest number\nin any code")
        below.set(xlabel="batch", ylabel=f"perplexity\n(of {most} codes)", ylim=(0, None))
        figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Picture(figure, f"A codebook over {len(steps)} batches. {'; '.join(said)}.")


def images(panels: Mapping[str, np.ndarray], maps: Mapping[str, np.ndarray], columns: int = 2) -> Picture:
    """Images of one clip on one scale (spreads), and maps of probabilities below on another.

    Args:
        panels: title to image, (band, frame).
        maps: title to probabilities or marks from 0 to 1, (band, frame).
        columns: panels a row.
    """
    low, high = (float(np.quantile(np.stack(list(panels.values())), q)) for q in (0.01, 0.995))
    rows = -(-len(panels) // columns) + -(-len(maps) // columns)
    said = []
    with styled():
        figure, grid = canvas(rows, columns, height=0.5 + 1.3 * rows, squeeze=False,
                              subplot_kw={"xticks": [], "yticks": []})  # fmt: skip
        for axes in grid.flat:
            axes.axis("off")
        for group, first, (bottom, top, colours) in (
            (panels, 0, (low, high, MAP)), (maps, -(-len(panels) // columns), (0.0, 1.0, "magma")),
        ):  # fmt: skip
            shown: Any = None
            for axes, (title, values) in zip(grid[first:].flat, group.items()):
                axes.axis("on")
                shown = axes.imshow(values, origin="lower", aspect="auto", cmap=colours, vmin=bottom, vmax=top,
                                    rasterized=True)  # fmt: skip
                axes.set_title(title, fontsize=9)
                said.append(f"{title}, mean {values.mean():.2f}")
            last = first + -(-len(group) // columns)
            figure.colorbar(shown, ax=grid[first:last], pad=0.02,
                            label="spreads" if group is panels else "probability")  # fmt: skip
        for axes in grid[:, 0]:
            axes.set_ylabel("mel band")
    return Picture(figure, f"Images and maps of one clip, time to the right. {'; '.join(said)}.")


def fault_scatter(changes: Mapping[str, float], aucs: Mapping[str, Mapping[str, float]]) -> Picture:
    """What a fault adds or takes away in its place, against the AUC that systems get on it.

    Args:
        changes: fault to mean change of level inside its place at full severity, dB.
        aucs: system to fault to AUC in percent.
    """
    said = []
    with styled():
        figure, axes = canvas(height=3.4)
        axes.axhline(50, color=GREY, linewidth=0.8, linestyle=":")
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        for k, (system, found) in enumerate(aucs.items()):
            names = [name for name in changes if name in found]
            axes.plot([changes[n] for n in names], [found[n] for n in names], "osD"[k % 3], color=SEQUENCE[k],
                      label=system, alpha=0.85)  # fmt: skip
            taken = [n for n in names if changes[n] < 0]
            said.append(f"{system}: mean AUC {np.mean([found[n] for n in names]):.0f} % over {len(names)} faults, "
                        f"{np.mean([found[n] for n in taken]) if taken else float('nan'):.0f} % over the "
                        f"{len(taken)} that take sound away")  # fmt: skip
        axes.set(xlabel="what the fault adds in its place (dB)", ylabel="AUC (%)")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Picture(figure, f"AUC of each fault against what it adds (right of zero) or takes away. {'; '.join(said)}.")
