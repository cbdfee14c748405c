"""`ClipTable`: one row a clip, what is known of it, and <NA> for what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asdbook.errors import BadInput, UnknownName

TEXT_COLUMNS = (
    "path",
    "machine",
    "section",
    "id",
    "domain",
    "split",
    "label",
    "attributes",
    "recording",
)
COLUMNS = (*TEXT_COLUMNS, "seconds")


class ClipTable:
    """Immutable table of clips; row i is clip i of the wave store that was made from it.

    Columns: `path` (posix, relative to `root`), `machine`, `section`, `id`, `domain`, `split` ("train" or
    "test"), `label` ("normal" or "anomaly"), `attributes` (raw string), `recording` (clips cut from one
    recording share it), `seconds`. All but `seconds` are pandas strings; missing knowledge is <NA>.

    Attributes:
        root: folder that the paths start from, or None for sets that were never files.
        year: the year whose rules apply, or None for recordings of one's own.
        notes: what the reader of a record should know: layout, skipped files, mismatches.
    """

    __slots__ = ("_frame", "notes", "root", "year")

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        root: Path | None = None,
        year: int | None = None,
        notes: Mapping[str, Any] | None = None,
    ):
        missing = [column for column in COLUMNS if column not in frame.columns]
        if missing:
            wanted = ", ".join(COLUMNS)
            raise BadInput(f"clip table lacks the columns {', '.join(missing)}: expected {wanted}")
        types: dict[str, str] = {**dict.fromkeys(TEXT_COLUMNS, "string"), "seconds": "Float64"}
        self._frame = frame.loc[:, list(COLUMNS)].astype(types).reset_index(drop=True)
        self.root, self.year, self.notes = root, year, dict(notes or {})

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the data frame."""
        return self._frame.copy()

    def __len__(self) -> int:
        return len(self._frame)

    def __repr__(self) -> str:
        return f"ClipTable({len(self)} clips, year {self.year}, machines {', '.join(self.machines)})"

    @property
    def machines(self) -> tuple[str, ...]:
        """Machine types, sorted."""
        return tuple(sorted(self._frame["machine"].dropna().unique()))

    def where(self, **column: object) -> np.ndarray:
        """Positions of the rows with these values (a list means any of them, None means <NA>)."""
        keep = np.ones(len(self), dtype=bool)
        for name, value in column.items():
            if name not in COLUMNS:
                raise UnknownName("column", name, COLUMNS)
            values = self._frame[name]
            if value is None:
                keep &= values.isna().to_numpy()
            else:
                wanted = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
                keep &= values.isin(wanted).fillna(False).to_numpy(dtype=bool)
        return np.flatnonzero(keep)

    def select(self, **column: object) -> ClipTable:
        """The rows with these values, as a table: `table.select(machine="fan", split="test")`."""
        return self.take(self.where(**column))

    def take(self, positions: Iterable[int] | np.ndarray) -> ClipTable:
        """The rows at these positions, in this order."""
        rows = self._frame.iloc[np.asarray(list(positions), dtype=np.int64)]
        return ClipTable(rows, root=self.root, year=self.year, notes=self.notes)

    def column(self, name: str) -> np.ndarray:
        """A column as a NumPy object array; None where unknown."""
        if name not in COLUMNS:
            raise UnknownName("column", name, COLUMNS)
        values = self._frame[name]
        return np.array([None if pd.isna(value) else value for value in values], dtype=object)

    def write_csv(self, path: Path) -> None:
        """Writes the table; missing knowledge is an empty field."""
        self._frame.to_csv(path, index=False, lineterminator="\n")

    @staticmethod
    def read_csv(
        path: Path,
        *,
        root: Path | None = None,
        year: int | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> ClipTable:
        """Reads what `write_csv` wrote."""
        # Only the empty field is missing: an attribute may be called "None" or "NA".
        frame = pd.read_csv(path, dtype="string", keep_default_na=False, na_values=[""])
        return ClipTable(frame, root=root, year=year, notes=notes)
