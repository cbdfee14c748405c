"""Measures on the vectors that a record keeps of one machine: neighbours, labels, norms, maps in two dimensions.

A record's `figures.npz` holds `train` (vectors that the detector was fitted to) and `test` (of the machine's test
clips, in the order of its rows in `scores.csv.gz`), and of a diffusion model `z0` and `rebuilt` (z'_0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asdbook import metrics
from asdbook.errors import BadInput
from asdbook.experiment.records import Stored
from asdbook.report import verdicts

SHOWN = "slider"
"""The machine whose vectors the records of SSDM keep, as its paper shows it."""
PERPLEXITY = 30.0
"""Of t-SNE: how many neighbours a point looks at, the usual number."""


@dataclass(frozen=True)
class Vectors:
    """The vectors of one machine in one run, float64.

    Attributes:
        train: (clip, dimension).
        test: (clip, dimension).
        label: 1 = anomaly, of the test clips.
        domain: "source" or "target", of the test clips.
        score: the run's own scores of the test clips.
        z0, rebuilt: what was diffused and what came back, (clip, dimension); None where nothing was.
    """

    train: np.ndarray
    test: np.ndarray
    label: np.ndarray
    domain: np.ndarray
    score: np.ndarray
    z0: np.ndarray | None = None
    rebuilt: np.ndarray | None = None


def of(stored: Stored, machine: str = SHOWN) -> Vectors | None:
    """The vectors that a record keeps; None where it keeps none.

    Raises:
        BadInput: as many vectors as test clips are needed.
    """
    arrays = {name: np.asarray(values, dtype=float) for name, values in stored.figures().items()}
    if not {"train", "test"} <= set(arrays):
        return None
    scores = stored.scores()
    rows = scores[(scores["split"] == "test") & (scores["machine"] == machine)]
    if len(rows) != len(arrays["test"]):
        raise BadInput(f"{stored.folder.name}: {len(arrays['test'])} vectors for {len(rows)} test clips of {machine}")
    label = (rows["label"] == "anomaly").to_numpy(dtype=int)
    return Vectors(
        arrays["train"], arrays["test"], label, rows["domain"].to_numpy(dtype=object),
        rows["score"].to_numpy(dtype=float), arrays.get("z0"), arrays.get("rebuilt"),
    )  # fmt: skip


def nearest(rows: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Cosine distance of each row to the nearest one of a bank, (row,)."""
    return np.asarray(1 - (_unit(rows) @ _unit(bank).T).max(axis=1))


def purity(vectors: Vectors) -> float:
    """Share of test clips, in percent, whose nearest other test clip has the same label."""
    unit = _unit(vectors.test)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return 100 * float((vectors.label[alike.argmax(axis=1)] == vectors.label).mean())


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Over all test clips of the machine, both domains together, in percent."""
    return 100 * float(metrics.auc(label, score))


def neighbour_auc(vectors: Vectors) -> float:
    """AUC of the distance to the nearest training vector."""
    return auc(vectors.label, nearest(vectors.test, vectors.train))


def norm_auc(vectors: Vectors) -> float:
    """AUC of the length of the vector alone."""
    return auc(vectors.label, np.linalg.norm(vectors.test, axis=1))


def error_auc(vectors: Vectors) -> float:
    """AUC of the run's own scores."""
    return auc(vectors.label, vectors.score)


def norm_rank(vectors: Vectors) -> float:
    """Rank correlation of the run's scores with the length of what was diffused: near 1, the score is that length."""
    from scipy.stats import spearmanr

    length = np.linalg.norm(vectors.test if vectors.z0 is None else vectors.z0, axis=1)
    if np.ptp(length) <= 1e-3 * length.mean():  # all have one length but for float16
        return float("nan")
    return float(spearmanr(vectors.score, length).statistic)


def first_component(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows on the first principal component of training vectors, (row,)."""
    centre = train.mean(axis=0)
    return np.asarray((rows - centre) @ np.linalg.svd(train - centre, full_matrices=False)[2][0])


def flat(rows: np.ndarray, *, start: str = "pca", seed: int = 0) -> np.ndarray:
    """t-SNE in two dimensions, cosine distance: (row, 2).

    Args:
        rows: (row, dimension); of few, each looks at a third of the others.
        start: "pca" (then a seed changes nothing) or "random".
        seed: of a random start.
    """
    from sklearn.manifold import TSNE

    near = min(PERPLEXITY, (len(rows) - 1) / 3)
    made = TSNE(metric="cosine", perplexity=near, init=start, random_state=seed, n_jobs=1)
    return np.asarray(made.fit_transform(rows.astype(np.float64)))


def side_by_side(groups: Sequence[Sequence[Stored]]) -> list[Stored]:
    """One run of each group, all on the same data and seeds and all with vectors; [] where there is no such set.

    Args:
        groups: of runs, each sorted with the preferred seed first.
    """
    for first in groups[0]:
        found = [first]
        for group in groups[1:]:
            found += [right for _, right in verdicts.paired_seeds([first], group)][:1]
        if len(found) == len(groups) and all(of(stored) is not None for stored in found):
            return found
    return []


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
