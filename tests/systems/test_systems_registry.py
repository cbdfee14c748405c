"""Names of systems, variants, profiles and settings; fitted systems on disk; held-out recordings."""

import sys
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asdbook import systems
from asdbook.errors import AsdBookError, BadInput, UnknownName
from asdbook.systems.grouping import hold_out
from asdbook.systems.trivial import Trivial


def test_parse():
    assert systems.parse("trivial") == (Trivial, "mean")
    assert systems.parse("trivial:p95") == (Trivial, "p95")
    for name in systems.names():
        assert systems.get(name).name == name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("trvial", "did you mean 'trivial'"),
        ("trivial:p59", "did you mean 'p95'"),
        ("", "choose from auddsr, autoencoder"),
        ("autoencoder:zzz", "choose from mahalanobis"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(text, hint):
    with pytest.raises(UnknownName, match=hint):
        systems.parse(text)


def test_configurations():
    system, variant = systems.parse("autoencoder:mahalanobis")
    config = systems.make_config(system, variant, "quick", {"epochs": "7"})
    assert (config.epochs, config.score, config.batch_size) == (7, "mahalanobis", 256)
    assert systems.make_config(system, "mse", "paper").epochs == 100
    assert systems.make_config(system, "mse", "quick").epochs == 50


@pytest.mark.parametrize(
    ("variant", "profile", "overrides", "error", "message"),
    [
        ("mse", "quik", {}, UnknownName, "did you mean 'quick'"),
        ("msee", "quick", {}, UnknownName, "did you mean 'mse'"),
        ("mse", "quick", {"epoch": 3}, UnknownName, "did you mean 'epochs'"),
        ("mse", "quick", {"epochs": "many"}, BadInput, "epochs = 'many'"),
        ("mse", "quick", {"epochs": 0}, BadInput, "epochs = 0"),
        ("mse", "quick", {"group_by": "section"}, BadInput, "group_by = 'section'"),
    ],
)
def test_bad_settings_are_refused(variant, profile, overrides, error, message):
    with pytest.raises(error, match=message) as caught:
        systems.make_config(systems.get("autoencoder"), variant, profile, overrides)
    assert "\n" not in str(caught.value)


def test_a_configuration_is_frozen():
    config = systems.make_config(Trivial, "mean", "quick")
    with pytest.raises(ValueError, match="frozen"):
        config.bands = 3


@pytest.fixture
def entry(monkeypatch):
    def add(name, value):
        points = EntryPoints([EntryPoint(name, value, systems.ENTRY_POINTS)])
        monkeypatch.setattr(systems, "entry_points", lambda group: points.select(group=group))

    return add


def test_an_outside_system_is_found(entry, monkeypatch):
    module = type(sys)("somebody")
    module.Theirs = type("Theirs", (Trivial,), {"name": "theirs"})
    monkeypatch.setitem(sys.modules, "somebody", module)
    entry("theirs", "somebody:Theirs")
    assert systems.names() == [*systems.BUILT_IN, "theirs"]
    assert systems.parse("theirs:p95") == (module.Theirs, "p95")
    assert systems.outside() == {"theirs": "somebody:Theirs"}


def test_an_outside_system_cannot_take_a_built_in_name(entry):
    entry("trivial", "somebody:Theirs")
    assert systems.outside() == {} and systems.get("trivial") is Trivial


def test_an_outside_system_that_does_not_load_is_one_line(entry):
    entry("theirs", "nobody_has_this:Theirs")
    with pytest.raises(BadInput, match="nobody_has_this"):
        systems.get("theirs")


def test_load_refuses_what_is_missing_damaged_or_of_another_version(tones, context, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="no fitted system"):
        systems.load(tmp_path)
    model = Trivial(systems.make_config(Trivial, "mean", "tiny")).fit(tones.train(), context())
    path = systems.save(model, tmp_path)
    monkeypatch.setattr(Trivial, "version", 99)
    with pytest.raises(BadInput, match="run it again"):
        systems.load(tmp_path)
    monkeypatch.undo()
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + bytes(8))
    with pytest.raises(AsdBookError, match="checksum") as caught:
        systems.load(tmp_path)
    assert str(tmp_path) in str(caught.value) and "run again with --fresh" in str(caught.value)
    path.write_bytes(whole[:100])
    with pytest.raises(AsdBookError, match="cannot be read") as caught:
        systems.load(tmp_path)
    assert str(tmp_path) in str(caught.value) and "run again with --fresh" in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=30), seed=st.integers(0, 99))
def test_held_out_recordings_are_whole(sizes, seed):
    names = np.repeat(np.array([f"r{i}" for i in range(len(sizes))], dtype=object), sizes)
    held = hold_out(names, 0.1, np.random.default_rng(seed), "fan")
    assert held.any() and not held.all()
    assert not set(names[held]) & set(names[~held])
    assert held.sum() >= 0.1 * len(names) or len(set(names[~held])) == 1
    assert held.sum() < 0.1 * len(names) + max(sizes)


def test_one_recording_cannot_be_split():
    with pytest.raises(BadInput, match="fan: its 3 training"):
        hold_out(np.array(["a", "a", "a"], dtype=object), 0.1, np.random.default_rng(0), "fan")
