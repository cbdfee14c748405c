"""What a system is: two verbs, a frozen configuration, and a context that carries everything else.

A system is a recipe that puts blocks together. It reads top to bottom like the paper's method section;
it holds no loop over epochs (`Context.train` has the one loop), no file reading and no plotting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from asdbook.errors import BadInput

if TYPE_CHECKING:  # torch is loaded by the systems that need it, not by the contract
    import torch

    from asdbook.data import TestClips, TrainClips

Tensors = dict[str, "torch.Tensor"]


class Config(BaseModel):
    """Base of all configurations: frozen, unknown keys refused. Units stand in names or descriptions.

    The text under a field becomes its description.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    group_by: Literal["machine", "id"] = "machine"
    """What a detector or model is fitted on: a machine type, or a machine ID (section from 2021 on)."""


BaseConfig = Config  # its name inside `System`, where `Config` is the system's own class


@dataclass(frozen=True)
class Scores:
    """Anomaly scores of clips; higher is more anomalous.

    Attributes:
        values: float64, shape (clips,).
        clips: positions in the clips that were scored, shape (clips,); None means all, in order.
        embeddings: shape (clips, dimensions), or None.
    """

    values: np.ndarray
    clips: np.ndarray | None = None
    embeddings: np.ndarray | None = None


@dataclass(frozen=True)
class MapGrid:
    """Where the cells of a system's anomaly maps lie: those of `features.LogMel` with these settings.

    Attributes:
        sample_rate: Hz.
        n_fft: samples of a frame.
        hop: samples between frames; frame k is centred at k hops.
        bands: mel bands, from 0 Hz to half the sample rate.
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop: int = 512
    bands: int = 128

    def seconds(self, frames: int) -> np.ndarray:
        """Centres of the first frames of a clip, float64 (frame,)."""
        return np.arange(frames) * self.hop / self.sample_rate

    def hertz(self) -> np.ndarray:
        """Centres of the bands, lowest first, float64 (band,)."""
        from asdbook.features.logmel import mel_centres  # torch comes with it

        return mel_centres(self.sample_rate, self.bands)


@dataclass
class TrainingLog:
    """Losses of a training.

    Attributes:
        epochs: mean loss over the items of each epoch.
        last_steps: loss of each step of the last epoch.
    """

    epochs: list[float]
    last_steps: list[float]


@dataclass
class Context(ABC):
    """Everything a system needs that is not its method.

    Attributes:
        device: "cpu" or "cuda".
        precision: "float32" or "bf16".
        compile: whether networks may be compiled.
        threads: CPU threads, fixed for the run.
        seed: training seed; all generators derive from (seed, purpose, epoch).
        profile: "smoke", "quick" or "paper".
        history: loss histories by name, one value an epoch.
        parameters: trainable parameters by name.
    """

    device: str = "cpu"
    precision: str = "float32"
    compile: bool = False
    threads: int = 1
    seed: int = 110
    profile: str = "smoke"
    history: dict[str, list[float]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)

    @abstractmethod
    def rng(self, purpose: str, epoch: int = 0) -> np.random.Generator:
        """A NumPy generator that depends on (seed, purpose, epoch) alone."""

    @abstractmethod
    def generator(self, purpose: str, epoch: int = 0) -> torch.Generator:
        """A torch CPU generator that depends on (seed, purpose, epoch) alone."""

    @abstractmethod
    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        """Inside, torch's global generator is seeded by (seed, purpose): initial weights are drawn here."""

    @abstractmethod
    def stage(
        self, name: str, version: int, config: Mapping[str, Any], produce: Callable[[], Tensors]
    ) -> Tensors:
        """The tensors (on the CPU) of an expensive part that variants share, cached or made by `produce`.

        The key is name, version, config, the data's fingerprint, seed and numeric mode. Losses and parameter
        counts that trainings inside `produce` record come back with a cached stage.
        """

    @abstractmethod
    def train(
        self,
        name: str,
        model: torch.nn.Module,
        loss: Callable[[torch.Tensor], torch.Tensor],
        *,
        items: int,
        epochs: int,
        batch_size: int,
        optimizer: torch.optim.Optimizer,
        clip_norm: float | None = None,
        min_batch: int = 1,
        before_epoch: Callable[[int], None] | None = None,
    ) -> TrainingLog:
        """The one training loop. Shuffles `items` positions each epoch, calls `loss(positions)`, steps.

        `loss` receives a LongTensor of positions on the device and returns a scalar; the system indexes its
        own tensors. It runs under autocast when precision is "bf16". A last batch below `min_batch` is left
        out. `before_epoch(epoch)`, epochs from 0, is where a system draws new crops or changes a learning rate;
        what it draws must depend on (seed, purpose, epoch) alone. `model` holds everything that changes during
        training (several networks and a loss with weights: one `ModuleDict`). Checkpoints at epoch ends; a
        killed run resumes with the same result bit for bit. A loss that is not finite stops the run with an
        error that names model, epoch and step. Keeps the log in `history` and counts `parameters`.
        """

    @abstractmethod
    def order(self, name: str, items: int, epoch: int) -> torch.Tensor:
        """The order in which training `name` visits its items in `epoch`, LongTensor on the device."""

    @abstractmethod
    def compiled(self, module: torch.nn.Module) -> Callable[..., torch.Tensor]:
        """The module, compiled where the context says so and the machine can."""

    @abstractmethod
    def phase(self, name: str) -> AbstractContextManager[None]:
        """Times the part inside under `name` (for the record's cost table)."""

    @abstractmethod
    def progress(self, text: str) -> None:
        """One line of progress for the reader of a log."""

    @abstractmethod
    def note(self, text: str) -> None:
        """One line that the reader of a result should know: something fell back or was left out."""

    @abstractmethod
    def extra_audio(self, kind: Literal["noise", "non-machine"], clips: int, samples: int) -> np.ndarray:
        """Simulated outside sound, float32 (clips, samples), from noise bank C."""


def no_maps(system: str) -> BadInput:
    """The error of a system that makes no anomaly maps."""
    return BadInput(f"system {system} makes no anomaly maps: use one that does (auddsr)")


class System(ABC):
    """Base of all systems. `__init__` stores the configuration, nothing else; fitted names end in `_`."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised when results change; guarded by a golden test."""
    title: ClassVar[str]
    """One line: what the system is, for tables and `asdbook systems`."""
    Config: ClassVar[type[BaseConfig]]
    variants: ClassVar[Mapping[str, Mapping[str, object]]]
    """Variant name to configuration overrides; the first is the default."""
    profiles: ClassVar[Mapping[str, Mapping[str, object]]]
    """"tiny" (contract tests, under a second), "smoke", "quick", "paper": sizes, never the method."""
    deviations: ClassVar[tuple[str, ...]]
    """What we do otherwise than the paper; the chapter and the record print it."""
    knows: ClassVar[tuple[str, ...]]
    """What the system is told: "machine", "id", "attributes", "domain", "other machines", "outside data".

    One that knows other machines also trains on a set's additional machines, which have training clips alone.
    """
    train_scores_: Scores
    """Out-of-sample scores of training clips, set by `fit`; `clips` are positions in the training clips."""
    threshold_scores_: Mapping[str, np.ndarray] | None = None
    """Machine to the scores that its decision threshold is fitted to; None: those of `train_scores_`."""

    def __init__(self, config: BaseConfig):
        self.config = config

    @classmethod
    def known_by(cls, config: BaseConfig) -> tuple[str, ...]:
        """What the system is told with these settings: `knows`, unless settings change that."""
        return cls.knows

    @abstractmethod
    def fit(self, train: TrainClips, ctx: Context) -> System:
        """Fits on the normal clips of a whole set, all machines at once; sets `train_scores_`."""

    @abstractmethod
    def score(self, clips: TestClips, ctx: Context) -> Scores:
        """One score a clip, in order."""

    @property
    def map_grid(self) -> MapGrid | None:
        """Where the cells of `maps` lie, by the configuration alone; None: the system makes no maps."""
        return None

    def maps(self, clips: TestClips, ctx: Context) -> list[np.ndarray]:
        """Where in time and frequency each clip sounds wrong; a system that says so also sets `map_grid`.

        Returns:
            One a clip, in order: float32 (band, frame), the probability from 0 to 1 that the cell is anomalous.
            Band 0 is the lowest; the frames are the clip's own, without padding.

        Raises:
            BadInput: the system makes no maps.
        """
        raise no_maps(self.name)

    @abstractmethod
    def state(self) -> tuple[Tensors, dict[str, Any]]:
        """Fitted tensors (for safetensors) and what JSON can hold."""

    @classmethod
    @abstractmethod
    def from_state(cls, config: BaseConfig, tensors: Tensors, extra: dict[str, Any]) -> System:
        """The fitted system again."""
