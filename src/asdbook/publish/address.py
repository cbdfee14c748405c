"""The repository's address: one setting (`repository` in `_config.yml`), and every address that follows from it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from urllib.parse import quote

import yaml

from asdbook.errors import BadInput
from asdbook.publish.pages import Book

NOTEBOOKS_BRANCH = "notebooks"
"""Holds the clean notebooks; .github/workflows/pages.yml pushes it."""

GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


@dataclass(frozen=True)
class Address:
    """Where a reader finds the repository.

    Attributes:
        owner: person or organisation.
        name: of the repository.
        branch: where edits go.
    """

    owner: str
    name: str
    branch: str = "main"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def clone(self) -> str:
        """What git clones."""
        return f"{self.url}.git"

    @property
    def issues(self) -> str:
        """The choice of issue forms."""
        return f"{self.url}/issues/new/choose"

    def edit(self, path: str) -> str:
        """Opens the editor at a file of the checkout."""
        return f"{self.url}/edit/{quote(self.branch)}/{quote(path)}"

    def colab(self, stem: str) -> str:
        """Opens a chapter's clean notebook in Colab."""
        place = f"{self.owner}/{self.name}/blob/{NOTEBOOKS_BRANCH}/{quote(stem)}.ipynb"
        return f"https://colab.research.google.com/github/{place}"


def address(book: Book) -> Address | None:
    """The address that `_config.yml` sets; None while `repository: url` is empty.

    Raises:
        BadInput: an address of another kind. Colab, the issue forms and the workflows are GitHub's.
    """
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    repository = config.get("repository") or {}
    url = repository.get("url") or ""
    if not url:
        return None
    match = GITHUB.fullmatch(url)
    if not match:
        raise BadInput(f"_config.yml: repository: url: {url!r} is not like https://github.com/owner/name")
    return Address(match.group(1), match.group(2), repository.get("branch") or "main")


def revision(book: Book) -> str | None:
    """The full name of the commit that is checked out; None where there is no git or no commit."""
    command = ["git", "-C", str(book.root), "rev-parse", "--verify", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
