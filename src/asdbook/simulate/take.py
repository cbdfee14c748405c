"""What a machine family is given to render one clip: length, operating point, streams and fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import fft

from asdbook.simulate.phase import FS

LEAD = round(0.3 * FS)
"""Least lead-in that is rendered and cut: circular convolution is then exact for the kept part, every
resonance is in steady state, and no clip starts with a fade-in."""
JITTER_DB = 1.5
"""Standard deviation of each component's level between clips of one machine (methods/simulator.md 10)."""


def rendered_length(kept: int) -> int:
    """Samples to render for `kept` samples: lead-in included, an even 5-smooth length (fast transforms).

    4 s become 69 120 samples, a lead-in of 0.32 s.
    """
    n = fft.next_fast_len(kept + LEAD, real=True)
    while n % 2:
        n = fft.next_fast_len(n + 1, real=True)
    return n


@dataclass(frozen=True)
class Operating:
    """The physical meaning of a clip's attributes.

    Attributes:
        individual: which copy of the machine (car A1 ... E2); "00" where there is one.
        speed: relative to the design speed.
        load: 0 (none) to 1 (full).
        ramp: acceleration relative to the design's.
        pattern: which switching pattern (valve).
        site: whose factory noise surrounds it.
        place: room and position of the microphone in it.
        microphone: which microphone.
        also: a second machine of the same type that runs at the same time, always healthy.
    """

    individual: str = "00"
    speed: float = 1.0
    load: float = 0.5
    ramp: float = 1.0
    pattern: int = 0
    site: str = "source"
    place: str = "-"
    microphone: str = "1"
    also: Operating | None = None

    def beside(self, other: Operating) -> Operating:
        """This machine with `other` running next to it."""
        return replace(self, also=other)


@dataclass(frozen=True)
class Fault:
    """One fault of one clip.

    Attributes:
        name: as in the family's `FAULTS`.
        severity: s in [0, 1]; 0 is the healthy twin.
        gain: g = g1 s^1.5: amplitude relative to the healthy machine's RMS for faults that add a sound,
            multiple of the designed change for faults that alter one. Exactly 0 at s = 0.
    """

    name: str
    severity: float
    gain: float


@dataclass
class Take:
    """One clip in the making.

    Attributes:
        n: samples rendered, lead-in included.
        lead: samples that are cut in front.
        point: operating point.
        streams: purpose to generator; each component asks for its own, so that none shifts another.
        fault: the clip's fault or None.
        boxes: [t0, t1, f0, f1] in s and Hz, where the fault shows; filled by the family.
    """

    n: int
    lead: int
    point: Operating
    streams: Callable[[str], np.random.Generator]
    fault: Fault | None = None
    boxes: list[list[float]] = field(default_factory=list)

    def amount(self, name: str) -> float:
        """The gain of fault `name` in this clip, 0.0 where the clip has another fault or none."""
        return self.fault.gain if self.fault is not None and self.fault.name == name else 0.0

    def has(self, name: str) -> bool:
        """Whether the clip carries fault `name` (also at severity 0: the anomaly path is walked)."""
        return self.fault is not None and self.fault.name == name

    def rng(self, purpose: str) -> np.random.Generator:
        """The stream of one component of this clip."""
        return self.streams(purpose)

    def level(self, component: str, scale: float) -> np.float32:
        """`scale` with this clip's jitter of that component."""
        jitter = float(np.clip(self.rng(f"level {component}").standard_normal(), -2, 2))
        return np.float32(scale * 10 ** (JITTER_DB * jitter / 20))

    @property
    def seconds(self) -> float:
        """Length of the kept part in s."""
        return (self.n - self.lead) / FS

    @property
    def span(self) -> float:
        """Length of the rendered part in s."""
        return self.n / FS

    def box(self, low: float, high: float, start: float = 0.0, stop: float | None = None) -> None:
        """Notes that the fault shows between `low` and `high` Hz, from `start` to `stop` s of the clip."""
        stop = self.seconds if stop is None else stop
        start, stop = max(0.0, start), min(self.seconds, stop)
        if stop > start:
            self.boxes.append([round(start, 4), round(stop, 4), round(low, 1), round(min(high, FS / 2), 1)])

    def box_lines(self, lines: Iterable[float], half_width: float) -> None:
        """One box over the whole clip around each line in Hz, `half_width` Hz to either side."""
        for hz in lines:
            if hz + half_width < FS / 2:
                self.box(max(hz - half_width, 1.0), hz + half_width)

    def box_events(self, positions: np.ndarray, length: float, low: float, high: float) -> None:
        """One box per event at rendered sample `positions`, each `length` s long; overlapping ones merge."""
        begin = -1.0
        end = -1.0
        for start in np.sort((positions - self.lead) / FS) - 0.002:
            if start > end:
                self.box(low, high, begin, end) if end > 0 else None
                begin = float(start)
            end = float(start) + length + 0.002
        if end > 0:
            self.box(low, high, begin, end)


def db(value: float) -> float:
    """Amplitude factor of `value` decibels."""
    return float(10 ** (value / 20))
