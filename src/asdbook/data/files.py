"""What lies in a folder of clips, and where: the first step of the index and the key of its cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asdbook.data import sidecars
from asdbook.errors import BadInput

# Folder name -> (split, domain); None: neither training nor test. `supplemental` (2025) is clean sound or
# noise alone, `test_rename` holds copies that the official baseline makes.
_SPLIT_FOLDERS: dict[str, tuple[str | None, str | None]] = {
    "train": ("train", None),
    "test": ("test", None),
    "source_test": ("test", "source"),
    "target_test": ("test", "target"),
    "supplemental": (None, None),
    "test_rename": (None, None),
}
_LABEL_FOLDERS = {"normal": "normal", "anomaly": "anomaly", "abnormal": "anomaly", "anomalous": "anomaly"}
_OTHER_SOUND = (".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".w64", ".caf")

Refuse = Callable[[BadInput], None]
"""What is done with a fault of a whole set: raised, or collected by `checking`, which names all at once."""


def refuse_now(error: BadInput) -> None:
    """The usual way: the first fault of a set ends it."""
    raise error


@dataclass(frozen=True, order=True)
class File:
    """A file: posix path relative to the root, bytes, time of the last change in ns."""

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class Listing:
    """The clips below a root, sorted by path, and the files that say more about them."""

    root: Path
    clips: tuple[File, ...]
    others: tuple[File, ...]

    @property
    def attribute_tables(self) -> tuple[str, ...]:
        """Paths of `attributes_NN.csv`."""
        return tuple(f.path for f in self.others if f.path.rsplit("/", 1)[-1].startswith("attributes_"))

    @property
    def recordings(self) -> str | None:
        """Path of `files.csv` in the root, or None."""
        return next((f.path for f in self.others if f.path == sidecars.RECORDINGS), None)


@dataclass(frozen=True)
class Place:
    """What a clip's folders say.

    Attributes:
        machine: name of the machine folder.
        split: "train" or "test"; None for folders that are neither (2025's supplemental).
        folder: name of the split folder.
        domain: of 2021's source_test and target_test.
        label: of a folder normal/ or anomaly/ below the split folder.
        base: file name.
        canonical: path from the machine folder on, the same at whatever level the root is.
        recording: the clip itself, where nothing says which clips were cut from one recording.
    """

    machine: str
    split: str | None
    folder: str
    domain: str | None
    label: str | None
    base: str
    canonical: str

    @property
    def recording(self) -> str:
        return own_recording(self.canonical)


def own_recording(canonical: str) -> str:
    """Name of the recording that a clip is by itself: its path from the machine folder on, without ending."""
    return canonical.rpartition(".")[0]


def list_files(root: Path, refuse: Refuse = refuse_now) -> Listing:
    """All clips below a folder, links followed, hidden files and folders left out.

    Args:
        root: the folder.
        refuse: called for a file name that is no text; where it returns, the file is left out.

    Raises:
        BadInput: no such folder, or a file name that is no text.
    """
    if not root.exists():
        raise BadInput(f"{root}: no such folder: check the path")
    if not root.is_dir():
        raise BadInput(f"{root}: is a file: name the folder that holds <machine>/train/*.wav")
    clips: list[File] = []
    others: list[File] = []
    seen: set[str] = set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back up
            inner[:] = []
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__MACOSX")))
        for name in files:
            kind = _kind(name)
            if kind is None:
                continue
            try:
                (clips if kind == "clip" else others).append(_file(root, os.path.join(folder, name)))
            except BadInput as error:
                refuse(error)
    return Listing(root, tuple(sorted(clips)), tuple(sorted(others)))


def _kind(name: str) -> str | None:
    if name.startswith("."):
        return None
    if name.lower().endswith(".wav"):
        return "clip"
    beside = name in (sidecars.RECORDINGS, sidecars.MARK)
    return "other" if beside or (name.startswith("attributes_") and name.endswith(".csv")) else None


def _file(root: Path, path: str) -> File:
    relative = Path(os.path.relpath(path, root)).as_posix()
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        raise BadInput(f"{root}: the file name {relative!r} is not UTF-8: rename it") from None
    try:
        state = os.stat(path)
    except OSError:  # a broken link: the index reports it with the reason
        return File(relative, -1, -1)
    return File(relative, state.st_size, state.st_mtime_ns)


def place_of(path: str, root: Path) -> Place | None:
    """Reads a clip's folders; None where none of them is a split folder.

    The split folder is the clip's own folder, or the one above a folder normal/ or anomaly/.
    """
    *folders, base = path.split("/")
    label = None
    if len(folders) >= 2 and folders[-1].lower() in _LABEL_FOLDERS and folders[-2].lower() in _SPLIT_FOLDERS:
        label = _LABEL_FOLDERS[folders[-1].lower()]
        split_at = len(folders) - 2
    else:
        split_at = len(folders) - 1
    if split_at < 0 or folders[split_at].lower() not in _SPLIT_FOLDERS:
        return None
    split, domain = _SPLIT_FOLDERS[folders[split_at].lower()]
    machine = folders[split_at - 1] if split_at else root.resolve().name
    canonical = "/".join([machine, *folders[split_at:], base])
    return Place(machine, split, folders[split_at].lower(), domain, label, base, canonical)


def strays(root: Path) -> Iterator[tuple[str, str, bool]]:
    """What `list_files` leaves out without a word: (path, reason, whether something is wrong)."""
    closed: list[OSError] = []
    seen: set[str] = set()
    for folder, inner, files in os.walk(root, followlinks=True, onerror=closed.append):
        real, where = os.path.realpath(folder), Path(os.path.relpath(folder, root)).as_posix()
        if real in seen:
            inner[:] = []
            yield where, "a link to a folder that is read already: remove the link", True
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__MACOSX")))
        is_split = os.path.basename(folder).lower() in _SPLIT_FOLDERS
        if is_split and not inner and not any(_kind(name) == "clip" for name in files):
            yield where, "a folder without any .wav file", True
        for name in sorted(files):
            ending = os.path.splitext(name)[1].lower()
            if ending in _OTHER_SOUND and not name.startswith("."):
                yield f"{where}/{name}", f"sound in another format ({ending}): save it as .wav", True
            elif is_split and _kind(name) is None and not name.startswith("."):
                yield f"{where}/{name}", "no .wav file: ignored", False
    for error in closed:
        where = Path(os.path.relpath(str(error.filename), root)).as_posix()
        yield where, f"a folder that cannot be opened: {error.strerror}", True
