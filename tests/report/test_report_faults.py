"""The fault table reads what `.ci/faults` wrote, and escapes what users saw."""

import json
from dataclasses import asdict

import pytest
from bs4 import BeautifulSoup

from asdbook.errors import BadInput
from asdbook.report import faults

ONE = faults.Fault("kill", "kill -9", "of <fan>", "asdbook: a/b: <full>", "nothing", "the next run", 1.26)


def test_a_row_says_what_happened(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"rows": [asdict(ONE)]}))
    [found] = faults.drills(path)
    assert found == ONE
    page = BeautifulSoup(faults.table([found], name="tab-faults").html(), "html.parser")
    cells = [cell.get_text(" ", strip=True) for cell in page.select("tbody th, tbody td")]
    assert cells == ["kill -9 of <fan>", "asdbook: a/ b: <full>", "nothing", "the next run", "1.3"]


def test_the_committed_table_is_readable():
    found = faults.drills()
    assert len(found) == len(faults.table(found).rows) > 20
    assert {fault.fault for fault in found} >= {"kill -9", "full disk", "read-only folder", "two at once"}


@pytest.mark.parametrize("content", [None, "{", "[]", '{"rows": [{"id": "x"}]}'])
def test_a_missing_or_damaged_table_is_one_line(tmp_path, content):
    path = tmp_path / "faults.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=r"run \.ci/faults"):
        faults.drills(path)
