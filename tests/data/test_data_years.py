"""The table of years against methods/data.md sections 2 and 3."""

from __future__ import annotations

import pytest

from asdbook.data.years import YEARS, rules
from asdbook.errors import UnknownName


def test_what_a_system_may_see() -> None:
    assert rules(2020).test_fields == ("machine", "id")
    assert rules(2021).test_fields == ("machine", "section", "domain")
    for year in (2022, 2023, 2024, 2025, 2026):
        assert rules(year).test_fields == ("machine", "section")
    assert rules(None).test_fields == ("machine", "id")
    assert [year for year in YEARS if not rules(year).domains] == [2020]
    assert [year for year in YEARS if rules(year).unit == "id"] == [2020]


def test_machines_and_units_have_the_published_numbers() -> None:
    # 2020: 23 development and 18 evaluation IDs, 41 machines in all
    units = YEARS[2020].units
    development = sum(len((units.get(m) or units["*"])[0]) for m in YEARS[2020].machines)
    assert development == 23
    assert sum(len(YEARS[2020].units_of(m)) for m in YEARS[2020].machines) == 41
    assert {y: len(YEARS[y].evaluation) for y in (2023, 2024, 2025)} == {2023: 7, 2024: 9, 2025: 8}
    assert all(len(YEARS[y].development) == 7 for y in range(2021, 2026))
    assert YEARS[2023].development == YEARS[2024].development == YEARS[2025].development
    assert YEARS[2022].units_of("fan") == ("00", "01", "02", "03", "04", "05")
    assert YEARS[2023].units_of("bandsaw") == ("00",)
    assert YEARS[2023].units_of("pump") == ()


def test_hidden_attributes() -> None:
    for year, development, evaluation in ((2024, 3, 4), (2025, 3, 4)):
        hidden = set(YEARS[year].hidden)
        assert len(hidden & set(YEARS[year].development)) == development
        assert len(hidden & set(YEARS[year].evaluation)) == evaluation
        assert len(hidden) == development + evaluation
    assert YEARS[2023].hidden == ()


def test_unknown_year() -> None:
    with pytest.raises(UnknownName, match="unknown year '2032': choose from 2020, 2021"):
        rules(2032)
