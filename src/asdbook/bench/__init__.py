"""Speed: each measurement runs ours and what it replaces in turn, on the same work, in one process.

Ratios are what can be compared between machines; the absolute figures belong to the processor that is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import asdbook.bench.auddsr as auddsr
import asdbook.bench.autoencoder as autoencoder
import asdbook.bench.bootstrap as bootstrap
import asdbook.bench.detectors as detectors
import asdbook.bench.logmel as logmel
import asdbook.bench.ssdm as ssdm
from asdbook.errors import UnknownName
from asdbook.experiment import provenance, seeding

BENCHMARKS: dict[str, Callable[[Callable[[str], None]], list[dict[str, Any]]]] = {
    "logmel": logmel.measure,
    "autoencoder": autoencoder.measure,
    "bootstrap": bootstrap.measure,
    "detectors": detectors.measure,
    "ssdm": ssdm.measure,
    "auddsr": auddsr.measure,
}


def run(
    names: Sequence[str] | None = None,
    *,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Runs benchmarks (all by default) and returns a report with processor and versions."""
    import torch

    count = seeding.default_threads(threads)
    torch.set_num_threads(count)
    measured: list[dict[str, Any]] = []
    for name in names or list(BENCHMARKS):
        if name not in BENCHMARKS:
            raise UnknownName("benchmark", name, BENCHMARKS)
        progress(f"measuring {name}")
        measured += [{"benchmark": name, **row} for row in BENCHMARKS[name](progress)]
    versions = provenance.versions()
    machine = (
        f"{provenance.processor()}, {count} threads, torch {versions['torch']}, numpy {versions['numpy']}"
    )
    return {"machine": machine, "threads": count, "versions": versions, "rows": measured}


def rows(report: dict[str, Any]) -> list[list[str]]:
    """The report as a table of text."""
    table = [["benchmark", "ours", "reference", "work", "ours", "reference", "ratio", "same result"]]
    for r in report["rows"]:
        table.append(
            [
                r["benchmark"],
                r["ours"],
                r["reference"],
                r["work"],
                f"{r['ours_rate']:.4g} {r['unit']}",
                f"{r['reference_rate']:.4g} {r['unit']}",
                f"{r['ratio']:.2f}",
                r["agreement"],
            ]
        )
    return table
