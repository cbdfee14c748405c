"""What the Makefile calls: `python -m asdbook.publish book | execute | check | serve | notebooks`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from asdbook.errors import AsdBookError
from asdbook.publish import DEFAULT_PORT, build_book, execute, serve


def main() -> int:
    """Runs one command; returns the exit code (2 bad input, 3 failed run, 130 interrupted)."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except AsdBookError as error:
        from asdbook.publish.book import report_failure

        report_failure(error)
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; finished chapters are kept", file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    started = time.perf_counter()
    if arguments.command == "serve":
        serve(arguments.port)
        return 0
    if arguments.command == "readme":
        from asdbook.publish.pages import find_book
        from asdbook.publish.readme import update

        print("README.md changed" if update(find_book(None).root) else "README.md is up to date")
        return 0
    if arguments.command == "notebooks":
        from asdbook.publish.notebooks import write_notebooks

        folder = write_notebooks()
        print(f"clean notebooks are in {folder}; open one in Jupyter or VS Code")
        return 0
    if arguments.command == "check":
        from asdbook.publish.book import check
        from asdbook.publish.defects import CheckFailed

        if defects := check():
            raise CheckFailed(defects)
        print("no defects in the executed notebooks and the built site")
        return 0
    if arguments.command == "execute":
        front = execute(
            arguments.chapter or None, profile=arguments.profile or None, data=arguments.data or None,
            seeds=arguments.seeds or None, device=arguments.device or None, fresh=arguments.fresh == "1",
        )
    else:
        front = build_book(arguments.profile or "smoke", arguments.only or None, not arguments.lax)
    _done(front, time.perf_counter() - started)
    return 0


def _done(front: Path, seconds: float) -> None:
    print(f"done in {seconds:.1f} s. The book: {front}")
    print("open that file in a browser, or run `make serve`")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asdbook.publish", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    book = commands.add_parser("book", help="execute what changed, build, check")
    book.add_argument("--profile", default="", help="smoke (default), quick or paper")
    book.add_argument("--only", action="append", help="the chapters that may be executed")
    book.add_argument("--lax", action="store_true", help="do not fail on Sphinx warnings")
    run = commands.add_parser("execute", help="run chapters with parameters, then build")
    for name in ("chapter", "profile", "data", "seeds", "device", "fresh"):
        run.add_argument(f"--{name}", default="")
    commands.add_parser("check", help="check executed notebooks and the built site")
    commands.add_parser("notebooks", help="write clean notebooks of all chapters to build/notebooks")
    commands.add_parser("readme", help="rewrite the README's table of costs from its measurement")
    server = commands.add_parser("serve", help="serve the built site on this machine")
    server.add_argument("--port", type=int, default=DEFAULT_PORT)
    return parser


if __name__ == "__main__":
    sys.exit(main())
