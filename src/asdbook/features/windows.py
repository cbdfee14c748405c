"""Windows of one fixed length from clips of any length, for networks that are built for one length.

A clip shorter than the window is tiled, never padded: a silent tail would tell machines apart by the length of their
recordings. In training a clip no longer than the window starts anywhere, so that one of the window's own length is
turned round, with a seam inside; a longer clip is cut at a random place. To score, a clip starts at its start, and
enough windows cover a longer one. [our choice, after the cited systems, which tile and cut at random]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from asdbook.errors import BadInput
from asdbook.features.framing import check_waves

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

CLIPS_AT_ONCE = 64
FULL_SCALE = 32_768.0  # int16 value of 1.0


class WindowBank:
    """All clips of a set as int16 on the device, cut into windows of `samples` by index.

    Args:
        clips: training or test clips.
        samples: length of a window.
        device: where the samples lie.

    Raises:
        BadInput: a clip holds NaN, or has no samples.
    """

    def __init__(self, clips: TrainClips | TestClips, samples: int, device: str = "cpu"):
        self.samples = samples
        lengths = torch.from_numpy(np.array(clips.lengths, dtype=np.int64))
        if len(lengths) and int(lengths.min()) < 1:
            raise BadInput(f"clip {int(lengths.argmin())} has no samples: leave it out")
        self.lengths, starts = lengths.to(device), torch.cumsum(lengths, 0) - lengths
        self._starts = starts.to(device)
        self._flat = torch.empty(int(lengths.sum()), dtype=torch.int16, device=device)
        for positions, waves in clips.batches(None, CLIPS_AT_ONCE):
            check_waves(waves)
            whole = (waves * FULL_SCALE).round().to(torch.int16).to(device)
            for position, wave in zip(positions, whole):
                start = int(starts[position])
                self._flat[start : start + len(wave)] = wave

    def __len__(self) -> int:
        return len(self.lengths)

    def windows(self, positions: Tensor, offsets: Tensor) -> Tensor:
        """Float32 (window, sample): the clip at each position from its offset on, tiled where it ends."""
        steps = torch.arange(self.samples, device=self._flat.device)
        place = (offsets[:, None] + steps) % self.lengths[positions, None]
        return self._flat[self._starts[positions, None] + place].to(torch.float32).div_(FULL_SCALE)

    def drawn(self, positions: Tensor) -> Tensor:
        """One window a clip at a random offset: anywhere in a shorter clip, wholly inside a longer one."""
        length = self.lengths[positions]
        room = torch.where(length > self.samples, length - self.samples + 1, length)
        share = torch.rand(len(positions), device=self._flat.device, dtype=torch.float64)
        return self.windows(positions, (share * room).long().clamp(max=room - 1))

    def cover(self) -> tuple[Tensor, Tensor]:
        """Clip and offset of the windows that cover every clip: one at 0, or as few evenly spaced as reach its end."""
        counts = -(-self.lengths // self.samples)
        clip = torch.repeat_interleave(torch.arange(len(self), device=counts.device), counts)
        number = torch.arange(len(clip), device=counts.device) - (torch.cumsum(counts, 0) - counts)[clip]
        room = (self.lengths - self.samples).clamp(min=0)[clip]
        return clip, room * number // (counts[clip] - 1).clamp(min=1)
