"""SSDM: what its parts share, what it hears, and what it does with unusual sets."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asdbook import detectors, systems
from asdbook.data import TestClips2022, WaveStore
from asdbook.errors import AsdBookError, BadInput, RunFailed
from asdbook.features import LogMel, WindowBank
from asdbook.nn.diffusion import READINGS
from asdbook.systems.files import wave_hash
from asdbook.systems.ssdm import raw_vectors, repeated, settings
from asdbook.systems.ssdm.detection import Denoised, scaled
from asdbook.systems.ssdm.embedding import Embedder, classes_of

Ssdm = systems.get("ssdm")


def make(variant="literal", **overrides):
    return Ssdm(systems.make_config(Ssdm, variant, "tiny", overrides))


class Labelled:
    """Training clips with other attributes or domains than they have."""

    def __init__(self, clips, **fields):
        self._clips, self._fields = clips, fields

    def __len__(self):
        return len(self._clips)

    def __getattr__(self, name):
        return self._fields[name] if name in self._fields else getattr(self._clips, name)


def of_mixed_length(tones, step):
    """The training clips, cut by zero, one or two times `step` samples in turn."""
    train = tones.train()
    lengths = np.array(train.lengths) - step * (np.arange(len(train)) % 3)
    store = WaveStore(
        np.concatenate([train.waves.array(i) for i in range(len(train))]),
        np.cumsum(train.lengths) - train.lengths, lengths, 16_000,
    )  # fmt: skip
    return type(train)(store, tones.train_table())


def test_the_machine_whose_vectors_records_keep_is_the_one_that_figures_read():
    from asdbook.report import embeddings
    from asdbook.systems import ssdm

    assert embeddings.SHOWN == ssdm.SHOWN


def test_literal_is_the_paper_where_it_speaks():
    """Section III.B, and the readings that were fixed beforehand."""
    c = systems.make_config(Ssdm, "literal", "paper")
    assert (c.epochs, c.batch_size, c.learning_rate, c.decay, c.decay_every) == (50, 128, 0.01, 0.9, 5)
    assert (c.hidden, c.steps, c.start, c.diffusion_epochs) == (512, 500, 200, 500)
    assert (c.diffusion_batch_size, c.diffusion_learning_rate, c.draws) == (128, 1e-3, 1)
    assert (c.subclusters, c.trainable_centres, c.scale, c.mixup) == (16, True, "as-coded", 1.0)
    assert (c.reading, c.scaling, c.schedule) == ("partial", "direction", "linear")


def test_names_of_readings_and_detectors_are_those_of_the_blocks():
    assert set(settings.Reading.__args__) == set(READINGS)
    assert set(settings.Detector.__args__) == {"diffusion", *detectors.DETECTORS}


def test_settings_are_either_of_the_network_the_denoiser_or_the_score():
    """A setting that is in neither list must not change what is cached."""
    every = set(Ssdm.Config.model_fields)
    assert set(settings.NETWORK) < set(settings.DIFFUSION) < every
    assert every - set(settings.DIFFUSION) == {"detector", "reading", "start", "draws"}


def test_variants_of_the_score_share_the_network_and_the_denoisers(tones, cached):
    """A stage that is there is read: the second run trains nothing."""
    trained = []
    for variant in ("literal", "ss-knn", "draws-8", "onestep", "no-gate"):
        ctx = cached()
        make(variant).fit(tones.train(), ctx)
        trained.append({phase for phase in ctx.phases if phase.endswith("train")})
    assert trained[0] == {"embedding/train", "detector/train"}
    assert trained[1] == trained[2] == trained[3] == set()
    assert trained[4] == trained[0]


@pytest.mark.parametrize("variant", ["literal", "ss-knn", "perdim", "ss-mixture", "balanced"])
def test_nothing_is_fitted_to_held_out_clips(variant, tones, context, monkeypatch):
    """Change the sound of every held-out clip: neither network nor detector may notice."""
    held = np.asarray(make(variant).fit(tones.train(), context()).train_scores_.clips)
    original = WindowBank.__init__

    def other_sound(self, clips, samples, device="cpu"):
        original(self, clips, samples, device)
        for i in held:
            self._flat[self._starts[i] : self._starts[i] + self.lengths[i]] = 7

    first = make(variant).fit(tones.train(), context())
    monkeypatch.setattr(WindowBank, "__init__", other_sound)
    second = make(variant).fit(tones.train(), context())
    tensors, others = first.state()[0], second.state()[0]
    weights = [name for name in tensors if not name.startswith("train")]
    assert len(weights) > 50 and all(torch.equal(tensors[name], others[name]) for name in weights)
    assert (tensors["train_scores"] != others["train_scores"]).all()


def test_diffusion_of_raw_features_hears_no_held_out_clip(tones, context):
    train = tones.train()
    held = np.asarray(make("dm").fit(train, context()).train_scores_.clips)
    samples = np.stack([train.waves.array(i) for i in range(len(train))])
    samples[held] = np.arange(samples.shape[1]) % 50
    starts = np.arange(len(train)) * samples.shape[1]
    other = type(train)(WaveStore(samples.ravel(), starts, np.array(train.lengths), 16_000), tones.train_table())
    tensors, others = (make("dm").fit(clips, context()).state()[0] for clips in (train, other))
    weights = [name for name in tensors if not name.startswith("train")]
    assert len(weights) > 20 and all(torch.equal(tensors[name], others[name]) for name in weights)
    assert (tensors["train_scores"] != others["train_scores"]).all()


@pytest.mark.parametrize("inputs", ["logmel", "frames", "spectrum"])
def test_raw_features_against_a_loop_over_clips_of_mixed_length(inputs, tones, context):
    mixed = of_mixed_length(tones, 3000)
    found = raw_vectors(mixed, inputs, context())
    for i in (0, 1, 5, len(mixed) - 1):
        wave = torch.from_numpy(mixed.waves.array(i).astype(np.float32) / 32768)
        spectrogram = LogMel()(wave[None])[0].double()
        if inputs == "logmel":
            expected = spectrogram.mean(0)[None]
        elif inputs == "frames":
            places = np.round(np.linspace(0, len(spectrogram) - 5, 8)).astype(int)
            expected = torch.stack([spectrogram[p : p + 5].flatten() for p in places])
        else:
            bins = torch.fft.rfft(wave.double()).abs()[: len(wave) // 2].numpy()
            edges = [(int(k * len(bins) // 256), -int(-(k + 1) * len(bins) // 256)) for k in range(256)]
            expected = torch.tensor([[bins[low:high].mean() for low, high in edges]])
        torch.testing.assert_close(found[i].double(), expected, rtol=1e-3, atol=1e-3)


def test_the_learning_rate_falls_as_the_paper_says(tones, context, monkeypatch):
    """0.01, times 0.9 every 5 epochs: the ten rates of methods/building_blocks.md 1.4."""
    ctx, rates = context(), []

    def train(name, model, loss, *, epochs, optimizer, before_epoch, **rest):
        for epoch in range(epochs):
            before_epoch(epoch)
            rates.append(optimizer.param_groups[0]["lr"])

    monkeypatch.setattr(ctx, "train", train)
    make("ss-knn", epochs=50).fit(tones.train(), ctx)
    known = [0.01, 0.009, 0.0081, 0.00729, 0.006561, 0.005905, 0.005314, 0.004783, 0.004305, 0.003874]
    assert rates == pytest.approx(np.repeat(known, 5), abs=1e-6)


def test_classes_are_machine_unit_and_attributes(tones):
    train = tones.train()
    known = np.array(["speed_1" if i % 2 else None for i in range(len(train))], dtype=object)
    found = classes_of(Labelled(train, attributes=known))
    assert set(found) == {"fan/00", "fan/00 speed_1", "pump/00", "pump/00 speed_1"}
    assert classes_of(train).tolist() == [f"{m}/00" for m in train.machine]


def test_one_class_falls_back_and_says_so(tones, change, cached):
    """Also in a run that only reads the stage; and what is learnt instead lowers its loss."""
    frame = tones.table.frame
    fans = change["take"](tones, np.flatnonzero(frame["machine"] == "fan"))
    for variant in ("ss-knn", "ss-kmeans"):
        ctx = cached()
        model = make(variant, epochs=30).fit(fans.train(), ctx)
        assert any("one class" in note for note in ctx.notes)
        assert np.isfinite(model.score(fans.test(), ctx).values).all()
    losses = ctx.history["ssdm/network"]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("variant", ["literal", "balanced", "ss-kmeans", "ss-smote-knn", "ss-mixture"])
def test_few_target_clips(tones, context, change, count, variant):
    frame = tones.table.frame
    target = (frame["domain"] == "target") & (frame["split"] == "train")
    few = frame[target].groupby("machine").head(count).index
    small = change["take"](tones, np.flatnonzero(~target | frame.index.isin(few)))
    ctx = context()
    model = make(variant, width=1, subclusters=2).fit(small.train(), ctx)
    assert np.isfinite(model.score(small.test(), ctx).values).all()
    if variant == "balanced" and count == 0:
        assert any("no target clips" in note for note in ctx.notes)


def test_clips_shorter_and_longer_than_the_window(tones, context):
    model = make().fit(tones.train(), context())
    samples = model.embedder_.samples
    for length in (samples // 3, samples, 5 * samples + 17):
        store = WaveStore(
            np.arange(length, dtype=np.int16) % 99, np.array([0], dtype=np.int64), np.array([length]), 16_000
        )
        clips = TestClips2022(store, tones.test_table().take([0]))
        assert np.isfinite(model.score(clips, context()).values).all()


def test_clips_of_mixed_length_can_be_trained_on(tones, context, change):
    mixed = of_mixed_length(tones, 4000)
    model = make().fit(mixed, context())
    assert np.isfinite(model.score(tones.test(), context()).values).all()


def test_a_window_too_short_for_the_network_is_refused(tones, context):
    with pytest.raises(BadInput, match="make clips longer"):
        make(window_seconds=0.1).fit(tones.train(), context())


def test_a_loss_that_is_not_a_number_stops_the_run(tones, context):
    with pytest.raises(RunFailed, match="ssdm/diffusion/fan"):
        make(diffusion_learning_rate=1e30).fit(tones.train(), context())


@pytest.mark.parametrize(
    ("variant", "overrides", "said"),
    [
        ("literal", {"start": 13}, "step 13"),
        ("literal", {"schedule": "wavy"}, "wavy"),
        ("dm", {"scaling": "direction"}, "scaling"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_training(variant, overrides, said, tones, context):
    ctx = context()
    with pytest.raises(AsdBookError, match=said):
        system = Ssdm(Ssdm.Config(**{**make(variant).config.model_dump(), **overrides}))
        system.fit(tones.train(), ctx)
    assert not ctx.history


@pytest.mark.gpu
@pytest.mark.parametrize("variant", ["literal", "ss-knn", "dm-frames"])
def test_on_a_gpu_scores_agree_with_the_cpu(variant, tones, context):
    """A system fitted on the CPU scores the same clips on a GPU; and it can be fitted there."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = make(variant).fit(tones.train(), context())
    values = model.score(tones.test(), context()).values
    moved = Ssdm.from_state(model.config, *model.state())
    np.testing.assert_allclose(moved.score(tones.test(), context(device="cuda")).values, values, rtol=1e-2)
    there = make(variant).fit(tones.train(), context(device="cuda"))
    assert np.isfinite(there.score(tones.test(), context(device="cuda")).values).all()


def test_the_same_sound_gets_the_same_score_in_any_company(tones, context, change):
    model = make().fit(tones.train(), context())
    tests = np.flatnonzero(tones.table.frame["split"] == "test")
    twice = change["take"](tones, [tests[3], tests[0], tests[3]])
    values = model.score(twice.test(), context()).values
    assert values[0] == values[2] != values[1]
    assert wave_hash(tones.waves.array(tests[3])) != wave_hash(tones.waves.array(tests[0]))


def test_another_seed_draws_other_noise(tones, context):
    model = make().fit(tones.train(), context())
    values = model.score(tones.test(), context()).values
    model.seed_ += 1
    assert (model.score(tones.test(), context()).values != values).all()


@given(st.integers(0, 30), st.integers(1, 60), st.floats(0, 0.9))
def test_repeated_target_clips_reach_their_share(few, many, share):
    target = np.arange(few + many) < few
    positions = repeated(target, share)
    assert set(positions) == set(range(few + many))
    counts = np.bincount(positions)
    assert (counts[~target] == 1).all() and len(set(counts[target])) <= 1
    if few:
        assert target[positions].mean() >= share - 1e-9


def test_scalings():
    torch.manual_seed(0)
    z = 3 * torch.randn(40, 16)
    assert torch.equal(scaled(z, "raw"), z)
    torch.testing.assert_close(scaled(z, "unit").norm(dim=1), torch.ones(40))
    torch.testing.assert_close(scaled(z, "direction").square().mean(1), torch.ones(40))
    z[:, 0] = 0.0  # a dead dimension
    made = Denoised(systems.make_config(Ssdm, "perdim", "tiny"), 16)
    made.standardise(z)
    z0 = made.z0(z)
    torch.testing.assert_close(z0.mean(0), torch.zeros(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(z0[:, 1:].std(0, correction=0), torch.ones(15), atol=1e-4, rtol=0)
    assert z0[:, 0].abs().max() < 1e-3


def test_the_embedding_of_a_long_clip_is_the_mean_over_its_windows(tones, context):
    embedder = Embedder(systems.make_config(Ssdm, "literal", "tiny"))
    embedder.network.eval()
    train = tones.train()
    bank = WindowBank(train, embedder.samples)
    clip, offset = bank.cover()
    parts = torch.cat(embedder.parts(bank.windows(clip[clip == 5], offset[clip == 5])), dim=1)
    assert len(parts) == 4  # 1 s in windows of 0.3 s
    torch.testing.assert_close(embedder.embed(bank)[5], parts.mean(0), rtol=1e-4, atol=1e-6)


def test_records_keep_the_vectors_of_one_machine(tones, context, monkeypatch):
    from asdbook.systems import ssdm

    monkeypatch.setattr(ssdm, "SHOWN", "fan")
    model = make().fit(tones.train(), context())
    model.score(tones.test(), context())
    kept = model.figures()
    fans = int((tones.test().machine == "fan").sum())
    assert {name: len(array) for name, array in kept.items() if name != "train"} == dict.fromkeys(
        ("test", "z0", "rebuilt"), fans
    )
    errors = np.square(kept["z0"].astype(float) - kept["rebuilt"]).sum(1)
    scores = model.score(tones.test(), context()).values[tones.test().machine == "fan"]
    np.testing.assert_allclose(errors, scores, rtol=1e-4)


def test_a_changed_weight_is_another_test_stage(tones, cached):
    """Scores of a cached embedding must be those of the weights at hand."""
    ctx = cached()
    model = make("ss-knn").fit(tones.train(), ctx)
    values = model.score(tones.test(), ctx).values
    with torch.no_grad():
        for parameter in model.embedder_.network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    assert (model.score(tones.test(), ctx).values != values).any()


def test_config_is_frozen():
    with pytest.raises((dataclasses.FrozenInstanceError, ValueError)):
        make().config.epochs = 3
