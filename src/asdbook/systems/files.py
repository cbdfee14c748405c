"""Named tensors and JSON in one safetensors file that is either whole or not there.

Written to a temporary name, then renamed. The file carries a digest of its tensors and text, so a damaged file is
noticed. No pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from asdbook.errors import AsdBookError

if TYPE_CHECKING:
    from asdbook.data.clips import Clips


class Damaged(AsdBookError):
    """A file whose contents are not what was written."""


def digest(tensors: Mapping[str, torch.Tensor], text: str = "") -> str:
    """A digest of names, types, shapes and bytes of the tensors, and of the text."""
    total = hashlib.blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def write(path: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Writes the tensors and `about` (JSON) to `path`, whole or not at all."""
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(about, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")  # one name: callers hold a lock, and a killed writer leaves one
    try:
        # Bytes rather than safetensors' own file writer: a full disk is then an OSError that says so.
        part.write_bytes(save(own, metadata={"about": text, "digest": digest(own, text)}))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and JSON of a file.

    Raises:
        Damaged: the file is cut off, changed, or not one of ours.
        FileNotFoundError: there is no file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        text = header["about"]
        if digest(tensors, text) != header["digest"]:
            raise Damaged(f"{path.name}: its checksum is wrong")
        return tensors, json.loads(text)
    except (SafetensorError, KeyError, ValueError) as error:
        raise Damaged(f"{path.name}: cannot be read ({type(error).__name__})") from error


def below(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def wave_hash(samples: np.ndarray) -> int:
    """A number that depends on a clip's samples alone: it seeds the clip's noise, in any order and company."""
    return int.from_bytes(hashlib.blake2b(np.ascontiguousarray(samples).tobytes(), digest_size=8).digest(), "big")


def wave_hashes(clips: Clips, positions: Iterable[int] | None = None) -> list[int]:
    """`wave_hash` of the clips at these positions; None: of all."""
    chosen = range(len(clips)) if positions is None else positions
    return [wave_hash(clips.waves.array(int(position))) for position in chosen]
