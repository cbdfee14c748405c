"""Who gets what: attributes, faults, severities, noise ratios and gains of the clips of one cell.

A cell is (machine, role, part, label); a part is a domain or a machine ID. Attribute values are the same permuted
list for normal and anomalous clips, noise ratios and gains the same permuted quantiles: none of them tells the
label, not even by chance. Running numbers carry nothing, since every list is permuted against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from asdbook.simulate.seeds import balanced, permuted_quantiles, stream
from asdbook.simulate.site import GAIN_DB, SNR_DB
from asdbook.simulate.spec import Spec

SEVERITY = (0.4, 1.0)
"""Range of severities in test: below 0.4 no fair ranking of systems is possible."""
SEVERITY_POWER = 1.5
"""Amplitude law g1 s^1.5: vanishes at 0, -12 dB at 0.4."""


@dataclass(frozen=True)
class Lot:
    """What one clip was given.

    Attributes:
        shown: attribute values in the file name.
        values: attribute values that the sound has (other than `shown` where hidden or a premise is off).
        physics: the part whose physics the sound has (other than the clip's where `shift` is off).
        snr_db, gain_db: healthy reference over noise, and clip gain.
        fault: name or None.
        severity: 0 for normal clips.
        gain: g1 s^1.5 of the fault.
    """

    shown: Mapping[str, str]
    values: Mapping[str, str]
    physics: str
    snr_db: float
    gain_db: float
    fault: str | None
    severity: float
    gain: float


@lru_cache(maxsize=64)
def lots(spec: Spec, machine: str, role: str, part: str, label: str, total: int) -> tuple[Lot, ...]:
    """The lots of all `total` clips of a cell."""
    key = (spec.preset, spec.data_seed, machine, role, part)
    shown, values, physics = _attributes(spec, machine, part, total, key)
    snr = SNR_DB[0] + (SNR_DB[1] - SNR_DB[0]) * permuted_quantiles(stream(*key, label, "snr"), total)
    gain = GAIN_DB * (2 * permuted_quantiles(stream(*key, label, "gain"), total) - 1)
    faults, severity = _drawn_faults(spec, machine, label, total, key)
    strengths = spec.machine(machine).strengths
    return tuple(
        Lot(
            shown=shown[i],
            values=values[i],
            physics=physics,
            snr_db=float(snr[i]),
            gain_db=float(gain[i]),
            fault=faults[i],
            severity=float(severity[i]),
            gain=_gain(strengths, faults[i], float(severity[i])),
        )
        for i in range(total)
    )


def _attributes(
    spec: Spec, machine: str, part: str, total: int, key: tuple[str | int, ...]
) -> tuple[list[dict[str, str]], list[dict[str, str]], str]:
    """Values shown, values heard, and the part of the physics; the lists do not depend on the label."""
    layout = spec.machine(machine).layout
    combos = layout.combinations(part)
    picks = balanced(stream(*key, "attributes"), len(combos), total)
    shown = [combos[i] for i in picks]
    physics = "source" if "shift" in spec.premise_off else part
    heard = layout.combinations(physics)
    if physics != part:  # every setting of the source equally often, whatever the target's names show
        picks = balanced(stream(*key, "heard attributes"), len(heard), total)
    values = [heard[i] for i in picks]
    if "groups" in spec.premise_off:
        values = [heard[0]] * total
    if "attributes" in spec.premise_off:
        shown = [shown[i] for i in stream(*key, "shuffled attributes").permutation(total)]
    if layout.hidden:
        shown = [{}] * total
    return shown, values, physics


def _gain(strengths: Mapping[str, float], fault: str | None, severity: float) -> float:
    return 10 ** (strengths[fault] / 20) * severity**SEVERITY_POWER if fault else 0.0


def _drawn_faults(
    spec: Spec, machine: str, label: str, total: int, key: tuple[str | int, ...]
) -> tuple[list[str | None], np.ndarray]:
    """Each fault equally often; severities stratified over their range."""
    if label == "normal":
        return [None] * total, np.zeros(total)
    names = spec.faults_of(machine)
    picks = balanced(stream(*key, "faults"), len(names), total)
    low, high = SEVERITY
    severity = low + (high - low) * permuted_quantiles(stream(*key, "severity"), total)
    if spec.severity is not None:
        severity = np.full(total, float(spec.severity))
    return [names[i] for i in picks], severity
