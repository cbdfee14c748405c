"""The measurement of detectors compares like with like."""

import pytest

from asdbook.bench import detectors


@pytest.fixture
def small(monkeypatch):
    sizes = {"MACHINES": 2, "TRAIN": 60, "TEST": 15, "KNN_DIMENSIONS": 32, "MAHALANOBIS_DIMENSIONS": 8, "ROUNDS": 1}
    for name, value in sizes.items():
        monkeypatch.setattr(detectors, name, value)


def test_both_sides_find_the_same(small):
    said = []
    rows = detectors.measure(said.append)
    assert [row["ours"] for row in rows] == ["Knn", "Knn", "Mahalanobis"]
    assert [row["agreement"].split(",")[0] for row in rows[:2]] == ["30 of 30 neighbours"] * 2
    assert float(rows[2]["agreement"].split()[3]) < 1e-9
    assert all(row["work"].startswith("2 machines, 60 x 15 clips of") and row["ratio"] > 0 for row in rows)
    assert len(said) == 2


def test_a_difference_would_show(small, monkeypatch):
    """A detector that looks at the wrong clips is told apart from one that does not."""
    unit = detectors._unit
    monkeypatch.setattr(detectors, "_unit", lambda embeddings: unit(embeddings.flip(0)))
    rows = detectors.measure(lambda text: None)
    assert not rows[0]["agreement"].startswith("30 of 30")
    assert float(rows[2]["agreement"].split()[3]) > 1e-3
