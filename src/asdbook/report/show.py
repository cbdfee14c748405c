"""What a cell shows: numbered figures with alt text, numbers for prose, library code from its source.

A display carries two forms. `text/markdown` holds MyST, which the built book renders, so that figures and
tables get numbers and can be cited from prose with {numref}; `text/html` is what Jupyter and VS Code show.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any, Protocol

from matplotlib.figure import Figure

from asdbook.errors import BadInput
from asdbook.report import static, style

FENCE = "~~~~"  # tildes: a caption may hold backticks


@dataclass(frozen=True)
class Picture:
    """A figure that can stand in a page.

    Attributes:
        figure: the drawing.
        alt: what it shows, in words and numbers, for readers who do not see it.
        caption: the finding, in MyST.
        name: anchor for {numref}, for example "fig-loss"; a figure without one has no number.
        pixels: width on the page.
    """

    figure: Figure
    alt: str
    caption: str = ""
    name: str = ""
    pixels: int = 520

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise BadInput("a figure without alt text cannot be shown: say in words what it shows")

    def named(self, name: str, caption: str) -> Picture:
        """The same figure with anchor and caption."""
        return replace(self, name=name, caption=caption)

    @cached_property
    def content(self) -> bytes:
        """The PNG."""
        return style.png(self.figure)

    def markdown(self) -> str:
        """A MyST figure."""
        kept = static.keep(self.content, "figures", ".png")
        source = f"/_static/{kept}" if kept else static.data_uri(self.content, "image/png")
        options = [f":alt: {quoted(self.alt)}", ":figclass: asd-figure", f":width: {self.pixels}px"]
        if self.name:
            options.append(f":name: {self.name}")
        head = f"{FENCE}{{figure}} {source}\n" + "\n".join(options)
        return f"{head}\n\n{whole(self.caption)}\n{FENCE}\n" if self.caption else f"{head}\n{FENCE}\n"

    def html(self) -> str:
        """A figure element with the picture inside."""
        address = static.data_uri(self.content, "image/png")
        caption = f"<figcaption>{escape(plain(self.caption))}</figcaption>" if self.caption else ""
        picture = f'<img alt="{escape(self.alt)}" src="{address}" style="max-width:100%;width:{self.pixels}px">'
        return f'<figure class="asd-figure">{picture}{caption}</figure>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.markdown(), self.html, self.alt)


def bundle(markdown: str, html: Callable[[], str], text: str) -> dict[str, str]:
    """The two forms of a display; in the book's own build only the one that it renders."""
    if static.folder() is not None:
        return {"text/markdown": markdown, "text/plain": text}
    return {"text/html": html(), "text/markdown": markdown, "text/plain": text}


def quoted(text: str) -> str:
    """Text as the value of a directive's option, on one line."""
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def plain(markdown: str) -> str:
    """A caption without MyST's roles and marks, for Jupyter."""
    text = re.sub(r"\{[\w:-]+\}`([^`<]*?)(?:\s*<[^>]*>)?`", r"\1", markdown)
    return text.replace("`", "").replace("**", "").replace("*", "")


def whole(text: str) -> str:
    """A caption whose per cent signs stay with their numbers at the end of a line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def number(key: str, value: Any, spec: str = "") -> None:
    """Keeps a value for prose: {glue:text}`key` puts it into a sentence.

    Args:
        key: unique on its page.
        value: a number or text; None becomes "not run"; a per cent sign gets its space.
        spec: format, for example ".1f" or ".0%".
    """
    from myst_nb import glue

    text = "not run" if value is None else format(value, spec).replace("%", "\N{NO-BREAK SPACE}%")
    glue(key, text, display=False)


def numbers(**values: Any) -> None:
    """Keeps several values: `numbers(auc=(61.25, ".1f"), machines=7)`."""
    for key, value in values.items():
        number(key, *value) if isinstance(value, tuple) else number(key, value)


@dataclass(frozen=True)
class Code:
    """Library code, as it stands in the library, or another text to copy.

    Attributes:
        path: dotted name; "" for a text without one.
        text: the source.
        language: of the highlighting.
    """

    path: str
    text: str
    language: str = "python"

    def markdown(self) -> str:
        """A link to the reference and the code. Private parts have no entry there: their name stands alone."""
        block = f"```{self.language}\n{self.text}\n```\n"
        if not self.path:
            return block
        private = any(part.startswith("_") for part in self.path.split("."))
        name = f"`{self.path}`" if private else f"{{py:obj}}`{self.path}`"
        return f"{name}\n\n{block}"

    def html(self) -> str:
        """The code with its name above."""
        head = f"<p><code>{escape(self.path)}</code></p>" if self.path else ""
        return f"{head}<pre>{escape(self.text)}</pre>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.markdown(), self.html, f"{self.path}\n\n{self.text}".lstrip())


def source(thing: Any, *, docstring: bool = True) -> Code:
    """The source of a function, method or class of the library, linked to its reference entry.

    Args:
        thing: what to show.
        docstring: keep the docstring; a long one may repeat the page's prose.
    """
    thing = inspect.unwrap(thing)
    text = textwrap.dedent(inspect.getsource(thing)).rstrip()
    if not docstring and thing.__doc__:
        text = re.sub(r'\n\s*"""(?:.|\n)*?"""', "", text, count=1)
    return Code(f"{thing.__module__}.{thing.__qualname__}", text)


class Display(Protocol):
    """Anything that a cell can show in both forms."""

    def markdown(self) -> str: ...

    def html(self) -> str: ...


@dataclass(frozen=True)
class Prose:
    """A paragraph made from numbers, in MyST."""

    text: str

    def markdown(self) -> str:
        return f"{self.text}\n"

    def html(self) -> str:
        return f"<p>{escape(plain(self.text))}</p>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.markdown(), self.html, plain(self.text))


@dataclass(frozen=True)
class Tabs:
    """Displays behind tabs, one open at a time; in Jupyter one below the other.

    Attributes:
        items: title to what stands below it.
    """

    items: Mapping[str, Sequence[Display]]

    def markdown(self) -> str:
        """A tab set; titles are data, so marks in them are escaped."""
        parts = []
        for title, displays in self.items.items():
            body = "\n".join(display.markdown() for display in displays)
            parts.append(f":::::{{tab-item}} {literal(title)}\n\n{body}\n:::::\n")
        return "::::::{tab-set}\n\n" + "\n".join(parts) + "\n::::::\n"

    def html(self) -> str:
        """Each title with its displays."""
        return "".join(
            f"<p><strong>{escape(title)}</strong></p>" + "".join(display.html() for display in displays)
            for title, displays in self.items.items()
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.markdown(), self.html, "tabs: " + ", ".join(self.items))


def literal(text: str) -> str:
    """Text in which MyST sees no markup, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~:])", r"\\\1", " ".join(text.split()))
