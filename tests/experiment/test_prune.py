"""The cache is emptied by last use; what a killed process left goes too, what another is writing does not."""

import os
import time

import pytest
from filelock import FileLock

from asdbook import experiment
from asdbook.experiment.folders import find_run
from asdbook.experiment.prune import entries, prune

SMALL = {"profile": "smoke", "machines": ["fan"], "threads": 1}
TINY = {"epochs": 1, "bands": 16, "hidden": 16, "bottleneck": 4}
WEEK = 7 * 86_400


@pytest.fixture
def stored(own_home):
    return experiment.run("autoencoder", "synthetic-2023", overrides=TINY, **SMALL)


def age(home):
    """Everything in the cache was last touched a week ago."""
    for path in home.rglob("*"):
        os.utime(path, (time.time() - WEEK,) * 2)


def names(found):
    return {(entry.kind, entry.path.suffix or "folder") for entry in found}


def test_what_nobody_used_goes(stored, own_home):
    age(own_home)
    assert {entry.kind for entry in prune(["data", "stages", "runs"], days=6)} == {"data", "stages", "runs"}
    assert not prune(["data", "stages", "runs"], days=8)
    assert len(entries()) == 3  # so far it was only named
    assert len(prune(["data", "stages"], days=6, really=True)) == 2
    assert [entry.kind for entry in entries()] == ["runs"]


def test_reading_counts_as_use(stored, own_home):
    age(own_home)
    experiment.run("autoencoder:mahalanobis-framewise", "synthetic-2023", overrides=TINY, **SMALL)  # set and stage
    [old] = prune(["data", "stages", "runs"], days=6)
    assert old.path == stored.folder.parent
    find_run(str(stored.folder))
    assert not prune(["data", "stages", "runs"], days=6)


def test_the_cached_result_counts_as_use(stored, own_home):
    age(own_home)
    experiment.run("autoencoder", "synthetic-2023", overrides=TINY, **SMALL)
    assert "runs" not in {entry.kind for entry in prune(["data", "stages", "runs"], days=6)}


def test_a_record_elsewhere_is_not_written_to(stored, own_home, tmp_path):
    other = tmp_path / "results" / "autoencoder"
    other.mkdir(parents=True)
    stored.folder.rename(other / "1")
    find_run(str(other / "1"))
    assert [path.name for path in other.iterdir()] == ["1"]


def test_leftovers_are_listed_and_go(own_home):
    for kind, name in (("data", ".set-1.part"), ("runs", "run-1")):
        (own_home / kind / name).mkdir(parents=True)
        (own_home / kind / name / "half").write_bytes(bytes(2000))
    (own_home / "stages").mkdir()
    (own_home / "stages" / "net-1.safetensors.part").write_bytes(bytes(1000))
    found = entries()
    assert len(found) == 3 and all(entry.partial for entry in found)
    assert sum(entry.megabytes for entry in found) == pytest.approx(0.005)
    prune(["data", "stages", "runs"], really=True)
    assert not entries()


def test_what_another_process_is_writing_stays(own_home):
    (own_home / "data" / ".set-1.part").mkdir(parents=True)
    (own_home / "stages").mkdir()
    (own_home / "stages" / "net-1.safetensors.part").write_bytes(b"half")
    (own_home / "runs" / "run-1" / "1.part").mkdir(parents=True)
    locks = [FileLock(own_home / name) for name in ("data/.set-1.lock", "stages/net-1.lock", "runs/run-1/.lock")]
    for lock in locks:
        lock.acquire()
    assert not prune(["data", "stages", "runs"], really=True) and len(entries()) == 3
    for lock in locks:
        lock.release()
    assert len(prune(["data", "stages", "runs"], really=True)) == 3 and not entries()
