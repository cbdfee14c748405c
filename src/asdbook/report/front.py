"""The front page's table: five papers, what they report, what our records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from asdbook import papers
from asdbook.experiment.records import Stored
from asdbook.report import claims, results
from asdbook.report.provenance import seconds_text
from asdbook.report.tables import Html, Table, Value, badge, join, link, markup, stacked

COMPUTED = Html('<span class="asd-quiet">(computed)</span>')
NOT_RUN = Html('<span class="asd-none">not run</span>')


@dataclass(frozen=True)
class Entry:
    """One paper.

    Attributes:
        key: name of its system in the library.
        printed: its rows of `papers.table("headline")`.
        records: committed records of its default variant, one data set and profile.
    """

    key: str
    printed: pd.DataFrame
    records: Sequence[Stored]

    @property
    def built(self) -> bool:
        """Whether any record of it is committed."""
        return bool(self.records)

    def row(self) -> list[Any]:
        """Its line of the table."""
        first = self.printed.iloc[0]
        name = link(first["name"], f"{self.key}.html") if self.built else first["name"]
        cells = zip(self.printed["quantity"], self.printed["percent"], self.printed["value"], self.printed["status"])
        said = [join(f"{quantity}:", Value(float(number), text=str(text)), "" if status == "printed" else COMPUTED)
                for quantity, number, text, status in cells]
        where = f"{first['table']}, row {first['row']}"
        paper = Html(f"{markup(name)}<br><span class=\"asd-quiet\">{escape(str(first['authors']))}</span>")
        data = Html(f'<span class="asd-wrap">{badge("official", str(first["data"])).text}</span>')  # some are long
        lines = [data, *said, Html(f'<span class="asd-quiet">{escape(where)}</span>')]
        return [paper, Html("<br>".join(one.text for one in lines)), *self._ours()]

    def _ours(self) -> list[Any]:
        if not self.records:
            return [NOT_RUN, self.verdicts()]
        row = results.from_records(self.records)
        official = self.records[0].record.metrics["official"]["score"]["name"]
        seconds = [stored.record.cost.get("wall_seconds") or 0.0 for stored in self.records]
        cost = Html(f'<span class="asd-quiet">{seconds_text(sum(seconds) / len(seconds))} a run</span>')
        ours = stacked([row.data, join(f"{official}:", row.cells["all", official]), cost])
        return [ours, self.verdicts()]

    def verdicts(self) -> Html:
        """How many of the paper's claims stand at which verdict."""
        counts = Counter(one.name for one in claims.decide(self.key))
        words = "<br>".join(f"{count} × {escape(name)}" for name, count in counts.most_common())
        return Html(f'<span class="asd-words">{words}</span>')


def shelf() -> list[Entry]:
    """The five papers in the order of the printed table."""
    headline = papers.table("headline")
    return [Entry(str(key), rows, _default(str(key))) for key, rows in headline.groupby("paper", sort=False)]


def _default(system: str) -> list[Stored]:
    """Committed records of a paper's own system that stand on one data set and profile: official data first, most
    seeds next; of another variant only while the one that the primary claim is about has none."""
    own = next((claim.systems[0] for claim in papers.all_claims(system) if claim.primary), "")
    groups: dict[tuple[str, ...], list[Stored]] = {}
    for stored in results.committed(system=system):
        record = stored.record
        if not record.data.premise_off and not record.overrides:
            groups.setdefault((record.label, record.data.kind, record.data.name, record.profile), []).append(stored)
    ranked = sorted(groups.items(), key=lambda item: (item[0][0] == own, item[0][1] == "official", len(item[1])),
                    reverse=True)
    return results.for_tables(ranked[0][1]) if ranked else []


def tested_on_official_data() -> int:
    """How many claims of the five papers were tested on official data."""
    return sum(claims.on_official_data(claims.decide(paper)) for paper in papers.PAPERS)


def table(entries: Sequence[Entry], **options: Any) -> Table:
    """One row a paper."""
    columns = ["paper", "reported (%)", "ours (%), its cost", "verdicts"]
    return Table(columns, [entry.row() for entry in entries], **options)
