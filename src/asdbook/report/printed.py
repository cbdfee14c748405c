"""Tables of printed numbers, errata and claims: every cell comes from `asdbook.papers` or from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from asdbook import papers
from asdbook.papers.checks import Check
from asdbook.papers.claims import TYPES, Claim
from asdbook.papers.errata import Erratum
from asdbook.report.claims import Decided
from asdbook.report.tables import Html, Table, badge, code, join, markup, stacked
from asdbook.report.verdicts import MARKS, Verdicts

FINDINGS = {
    "agrees": "agrees", "cut off": "agrees, with digits cut off", "differs": "differs",
    "holds": "holds", "fails": "fails", "open": "open", "shown": None,
}  # fmt: skip


LONGEST = len("not reproduced under our reading")
"""Letters of a verdict that stands on one line."""


def names() -> dict[str, str]:
    """Paper to the name that pages use."""
    headline = papers.table("headline").drop_duplicates("paper")
    return {str(paper): str(name) for paper, name in zip(headline["paper"], headline["name"])}


def overview(**options: Any) -> Table:
    """What is here: one row a paper."""
    frame, known = papers.counts(), {**names(), "all": "all"}
    columns = ["tables", "rows", "cells", "averages", "claims", "errata", "notes", "recomputations"]
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
        which = [
            join(f"{a.row}, {a.quantity}: {a.outcome.printed}, cells give {a.outcome.span.text()},",
                 *(_mark(name, "link") for name in a.errata))
            for a in wrong
        ]  # fmt: skip
        rows.append([title, str(len(found)), str(len(found) - len(wrong)), _lines(which)])
    return Table(["table", "averages", "follow from their cells", "do not"], rows, **options)


def errata(found: Sequence[Erratum], **options: Any) -> Table:
    """What is wrong, where, and what follows: one row an erratum."""
    rows = []
    for e in found:
        instead = [Html(f"instead: {markup(e.should_be)}")] if e.should_be else []
        quoted = _lines([Html(f"<em>{markup(e.where)}</em>"), Html(markup(e.printed)), *instead])
        rows.append([join(_mark(e.id, "place"), e.kind), quoted, e.explanation, e.consequence, _shown(e)])
    columns = ["erratum", "where, and what is printed", "what is wrong", "what follows", "recomputed"]
    return Table(columns, rows, **options)


def proofs(found: Sequence[Erratum], **options: Any) -> Table:
    """The recomputations of some errata: one row a check, the calculation with its numbers."""
    rows = [[_mark(e.id, "link"), *_check(check)] for e in found for check in e.checks]
    columns = ["erratum", "what", "calculation", "recomputed (rounding allows)", "printed", "finding"]
    return Table(columns, rows, **options)


def claims(decided: Sequence[Decided], **options: Any) -> Table:
    """One row a claim: type, what would test it, what printed numbers say, the verdict now."""
    rows = []
    for d in decided:
        kind = d.claim.type.replace("_", " ") + (", primary" if d.claim.primary else "")
        test = _lines([Html(markup(d.claim.test)), *_compared(d.claim)])
        said = None if d.claim.type == "arithmetic" else d.printed.name  # it is the verdict itself
        verdict = d.name if d.data is None else join(d.name, d.data)
        rows.append([join(_mark(d.claim.id, "place"), kind), d.claim.text, test, said, verdict])
    columns = ["claim and type", "what is claimed", "what would test it", "printed numbers", "verdict now"]
    return Table(columns, rows, **options)


def glance(decided: Sequence[Decided], **options: Any) -> Table:
    """For the top of a chapter: one row a claim, linked to its place on the page of claims, and its verdict now."""
    rows = [[_claim_link(d), _verdict_cell(d)] for d in decided]
    return Table(["claim", "verdict now"], rows, **options)


def verdict_table(decided: Sequence[Decided], **options: Any) -> Table:
    """One row a claim: sentence, verdict with the data it stands on, numbers."""
    rows = []
    for d in decided:
        said = stacked([Html(markup(sentence)) for sentence in _numbers(d)])
        rows.append([_claim_link(d), _verdict_cell(d), Html(f'<span class="asd-words asd-wide">{said.text}</span>')])
    return Table(["claim", "verdict", "numbers"], rows, **options)


def _numbers(decided: Decided) -> list[str]:
    """The sentences behind a verdict: numbers, or who has no record; and which rivals nobody here can run."""
    claim = decided.claim
    if claim.type == "arithmetic":
        return list(decided.printed.sentences)
    said = decided.verdict.text.split("; ") if decided.data or not decided.missing else []
    if decided.missing:
        said.append(f"no record of {', '.join(decided.missing)} yet")
    if claim.not_built and (decided.data is not None or decided.missing):
        said.append(f"rivals of the paper that are not built here: {', '.join(claim.not_built)}")
    return said


def _claim_link(decided: Decided) -> Html:
    claim = decided.claim
    place = f'<a href="claims.html#{escape(claim.id)}">{escape(claim.id.removeprefix(f"{claim.paper}-"))}</a>'
    primary = " (primary)" if claim.primary else ""
    return Html(f'<strong>{place}</strong>{primary}<br><span class="asd-quiet">{escape(claim.text)}</span>')


def _verdict_cell(decided: Decided) -> Html:
    """A sign, the verdict and below it the data that it stands on."""
    sign = MARKS.get(decided.name, "?")  # of printed numbers: some agree and some do not, or no run can test it
    data = Html(badge("plain", "printed numbers").text) if decided.claim.type == "arithmetic" else decided.data
    below = f"<br>{data.text}" if data else ""
    words = escape(f"{sign} {decided.name}")
    short = len(decided.name) <= LONGEST  # those stay on one line
    return Html((f'<span class="asd-verdict">{words}</span>' if short else f"<strong>{words}</strong>") + below)


def counted(decided: Sequence[Decided]) -> str:
    """How many claims stand at which verdict, in words."""
    found = Counter(d.name for d in decided)
    return ", ".join(f"{many} × {what}" for what, many in found.most_common())


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
    rows = [[_mark(d.claim.id, "link"), *_check(check)] for d in decided for check in d.claim.checks]
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


def _compared(claim: Claim) -> list[Html]:
    """The contrasts, one a line, and the metric and data that decide."""
    if not claim.metric:
        return []
    pairs = [Html(" − ".join(markup(code(name)) for name in contrast)) for contrast in claim.contrasts]
    where = f"{claim.metric}; {claim.data}"
    if claim.margin:
        where += f"; margin {claim.margin:g} points"
    if claim.machines:
        where += f"; {', '.join(claim.machines)}"
    if claim.not_built:
        where += f"; not built here: {', '.join(claim.not_built)}"
    return [*pairs, Html(f"<em>{markup(where)}</em>")]


def own_claims(found: Mapping[str, Verdicts], **options: Any) -> Table:
    """The claims of the chapter on the yardstick: one row a claim, its verdict on each data set below each other."""
    rows: dict[str, list[Any]] = {}
    for data, several in found.items():
        for claim in several.claims:
            place = Html(f'<span class="asd-id" id="baseline-{escape(claim.key)}">{markup(code(claim.key))}</span>')
            kind = claim.evidence.claim.replace("_", " ") + (", primary" if claim.primary else "")
            row = rows.setdefault(claim.key, [join(place, claim.name), claim.text, kind, []])
            row[3].append(several.cell(claim.key, data))
    lines = [[*row[:3], stacked(row[3])] for row in rows.values()]
    return Table(["claim", "what is claimed", "type", "verdict now, by data"], lines, **options)


def claims_said(name: str, decided: Sequence[Decided]) -> str:
    """A caption: how many claims, and how many at which verdict."""
    return f"{name}: {len(decided)} claims, {counted(decided)}"


def checks_said(name: str, decided: Sequence[Decided]) -> str:
    """A caption: how many recomputations behind the claims, and what they found."""
    return f"{name}: " + _findings([check for d in decided for check in d.claim.checks])


def errata_said(name: str, found: Sequence[Erratum]) -> str:
    """A caption: how many errata and notes."""
    notes = sum(e.kind == "note" for e in found)
    return f"{name}: {len(found) - notes} errata, {notes} note{'s' if notes != 1 else ''}"


def proofs_said(name: str, found: Sequence[Erratum]) -> str:
    """A caption: how many recomputations, and what they found."""
    return f"{name}: " + _findings([check for e in found for check in e.checks])


def _findings(checks: Sequence[Check]) -> str:
    counts = Counter(FINDINGS[check.outcome.finding] or "shown beside them" for check in checks)
    many = f"{len(checks)} recomputation{'s' if len(checks) != 1 else ''}"
    return f"{many}: " + ", ".join(f"{count} × {what}" for what, count in counts.most_common()) if checks else "none"


def _shown(found: Erratum) -> str:
    """How many recomputations of an erratum stand below, or why there is none."""
    if not found.checks:
        return "no number in it to recompute"
    return f"{len(found.checks)} check{'s' if len(found.checks) > 1 else ''} below"


def _mark(name: str, kind: str = "") -> Html:
    """An id that does not break at its hyphen: the "place" that links lead to, or a "link" to it."""
    text = markup(code(name))
    if kind == "link":
        text = f'<a href="#{escape(name)}">{text}</a>'
    place = f' id="{escape(name)}"' if kind == "place" else ""
    return Html(f'<span class="asd-id"{place}>{text}</span>')


def _lines(parts: Sequence[Html]) -> Html | None:
    return Html("<br>".join(part.text for part in parts)) if parts else None
