"""The kernel that runs a chapter: which one, in which environment, and how it is ended."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from traitlets.config import Config

from asdbook.publish.pages import Book

KERNEL = "asdbook"
START_SECONDS = 120  # a busy machine can take long to start a kernel


class QuietKernelManager(AsyncKernelManager):
    """Ends a kernel by asking it to stop, without an interrupt before.

    Jupyter's own manager interrupts every kernel before it asks. A kernel that waits for work takes the signal as an
    error and writes "KeyboardInterrupt caught in kernel" to the terminal, although nothing went wrong. A kernel that
    does not stop when asked is still killed.
    """

    async def _async_interrupt_kernel(self) -> None:
        if not self.shutting_down:
            await super()._async_interrupt_kernel()


def options() -> dict[str, Any]:
    """What papermill is told of the kernel."""
    return {
        "kernel_name": KERNEL,
        "start_timeout": START_SECONDS,
        "kernel_manager_class": QuietKernelManager,
        "config": Config({"KernelManager": {"transport_encryption": "auto"}}),
    }


@contextmanager
def environment(book: Book) -> Iterator[None]:
    """The kernel's environment: this Python whatever kernels the user has, few threads, no progress bars.

    ASDBOOK_HOME is passed through. IPYTHONDIR is ours, so that a user's start-up files change no page.
    """
    _write_spec(book)
    settings = _settings(book)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _write_spec(book: Book) -> None:
    """A kernel of this Python in the build folder."""
    kernels = book.build / "jupyter" / "kernels" / KERNEL
    kernels.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec: dict[str, Any] = {"argv": argv, "display_name": "Python 3", "language": "python"}
    spec |= {"metadata": {"supported_encryption": ["curve"]}}  # talks in cipher, or warns
    (kernels / "kernel.json").write_text(json.dumps(spec))


def _settings(book: Book) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "JUPYTER_PATH": str(book.build / "jupyter"),
        "IPYTHONDIR": str(book.build / "ipython"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(min(2, cores))),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "ASDBOOK_PROGRESS": "0",
        "ASDBOOK_BOOK": str(book.root),
        "ASDBOOK_STATIC": str(book.produced),  # where asdbook.report puts sounds and figures
        "TQDM_DISABLE": "1",
        "NO_COLOR": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the debugger's start-up warning would stand in the page
    }
