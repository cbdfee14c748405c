"""Copies of a machine: manufacturing tolerances, drawn once per individual (machine ID, toy car A1 ... E2)."""

from __future__ import annotations

from typing import overload

import numpy as np


class Tolerance:
    """Normal deviations of one copy from the common design, all scaled by one `spread`.

    Spread 0 makes all copies alike (premise `ids` off); 1 gives the tolerances as a family writes them.
    """

    def __init__(self, rng: np.random.Generator, spread: float = 1.0):
        self.rng, self.spread = rng, spread

    @overload
    def normal(self, loc: float, scale: float) -> float: ...
    @overload
    def normal(self, loc: float, scale: float, size: int) -> np.ndarray: ...
    def normal(self, loc: float, scale: float, size: int | None = None) -> float | np.ndarray:
        """As `numpy.random.Generator.normal`, the deviation from `loc` times the spread."""
        return loc + self.spread * scale * self.rng.standard_normal(size)
