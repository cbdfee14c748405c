"""Tables of printed numbers, errata and claims: every cell comes from `asdbook.papers` or from records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asdbook import papers
from asdbook.papers.checks import Check
from asdbook.papers.claims import TYPES, Claim
from asdbook.papers.errata import PROVEN, Erratum
from asdbook.report.claims import Decided
from asdbook.report.tables import Html, Table, code, join, markup

FINDINGS = {
    "agrees": "agrees", "cut off": "agrees, with digits cut off", "differs": "differs",
    "holds": "holds", "fails": "fails", "open": "open", "shown": "–",
}  # fmt: skip


def names() -> dict[str, str]:
    """Paper to the name that pages use."""
    headline = papers.table("headline").drop_duplicates("paper")
    return {str(paper): str(name) for paper, name in zip(headline["paper"], headline["name"])}


def overview(**options: Any) -> Table:
    """What is here: one row a paper."""
    frame, known = papers.counts(), {**names(), "all": "all"}
    columns = ["tables", "rows", "cells", "averages", "claims", "errata", "notes"]
    rows = [[known[str(paper)], *(str(line[column]) for column in columns)] for paper, line in frame.iterrows()]
    return Table(["paper", *columns], rows, **options)


def averages(**options: Any) -> Table:
    """Every table that prints averages beside their cells: how many follow, and which do not."""
    rows: list[list[Any]] = []
    known = names()
    for name in dict.fromkeys(average.table for average in papers.averages()):
        found = [average for average in papers.averages() if average.table == name]
        wrong = [a for a in found if a.outcome.finding == "differs"]
        frame = papers.table(name)
        title = f"{known[str(frame['paper'].iloc[0])]}, {frame['table'].iloc[0]}"
        which = [_item(f"{a.row}, {a.quantity}: {a.outcome.printed}, cells give "
                       f"{a.outcome.span.text()}", " ".join(a.errata)) for a in wrong]  # fmt: skip
        rows.append([title, str(len(found)), str(len(found) - len(wrong)), _lines(which)])
    return Table(["table", "averages", "follow from their cells", "do not"], rows, **options)


def errata(found: Sequence[Erratum], **options: Any) -> Table:
    """What is wrong, where, and what follows: one row an erratum."""
    rows = [[Html(f'<span id="{e.id}">{markup(code(e.id))}</span>'), e.where, e.printed, e.should_be or None,
             e.explanation, e.consequence] for e in found]  # fmt: skip
    return Table(["erratum", "where", "printed", "should be", "what is wrong", "what follows"], rows, **options)


def proofs(found: Sequence[Erratum], **options: Any) -> Table:
    """The recomputations of some errata: one row a check, the calculation with its numbers."""
    rows = [[code(e.id), *_check(check)] for e in found for check in e.checks]
    columns = ["erratum", "what", "calculation", "recomputed (rounding allows)", "printed", "finding"]
    return Table(columns, rows, **options)


def proven(found: Sequence[Erratum]) -> list[Erratum]:
    """Those that printed numbers prove."""
    return [e for e in found if e.kind in PROVEN]


def claims(decided: Sequence[Decided], **options: Any) -> Table:
    """One row a claim: type, what would test it, what printed numbers say, the verdict now."""
    rows = [[join(code(d.claim.id), "primary" if d.claim.primary else ""), d.claim.text, d.claim.type.replace("_", " "),
             d.claim.test, _compared(d.claim), d.printed.name,
             d.name if d.data is None else join(d.name, d.data)] for d in decided]  # fmt: skip
    columns = ["claim", "what is claimed", "type", "what would test it", "compared", "printed numbers", "verdict now"]
    return Table(columns, rows, **options)


def verdict_counts(decided: Sequence[Decided], **options: Any) -> Table:
    """How many claims of each type have which verdict now."""
    found = dict.fromkeys(d.name for d in decided)
    rows = []
    for kind in TYPES:
        those = [d.name for d in decided if d.claim.type == kind]
        rows.append([kind.replace("_", " "), *(str(those.count(name)) for name in found), str(len(those))])
    return Table(["type", *found, "all"], rows, **options)


def claim_checks(decided: Sequence[Decided], **options: Any) -> Table:
    """The recomputations behind the claims: one row a check."""
    rows = [[code(d.claim.id), *_check(check)] for d in decided for check in d.claim.checks]
    columns = ["claim", "what", "calculation", "recomputed (rounding allows)", "printed", "finding"]
    return Table(columns, rows, **options)


def _check(check: Check) -> list[Any]:
    found = check.outcome
    beside = found.printed if found.printed is not None else _bound(check)
    return [check.what, found.calculation, found.span.text(), beside, FINDINGS[found.finding]]


def _bound(check: Check) -> str | None:
    """The condition of a sentence, as it stands in place of a printed number."""
    words = {">": "must be above", "<": "must be below"}
    return f"{words[check.relation]} {check.bound:g}" if check.relation else None


def _compared(claim: Claim) -> Html | None:
    """The contrasts, in the metric and on the data that decide."""
    if not claim.contrasts:
        return Html(markup(claim.metric)) if claim.metric else None
    pairs = [Html(" − ".join(markup(code(name)) for name in contrast)) for contrast in claim.contrasts]
    margin = f", margin {claim.margin:g}" if claim.margin else ""
    where = f"{claim.metric}, {claim.data}{margin}"
    if claim.machines:
        where += f", {', '.join(claim.machines)}"
    if claim.not_built:
        where += f"; not built here: {', '.join(claim.not_built)}"
    return _lines([*pairs, Html(markup(where))])


def _item(text: str, mark: str) -> Html:
    return Html(f"{markup(text)} ({markup(code(mark))})") if mark else Html(markup(text))


def _lines(parts: Sequence[Html]) -> Html | None:
    return Html("<br>".join(part.text for part in parts)) if parts else None
