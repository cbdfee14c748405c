"""The command line: `asdbook`. One module per command group; heavy imports happen inside commands.

Exit codes: 0 done, 2 bad input, 3 failed run, 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback

import typer

from asdbook.errors import AsdBookError

app = typer.Typer(
    name="asdbook",
    help="Anomalous sound detection of machines: run systems, score recordings, keep records.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


INTERRUPTED = 130


def say(text: str) -> None:
    """One line of progress, on stderr so that results on stdout can be piped."""
    typer.echo(text, err=True)


def _register() -> None:
    from asdbook.cli import bench, data, doctor, evaluate, keep, run, score

    for module in (data, run, score, evaluate, keep, bench, doctor):
        module.register(app)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit code; expected errors are one line, never a traceback."""
    _register_once()
    try:
        code = app(arguments, standalone_mode=False, prog_name="asdbook")  # typer turns Ctrl-C into the value 130
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return code or 0
    except AsdBookError as error:
        typer.echo(f"asdbook: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("asdbook: interrupted; run the same command again to resume", err=True)
        return INTERRUPTED
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    message = getattr(
        error, "format_message", None
    )  # typer's usage errors; their root class moved between versions
    if message is not None and type(error).__name__ == "NoArgsIsHelpError":  # `asdbook` or `asdbook data` alone
        typer.echo(message())
        return 0
    if message is not None:
        typer.echo(f"asdbook: {' '.join(message().split())} (see --help)", err=True)
        return 2
    details = _kept(error)
    if isinstance(error, OSError) and error.filename is not None:  # a full disk, a folder without permission
        text = f"{error.filename}: {error.strerror}{details}: check permissions and free space"
    else:
        first = str(error).splitlines()[0] if str(error) else ""
        text = f"internal error, {type(error).__name__}: {first}{details}: please report it"
    typer.echo(f"asdbook: {text}", err=True)
    return 3


def _kept(error: Exception) -> str:
    """Where the traceback was written, in words; "" where it could not be."""
    from asdbook.experiment.home import home

    try:
        log = home() / "last-crash.txt"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
    except (OSError, AsdBookError):
        return ""
    return f" (details in {log})"


_registered: list[bool] = []


def _register_once() -> None:
    if not _registered:
        _register()
        _registered.append(True)


def entry() -> None:
    """The console script."""
    sys.exit(main())
