"""Expensive parts that variants share, kept on disk: trained networks, embeddings, augmented copies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from asdbook.paths import mark_used, slug
from asdbook.systems import files

Produced = tuple[dict[str, torch.Tensor], dict[str, Any]]


class StageCache:
    """Stages of one data set, seed and numeric mode below a folder that all runs share.

    A stage's key is its name, version and configuration together with the data's fingerprint, the seed and the
    numeric mode. Files are written to a temporary name and renamed, under a lock for each key, so two runs never
    make the same stage twice at once; a damaged file is made again, with a note.

    Args:
        folder: where stages live.
        fingerprint: of the data set.
        seed: training seed.
        mode: device kind, precision, compilation, threads.
        note: called with one line when something needs saying.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fingerprint: str,
        seed: int,
        mode: Mapping[str, Any],
        note: Callable[[str], None] | None = None,
    ):
        self.folder, self.fingerprint, self.seed, self.mode = Path(folder), fingerprint, seed, dict(mode)
        self.note: Callable[[str], None] = note or (lambda text: None)

    def key(self, name: str, version: int, config: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that can change the stage's tensors."""
        return {
            "stage": name,
            "version": version,
            "config": dict(config),
            "data": self.fingerprint,
            "seed": self.seed,
            "mode": self.mode,
        }

    def path(self, key: Mapping[str, Any]) -> Path:
        """The stage's file: readable name, then a digest of the key."""
        text = json.dumps(key, sort_keys=True)
        code = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        return self.folder / f"{slug(str(key['stage']))}-{code}.safetensors"

    def get(self, key: Mapping[str, Any], produce: Callable[[], Produced]) -> Produced:
        """The stage's tensors and JSON notes, read, or made by `produce` and stored."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            found = self._read(path)
            if found is not None:
                return found
            made, notes = produce()
            # The type and values are the file's, so that a first and a second run compute with the same numbers.
            files.write(path, made, {"key": key, "notes": notes})
            return {name: tensor.detach().cpu() for name, tensor in made.items()}, notes

    def _read(self, path: Path) -> Produced | None:
        try:
            stored, about = files.read(path)
            mark_used(path)
            return stored, about["notes"]
        except FileNotFoundError:
            return None
        except (files.Damaged, KeyError) as error:
            self.note(f"stage {path.stem} is damaged and is made again ({error})")
            path.unlink(missing_ok=True)
            return None
