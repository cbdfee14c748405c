"""Networks, without knowledge of data sets or systems."""

from asdbook.nn.autoencoder import Autoencoder
from asdbook.nn.diffusion import Denoiser
from asdbook.nn.dual_path import MultiPath, SpectrogramPath, SpectrumPath
from asdbook.nn.gates import Attention, Gate, Gates, SqueezeExcite, gates_at, no_attention

__all__ = [
    "Attention",
    "Autoencoder",
    "Denoiser",
    "Gate",
    "Gates",
    "MultiPath",
    "SpectrogramPath",
    "SpectrumPath",
    "SqueezeExcite",
    "gates_at",
    "no_attention",
]
