"""AdaCos and sub-cluster AdaCos: cross entropy on scaled cosines to class centres.

X. Zhang, R. Zhao, Y. Qiao, X. Wang, H. Li, "AdaCos: adaptively scaling cosine logits for effectively learning deep face
representations", CVPR 2019, and K. Wilkinghoff, "Sub-cluster AdaCos: learning representations for anomalous sound
detection", IJCNN 2021.

Symbols: x a unit embedding, w_ck unit centre k of class c, C classes, K sub-clusters, s the scale, y a soft label.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from asdbook.errors import BadInput, UnknownName

Scale = Literal["fixed", "as-coded", "without-own"]
CLAMP = 4.0  # a dynamic scale stays within a quarter and four times its start: as coded it can run away [our choice]


class AdaCos(nn.Module):
    """-sum_c y_c ln p_c with p_c = sum_k exp(s x.w_ck) / sum_c'k' exp(s x.w_c'k').

    Args:
        dimension: length of an embedding.
        classes: C.
        subclusters: K centres a class; 1 gives AdaCos.
        trainable: whether the centres are learnt; otherwise they stay where they were drawn.
        scale: how s, which starts at sqrt(2) ln(CK - 1), changes in training. "fixed": not at all. "as-coded": by the
            published code's rule, whose average includes the own class and whose angle is summed over sub-clusters.
            "without-own": by the AdaCos paper's rule, with the nearest of a class's sub-clusters for its angle. Both
            dynamic rules are clamped to [s0 / 4, 4 s0].
        clamp: that factor 4.

    Raises:
        BadInput: fewer than three centres in all, for which no scale exists.
    """

    scale: Tensor

    def __init__(
        self,
        dimension: int,
        classes: int,
        subclusters: int = 16,
        *,
        trainable: bool = False,
        scale: Scale = "fixed",
        clamp: float = CLAMP,
    ):
        super().__init__()
        if classes * subclusters < 3:
            raise BadInput(f"AdaCos: {classes} class(es) of {subclusters} centre(s): at least three centres are needed")
        if scale not in get_args(Scale):
            raise UnknownName("scale rule", scale, get_args(Scale))
        self.rule, self.clamp = scale, clamp
        self.start = math.sqrt(2) * math.log(classes * subclusters - 1)
        self.register_buffer("scale", torch.tensor(self.start))
        bound = math.sqrt(6 / (dimension + classes * subclusters))  # Glorot; only directions count at first
        centres = torch.empty(classes, subclusters, dimension).uniform_(-bound, bound)
        if trainable:
            self.centres = nn.Parameter(centres)
        else:
            self.register_buffer("centres", centres)

    def cosines(self, embeddings: Tensor) -> Tensor:
        """(clip, dimension) -> x.w_ck, float32 (clip, C, K)."""
        x = functional.normalize(embeddings.float(), dim=1)
        return torch.einsum("bd,ckd->bck", x, functional.normalize(self.centres.float(), dim=2))

    def forward(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of a batch: embeddings (clip, dimension), soft labels (clip, C) that sum to 1; in float32."""
        with torch.autocast(embeddings.device.type, enabled=False):
            cosines = self.cosines(embeddings)
            if self.training and self.rule != "fixed":
                self._update(cosines.detach(), targets)
            logits = torch.logsumexp(self.scale * cosines, dim=2)
            return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()

    def _update(self, cosines: Tensor, targets: Tensor) -> None:
        """The scale from this batch: s <- ln B_avg / cos(min(pi/4, median angle))."""
        angles = cosines.clamp(-1, 1).acos()  # (clip, C, K)
        terms = self.scale * cosines
        if self.rule == "as-coded":  # the own class counts; angles are summed over sub-clusters, times label entries
            angle = (targets > 0).sum(dim=1) * (targets[:, :, None] * angles).sum(dim=(1, 2))
        else:
            terms = terms.masked_fill((targets > 0)[:, :, None], -torch.inf)
            angle = (targets * angles.amin(dim=2)).sum(dim=1)
        log_average = torch.logsumexp(terms.flatten(), dim=0) - math.log(len(cosines))
        scale = log_average / torch.cos(angle.median().clamp(max=math.pi / 4))
        self.scale.copy_(scale.clamp(self.start / self.clamp, self.start * self.clamp))
