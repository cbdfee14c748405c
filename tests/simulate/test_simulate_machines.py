"""Pump, compressor, brushless motor, conveyor and drone: lines, rates and faults where their texts put them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from asdbook.simulate import conveyors, drones, gears, pumps, rotating, toys
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.phase import Shaft, turning
from asdbook.simulate.seeds import stream
from asdbook.simulate.take import Fault, Operating, Take

FS = 16_000
N = 69_120
LEAD = N - 64_000
MAKERS: dict[str, tuple[Any, Any]] = {
    "pump": (pumps.design, pumps.sound),
    "compressor": (pumps.design_compressor, pumps.sound),
    "motor": (rotating.design_motor, rotating.sound),
    "conveyor": (conveyors.design, conveyors.sound),
    "drone": (drones.design, drones.sound),
}
SEEDS = range(4)


def made(machine: str, seed: int, fault: str | None = None, gain: float = 1.0, **point: Any) -> tuple[Any, Any, Take]:
    design, sound = MAKERS[machine]
    constants = design(stream(seed, machine), Tolerance(stream(seed, machine, "copy")))
    streams = partial(stream, seed, machine, "clip")
    take = Take(N, LEAD, Operating(**point), streams, Fault(fault, 1.0, gain) if fault else None)
    return constants, sound(constants, take)[LEAD:], take


def spectrum(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(x), 1 / FS), np.abs(np.fft.rfft(x * np.hanning(len(x))))


def power(x: np.ndarray, low: float, high: float) -> float:
    f, s = spectrum(x)
    return float(np.sum(s[(f >= low) & (f < high)] ** 2))


def over_median(f: np.ndarray, s: np.ndarray, hz: float, share: float = 0.02) -> float:
    """Highest value within `share` of `hz`, over the median around it."""
    near, around = np.abs(f / hz - 1) < share, np.abs(f / hz - 1) < 0.25
    return float(s[near].max() / np.median(s[around]))


def envelope(x: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of the squared magnitude of the band `low` to `high`."""
    f = np.fft.fftfreq(len(x), 1 / FS)
    e = np.abs(np.fft.ifft(np.where((f > low) & (f < high), 2 * np.fft.fft(x), 0))) ** 2
    return np.fft.rfftfreq(len(x), 1 / FS), np.abs(np.fft.rfft((e - e.mean()) * np.hanning(len(x)))) / e.mean()


def test_pump_has_vane_lines_and_its_pipes_ring() -> None:
    lines, rings = [], []
    for seed in SEEDS:
        pump, x, take = made("pump", seed)
        assert 5 <= pump.vanes <= 7
        assert 24 * 0.95 < pump.hz < 50 * 1.05
        assert len(pump.pipes.hz) in (1, 2, 3)
        assert np.all((1 / (2 * pump.pipes.zeta) > 4) & (1 / (2 * pump.pipes.zeta) < 17))  # Q
        f, s = spectrum(x)
        lines.append(over_median(f, s, pump.vanes * pump.hz))
        hz = pump.pipes.hz[np.argmax(pump.pipes.amplitude)]
        rings.append(power(x, 0.96 * hz, 1.04 * hz) / power(x, 1.40 * hz, 1.48 * hz))
        assert take.boxes == []
    assert min(lines) > 8
    assert np.median(rings) > 2


def test_cavitation_crackles_at_the_vanes_above_two_kilohertz() -> None:
    pulses = []
    for seed in SEEDS:
        pump, x, _ = made("pump", seed, "cavitation")
        _, healthy, _ = made("pump", seed)
        change = x - healthy
        assert power(change, 1700, 8000) > 0.95 * power(change, 20, 8000)
        f, s = envelope(x, 2000, 7000)
        pulses.append(over_median(f, s, pump.vanes * pump.hz))
    assert min(pulses) > 5


def test_pump_leaks_above_and_clogs_below() -> None:
    for seed in SEEDS:
        _, healthy, _ = made("pump", seed)
        _, leak, _ = made("pump", seed, "leak")
        assert power(leak, 3000, 7500) > 5 * power(healthy, 3000, 7500)
        _, clogged, _ = made("pump", seed, "clogging")
        tilt = [power(x, 60, 400) / power(x, 1500, 7000) for x in (healthy, clogged)]
        assert tilt[1] > 2 * tilt[0]


def test_loose_pump_rattles_at_half_the_shaft_rate() -> None:
    found = []
    for seed in SEEDS:
        pump, x, _ = made("pump", seed, "looseness", 1.5)
        f, s = envelope(x, 400, 1600)
        found.append(over_median(f, s, pump.hz / 2, 0.04))
    assert np.median(found) > 4


def test_compressor_breathes_with_its_pressure_and_follows_the_load() -> None:
    for seed in SEEDS:
        unit, x, _ = made("compressor", seed)
        assert 2 <= unit.vanes <= 4
        frames = np.mean(x[: 64_000 // 160 * 160].reshape(-1, 160) ** 2, axis=1)
        swing = np.fft.rfft((frames - frames.mean()) * np.hanning(len(frames)))
        f = np.fft.rfftfreq(len(frames), 0.01)
        slow = (f > 0.7) & (f < 2.0)
        assert f[slow][np.argmax(np.abs(swing[slow]))] == pytest.approx(unit.cycle_hz, abs=0.3)
        levels = [np.mean(made("compressor", seed, load=load)[1] ** 2) for load in (0.0, 0.5, 1.0)]
        assert levels[0] < levels[1] < levels[2]
        fast = made("compressor", seed, speed=1.1)[1]
        assert np.mean(fast**2) > 1.2 * np.mean(x**2)


def test_cracked_valve_plate_slaps_once_per_turn() -> None:
    found = []
    for seed in SEEDS:
        unit, x, _ = made("compressor", seed, "valve")
        f, s = envelope(x, 2500, 6000)
        found.append(over_median(f, s, unit.hz))
    assert min(found) > 6


def test_motor_lines_are_those_of_its_commutation_at_any_speed() -> None:
    for seed in SEEDS:
        motor, _, _ = made("motor", seed)
        assert motor.blades == 3 * motor.hum_order
        assert motor.hz == pytest.approx(2000 / 60, rel=0.06)
        for speed in (0.5, 1.0, 1.5):  # 1000 to 3000 rpm
            f, s = spectrum(made("motor", seed, speed=speed)[1])
            assert over_median(f, s, motor.blades * motor.hz * speed) > 8
        slow, fast = (np.mean(made("motor", seed, speed=speed)[1] ** 2) for speed in (0.5, 1.5))
        assert 5 < 10 * np.log10(fast / slow) < 16


def test_weak_phase_ripples_at_twice_the_electrical_frequency() -> None:
    ratio = []
    for seed in SEEDS:
        motor, x, _ = made("motor", seed, "phase")
        _, healthy, _ = made("motor", seed)
        hz = motor.hum_order * motor.hz
        ratio.append(power(x, 0.88 * hz, 0.92 * hz) / power(healthy, 0.98 * hz, 1.02 * hz))  # 10 % slower
    assert min(ratio) > 4


def belt_of(conveyor: conveyors.Conveyor, take: Take) -> tuple[float, float]:
    """Roller rate and lap time at design speed."""
    return conveyor.motor.wheel_hz, 1 / conveyor.lap_hz


def test_conveyor_rates_are_those_of_the_notes() -> None:
    for seed in range(60):
        conveyor = conveyors.design(stream(seed, "c"), Tolerance(stream(seed, "c", "copy")))
        assert conveyor.motor.wheel_hz * 0.9 > 4
        assert conveyor.motor.wheel_hz * 1.15 < 12
        assert 0.9 < 1 / conveyor.lap_hz < 2.4
        assert 55 < conveyor.motor.hz < 200


def test_conveyor_breathes_with_its_rollers_and_a_bent_one_more() -> None:
    weak, strong = [], []
    for seed in SEEDS:
        conveyor, healthy, _ = made("conveyor", seed)
        _, bent, _ = made("conveyor", seed, "roller")
        for x, found in ((healthy, weak), (bent, strong)):
            f, s = envelope(x, 300, 6000)
            found.append(over_median(f, s, conveyor.motor.wheel_hz, 0.06))
    assert min(strong) > 5
    assert all(b > 1.5 * a for a, b in zip(weak, strong))


def test_seam_thumps_once_a_lap_on_either_roller() -> None:
    for seed in SEEDS:
        conveyor, _, take = made("conveyor", seed)
        belt = turning(np.full(N, conveyor.lap_hz))
        at = conveyors._seam_at(take, belt)
        lap = FS / conveyor.lap_hz
        assert len(at) == pytest.approx(2 * N / lap, abs=2)
        assert np.all(np.abs(at[2:] - at[:-2] - lap) < 1)
        gaps = np.diff(at) / lap
        assert np.all((np.abs(gaps - conveyors.SEAM) < 1e-3) | (np.abs(gaps - 1 + conveyors.SEAM) < 1e-3))


@pytest.mark.parametrize("kept", [FS, 64_000])
def test_object_on_the_belt_rattles_once_per_lap_in_every_clip(kept: int) -> None:
    for seed in range(12):
        conveyor = conveyors.design(stream(seed, "c"), Tolerance(stream(seed, "c", "copy")))
        n = kept + LEAD
        sounds, boxes = [], []
        for fault in (None, Fault("object", 1.0, 1.0)):
            take = Take(n, LEAD, Operating(), partial(stream, seed, "object"), fault)
            sounds.append(conveyors.sound(conveyor, take)[LEAD:])
            boxes = take.boxes
        change = np.abs(sounds[1] - sounds[0])
        hot = np.flatnonzero(change > 0.25 * change.max())
        starts = hot[np.diff(hot, prepend=-FS) > 0.3 * FS]
        assert 1 <= len(starts) <= kept / FS * conveyor.lap_hz * 1.05 + 1
        assert np.diff(starts) / FS == pytest.approx(1 / conveyor.lap_hz, rel=0.12)  # brushed motor: 1 % wander
        assert all(any(t0 - 0.01 < start / FS < t1 for t0, t1, _, _ in boxes) for start in starts)


@pytest.mark.parametrize("kept", [FS, 64_000])
def test_belt_slips_for_a_moment_and_chirps(kept: int) -> None:
    for seed in range(12):
        n = kept + LEAD
        take = Take(n, LEAD, Operating(), partial(stream, seed, "slip"), Fault("slip", 1.0, 1.0))
        motor = turning(np.full(n, 100.0))
        slowed, chirp = conveyors._slipping(take, motor)
        speed = np.diff(slowed.turns) * FS
        low = speed < 99.9
        assert low[LEAD:].any()
        assert 0.80 * 100 - 0.1 < speed.min() < 0.95 * 100 + 0.1  # 5-20 % at gain 1
        edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(int), [0]])))
        lengths = (edges[1::2] - edges[::2])[:-1] / FS
        assert np.all((lengths > 0.03) & (lengths < 0.21))
        assert np.abs(chirp[:-1][~low & (speed > 99.999)]).max() < 0.2 * np.abs(chirp).max()
        assert power(chirp, 700, 2700) > 0.5 * power(chirp, 20, 8000)
        first = min(take.boxes)[0]
        assert 0 <= first < kept / FS - 0.1


def test_braking_by_nothing_is_exactly_the_same_shaft() -> None:
    motor = turning(np.linspace(90, 110, N))
    assert np.array_equal(motor.braked(np.zeros(N)).turns, motor.turns)
    half = motor.braked(np.full(N, 0.5))
    assert half.turns[-1] - half.turns[0] == pytest.approx((motor.turns[-1] - motor.turns[0]) / 2, rel=1e-4)
    double = motor.geared(2.0)
    assert isinstance(double, Shaft)
    assert (double.hz, double.top) == pytest.approx((2 * motor.hz, 2 * motor.top))


def test_drone_sounds_at_the_blade_pass_of_its_four_arms() -> None:
    for seed in SEEDS:
        drone, x, _ = made("drone", seed)
        f, s = spectrum(x)
        assert len(drone.trim) == 4
        assert np.abs(drone.trim - 1).max() < 0.06
        assert len(set(np.round(drone.trim, 6))) == 4
        assert over_median(f, s, 2 * drone.hz, 0.05) > 10
        blades, shafts = (power(x, 0.95 * hz, 1.05 * hz) for hz in (2 * drone.hz, drone.hz))
        assert blades > 4 * shafts
        pulse, e = envelope(x, 1500, 7000)
        assert over_median(pulse, e, 2 * drone.hz, 0.05) > 4  # air at the propellers
        heavy, light = (np.mean(made("drone", seed, load=load)[1] ** 2) for load in (1.0, 0.0))
        assert heavy > light


def test_chipped_propeller_sounds_once_per_turn_and_splits_the_blade_tone() -> None:
    for seed in SEEDS:
        drone, x, _ = made("drone", seed, "propeller")
        _, healthy, _ = made("drone", seed)
        f, s = spectrum(x)
        _, s0 = spectrum(healthy)
        once = np.abs(f / drone.hz - 1) < 0.10
        assert np.sum(s[once] ** 2) > 4 * np.sum(s0[once] ** 2)
        tone = f[once][np.argmax(s[once])] * 2
        assert tone / (2 * drone.hz) == pytest.approx(1.04, abs=0.05)  # the hurt arm turns faster


def test_worn_drone_motor_crackles() -> None:
    for seed in SEEDS:
        _, x, _ = made("drone", seed, "motor")
        _, healthy, _ = made("drone", seed)
        assert power(x, 2500, 5500) > 2.5 * power(healthy, 2500, 5500)


def test_pinion_and_mesh_rates_are_those_of_the_notes() -> None:
    rates = []
    for seed in range(100):
        box = gears.design(stream(seed, "g"), Tolerance(stream(seed, "g", "copy"), 0.0))
        rates.append(box.hz)
        assert 15 <= box.hz <= 30
        assert 255 <= box.hz * box.teeth[0] <= 930
    assert np.mean(rates) == pytest.approx(22.5, abs=1.5)


def test_tyre_thumps_at_the_distances_that_its_text_promises() -> None:
    where = toys.FAULTS_CAR["tyre"][1]
    low, high = (float(v) for v in where.split(" ms")[0].removeprefix("thumps ").split("-"))
    turns = []
    for seed in range(200):
        car = toys.design_car(stream(seed, "car"), Tolerance(stream(seed, "car", "copy")))
        turns += [1000 / (car.motor.wheel_hz * volt / 34) for volt in (28, 31, 34, 37, 40)]
    assert low < min(turns)
    assert max(turns) < high
    assert min(turns) < 1.25 * low
    assert max(turns) > 0.8 * high
