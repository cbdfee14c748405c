"""What every detector on embeddings is: fitted on the normal training clips of one group, it scores other clips.

A detector is its settings and two steps: `_learn` makes named tensors of the training embeddings, `_measure` scores
against them. Checking, scaling to length one, saving and loading are written once, here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from asdbook.errors import BadInput, UnknownName

Metric = Literal["cosine", "euclidean"]
METRICS: dict[str, Callable[[Tensor], Tensor]] = {
    "cosine": lambda chord: chord.square() / 2,  # 1 - x.r = |x - r|² / 2, exactly zero for a copy
    "euclidean": lambda chord: chord,
}
"""Distances between unit vectors x and r, from the length of their chord |x - r|."""


@dataclass(frozen=True)
class Training:
    """What a detector learns from: unit vectors, float64 (clip, dimension), and which are `far` (target domain)."""

    embeddings: Tensor
    far: Tensor
    recordings: list[str]
    seed: int

    @property
    def source(self) -> Tensor:
        return self.embeddings[~self.far]

    @property
    def target(self) -> Tensor:
        return self.embeddings[self.far]


class Detector(ABC):
    """Scores clips by their embeddings; one instance for one group (a machine, or a machine ID).

    Only the direction of an embedding counts: each is scaled to length one, and all further work is in float64.

    Attributes:
        fitted_: what was learnt, by the names in `parts`; the last axis of the first part is the dimension.
    """

    parts: ClassVar[tuple[str, ...]]
    fitted_: dict[str, Tensor]
    _prepared: Any

    def fit(self, embeddings: Tensor, target: Tensor, recordings: Sequence[str], seed: int) -> Self:
        """Learns from normal training clips.

        Args:
            embeddings: (clip, dimension), floating point.
            target: bool (clip,), whether a clip is of the target domain. If all clips are of one domain, whichever,
                they are treated as source clips.
            recordings: recording of each clip; clips cut from one recording share it.
            seed: for what is drawn: centres, mixtures, synthetic clips.

        Raises:
            BadInput: settings, shapes, an embedding that is zero or not finite, too few clips for this detector.
        """
        self._check_settings()
        rows = unit(embeddings, "training embeddings")
        if target.shape != (len(rows),) or target.dtype != torch.bool or len(recordings) != len(rows):
            raise BadInput(
                f"{len(rows)} training embeddings, target of shape {tuple(target.shape)} and {target.dtype}, "
                f"{len(recordings)} recordings: give one bool and one recording a clip"
            )
        far = target.to(rows.device) & ~target.all()
        return self._take(self._learn(Training(rows, far, [str(name) for name in recordings], seed)))

    def score(self, queries: Tensor) -> Tensor:
        """Anomaly scores, float64 (query,), higher is more anomalous; each query is scored by itself.

        Args:
            queries: (query, dimension), floating point.

        Raises:
            BadInput: not fitted, another dimension, an embedding that is zero or not finite.
        """
        fitted = self._fitted()
        dimension = fitted[self.parts[0]].shape[-1]
        if queries.ndim == 2 and queries.shape[1] != dimension:
            raise BadInput(f"queries have {queries.shape[1]} dimensions, the training embeddings had {dimension}")
        if len(queries) == 0:
            return torch.empty(0, dtype=torch.float64, device=queries.device)
        rows = unit(queries.to(fitted[self.parts[0]].device), "queries")
        return self._measure(rows, self._prepared).to(queries.device)

    def state(self) -> dict[str, Tensor]:
        """What was learnt, as tensors to be saved; settings are not among them."""
        return dict(self._fitted())

    def load(self, tensors: Mapping[str, Tensor]) -> Self:
        """Takes what `state` of a detector with the same settings gave, and scores as that one did.

        Raises:
            BadInput: names that are missing or unknown.
        """
        self._check_settings()
        if set(tensors) != set(self.parts):
            found = ", ".join(sorted(tensors)) or "nothing"
            raise BadInput(f"a saved {type(self).__name__} holds {', '.join(self.parts)}; found {found}")
        return self._take({name: tensors[name] for name in self.parts})

    @abstractmethod
    def _learn(self, train: Training) -> dict[str, Tensor]:
        """The tensors named in `parts`, on the device of the embeddings."""

    def _prepare(self, fitted: dict[str, Tensor]) -> Any:
        """What `_measure` needs, made once of what was learnt: that itself, unless a detector says otherwise."""
        return fitted

    @abstractmethod
    def _measure(self, queries: Tensor, prepared: Any) -> Tensor:
        """Scores (query,) of unit vectors (query, dimension)."""

    def _take(self, tensors: dict[str, Tensor]) -> Self:
        self.fitted_, self._prepared = tensors, self._prepare(tensors)
        return self

    def _fitted(self) -> dict[str, Tensor]:
        if not hasattr(self, "fitted_"):
            raise BadInput(f"{type(self).__name__} has learnt nothing yet: call fit or load first")
        return self.fitted_

    def _check_settings(self) -> None:
        for name, value in vars(self).items():  # the settings; what was learnt is neither of these
            if name == "metric" and value not in METRICS:
                raise UnknownName("metric", str(value), METRICS)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if number and not 0 < value < float("inf"):
                raise BadInput(f"{type(self).__name__}: {name} = {value}: give a number above 0")


def unit(embeddings: Tensor, what: str) -> Tensor:
    """Rows scaled to length one, float64 (clip, dimension); `what` they are, for the message.

    Raises:
        BadInput: not (clip, dimension) of floating point, no clip, a row that is zero or not finite.
    """
    if embeddings.ndim != 2 or not embeddings.is_floating_point() or not embeddings.numel():
        raise BadInput(
            f"{what} have shape {tuple(embeddings.shape)} and type {embeddings.dtype}: "
            "floating point (clip, dimension) is needed, with at least one clip"
        )
    lengths = torch.linalg.vector_norm(embeddings.detach(), dim=1, keepdim=True, dtype=torch.float64)
    wrong = ~((lengths > 0) & lengths.isfinite())[:, 0]
    if wrong.any():
        row = int(wrong.nonzero()[0])
        fault = "is zero and has no direction" if lengths[row] == 0 else "is not finite"
        raise BadInput(f"{what}: the embedding of clip {row} {fault}; check the network and the clip")
    return embeddings.detach() / lengths  # in float64, as the lengths are


def recording_codes(recordings: Sequence[str]) -> Tensor:
    """A number for the recording of each clip, in order of appearance, int64 (clip,).

    Raises:
        BadInput: all clips come from one recording.
    """
    numbers = {name: code for code, name in enumerate(dict.fromkeys(recordings))}
    if len(numbers) < 2:
        raise BadInput(
            f"all {len(recordings)} training clips come from one recording: two or more recordings are needed "
            "to score one against the others"
        )
    return torch.tensor([numbers[name] for name in recordings])


def out_of_sample(
    make: Callable[[], Detector],
    embeddings: Tensor,
    target: Tensor,
    recordings: Sequence[str],
    seed: int,
    folds: int = 5,
) -> Tensor:
    """Scores of the training clips, each by a detector that heard nothing of the clip's recording; float64 (clip,).

    Whole recordings are dealt to `folds` folds (fewer where there are fewer recordings), the target domain's and the
    source domain's evenly; each fold is scored by a detector fitted on the others. That one has heard a part less
    than the detector fitted on all, so that these scores are a little too high rather than far too low, as the
    scores of a detector on its own training clips are.

    Args:
        make: makes a detector with its settings, `lambda: Knn(k=2)`.
        embeddings: (clip, dimension).
        target: bool (clip,).
        recordings: recording of each clip.
        seed: deals the recordings; also the seed of every fit.
        folds: 2 or more.

    Raises:
        BadInput: all clips come from one recording; fewer than 2 folds; what `Detector.fit` refuses.
    """
    if folds < 2 or not len(embeddings) == len(target) == len(recordings):
        raise BadInput(
            f"folds = {folds}, {len(embeddings)} embeddings, {len(target)} domains, {len(recordings)} recordings: "
            "give 2 or more folds, one domain and one recording a clip"
        )
    recording = recording_codes([str(name) for name in recordings])
    count = int(recording.max()) + 1
    far = torch.zeros(count).index_add_(0, recording, target.cpu().float()) > 0  # holds a target clip
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    order = torch.cat([order[~far[order]], order[far[order]]])
    fold = torch.empty(count, dtype=torch.long)
    fold[order] = torch.arange(count) % min(folds, count)
    mine = fold[recording]
    scores = torch.empty(len(embeddings), dtype=torch.float64, device=embeddings.device)
    for left_out in range(min(folds, count)):
        out, rest = (mine == left_out).nonzero()[:, 0], (mine != left_out).nonzero()[:, 0]
        names = [str(recordings[i]) for i in rest.tolist()]
        detector = make().fit(embeddings[rest], target[rest], names, seed)
        scores[out] = detector.score(embeddings[out])
    return scores
