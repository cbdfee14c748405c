"""Anomaly maps of clips: where in time and frequency it sounds wrong, below the spectrogram; drawn and kept."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm

from asdbook.errors import RunFailed
from asdbook.report.show import Picture
from asdbook.report.spectrograms import SPAN_DB
from asdbook.report.style import MAP, canvas, styled

TICKS_HZ = (250, 500, 1000, 2000, 4000)
"""Octaves: about evenly spaced on the mel scale above 1 kHz."""
TITLE = 56
"""Letters of a file's name that fit above a figure."""
SQUARE_ROOT = 0.5
"""Power of the colour scale of maps: it always runs from 0 to 1, and small probabilities stay visible on it."""


@dataclass(frozen=True)
class AnomalyMap:
    """One clip's map and the spectrogram of the same cells.

    Attributes:
        title: the clip, in a line.
        said: its score and decision, in a line.
        values: probability that a cell is anomalous, (band, frame), band 0 lowest.
        level: log-mel spectrogram in dB, (band, frame).
        seconds: centres of the frames, (frame,).
        hertz: centres of the bands, (band,).
        score: of the clip.
    """

    title: str
    said: str
    values: np.ndarray
    level: np.ndarray
    seconds: np.ndarray
    hertz: np.ndarray
    score: float


def picture(clip: AnomalyMap) -> Picture:
    """Spectrogram above, anomaly map below, on the same axes: seconds, and kHz on the mel scale."""
    top = float(np.quantile(clip.level, 0.999))
    step = clip.seconds[1] - clip.seconds[0] if len(clip.seconds) > 1 else 1.0
    extent = (clip.seconds[0] - step / 2, clip.seconds[-1] + step / 2, -0.5, len(clip.hertz) - 0.5)
    shared: dict[str, Any] = {"origin": "lower", "aspect": "auto", "extent": extent, "rasterized": True}
    with styled():
        figure, (above, below) = canvas(2, height=4.0, sharex=True, sharey=True)
        level = above.imshow(clip.level, cmap=MAP, vmin=top - SPAN_DB, vmax=top, **shared)
        odd = below.imshow(clip.values, cmap="magma", norm=PowerNorm(SQUARE_ROOT, 0, 1), **shared)
        figure.colorbar(level, ax=above, label="level (dB)", pad=0.02)
        figure.colorbar(odd, ax=below, label="anomaly probability", pad=0.02, ticks=[0, 0.05, 0.2, 0.5, 1])
        above.set_title(f"{_short(clip.title)}\n{clip.said}", fontsize=9, parse_math=False)
        known = [hertz for hertz in TICKS_HZ if clip.hertz[0] <= hertz <= clip.hertz[-1]]
        places = np.interp(known, clip.hertz, np.arange(len(clip.hertz)))
        above.set_yticks(places, [f"{hertz / 1000:g}" for hertz in known])
        for axes in (above, below):
            axes.set_ylabel("kHz")
        below.set_xlabel("seconds")
    return Picture(figure, f"{clip.title}, {clip.said}: spectrogram, and below it the anomaly map. {_peak(clip)}")


def _short(title: str) -> str:
    """One line that fits above the figure; the middle of a long name goes."""
    line = "".join(c if c.isprintable() else "?" for c in title)
    half = (TITLE - 1) // 2
    return line if len(line) <= TITLE else f"{line[:half]}…{line[-half:]}"


def _peak(clip: AnomalyMap) -> str:
    """In words, where the map is highest."""
    band, frame = np.unravel_index(int(np.argmax(clip.values)), clip.values.shape)
    return (f"Its mean is {clip.values.mean():.3f}; it is highest, {clip.values[band, frame]:.2f}, at "
            f"{clip.seconds[frame]:.2f} s and {clip.hertz[band]:.0f} Hz.")  # fmt: skip


def write(folder: Path, name: str, clip: AnomalyMap) -> list[Path]:
    """Writes `<name>.npz` (map, seconds, hertz, score) and `<name>.png`, each whole or not at all.

    Args:
        folder: made where it is missing.
        name: a safe file name (`paths.file_slug`).
        clip: what to write.

    Raises:
        RunFailed: a file cannot be written.
    """
    arrays = io.BytesIO()
    np.savez_compressed(arrays, map=clip.values.astype(np.float32), seconds=clip.seconds, hertz=clip.hertz,
                        score=np.float64(clip.score))  # fmt: skip
    with warnings.catch_warnings():  # the font lacks letters of some languages: they become boxes
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        contents = {".npz": arrays.getvalue(), ".png": picture(clip).content}
    return [_put(folder / f"{name}{suffix}", content) for suffix, content in contents.items()]


def check_folder(folder: Path) -> None:
    """Makes the folder and tries to write to it, before hours of work.

    Raises:
        RunFailed: it cannot be written to.
    """
    _put(folder / f".asdbook-{os.getpid()}", b"").unlink()


def _put(path: Path, content: bytes) -> Path:
    """Writes under a temporary name, then renames."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise RunFailed(f"{path.parent}: maps cannot be written there ({error.strerror}): name another folder, or "
                        "free space") from error  # fmt: skip
    return path
