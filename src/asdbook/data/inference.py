"""Which year do these names come from? The table of years says; what it leaves open has a fixed default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from asdbook.data.files import Place, Refuse, refuse_now
from asdbook.data.names import NO_ATTRIBUTE, ClipName
from asdbook.data.years import YEARS, Year
from asdbook.errors import BadInput

# Where names fit several years: one section is read as 2023, several as 2022. The rules for test clips of
# 2022 to 2026 are the same, so a wrong guess among them changes no result, only what a table is called.
_PREFERENCE = (2023, 2022, 2024, 2025, 2021, 2020)


def infer_year(
    root: Path, places: Mapping[str, Place], names: Mapping[str, ClipName], refuse: Refuse = refuse_now
) -> tuple[int, str]:
    """The year whose rules apply, and how it was found.

    2020 is known by its names, 2021 by test names without attributes. Among the others those years stay
    whose sections fit; of these, one that lists all machine types and conceals the attributes of just those
    machines whose training names say "noAttribute" is preferred; then 2023, 2022, 2024, 2025.

    Raises:
        BadInput: names of 2020 and of later years in one folder.
    """
    styles = {name.year_style for name in names.values()}
    if "2020" in styles and len(styles) > 1:
        refuse(
            BadInput(
                f"{root}: names of 2020 and of later years in one folder: name the folder of one year, "
                "or force the year (year, --year)"
            )
        )
        later = {path: name for path, name in names.items() if name.year_style != "2020"}
        if 2 * len(later) < len(names):
            return 2020, "2020, as most names"
        names, styles = later, styles - {"2020"}
    if styles == {"2020"}:
        return 2020, "2020, from the form of the names"
    if "2021" in styles:
        return 2021, "2021, from test names without attributes"
    units: dict[str, set[str]] = {}
    concealed: dict[str, bool] = {}
    for path, name in names.items():
        machine = places[path].machine
        units.setdefault(machine, set()).add(name.section or "")
        if places[path].split == "train":
            concealed[machine] = concealed.get(machine, True) and name.attributes == NO_ATTRIBUTE
    secret = {machine for machine, hidden in concealed.items() if hidden}
    fitting = [y for y in _PREFERENCE if "2022" in YEARS[y].styles and _units_fit(YEARS[y], units)]
    if not fitting:
        fallback = 2022 if any(len(found) > 1 for found in units.values()) else 2023
        return fallback, f"{fallback}, a guess: the sections fit no year (force it with year, --year)"
    marks = [_mark(YEARS[y], set(units), secret) for y in fitting]
    best = fitting[marks.index(max(marks))]
    several = marks.count(max(marks)) > 1
    how = "the first of several that fit (force another with year, --year)" if several else "from names and machines"
    return best, f"{best}, {how}"


def _units_fit(year: Year, units: Mapping[str, set[str]]) -> bool:
    generic = {unit for part in year.units["*"] for unit in part}
    return all(found <= (set(year.units_of(machine)) or generic) for machine, found in units.items())


def _mark(year: Year, machines: set[str], secret: set[str]) -> tuple[bool, bool]:
    return machines <= set(year.machines), (set(year.hidden) & machines) == secret
