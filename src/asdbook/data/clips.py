"""What a system sees of clips. What it must not see does not exist: a leak is an AttributeError.

Training clips are normal and fully known. Of test clips a system gets the sound, the machine type and what
the year's rules give (2020: machine ID; 2021: section and domain; 2022 on: section), in types of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from asdbook.data.table import ClipTable
from asdbook.data.waves import WaveStore
from asdbook.data.years import rules
from asdbook.errors import BadInput, UnknownName

if TYPE_CHECKING:
    import torch

    from asdbook.data.waves import Positions


class Clips:
    """Waves of some clips, with positions 0 to len - 1, and the fields that the subclass names.

    Fields are NumPy object arrays (clips,); None where unknown. `waves` holds these clips and no others.
    """

    __slots__ = ("_unit", "machine", "waves")
    _fields: ClassVar[tuple[str, ...]] = ("machine",)

    machine: np.ndarray
    waves: WaveStore

    def __init__(self, waves: WaveStore, table: ClipTable):
        """`waves` and `table` hold the same clips in the same order."""
        if len(waves) != len(table):
            raise BadInput(f"{len(waves)} waves for {len(table)} rows of the clip table: open the set again")
        self.waves = waves
        for name in self._fields:
            values = table.column(name)
            values.setflags(write=False)
            setattr(self, name, values)
        self._unit = table.column(rules(table.year).unit)

    def __len__(self) -> int:
        return len(self.waves)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} clips: {', '.join(self._fields)})"

    @property
    def lengths(self) -> np.ndarray:
        """Samples of each clip, int64 (clips,)."""
        return self.waves.lengths

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.waves.sample_rate

    def group(self, by: Literal["machine", "id"] = "machine") -> np.ndarray:
        """Name of the group of each clip: "fan", or "fan/02" by machine ID (2021 on: section, "fan/00")."""
        if by == "machine":
            return self.machine
        if by != "id":
            raise UnknownName("group", by, ("machine", "id"))
        names = [f"{machine}/{unit}" for machine, unit in zip(self.machine, self._unit)]
        return np.array(names, dtype=object)

    def batch(self, positions: Positions, device: str | torch.device = "cpu") -> torch.Tensor:
        """Clips of equal length as float32 (n, samples) in [-1, 1)."""
        return self.waves.batch(positions, device)

    def batches(
        self, positions: Positions | None = None, size: int = 64, device: str | torch.device = "cpu"
    ) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """(positions, float32 (n, samples)) in batches of clips of equal length; None means all clips."""
        return self.waves.batches(positions, size, device)


class TrainClips(Clips):
    """Normal training clips of a whole set, all machines at once, with all that is known of them."""

    __slots__ = ("attributes", "domain", "id", "recording", "section")
    _fields = ("machine", "section", "id", "domain", "attributes", "recording")

    section: np.ndarray
    id: np.ndarray
    domain: np.ndarray
    attributes: np.ndarray
    recording: np.ndarray


class TestClips(Clips):
    """Test clips of a whole set: what every year gives."""

    __slots__ = ()
    __test__ = False  # the name starts with Test, yet it is none of pytest's


class TestClips2020(TestClips):
    """2020 and one's own recordings: machine type and ID are known."""

    __slots__ = ("id",)
    _fields = ("machine", "id")

    id: np.ndarray


class TestClips2021(TestClips):
    """2021: machine type, section and domain are known."""

    __slots__ = ("domain", "section")
    _fields = ("machine", "section", "domain")

    section: np.ndarray
    domain: np.ndarray


class TestClips2022(TestClips):
    """2022 on: machine type and section are known; the domain is not."""

    __slots__ = ("section",)
    _fields = ("machine", "section")

    section: np.ndarray


_TEST_TYPES: tuple[type[TestClips], ...] = (TestClips2020, TestClips2021, TestClips2022)
_TEST_TYPE_OF = {kind._fields: kind for kind in _TEST_TYPES}


def visible_test_clips(waves: WaveStore, table: ClipTable) -> TestClips:
    """Test clips in the type that the table's year allows."""
    return _TEST_TYPE_OF[rules(table.year).test_fields](waves, table)

