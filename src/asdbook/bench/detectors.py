"""Scoring with detectors that are fitted: ours against scikit-learn, machine by machine, on the same threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook.bench.timing import alternate

if TYPE_CHECKING:
    import torch

MACHINES, TRAIN, TARGET, TEST = 7, 1000, 10, 200  # a 2023 development set
KNN_DIMENSIONS, MAHALANOBIS_DIMENSIONS = 1024, 256
ROUNDS = 5


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Nearest neighbours, against both of scikit-learn's brute-force searches, and Mahalanobis distances."""
    import torch
    from threadpoolctl import threadpool_limits

    with threadpool_limits(torch.get_num_threads()):  # scikit-learn's threads are not torch's
        progress("detectors, nearest neighbours")
        sets = _sets(KNN_DIMENSIONS)
        rows = [_knn(sets, "cosine"), _knn(sets, "euclidean")]
        progress("detectors, Mahalanobis")
        return [*rows, _mahalanobis(_sets(MAHALANOBIS_DIMENSIONS))]


def _sets(dimensions: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Training embeddings (float32), their domain and test embeddings of each machine: twenty clusters."""
    import torch

    draw = torch.Generator().manual_seed(0)

    def embeddings(centres: torch.Tensor, count: int) -> torch.Tensor:
        drawn = torch.randint(len(centres), (count,), generator=draw)
        return centres[drawn] + 0.6 * torch.randn(count, dimensions, generator=draw)

    found = []
    for _ in range(MACHINES):
        centres = torch.randn(20, dimensions, generator=draw)
        target = torch.arange(TRAIN) >= TRAIN - TARGET
        found.append((embeddings(centres, TRAIN), target, embeddings(centres, TEST)))
    return found


def _knn(sets: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]], metric: str) -> dict[str, Any]:
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import normalize

    from asdbook.detectors import Knn
    from asdbook.detectors.neighbours import Bank

    names = [str(i) for i in range(TRAIN)]
    detectors = [Knn(metric=metric).fit(train, target, names, 0) for train, target, _ in sets]  # type: ignore[arg-type]
    searches = [
        NearestNeighbors(n_neighbors=1, algorithm="brute", metric=metric).fit(normalize(train.numpy()))
        for train, _, _ in sets
    ]

    def ours() -> list[torch.Tensor]:
        return [detector.score(test) for detector, (_, _, test) in zip(detectors, sets)]

    def reference() -> list[tuple[np.ndarray, np.ndarray]]:
        return [search.kneighbors(normalize(test.numpy())) for search, (_, _, test) in zip(searches, sets)]

    theirs = reference()
    gap = max(np.abs(a.numpy() - b[0][:, 0]).max() for a, b in zip(ours(), theirs))
    rows = [Bank(d.state()["bank"]).nearest(_unit(test), 1)[1] for d, (_, _, test) in zip(detectors, sets)]
    same = sum(int((a.numpy() == b[1]).sum()) for a, b in zip(rows, theirs))
    agreement = f"{same} of {MACHINES * TEST} neighbours, gap {gap:.0e}"
    return _row("Knn", f"NearestNeighbors, brute, {metric}", KNN_DIMENSIONS, ours, reference, agreement)


def _mahalanobis(sets: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> dict[str, Any]:
    from sklearn.covariance import LedoitWolf

    from asdbook.detectors import Mahalanobis

    names = [str(i) for i in range(TRAIN)]
    detectors = [Mahalanobis().fit(train, target, names, 0) for train, target, _ in sets]
    units = [(_unit(train).numpy(), target.numpy(), _unit(test).numpy()) for train, target, test in sets]
    estimators = [LedoitWolf().fit(train[~target]) for train, target, _ in units]

    def ours() -> list[torch.Tensor]:
        return [detector.score(test) for detector, (_, _, test) in zip(detectors, sets)]

    def reference() -> list[np.ndarray]:
        found = []
        for estimator, (train, target, test) in zip(estimators, units):
            to_target = estimator.location_ - train[target].mean(axis=0)  # its own mean, moved to the target's
            found.append(np.minimum(estimator.mahalanobis(test), estimator.mahalanobis(test + to_target)))
        return found

    gap = max(np.abs(a.numpy() / b - 1).max() for a, b in zip(ours(), reference()))
    agreement = f"scores differ by {gap:.0e} of themselves"
    return _row("Mahalanobis", "LedoitWolf.mahalanobis", MAHALANOBIS_DIMENSIONS, ours, reference, agreement)


def _unit(embeddings: torch.Tensor) -> torch.Tensor:
    return embeddings.double() / embeddings.double().norm(dim=1, keepdim=True)


def _row(
    name: str,
    other: str,
    dimensions: int,
    ours: Callable[[], object],
    reference: Callable[[], object],
    agreement: str,
) -> dict[str, Any]:
    fast, slow = alternate(ours, reference, ROUNDS)
    return {
        "ours": name,
        "reference": other,
        "work": f"{MACHINES} machines, {TRAIN} x {TEST} clips of {dimensions}",
        "unit": "clips/s",
        "ours_rate": MACHINES * TEST / fast,
        "reference_rate": MACHINES * TEST / slow,
        "ratio": slow / fast,
        "agreement": agreement,
    }
