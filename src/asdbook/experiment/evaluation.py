"""From scores to metrics, decisions and the tables of a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from asdbook import metrics
from asdbook.errors import BadInput
from asdbook.experiment.records import SCORE_COLUMNS

if TYPE_CHECKING:
    from asdbook.data import DataSet
    from asdbook.systems.base import Context, Scores, System

BOOTSTRAP_SEED = 0  # the same resamples for every system and seed: differences are then paired
FIGURE_BYTES = 800_000  # of arrays before compression, so that a record stays within its 1 MB


def check_usable(data: DataSet) -> list[str]:
    """Refuses a set that cannot be trained on and scored, before anything expensive starts.

    Recordings of one's own need no test clips and no labels: thresholds come from training clips alone.

    Returns:
        What the record should say of test clips or labels that are not there.
    """
    from asdbook.data import check_usable as check_table

    own = data.kind == "real" and data.year is None
    check_table(with_test(data).table, need_test=not own)
    if data.year is not None:
        rule = metrics.rule(data.year)  # a year without rules is refused here, not after training
        test = data.test_table().frame
        blind = test["label"].notna() & test["domain"].isna()
        if rule.domains and blind.any():
            raise BadInput(
                f"{test['path'][blind].iloc[0]}: its label is known and its domain is not, which the rules of "
                f"{data.year} need: add ground_truth_domain to the truth folder"
            )
    return _gaps(data.test_table().frame, data.table.machines) if own else []


def with_test(data: DataSet) -> DataSet:
    """A built-in set without its additional machines (training clips alone); any other set as it is.

    Of recordings an official machine without test clips is more likely an archive that was not unpacked: refused.
    """
    if data.kind != "synthetic":
        return data
    tested = data.test_table().machines
    return data.select(tested) if tested else data


def _gaps(test: pd.DataFrame, machines: Sequence[str]) -> list[str]:
    notes = []
    for machine in machines:
        label = test["label"][test["machine"] == machine]
        known = set(label.dropna())
        if label.empty:
            notes.append(f"{machine}: no test clips, so no metrics; the threshold comes from training clips")
        elif not known:
            notes.append(f"{machine}: test clips without labels: scored, no metrics")
        elif label.isna().any():
            notes.append(f"{machine}: {int(label.isna().sum())} test clips without label are scored, not evaluated")
        if len(known) == 1:
            missing = "anomalous" if known == {"normal"} else "normal"
            notes.append(f"{machine}: no {missing} test clip, so no AUC")
    return notes


def assess(
    data: DataSet, system: System, scores: Scores, ctx: Context
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]], dict[str, Any]]:
    """The record's scores table, metrics by convention, and decision."""
    table = score_table(data, system, scores)
    decision = calibrate(table, system)
    thresholds = table["machine"].map({m: d["threshold"] for m, d in decision["machines"].items()})
    table["decision"] = (table["score"] > thresholds).astype(int)
    decision = {**decision, **rates(table)}
    return table[SCORE_COLUMNS], official_metrics(table, data.year), decision


def _unit(frame: pd.DataFrame, year: int | None) -> pd.Series:
    from asdbook.data import rules

    return frame[rules(year).unit].fillna("00").astype(str)


def score_table(data: DataSet, system: System, scores: Scores) -> pd.DataFrame:
    """One row a test clip and one an out-of-sample training clip."""
    parts = []
    train = system.train_scores_
    for split, source, result in (
        ("test", data.test_table().frame, scores),
        ("train", data.train_table().frame, train),
    ):
        rows = source if result.clips is None else source.iloc[np.asarray(result.clips)]
        parts.append(
            pd.DataFrame(
                {
                    "file": rows["path"].astype("string").to_numpy(),
                    "machine": rows["machine"].astype("string").to_numpy(),
                    "unit": _unit(rows, data.year).to_numpy(),
                    "domain": rows["domain"].astype("string").to_numpy(),
                    "label": rows["label"].astype("string").to_numpy(),
                    "split": split,
                    "recording": rows["recording"].astype("string").to_numpy(),
                    "score": np.asarray(result.values, dtype=np.float64),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def official_metrics(
    table: pd.DataFrame, year: int | None, draws: int = 2000
) -> dict[str, dict[str, Any]]:
    """The year's metrics of the labelled test clips; from 2022 on in both domain conventions; {} without labels."""
    test = table[(table["split"] == "test") & table["label"].notna()]
    if test.empty:
        return {}
    year = year or 2020  # one's own recordings: machine IDs, no domains
    domain = None if test["domain"].isna().all() else test["domain"].to_numpy(dtype=object)
    conventions = ["official", "same_domain"] if year >= 2022 and domain is not None else ["official"]
    return {
        convention: metrics.evaluate(
            year,
            test["machine"].to_numpy(dtype=object),
            test["unit"].to_numpy(dtype=object),
            (test["label"] == "anomaly").to_numpy(dtype=int),
            test["score"].to_numpy(dtype=float),
            domain=domain,
            recording=test["recording"].to_numpy(dtype=object),
            convention=convention,
            draws=draws,
            seed=BOOTSTRAP_SEED,
        ).as_dict()
        for convention in conventions
    }


def calibrate(table: pd.DataFrame, system: System) -> dict[str, Any]:
    """A threshold a machine: 0.9 quantile of a gamma fitted to out-of-sample training scores.

    A system with `threshold_scores_` (a mapping machine → scores) uses those instead: the official rule.
    """
    own: dict[str, np.ndarray] | None = getattr(system, "threshold_scores_", None)
    machines: dict[str, Any] = {}
    for machine, rows in table[table["split"] == "train"].groupby("machine"):
        basis = rows["score"].to_numpy(dtype=float) if own is None else np.asarray(own[str(machine)])
        fitted = metrics.threshold(basis, quantile=0.9)
        machines[str(machine)] = {"threshold": fitted.value, **fitted.as_dict(), "scores": len(basis)}
    rule = "out-of-sample training clips" if own is None else "batch losses (official code)"
    return {"quantile": 0.9, "fitted_to": rule, "machines": machines}


def rates(table: pd.DataFrame) -> dict[str, Any]:
    """False-alarm and detection rates at the one threshold, per machine and domain."""
    rows = []
    test = table[table["split"] == "test"]
    test = test.assign(domain=test["domain"].fillna(""))  # "": a set without domains
    for (machine, domain), part in test.groupby(["machine", "domain"]):
        normal, anomaly = part["label"] == "normal", part["label"] == "anomaly"
        rows.append(
            {
                "machine": str(machine),
                "domain": str(domain) or None,
                "false_alarm": _mean(part["decision"][normal]),
                "detection": _mean(part["decision"][anomaly]),
                "normals": int(normal.sum()),
                "anomalies": int(anomaly.sum()),
            }
        )
    return {"rates": rows}


def _mean(values: pd.Series) -> float | None:
    return None if values.empty else float(values.mean())


def figure_arrays(system: System, scores: Scores, note: Callable[[str], None]) -> dict[str, np.ndarray]:
    """Arrays that figures need, float16; the largest are left out, with a note, where all would not fit a record."""
    arrays: dict[str, np.ndarray] = {}
    if scores.embeddings is not None:
        arrays["test_embeddings"] = np.asarray(scores.embeddings, dtype=np.float16)
    extra = getattr(system, "figures", None)
    if callable(extra):
        for name, found in extra().items():  # whole numbers stay what they are
            values = np.asarray(found)
            arrays[name] = values.astype(np.float16) if np.issubdtype(values.dtype, np.floating) else values
    kept: dict[str, np.ndarray] = {}
    for name, array in sorted(arrays.items(), key=lambda item: item[1].nbytes):
        if sum(a.nbytes for a in kept.values()) + array.nbytes <= FIGURE_BYTES:
            kept[name] = array
        else:
            note(f"array {name} of {array.nbytes / 1000:.0f} kB is not kept for figures: a record holds "
                 f"{FIGURE_BYTES / 1000:.0f} kB of them")  # fmt: skip
    return kept
