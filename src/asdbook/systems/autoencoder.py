"""The official DCASE Task 2 baseline: a dense autoencoder on stacked log-mel frames.

N. Harada, D. Niizumi, Y. Ohishi, D. Takeuchi, M. Yasuda, "First-shot anomaly sound detection for machine condition
monitoring: a domain generalization baseline", EUSIPCO 2023, and its published code (one line for 2023 to 2025).

Claim: an autoencoder that has learnt to rebuild normal sound rebuilds anomalous sound badly; and measuring the
reconstruction error with the covariance that it has on source and on target clips helps against domain shift.

Symbols: x a vector of P = 5 neighbouring log-mel frames of F = 128 bands (640 numbers), r(x) its reconstruction,
e = x - r(x), V vectors in a clip, d the domain (source or target), Sigma_d the F x F covariance of e in domain d.

In order: features, network, training, covariances, score, decision. Where code and text differ, the variant
`mahalanobis` follows the code and `mahalanobis-framewise` the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from asdbook.errors import RunFailed
from asdbook.features import LogMel, Vectors, frame_bank
from asdbook.nn import Autoencoder
from asdbook.systems.base import BaseConfig, Config, Context, Scores, System, Tensors
from asdbook.systems.grouping import by_group, filled, hold_out, is_target, recordings

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

STAGE_VERSION = 1  # of the trained network; raise when training changes
VECTORS_AT_ONCE = 2048  # scored together: 5 MB of vectors, which stay in cache
CLIPS_AT_ONCE = 64
SINGULAR = 1e-7  # smallest over largest eigenvalue, where float32 (the code's inverse) holds no correct digit
DOMAINS = 2  # source, target


class AutoencoderConfig(Config):
    """Settings of the official autoencoder; the defaults are the official ones."""

    score: Literal["mse", "mahalanobis", "mahalanobis-framewise"] = "mse"
    """Mean squared error; selective Mahalanobis distance as the code has it; the same as the text has it."""
    split: Literal["clip", "vector"] = "clip"
    """What is drawn for the held-out part: whole clips (recordings), or vectors as in the official code."""
    threshold: Literal["clips", "batches"] = "clips"
    """What the decision is fitted to: scores of held-out clips, or losses of batches as in the official code."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Share of the training clips (or vectors) that is held out."""
    epochs: int = Field(100, ge=1)
    """Passes over the training vectors; the last network is used."""
    batch_size: int = Field(256, ge=2)
    """Vectors a step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size, constant."""
    frames: int = Field(5, ge=1)
    """P, neighbouring frames in a vector."""
    bands: int = Field(128, ge=1)
    """F, mel bands of a frame (1024-sample frames every 512)."""
    hidden: int = Field(128, ge=1)
    """Width of the hidden layers."""
    bottleneck: int = Field(8, ge=1)
    """Length of the code."""
    ridge: float = Field(1e-3, ge=0)
    """`mahalanobis-framewise` adds this share of the mean variance to the covariance's diagonal."""


# 4. Covariance of the reconstruction error ----------------------------------------------------------------


class CodedCovariance:
    """Sigma_d as the official code adds it up, one batch after another.

    Rows are frames: each vector gives P rows of F. Two quirks are kept: the mean that is taken off is that of the
    batch, not of all rows (Q3), and the sum over P rows a vector is divided by the number of vectors - 1 (Q2).
    """

    def __init__(self, bands: int, device: str):
        self.sum = torch.zeros(bands, bands, dtype=torch.float64, device=device)
        self.vectors = 0

    def add(self, errors: Tensor) -> None:
        """Errors of one batch and domain, (vector, P, F)."""
        if len(errors):
            rows = errors.flatten(0, 1).double()
            rows = rows - rows.mean(dim=0)
            self.sum += rows.T @ rows
            self.vectors += len(errors)

    def value(self) -> Tensor:
        return self.sum / (self.vectors - 1)


class PooledCovariance:
    """Sigma_d as the text means it: the sample covariance of all rows about their common mean."""

    def __init__(self, bands: int, device: str):
        self.products = torch.zeros(bands, bands, dtype=torch.float64, device=device)
        self.sum = torch.zeros(bands, dtype=torch.float64, device=device)
        self.rows = self.vectors = 0

    def add(self, errors: Tensor) -> None:
        """Errors of one batch and domain, (vector, P, F)."""
        rows = errors.flatten(0, 1).double()
        self.products += rows.T @ rows
        self.sum += rows.sum(dim=0)
        self.rows, self.vectors = self.rows + len(rows), self.vectors + len(errors)

    def value(self) -> Tensor:
        return (self.products - torch.outer(self.sum, self.sum) / self.rows) / (self.rows - 1)


def inverse(covariance: Tensor, ridge: float) -> Tensor | None:
    """Sigma_d^-1 in float64, or None where it is singular; `ridge` is a share of the mean variance."""
    bands = len(covariance)
    loaded = covariance + ridge * covariance.trace() / bands * torch.eye(bands).to(covariance)
    values = torch.linalg.eigvalsh(loaded) if bool(torch.isfinite(loaded).all()) else torch.zeros(2)
    return torch.linalg.inv(loaded) if values[0] > SINGULAR * values[-1] else None


# 5. Score -------------------------------------------------------------------------------------------------


def vector_terms(errors: Tensor, score: str, inverses: Tensor) -> Tensor:
    """What each vector adds to its clip's score, (vector, terms): a clip's terms are the mean over its vectors.

    Args:
        errors: e, (vector, P, F).
        score: "mse", "mahalanobis" or "mahalanobis-framewise".
        inverses: Sigma_d^-1, (domain, F, F), float64.
    """
    if score == "mse":
        return errors.square().mean(dim=(1, 2)).double()[:, None]
    if score == "mahalanobis":
        # The code averages all entries of e Sigma^-1 e^T over pairs of frames (Q1). That average equals
        # m^T Sigma^-1 m with m the mean error over all frames of the clip, so the mean is all that is needed.
        return errors.mean(dim=1).double()
    metric = inverses.to(errors.dtype)
    return torch.einsum("vpf,dfg,vpg->vd", errors, metric, errors).double() / errors.shape[1]


def clip_scores(terms: Tensor, score: str, inverses: Tensor) -> Tensor:
    """(clip, terms) to float64 (clip,): the error itself, or the smaller of the distances to the two domains.

    The distance is to zero error, not to the mean error that the covariance leaves out (Q4).
    """
    if score == "mse":
        return terms[:, 0]
    if score == "mahalanobis":
        return torch.einsum("cf,dfg,cg->cd", terms, inverses, terms).amin(dim=1)
    return terms.amin(dim=1)


# The system -----------------------------------------------------------------------------------------------


@dataclass
class Fitted:
    """A trained network, and Sigma_d^-1 (domain, F, F); without domains for the squared error."""

    network: Autoencoder
    inverses: Tensor

    def to(self, device: str) -> Fitted:
        return Fitted(self.network.to(device), self.inverses.to(device))


class OfficialAutoencoder(System):
    """One autoencoder a machine type (all its IDs or sections together), scored by its reconstruction error."""

    name = "autoencoder"
    version = 1
    title = "official DCASE baseline: autoencoder on stacked log-mel frames"
    Config = AutoencoderConfig
    variants: ClassVar = {
        "mse": {"score": "mse"},
        "mahalanobis": {"score": "mahalanobis"},
        "mahalanobis-framewise": {"score": "mahalanobis-framewise"},
        "official-split": {"split": "vector"},
        "official-threshold": {"threshold": "batches"},
    }
    profiles: ClassVar = {
        "tiny": {"epochs": 2, "bands": 16, "hidden": 16, "bottleneck": 4, "batch_size": 32},
        "smoke": {"epochs": 5},
        "quick": {"epochs": 50},
        "paper": {"epochs": 100},
    }
    deviations = (
        "the held-out 10 % are whole clips (recordings), not vectors that overlap training vectors "
        "(the code's way: variant official-split)",
        "the decision is fitted to scores of held-out clips, not to losses of batches "
        "(the code's way: variant official-threshold)",
        "covariances are summed and inverted in float64; in place of a singular target covariance (few clips) the "
        "source's is used (code: float32, inverse of whatever comes out)",
        "the 2023-2025 code for all years; 2020-2022 used Keras: batch 512, Glorot weights, last 10 % held out",
        "clips of different length are all used whole (the code sizes its array by the first clip)",
    )
    knows = ("machine", "domain")
    config: AutoencoderConfig

    def fit(self, train: TrainClips, ctx: Context) -> OfficialAutoencoder:
        self.fitted_: dict[str, Fitted] = {}
        clips, scores = [], []
        batches: dict[str, list[np.ndarray]] = {}
        target, names = is_target(train), recordings(train)
        for group, members in by_group(train, self.config.group_by).items():
            with ctx.phase("features"):
                vectors = self._vectors(train, members, ctx)
            held = self._held_out(vectors, names[members], group, ctx)
            network, losses = self._train(vectors, held, group, ctx)
            fitted = self.fitted_[group] = Fitted(network, torch.zeros(0))
            with ctx.phase("covariance"):
                fitted.inverses = self._inverses(fitted, vectors, held, target[members], group, ctx)
            used, value = self._scores(fitted, vectors, held.nonzero().flatten(), ctx)
            clips.append(members[used])
            scores.append(value)
            if self.config.threshold == "batches":
                rows = self._batch_scores(fitted, vectors, held, losses, group, ctx)
                batches.setdefault(str(train.machine[members[0]]), []).append(rows)
        order = np.argsort(np.concatenate(clips))
        self.train_scores_ = Scores(np.concatenate(scores)[order], clips=np.concatenate(clips)[order])
        if batches:
            self.threshold_scores_ = {m: np.concatenate(parts) for m, parts in batches.items()}
        return self

    def score(self, clips: TestClips, ctx: Context) -> Scores:
        def of_group(group: str, members: np.ndarray) -> np.ndarray:
            values, fitted = np.empty(len(members)), self.fitted_[group].to(ctx.device)
            for first in range(0, len(members), CLIPS_AT_ONCE):
                part = members[first : first + CLIPS_AT_ONCE]
                vectors = self._vectors(clips, part, ctx)
                numbers = torch.arange(len(vectors), device=ctx.device)
                values[first : first + len(part)] = self._scores(fitted, vectors, numbers, ctx)[1]
            return values

        return Scores(filled(clips, self.config.group_by, set(self.fitted_), of_group))

    # 1. Features: vectors of P neighbouring log-mel frames, one frame apart.
    def _vectors(self, clips: TrainClips | TestClips, members: np.ndarray, ctx: Context) -> Vectors:
        logmel = LogMel(bands=self.config.bands).to(ctx.device)
        return Vectors(frame_bank(clips, members, logmel, ctx.device), self.config.frames)

    def _held_out(self, vectors: Vectors, names: np.ndarray, group: str, ctx: Context) -> Tensor:
        """Which vectors are held out, bool (vector,)."""
        rng = ctx.rng(f"autoencoder/{group}/held out")
        clips = torch.from_numpy(hold_out(names, self.config.held_out, rng, group))
        if self.config.split == "clip":
            return clips.to(ctx.device)[vectors.clip]
        # As the code: a random tenth of the vectors, whose neighbours with four common frames are trained on.
        drawn = rng.permutation(len(vectors))[: max(1, int(np.ceil(self.config.held_out * len(vectors))))]
        held = torch.zeros(len(vectors), dtype=torch.bool)
        held[torch.from_numpy(drawn)] = True
        return held.to(ctx.device)

    # 2. and 3. Network and training: Adam on the mean squared error, every epoch in a new order.
    def _train(
        self, vectors: Vectors, held: Tensor, group: str, ctx: Context
    ) -> tuple[Autoencoder, list[float]]:
        """The trained network and the losses of the last epoch's batches; a stage that variants share."""
        c, name = self.config, f"autoencoder/{group}"
        with ctx.seeded(f"{name}/weights"):
            network = Autoencoder(c.frames * c.bands, c.hidden, c.bottleneck).to(ctx.device)
        numbers = (~held).nonzero().flatten()

        def produce() -> Tensors:
            optimizer = torch.optim.Adam(network.parameters(), lr=c.learning_rate, fused=True)
            fast = ctx.compiled(network)

            def loss(positions: Tensor) -> Tensor:
                x = vectors[numbers[positions]]
                return functional.mse_loss(fast(x), x)

            with ctx.phase("train"):
                log = ctx.train(
                    name, network, loss, items=len(numbers), epochs=c.epochs, batch_size=c.batch_size,
                    optimizer=optimizer, min_batch=2,  # batch normalisation needs two vectors
                )  # fmt: skip
            return {**network.state_dict(), "losses": torch.tensor(log.last_steps, dtype=torch.float64)}

        key = {**c.model_dump(exclude={"score", "threshold", "ridge"}), "group": group}
        made = dict(ctx.stage(name, STAGE_VERSION, key, produce))
        losses = made.pop("losses").tolist()
        network.load_state_dict(made)
        return network.eval(), losses

    def _errors(self, network: Autoencoder, vectors: Vectors, numbers: Tensor) -> Tensor:
        """e = x - r(x) of some vectors, batch normalisation with its running statistics, (vector, P, F)."""
        x = vectors[numbers]
        with torch.no_grad():
            return (x - network(x)).unflatten(1, (self.config.frames, self.config.bands))

    def _passes(self, vectors: Vectors, held: Tensor, group: str, ctx: Context) -> Iterator[Tensor]:
        """The batches of the pass after the last epoch: training vectors in a new order, no batch of one."""
        numbers = (~held).nonzero().flatten()
        order = ctx.order(f"autoencoder/{group}", len(numbers), self.config.epochs)
        yield from (numbers[b] for b in order.split(self.config.batch_size) if len(b) > 1)

    def _inverses(
        self, fitted: Fitted, vectors: Vectors, held: Tensor, target: np.ndarray, group: str, ctx: Context
    ) -> Tensor:
        """Sigma_d^-1 for source and target, (domain, F, F).

        Without target clips the source's stands for both, as in the code; also where target clips are too few.

        Raises:
            RunFailed: the source's covariance is singular.
        """
        c = self.config
        if c.score == "mse":
            return torch.zeros(0, c.bands, c.bands, dtype=torch.float64, device=ctx.device)
        kind = CodedCovariance if c.score == "mahalanobis" else PooledCovariance
        sums = [kind(c.bands, ctx.device) for _ in range(DOMAINS)]
        from_target = torch.from_numpy(target).to(ctx.device)[vectors.clip]
        for batch in self._passes(vectors, held, group, ctx):
            errors = self._errors(fitted.network, vectors, batch)
            sums[0].add(errors[~from_target[batch]])
            sums[1].add(errors[from_target[batch]])
        ridge = 0.0 if c.score == "mahalanobis" else c.ridge
        source, own = (inverse(s.value(), ridge) if s.vectors > 1 else None for s in sums)
        if source is None:
            raise RunFailed(
                f"{group}: the covariance of the reconstruction error is singular: give more training clips, "
                "or use autoencoder:mahalanobis-framewise"
            )
        if own is None and sums[1].vectors:
            ctx.note(f"{group}: too few target clips for a covariance of their own: the source's is used")
        return torch.stack([source, source if own is None else own])

    def _scores(
        self, fitted: Fitted, vectors: Vectors, numbers: Tensor, ctx: Context
    ) -> tuple[np.ndarray, np.ndarray]:
        """Clips that have one of these vectors, and their scores from these vectors alone."""
        terms, counts = None, torch.zeros(vectors.clips, dtype=torch.float64, device=ctx.device)
        for part in numbers.split(VECTORS_AT_ONCE):
            errors = self._errors(fitted.network, vectors, part)
            own = vector_terms(errors, self.config.score, fitted.inverses)
            if terms is None:
                terms = torch.zeros(vectors.clips, own.shape[1], dtype=torch.float64, device=ctx.device)
            terms.index_add_(0, vectors.clip[part], own)
            counts.index_add_(0, vectors.clip[part], torch.ones(len(part)).to(counts))
        used = counts.nonzero().flatten()
        means = terms[used] / counts[used, None] if terms is not None else torch.zeros(0, 1)
        return used.cpu().numpy(), clip_scores(means, self.config.score, fitted.inverses).cpu().numpy()

    # 6. Decision: `threshold_scores_` of the variant official-threshold; otherwise held-out clips calibrate it.
    def _batch_scores(
        self, fitted: Fitted, vectors: Vectors, held: Tensor, losses: list[float], group: str, ctx: Context
    ) -> np.ndarray:
        """What the code fits its threshold to: batches of mixed vectors, each treated as if it were a clip.

        For the squared error the losses of the last epoch, with batch normalisation still in training mode; for
        Mahalanobis all training batches. Then batches of the held-out vectors, in a random order as the code's
        split leaves them.
        """
        outside = held.nonzero().flatten()
        mixed = torch.randperm(len(outside), generator=ctx.generator(f"autoencoder/{group}/held-out order"))
        parts = outside[mixed.to(ctx.device)].split(self.config.batch_size)
        batches = [part for part in parts if len(part) > 1]
        if self.config.score != "mse":
            losses = []
            batches = [*self._passes(vectors, held, group, ctx), *batches]
        for batch in batches:
            errors = self._errors(fitted.network, vectors, batch)
            terms = vector_terms(errors, self.config.score, fitted.inverses).mean(dim=0, keepdim=True)
            losses = [*losses, float(clip_scores(terms, self.config.score, fitted.inverses))]
        return np.array(losses)

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        tensors: Tensors = {
            "train_scores": torch.from_numpy(self.train_scores_.values),
            "train_clips": torch.from_numpy(np.asarray(self.train_scores_.clips, dtype=np.int64)),
        }
        for i, fitted in enumerate(self.fitted_.values()):
            tensors[f"{i}/inverses"] = fitted.inverses
            tensors |= {f"{i}/network/{k}": v for k, v in fitted.network.state_dict().items()}
        return tensors, {"groups": list(self.fitted_)}

    @classmethod
    def from_state(cls, config: BaseConfig, tensors: Tensors, extra: dict[str, Any]) -> OfficialAutoencoder:
        system = cls(config)
        c = system.config
        system.train_scores_ = Scores(tensors["train_scores"].numpy(), clips=tensors["train_clips"].numpy())
        system.fitted_ = {}
        for i, group in enumerate(extra["groups"]):
            network = Autoencoder(c.frames * c.bands, c.hidden, c.bottleneck).eval()
            own = {k.removeprefix(f"{i}/network/"): v for k, v in tensors.items()}
            network.load_state_dict({k: own[k] for k in network.state_dict()})
            system.fitted_[group] = Fitted(network, tensors[f"{i}/inverses"])
        return system
