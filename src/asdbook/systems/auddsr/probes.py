"""What held-out clips tell of a trained second stage: is the simulation seen, is it found, and by what?"""

from __future__ import annotations

import torch
from torch import Tensor

from asdbook.augment import visibility
from asdbook.features import FrameBank
from asdbook.nn import Encoded
from asdbook.systems.auddsr.detection import ObjectModel, Simulated, simulate
from asdbook.systems.auddsr.general import General
from asdbook.systems.auddsr.settings import AudDsrConfig
from asdbook.systems.base import Context, Tensors

LEVELS = ("both", "coarse", "fine")
CLIPS = 64
"""At most this many held-out clips are looked at, evenly spread."""


@torch.inference_mode()
def probe(
    model: ObjectModel, general: General, bank: FrameBank, clips: Tensor, strangers: Tensor, name: str, ctx: Context
) -> Tensors:  # fmt: skip
    """Simulated anomalies in clips that nothing was fitted to.

    Args:
        model: trained.
        general: the first stage.
        bank: log-mel frames of all training clips.
        clips: positions of the group's clips.
        strangers: positions of clips of the type's other IDs; none where the group is a type.
        name: of the probe.
        ctx: of the run.

    Returns:
        Tensors by name:

        - "responses": mean of the map of a crop of each clip, and of the same with a simulated anomaly; then both once
          more with X_G in place of X_S too: a network that still tells them apart needs no more than X_G, (clip, 4);
        - "visibility": mean change of X_G by the simulation, inside and outside of M, with both, coarse and fine codes
          replaced, (3, 2);
        - "other IDs": mean of the map of a crop of each stranger, (clip,); not there without any.
    """
    with ctx.seeded(name):
        images, valid = general.drawn(bank, spread_out(clips))
        codes, mask = general.network.encode(images), model.masks(images, valid)
        made = [simulate(changed(model, level), general, codes, mask) for level in LEVELS]
        foreign = general.drawn(bank, spread_out(strangers))
    own = made[LEVELS.index(model.config.levels)]
    pairs = [model(general, coarse, fine)
             for coarse, fine in ((codes.coarse.vectors, codes.fine.vectors), (own.coarse, own.fine))]  # fmt: skip
    alone = [model.unet(torch.cat([pair.general, pair.general], dim=1)) for pair in pairs]
    responses = torch.stack([mean_map(each, valid) for each in (*(pair.logits for pair in pairs), *alone)], dim=1)
    change = torch.stack([seen(general, codes, simulated) for simulated in made])
    found = {"responses": responses.cpu(), "visibility": change.cpu()}
    if len(strangers):
        other = general.network.encode(foreign[0])
        logits = model(general, other.coarse.vectors, other.fine.vectors).logits
        found["other IDs"] = mean_map(logits, foreign[1]).cpu()
    return found


def spread_out(clips: Tensor) -> Tensor:
    """All of some clips, or `CLIPS` of them, evenly spread."""
    if len(clips) <= CLIPS:
        return clips
    return clips[torch.linspace(0, len(clips) - 1, CLIPS, device=clips.device).round().long()]


def mean_map(logits: Tensor, valid: Tensor) -> Tensor:
    """Mean probability of an anomaly over the frames that are sound, (clip, 2, band, frame) -> (clip,)."""
    by_frame = logits.softmax(dim=1)[:, 1].mean(dim=1)
    return (by_frame * valid).sum(dim=1) / valid.sum(dim=1)


def changed(model: ObjectModel, level: str) -> AudDsrConfig:
    """The model's settings with other levels replaced."""
    return model.config.model_copy(update={"levels": level})


def seen(general: General, codes: Encoded, made: Simulated) -> Tensor:
    """Mean change of X_G inside and outside of the anomaly, over clips, (2,)."""
    before = general.network.decode(codes.coarse.vectors, codes.fine.vectors)[:, 0]
    after = general.network.decode(made.coarse, made.fine)[:, 0]
    return torch.stack([part.nanmean() for part in visibility(after, before, made.target)])
