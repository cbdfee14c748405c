"""From an embedding to its anomaly score: Eq. (7) of Yin et al., SSDM, under seven readings of one sentence.

"During training, the number of diffusion steps is set to 500, and during testing, it is set to 200." What the 200
steps start from and which noise levels they pass is not said. `steps` is that number, T the schedule's:

| reading | starts from | then |
| --- | --- | --- |
| `partial` | z_t of Eq. (3) at t = steps | Eq. (6) for t = steps..1 |
| `respaced` | z_T | Eq. (6) over `steps` evenly spaced ones of the T steps |
| `rebuilt` | z_T of a new schedule with T = steps | Eq. (6) on it: the network knows other noise levels by these t |
| `onestep` | z_t at t = steps | one estimate of z_0 |
| `nonoise` | z_0 itself, taken for z_t | Eq. (6) for t = steps..1 (DTE's way) |
| `ddim` | z_t at t = steps | the deterministic steps of DDIM (eta = 0; Song et al. 2021) for t = steps..1 |
| `eps-average` | z_t at every t = 1..steps | no z'_0: mean over t of the noise's squared error, in place of Eq. (7) |

Noise comes from outside, one row a step, so that a clip's score depends on nothing but the clip, the seed and the draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from asdbook.errors import BadInput, UnknownName
from asdbook.nn.diffusion.processes import Predictor, clean_estimate, noised, reverse_step
from asdbook.nn.diffusion.schedule import Schedule

# 64 clips x 201 rows of noise x 256 dimensions x 4 bytes are 13 MB.
CLIPS_AT_ONCE = 64


def clip_noise(hashes: Sequence[int], seed: int, draw: int, steps: int, dimension: int) -> Tensor:
    """Standard normal noise of each clip from its own generator: float32 (clip, steps + 1, dimension).

    Row 0 is the noise of the start (e of Eq. 3), row i that of the i-th step. A smaller `steps` gives the first rows
    of the same noise. Equal hashes (equal sounds) give equal noise, whatever else is scored beside them.

    Args:
        hashes: one non-negative integer a clip, of any size.
        seed, draw: non-negative; draws of one seed are independent.
    """
    noise = np.empty((len(hashes), steps + 1, dimension), dtype=np.float32)
    for row, clip in zip(noise, hashes):
        np.random.default_rng((seed, draw, int(clip))).standard_normal(dtype=np.float32, out=row)
    return torch.from_numpy(noise)


def predicted(denoiser: Predictor, z: Tensor, t: int, schedule: Schedule) -> Tensor:
    """eps_t: what the denoiser takes for the noise of z_t. One step for all clips, so its features cost nothing."""
    return denoiser(z, schedule.told[t : t + 1].to(z.device))


def ancestral(denoiser: Predictor, z: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    """Eq. (6) for t = steps..1, from z'_t = `z` to z'_0. Row i of `noise` goes to the i-th step, row 0 to none."""
    for i, t in enumerate(range(steps, 0, -1), start=1):
        eps = predicted(denoiser, z, t, schedule)
        z = reverse_step(z, t, eps, noise[:, i], schedule)
    return z


def partial(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    start = noised(z0, schedule.check_step(steps), noise[:, 0], schedule)
    return ancestral(denoiser, start, schedule, steps, noise)


def respaced(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    return partial(denoiser, z0, schedule.respaced(steps), steps, noise)


def rebuilt(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    return partial(denoiser, z0, Schedule.build(schedule.check_step(steps), schedule.kind), steps, noise)


def onestep(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    z = noised(z0, schedule.check_step(steps), noise[:, 0], schedule)
    return clean_estimate(z, steps, predicted(denoiser, z, steps, schedule), schedule)


def nonoise(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    return ancestral(denoiser, z0, schedule, schedule.check_step(steps), noise)


def ddim(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    """From t to t - 1 by Eq. (3) with the predicted noise kept: only the start is random."""
    z = noised(z0, schedule.check_step(steps), noise[:, 0], schedule)
    for t in range(steps, 0, -1):
        eps = predicted(denoiser, z, t, schedule)
        z = noised(clean_estimate(z, t, eps, schedule), t - 1, eps, schedule)
    return z


def eps_average(denoiser: Predictor, z0: Tensor, schedule: Schedule, steps: int, noise: Tensor) -> Tensor:
    """Mean over t = 1..steps of ||e - eps_t||^2, each t with its own row of noise (row 0 unused); float64 (clip,)."""
    total = z0.new_zeros(len(z0), dtype=torch.float64)
    for t in range(1, schedule.check_step(steps) + 1):
        e = noise[:, t]
        total += squared_distance(e, predicted(denoiser, noised(z0, t, e, schedule), t, schedule))
    return total / steps


# (denoiser, z_0, schedule, steps, noise) -> z'_0.
RECONSTRUCTIONS: dict[str, Callable[[Predictor, Tensor, Schedule, int, Tensor], Tensor]] = {
    "partial": partial,
    "respaced": respaced,
    "rebuilt": rebuilt,
    "onestep": onestep,
    "nonoise": nonoise,
    "ddim": ddim,
}
EPS_AVERAGE = "eps-average"
READINGS = (*RECONSTRUCTIONS, EPS_AVERAGE)


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """Sum over dimensions of the squared difference, summed in float64: (clip,)."""
    return (a - b).double().square().sum(dim=1)


def fitting(noise: Tensor, z0: Tensor, steps: int) -> Tensor:
    """`noise` in z_0's type and on its device; BadInput unless it has a row for the start and for each step."""
    clips, dimension = z0.shape
    if noise.shape != (clips, steps + 1, dimension):
        raise BadInput(
            f"noise of shape {tuple(noise.shape)} for {clips} clips of {dimension} dimensions and {steps} steps: "
            f"{(clips, steps + 1, dimension)} is needed"
        )
    return noise.to(z0)


@torch.inference_mode()
def reconstruct(
    denoiser: Predictor, z0: Tensor, schedule: Schedule, noise: Tensor, *, steps: int = 200, reading: str = "partial"
) -> Tensor:
    """z'_0 (clip, dimension): z_0 after noise and denoising, under one of `RECONSTRUCTIONS`.

    Args:
        denoiser: in evaluation mode, if that makes a difference to it.
        noise: (clip, steps + 1, dimension), see `clip_noise`.
        steps: 1..T.

    Raises:
        UnknownName: no such reading. BadInput: `steps` or the noise's shape does not fit; the reading has no z'_0.
    """
    if reading == EPS_AVERAGE:
        raise BadInput(f"reading {reading!r} reconstructs nothing: take one of {', '.join(RECONSTRUCTIONS)}")
    if reading not in RECONSTRUCTIONS:
        raise UnknownName("reading", reading, READINGS)
    return RECONSTRUCTIONS[reading](denoiser, z0, schedule, steps, fitting(noise, z0, steps))


@torch.inference_mode()
def reconstruction_error(
    denoiser: Predictor, z0: Tensor, schedule: Schedule, noise: Tensor, *, steps: int = 200, reading: str = "partial"
) -> Tensor:
    """Eq. (7): error = ||z_0 - z'_0||^2, the anomaly score of one draw of noise; float64 (clip,).

    Arguments and errors as of `reconstruct`, for all `READINGS`.
    """
    if reading == EPS_AVERAGE:
        return eps_average(denoiser, z0, schedule, steps, fitting(noise, z0, steps))
    return squared_distance(z0, reconstruct(denoiser, z0, schedule, noise, steps=steps, reading=reading))


def mean_error(
    denoiser: Predictor,
    z0: Tensor,
    schedule: Schedule,
    hashes: Sequence[int],
    *,
    seed: int,
    draws: int = 1,
    steps: int = 200,
    reading: str = "partial",
) -> Tensor:
    """Eq. (7) of any number of clips, mean over draws 0..draws-1 of noise; float64 (clip,) on z_0's device.

    Args:
        z0: (clip, dimension).
        hashes: one a clip, e.g. of its waveform: with seed and draw it fixes the clip's noise (`clip_noise`).
        draws: the paper implies one.
    """
    if len(hashes) != len(z0):
        raise BadInput(f"{len(hashes)} hashes for {len(z0)} clips: one a clip is needed")
    if draws < 1:
        raise BadInput(f"{draws} draws of noise: at least 1 is needed")
    total = z0.new_zeros(len(z0), dtype=torch.float64)
    for first in range(0, len(z0), CLIPS_AT_ONCE):
        part = slice(first, first + CLIPS_AT_ONCE)
        for draw in range(draws):
            noise = clip_noise(hashes[part], seed, draw, steps, z0.shape[1])
            total[part] += reconstruction_error(denoiser, z0[part], schedule, noise, steps=steps, reading=reading)
    return total / draws
