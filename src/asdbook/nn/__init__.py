"""Networks, without knowledge of data sets or systems."""

from asdbook.nn.autoencoder import Autoencoder
from asdbook.nn.diffusion import Denoiser

__all__ = ["Autoencoder", "Denoiser"]
