"""What the status page shows: how each chapter was made, which are stale, and which records are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML

from asdbook.experiment.records import files as record_files
from asdbook.publish.digest import PACKAGE, changed, chapter_digest
from asdbook.publish.manifest import load_manifest
from asdbook.publish.pages import STATUS, Book

NOTHING = "–"


def chapters(book: Book) -> pd.DataFrame:
    """One row a chapter: when, how, how long, on which device, and whether its inputs changed since."""
    manifest = load_manifest(book)
    rows = []
    for page in book.chapters:
        if page.stem == STATUS:
            continue
        entry = manifest.chapters.get(page.stem)
        if entry is None:
            rows.append({"chapter": page.stem, "state": "never executed"})
            continue
        differs = changed(entry.digest, chapter_digest(book, page))
        rows.append({
            "chapter": page.stem,
            "state": f"stale: {', '.join(differs)} changed" if differs else "up to date",
            "executed (UTC)": entry.executed.replace("T", " ").removesuffix("+00:00"),
            "seconds": f"{entry.seconds:.0f}",
            "parameters": ", ".join(f"{k}={_told(v)}" for k, v in entry.parameters.items()) or "the chapter's own",
            "device": entry.device,
        })
    return _table(rows, ["chapter", "state", "executed (UTC)", "seconds", "parameters", "device"])


def _told(value: Any) -> Any:
    """A parameter as a page may show it: a folder by its name alone."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def versions(book: Book) -> pd.DataFrame:
    """One row a package: the version that each chapter ran with, in one cell where all agree."""
    manifest = load_manifest(book)
    entries = {stem: entry for stem, entry in sorted(manifest.chapters.items())}
    names = sorted({name for entry in entries.values() for name in entry.versions})
    rows = []
    for name in names:
        used = {stem: entry.versions.get(name, NOTHING) for stem, entry in entries.items()}
        same = len(set(used.values())) == 1
        text = next(iter(used.values())) if same else ", ".join(f"{v} ({s})" for s, v in used.items())
        rows.append({"package": name, "version": text})
    return _table(rows, ["package", "version"])


def records(book: Book) -> pd.DataFrame:
    """One row a committed record: what it is, when and where it was made, and whether it is stale.

    A record is stale when the version of its system or of the simulator was raised after it was made.
    """
    rows = []
    for path in record_files(book.root / "book" / "results"):
        record = json.loads(path.read_text(encoding="utf-8"))
        data = record["data"]
        rows.append({
            "record": path.parent.relative_to(book.root / "book" / "results").as_posix(),
            "state": _record_state(record),
            "made (UTC)": str(record["started"])[:16].replace("T", " "),
            "minutes": f"{record['cost']['wall_seconds'] / 60:.1f}",
            "clips": str(data["train_clips"] + data["test_clips"]),
            "device": record["device"]["name"],
            "commit": record["commit"],
        })
    return _table(rows, ["record", "state", "made (UTC)", "minutes", "clips", "device", "commit"])


def show(table: pd.DataFrame) -> HTML:
    """The table for a page; text from records is escaped."""
    if table.empty:
        return HTML("<p>None yet.</p>")
    return HTML(table.to_html(index=False, border=0, escape=True, justify="left"))


def _record_state(record: dict[str, Any]) -> str:
    now = version_of(record["system"])
    if now != record["system_version"]:
        return f"stale: system version {record['system_version']}, now {now}"
    simulator = record["data"].get("simulator_version")
    if simulator is not None and simulator != simulator_version():
        return f"stale: simulator version {simulator}, now {simulator_version()}"
    return "up to date"


def version_of(system: str) -> int | None:
    """The version that a system's source states; None without such a system (no import: torch is slow)."""
    for file in [PACKAGE / "systems" / f"{system}.py", *(PACKAGE / "systems" / system).glob("*.py")]:
        if file.is_file() and (number := _first(r"^ +version\b[^=\n]*=\s*(\d+)", file)) is not None:
            return number
    return None


def simulator_version() -> int | None:
    """The version that the simulator's source states."""
    files = sorted((PACKAGE / "simulate").glob("*.py"))
    numbers = [n for file in files if (n := _first(r"^VERSION\b[^=\n]*=\s*(\d+)", file)) is not None]
    return numbers[0] if numbers else None


def _first(pattern: str, file: Path) -> int | None:
    match = re.search(pattern, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return int(match.group(1)) if match else None


def _table(rows: list[dict[str, str]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).fillna(NOTHING)
