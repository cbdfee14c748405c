"""The systems by name: one dictionary, and the entry-point group `asdbook.systems` for outside ones.

A module is loaded when its system is asked for, so that listing names loads no torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from asdbook.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from asdbook.systems.base import Config, System

BUILT_IN = {
    "trivial": "asdbook.systems.trivial:Trivial",
    "autoencoder": "asdbook.systems.autoencoder:OfficialAutoencoder",
    "ssdm": "asdbook.systems.ssdm:Ssdm",
    "auddsr": "asdbook.systems.auddsr:AudDsr",
}
"""Name to "module:class"."""

ENTRY_POINTS = "asdbook.systems"
FILE = "system.safetensors"


def outside() -> dict[str, str]:
    """Systems of other installed packages: name to "module:class". They run code of those packages."""
    return {e.name: e.value for e in entry_points(group=ENTRY_POINTS) if e.name not in BUILT_IN}


def names() -> list[str]:
    """All systems, built-in ones first."""
    return [*BUILT_IN, *sorted(outside())]


def get(name: str) -> type[System]:
    """The class of a system.

    Raises:
        UnknownName: no such system.
        BadInput: an outside system that cannot be loaded.
    """
    places = {**outside(), **BUILT_IN}
    if name not in places:
        raise UnknownName("system", name, places)
    module, _, attribute = places[name].partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        if name in BUILT_IN:
            raise
        raise BadInput(f"system {name!r} of an outside package cannot be loaded: {error}") from error


def parse(text: str) -> tuple[type[System], str]:
    """The system and variant of "system" (its default variant) or "system:variant"."""
    name, _, variant = text.partition(":")
    system = get(name)
    variant = variant or next(iter(system.variants))
    if variant not in system.variants:
        raise UnknownName(f"variant of {name}", variant, system.variants)
    return system, variant


def make_config(
    system: type[System], variant: str, profile: str, overrides: Mapping[str, Any] | None = None
) -> Config:
    """The configuration of a variant at a profile; `overrides` go last.

    Raises:
        UnknownName: an unknown variant, profile or key, with the nearest valid one.
        BadInput: a value that its key does not take.
    """
    if variant not in system.variants:
        raise UnknownName(f"variant of {system.name}", variant, system.variants)
    if profile not in system.profiles:
        raise UnknownName(f"profile of {system.name}", profile, system.profiles)
    for key in overrides or {}:
        if key not in system.Config.model_fields:
            raise UnknownName(f"setting of {system.name}", key, system.Config.model_fields)
    values = {**system.profiles[profile], **system.variants[variant], **(overrides or {})}
    try:
        return system.Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        raise BadInput(f"{system.name}: {key} = {first.get('input')!r}: {first['msg'].lower()}") from error


def save(system: System, folder: Path) -> Path:
    """Writes a fitted system to `folder/system.safetensors` (tensors and JSON), whole or not at all."""
    from asdbook.systems import files

    tensors, extra = system.state()
    about = {
        "system": system.name,
        "version": system.version,
        "config": system.config.model_dump(mode="json"),
        "extra": extra,
    }
    path = Path(folder) / FILE
    files.write(path, tensors, about)
    return path


def load(folder: Path) -> System:
    """The fitted system that `save` wrote.

    Raises:
        BadInput: no such file, or one of another version of the system.
        Damaged: the file is not what was written.
    """
    from asdbook.systems import files

    path = Path(folder) / FILE
    if not path.exists():
        raise BadInput(f"{path.parent.name}: no fitted system ({FILE}) in this folder; give the folder of a run")
    try:
        tensors, about = files.read(path)
    except files.Damaged as error:
        raise files.Damaged(f"{path.parent}: {error}: run again with --fresh") from error
    system = get(about["system"])
    if about["version"] != system.version:
        raise BadInput(
            f"{path.parent.name}: fitted by version {about['version']} of {system.name}, "
            f"this is version {system.version}: run it again"
        )
    return system.from_state(system.Config(**about["config"]), tensors, about["extra"])
