"""Factory noise: bank A (source), bank B (target), and bank C from other generator families.

A and B are weighted sums of six generators whose centre values belong to a site; clips scatter around
them. C holds sounds of other families (squeals, glides, tools, alarms, voices, melodies, wind, crackle), so
that augmentation with it does not rehearse the test noise; `matched=True` draws C from A's family as an
upper bound (methods/simulator.md 1b.6, 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asdbook.simulate.impacts import Modes, draw_modes, lognormal, strike
from asdbook.simulate.noise import coloured, slope
from asdbook.simulate.phase import FS, Drive, shaft, stack, turning, voice, wander

WEIGHTS_DB = {"ventilation": 0.0, "hum": -12.0, "rotating": -8.0, "press": -8.0, "hiss": -8.0, "clatter": -6.0}
"""Mean RMS of the generators, dB."""
SITE_SPREAD_DB = 4.0
"""Half-range of a site's weights around the means."""
CLIP_SCATTER_DB = 2.5
"""Standard deviation of a clip's weights around its site's."""

RANGES = {
    "A": {
        "mains": (50.0, 50.0), "knee": (150.0, 400.0), "fall": (1.0, 1.8), "impacts": (0.5, 3.0),
        "clatter_low": (800.0, 1200.0), "clatter_high": (2000.0, 2500.0), "hiss": (3000.0, 4500.0),
    },
    "B": {
        "mains": (60.0, 60.0), "knee": (300.0, 900.0), "fall": (0.6, 1.3), "impacts": (2.0, 8.0),
        "clatter_low": (1500.0, 2000.0), "clatter_high": (3500.0, 4500.0), "hiss": (4500.0, 6500.0),
    },
    "C": {
        "mains": (50.0, 60.0), "knee": (100.0, 1500.0), "fall": (0.5, 2.0), "impacts": (0.2, 12.0),
        "clatter_low": (400.0, 1500.0), "clatter_high": (2500.0, 6000.0), "hiss": (2500.0, 6500.0),
    },
}  # fmt: skip
"""Ranges of site parameters by bank, Hz (fall: exponent; impacts: per s)."""
SHIFT = 0.5
"""How far bank B is moved from A's ranges (0) to its own (1): the prototype's setting."""
UNSTEADY = Drive(sigma=0.004, tau=1.0, spread=0.004)


@dataclass(frozen=True)
class Site:
    """Noise of one place: parameters as in RANGES, weights in dB, speeds in Hz."""

    values: dict[str, float]
    weights: dict[str, float]
    machine_hz: float
    machine_lines: np.ndarray
    press_hz: float
    press_lines: np.ndarray
    gate_hz: float
    duty: float
    words: tuple[str, ...]


def draw_site(rng: np.random.Generator, bank: str, shift: float = SHIFT) -> Site:
    """A site of bank "A", "B" or "C". B's ranges are A's moved by `shift` towards B's."""
    values = {}
    for name, (low, high) in RANGES["A"].items():
        other = RANGES["C" if bank == "C" else "B"][name]
        part = {"A": 0.0, "B": shift, "C": 1.0}[bank]
        low, high = low + part * (other[0] - low), high + part * (other[1] - high)
        values[name] = float(rng.uniform(low, high))
    if bank == "B" and shift > 0:
        values["mains"] = 60.0  # there is no 55 Hz mains
    weights = {k: w + float(rng.uniform(-SITE_SPREAD_DB, SITE_SPREAD_DB)) for k, w in WEIGHTS_DB.items()}
    return Site(
        values=values,
        weights=weights,
        machine_hz=float(rng.uniform(18, 60)),
        machine_lines=voice(rng, 8, 3.0),
        press_hz=float(rng.uniform(18, 60)),
        press_lines=voice(rng, 8, 3.0),
        gate_hz=float(rng.uniform(0.5, 4.0)),
        duty=float(rng.uniform(0.3, 0.7)),
        words=words(values, weights),
    )


def words(values: dict[str, float], weights: dict[str, float]) -> tuple[str, ...]:
    """What one would say of a site; a fixed table, so that words and sound never disagree."""
    said = ["low rumble" if values["knee"] < 250 else "ventilation" if values["knee"] < 600 else "bright air"]
    said.append("clatter" if values["impacts"] > 4 else "stamping" if values["impacts"] > 1.5 else "rare knocks")
    loudest = max(("hum", "rotating", "press", "hiss"), key=lambda name: weights[name] - WEIGHTS_DB[name])
    said.append({"hum": "hum", "rotating": "drone", "press": "stop-and-go", "hiss": "hiss"}[loudest])
    return tuple(said)


def factory(rng: np.random.Generator, site: Site, n: int) -> np.ndarray:
    """One clip of the site's noise, float32 (n,), about unit RMS before the room.

    Every clip is drawn afresh from its own stream: beds of training and test share no sample.
    """
    gain = {k: 10 ** ((w + rng.normal(0, CLIP_SCATTER_DB)) / 20) for k, w in site.weights.items()}
    knee = site.values["knee"] * 10 ** (rng.normal(0, 2.0) / 20)
    x = gain["ventilation"] * _ventilation(rng, n, knee, site.values["fall"])
    x += np.float32(gain["hum"]) * _hum(rng, n, site.values["mains"])
    x += np.float32(gain["rotating"]) * _rotating(rng, n, site.machine_hz, site.machine_lines)
    press = _rotating(rng, n, site.press_hz, site.press_lines)
    x += np.float32(gain["press"]) * press * _gate(rng, n, site.gate_hz, site.duty)
    x += np.float32(gain["hiss"]) * _hiss(rng, n, site.values["hiss"])
    x += np.float32(gain["clatter"]) * _clatter(rng, n, site.values)
    return x.astype(np.float32, copy=False)


def _ventilation(rng: np.random.Generator, n: int, knee: float, fall: float) -> np.ndarray:
    level = 10 ** (wander(rng, n, 1.5, 0.7) / 20)  # slow walk of 1.5 dB
    return coloured(rng, n, slope(n, knee, 0.5, fall)) * level.astype(np.float32)


def _hum(rng: np.random.Generator, n: int, mains: float) -> np.ndarray:
    lines = 10 ** (-5 * np.arange(6) / 20)
    lines = lines / np.sqrt(np.sum(lines**2) / 2)
    return stack(turning(np.full(n, 2 * mains)).z, lines, rng.random(6), 2 * mains)


def _rotating(rng: np.random.Generator, n: int, hz: float, lines: np.ndarray) -> np.ndarray:
    axle = shaft(rng, n, hz, UNSTEADY)
    return stack(axle.z, lines, rng.random(len(lines)), axle.top)


def _gate(rng: np.random.Generator, n: int, hz: float, duty: float) -> np.ndarray:
    """On and off `hz` times per s, on for the share `duty`, with raised-cosine edges; float32 (n,) in [0, 1].

    Edges last 50 ms, less where the on or off time is shorter, and never below 2 ms.
    """
    cycle = turning(hz * (1 + wander(rng, n, 0.05, 1.0)), start=float(rng.random()))
    edge = max(min(0.05 * hz, duty, 1 - duty), 0.002 * hz)
    from_centre = np.abs((cycle.turns - duty / 2 + 0.5) % 1.0 - 0.5)  # of the on time, on the circle
    up = np.clip((duty / 2 - from_centre) / edge + 0.5, 0, 1).astype(np.float32)
    return 0.5 - 0.5 * np.cos(np.float32(np.pi) * up)


def _hiss(rng: np.random.Generator, n: int, hz: float) -> np.ndarray:
    nozzle = coloured(rng, n, slope(n, hz * np.exp(rng.normal(0, 0.06)), 1.2, 1.2))
    return nozzle * _gate(rng, n, float(rng.uniform(0.3, 1.5)), 0.6)


def _clatter(rng: np.random.Generator, n: int, values: dict[str, float]) -> np.ndarray:
    rate = values["impacts"]
    count = int(rng.poisson(rate * n / FS))
    at = rng.uniform(0, n - 1, count)
    modes = draw_modes(rng, values["clatter_low"], values["clatter_high"], 3, (0.02, 0.06))
    return strike(at, lognormal(rng, 0.45, count) / np.sqrt(rate), modes, n)


def squeal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Metal on metal: a wavering tone that comes and goes."""
    hz = rng.uniform(900, 5000) * np.exp(wander(rng, n, 0.08, 0.4))
    tone = stack(turning(hz).z, np.array([1.2, 0.5, 0.2]), rng.random(3), float(hz.max()))
    return tone * _gate(rng, n, float(rng.uniform(0.3, 2.0)), float(rng.uniform(0.3, 0.8)))


def glide(rng: np.random.Generator, n: int) -> np.ndarray:
    """A vehicle that speeds up and slows down: a stack whose pitch glides by up to an octave."""
    low = rng.uniform(60, 400)
    hz = low * 2 ** (0.5 + 0.5 * turning(np.full(n, rng.uniform(0.1, 0.5)), float(rng.random())).cos())
    hum = stack(turning(hz).z, voice(rng, 12, 2.5), rng.random(12), float(hz.max()))
    return hum + 0.4 * coloured(rng, n, slope(n, 1500, 0.5, 0.8))


def tool(rng: np.random.Generator, n: int) -> np.ndarray:
    """A grinder or drill: buzzing stack under changing load, with bright noise."""
    hz = rng.uniform(150, 600) * (1 + wander(rng, n, 0.06, 0.3))
    buzz = stack(turning(hz).z, voice(rng, 20, 1.0), rng.random(20), float(hz.max()))
    noise = coloured(rng, n, slope(n, rng.uniform(2500, 6000), 1.5, 0.6))
    return (buzz + noise) * _gate(rng, n, float(rng.uniform(0.2, 1.0)), float(rng.uniform(0.4, 0.9)))


def alarm(rng: np.random.Generator, n: int) -> np.ndarray:
    """A two-tone beeper."""
    hz = rng.uniform(500, 2500) * (1 + 0.25 * _gate(rng, n, float(rng.uniform(0.8, 3.0)), 0.5))
    tone = stack(turning(hz.astype(np.float64)).z, np.array([1.2, 0.4, 0.3]), rng.random(3), float(hz.max()))
    return tone * _gate(rng, n, float(rng.uniform(1.0, 5.0)), 0.5)


def speech(rng: np.random.Generator, n: int) -> np.ndarray:
    """A voice-like sound: glottal pulses through the formants of two vowels in turn, in syllables."""
    pitch = rng.uniform(90, 240) * np.exp(wander(rng, n, 0.12, 0.3))
    pulses = turning(pitch).when(1.0)
    vowels = []
    for _ in range(2):
        formants = np.array([rng.uniform(300, 800), rng.uniform(900, 2200), rng.uniform(2300, 3200)])
        mouth = Modes(formants, np.array([0.06, 0.05, 0.04]), np.array([1.0, 0.5, 0.25]))
        vowels.append(strike(pulses, np.full(len(pulses), 0.1), mouth, n))
    turn = _gate(rng, n, float(rng.uniform(1.0, 2.5)), 0.5)
    air = coloured(rng, n, slope(n, 3000, 1.0, 1.0))
    voiced = vowels[0] * turn + vowels[1] * (1 - turn) + 0.1 * air
    return voiced * _gate(rng, n, float(rng.uniform(2.5, 5.0)), float(rng.uniform(0.5, 0.8)))


def melody(rng: np.random.Generator, n: int) -> np.ndarray:
    """Notes of a plucked scale, 2-6 per s."""
    rate = rng.uniform(2, 6)
    notes = int(n / FS * rate) + 2
    pitch = rng.uniform(150, 500) * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12], notes) / 12)
    step = (np.arange(n) / FS * rate).astype(int)
    decay = np.exp(-3.0 * (np.arange(n) / FS * rate - step)).astype(np.float32)
    return stack(turning(pitch[step]).z, voice(rng, 8, 5.0), rng.random(8), float(pitch.max())) * decay


def wind(rng: np.random.Generator, n: int) -> np.ndarray:
    """Gusts."""
    gust = np.exp(wander(rng, n, 0.6, 0.5)).astype(np.float32)
    return coloured(rng, n, slope(n, rng.uniform(150, 600), 0.4, rng.uniform(0.8, 1.5))) * gust


def crackle(rng: np.random.Generator, n: int) -> np.ndarray:
    """Rain or gravel: dense small impacts."""
    count = int(rng.uniform(50, 500) * n / FS) + 1
    at = rng.uniform(0, n - 1, count)
    return strike(at, lognormal(rng, 0.6, count), draw_modes(rng, 1500, 6000, 4, (0.05, 0.12)), n)


Generator = Callable[[np.random.Generator, int], np.ndarray]
FAMILIES: dict[str, tuple[Generator, ...]] = {
    "noise": (squeal, glide, tool, alarm, wind, crackle, speech),
    "non-machine": (speech, melody, wind, crackle, alarm),
}
"""Generator families of bank C by kind; "non-machine" holds nothing that turns."""


def bank_c(rng: np.random.Generator, kind: str, n: int, matched: bool = False) -> np.ndarray:
    """One clip of bank C with unit RMS, float32 (n,): two generators mixed, or bank A's family if matched."""
    if matched:
        x = factory(rng, draw_site(rng, "C"), n)
    else:
        family = FAMILIES[kind]
        first, second = rng.choice(len(family), 2, replace=False)
        x = _unit(family[int(first)](rng, n)) + np.float32(0.5) * _unit(family[int(second)](rng, n))
        x = x + 0.05 * coloured(rng, n, slope(n, 400, 0.5, 1.0))
    return _unit(x).astype(np.float32)


def _unit(x: np.ndarray) -> np.ndarray:
    """x at unit RMS; silence stays silence (a gate may be shut for a whole short clip)."""
    return x / np.float32(np.sqrt(np.mean(x**2)) + 1e-9)
