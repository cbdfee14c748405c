"""`WaveStore`: all clips of a set in one memory-mapped int16 file.

A clip is decoded once; after that a batch costs a copy. Clips may differ in length: a batch takes clips of
equal length (`groups` sorts them out) or pads with a mask (`padded`); nothing is ever cut.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from asdbook.errors import BadInput, RunFailed

if TYPE_CHECKING:
    import torch

    Positions = Sequence[int] | np.ndarray | torch.Tensor

SAMPLE_RATE = 16_000
"""Hz; of every official set, and what other recordings are resampled to."""
FULL_SCALE = 32_768
"""int16 value of 1.0: floats are value / 32768, in [-1, 1), exact in float32."""
SAMPLES = "waves.i16"  # raw little-endian int16, one clip after another
REMEDY = "delete the folder, it is made again"
"""What to do with a stored set that is damaged."""
_SPANS = "spans.npy"  # int64 (clips, 2): first sample and number of samples
_RESERVE = 256 * 2**20  # bytes that stay free: the machine needs some to go on working


class WaveStore:
    """Clips as int16 samples at `sample_rate`, memory-mapped; position i is row i of the clip table.

    Attributes:
        sample_rate: Hz.
        lengths: samples of each clip, int64 (clips,).
    """

    __slots__ = ("_samples", "_starts", "lengths", "sample_rate")

    def __init__(self, samples: np.ndarray, starts: np.ndarray, lengths: np.ndarray, sample_rate: int):
        self._samples = samples
        self._starts = starts
        self.lengths = lengths
        self.sample_rate = sample_rate
        self.lengths.setflags(write=False)

    @staticmethod
    def open(folder: Path) -> WaveStore:
        """Opens what a `WaveWriter` wrote.

        Raises:
            BadInput: files are missing or do not fit each other.
        """
        try:
            spans = np.load(folder / _SPANS, allow_pickle=False)
            size = (folder / SAMPLES).stat().st_size
        except (OSError, ValueError, EOFError) as error:
            raise BadInput(f"{folder}: wave store cannot be read ({error}): {REMEDY}") from error
        if spans.ndim != 2 or spans.shape[1] != 2 or spans.dtype.kind != "i":
            found = f"{spans.dtype} {spans.shape}"
            raise BadInput(f"{folder}/{_SPANS}: {found} where whole numbers (clips, 2) are needed: {REMEDY}")
        needed = int(spans[:, 1].sum()) * 2
        if size != needed:
            raise BadInput(f"{folder}/{SAMPLES}: {size} bytes where {needed} are needed: {REMEDY}")
        samples = np.memmap(folder / SAMPLES, dtype="<i2", mode="r") if needed else np.zeros(0, "<i2")
        return WaveStore(samples, spans[:, 0].copy(), spans[:, 1].copy(), SAMPLE_RATE)

    def __len__(self) -> int:
        return len(self.lengths)

    def length(self, i: int) -> int:
        """Samples of clip i."""
        return int(self.lengths[self._checked([i])[0]])

    def array(self, i: int) -> np.ndarray:
        """Clip i as a read-only int16 view, (samples,)."""
        i = int(self._checked([i])[0])
        view = self._samples[self._starts[i] : self._starts[i] + self.lengths[i]]
        view.setflags(write=False)
        return np.asarray(view)

    def view(self, positions: Positions) -> WaveStore:
        """A store of these clips alone, in this order; shares the samples."""
        chosen = self._checked(positions)
        return WaveStore(self._samples, self._starts[chosen], self.lengths[chosen], self.sample_rate)

    def groups(self, positions: Positions | None = None) -> list[np.ndarray]:
        """Positions sorted into groups of equal length, shortest first; the order inside is kept."""
        chosen = self._all_or(positions)
        lengths = self.lengths[chosen]
        return [chosen[lengths == length] for length in np.unique(lengths)]

    def batch(self, positions: Positions, device: str | torch.device = "cpu") -> torch.Tensor:
        """Clips of equal length as float32 (clips, samples) in [-1, 1), on the device.

        Raises:
            BadInput: clips of different length.
        """
        chosen = self._checked(positions)
        lengths = np.unique(self.lengths[chosen])
        if len(lengths) > 1:
            shown = f"{lengths[0]} to {lengths[-1]} samples"
            raise BadInput(f"a batch of clips of different length ({shown}): use groups() or padded()")
        return _floats(self._gather(chosen, int(lengths[0]) if len(lengths) else 0), device)

    def padded(
        self, positions: Positions, device: str | torch.device = "cpu"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Clips of any length: float32 (clips, longest), zeros at the end; bool mask of the true samples."""
        import torch

        chosen = self._checked(positions)
        lengths = self.lengths[chosen]
        longest = int(lengths.max()) if len(lengths) else 0
        mask = np.arange(longest) < lengths[:, None]
        return _floats(self._gather(chosen, longest), device), torch.from_numpy(mask).to(device)

    def batches(
        self, positions: Positions | None, size: int, device: str | torch.device = "cpu"
    ) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """Batches of at most `size` clips of equal length: (positions, float32 (n, samples))."""
        if size < 1:
            raise BadInput(f"batch size {size}: expected at least 1")
        for group in self.groups(positions):
            for first in range(0, len(group), size):
                part = group[first : first + size]
                yield part, self.batch(part, device)

    def _gather(self, chosen: np.ndarray, samples: int) -> np.ndarray:
        """int16 (clips, samples), zeros after the end of shorter clips."""
        out = np.zeros((len(chosen), samples), dtype=np.int16)
        for row, start, length in zip(out, self._starts[chosen], self.lengths[chosen]):
            row[:length] = self._samples[start : start + length]
        return out

    def _all_or(self, positions: Positions | None) -> np.ndarray:
        return np.arange(len(self)) if positions is None else self._checked(positions)

    def _checked(self, positions: Positions) -> np.ndarray:
        chosen = np.asarray(positions)
        if chosen.dtype == bool or (chosen.size and not np.issubdtype(chosen.dtype, np.integer)):
            raise BadInput(f"clip positions of type {chosen.dtype}: expected integers")
        chosen = chosen.astype(np.int64).reshape(-1)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(self)):
            bad = int(chosen.min()) if chosen.min() < 0 else int(chosen.max())
            raise BadInput(f"clip position {bad}: expected 0 to {len(self) - 1}")
        return chosen


def _floats(samples: np.ndarray, device: str | torch.device) -> torch.Tensor:
    """int16 to float32 on the device: half the bytes travel, and division by a power of two is exact."""
    import torch

    return torch.from_numpy(samples).to(device).to(torch.float32).div_(FULL_SCALE)


class WaveWriter:
    """Appends clips to a new store in an existing folder; `close` writes the spans."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._file: BinaryIO = open(folder / SAMPLES, "wb")  # noqa: SIM115 - closed by close()
        self._lengths: list[int] = []

    def append(self, clip: np.ndarray) -> None:
        """Adds one clip, int16 (samples,)."""
        self._file.write(np.ascontiguousarray(clip, dtype="<i2").data)
        self._lengths.append(len(clip))

    def close(self, order: Sequence[int] | np.ndarray | None = None) -> None:
        """Ends the store. `order[i]` is the clip, as counted by `append`, that becomes position i."""
        self._file.close()
        lengths = np.array(self._lengths, dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if len(lengths) else lengths
        spans = np.stack([starts, lengths], axis=1)
        np.save(self._folder / _SPANS, spans if order is None else spans[np.asarray(order, dtype=np.int64)])

    def abort(self) -> None:
        """Closes the file and leaves the folder to whoever removes it."""
        self._file.close()


def need_space(folder: Path, nbytes: int) -> None:
    """Checks that the disk of `folder` has room before anything is written.

    Raises:
        RunFailed: less than `nbytes` and a reserve are free.
    """
    free = shutil.disk_usage(folder).free
    if free < nbytes + _RESERVE:
        needed = f"{(nbytes + _RESERVE) / 2**20:.0f} MB"
        raise RunFailed(_disk_message(folder, needed, f"{free / 2**20:.0f} MB"))


def _disk_message(folder: Path, needed: str, free: str) -> str:
    return (
        f"{folder}: disk too full ({needed} needed, {free} free): free some space, "
        "or set ASDBOOK_HOME to a larger disk"
    )


def cannot_write(folder: Path, error: OSError) -> RunFailed | None:
    """The error to raise where a disk is full or a folder may not be written to; None for another cause."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFailed(_disk_message(folder, "more", "none"))
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return RunFailed(
            f"{folder}: cannot be written to ({error.strerror}): set ASDBOOK_HOME to a folder that you may write to"
        )
    return None


def write_folder(final: Path, fill: Callable[[Path], None]) -> bool:
    """Makes `final` by filling a temporary folder beside it and renaming that; one writer at a time.

    Returns:
        False where `final` existed already (another process may have written it meanwhile).

    Raises:
        RunFailed: the disk filled up, or it may not be written to; nothing is left behind.
    """
    from filelock import FileLock

    partial = final.with_name(f".{final.name}.part")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(final.with_name(f".{final.name}.lock"))):
            if final.exists():
                return False
            shutil.rmtree(partial, ignore_errors=True)  # of a killed run: the lock shows that nobody writes it
            partial.mkdir()
            try:
                fill(partial)
                partial.rename(final)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        said = cannot_write(final.parent, error)
        if said is None:
            raise
        raise said from error
    return True
