"""Docstrings as they are written become reStructuredText that Sphinx accepts."""

import docutils.core
import pytest

from asdbook.publish.sphinx_extension import escape, safe_lines

DOCSTRING = """What a thing is.

Layout of *.wav files:
    <root>/train   normal clips only
      deeper       |x| counts, see fit_

Then prose again.
- a point that
  goes on
"""


def warnings(text):
    settings = {"report_level": 2, "halt_level": 5, "warning_stream": False, "default_role": "code"}
    tree = docutils.core.publish_doctree(text, settings_overrides=settings)
    return [node.astext() for node in tree.findall(docutils.nodes.system_message)]


def test_plain_text_is_made_safe():
    safe = "\n".join(safe_lines(DOCSTRING.splitlines()))
    assert warnings(DOCSTRING) and not warnings(safe)
    assert "    <root>/train   normal clips only\n      deeper       |x| counts, see fit_" in safe


def test_sections_of_napoleon_stay():
    lines = ["Does it.", "", "Args:", "    x: first", "        goes on", "Returns:", "    *all* of it"]
    assert safe_lines(lines) == [*lines[:6], r"    \*all\* of it"]


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("a `train_scores_` and *args", r"a `train_scores_` and \*args"),
        ("* a point", "* a point"),
        ("fit_ and snake_case_name", r"fit\_ and snake_case_name"),
        (".. note:: |x|", ".. note:: |x|"),
    ],
)
def test_marks_outside_backticks_are_escaped(line, safe):
    assert escape(line) == safe
