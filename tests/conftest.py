"""Fixtures that all tests share: own cache folder, one thread, real recordings when they are there."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Timed assertions are forbidden: a busy machine is no bug.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several test processes share few cores


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small networks on more threads than free cores run thirty times slower."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def session_home(tmp_path_factory):
    """A cache folder shared by the tests of one process."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(session_home, monkeypatch):
    """`$ASDBOOK_HOME` of this test: shared, so that a built-in set is generated once."""
    monkeypatch.setenv("ASDBOOK_HOME", str(session_home))
    return session_home


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    """`$ASDBOOK_HOME` of this test alone."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ASDBOOK_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data():
    """The folder of real recordings, `$ASDBOOK_REAL_DATA` or ../shared/data."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ASDBOOK_REAL_DATA", default)) / "mimii_min6db"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}: set ASDBOOK_REAL_DATA")
    return folder
