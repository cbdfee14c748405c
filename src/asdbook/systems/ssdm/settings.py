"""Settings, variants and sizes of SSDM; the defaults are the paper's, or our reading where it is silent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from asdbook.losses import Scale
from asdbook.nn import Gates
from asdbook.systems.base import Config

Inputs = Literal["embedding", "logmel", "frames", "spectrum"]
Reading = Literal["partial", "respaced", "rebuilt", "onestep", "nonoise", "ddim", "eps-average"]
Scaling = Literal["direction", "unit", "perdim", "raw"]
Detector = Literal[
    "diffusion", "knn", "two_banks", "kmeans", "smote_knn", "mixture", "mahalanobis", "local_density"
]


class SsdmConfig(Config):
    """Settings of SSDM; the defaults are the paper's, or our reading where it is silent (`Ssdm.deviations`)."""

    inputs: Inputs = "embedding"
    """What the detector is given: the network's embedding, or without a network the mean log-mel spectrum, stacked
    log-mel frames, or the pooled spectrum."""
    detector: Detector = "diffusion"
    """What is fitted to the normal clips of a machine."""
    window_seconds: float = Field(18.0, gt=0)
    """Length of what the network hears at once, s. Shorter clips are tiled, longer ones covered by windows."""
    width: int = Field(16, ge=1)
    """Channels of the spectrogram path's first stage; the spectrum path has eight times as many."""
    embedding: int = Field(128, ge=1)
    """Numbers that each of the two paths gives."""
    gates: Gates = "default"
    """Where Eq. (1) stands in the network."""
    subclusters: int = Field(16, ge=1)
    """Centres a class, K."""
    trainable_centres: bool = True
    """Whether the centres are learnt."""
    scale: Scale = "as-coded"
    """How the scale of the cosines changes in training."""
    mixup: float = Field(1.0, ge=0, le=1)
    """Probability with which a training clip is mixed with another."""
    exchange: bool = False
    """Whether a second loss tells exchanged embeddings from own ones (FeatEx)."""
    epochs: int = Field(50, ge=1)
    """Of the network."""
    batch_size: int = Field(128, ge=2)
    """Of the network."""
    learning_rate: float = Field(0.01, gt=0)
    """Of the network, at first (Adam)."""
    decay: float = Field(0.9, gt=0, le=1)
    """Factor of the network's learning rate every `decay_every` epochs."""
    decay_every: int = Field(5, ge=1)
    """Epochs."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Share of a machine's training clips that nothing is fitted to: they calibrate the decision."""
    scaling: Scaling = "direction"
    """What the diffusion model gets: z / |z| times sqrt(d) (direction); z / |z| (unit); the first, standardised by
    dimension (perdim); or z (raw). Inputs other than embeddings keep their length: perdim or raw."""
    steps: int = Field(500, ge=1)
    """T, steps of diffusion in training."""
    schedule: str = "linear"
    """How much noise each step adds."""
    hidden: int = Field(512, ge=1)
    """Width of the denoiser."""
    diffusion_epochs: int = Field(500, ge=1)
    """Of the denoiser."""
    diffusion_batch_size: int = Field(128, ge=1)
    """Of the denoiser."""
    diffusion_learning_rate: float = Field(1e-3, gt=0)
    """Of the denoiser, constant (Adam)."""
    target_share: float = Field(0.0, ge=0, lt=1)
    """Least share of target clips in the denoiser's epochs; target clips are repeated for it. 0: as they come."""
    reading: Reading = "partial"
    """What "200 steps in testing" means."""
    start: int = Field(200, ge=1)
    """Those steps."""
    draws: int = Field(1, ge=1)
    """Draws of noise that a score is the mean of."""


NETWORK = (
    "window_seconds", "width", "embedding", "gates", "subclusters", "trainable_centres", "scale", "mixup", "exchange",
    "epochs", "batch_size", "learning_rate", "decay", "decay_every", "held_out", "group_by",
)  # fmt: skip
"""Settings that change the embedding: systems that agree in them share it."""
DIFFUSION = (
    *NETWORK, "inputs", "scaling", "steps", "schedule", "hidden", "diffusion_epochs", "diffusion_batch_size",
    "diffusion_learning_rate", "target_share",
)  # fmt: skip
"""Settings that change the denoisers."""


# Variants: name to overrides. A variant of the score or the detector shares the embedding with `literal`.
LITERAL: dict[str, object] = {"detector": "diffusion"}
_NEIGHBOUR: dict[str, object] = {"detector": "knn"}
_RAW: dict[str, object] = {"detector": "diffusion", "scaling": "perdim"}
VARIANTS: dict[str, dict[str, object]] = {
    "literal": LITERAL,
    "ss-knn": _NEIGHBOUR,  # Table II
    "no-gate-knn": {**_NEIGHBOUR, "gates": "none"},  # the self-implemented baseline of Table I
    "dm": {**_RAW, "inputs": "logmel"},  # Table II, whose input is not stated: three of them
    "dm-frames": {**_RAW, "inputs": "frames"},
    "dm-spectrum": {**_RAW, "inputs": "spectrum"},
    # Other systems and other losses. featex-knn has what the FeatEx system adds to the dual path, in this paper's
    # training; it is not the whole system of Table I (which also exchanges statistics and trains otherwise).
    "featex-knn": {
        **_NEIGHBOUR, "gates": "se", "exchange": True, "mixup": 0.5, "trainable_centres": False, "scale": "fixed",
    },
    "no-gate": {**LITERAL, "gates": "none"},
    "fixed-scale": {**LITERAL, "scale": "fixed"},
    "fixed-scale-knn": {**_NEIGHBOUR, "scale": "fixed"},
    "frozen-knn": {**_NEIGHBOUR, "scale": "fixed", "trainable_centres": False, "mixup": 0.5},
    # Readings of "200 steps in testing", and less noise in the score.
    "draws-8": {**LITERAL, "draws": 8},
    "respaced": {**LITERAL, "reading": "respaced"},
    "rebuilt": {**LITERAL, "reading": "rebuilt"},
    "onestep": {**LITERAL, "reading": "onestep"},
    "nonoise": {**LITERAL, "reading": "nonoise"},
    "ddim": {**LITERAL, "reading": "ddim"},
    "eps-average": {**LITERAL, "reading": "eps-average"},
    # Scaling, and the rare target clips.
    "perdim": {**LITERAL, "scaling": "perdim"},
    "unit": {**LITERAL, "scaling": "unit"},
    "raw": {**LITERAL, "scaling": "raw"},
    "balanced": {**LITERAL, "target_share": 0.2},
    # Other detectors on the same embeddings.
    "ss-kmeans": {"detector": "kmeans"},
    "ss-smote-knn": {"detector": "smote_knn"},
    "ss-mixture": {"detector": "mixture"},
    "ss-mahalanobis": {"detector": "mahalanobis"},
    "ss-local-density": {"detector": "local_density"},
    # Other places of the gates.
    "gate-input-knn": {**_NEIGHBOUR, "gates": "input"},
    "gate-stage-a-knn": {**_NEIGHBOUR, "gates": "stage-a"},
    "gate-every-stage-knn": {**_NEIGHBOUR, "gates": "every-stage"},
    "gate-se-knn": {**_NEIGHBOUR, "gates": "se"},
}  # fmt: skip

PROFILES: dict[str, dict[str, object]] = {
    "tiny": {
        "window_seconds": 0.3, "width": 1, "embedding": 8, "subclusters": 2, "epochs": 2, "batch_size": 16, "steps": 12,
        "start": 5, "hidden": 16, "diffusion_epochs": 4,
    },
    "smoke": {"window_seconds": 2.0, "width": 8, "epochs": 8, "batch_size": 32, "diffusion_epochs": 100},
    "quick": {"window_seconds": 4.0, "epochs": 20, "batch_size": 64},
    "paper": {},
}  # fmt: skip

DEVIATIONS: tuple[str, ...] = (
    "the paper names its backbone by a paper with one path; we take the layer table of the same author's dual-path "
    "system, without two oddities of its code, and batch normalisation without a learnt scale and shift",
    "where the gates of Eq. (1) stand and what they average is not stated; ours: frequency on the magnitude "
    "spectrogram, frequency and time after the first stage, position after the second and third 1-D convolution",
    "clip length is not stated: shorter clips are tiled, longer ones are heard through a window; in training at a "
    "random place, so that a clip as long as the window is turned round; z is the mean over the windows of a clip",
    "no penalty on the weights, torch's initial weights and its momentum of batch normalisation, where the cited "
    "code has others and the paper is silent",
    "16 sub-clusters, trainable centres and the scale rule of the published code of the cited loss, held within a "
    "quarter and four times its start, because that rule can run away; mixup of every clip with one at a random place "
    "of the batch",
    "a tenth of each machine's training clips, of either domain, is heard by nothing: it calibrates the decision",
    "what becomes of the embedding before diffusion is not stated: length one, times the root of its dimension",
    "what diffusion alone (DM) is given is not stated: the mean log-mel spectrum, standardised by dimension; two other "
    "inputs are variants",
    "one denoiser a machine; schedule, activation and the way the step enters are DDPM's; no noise in the last step",
    "500 steps in training and 200 in testing: read as the chain of 500 entered at step 200; one draw of noise, "
    "seeded by the run's seed and the clip's samples",
    "the nearest-neighbour detector's number of neighbours and metric are not stated: one, cosine distance",
    "the last epoch is used; what the paper chose epochs by is not stated",
)
"""What the paper leaves open, and what we do."""
