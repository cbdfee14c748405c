"""The place for drills: prepared caches and recordings, processes, and what every drill checks."""

from __future__ import annotations

import functools
import re
import shutil
import time
from pathlib import Path

from forks import Ended, Forks, Running, Stop
from harm import contents

SMALL = ("--profile", "smoke", "--machine", "fan", "--threads", "1")
TRIVIAL = ("run", "trivial", *SMALL)
EPOCHS = 4
TINY = {"epochs": EPOCHS, "bands": 16, "hidden": 16, "bottleneck": 4}
TRAIN = ("run", "autoencoder", *SMALL, *(word for key, value in TINY.items() for word in ("--set", f"{key}={value}")))
OFTEN = {"ASDBOOK_CHECKPOINT_SECONDS": "0"}  # a checkpoint after every epoch


class Lab:
    """A place for drills: prepared caches, recordings, and processes."""

    def __init__(self, root: Path, forks: Forks):
        self.root, self.forks, self.name = root, forks, ""
        self._scores: dict[str, bytes] = {}

    def begin(self, name: str) -> None:
        """Every drill has a folder of its own."""
        self.name = name
        self.folder.mkdir()

    @property
    def folder(self) -> Path:
        return self.root / self.name

    # --- what is prepared, once

    @functools.cached_property
    def recordings(self) -> Path:
        """A folder of wav files, in the official layout."""
        place = self.root / "recordings"
        self.must("data", "synth", str(place), "--profile", "smoke", "--machine", "fan", home=self.root / "home")
        self._sound = contents(place)
        return place

    @property
    def folder_run(self) -> tuple[str, ...]:
        """The command that reads the wav files."""
        return ("run", "trivial", "--data", str(self.recordings), "--profile", "smoke", "--threads", "1")

    def scores(self, command: tuple[str, ...]) -> bytes:
        """`scores.csv.gz` of an undisturbed run."""
        key = " ".join(command)
        if key not in self._scores:
            home = self.root / f"undisturbed-{len(self._scores)}"
            self.must(*command, home=home)
            self._scores[key] = result(home)
        return self._scores[key]

    @functools.cached_property
    def finished(self) -> Path:
        """A cache in which the training command has been run; copy it with `home`."""
        place = self.root / "finished"
        self.must(*TRAIN, home=place)
        return place

    def home(self, *kinds: str) -> Path:
        """A cache of this drill with these kinds ("data", "stages", "runs") taken from the finished one."""
        place = self.folder / "home"
        place.mkdir(exist_ok=True)
        for kind in kinds:
            shutil.copytree(self.finished / kind, place / kind)
        return place

    # --- processes

    def start(self, *command: str, home: Path, stop: Stop | None = None) -> Running:
        return self.forks.start(command, home, stop, **OFTEN)

    def run(self, *command: str, home: Path) -> Ended:
        return self.start(*command, home=home).ended()

    def must(self, *command: str, home: Path) -> Ended:
        """A command that has to work."""
        done = self.run(*command, home=home)
        assert done.code == 0, done.err
        return done

    def killed(self, *command: str, home: Path, stop: Stop) -> Ended:
        """A command that is killed at its stop."""
        process = self.start(*command, home=home, stop=stop)
        process.wait_for_stop()
        process.kill()
        done = process.ended()
        assert done.code == -9
        assert not whole_runs(home), "a killed run passes for a whole one"
        return done

    def refused(self, *command: str, home: Path) -> str:
        """A command that has to end with one line; returns that line as the user sees it, paths shortened."""
        return self.one_line(self.run(*command, home=home), home)

    def one_line(self, done: Ended, home: Path) -> str:
        """The error line of a process that ended as it should."""
        assert done.code in (2, 3), (done.code, done.err)
        said = [line for line in done.lines if line.startswith("asdbook: ")]
        assert "Traceback" not in done.err and "internal error" not in done.err, done.err
        assert len(said) == 1 and done.lines[-1] == said[0], done.err
        return self.short(said[0], home)

    def short(self, line: str, home: Path) -> str:
        """A line without this machine's folders and digests."""
        line = line.replace(str(home), "$ASDBOOK_HOME").replace(str(self.root), "…")
        return re.sub(r"[0-9a-f]{10,}", "…", line)

    def recover(self, *command: str, home: Path) -> tuple[Ended, float]:
        """The same command again: it must work, and give the scores of an undisturbed run."""
        wanted = self.scores(command)  # first: its time is not the drill's
        started = time.perf_counter()
        done = self.must(*command, home=home)
        seconds = time.perf_counter() - started
        assert result(home) == wanted, "the scores are not those of an undisturbed run"
        assert "Traceback" not in done.err, done.err
        if "recordings" in vars(self):
            assert contents(self.recordings) == self._sound, "recordings were touched"
        left = [str(path) for path in home.rglob("*.part")]
        assert not left, f"left behind: {left}"
        return done, seconds


def whole_runs(home: Path) -> list[Path]:
    """Attempts that pass for whole."""
    return [path.parent for path in home.glob("runs/*/*/record.json") if path.parent.name.isdigit()]


def result(home: Path) -> bytes:
    """`scores.csv.gz` of the newest attempt of the one run in a cache."""
    newest = max(whole_runs(home), key=lambda path: int(path.name))
    return (newest / "scores.csv.gz").read_bytes()


def said(done: Ended, part: str) -> str:
    """The one progress line that holds these words."""
    [line] = [line for line in done.lines if part in line]
    return line
