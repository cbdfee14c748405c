"""SSDM: a self-supervised embedding, and a diffusion model of it whose reconstruction error is the anomaly score.

J. Yin, W. Zhang, M. Zhang, Y. Gao, "Self-supervised augmented diffusion model for anomalous sound detection".

Claim: a network that has learnt to tell machines and their settings apart gives embeddings in which normal sound is
easy to describe; a diffusion model that has learnt the distribution of normal embeddings rebuilds anomalous ones
badly, and does so better than the distance to the nearest normal embedding.

Read in this order: `embedding` (section II.A: classes, network with gates, Eq. 1, training on mixed-up waveforms),
`detection` (section II.B: scaling, denoiser, Eq. 2-7), the system below, which puts them together, and `settings`.

Symbols: z the embedding, z_0 the same scaled, T = 500 steps of diffusion, z'_0 the reconstruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from asdbook.detectors import DETECTORS, Detector
from asdbook.errors import BadInput
from asdbook.features import LogMel, Spectrum, Vectors, WindowBank, frame_bank
from asdbook.nn import diffusion
from asdbook.systems.base import BaseConfig, Context, Scores, System, Tensors
from asdbook.systems.files import below, digest, wave_hashes
from asdbook.systems.grouping import by_group, filled, hold_out, is_target, recordings
from asdbook.systems.ssdm.detection import Denoised
from asdbook.systems.ssdm.embedding import Embedder, classes_of
from asdbook.systems.ssdm.settings import (
    DEVIATIONS,
    DIFFUSION,
    NETWORK,
    PROFILES,
    VARIANTS,
    SsdmConfig,
)

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

EMBEDDING_VERSION = 1  # of the trained network and its embeddings; raise when they change
DENOISER_VERSION = 1  # of the trained denoisers
SHOWN = "slider"  # the machine of Fig. 2 and 3, whose vectors a record keeps
POOLED_BINS = 256  # of dm-spectrum: as many dimensions as the embedding has [our choice]
VECTORS = 8  # of dm-frames: evenly spaced stacked vectors a clip [our choice: each is a chain of 200 steps]
STACKED = 5  # log-mel frames in such a vector, as in the official autoencoder
CLIPS_AT_ONCE = 64


class Ssdm(System):
    """Diffusion model on the embeddings of a network that tells machines and their attributes apart."""

    name = "ssdm"
    version = 1
    title = "diffusion model on self-supervised embeddings (SSDM)"
    Config = SsdmConfig
    variants: ClassVar = VARIANTS
    profiles: ClassVar = PROFILES
    deviations = DEVIATIONS
    knows = ("machine", "id", "attributes", "domain", "other machines")
    config: SsdmConfig

    def fit(self, train: TrainClips, ctx: Context) -> Ssdm:
        self._check_settings()
        held, target, names = self._held_out(train, ctx), is_target(train), recordings(train)
        self.seed_ = ctx.seed
        with ctx.phase("embedding"):
            vectors = self._training_vectors(train, held, ctx)
        self.detectors_: dict[str, Denoised | Detector] = {}
        self._shown: dict[str, np.ndarray] = {}
        values = np.full(len(train), np.nan)
        for group, members in by_group(train, self.config.group_by).items():
            used, unheard = members[~held[members]], members[held[members]]
            with ctx.phase("detector"):
                self.detectors_[group] = self._detector(group, vectors[used], target[used], names[used], ctx)
            values[unheard] = self._errors(group, vectors[unheard], wave_hashes(train, unheard))
            if group == SHOWN:
                self._shown["train"] = vectors[used].mean(dim=1).cpu().numpy()
        self.train_scores_ = Scores(values[held], clips=np.flatnonzero(held))
        return self

    def score(self, clips: TestClips, ctx: Context) -> Scores:
        self._to(ctx.device)
        known = wave_hashes(clips)
        with ctx.phase("embedding"):
            vectors = self._vectors(clips, known, ctx)

        def of_group(group: str, members: np.ndarray) -> np.ndarray:
            hashes = [known[member] for member in members]
            if group == SHOWN:
                self._shown |= self._test_figures(group, vectors[members], hashes)
            return self._errors(group, vectors[members], hashes)

        with ctx.phase("detector"):
            return Scores(filled(clips, self.config.group_by, set(self.detectors_), of_group))

    def _check_settings(self) -> None:
        """What can be known to fail before hours of training.

        Raises:
            BadInput: more steps in testing than in training, or a scaling that takes a spectrum's level away.
            UnknownName: no such noise schedule.
        """
        c = self.config
        if c.detector == "diffusion":
            diffusion.Schedule.build(c.steps, c.schedule).check_step(c.start)
            if c.inputs != "embedding" and c.scaling not in ("perdim", "raw"):
                raise BadInput(
                    f"ssdm: scaling = {c.scaling!r} is for embeddings: with inputs = {c.inputs!r} set perdim or raw"
                )

    def _to(self, device: str) -> None:
        """Moves what was fitted, perhaps elsewhere, to the device; other detectors follow what they are given."""
        if self.config.inputs == "embedding":
            self.embedder_.to(device)
        for detector in self.detectors_.values():
            if isinstance(detector, Denoised):
                detector.to(device)

    def _held_out(self, train: TrainClips, ctx: Context) -> np.ndarray:
        """Which training clips nothing is fitted to: a share of each group's recordings; bool (clip,)."""
        names, held = recordings(train), np.zeros(len(train), dtype=bool)
        for group, members in by_group(train, self.config.group_by).items():
            rng = ctx.rng(f"ssdm/{group}/held out")
            held[members] = hold_out(names[members], self.config.held_out, rng, group)
        return held

    # 1. The self-supervised learning module, section II.A.
    def _training_vectors(self, train: TrainClips, held: np.ndarray, ctx: Context) -> Tensor:
        """What the detectors are fitted to, (clip, vector, dimension); trains the network where one is needed."""
        if self.config.inputs != "embedding":
            return raw_vectors(train, self.config.inputs, ctx)
        with ctx.seeded("ssdm/weights"):
            self.embedder_ = Embedder(self.config, ctx.device)
        network, classes = self.embedder_.network, classes_of(train)
        if len(set(classes)) == 1:
            ctx.note("one class in the labels: the network is trained to notice exchanged embeddings (FeatEx) instead")

        def produce() -> Tensors:
            bank = WindowBank(train, self.embedder_.samples, ctx.device)
            used = torch.from_numpy(np.flatnonzero(~held)).to(ctx.device)
            with ctx.phase("train"):
                self.embedder_.train(bank, classes, used, ctx)
            return {**network.state_dict(), "z": self.embedder_.embed(bank)}

        made = dict(ctx.stage("ssdm/network", EMBEDDING_VERSION, self.config.model_dump(include=set(NETWORK)), produce))
        z = made.pop("z").to(ctx.device)
        network.load_state_dict(made)
        return z[:, None]

    def _vectors(self, clips: TestClips, hashes: list[int], ctx: Context) -> Tensor:
        """The detector's input, float32 (clip, vector, dimension): the embedding z, or what takes its place."""
        if self.config.inputs != "embedding":
            return raw_vectors(clips, self.config.inputs, ctx)

        def produce() -> Tensors:
            return {"z": self.embedder_.embed(WindowBank(clips, self.embedder_.samples, ctx.device))}

        # The key holds what was heard and by which weights: new recordings are scored in the context of a run.
        key = {"clips": hashes, "weights": digest(self.embedder_.network.state_dict())}
        return ctx.stage("ssdm/test clips", EMBEDDING_VERSION, key, produce)["z"].to(ctx.device)[:, None]

    # 2. The denoising diffusion module, section II.B, or another detector in its place.
    def _detector(
        self, group: str, vectors: Tensor, target: np.ndarray, names: np.ndarray, ctx: Context
    ) -> Denoised | Detector:
        if self.config.detector == "diffusion":
            return self._denoised(group, vectors, target, ctx)
        made = DETECTORS[self.config.detector]()
        return made.fit(vectors.mean(dim=1), torch.from_numpy(target).to(vectors.device), list(names), ctx.seed)

    def _denoised(self, group: str, vectors: Tensor, target: np.ndarray, ctx: Context) -> Denoised:
        """The denoiser of one group, trained on its vectors (clip, vector, dimension); a stage."""
        c, name = self.config, f"ssdm/diffusion/{group}"
        with ctx.seeded(f"{name}/weights"):
            made = Denoised(c, vectors.shape[2], ctx.device)
        made.standardise(vectors.flatten(0, 1))
        z0, items = made.z0(vectors), torch.from_numpy(repeated(target, c.target_share)).to(ctx.device)
        if c.target_share and not target.any():
            ctx.note(f"{group}: no target clips to repeat: all clips count once")

        def loss(positions: Tensor) -> Tensor:
            clip = items[positions]
            drawn = torch.randint(z0.shape[1], (len(clip),), device=z0.device)  # one vector a clip and epoch
            return made.loss(z0[clip, drawn])

        def produce() -> Tensors:
            optimizer = torch.optim.Adam(made.denoiser.parameters(), lr=c.diffusion_learning_rate, fused=True)
            with ctx.phase("train"):
                ctx.train(
                    name, made.denoiser, loss, items=len(items), epochs=c.diffusion_epochs,
                    batch_size=c.diffusion_batch_size, optimizer=optimizer,
                )  # fmt: skip
            return made.state()

        key = {**c.model_dump(include=set(DIFFUSION)), "group": group, "z0": digest({"z0": z0})}
        return made.load(ctx.stage(name, DENOISER_VERSION, key, produce))

    def _errors(self, group: str, vectors: Tensor, hashes: list[int]) -> np.ndarray:
        """Scores of clips of one group, float64 (clip,): the mean over a clip's vectors."""
        detector = self.detectors_[group]
        if isinstance(detector, Denoised):
            numbered = [value * vectors.shape[1] + i for value in hashes for i in range(vectors.shape[1])]
            errors = detector.errors(vectors.flatten(0, 1), numbered, self.seed_)
            return errors.reshape(vectors.shape[:2]).mean(dim=1).cpu().numpy()
        return detector.score(vectors.mean(dim=1)).cpu().numpy()

    def _test_figures(self, group: str, vectors: Tensor, hashes: list[int]) -> dict[str, np.ndarray]:
        """Vectors of the test clips of one group, and their z_0 and z'_0 where these are diffused."""
        found = {"test": vectors.mean(dim=1).cpu().numpy()}
        detector = self.detectors_[group]
        if isinstance(detector, Denoised) and vectors.shape[1] == 1:
            found["z0"] = detector.z0(vectors[:, 0]).cpu().numpy()
            found["rebuilt"] = detector.reconstruction(vectors[:, 0], hashes, self.seed_).cpu().numpy()
        return found

    def figures(self) -> dict[str, np.ndarray]:
        """Arrays that a record keeps for figures, of the machine of Fig. 2 and 3 alone, in the order of its clips."""
        return self._shown

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        tensors: Tensors = {
            "train_scores": torch.from_numpy(self.train_scores_.values),
            "train_clips": torch.from_numpy(np.asarray(self.train_scores_.clips, dtype=np.int64)),
        }
        if self.config.inputs == "embedding":
            tensors |= {f"network/{k}": v for k, v in self.embedder_.network.state_dict().items()}
        for i, detector in enumerate(self.detectors_.values()):
            tensors |= {f"{i}/{k}": v for k, v in detector.state().items()}
        return tensors, {"groups": list(self.detectors_), "seed": self.seed_}

    @classmethod
    def from_state(cls, config: BaseConfig, tensors: Tensors, extra: dict[str, Any]) -> Ssdm:
        system = cls(config)
        c = system.config
        system.seed_, system._shown = extra["seed"], {}
        system.train_scores_ = Scores(tensors["train_scores"].numpy(), clips=tensors["train_clips"].numpy())
        if c.inputs == "embedding":
            system.embedder_ = Embedder(c)
            system.embedder_.network.load_state_dict(below(tensors, "network/"))
        system.detectors_ = {}
        for i, group in enumerate(extra["groups"]):
            own = below(tensors, f"{i}/")
            diffuses = c.detector == "diffusion"
            made = Denoised(c, len(own["centre"])) if diffuses else DETECTORS[c.detector]()
            system.detectors_[group] = made.load(own)
        return system


def repeated(target: np.ndarray, share: float) -> np.ndarray:
    """Positions of clips, target ones repeated until they make up at least `share`; each at least once."""
    positions, rare = np.arange(len(target)), np.flatnonzero(target)
    if not len(rare) or share <= 0:
        return positions
    times = int(np.ceil(share / (1 - share) * (len(target) - len(rare)) / len(rare)))
    return np.concatenate([positions, np.tile(rare, max(times - 1, 0))])


# What takes the embedding's place in "DM alone" (Table II), whose input the paper does not state.
def raw_vectors(clips: TrainClips | TestClips, inputs: str, ctx: Context) -> Tensor:
    """Features without learning, float32 (clip, vector, dimension).

    "logmel": mean over time of the log-mel spectrogram, 128; "spectrum": the magnitude spectrum pooled to 256;
    "frames": eight stacked vectors of five log-mel frames, evenly spaced over the clip, 640.
    """
    everything = np.arange(len(clips))
    logmel = LogMel().to(ctx.device)
    if inputs == "frames":
        vectors = Vectors(frame_bank(clips, everything, logmel, ctx.device), STACKED)
        first = torch.searchsorted(vectors.clip, torch.arange(len(clips) + 1, device=ctx.device))
        spaced = torch.linspace(0, 1, VECTORS, device=ctx.device, dtype=torch.float64)
        chosen = first[:-1, None] + (spaced * (first.diff() - 1)[:, None]).round().long()
        return vectors[chosen.flatten()].unflatten(0, chosen.shape)
    found: dict[int, Tensor] = {}
    for positions, waves in clips.batches(everything, CLIPS_AT_ONCE):
        waves = waves.to(ctx.device)
        if inputs == "logmel":
            rows = logmel(waves).mean(dim=1)
        else:
            rows = functional.adaptive_avg_pool1d(Spectrum()(waves)[:, None], POOLED_BINS)[:, 0]
        found |= dict(zip(positions.tolist(), rows))
    return torch.stack([found[i] for i in range(len(clips))])[:, None]
