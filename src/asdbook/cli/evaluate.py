"""`asdbook evaluate` and `asdbook submission`: official metrics of scores, and scores in the official form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asdbook.cli.show import grid, print_metrics
from asdbook.errors import BadInput


def evaluate(
    path: Annotated[
        Path, typer.Argument(help="scores.csv, a run's folder or part of its name, or a folder of official csv files")
    ],
    truth: Annotated[Path | None, typer.Option(help="truth folder in the evaluator's layout")] = None,
    year: Annotated[int | None, typer.Option(help="year of the rules (2020 to 2025)")] = None,
    by_recording: Annotated[bool, typer.Option(help="score recordings: the mean over clips cut from one")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Official metrics of scores made anywhere.

    Reads a scores file, a run, or a folder of official csv files with their truth.
    """
    from asdbook.experiment.evaluate import evaluate_path

    result = evaluate_path(_scores_at(path), truth=truth, year=year, by_recording=by_recording)
    if as_json:
        typer.echo(json.dumps(result, indent=1))
        return
    for note in result["notes"]:
        typer.echo(f"note: {note}")
    for convention, metrics in result["metrics"].items():
        if len(result["metrics"]) > 1:
            typer.echo(f"convention: {convention}")
        print_metrics(metrics)
    decisions = result.get("decisions") or []
    if decisions:
        keys = list(decisions[0])
        grid([keys, *([_cell(value) for value in row.values()] for row in decisions)])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _scores_at(path: Path) -> Path:
    """The path itself; the run that a part of its name stands for; the one folder of csv files in a submission."""
    from asdbook.experiment.folders import find_run

    if not path.exists() and len(path.parts) == 1 and path.suffix not in (".csv", ".gz"):
        try:
            return find_run(str(path))
        except BadInput as error:
            raise BadInput(f"{error}; or name a scores file or a folder of csv files") from error
    if (path / "teams").is_dir():
        folders = sorted({file.parent for file in (path / "teams").rglob("anomaly_score_*.csv")})
        if len(folders) > 1:
            named = ", ".join(str(folder) for folder in folders[:4])
            raise BadInput(f"{path}: scores of {len(folders)} systems in it: name one of its folders ({named})")
        return folders[0] if folders else path
    return path


def submission(
    run: Annotated[str, typer.Argument(help="a run's folder, or an unambiguous part of its name")],
    folder: Annotated[Path, typer.Argument(help="where teams/ goes: new or empty")],
    team: Annotated[str, typer.Option(help="name of the team's folder")] = "asdbook",
    system: Annotated[str | None, typer.Option(help="name of the system's folder (default: system_variant)")] = None,
) -> None:
    """Write a run's test scores and decisions as the files that the official evaluators read."""
    from asdbook.experiment.submission import submission as write

    files = write(run, folder, team=team, system=system)
    typer.echo(f"{len(files)} files in {files[0].parent}")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(evaluate)
    app.command()(submission)
