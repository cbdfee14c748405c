"""How many tables, rows, claims and errata there are: pages say it from here."""

from __future__ import annotations

import pandas as pd

from asdbook.papers.averaging import averages
from asdbook.papers.claims import all_claims
from asdbook.papers.errata import PROVEN, all_errata
from asdbook.papers.tables import PAPERS, own, table


def counts() -> pd.DataFrame:
    """One row a paper, and "all": tables, rows, cells, averages, claims, errata and their kinds.

    `rows` are rows of printed tables, `cells` their cells; `averages` are printed ones whose cells are printed
    too; `errata` are entries that show an error (number, statement, conflict, text), `notes` the others.
    """
    frame = pd.DataFrame([_count(paper) for paper in PAPERS], index=pd.Index(PAPERS, name="paper"))
    frame.loc["all"] = frame.sum()
    return frame


def recomputed() -> dict[str, int]:
    """How much of the errata is recomputed on the page.

    Returns:
        `entries` that have a recomputation, `checks` in all, `proven`: numbers, statements and conflicts (each has a
        check that shows the error), `wording`: entries without a number to recompute.
    """
    found = all_errata()
    return {
        "entries": sum(bool(e.checks) for e in found),
        "checks": sum(len(e.checks) for e in found),
        "proven": sum(e.kind in PROVEN for e in found),
        "wording": sum(not e.checks for e in found),
    }


def _count(paper: str) -> dict[str, int]:
    frames = [table(name) for name in own(paper)]
    found = all_errata(paper)
    return {
        "tables": len(frames),
        "rows": sum(frame["row"].nunique() for frame in frames),
        "cells": sum(len(frame) for frame in frames),
        "averages": sum(average.table in own(paper) for average in averages()),
        "claims": len(all_claims(paper)),
        "arithmetic": len(all_claims(paper, "arithmetic")),
        "errata": sum(e.kind != "note" for e in found),
        "number": sum(e.kind == "number" for e in found),
        "statement": sum(e.kind == "statement" for e in found),
        "conflict": sum(e.kind == "conflict" for e in found),
        "text": sum(e.kind == "text" for e in found),
        "notes": sum(e.kind == "note" for e in found),
        "recomputations": sum(len(e.checks) for e in found),
    }
