"""`asdbook score`: new recordings by a trained run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asdbook.cli import say
from asdbook.cli.show import grid
from asdbook.errors import BadInput


def score(
    run: Annotated[str, typer.Argument(help="a run's folder, or an unambiguous part of its name")],
    files: Annotated[list[Path], typer.Argument(help="wav files to score; a folder stands for those in it")],
    machine: Annotated[
        str | None, typer.Option(help="machine of the files (when the run knows several)")
    ] = None,
    unit: Annotated[str | None, typer.Option("--id", help="machine ID or section of the files")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
) -> None:
    """Score new recordings with a trained run.

    Prints score, decision, and how unusual each is among training clips that the model had not seen.
    """
    from asdbook.experiment.scoring import score_files

    results = score_files(run, _wavs(files), machine=machine, unit=unit, progress=say)
    if as_json:
        typer.echo(json.dumps(results, indent=1))
        return
    treated = any(r["treatment"] for r in results)
    rows = [["file", "machine", "score", "threshold", "decision", "how unusual", *["treatment"] * treated]]
    for r in results:
        rows.append(
            [r["file"], r["group"], f"{r['score']:.4g}", f"{r['threshold']:.4g}", r["decision"], r["unusual"]]
            + [r["treatment"]] * treated
        )
    grid(rows)


def _wavs(files: list[Path]) -> list[Path]:
    """The files, with the wav files that lie directly in a folder in its place."""
    found: list[Path] = []
    for file in files:
        inside = sorted(p for p in file.iterdir() if p.suffix.lower() == ".wav") if file.is_dir() else [file]
        if not inside:
            raise BadInput(f"{file}: no .wav file in this folder: name the files, or the folder that they lie in")
        found += inside
    return found


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(score)
