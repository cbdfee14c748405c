"""What the chapter of the official autoencoder shows: its parameters, records by data set, tables and claims.

The parameters of the page decide: `smoke` trains a small network live and reads committed records for the tables;
any other profile runs every system on every seed of the named data, and the tables show those runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from asdbook import papers, simulate
from asdbook.papers import quoting
from asdbook.report import chapter, official, results, verdicts
from asdbook.report.chapter import RECORDED, Asked, Shown
from asdbook.report.results import Row
from asdbook.report.tables import Html, Table, code

SCORES = ("mse", "mahalanobis", "mahalanobis-framewise")
"""Variants of the autoencoder that differ in the score: the rows of the main tables."""
RIVALS = ("trivial:mean", "trivial:p95")
MSE = "autoencoder:mse"
OTHERS = ("official-split", "official-threshold")
MAIN = "synthetic-2023"
"""The set whose figures the chapter shows."""
LIVE_EPOCHS = 20
"""Of the small live run: enough for the loss to flatten, some seconds on a laptop."""


def asked(data: str, seeds: Sequence[int], profile: str = "smoke",
          variants: Sequence[str] = (*SCORES, *OTHERS)) -> Asked:
    """The page's parameters with the chapter's systems.

    Args:
        data, seeds, profile: as in `chapter.Asked`.
        variants: of the autoencoder, as the library knows them.
    """
    small = {"profile": RECORDED, "overrides": {"epochs": LIVE_EPOCHS}, "machines": ("fan",)}
    systems = (*RIVALS, *(f"autoencoder:{variant}" for variant in variants))
    return Asked(data, seeds, profile, systems, [f"autoencoder:{score}" for score in SCORES], small, MAIN)


def sets_of(shown: Shown) -> list[str]:
    """Names of the data sets with tables: that of the parameters first, then the built-in ones, the main one before.

    A folder of recordings has a name once it has run.
    """
    named = shown.data if shown.runs else shown.asked.data if shown.asked.built_in else MAIN
    return list(dict.fromkeys([named, MAIN, *sorted(simulate.PRESETS)]))


def row(shown: Shown, label: str) -> Row:
    """A line of a table: the runs of one system, or that there are none yet."""
    return shown.row(label, f"ours, {label.removeprefix('autoencoder:')}")


def printed_table(year: int, machines: Sequence[str]) -> str | None:
    """The official table of a year that holds most of these machines; None where no cells are printed."""
    found = {}
    for part in official.PARTS:
        name = f"baseline_{year}_{part}"
        if name in papers.names() and set(papers.table(name)["unit"]) - {"mean", "all"}:
            known = set(papers.baseline(name, "mse").index.get_level_values("machine"))
            found[name] = len(known & set(machines)) if machines else int(part == "dev")
    return max(found, key=lambda name: found[name]) if found else None


def printed_rows(shown: Shown, systems: Sequence[str] = ("mse", "mahalanobis")) -> list[Row]:
    """The official rows of the data set's year, for the systems that the source prints."""
    name = printed_table(shown.year, shown.machines) or ""
    return [official.row(name, system) for system in systems if _prints(name, system)]


def _prints(name: str, system: str) -> bool:
    """Whether a table of printed numbers has this system."""
    return name in papers.names() and system in set(papers.table(name)["system"])


def table(shown: Shown, scores: Sequence[str], **options: Any) -> Table:
    """Printed and ours of one data set: for each machine the official line, then a line a variant.

    Args:
        shown: where numbers come from (`Shown.on`: those of which set).
        scores: variants of the autoencoder.
        **options: caption, name, notes of the `Table`.
    """
    rows = printed_rows(shown, scores)
    name = printed_table(shown.year, shown.machines) or ""
    said = [note for score in scores if _prints(name, score) for note in official.notes(name, score)]
    ours = [row(shown, f"autoencoder:{score}") for score in scores]
    notes = [*options.pop("notes", ()), *said]
    same = all(set(r.machines) == set(shown.machines) for r in rows)  # else the aggregates stand for other machines
    return results.beside([*rows, *ours], official.columns(shown.year), machines=shown.machines,
                          total="all machines" if same else "", notes=notes, **options)


COMPARED = (*RIVALS, *(f"autoencoder:{score}" for score in SCORES))
"""The systems of the overview."""


def overview(shown: Shown, **options: Any) -> Table:
    """The official score of every system on every data set; each column stands for itself."""
    pages = [shown.on(data) for data in sets_of(shown)]
    lines = {label: [row(page, label) for page in pages] for label in COMPARED}
    scores = [_score(page) for page in pages]
    heads = [Html(f"{r.data.text}<br>{page.score} (%)") for r, page in zip(lines[MSE], pages, strict=True)]
    cells = [[code(label), *(r.cells["all", score] for r, score in zip(rows, scores, strict=True))]
             for label, rows in lines.items()]  # fmt: skip
    origins = [replace(lines[label][k], who=page.data) for k, page in enumerate(pages) for label in COMPARED]
    notes = [*options.pop("notes", ()), *results.origins(origins)]
    return Table(["system", *heads], cells, notes=notes, **options)


def winner(shown: Shown) -> str | None:
    """The system with the highest official score on a data set; None without records."""
    return chapter.better({label: shown.value(label) for label in COMPARED})


def finding(shown: Shown, score: str) -> str:
    """What a table shows of one variant, in a sentence: its score, its best and its worst machine."""
    label, quantity = f"autoencoder:{score}", _score(shown)
    value, cells = shown.value(label), shown.row(label).cells
    known = {machine: cell.value for (machine, name), cell in cells.items() if name == quantity and machine != "all"}
    machines = {machine: number for machine, number in known.items() if number is not None}
    if value is None or not machines:
        return f"No record of ours on {shown.data} yet."
    high, low = max(machines, key=lambda m: machines[m]), min(machines, key=lambda m: machines[m])
    return (f"Ours, {score}: {quantity} {value:.1f} %, from {machines[low]:.1f} % ({low}) to "
            f"{machines[high]:.1f} % ({high}).")


def _score(shown: Shown) -> str:
    """The column of tables that holds a data set's official score: Omega, in 2020 the (mean) AUC."""
    return shown.score.removeprefix("mean ")


def domain_gap(shown: Shown) -> list[str | None]:
    """How far the source AUC is above the target AUC, ours and printed, and how many target AUCs are below 50 %.

    Returns:
        Gap of ours, gap of the printed numbers, machines below 50 % and all machines of ours, those printed; None
        where there are no records.
    """
    found: list[list[str | None]] = []
    for shown_row in (shown.row(MSE), *printed_rows(shown, ["mse"])):
        ends = [shown_row.cells["all", quantity].value for quantity in ("AUC source", "AUC target")]
        gap = None if None in ends else f"{ends[0] - ends[1]:.1f}"  # type: ignore[operator]
        cells = [shown_row.cells[machine, "AUC target"].value for machine in shown_row.machines]
        low = sum(value is not None and value < 50 for value in cells)
        found.append([gap, str(low) if cells else None, str(len(cells)) if cells else None])
    return [found[0][0], found[1][0], *found[0][1:], *found[1][1:]]


NAMES = {
    "B1": "Better than guessing", "B2": "Source above target", "B3": "Mahalanobis beats squared error",
    "B4": "The text's formula beats the code's", "B5": "The printed score of mse adds up",
    "B6": "The printed score of mahalanobis adds up",
}  # fmt: skip
"""The chapter's own claims in a few words; B stands for baseline."""

TEXTS = {
    "B1": "Anomalies get larger errors than normal clips: the official score is above that of guessing.",
    "B2": "The source AUC is above the target AUC.",
    "B3": "The Mahalanobis score of the code beats the squared error.",
    "B4": "The Mahalanobis score of the text beats that of the code.",
    "B5": "The printed official score of 2023 (mse) follows from its printed cells.",
    "B6": "The printed official score of 2023 (mahalanobis) follows from its printed cells.",
}


def claims(shown: Shown) -> list[verdicts.Claim]:
    """B1 to B4 on one data set; B2 only where the year has domains."""
    mse, code, text = (shown.group(f"autoencoder:{score}") for score in SCORES)
    found = [("B1", verdicts.within(mse, "score", 0.5), mse)]
    if shown.year > 2020:
        found.append(("B2", verdicts.within(mse, "AUC source", "AUC target"), mse))
    found += [("B3", verdicts.between(code, mse), code), ("B4", verdicts.between(text, code), text)]
    return [
        verdicts.claim(key, TEXTS[key], "superiority", contrast, group, primary=key == "B1", name=NAMES[key])
        for key, contrast, group in found
    ]


def printed_claims() -> list[verdicts.Claim]:
    """B5 and B6: printed scores against their own cells."""
    found = []
    for key, system in (("B5", "mse"), ("B6", "mahalanobis")):
        stated = quoting.printed("baseline_2023_eval", system)["all", "Omega"].percent
        again = official.recomputed("baseline_2023_eval", system)
        found.append(verdicts.arithmetic(key, TEXTS[key], again, stated, rounding=6e-5, name=NAMES[key]))
    return found


def decide(shown: Shown) -> dict[str, verdicts.Verdicts]:
    """Verdicts by data set, and under "printed numbers" those that need no run."""
    found = {data: verdicts.decide(claims(shown.on(data))) for data in sets_of(shown)}
    return {**found, "printed numbers": verdicts.decide(printed_claims())}
