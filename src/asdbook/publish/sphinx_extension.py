"""What this book adds to Sphinx: safe docstrings, MathJax as files, no scripts that nobody uses.

Docstrings here are plain text with backticks.

Outside the sections that napoleon reads ("Args:", "Returns:", ...), an indented block is shown as it is
written, since the library's docstrings align small tables that way. Stars, bars and trailing underscores
outside backticks are characters, not marks. What stands in single backticks is code (`default_role`).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

from asdbook.errors import BadInput

SECTION = re.compile(
    r"^(Args|Attributes|Returns|Raises|Yields|Examples?|Notes?|Warns|Warning|References|See Also):\s*$"
)
AUTOMODULE = re.compile(r"^\.\. automodule:: (asdbook[\w.]*)$", re.MULTILINE)
DIRECTIVE = re.compile(r"^\s*(\.\. |>>> |:\w+)")
BULLET = re.compile(r"^\s*[-*] ")
MARKS = re.compile(r"([*|])|(?<=\w)(_)(?!\w)")
MATHJAX = "sphinx-mathjax-offline"  # an import name that only importlib can say
MATHJAX_FILES = ("tex-chtml-full.js", "output/chtml/fonts/woff-v2")
"""Of the 24 MB that the package ships: the one script with all of TeX's extensions, and its fonts."""
VALUES = ("attribute", "data", "property")
"""What napoleon would read as `type: description`, taking a sentence's colon for that mark."""


def setup(app: Any) -> dict[str, bool]:
    """Connects the handlers; those of docstrings before and after napoleon (priority 500)."""
    kept: dict[str, list[str]] = {}

    def before(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        lines[:] = safe_lines(lines)
        if what in VALUES:
            kept[name] = list(lines)

    def after(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        if what in VALUES:
            lines[:] = kept.pop(name)

    app.connect("builder-inited", import_documented)
    app.connect("autodoc-process-docstring", before, priority=400)
    app.connect("autodoc-process-docstring", after, priority=600)
    app.connect("autodoc-process-signature", plain_signature)
    app.connect("html-page-context", drop_live_cells, priority=900)
    app.connect("build-finished", finish_static)
    return {"parallel_read_safe": True}


def import_documented(app: Any) -> None:
    """Imports all documented modules before autodoc touches one.

    autodoc writes annotations that it read as text into classes; a pydantic model that is created later and
    inherits from such a class could not resolve them.
    """
    for page in sorted(Path(app.srcdir).rglob("*.md")):
        for name in AUTOMODULE.findall(page.read_text(encoding="utf-8")):
            importlib.import_module(name)


def plain_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Defaults that print as `<factory>` become `...`: Sphinx cannot read a signature with the former."""
    return (re.sub(r"= ?<[^<>]*>", "= ...", signature) if signature else signature), returns


def drop_live_cells(app: Any, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leaves out sphinx-thebe, which Jupyter Book always loads, twice, with a script error on every page."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {})}".lower()
    ]


def finish_static(app: Any, failure: Exception | None) -> None:
    """Adds MathJax to the site; drops figures that Sphinx has copied to `_images`.

    After the build, since Jupyter Book puts every script that lies in a static folder on every page.
    """
    if failure is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "figures", ignore_errors=True)
    spec = importlib.util.find_spec(MATHJAX)
    if spec is None or spec.origin is None:
        raise BadInput("the package sphinx-mathjax-offline is missing: run `make setup`")
    mathjax = Path(spec.origin).parent / "static" / "mathjax"
    for name in MATHJAX_FILES:
        part = mathjax / name
        for file in [part] if part.is_file() else part.iterdir():
            target = static / "mathjax" / file.relative_to(mathjax)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def safe_lines(lines: list[str]) -> list[str]:
    """A docstring's lines with indented blocks as literal blocks and marks escaped."""
    out: list[str] = []
    section = literal = bullets = False
    for line in lines:
        indented = line.startswith(" ")
        if line.strip() and not indented:
            section = bool(SECTION.match(line))
            if literal or (BULLET.match(line) and not bullets):
                out.append("")
            literal, bullets = False, bool(BULLET.match(line))
        if indented and not section and not literal and not DIRECTIVE.match(line):
            literal = not bullets and not (out and out[-1].startswith(".. "))
            if literal:
                while out and not out[-1]:
                    out.pop()
                out += ["", "::", ""]
        out.append(line if literal else escape(line))
    return out


def escape(line: str) -> str:
    """A line with stars, bars and trailing underscores outside backticks escaped; directives untouched."""
    if DIRECTIVE.match(line):
        return line
    bullet = BULLET.match(line)
    start = bullet.end() if bullet else 0
    parts = re.split(r"(``.*?``|`[^`]*`)", line[start:])
    parts[::2] = [MARKS.sub(lambda match: "\\" + match.group(), part) for part in parts[::2]]
    return line[:start] + "".join(parts)
