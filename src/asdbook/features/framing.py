"""Cutting waveforms into frames, and refusing waveforms that no feature can be computed from."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from asdbook.errors import BadInput


def check_waves(waves: Tensor, at_least: int = 1) -> None:
    """Refuses a batch that is not (clip, sample), is shorter than `at_least` samples, or is not finite.

    Raises:
        BadInput: names the first clip of the batch that cannot be used.
    """
    if waves.ndim != 2:
        raise BadInput(f"waveforms of shape {tuple(waves.shape)}: give a batch of shape (clip, sample)")
    if waves.shape[1] < at_least:
        raise BadInput(
            f"clips of {waves.shape[1]} samples: this feature needs at least {at_least}; leave short clips out"
        )
    # The sum of a clip is finite unless a sample is not (float32 sums of values in [-1, 1) cannot overflow).
    sums = waves.sum(dim=1)
    if not bool(torch.isfinite(sums).all()):
        clip = int((~torch.isfinite(sums)).nonzero()[0])
        raise BadInput(f"clip {clip} of the batch holds NaN or infinite samples: repair or leave out the file")


def frame_count(samples: int, size: int = 1024, hop: int = 512, center: bool = True) -> int:
    """Frames of a clip: 1 + floor(n / hop) when centred, else 1 + floor((n - size) / hop)."""
    usable = samples if center else samples - size
    return 1 + usable // hop if usable >= 0 else 0


def frames(waves: Tensor, size: int = 1024, hop: int = 512, center: bool = True) -> Tensor:
    """Overlapping frames as a view: (clip, sample) -> (clip, frame, size).

    `center` pads half a frame of zeros at both ends, as librosa does since 0.10 (`pad_mode="constant"`).
    """
    check_waves(waves, 1 if center else size)
    if center:
        waves = functional.pad(waves, (size // 2, size // 2))
    return waves.unfold(1, size, hop)
