"""Paired timing: the two sides take turns, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

SETTLE_SECONDS = 0.1  # OpenBLAS spins for about 30 ms after its last product


def alternate(
    ours: Callable[[], object], reference: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Median seconds of each side over `rounds` turns, after one unmeasured turn each.

    Threads of the library that worked last go on spinning for some milliseconds: each turn waits for them to sleep.
    """
    sides = (ours, reference)
    for side in sides:
        side()
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, taken in zip(sides, seconds):
            time.sleep(SETTLE_SECONDS)
            start = time.perf_counter()
            side()
            taken.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])
