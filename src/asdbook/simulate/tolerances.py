"""How copies of one design differ: by the same physical kinds as faults do (methods/simulator.md 1b.4, 4).

Speed, balance of the components, harmonic lines, mode frequencies and amplitudes, knee and tilt of noise. The
draws come from `individual` alone, so that a spread of 0 gives identical copies.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from asdbook.simulate.copies import Tolerance
from asdbook.simulate.impacts import Modes

SPEED = 0.02
"""Relative standard deviation of speed between copies."""
BALANCE_DB = 2.0
"""Standard deviation of each component's level between copies."""
LINES_DB = 2.5
"""Standard deviation of each harmonic line between copies."""
KNEE = 0.05
"""Relative standard deviation of noise knees and time constants between copies."""
TILT = 0.1
"""Standard deviation of the exponent by which noise falls."""


def factor(individual: Tolerance, sd: float) -> float:
    """exp N(0, sd), held within 2.5 sd: a copy whose deviation nobody would ship does not occur."""
    return float(np.exp(np.clip(individual.normal(0.0, sd), -2.5 * sd, 2.5 * sd)))


def tilt(individual: Tolerance, fall: float) -> float:
    """The exponent `fall` of this copy's noise."""
    return fall + float(np.clip(individual.normal(0.0, TILT), -2.5 * TILT, 2.5 * TILT))


def tuned(individual: Tolerance, lines: np.ndarray) -> np.ndarray:
    """A stack's line amplitudes in this copy: LINES_DB a line, the stack stays at unit RMS."""
    own = lines * 10 ** (np.clip(individual.normal(0.0, LINES_DB, len(lines)), -6, 6) / 20)
    return own / np.sqrt(np.sum(own**2) / 2)


def balance(individual: Tolerance, shares: Mapping[str, float]) -> dict[str, float]:
    """The components' RMS in this copy: BALANCE_DB each, total power as designed."""
    db = np.clip(individual.normal(0.0, BALANCE_DB, len(shares)), -5, 5)
    own = np.array(list(shares.values())) * 10 ** (db / 20)
    own *= np.sqrt(sum(share**2 for share in shares.values()) / np.sum(own**2))
    return {name: float(share) for name, share in zip(shares, own)}


def cast(individual: Tolerance, modes: Modes) -> Modes:
    """A part's resonances in this copy: frequencies exp N(0, 5 %), amplitudes N(0, 1.5 dB)."""
    return modes.jittered(individual, 0.05, 1.5)
