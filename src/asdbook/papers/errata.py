"""Errors in the five papers, each with its proof: `errata.toml`.

Kinds:

number
    a printed number that the printed cells it comes from do not allow, however they were rounded.
statement
    a sentence that the paper's own printed numbers contradict.
conflict
    a printed number that another source (another paper, the official results) contradicts.
text
    notation, wording, equation or citation: the reasoning stands in the entry; a check only shows numbers.
note
    no error: something that looks like one, or that a reader has to know beside the numbers.

A number, statement or conflict has at least one check that shows the error; tests work every check out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.checks import AGREES, DISAGREES, Check, build, checks
from asdbook.papers.tables import PAPERS, table

KINDS = ("number", "statement", "conflict", "text", "note")
PROVEN = ("number", "statement", "conflict")
CELL_KEYS = ("table", "row", "machine", "quantity")


@dataclass(frozen=True)
class Erratum:
    """One error, or one thing to know.

    Attributes:
        id: "ssdm-E1"; the paper and a number.
        paper: one of `tables.PAPERS`.
        kind: see the top of this module.
        where: table, section, equation or cell.
        printed: what stands there.
        explanation: what is wrong, and where it may come from.
        consequence: what it changes for a reader.
        should_be: what ought to stand there, where we know.
        affects: cells of our tables that carry this id; a key that is left out means all.
        checks: recomputations.
    """

    id: str
    paper: str
    kind: str
    where: str
    printed: str
    explanation: str
    consequence: str
    should_be: str = ""
    affects: tuple[Mapping[str, str], ...] = ()
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        if self.paper not in PAPERS:
            raise UnknownName(f"paper of erratum {self.id}", self.paper, PAPERS)
        if not re.fullmatch(rf"{self.paper}-E[1-9]\d*", self.id):
            raise BadInput(f"erratum {self.id!r}: its id must be {self.paper}-E and a number")
        if self.kind not in KINDS:
            raise UnknownName(f"kind of erratum {self.id}", self.kind, KINDS)
        proofs = [check for check in self.checks if check.shows == "error"]
        if self.kind in PROVEN and not proofs:
            raise BadInput(f"erratum {self.id}: a {self.kind} needs a check that shows the error")
        if self.kind not in PROVEN and proofs:
            raise BadInput(f"erratum {self.id}: a {self.kind} shows no error: call it number or statement")
        for cell in self.affects:
            for key in cell:
                if key not in CELL_KEYS:
                    raise UnknownName(f"key of a cell of erratum {self.id}", key, CELL_KEYS)

    @property
    def proven(self) -> bool:
        """Whether every check that shows the error does, and every cause that is named explains it."""
        needed = [check for check in self.checks if check.shows != "fact"]
        errors = all(c.outcome.finding in DISAGREES for c in needed if c.shows == "error")
        return bool(needed) and errors and all(c.outcome.finding in AGREES for c in needed if c.shows == "cause")

    def cells(self) -> pd.DataFrame:
        """The cells that `affects` names: table, row, machine, quantity."""
        found = [_cells(self.id, cell) for cell in self.affects]
        return pd.concat(found) if found else pd.DataFrame(columns=list(CELL_KEYS))


def all_errata(paper: str | None = None, kind: str | None = None) -> tuple[Erratum, ...]:
    """The errata in the file's order; of one paper or kind where named.

    Raises:
        BadInput: the file is not as it must be.
        UnknownName: an unknown key, paper, kind, recipe or name.
    """
    if paper is not None and paper not in PAPERS:
        raise UnknownName("paper", paper, PAPERS)
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind of erratum", kind, KINDS)
    return tuple(e for e in _read() if paper in (None, e.paper) and kind in (None, e.kind))


def erratum(name: str) -> Erratum:
    """One erratum by its id.

    Raises:
        UnknownName: no such id.
    """
    by_id = {e.id: e for e in _read()}
    if name not in by_id:
        raise UnknownName("erratum", name, by_id)
    return by_id[name]


def parse_errata(text: str) -> tuple[Erratum, ...]:
    """The errata of a TOML text; see `all_errata`."""
    found = tuple(_entries(entries(text, "erratum")))
    unique([e.id for e in found], "erratum")
    return found


@cache
def _read() -> tuple[Erratum, ...]:
    return parse_errata(resources.files(__package__).joinpath("errata.toml").read_text(encoding="utf-8"))


def _entries(found: Sequence[Mapping[str, Any]]) -> Iterator[Erratum]:
    for number, entry in enumerate(found, 1):
        where = f"erratum {entry.get('id', f'number {number}')}"
        content = {**entry, "checks": checks(entry.get("checks"), where), "affects": tuple(entry.get("affects", ()))}
        yield build(Erratum, content, where)


def entries(text: str, name: str) -> list[Mapping[str, Any]]:
    """The array of tables of that name, and nothing else beside it.

    Raises:
        BadInput: no TOML.
        UnknownName: another name beside it.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name} file: {error}: mend the line") from error
    for key in content:
        if key != name:
            raise UnknownName(f"table of the {name} file", key, [name])
    return list(content.get(name, []))


def unique(ids: Sequence[str], what: str) -> None:
    """Refuses an id that occurs twice."""
    for name in ids:
        if ids.count(name) > 1:
            raise BadInput(f"{what} {name} stands twice: number the second one anew")


def _cells(name: str, wanted: Mapping[str, str]) -> pd.DataFrame:
    if "table" not in wanted:
        raise BadInput(f"erratum {name}: a cell that it affects names no table: add it")
    frame = table(wanted["table"])
    for key in CELL_KEYS[1:]:
        if key in wanted:
            if wanted[key] not in set(frame[key]):
                raise UnknownName(f"{key} of {wanted['table']} in erratum {name}", wanted[key], frame[key].unique())
            frame = frame[frame[key] == wanted[key]]
    return frame.assign(table=wanted["table"])[list(CELL_KEYS)]
