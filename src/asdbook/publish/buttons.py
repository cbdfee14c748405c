"""A page's buttons: launch in Colab, download, repository, edit at the source, open an issue.

The theme would point all of them at the notebooks of the build, which no branch holds. Chapters launch and download
their clean notebooks; edits go to the .py or .md file. Without a repository address only the download is left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asdbook.publish.address import Address, address
from asdbook.publish.notebooks import write_notebooks
from asdbook.publish.pages import STATUS, Book, Page, find_book

Button = dict[str, Any]

SITE_FOLDER = "_static/notebooks"
"""Where the clean notebooks lie in the site, for the download."""


def setup(app: Any) -> dict[str, bool]:
    """Connects the handlers, after those of the theme (priority 501)."""
    book = find_book(Path(app.srcdir).parents[1])  # build/source in the checkout
    place = address(book)
    pages = {page.name: page for page in book.pages}

    def on_page(app: Any, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        if pagename in pages and "header_buttons" in context:
            context["header_buttons"] = page_buttons(
                context["header_buttons"], book, pages[pagename], place, context["pathto"](SITE_FOLDER, 1)
            )

    def finished(app: Any, failure: Exception | None) -> None:
        if failure is None and app.builder.format == "html":
            write_notebooks(book.root, Path(app.outdir) / SITE_FOLDER)

    app.connect("html-page-context", on_page, priority=900)
    app.connect("build-finished", finished)
    return {"parallel_read_safe": True}


def page_buttons(theirs: list[Button], book: Book, page: Page, place: Address | None, downloads: str) -> list[Button]:
    """The theme's buttons of a page with ours in their place.

    Args:
        theirs: what the theme made.
        book: the checkout.
        page: the page.
        place: the repository's address, or None.
        downloads: the way from the page to the folder of clean notebooks.
    """
    buttons = [_download(button, page, downloads) for button in theirs]
    buttons = [button for button in buttons if button.get("label") not in ("source-buttons", "launch-buttons")]
    if place is None:
        return buttons
    ours = [_repository(book, page, place)]
    if page.is_chapter and page.stem != STATUS:  # the status page tells of this build, and of no other
        ours.insert(0, _launch(page, place))
    return ours + buttons


def _download(button: Button, page: Page, downloads: str) -> Button:
    """The group of downloads, with a chapter's clean notebook instead of the executed one."""
    if button.get("label") != "download-buttons" or not page.is_chapter:
        return button
    kept = [part for part in button["buttons"] if part["type"] != "link"]
    notebook = _link("download-notebook-button", f"{downloads}/{page.stem}.ipynb", ".ipynb",
                     "Download the notebook, without outputs", "fas fa-file-code")
    return {**button, "buttons": [notebook, *kept]}


def _launch(page: Page, place: Address) -> Button:
    colab = _link("launch-colab-button", place.colab(page.stem), "Colab", "Run this chapter in Google Colab",
                  "fas fa-play")
    return _group("launch-buttons", "Run this chapter elsewhere", "fas fa-rocket", [colab])


def _repository(book: Book, page: Page, place: Address) -> Button:
    source = page.source.relative_to(book.root).as_posix()
    parts = [
        _link("source-repository-button", place.url, "Repository", "The source of the book and the library",
              "fab fa-github"),
        _link("source-edit-button", place.edit(source), "Suggest edit", f"Edit {source}", "fas fa-pencil-alt"),
        _link("source-issues-button", place.issues, "Open issue", "Report a mistake on this page",
              "fas fa-lightbulb"),
    ]
    return _group("source-buttons", "Source repository", "fab fa-github", parts)


def _link(label: str, url: str, text: str, tooltip: str, icon: str) -> Button:
    return {"type": "link", "label": label, "url": url, "text": text, "tooltip": tooltip, "icon": icon}


def _group(label: str, tooltip: str, icon: str, buttons: list[Button]) -> Button:
    return {"type": "group", "label": label, "tooltip": tooltip, "icon": icon, "buttons": buttons}
