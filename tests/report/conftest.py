"""A record like those that `asdbook.experiment` writes, small and made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from asdbook import metrics, simulate
from asdbook.experiment import records

MACHINES = ("fan", "valve")


def scores_frame(seed: int) -> pd.DataFrame:
    """24 test clips and 12 held-out training clips a machine; anomalies score higher."""
    rng = np.random.default_rng(seed)
    rows = []
    for machine in MACHINES:
        for split, count in (("test", 24), ("train", 12)):
            for k in range(count):
                domain = "source" if k % 2 else "target"
                label = "anomaly" if split == "test" and k % 4 < 2 else "normal"
                value = rng.normal(1.0 if label == "anomaly" else 0.0, 1.0)
                name = f"{machine}/{split}/{k}.wav"
                rows.append([name, machine, "00", domain, label, split, name, value, int(value > 1)])
    return pd.DataFrame(rows, columns=records.SCORE_COLUMNS)


def evaluation(frame: pd.DataFrame, year: int = 2023) -> dict:
    """Official metrics of the test clips of a frame of scores."""
    test = frame[frame["split"] == "test"]
    domain = None if year == 2020 else test["domain"].to_numpy(object)
    return metrics.evaluate(
        year, test["machine"].to_numpy(object), test["unit"].to_numpy(object),
        (test["label"] == "anomaly").to_numpy(int), test["score"].to_numpy(float), domain=domain, draws=20, seed=0,
    ).as_dict()


def build_record(seed: int = 110, **changes) -> tuple[records.Record, pd.DataFrame]:
    frame = scores_frame(seed)
    official = evaluation(frame)
    fields = {
        "schema": 1, "system": "autoencoder", "variant": "mse", "system_version": 1,
        "title": "Autoencoder", "config": {"epochs": 2}, "profile": "smoke",
        "data": records.DataInfo(
            name="synthetic-2023", kind="synthetic", year=2023, seed=seed, profile="smoke",
            simulator_version=simulate.VERSION, fingerprint="f" * 64, machines=list(MACHINES), train_clips=24,
            test_clips=48, seconds=288.0),
        "seed": seed, "metrics": {"official": official, "same_domain": official},
        "decision": {"machines": {m: {"threshold": 1.0} for m in MACHINES}},
        "loss_history": {"fan": [30.0, 12.5], "valve": [28.0, 11.0]},
        "cost": {"phases": {"fit": 3.0}, "wall_seconds": 4.0, "peak_memory_mb": 312.4,
                 "clips_per_second": 99.0, "parameters": {"fan": 267928, "valve": 267928}},
        "device": {"kind": "cpu", "name": "a processor", "threads": 1},
        "numeric_mode": {"device": "cpu", "precision": "float32", "compile": False, "threads": 1},
        "versions": {"python": "3.11", "torch": "2.11.0"}, "commit": "0123456789ab",
        "started": "2026-02-03T04:05:06+00:00", "deviations": ["first"], "knows": ["machine"],
    }
    return records.Record(**{**fields, **changes}), frame


@pytest.fixture(scope="session")
def make_record():
    """`make_record(seed, **changes)` gives a record and its scores."""
    return build_record


@pytest.fixture
def commit(tmp_path, monkeypatch):
    """`commit(label, seed, frame, arrays, data, **changes)` writes a record of profile quick into an empty checkout.

    Its metrics are those of the frame; `data` changes fields of `DataInfo`, `changes` those of the record.
    """
    monkeypatch.setenv("ASDBOOK_BOOK", str(tmp_path))
    monkeypatch.delenv("ASDBOOK_STATIC", raising=False)
    results = tmp_path / "book" / "results"
    results.mkdir(parents=True)

    def one(label, data_seed, frame, arrays=None, data=None, *, seed=None, **changes):
        system, _, variant = label.partition(":")
        info = build_record(data_seed)[0].data.model_copy(update={"profile": "quick", **(data or {})})
        record, _ = build_record(data_seed, **{
            "system": system, "variant": variant, "profile": "quick", "data": info,
            "metrics": {"official": evaluation(frame, info.year)}, **changes})  # fmt: skip
        if seed is not None:  # trained with another seed than that of the data
            record = record.model_copy(update={"seed": seed})
        records.write(results / system / record.slug, record, frame, arrays or {})
        return records.load(results / system / record.slug)

    return one


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A checkout with committed records of three data seeds, and a static folder."""
    for seed in (110, 111, 112):
        record, frame = build_record(seed)
        records.write(tmp_path / "book" / "results" / "autoencoder" / record.slug, record, frame, {})
    monkeypatch.setenv("ASDBOOK_BOOK", str(tmp_path))
    monkeypatch.setenv("ASDBOOK_STATIC", str(tmp_path / "static"))
    return tmp_path
