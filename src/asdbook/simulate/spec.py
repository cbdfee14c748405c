"""What is asked of the simulator: a frozen `Spec`, checked once, and the plan of blocks that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asdbook.errors import BadInput, UnknownName
from asdbook.simulate.presets import PRESETS, SIZES, MachineType, Preset, Size

Role = Literal["train", "test", "audit"]
ROLES = ("train", "test", "audit")
LABELS = ("normal", "anomaly")
BLOCK = 50
"""Most clips of one block: 6 MB as int16 at 4 s, so that several fit in flight."""


@dataclass(frozen=True)
class Spec:
    """A built-in set, or a variation of it for a check.

    Attributes:
        preset: name of a built-in set.
        data_seed: draws new machines, places, faults and noise: the unit of replication.
        profile: "smoke", "quick" or "paper": sizes only.
        premise_off: premises that are switched off (methods/simulator.md 1b.8): "attributes" (shuffled in
            the names), "ids" (all copies of a machine alike), "groups" (one operating point a part), "power"
            (level does not follow speed or load), "texture" (stationary noise of the same mean spectrum),
            "shift" (target physics = source), "text" (the words for the noise are another place's).
        machines: restrict to these; None: all of the preset.
        severity: one severity for every anomaly, 0 to 1; 0.0 renders the healthy twins bit for bit.
        faults: restrict to these faults; every chosen machine must have one of them.
        mute: machines silent: noise, room, microphone and level alone.
    """

    preset: str = "synthetic-2023"
    data_seed: int = 110
    profile: str = "quick"
    premise_off: tuple[str, ...] = ()
    machines: tuple[str, ...] | None = None
    severity: float | None = None
    faults: tuple[str, ...] | None = None
    mute: bool = False

    def __post_init__(self) -> None:
        for name in ("premise_off", "machines", "faults"):  # a list would do for the reader, not as a key
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        if self.preset not in PRESETS:
            raise UnknownName("built-in set", self.preset, PRESETS)
        if self.profile not in SIZES:
            raise UnknownName("profile", self.profile, SIZES)
        preset = PRESETS[self.preset]
        for premise in self.premise_off:
            if premise not in preset.premises:
                raise UnknownName(f"premise of {self.preset}", premise, preset.premises)
        for machine in self.machines or ():
            if machine not in preset.machines:
                raise UnknownName(f"machine of {self.preset}", machine, preset.machines)
        if not isinstance(self.data_seed, int) or not 0 <= self.data_seed < 2**32:
            raise BadInput(f"data seed {self.data_seed!r}: expected a whole number from 0 to 2^32 - 1")
        if self.severity is not None and not 0 <= self.severity <= 1:
            raise BadInput(f"severity {self.severity}: expected a number from 0 to 1")
        for machine in self.names:
            self.faults_of(machine)

    @property
    def definition(self) -> Preset:
        """The preset's tables."""
        return PRESETS[self.preset]

    @property
    def size(self) -> Size:
        """The profile's numbers of clips and seconds."""
        return SIZES[self.profile]

    @property
    def names(self) -> tuple[str, ...]:
        """Chosen machines, in the preset's order."""
        every = self.definition.machines
        return tuple(m for m in every if self.machines is None or m in self.machines)

    def machine(self, name: str) -> MachineType:
        """Tables of one machine type."""
        if name not in self.definition.machines:
            raise UnknownName(f"machine of {self.preset}", name, self.definition.machines)
        return self.definition.machines[name]

    def faults_of(self, machine: str) -> tuple[str, ...]:
        """Faults that this spec may give `machine`, in the order of its table."""
        every = self.machine(machine).faults
        chosen = tuple(f for f in every if self.faults is None or f in self.faults)
        if not chosen:
            raise BadInput(
                f"none of the faults {', '.join(self.faults or ())} exists for {machine} (it has "
                f"{', '.join(every)}): name the machines too"
            )
        return chosen

    def seconds(self, machine: str) -> float:
        """Clip length in s."""
        return min(self.size.seconds, self.machine(machine).seconds)

    def parts(self, machine: str) -> tuple[str, ...]:
        """Domains of a machine, or its IDs."""
        return tuple(self.machine(machine).layout.parts)

    def cell(self, role: str, part: str) -> int:
        """Clips of one (part, label) cell of a role; the audit role has the size of its call."""
        if self.definition.unit == "id":
            return self.size.train["id"] if role == "train" else self.size.test_id
        return self.size.train[part] if role == "train" else self.size.test


@dataclass(frozen=True)
class BlockPlan:
    """One block of clips: `count` clips of a cell from number `start`."""

    machine: str
    role: Role
    part: str
    label: str
    start: int
    count: int


def plan(spec: Spec, block: int = BLOCK) -> list[BlockPlan]:
    """All blocks of the set in order: machine, training by part, test by part and label."""
    blocks: list[BlockPlan] = []
    for machine in spec.names:
        parts = spec.parts(machine)
        cells: list[tuple[Role, str, str]] = [("train", part, "normal") for part in parts]
        if not spec.machine(machine).train_only:
            cells += [("test", part, label) for part in parts for label in LABELS]
        for role, part, label in cells:
            total = spec.cell(role, part)
            for start in range(0, total, block):
                blocks.append(BlockPlan(machine, role, part, label, start, min(block, total - start)))
    return blocks
