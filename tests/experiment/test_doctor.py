"""`asdbook doctor`: healthy here; each defect is one line with a remedy, and only problems fail."""

from importlib import metadata
from types import SimpleNamespace

import pytest

from asdbook import cli, systems
from asdbook.experiment import doctor


def lines(name):
    return [line for line in doctor.examine() if line.name == name]


def test_this_installation_is_fit(own_home, capsys):
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("python", "versions", "lock", "home", "disk", "threads", "device", "systems", "browser"):
        assert any(line.split()[1] == word for line in out.splitlines())
    assert "within" in next(line for line in out.splitlines() if " features " in line)
    assert not any(own_home.iterdir())  # nothing is left behind


def test_a_home_that_cannot_be_made_is_a_problem(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASDBOOK_HOME", str(tmp_path / "file" / "home"))
    assert cli.main(["doctor"]) == 2
    out = capsys.readouterr().out
    assert "problem  home" in out and "set ASDBOOK_HOME" in out and "1 problem" in out
    assert cli.main(["cache", "list"]) == 3  # no traceback where not even the log can be written
    err = capsys.readouterr().err
    assert "Traceback" not in err and "set ASDBOOK_HOME" in err


@pytest.mark.parametrize(("free", "state"), [(0.4e9, "problem"), (2e9, "warning"), (9e9, "ok")])
def test_free_disk(own_home, monkeypatch, free, state):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    line = next(line for line in doctor._home() if line.name == "disk")
    assert line.state == state and bool(line.remedy) is (state != "ok")


def test_other_versions_and_absent_packages_are_warnings(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "numpy":
            return "1.0"
        if name == "pandas":
            raise metadata.PackageNotFoundError(name)
        return real(name) + "+cpu" if name == "torch" else real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    (line,) = doctor._lock()
    assert line.state == "warning" and "not installed: pandas;" in line.text and "numpy 1.0 (pinned" in line.text
    assert "torch" not in line.text and "make setup" in line.remedy


def test_pins_of_this_python_and_platform():
    text = (
        "a==1.0 \\\n    --hash=sha256:00\n"
        "b==2.0 ; sys_platform == 'nowhere' \\\n    --hash=sha256:00\n"
        "c==3.0 ; python_full_version >= '3.8' \\\n    --hash=sha256:00\n    # via b==9\n"
    )
    assert doctor.pins(text) == {"a": "1.0", "c": "3.0"}


def test_too_many_threads_are_a_warning(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    (line,) = doctor._threads()
    assert line.state == "warning" and "many times slower" in line.remedy


def test_outside_systems_are_named_since_they_run_code(monkeypatch):
    places = {"kin": "asdbook.systems.trivial:Trivial", "gone": "no_such_module_at_all:System"}
    monkeypatch.setattr(systems, "outside", lambda: places)
    found = {line.text.split()[0]: line for line in doctor._systems()}
    assert found["kin"].state == "warning" and "runs code of its package" in found["kin"].text
    assert found["gone"].state == "warning" and "cannot be loaded" in found["gone"].text and found["gone"].remedy


def test_no_browser_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    (line,) = doctor._browser()
    assert line.state == "warning" and "apt-get install" in line.remedy


@pytest.mark.parametrize(("total", "state"), [(1000.0, "ok"), (7.0, "problem")])
def test_a_gpu_that_cannot_add_is_a_problem(monkeypatch, total, state):
    import torch

    about = SimpleNamespace(name="Some GPU", total_memory=2**34)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: about)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch, "ones", lambda n, device: torch.tensor([total]))
    (line,) = doctor._devices()
    assert line.state == state and "Some GPU, 16 GiB" in line.text


@pytest.mark.gpu
def test_a_real_gpu():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    assert all(line.state == "ok" and "GiB" in line.text for line in doctor._devices())


def test_wrong_features_and_clips_are_problems(monkeypatch):
    import numpy as np

    from asdbook import features, simulate

    class Loud(features.LogMel):
        def forward(self, waves):
            return super().forward(2 * waves)

    monkeypatch.setattr(features, "LogMel", Loud)
    (line,) = doctor._features()
    assert line.state == "problem" and "6.0e+00 dB" in line.text
    noise = np.random.default_rng(0)
    drawn = lambda *args: SimpleNamespace(audio=noise.integers(-9, 9, (1, 16_000)))  # noqa: E731
    monkeypatch.setattr(simulate, "render", drawn)
    (line,) = doctor._simulator()
    assert line.state == "problem" and "not repeatable" in line.text


def test_a_check_that_breaks_is_a_problem_and_the_others_go_on(own_home, monkeypatch):
    def broken():
        raise ValueError("libsomething.so\nis missing")

    monkeypatch.setattr(doctor, "_features", broken)
    found = list(doctor.examine())
    (line,) = [one for one in found if one.name == "features"]
    assert line.state == "problem" and line.text == "ValueError: libsomething.so is missing" and line.remedy
    assert found[-1].name == "simulator" and found[-1].state == "ok"
