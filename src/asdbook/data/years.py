"""The years of DCASE Task 2 as data: what a unit is, what a system may see at test time, which machines.

Source: methods/data.md sections 0, 2 and 3. A year's rule is looked up here, never branched on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from asdbook.errors import UnknownName


@dataclass(frozen=True)
class Year:
    """Rules of one year.

    Attributes:
        year: None for recordings of one's own.
        unit: what divides a machine type: "id" (2020) or "section".
        domains: whether clips belong to a source or target domain.
        test_fields: what a system may see of a test clip besides its sound.
        development: machine types of the development set.
        evaluation: machine types of the additional training and evaluation sets.
        units: unit names, (development, evaluation), by machine type; "*" stands for all others.
        hidden: machine types whose attributes are concealed.
        free_attributes: attribute strings are free-form labels, not key_value pairs.
        train_clips: least and most training clips of one unit in the official set.
        styles: `names.ClipName.year_style` values that occur.
    """

    year: int | None
    unit: Literal["id", "section"]
    domains: bool
    test_fields: tuple[str, ...]
    development: tuple[str, ...] = ()
    evaluation: tuple[str, ...] = ()
    units: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    free_attributes: bool = False
    train_clips: tuple[int, int] = (1000, 1000)
    styles: tuple[str, ...] = ("2022",)

    @property
    def machines(self) -> tuple[str, ...]:
        """All machine types, development first."""
        return self.development + tuple(m for m in self.evaluation if m not in self.development)

    def units_of(self, machine: str) -> tuple[str, ...]:
        """IDs or sections of a machine type, development first; () where the year does not list it."""
        if machine not in self.machines:
            return ()
        development, evaluation = self.units.get(machine) or self.units["*"]
        return development + tuple(u for u in evaluation if u not in development)


_IDS = MappingProxyType(
    {
        "ToyCar": (("01", "02", "03", "04"), ("05", "06", "07")),
        "ToyConveyor": (("01", "02", "03"), ("04", "05", "06")),
        "*": (("00", "02", "04", "06"), ("01", "03", "05")),
    }
)
_SIX_SECTIONS = MappingProxyType({"*": (("00", "01", "02"), ("03", "04", "05"))})
_ONE_SECTION = MappingProxyType({"*": (("00",), ("00",))})
_MACHINES_2020 = ("ToyCar", "ToyConveyor", "fan", "pump", "slider", "valve")
_MACHINES_2021 = ("ToyCar", "ToyTrain", "fan", "gearbox", "pump", "slider", "valve")
_MACHINES_2022 = ("ToyCar", "ToyTrain", "bearing", "fan", "gearbox", "slider", "valve")


def _one_section_year(year: int, evaluation: tuple[str, ...], hidden: tuple[str, ...] = ()) -> Year:
    """2023 on: new machine types in evaluation, one section each."""
    return Year(
        year,
        unit="section",
        domains=True,
        test_fields=("machine", "section"),
        development=_MACHINES_2022,
        evaluation=evaluation,
        units=_ONE_SECTION,
        hidden=hidden,
    )


YEARS: Mapping[int, Year] = MappingProxyType(
    {
        2020: Year(
            2020,
            unit="id",
            domains=False,
            test_fields=("machine", "id"),
            development=_MACHINES_2020,
            evaluation=_MACHINES_2020,
            units=_IDS,
            train_clips=(400, 1100),  # 434 (slider 04) to about 1000 an ID
            styles=("2020",),
        ),
        2021: Year(
            2021,
            unit="section",
            domains=True,
            test_fields=("machine", "section", "domain"),
            development=_MACHINES_2021,
            evaluation=_MACHINES_2021,
            units=_SIX_SECTIONS,
            free_attributes=True,
            train_clips=(900, 1100),  # about 1000 source and 3 target
            styles=("2021", "2022"),
        ),
        2022: Year(
            2022,
            unit="section",
            domains=True,
            test_fields=("machine", "section"),
            development=_MACHINES_2022,
            evaluation=_MACHINES_2022,
            units=_SIX_SECTIONS,
        ),
        2023: _one_section_year(
            2023, ("ToyDrone", "ToyNscale", "ToyTank", "Vacuum", "bandsaw", "grinder", "shaker")
        ),
        2024: _one_section_year(
            2024,
            (
                "3DPrinter",
                "AirCompressor",
                "BrushlessMotor",
                "HairDryer",
                "HoveringDrone",
                "RoboticArm",
                "Scanner",
                "ToothBrush",
                "ToyCircuit",
            ),
            hidden=(
                "ToyTrain",
                "gearbox",
                "slider",
                "AirCompressor",
                "BrushlessMotor",
                "HoveringDrone",
                "ToothBrush",
            ),
        ),
        2025: _one_section_year(
            2025,
            (
                "AutoTrash",
                "BandSealer",
                "CoffeeGrinder",
                "HomeCamera",
                "Polisher",
                "ScrewFeeder",
                "ToyPet",
                "ToyRCCar",
            ),
            hidden=("ToyTrain", "bearing", "slider", "AutoTrash", "Polisher", "ScrewFeeder", "ToyPet"),
        ),
        # Names as 2025; two channels, of which the first is kept. Machine types are not in our notes.
        2026: Year(
            2026, unit="section", domains=True, test_fields=("machine", "section"), units=_ONE_SECTION
        ),
    }
)

OWN_RECORDINGS = Year(None, unit="id", domains=False, test_fields=("machine", "id"), styles=())
"""Rules of a folder of one's own recordings: as 2020, with the one ID "00"."""


def rules(year: int | None) -> Year:
    """A year's rules; None means one's own recordings.

    Raises:
        UnknownName: a year that is not in `YEARS`.
    """
    if year is None:
        return OWN_RECORDINGS
    if year not in YEARS:
        raise UnknownName("year", str(year), (str(y) for y in YEARS))
    return YEARS[year]
