"""Settings, variants and sizes of AudDSR; the defaults are the paper's, then DSR's, which it follows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from asdbook.nn import Norm, Update
from asdbook.systems.base import Config

Score = Literal[
    "map-mean", "map-maximum", "map-p95", "general-error", "object-error", "decoder-gap", "code-rarity"
]  # fmt: skip


class AudDsrConfig(Config):
    """Settings of AudDSR; the defaults are the paper's, or those of DSR, which it follows, where it is silent."""

    bands: int = Field(128, ge=64, multiple_of=32)
    """Mel bands of the log-mel spectrogram (frames of 1024 samples every 512)."""
    hidden: int = Field(128, ge=2, multiple_of=2)
    """Channels of the autoencoder's convolutions."""
    inner: int = Field(64, ge=1)
    """Channels inside its residual blocks."""
    blocks: int = Field(2, ge=1)
    """Residual blocks in a stack."""
    dimension: int = Field(128, ge=1)
    """D, numbers in a code."""
    codes: int = Field(4096, ge=2)
    """K, codes in each of the two codebooks."""
    update: Update = "gradient"
    """How codes learn: by the codebook terms of Eq. (1), or as moving averages without those terms."""
    revive: bool = False
    """Whether averaged codes that nothing chooses are moved to features; not in the last fifth of the training."""
    stop_collapsed: bool = True
    """Whether the run stops when one code does nearly all of a level; otherwise the record says so."""
    general_data: Literal["machines", "outside", "other types"] = "machines"
    """What the autoencoder is trained on: all machine types, simulated sound of no machine, or all other types."""
    outside_clips: int = Field(2000, ge=1)
    """Clips of sound of no machine, where it is trained on such."""
    iterations: int = Field(20_000, ge=1)
    """Updates of the autoencoder."""
    batch_size: int = Field(256, ge=1)
    """Of the autoencoder."""
    learning_rate: float = Field(2e-4, gt=0)
    """Of the autoencoder, constant (Adam)."""
    crop_frames: int = Field(320, ge=32, multiple_of=32)
    """Frames of a training image: at a random place of a longer clip; a shorter clip's last frame is repeated."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Share of a machine's training clips that nothing is fitted to: they calibrate the decision."""
    shapes: Literal["both", "perlin", "band"] = "both"
    """How anomaly maps are drawn: half Perlin noise and half bands (both), or one of them."""
    rotate: bool = True
    """Whether Perlin noise is rotated, as in DSR."""
    levels: Literal["both", "coarse", "fine"] = "both"
    """Which codes are replaced."""
    sampling: Literal["similar", "uniform"] = "similar"
    """Which codes take their place: of similar ones (DSR), or any."""
    restriction: bool = True
    """Whether maps of codes pass subspace restriction modules before the object decoder."""
    restriction_width: int = Field(128, ge=1)
    """Channels of their first stage."""
    decoder_width: int = Field(256, ge=1)
    """Channels of the object decoder's first stage."""
    decoder_middle: int = Field(64, ge=1)
    """Channels at its narrowest."""
    unet_width: int = Field(64, ge=1)
    """Channels of the detection network's first stage."""
    norm: Norm = "instance"
    """Normalisation in the networks of the second stage."""
    outliers: bool = False
    """Whether clips of other IDs of the type stand in each batch as anomalous all over (with group_by=id)."""
    object_iterations: int = Field(10_000, ge=1)
    """Updates of each object-specific model."""
    object_batch_size: int = Field(16, ge=2)
    """Of the object-specific models; half of a batch is clean."""
    object_learning_rate: float = Field(2e-4, gt=0)
    """Of the object-specific models, constant (Adam)."""
    score: Score = "map-mean"
    """What of the output is the score: the map's mean, its largest average over 21 x 21 cells, its 95th percentile;
    or, without the learnt map, the squared difference of X and X_G, X and X_S, X_S and X_G, or how rare codes are."""


GENERAL = (
    "bands", "hidden", "inner", "blocks", "dimension", "codes", "update", "revive", "general_data", "iterations",
    "batch_size", "learning_rate", "crop_frames", "held_out",
)  # fmt: skip
"""Settings that change the autoencoder: systems that agree in them share it."""
OBJECT = (
    *GENERAL, "group_by", "shapes", "rotate", "levels", "sampling", "restriction", "restriction_width", "decoder_width",
    "decoder_middle", "unet_width", "norm", "outliers", "object_iterations", "object_batch_size",
    "object_learning_rate",
)  # fmt: skip
"""Settings that change the object-specific models: systems that agree in them differ in the score alone."""

# What the paper writes down has no remedy for a collapsed codebook: such a run is scored like any other.
LITERAL: dict[str, object] = {"stop_collapsed": False}
_STABLE: dict[str, object] = {"update": "average", "revive": True}
SCORES: dict[str, dict[str, object]] = {
    "smoothed-maximum": {"score": "map-maximum"},
    "p95": {"score": "map-p95"},
    "general-error": {"score": "general-error"},
    "object-error": {"score": "object-error"},
    "decoder-gap": {"score": "decoder-gap"},
    "code-rarity": {"score": "code-rarity"},
}
"""Variants that read another score from the models of `literal`."""
VARIANTS: dict[str, dict[str, object]] = {
    "literal": LITERAL,
    "ema": _STABLE,
    **{name: {**LITERAL, **change} for name, change in SCORES.items()},
    **{f"ema-{name}": {**_STABLE, **change} for name, change in SCORES.items()},
    # The rest stands on averaged codes: those that learn by gradient use a part of the codebook, now this, now that.
    # Other information.
    "per-id": {**_STABLE, "group_by": "id"},
    "annot": {**_STABLE, "group_by": "id", "outliers": True},
    "general-audio": {**_STABLE, "general_data": "outside"},
    "leave-one-type-out": {**_STABLE, "general_data": "other types"},
    # One thing changed in the simulation or in the networks.
    "uniform": {**_STABLE, "sampling": "uniform"},
    "perlin-only": {**_STABLE, "shapes": "perlin"},
    "band-only": {**_STABLE, "shapes": "band"},
    "unrotated": {**_STABLE, "rotate": False},
    "coarse-only": {**_STABLE, "levels": "coarse"},
    "fine-only": {**_STABLE, "levels": "fine"},
    "no-restriction": {**_STABLE, "restriction": False},
    "batchnorm": {**_STABLE, "norm": "batch"},
}

_SMALL: dict[str, object] = {
    "hidden": 32, "inner": 16, "dimension": 32, "codes": 256, "batch_size": 16, "learning_rate": 1e-3,
    "crop_frames": 64, "restriction_width": 16, "decoder_width": 32, "unet_width": 4, "object_batch_size": 8,
    "object_learning_rate": 1e-3,
}  # fmt: skip
PROFILES: dict[str, dict[str, object]] = {
    "tiny": {
        "bands": 64, "hidden": 8, "inner": 4, "blocks": 1, "dimension": 8, "codes": 16, "batch_size": 8,
        "crop_frames": 32, "iterations": 8, "restriction_width": 8, "decoder_width": 8, "decoder_middle": 4,
        "unet_width": 8, "object_iterations": 4, "object_batch_size": 8, "outside_clips": 8, "learning_rate": 1e-3,
        "object_learning_rate": 1e-3,
    },
    "smoke": {**_SMALL, "iterations": 250, "object_iterations": 60, "outside_clips": 40},
    "quick": {**_SMALL, "iterations": 1200, "object_iterations": 500, "outside_clips": 400},
    "paper": {},
}  # fmt: skip

DEVIATIONS: tuple[str, ...] = (
    "the paper states no sizes of its networks; profile paper has those of DSR's code, with one input channel and "
    "4096 codes of 128 numbers; the first decoder module is a small decoder, as in VQ-VAE-2, where DSR has one layer",
    "the distances of Eq. (1) are mean squared errors, as in the cited code, and the reconstruction's weight, which is "
    "not stated, is 1",
    "Q_1 is quantised from f_2 and Q_2 from f_1 beside f_U, as Eq. (1) pairs them; the text has f_1 for Q_1 once; the "
    "terms of the codes compare these with what is quantised, a 1x1 convolution of the features, as in DSR",
    "codes start from features of training clips; the paper is silent, and codes that start elsewhere collapse",
    "mel bands, power and logarithm are as in the official baseline, from -100 dB on; each band's mean and one spread, "
    "of the autoencoder's training clips, make images of zero mean and unit variance",
    "frames are padded with the last frame to a multiple of 32, which the networks need; padding counts neither in a "
    "loss nor in the score, but a cell of codes counts whole if any of its frames is sound",
    "networks start from torch's initial weights, not from DSR's spread of 0.02, which at a tenth of its widths lets "
    "nothing through",
    "training images are cut at a random place to the profile's length; clips are not cut at test time",
    "the autoencoder hears training clips alone, without the tenth of each machine's clips that nothing is fitted to: "
    "it calibrates the decision",
    "one object-specific model a machine type, IDs never read; the paper's text allows one a machine ID too (per-id)",
    "subspace restriction, sizes, detached inputs of the detection network, a focal loss with exponent 2 and without "
    "class weights, and ten times the weight of the squared error on spectrograms are DSR's; the paper says that it "
    "follows DSR",
    "the clean spectrogram that the object decoder restores is the input X, as in DSR",
    "which codes replace others is not stated: DSR's rule, alike ones without the nearest twentieth; only codes that "
    "the last epoch of the autoencoder's training used",
    "both maps are replaced inside the same region, as in the paper's text; DSR's tree of three cases is left out",
    "Perlin noise has DSR's lattices, rotation and threshold; the paper prints none",
    "how bands and segments are drawn, and how often, is not stated; ours: half of the maps are bands of log-uniform "
    "width, three in ten of them over the whole clip, else in one to five segments; empty maps are drawn again",
    "the target covers the replaced cells of the coarse map, as in DSR",
    "learning rates are constant, as far as the paper states",
    "with outliers half of a batch is clean, a quarter simulated and a quarter outliers; outliers count in the focal "
    "loss alone",
    "general sound is simulated sound of no machine, which stands in for AudioSet",
)
"""What the paper leaves open, and what we do."""
