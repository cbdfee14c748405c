"""Distance to the nearest training embeddings, also of a group, also with a clip's own recording left out."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from asdbook.errors import BadInput

QUERIES_AT_ONCE = 1024  # rows of the distance matrix held at once: 4 MB against 1000 training clips
SPARE = 4  # rows beyond the k nearest that are looked at where float32 leaves open which are nearer


class Bank:
    """Rows (row, dimension) to be searched for the nearest, prepared once.

    Neighbours are found through |x|² + |y|² - 2xy, their distances then taken from x - y in float64. The product is
    fast and its error (about 1e-9 for spectra in dB) can only swap neighbours that are equally far; the difference
    makes the distance of a copy exactly zero.
    """

    def __init__(self, rows: Tensor):
        self.rows = rows
        self._centre = rows.mean(0, dtype=torch.float64)
        self._rough = torch.sub(rows, self._centre, out=torch.empty(rows.shape, device=rows.device))  # float32
        self._lengths = self._rough.norm(dim=1)
        self._longest = float(self._lengths.max())

    def nearest(self, queries: Tensor, k: int, exclude: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The k nearest rows for each query, nearest first.

        Args:
            queries: (query, dimension).
            k: neighbours wanted.
            exclude: bool (query, row), pairs that do not count; none by default.

        Returns:
            Euclidean distances, float64, and rows, int64, both (query, k). Where there are fewer than k rows to
            choose from, the distance is infinite and the row means nothing.
        """
        wanted = min(k, len(self.rows))
        missing = (0, k - wanted)
        distances, rows = [], []
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            query = queries[start : start + QUERIES_AT_ONCE].to(self.rows.device, torch.float64)
            apart = None if exclude is None else exclude[start : start + QUERIES_AT_ONCE]
            found, possible = self._candidates(query, wanted, apart)
            distance = torch.full(found.shape, torch.inf, dtype=torch.float64, device=found.device)
            who, which = possible.nonzero(as_tuple=True)
            distance[who, which] = (query[who] - self.rows[found[who, which]]).norm(dim=1)
            ordered = distance.sort(dim=1)
            distances.append(torch.nn.functional.pad(ordered.values[:, :wanted], missing, value=torch.inf))
            rows.append(torch.nn.functional.pad(found.gather(1, ordered.indices)[:, :wanted], missing))
        return torch.cat(distances).to(queries.device), torch.cat(rows).to(queries.device)

    def _candidates(self, query: Tensor, k: int, exclude: Tensor | None) -> tuple[Tensor, Tensor]:
        """Rows that hold the k nearest, and whether each may be one of them, both (query, k or a few more).

        On the CPU a product in float32, twice as fast, finds all rows that its rounding leaves in question; queries
        with more of them than are looked at are done again in float64.
        """
        centred = query - self._centre
        lengths = centred.norm(dim=1)
        fits = 1e-12 < self._longest < 1e12 and float(lengths.max()) < 1e12  # squares lie well within float32
        if query.is_cuda or not fits or torch.get_float32_matmul_precision() != "highest":
            return self._exactly(centred, k, exclude)
        # A sum of d products is off by at most d/2 eps |x||y| in any order; 4 more for the rounding of its operands.
        eps = (query.shape[1] + 4) * torch.finfo(torch.float32).eps
        error = eps * self._longest * (lengths + self._longest)
        square = torch.addmm(self._lengths.square(), centred.float(), self._rough.T, alpha=-2)
        if exclude is not None:
            square.masked_fill_(exclude, torch.inf)
        best = square.topk(min(k + SPARE, len(self.rows)), dim=1, largest=False)
        found, possible = best.indices, best.values <= best.values[:, k - 1 : k] + 2 * error[:, None]
        possible &= best.values.isfinite()
        unsettled = possible[:, -1] & (found.shape[1] < len(self.rows))
        if unsettled.any():
            possible[unsettled] = False
            apart = None if exclude is None else exclude[unsettled]
            found[unsettled, :k], possible[unsettled, :k] = self._exactly(centred[unsettled], k, apart)
        return found, possible

    def _exactly(self, centred: Tensor, k: int, exclude: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `_candidates`, in float64 and k alone."""
        references = self.rows.double() - self._centre
        square = references.square().sum(1) - 2 * centred @ references.T  # |x|² is the same along a row
        if exclude is not None:
            square = square.masked_fill(exclude, torch.inf)
        best = square.topk(k, dim=1, largest=False)
        return best.indices, ~best.values.isinf()


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
            found[mine] = Bank(self.embeddings[self._members(group)]).nearest(queries[mine], k)[0]
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
            found[rows] = Bank(self.embeddings[rows]).nearest(self.embeddings[rows], k, same)[0]
        return found

    def _members(self, group: str) -> list[int]:
        if group not in self._rows:
            raise BadInput(
                f"no training clips of {group!r}: add some, leave its test clips out, or group by machine"
            )
        return self._rows[group]
