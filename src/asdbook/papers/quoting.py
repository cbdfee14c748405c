"""The official baselines' printed averages, and what is wrong with cells that another paper quotes.

Two of the official tables reach us through a paper that quotes them. What `errata.toml` says of a cell of that
paper therefore holds for the same cell of the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pandas as pd

from asdbook.errors import UnknownName
from asdbook.papers.averaging import averages
from asdbook.papers.tables import ALL, FACTOR, table

QUOTED: dict[str, tuple[str, dict[str, str]]] = {
    "baseline_2023_dev": ("oevae_table1", {"mse": "Baseline", "mahalanobis": "Baseline(MHLAE)"}),
    "baseline_2024_dev": ("statistical_clustering_table1", {"mse": "AE-MSE", "mahalanobis": "AE-MAHALA"}),
}
"""Baseline table to the paper's table that quotes it, and system to that table's row."""

AGGREGATES = {"all": ALL, "h-mean": ALL}
"""How baseline tables call the aggregate over machines."""

Cell = tuple[str, str]
"""Machine ("all" for an aggregate over machines) and quantity."""


@dataclass(frozen=True)
class Number:
    """A printed number.

    Attributes:
        percent: its value.
        text: its characters; a fraction in percent with two decimals.
    """

    percent: float
    text: str


def printed(name: str, system: str) -> dict[Cell, Number]:
    """Cells and averages of one system as its source prints them; several IDs of a machine only by their average.

    Args:
        name: a `baseline_*` table.
        system: "mse" or "mahalanobis".

    Raises:
        UnknownName: no such table or system.
    """
    frame = table(name)
    systems = list(frame["system"].unique()) if "system" in frame else []
    if system not in systems:
        raise UnknownName(f"system of {name}", system, systems)
    frame = frame[(frame["system"] == system) & (frame["status"] == "printed")]
    found: dict[Cell, Number] = {}
    for machine, rows in frame.groupby("machine", sort=False):
        several = rows["unit"].nunique() > 1
        shown = rows[rows["unit"] == "mean"] if several else rows
        for _, cell in shown.iterrows():
            found[AGGREGATES.get(str(machine), str(machine)), str(cell["quantity"])] = _number(cell)
    return found


def flags(name: str, system: str) -> dict[Cell, tuple[str, ...]]:
    """Ids of the errata of single cells and averages; those of a whole row are `row_flags`."""
    everywhere = row_flags(name, system)
    own = {cell: tuple(e for e in ids if e not in everywhere) for cell, ids in _errata(name, system).items()}
    return {cell: ids for cell, ids in own.items() if ids}


def row_flags(name: str, system: str) -> tuple[str, ...]:
    """Ids of the errata that every cell of this system carries."""
    cells = list(_errata(name, system).values())
    return tuple(e for e in cells[0] if all(e in ids for ids in cells)) if cells else ()


def differing(name: str, system: str) -> dict[Cell, tuple[str, ...]]:
    """Printed averages that their printed cells do not allow, however they were rounded, with their errata."""
    if name not in QUOTED:
        return {}
    source, rows = QUOTED[name]
    return {
        (ALL, a.quantity): a.errata
        for a in averages()
        if a.table == source and a.row == rows.get(system) and a.outcome.finding == "differs"
    }


@cache
def _errata(name: str, system: str) -> dict[Cell, tuple[str, ...]]:
    if name not in QUOTED:
        return {}
    source, rows = QUOTED[name]
    frame = table(source)
    frame = frame[frame["row"] == rows[system]]
    return {
        (str(cell["machine"]), str(cell["quantity"])): tuple(str(cell["errata"]).split())
        for _, cell in frame.iterrows()
    }


def _number(cell: pd.Series) -> Number:
    percent = float(cell["percent"])
    text = str(cell["value"]) if FACTOR[str(cell["scale"])] == 1.0 else f"{percent:.2f}"
    return Number(percent, text)
