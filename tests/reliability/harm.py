"""What goes wrong: folders that cannot be written to, small and full disks, files cut off or changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

DISK = 300 * 2**20  # bytes of a small disk: over the 256 MB that the library wants to stay free before it writes


class Skipped(Exception):
    """This machine does not let the drill be done; the message says why."""


def mounted(*options: str, place: Path) -> None:
    """Mounts on `place`, or says why not."""
    if os.geteuid() != 0:
        raise Skipped("mounting a small disk needs root")
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skipped(f"this machine lets nobody mount: {done.stderr.strip()}")


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nothing can be written below `place`: by a read-only mount for root, by permissions for others."""
    if os.geteuid() != 0:
        folders = [place, *(path for path in place.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o555)
        try:
            yield
        finally:
            for folder in folders:
                folder.chmod(0o755)
        return
    mounted("--bind", str(place), place=place)
    try:
        mounted("-o", "remount,ro,bind", place=place)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.contextmanager
def small_disk(place: Path, size: int = DISK) -> Iterator[None]:
    """A disk of `size` bytes at `place`."""
    place.mkdir(parents=True, exist_ok=True)
    mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", place=place)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.contextmanager
def filled(place: Path) -> Iterator[None]:
    """Another program takes all that is left of the disk, and gives it back."""
    filler = place / "filler"
    with open(filler, "wb") as out:
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        os.posix_fallocate(out.fileno(), 0, free)
    try:
        yield
    finally:
        filler.unlink()


def cut(path: Path) -> None:
    """The second half is gone."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flip(path: Path, part: float = 0.5) -> None:
    """One bit in the middle is another."""
    content = bytearray(path.read_bytes())
    content[int(part * len(content))] ^= 0x10
    path.write_bytes(bytes(content))


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def children(pid: int) -> list[int]:
    """Numbers of the processes that a process has started."""
    if not Path("/proc/self/stat").exists():
        raise Skipped("this system does not show whose child a process is (/proc)")
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if int(file.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(file.parent.name))
    return found
