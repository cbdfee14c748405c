"""AudDSR: both trainings and scoring at the sizes of `quick`, and the search for codes, in time and in memory.

Trainings are measured as a run does them, in bf16 and in float32, and float32 against channels-last memory, which the
system does not use. The share is a side's floating-point operations a second over those of a 4096 x 4096 x 4096 matrix
product at the same precision and threads in the same run.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook.bench.timing import alternate, matrix_rate, operations

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from asdbook.features import FrameBank
    from asdbook.systems.auddsr.detection import ObjectModel
    from asdbook.systems.auddsr.general import General

CLIPS = 16  # a batch of the first stage of `quick`, and what is scored together
SIZES = "quick"
ROUNDS = 5
SIZE = 4096  # of the matrices that the share refers to
CODES, DIMENSION = 4096, 128  # K and D of the paper's sizes
FINE, COARSE = 32 * 80, 16 * 40  # cells of a clip of 128 x 320
VECTORS = 16 * FINE  # fine maps of a batch of the second stage
FEW = 128  # vectors whose differences from all codes fit into memory: 268 MB
PAPER = 256 * (FINE + COARSE) * CODES * 4  # bytes of all distances of a batch of the first stage
MEMORY = Path("/proc/self/statm")  # pages of this process, on Linux


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows: steps of both stages, scoring, and the nearest codes against two plain searches."""
    rates = {precision: matrix_rate(precision, SIZE) for precision in ("float32", "bf16")}
    rows = []
    for stage, step in (("general", Side.general_step), ("object", Side.object_step)):
        progress(f"auddsr, training of the {stage} stage")
        rows += _training(stage, step, rates)
    progress("auddsr, scoring")
    rows += _scoring(rates)
    progress("auddsr, nearest codes")
    return [*rows, _codes(distance_matrix, VECTORS), _codes(differences, FEW)]


@dataclass
class Side:
    """One way to compute: networks, their optimisers and the clips that they hear."""

    general: General
    model: ObjectModel
    bank: FrameBank
    precision: str

    def __post_init__(self) -> None:
        import torch

        self.clips = torch.arange(CLIPS)
        self.few = self.clips[: self.general.config.object_batch_size]  # a batch of the second stage
        modules: tuple[torch.nn.Module, ...] = (self.general, self.model)
        self.optimisers = {m: torch.optim.Adam(m.parameters(), lr=1e-3) for m in modules}

    def general_step(self) -> float:
        """Eq. (1), once down."""
        from asdbook.nn import autoencoder_loss

        network = self.general.train().requires_grad_(True).network
        return self._step(self.general, lambda: autoencoder_loss(network, *self.general.drawn(self.bank, self.clips)))

    def object_step(self) -> float:
        """The losses of simulated anomalies, once down."""
        general = self.general.eval().requires_grad_(False)
        model = self.model.train()
        return self._step(model, lambda: model.loss(general, *general.drawn(self.bank, self.few), 0))

    def _step(self, module: torch.nn.Module, loss: Callable[[], Tensor]) -> float:
        import torch

        torch.manual_seed(1)  # where images are cut and what is simulated: the same on every side
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            value = loss()
        self.optimisers[module].zero_grad(set_to_none=True)
        value.backward()
        self.optimisers[module].step()
        return float(value.detach())

    def scores(self, at_once: int) -> Tensor:
        """Mean of the map of every clip, so many clips at once."""
        import torch

        from asdbook.systems.auddsr.detection import respond

        general, model = self.general.eval(), self.model.eval()
        use = torch.ones(general.config.codes), torch.ones(general.config.codes)
        frames = int(self.bank.counts[0])
        parts = [
            respond(model, general, general.whole(self.bank, chosen)[0], frames, use)[0][:, 0]
            for chosen in self.clips.split(at_once)
        ]
        return torch.cat(parts)


def _side(precision: str, *, channels_last: bool = False) -> Side:
    """Networks of the same weights on the same clips, scaled, with codes from features and all of them in use."""
    import torch

    from asdbook import systems
    from asdbook.systems.auddsr.detection import ObjectModel
    from asdbook.systems.auddsr.general import General

    torch.manual_seed(0)
    config = systems.make_config(systems.get("auddsr"), "ema", SIZES)
    general, model, bank = General(config), ObjectModel(config), _bank(config.bands, CLIPS)  # type: ignore[arg-type, attr-defined]
    general.mean.copy_(bank.flat.mean(dim=0))
    general.spread.copy_((bank.flat - general.mean).square().mean().sqrt())
    general.network.start(general.whole(bank, torch.arange(CLIPS))[0])
    for codebook in (general.network.coarse, general.network.fine):
        codebook.used.fill_(1)
    if channels_last:
        for module in (general, model):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Side(general, model, bank, precision)


@cache
def _bank(bands: int, clips: int) -> FrameBank:
    """Log-mel frames of simulated clips of the fan."""
    import torch

    from asdbook import simulate
    from asdbook.features import FrameBank, LogMel
    from asdbook.systems.auddsr.general import FLOOR_DB

    spec = simulate.Spec("synthetic-2020", profile="quick", machines=("fan",))
    audio = simulate.render(spec, "fan", "train", "00", "normal", clips).audio
    frames = LogMel(bands=bands)(torch.from_numpy(audio / np.float32(32768)).float()).clamp_min(FLOOR_DB)
    return FrameBank(frames.flatten(0, 1), torch.full((clips,), frames.shape[1]))


def _row(
    work: str, unit: str, amount: float, sides: tuple[str, str], seconds: tuple[float, float], agreement: str
) -> dict[str, Any]:
    fast, slow = seconds
    return {
        "ours": sides[0], "reference": sides[1], "work": work, "unit": unit, "ours_rate": amount / fast,
        "reference_rate": amount / slow, "ratio": slow / fast, "agreement": agreement,
    }  # fmt: skip


def _training(stage: str, step: Callable[[Side], float], rates: dict[str, float]) -> list[dict[str, Any]]:
    plain = (_side("bf16"), _side("float32")), "float32"
    last = (_side("float32"), _side("float32", channels_last=True)), "float32, channels last"
    return [_pair(f"{stage} stage", step, sides, name, rates) for sides, name in (plain, last)]


def _pair(
    stage: str, step: Callable[[Side], float], sides: tuple[Side, Side], name: str, rates: dict[str, float]
) -> dict[str, Any]:
    ours, other = sides
    first = [step(side) for side in sides]  # same weights, same clips
    work = operations(lambda: step(other))
    seconds = alternate(lambda: step(ours), lambda: step(other), ROUNDS)
    share = [work / s / rates[side.precision] for s, side in zip(seconds, sides)]
    c, clips = other.general.config, CLIPS if step is Side.general_step else len(other.few)
    return _row(
        f"a step on {clips} images of {c.bands} x {c.crop_frames}", "clips/s", clips,
        (f"{stage}, {ours.precision}", f"{stage}, {name}"), seconds,
        f"first loss {first[0]:.4f} and {first[1]:.4f}; {share[0]:.0%} and {share[1]:.0%} of the matrix rate",
    )  # fmt: skip


def _scoring(rates: dict[str, float]) -> list[dict[str, Any]]:
    ours, last = _side("float32"), _side("float32", channels_last=True)
    frames, rows = int(ours.bank.counts[0]), []
    work = operations(lambda: ours.scores(CLIPS))
    others: dict[str, Callable[[], Tensor]] = {
        "one clip at a time": lambda: ours.scores(1), "channels last": lambda: last.scores(CLIPS),
    }  # fmt: skip
    for name, other in others.items():
        seconds = alternate(lambda: ours.scores(CLIPS), other, ROUNDS)
        gap = float((ours.scores(CLIPS) / other() - 1).abs().max())
        share = [work / s / rates["float32"] for s in seconds]
        rows.append(
            _row(
                f"{CLIPS} clips of {frames} frames", "clips/s", CLIPS,
                (f"scoring, {CLIPS} clips at a time", f"scoring, {name}"), seconds,
                f"scores differ by {gap:.0e}; {share[0]:.0%} and {share[1]:.0%} of the matrix rate",
            )
        )  # fmt: skip
    return rows


# The nearest codes, and what is written down first.
def distance_matrix(features: Tensor, codes: Tensor) -> Tensor:
    """All distances in memory at once."""
    import torch

    return torch.cdist(features, codes).argmin(dim=1)


def differences(features: Tensor, codes: Tensor) -> Tensor:
    """All differences in memory at once: D times as many numbers."""
    return ((features[:, None] - codes[None]) ** 2).sum(-1).argmin(dim=1)


def _problem(vectors: int) -> tuple[Tensor, Tensor]:
    import torch

    draw = torch.Generator().manual_seed(0)
    return torch.randn(vectors, DIMENSION, generator=draw), torch.randn(CODES, DIMENSION, generator=draw)


def _codes(plain: Callable[[Tensor, Tensor], Tensor], vectors: int) -> dict[str, Any]:
    from asdbook.nn.quantiser import nearest

    features, codes = _problem(vectors)
    seconds = alternate(lambda: nearest(features, codes), lambda: plain(features, codes), 3)
    same = float((nearest(features, codes) == plain(features, codes)).double().mean())
    peaks = [peak_mb(lambda s=search: s(features, codes)) for search in (nearest, plain)]  # type: ignore[misc]
    return _row(
        f"{vectors} vectors, {CODES} codes of {DIMENSION}", "vectors/s", vectors,
        ("nearest codes, in parts", f"nearest codes, {plain.__name__.replace('_', ' ')}"), seconds,
        f"{same:.2%} of codes; peak memory {peaks[0]:.0f} and {peaks[1]:.0f} MB"
        + (f", at the paper's batch 64 MB and {PAPER / 1e9:.1f} GB" if plain is distance_matrix else ""),
    )  # fmt: skip


def peak_mb(work: Callable[[], object]) -> float:
    """Most memory that `work` held beyond what the process held before, MB; NaN where there is no /proc.

    Resident memory is read every millisecond meanwhile: blocks of this size come from the system and go back to it.
    """
    if not MEMORY.exists():
        return float("nan")
    before, seen, done = _resident_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            seen.append(_resident_mb() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return max(seen)


def _resident_mb() -> float:
    return int(MEMORY.read_text().split()[1]) * resource.getpagesize() / 1e6
