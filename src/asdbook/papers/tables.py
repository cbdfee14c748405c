"""Reads the tables of printed numbers: one csv a table.

Columns of a paper's own table (`ssdm_table1` and its like): `paper`, `table` (its number in the paper),
`group` (the block of rows that it stands in), `row` (as the paper names the system), `machine` (a machine type,
or "all" for a printed aggregate and for what has no machine), `quantity`, `printed` (the characters on the
page), `value` (the number; empty where the cell is words), `scale` ("percent" or "text"), `provenance` (section
of the paper), `errata` (ids of the errata that this cell is part of, separated by blanks).

Columns of a baseline's table (`baseline_*`) and of `headline`, `headline_cells`: `system` ("mse",
"mahalanobis"), `machine` (a machine type, or "all" and "h-mean" for a printed aggregate), `unit` (machine ID or
section; "mean" for a printed average over IDs), `quantity`, `value` (as printed, so that decimals show how far
it was rounded), `scale` ("percent" or "fraction"), `table` and `provenance` (where it is printed), `status`:

printed
    read in the named table.
recalled
    from memory of the official page, not checked against it; kept apart, never mixed in silently.
recomputed
    follows from printed cells; a test recomputes it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd

from asdbook.errors import BadInput, UnknownName

PAPERS = ("ssdm", "auddsr", "rc_mae", "statistical_clustering", "oevae")
"""The five papers, in the order of the chapters."""

ALL = "all"
"""The machine of a printed aggregate."""

FACTOR = {"percent": 1.0, "fraction": 100.0, "text": float("nan")}
"""From a table's scale to percent."""


def names() -> list[str]:
    """The tables that `table` knows."""
    folder = resources.files(__package__)
    return sorted(item.name.removesuffix(".csv") for item in folder.iterdir() if item.name.endswith(".csv"))


def own(paper: str | None = None) -> list[str]:
    """The papers' own tables, in the papers' order; those of one paper if it is named."""
    if paper is not None and paper not in PAPERS:
        raise UnknownName("paper", paper, PAPERS)
    chosen = PAPERS if paper is None else (paper,)
    return [name for one in chosen for name in names() if name.startswith(f"{one}_table")]


def table(name: str) -> pd.DataFrame:
    """One table of printed numbers.

    Args:
        name: a table's name, see `names`.

    Returns:
        The csv's columns as text, and `percent`: the value in percent as a float, NaN where a cell is words.

    Raises:
        UnknownName: no such table.
    """
    return _read(name).copy()


@cache
def _read(name: str) -> pd.DataFrame:
    if name not in names():
        raise UnknownName("table of printed numbers", name, names())
    with resources.files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as handle:
        frame = pd.read_csv(handle, dtype="string", keep_default_na=False)
    numbers = frame["value"].where(frame["scale"] != "text", "nan").astype(float)
    return frame.assign(percent=numbers * frame["scale"].map(FACTOR).astype(float))


def baseline(name: str, system: str, *, recalled: bool = False) -> pd.DataFrame:
    """The cells of one official baseline, a row a machine (and ID), a column a quantity, in percent.

    Args:
        name: a `baseline_*` table.
        system: "mse" or "mahalanobis".
        recalled: put the recalled values of the official page in place of the quoted cells.

    Returns:
        Index (machine, unit) in the table's order, printed aggregates left out.

    Raises:
        UnknownName: no such table or system.
        BadInput: the source prints aggregates only.
    """
    frame = table(name)
    systems = list(frame["system"].unique()) if "system" in frame else []
    if system not in systems:
        raise UnknownName(f"system of {name}", system, systems)
    aggregate = frame["machine"].isin([ALL, "h-mean"]) | (frame["unit"] == "mean")
    frame = frame[(frame["system"] == system) & ~aggregate]
    if frame.empty:
        raise BadInput(f"{name}: its source prints aggregates only: read them with papers.table({name!r})")
    keep = "last" if recalled else "first"  # recalled rows stand after the printed ones they replace
    frame = frame.assign(rank=(frame["status"] == "recalled").astype(int)).sort_values("rank", kind="stable")
    key = ["machine", "unit", "quantity"]
    order = frame.drop_duplicates(["machine", "unit"])[["machine", "unit"]]
    frame = frame.drop_duplicates(key, keep=keep)  # type: ignore[call-overload]
    wide = frame.pivot(index=["machine", "unit"], columns="quantity", values="percent")
    wide = wide.reindex(pd.MultiIndex.from_frame(order))
    return wide[[q for q in ("AUC source", "AUC target", "AUC", "pAUC") if q in wide.columns]]
