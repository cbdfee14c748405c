"""The benchmark of auddsr measures what it says: the same weights, clips and codes on both sides."""

import re
import time

import pytest
import torch

from asdbook import bench
from asdbook.bench import auddsr
from asdbook.nn.quantiser import nearest


@pytest.fixture(scope="module")
def rows():
    sizes = {"CLIPS": 4, "SIZES": "tiny", "ROUNDS": 1, "SIZE": 64}
    with pytest.MonkeyPatch.context() as patch:
        for name, size in {**sizes, "CODES": 64, "DIMENSION": 8, "VECTORS": 256, "FEW": 32}.items():
            patch.setattr(auddsr, name, size)
        yield bench.run(["auddsr"], threads=1)["rows"]


def test_each_row_compares_two_sides_on_the_same_work(rows):
    kinds = ["general stage"] * 2 + ["object stage"] * 2 + ["scoring"] * 2 + ["nearest codes"] * 2
    assert [row["ours"].split(",")[0] for row in rows] == kinds
    for row in rows:
        assert row["ours_rate"] / row["reference_rate"] == pytest.approx(row["ratio"])
        assert row["benchmark"] == "auddsr" and row["ours"] != row["reference"]


def test_both_sides_of_a_training_start_from_the_same_loss(rows):
    for row in rows[:4]:
        ours, plain = map(float, re.findall(r"\d+\.\d+", row["agreement"])[:2])
        bf16 = "bf16" in row["ours"]
        assert ours == pytest.approx(plain, rel=0.05 if bf16 else 1e-3)


def test_scores_agree_to_rounding(rows):
    for row in rows[4:6]:
        assert float(re.search(r"differ by (\S+);", row["agreement"]).group(1)) < 1e-2  # a code may change places


def test_searches_find_the_same_codes(rows):
    for row in rows[6:]:
        assert row["agreement"].startswith("100.00% of codes")
    assert "13.4 GB" in rows[6]["agreement"]  # methods/auddsr.md 3.4, item 6


def test_a_step_trains(monkeypatch):
    monkeypatch.setattr(auddsr, "CLIPS", 4)
    monkeypatch.setattr(auddsr, "SIZES", "tiny")
    side = auddsr._side("float32")
    for step in (side.general_step, side.object_step):
        losses = [step() for _ in range(8)]
        assert losses[-1] < losses[0]


@pytest.mark.skipif(not auddsr.MEMORY.exists(), reason="memory is read from /proc")
def test_peak_memory_is_that_of_what_is_held():
    """20 million numbers are 80 MB, also when they are gone at the end; nothing is held by nothing."""

    def work():
        held = torch.ones(20_000_000)
        time.sleep(0.1)
        del held

    work()
    assert 75 < auddsr.peak_mb(work) < 120
    assert auddsr.peak_mb(lambda: time.sleep(0.02)) < 40


def test_both_plain_searches_are_the_nearest_codes():
    torch.manual_seed(0)
    features, codes = torch.randn(50, 6), torch.randn(20, 6)
    for search in (auddsr.distance_matrix, auddsr.differences):
        assert torch.equal(search(features, codes), nearest(features, codes))
