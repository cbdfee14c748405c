"""Networks, without knowledge of data sets or systems."""

from asdbook.nn.autoencoder import Autoencoder

__all__ = ["Autoencoder"]
