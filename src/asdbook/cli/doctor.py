"""`asdbook doctor`: whether this installation is fit to run."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check versions, devices, disk, the home folder, outside systems and a small self test.

    Exits 0 unless there is a problem; a warning is no problem.
    """
    from asdbook.experiment.doctor import examine

    problems = 0
    for line in examine():
        remedy = f": {line.remedy}" if line.remedy else ""
        typer.echo(f"{line.state:<8} {line.name:<10} {line.text}{remedy}")
        problems += line.state == "problem"
    if problems:
        typer.echo(f"\n{problems} problem{'s' if problems > 1 else ''}")
        raise typer.Exit(2)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(doctor)
