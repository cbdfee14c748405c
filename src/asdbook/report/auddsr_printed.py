"""The tables of AudDSR as printed: both rules of averaging, and where its lead over PAE comes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from asdbook import papers
from asdbook.papers.recompute import IDS_2020, USUAL_IDS, evaluate
from asdbook.report.show import Picture
from asdbook.report.style import BLACK, BLUE, GREY, ORANGE, VERMILION, canvas, styled
from asdbook.report.tables import Table, Value

TABLE, PART = "auddsr_table1", "2020 development"
OURS, RIVAL = "AudDSR", "PAE"
QUANTITIES = ("AUC", "pAUC")
RULES = {"over types": "mean", "over IDs": "id_mean"}
"""The two rules of averaging to their recipes (`papers.recompute`)."""


def rows() -> list[str]:
    """The systems of Table 1, as the paper names them."""
    return [str(row) for row in papers.table(TABLE)["row"].unique()]


def types() -> list[str]:
    """The machine types of Table 1."""
    return [str(m) for m in papers.table(TABLE)["machine"].unique() if m != papers.tables.ALL]


def ids() -> int:
    """Machine IDs of all types together."""
    return sum(IDS_2020.get(machine, USUAL_IDS) for machine in types())


def printed(row: str, quantity: str, machine: str = "all") -> Value:
    """One cell, as printed, with its errata."""
    frame = papers.table(TABLE)
    cell = frame[(frame["row"] == row) & (frame["machine"] == machine) & (frame["quantity"] == quantity)].iloc[0]
    return Value(float(cell["percent"]), text=str(cell["printed"]), errata=tuple(str(cell["errata"]).split()))


def recomputed(row: str, quantity: str, rule: str) -> float:
    """The average of a row's cells by one of `RULES`."""
    return float(evaluate({"recipe": RULES[rule], "of": f"{TABLE} / {row} / {quantity}"}).span.value)


def follows(row: str, quantity: str) -> str:
    """The rule that a printed average follows, in words; "neither" where it follows none.

    A last digit may have been rounded or cut off. A number that ends in 0 may have been taken over from a work that
    prints one digit.
    """
    number = printed(row, quantity)
    gaps = {abs(recomputed(row, quantity, rule) - float(number.value or 0.0)): rule for rule in RULES}
    least = min(gaps)
    return gaps[least] if least < (0.1 if number.text.endswith("0") else 0.01) else "neither"


def averages(**options: Any) -> Table:
    """One row a system: each printed average beside those that its cells give."""
    lines: list[list[Any]] = []
    for row in rows():
        line: list[Any] = [row]
        for quantity in QUANTITIES:
            both = [Value(recomputed(row, quantity, rule), digits=2) for rule in RULES]
            line += [printed(row, quantity), *both, follows(row, quantity)]
        lines.append(line)
    heads = [f"{quantity}, {what}" for quantity in QUANTITIES
             for what in ("printed", "over six types", f"over {ids()} IDs", "printed follows")]  # fmt: skip
    notes = [*options.pop("notes", ()), "The averages are recomputed from the printed cells of Table 1."]
    return Table(["system", *heads], lines, notes=notes, **options)


def averages_finding() -> str:
    """Which rows follow which rule, in a sentence."""
    by_rule: dict[str, list[str]] = {}
    for row in rows():
        for quantity in QUANTITIES:
            by_rule.setdefault(follows(row, quantity), []).append(f"{row} ({quantity})")
    whole = len(rows()) * len(QUANTITIES)
    types_, ids_, neither = (by_rule.get(rule, []) for rule in ("over types", "over IDs", "neither"))
    return (f"{len(types_)} of {whole} printed averages are over six types, {len(ids_)} over {ids()} IDs: "
            f"{', '.join(ids_)}; neither: {', '.join(neither) or 'none'}")


def averages_figure() -> Picture:
    """Two dots and a cross for each row: the average over types, the one over IDs, and what is printed."""
    names = rows()
    marks = {"over types": ("o", BLUE), "over IDs": ("s", ORANGE)}
    said = []
    with styled():
        figure, panels = canvas(1, len(QUANTITIES), height=1.0 + 0.3 * len(names), sharey=True)
        for axes, quantity in zip(panels, QUANTITIES):
            # the distance to the average over types: the differences are small beside the numbers
            base = np.array([recomputed(row, quantity, "over types") for row in names])
            for rule, (mark, colour) in marks.items():
                gap = np.array([recomputed(row, quantity, rule) for row in names]) - base
                axes.plot(gap, range(len(names)), mark, color=colour, label=rule, markersize=6)
            cross = np.array([float(printed(row, quantity).value or 0.0) for row in names]) - base
            axes.plot(cross, range(len(names)), "x", color=BLACK, label="printed", markersize=7, markeredgewidth=1.6)
            axes.set(xlabel=f"{quantity}: points above\nthe mean over types", yticks=range(len(names)))
            axes.set_yticklabels([_plain(row) for row in names])
            said += [f"{row} {quantity}: over types {b:.2f}, over IDs {recomputed(row, quantity, 'over IDs'):.2f}, "
                     f"printed {printed(row, quantity).text}" for row, b in zip(names, base)]  # fmt: skip
        panels[0].invert_yaxis()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return Picture(figure, f"Averages of Table 1 by both rules, as differences from the mean over types. "
                           f"{'; '.join(said)}.")  # fmt: skip


def gains(quantity: str) -> dict[str, float]:
    """AudDSR minus PAE by machine type, in points."""
    return {machine: (printed(OURS, quantity, machine).value or 0.0) - (printed(RIVAL, quantity, machine).value or 0.0)
            for machine in types()}  # fmt: skip


def carried(quantity: str = "AUC") -> tuple[list[str], float]:
    """The two types with the largest gains, and the mean gain over the other four."""
    found = gains(quantity)
    best = sorted(found, key=lambda machine: -found[machine])[:2]
    return best, float(np.mean([gain for machine, gain in found.items() if machine not in best]))


def gains_figure() -> Picture:
    """Bars: AudDSR minus PAE for each type, with the mean over six types and over the four without the best two."""
    names = types()
    said = []
    with styled():
        figure, panels = canvas(1, len(QUANTITIES), height=2.9, sharey=True)
        for axes, quantity in zip(panels, QUANTITIES):
            found, (best, rest) = gains(quantity), carried(quantity)
            mean = float(np.mean(list(found.values())))
            axes.barh(range(len(names)), [found[m] for m in names],
                      color=[BLUE if found[m] > 0 else VERMILION for m in names])  # fmt: skip
            axes.axvline(0, color=BLACK, linewidth=0.8)
            axes.axvline(mean, color=GREY, linestyle="--", label="mean of all six")
            axes.axvline(rest, color=ORANGE, linestyle=":", linewidth=2, label="mean without the best two")
            axes.set(xlabel=f"{quantity} (points)", yticks=range(len(names)))
            axes.set_yticklabels([_plain(m) for m in names])
            said.append(f"{quantity}: " + ", ".join(f"{m} {found[m]:+.2f}" for m in names)
                        + f"; mean {mean:+.2f}, without {best[0]} and {best[1]} {rest:+.2f}")  # fmt: skip
        panels[0].invert_yaxis()
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Picture(figure, f"Printed gains of AudDSR over PAE by machine type. {'. '.join(said)}.")


def gains_finding() -> str:
    """Where the gain comes from, in a sentence."""
    best, rest = carried("AUC")
    mean = float(np.mean(list(gains("AUC").values())))
    return (f"Printed AUC gain over PAE: {mean:+.2f} points in the mean. {best[0]} and {best[1]} carry it: without "
            f"them it is {rest:+.2f}")  # fmt: skip


def _plain(name: str) -> str:
    """A row's name without the paper's subscript mark."""
    return name.replace("_", " ")
