"""Denoising diffusion of vectors: Yin et al., SSDM, section II.B, Eq. (2)-(7), after Ho et al., DDPM (2020).

Read in this order: `schedule` (beta, alpha, abar), `denoiser` (the network eps), `processes` (forward chain, loss, one
reverse step: Eq. (2)-(6)), `readings` (what "500 steps in training, 200 in testing" can mean, and Eq. (7)).
"""

from asdbook.nn.diffusion.denoiser import Denoiser
from asdbook.nn.diffusion.processes import (
    clean_estimate,
    diffusion_loss,
    forward_step,
    noised,
    reverse_mean,
    reverse_step,
)
from asdbook.nn.diffusion.readings import (
    CLIPS_AT_ONCE,
    READINGS,
    RECONSTRUCTIONS,
    clip_noise,
    mean_error,
    reconstruct,
    reconstruction_error,
)
from asdbook.nn.diffusion.schedule import SCHEDULES, Schedule

__all__ = [
    "CLIPS_AT_ONCE",
    "READINGS",
    "RECONSTRUCTIONS",
    "SCHEDULES",
    "Denoiser",
    "Schedule",
    "clean_estimate",
    "clip_noise",
    "diffusion_loss",
    "forward_step",
    "mean_error",
    "noised",
    "reconstruct",
    "reconstruction_error",
    "reverse_mean",
    "reverse_step",
]
