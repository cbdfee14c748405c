"""The one training loop: order, precision, clipping, progress, checkpoints, and a stop when a loss is not finite.

Plain `torch.autocast` rather than Lightning Fabric: with one device and no gradient scaling (bf16 needs none),
Fabric would add a launcher and a model wrapper around this one line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asdbook.errors import RunFailed
from asdbook.experiment import seeding
from asdbook.systems import files
from asdbook.systems.base import TrainingLog

PROGRESS_SECONDS = 5.0  # a line an epoch would drown the log of a small network


@dataclass
class Loop:
    """What a training needs besides the model and its loss; see `Context.train` for the arguments.

    Attributes:
        checkpoint: file to resume from and to save to, or None.
        identity: what must agree for a checkpoint to be resumed (data, configuration, numeric mode).
        every_seconds: least time between checkpoints; the last epoch always has one.
        earlier: seconds that runs before this one spent on the epochs it resumes after; set by `train`.
    """

    name: str
    seed: int
    items: int
    epochs: int
    batch_size: int
    clip_norm: float | None = None
    min_batch: int = 1
    before_epoch: Callable[[int], None] | None = None
    device: str = "cpu"
    precision: str = "float32"
    progress: Callable[[str], None] = lambda text: None
    checkpoint: Path | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    every_seconds: float = 10.0
    earlier: float = 0.0


def train(
    loop: Loop, model: torch.nn.Module, loss: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer
) -> TrainingLog:
    """Trains `model` in place and returns its losses. Same seed, device and mode: the same result bit for bit.

    Raises:
        RunFailed: a loss is not finite, or there are fewer items than the smallest batch.
    """
    if loop.items < max(1, loop.min_batch):
        raise RunFailed(
            f"{loop.name}: {loop.items} training items, batches of at least {max(1, loop.min_batch)} needed: "
            "add clips"
        )
    identity = _identity(loop, model, optimizer)
    log = _resume(loop, model, optimizer, identity)
    model.train()
    started = said = saved = time.monotonic()
    for epoch in range(len(log.epochs), loop.epochs):
        log.last_steps = _one_epoch(loop, epoch, model, loss, optimizer)
        log.epochs.append(_mean_loss(loop, log.last_steps))
        last, now = epoch + 1 == loop.epochs, time.monotonic()
        if last or now - said >= PROGRESS_SECONDS:
            loop.progress(f"{loop.name}: epoch {epoch + 1}/{loop.epochs}, loss {log.epochs[-1]:.5g}")
            said = now
        if loop.checkpoint and (last or now - saved >= loop.every_seconds):
            _save(loop.checkpoint, model, optimizer, log, identity, loop.earlier + now - started)
            saved = now
    return log


def order(seed: int, name: str, items: int, epoch: int) -> Tensor:
    """The positions 0 .. items - 1 in the order in which training `name` visits them in `epoch` (from 0)."""
    return torch.randperm(items, generator=seeding.torch_generator(seed, f"{name}/order", epoch))


def _batches(loop: Loop, positions: Tensor) -> list[Tensor]:
    return [b for b in positions.split(loop.batch_size) if len(b) >= loop.min_batch]


def _one_epoch(
    loop: Loop,
    epoch: int,
    model: torch.nn.Module,
    loss: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    """The loss of each step. On a GPU losses are looked at every 64 steps, so that steps need not wait for it."""
    look_every = 1 if loop.device == "cpu" else 64
    values: list[float] = []
    pending: list[Tensor] = []
    device_type = torch.device(loop.device).type
    bf16 = loop.precision == "bf16"
    positions = order(loop.seed, loop.name, loop.items, epoch).to(loop.device)
    batches = _batches(loop, positions)
    # Dropout and sampled codes draw from torch's global generators: seeded here, so a resumed epoch repeats.
    with seeding.seeded(loop.seed, f"{loop.name}/noise", epoch, loop.device):
        if loop.before_epoch:
            loop.before_epoch(epoch)
        for step, batch in enumerate(batches):
            with torch.autocast(device_type, torch.bfloat16, enabled=bf16):
                value = loss(batch)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            if loop.clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), loop.clip_norm)
            optimizer.step()
            pending.append(value.detach())
            if len(pending) >= look_every or step + 1 == len(batches):
                values += _finite(loop, epoch, len(values), torch.stack(pending).double().tolist())
                pending = []
    return values


def _finite(loop: Loop, epoch: int, first_step: int, values: list[float]) -> list[float]:
    for step, value in enumerate(values, first_step):
        if not math.isfinite(value):
            raise RunFailed(
                f"{loop.name}: loss is {value} in epoch {epoch + 1}, step {step + 1}: "
                "lower the learning rate, clip gradients or use float32"
            )
    return values


def _mean_loss(loop: Loop, steps: list[float]) -> float:
    """Mean over the items of the epoch: batches weigh by their size."""
    sizes = [len(b) for b in _batches(loop, torch.arange(loop.items))]
    return math.fsum(v * n for v, n in zip(steps, sizes)) / sum(sizes)


def _identity(loop: Loop, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What decides a training's result, with a digest of the initial weights; it names the checkpoint's owner."""
    groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.state_dict()["param_groups"]]
    return {
        "name": loop.name,
        "seed": loop.seed,
        "items": loop.items,
        "epochs": loop.epochs,
        "batch_size": loop.batch_size,
        "clip_norm": loop.clip_norm,
        "min_batch": loop.min_batch,
        "precision": loop.precision,
        "device": loop.device,
        "optimizer": [type(optimizer).__name__, repr(groups)],
        "weights": files.digest(model.state_dict()),
        **loop.identity,
    }


def _save(
    path: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    log: TrainingLog,
    identity: dict[str, Any],
    seconds: float,
) -> None:
    """Weights, buffers and optimiser state as tensors; the rest as JSON in the same file."""
    kept = {f"model/{name}": value for name, value in model.state_dict().items()}
    state = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                kept[f"optimizer/{index}/{key}"] = value
            else:
                plain.setdefault(str(index), {})[key] = value
    about = {"identity": identity, "epochs": log.epochs, "last_steps": log.last_steps, "optimizer": plain}
    files.write(path, kept, {**about, "seconds": seconds})


def _resume(
    loop: Loop, model: torch.nn.Module, optimizer: torch.optim.Optimizer, identity: dict[str, Any]
) -> TrainingLog:
    """Loads the checkpoint if it belongs to this training; otherwise starts from the beginning."""
    log = TrainingLog([], [])
    if loop.checkpoint is None or not loop.checkpoint.exists():
        return log
    try:
        kept, about = files.read(loop.checkpoint)
    except files.Damaged as error:
        loop.progress(f"{loop.name}: checkpoint left aside, training starts again ({error})")
        return log
    if about["identity"] != identity:
        loop.progress(f"{loop.name}: checkpoint is of another training, training starts again")
        return log
    model.load_state_dict({k.removeprefix("model/"): v for k, v in kept.items() if k.startswith("model/")})
    state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in about["optimizer"].items()}
    for name, value in kept.items():
        if name.startswith("optimizer/"):
            _, index, key = name.split("/", 2)
            state.setdefault(int(index), {})[key] = value
    # Learning rates and such stay as the caller set them; `before_epoch` sets what changes by epoch.
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    loop.earlier = float(about.get("seconds", 0.0))
    loop.progress(f"{loop.name}: resumed after epoch {len(about['epochs'])}")
    return TrainingLog(list(about["epochs"]), list(about["last_steps"]))
