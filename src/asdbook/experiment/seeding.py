"""Random generators that depend on (seed, purpose, epoch) alone.

So a resumed run needs no generator state, a new purpose disturbs no other, and a changed batch size leaves the
initial weights as they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from asdbook.errors import BadInput

if TYPE_CHECKING:
    import torch


def sequence(seed: int, purpose: str, epoch: int = 0) -> np.random.SeedSequence:
    """The seed sequence of a purpose ("autoencoder/fan/weights") in an epoch."""
    if seed < 0 or epoch < 0:
        raise BadInput(f"seed {seed}, epoch {epoch}: both must be zero or more")
    digest = hashlib.blake2b(purpose.encode(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.SeedSequence([seed, epoch, *words])


def numpy_generator(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """A NumPy generator for (seed, purpose, epoch)."""
    return np.random.default_rng(sequence(seed, purpose, epoch))


def integer(seed: int, purpose: str, epoch: int = 0) -> int:
    """A seed below 2^63 for (seed, purpose, epoch), for libraries that take one integer."""
    return int(sequence(seed, purpose, epoch).generate_state(1, np.uint64)[0] >> 1)


def torch_generator(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """A torch CPU generator for (seed, purpose, epoch): the same numbers whatever device trains."""
    import torch

    return torch.Generator().manual_seed(integer(seed, purpose, epoch))


@contextmanager
def seeded(seed: int, purpose: str, epoch: int = 0, device: str = "cpu") -> Iterator[None]:
    """Inside, torch's global generators are seeded by (seed, purpose, epoch); outside they are left as found."""
    import torch

    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(integer(seed, purpose, epoch))
        yield


def default_threads(threads: int | None = None) -> int:
    """The threads of a run: what was asked for, else two where there are two cores."""
    if threads is not None:
        if threads < 1:
            raise BadInput(f"threads = {threads}: give 1 or more")
        return threads
    return min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
