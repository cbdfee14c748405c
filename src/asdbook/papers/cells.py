"""Printed cells as spans: a number with the interval that its rounding leaves open.

A cell printed as 62.00 stands for some number from 61.995 to 62.005. Where a paper cuts digits off instead of
rounding, it stands for one from 62.00 to 62.01. Both readings are tried before a number is called wrong.

Addresses are text: "table / row / machine / quantity" for a cell, "table / row / quantity" for a series over
machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.tables import ALL, table

TOUCH = 1e-9
"""Ends of spans are sums of decimals in binary: two that differ by less are the same number."""


@dataclass(frozen=True)
class Span:
    """A number, and the lowest and highest that it may be."""

    value: float
    low: float
    high: float

    def __sub__(self, other: Span) -> Span:
        return Span(self.value - other.value, self.low - other.high, self.high - other.low)

    def overlaps(self, other: Span) -> bool:
        """Whether one number may be both."""
        return self.low <= other.high + TOUCH and other.low <= self.high + TOUCH

    def text(self, decimals: int = 3) -> str:
        """ "61.976 (61.971 to 61.981)"; a certain whole number without decimals."""
        numbers = (self.value, self.low, self.high)
        places = 0 if all(number == round(number) for number in numbers) else decimals
        value, low, high = (f"{round(number, places) + 0.0:.{places}f}" for number in numbers)  # no "-0"
        return value if self.low == self.high else f"{value} ({low} to {high})"


def exact(value: float) -> Span:
    """A number without rounding: a count."""
    return Span(value, value, value)


def span(printed: str, *, cut: bool = False, places: int | None = None) -> Span:
    """What a printed number stands for.

    Args:
        printed: its characters, for example "62.00".
        cut: further digits were cut off, not rounded.
        places: decimals that carry information, if fewer than printed ("85.20" quoted from "85.2": 1).

    Raises:
        BadInput: no number.
    """
    try:
        value = float(printed)
    except ValueError as error:
        raise BadInput(f"printed cell {printed!r} is no number: name a cell with one") from error
    decimals = len(printed.partition(".")[2]) if places is None else places
    half = 0.5 * 10.0**-decimals
    return Span(value, value, value + 2 * half) if cut else Span(value, value - half, value + half)


def find(address: str) -> str:
    """The characters of the cell at "table / row / machine / quantity".

    Raises:
        BadInput: no four parts, or no number there.
        UnknownName: no such table, row, machine or quantity.
    """
    parts = _parts(address, 4)
    frame = _row(parts[0], parts[1])
    for column, wanted in (("machine", parts[2]), ("quantity", parts[3])):
        found = frame[frame[column] == wanted]
        if found.empty:
            raise UnknownName(f"{column} of {parts[0]}, row {parts[1]}", wanted, frame[column].unique())
        frame = found
    return str(frame["printed"].iloc[0])


def series(
    address: str, machines: Sequence[str] | None = None, replace: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Machine to characters of the series at "table / row / quantity", aggregates left out.

    Args:
        address: where.
        machines: which of them; all by default.
        replace: other characters for some machines, for "what if this cell read".

    Raises:
        BadInput: no three parts.
        UnknownName: no such table, row, quantity or machine.
    """
    parts = _parts(address, 3)
    frame = _row(parts[0], parts[1])
    chosen = frame[(frame["quantity"] == parts[2]) & (frame["machine"] != ALL)]
    if chosen.empty:
        raise UnknownName(f"quantity of {parts[0]}, row {parts[1]}", parts[2], frame["quantity"].unique())
    cells = {str(m): str(p) for m, p in zip(chosen["machine"], chosen["printed"])}
    for machine in [*(machines or ()), *(replace or {})]:
        if machine not in cells:
            raise UnknownName(f"machine of {parts[0]}", machine, cells)
    cells.update(replace or {})
    return cells if machines is None else {machine: cells[machine] for machine in machines}


def rows(name: str) -> list[str]:
    """The rows of a paper's table, in its order."""
    return [str(row) for row in table(name)["row"].unique()]


def _row(name: str, row: str) -> pd.DataFrame:
    frame = table(name)
    if "row" not in frame or "printed" not in frame:
        raise BadInput(f"{name}: only a paper's own table has rows to address: choose one of papers.own()")
    found = frame[frame["row"] == row]
    if found.empty:
        raise UnknownName(f"row of {name}", row, frame["row"].unique())
    return found


def _parts(address: str, wanted: int) -> list[str]:
    parts = [part.strip() for part in address.split(" / ")]
    if len(parts) != wanted:
        form = "table / row / machine / quantity" if wanted == 4 else "table / row / quantity"
        raise BadInput(f"address {address!r} has {len(parts)} parts: write {form!r}")
    return parts
