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
"""At most this many held-out clips are looked at."""


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
        "responses": mean of the map of each clip and of the same clip with a simulated anomaly; then both once more
            with X_G in place of X_S too: a network that still tells them apart reads X_G alone, (clip, 4).
        "visibility": mean change of X_G by the simulation, inside and outside of M, with both, coarse and fine
            codes replaced, (3, 2).
        "other IDs": mean of the map of each stranger, (clip,); not there without any.
    """
    with ctx.seeded(name):
        images, valid = general.drawn(bank, clips[:CLIPS])
        codes, mask = general.network.encode(images), model.masks(images, valid)
        made = [simulate(changed(model, level), general, codes, mask) for level in LEVELS]
        foreign = general.network.encode(general.drawn(bank, strangers[:CLIPS])[0]) if len(strangers) else None
    own = made[LEVELS.index(model.config.levels)]
    pairs = [model(general, coarse, fine)
             for coarse, fine in ((codes.coarse.vectors, codes.fine.vectors), (own.coarse, own.fine))]  # fmt: skip
    alone = [model.unet(torch.cat([pair.general, pair.general], dim=1)) for pair in pairs]
    responses = torch.stack([mean_map(logits) for logits in (*(pair.logits for pair in pairs), *alone)], dim=1)
    change = torch.stack([seen(general, codes, simulated) for simulated in made])
    found = {"responses": responses.cpu(), "visibility": change.cpu()}
    if foreign:
        found["other IDs"] = mean_map(model(general, foreign.coarse.vectors, foreign.fine.vectors).logits).cpu()
    return found


def mean_map(logits: Tensor) -> Tensor:
    """Mean probability of an anomaly, (clip, 2, band, frame) -> (clip,)."""
    return logits.softmax(dim=1)[:, 1].mean(dim=(1, 2))


def changed(model: ObjectModel, level: str) -> AudDsrConfig:
    """The model's settings with other levels replaced."""
    return model.config.model_copy(update={"levels": level})


def seen(general: General, codes: Encoded, made: Simulated) -> Tensor:
    """Mean change of X_G inside and outside of the anomaly, over clips, (2,)."""
    before = general.network.decode(codes.coarse.vectors, codes.fine.vectors)[:, 0]
    after = general.network.decode(made.coarse, made.fine)[:, 0]
    return torch.stack([part.nanmean() for part in visibility(after, before, made.target)])
