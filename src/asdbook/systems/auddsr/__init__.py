"""AudDSR: anomalies are simulated in a learnt discrete space of sound, and a network learns to point at them.

V. Zavrtanik, M. Marolt, M. Kristan, D. Skocaj, "Anomalous sound detection by feature-level anomaly simulation",
ICASSP 2024.

Claim: codes that an autoencoder has learnt from normal sound, put together where they do not belong, make anomalies
that are real enough to learn from; a network that finds these finds real faults too, without labels of machine IDs.

Read in this order: `general` (section 3.1: the two-level autoencoder, Eq. 1, one for all machines), `detection`
(section 3.3: simulation; section 3.2: object-specific decoder and detection module, one a machine type), the system
below, which puts them together, and `settings`.

Symbols: X the log-mel image, Q_1 and Q_2 its coarse and fine maps of codes, M the anomaly map, Q_1A and Q_2A the maps
with other codes inside M, X_G what the general decoder makes of them, X_S what the object-specific one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from asdbook.errors import BadInput
from asdbook.features import FrameBank
from asdbook.systems.auddsr.detection import (
    FEWEST,
    SCORES,
    ObjectModel,
    batches,
    code_use,
    respond,
    train_object,
)
from asdbook.systems.auddsr.general import General, logmel_bank, outside_bank
from asdbook.systems.auddsr.probes import probe
from asdbook.systems.auddsr.settings import DEVIATIONS, GENERAL, OBJECT, PROFILES, VARIANTS, AudDsrConfig
from asdbook.systems.base import BaseConfig, Context, MapGrid, Scores, System, Tensors
from asdbook.systems.files import below, digest, wave_hashes
from asdbook.systems.grouping import by_group, filled, hold_out, recordings

if TYPE_CHECKING:
    from asdbook.data import TestClips, TrainClips

GENERAL_VERSION = 2  # of the trained autoencoder; raise when it changes
OBJECT_VERSION = 2  # of the trained second stage and what it makes of clips
PROBE_VERSION = 1  # of what a record keeps about the simulation
CELLS = 8  # bands and frames in a block of the maps that a record keeps
ALL = "machines"  # name of the autoencoder that every group shares


class AudDsr(System):
    """A detection network trained on anomalies that are simulated in a discrete space."""

    name = "auddsr"
    version = 1
    title = "detection of anomalies simulated in a discrete space (AudDSR)"
    Config = AudDsrConfig
    variants: ClassVar = VARIANTS
    profiles: ClassVar = PROFILES
    deviations = DEVIATIONS
    knows = ("machine", "other machines")
    config: AudDsrConfig

    @classmethod
    def known_by(cls, config: BaseConfig) -> tuple[str, ...]:
        settings = config.model_dump()
        heard = "outside data" if settings["general_data"] == "outside" else "other machines"
        return ("machine", *(["id"] if settings["group_by"] == "id" else []), heard)

    def fit(self, train: TrainClips, ctx: Context) -> AudDsr:
        c = self.config
        if c.outliers and c.group_by != "id":
            raise BadInput("auddsr: outliers are clips of a type's other machine IDs: set group_by=id")
        held, groups, machines = self._held_out(train, ctx), by_group(train, c.group_by), by_group(train, "machine")
        for group, members in groups.items():  # before hours of training
            if (left := int((~held[members]).sum())) < FEWEST:
                raise BadInput(
                    f"{group}: {left} of its {len(members)} training clip(s) are left to learn from, the rest is held "
                    f"out; {FEWEST} are needed: add clips, or set group_by=machine"
                )
        bank = logmel_bank(train, c, ctx.device)
        self.general_: dict[str, General] = {}
        self.models_: dict[str, ObjectModel] = {}
        self.use_: dict[str, tuple[Tensor, Tensor]] = {}
        self._shown: dict[str, np.ndarray] = {}
        values = np.full(len(train), np.nan)
        for group, members in groups.items():
            machine = str(train.machine[members[0]])
            with ctx.phase("general"):
                general = self._general(machine, machines, bank, held, train, ctx)
            rest = np.setdiff1d(machines[machine], members)
            with ctx.phase("object"):
                values[members[held[members]]] = self._object(group, general, bank, members, rest, held, ctx)
        self.train_scores_ = Scores(values[held], clips=np.flatnonzero(held))
        return self

    def _held_out(self, train: TrainClips, ctx: Context) -> np.ndarray:
        """Which training clips nothing is fitted to, bool (clip,): a share of each type's recordings, in any variant
        the same, so that variants share the autoencoder."""
        names, held = recordings(train), np.zeros(len(train), dtype=bool)
        for machine, members in by_group(train, "machine").items():
            rng = ctx.rng(f"auddsr/{machine}/held out")
            held[members] = hold_out(names[members], self.config.held_out, rng, machine)
        return held

    # 1. Discrete latent space learning, section 3.1.
    def _general(
        self, machine: str, machines: dict[str, np.ndarray], bank: FrameBank, held: np.ndarray, train: TrainClips,
        ctx: Context,
    ) -> General:  # fmt: skip
        """The autoencoder that a machine type's codes come from; a stage."""
        c = self.config
        key = without(machine) if c.general_data == "other types" else ALL
        if key in self.general_:
            return self.general_[key]
        name = "auddsr/general" if key == ALL else f"auddsr/general/{key}"
        if c.general_data == "other types" and len(machines) < 2:
            raise BadInput(f"auddsr: {machine} is the only machine type: there are no others to learn codes from")
        with ctx.seeded(f"{name}/weights"):
            made = General(c)

        def produce() -> Tensors:
            sound, heard = bank, ~held & (True if key == ALL else train.machine != machine)
            if c.general_data == "outside":
                sound = outside_bank(c, int(np.median(train.lengths)), ctx)
                heard = np.ones(len(sound), dtype=bool)
            with ctx.phase("train"):
                made.fit(sound, torch.from_numpy(np.flatnonzero(heard)).to(ctx.device), name, ctx)
            return dict(made.state_dict())

        stored = ctx.stage(name, GENERAL_VERSION, c.model_dump(include={*GENERAL, "outside_clips"}), produce)
        self.general_[key] = made.to(ctx.device).load(stored)
        made.check(name, ctx)  # outside of the stage: a cached one is looked at as well
        return self.general_[key]

    # 2. Sections 3.2 and 3.3.
    def _object(
        self, group: str, general: General, bank: FrameBank, members: np.ndarray, rest: np.ndarray, held: np.ndarray,
        ctx: Context,
    ) -> np.ndarray:  # fmt: skip
        """Trains the networks of one group, whose clips are `members`, and probes them, a stage each; scores of its
        held-out clips. `rest` are clips of the type's other IDs."""
        c, name = self.config, f"auddsr/object/{group}"
        if c.outliers and held[rest].all():
            ctx.note(f"{group}: its type has no other machine ID: trained without outliers")
        with ctx.seeded(f"{name}/weights"):
            model = ObjectModel(c).to(ctx.device)
        own, kept, others, strangers = (
            torch.from_numpy(clips[held[clips] == unheard]).to(ctx.device)
            for clips in (members, rest) for unheard in (False, True)
        )  # fmt: skip

        def produce() -> Tensors:
            with ctx.phase("train"):
                train_object(model, general, bank, own, others, name, ctx)
            use = code_use(general, bank, own)
            return {
                **{f"model/{k}": v for k, v in model.state_dict().items()},
                "use/coarse": use[0], "use/fine": use[1],
                "held out": self._responses(model, general, bank, kept, use)[0],
            }  # fmt: skip

        key = {**c.model_dump(include=set(OBJECT)), "group": group, "general": digest(general.state_dict())}
        made = ctx.stage(name, OBJECT_VERSION, key, produce)
        model.load_state_dict(below(made, "model/"))
        self.models_[group] = model.eval().requires_grad_(False)
        self.use_[group] = made["use/coarse"].to(ctx.device), made["use/fine"].to(ctx.device)
        probed = ctx.stage(f"{name}/probe", PROBE_VERSION, {"trained": digest(made), **key},
                           lambda: probe(model, general, bank, kept, strangers, f"{name}/probe", ctx))  # fmt: skip
        self._shown |= {f"{k}/{group}": v.numpy() for k, v in probed.items()}
        return made["held out"][:, SCORES.index(c.score)].double().numpy()

    def _responses(
        self, model: ObjectModel, general: General, bank: FrameBank, clips: Tensor, use: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """All scores of some clips, (clip, score), and their anomaly maps, (band, frame) each; on the CPU."""
        values = torch.full((len(clips), len(SCORES)), torch.nan)
        maps = [torch.empty(0)] * len(clips)
        for numbers, images, frames in batches(general, bank, clips):
            scores, found = respond(model, general, images, frames, use)
            values[numbers.cpu()] = scores.cpu()
            for number, own in zip(numbers.tolist(), found.cpu()):
                maps[number] = own
        return values, maps

    def score(self, clips: TestClips, ctx: Context) -> Scores:
        with ctx.phase("detect"):
            made = self._tested(clips, ctx)
        if self.config.score == "map-mean":
            self._shown["cells"] = made["cells"].numpy()
        return Scores(made["scores"][:, SCORES.index(self.config.score)].double().numpy())

    def _tested(self, clips: TestClips, ctx: Context) -> Tensors:
        """Scores of test clips, (clip, score), and their maps as blocks of a byte each, (clip, band, frame); a stage.

        The key holds what was heard, as which machines and by which weights: new recordings are scored in the context
        of a run, perhaps the same ones as another machine's.
        """
        groups = clips.group(self.config.group_by).astype(str).tolist()
        key = {"clips": wave_hashes(clips), "groups": groups, "weights": digest(self._tensors())}

        def produce() -> Tensors:
            scores, maps = self._heard(clips, ctx)
            return {"scores": scores, "cells": blocks(maps)}

        return ctx.stage("auddsr/test clips", OBJECT_VERSION, key, produce)

    def _heard(self, clips: TestClips, ctx: Context) -> tuple[Tensor, list[Tensor]]:
        """`_responses` of test clips, each by the networks of its group."""
        self._to(ctx.device)
        bank = logmel_bank(clips, self.config, ctx.device)
        scores = torch.full((len(clips), len(SCORES)), torch.nan)
        maps = [torch.empty(0)] * len(clips)

        def of_group(group: str, members: np.ndarray) -> np.ndarray:
            chosen = torch.from_numpy(members).to(ctx.device)
            values, found = self._responses(
                self.models_[group], self._general_of(group), bank, chosen, self.use_[group]
            )
            scores[members] = values
            for member, own in zip(members, found):
                maps[member] = own
            return values[:, 0].numpy()

        filled(clips, self.config.group_by, set(self.models_), of_group)
        return scores, maps

    @property
    def map_grid(self) -> MapGrid:
        return MapGrid(bands=self.config.bands)

    def maps(self, clips: TestClips, ctx: Context) -> list[np.ndarray]:
        return [found.numpy() for found in self._heard(clips, ctx)[1]]

    def figures(self) -> dict[str, np.ndarray]:
        """Arrays that a record keeps for figures: blocks of the maps of test clips, and what `probe` found."""
        return self._shown

    def _general_of(self, group: str) -> General:
        return self.general_.get(without(group.partition("/")[0])) or self.general_[ALL]

    def _to(self, device: str) -> None:
        for module in (*self.general_.values(), *self.models_.values()):
            module.to(device)
        self.use_ = {group: (use[0].to(device), use[1].to(device)) for group, use in self.use_.items()}

    def _tensors(self) -> Tensors:
        tensors: Tensors = {}
        for i, general in enumerate(self.general_.values()):
            tensors |= {f"general/{i}/{k}": v for k, v in general.state_dict().items()}
        for i, group in enumerate(self.models_):
            tensors |= {f"object/{i}/{k}": v for k, v in self.models_[group].state_dict().items()}
            tensors |= {f"use/{i}/coarse": self.use_[group][0], f"use/{i}/fine": self.use_[group][1]}
        return tensors

    def state(self) -> tuple[Tensors, dict[str, Any]]:
        held = {
            "train_scores": torch.from_numpy(self.train_scores_.values),
            "train_clips": torch.from_numpy(np.asarray(self.train_scores_.clips, dtype=np.int64)),
        }
        return {**self._tensors(), **held}, {"general": list(self.general_), "groups": list(self.models_)}

    @classmethod
    def from_state(cls, config: BaseConfig, tensors: Tensors, extra: dict[str, Any]) -> AudDsr:
        """See `System.from_state`.

        Raises:
            BadInput: tensors of networks of another size, or of another number of bands.
        """
        system = cls(config)
        c, system._shown = system.config, {}
        system.train_scores_ = Scores(tensors["train_scores"].numpy(), clips=tensors["train_clips"].numpy())
        system.general_, system.models_, system.use_ = {}, {}, {}
        try:
            for i, key in enumerate(extra["general"]):
                system.general_[key] = General(c).load(below(tensors, f"general/{i}/"))
            for i, group in enumerate(extra["groups"]):
                model = ObjectModel(c)
                model.load_state_dict(below(tensors, f"object/{i}/"))
                system.models_[group] = model.eval().requires_grad_(False)
                system.use_[group] = tensors[f"use/{i}/coarse"], tensors[f"use/{i}/fine"]
        except RuntimeError as error:
            raise BadInput(
                "auddsr: the stored networks are of other settings (bands, widths or codes): run again with these"
            ) from error
        return system


def without(machine: str) -> str:
    """Name of the autoencoder that has heard every type but this one."""
    return f"all but {machine}"


def blocks(maps: list[Tensor]) -> Tensor:
    """Maps (band, frame) as means over blocks of 8 bands x 8 frames, uint8 round(255 sqrt(p)), (clip, band, frame).

    The root spends the byte's steps on small probabilities. Shorter clips end in zeros.
    """
    pooled = [functional.avg_pool2d(m[None], CELLS, ceil_mode=True, count_include_pad=False)[0] for m in maps]
    longest = max((p.shape[1] for p in pooled), default=0)
    coded = [functional.pad(p.sqrt().mul(255).round(), (0, longest - p.shape[1])) for p in pooled]
    return torch.stack(coded).to(torch.uint8) if coded else torch.zeros(0, 0, 0, dtype=torch.uint8)
