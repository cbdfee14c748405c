"""Clips and waves: names, year tables, index, wave store, and what a system may see of them.

Names are loaded on first use, so that `import asdbook.data` loads neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asdbook.data.checking import Report, check
    from asdbook.data.clips import TestClips, TestClips2020, TestClips2021, TestClips2022, TrainClips
    from asdbook.data.dataset import DataSet, build, open_set, rows_of
    from asdbook.data.indexing import BadFiles, check_usable, index
    from asdbook.data.loading import load
    from asdbook.data.names import ClipName, attributes_of, parse
    from asdbook.data.sidecars import write_mark
    from asdbook.data.table import ClipTable
    from asdbook.data.waves import SAMPLE_RATE, WaveStore
    from asdbook.data.years import YEARS, Year, rules

_HOMES = {
    "checking": ("Report", "check"),
    "clips": ("TestClips", "TestClips2020", "TestClips2021", "TestClips2022", "TrainClips"),
    "dataset": ("DataSet", "build", "open_set", "rows_of"),
    "indexing": ("BadFiles", "check_usable", "index"),
    "loading": ("load",),
    "names": ("ClipName", "attributes_of", "parse"),
    "sidecars": ("write_mark",),
    "table": ("ClipTable",),
    "waves": ("SAMPLE_RATE", "WaveStore"),
    "years": ("YEARS", "Year", "rules"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "SAMPLE_RATE",
    "YEARS",
    "BadFiles",
    "ClipName",
    "ClipTable",
    "DataSet",
    "Report",
    "TestClips",
    "TestClips2020",
    "TestClips2021",
    "TestClips2022",
    "TrainClips",
    "WaveStore",
    "Year",
    "attributes_of",
    "build",
    "check",
    "check_usable",
    "index",
    "load",
    "open_set",
    "parse",
    "rows_of",
    "rules",
    "write_mark",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
