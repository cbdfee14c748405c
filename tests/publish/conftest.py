"""A small book in a temporary folder: the project's own configuration, a chapter, a page and a status page."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from asdbook.publish.book import build_book
from asdbook.publish.pages import Book

ROOT = Path(__file__).parents[2]

CHAPTER = '''# %% [markdown]
# # First chapter
#
# The sum is {glue:text}`first-sum`, and $a^2 + b^2 = c^2$ is an equation.
#
# ## A figure

# %% tags=["parameters"]
profile = "smoke"
numbers = [1, 2]

# %% tags=["hide-input"]
from myst_nb import glue

glue("first-sum", sum(numbers), display=False)

# %% mystnb={"image": {"alt": "a line that rises from zero to one"}}
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([0, 1])
axes.set_xlabel("time / s")
axes.set_ylabel("level / dB")
plt.show()

# %%
from IPython.display import HTML

HTML("<table>" + "<tr><th>" + "<td>".join(f"column {i}" for i in range(30)) + "</table>")
'''

PAGE = """# Second page

A long equation, a wide line of code, and a link to {doc}`first`.

$$
\\AUC = x_1 + x_2 + x_3 + x_4 + x_5 + x_6 + x_7 + x_8 + x_9 + x_{10} + x_{11} + x_{12} + x_{13} + x_{14}
$$

```python
a_long_name_that_does_not_fit = another_long_name_that_does_not_fit + yet_another_name_that_does_not_fit
```

~~~~{list-table} A wide table
:header-rows: 1
:stub-columns: 1
:class: asd-table

* - machine
  - a column of numbers
  - another column of numbers
  - yet another column of numbers
  - the last column of numbers
* - HoveringDrone
  - 61.23
  - 61.23
  - 61.23
  - 61.23
~~~~

<!-- modules: asdbook.errors -->
"""

TOC = """format: jb-book
root: book/first
chapters:
  - file: book/second
  - file: book/status
"""


def write_book(root: Path) -> Book:
    """Writes the small book below `root`."""
    (root / "book").mkdir(parents=True)
    (root / "_toc.yml").write_text(TOC)
    (root / "book" / "first.py").write_text(CHAPTER)
    (root / "book" / "second.md").write_text(PAGE)
    (root / "book" / "unlisted.md").write_text("no title, [a link that leads nowhere](nowhere.md)\n")
    (root / "requirements.lock").write_text("numpy==2\n")
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copy(ROOT / "book" / "status.py", root / "book")
    shutil.copy(ROOT / "book" / "references.bib", root / "book")
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    return Book(root)


@pytest.fixture
def book(tmp_path):
    """A small book, nothing executed."""
    return write_book(tmp_path / "checkout")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A small book, built once for all test processes. Tests that change it take `copied`."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / "built.lock"):
        root = shared / "built" / "checkout"
        if not root.exists():
            build_book(root=write_book(root).root)
    return Book(root)


@pytest.fixture
def copied(built, tmp_path):
    """A built small book of one's own. (Nothing in a build depends on where the checkout lies.)"""
    return Book(shutil.copytree(built.root, tmp_path / "checkout"))
