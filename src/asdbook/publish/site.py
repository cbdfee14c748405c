"""The strict Sphinx build, the swap that keeps the last good site, and a server to look at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asdbook.errors import BadInput, RunFailed
from asdbook.publish import DEFAULT_PORT
from asdbook.publish.pages import Book, find_book

SHOWN_WARNINGS = 20


class SiteFailed(RunFailed):
    """Sphinx warned or failed. `report` holds its messages."""

    def __init__(self, message: str, report: str):
        super().__init__(message)
        self.report = report


def build_site(book: Book, strict: bool = True) -> Path:
    """Builds `build/source` from nothing and returns the new site's folder, not yet published.

    Always from nothing: an incremental build repeats no warning of a page that it does not read again, so
    a strict build would pass the second time.

    Raises:
        SiteFailed: a warning (if strict) or an error.
    """
    output = book.build / "sphinx"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
    command += [str(book.source), "--path-output", str(output)]
    command += ["-W", "-n", "--keep-going"] if strict else []
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=book.build)
    log = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    (book.build / "sphinx.log").write_text(log, encoding="utf-8")
    site = output / "_build" / "html"
    if done.returncode or not (site / "index.html").is_file():
        lines = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
        report = "\n".join(_short(line, book) for line in lines[:SHOWN_WARNINGS]) or log[-3000:]
        raise SiteFailed(
            f"Sphinx gave {len(lines)} warnings or errors (log: build/sphinx.log): mend them; "
            "the last good site stays",
            report,
        )
    return site


def publish(book: Book, site: Path) -> Path:
    """Puts a good site in the place of the last one; returns its front page."""
    fresh, old = book.build / ".html-new", book.build / ".html-old"
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    os.replace(site, fresh)
    if book.html.exists():
        os.replace(book.html, old)
    os.replace(fresh, book.html)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(book.build / "sphinx", ignore_errors=True)
    return book.html / "index.html"


def serve(port: int = DEFAULT_PORT, *, root: Path | None = None) -> None:
    """Serves the last good site on this machine only (127.0.0.1), until interrupted.

    Raises:
        BadInput: no site yet, or the port is taken.
    """
    book = find_book(root)
    if not (book.html / "index.html").is_file():
        raise BadInput("no book built yet: run `make book` first")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(book.html)))
    except OSError as error:
        raise BadInput(f"port {port} cannot be used ({error.strerror}): choose another with PORT=") from error
    with server:
        print(f"the book is at http://127.0.0.1:{server.server_address[1]} (stop with Ctrl-C)", flush=True)
        server.serve_forever()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line a request."""


def _short(line: str, book: Book) -> str:
    """A Sphinx message with paths as the author knows them."""
    return line.replace(f"{book.source}/", "").replace(f"{book.root}/", "")
