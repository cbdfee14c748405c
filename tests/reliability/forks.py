"""Real processes that run `asdbook` commands, and stop at a chosen place until they are killed or told to go on.

    python forks.py        serves requests: a JSON line each on stdin, a JSON line each back

The server loads the library once and forks a process for every command, so that a drill costs a tenth of a second
and not the three seconds of an import. A forked process has its own number, is killed by it, and runs the command
line's own entry point with its own stdout and stderr.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOADED = (
    "asdbook.cli", "asdbook.data.loading", "asdbook.data.clips", "asdbook.experiment.runner",
    "asdbook.experiment.context", "asdbook.experiment.evaluation", "asdbook.experiment.scoring",
    "asdbook.experiment.promote", "asdbook.experiment.evaluate", "asdbook.systems.trivial",
    "asdbook.systems.autoencoder", "asdbook.simulate", "asdbook.report.results", "scipy.signal", "scipy.stats",
)  # fmt: skip
LONG = 60.0  # seconds after which a process is stuck: each of them needs about one


@dataclass(frozen=True)
class Stop:
    """Where a process stops.

    Attributes:
        at: "module:function" or "module:Class.method".
        when: "before" or "after" its `nth` call; "half": a `Path.write_bytes` or `write_text` whose file name
            holds `file` has written half of its content.
        nth: which call.
        file: part of the file's name, for "half".
        also: "module:name" to a value that the process has instead, such as a limit that a tiny run would not reach.
    """

    at: str
    when: str = "after"
    nth: int = 1
    file: str = ""
    also: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (-9: killed), stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines on stderr."""
        return self.err.splitlines()


class Running:
    """A started process."""

    def __init__(self, forks: Forks, pid: int, files: tuple[Path, Path, Path]):
        self.forks, self.pid, (self.out, self.err, self.stopped) = forks, pid, files

    def wait_for_stop(self) -> None:
        """Until the process stands at its stop."""
        end = time.monotonic() + LONG
        while not self.stopped.exists():
            code = self.forks.ask(op="poll", pid=self.pid)["code"]
            assert code is None, f"ended with {code} before its stop: {self.err.read_text()}"
            assert time.monotonic() < end, "the process did not get to its stop"
            time.sleep(0.005)

    def go_on(self) -> None:
        """Lets it continue from its stop."""
        self.stopped.unlink()

    def kill(self, number: int = 9) -> None:
        os.kill(self.pid, number)

    def ended(self) -> Ended:
        """Waits for its end; one that is stuck is killed and fails the drill."""
        end = time.monotonic() + LONG
        while (code := self.forks.ask(op="poll", pid=self.pid)["code"]) is None:
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"the process did not end: {self.err.read_text()}")
            time.sleep(0.005)
        return Ended(code, self.out.read_text(), self.err.read_text())


class Forks:
    """The server's other side."""

    def __init__(self, folder: Path):
        self.folder, self.count = folder, 0
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        line = self.server.stdout.readline()
        assert line, "the server of processes is gone"
        return json.loads(line)

    def start(self, command: tuple[str, ...], home: Path, stop: Stop | None = None, **env: str) -> Running:
        """Starts `asdbook <command>`."""
        self.count += 1
        files = tuple(self.folder / f"{self.count}.{kind}" for kind in ("out", "err", "stopped"))
        paths = dict(zip(("out", "err", "stopped"), map(str, files), strict=True))
        asked = {"command": command, "env": {"ASDBOOK_HOME": str(home), **env}, **paths}
        pid = self.ask(op="start", stop=vars(stop) if stop else None, **asked)["pid"]
        return Running(self, pid, files)  # type: ignore[arg-type]

    def close(self) -> None:
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()


@contextlib.contextmanager
def forks_in(folder: Path) -> Iterator[Forks]:
    """A server whose processes keep their output in `folder`."""
    forks = Forks(folder)
    try:
        yield forks
    finally:
        forks.close()


# --- the server -------------------------------------------------------------------------------------------


def _stand(marker: str) -> None:
    Path(marker).touch()
    while os.path.exists(marker):
        time.sleep(0.005)


def _place(at: str) -> tuple[Any, str]:
    module, _, names = at.partition(":")
    *owners, name = names.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    return owner, name


def _install(stop: dict[str, Any], marker: str) -> None:
    """Puts the stop into the loaded library, in this process alone."""
    for at, value in stop["also"].items():
        setattr(*_place(at), value)
    owner, name = _place(stop["at"])
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def stopping(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        half = stop["when"] == "half"
        if half and stop["file"] not in str(args[0]):
            return original(*args, **kwargs)
        calls += 1
        if calls != stop["nth"]:
            return original(*args, **kwargs)
        if half:
            original(args[0], args[1][: len(args[1]) // 2])
        result = original(*args, **kwargs) if stop["when"] == "after" else None
        _stand(marker)
        return result if stop["when"] == "after" else original(*args, **kwargs)

    setattr(owner, name, stopping)


def _child(request: dict[str, Any]) -> int:
    os.environ.update(request["env"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if request["stop"]:
        _install(request["stop"], request["stopped"])
    from asdbook import cli

    # Whoever starts the tests in the background makes them deaf to Ctrl-C, and this process with them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main(list(request["command"]))


def _forked(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70  # of a traceback that the command line did not catch
    try:
        code = _child(request)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Answers requests until stdin ends."""
    for name in LOADED:
        importlib.import_module(name)
    import torch

    from asdbook import cli
    from asdbook.experiment import provenance

    torch.set_num_threads(1)
    cli._register_once()
    provenance.commit()  # asks git once, not once a process
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if request["op"] == "start":
            answer["pid"] = _forked(request)
        else:
            pid = request["pid"]
            if pid not in ended:
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer["code"] = ended.get(pid)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
