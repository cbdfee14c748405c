"""Realism anchor: does the official autoencoder show the pattern of its published results?

Published for 2023 (methods/baseline.md 8, squared error, seven development machines). Two questions [our choice of
bands]: is AUC source well above AUC target (by at least 0.05), and do the means of both lie within the range that
the seven real machines span?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asdbook.experiment.simcheck.bands import Band, Check, check, mean_of
from asdbook.papers import baseline

SYSTEM = "autoencoder:mse"
WELL_ABOVE: Band = (0.05, None)
QUANTITIES = ("AUC source", "AUC target")


def published(quantity: str) -> list[float]:
    """The seven machines' printed values, as fractions."""
    return [round(float(percent) / 100, 4) for percent in baseline("baseline_2023_dev", "mse")[quantity]]


def anchor(
    preset: str, seeds: Sequence[int], profile: str, machines: Sequence[str] | None, progress: Callable[[str], None]
) -> tuple[list[Check], list[Check]]:
    """Check 10: summaries and details (one a machine)."""
    from asdbook.experiment import run

    found: dict[str, list[dict[str, float]]] = {}
    for seed in seeds:
        progress(f"check 10: {SYSTEM} on {preset}, data seed {seed}")
        record = run(
            SYSTEM, preset, profile=profile, data_seed=seed, seed=seed, machines=machines, progress=progress
        ).record
        for row in record.metrics["official"]["machines"]:
            cells = {cell["quantity"]: cell["value"] for cell in row["cells"]}
            found.setdefault(row["machine"], []).append(cells)
    return judge_anchor(found)


def judge_anchor(found: dict[str, list[dict[str, float]]]) -> tuple[list[Check], list[Check]]:
    """From AUC source and AUC target of each machine and seed to checks."""
    gaps = [
        check(
            10, "realism anchor", machine, "autoencoder AUC source - AUC target",
            [cells["AUC source"] - cells["AUC target"] for cells in rows], WELL_ABOVE,
        )
        for machine, rows in found.items()
    ]  # fmt: skip
    summaries = [mean_of(gaps, veto=False)]
    details = list(gaps)
    for quantity in QUANTITIES:
        real = published(quantity)
        band = min(real), max(real)
        note = f"band: range of the seven published machines, whose mean is {sum(real) / len(real):.3f}"
        rows = [
            check(10, "realism anchor", machine, f"autoencoder {quantity}", [one[quantity] for one in seeds], band)
            for machine, seeds in found.items()
        ]
        summaries.append(mean_of(rows, veto=False, note=note))
        details += rows
    return summaries, details
