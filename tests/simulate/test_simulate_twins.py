"""A clip and its healthy twin differ by the fault alone: draws of events do not move when a fault moves events."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from asdbook.simulate import banks, brushed, conveyors, toys, valves
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes, flurry, scatter
from asdbook.simulate.presets import PRESETS
from asdbook.simulate.seeds import stream
from asdbook.simulate.sets import twin
from asdbook.simulate.spec import Spec
from asdbook.simulate.take import Fault, Operating, Take, rendered_length

FS = 16_000
N = 69_120
LEAD = N - 64_000
SETS = {machine: preset for preset in PRESETS.values() for machine in preset.machines}


def take_of(seed: int, fault: str | None = None, gain: float = 1.0, **point: object) -> Take:
    return Take(N, LEAD, Operating(**point), partial(stream, seed, "twin"), Fault(fault, 1.0, gain) if fault else None)


def valve_of(seed: int) -> valves.Valve:
    return valves.design(stream(seed, "valve"), Tolerance(stream(seed, "valve", "copy")))


def dull(modes: Modes) -> Modes:
    """The same part, hardly ringing."""
    return Modes(modes.hz, np.full(len(modes.hz), 0.3), modes.amplitude)


@pytest.mark.parametrize("pattern", range(4))
def test_sticking_valve_equals_its_twin_outside_its_boxes(pattern: int) -> None:
    for seed in range(3):
        valve = valve_of(seed)
        # short tails, so that nothing of a moved event is left 20 ms behind its box
        valve = replace(valve, decay=0.010, opening=dull(valve.opening), closing=dull(valve.closing))
        healthy = valves.sound(valve, take_of(seed, pattern=pattern))
        take = take_of(seed, "sticking", pattern=pattern)
        difference = np.abs(valves.sound(valve, take) - healthy)[LEAD:]
        outside = np.ones(len(difference), bool)
        for t0, t1, _, _ in take.boxes:
            outside[max(0, int((t0 - 0.02) * FS)) : int((t1 + 0.02) * FS)] = False
        inside = np.zeros(len(difference), bool)
        for t0, t1, _, _ in take.boxes:
            inside[int(t0 * FS) : int(t1 * FS)] = True
        assert outside.mean() > 0.1
        # -86 dB: modes are sampled in frequency, so a hit has a faint skirt in time
        assert difference[outside].max() < 5e-5 * np.abs(healthy).max()
        assert np.sum(difference[inside] ** 2) > 0.98 * np.sum(difference**2)


def test_sticking_valve_opens_late_by_its_draws_and_closes_sixty_milliseconds_late() -> None:
    for seed in range(5):
        valve = valve_of(seed)
        opens, closes, _ = valves.schedule(valve, take_of(seed))
        for gain in (0.0, 0.5, 1.0):
            late, shut = valves.delayed(take_of(seed, "sticking", gain), opens, closes)
            draws = np.abs(take_of(seed).rng("fault").standard_normal(len(opens)))
            assert late - opens == pytest.approx(np.minimum(draws, 2) * 0.040 * FS * gain)
            assert shut - closes == pytest.approx(np.full(len(closes), 0.060 * FS * gain))
        assert np.all(late < shut)  # never closed before it is open
        assert np.all(shut[:-1] < late[1:])


def test_opening_whose_closing_lies_behind_the_clip_still_sounds() -> None:
    found = 0
    for seed in range(40):
        valve, take = valve_of(seed), take_of(seed, pattern=2)
        opens, closes, _ = valves.schedule(valve, take)
        cut = (opens < N - 0.05 * FS) & (opens > 0) & (closes > N)
        if not cut.any():
            continue
        found += 1
        at = int(opens[cut][0])
        x = valves.sound(valve, take)
        assert np.mean(x[at : at + 800] ** 2) > 5 * np.mean(x[at - 1600 : at - 800] ** 2)
    assert found >= 3


def test_burst_of_an_opening_does_not_depend_on_the_others() -> None:
    """Pushing the last opening out of the clip changes no sample before it."""
    valve, take = valve_of(1), take_of(1)
    opens, closes, rate = valves.schedule(valve, take)
    last = int(np.flatnonzero(opens < N - 1)[-1])
    gone = opens.copy()
    gone[last] = N + 100
    whole, less = (valves._burst(valve, take, valves.Events(o, closes, rate, N)) for o in (opens, gone))
    before = slice(LEAD, int(opens[last]) - 1)  # tails run round the end into the lead-in
    assert np.abs(whole - less)[before].max() < 1e-5 * np.abs(whole).max()


def test_wrong_voltage_moves_joints_in_time_and_keeps_their_draws() -> None:
    for design in (toys.design_car, toys.design_train):
        for seed in range(4):
            toy = design(stream(seed, "toy"), Tolerance(stream(seed, "toy", "copy")))
            due = toys._passages(toy, take_of(seed), 1.0)
            for speed in (0.82, 0.9, 1.1, 1.18):
                now = toys._passages(toy, take_of(seed), speed)
                assert np.array_equal(now.uneven, due.uneven)
                assert np.array_equal(now.number, due.number)
                assert now.first * speed == pytest.approx(due.first)  # same turns of the wheel, other time
                assert now.first[-1] > N  # enough passages for the fastest clip


def test_chipped_joint_changes_nothing_but_its_own_passages() -> None:
    toy = toys.design_train(stream(5, "toy"), Tolerance(stream(5, "toy", "copy")))
    healthy, take = toys.sound(toy, take_of(5)), take_of(5, "track")
    difference = np.abs(toys.sound(toy, take) - healthy)[LEAD:]
    outside = np.ones(len(difference), bool)
    for t0, t1, _, _ in take.boxes:
        outside[max(0, int((t0 - 0.15) * FS)) : int((t1 + 0.15) * FS)] = False
    assert difference[outside].max() < 1e-4


@pytest.mark.parametrize("machine", SETS)
def test_every_machine_has_twins_that_share_all_but_the_fault(machine: str) -> None:
    preset = SETS[machine]
    kind = preset.machines[machine]
    part = next(iter(kind.layout.parts))
    for fault in kind.faults:
        spec = Spec(preset.name, 100, "smoke", machines=(machine,), faults=(fault,), severity=1.0)
        pair = twin(spec, machine, "audit", part, 1)
        assert pair.truth["fault"] == fault
        assert pair.boxes
        assert not np.array_equal(pair.anomalous, pair.healthy)
        assert np.array_equal(pair.healthy, twin(replace(spec, severity=0.4), machine, "audit", part, 1).healthy)


@pytest.mark.parametrize("hz", [0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("duty", [0.3, 0.5, 0.7, 0.8])
def test_gates_open_and_close_without_a_jump_and_keep_their_duty(hz: float, duty: float) -> None:
    x = banks._gate(stream("gate", int(10 * hz), int(10 * duty)), 100 * 16_000, hz, duty)
    assert x.dtype == np.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.mean() == pytest.approx(duty, abs=0.03)
    edge = min(0.050, duty / hz, (1 - duty) / hz)
    assert np.abs(np.diff(x)).max() < 1.25 * np.pi / 2 / (edge * FS)  # raised cosine, speed wanders by 5 %
    assert np.abs(np.diff(x)).max() < 4e-3
    assert x.min() < 0.01
    assert x.max() > 0.99


def test_gates_never_switch_faster_than_two_milliseconds() -> None:
    x = banks._gate(stream("fast gate"), N, 8.0, 0.999)
    assert np.abs(np.diff(x)).max() < 1.25 * np.pi / 2 / (0.002 * FS)


def test_scatter_is_bounded() -> None:
    w = scatter(stream("scatter"), 0.25, (1000, 3))
    assert w.shape == (1000, 3)
    assert (w.min(), w.max()) == pytest.approx((0.5, 1.5))
    assert w.mean() == pytest.approx(1.0, abs=0.02)


def test_hits_of_a_flurry_keep_their_distance() -> None:
    at = np.array([1000.0, 5000.0])
    hits = flurry(stream("flurry"), at, 24, 0.1)
    assert hits.shape == (2, 24)
    assert np.diff(hits, axis=1).min() >= 0.4 * 0.1 * FS / 24 - 1e-9
    assert np.all((hits > at[:, None]) & (hits < at[:, None] + 0.1 * FS))


def test_slip_and_voltage_draws_do_not_depend_on_severity() -> None:
    conveyor = conveyors.design(stream(2, "belt"), Tolerance(stream(2, "belt", "copy")))
    for fault in ("slip", "object"):
        spans = []
        for gain in (0.3, 1.0):
            take = take_of(2, fault, gain)
            conveyors.sound(conveyor, take)
            spans.append([box for box in take.boxes if box[3] > 4000])
        assert spans[0] == spans[1]
    half, full = (brushed.drift(take_of(2, "voltage", gain)) - 1 for gain in (0.5, 1.0))
    assert half == pytest.approx(full / 2)


def test_short_clips_render_at_their_length() -> None:
    n = rendered_length(FS)
    take = Take(n, n - FS, Operating(), partial(stream, 1, "short"), Fault("sticking", 1.0, 1.0))
    assert valves.sound(valve_of(1), take).shape == (n,)
