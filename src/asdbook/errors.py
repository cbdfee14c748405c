"""Errors that users see: one line that says what, where and the remedy.

The command line prints the message and exits with `exit_code`; a traceback there is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def one_line(text: str) -> str:
    """Text as one printable line: names of files and cells of tables are data, and may hold anything."""
    joined = " ".join(text.splitlines())
    if joined.isprintable():
        return joined
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in joined)


class AsdBookError(Exception):
    """Root of all expected errors. The message is one line: what, where (file, machine, key), remedy."""

    exit_code = 2

    def __init__(self, message: str):
        super().__init__(one_line(message))


class BadInput(AsdBookError):
    """A file, folder, table or name that cannot be used."""


class UnknownName(BadInput):
    """A system, variant, profile, data set or key that does not exist."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]):
        valid = sorted(valid)
        # A number is no misspelling of another one: years and IDs are listed.
        near = [] if name.isdigit() else difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(valid) or '(none)'}"
        super().__init__(f"unknown {kind} {name!r}: {hint}")
        self.kind, self.name, self.valid = kind, name, valid


class RunFailed(AsdBookError):
    """A run that started and could not finish (a NaN loss, a full disk, a locked folder)."""

    exit_code = 3
