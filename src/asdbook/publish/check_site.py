"""The checker of built pages: links, anchors, images, headings, weight, nothing from the network."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from asdbook.publish.check_notebook import MAX_PAGE_BYTES
from asdbook.publish.defects import Defect, poor_alt, text_defects

MAX_SITE_BYTES = 60_000_000  # BOOK.md section c
GENERATED = ("search.html", "genindex.html", "py-modindex.html", "prf-prf.html")
"""Pages that Sphinx writes itself: their links are checked, their outline is the theme's."""


class BuiltPage:
    """One html file, parsed when needed."""

    def __init__(self, path: Path, site: Path):
        self.path, self.site = path, site
        self.name = path.relative_to(site).as_posix()

    @cached_property
    def soup(self) -> Any:
        from bs4 import BeautifulSoup

        return BeautifulSoup(self.path.read_bytes(), "html.parser")

    @cached_property
    def anchors(self) -> set[str]:
        return {str(tag.get(key)) for key in ("id", "name") for tag in self.soup.find_all(attrs={key: True})}

    @property
    def is_redirect(self) -> bool:
        return bool(self.soup.find("meta", attrs={"http-equiv": re.compile("refresh", re.IGNORECASE)}))


def check_site(site: Path) -> list[Defect]:
    """All defects of a built site."""
    files = [path for path in site.rglob("*.html") if "_static" not in path.relative_to(site).parts]
    pages = {path: BuiltPage(path, site) for path in sorted(files)}
    found: list[Defect] = []
    for page in pages.values():
        found += _check_weight(page) + _check_resources(page) + _check_links(page, pages)
        if page.name not in GENERATED and not page.is_redirect:
            found += _check_outline(page) + _check_images(page) + _check_sounds(page) + _check_outputs(page)
    total = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    if total > MAX_SITE_BYTES:
        found.append(Defect("site", "size", f"{total / 1e6:.1f} MB, at most {MAX_SITE_BYTES / 1e6:.0f} MB"))
    return found


def _check_weight(page: BuiltPage) -> list[Defect]:
    size = page.path.stat().st_size
    if size <= MAX_PAGE_BYTES:
        return []
    return [Defect(page.name, "size", f"{size / 1e6:.1f} MB, at most {MAX_PAGE_BYTES / 1e6:.0f} MB a page")]


def _check_resources(page: BuiltPage) -> list[Defect]:
    """Scripts, styles, images and sounds exist in the site: the book is read without a network."""
    found = []
    loading = page.soup.find_all(["script", "img", "audio", "source", "iframe"])
    wanted = [(tag, tag.get("src")) for tag in loading]
    styles = page.soup.find_all("link", rel=["stylesheet", "icon", "preload", "modulepreload"])
    wanted += [(tag, tag.get("href")) for tag in styles]
    for tag, address in wanted:
        if not address or address.startswith("data:"):
            continue
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            found.append(Defect(page.name, tag.name, f"loaded from the network: {address}: ship the file"))
        elif not _target(page, parts.path).is_file():
            found.append(Defect(page.name, tag.name, f"missing file {address}"))
    return found


def _check_links(page: BuiltPage, pages: dict[Path, BuiltPage]) -> list[Defect]:
    found = []
    for tag in page.soup.find_all("a", href=True):
        address = tag["href"]
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or address in ("#", ""):
            continue
        target = _target(page, parts.path) if parts.path else page.path
        if not target.is_file():
            found.append(Defect(page.name, "link", f"{address} leads nowhere"))
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            found.append(Defect(page.name, "link", f"{address}: no such place on that page"))
        if not tag.get_text(strip=True) and not _has_name(tag):
            found.append(Defect(page.name, "link", f"{address} has no text: give it one or an aria-label"))
    return found


def _check_outline(page: BuiltPage) -> list[Defect]:
    article = page.soup.find("article") or page.soup
    found, last = [], 0
    levels = [int(tag.name[1]) for tag in article.find_all(re.compile(r"^h[1-6]$"))]
    if levels.count(1) != 1:
        found.append(Defect(page.name, "headings", f"{levels.count(1)} titles of level 1, one is needed"))
    for level in levels:
        if level > last + 1:
            found.append(Defect(page.name, "headings", f"level {level} follows level {last}"))
        last = level
    return found


def _check_images(page: BuiltPage) -> list[Defect]:
    found = []
    for tag in (page.soup.find("article") or page.soup).find_all("img"):
        if poor_alt(tag.get("alt")) and tag.get("role") != "presentation":
            found.append(Defect(page.name, "image", f"without alt text: {str(tag.get('src'))[:60]}"))
    for tag in (page.soup.find("article") or page.soup).find_all("svg"):
        hidden = tag.get("aria-hidden") == "true" or tag.find_parent(attrs={"aria-hidden": "true"})
        if not hidden and not _has_name(tag) and not tag.find("title"):
            found.append(Defect(page.name, "image", "inline svg without aria-label or title"))
    return found


def _check_sounds(page: BuiltPage) -> list[Defect]:
    found = []
    for tag in page.soup.find_all("audio"):
        if not _has_name(tag):
            found.append(Defect(page.name, "sound", "audio without aria-label"))
        if tag.get("preload") != "none":
            found.append(Defect(page.name, "sound", 'audio without preload="none": all sounds load at once'))
    return found


def _check_outputs(page: BuiltPage) -> list[Defect]:
    """Text that only an execution leaves behind, in outputs and in prose (code that names a path is fine)."""
    found = []
    for tag in page.soup.select("div.cell_output, p, td, figcaption"):
        if tag.name == "div" or not tag.find_parent("div", class_="cell_output"):
            found += text_defects(page.name, tag.name, tag.get_text(" "))
    return found


def _has_name(tag: Any) -> bool:
    """Whether a reader without eyes learns what the element is."""
    if any(tag.get(key) for key in ("aria-label", "aria-labelledby", "title")):
        return True
    return any(not poor_alt(img.get("alt")) for img in tag.find_all("img"))


def _target(page: BuiltPage, path: str) -> Path:
    path = unquote(path)
    target = page.site / path.lstrip("/") if path.startswith("/") else page.path.parent / path
    target = target.resolve()
    return target / "index.html" if target.is_dir() else target
