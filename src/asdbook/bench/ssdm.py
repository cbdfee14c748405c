"""SSDM: training and scoring in bf16 and channels-last memory against plain float32, and the share of the matrix rate.

The share is a side's floating-point operations a second over those of a 4096 x 4096 x 4096 matrix product at the same
precision and threads in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook.bench.timing import alternate, matrix_rate, operations

if TYPE_CHECKING:
    import torch

    from asdbook.systems.ssdm.embedding import Embedder

CLIPS, SECONDS, CLASSES = 64, 4.0, 50  # one batch of the `quick` profile
ROUNDS = 5
SCORED, DIMENSION, STEPS = 256, 256, 200  # clips scored by diffusion
SIZE = 4096  # of the matrices that the share refers to


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows: a training step in bf16 and in float32, embedding of clips, the diffusion score."""
    waves = _waves()
    rates = {precision: matrix_rate(precision, SIZE) for precision in ("float32", "bf16")}
    rows = []
    for precision in ("bf16", "float32"):
        progress(f"ssdm, training in {precision}")
        rows.append(_training(waves, precision, rates))
    progress("ssdm, embedding of clips")
    rows.append(_embedding(waves, rates))
    progress("ssdm, diffusion score")
    rows.append(_diffusion())
    return rows


@dataclass
class Side:
    """One way to train: a network, its loss, and a step on the same waves."""

    embedder: Embedder
    head: torch.nn.Module
    optimizer: torch.optim.Optimizer
    precision: str

    def loss(self, waves: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            return self.head(torch.cat(self.embedder.parts(waves), dim=1), labels)

    def step(self, waves: torch.Tensor, labels: torch.Tensor) -> float:
        value = self.loss(waves, labels)
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        self.optimizer.step()
        return float(value.detach())


def _side(precision: str, *, channels_last: bool) -> Side:
    import torch

    from asdbook import systems
    from asdbook.losses import AdaCos
    from asdbook.systems.ssdm.embedding import Embedder

    torch.manual_seed(0)
    config = systems.make_config(systems.get("ssdm"), "literal", "quick", {"window_seconds": SECONDS})
    embedder = Embedder(config)  # type: ignore[arg-type]
    if not channels_last:
        embedder.network.paths["spectrogram"].memory_format = torch.contiguous_format  # type: ignore[assignment]
        embedder.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    head = AdaCos(DIMENSION, CLASSES, trainable=True, scale="as-coded")
    everything = torch.nn.ModuleList([embedder.network, head])
    return Side(embedder, head, torch.optim.Adam(everything.parameters(), lr=1e-3), precision)


def _waves() -> torch.Tensor:
    """A batch of simulated clips of the fan, float32 (clip, sample)."""
    import torch

    from asdbook import simulate

    spec = simulate.Spec(profile="quick", machines=("fan",))
    audio = simulate.render(spec, "fan", "train", "source", "normal", CLIPS).audio[:, : round(16_000 * SECONDS)]
    return torch.from_numpy(audio / np.float32(32768)).float()


def _labels() -> torch.Tensor:
    import torch

    from asdbook.augment import one_hot

    return one_hot(torch.arange(CLIPS) % CLASSES, CLASSES)


def _training(waves: torch.Tensor, precision: str, rates: dict[str, float]) -> dict[str, Any]:
    labels = _labels()
    ours, plain = _side(precision, channels_last=True), _side("float32", channels_last=False)
    first = [float(side.loss(waves, labels).detach()) for side in (ours, plain)]  # same weights, same clips
    work = operations(lambda: plain.step(waves, labels))
    fast, slow = alternate(lambda: ours.step(waves, labels), lambda: plain.step(waves, labels), ROUNDS)
    share = [work / seconds / rates[kind] for seconds, kind in ((fast, precision), (slow, "float32"))]
    return {
        "ours": f"training, {precision}, channels last",
        "reference": "training, float32",
        "work": f"a step on {CLIPS} clips of {SECONDS:g} s",
        "unit": "clips/s",
        "ours_rate": CLIPS / fast,
        "reference_rate": CLIPS / slow,
        "ratio": slow / fast,
        "agreement": f"first loss {first[0]:.4f} and {first[1]:.4f}; "
        f"{share[0]:.0%} and {share[1]:.0%} of the matrix rate",
    }


def _embedding(waves: torch.Tensor, rates: dict[str, float]) -> dict[str, Any]:
    import torch

    sides = [_side("float32", channels_last=last) for last in (True, False)]
    for side in sides:
        side.embedder.network.eval()

    def embed(side: Side) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat(side.embedder.parts(waves), dim=1)

    work = operations(lambda: embed(sides[1]))
    fast, slow = alternate(lambda: embed(sides[0]), lambda: embed(sides[1]), ROUNDS)
    gap = float((embed(sides[0]) - embed(sides[1])).abs().max())
    share = [work / seconds / rates["float32"] for seconds in (fast, slow)]
    return {
        "ours": "embedding, channels last",
        "reference": "embedding, float32",
        "work": f"{CLIPS} clips of {SECONDS:g} s",
        "unit": "clips/s",
        "ours_rate": CLIPS / fast,
        "reference_rate": CLIPS / slow,
        "ratio": slow / fast,
        "agreement": f"embeddings differ by {gap:.0e}; {share[0]:.0%} and {share[1]:.0%} of the matrix rate",
    }


def _diffusion() -> dict[str, Any]:
    """The score of `literal` for many clips, against a denoiser that is told each clip's step by itself."""
    import torch

    from asdbook.nn import diffusion

    torch.manual_seed(0)
    denoiser, schedule = diffusion.Denoiser(DIMENSION).eval(), diffusion.Schedule.build(500)
    z0, hashes = torch.randn(SCORED, DIMENSION), list(range(SCORED))

    def score(predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        return diffusion.mean_error(predict, z0, schedule, hashes, seed=0, steps=STEPS)

    def told_each(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return denoiser(z, t.expand(len(z)))

    fast, slow = alternate(lambda: score(denoiser), lambda: score(told_each), 3)
    gap = float((score(denoiser) / score(told_each) - 1).abs().max())
    return {
        "ours": "score, one step a batch",
        "reference": "score, one step a clip",
        "work": f"{SCORED} clips, {STEPS} steps of diffusion",
        "unit": "clips/s",
        "ours_rate": SCORED / fast,
        "reference_rate": SCORED / slow,
        "ratio": slow / fast,
        "agreement": f"scores differ by {gap:.0e}",
    }
