"""The built-in sets as tables: machines, parts, clips by profile, hidden attributes, additional machines, premises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asdbook import simulate
from asdbook.report.tables import Html, Table

UNITS = {"section": "1 section with the domains {}", "id": "IDs {}"}
"""What a machine type divides into."""

PREMISES = {
    "attributes": "File names tell the settings of a machine. Off: they are shuffled.",
    "ids": "Machines of one type differ. Off: all copies are alike.",
    "groups": "A machine has several operating points. Off: one in each part.",
    "power": "The level follows speed and load. Off: it does not.",
    "texture": "Noise has structure in time. Off: it is stationary, with the same mean spectrum.",
    "shift": "The target domain runs otherwise than the source. Off: same physics in both.",
    "text": "Words describe the noise of a place. Off: they are those of another place.",
}
"""What a method may lean on, and what is left when it is switched off."""


def clips_of(preset: str, machine: str, profile: str) -> tuple[int, int]:
    """Training and test clips of a machine; an additional machine has no test clips."""
    spec = simulate.Spec(preset=preset, profile=profile)
    parts = spec.parts(machine)
    train = sum(spec.cell("train", part) for part in parts)
    only = simulate.describe(preset)[machine]["train_only"]
    return train, 0 if only else 2 * sum(spec.cell("test", part) for part in parts)


def seconds_of(preset: str, profile: str) -> str:
    """The clip lengths of a set, in words."""
    found = sorted({facts["seconds"][profile] for facts in simulate.describe(preset).values()})
    return " or ".join(f"{seconds:g}" for seconds in found)


def machine_span(preset: str, profile: str, role: str) -> str:
    """Training or test clips a machine: one number, or the span over the machines that have any."""
    k = ("train", "test").index(role)
    found = sorted({clips_of(preset, machine, profile)[k] for machine in simulate.describe(preset)} - {0})
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"


def overview(**options: Any) -> Table:
    """One column a set, one row a fact."""
    facts = {name: simulate.describe(name) for name in simulate.PRESETS}
    rows: list[list[Any]] = [["rules of", *(str(preset.year) for preset in simulate.PRESETS.values())]]
    rows.append(["machines with test clips", *(_names(f, "train_only", False) for f in facts.values())])
    rows.append(["additional machines, training clips only", *(_names(f, "train_only", True) for f in facts.values())])
    rows.append(["a machine divides into", *(_unit(name) for name in facts)])
    rows.append(["faults", *(str(sum(len(m["faults"]) for m in f.values() if not m["train_only"]))
                             for f in facts.values())])
    rows.append(["settings not told by file names", *(_names(f, "hidden", True) for f in facts.values())])
    for profile in simulate.SIZES:
        rows.append([Html(f"clips, <code>{profile}</code>"), *(_clips(name, profile) for name in facts)])
    rows.append(["premises that can be switched off", *(", ".join(p.premises) for p in simulate.PRESETS.values())])
    return Table(["", *facts], rows, **options)


def machines(preset: str, **options: Any) -> Table:
    """One row a machine of a set: what its settings change, and some of them by part."""
    facts = simulate.describe(preset)
    rows = []
    for machine, f in facts.items():
        parts = _by_part(f["parts"])
        told = "no" if f["hidden"] else "yes"
        role = "training only" if f["train_only"] else "yes"
        rows.append([machine, f["attributes"], Html("<br>".join(parts)), told, str(len(f["faults"])), role])
    columns = ["machine", "what its settings change", "settings, by part", "told by file names", "faults", "tested"]
    return Table(columns, rows, **options)


def premises(**options: Any) -> Table:
    """One row a premise: what it is, and which sets have its switch."""
    names = dict.fromkeys(premise for preset in simulate.PRESETS.values() for premise in preset.premises)
    rows = [[premise, PREMISES[premise], *("yes" if premise in preset.premises else "no"
                                          for preset in simulate.PRESETS.values())] for premise in names]
    return Table(["premise", "what it says", *simulate.PRESETS], rows, **options)


def few(texts: Sequence[str], most: int = 2) -> str:
    """The first of some settings, and how many more there are."""
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")


def _by_part(parts: Mapping[str, Sequence[str]]) -> list[str]:
    """The settings of each part, parts with the same ones on one line."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for part, texts in parts.items():
        groups.setdefault(tuple(texts), []).append(part)
    return [f"{', '.join(names)}: {few(texts)}" for texts, names in groups.items()]


def _names(facts: dict[str, dict[str, Any]], key: str, wanted: bool) -> str | None:
    chosen = [name for name, f in facts.items() if f[key] is wanted]
    if wanted and len(chosen) == len(facts):
        return "all"
    return f"{len(chosen)}: {', '.join(chosen)}" if chosen else "none"


def _unit(preset: str) -> str:
    parts = dict.fromkeys(tuple(f["parts"]) for f in simulate.describe(preset).values())
    texts = [", ".join(one) for one in parts]
    return UNITS[simulate.PRESETS[preset].unit].format("; or ".join(texts))


def _clips(preset: str, profile: str) -> str:
    train, test = (machine_span(preset, profile, role) for role in ("train", "test"))
    return f"{train} for training and {test} for tests a machine, {seconds_of(preset, profile)} s"
