"""Pumps and compressors: a rotor, vanes and flow through pipes (methods/simulator.md 3.1).

Lines: shaft rate f_r, vane pass N_v f_r (strokes of a compressor's cylinders), mains hum. The pipes lift the flow
noise at one to three resonances. Attribute physics: `speed`, and `load` as pressure (0 to 1): tones rise by 6 dB,
flow by 4 dB and becomes brighter, the rotor slips by 3 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from asdbook.simulate.bearings import rattle
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, draw_modes, lognormal, poisson, response, strike
from asdbook.simulate.noise import band, coloured, slope
from asdbook.simulate.phase import MAINS, Shaft, modulate, shaft, spin, stack, turning, voice
from asdbook.simulate.rotating import FLOW_LAW, HUM_HZ, hum, ticks
from asdbook.simulate.take import Take, db
from asdbook.simulate.tolerances import KNEE, SPEED, balance, cast, factor, tilt, tuned

FAULTS = {
    "cavitation": (
        "Vapour bubbles collapse at the vanes: dense crackle that swells with every vane.",
        "broadband above 2 kHz, pulsing at the vane pass rate",
    ),
    "leak": (
        "A seal leaks: a steady hiss, and the relieved rotor runs a little faster.",
        "noise above 2.5 kHz; all lines a little higher",
    ),
    "clogging": (
        "Blocked inlet: flow noise darkens, vane tones weaken, the unloaded rotor runs a little faster.",
        "more below 400 Hz, less above 1.5 kHz",
    ),
    "looseness": (
        "A loose foot rattles every second turn.",
        "impacts at half the shaft rate, 0.25-1.4 kHz",
    ),
}
FAULTS_COMPRESSOR = {
    "leak": ("A fitting leaks: a steady hiss of air, and the relieved rotor runs a little faster.", FAULTS["leak"][1]),
    "clogging": (
        "Blocked filter: flow noise darkens, strokes sound weaker, the unloaded rotor runs a little faster.",
        "more below 400 Hz, less above 1.5 kHz",
    ),
    "looseness": FAULTS["looseness"],
    "valve": (
        "A cracked valve plate: it slaps once per turn, and the strokes are no longer alike.",
        "vertical lines at the shaft rate, 1-4 kHz; sidebands of the strokes",
    ),
}

SHARES = {"shaft": 0.20, "vane": 0.40, "flow": 0.70, "hum": 0.20}
"""RMS of a pump's components (methods/simulator.md 3.1); together 0.85."""
SHARES_COMPRESSOR = {"shaft": 0.30, "vane": 0.60, "flow": 0.60, "hum": 0.20}
"""A compressor's: strokes are louder than vanes."""
PIPES = 0.6
"""Amplitude of the pipe resonances relative to the rest of the flow noise."""


@dataclass(frozen=True)
class Pump:
    """What a pump or compressor is from clip to clip; frequencies in Hz."""

    hz: float
    vanes: int  # or strokes a turn
    knee: float
    fall: float
    breath: float  # modulation depth of flow noise at vane pass
    cycle_hz: float  # pressure cycle of a compressor, 0: none
    shaft_lines: np.ndarray
    vane_lines: np.ndarray
    hum_lines: np.ndarray
    pipes: Modes
    foot: Modes
    plates: Modes
    shares: dict[str, float]


def _design(
    rng: np.random.Generator,
    individual: Tolerance,
    vanes: tuple[int, int],
    breath: tuple[float, float],
    cycle: tuple[float, float],
    shares: dict[str, float],
) -> Pump:
    pipes = draw_modes(rng, 300, 1800, int(rng.integers(1, 4)), (1 / 30, 1 / 10))  # Q 5-15
    return Pump(
        hz=rng.uniform(24, 50) * factor(individual, SPEED),
        vanes=int(rng.integers(vanes[0], vanes[1] + 1)),
        knee=rng.uniform(500, 2000) * factor(individual, KNEE),
        fall=tilt(individual, 1.3),
        breath=rng.uniform(*breath) * factor(individual, 0.1),
        cycle_hz=rng.uniform(*cycle) * factor(individual, SPEED),
        shaft_lines=tuned(individual, voice(rng, 6, 4.0)),
        vane_lines=tuned(individual, voice(rng, 8, 4.5)),
        hum_lines=tuned(individual, voice(rng, 6, 5.0)),
        pipes=cast(individual, pipes),
        foot=cast(individual, draw_modes(rng, 250, 1400, 4, (0.02, 0.05))),
        plates=cast(individual, draw_modes(rng, 1000, 4000, 5, (0.02, 0.05))),
        shares=balance(individual, shares),
    )


def design(rng: np.random.Generator, individual: Tolerance) -> Pump:
    """A pump of this data seed (`rng`) and one copy of it (`individual`): 5-7 vanes, 1440-3000 rpm."""
    return _design(rng, individual, (5, 7), (0.1, 0.3), (0.0, 0.0), SHARES)


def design_compressor(rng: np.random.Generator, individual: Tolerance) -> Pump:
    """An air compressor: 2-4 strokes a turn, pressure that comes and goes about once per second."""
    return _design(rng, individual, (2, 4), (0.3, 0.5), (0.9, 1.6), SHARES_COMPRESSOR)


def sound(pump: Pump, take: Take) -> np.ndarray:
    """The pump close to its casing, float32 (n,), about unit RMS when healthy at design speed and half pressure."""
    leak, clog = min(take.amount("leak"), 1.5), min(take.amount("clogging"), 1.5)
    pressure = take.point.load - 0.5
    relative = take.point.speed * (1 - 0.03 * pressure) * (1 + 0.03 * leak) * (1 + 0.04 * clog)
    rotor = shaft(take.rng("shaft"), take.n, pump.hz * relative, MAINS)
    cycle = turning(np.full(take.n, pump.cycle_hz * relative), start=float(take.rng("cycle").random()))
    x = _tones(pump, take, rotor, cycle, relative)
    x += _flow(pump, take, rotor, cycle, relative)
    x += hum(take, turning(np.full(take.n, HUM_HZ)), pump.hum_lines, pump.shares["hum"], 0.0)
    if take.has("leak"):
        x += _leak(take)
    if take.has("cavitation"):
        x += _cavitation(pump, take, rotor)
    if take.has("looseness"):
        x += rattle(pump.foot, take, rotor, "looseness")
    if take.has("valve"):
        x += ticks(pump.plates, take, rotor, "valve")
        take.box(20, 700)  # sidebands of the strokes
    if take.has("clogging"):
        take.box(20, 400)
        take.box(500, 8000)
    return x


def _tones(pump: Pump, take: Take, rotor: Shaft, cycle: Shaft, relative: float) -> np.ndarray:
    clog, valve = min(take.amount("clogging"), 1.5), take.amount("valve")
    rng = take.rng("line phases")
    phases = rng.random((2, 8))
    level = relative ** (FLOW_LAW / 20) * db(6 * (take.point.load - 0.5))
    x = take.level("shaft", pump.shares["shaft"] * level) * stack(
        rotor.z, pump.shaft_lines, phases[0, :6], rotor.top
    )
    tones = stack(spin(pump.vanes * rotor.turns), pump.vane_lines, phases[1], pump.vanes * rotor.top)
    tones = modulate(tones, rotor.cos(1, rng.random()), min(0.10 + 0.7 * valve, 1.0))
    tones = _pressed(pump, tones, cycle)
    return x + take.level("vane", pump.shares["vane"] * level * db(-5 * clog)) * tones


def _flow(pump: Pump, take: Take, rotor: Shaft, cycle: Shaft, relative: float) -> np.ndarray:
    clog, pressure = min(take.amount("clogging"), 1.5), take.point.load - 0.5
    knee = pump.knee * relative * (1 + 0.4 * pressure) * (1 - 0.35 * clog)
    shape = slope(take.n, knee, 0.8, pump.fall + 0.5 * clog)
    shape = shape / np.float32(np.sqrt(np.mean(shape**2)))
    ringing = np.abs(response(pump.pipes.jittered(take.rng("pipe jitter"), 0.01, 0.5), take.n))
    shape = shape + np.float32(PIPES) * ringing / np.float32(np.sqrt(np.mean(ringing**2)))
    flow = coloured(take.rng("flow"), take.n, shape)
    flow = modulate(flow, rotor.cos(pump.vanes, take.rng("flow phase").random()), pump.breath)
    flow = _pressed(pump, flow, cycle)
    level = relative ** (FLOW_LAW / 20) * db(4 * pressure)
    return take.level("flow", pump.shares["flow"] * level) * flow


def _pressed(pump: Pump, x: np.ndarray, cycle: Shaft) -> np.ndarray:
    """A compressor works harder as its pressure builds up; a pump's pressure is steady."""
    return modulate(x, cycle.cos(1), 0.4) if pump.cycle_hz > 0 else x


def _leak(take: Take) -> np.ndarray:
    rng = take.rng("fault")
    take.box(20, 8000)  # hiss above 1.5 kHz; below, every line moves
    hiss = coloured(rng, take.n, slope(take.n, rng.uniform(3000, 5000), 1.2, 0.6))
    return np.float32(take.amount("leak")) * hiss


def _cavitation(pump: Pump, take: Take, rotor: Shaft) -> np.ndarray:
    """Bubbles: a Poisson train of 200-2000 collapses per s, stronger while a vane passes."""
    rng = take.rng("fault")
    rate = rng.uniform(200, 2000)
    at = poisson(rng, rate, 0, take.n)
    turns = np.interp(at, np.arange(take.n), rotor.turns)
    weight = (1 + 0.8 * np.cos(2 * np.pi * (pump.vanes * turns + rng.random()))) / np.sqrt(1 + 0.8**2 / 2)
    force = take.amount("cavitation") / np.sqrt(rate) * weight * lognormal(rng, 0.5, len(at))
    take.box(1500, 8000)
    crackle = strike(at, force, draw_modes(rng, 2000, 6400, 6, (0.05, 0.12)), take.n)
    edges = band(take.n, 1700, 7500, 0.5)  # bubbles are too small to push the water below that
    return fft.irfft(fft.rfft(crackle) * (np.float32(1.2) * edges), take.n)
