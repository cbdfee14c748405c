"""What every system must do: run over all registered systems and variants, a dummy, and the example package."""

import json
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from asdbook import simulate, systems
from asdbook.data import TestClips2022, TrainClips, WaveStore, build, rows_of
from asdbook.errors import AsdBookError, BadInput
from asdbook.systems.base import Config, Scores, System


class Loudness(System):
    """Distance of a clip's level to the nearest training level of its machine: the smallest system there is."""

    name = "loudness"
    version = 1
    title = "distance of the level to the nearest training clip"
    Config = Config
    variants: ClassVar = {"level": {}}
    profiles: ClassVar = {"tiny": {}, "smoke": {}, "quick": {}, "paper": {}}
    deviations = ()
    knows = ("machine",)

    def _levels(self, clips):
        levels = torch.empty(len(clips), dtype=torch.float64)
        for positions, waves in clips.batches():
            if not torch.isfinite(waves).all():
                raise BadInput("a clip holds NaN: leave it out")
            levels[torch.as_tensor(positions)] = waves.double().square().mean(1)
        return levels

    def fit(self, train, ctx):
        self.machines_, self.levels_ = list(train.machine), self._levels(train)
        table = (self.levels_[:, None] - self.levels_[None]).abs()
        same = np.array([[a == b for b in self.machines_] for a in self.machines_]) & ~np.eye(len(table), dtype=bool)
        if not same.any(1).all():
            raise BadInput("a machine has one training clip: add more")
        self.train_scores_ = Scores(np.where(same, table.numpy(), np.inf).min(1))
        return self

    def score(self, clips, ctx):
        return Scores(np.array([self._one(*pair) for pair in zip(self._levels(clips), clips.machine)]))

    def _one(self, level, machine):
        mine = self.levels_[[m == machine for m in self.machines_]]
        if not len(mine):
            raise BadInput(f"no training clips of {machine}: add some")
        return float((mine - level).abs().min())

    def state(self):
        scores = torch.from_numpy(self.train_scores_.values)
        return {"levels": self.levels_, "train_scores": scores}, {"machines": self.machines_}

    @classmethod
    def from_state(cls, config, tensors, extra):
        system = cls(config)
        system.levels_, system.machines_ = tensors["levels"], extra["machines"]
        system.train_scores_ = Scores(tensors["train_scores"].numpy())
        return system


EXAMPLE = Path(__file__).parents[2] / "examples" / "band_level"


def example():
    """The system of the example package, loaded through the entry point that the package declares."""
    if str(EXAMPLE) not in sys.path:
        sys.path.append(str(EXAMPLE))
    declared = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    ((name, value),) = declared[systems.ENTRY_POINTS].items()
    system = EntryPoint(name, value, systems.ENTRY_POINTS).load()
    assert system.name == name
    return system


MANY = 8
"""A system with more variants than this is tested in full by its default; each other one gets a fit, a score and a
round trip (DESIGN.md 10)."""


FULLY = {"ssdm": ["literal", "ss-knn", "dm-frames"], "auddsr": ["literal", "annot"]}
"""Variants of such systems that take other paths through the code: the default alone where none is named."""


def every_variant(full=False):
    """(system, variant) of the dummy, of all that are registered and of the example: tested by existing."""
    registered = [systems.get(name) for name in systems.names() if name != example().name]
    pairs = [(c, list(c.variants)) for c in [Loudness, *registered, example()]]
    return [
        pytest.param(c, v, id=f"{c.name}:{v}")
        for c, names in pairs
        for v in (FULLY.get(c.name, names[:1]) if full and len(names) > MANY else names)
    ]


EVERY = pytest.mark.parametrize(("system", "variant"), every_variant())
FULL = pytest.mark.parametrize(("system", "variant"), every_variant(full=True))
COARSE_WHEN_TINY = {"auddsr:batchnorm"}
"""Its running variances start at 1 and have not fallen to those of the data after a few steps: scores hardly differ."""
_fitted = {}


@pytest.fixture
def fitted(sets, context):
    """Fits a variant at `tiny` on a year's set once, and scores its test clips once."""

    def make(system, variant, year=2023):
        key = (system.name, variant, year)
        if key not in _fitted:
            model = system(systems.make_config(system, variant, "tiny"))
            returned = model.fit(sets[year].train(), context())
            assert returned is model
            _fitted[key] = model, model.score(sets[year].test(), context()).values
        return _fitted[key]

    return make


@EVERY
def test_one_finite_score_a_clip(system, variant, tones, fitted):
    _, values = fitted(system, variant)
    assert values.shape == (len(tones.test()),) and values.dtype == np.float64
    assert np.isfinite(values).all()
    if f"{system.name}:{variant}" not in COARSE_WHEN_TINY:
        assert len(np.unique(values)) > len(values) // 2


@FULL
@pytest.mark.parametrize("year", [2020, 2021])
def test_other_years(system, variant, year, sets, fitted):
    if variant != next(iter(system.variants)):
        pytest.skip("years differ in what clips carry, not in the variant")
    assert np.isfinite(fitted(system, variant, year)[1]).all()


@EVERY
def test_training_scores_are_out_of_sample(system, variant, tones, fitted):
    model, _ = fitted(system, variant)
    scores = model.train_scores_
    positions = np.arange(len(tones.train())) if scores.clips is None else np.asarray(scores.clips)
    assert len(scores.values) == len(positions) == len(np.unique(positions))
    assert positions.min() >= 0 and positions.max() < len(tones.train())
    assert np.isfinite(scores.values).all() and (scores.values != 0).all()
    assert set(tones.train().machine[positions]) == set(tones.train().machine)  # each machine is calibrated
    if model.threshold_scores_ is not None:
        assert set(model.threshold_scores_) == set(tones.train().machine)
        assert all(np.isfinite(v).all() and len(v) > 1 for v in model.threshold_scores_.values())


@FULL
def test_same_seed_repeats_bit_for_bit(system, variant, tones, fitted, context):
    model, values = fitted(system, variant)
    again = system(systems.make_config(system, variant, "tiny")).fit(tones.train(), context())
    np.testing.assert_array_equal(again.score(tones.test(), context()).values, values)
    np.testing.assert_array_equal(again.train_scores_.values, model.train_scores_.values)


@FULL
def test_a_clip_alone_scores_as_in_a_batch(system, variant, tones, fitted, context, change):
    model, values = fitted(system, variant)
    tests = np.flatnonzero(tones.table.frame["split"] == "test")
    alone = [model.score(change["take"](tones, tests[[i]]).test(), context()).values[0] for i in (0, 7)]
    np.testing.assert_allclose(alone, values[[0, 7]], rtol=1e-4)


@FULL
def test_order_of_test_clips_does_not_matter(system, variant, tones, fitted, context, change):
    model, values = fitted(system, variant)
    order = np.random.default_rng(0).permutation(len(tones.table))
    mixed = change["take"](tones, order)
    place = np.flatnonzero(tones.table.frame["split"] == "test")
    positions = np.searchsorted(place, order[np.isin(order, place)])
    np.testing.assert_allclose(model.score(mixed.test(), context()).values, values[positions], rtol=1e-4)


@FULL
def test_names_of_files_do_not_matter(system, variant, tones, fitted, context, change):
    _, values = fitted(system, variant)
    other = change["renamed"](tones)
    again = system(systems.make_config(system, variant, "tiny")).fit(other.train(), context())
    np.testing.assert_array_equal(again.score(other.test(), context()).values, values)


@EVERY
def test_saved_and_loaded_it_scores_the_same(system, variant, tones, fitted, context, tmp_path, monkeypatch):
    if system.name not in systems.names():
        monkeypatch.setitem(systems.BUILT_IN, system.name, f"{system.__module__}:{system.__name__}")
    model, values = fitted(system, variant)
    tensors, extra = model.state()
    assert all(isinstance(t, torch.Tensor) for t in tensors.values())
    assert json.loads(json.dumps(extra)) == extra
    systems.save(model, tmp_path)
    again = systems.load(tmp_path)
    assert type(again).__name__ == system.__name__ and again.config == model.config
    np.testing.assert_array_equal(again.score(tones.test(), context()).values, values)
    np.testing.assert_array_equal(again.train_scores_.values, model.train_scores_.values)


@FULL
def test_samples_that_are_not_numbers_are_refused(system, variant, tones, context, change):
    model = system(systems.make_config(system, variant, "tiny"))
    broken = change["broken"](tones.train().waves, tones.train_table())
    with pytest.raises(AsdBookError) as caught:
        model.fit(broken, context())
    assert "\n" not in str(caught.value)


@FULL
def test_one_training_clip_is_refused(system, variant, tones, context, change):
    frame = tones.table.frame
    first = np.flatnonzero((frame["split"] == "train") & (frame["machine"] == "fan"))[:1]
    model = system(systems.make_config(system, variant, "tiny"))
    with pytest.raises(AsdBookError) as caught:
        model.fit(change["take"](tones, first).train(), context())
    assert "\n" not in str(caught.value)


@FULL
def test_clips_too_short_are_refused_or_scored(system, variant, fitted, context, tones):
    model, _ = fitted(system, variant)
    short = WaveStore(np.arange(80, dtype=np.int16), np.array([0]), np.array([80]), 16_000)
    clips = TestClips2022(short, tones.test_table().take([0]))
    try:
        assert np.isfinite(model.score(clips, context()).values).all()
    except AsdBookError as error:
        assert "\n" not in str(error)


@FULL
def test_a_machine_without_training_clips_is_refused(system, variant, tones, context, change):
    fans = np.flatnonzero((tones.table.frame["machine"] == "fan") & (tones.table.frame["split"] == "train"))
    model = system(systems.make_config(system, variant, "tiny")).fit(change["take"](tones, fans).train(), context())
    with pytest.raises(AsdBookError, match="pump"):
        model.score(tones.test(), context())


@EVERY
def test_the_class_says_what_it_is(system, variant):
    assert system.name and system.title and isinstance(system.version, int)
    assert {"tiny", "smoke", "quick", "paper"} <= set(system.profiles)
    sizes = {key for values in system.profiles.values() for key in values}
    assert not sizes & set(system.variants[variant]), "a profile sets sizes, a variant the method"
    for profile in system.profiles:
        systems.make_config(system, variant, profile)
    known = {"machine", "id", "attributes", "domain", "other machines", "outside data"}
    told = system.known_by(systems.make_config(system, variant, "tiny"))
    assert set(system.knows) | set(told) <= known and all(isinstance(text, str) for text in system.deviations)
    assert all(field.description for field in system.Config.model_fields.values())


class Leaky(Loudness):
    """Looks at what it must not see."""

    field = "label"

    def score(self, clips, ctx):
        return Scores(np.asarray(getattr(clips, self.field)) == "anomaly")


@pytest.mark.parametrize("field", ["label", "attributes", "domain", "recording", "path", "id"])
def test_a_leak_is_an_attribute_error(field, tones, context):
    leaky = Leaky(Config()).fit(tones.train(), context())
    leaky.field = field
    with pytest.raises(AttributeError):
        leaky.score(tones.test(), context())


def test_dummy_detects_a_louder_clip(tones, fitted):
    _, values = fitted(Loudness, "level")
    anomalous = tones.test_table().frame["label"].to_numpy() == "anomaly"
    assert values[anomalous].mean() > values[~anomalous].mean()


@pytest.fixture(scope="session")
def severity_zero(tmp_path_factory):
    """A built-in fan: training clips, normals, and "anomalies" whose fault has severity 0."""
    spec = simulate.Spec("synthetic-2023", profile="smoke", machines=("fan",), severity=0.0)
    parts = [
        simulate.render(spec, "fan", "train", "source", "normal", 30),
        simulate.render(spec, "fan", "audit", "source", "normal", 24),
        simulate.render(spec, "fan", "audit", "source", "anomaly", 24),
    ]
    folder = tmp_path_factory.mktemp("zero") / "set"
    return build(
        folder, name="zero", year=2023, blocks=[(rows_of(p.names, p.recording), p.audio) for p in parts]
    )


@FULL
def test_faults_of_severity_zero_score_as_normals(system, variant, severity_zero, context):
    train: TrainClips = severity_zero.train()
    model = system(systems.make_config(system, variant, "tiny")).fit(train, context())
    values = model.score(severity_zero.test(), context()).values
    anomalous = (severity_zero.test_table().frame["label"] == "anomaly").to_numpy()
    wins = values[anomalous][:, None] > values[~anomalous][None]
    # The standard error of an AUC of 24 against 24 equal clips is 0.083; three of them.
    assert abs(wins.mean() - 0.5) < 0.25
