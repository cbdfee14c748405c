"""Every drill of the fault table, and the committed table beside the drills that there are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drills import DRILLS, lab_in, run_one
from forks import Stop
from harm import Skipped, contents, flip
from lab import Lab

COMMITTED = Path(__file__).parents[2] / "book" / "results" / "faults.json"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with lab_in(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.mark.parametrize("name", DRILLS)
def test_drill(lab, name):
    try:
        row = run_one(name, lab)
    except Skipped as reason:
        pytest.skip(str(reason))
    assert row.seen and row.lost and row.recovered


def test_the_committed_table_has_exactly_these_drills():
    rows = json.loads(COMMITTED.read_text(encoding="utf-8"))["rows"]
    known = [(name, fault, when) for name, (fault, when, _) in DRILLS.items()]
    assert [(row["id"], row["fault"], row["when"]) for row in rows] == known, "run .ci/faults and commit its table"
    for row in rows:
        assert row["seen"] and row["lost"] and row["recovered"] and row["seconds"] > 0


def test_a_drill_notices_other_scores(lab, monkeypatch):
    """The drills can fail: an undisturbed run with another result is told apart."""
    monkeypatch.setattr(lab, "scores", lambda command: b"other")
    with pytest.raises(AssertionError, match="not those of an undisturbed run"):
        DRILLS["kill-decoding"][2](named(lab, "noticed"))


def test_a_stop_that_is_never_reached_is_an_error(lab):
    named(lab, "never")
    process = lab.start("systems", home=lab.home(), stop=Stop("asdbook.data.waves:WaveWriter.append"))
    with pytest.raises(AssertionError, match="before its stop"):
        process.wait_for_stop()


def test_a_script_without_a_main_guard_is_one_error(tmp_path):
    """Worker processes import the script again: without the guard that would go on and on."""
    script = tmp_path / "script.py"
    script.write_text(
        "from asdbook.simulate import Spec, generate, sets\n"
        "sets.FEW = 0\n"
        "for block in generate(Spec(profile='smoke', machines=('fan',)), workers=2):\n"
        "    print(block.machine)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("Traceback") == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("asdbook.errors.RunFailed") and 'if __name__ == "__main__"' in last and "workers=1" in last


def test_a_flipped_bit_is_another_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(9))
    before = contents(tmp_path)
    flip(path)
    assert contents(tmp_path) != before and path.stat().st_size == 9


def named(lab: Lab, name: str) -> Lab:
    """The lab with a folder for a test."""
    lab.begin(name)
    return lab
