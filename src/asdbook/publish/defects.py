"""What a defect is, and the patterns that the checks of notebooks and of built pages share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from asdbook.errors import RunFailed

ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/$~<\"'=-])(?:/(?:home|root|Users|tmp|var|work|opt|usr|mnt|srv|data|content|private)/[\w.+-]+"
    r"|[A-Z]:\\[\w.+-]+)"
    r"|(?<=[\"'=])/(?:home|root|Users|tmp|var|mnt|srv|private)/[\w.+-]+"
)
TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
PROGRESS_BAR = re.compile(r"\d+%\|[█▏▎▍▌▋▊▉ #-]|\b\d+/\d+ \[\d+:\d+<|[━╸]{8,}")
WARNING = re.compile(r"\b\w*Warning: ")
ADDRESS = re.compile(r"<[\w.]+ (?:object )?at 0x[0-9a-f]+>")
FIGURE_SIZE = re.compile(r"^<?(?:Figure size|Figure|image|plot)\b[^.]{0,40}$", re.IGNORECASE)

TEXT_DEFECTS = (
    (TRACEBACK, "a traceback"),
    (PROGRESS_BAR, "a progress bar"),
    (WARNING, "a warning"),
    (ADDRESS, "the memory address of an object"),
    (ABSOLUTE_PATH, "an absolute path"),
)


@dataclass(frozen=True)
class Defect:
    """One thing that must not stand on a published page: where, and what with the remedy."""

    page: str
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.page}: {self.place}: {self.what}"


class CheckFailed(RunFailed):
    """The checker found defects; the last good site stays."""

    def __init__(self, defects: list[Defect]):
        first = defects[0]
        more = f" (and {len(defects) - 1} more)" if len(defects) > 1 else ""
        super().__init__(f"{first}{more}")
        self.defects = defects
        self.report = "\n".join(str(defect) for defect in defects)


def text_defects(page: str, place: str, text: str) -> list[Defect]:
    """Defects that show in an output's text."""
    found = []
    for pattern, what in TEXT_DEFECTS:
        if match := pattern.search(text):
            found.append(Defect(page, place, f"{what} in the output: {match.group()[:80]!r}"))
    return found


def poor_alt(alt: str | None) -> bool:
    """Whether an alternative text says nothing: missing, empty, a file name, or "Figure size ..."."""
    text = (alt or "").strip()
    file_name = re.fullmatch(r"\S+\.(?:png|svg|jpe?g|gif)", text)
    return not text or bool(FIGURE_SIZE.match(text)) or bool(file_name)
