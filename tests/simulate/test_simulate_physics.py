"""Faults sound where physics puts them: rates in the envelope, lines, sidebands, tilt (healthy and faulty)."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from asdbook.simulate.bearings import CATALOGUE, Geometry
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.presets import PRESETS
from asdbook.simulate.seeds import stream
from asdbook.simulate.take import Fault, Operating, Take

FS = 16_000
N = 69_120
MACHINES = PRESETS["synthetic-2023"].machines


def made(machine: str, fault: str | None = None, gain: float = 1.5, seed: int = 3, **point: object) -> tuple:
    """A machine's constants and its sound, without room, noise or level."""
    kind = MACHINES[machine]
    constants = kind.design(stream(seed, machine), Tolerance(stream(seed, machine, "copy")))
    take = Take(
        N, N - 64_000, Operating(**point), partial(stream, seed, machine, 0), Fault(fault, 1.0, gain) if fault else None
    )
    return constants, kind.sound(constants, take), take


def envelope_spectrum(x: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of the squared band-pass signal's analytic magnitude (the usual bearing diagnosis)."""
    f = np.fft.fftfreq(len(x), 1 / FS)
    analytic = np.fft.ifft(np.where((f > low) & (f < high), 2 * np.fft.fft(x), 0))
    e = np.abs(analytic) ** 2
    return np.fft.rfftfreq(len(x), 1 / FS), np.abs(np.fft.rfft((e - e.mean()) * np.hanning(len(x)))) / e.mean()


def peak_near(f: np.ndarray, s: np.ndarray, hz: float, share: float = 0.02) -> float:
    """Highest value within `share` of `hz`, over the median around it."""
    near, around = np.abs(f / hz - 1) < share, np.abs(f / hz - 1) < 0.25
    return float(s[near].max() / np.median(s[around]))


def power(x: np.ndarray, low: float, high: float) -> float:
    f = np.fft.rfftfreq(len(x), 1 / FS)
    return float(np.sum(np.abs(np.fft.rfft(x * np.hanning(len(x))))[(f >= low) & (f < high)] ** 2))


@pytest.mark.parametrize(
    ("dimensions", "angle", "expected"),
    [
        ((8, 6.75, 28.5), 0.0, (3.053, 4.947, 1.994, 0.382)),
        ((9, 7.94, 39.04), 0.0, (3.585, 5.415, 2.357, 0.398)),
        ((23, 21.4, 203.0), 9.0, (10.30, 12.70, 4.69, 0.448)),
    ],
)
def test_bearing_rates_are_the_textbook_ones(
    dimensions: tuple[int, float, float], angle: float, expected: tuple[float, ...]
) -> None:
    g = Geometry(*dimensions, np.deg2rad(angle))
    got = (g.bpfo, g.bpfi, g.bsf, g.ftf)
    # the notes round to four digits; their BSF of the large bearing is given to three
    assert got == pytest.approx(expected, abs=6e-3)
    assert g.bpfo + g.bpfi == pytest.approx(g.balls)


def test_catalogue_is_the_one_of_the_table() -> None:
    assert [Geometry(*row).bpfo for row in CATALOGUE] == pytest.approx([3.053, 3.585], abs=1e-3)


@pytest.mark.parametrize(("fault", "order"), [("outer", "bpfo"), ("inner", "bpfi"), ("ball", "bsf")])
def test_bearing_fault_shows_its_rate_in_the_envelope(fault: str, order: str) -> None:
    bearing, x, _ = made("bearing", fault, gain=2.0)
    _, healthy, _ = made("bearing")
    rate = getattr(bearing.geometry, order) * (2 if fault == "ball" else 1) * bearing.hz
    f, s = envelope_spectrum(x, 1300, 5600)
    _, s0 = envelope_spectrum(healthy, 1300, 5600)
    assert peak_near(f, s, rate) > 8
    assert peak_near(f, s0, rate) < 6


def test_inner_ring_passes_the_load_zone_once_a_turn() -> None:
    sides, turns = [], []
    for seed in range(4):
        bearing, x, _ = made("bearing", "inner", gain=3.0, seed=seed)
        _, outer, _ = made("bearing", "outer", gain=3.0, seed=seed)
        f, s = envelope_spectrum(x, 1300, 5600)
        rate = bearing.geometry.bpfi * bearing.hz
        sides += [peak_near(f, s, rate + k * bearing.hz, 0.012) for k in (-1, 1)]
        turns.append(peak_near(f, s, bearing.hz) / peak_near(*envelope_spectrum(outer, 1300, 5600), bearing.hz))
    assert np.mean(sides) > 4  # slip widens them; noise alone gives about 2
    assert np.mean(turns) > 3  # an outer ring's defect stays where the load is


def test_looseness_rattles_at_half_the_shaft_rate_below_the_bearing_modes() -> None:
    bearing, x, _ = made("bearing", "looseness", gain=2.0)
    _, healthy, _ = made("bearing")
    assert power(x, 250, 1400) > 2.5 * power(healthy, 250, 1400)
    f, s = envelope_spectrum(x, 250, 1400)
    assert peak_near(f, s, bearing.hz / 2, 0.05) > 4


def test_fan_has_blade_lines_where_blades_pass() -> None:
    fan, x, take = made("fan")
    f = np.fft.rfftfreq(N, 1 / FS)
    s = np.abs(np.fft.rfft(x * np.hanning(N)))
    for harmonic in (1, 2):
        assert peak_near(f, s, harmonic * fan.blades * fan.hz, 0.025) > 5  # noise alone gives about 3
    assert take.boxes == []


def test_fan_faults_do_what_their_sentences_say() -> None:
    fan, healthy, _ = made("fan")
    _, clogged, _ = made("fan", "clogging", 1.0)
    tilt = [power(x, 60, 400) / power(x, 1500, 7000) for x in (healthy, clogged)]
    assert tilt[1] > 2 * tilt[0]
    _, x, _ = made("fan", "unbalance", 1.0)
    assert power(x, 0.9 * fan.hz, 1.1 * fan.hz) > 10 * power(healthy, 0.9 * fan.hz, 1.1 * fan.hz)
    f, s = envelope_spectrum(x, 1000, 6000)
    _, s0 = envelope_spectrum(healthy, 1000, 6000)
    assert peak_near(f, s, fan.hz) > 3 * peak_near(f, s0, fan.hz)
    _, x, _ = made("fan", "tick", 1.0)
    f, s = envelope_spectrum(x, 900, 4500)
    assert peak_near(f, s, fan.hz) > 10
    _, x, take = made("fan", "rub", 0.5)
    box = take.boxes[0]
    assert power(x, box[2], box[3]) > 2 * power(healthy, box[2], box[3])
    _, x, _ = made("fan", "voltage", 1.0)
    assert power(x, 195, 205) + power(x, 295, 305) > 4 * (power(healthy, 195, 205) + power(healthy, 295, 305))


def test_gearbox_mesh_lies_at_teeth_times_shaft_with_sidebands() -> None:
    box, x, _ = made("gearbox", "wear", 1.0)
    _, healthy, _ = made("gearbox")
    f = np.fft.rfftfreq(N, 1 / FS)
    mesh = box.teeth[0] * box.hz
    s = np.abs(np.fft.rfft(x * np.hanning(N)))
    peak = f[np.argmax(np.where(np.abs(f / mesh - 1) < 0.03, s, 0))]
    assert peak == pytest.approx(mesh, rel=0.02)  # clip spread and slip of the drive
    around = [s[np.abs(f - peak - k * box.hz) < 0.15 * box.hz].max() for k in (-1, 1)]
    between = s[np.abs(f - peak - 0.5 * box.hz) < 0.15 * box.hz].max()
    assert min(around) > 2 * between
    assert power(x, 1.6 * mesh, 6 * mesh) > 4 * power(healthy, 1.6 * mesh, 6 * mesh)
    assert np.gcd(*box.teeth) == 1


def test_gearbox_tooth_knocks_once_per_turn_and_dry_gears_are_brighter() -> None:
    box, x, _ = made("gearbox", "tooth", 1.5)
    f, s = envelope_spectrum(x, 2500, 4200)
    assert peak_near(f, s, box.hz, 0.03) > 6
    _, healthy, _ = made("gearbox")
    _, dry, _ = made("gearbox", "lubrication", 1.0)
    assert power(dry, 4000, 7500) / power(healthy, 4000, 7500) > 5


def test_load_raises_the_mesh_by_six_decibels() -> None:
    box, light, _ = made("gearbox", load=0.0)
    _, heavy, _ = made("gearbox", load=1.0)
    mesh = box.teeth[0] * box.hz
    ratio = power(heavy, 0.95 * mesh, 1.05 * mesh) / power(light, 0.95 * mesh, 1.05 * mesh)
    assert 10 * np.log10(ratio) == pytest.approx(6.0, abs=1.0)


def test_rail_defect_sounds_once_per_stroke_at_mirrored_times() -> None:
    slider, x, take = made("slider", "rail", 1.0)
    _, healthy, _ = made("slider")
    d = np.abs(x - healthy)[take.lead :]
    hot = np.flatnonzero(d > 0.2 * d.max())
    starts = hot[np.diff(hot, prepend=-FS) > 0.05 * FS] / FS
    assert len(starts) == pytest.approx(2 * 4.0 / slider.cycle, abs=2)
    gaps = np.diff(starts)
    assert gaps[:-2] == pytest.approx(gaps[2:], abs=0.05)  # the way forth and the way back alternate
    for start in starts:
        assert any(t0 - 0.01 <= start <= t1 for t0, t1, _, _ in take.boxes)


def test_slider_is_silent_in_its_dwells_and_grease_shows_only_in_motion() -> None:
    _, healthy, _ = made("slider")
    _, dry, _ = made("slider", "grease", 1.0)
    d = np.convolve((dry - healthy) ** 2, np.ones(400) / 400, "same")[1000:-1000]
    assert np.quantile(d, 0.02) < 0.02 * np.quantile(d, 0.9)


def test_valve_opens_in_its_pattern_and_sticking_only_delays() -> None:
    from asdbook.simulate.valves import PATTERNS, PERIODS, schedule

    for pattern in range(4):
        valve, _, take = made("valve", pattern=pattern)
        opens, closes, rate = schedule(valve, take)
        assert rate == pytest.approx(len(PATTERNS[pattern]) / PERIODS[pattern] / valve.tempo)
        assert np.all(closes - opens > 0.08 * FS)
        assert rate * 1.0 >= 1  # an opening in every clip of 1 s
    _, healthy, _ = made("valve")
    _, stuck, _ = made("valve", "sticking", 1.0)
    ratio = np.mean(stuck**2) / np.mean(healthy**2)
    assert 0.5 < ratio < 1.2
    assert not np.array_equal(stuck, healthy)


def test_leak_fills_the_gaps_and_not_the_openings() -> None:
    _, x, take = made("valve", "leak", 0.5)
    _, healthy, _ = made("valve")
    d = (x - healthy)[take.lead :]
    inside = np.zeros(len(d), bool)
    for t0, t1, f0, _ in take.boxes:
        inside[int(t0 * FS) : int(t1 * FS)] = True
        assert f0 == 1500
    assert np.mean(d[inside] ** 2) > 5 * np.mean(d[~inside] ** 2)


def test_coil_buzzes_at_twice_the_mains() -> None:
    _, x, _ = made("valve", "coil", 0.5)
    _, healthy, _ = made("valve")
    for k in (1, 5, 10):  # at the tenth the burst is louder than the buzz
        assert power(x, 100 * k - 3, 100 * k + 3) > 1.5 * power(healthy, 100 * k - 3, 100 * k + 3)


def test_toy_lines_follow_motor_pinion_and_speed() -> None:
    toy, x, _ = made("ToyCar")
    _, slow, _ = made("ToyCar", speed=0.8)
    f = np.fft.rfftfreq(N, 1 / FS)
    mesh = toy.motor.pinion * toy.motor.hz
    peaks = []
    for clip, speed in ((x, 1.0), (slow, 0.8)):
        s = np.abs(np.fft.rfft(clip * np.hanning(N)))
        near = np.abs(f / (mesh * speed) - 1) < 0.05
        peaks.append(f[near][np.argmax(np.convolve(s, np.ones(25), "same")[near])])
    assert peaks[1] / peaks[0] == pytest.approx(0.8, abs=0.01)
    assert np.mean(slow**2) < np.mean(x**2)  # power follows speed


@pytest.mark.parametrize(("machine", "fault"), [("ToyCar", "tyre"), ("ToyTrain", "wheel"), ("ToyCar", "shaft")])
def test_wheel_faults_repeat_at_the_wheel_rate(machine: str, fault: str) -> None:
    toy, x, take = made(machine, fault, 2.0)
    _, healthy, _ = made(machine)
    f, s = envelope_spectrum(x - healthy, take.boxes[-1][2], take.boxes[-1][3])
    wheel = toy.motor.wheel_hz
    assert peak_near(f, s, wheel, 0.05) > 4


def test_chipped_joint_comes_once_per_lap() -> None:
    toy, x, take = made("ToyTrain", "track", 1.0)
    _, healthy, _ = made("ToyTrain")
    d = np.abs(x - healthy)[take.lead :]
    lap = toy.laps / toy.joint_rate
    hot = np.flatnonzero(d > 0.3 * d.max())
    groups = int((np.diff(hot, prepend=-FS) > 0.5 * lap * FS).sum())
    assert 1 <= groups <= 4.0 / lap + 1.5


@pytest.mark.parametrize("machine", MACHINES)
def test_healthy_machine_has_about_unit_power_and_faults_bounded_excess(machine: str) -> None:
    kind = MACHINES[machine]
    ratios = []
    for seed in range(6):
        constants = kind.design(stream(seed, machine), Tolerance(stream(seed, machine, "copy")))
        take = Take(N, N - 64_000, Operating(), partial(stream, seed, machine, 0))
        ratios.append(np.mean(kind.sound(constants, take)[take.lead :] ** 2))
    assert 0.4 < np.mean(ratios) < 2.2
    for fault, strength in kind.strengths.items():
        _, x, take = made(machine, fault, 10 ** (strength / 20))
        _, healthy, _ = made(machine)
        excess = np.mean(x[take.lead :] ** 2) / np.mean(healthy[take.lead :] ** 2)
        assert excess < 1 + 10 ** (10 / 10), fault
        assert take.boxes, fault


@pytest.mark.parametrize("machine", MACHINES)
def test_healthy_path_equals_every_fault_at_gain_zero(machine: str) -> None:
    _, healthy, _ = made(machine)
    for fault in MACHINES[machine].faults:
        _, x, _ = made(machine, fault, 0.0)
        assert np.array_equal(x, healthy), fault


def test_layouts_keep_domains_apart_and_name_every_individual() -> None:
    for machine, kind in MACHINES.items():
        layout = kind.layout
        assert not set(layout.parts["source"]) & set(layout.parts["target"]), machine
        assert set(layout.individuals().values()) <= {"source", "target"}
    cars = MACHINES["ToyCar"].layout.individuals()
    assert set(cars) == {"A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2", "E1", "E2"}
