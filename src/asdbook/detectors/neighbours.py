"""Distance to the nearest training embeddings of a group, also with a clip's own recording left out."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from asdbook.errors import BadInput

QUERIES_AT_ONCE = 1024  # rows of the distance matrix held at once: 8 MB against 1000 training clips


class NearestBank:
    """Training embeddings with a group and a recording each; nothing else is learnt.

    Args:
        embeddings: (clip, dimension).
        groups: group of each clip; a query is compared with its own group only.
        recordings: recording of each clip (clips cut from one recording share it).
    """

    def __init__(self, embeddings: Tensor, groups: Iterable[str], recordings: Iterable[str]):
        self.embeddings = embeddings
        self.groups, self.recordings = [str(g) for g in groups], [str(r) for r in recordings]
        if not len(embeddings) == len(self.groups) == len(self.recordings):
            raise BadInput("nearest neighbours: give one group and one recording an embedding")
        self._rows: dict[str, list[int]] = {}
        for row, group in enumerate(self.groups):
            self._rows.setdefault(group, []).append(row)

    def distances(self, queries: Tensor, groups: Iterable[str], k: int = 1) -> Tensor:
        """Euclidean distances to the k nearest of the query's group, nearest first, float64 (query, k)."""
        found = torch.empty(len(queries), k, dtype=torch.float64, device=queries.device)
        asked = [str(g) for g in groups]
        for group in dict.fromkeys(asked):
            mine = [i for i, g in enumerate(asked) if g == group]
            found[mine] = nearest(queries[mine], self.embeddings[self._members(group)], k)[0]
        return found

    def leave_recording_out(self, k: int = 1) -> Tensor:
        """Distances of the training clips, each to its group without its own recording, float64 (clip, k).

        A clip's distance to itself is zero, and clips of one recording are near copies: without this, training
        scores say nothing about unheard clips.

        Raises:
            BadInput: a group has only one recording.
        """
        found = torch.empty(len(self.embeddings), k, dtype=torch.float64, device=self.embeddings.device)
        names = {name: code for code, name in enumerate(dict.fromkeys(self.recordings))}
        recording = torch.tensor([names[name] for name in self.recordings], device=self.embeddings.device)
        for group, rows in self._rows.items():
            if len(recording[rows].unique()) < 2:
                raise BadInput(
                    f"training clips of {group!r} come from one recording: two or more are needed "
                    "to score one against the others"
                )
            same = recording[rows, None] == recording[None, rows]
            found[rows] = nearest(self.embeddings[rows], self.embeddings[rows], k, same)[0]
        return found

    def _members(self, group: str) -> list[int]:
        if group not in self._rows:
            raise BadInput(
                f"no training clips of {group!r}: add some, leave its test clips out, or group by machine"
            )
        return self._rows[group]


def nearest(queries: Tensor, bank: Tensor, k: int, exclude: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The k nearest rows of a bank for each query, nearest first.

    Candidates are found through |x|² + |y|² - 2xy in float64, their distances then taken from x - y. The product is
    fast and its error (about 1e-9 for spectra in dB) can only swap neighbours that are equally far; the difference
    makes the distance of a copy exactly zero.

    Args:
        queries: (query, dimension).
        bank: (row, dimension).
        k: neighbours wanted.
        exclude: bool (query, row), pairs that do not count; none by default.

    Returns:
        Euclidean distances, float64, and rows, int64, both (query, k). Where there are fewer than k rows to choose
        from, the distance is infinite and the row means nothing.
    """
    bank = bank.to(queries.device)
    centre = bank.double().mean(0)
    references = bank.double() - centre
    squares = references.square().sum(1)
    distances, rows = [], []
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        query = queries[start : start + QUERIES_AT_ONCE]
        square = squares - 2 * (query.double() - centre) @ references.T  # |x|² is the same along a row
        if exclude is not None:
            square = square.masked_fill(exclude[start : start + QUERIES_AT_ONCE], torch.inf)
        found = square.topk(min(k, len(bank)), dim=1, largest=False)
        distance = (query[:, None].double() - bank[found.indices].double()).norm(dim=2)
        ordered = distance.masked_fill(found.values.isinf(), torch.inf).sort(dim=1)
        missing = (0, k - ordered.values.shape[1])
        distances.append(torch.nn.functional.pad(ordered.values, missing, value=torch.inf))
        rows.append(torch.nn.functional.pad(found.indices.gather(1, ordered.indices), missing))
    return torch.cat(distances), torch.cat(rows)
