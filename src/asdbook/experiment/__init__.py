"""Experiments: `run` takes a system through a data set and leaves a record.

`records` is torch-free; everything else is loaded when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asdbook.experiment.runner import run as run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from asdbook.experiment.runner import run

        return run
    raise AttributeError(name)
