"""How much noise each diffusion step adds: beta_t of Eq. (2), alpha_t = 1 - beta_t, abar_t = prod_s alpha_s of Eq. (3).

Tables have length T + 1 and steps are counted as in the paper, t = 1..T. Index 0 is the clean vector: beta_0 = 0,
abar_0 = 1. (Public code often counts from 0, where index 0 is already one step.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from asdbook.errors import BadInput, UnknownName

# No step forgets everything: alpha_t >= 0.001 (Nichol & Dhariwal 2021), for the mean of Eq. (6) divides by its root.
LARGEST_BETA = 0.999


def linear(steps: int) -> np.ndarray:
    """DDPM's range. The SSDM paper states none and cites DDPM alone; at T = 500 abar_T is 0.0064, not 0."""
    return np.linspace(1e-4, 0.02, steps)


def linear_rescaled(steps: int) -> np.ndarray:
    """DDPM's range was meant for T = 1000: fewer steps get proportionally larger ones (AnoDDPM's rule)."""
    return np.linspace(1e-4, 0.02, steps) * (1000 / steps)


def linear_short(steps: int) -> np.ndarray:
    """Half of DDPM's range, as DTE uses it for anomaly detection on tables."""
    return np.linspace(1e-4, 0.01, steps)


def cosine(steps: int) -> np.ndarray:
    """abar_t follows a squared cosine; s = 0.008 keeps the first steps from vanishing (Nichol & Dhariwal 2021)."""
    s = 0.008
    f = np.cos((np.arange(steps + 1) / steps + s) / (1 + s) * math.pi / 2) ** 2
    return 1 - f[1:] / f[:-1]


SCHEDULES: dict[str, Callable[[int], np.ndarray]] = {
    "linear": linear,
    "linear-rescaled": linear_rescaled,
    "linear-short": linear_short,
    "cosine": cosine,
}


@dataclass(frozen=True, eq=False)
class Schedule:
    """The tables of one noise schedule, float64, index t = 0..T.

    Attributes:
        kind: one of `SCHEDULES`.
        beta: variance that step t adds, Eq. (2); beta[0] = 0.
        abar: share of the clean vector's power that is left after t steps, Eq. (3); abar[0] = 1.
        told: the step that the denoiser is told at t: t itself, but for a respaced schedule.
    """

    kind: str
    beta: Tensor
    abar: Tensor
    told: Tensor

    @classmethod
    def build(cls, steps: int = 500, kind: str = "linear") -> Schedule:
        """A schedule of T = `steps` steps.

        Raises:
            UnknownName: there is no such kind.
            BadInput: fewer than one step.
        """
        if kind not in SCHEDULES:
            raise UnknownName("noise schedule", kind, SCHEDULES)
        if steps < 1:
            raise BadInput(f"noise schedule with {steps} steps: at least 1 is needed")
        beta = np.concatenate([[0.0], np.minimum(SCHEDULES[kind](steps), LARGEST_BETA)])
        return cls(kind, torch.from_numpy(beta), torch.from_numpy(np.cumprod(1 - beta)), torch.arange(steps + 1))

    @property
    def steps(self) -> int:
        """T, the number of steps."""
        return len(self.beta) - 1

    @property
    def alpha(self) -> Tensor:
        """alpha_t = 1 - beta_t, float64 (T + 1,)."""
        return 1 - self.beta

    def to(self, device: torch.device | str) -> Schedule:
        """The same schedule with its tables on `device`, for a training loop there."""
        return Schedule(self.kind, self.beta.to(device), self.abar.to(device), self.told.to(device))

    def check_step(self, t: int) -> int:
        """`t`, if it is a step of this schedule; BadInput else."""
        if not 1 <= t <= self.steps:
            raise BadInput(f"diffusion step {t}: this schedule has the steps 1 to {self.steps}")
        return t

    def respaced(self, steps: int) -> Schedule:
        """`steps` evenly spaced ones of this schedule's steps, first and last kept (Nichol & Dhariwal 2021).

        The kept steps keep their abar and what the denoiser is told; each step then bridges several old ones:
        alpha_k = abar_{t_k} / abar_{t_{k-1}}. A single step is the last one.
        """
        self.check_step(steps)
        last = self.steps
        kept = torch.linspace(1, last, steps, dtype=torch.float64).round().long() if steps > 1 else torch.tensor([last])
        kept = torch.cat([torch.tensor([0]), kept]).to(self.abar.device)
        abar = self.abar[kept]
        beta = torch.cat([abar.new_zeros(1), 1 - abar[1:] / abar[:-1]])
        return Schedule(self.kind, beta, abar, self.told[kept])
