"""Forward chain, training loss and one reverse step: Yin et al., SSDM, Eq. (2)-(6).

The paper's letters: z_0 a clean vector, z_t the same after t steps of noise, e the noise, eps_t (epsilon) the noise
that the network predicts from z_t and t. Vectors are (batch, dimension). Nothing is clipped to [-1, 1] as image code
does: scaled embeddings exceed 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from asdbook.nn.diffusion.schedule import Schedule

# (z_t (batch, dimension), t long (batch,) or (1,)) -> predicted noise (batch, dimension): a `Denoiser`, or a formula.
Predictor = Callable[[Tensor, Tensor], Tensor]

# Eq. (6) as printed adds noise in every step; DDPM adds none in the last one (t = 1), whose result is the answer.
# We follow DDPM. As printed, Eq. (7) would grow by beta_1 d for every clip alike: 0.026 at d = 256.
NOISE_IN_LAST_STEP = False


def at(table: Tensor, t: Tensor | int, like: Tensor) -> Tensor:
    """Entries t of a schedule's float64 table as a column (batch or 1, 1) of `like`'s type and device."""
    index = torch.as_tensor(t, device=like.device).reshape(-1, 1)
    return table.to(like.device)[index].to(like.dtype)


def forward_step(previous: Tensor, t: Tensor | int, noise: Tensor, schedule: Schedule) -> Tensor:
    """Eq. (2): z_t from z_{t-1}; mean sqrt(1 - beta_t) z_{t-1}, variance beta_t. `noise` is standard normal."""
    beta = schedule.beta
    return at((1 - beta).sqrt(), t, previous) * previous + at(beta.sqrt(), t, previous) * noise


def noised(z0: Tensor, t: Tensor | int, noise: Tensor, schedule: Schedule) -> Tensor:
    """Eq. (3): z_t = sqrt(abar_t) z_0 + sqrt(1 - abar_t) e, t forward steps at once. `t`: one step, or one a row."""
    abar = schedule.abar
    return at(abar.sqrt(), t, z0) * z0 + at((1 - abar).sqrt(), t, z0) * noise


def diffusion_loss(denoiser: Predictor, z0: Tensor, schedule: Schedule) -> Tensor:
    """Eq. (5): squared error of the predicted noise, mean over vectors and dimensions; a scalar.

    Each vector gets its own step, uniform on 1..T, and its own noise, both from torch's global generator. (The paper
    prints "Loss = argmin [...]"; meant is what is minimised.)
    """
    t = torch.randint(1, schedule.steps + 1, (len(z0),), device=z0.device)
    e = torch.randn_like(z0)
    return mse_loss(denoiser(noised(z0, t, e, schedule), t), e)


def clean_estimate(z: Tensor, t: int, eps: Tensor, schedule: Schedule) -> Tensor:
    """Eq. (3) solved for z_0, with the predicted noise for e: (z_t - sqrt(1 - abar_t) eps_t) / sqrt(abar_t)."""
    abar = float(schedule.abar[t])
    return (z - (1 - abar) ** 0.5 * eps) / abar**0.5


def reverse_mean(z: Tensor, t: int, eps: Tensor, schedule: Schedule) -> Tensor:
    """mu_theta(z_t, t) of Eq. (4), the mean of z_{t-1}: first term of Eq. (6).

    (The text calls it the mean of the noise; the network predicts that, and this is what follows for z_{t-1}.)
    """
    beta, abar = float(schedule.beta[t]), float(schedule.abar[t])
    return (z - beta / (1 - abar) ** 0.5 * eps) / (1 - beta) ** 0.5  # 1 - alpha_t = beta_t


def reverse_step(z: Tensor, t: int, eps: Tensor, noise: Tensor, schedule: Schedule) -> Tensor:
    """Eq. (6): z'_{t-1} from z'_t; the mean of Eq. (4) plus fresh noise of variance beta_t, none at t = 1.

    The equation writes the same letter e as Eq. (3); it must be new noise, else it would undo the forward jump.
    """
    mean = reverse_mean(z, t, eps, schedule)
    if t == 1 and not NOISE_IN_LAST_STEP:
        return mean
    return mean + float(schedule.beta[t]) ** 0.5 * noise
