"""What the five papers claim: `claims.toml`, one entry a claim, in our words.

A claim's type says what would decide it:

arithmetic
    follows from printed numbers or not: its checks decide it now.
superiority
    one system scores more than another by over `margin`.
equivalence
    two systems score the same to within `margin`.
best_of
    a system scores more than every rival.
absolute
    a system reaches the printed number to within `margin`.
mechanism
    why it works: `metric` is the number that we let stand for it.

Scores and margins are in percentage points. Checks of the other types say whether the claim fits the paper's
own printed numbers; that is no verdict on the claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.checks import Check, build, checks
from asdbook.papers.errata import entries, erratum, unique
from asdbook.papers.recompute import Expression, evaluate
from asdbook.papers.tables import PAPERS

TYPES = ("arithmetic", "superiority", "equivalence", "best_of", "absolute", "mechanism")
SYSTEMS = ("trivial", "autoencoder", *PAPERS)
DATA = ("printed", "2020 development", "2023 development", "2024 development")
SCORES = ("Omega", "mean AUC", "mean pAUC", "AUC source", "AUC target", "pAUC")
"""Metrics that a record holds; a mechanism names its own number."""
NAME = re.compile(r"(?P<system>[a-z][a-z0-9_]*):[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        id: "ssdm-C1"; the paper and a number.
        paper: one of `tables.PAPERS`.
        text: the claim in our words.
        where: where the paper makes it.
        type: see the top of this module.
        test: what would test it.
        primary: the one claim of its paper that needs no correction for the number of claims.
        contrasts: pairs (system:variant, system:variant) whose difference decides; `absolute` has one system.
        metric: a score of a record, or for a mechanism any number.
        data: the data that it speaks of; "printed" for arithmetic.
        machines: if it speaks of some machines only.
        margin: percentage points.
        reported: for `absolute`: how the printed number is found.
        not_built: rivals that this project does not build.
        untestable: why no run can test it; empty for the others.
        errata: ids of errata that bear on it.
        checks: recomputations from printed numbers.
    """

    id: str
    paper: str
    text: str
    where: str
    type: str
    test: str
    primary: bool = False
    contrasts: tuple[tuple[str, ...], ...] = ()
    metric: str = ""
    data: str = "printed"
    machines: tuple[str, ...] = ()
    margin: float = 0.0
    reported: Expression = ""
    not_built: tuple[str, ...] = ()
    untestable: str = ""
    errata: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        for key, value, valid in (("paper", self.paper, PAPERS), ("type", self.type, TYPES), ("data", self.data, DATA)):
            if value not in valid:
                raise UnknownName(f"{key} of claim {self.id}", value, valid)
        if not re.fullmatch(rf"{self.paper}-C[1-9]\d*", self.id):
            raise self._bad(f"its id must be {self.paper}-C and a number")
        for name in self.systems:
            found = NAME.fullmatch(name)
            if found is None:
                raise self._bad(f"system {name!r} must be written system:variant")
            if found["system"] not in SYSTEMS:
                raise UnknownName(f"system of claim {self.id}", found["system"], SYSTEMS)
        for name in self.errata:
            erratum(name)
        self._check_type()

    @property
    def systems(self) -> list[str]:
        """All systems of its contrasts, each once."""
        return list(dict.fromkeys(name for contrast in self.contrasts for name in contrast))

    @property
    def year(self) -> int | None:
        """The challenge's year whose data it speaks of."""
        return None if self.data == "printed" else int(self.data[:4])

    def _check_type(self) -> None:
        """Each type has what decides it, and nothing that does not belong to it."""
        if self.type == "arithmetic":
            if not self.checks or self.contrasts or self.data != "printed" or self.primary:
                raise self._bad("arithmetic has checks on printed data, no contrast, and is not primary")
            return
        if self.untestable:
            if self.contrasts or self.primary or self.type != "mechanism":
                raise self._bad("what no run can test is a mechanism without contrast, and not primary")
            return
        if self.data == "printed" or not self.metric:
            raise self._bad("name the data and the metric that would decide it")
        if self.type != "mechanism" and self.metric not in SCORES:
            raise UnknownName(f"metric of claim {self.id}", self.metric, SCORES)
        wanted = {"superiority": 1, "equivalence": 1, "absolute": 1}.get(self.type)
        if wanted is not None and len(self.contrasts) != wanted:
            raise self._bad(f"{self.type} takes one contrast, here are {len(self.contrasts)}: use best_of for more")
        if self.type == "best_of" and not self.contrasts:
            raise self._bad("best_of needs at least one rival")
        sides = 1 if self.type == "absolute" else 2
        if any(len(set(contrast)) != sides or len(contrast) != sides for contrast in self.contrasts):
            raise self._bad(f"a contrast of {self.type} names {sides} different system(s)")
        if self.margin < 0 or (self.type in ("equivalence", "absolute") and self.margin == 0):
            raise self._bad("equivalence and absolute need a margin above 0, others one of at least 0")
        if (self.type == "absolute") != bool(self.reported):
            raise self._bad("absolute says how the printed number is found (reported), others do not")
        if self.reported:
            evaluate(self.reported)

    def _bad(self, what: str) -> BadInput:
        return BadInput(f"claim {self.id}: {what}")


def all_claims(paper: str | None = None, type: str | None = None) -> tuple[Claim, ...]:
    """The claims in the file's order; of one paper or type where named.

    Raises:
        BadInput: the file is not as it must be, or a paper has not exactly one primary claim.
        UnknownName: an unknown key, paper, type, system or name.
    """
    if paper is not None and paper not in PAPERS:
        raise UnknownName("paper", paper, PAPERS)
    if type is not None and type not in TYPES:
        raise UnknownName("type of claim", type, TYPES)
    return tuple(c for c in _read() if paper in (None, c.paper) and type in (None, c.type))


def claim(name: str) -> Claim:
    """One claim by its id.

    Raises:
        UnknownName: no such id.
    """
    by_id = {c.id: c for c in _read()}
    if name not in by_id:
        raise UnknownName("claim", name, by_id)
    return by_id[name]


def parse_claims(text: str) -> tuple[Claim, ...]:
    """The claims of a TOML text; see `all_claims`."""
    found = tuple(_entries(entries(text, "claim")))
    unique([c.id for c in found], "claim")
    for paper in {c.paper for c in found}:
        primary = [c.id for c in found if c.paper == paper and c.primary]
        if len(primary) != 1:
            raise BadInput(f"claims of {paper}: {len(primary)} primary ({', '.join(primary)}): mark exactly one")
    return found


@cache
def _read() -> tuple[Claim, ...]:
    return parse_claims(resources.files(__package__).joinpath("claims.toml").read_text(encoding="utf-8"))


def _entries(found: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    for number, entry in enumerate(found, 1):
        where = f"claim {entry.get('id', f'number {number}')}"
        content: dict[str, Any] = {**entry, "checks": checks(entry.get("checks"), where)}
        for key in ("machines", "not_built", "errata"):
            content[key] = tuple(entry.get(key, ()))
        content["contrasts"] = tuple(tuple(pair) for pair in entry.get("contrasts", ()))
        yield build(Claim, content, where)
