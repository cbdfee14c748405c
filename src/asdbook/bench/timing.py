"""Paired timing: the two sides take turns, so that a busy machine slows both; and what the machine could do at most."""

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


def matrix_rate(precision: str, size: int) -> float:
    """FLOP/s of a product of two matrices of `size` x `size`, the median of three after one unmeasured.

    Args:
        precision: "float32" or "bf16".
        size: 4096 and above keeps the processor busy with arithmetic alone.
    """
    import torch

    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, dtype=kind) for _ in range(2))
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        torch.matmul(a, b)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(seconds[1:])


def operations(work: Callable[[], object]) -> int:
    """Floating-point operations of matrix products and convolutions."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()
