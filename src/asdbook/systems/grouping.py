"""What systems ask of training clips beyond their sound: recordings, held-out recordings, domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from asdbook.errors import BadInput

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

GroupBy = Literal["machine", "id"]


def recordings(train: TrainClips) -> np.ndarray:
    """A name for the recording each clip was cut from; where it is not known, the clip is its own recording."""
    groups = train.group("id")
    return np.array(
        [f"{g}#{i}" if pd.isna(r) else f"{g}/{r}" for i, (g, r) in enumerate(zip(groups, train.recording))],
        dtype=object,
    )


def is_target(train: TrainClips) -> np.ndarray:
    """Whether each clip is of the target domain; unknown domains count as source."""
    return np.array([not pd.isna(d) and str(d) == "target" for d in train.domain], dtype=bool)


def hold_out(names: np.ndarray, part: float, rng: np.random.Generator, where: str) -> np.ndarray:
    """A boolean mask of held-out clips: whole recordings, drawn until they hold `part` of the clips.

    Args:
        names: recording of each clip.
        part: share of the clips, above 0 and below 1.
        rng: draws the recordings.
        where: machine or group, for the message.

    Raises:
        BadInput: all clips come from one recording.
    """
    code, unique = pd.factorize(names)  # in order of appearance: what clips are called changes nothing
    if len(unique) < 2:
        raise BadInput(
            f"{where}: its {len(names)} training clip(s) come from one recording; at least two recordings are "
            "needed, one to be held out"
        )
    drawn = rng.permutation(len(unique))[:-1]  # one always stays for training
    sizes = np.bincount(code)[drawn]
    enough = int(np.searchsorted(np.cumsum(sizes), part * len(names))) + 1
    return np.isin(code, drawn[:enough])


def by_group(clips: TrainClips | TestClips, group_by: GroupBy) -> dict[str, np.ndarray]:
    """Group name ("fan" or "fan/02") to the positions of its clips, groups in order of their names."""
    groups = clips.group(group_by).astype(str)
    return {str(name): np.flatnonzero(groups == name) for name in np.unique(groups)}


def filled(
    clips: TestClips, group_by: GroupBy, known: set[str], score: Callable[[str, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Scores of all clips, group by group: `score(group, positions)`; float64 (clip,).

    Raises:
        BadInput: clips of a group that has no training clips.
    """
    values = np.full(len(clips), np.nan)
    for group, positions in by_group(clips, group_by).items():
        if group not in known:
            raise BadInput(
                f"no training clips of {group!r}: add some, leave its test clips out, or set group_by=machine"
            )
        values[positions] = score(group, positions)
    return values
