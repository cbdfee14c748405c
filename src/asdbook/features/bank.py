"""Frames of many clips in one tensor, and stacked vectors of neighbouring frames as a view of it.

Stacking five frames of 128 bands would hold every frame five times (1.6 GB a machine in the official code). Because
frames lie one after another, vector t is the slice of 640 numbers that starts at frame t: a strided view, gathered
by index a batch at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asdbook.errors import BadInput

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

CLIPS_AT_ONCE = 32  # read and computed together; the feature cuts this further to stay in cache


@dataclass(frozen=True)
class FrameBank:
    """Frames of clips, one clip after another.

    Attributes:
        flat: (frames of all clips, band), contiguous, on the device.
        counts: frames of each clip, int64 (clip,), on the CPU.
    """

    flat: Tensor
    counts: Tensor

    def __len__(self) -> int:
        return len(self.counts)

    def first(self) -> Tensor:
        """Row of each clip's first frame, int64 (clip,), on the device."""
        return (torch.cumsum(self.counts, 0) - self.counts).to(self.flat.device)

    def rows(self, clips: Tensor) -> Tensor:
        """All frames of some clips, (frame, band)."""
        chosen = clips.cpu()
        counts, first = self.counts[chosen], self.first().cpu()[chosen]
        begin = torch.cumsum(counts, 0) - counts
        place = torch.arange(int(counts.sum())) + torch.repeat_interleave(first - begin, counts)
        return self.flat[place.to(self.flat.device)]

    def crops(self, clips: Tensor, offsets: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Frames of clips from `offsets` on; behind a clip's end its last frame is repeated.

        Args:
            clips: int64 (n,), on the device, as `offsets`.
            offsets: first frame of each crop.
            frames: of a crop.

        Returns:
            (n, frames, band), and which frames are the clip's own, bool (n, frames).
        """
        counts = self.counts.to(self.flat.device)[clips, None]
        place = offsets[:, None] + torch.arange(frames, device=self.flat.device)
        return self.flat[self.first()[clips, None] + place.minimum(counts - 1)], place < counts

    def vectors(self, width: int) -> Tensor:
        """All runs of `width` neighbouring frames, (frames - width + 1, width * band), without copying.

        Row t is frame t, then t + 1, ...: also runs that cross from one clip into the next; index the rows with
        `starts`.
        """
        rows, bands = self.flat.shape
        return self.flat.as_strided((max(rows - width + 1, 0), width * bands), (bands, 1))

    def starts(self, width: int) -> tuple[Tensor, Tensor]:
        """Rows of `vectors(width)` that stay within a clip, and the clip each belongs to; int64, on the device.

        Raises:
            BadInput: a clip has fewer than `width` frames.
        """
        short = (self.counts < width).nonzero().flatten()
        if len(short):
            clip = int(short[0])
            raise BadInput(
                f"clip {clip} has {int(self.counts[clip])} frames: a vector needs {width}; leave short clips out"
            )
        clip_of_frame = torch.repeat_interleave(torch.arange(len(self.counts)), self.counts)
        first = torch.cumsum(self.counts, 0) - self.counts
        place = torch.arange(len(clip_of_frame)) - first[clip_of_frame]
        whole = place <= (self.counts - width)[clip_of_frame]
        device = self.flat.device
        return whole.nonzero().flatten().to(device), clip_of_frame[whole].to(device)


class Vectors:
    """Stacked vectors of `frames` neighbouring frames of some clips, gathered by number.

    Attributes:
        clips: number of clips.
        clip: clip of each vector, int64 (vector,), on the device.
    """

    def __init__(self, bank: FrameBank, frames: int):
        self._rows, self.clips = bank.vectors(frames), len(bank)
        self._start, self.clip = bank.starts(frames)

    def __len__(self) -> int:
        return len(self._start)

    def __getitem__(self, numbers: Tensor) -> Tensor:
        """(number,) to (number, frames * band)."""
        return self._rows[self._start[numbers]]


def frame_bank(
    clips: TrainClips | TestClips,
    positions: Iterable[int],
    feature: Callable[[Tensor], Tensor],
    device: str = "cpu",
) -> FrameBank:
    """The feature (clip, sample) -> (clip, frame, band) of the clips at `positions`, in that order."""
    positions = np.asarray(list(positions), dtype=np.int64)
    place = {int(position): i for i, position in enumerate(positions)}
    parts: list[Tensor | None] = [None] * len(positions)
    for chosen, waves in clips.batches(positions, CLIPS_AT_ONCE):
        for position, spectrogram in zip(chosen, feature(waves.to(device))):
            parts[place[int(position)]] = spectrogram
    done = [part for part in parts if part is not None]
    counts = torch.tensor([len(part) for part in done], dtype=torch.int64)
    return FrameBank(torch.cat(done), counts)
