"""Solenoid valves (methods/simulator.md 3.5): click, air burst, click; a controller's pattern of openings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asdbook.simulate.impacts import Modes, draw_modes, envelope, lognormal, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, stack, turning, voice
from asdbook.simulate.take import Take, db

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
    tempo: float  # factor on the controller's periods
    hum_lines: np.ndarray


def design(rng: np.random.Generator, individual: np.random.Generator) -> Valve:
    """A valve of this data seed."""
    return Valve(
        opening=draw_modes(rng, 600, 4500, 5, (0.015, 0.05)).jittered(individual, 0.05, 1.5),
        closing=draw_modes(rng, 500, 3800, 5, (0.015, 0.05)).jittered(individual, 0.05, 1.5),
        seat=draw_modes(rng, 350, 3000, 4, (0.02, 0.06)).jittered(individual, 0.05, 1.5),
        attack=0.003,
        decay=rng.uniform(0.030, 0.080),
        colour=rng.uniform(2500, 4000),
        tempo=rng.uniform(0.95, 1.05),
        hum_lines=voice(rng, 6, 4.0),
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


def sound(valve: Valve, take: Take) -> np.ndarray:
    """The valve close by, float32 (n,), about unit RMS over the whole clip when healthy."""
    opens, closes, rate = schedule(valve, take)
    rng = take.rng("fault")
    stick = take.amount("sticking")
    late = np.abs(rng.standard_normal(len(opens))) * 0.040 * FS * stick
    shut_late = 0.060 * FS * stick
    opens, closes = opens + late, closes + shut_late
    inside = (opens > 0) & (closes < take.n - 1)
    opens, closes = opens[inside], closes[inside]
    x = _clicks(valve, take, opens, closes, rate, stick)
    x += _burst(valve, take, opens, rate)
    x += take.level("hum", SHARES["hum"]) * stack(
        turning(np.full(take.n, COIL_HZ)).z, valve.hum_lines, take.rng("hum").random(6), COIL_HZ
    )
    if take.has("leak"):
        x += _leak(take, opens, closes, valve)
    if take.has("sticking"):
        x += _rebound(valve, take, opens, rate)
        for due, now, tail in ((opens - late[inside], opens, 0.12), (closes - shut_late, closes, 0.04)):
            for begin, end in zip(due, now):
                take.box(200, 7900, (begin - take.lead) / FS - 0.01, (end - take.lead) / FS + tail)
    if take.has("contamination"):
        x += _grit(valve, take, opens, rate)
    if take.has("coil"):
        x += _buzz(take)
    return x


def _clicks(
    valve: Valve, take: Take, opens: np.ndarray, closes: np.ndarray, rate: float, stick: float
) -> np.ndarray:
    rng = take.rng("clicks")
    scatter = 1 + 0.12 * np.clip(rng.standard_normal((2, len(opens))), -2, 2)
    first = take.level("open", SHARES["open"] / np.sqrt(rate) * db(-9 * stick))
    second = take.level("close", SHARES["close"] / np.sqrt(rate))
    x = strike(opens, first * scatter[0], valve.opening.jittered(take.rng("open modes"), 0.01, 0.5), take.n)
    x += strike(closes, second * scatter[1], valve.closing.jittered(take.rng("close modes"), 0.01, 0.5), take.n)
    return x


def _burst(valve: Valve, take: Take, opens: np.ndarray, rate: float) -> np.ndarray:
    rng = take.rng("burst")
    grit = take.amount("contamination")
    scatter = 1 + 0.12 * np.clip(rng.standard_normal(len(opens)), -2, 2)
    shape = envelope(opens, scatter, valve.attack, valve.decay, take.n)
    air = coloured(rng, take.n, slope(take.n, valve.colour, 1.2, 0.7))
    rough = np.abs(coloured(take.rng("roughness"), take.n, slope(take.n, 60, 2.0, 3.0)))
    # |rough| has mean 0.8 and mean square 1: the burst gets rougher, not louder
    air = air * ((1 + np.float32(grit) * rough) / np.float32(np.sqrt(1 + 1.6 * grit + grit**2)))
    scale = SHARES["burst"] / np.sqrt(rate * valve.decay / 2)  # mean square of the envelope
    return take.level("burst", scale) * shape * air


def _leak(take: Take, opens: np.ndarray, closes: np.ndarray, valve: Valve) -> np.ndarray:
    """Hiss while the valve is shut; its own burst would mask it anyway."""
    open_now = np.zeros(take.n + 1)
    np.add.at(open_now, np.clip(np.rint(opens), 0, take.n).astype(int), 1)
    np.add.at(open_now, np.clip(np.rint(closes), 0, take.n).astype(int), -1)
    shut = 1 - np.clip(np.cumsum(open_now[:-1]), 0, 1)
    window = np.hanning(161)  # 10 ms edges
    gate = np.convolve(shut, window / window.sum(), "same").astype(np.float32)
    hiss = coloured(take.rng("fault leak"), take.n, slope(take.n, 4800, 1.2, 0.6))
    edges = np.concatenate([[0.0], closes, [take.n]]), np.concatenate([opens, [take.n], [take.n]])
    for start, stop in zip(*edges):
        if stop - start > 0.02 * FS:
            take.box(1500, 7900, (start - take.lead) / FS + 0.01, (stop - take.lead) / FS - 0.01)
    return np.float32(take.amount("leak")) * gate * hiss


def _rebound(valve: Valve, take: Take, opens: np.ndarray, rate: float) -> np.ndarray:
    rng = take.rng("fault rebound")
    at = np.clip(opens + rng.uniform(0.012, 0.022, len(opens)) * FS, 0, take.n - 1)
    force = 0.5 * min(take.amount("sticking"), 2.0) * SHARES["open"] / np.sqrt(rate)
    return strike(at, force * (1 + 0.2 * rng.standard_normal(len(at))), valve.opening, take.n)


def _grit(valve: Valve, take: Take, opens: np.ndarray, rate: float) -> np.ndarray:
    rng = take.rng("fault grit")
    grains = 3  # an opening: one grain with all the energy would reach full scale
    at = opens[:, None] + rng.uniform(0.020, 0.120, (len(opens), grains)) * FS
    at = np.clip(at.ravel(), 0, take.n - 1)
    force = take.amount("contamination") / np.sqrt(grains * rate) * lognormal(rng, 0.4, len(at))
    take.box_events(opens, 0.15, 200, 7900)
    return strike(at, force, valve.seat.jittered(rng, 0.08, 3.0), take.n)


def _buzz(take: Take) -> np.ndarray:
    rng = take.rng("fault buzz")
    lines = 10 ** (-2 * np.arange(12) / 20)  # flat comb: -2 dB a harmonic
    lines = lines / np.sqrt(np.sum(lines**2) / 2)
    take.box_lines(COIL_HZ * np.arange(1, 13), 25)
    buzz = turning(np.full(take.n, COIL_HZ), start=float(rng.random()))
    return np.float32(take.amount("coil")) * stack(buzz.z, lines, rng.random(12) * 0.2, COIL_HZ)
