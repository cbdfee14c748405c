"""The papers' and the official baselines' printed numbers, the papers' claims and their errata, as data.

    tables          one csv a table, with provenance: `names`, `own`, `table`, `baseline`
    averaging       every printed average, recomputed: `averages`
    quoting         the official baselines' printed averages, and errata of the papers that quote them
    errata          errors in the papers, each with its proof: `all_errata`, `erratum`     (errata.toml)
    claims          what the papers claim, and what would test it: `all_claims`, `claim`   (claims.toml)
    arithmetic      verdicts that printed numbers give by themselves: `as_printed`, `verdicts`
    checks          a recomputed number beside a printed one
    recompute       recipes: how a number follows from printed cells
    counting        how many of everything: `counts`, `recomputed`
    cells           printed cells with the interval of their rounding

Nothing here is measured by us: our numbers are in records.
"""

from __future__ import annotations

from asdbook.papers.arithmetic import as_printed, verdicts
from asdbook.papers.averaging import averages
from asdbook.papers.claims import all_claims, claim
from asdbook.papers.counting import counts, recomputed
from asdbook.papers.errata import all_errata, erratum
from asdbook.papers.tables import PAPERS, baseline, names, own, table

__all__ = [
    "PAPERS",
    "all_claims",
    "all_errata",
    "as_printed",
    "averages",
    "baseline",
    "claim",
    "counts",
    "erratum",
    "names",
    "own",
    "recomputed",
    "table",
    "verdicts",
]
