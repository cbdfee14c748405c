"""The official autoencoder: our training and scoring against the official loop, on the same vectors.

The official loop is written here as methods and code describe it: one array of stacked vectors, a DataLoader that
shuffles it, Adam, and a score a clip from one forward pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from asdbook.errors import AsdBookError

CLIPS, SECONDS, EPOCHS = 80, 4, 3
TEST_CLIPS = 60
ROUNDS = 3


def measure(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows for float32 and, where the processor has it, bf16 with compilation."""
    train, test, labels = _features()
    rows = []
    reference = [_official(train, test, seed) for seed in range(ROUNDS)]
    for precision, compile_ in (("float32", False), ("bf16", True)):
        progress(f"autoencoder, {precision}{', compiled' if compile_ else ''}")
        try:
            ours = [_ours(train, test, seed, precision, compile_) for seed in range(-1, ROUNDS)][1:]
        except AsdBookError as error:
            progress(f"left out: {error}")
            continue
        rows.append(_row(ours, reference, labels, len(train), precision, compile_))
    return rows


def _row(
    ours: list[tuple[float, np.ndarray, str]],
    reference: list[tuple[float, np.ndarray, str]],
    labels: np.ndarray,
    clips: int,
    precision: str,
    compile_: bool,
) -> dict[str, Any]:
    from asdbook.metrics import auc

    work = clips * _vectors_a_clip() * EPOCHS
    fast, slow = (float(np.median([side[0] for side in sides])) for sides in (ours, reference))
    found = [np.array([float(auc(labels, side[1])) for side in sides]) for sides in (ours, reference)]
    mean, spread = [aucs.mean() for aucs in found], found[1].std(ddof=1)
    note = ours[0][2]
    return {
        "ours": f"{precision}{', compiled' if compile_ else ''}{note}",
        "reference": "official loop, float32",
        "work": f"{EPOCHS} epochs of {clips * _vectors_a_clip()} vectors",
        "unit": "vectors/s",
        "ours_rate": work / fast,
        "reference_rate": work / slow,
        "ratio": slow / fast,
        "agreement": f"AUC {mean[0]:.3f} and {mean[1]:.3f} (seeds spread {spread:.3f})",
    }


def _vectors_a_clip() -> int:
    return 1 + SECONDS * 16_000 // 512 - 4


def _features() -> tuple[Any, Any, np.ndarray]:
    """Log-mel frames (clip, frame, band) of simulated fan clips: training, test, and the test labels."""
    import torch

    from asdbook import simulate
    from asdbook.features import LogMel

    spec = simulate.Spec(profile="quick", machines=("fan",))
    feature = LogMel()

    def frames(role: str, label: str, count: int) -> torch.Tensor:
        audio = simulate.render(spec, "fan", role, "source", label, count).audio
        return feature(torch.from_numpy(audio / np.float32(32768)).float())

    half = TEST_CLIPS // 2
    test = torch.cat([frames("audit", "normal", half), frames("audit", "anomaly", half)])
    return frames("train", "normal", CLIPS), test, np.repeat([0, 1], half)


def _stacked(frames: Any) -> Any:
    """Vectors of five neighbouring frames, (clip, vector, 640), as one array."""
    import torch

    count = frames.shape[1] - 4
    return torch.cat([frames[:, i : i + count] for i in range(5)], dim=2).contiguous()


def _official(train: Any, test: Any, seed: int) -> tuple[float, np.ndarray, str]:
    """Seconds of the official training loop, and its clip scores."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from asdbook.nn import Autoencoder

    torch.manual_seed(seed)
    model = Autoencoder()
    vectors = _stacked(train).flatten(0, 1)
    loader = DataLoader(TensorDataset(vectors), batch_size=256, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for _ in range(EPOCHS):
        for (batch,) in loader:
            rebuilt = model(batch)
            score = torch.nn.functional.mse_loss(rebuilt, batch.view(rebuilt.shape), reduction="none")
            loss = torch.sum(torch.mean(score, dim=1)) / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.perf_counter() - start, _clip_scores(model, test), ""


def _ours(train: Any, test: Any, seed: int, precision: str, compile_: bool) -> tuple[float, np.ndarray, str]:
    """Seconds of `Context.train` on the same vectors, gathered from frames, and its clip scores."""
    import torch

    from asdbook.experiment.context import RunContext
    from asdbook.nn import Autoencoder

    ctx = RunContext(
        seed=max(seed, 0), precision=precision, compile=compile_, threads=torch.get_num_threads()
    )
    with ctx.seeded("weights"):
        model = Autoencoder()
    clips, count = train.shape[0], train.shape[1] - 4
    bank = train.flatten(0, 1)
    starts = (torch.arange(clips)[:, None] * train.shape[1] + torch.arange(count)).flatten()
    offsets = torch.arange(5)
    fast = ctx.compiled(model)

    def loss(positions: torch.Tensor) -> torch.Tensor:
        x = bank[starts[positions][:, None] + offsets].flatten(1)
        return torch.nn.functional.mse_loss(fast(x), x)

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    start = time.perf_counter()
    ctx.train("bench", model, loss, items=len(starts), epochs=EPOCHS, batch_size=256, optimizer=optimizer, min_batch=2)
    seconds = time.perf_counter() - start
    same = ctx.precision == precision and ctx.compile == compile_
    return seconds, _clip_scores(model, test), "" if same else f" (fell back to {ctx.precision})"


def _clip_scores(model: Any, test: Any) -> np.ndarray:
    import torch

    model.eval()
    with torch.no_grad():
        vectors = _stacked(test)
        return (model(vectors.flatten(0, 1)).view_as(vectors) - vectors).square().mean(dim=(1, 2)).double().numpy()
