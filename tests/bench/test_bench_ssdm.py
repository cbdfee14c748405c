"""The benchmark of ssdm measures what it says: the same weights and clips on both sides."""

import re

import pytest

from asdbook import bench
from asdbook.bench import ssdm, timing


@pytest.fixture(scope="module")
def rows():
    patch = pytest.MonkeyPatch()
    sizes = {"CLIPS": 4, "SECONDS": 0.5, "CLASSES": 3, "SIZE": 64, "SCORED": 8, "STEPS": 3, "ROUNDS": 1}
    for name, size in sizes.items():
        patch.setattr(ssdm, name, size)
    yield bench.run(["ssdm"], threads=1)["rows"]
    patch.undo()


def test_each_row_compares_two_sides_on_the_same_work(rows):
    assert [row["ours"].split(",")[0] for row in rows] == ["training", "training", "embedding", "score"]
    for row in rows:
        assert row["ours_rate"] / row["reference_rate"] == pytest.approx(row["ratio"])
        assert row["benchmark"] == "ssdm" and row["unit"] == "clips/s"


def test_both_sides_start_from_the_same_loss(rows):
    ours, plain = map(float, re.findall(r"\d+\.\d+", rows[1]["agreement"])[:2])
    assert ours == pytest.approx(plain, rel=1e-3)  # float32 on both sides
    ours, plain = map(float, re.findall(r"\d+\.\d+", rows[0]["agreement"])[:2])
    assert ours == pytest.approx(plain, rel=0.05)  # bf16


def test_scores_and_embeddings_agree_to_rounding(rows):
    for row in rows[2:]:
        assert float(re.search(r"differ by (\S+?);?( |$)", row["agreement"]).group(1)) < 1e-3


def test_the_counted_operations_are_those_of_the_layer_table():
    """372.1 + 85.8 million multiply-adds a clip of 10 s without gates (methods/building_blocks.md 1.4)."""
    import torch

    from asdbook.nn import MultiPath, SpectrogramPath, SpectrumPath

    network = MultiPath({"a": SpectrogramPath(311), "b": SpectrumPath(80_000)}).eval()
    inputs = {"a": torch.rand(1, 311, 513), "b": torch.rand(1, 80_000)}
    assert timing.operations(lambda: network(inputs)) / 2e6 == pytest.approx(372.1 + 85.8, rel=2e-3)
