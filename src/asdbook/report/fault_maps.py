"""Does the anomaly map point at the fault? Maps that records keep against the boxes that the simulator knows.

A record keeps each test clip's map as blocks of 8 mel bands x 8 frames (`cells`). The truth says where a fault shows,
as boxes in time and frequency. For each anomalous clip we compare the mean of the map inside its boxes with the mean
outside. A map may be brighter in some bands whatever the clip is, so the same boxes are laid over the maps of normal
clips of the same machine and ID: only what goes beyond these points at the fault.

The boxes are made again by `simulate.boxes`: no run's folder and no cache is needed, and no sound is mixed. That takes
some milliseconds a clip, so a few clips of each fault and machine ID stand for all (`CLIPS`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from asdbook import metrics, simulate
from asdbook.errors import BadInput
from asdbook.experiment.records import Stored
from asdbook.report import clips, figures, results
from asdbook.report.chapter import UNCORRECTED
from asdbook.report.embedding_figures import missing
from asdbook.report.show import Picture
from asdbook.report.tables import Table, Value
from asdbook.simulate.assign import lots

BLOCK = 8
"""Mel bands and frames in a block of `cells`."""
HOP, FS = 512, 16_000
"""Of the maps: those of `features.LogMel`. Frame k is centred at k hops."""
CLIPS = 4
"""Clips of each fault and machine ID (or domain) and data seed: the first ones, and numbers carry nothing."""
HALF = 0.5
"""A block is inside where at least this share of its cells touches a box."""
MOST = 0.75
"""A clip whose boxes hold more of the map than this has no place that a map could point at."""
PROBES = 4
"""Clips of a fault without such a place after which it has none."""
TIE = 1e-9
"""Doublings below which inside and outside are the same, but for rounding."""
FLOOR = (1 / 255) ** 2
"""Added to both means of a ratio: the smallest probability that a byte of `cells` can say."""


@dataclass(frozen=True)
class Pointing:
    """What maps say of one fault of one machine.

    Attributes:
        machine, fault: names.
        clips: anomalous clips, over all seeds.
        inside, outside: mean anomaly probability there.
        ratio: inside over outside in doublings (log2), mean over clips.
        control: the same boxes over maps of normal clips of the same machine and ID.
        gain: ratio minus control, in doublings; over data seeds, or over clips of a single one.
        share: of the clips whose map is brighter inside than outside.
        normal_share: of the normal clips, under the same boxes.
    """

    machine: str
    fault: str
    clips: int
    inside: float
    outside: float
    ratio: float
    control: float
    gain: metrics.Interval
    share: float
    normal_share: float

    @property
    def name(self) -> str:
        """Machine and fault."""
        return f"{self.machine}, {self.fault}"


def decoded(stored: Stored) -> np.ndarray | None:
    """Mean anomaly probability of each block, float64 (test clip, band block, frame block); None without maps.

    Raises:
        BadInput: maps that do not belong to the record's test clips.
    """
    coded = stored.figures().get("cells")
    if coded is None:
        return None
    tested = int((stored.scores()["split"] == "test").sum())
    if coded.ndim != 3 or len(coded) != tested:
        raise BadInput(f"{stored.folder.name}: maps of shape {coded.shape}, expected ({tested} test clips, blocks of "
                       "bands, blocks of frames): run it again")  # fmt: skip
    return (coded.astype(float) / 255) ** 2


@cache
def band_edges(bands: int) -> np.ndarray:
    """Edges of the mel bands in Hz: half-way between their centres on the mel scale, (band + 1,)."""
    import librosa  # here, because it takes a second to load

    return librosa.mel_frequencies(n_mels=2 * bands + 3, fmin=0.0, fmax=FS / 2)[1:-1:2]


def touched(boxes: Sequence[Sequence[float]], bands: int, frames: int) -> np.ndarray:
    """Which cells each box [t0, t1, f0, f1] (s, Hz) touches, bool (box, band, frame)."""
    edges, centres = band_edges(bands), np.arange(frames) * HOP / FS
    t0, t1, f0, f1 = (np.array(boxes, dtype=float).reshape(-1, 4)[:, k, None] for k in range(4))
    half = HOP / FS / 2  # to either side of a frame's centre
    time = (centres + half > t0) & (centres - half < t1)
    band = (edges[1:] > f0) & (edges[:-1] < f1)
    return band[:, :, None] & time[:, None, :]


def sides(boxes: Sequence[Sequence[float]], bands: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Which blocks lie inside the boxes of a clip, and which outside: bool (band block, frame block) each.

    Inside: at least half of the block's cells touch a box. A box that reaches no such block (an event that is short
    against 8 frames, a line that is thin against 8 bands) counts with every block that it touches. Outside: no cell
    touches a box. What is neither is left out.
    """
    cells = touched(boxes, bands, frames)
    share = _pooled(np.any(cells, axis=0)) / cell_counts(bands, frames)
    inside = share >= HALF
    for box in cells:
        own = _pooled(box) > 0
        inside |= own & ~(own & (share >= HALF)).any()
    return inside, (share == 0) & ~inside


def cell_counts(bands: int, frames: int) -> np.ndarray:
    """Cells in each block, (band block, frame block): the last frames may not fill one."""
    return _pooled(np.ones((bands, frames), bool))


def _pooled(cells: np.ndarray) -> np.ndarray:
    """Sums of (band, frame) over blocks."""
    wide = np.pad(cells, ((0, 0), (0, -cells.shape[1] % BLOCK))).astype(float)
    return wide.reshape(len(cells) // BLOCK, BLOCK, -1, BLOCK).sum(axis=(1, 3))


def contrast(maps: np.ndarray, inside: np.ndarray, outside: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean probability inside and outside, and their ratio in doublings (log2), of some maps, (3, clip).

    Args:
        maps: (clip, band block, frame block).
        inside, outside: from `sides`.
        counts: from `cell_counts`: a block counts by its cells.
    """
    means = [np.tensordot(maps, part * counts, axes=2) / (part * counts).sum() for part in (inside, outside)]
    return np.stack([*means, np.log2((means[0] + FLOOR) / (means[1] + FLOOR))])


def measure(stored: Stored, per_fault: int | None = CLIPS) -> tuple[pd.DataFrame, list[str]]:
    """Maps of a run's anomalous clips inside and outside their boxes.

    Args:
        stored: a record on built-in machines whose system makes maps.
        per_fault: clips of each fault and machine ID (or domain); None for all.

    Returns:
        A row a clip: name ("fan, rub"), machine, fault, then inside, outside, ratio, control, gain, share and
        normal_share as in `Pointing`; and the names of faults that have no place.

    Raises:
        BadInput: a record without maps, or whose clips this simulator cannot make again.
    """
    data, maps = stored.record.data, decoded(stored)
    if maps is None or results.known_truth([stored]) is None:
        raise BadInput(f"{stored.folder.name}: no maps of clips whose truth this simulator knows: run it again")
    spec = simulate.Spec(data.name, data_seed=data.seed or 0, profile=data.profile or "quick",
                         premise_off=tuple(data.premise_off))  # fmt: skip
    scores = stored.scores()
    test = scores[scores["split"] == "test"].reset_index(drop=True)
    found = [_machine(spec, str(machine), own, maps, per_fault)
             for machine, own in test.groupby("machine", sort=False)]  # fmt: skip
    return pd.DataFrame([row for rows, _ in found for row in rows]), [name for _, names in found for name in names]


def _machine(
    spec: simulate.Spec, machine: str, test: pd.DataFrame, maps: np.ndarray, per_fault: int | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """`measure` of one machine. A fault whose first clips have no place is not looked at any further."""
    bands, frames = BLOCK * maps.shape[1], 1 + round(spec.seconds(machine) * FS) // HOP
    counts = cell_counts(bands, frames)
    if counts.shape[1] > maps.shape[2]:
        raise BadInput(f"{machine}: maps of {maps.shape[2]} blocks for clips of {frames} frames: run it again")
    maps = maps[:, :, : counts.shape[1]]  # shorter clips end in zeros
    drawn, normal = _drawn(spec, machine, test)
    rows: list[dict[str, Any]] = []
    nowhere: list[str] = []
    for fault, members in drawn.items():
        before, name = len(rows), f"{machine}, {fault}"
        for tried, (part, number, position) in enumerate(_first(members, per_fault)):
            if tried == PROBES and len(rows) == before:
                break
            inside, outside = sides(simulate.boxes(spec, machine, "test", part, number), bands, frames)
            if inside.mean() > MOST or not inside.any() or not outside.any():
                continue
            own = contrast(maps[[position]], inside, outside, counts)[:, 0]
            others = contrast(maps[normal[part]], inside, outside, counts)
            rows.append({
                "name": name, "machine": machine, "fault": fault, "inside": own[0], "outside": own[1],
                "ratio": own[2], "control": others[2].mean(), "gain": own[2] - others[2].mean(),
                "share": float(own[2] > TIE), "normal_share": (others[2] > TIE).mean(),
            })  # fmt: skip
        nowhere += [name] if len(rows) == before else []
    return rows, nowhere


Clip = tuple[str, int, int]
"""Part (ID or domain), number in its cell, and position among the test clips."""


def _drawn(spec: simulate.Spec, machine: str, test: pd.DataFrame) -> tuple[dict[str, list[Clip]], dict[str, list[int]]]:
    """The anomalous clips of each fault in the order of the machine's faults, and the normal ones of each part."""
    drawn: dict[str, list[Clip]] = {fault: [] for fault in spec.faults_of(machine)}
    normal: dict[str, list[int]] = {part: [] for part in spec.parts(machine)}
    for position, file in zip(test.index, test["file"], strict=True):
        _, role, part, label, number = clips.place(str(file), spec.preset)
        fault = lots(spec, machine, role, part, label, spec.cell(role, part))[number].fault
        if fault is None:
            normal[part].append(position)
        else:
            drawn[fault].append((part, number, position))
    return {fault: members for fault, members in drawn.items() if members}, normal


def _first(members: Sequence[Clip], per_part: int | None) -> list[Clip]:
    """The first clips of each part."""
    seen: dict[str, int] = {}
    chosen: list[Clip] = []
    for clip in members:
        seen[clip[0]] = seen.get(clip[0], 0) + 1
        if per_part is None or seen[clip[0]] <= per_part:
            chosen.append(clip)
    return chosen


@dataclass(frozen=True)
class Found:
    """What maps of some runs say.

    Attributes:
        places: faults that have a place, machine by machine; [] without records.
        nowhere: names of those that have none.
    """

    places: Sequence[Pointing] = ()
    nowhere: Sequence[str] = ()

    @property
    def best_first(self) -> list[Pointing]:
        return sorted(self.places, key=lambda one: -one.gain.value)


def pointing(group: Sequence[Stored], per_fault: int | None = CLIPS) -> Found:
    """What the maps of some runs of a system say of each fault; runs without maps or known truth are left out.

    Args:
        group: runs that differ in seeds only. Over several data seeds each gives one mean (its trainings averaged),
            and the interval is over these; over one, it is over its clips.
        per_fault: as in `measure`.
    """
    frames, nowhere = [], []
    for stored in group:
        if decoded(stored) is not None and results.known_truth([stored]) is not None:
            rows, without = measure(stored, per_fault)
            frames.append(rows.assign(data=stored.record.data.seed))
            nowhere += without
    if not frames:
        return Found()
    every = pd.concat(frames, ignore_index=True)
    several = len({stored.record.data.seed for stored in group}) > 1
    places = [_pointing(rows, several) for _, rows in every.groupby("name", sort=False)] if len(every) else []
    return Found(places, [name for name in dict.fromkeys(nowhere) if name not in {one.name for one in places}])


def _pointing(rows: pd.DataFrame, several: bool) -> Pointing:
    """All clips of one fault of one machine; the interval is over data seeds where there are several, else over clips.

    A fault that has a place in one of several data sets alone has no interval.
    """
    if several:
        gain = metrics.over_data_seeds(rows.groupby("data")["gain"].mean().to_numpy())
    else:
        gain = replace(metrics.over_data_seeds(rows["gain"].to_numpy()), covers="clips of one data set")
    names = ("inside", "outside", "ratio", "control", "share", "normal_share")
    means: Mapping[str, float] = {name: float(rows[name].mean()) for name in names}
    return Pointing(str(rows["machine"].iloc[0]), str(rows["fault"].iloc[0]), clips=len(rows), gain=gain, **means)


UNIT = "inside over outside, more than on normal clips (doublings)"


def figure(found: Found) -> Picture:
    """A dot with its interval for each fault, machine by machine, the best one of each first."""
    if not found.places:
        return missing("maps of anomalous clips")
    order = {machine: k for k, machine in enumerate(dict.fromkeys(one.machine for one in found.places))}
    lines = sorted(found.best_first, key=lambda one: order[one.machine])
    dots = [figures.Dot(one.name, one.gain.value, one.gain.low, one.gain.high,
                        () if _over_clips(one.gain) else one.gain.points) for one in lines]  # fmt: skip
    return figures.intervals(dots, unit=UNIT, reference=0.0, reference_label="as on normal clips")


def _over_clips(gain: metrics.Interval) -> bool:
    return gain.covers.startswith("clips")


def table(found: Found, **options: Any) -> Table:
    """A line a fault, the best one first."""
    lines: list[list[Any]] = []
    for one in found.best_first:
        gain = Value(one.gain.value, one.gain.low, one.gain.high, digits=2)
        means = [Value(100 * one.inside), Value(100 * one.outside)]
        ratios = [Value(one.ratio, digits=2), Value(one.control, digits=2), gain]
        lines.append([one.name, str(one.clips), *means, *ratios, Value(100 * one.share), Value(100 * one.normal_share)])
    notes = [*options.pop("notes", ()), *_notes(found)]
    columns = ("fault", "clips", "map inside (%)", "map outside (%)", "inside over outside (doublings)",
               "the same on normal clips", "difference", "brighter inside (% of clips)", "the same on normal clips")
    return Table(columns, lines or [["all faults", *[Value(None, reason="no record yet")] * 8]], notes=notes, **options)


def _notes(found: Found) -> list[str]:
    """How it was measured."""
    said = [
        f"A map is kept as means over blocks of {BLOCK} mel bands and {BLOCK} frames. A block lies inside where at "
        "least half of it touches a box of the truth; a box that reaches no such block counts with all blocks that "
        "it touches. Blocks that are neither inside nor untouched are left out, and so are clips whose boxes hold more "
        f"than {MOST:.0%} of the map.",
        "Normal clips: the same boxes over the maps of normal test clips of the same machine and ID. One doubling: "
        "twice as high inside as outside.",
    ]
    if found.places:
        covers = max((one.gain for one in found.places), key=lambda gain: len(gain.points)).covers
        said.append(f"Intervals (95 %) cover {covers}; the clips are the first ones of each fault and machine ID. "
                    f"{UNCORRECTED}")  # fmt: skip
    if found.nowhere:
        said.append(f"Faults without a place, since they sound nearly everywhere: {'; '.join(found.nowhere)}.")
    return said


def finding(found: Found) -> str:
    """What the maps show, in a sentence: how many faults they point at, the best and the worst."""
    if not found.places:
        return "No record with maps yet"
    sure = sum(one.gain.low is not None and one.gain.low > 0 for one in found.places)
    away = sum(one.gain.high is not None and one.gain.high < 0 for one in found.places)
    best, worst = found.best_first[0], found.best_first[-1]
    below = f", away from {away}" if away else ""
    return (f"The map points at {sure} of {len(found.places)} faults that have a place{below}. Best: {_said(best)}. "
            f"Worst: {_said(worst)}")  # fmt: skip


def _said(one: Pointing) -> str:
    return (f"{one.name} ({one.gain.value:+.1f} doublings, brighter inside in {one.share:.0%} of clips, on normal "
            f"clips in {one.normal_share:.0%})").replace("%", " %")  # fmt: skip
