"""Tables for pages: header cells, units, escaped names, badges of data and profile, values with intervals.

A table is shown as a MyST list table whose cells are raw HTML: it gets a number and an anchor, and names from
folders and attributes are data, never markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pandas as pd

from asdbook.errors import BadInput
from asdbook.report.show import FENCE, bundle, plain, whole

MISSING = "–"


@dataclass(frozen=True)
class Html:
    """Markup made here, which is not escaped again."""

    text: str


@dataclass(frozen=True)
class Value:
    """A number with what is known of its uncertainty.

    Attributes:
        value: in the table's unit; None when there is none.
        low, high: ends of a 95 % interval, or None.
        digits: decimals shown.
        text: the number as its paper prints it, shown instead of a rounded one.
        reason: why there is no number ("not run", "one class only").
        computed: an average that its source does not print: we computed it from the printed cells.
        errata: ids of errata that the number stands on, linked to their place.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    digits: int = 1
    text: str = ""
    reason: str = ""
    computed: bool = False
    errata: tuple[str, ...] = ()

    def html(self) -> str:
        """The number, its interval in smaller letters, and what a reader has to know of it."""
        return self._number() + "".join(f" {erratum(name).text}" for name in self.errata)

    def _number(self) -> str:
        if self.value is None or math.isnan(self.value):
            return f'<span class="asd-none">{escape(self.reason or MISSING)}</span>'
        shown = escape(self.text) or self._rounded(self.value)
        if self.low is None or self.high is None:
            note = ' <span class="asd-interval">computed</span>' if self.computed else ""
            return f'<span class="asd-value">{shown}</span>{note}'
        interval = f"{self._rounded(self.low)} to {self._rounded(self.high)}"
        return f'<span class="asd-value">{shown}</span> <span class="asd-interval">{interval}</span>'

    def _rounded(self, number: float) -> str:
        return f"{round(number, self.digits) + 0.0:.{self.digits}f}"  # no "-0.0"


BADGES = {"synthetic": "built-in machines", "official": "official data", "real": "real recordings"}


def badge(kind: str, *words: str) -> Html:
    """A badge that names the data a number comes from.

    Args:
        kind: "synthetic", "official", "real", or "plain" for a neutral one.
        *words: what else it says (data set, profile); without any, the kind in words.
    """
    text = " · ".join(words) or BADGES.get(kind, kind)
    known = kind if kind in BADGES else "plain"
    return Html(f'<span class="asd-badge asd-badge-{known}">{escape(text)}</span>')


def join(*parts: Any) -> Html:
    """Cells' contents one after the other."""
    return Html(" ".join(markup(part) for part in parts))


def markup(content: Any) -> str:
    """A cell's content as HTML: text is escaped, numbers and missing values are formatted."""
    if isinstance(content, Html):
        return content.text
    if isinstance(content, Value):
        return content.html()
    if content is None or content is pd.NA or (isinstance(content, float) and math.isnan(content)):
        return f'<span class="asd-none">{MISSING}</span>'
    if isinstance(content, bool):
        return "yes" if content else "no"
    if isinstance(content, float):
        return escape(f"{content:.4g}")
    return escape(str(content))


def code(text: str) -> Html:
    """A name as it is typed; it may break after a colon."""
    return Html(f"<code>{escape(text).replace(':', ':<wbr>')}</code>")


def erratum(name: str) -> Html:
    """A link to an erratum's place on the page of errata."""
    label = escape(name)
    return Html(f'<a class="asd-flag" href="errata.html#{label}">{label}</a>')


def stacked(parts: Iterable[Html]) -> Html:
    """Cells' contents below each other."""
    return Html("".join(f'<span class="asd-line">{part.text}</span>' for part in parts))


def link(text: str, address: str) -> Html:
    """A link to another page; the address is ours, the text is escaped."""
    return Html(f'<a href="{escape(address)}">{escape(text)}</a>')


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        columns: header cells, with units.
        rows: cells by row; the first cell of a row is its header.
        caption: the finding, in MyST.
        name: anchor for {numref}, for example "tab-results"; a table without one has no number.
        notes: lines below the table, in MyST.
    """

    columns: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    name: str = ""
    notes: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise BadInput(f"table {self.name or self.caption!r}: a row of {len(row)} cells, "
                               f"{len(self.columns)} columns: fill missing cells with None")

    @property
    def shown(self) -> Sequence[Sequence[Any]]:
        """The rows; a table without any says so in one row."""
        return self.rows or [["none", *[None] * (len(self.columns) - 1)]]

    def markdown(self) -> str:
        """A MyST list table with raw cells; the theme lets a wide one scroll."""
        options = [":header-rows: 1", ":stub-columns: 1", ":class: asd-table", ":align: left"]
        if self.name:
            options.append(f":name: {self.name}")
        head = f"{FENCE}{{list-table}} {whole(' '.join(self.caption.split()))}\n" + "\n".join(options)
        lines = [_item(row) for row in (self.columns, *self.shown)]
        notes = "".join(f"\n{{.asd-note}}\n{note}\n" for note in self.notes)
        return f"{head}\n\n" + "".join(lines) + f"{FENCE}\n{notes}"

    def html(self) -> str:
        """A table element inside a scrolling frame."""
        head = "".join(f'<th scope="col">{_line(c)}</th>' for c in self.columns)
        body = "".join(
            f'<tr><th scope="row">{_line(row[0])}</th>' + "".join(f"<td>{_line(c)}</td>" for c in row[1:]) + "</tr>"
            for row in self.shown
        )
        caption = f"<caption>{escape(plain(self.caption))}</caption>" if self.caption else ""
        notes = "".join(f"<p>{escape(plain(note))}</p>" for note in self.notes)
        return (f'<div class="asd-scroll" style="overflow-x:auto" tabindex="0"><table class="asd-table">{caption}'
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{notes}")

    def text(self) -> str:
        """How many rows and columns, for a terminal."""
        return f"table of {len(self.rows)} rows and {len(self.columns)} columns: {plain(self.caption)}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.markdown(), self.html, self.text())


def _line(content: Any) -> str:
    return " ".join(markup(content).split())


def _item(row: Iterable[Any]) -> str:
    """One row of a list table: each cell a raw HTML block on one line."""
    cells = [f'<div class="asd-cell">{_line(cell)}</div>' for cell in row]
    return "* - " + "\n  - ".join(cells) + "\n"


def pairs(values: Mapping[str, Any], *, columns: tuple[str, str] = ("what", "value"), **options: Any) -> Table:
    """A table of names and values."""
    return Table(columns, [[name, value] for name, value in values.items()], **options)


def from_frame(frame: pd.DataFrame, *, digits: int = 1, **options: Any) -> Table:
    """A table of a data frame; its index is left out, floats get `digits` decimals."""
    rows = [[Value(c, digits=digits) if isinstance(c, float) else c for c in row] for row in frame.to_numpy(object)]
    return Table([str(c) for c in frame.columns], rows, **options)


def bullets(lines: Sequence[str], empty: str = "none") -> Table:
    """A numbered list of sentences (deviations, what a system knows), as a table with one column of text."""
    return Table(("no.", "what"), [[str(k), line] for k, line in enumerate(lines, 1)] or [[MISSING, empty]])
