"""From recordings to a record: cache, resume after `kill -9`, faults, new recordings."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from asdbook import experiment
from asdbook.errors import BadInput, RunFailed, UnknownName
from asdbook.experiment import records, runner
from asdbook.experiment.folders import RunFolder, all_runs, find_run
from asdbook.experiment.promote import promote, staleness
from asdbook.experiment.scoring import score_files

SMALL = {"profile": "smoke", "machines": ["fan"]}


@pytest.fixture
def stored(home):
    return experiment.run("trivial", "synthetic-2023", **SMALL)


def test_a_record_is_complete(stored):
    record = stored.record
    assert record.metrics["official"]["score"]["name"] == "Omega"
    assert set(record.metrics) == {"official", "same_domain"}
    cells = record.metrics["official"]["machines"][0]["cells"]
    assert [c["quantity"] for c in cells] == ["AUC source", "AUC target", "pAUC"]
    assert all(c["low"] <= c["value"] <= c["high"] for c in cells)
    table = stored.scores()
    assert set(table["split"]) == {"test", "train"}
    assert (table["split"] == "test").sum() == record.data.test_clips
    assert table["score"].notna().all() and set(table["decision"]) <= {0, 1}
    assert record.decision["machines"]["fan"]["threshold"] > 0
    assert {"data", "fit", "score", "evaluate"} <= set(record.cost["phases"])
    assert records.size(stored.folder) < records.MAX_BYTES


def test_again_is_from_the_cache_and_another_set_is_not(stored, home):
    again = experiment.run("trivial", "synthetic-2023", **SMALL)
    assert again.folder == stored.folder
    other = experiment.run("trivial", "synthetic-2023", overrides={"group_by": "machine"}, **SMALL)
    assert other.folder.parent != stored.folder.parent
    seed = experiment.run("trivial", "synthetic-2023", seed=111, **SMALL)
    assert seed.folder.parent != stored.folder.parent


def test_fresh_is_a_new_attempt_with_equal_scores(stored):
    again = experiment.run("trivial", "synthetic-2023", fresh=True, **SMALL)
    assert again.record.attempt == stored.record.attempt + 1
    assert stored.folder.is_dir()  # the earlier result stays whole
    for name in ("scores.csv.gz", "figures.npz"):
        assert (again.folder / name).read_bytes() == (stored.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("trvial", "synthetic-2023"), UnknownName, "did you mean 'trivial'"),
        (("trivial:men", "synthetic-2023"), UnknownName, "did you mean 'mean'"),
        (("trivial", "syntetic-2023"), UnknownName, "did you mean 'synthetic-2023'"),
        (("trivial", "./nowhere"), BadInput, "no such folder"),
    ],
)
def test_unknown_names(home, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        experiment.run(*arguments, **SMALL)
    assert "\n" not in str(caught.value)


def test_unknown_keys_profiles_and_machines(home):
    with pytest.raises(UnknownName, match="group_by"):
        experiment.run("trivial", "synthetic-2023", overrides={"groupby": "id"}, **SMALL)
    with pytest.raises(UnknownName, match="smoke"):
        experiment.run("trivial", "synthetic-2023", profile="smok")
    with pytest.raises(BadInput, match="fann"):
        experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fann"])
    with pytest.raises(BadInput, match="group_by"):
        experiment.run("trivial", "synthetic-2023", overrides={"group_by": "colour"}, **SMALL)


@pytest.mark.parametrize("seeds", [{"seed": -1}, {"data_seed": -1}, {"seed": True}, {"seed": 1.0}, {"seed": "110"}])
def test_a_seed_is_a_whole_number(home, seeds):
    [name] = seeds
    with pytest.raises(BadInput, match=f"^{name} = .*: give a whole number, zero or more$"):
        experiment.run("trivial", "synthetic-2023", **SMALL, **seeds)


def test_a_numpy_integer_is_a_seed(stored):
    assert experiment.run("trivial", "synthetic-2023", seed=np.int64(110), **SMALL).folder == stored.folder


def test_one_name_is_not_read_letter_by_letter(stored):
    assert experiment.run("trivial", "synthetic-2023", profile="smoke", machines="fan").folder == stored.folder
    with pytest.raises(UnknownName, match="'idd'"):
        experiment.run("trivial", "synthetic-2020", profile="smoke", premise_off="idd")


def test_a_refused_run_leaves_no_folder(own_home):
    """An additional machine alone: there is nothing to score."""
    with pytest.raises(BadInput, match="no test clips for AirCompressor"):
        experiment.run("trivial", "synthetic-2024", profile="smoke", machines="AirCompressor")
    assert list((own_home / "runs").iterdir()) == []


def test_additional_machines_are_for_systems_that_know_other_machines(own_home):
    options = {"profile": "smoke", "machines": ["AirCompressor", "gearbox"]}
    stored = experiment.run("trivial", "synthetic-2024", **options)
    assert stored.record.data.machines == ["gearbox"]
    assert set(stored.scores()["machine"]) == {"gearbox"}


def test_the_cost_of_a_stage_that_was_there_is_in_the_whole(own_home):
    """The second variant reads the trained network: its whole cost has the training, this run's has not."""
    tiny = {"epochs": 3, "bands": 16, "hidden": 16, "bottleneck": 4}
    first = experiment.run("autoencoder", "synthetic-2023", overrides=tiny, **SMALL).record.cost
    second = experiment.run("autoencoder:mahalanobis-framewise", "synthetic-2023", overrides=tiny, **SMALL).record.cost
    assert first["earlier_seconds"] == {} and first["wall_seconds"] == first["this_run_seconds"]
    [(name, seconds)] = second["earlier_seconds"].items()
    assert name == "autoencoder/fan"
    assert first["phases"]["fit/train"] <= seconds + 0.002 <= first["phases"]["fit"] + 0.002  # three decimals each
    assert second["wall_seconds"] == pytest.approx(second["this_run_seconds"] + seconds, abs=0.002)
    assert set(second["memory_mb"]) == set(second["phases"]) and min(second["memory_mb"].values()) > 10
    assert second["peak_memory_mb"] >= max(second["memory_mb"].values())


def start(home, *options):
    """`asdbook run autoencoder` as another process, on a small set."""
    command = [sys.executable, "-m", "asdbook", "run", "autoencoder", "--profile", "smoke", "--machine", "fan",
               "--threads", "1", *options]  # fmt: skip
    own = {"ASDBOOK_HOME": str(home), "ASDBOOK_CHECKPOINT_SECONDS": "0"}  # a checkpoint after every epoch
    return subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, process, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the run did not get there"
        time.sleep(0.01)


def test_kill_and_resume_gives_the_same_scores(own_home, tmp_path):
    experiment.run("trivial", "synthetic-2023", **SMALL)  # the set is there
    other_home = tmp_path / "other"
    shutil.copytree(own_home, other_home)
    killed = start(own_home, "--set", "epochs=60")
    wait_for(lambda: list(own_home.glob("runs/autoencoder*/1.part/checkpoints/**/*.safetensors")), killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not list(own_home.glob("runs/autoencoder*/1/record.json"))
    resumed, whole = start(own_home, "--set", "epochs=60"), start(other_home, "--set", "epochs=60")
    _out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert whole.wait() == 0
    assert b"resum" in err  # it went on, it did not start again
    [a] = own_home.glob("runs/autoencoder*/1")
    [b] = other_home.glob("runs/autoencoder*/1")
    for name in ("scores.csv.gz", "figures.npz"):
        assert (a / name).read_bytes() == (b / name).read_bytes()


def test_two_at_once_are_refused(stored):
    folder = RunFolder(stored.folder.parent)
    with folder.locked():
        code = subprocess.run(
            [
                sys.executable,
                "-m",
                "asdbook",
                "run",
                "trivial",
                "--profile",
                "smoke",
                "--machine",
                "fan",
                "--fresh",
            ],
            capture_output=True,
            text=True,
        )
    assert code.returncode == 3
    assert "another process is running this experiment" in code.stderr
    assert code.stderr.count("\n") < 4 and "Traceback" not in code.stderr
    assert records.load(stored.folder).record == stored.record


def test_a_full_disk_is_said_and_harms_nothing(stored, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runner.records, "write", full)
    with pytest.raises(RunFailed, match="disk full"):
        experiment.run("trivial", "synthetic-2023", fresh=True, **SMALL)
    assert records.load(stored.folder).record == stored.record
    assert find_run(stored.folder.parent.name) == stored.folder  # the half attempt is not a run


def test_find_run(stored):
    assert find_run(str(stored.folder)) == stored.folder
    assert stored.folder in all_runs() or any(r.parent == stored.folder.parent for r in all_runs())
    with pytest.raises(BadInput, match="no such run"):
        find_run("nothing-like-this")


def test_promote_copies_the_record_alone(stored, tmp_path):
    target = promote(str(stored.folder), tmp_path / "results")
    assert sorted(p.name for p in target.iterdir()) == ["figures.npz", "record.json", "scores.csv.gz"]
    assert records.load(target).record == stored.record
    assert staleness(stored.record) is None
    old = stored.record.model_copy(update={"system_version": 0})
    assert "system version 0" in staleness(old)


def test_score_new_recordings(stored, tmp_path):
    rng = np.random.default_rng(1)
    quiet, odd = tmp_path / "quiet.wav", tmp_path / "odd.wav"
    soundfile.write(quiet, 0.01 * rng.normal(size=16_000), 16_000)
    soundfile.write(odd, 0.9 * np.sign(rng.normal(size=16_000)), 16_000)
    first, second = score_files(str(stored.folder), [quiet, odd], machine="fan")
    assert second["score"] > first["score"]
    assert second["decision"] == "anomalous"
    assert "higher than" in second["unusual"]
    with pytest.raises(BadInput, match="pump"):
        score_files(str(stored.folder), [quiet], machine="pump")
    with pytest.raises(BadInput, match=r"nothing\.wav"):
        score_files(str(stored.folder), [tmp_path / "nothing.wav"], machine="fan")


def test_score_of_a_test_clip_is_the_recorded_score(stored, tmp_path):
    from asdbook.experiment import datasets

    data = datasets.resolve("synthetic-2023", data_seed=110, **SMALL)
    name = data.test_table().frame["path"].iloc[0]
    path = tmp_path / "clip.wav"
    row = data.table.frame["path"].tolist().index(name)
    soundfile.write(path, data.waves.array(row), 16_000, subtype="PCM_16")
    [result] = score_files(str(stored.folder), [path], machine="fan")
    table = stored.scores().set_index("file")
    assert result["score"] == pytest.approx(table.loc[name, "score"], rel=1e-6)


@pytest.mark.real
def test_trivial_on_real_recordings_is_the_folders_own_table(home, real_data):
    """AUC by clip and by recording as in the README of the real recordings (three printed digits)."""
    from asdbook.experiment.evaluate import evaluate_path

    stored = experiment.run("trivial", str(real_data), profile="quick")
    printed = {  # machine, ID: AUC of clips, AUC of recordings
        ("fan", "00"): (0.778, 0.800), ("fan", "02"): (0.878, 0.900), ("fan", "04"): (0.725, 0.700),
        ("pump", "00"): (0.644, 0.700), ("pump", "02"): (0.759, 0.800), ("pump", "04"): (0.791, 0.800),
        ("slider", "00"): (0.506, 0.500), ("slider", "02"): (0.794, 0.850), ("slider", "04"): (0.459, 0.450),
    }  # fmt: skip
    for column, by_recording in enumerate((False, True)):
        result = evaluate_path(stored.folder, by_recording=by_recording)["metrics"]["official"]
        found = {
            (m["machine"], c["unit"]): c["value"]
            for m in result["machines"] for c in m["cells"] if c["quantity"] == "AUC"
        }
        assert found.keys() == printed.keys()
        for unit, values in printed.items():
            assert found[unit] == pytest.approx(values[column], abs=6e-4), (unit, by_recording)


def test_a_restricted_run_cannot_replace_the_whole_sets_record(stored, tmp_path):
    valve = experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["valve"])
    both = {promote(str(s.folder), tmp_path) for s in (stored, valve)}
    assert len(both) == 2 and stored.record.data.restricted


def test_a_generated_folder_claims_no_seed(home, tmp_path):
    from asdbook import cli

    folder = tmp_path / "third"
    assert cli.main(["data", "synth", str(folder), "--data-seed", "3", "--profile", "smoke", "--machine", "fan"]) == 0
    record = experiment.run("trivial", str(folder), profile="smoke").record
    assert (record.data.kind, record.data.seed, record.data.simulator_version) == ("synthetic", None, None)


def test_premises_belong_to_built_in_sets(home, tmp_path):
    with pytest.raises(BadInput, match="premises belong to built-in sets"):
        experiment.run("trivial", str(tmp_path), profile="smoke", premise_off=["attributes"])


def test_a_record_moved_away_does_not_block_the_next_attempt(own_home):
    first = experiment.run("trivial", "synthetic-2023", **SMALL)
    (first.folder / "record.json").rename(own_home / "moved.json")
    again = experiment.run("trivial", "synthetic-2023", **SMALL)
    assert again.folder.name == "2"


def test_checks_and_order_of_machines_in_the_key():
    from asdbook.experiment.datasets import builtin_key, spec_of
    from asdbook.simulate import Spec

    assert builtin_key(Spec(severity=0.0)) != builtin_key(Spec())
    one, other = (spec_of("synthetic-2023", 1, "smoke", machines=m) for m in (["fan", "valve"], ["valve", "fan"]))
    assert builtin_key(one) == builtin_key(other)


def test_a_plan_is_systems_times_seeds_and_may_train_again_on_the_same_data(tmp_path):
    from asdbook.experiment.promote import planned

    path = tmp_path / "plan.toml"
    row = "[[a.runs]]\ndata='synthetic-2023'\nprofile='smoke'\nseeds=[1, 2]\nsystems=['x', 'y']\n"
    path.write_text(row + row + "training_seeds=[7, 8]\n")
    jobs = [(job["name"], job["data_seed"], job["seed"]) for job in planned(path)]
    plain = [(name, seed, seed) for name in "xy" for seed in (1, 2)]
    assert jobs == plain + [(name, seed, again) for name in "xy" for seed in (1, 2) for again in (7, 8)]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("[[a.runs]]\ndata='x'\n", "field required"),
        ("[a]\nb=1\n", "has no runs"),
        ("[[a.runs]]\ndata='x'\nprofile='smoke'\nseeds=[1]\nsystems=[]\nmachine='fan'\n", "machine"),
    ],
)
def test_a_wrong_plan_is_one_line(tmp_path, plan, message):
    from asdbook.experiment.promote import planned

    path = tmp_path / "plan.toml"
    path.write_text(plan)
    with pytest.raises(BadInput, match=message):
        list(planned(path))
