"""`asdbook records` and `asdbook cache`: what is kept, promoted, remade and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asdbook.cli import say
from asdbook.cli.show import changes, grid
from asdbook.errors import BadInput

RESULTS = Path("book/results")

records_group = typer.Typer(help="Runs and committed records.", invoke_without_command=True)
cache_group = typer.Typer(help="Generated sets, stages and runs on disk.", no_args_is_help=True)


@records_group.callback()
def records_(context: typer.Context) -> None:
    """List runs and committed records (without a sub-command)."""
    if context.invoked_subcommand is None:
        list_records()


def list_records() -> None:
    """Prints both tables."""
    from asdbook.experiment.folders import all_runs

    rows = [["run", "system", "data", "seeds", "profile", "score", "changed"]]
    for folder in all_runs():
        rows.append([folder.parent.name, *_row_of(folder)])
    if len(rows) == 1:
        typer.echo("no runs yet: asdbook run trivial --profile smoke")
    else:
        grid(rows)
    kept = sorted(path.parent for path in RESULTS.rglob("record.json")) if RESULTS.is_dir() else []
    typer.echo(f"\n{len(kept)} committed records in {RESULTS}")
    for folder in kept:
        typer.echo("  " + "  ".join(cell for cell in [folder.name, *_row_of(folder)] if cell))


def _row_of(folder: Path) -> list[str]:
    """A record's row; one that is damaged says so in its last cell and hides no other."""
    from asdbook.experiment import records

    try:
        return _row(records.load(folder).record)
    except BadInput as error:
        return ["", "", "", "", f"damaged: {error}", ""]


def _row(record) -> list[str]:  # type: ignore[no-untyped-def]
    score = record.metrics.get("official", {}).get("score", {}).get("value")
    seeds = f"{'-' if record.data.seed is None else record.data.seed}/{record.seed}"
    text = "-" if score is None else f"{record.metrics['official']['score']['name']} {score:.3f}"
    return [record.label, record.data.name, seeds, record.profile, text, changes(record)]


@records_group.command()
def promote(
    run: Annotated[str, typer.Argument(help="a run's folder, or an unambiguous part of its name")],
    results: Annotated[Path, typer.Option(help="where committed records live")] = RESULTS,
) -> None:
    """Copy a run's record into the book's committed results (the only way in)."""
    from asdbook.experiment.promote import promote as copy

    typer.echo(f"promoted to {copy(run, results)}")


@records_group.command()
def make(
    plan: Annotated[Path, typer.Option(help="the list of experiments")] = Path("book/experiments.toml"),
    results: Annotated[Path, typer.Option(help="where committed records live")] = RESULTS,
    chapter: Annotated[str | None, typer.Option(help="only this chapter's experiments")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: min(2, cores))")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="only say what is missing or stale")] = False,
) -> None:
    """Run the experiments whose committed record is missing or stale, and promote them."""
    from asdbook.experiment.promote import make_records

    count = make_records(plan, results, chapter=chapter, threads=threads, dry=dry, progress=say)
    typer.echo(f"{count} records {'missing or stale' if dry else 'made'}")


@cache_group.command("list")
def list_cache() -> None:
    """What the cache holds, by kind, in MB."""
    from asdbook.experiment.prune import entries

    rows = [["kind", "name", "MB", "last used"]]
    for e in entries():
        name = f"{e.path.name} (unfinished)" if e.partial else e.path.name
        rows.append([e.kind, name, f"{e.megabytes:.1f}", e.used.isoformat(timespec="minutes")])
    grid(rows)


@cache_group.command()
def prune(
    kind: Annotated[list[str], typer.Option(help="data, stages or runs (default: data and stages)")] = [],  # noqa: B006
    days: Annotated[float, typer.Option(min=0, help="only what was not used for this many days")] = 0.0,
    yes: Annotated[bool, typer.Option("--yes", help="do it (otherwise only say what would go)")] = False,
) -> None:
    """Remove cached sets and stages; runs only when named. Says first, removes with --yes."""
    from asdbook.experiment.prune import prune as remove

    gone = remove(kind or ["data", "stages"], days=days, really=yes)
    total = sum(entry.megabytes for entry in gone)
    typer.echo(f"{len(gone)} entries, {total:.0f} MB {'removed' if yes else 'would go (add --yes)'}")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.add_typer(records_group, name="records")
    app.add_typer(cache_group, name="cache")
