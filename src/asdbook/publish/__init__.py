"""From chapter sources to a checked site: run what changed, stage what the contents name, build strictly.

`book/*.py` -> jupytext -> papermill -> `build/source` -> Jupyter Book -> checks -> `build/html`.
The entry points load nothing heavy before they are called.
"""

from __future__ import annotations

from pathlib import Path

DEFAULT_PORT = 8000


def build_book(
    profile: str = "smoke", only: list[str] | None = None, strict: bool = True, *, root: Path | None = None
) -> Path:
    """Executes chapters whose inputs changed, builds and checks the site; see `asdbook.publish.book`."""
    from asdbook.publish import book

    return book.build_book(profile, only, strict, root=root)


def execute(
    chapter: str | None = None,
    *,
    profile: str | None = None,
    data: str | None = None,
    seeds: str | None = None,
    device: str | None = None,
    fresh: bool = False,
    root: Path | None = None,
) -> Path:
    """Runs one chapter (or all) with parameters and renders the book from it; see `asdbook.publish.book`."""
    from asdbook.publish import book

    return book.execute(
        chapter, profile=profile, data=data, seeds=seeds, device=device, fresh=fresh, root=root
    )


def serve(port: int = DEFAULT_PORT, *, root: Path | None = None) -> None:
    """Serves the last good site on this machine only, until interrupted."""
    from asdbook.publish import site

    site.serve(port, root=root)


__all__ = ["DEFAULT_PORT", "build_book", "execute", "serve"]
