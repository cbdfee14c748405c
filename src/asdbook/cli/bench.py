"""`asdbook bench`: speed measurements, each against what it replaces, in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asdbook.cli import say
from asdbook.cli.show import grid
from asdbook.errors import BadInput


def bench(
    name: Annotated[str | None, typer.Argument(help="one benchmark (default: all)")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: min(2, cores))")] = None,
    save: Annotated[Path | None, typer.Option(help="write the measurements as JSON")] = None,
) -> None:
    """Measure speed, ours against the reference.

    Both sides do the same work in one run; the processor and versions are printed.
    """
    from asdbook import bench as measurements

    if save is not None and (save.is_dir() or not save.parent.is_dir()):  # before minutes of measuring
        what = "is a folder" if save.is_dir() else "its folder does not exist"
        raise BadInput(f"--save {save}: {what}: name a file in a folder that exists")
    report = measurements.run([name] if name else None, threads=threads, progress=say)
    grid(measurements.rows(report))
    typer.echo(report["machine"])
    if save is not None:
        save.write_text(json.dumps(report, indent=1) + "\n")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(bench)
