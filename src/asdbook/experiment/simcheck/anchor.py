"""Realism anchor: does the official autoencoder show the pattern of its published results?

Published for 2023 (methods/baseline.md 8, squared error, development machines): AUC source about 0.66, AUC target
about 0.51 in the mean. The check asks for "source well above target"; [our choice] at least 0.05.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asdbook.experiment.simcheck.bands import Band, Check, check

SYSTEM = "autoencoder:mse"
WELL_ABOVE: Band = (0.05, None)
ANY: Band = (None, None)
PUBLISHED = {"AUC source": 0.657, "AUC target": 0.509}
"""Arithmetic means of the seven machines of the 2023 development set (see the test)."""


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
    from asdbook.experiment.simcheck.bands import mean_of

    gaps = [
        check(
            10, "realism anchor", machine, "autoencoder AUC source - AUC target",
            [cells["AUC source"] - cells["AUC target"] for cells in rows], WELL_ABOVE,
        )
        for machine, rows in found.items()
    ]  # fmt: skip
    summaries = [mean_of(gaps, veto=False, note="published machines differ too: -0.5 to 44 points in 2023")]
    details = list(gaps)
    for quantity, published in PUBLISHED.items():
        rows = [
            check(10, "realism anchor", m, f"autoencoder {quantity}", [cells[quantity] for cells in rows], ANY)
            for m, rows in found.items()
        ]
        summaries.append(mean_of(rows, note=f"published mean {published}"))
        details += rows
    return summaries, details
