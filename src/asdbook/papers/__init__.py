"""The papers' and the official baselines' numbers as data: one csv a table, each row with its provenance.

Columns of the baseline tables: `system` ("mse", "mahalanobis"), `machine` (a machine type, or "all" and
"h-mean" for a printed aggregate), `unit` (machine ID or section; "mean" for a printed average over IDs),
`quantity`, `value` (as printed, so that decimals show how far it was rounded), `scale` ("percent" or
"fraction"), `table` and `provenance` (where it is printed), `status`:

printed
    read in the named table.
recalled
    from memory of the official page, not checked against it; kept apart, never mixed in silently.
recomputed
    follows from printed cells; a test recomputes it.

Tables: `baseline_2020_dev` (per machine ID), `baseline_2023_dev`, `baseline_2024_dev`,
`baseline_2023_eval`, `baseline_2024_eval`, `headline` (the score each of the five papers reports) and
`headline_cells` (the cells of those papers' own rows).
"""

from __future__ import annotations

from importlib import resources

import pandas as pd

from asdbook.errors import UnknownName

__all__ = ["baseline", "names", "table"]


def names() -> list[str]:
    """The tables that `table` knows."""
    folder = resources.files(__package__)
    return sorted(item.name.removesuffix(".csv") for item in folder.iterdir() if item.name.endswith(".csv"))


def table(name: str) -> pd.DataFrame:
    """One table of printed numbers.

    Args:
        name: a table's name, see `names`.

    Returns:
        The csv's columns as text, and `percent`: the value in percent as a float.

    Raises:
        UnknownName: no such table.
    """
    if name not in names():
        raise UnknownName("table of printed numbers", name, names())
    with resources.files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as handle:
        frame = pd.read_csv(handle, dtype="string", keep_default_na=False)
    factor = frame["scale"].map({"percent": 1.0, "fraction": 100.0}).astype(float)
    return frame.assign(percent=frame["value"].astype(float) * factor)


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
    """
    frame = table(name)
    systems = list(frame["system"].unique()) if "system" in frame else []
    if system not in systems:
        raise UnknownName(f"system of {name}", system, systems)
    aggregate = frame["machine"].isin(["all", "h-mean"]) | (frame["unit"] == "mean")
    frame = frame[(frame["system"] == system) & ~aggregate]
    keep = "last" if recalled else "first"  # recalled rows stand after the printed ones they replace
    frame = frame.assign(rank=(frame["status"] == "recalled").astype(int)).sort_values("rank", kind="stable")
    key = ["machine", "unit", "quantity"]
    order = frame.drop_duplicates(["machine", "unit"])[["machine", "unit"]]
    frame = frame.drop_duplicates(key, keep=keep)  # type: ignore[call-overload]
    wide = frame.pivot(index=["machine", "unit"], columns="quantity", values="percent")
    wide = wide.reindex(pd.MultiIndex.from_frame(order))
    return wide[[q for q in ("AUC source", "AUC target", "AUC", "pAUC") if q in wide.columns]]
