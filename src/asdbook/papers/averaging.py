"""Every printed average of every table, recomputed from the cells beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from asdbook.papers.checks import Check, Outcome
from asdbook.papers.tables import ALL, own, table

RULES = {
    "ssdm_table1": "hmean",
    "auddsr_table1": "mean",
    "rc_mae_table3": "mean",
    "rc_mae_table4": "mean",
    "statistical_clustering_table1": "hmean",
}
"""How a table says that its averages are made: over machine types. Other tables print none, or averages alone."""

ALONE = ("ssdm_table2", "auddsr_table2")
"""Tables of averages whose cells are not printed: nothing to recompute."""


@dataclass(frozen=True)
class Average:
    """A printed average and what its cells give.

    Attributes:
        table, row, quantity: where.
        outcome: the check.
        errata: ids of the errata that its cell carries.
    """

    table: str
    row: str
    quantity: str
    outcome: Outcome
    errata: tuple[str, ...]

    @property
    def explained(self) -> bool:
        """Whether it follows from its cells, or an erratum says that it does not."""
        return self.outcome.finding in ("agrees", "cut off") or bool(self.errata)


@cache
def averages() -> tuple[Average, ...]:
    """All printed averages whose cells are printed too, in the order of the tables."""
    found = []
    for name in own():
        if name not in RULES:
            continue
        frame = table(name)
        for _, cell in frame[frame["machine"] == ALL].iterrows():
            row, quantity = str(cell["row"]), str(cell["quantity"])
            of = {"recipe": RULES[name], "of": f"{name} / {row} / {quantity}"}
            check = Check(f"{row}, {quantity}", of, f"{name} / {row} / {ALL} / {quantity}")
            found.append(Average(name, row, quantity, check.outcome, tuple(str(cell["errata"]).split())))
    return tuple(found)
