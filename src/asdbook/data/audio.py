"""One sound file: is it usable, and what are its samples at 16 kHz, one channel, int16."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile

from asdbook.data.waves import FULL_SCALE, SAMPLE_RATE

MIN_SECONDS = 0.2
"""Shortest usable clip: one official input of five frames takes 1024 + 4 * 512 samples, 0.192 s."""

RATES = (4_000, 768_000)
"""Hz: what recorders offer. Another rate is a damaged header, and resampling from it could fill the memory."""

_UNKNOWN_SIZE = (0, 0xFFFFFFFF)  # what programs write that stream to a pipe and cannot go back


class Unusable(Exception):
    """A file that cannot be used; the message is the reason, without the path."""


@dataclass(frozen=True)
class Header:
    """What the header says: samples per channel, Hz, channels, soundfile's name of the sample format."""

    frames: int
    rate: int
    channels: int
    subtype: str

    @property
    def seconds(self) -> float:
        """Duration, s."""
        return self.frames / self.rate


@dataclass(frozen=True)
class Decoded:
    """int16 samples (samples,) of the first channel at 16 kHz, and what was done to get there."""

    samples: np.ndarray
    header: Header
    clipped: int
    """Samples beyond full scale, which were set to full scale."""


def read_header(path: Path) -> Header:
    """Reads a sound file's header and compares it with the file's size.

    Raises:
        Unusable: unreadable, empty, truncated, very short, or at an unlikely rate.
    """
    try:
        if path.stat().st_size == 0:
            raise Unusable("empty: 0 bytes")
        missing = _missing_bytes(path)
        if missing:
            raise Unusable(f"truncated: the last {missing} bytes of sound are missing")
        info = soundfile.info(str(path))
    except (OSError, RuntimeError) as error:  # soundfile raises RuntimeError's child LibsndfileError
        raise Unusable(f"unreadable: {_one_line(error)}") from error
    header = Header(info.frames, info.samplerate, info.channels, info.subtype)
    if header.frames == 0:
        raise Unusable("empty: no samples")
    if not RATES[0] <= header.rate <= RATES[1]:
        raise Unusable(f"unlikely rate: {header.rate} Hz, expected {RATES[0]} to {RATES[1]} Hz (a damaged header?)")
    if header.seconds < MIN_SECONDS:
        raise Unusable(f"too short: {header.seconds:.5g} s, at least {MIN_SECONDS} s")
    return header


def _missing_bytes(path: Path) -> int:
    """Bytes of sound that a RIFF header promises and the file does not have; 0 for other formats.

    libsndfile corrects the header silently, so that half a clip would pass for a short one.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return 0
        while True:
            chunk = file.read(8)
            if len(chunk) < 8:
                return 0
            name, promised = struct.unpack("<4sI", chunk)
            if name == b"data":
                return 0 if promised in _UNKNOWN_SIZE else max(0, promised - (size - file.tell()))
            file.seek(promised + promised % 2, os.SEEK_CUR)


def decode(path: Path) -> Decoded:
    """First channel at 16 kHz as int16; 16-bit files at 16 kHz keep their samples bit for bit.

    Raises:
        Unusable: as `read_header`, and samples that are not finite.
    """
    header = read_header(path)
    exact = header.subtype == "PCM_16" and header.rate == SAMPLE_RATE
    try:
        read, _ = soundfile.read(str(path), dtype="int16" if exact else "float64", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise Unusable(f"unreadable: {_one_line(error)}") from error
    if len(read) != header.frames:
        raise Unusable(f"truncated: {len(read)} of {header.frames} samples")
    first = np.ascontiguousarray(read[:, 0])
    if exact:
        return Decoded(first, header, clipped=0)
    if not np.isfinite(first).all():
        bad = int(np.flatnonzero(~np.isfinite(first))[0])
        raise Unusable(f"not finite: sample {bad} is {first[bad]}")
    return _to_int16(resampled(first, header.rate), header)


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """float64 (samples,) from `rate` Hz to 16 kHz, polyphase with SciPy's Kaiser window (beta 5)."""
    if rate == SAMPLE_RATE:
        return samples
    from scipy.signal import resample_poly  # costs half a second: only where it is needed

    common = gcd(rate, SAMPLE_RATE)
    return resample_poly(samples, SAMPLE_RATE // common, rate // common)


def _to_int16(samples: np.ndarray, header: Header) -> Decoded:
    scaled = np.rint(samples * FULL_SCALE)
    limited = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1)
    # +1.0 itself rounds to 32768 and loses one step: no clipping that anybody hears.
    clipped = int(np.count_nonzero(np.abs(scaled) > FULL_SCALE))
    return Decoded(limited.astype(np.int16), header, clipped)


def _one_line(error: BaseException) -> str:
    """The message without the path, which the caller puts in front."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
