"""Checks: a recomputed number beside what the paper prints or says, and what comes of it.

A check compares a recomputed number in one of three ways:

printed
    with a number on the page: it "agrees" if some number that rounds to the printed one is among those that the
    cells allow; it is "cut off" if that takes digits that were cut off instead of rounded, in all cells or in
    the printed number; else it "differs".
relation
    with a bound, for sentences ("highest of all"): it "holds" if all numbers that the cells allow are above
    (or below) the bound, "fails" if none is, else the cells leave it "open".
neither
    it is "shown" beside the others and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.cells import TOUCH, Span, find, span
from asdbook.papers.recompute import Expression, checked, evaluate

RELATIONS = (">", "<")
LEVELS = ("printed", "cells", "reading")
AGREES = ("agrees", "cut off", "holds")
DISAGREES = ("differs", "fails")
T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """A recomputation, and what it is compared with.

    Attributes:
        what: the number, in words.
        of: how it follows from printed cells; see `recompute`.
        printed: the number on the page: its characters, or the address of its cell. Empty: none.
        relation, bound: ">" or "<" a number, for a sentence. Empty: none.
        places: decimals of the printed number that carry information, if fewer than printed.
        approximate: the page says "approximately", so the nearest number is meant and digits cut off do not excuse.
        level: "cells" if it starts from a table's single cells, "printed" if from printed aggregates, "reading"
            if it is one of several readings of an unclear sentence.
        shows: for an erratum: "error" if this check proves it, "cause" if it shows where it comes from,
            "fact" otherwise.
    """

    what: str
    of: Expression
    printed: str = ""
    relation: str = ""
    bound: float = 0.0
    places: int | None = None
    approximate: bool = False
    level: str = "cells"
    shows: str = "fact"

    def __post_init__(self) -> None:
        where = f"check {self.what!r}"
        if not isinstance(self.of, str):
            checked(self.of)
        if self.printed and self.relation:
            raise BadInput(f"{where}: a printed number and a relation: give one")
        for key, valid in (("relation", ("", *RELATIONS)), ("level", LEVELS), ("shows", ("error", "cause", "fact"))):
            if getattr(self, key) not in valid:
                raise UnknownName(f"{key} of {where}", getattr(self, key), valid)

    @cached_property
    def outcome(self) -> Outcome:
        """The check, worked out."""
        strict = evaluate(self.of)
        if self.relation:
            return Outcome(self, strict.text, strict.span, None, self._relation(strict.span))
        if not self.printed:
            return Outcome(self, strict.text, strict.span, None, "shown")
        characters = find(self.printed) if " / " in self.printed else self.printed
        finding = self._beside(characters, strict.span)
        return Outcome(self, strict.text, strict.span, characters, finding)

    def _beside(self, characters: str, rounded: Span) -> str:
        page = [span(characters, places=self.places, cut=cut) for cut in (False, True)]
        if page[0].overlaps(rounded):
            return "agrees"
        cells = [rounded, evaluate(self.of, cut=True).span]
        excused = not self.approximate and any(one.overlaps(other) for one in page for other in cells)
        return "cut off" if excused else "differs"

    def _relation(self, found: Span) -> str:
        sign = 1.0 if self.relation == ">" else -1.0
        low, high = sorted((sign * (found.low - self.bound), sign * (found.high - self.bound)))
        if low > -TOUCH and high > TOUCH:
            return "holds"
        return "fails" if high < TOUCH else "open"


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
        check: the check.
        calculation: with its numbers.
        span: the recomputed number and its interval.
        printed: characters on the page, or None.
        finding: "agrees", "cut off", "differs", "holds", "fails", "open" or "shown".
    """

    check: Check
    calculation: str
    span: Span
    printed: str | None
    finding: str

    def sentence(self) -> str:
        """What is recomputed, its value with interval, and the finding."""
        head = f"{self.check.what}: {self.span.text()}"
        if self.printed is not None:
            word = "cut off after the last digit" if self.finding == "cut off" else self.finding
            return f"{head}; printed {self.printed}: {word}"
        if self.check.relation:
            return f"{head}; {self.check.relation} {self.check.bound:g}: {self.finding}"
        return head


def build(cls: type[T], content: Mapping[str, Any], where: str) -> T:
    """A data class from a table of a TOML file; unknown and missing keys are refused.

    Args:
        cls: a data class.
        content: its fields by name.
        where: which entry, for messages.

    Raises:
        UnknownName: a key that the class does not have.
        BadInput: a missing key, or one of another type.
    """
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key, value in content.items():
        if key not in known:
            raise UnknownName(f"key of {where}", key, known)
        if known[key].type == "str" and not isinstance(value, str):
            raise BadInput(f"{where}: {key} = {value!r}: write text in quotes")
    try:
        return cls(**content)
    except TypeError as error:
        raise BadInput(f"{where}: {str(error).removeprefix(f'{cls.__name__}.__init__() ')}: fill it in") from error


def checks(content: Any, where: str) -> tuple[Check, ...]:
    """The checks of an entry."""
    return tuple(build(Check, one, f"check {k} of {where}") for k, one in enumerate(content or (), 1))
