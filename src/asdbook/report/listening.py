"""Hear the built-in machines: a clip with a fault, its twin without, where the fault sits, what is known.

The twin has the same draws of speed, noise, place and level; only the fault is gone. So whatever differs
between the two sounds is the fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asdbook import metrics, simulate
from asdbook.experiment.records import Stored
from asdbook.report import audio, clips, spectrograms
from asdbook.report.show import Display, Picture, Prose, Tabs
from asdbook.simulate.assign import lots

CANDIDATES = 4
"""Clips of which the one with the least noise is played: a listener should hear the machine at all."""


@dataclass(frozen=True)
class Heard:
    """A fault and its twin.

    Attributes:
        machine, fault: names.
        what, where: sentences of the simulator.
        twin: both sounds and the truth.
    """

    machine: str
    fault: str
    what: str
    where: str
    twin: simulate.Twin

    @property
    def waves(self) -> tuple[np.ndarray, np.ndarray]:
        """Healthy and faulty, float in [-1, 1)."""
        return self.twin.healthy / 32768, self.twin.anomalous / 32768

    @property
    def snr(self) -> float:
        """Level of the healthy machine over the factory noise in dB."""
        return float(self.twin.truth["snr_db"])

    def excess(self) -> float:
        """Mean level change that the fault makes inside its boxes (anywhere, without boxes), in dB."""
        healthy, faulty = (spectrograms.levels(wave) for wave in self.waves)
        change = np.abs(faulty - healthy)
        inside = box_mask(self.twin.boxes, change.shape)
        return float(change[inside].mean() if inside.any() else change.mean())

    def mean_change(self) -> float:
        """How much the fault changes the mean spectrum, in dB: what a detector that averages over time can see."""
        healthy, faulty = (spectrograms.levels(wave).mean(axis=1) for wave in self.waves)
        return float(np.abs(faulty - healthy).mean())

    def picture(self) -> Picture:
        """Both spectrograms on one colour scale, and what the fault changes."""
        healthy, faulty = self.waves
        boxes = [tuple(float(edge) for edge in box) for box in self.twin.boxes]
        return spectrograms.change(
            spectrograms.Panel("healthy twin", healthy), spectrograms.Panel(f"fault: {self.fault}", faulty, boxes)
        )

    def players(self) -> audio.Players:
        """Both sounds at one gain, each with words."""
        healthy, faulty = self.waves
        noise = ", ".join(self.twin.truth["noise"])
        return audio.players(
            audio.Sound(f"{self.machine}, healthy", healthy, f"The healthy machine; factory noise: {noise}."),
            audio.Sound(f"{self.machine}, {self.fault}", faulty, f"{self.what} Heard as: {self.where}."),
        )

    def known(self) -> Prose:
        """What the simulator knows of the clip, in one paragraph."""
        truth = self.twin.truth
        settings = ", ".join(f"{key} {value}" for key, value in truth["heard"].items())
        return Prose(
            f"{self.what} Known of this clip: severity {truth['severity']:g} of 1, {settings}, the machine "
            f"{abs(self.snr):g} dB {'above' if self.snr >= 0 else 'below'} the noise. "
            f"The fault changes the spectrogram by {self.excess():.1f} dB on average where it sits, and the mean "
            f"spectrum of the clip by {self.mean_change():.1f} dB."
        )


def box_mask(boxes: Any, shape: tuple[int, int]) -> np.ndarray:
    """Which cells (bin, frame) of `spectrograms.levels` lie in one of the boxes [t0, t1, f0, f1] (s, Hz)."""
    hz = np.arange(shape[0]) * spectrograms.FS / spectrograms.WINDOW
    seconds = (np.arange(shape[1]) + spectrograms.FIRST) * spectrograms.HOP / spectrograms.FS
    mask = np.zeros(shape, bool)
    for start, end, low, high in boxes:
        mask |= ((hz >= low) & (hz <= high))[:, None] & ((seconds >= start) & (seconds <= end))[None]
    return mask


def first_part(preset: str, machine: str) -> str:
    """The source domain of a machine, or its first ID."""
    return next(iter(simulate.describe(preset)[machine]["parts"]))


def fault(
    preset: str, machine: str, name: str, *, data_seed: int, severity: float = 1.0, candidates: int = CANDIDATES
) -> Heard:
    """One fault of one machine at the given severity, the least noisy of a few clips."""
    facts = next(f for f in simulate.describe(preset)[machine]["faults"] if f["name"] == name)
    spec = simulate.Spec(
        preset=preset, data_seed=data_seed, profile="quick", machines=(machine,), severity=severity, faults=(name,)
    )
    part = first_part(preset, machine)
    drawn = lots(spec, machine, "audit", part, "anomaly", candidates)
    best = max(range(candidates), key=lambda k: drawn[k].snr_db)
    twin = simulate.twin(spec, machine, "audit", part, best, candidates)
    return Heard(machine, name, facts["what"], facts["where"], twin)


def faults(preset: str, machine: str, *, data_seed: int, severity: float = 1.0) -> dict[str, Heard]:
    """Every fault of a machine, by name."""
    names = [f["name"] for f in simulate.describe(preset)[machine]["faults"]]
    return {name: fault(preset, machine, name, data_seed=data_seed, severity=severity) for name in names}


def mean_changes(known: pd.DataFrame, *, preset: str, data_seed: int) -> list[float]:
    """For each row (machine, fault) how much that fault changes the mean spectrum at full severity, in dB."""
    pairs = zip(known["machine"], known["fault"])
    return [fault(preset, m, f, data_seed=data_seed, candidates=1).mean_change() for m, f in pairs]


def tabs(heard: Mapping[str, Heard]) -> Tabs:
    """A tab a fault: what is known, both spectrograms, both sounds."""
    return Tabs({name: [one.known(), one.picture(), one.players()] for name, one in heard.items()})


def origin(stored: Stored) -> dict[str, Any]:
    """What `clips` needs to find a record's clips again: preset, data seed, profile of a built-in set."""
    data = stored.record.data
    return {"preset": data.name, "data_seed": data.seed, "profile": data.profile}


def typical(stored: Stored, machine: str, unit: str = "") -> list[Display]:
    """A normal and an anomalous source clip of a machine, both with the median score: seen and heard.

    Args:
        stored: a record on a built-in set.
        machine: machine type.
        unit: of the score.
    """
    scores = stored.scores()
    held = scores[(scores["split"] == "train") & (scores["machine"] == machine)]["score"].to_numpy(dtype=float)
    panels, sounds = [], []
    for label in ("normal", "anomaly"):
        file = clips.middle_clip(scores, machine, label)
        found, value = clips.clip(file, **origin(stored)), float(scores.set_index("file")["score"][file])
        name = f"{machine}, {found.truth['fault'] or 'normal'}"
        words = f"Score {value:.3g}{f' {unit}' if unit else ''}: {metrics.how_unusual(value, held)}."
        panels.append(spectrograms.Panel(name, found.wave, found.truth["boxes"]))
        sounds.append(audio.Sound(name, found.wave, words))
    return [spectrograms.spectrograms(panels), audio.players(*sounds)]


def whose(stored: Stored) -> Prose:
    """Which run the scores of what is heard come from."""
    record = stored.record
    seed = "" if record.data.seed is None else f", data seed {record.data.seed}"
    return Prose(f"Scores of `{record.label}` on {record.data.name}{seed}, training seed {record.seed}, profile "
                 f"`{record.profile}`.")


def all_typical(stored: Stored, unit: str = "") -> Tabs:
    """`typical` for every machine that has test clips."""
    scores = stored.scores()
    machines = scores.loc[scores["split"] == "test", "machine"].unique()
    return Tabs({str(machine): typical(stored, str(machine), unit) for machine in machines})


def failures(stored: Stored, count: int = 3) -> Tabs:
    """The clips that a system gets most wrong: what the truth says, spectrogram, sound."""
    items: dict[str, list[Display]] = {}
    for number, row in enumerate(clips.most_wrong(stored.scores(), count).to_dict("records"), 1):
        found = clips.clip(str(row["file"]), **origin(stored))
        text = _explained(found.truth, float(row["wrong"]))
        name = f"{row['machine']}, {found.truth['fault'] or 'normal'}"
        panel = spectrograms.Panel(name, found.wave, found.truth["boxes"])
        sound = audio.Sound(name, found.wave, text)
        items[f"{number}. {name}"] = [spectrograms.spectrograms([panel], columns=1), audio.players(sound)]
    return Tabs(items)


def _explained(truth: Mapping[str, Any], wrong: float) -> str:
    """What is known of a clip, and how wrong its score is."""
    fault, snr = truth["fault"], truth["snr_db"]
    what = f"Fault {fault} at severity {truth['severity']:.2f}" if fault else "A normal clip"
    side = "above" if snr >= 0 else "below"
    how = "normal clips score at least as high" if fault else "anomalies score at most as high"
    part = str(truth["part"])
    where = f"machine ID {part}" if part.isdigit() else f"{part} domain"
    return (f"{what}, {where}, the machine {abs(snr):.1f} dB {side} the noise "
            f"({', '.join(truth['noise'])}). {100 * wrong:.0f} % of the {how}.")
