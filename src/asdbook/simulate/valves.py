"""Solenoid valves (methods/simulator.md 3.5): click, air burst, click; a controller's pattern of openings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, envelope, lognormal, scatter, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, stack, turning, voice
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, balance, cast, factor, tilt, tuned

FAULTS = {
    "leak": (
        "The closed valve leaks: a hiss fills the gaps between openings.",
        "noise above 3 kHz between events",
    ),
    "sticking": (
        "The plunger sticks: opens late and softly, bounces, closes late.",
        "timing; a weaker first click and a second one 12-22 ms later",
    ),
    "contamination": (
        "Dirt in the seat: extra clicks and a rough burst after opening.",
        "clicks at 0.35-3 kHz, 20-120 ms after opening",
    ),
    "coil": (
        "A loose coil buzzes at twice the mains frequency.",
        "100 Hz and its harmonics, 0.1-1.2 kHz, all the time",
    ),
}

PATTERNS = (
    ((0.00, 0.20),),
    ((0.00, 0.12), (0.30, 0.12)),
    ((0.00, 0.30),),
    ((0.00, 0.10), (0.24, 0.22)),
)
"""Openings (start, duration in s) within one period of the controller, by pattern attribute."""
PERIODS = (0.62, 0.86, 0.74, 0.94)
"""Period in s of each pattern: short enough that a 1 s clip holds an opening."""
SHARES = {"open": 0.60, "close": 0.48, "burst": 0.62, "hum": 0.056}
"""RMS over the whole clip; the coil's hum is 25 dB below."""
COIL_HZ = 100.0


@dataclass(frozen=True)
class Valve:
    """What a valve is from clip to clip."""

    opening: Modes
    closing: Modes
    seat: Modes
    attack: float  # s
    decay: float  # s
    colour: float  # knee of the burst, Hz
    fall: float
    tempo: float  # factor on the controller's periods
    hum_lines: np.ndarray
    shares: dict[str, float]


@dataclass(frozen=True)
class Events:
    """What the valve does in one clip: one entry per commanded opening, also those outside the clip.

    Faults move events and may push them out of the clip. Whatever scatters is therefore drawn per commanded
    event before any is left out: an event has the same draws in a clip and in its healthy twin.
    """

    opens: np.ndarray  # samples
    closes: np.ndarray
    rate: float  # commanded openings per s
    n: int  # samples of the clip

    def inside(self, positions: np.ndarray) -> np.ndarray:
        """Which of the events at `positions` lie in the clip; openings and closings are asked separately."""
        return (positions > 0) & (positions < self.n - 1)


def design(rng: np.random.Generator, individual: Tolerance) -> Valve:
    """A valve of this data seed."""
    return Valve(
        opening=cast(individual, draw_modes(rng, 600, 4500, 5, (0.015, 0.05))),
        closing=cast(individual, draw_modes(rng, 500, 3800, 5, (0.015, 0.05))),
        seat=cast(individual, draw_modes(rng, 350, 3000, 4, (0.02, 0.06))),
        attack=0.003 * factor(individual, KNEE),
        decay=rng.uniform(0.030, 0.080) * factor(individual, KNEE),
        colour=rng.uniform(2500, 4000) * factor(individual, KNEE),
        fall=tilt(individual, 0.7),
        tempo=rng.uniform(0.95, 1.05) * factor(individual, 0.01),
        hum_lines=tuned(individual, voice(rng, 6, 4.0)),
        shares=balance(individual, SHARES),
    )


def schedule(valve: Valve, take: Take) -> tuple[np.ndarray, np.ndarray, float]:
    """Commanded opening and closing positions in samples (float) and the mean rate per s.

    The controller is a clock: errors of 2-4 ms an event do not add up.
    """
    rng = take.rng("schedule")
    pattern = PATTERNS[take.point.pattern % len(PATTERNS)]
    period = PERIODS[take.point.pattern % len(PERIODS)] * valve.tempo
    starts = np.arange(-1, take.span / period + 1) + rng.random()
    opens = np.concatenate([(starts * period + begin) for begin, _ in pattern])
    length = np.concatenate([np.full(len(starts), duration) for _, duration in pattern])
    order = np.argsort(opens)
    opens, length = opens[order], length[order]
    opens = opens + rng.normal(0, 0.003, len(opens))
    closes = opens + length + rng.normal(0, 0.003, len(opens))
    return opens * FS, closes * FS, len(pattern) / period


def delayed(take: Take, opens: np.ndarray, closes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions with a sticking plunger: opening late by |N| 40 g ms, closing by 60 g ms."""
    stick = take.amount("sticking")
    slow = np.minimum(np.abs(take.rng("fault").standard_normal(len(opens))), 2)
    late, shut_late = slow * 0.040 * FS * stick, 0.060 * FS * stick
    if take.has("sticking"):
        for due, delay, tail in ((opens, late, 0.12), (closes, np.full(len(closes), shut_late), 0.04)):
            for begin, wait in zip(due, delay):
                start = (begin - take.lead) / FS
                take.box(200, 7900, start - 0.01, start + wait / FS + tail)
    return opens + late, closes + shut_late


def sound(valve: Valve, take: Take) -> np.ndarray:
    """The valve close by, float32 (n,), about unit RMS over the whole clip when healthy."""
    opens, closes, rate = schedule(valve, take)
    events = Events(*delayed(take, opens, closes), rate, take.n)
    x = _clicks(valve, take, events)
    x += _burst(valve, take, events)
    x += take.level("hum", valve.shares["hum"]) * stack(
        turning(np.full(take.n, COIL_HZ)).z, valve.hum_lines, take.rng("hum").random(6), COIL_HZ
    )
    if take.has("leak"):
        x += _leak(take, events)
    if take.has("sticking"):
        x += _rebound(valve, take, events)
    if take.has("contamination"):
        x += _grit(valve, take, events)
    if take.has("coil"):
        x += _buzz(take)
    return x


def _clicks(valve: Valve, take: Take, events: Events) -> np.ndarray:
    uneven = scatter(take.rng("clicks"), 0.12, (len(events.opens), 2))
    strength = valve.shares["open"] / np.sqrt(events.rate) * db(-9 * take.amount("sticking"))
    first = take.level("open", strength) * uneven[:, 0]
    second = take.level("close", valve.shares["close"] / np.sqrt(events.rate)) * uneven[:, 1]
    x = np.zeros(take.n, np.float32)
    for name, at, force, modes in (
        ("open", events.opens, first, valve.opening),
        ("close", events.closes, second, valve.closing),
    ):
        here = events.inside(at)
        x += strike(at[here], force[here], modes.jittered(take.rng(f"{name} modes"), 0.01, 0.5), take.n)
    return x


def _burst(valve: Valve, take: Take, events: Events) -> np.ndarray:
    grit = take.amount("contamination")
    uneven = scatter(take.rng("burst"), 0.12, len(events.opens))
    here = events.inside(events.opens)
    shape = envelope(events.opens[here], uneven[here], valve.attack, valve.decay, take.n)
    air = coloured(take.rng("burst air"), take.n, slope(take.n, valve.colour, 1.2, valve.fall))
    rough = np.abs(coloured(take.rng("roughness"), take.n, slope(take.n, 60, 2.0, 3.0)))
    # |rough| has mean 0.8 and mean square 1: the burst gets rougher, not louder
    air = air * ((1 + np.float32(grit) * rough) / np.float32(np.sqrt(1 + 1.6 * grit + grit**2)))
    scale = valve.shares["burst"] / np.sqrt(events.rate * valve.decay / 2)  # mean square of the envelope
    return take.level("burst", scale) * shape * air


def _leak(take: Take, events: Events) -> np.ndarray:
    """Hiss while the valve is shut; its own burst would mask it anyway."""
    opens = np.clip(np.rint(events.opens), 0, take.n).astype(int)
    closes = np.clip(np.rint(events.closes), 0, take.n).astype(int)
    open_now = np.zeros(take.n + 1)
    np.add.at(open_now, opens, 1)
    np.add.at(open_now, closes, -1)
    shut = 1 - np.clip(np.cumsum(open_now[:-1]), 0, 1)
    window = np.hanning(161)  # 10 ms edges
    gate = np.convolve(shut, window / window.sum(), "same").astype(np.float32)
    hiss = coloured(take.rng("fault leak"), take.n, slope(take.n, 4800, 1.2, 0.6))
    for start, stop in zip(closes[:-1], opens[1:]):  # the schedule begins before the clip and ends after it
        if stop - start > 0.02 * FS:
            take.box(1500, 7900, (start - take.lead) / FS + 0.01, (stop - take.lead) / FS - 0.01)
    return np.float32(take.amount("leak")) * gate * hiss


def _rebound(valve: Valve, take: Take, events: Events) -> np.ndarray:
    rng = take.rng("fault rebound")
    at = events.opens + rng.uniform(0.012, 0.022, len(events.opens)) * FS
    uneven = scatter(rng, 0.2, len(at))
    force = 0.5 * min(take.amount("sticking"), 2.0) * valve.shares["open"] / np.sqrt(events.rate)
    here = events.inside(at)
    return strike(at[here], force * uneven[here], valve.opening, take.n)


def _grit(valve: Valve, take: Take, events: Events) -> np.ndarray:
    rng = take.rng("fault grit")
    grains = 3  # an opening: one grain with all the energy would reach full scale
    at = (events.opens[:, None] + rng.uniform(0.020, 0.120, (len(events.opens), grains)) * FS).ravel()
    force = take.amount("contamination") / np.sqrt(grains * events.rate) * lognormal(rng, 0.4, len(at))
    here = events.inside(at)
    take.box_events(events.opens, 0.15, 200, 7900)
    return strike(at[here], force[here], valve.seat.jittered(rng, 0.08, 3.0), take.n)


def _buzz(take: Take) -> np.ndarray:
    rng = take.rng("fault buzz")
    lines = 10 ** (-2 * np.arange(12) / 20)  # flat comb: -2 dB a harmonic
    lines = lines / np.sqrt(np.sum(lines**2) / 2)
    take.box_lines(COIL_HZ * np.arange(1, 13), 25)
    buzz = turning(np.full(take.n, COIL_HZ), start=float(rng.random()))
    return np.float32(take.amount("coil")) * stack(buzz.z, lines, rng.random(12) * 0.2, COIL_HZ)
