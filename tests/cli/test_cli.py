"""The command line as a user meets it: one line an error, the right exit code, no traceback."""

import json
import subprocess
import sys

import pytest

from asdbook import cli


def call(*arguments, capsys):
    """Exit code, stdout, stderr of a command run in this process."""
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_help_lists_every_command(capsys):
    code, out, _ = call("--help", capsys=capsys)
    assert code == 0
    for word in ("data", "run", "score", "evaluate", "submission", "systems", "records", "cache", "bench", "doctor"):
        assert f" {word} " in out


@pytest.mark.parametrize("words", [[], ["data"], ["cache"]])
def test_a_group_alone_shows_its_help(capsys, words):
    code, out, err = call(*words, capsys=capsys)
    assert code == 0 and err == "" and out.startswith(f"Usage: {' '.join(['asdbook', *words])} ")
    assert "Commands:\n" in out


def test_list_names_each_sets_premises_and_additional_machines(own_home, capsys):
    from asdbook import simulate

    code, out, _ = call("data", "list", capsys=capsys)
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("synthetic-")}
    assert code == 0 and lines.keys() == simulate.PRESETS.keys()
    assert " ids," in lines["synthetic-2020"] and " ids," not in lines["synthetic-2023"]
    assert "additional, for training alone: " in lines["synthetic-2024"] and "additional" not in lines["synthetic-2020"]


def test_help_loads_nothing_heavy():
    probe = (
        "import sys; from asdbook import cli\n"
        "code = cli.main(['--help'])\n"
        "heavy = {'torch', 'pandas', 'scipy', 'sklearn', 'librosa', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(code or bool(heavy))"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "trvial"], "did you mean 'trivial'"),
        (["run", "trivial", "--profile", "smal"], "smal"),
        (["run", "trivial", "--set", "epochs"], "write key=value"),
        (["run", "trivial", "--data", "./none"], "no such folder"),
        (["evaluate", "./none"], "none"),
        (["score", "none", "a.wav"], "no such run"),
        (["records", "promote", "none"], "no such run"),
        (["bench", "nothing"], "nothing"),
        (["bench", "--save", "none/speed.json"], "none/speed.json: its folder does not exist"),
        (["bench", "--save", "."], "is a folder"),
        (["data", "synth", "--check", "--seeds", "x"], "--seeds 'x': write whole numbers"),
        (["data", "synth", "--check", "--seeds", "1,-2"], "write whole numbers"),
        (["run", "trivial", "--seed", "-1"], "--seed"),
        (["run", "trivial", "--data-seed", "-1"], "--data-seed"),
        (["data", "synth"], "no folder given"),
        (["cache", "prune", "--kind", "dat"], "did you mean 'data'"),
        (["cache", "prune", "--days", "-1"], "--days"),
        (["data", "synth", "--check", "--save", "none/checks.json"], "none/checks.json: its folder does not exist"),
        (["data", "synth", "set", "--data-seed", "-1"], "--data-seed"),
        (["evaluate", "none"], "no such run: `asdbook records` lists them; or name a scores file"),
        (["run", "trivial", "--profile", "smoke", "--premise-off", "ids"], "choose from attributes, groups"),
        (["nonsense"], "nonsense"),
        (["run", "trivial", "--nonsense"], "nonsense"),
        (["records", "make", "--plan", "none.toml"], "none.toml"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(own_home, capsys, arguments, message):
    code, _, err = call(*arguments, capsys=capsys)
    assert code == 2
    lines = [line for line in err.splitlines() if line.startswith("asdbook:")]
    assert len(lines) == 1 and message in lines[0]
    assert "Traceback" not in err


def test_interruption_is_130(own_home, capsys, monkeypatch):
    from asdbook.experiment import runner

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner._Job, "execute", interrupt)
    code, _, err = call("run", "trivial", "--profile", "smoke", capsys=capsys)
    assert code == 130 and "resume" in err


def test_a_bug_is_one_line_and_a_file(own_home, capsys, monkeypatch):
    from asdbook.experiment import runner

    monkeypatch.setattr(runner._Job, "execute", lambda self: 1 / 0)
    code, _, err = call("run", "trivial", "--profile", "smoke", capsys=capsys)
    assert code == 3 and "internal error, ZeroDivisionError" in err and "Traceback" not in err
    assert "ZeroDivisionError" in (own_home / "last-crash.txt").read_text()


def test_run_prints_machines_intervals_and_omega(home, capsys):
    arguments = ["run", "trivial", "--profile", "smoke", "--machine", "fan"]
    code, out, _ = call(*arguments, capsys=capsys)
    assert code == 0
    assert "AUC source" in out and "fan" in out and "Omega 0." in out and "[" in out
    code, out, err = call(*arguments, "--json", capsys=capsys)
    assert code == 0 and "from the cache" in err
    assert json.loads(out)["official"]["score"]["name"] == "Omega"
    code, out, _ = call("records", capsys=capsys)
    assert code == 0 and "trivial:mean" in out
    code, out, _ = call("cache", "list", capsys=capsys)
    assert code == 0 and "synthetic-2023-smoke" in out


def test_evaluate_reads_what_run_wrote(home, capsys):
    from asdbook import experiment

    stored = experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fan"])
    code, out, _ = call("evaluate", str(stored.folder), "--json", capsys=capsys)
    assert code == 0
    again = json.loads(out)["metrics"]["official"]
    assert again["score"]["value"] == pytest.approx(
        stored.record.metrics["official"]["score"]["value"], abs=1e-12
    )


def test_what_was_changed_is_said(home, capsys):
    changed = ("--machine", "fan", "--premise-off", "text", "--set", "bands=32")
    code, out, _ = call("run", "trivial", "--profile", "smoke", *changed, capsys=capsys)
    assert code == 0 and out.splitlines()[0].endswith("seed 110, smoke; bands=32; off: text; only fan")
    code, out, _ = call("records", capsys=capsys)
    assert code == 0 and any(line.endswith("bands=32; off: text; only fan") for line in out.splitlines())


def test_evaluate_takes_a_part_of_a_runs_name_and_a_submission(home, tmp_path, capsys):
    from asdbook import experiment

    stored = experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fan"], seed=117)
    code, out, _ = call("evaluate", stored.folder.parent.name[:-1], capsys=capsys)
    assert code == 0 and "Omega" in out
    own = experiment.run("trivial", "synthetic-2020", profile="smoke", machines=["fan"])
    code, out, _ = call("submission", str(own.folder), str(tmp_path / "sent"), capsys=capsys)
    code, out, _ = call("evaluate", str(tmp_path / "sent"), capsys=capsys)
    assert code == 0 and "mean AUC" in out and "None" not in out
    code, out, _ = call("submission", str(own.folder), str(tmp_path / "b"), "--team", "other", capsys=capsys)
    (tmp_path / "b/teams/other").rename(tmp_path / "sent/teams/other")
    code, _, err = call("evaluate", str(tmp_path / "sent"), capsys=capsys)
    assert code == 2 and "scores of 2 systems in it: name one of its folders" in err


def test_synth_writes_a_folder_that_runs(own_home, tmp_path, capsys):
    folder = tmp_path / "set"
    code, out, _ = call("data", "synth", str(folder), "--profile", "smoke", "--machine", "fan", capsys=capsys)
    assert code == 0 and str(folder) in out
    assert not list(folder.rglob("*truth*"))
    code, _, err = call("data", "synth", str(folder), "--profile", "smoke", capsys=capsys)
    assert code == 2 and "not empty" in err
    code, out, _ = call("run", "trivial", "--data", str(folder), "--profile", "smoke", capsys=capsys)
    assert code == 0 and "Omega" in out
    other = tmp_path / "other"
    options = ("--profile", "smoke", "--machine", "fan", "--premise-off", "groups")
    code, _, _ = call("data", "synth", str(other), *options, capsys=capsys)
    code, out, _ = call("data", "check", str(other), capsys=capsys)
    assert code == 0 and "generated clips: synthetic-2023 without groups" in out


def test_prune_says_first_and_removes_then(own_home, capsys):
    from asdbook import experiment

    stored = experiment.run("trivial", "synthetic-2023", profile="smoke", machines=["fan"])
    code, out, _ = call("cache", "prune", capsys=capsys)
    assert code == 0 and "would go" in out and list((own_home / "data").iterdir())
    code, out, _ = call("cache", "prune", "--yes", capsys=capsys)
    assert code == 0 and "removed" in out
    assert not [p for p in (own_home / "data").iterdir() if p.is_dir()]
    assert stored.folder.is_dir()  # runs stay unless named
