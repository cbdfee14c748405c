"""Networks, without knowledge of data sets or systems."""

from asdbook.nn.autoencoder import Autoencoder
from asdbook.nn.diffusion import Denoiser
from asdbook.nn.dual_path import MultiPath, SpectrogramPath, SpectrumPath
from asdbook.nn.gates import Attention, Gate, Gates, SqueezeExcite, gates_at, no_attention
from asdbook.nn.quantiser import Update, VectorQuantiser, error_of_sound, perplexity
from asdbook.nn.restoration import DetectionUNet, Norm, ObjectDecoder, SubspaceRestriction
from asdbook.nn.vqvae import Encoded, TwoLevelAutoencoder, autoencoder_loss, joined, masked_error, sounding

__all__ = [
    "Attention",
    "Autoencoder",
    "Denoiser",
    "DetectionUNet",
    "Encoded",
    "Gate",
    "Gates",
    "MultiPath",
    "Norm",
    "ObjectDecoder",
    "SpectrogramPath",
    "SpectrumPath",
    "SqueezeExcite",
    "SubspaceRestriction",
    "TwoLevelAutoencoder",
    "Update",
    "VectorQuantiser",
    "autoencoder_loss",
    "error_of_sound",
    "gates_at",
    "joined",
    "masked_error",
    "no_attention",
    "perplexity",
    "sounding",
]
