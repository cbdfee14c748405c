"""One clip from its lot: machine, body and clip response, room, microphone, factory noise, level.

Clips are rendered one at a time: a 4 s clip (69 120 samples) stays in cache, so this is as fast as batches
of clips, and the result cannot depend on batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from scipy import fft

from asdbook.errors import BadInput, RunFailed
from asdbook.simulate.assign import Lot, lots
from asdbook.simulate.banks import Site, draw_site, factory
from asdbook.simulate.copies import Tolerance
from asdbook.simulate.noise import ripple, stationary
from asdbook.simulate.phase import FS
from asdbook.simulate.presets import PRESETS
from asdbook.simulate.seeds import stream
from asdbook.simulate.site import BODY_EQ_DB, CLIP_EQ_DB, microphone, mix, room
from asdbook.simulate.spec import Spec
from asdbook.simulate.take import Fault, Operating, Take, rendered_length

REFERENCE_CLIPS = 24
"""Label-free clips of 1 s that fix an individual's reference level (methods/simulator.md 5), or one of each of its
operating points where there are more."""


@dataclass(frozen=True)
class Where:
    """Whose machine: preset, data seed, machine type. Key of everything that clips share.

    `spread` scales the tolerances of copies; it is no part of the streams' keys, so that 0 leaves all else alone.
    """

    preset: str
    data_seed: int
    machine: str
    spread: float = 1.0

    @classmethod
    def of(cls, spec: Spec, machine: str) -> Where:
        """The machine of a spec; with premise `ids` off all copies are alike."""
        spread = 0.0 if "ids" in spec.premise_off else spec.machine(machine).spread
        return cls(spec.preset, spec.data_seed, machine, spread)

    @property
    def key(self) -> tuple[str, int, str]:
        """Front part of all stream keys."""
        return self.preset, self.data_seed, self.machine


@lru_cache(maxsize=64)
def individual(where: Where, name: str) -> Any:
    """Constants of one copy of the machine; the model's constants come from the data seed alone."""
    kind = PRESETS[where.preset].machines[where.machine]
    tolerance = Tolerance(stream(*where.key, "individual", name), where.spread)
    return kind.design(stream(*where.key, "design"), tolerance)


@lru_cache(maxsize=64)
def site(where: Where, name: str, part: str) -> Site:
    """Factory noise of a place: bank B in the target domain, bank A elsewhere."""
    return draw_site(stream(*where.key, "site", name), "B" if part == "target" else "A")


@lru_cache(maxsize=96)
def path(where: Where, point: Operating, n: int) -> np.ndarray:
    """Response from the machine to the recording: body, room, microphone; complex64 (bins,)."""
    design = ripple(stream(*where.key, "body"), n, 13, BODY_EQ_DB)
    body = design * ripple(stream(*where.key, "body", point.individual), n, 13, BODY_EQ_DB * where.spread)
    near = room(stream(*where.key, "room", point.place), n, (4.0, 8.0))
    return near * (body * microphone(stream(*where.key, "microphone", point.microphone), n))


@lru_cache(maxsize=32)
def far_path(where: Where, place: str, mic: str, n: int) -> np.ndarray:
    """Response from the factory to the recording: a farther room, the same microphone."""
    far = room(stream(*where.key, "far room", place), n, (-6.0, 0.0))
    return far * microphone(stream(*where.key, "microphone", mic), n)


def steady(point: Operating) -> Operating:
    """The part of an operating point that its path depends on (so that paths are cached once)."""
    return Operating(individual=point.individual, place=point.place, microphone=point.microphone)


def machine_sound(where: Where, take: Take, texture: bool = True) -> np.ndarray:
    """The machine as it arrives at the microphone, before any level is set, float32 (n,)."""
    kind = PRESETS[where.preset].machines[where.machine]
    x = kind.sound(individual(where, take.point.individual), take)
    if not texture:
        x = stationary(take.rng("texture"), x)
    spectrum = fft.rfft(np.asarray(x, np.float32)) * path(where, steady(take.point), take.n)
    out = fft.irfft(spectrum * ripple(take.rng("clip response"), take.n, 9, CLIP_EQ_DB), take.n)
    if take.point.also is not None:
        out += machine_sound(where, Take(take.n, take.lead, take.point.also, _beside(take)), texture)
    return out


def _beside(take: Take) -> Callable[[str], np.random.Generator]:
    """Streams of the second machine of a clip."""
    return lambda purpose: take.streams(f"beside {purpose}")


@lru_cache(maxsize=256)
def reference(where: Where, name: str, values: tuple[tuple[str, str], ...] | None = None) -> float:
    """RMS of the healthy individual after room and microphone, over its operating points (or one of them).

    Measured once per individual on label-free clips of their own streams: never on the clip itself, whose
    faults would then move the noise.
    """
    layout = PRESETS[where.preset].machines[where.machine].layout
    part = layout.individuals()[name]
    rows = [dict(values)] if values is not None else list(layout.combinations(part))
    if values is not None and rows[0] not in layout.combinations(part):
        part = "target"
    points = [layout.meaning(row, part) for row in rows]
    points = [p for p in points if p.individual == name]
    n = rendered_length(FS)
    power, count = 0.0, max(REFERENCE_CLIPS, len(points))
    copy = name if where.spread else "all"  # copies that are alike have one level
    for i in range(count):
        streams = partial(stream, *where.key, "reference", copy, i)
        take = Take(n, n - FS, points[i % len(points)], streams)
        power += float(np.mean(machine_sound(where, take)[take.lead :] ** 2))
    return float(np.sqrt(power / count))


def take_of(spec: Spec, machine: str, role: str, part: str, label: str, index: int, lot: Lot) -> Take:
    """What the machine is given to sound as it does in a clip; its boxes are empty until it has sounded."""
    kept = round(spec.seconds(machine) * FS)
    n = rendered_length(kept)
    number = 2 * index + (label == "anomaly")  # label-free to the streams: any two clips differ in it
    streams = partial(stream, *Where.of(spec, machine).key, role, part, number)
    point = spec.machine(machine).layout.meaning(lot.values, lot.physics)
    fault = Fault(lot.fault, lot.severity, lot.gain) if lot.fault else None
    return Take(n, n - kept, point, streams, fault)


def boxes(spec: Spec, machine: str, role: str, part: str, index: int) -> list[list[float]]:
    """Where the fault of an anomalous clip shows, [t0, t1, f0, f1] in s and Hz: the truth of `render` alone.

    The machine sounds, since its own motion says where; room, noise and level do not: a third of the time.
    """
    lot = lots(spec, machine, role, part, "anomaly", spec.cell(role, part))[index]
    take = take_of(spec, machine, role, part, "anomaly", index, lot)
    PRESETS[spec.preset].machines[machine].sound(individual(Where.of(spec, machine), take.point.individual), take)
    return take.boxes


def clip(spec: Spec, machine: str, role: str, part: str, label: str, index: int, lot: Lot) -> tuple[
    np.ndarray, Take
]:
    """One clip as float32 (samples,) in [-1, 1), and the take with its boxes."""
    where, take = Where.of(spec, machine), take_of(spec, machine, role, part, label, index, lot)
    point, n = take.point, take.n
    level = _level(where, spec, point, lot.values)
    if spec.mute:
        sound = np.zeros(n, np.float32)
    else:
        sound = machine_sound(where, take, "texture" not in spec.premise_off) * np.float32(1 / level)
    noise = factory(take.rng("factory"), site(where, point.site, lot.physics), n)
    noise = fft.irfft(fft.rfft(noise) * far_path(where, point.site, point.microphone, n), n)[take.lead :]
    noise *= np.float32(1 / np.sqrt(np.mean(noise**2)))
    return mix(sound[take.lead :], noise, lot.snr_db, lot.gain_db), take


def _level(where: Where, spec: Spec, point: Operating, values: Mapping[str, str]) -> float:
    """The machine's reference RMS; with premise `power` off that of this very operating point."""
    at = tuple(values.items()) if "power" in spec.premise_off else None
    return reference(where, point.individual, at)


def clips(
    spec: Spec, machine: str, role: str, part: str, label: str, start: int, count: int, total: int
) -> tuple[np.ndarray, list[Lot], list[Take]]:
    """Clips `start` to `start + count` of a cell of `total`: float32 (count, samples), lots and takes."""
    if not 0 <= start <= start + count <= total:
        raise BadInput(f"clips {start} to {start + count} of {machine} {part} {label}: the cell has {total}")
    cell = lots(spec, machine, role, part, label, total)[start : start + count]
    audio = np.empty((count, round(spec.seconds(machine) * FS)), np.float32)
    takes = []
    for i, lot in enumerate(cell):
        audio[i], take = clip(spec, machine, role, part, label, start + i, lot)
        takes.append(take)
    if not np.isfinite(audio).all():
        bad = int(np.flatnonzero(~np.isfinite(audio).all(axis=1))[0])
        raise RunFailed(
            f"simulator: clip {start + bad} of {machine} {role} {part} {label} (data seed {spec.data_seed}) "
            "has samples that are not finite: please report it with this line"
        )
    return audio, list(cell), takes
