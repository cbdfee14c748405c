"""What holds for every machine family: size, power, faults that vanish at gain 0 and stay in their boxes, copies."""

from __future__ import annotations

import dataclasses
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from asdbook.simulate import bearings, conveyors, drones, gears, pumps, rotating, sliders, toys, valves
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes
from asdbook.simulate.presets import PRESETS
from asdbook.simulate.seeds import stream
from asdbook.simulate.take import Fault, Operating, Take, rendered_length

FS = 16_000
N = 69_120
LEAD = N - 64_000
FAMILIES: dict[str, tuple[Any, Any, dict[str, tuple[str, str]]]] = {
    "fan": (rotating.design, rotating.sound, rotating.FAULTS),
    "BrushlessMotor": (rotating.design_motor, rotating.sound, rotating.FAULTS_MOTOR),
    "pump": (pumps.design, pumps.sound, pumps.FAULTS),
    "AirCompressor": (pumps.design_compressor, pumps.sound, pumps.FAULTS_COMPRESSOR),
    "gearbox": (gears.design, gears.sound, gears.FAULTS),
    "bearing": (bearings.design, bearings.sound, bearings.FAULTS),
    "slider": (sliders.design, sliders.sound, sliders.FAULTS),
    "valve": (valves.design, valves.sound, valves.FAULTS),
    "ToyCar": (toys.design_car, toys.sound, toys.FAULTS_CAR),
    "ToyTrain": (toys.design_train, toys.sound, toys.FAULTS_TRAIN),
    "ToyConveyor": (conveyors.design, conveyors.sound, conveyors.FAULTS),
    "HoveringDrone": (drones.design, drones.sound, drones.FAULTS),
}
CASES = [(machine, fault) for machine, family in FAMILIES.items() for fault in family[2]]
SHORT = rendered_length(FS)


def made(
    machine: str,
    fault: str | None = None,
    gain: float = 1.0,
    seed: int = 1,
    n: int = N,
    kept: int = 64_000,
    **point: Any,
) -> tuple[Any, np.ndarray, Take]:
    """Constants, sound (lead-in included) and take of one clip."""
    design, sound, _ = FAMILIES[machine]
    constants = design(stream(seed, machine), Tolerance(stream(seed, machine, "copy")))
    streams = partial(stream, seed, machine, 0)
    take = Take(n, n - kept, Operating(**point), streams, Fault(fault, 1.0, gain) if fault else None)
    return constants, sound(constants, take), take


@cache
def healthy(machine: str, seed: int = 1) -> np.ndarray:
    return made(machine, seed=seed)[1]


def density(x: np.ndarray) -> np.ndarray:
    """Power in frames of 512 samples every 256, (frames, 257)."""
    frames = np.lib.stride_tricks.sliding_window_view(x, 512)[::256] * np.hanning(512).astype(np.float32)
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2


def boxed(take: Take, frames: int) -> np.ndarray:
    """Which cells of `density` a take's boxes hold, a frame and a bin around them included."""
    t, f = (np.arange(frames) * 256 + 256) / FS, np.arange(257) * FS / 512
    mask = np.zeros((frames, 257), bool)
    for t0, t1, f0, f1 in take.boxes:
        mask |= ((t > t0 - 0.016) & (t < t1 + 0.016))[:, None] & ((f >= f0 - 32) & (f <= f1 + 32))
    return mask


def test_every_preset_machine_belongs_to_a_family_here() -> None:
    machines = {name for preset in PRESETS.values() for name in preset.machines}
    assert machines <= set(FAMILIES)


@pytest.mark.parametrize("machine", FAMILIES)
def test_sound_has_its_size_and_about_unit_power(machine: str) -> None:
    power = []
    for seed in range(8):
        x = healthy(machine, seed)
        assert x.shape == (N,)
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        power.append(np.mean(x[LEAD:] ** 2))
    assert 0.7 < np.sqrt(np.mean(power)) < 1.4
    short = made(machine, n=SHORT, kept=FS)[1]
    assert short.shape == (SHORT,)


@pytest.mark.parametrize(("machine", "fault"), CASES)
def test_fault_vanishes_at_gain_zero_and_grows_with_gain(machine: str, fault: str) -> None:
    x = healthy(machine)
    assert np.array_equal(made(machine, fault, 0.0)[1], x)
    before = density(x[LEAD:])
    change = [np.abs(density(made(machine, fault, gain)[1][LEAD:]) - before).sum() for gain in (0.1, 1.0)]
    assert 0 < change[0] < change[1]


@pytest.mark.parametrize(("machine", "fault"), CASES)
def test_fault_shows_in_its_boxes(machine: str, fault: str) -> None:
    for seed in (1, 2):
        _, x, take = made(machine, fault, seed=seed)
        before, after = density(healthy(machine, seed)[LEAD:]), density(x[LEAD:])
        change, mask = np.abs(after - before), boxed(take, len(before))
        assert take.boxes
        assert change[mask].sum() > 0.8 * change.sum()
        louder = np.abs(10 * np.log10((after + 1e-3) / (before + 1e-3)))
        if mask.mean() < 0.6:  # elsewhere the twin is much the same clip
            assert louder[mask].mean() > 1.8 * louder[~mask].mean()


@pytest.mark.parametrize(("machine", "fault"), CASES)
def test_fault_shows_in_clips_of_one_second_too(machine: str, fault: str) -> None:
    for seed in range(5):
        _, x, take = made(machine, fault, seed=seed, n=SHORT, kept=FS)
        _, twin, _ = made(machine, seed=seed, n=SHORT, kept=FS)
        kept = slice(take.lead, None)
        assert take.boxes
        assert np.mean((x - twin)[kept] ** 2) > 0.01 * np.mean(twin[kept] ** 2)


@pytest.mark.parametrize(("machine", "fault"), CASES)
def test_no_fault_is_a_single_peak_near_full_scale(machine: str, fault: str) -> None:
    """37 dB are left above the level of the sets, 3 dB of them for the clip gain, 5 dB for room and body."""
    for seed in range(4):
        assert np.abs(made(machine, fault, seed=seed)[1]).max() < 10 ** (34 / 20) * 0.8


@pytest.mark.parametrize("machine", FAMILIES)
def test_every_fault_has_a_sentence_and_a_place(machine: str) -> None:
    for what, where in FAMILIES[machine][2].values():
        assert what.endswith(".")
        assert where


SPEEDS = ("tempo", "cycle", "motor.hz", "hz")
"""What sets the pace, by the names of the families' constants."""


def constants_of(machine: str, copy: str, spread: float) -> Any:
    return FAMILIES[machine][0](stream(1, machine), Tolerance(stream(1, machine, copy), spread))


def flat(value: Any) -> dict[str, np.ndarray]:
    """All numbers of a family's constants by name."""
    found: dict[str, np.ndarray] = {}
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        if dataclasses.is_dataclass(part):
            found |= {f"{field.name}.{k}": v for k, v in flat(part).items()}
        elif isinstance(part, dict):
            found |= {f"{field.name}.{k}": np.atleast_1d(v) for k, v in part.items()}
        elif part is not None:
            found[field.name] = np.atleast_1d(part)
    return found


@pytest.mark.parametrize("machine", FAMILIES)
def test_copies_are_alike_without_tolerance_and_differ_as_faults_do_with_it(machine: str) -> None:
    first, second = (flat(constants_of(machine, copy, 0.0)) for copy in ("01", "02"))
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name
    first, second = (flat(constants_of(machine, copy, 1.0)) for copy in ("01", "02"))
    differ = {name for name, value in first.items() if not np.array_equal(value, second[name])}
    assert any(name.startswith("shares.") for name in differ)
    assert any(name.endswith(("lines", "ripple")) for name in differ)
    assert any(name.endswith(("hz", "tempo", "cycle")) for name in differ)
    assert any(name.endswith("fall") for name in differ)
    assert any(name.endswith(("knee", "colour", "rumble")) for name in differ)
    if any(name.endswith(".zeta") for name in first):  # parts that ring
        assert any(name.endswith(".hz") for name in differ)
        assert any(name.endswith(".amplitude") for name in differ)


@pytest.mark.parametrize("machine", FAMILIES)
def test_tolerances_keep_total_power_and_stay_within_a_few_percent(machine: str) -> None:
    copies = [flat(constants_of(machine, f"{i:02}", 1.0)) for i in range(24)]
    total = [sum(float(v[0]) ** 2 for k, v in c.items() if k.startswith("shares.")) for c in copies]
    assert np.ptp(total) < 1e-9
    speeds = [float(next(c[name] for name in SPEEDS if name in c)[0]) for c in copies]
    assert 0.002 < np.std(speeds) / np.mean(speeds) < 0.05
    for name in copies[0]:
        if name.endswith("shares.motor"):
            db = 20 * np.log10([float(c[name][0]) for c in copies])
            assert 0.8 < np.std(db) < 3.5


def test_cast_parts_stay_below_the_band_limit() -> None:
    for machine in FAMILIES:
        for i in range(10):
            value = constants_of(machine, f"{i:02}", 1.0)
            for part in vars(value).values():
                if isinstance(part, Modes):
                    assert part.hz.max() < 6800
                    # ringing is over within the lead-in, so that circular convolution is exact
                    assert (part.zeta * part.hz).min() > 3.5
