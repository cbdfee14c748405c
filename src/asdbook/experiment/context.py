"""The context of a run: device, numeric mode, seeds, stages, checkpoints, progress, time and memory."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from asdbook.errors import BadInput
from asdbook.experiment import seeding, training
from asdbook.experiment.stages import StageCache
from asdbook.paths import slug
from asdbook.systems.base import Context, Tensors, TrainingLog

Noise = Callable[[Literal["noise", "non-machine"], int, int], np.ndarray]


def resolve_mode(device: str, precision: str, compile: bool) -> tuple[str, bool, list[str]]:
    """The precision and compilation that this machine can do, with a note for each that falls back.

    Raises:
        BadInput: an unknown device or precision, or a device that is not there.
    """
    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda"):
        raise BadInput(f"device {device!r}: choose 'cpu' or 'cuda'")
    if kind == "cuda" and not torch.cuda.is_available():
        raise BadInput("device 'cuda': no CUDA device is visible here; use --device cpu")
    if precision not in ("float32", "bf16"):
        raise BadInput(f"precision {precision!r}: choose 'float32' or 'bf16'")
    notes = []
    if precision == "bf16" and not _has_bf16(kind):
        precision = "float32"
        notes.append("bf16 is not native on this device: computing in float32")
    if compile and kind == "cpu" and not any(shutil.which(c) for c in ("g++", "clang++", "c++")):
        compile = False
        notes.append("no C++ compiler found: networks are not compiled")
    return precision, compile, notes


def _has_bf16(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public question for this; without the private one, assume not.
    asked = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(ask() for ask in asked if ask is not None)


@dataclass
class RunContext(Context):
    """The context that `experiment.run`, tests and notebooks use.

    Setting it up fixes torch's CPU threads for the process. `precision` and `compile` become what the machine can
    do (`resolve_mode`); `notes` says what fell back.

    Attributes:
        stages: cache of shared stages, or None to compute them each time.
        checkpoints: folder of this run's checkpoints, or None for no checkpoints.
        on_progress: called with one line at a time.
        noise: gives outside sound for `extra_audio`, or None.
        checkpoint_seconds: least time between two checkpoints of a training.
        phases: seconds by phase; a phase within another is named "outer/inner".
        earlier: seconds that earlier runs spent on stages that this one read and epochs that it resumed after.
        memory_mb: largest resident memory of the process at each phase's end, in MB.
        notes: what the reader of a record should know about how this run was computed.
    """

    stages: StageCache | None = None
    checkpoints: Path | None = None
    on_progress: Callable[[str], None] | None = None
    noise: Noise | None = None
    checkpoint_seconds: float = 10.0
    phases: dict[str, float] = field(default_factory=dict)
    earlier: dict[str, float] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.precision, self.compile, notes = resolve_mode(self.device, self.precision, self.compile)
        self._open_phases: list[str] = []
        self._stage_key = ""
        self._known_stages: set[str] = set()  # made or read by this run: their seconds are counted
        for text in notes:
            self.note(text)
        if self.stages is not None:
            self.stages.note = self.note
        torch.set_num_threads(self.threads)
        if torch.device(self.device).type == "cuda":  # float32 means float32: convolutions would round to TF32
            torch.backends.cudnn.allow_tf32 = self.precision != "float32"

    def rng(self, purpose: str, epoch: int = 0) -> np.random.Generator:
        return seeding.numpy_generator(self.seed, purpose, epoch)

    def generator(self, purpose: str, epoch: int = 0) -> torch.Generator:
        return seeding.torch_generator(self.seed, purpose, epoch)

    def seeded(self, purpose: str) -> AbstractContextManager[None]:
        return seeding.seeded(self.seed, purpose, device=self.device)

    def order(self, name: str, items: int, epoch: int) -> torch.Tensor:
        return training.order(self.seed, name, items, epoch).to(self.device)

    def stage(
        self, name: str, version: int, config: Mapping[str, Any], produce: Callable[[], Tensors]
    ) -> Tensors:
        """See `Context.stage`. A cached stage also brings back its losses, parameter counts and seconds."""

        def make() -> tuple[Tensors, dict[str, Any]]:
            histories, parameters, resumed = set(self.history), set(self.parameters), sum(self.earlier.values())
            started = time.perf_counter()
            made = produce()
            seconds = time.perf_counter() - started + sum(self.earlier.values()) - resumed
            self._known_stages.add(self._stage_key)
            return made, {
                "history": {k: v for k, v in self.history.items() if k not in histories},
                "parameters": {k: v for k, v in self.parameters.items() if k not in parameters},
                "seconds": seconds,
            }

        if self.stages is None:
            return {key: value.detach().cpu() for key, value in make()[0].items()}
        key = self.stages.key(name, version, config)
        outer, self._stage_key = self._stage_key, self.stages.path(key).stem
        try:
            found, notes = self.stages.get(key, make)
            self._count(name, float(notes.get("seconds", 0.0)))
        finally:
            self._stage_key = outer
        self.history.update(notes["history"])
        self.parameters.update(notes["parameters"])
        for trained in notes["history"]:  # the stage is kept, so its trainings need not resume any more
            self._checkpoint(trained, unlink=True)
        return found

    def _count(self, name: str, seconds: float) -> None:
        """Adds the seconds of a stage that this run has only read, once."""
        if self._stage_key not in self._known_stages:
            self._known_stages.add(self._stage_key)
            self.earlier[name] = self.earlier.get(name, 0.0) + seconds

    def _checkpoint(self, name: str, unlink: bool = False) -> Path | None:
        path = self.checkpoints / f"{slug(name)}.safetensors" if self.checkpoints else None
        if path and unlink:
            path.unlink(missing_ok=True)
        return path

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
        checkpoint = self._checkpoint(name)
        loop = training.Loop(
            name, self.seed, items, epochs, batch_size, clip_norm, min_batch, before_epoch,
            self.device, self.precision, self.progress, checkpoint,
            {"stage": self._stage_key, "compile": self.compile, "threads": self.threads}, self.checkpoint_seconds,
        )  # fmt: skip
        self.parameters[name] = sum(p.numel() for p in model.parameters() if p.requires_grad)
        log = training.train(loop, model, loss, optimizer)
        self.history[name] = log.epochs
        if loop.earlier:
            self.earlier[name] = loop.earlier
        return log

    def compiled(self, module: torch.nn.Module) -> Callable[..., torch.Tensor]:
        if not self.compile:
            return module
        fast = torch.compile(module)
        state: dict[str, Callable[..., torch.Tensor]] = {}

        def call(*inputs: torch.Tensor) -> torch.Tensor:
            if not state:
                try:
                    result = fast(*inputs)
                    state["call"] = fast
                    return result
                except torch._dynamo.exc.TorchDynamoException as error:
                    self.note(f"compilation failed ({type(error).__name__}): not compiled")
                    state["call"] = module
            return state["call"](*inputs)

        return call

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._open_phases.append(name)
        full, started = "/".join(self._open_phases), time.perf_counter()
        try:
            yield
        finally:
            self._open_phases.pop()
            self.phases[full] = self.phases.get(full, 0.0) + time.perf_counter() - started
            # Linux counts in kB, macOS in bytes.
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.memory_mb[full] = peak / (1e6 if sys.platform == "darwin" else 1e3)

    def progress(self, text: str) -> None:
        if self.on_progress:
            self.on_progress(text)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.progress(text)

    def extra_audio(self, kind: Literal["noise", "non-machine"], clips: int, samples: int) -> np.ndarray:
        if self.noise is None:
            raise BadInput(f"this context has no outside sound ({kind}): give RunContext(noise=...)")
        return self.noise(kind, clips, samples)
