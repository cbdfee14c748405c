"""Whether maps point at faults: bright inside the boxes, flat, swapped, bright there on normal clips too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from bs4 import BeautifulSoup

from asdbook import simulate
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.report import fault_maps
from asdbook.report.fault_maps import Found, pointing
from asdbook.simulate.assign import lots
from asdbook.simulate.truth import clip_path
from asdbook.systems.auddsr import blocks

BANDS, FRAMES, SET = 128, 126, "synthetic-2020"
LOW, HIGH = 0.02, 0.32  # four doublings apart
WHERE = {"pump": ("looseness", "cavitation"), "valve": ("leak", "sticking", "contamination", "coil")}
"""Faults of these machines that have a place."""


def clips_of(seed, machines):
    """(file, machine, part, label, number) of all test clips of a few machines."""
    spec = simulate.Spec(SET, data_seed=seed, profile="quick")
    for machine in machines:
        for part in spec.parts(machine):
            for label in ("normal", "anomaly"):
                cell = lots(spec, machine, "test", part, label, spec.cell("test", part))
                for number, lot in enumerate(cell):
                    yield clip_path(spec, machine, "test", part, label, number, lot), machine, part, label, number


@pytest.fixture
def write(commit):
    """`write(seed, paint, machines)` commits a record with painted maps: `paint(label, boxes) -> (band, frame)`."""

    def one(seed, paint, machines=("pump",), **changes):
        spec = simulate.Spec(SET, data_seed=seed, profile="quick")
        rows, maps, count = [], [], {}
        for file, machine, part, label, number in clips_of(seed, machines):
            fault = lots(spec, machine, "test", part, label, spec.cell("test", part))[number].fault
            count[machine, part, fault] = count.get((machine, part, fault), 0) + 1
            used = label == "anomaly" and count[machine, part, fault] <= fault_maps.CLIPS
            boxes = simulate.boxes(spec, machine, "test", part, number) if used else []
            maps.append(torch.as_tensor(paint(label, boxes), dtype=torch.float32))
            rows.append([file, machine, part, pd.NA, label, "test", file, float(label == "anomaly"), 0])
        frame = pd.DataFrame(rows, columns=records.SCORE_COLUMNS)
        data = {"name": SET, "year": 2020, "seed": seed, "fingerprint": str(seed).ljust(64, "0"), **changes}
        return commit("auddsr:literal", seed, frame, {"cells": blocks(maps).numpy()}, data)

    return one


def painted(boxes, inside=HIGH, outside=LOW):
    """A map with one value in the cells that a box touches, and another elsewhere."""
    hit = fault_maps.touched(boxes, BANDS, FRAMES).any(axis=0)
    return np.where(hit, inside, outside)


def bright(label, boxes):
    return painted(boxes)


def by_name(found):
    return {one.name: one for one in found.places}


def test_a_map_that_is_bright_in_the_box_points_at_the_fault(write):
    found = pointing([write(0, bright, ("pump", "valve"))])
    assert set(by_name(found)) == {f"{machine}, {fault}" for machine, own in WHERE.items() for fault in own}
    assert {"pump, leak", "pump, clogging"} == set(found.nowhere)
    for one in found.places:
        assert one.gain.value == pytest.approx(one.ratio, abs=1e-9) and one.control == pytest.approx(0, abs=1e-9)
        assert 1.5 < one.gain.value <= 4.0 and one.share == 1 and one.normal_share == 0
        assert one.inside > 0.8 * HIGH * fault_maps.HALF and one.outside == pytest.approx(LOW, rel=0.02)
        assert one.clips in (15, 16)  # 4 of each of 4 IDs; one sticks nearly everywhere
        assert one.gain.low < one.gain.value < one.gain.high or one.gain.low == pytest.approx(one.gain.high)
    assert "pump, looseness" in by_name(found) and "6 of 6 faults" in fault_maps.finding(found)


def test_a_flat_map_points_nowhere(write):
    for one in pointing([write(0, lambda *_: np.full((BANDS, FRAMES), LOW))]).places:
        assert one.gain.value == pytest.approx(0, abs=1e-9) and one.share == one.normal_share == 0


def test_a_map_that_is_dark_in_the_box_points_away(write):
    found = pointing([write(0, lambda label, boxes: painted(boxes, LOW, HIGH if boxes else LOW))])
    assert found.places and all(one.gain.value < -1.5 and one.gain.high < 0 and one.share == 0 for one in found.places)
    assert "away from 2" in fault_maps.finding(found)


def test_brightness_that_normal_clips_have_there_too_does_not_count(write):
    band = [[0.0, 4.0, 250.0, 1600.0]]  # where looseness shows, in every clip
    found = by_name(pointing([write(0, lambda *_: painted(band))]))
    one = found["pump, looseness"]
    assert one.ratio > 1.5 and one.control == pytest.approx(one.ratio) and one.share == one.normal_share == 1
    assert one.gain.value == pytest.approx(0, abs=1e-9)


def test_intervals_are_over_data_seeds(write):
    rng = np.random.default_rng(0)

    def noisy(label, boxes):
        return painted(boxes) * rng.uniform(0.5, 1.0)

    group = [write(seed, noisy) for seed in (0, 1, 2)]
    alone = by_name(pointing(group[:1]))["pump, looseness"].gain
    assert len(alone.points) == 16 and alone.covers == "clips of one data set"
    three = by_name(pointing(group))["pump, looseness"]
    assert len(three.gain.points) == 3 and three.clips == 48 and "3 data seeds" in three.gain.covers
    own = [by_name(pointing([stored]))["pump, looseness"].gain.value for stored in group]
    assert three.gain.points == pytest.approx(own) and three.gain.value == pytest.approx(np.mean(own))
    twice = by_name(pointing([group[0], group[0], group[1]]))["pump, looseness"]  # trainings on one data set
    assert twice.gain.points == pytest.approx(own[:2])


def test_a_fault_of_one_data_set_of_several_has_no_interval(write):
    found = pointing([write(0, bright), write(1, bright, ("valve",))])
    assert len(found.places) == 6 and all(one.gain.low is None for one in found.places)
    assert "0 of 6 faults" in fault_maps.finding(found) and fault_maps.figure(found).alt


def test_figure_and_table_name_best_and_worst(write):
    found = pointing([write(0, bright, ("pump", "valve"))])
    picture = fault_maps.figure(found)
    names = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert [name.split(",")[0] for name in names] == ["pump"] * 2 + ["valve"] * 4 and set(names) == set(by_name(found))
    table = fault_maps.table(found, name="tab-x", caption=fault_maps.finding(found))
    rows = BeautifulSoup(table.html(), "html.parser").select("tbody tr")
    first = [cell.get_text(" ", strip=True) for cell in rows[0].find_all(["th", "td"])]
    best = found.best_first[0]
    assert first[:2] == [best.name, str(best.clips)] and first[-2:] == ["100.0", "0.0"]
    assert f"{best.gain.value:.2f}" in first[6]
    assert any("pump, leak" in note for note in table.notes)
    assert f"Best: {best.name}" in table.caption and f"Worst: {found.best_first[-1].name}" in table.caption


def test_without_maps_every_display_says_so(commit, make_record):
    stored = commit("auddsr:literal", 0, make_record(0)[1])
    for found in (pointing([]), pointing([stored])):
        assert found == Found() and "yet" in fault_maps.finding(found)
        assert "is not run" in fault_maps.figure(found).alt and "no record yet" in fault_maps.table(found).html()
    with pytest.raises(BadInput, match="no maps"):
        fault_maps.measure(stored)


def test_records_of_another_simulator_or_of_real_machines_are_left_out(write):
    old = write(0, bright, simulator_version=simulate.VERSION - 1)
    real = write(1, bright, kind="official")
    assert pointing([old, real]) == Found()


def test_maps_that_do_not_fit_the_clips_are_refused(write, monkeypatch):
    stored = write(0, bright)
    cells = stored.figures()["cells"]
    monkeypatch.setattr(type(stored), "figures", lambda self: {"cells": cells[1:]})
    with pytest.raises(BadInput, match=r"expected \(400 test clips"):
        pointing([stored])
    monkeypatch.setattr(type(stored), "figures", lambda self: {"cells": cells[:, :, :3]})
    with pytest.raises(BadInput, match="3 blocks"):
        pointing([stored])


def test_half_a_block_is_inside_a_short_event_takes_what_it_touches():
    edges = fault_maps.band_edges(BANDS)
    assert len(edges) == BANDS + 1 and 0 < edges[0] < edges[1] and edges[-1] < 8000
    # Bands 8 to 15 and frames 8 to 19: a whole block, and half of the next one.
    hop = 512 / 16_000
    box = [7.6 * hop, 19.4 * hop, edges[8] + 1, edges[16] - 1]
    inside, outside = fault_maps.sides([box], BANDS, FRAMES)
    assert np.argwhere(inside).tolist() == [[1, 1], [1, 2]] and (inside ^ outside).all()
    shorter = [7.6 * hop, 18.4 * hop, edges[8] + 1, edges[16] - 1]  # 3 of 8 frames of the second: left out
    inside, outside = fault_maps.sides([shorter], BANDS, FRAMES)
    assert np.argwhere(inside).tolist() == [[1, 1]] and np.argwhere(~inside & ~outside).tolist() == [[1, 2]]
    event = [15.9 * hop, 16.1 * hop, edges[8] + 1, edges[9] - 1]  # one band of one frame
    assert np.argwhere(fault_maps.sides([event], BANDS, FRAMES)[0]).tolist() == [[1, 2]]
    both = fault_maps.sides([box, event], BANDS, FRAMES)[0]  # the event lies in a block that is inside already
    assert np.argwhere(both).tolist() == [[1, 1], [1, 2]]


def test_the_last_block_counts_by_its_frames():
    counts = fault_maps.cell_counts(BANDS, FRAMES)
    assert counts.shape == (16, 16) and (counts[:, :-1] == 64).all() and (counts[:, -1] == 48).all()
    maps = np.zeros((1, 16, 16))
    maps[0, :, -1] = 0.4
    inside = np.zeros((16, 16), bool)
    inside[:, -2:] = True
    means = fault_maps.contrast(maps, inside, ~inside, counts)
    assert means[0, 0] == pytest.approx(0.4 * 48 / 112) and means[1, 0] == 0
    assert means[2, 0] == pytest.approx(np.log2((means[0, 0] + fault_maps.FLOOR) / fault_maps.FLOOR))
