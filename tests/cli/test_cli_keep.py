"""`asdbook records` and `asdbook evaluate`: one damaged record hides no other; notes are printed."""

from __future__ import annotations

import pandas as pd
import pytest

from asdbook import cli
from asdbook.experiment import records

DATA = dict(name="hall", kind="real", year=None, fingerprint="ab", machines=["fan"])
COUNTS = dict(train_clips=2, test_clips=2, seconds=4.0)


def keep(folder, variant):
    """A record of five test clips, one without a label."""
    record = records.Record(
        schema=1, system="trivial", variant=variant, system_version=1, title="t", config={}, profile="smoke",
        data={**DATA, **COUNTS}, seed=110, metrics={}, decision={}, cost={}, device={}, numeric_mode={},
        versions={}, commit="abc", started="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    files = [f"fan/test/{k}.wav" for k in range(5)]
    scores = pd.DataFrame({"file": files, "machine": "fan", "unit": "00", "domain": None, "split": "test"})
    scores["label"] = ["normal", "anomaly", "normal", "anomaly", None]
    scores["recording"], scores["score"], scores["decision"] = files, [0.0, 2.0, 1.0, 3.0, 4.0], 0
    records.write(folder, record, scores, {})


@pytest.fixture
def kept(own_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mean", "p95"):
        keep(own_home / "runs" / f"run-{name}" / "1", name)
        keep(tmp_path / "book" / "results" / "trivial" / f"{name}-hall", name)
    return own_home


def test_a_damaged_record_hides_no_other(kept, tmp_path, capsys):
    (kept / "runs" / "run-mean" / "1" / "record.json").write_text("{")
    (tmp_path / "book" / "results" / "trivial" / "mean-hall" / "record.json").write_text('{"schema": 1}')
    assert cli.main(["records"]) == 0
    runs, committed = capsys.readouterr().out.split("\n\n")
    for part, names in ((runs, ("run-mean", "run-p95")), (committed, ("mean-hall", "p95-hall"))):
        [bad] = [line for line in part.splitlines() if names[0] in line.split()]
        [good] = [line for line in part.splitlines() if names[1] in line.split()]
        assert "damaged: " in bad and "run again with --fresh" in bad
        assert "trivial:p95" in good and "damaged" not in good
    assert "2 committed records" in committed


def test_evaluate_takes_an_experiments_folder_and_prints_notes(kept, capsys):
    assert cli.main(["evaluate", str(kept / "runs" / "run-mean")]) == 0
    out = capsys.readouterr().out
    assert "note: 1 of 5 test clips have no label: not evaluated" in out and "1.000" in out
