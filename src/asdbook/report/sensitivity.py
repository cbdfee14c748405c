"""Does a reading matter? Each choice that the text or the code leaves open, against its alternative, from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report import results, verdicts
from asdbook.report.tables import Html, Table, Value, code, join, markup


@dataclass(frozen=True)
class Choice:
    """Two ways to do one thing.

    Attributes:
        what: the choice in words.
        instead: system of the other way ("autoencoder:official-split").
        ours: system of our way.
    """

    what: str
    instead: str
    ours: str


Effect = tuple[str, tuple[str, str], list[Stored], metrics.Interval]
"""Words, both ways, records of the other way, difference in points."""


def effects(choices: Sequence[Choice], **wanted: Any) -> list[Effect]:
    """What each choice changes.

    A choice whose two ways have no run on the same data and seed is left out. Records with settings changed by
    hand are compared with their unchanged ones, so they need no entry here.

    Args:
        choices: the named variants.
        **wanted: fields of the records, as for `results.committed`.
    """
    found: list[Effect] = []
    for choice in choices:
        left, right = (_plain(label, **wanted) for label in (choice.instead, choice.ours))
        for data in dict.fromkeys(stored.record.data.name for stored in left):
            pair = [[s for s in group if s.record.data.name == data] for group in (left, right)]
            # the seeds of the verdicts where both ways have them, else the development seed
            contrast = verdicts.between(*(results.for_tables(group) for group in pair)) or verdicts.between(*pair)
            if contrast is not None:
                found.append((choice.what, (choice.instead, choice.ours), pair[0], contrast))
    for group in _changed(**wanted):
        record = group[0].record
        contrast = verdicts.between(group, _plain(record.label, **{**wanted, "data": record.data.name}))
        if contrast is not None:
            said = settings(record.overrides)
            what = f"{said}, not {settings(_usual(record, wanted))}"
            found.append((what, (f"{record.label}, {said}", record.label), group, contrast))
    return found


def table(choices: Sequence[Choice], wanted: Mapping[str, Any], **options: Any) -> Table:
    """One row a choice and data set: what was changed, by how many points the score moves, whether that matters."""
    rows = []
    for what, pair, group, contrast in effects(choices, **wanted):
        # one data seed: the interval covers its clips; several: it covers new machines, faults and trainings
        runs = "1 data seed" if len(contrast.points) < 2 else f"{len(contrast.points)} data seeds"
        difference = Value(contrast.value, contrast.low, contrast.high)
        left, right = (code(way).text for way in pair)
        first = Html(f"{markup(what)}<br>{left} −<br>{right}")
        rows.append([first, difference, word(contrast), join(results.data_badge(group[0].record), runs)])
    columns = ["choice, and what is compared", "change of the score (points)", "does it matter?", "data"]
    return Table(columns, rows or [["no record yet", None, None, None]], **options)


def finding(choices: Sequence[Choice], **wanted: Any) -> str:
    """How many of the choices change the score by more than half a point, and which most."""
    found = effects(choices, **wanted)
    if not found:
        return "No choice has records both ways yet"
    matter = sum(word(contrast).startswith(("yes", "over")) for *_, contrast in found)
    what, _, _, most = max(found, key=lambda one: abs(one[3].value))
    return (f"{matter} of {len(found)} changes move the score by more than {results.LONG_ENOUGH:g} points "
            "with all of their interval; "
            f"the largest: {what} ({most.value:+.1f} points)")


def word(contrast: metrics.Interval) -> str:
    """Whether a change is more than half a point, and whether the interval leaves that open."""
    limit = results.LONG_ENOUGH
    low, high = contrast.low, contrast.high
    if low is None or high is None:
        return f"{'over' if abs(contrast.value) > limit else 'under'} {limit:g} points in one run"
    if low > limit or high < -limit:
        return "yes"
    return "no" if -limit <= low and high <= limit else "open: the interval allows both"


def settings(overrides: Mapping[str, Any]) -> str:
    """ "epochs = 100"."""
    return ", ".join(f"{key} = {value}" for key, value in sorted(overrides.items()))


def _plain(label: str, **wanted: Any) -> list[Stored]:
    system, _, variant = label.partition(":")
    found = results.committed(**{**wanted, "system": system, "variant": variant})
    return [s for s in found if results.untouched(s)]


def _changed(**wanted: Any) -> list[list[Stored]]:
    """Records with settings changed by hand, grouped by what was changed on which data."""
    groups: dict[tuple[str, ...], list[Stored]] = {}
    for stored in results.committed(**wanted):
        record = stored.record
        if record.overrides and not record.data.premise_off and not record.data.restricted:
            key = (record.label, settings(record.overrides), record.data.name)
            groups.setdefault(key, []).append(stored)
    return sorted(groups.values(), key=_place)


def _place(group: Sequence[Stored]) -> tuple[Any, ...]:
    """Where a changed setting stands in a table: by system, then setting, then value."""
    changed = sorted(group[0].record.overrides.items())
    values = [(key, value if isinstance(value, int | float) else 0, str(value)) for key, value in changed]
    return group[0].record.label, values, group[0].record.data.name


def _usual(record: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The unchanged values of a record's changed settings."""
    plain = _plain(record.label, **{**wanted, "data": record.data.name})
    return {key: plain[0].record.config.get(key) for key in record.overrides} if plain else {}
