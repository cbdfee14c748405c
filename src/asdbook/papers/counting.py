"""How many tables, rows, claims and errata there are: pages say it from here."""

from __future__ import annotations

import pandas as pd

from asdbook.papers.averaging import averages
from asdbook.papers.claims import all_claims
from asdbook.papers.errata import all_errata
from asdbook.papers.tables import PAPERS, own, table


def counts() -> pd.DataFrame:
    """One row a paper, and "all": tables, rows, cells, averages, claims, errata and their kinds.

    `rows` are rows of printed tables, `cells` their cells; `averages` are printed ones whose cells are printed
    too; `errata` are entries that show an error (number, statement, conflict, text), `notes` the others.
    """
    frame = pd.DataFrame([_count(paper) for paper in PAPERS], index=pd.Index(PAPERS, name="paper"))
    frame.loc["all"] = frame.sum()
    return frame


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
    }
