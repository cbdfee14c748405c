"""The README: its numbers are the measurement's, its commands exist, its files are there."""

import json
import re
from pathlib import Path

import pytest

from asdbook.errors import BadInput
from asdbook.publish import readme

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_costs_are_the_measured_ones():
    cost = json.loads((ROOT / "book" / "results" / "cost.json").read_text())
    assert readme.filled(TEXT, cost) == TEXT


def test_no_other_number_of_cost_is_typed():
    outside = TEXT.split(readme.BEGIN)[0] + TEXT.split(readme.END)[1]
    assert not re.search(r"\d+(\.\d+)?\s*(GB|MB|min|minutes|seconds)\b", outside)


def test_missing_marks_are_said():
    with pytest.raises(BadInput, match="missing"):
        readme.filled("no marks", {})


def test_named_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z]+)", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_named_commands_exist(capsys):
    from asdbook import cli

    for command in set(re.findall(r"asdbook ([a-z]+)", TEXT)) - {"is", "book"}:
        assert cli.main([command, "--help"]) == 0, command
    capsys.readouterr()


def test_named_files_exist():
    names = set(re.findall(r"`((?:book|src|tests)/[A-Za-z0-9_/.]+)`", TEXT)) | set(
        re.findall(r"\]\(((?!http)[^)#]+)\)", TEXT)
    )
    assert names
    for name in names:
        assert (ROOT / name).exists(), name
