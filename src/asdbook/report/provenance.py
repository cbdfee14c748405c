"""Where a page's numbers come from: commit, versions, lock, device, data, seeds, profile, time, memory."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput, UnknownName
from asdbook.experiment.records import Record, Stored, size
from asdbook.report.results import ROOT
from asdbook.report.show import Code
from asdbook.report.tables import Html, Table, code, pairs

PACKAGES = ("asdbook", "numpy", "scipy", "pandas", "matplotlib")
"""What a page without a run depends on; a record names its own, torch among them."""


def lock_hash() -> str:
    """The first 12 digits of the lock file's SHA-256; "no lock file here" outside a checkout."""
    here = Path(os.environ.get(ROOT) or Path.cwd())
    for place in (here, *here.parents):
        lock = place / "requirements.lock"
        if lock.is_file():
            return hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    return "no lock file here"


def of_record(record: Record, **options: Any) -> Table:
    """Everything one record says about its origin."""
    data = record.data
    cost = record.cost
    seed = "–" if data.seed is None else data.seed
    facts: dict[str, Any] = {
        "system": code(record.label),
        "profile": record.profile,
        "data": f"{data.name}, {data.train_clips} training and {data.test_clips} test clips, "
                f"{data.seconds / 60:.0f} min of sound",
        "data fingerprint": code(data.fingerprint[:12]),
        "simulator version": data.simulator_version,
        "seeds": f"data {seed}, training {record.seed}",
        "commit": code(record.commit),
        "lock": code(lock_hash()),
        "versions": versions_text(record.versions),
        "device": device_text(record.device),
        "numeric mode": ", ".join(f"{key} {value}" for key, value in sorted(record.numeric_mode.items())),
        "started": record.started.replace("T", " "),
        "wall time": _wall(cost),
        "peak memory": None if cost.get("peak_memory_mb") is None else f"{cost['peak_memory_mb']:.0f} MB",
        "parameters": parameters_text(cost.get("parameters") or {}),
        "deviations": _deviations(record.deviations),
    }
    return pairs({k: v for k, v in facts.items() if v is not None}, columns=("provenance", ""), **options)


def _deviations(found: Sequence[str]) -> str:
    """One line: how many the system declared when it ran; the chapter lists them."""
    return f"{len(found)} declared when it ran" if found else "none declared"


def _wall(cost: Mapping[str, Any]) -> str:
    """The whole time, and this run's share where stages or checkpoints of earlier runs were used."""
    whole = seconds_text(cost.get("wall_seconds"))
    if not cost.get("earlier_seconds"):
        return whole
    return f"{whole}, {seconds_text(cost['this_run_seconds'])} of it in this run"


def of_records(records: Sequence[Record], **options: Any) -> Table:
    """Origin of many records, one row each."""
    rows = [[code(r.label), r.data.name if r.data.seed is None else f"{r.data.name}, seed {r.data.seed}",
             r.profile, str(r.seed), r.started[:10], device_text(r.device), code(r.commit),
             code(r.data.fingerprint[:12]), seconds_text(r.cost.get("wall_seconds"))] for r in records]
    columns = ("system", "data", "profile", "training seed", "date", "device", "commit", "fingerprint", "time")
    return Table(columns, rows, **options)


def of_page(facts: Mapping[str, Any], **options: Any) -> Table:
    """Provenance of a page that computes without a system: its own facts, lock, versions, device."""
    installed = {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}
    table: dict[str, Any] = {**facts, "lock": code(lock_hash()), "versions": versions_text(installed)}
    return pairs(table, columns=("provenance", ""), **options)


BYTES_A_SECOND = 16_000 * 2
"""Of sound as a run keeps it on disk: 16 kHz, 16 bits."""


def costs(runs: Sequence[Stored], **options: Any) -> Table:
    """Time, memory, disk and speed of runs: what a reader has to expect before the first cell; one row a system.

    Wall time, memory and speed were measured during the runs; disk is the sound as int16 and the record's own files.

    Args:
        runs: of any systems.
        **options: of the `Table`; the caption names the longest run, a note says how to read the numbers.
    """
    groups: dict[tuple[str, str, str, str], list[Stored]] = {}
    for stored in runs:
        record = stored.record
        key = (record.label, record.data.name, record.profile, device_text(record.device))
        groups.setdefault(key, []).append(stored)
    rows = []
    for (label, data, profile, device), group in groups.items():
        walls, memory, speed = (
            [s.record.cost[name] for s in group if s.record.cost.get(name) is not None]
            for name in ("wall_seconds", "peak_memory_mb", "clips_per_second")
        )
        time = _span([seconds_text(w) for w in (min(walls), max(walls))]) if walls else None
        peak = f"{max(memory):.0f} MB" if memory else None
        fast = _span([f"{s:.0f}" for s in (min(speed), max(speed))]) if speed else None
        many = f"{len(group)} run{'s' if len(group) > 1 else ''}"
        rows.append([code(label), f"{data}, {profile}, {many}", device, time, peak, _disk(group), fast])
    columns = ("system", "data, profile, runs", "device", "wall time", "peak memory", "disk: sound + record",
               "clips scored a second")
    walls = [stored.record.cost.get("wall_seconds") or 0.0 for stored in runs]
    slowest = f"the longest of these took {seconds_text(max(walls))}" if walls else "none yet"
    options = {"caption": f"What runs behind the tables cost: {slowest}", **options}
    return Table(columns, rows, **{**options, "notes": [*options.get("notes", ()), MEASURED]})


MEASURED = ("Memory is the most that the process had taken by then: several runs in one process share it. Times are "
            "from a machine that did other work too.")  # fmt: skip
"""Below every table of costs."""


def _disk(group: Sequence[Stored]) -> str:
    """Largest set of sounds and largest record of some runs."""
    sound = max(stored.record.data.seconds for stored in group) * BYTES_A_SECOND / 1e6
    return f"{sound:.0f} MB + {max(size(stored.folder) for stored in group) / 1e3:.0f} kB"


def citation(*keys: str) -> Code:
    """Entries of the book's bibliography as they can be copied into another one, and an entry for the book.

    Raises:
        UnknownName: a key that `book/references.bib` lacks.
    """
    text = _checkout_file("book/references.bib")
    known = {m.group(1): m.group(0) for m in re.finditer(r"^@\w+\{([\w:-]+),\n(?:.*\n)*?\}$", text, re.MULTILINE)}
    for key in keys:
        if key not in known:
            raise UnknownName("entry of book/references.bib", key, known)
    return Code("", "\n\n".join([*(known[key] for key in keys), _own_entry()]), "bibtex")


def _own_entry() -> str:
    """The book's entry, from CITATION.cff: the one place that names version and date."""
    text = _checkout_file("CITATION.cff")
    facts = dict(re.findall(r'^([\w-]+): "?(.+?)"?$', text, re.MULTILINE))
    authors = " and ".join(f"{{{name}}}" for name in re.findall(r"^ +- name: (.+)$", text, re.MULTILINE))
    return (f"@misc{{asdbook,\n  author = {{{authors}}},\n  title = {{{facts['title']}}},\n"
            f"  note = {{Version {facts['version']}}},\n  year = {{{facts['date-released'][:4]}}}\n}}")


def _checkout_file(name: str) -> str:
    here = Path(os.environ.get(ROOT) or Path.cwd())
    for place in (here, *here.parents):
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8")
    raise BadInput(f"{name}: not found from {here.name}: open the page inside a checkout")


def _span(ends: Sequence[str]) -> str:
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def versions_text(versions: Mapping[str, str]) -> Html:
    """Names and versions on one line."""
    return Html(", ".join(f"{code(name).text} {code(version).text}" for name, version in versions.items()))


def device_text(device: Mapping[str, Any]) -> str:
    """Device and threads in words."""
    threads = device.get("threads")
    many = f", {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    return f"{device.get('name', device.get('kind', 'unknown'))}{many}"


def seconds_text(seconds: float | None) -> str:
    """A duration as a reader says it."""
    if seconds is None:
        return "not measured"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def parameters_text(parameters: Mapping[str, int]) -> str | None:
    """Trainable parameters: one number when all models are alike."""
    if not parameters:
        return None
    counts = set(parameters.values())
    if len(counts) == 1:
        models = len(parameters)
        return f"{counts.pop():,} trainable" + (f" in each of {models} models" if models > 1 else "")
    return ", ".join(f"{name} {count:,}" for name, count in parameters.items())
