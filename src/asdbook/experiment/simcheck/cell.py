"""Everything measured of one machine of one data seed: rendered once, kept as a small JSON file.

The file's key holds the simulator's version, the sizes, and a digest of probe clips rendered now: a machine whose
sound changed is measured again, one whose sound did not is read back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from asdbook import simulate
from asdbook.experiment.simcheck import audibility, groups, leaks, sounds
from asdbook.experiment.simcheck.sounds import Sounds, has_domains, join
from asdbook.simulate import Block, Spec

MEASURE_VERSION = 4
"""Raised when a number in a cell's file changes its meaning."""
LABELS = ("normal", "anomaly")
CHUNK = 50
"""Clips rendered at a time: 6 MB of audio."""
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Severities of the check that AUC grows with severity; below 0.4 for this check only."""


@dataclass(frozen=True)
class Sizes:
    """Clips of a machine and data seed, each per domain (and label, for audit); IDs share what two domains have."""

    audit: int = 400
    control: int = 100  # of the audit anomalies, again at severity 0
    level: int = 40  # of the test anomalies, at each severity
    muted: int = 200  # of the audit normals, with the machine muted

    @classmethod
    def scaled(cls, scale: float) -> Sizes:
        """Smaller by `scale` for a first look; severities keep 80 clips a level, which the check asks for."""
        full = cls()
        # 24 of a domain hold every value of an attribute in both halves.
        audit, control, muted = (max(24, round(n * scale)) for n in (full.audit, full.control, full.muted))
        return cls(audit, control, full.level, muted)


class Studio:
    """Renders cells of one machine and turns them into numbers, dropping the audio."""

    def __init__(self, spec: Spec, machine: str, render: Callable[..., Block] = simulate.render):
        # This machine alone: another one need not have the faults that a check asks for.
        self.spec, self.machine, self.render = replace(spec, machines=(machine,)), machine, render
        self.parts = spec.parts(machine)

    def share(self, count: int) -> int:
        """Clips of each part where two domains would have `count` each."""
        return 2 * count // len(self.parts)

    def blocks(self, role: str, part: str, label: str, count: int, total: int, **change: Any) -> Iterator[Block]:
        """The first `count` clips of a cell of `total`, in chunks; `change`: fields of the spec."""
        spec = replace(self.spec, **change)
        for start in range(0, count, CHUNK):
            n = min(CHUNK, count - start)
            yield self.render(spec, self.machine, role, part, label, n, start, total)

    def listen(self, role: str, part: str, label: str, count: int, total: int, **change: Any) -> Sounds:
        """Numbers of the first `count` clips of a cell of `total`."""
        parts, start = [], 0
        for block in self.blocks(role, part, label, count, total, **change):
            parts.append(sounds.measure(block.audio, numbered(block, start)))
            start += len(block.names)
        return join(parts)

    def training(self) -> Sounds:
        """All training clips."""
        sizes = {part: self.spec.cell("train", part) for part in self.parts}
        return join([self.listen("train", part, "normal", n, n) for part, n in sizes.items()])

    def every(self, role: str, label: str, count: int, total: int, **change: Any) -> Sounds:
        """`listen` in every part."""
        return join([self.listen(role, part, label, count, total, **change) for part in self.parts])


def numbered(block: Block, start: int) -> list[dict[str, Any]]:
    """Truth with each clip's running number from its cell's start."""
    return [{**row, "number": start + i} for i, row in enumerate(block.truth)]


def measured(
    spec: Spec, machine: str, sizes: Sizes, folder: Path, render: Callable[..., Block] = simulate.render
) -> dict[str, Any]:
    """`measure`, read back from `folder` if it was done before with the same sound and sizes."""
    key = {
        "measure": MEASURE_VERSION,
        "simulator": simulate.VERSION,
        "preset": spec.preset,
        "profile": spec.profile,
        "seed": spec.data_seed,
        "machine": machine,
        "sizes": asdict(sizes),
        "probe": probe(Studio(spec, machine, render)),
    }
    code = hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=8).hexdigest()
    path = folder / f"{spec.preset}-d{spec.data_seed}-{machine}-{code}.json"
    if path.exists():
        return json.loads(path.read_text())["cell"]
    made = measure(spec, machine, sizes, render)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"key": key, "cell": made}))
    part.rename(path)
    return made


def probe(studio: Studio) -> str:
    """Digest of a few clips of every fault at two severities, of normal and of muted ones."""
    digest = hashlib.blake2b(digest_size=8)
    faults = len(studio.spec.machine(studio.machine).faults)
    changes: list[tuple[str, dict[str, Any]]] = [("anomaly", {"severity": 1.0}), ("anomaly", {}), ("normal", {})]
    for part in studio.parts:
        for label, change in [*changes, ("normal", {"mute": True})]:
            count = faults if label == "anomaly" else 1
            for block in studio.blocks("audit", part, label, count, count, **change):
                digest.update(block.audio.tobytes())
                digest.update(json.dumps(block.truth, sort_keys=True).encode())
    return digest.hexdigest()


def measure(spec: Spec, machine: str, sizes: Sizes, render: Callable[..., Block] = simulate.render) -> dict[str, Any]:
    """All numbers that the checks of one machine and data seed need (see `judging`)."""
    studio = Studio(spec, machine, render)
    sizes = Sizes(*map(studio.share, (sizes.audit, sizes.control, sizes.level, sizes.muted)))
    each = spec.cell("test", studio.parts[0])
    train = studio.training()
    if spec.machine(machine).train_only:
        return _additional(studio, train, sizes)
    test = join([studio.listen("test", part, label, each, each) for part in studio.parts for label in LABELS])
    audit = {label: studio.every("audit", label, sizes.audit, sizes.audit) for label in LABELS}
    healthy = studio.every("test", "anomaly", each, each, severity=0.0)
    control = studio.every("audit", "anomaly", sizes.control, sizes.audit, severity=0.0)
    muted = studio.every("audit", "normal", sizes.muted, sizes.audit, mute=True)
    levels, twins, loudest = severities(studio, min(sizes.level, each))
    scores = {"trivial": audibility.trivial(train)}
    scores |= {name: audibility.trained(name, join(list(audit.values()))) for name in audibility.CLASSIFIERS}
    normals = test.pick(test.label == 0)
    heard = [train, test, *audit.values(), healthy, control, muted]
    return {
        "seed": spec.data_seed,
        "machine": machine,
        "sizes": {
            "train": len(train), "test": len(test), "audit": len(audit["normal"]), "control": len(control),
            "level": len(levels[1.0]), "muted": len(muted),
        },
        "peak": {"set": _loudest([train, test]), "all": max(loudest, _loudest(heard))},
        "level": leaks.area(test.label, test.level),
        "length": leaks.area(test.label, test.samples),
        "order": leaks.order_of_labels(test),
        "order of severity": leaks.order_of_severity(audit["anomaly"]),
        "attributes": leaks.attributes_tell(join(list(audit.values())), test),
        "ranking": {name: audibility.ranking(score, test) for name, score in scores.items()},
        "severity": {
            name: [audibility.pooled(score, normals, levels[s]) for s in LEVELS] for name, score in scores.items()
        },
        "control": negative_control(scores, normals, audit["normal"], healthy, control),
        "same twin": same_twin(studio),
        "muted": {key: leaks.readable(muted, key) for key in leaks.machine_attributes(muted)},
        "unmuted": unmuted(audit["normal"], sizes.muted),
        "twins": twins,
        **_told_apart(studio, train, test),
    }


def _told_apart(studio: Studio, train: Sounds, test: Sounds) -> dict[str, dict[str, float]]:
    """How well IDs, or hidden groups of attributes, are told apart; nothing where the names show everything."""
    if not has_domains(train):
        return {"ids": groups.identities(train, test)}
    return {"groups": groups.hidden(train)} if studio.spec.machine(studio.machine).layout.hidden else {}


def _additional(studio: Studio, train: Sounds, sizes: Sizes) -> dict[str, Any]:
    """What can be asked of a machine that has training clips alone."""
    muted = studio.every("audit", "normal", sizes.muted, sizes.muted, mute=True)
    normals = studio.every("audit", "normal", sizes.muted, sizes.muted)
    return {
        "seed": studio.spec.data_seed,
        "machine": studio.machine,
        "sizes": {"train": len(train), "test": 0, "muted": len(muted)},
        "peak": {"set": _loudest([train]), "all": _loudest([train, normals, muted])},
        "muted": {key: leaks.readable(muted, key) for key in leaks.machine_attributes(muted)},
        "unmuted": unmuted(normals, sizes.muted),
    }


def negative_control(
    scores: dict[str, audibility.Score], normals: Sounds, audit: Sounds, healthy: Sounds, control: Sounds
) -> dict[str, float]:
    """AUC of everything that must be at chance where every anomaly has severity 0.

    Args:
        scores: of classifiers trained on real faults, and of the trivial detector.
        normals, healthy: normal clips and severity-0 anomalies of the test role.
        audit, control: the same of the audit role.
    """
    every = join([normals, audit, healthy, control])
    found = leaks.nuisances(every)
    found["trivial"] = audibility.pooled(scores["trivial"], join([normals, audit]), join([healthy, control]))
    for name in audibility.CLASSIFIERS:
        found[f"{name} trained on faults"] = audibility.pooled(scores[name], normals, healthy)
    own = audibility.trained("logistic", join([_as_many(audit, control), control]))
    found["logistic trained at severity 0"] = audibility.pooled(own, normals, healthy)
    return found


def _loudest(parts: list[Sounds]) -> float:
    return max(float(part.peak.max()) for part in parts)


def _as_many(normals: Sounds, control: Sounds) -> Sounds:
    """The first normal clips of each domain, as many as there are in `control`."""
    return normals.pick(normals.field("number") < len(control) // len(np.unique(control.field("part"))))


def unmuted(normals: Sounds, count: int) -> dict[str, Any]:
    """The reading of attributes with the machine on: what makes "at chance when muted" mean something."""
    same = normals.pick(normals.field("number") < count)
    return {key: leaks.readable(same, key) for key in leaks.machine_attributes(same)}


def same_twin(studio: Studio) -> float:
    """Share of clips that every fault's path leaves bit for bit the same at severity 0."""
    spec = studio.spec
    first: dict[str, np.ndarray] = {}
    equal = []
    for fault in spec.machine(studio.machine).faults:
        for part in studio.parts:
            change = {"severity": 0.0, "faults": (fault,)}
            total = spec.cell("test", part)
            audio = next(studio.blocks("test", part, "anomaly", 2, total, **change)).audio
            equal += [bool(np.array_equal(a, b)) for a, b in zip(first.setdefault(part, audio), audio)]
    return float(np.mean(equal))


def severities(studio: Studio, count: int) -> tuple[dict[float, Sounds], dict[str, Any], float]:
    """The same test anomalies at every severity, their twins' visibility at severity 1, and the largest peak."""
    each = studio.spec.cell("test", studio.parts[0])
    levels = {s: studio.every("test", "anomaly", count, each, severity=s) for s in LEVELS}
    found: dict[str, dict[str, list[float]]] = {}
    for part in studio.parts:
        pairs = [studio.blocks("test", part, "anomaly", count, each, severity=s) for s in (1.0, 0.0)]
        for loud, quiet in zip(*pairs):
            for one, twin, row in zip(loud.audio, quiet.audio, loud.truth):
                _add_visibility(found.setdefault(row["fault"], {}), one, twin, row["boxes"])
    means = {f: {key: float(np.mean(v)) for key, v in lists.items()} for f, lists in found.items()}
    return levels, means, _loudest(list(levels.values()))


def _add_visibility(lists: dict[str, list[float]], one: np.ndarray, twin: np.ndarray, boxes: list[list[float]]) -> None:
    lists.setdefault("boxed", []).append(float(bool(boxes)))
    for resolution in audibility.RESOLUTIONS if boxes else ():
        for where, value in zip(("inside", "outside"), audibility.visibility(one, twin, boxes, resolution)):
            if value is not None:
                lists.setdefault(f"{where} {resolution}", []).append(value)
