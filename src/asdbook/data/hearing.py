"""What a check hears in a sound file: one decoding each, and only numbers are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asdbook.data.audio import Header, Unusable, decode
from asdbook.data.waves import FULL_SCALE

CLIPPED_SHARE = 1e-3
"""From this share of samples on a clip counts as clipped: 160 samples of 10 s, which can be heard [our choice]."""
_RUN = 3  # samples: a sine's own peak may touch full scale twice in a row, a flat top lasts longer
_CHUNK = 256  # files handed to the pool at a time


@dataclass(frozen=True)
class Heard:
    """A usable file.

    Attributes:
        header: rate, channels, sample format, length.
        digest: of the samples at 16 kHz, first channel: equal sounds have equal digests.
        constant: all samples are equal (digital silence, a dead channel).
        clipped: share of samples in flat tops at full scale.
    """

    header: Header
    digest: str
    constant: bool
    clipped: float


def hear(path: Path) -> Heard:
    """Decodes a file and measures it.

    Raises:
        Unusable: see `audio.decode`.
    """
    decoded = decode(path)
    samples = decoded.samples
    low, high = int(samples.min()), int(samples.max())
    flat = _flat_tops(samples) if high >= FULL_SCALE - 1 or low <= 1 - FULL_SCALE else 0
    return Heard(
        header=decoded.header,
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
        constant=low == high,
        clipped=0.0 if low == high else max(flat, decoded.clipped) / len(samples),
    )


def _flat_tops(samples: np.ndarray) -> int:
    """Samples at full scale that lie in runs of at least `_RUN`; some converters stop at -32767."""
    top = (samples >= FULL_SCALE - 1).astype(np.int8) - (samples <= 1 - FULL_SCALE).astype(np.int8)
    edges = np.flatnonzero(np.diff(top, prepend=np.int8(0), append=np.int8(0)))
    starts, lengths = edges[:-1], np.diff(edges)
    return int(lengths[(top[starts] != 0) & (lengths >= _RUN)].sum())


def hear_all(
    root: Path, paths: Sequence[str], threads: int, progress: Callable[[str], None]
) -> dict[str, Heard | str]:
    """Every file once, on several threads: what was heard, or the reason why nothing was."""

    def one(path: str) -> Heard | str:
        try:
            return hear(root / path)
        except Unusable as problem:
            return str(problem)

    heard: dict[str, Heard | str] = {}
    with ThreadPoolExecutor(threads) as pool:
        for part in _chunks(paths):
            heard.update(zip(part, pool.map(one, part), strict=True))
            if len(paths) > _CHUNK:
                progress(f"{len(heard)} of {len(paths)} clips heard")
    return heard


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(paths), _CHUNK):
        yield paths[first : first + _CHUNK]
