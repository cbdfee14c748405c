"""Records: what a run leaves behind, and all that tables and figures may read. No torch here.

A record is a folder of three files, at most 1 MB together:

`record.json`
    configuration, data, seeds, metrics with intervals, loss history, cost, device, versions (`Record`).
`scores.csv.gz`
    one row a test clip and one an out-of-sample training clip (`SCORE_COLUMNS`).
`figures.npz`
    the arrays that figures need, float16 or small.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asdbook.errors import BadInput
from asdbook.paths import plain

SCHEMA = 1
MAX_BYTES = 1_000_000  # DESIGN: a record is at most 1 MB, so that many can be committed
RESTORE = "run again with --fresh, or restore it"
"""What to do with a damaged file of a record."""
SCORE_COLUMNS = ["file", "machine", "unit", "domain", "label", "split", "recording", "score", "decision"]


class DataInfo(BaseModel):
    """Which clips a run saw."""

    model_config = ConfigDict(extra="forbid")
    name: str
    kind: str  # "synthetic", "official" or "real"
    year: int | None  # None: recordings of one's own, read with the rules of 2020
    seed: int | None = None
    profile: str | None = None
    simulator_version: int | None = None
    fingerprint: str
    premise_off: list[str] = Field(default_factory=list)
    machines: list[str]
    restricted: bool = False  # only these machines of the set were asked for
    train_clips: int
    test_clips: int
    seconds: float  # of audio, all clips
    notes: dict[str, Any] = Field(default_factory=dict)


class Record(BaseModel):
    """One run of one system on one data set; field by field what DESIGN.md section 3 asks for."""

    model_config = ConfigDict(extra="forbid")

    schema_: int = Field(SCHEMA, alias="schema")
    system: str
    variant: str
    system_version: int
    title: str
    config: dict[str, Any]
    overrides: dict[str, Any] = Field(default_factory=dict)
    profile: str
    data: DataInfo
    seed: int
    attempt: int = 1
    metrics: dict[str, dict[str, Any]]
    decision: dict[str, Any]
    loss_history: dict[str, list[float]] = Field(default_factory=dict)
    cost: dict[str, Any]
    device: dict[str, Any]
    numeric_mode: dict[str, Any]
    versions: dict[str, str]
    commit: str
    started: str
    notes: list[str] = Field(default_factory=list)  # how this run was computed: fallbacks and the like
    deviations: list[str] = Field(default_factory=list)
    knows: list[str] = Field(default_factory=list)

    @property
    def label(self) -> str:
        """ "system:variant", the name used in tables."""
        return f"{self.system}:{self.variant}"

    @property
    def slug(self) -> str:
        """Folder name under `book/results/<system>/`, safe in any file system."""
        seed = "" if self.data.seed is None else f"-d{self.data.seed}"
        text = f"{self.variant}-{self.data.name}{seed}-s{self.seed}-{self.profile}"
        slug = plain(text, 100)
        mode = {k: self.numeric_mode.get(k) for k in ("device", "precision", "compile")}
        usual = mode == {"device": "cpu", "precision": "float32", "compile": False} or not self.numeric_mode
        changes = [self.overrides, sorted(self.data.premise_off), self.data.machines if self.data.restricted else [],
                   {} if usual else mode]  # fmt: skip
        if not any(changes) and slug == text:
            return slug
        only_set = not any(changes[1:])  # the form that committed records have
        identity = json.dumps([text, self.overrides] if only_set else [text, *changes], sort_keys=True)
        return f"{slug}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


class Stored:
    """A record on disk: the parsed `record`, and its arrays read when asked for."""

    def __init__(self, folder: Path, record: Record):
        self.folder, self.record = folder, record

    def scores(self) -> pd.DataFrame:
        """The scores, with the columns of `SCORE_COLUMNS`."""
        return read_scores(self.folder / "scores.csv.gz")

    def figures(self) -> dict[str, np.ndarray]:
        """The arrays kept for figures; {} where none are.

        Raises:
            BadInput: the file is damaged.
        """
        path = self.folder / "figures.npz"
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
            raise BadInput(f"{path}: not a readable file of figures ({error}): {RESTORE}") from error


def read_scores(path: Path) -> pd.DataFrame:
    """Reads a scores file; text columns stay text ("00" is not 0)."""
    text = ["file", "machine", "unit", "domain", "label", "split", "recording"]
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(text, "string"), float_precision="round_trip")
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: not a readable scores file ({error}): {RESTORE}") from error


def write_scores(path: Path, scores: pd.DataFrame) -> None:
    """Writes a scores file whose bytes depend on the scores alone (gzip time 0, no name)."""
    text = scores[SCORE_COLUMNS].to_csv(index=False, lineterminator="\n")
    with open(path, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as out:
        out.write(text.encode())


def write_figures(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as npz whose bytes depend on the arrays alone (fixed dates in the archive)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue())


def write(folder: Path, record: Record, scores: pd.DataFrame, figures: Mapping[str, np.ndarray]) -> None:
    """Writes the three files into `folder`; `record.json` last, so that its presence means complete."""
    folder.mkdir(parents=True, exist_ok=True)
    write_scores(folder / "scores.csv.gz", scores)
    write_figures(folder / "figures.npz", figures)
    content = record.model_dump(by_alias=True)
    text = json.dumps({**content, "seal": _seal(content)}, indent=1, sort_keys=True, allow_nan=False)
    temporary = folder / ".record.json.part"
    temporary.write_text(text + "\n")
    with open(temporary) as handle:
        os.fsync(handle.fileno())
    temporary.rename(folder / "record.json")


def _seal(content: dict[str, Any]) -> str:
    """Digest of a record's content: a changed digit would be another result."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(folder: str | Path) -> Stored:
    """Opens a record folder; a record of before the seals has none.

    Raises:
        BadInput: no `record.json` there, or one that is damaged or of another schema.
    """
    path = Path(folder) / "record.json"
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no record here: name a folder that `asdbook records` lists") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"{path}: damaged record ({error}): {RESTORE}") from error
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise BadInput(f"{path}: record schema {found}, this version reads {SCHEMA}: run again")
    seal = content.pop("seal", None)
    if seal is not None and seal != _seal(content):
        raise BadInput(f"{path}: damaged record (not what was written): {RESTORE}")
    try:
        return Stored(Path(folder), Record.model_validate(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where}: {first['msg']}: {RESTORE}") from error


def scan(root: str | Path) -> Iterator[Stored]:
    """All records below `root`, sorted by folder."""
    yield from (load(path.parent) for path in files(root))


def files(root: str | Path) -> list[Path]:
    """Every `record.json` below `root`, sorted; hidden folders are those of a promotion on its way."""
    found = sorted(Path(root).rglob("record.json"))
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def find(root: str | Path, **wanted: Any) -> list[Stored]:
    """Records below `root` whose fields equal `wanted` (`data` compares the data set's name).

    Example: `find("book/results", system="autoencoder", variant="mse", data="synthetic-2023")`.
    """

    def value(stored: Stored, key: str) -> Any:
        if key == "data":
            return stored.record.data.name
        if key == "data_seed":
            return stored.record.data.seed
        return getattr(stored.record, key)

    return [s for s in scan(root) if all(value(s, key) == want for key, want in wanted.items())]


def size(folder: Path) -> int:
    """Bytes of a record folder."""
    return sum(path.stat().st_size for path in Path(folder).iterdir() if path.is_file())
