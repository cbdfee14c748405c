"""`asdbook data`: built-in machines as files, their checks, and what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asdbook.cli import say
from asdbook.cli.show import grid
from asdbook.errors import BadInput

if TYPE_CHECKING:
    from asdbook.data import Report
    from asdbook.simulate.presets import Preset

SHOWN = 20
"""Files of one kind that are named unless all are asked for."""

group = typer.Typer(
    help="Built-in machines and folders of recordings: list, write as wav files, check.", no_args_is_help=True
)


@group.command("list")
def list_() -> None:
    """Built-in sets, and what has been generated or decoded into the cache."""
    from asdbook import simulate
    from asdbook.experiment.home import place

    rows = [["set", "year", "premises to switch off", "machines"]]
    for name, preset in simulate.PRESETS.items():
        rows.append([name, str(preset.year), ", ".join(sorted(preset.premises)), _machines(preset)])
    grid(rows)
    stored = sorted(path for path in place("data").iterdir() if (path / "set.json").exists())
    typer.echo(f"\n{len(stored)} sets in the cache ({place('data')})")
    for path in stored:
        typer.echo(f"  {path.name}  {_megabytes(path):.0f} MB")


def _machines(preset: Preset) -> str:
    """Names of the machine types; additional machines, which are never tested, are told apart."""
    tested = [name for name, machine in preset.machines.items() if not machine.train_only]
    more = [name for name, machine in preset.machines.items() if machine.train_only]
    return ", ".join(tested) + (f"; additional, for training alone: {', '.join(more)}" if more else "")


def _megabytes(folder: Path) -> float:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


@group.command()
def synth(
    folder: Annotated[Path | None, typer.Argument(help="where to write the wav files")] = None,
    preset: Annotated[str, typer.Option(help="built-in set, see `asdbook data list`")] = "synthetic-2023",
    data_seed: Annotated[int, typer.Option(min=0, help="seed of machines, faults and noise")] = 110,
    profile: Annotated[str, typer.Option(help="smoke, quick or paper")] = "quick",
    machine: Annotated[list[str], typer.Option(help="only this machine (repeatable)")] = [],  # noqa: B006
    premise_off: Annotated[
        list[str], typer.Option(help="switch a premise off (repeatable); `asdbook data list` names each set's")
    ] = [],  # noqa: B006
    truth: Annotated[Path | None, typer.Option(help="folder for the truth file (not inside the set)")] = None,
    check: Annotated[bool, typer.Option("--check", help="run the simulator's checks instead")] = False,
    seeds: Annotated[
        str, typer.Option(help="data seeds of the check, comma separated")
    ] = "100,101,102,103,104",
    save: Annotated[Path | None, typer.Option(help="where --check writes its table (JSON)")] = None,
) -> None:
    """Write a built-in set as official wav folders, or check the simulator (--check)."""
    from asdbook import simulate
    from asdbook.data import write_mark
    from asdbook.experiment import datasets

    if check:
        _check(preset, _seeds(seeds), machine, save)
        return
    if folder is None:
        raise BadInput("data synth: no folder given: asdbook data synth DIR, or --check")
    spec = datasets.spec_of(preset, data_seed, profile, premise_off, machine or None)
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder}: not empty: choose a new folder, nothing is overwritten")
    truth = truth or folder.with_name(folder.name + "-truth")
    if truth.resolve() == folder.resolve() or folder.resolve() in truth.resolve().parents:
        raise BadInput(f"{truth}: truth never lies beside the clips: choose a folder outside {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    write_mark(folder, preset, premise_off)  # first: official names without the mark would pass for recordings
    simulate.write(spec, folder, truth_folder=truth)
    clips = len(list(folder.rglob("*.wav")))
    typer.echo(f"{clips} clips in {folder}, truth in {truth}")


def _seeds(text: str) -> list[int]:
    """Data seeds from "100,101"."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise BadInput(f"--seeds {text!r}: write whole numbers and commas, for example --seeds 100,101")
    return [int(word) for word in words]


def _check(preset: str, seeds: list[int], machines: list[str], save: Path | None) -> None:
    from asdbook.experiment import simcheck

    if save is not None and (save.is_dir() or not save.parent.is_dir()):  # before minutes of checking
        what = "is a folder" if save.is_dir() else "its folder does not exist"
        raise BadInput(f"--save {save}: {what}: name a file in a folder that exists")
    report = simcheck.run(seeds=seeds, machines=machines or None, preset=preset, progress=say)
    grid(simcheck.rows(report))
    if save is not None:
        simcheck.write(report, save)


@group.command("check")
def check_(
    folder: Annotated[Path, typer.Argument(help="a folder of recordings")],
    against: Annotated[int | None, typer.Option(help="compare with the published inventory of this year")] = None,
    year: Annotated[int | None, typer.Option(help="force this year's rules (default: from the names)")] = None,
    truth: Annotated[Path | None, typer.Option(help="folder of the organisers' truth, for hidden labels")] = None,
    every: Annotated[bool, typer.Option("--all", help="name every file, however many")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say what is in a folder, what is missing and what is damaged. Exits 2 where something is wrong."""
    from asdbook.data import check

    report = check(folder, against=against, year=year, truth=truth, progress=say)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=1))
    else:
        _print_report(report, None if every else SHOWN)
    if not report.clean:
        raise typer.Exit(2)


def _print_report(report: Report, shown: int | None) -> None:
    typer.echo(report.root)
    for line in report.summary:
        typer.echo(f"  {line}")
    typer.echo("")
    grid(report.rows)
    for title, findings in (("missing", report.missing), ("damaged", report.damaged)):
        kinds: dict[str, list[str]] = {}
        for finding in findings:
            kinds.setdefault(finding.kind, []).append(finding.text)
        for kind, texts in kinds.items():
            typer.echo(f"\n{title}: {kind} ({len(texts)})")
            for text in texts[:shown]:
                typer.echo(f"  {text}")
            if shown is not None and len(texts) > shown:
                typer.echo(f"  and {len(texts) - shown} more (--all names them)")
    if report.remarks:
        typer.echo("\nremarks")
    for remark in report.remarks:
        typer.echo(f"  {remark}")
    wrong = len(report.missing) + len(report.damaged)
    counted = "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong"
    typer.echo("\nnothing wrong" if report.clean else f"\n{counted}")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.add_typer(group, name="data")
