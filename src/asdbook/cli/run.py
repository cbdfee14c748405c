"""`asdbook run` and `asdbook systems`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from asdbook.cli import say
from asdbook.errors import BadInput


def parse_set(items: list[str]) -> dict[str, Any]:
    """`key=value` pairs; values are JSON where they parse as JSON, else text."""
    parsed: dict[str, Any] = {}
    for item in items:
        key, sign, value = item.partition("=")
        if not sign or not key:
            raise BadInput(f"--set {item!r}: write key=value, for example --set epochs=20")
        try:
            parsed[key] = json.loads(value)
        except json.JSONDecodeError:
            parsed[key] = value
    return parsed


def run(
    system: Annotated[str, typer.Argument(help="system or system:variant, see `asdbook systems`")],
    data: Annotated[
        str, typer.Option(help="built-in set, see `asdbook data list`, or a folder of recordings")
    ] = "synthetic-2023",
    profile: Annotated[str, typer.Option(help="smoke, quick or paper")] = "quick",
    data_seed: Annotated[int, typer.Option(min=0, help="seed of the built-in machines")] = 110,
    seed: Annotated[int, typer.Option(min=0, help="training seed")] = 110,
    set_: Annotated[list[str], typer.Option("--set", help="key=value of the system's configuration (repeatable)")] = [],  # noqa: B006
    machine: Annotated[list[str], typer.Option(help="only this machine (repeatable)")] = [],  # noqa: B006
    premise_off: Annotated[
        list[str], typer.Option(help="switch a premise off (repeatable); `asdbook data list` names each set's")
    ] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    precision: Annotated[str, typer.Option(help="float32 or bf16")] = "float32",
    compile_: Annotated[bool, typer.Option("--compile", help="compile networks where possible")] = False,
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: min(2, cores))")] = None,
    skip_bad: Annotated[bool, typer.Option(help="leave unusable files out and record them")] = False,
    year: Annotated[int | None, typer.Option(help="force this year's rules for a folder")] = None,
    truth: Annotated[str | None, typer.Option(help="folder of the organisers' truth, for hidden labels")] = None,
    fresh: Annotated[bool, typer.Option(help="a new attempt even when a result is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the record's metrics as JSON")] = False,
) -> None:
    """Train, score and evaluate a system on a data set.

    Prints official scores per machine with intervals, then Omega. The same command again reads the
    result from the cache; an interrupted run goes on where it stopped.
    """
    from asdbook import experiment
    from asdbook.cli.show import print_record

    stored = experiment.run(
        system, data, fresh=fresh, progress=say,
        profile=profile, data_seed=data_seed, seed=seed, overrides=parse_set(set_),
        machines=machine or None, premise_off=premise_off, skip_bad=skip_bad, year=year, truth=truth,
        device=device, precision=precision, compile=compile_, threads=threads,
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(stored.record.metrics, indent=1))
        return
    print_record(stored.record)
    typer.echo(f"record: {stored.folder}")


def systems_() -> None:
    """List systems and their variants, default first."""
    from asdbook import systems

    for name in systems.names():
        cls = systems.get(name)
        typer.echo(f"{name:<12} {cls.title}")
        typer.echo(f"{'':<12} variants: {', '.join(cls.variants)}")
        typer.echo(f"{'':<12} profiles: {', '.join(p for p in cls.profiles if p != 'tiny')}")


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(run)
    app.command("systems")(systems_)
