"""`asdbook score`: new recordings by a trained run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

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
    maps: Annotated[
        Path | None, typer.Option(help="folder for anomaly maps: where each file sounds wrong, as npz and png")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
) -> None:
    """Score new recordings with a trained run.

    Prints score, decision, and how unusual each is among training clips that the model had not seen.
    With --maps it also writes an anomaly map of each file, if the run's system makes them.
    """
    from asdbook.experiment.scoring import map_grid, score_files

    if maps is not None:
        from asdbook.report import anomaly_maps

        map_grid(run)  # an error before the folder is made
        anomaly_maps.check_folder(maps)
    results = score_files(run, _wavs(files), machine=machine, unit=unit, maps=maps is not None, progress=say)
    if maps is not None:
        for row in results:
            row["map"] = _write_map(maps, row)
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
    if maps is not None:
        typer.echo(f"maps (npz and png) of {len(results)} file{'s' * (len(results) > 1)}: {maps}")


def _write_map(folder: Path, row: dict[str, Any]) -> str:
    """Writes one file's map, and gives the path of its arrays."""
    from asdbook.paths import file_slug
    from asdbook.report.anomaly_maps import AnomalyMap, write

    file, found = Path(row["file"]), row["map"]
    said = f"score {row['score']:.4g}, threshold {row['threshold']:.4g}: {row['decision']}"
    drawn = AnomalyMap(file.name, said, found.values, found.level, found.seconds, found.hertz, row["score"])
    return str(write(folder, file_slug(file), drawn)[0])


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
