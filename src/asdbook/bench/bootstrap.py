"""Bootstrap of a year's official score: `metrics.evaluate` against a loop over scikit-learn's roc_auc_score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from asdbook import metrics
from asdbook.bench.timing import alternate

MACHINES, CELL = 7, 50  # a 2023 development set: 7 machines, 50 test clips per domain and label
DRAWS, LOOP_DRAWS = 2000, 20  # the loop is timed on fewer resamples: its cost a resample is constant


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row: resamples a second of both sides, and the largest gap between their point estimates."""
    clips = _clips()

    def ours() -> dict[str, Any]:
        return metrics.evaluate(
            2023,
            clips["machine"],
            clips["unit"],
            clips["label"],
            clips["score"],
            domain=clips["domain"],
            draws=DRAWS,
        ).as_dict()

    def reference() -> float:
        rng = np.random.default_rng(0)
        return float(np.mean([_omega(clips, _resample(clips, rng)) for _ in range(LOOP_DRAWS)]))

    gap = abs(ours()["score"]["value"] - _omega(clips, np.arange(len(clips["label"]))))
    fast, slow = alternate(ours, reference, rounds=3)
    rate, loop_rate = DRAWS / fast, LOOP_DRAWS / slow
    return [
        {
            "ours": "metrics.evaluate",
            "reference": "loop over scikit-learn",
            "work": f"Omega of {MACHINES} machines, {len(clips['label'])} clips",
            "unit": "resamples/s",
            "ours_rate": rate,
            "reference_rate": loop_rate,
            "ratio": rate / loop_rate,
            "agreement": f"Omega differs by {gap:.0e}",
        }
    ]


def _clips() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    rows = [
        (f"machine{m}", "00", domain, label)
        for m in range(MACHINES)
        for domain in ("source", "target")
        for label in (0, 1)
        for _ in range(CELL)
    ]
    machine, unit, domain, label = (np.array(column, dtype=object) for column in zip(*rows))
    label = label.astype(int)
    return {
        "machine": machine,
        "unit": unit,
        "domain": domain,
        "label": label,
        "score": rng.normal(0.6 * label, 1.0),
    }


def _resample(clips: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Positions drawn with replacement within machine × domain × label (blocks of `CELL` clips)."""
    blocks = np.arange(len(clips["label"])).reshape(-1, CELL)
    return np.concatenate([rng.choice(block, CELL) for block in blocks])


def _omega(clips: dict[str, np.ndarray], chosen: np.ndarray) -> float:
    """The official score as one writes it with scikit-learn."""
    from sklearn.metrics import roc_auc_score

    label, score = clips["label"][chosen], clips["score"][chosen]
    machine, domain = clips["machine"][chosen], clips["domain"][chosen]
    values = []
    for name in np.unique(machine):
        here = machine == name
        for d in ("source", "target"):
            pick = here & ((domain == d) | (label == 1))
            values.append(roc_auc_score(label[pick], score[pick]))
        values.append(roc_auc_score(label[here], score[here], max_fpr=0.1))
    return len(values) / sum(1.0 / max(v, np.finfo(float).eps) for v in values)
