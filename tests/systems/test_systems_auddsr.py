"""AudDSR: what its stages share and hear, what counts in its losses and scores, and what it does with unusual sets."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from asdbook import systems
from asdbook.data import ClipTable, TestClips2022, WaveStore
from asdbook.errors import AsdBookError, BadInput, RunFailed
from asdbook.features import FrameBank
from asdbook.nn import TwoLevelAutoencoder, masked_error
from asdbook.systems.auddsr import blocks, detection, settings
from asdbook.systems.auddsr.detection import Decoded, ObjectModel, code_use, respond, simulate, train_object
from asdbook.systems.auddsr.general import General, padded
from asdbook.systems.auddsr.probes import probe, spread_out
from asdbook.systems.files import digest

AudDsr = systems.get("auddsr")
RATE = 16_000
EVERY = list(AudDsr.variants)


def config(variant="literal", **overrides):
    return systems.make_config(AudDsr, variant, "tiny", overrides)


def make(variant="literal", **overrides):
    return AudDsr(config(variant, **overrides))


def with_sound(dataset, samples):
    """The training clips with other sound: a list of int16 arrays."""
    lengths = np.array([len(s) for s in samples])
    store = WaveStore(np.concatenate(samples), np.cumsum(lengths) - lengths, lengths, RATE)
    train = dataset.train()
    return type(train)(store, dataset.train_table())


def sounds(clips):
    return [np.array(clips.waves.array(i)) for i in range(len(clips))]


def test_clips(samples, table, kind=TestClips2022):
    lengths = np.array([len(s) for s in samples])
    return kind(WaveStore(np.concatenate(samples), np.cumsum(lengths) - lengths, lengths, RATE), table)


test_clips.__test__ = False


def fit_general(ctx, variant="literal", frames=40, clips=12, **overrides):
    """A fitted first stage and its bank: bands of noise that come and go."""
    c = config(variant, **overrides)
    rng = torch.Generator().manual_seed(0)
    level = torch.randn(clips, 1, c.bands, generator=rng) + torch.randn(clips, frames, 1, generator=rng)
    flat = -40 + 5 * (level + torch.randn(clips, frames, c.bands, generator=rng)).flatten(0, 1)
    bank = FrameBank(flat, torch.full((clips,), frames))
    with ctx.seeded("weights"):
        general = General(c)
    general.fit(bank, torch.arange(clips), "general", ctx)
    return general.load(dict(general.state_dict())), bank


def test_literal_is_the_paper_where_it_speaks():
    """Section 4.1 of the paper; where it is silent, DSR."""
    c = systems.make_config(AudDsr, "literal", "paper")
    assert (c.iterations, c.batch_size, c.learning_rate) == (20_000, 256, 2e-4)
    assert (c.object_iterations, c.object_batch_size, c.object_learning_rate) == (10_000, 16, 2e-4)
    assert (c.codes, c.dimension, c.hidden, c.inner, c.blocks) == (4096, 128, 128, 64, 2)
    assert (c.update, c.revive, c.sampling, c.levels, c.shapes, c.rotate) == (
        "gradient", False, "similar", "both", "both", True,
    )  # fmt: skip
    assert (c.norm, c.unet_width, c.restriction, c.group_by, c.outliers) == ("instance", 64, True, "machine", False)
    assert (c.bands, c.crop_frames, c.score, c.general_data) == (128, padded(313), "map-mean", "machines")


def test_a_setting_is_of_the_autoencoder_the_second_stage_or_the_score():
    """A setting that is in no list must not change what is cached."""
    every = set(AudDsr.Config.model_fields)
    assert set(settings.GENERAL) < set(settings.OBJECT) < every
    assert every - set(settings.OBJECT) == {"score", "outside_clips", "stop_collapsed"}
    same = {v for v in EVERY if set(AudDsr.variants[v]) <= {"score", "stop_collapsed"}}
    assert set(settings.SCORES) | {"literal"} == same


# What variants share.
def test_variants_share_the_autoencoder_and_those_of_the_score_share_everything(tones, cached):
    models, trained = {}, {}
    for variant in ("literal", "p95", "code-rarity", "ema", "ema-p95", "uniform", "annot"):
        ctx = cached()
        models[variant] = make(variant).fit(tones.train(), ctx)
        trained[variant] = {phase for phase in ctx.phases if phase.endswith("train")}
    assert trained["literal"] == trained["ema"] == {"general/train", "object/train"}
    assert all(trained[v] == set() for v in ("p95", "code-rarity", "ema-p95"))
    assert all(trained[v] == {"object/train"} for v in ("uniform", "annot"))
    general = [digest(model.general_["machines"].state_dict()) for model in models.values()]
    assert len(set(general[:3])) == len(set(general[3:])) == 1 and general[0] != general[3]
    assert len({tuple(model.train_scores_.values) for model in models.values()}) == len(models)


@pytest.mark.parametrize("variant", EVERY)
def test_held_out_clips_are_the_same_for_every_variant(variant, sets, context):
    train = sets[2020].train()
    expected = make()._held_out(train, context())
    assert np.array_equal(make(variant)._held_out(train, context()), expected)
    for machine in ("fan", "pump"):
        assert 0 < expected[train.machine == machine].sum() < (train.machine == machine).sum() / 2


@pytest.mark.parametrize("variant", ["literal", "annot"])
def test_nothing_is_fitted_to_held_out_clips(variant, sets, context):
    """Other sound in every held-out clip: no weight and no count of codes may notice."""
    tones = sets[2020]
    first = make(variant).fit(tones.train(), context())
    samples = sounds(tones.train())
    for i in np.asarray(first.train_scores_.clips):
        samples[i] = (np.arange(len(samples[i])) % 50 * 200).astype(np.int16)
    second = make(variant).fit(with_sound(tones, samples), context())
    tensors, others = first.state()[0], second.state()[0]
    weights = [name for name in tensors if not name.startswith("train")]
    assert len(weights) > 50 and all(torch.equal(tensors[name], others[name]) for name in weights)
    assert (tensors["train_scores"] != others["train_scores"]).all()


def test_leave_one_type_out_hears_nothing_of_the_type(tones, context):
    """Other sound of all fans: the fan's autoencoder stays, the pump's does not."""
    train, samples = tones.train(), sounds(tones.train())
    for i in np.flatnonzero(train.machine == "fan"):
        samples[i] = samples[i][::-1] // 2
    one, other = (make("leave-one-type-out").fit(clips, context()) for clips in (train, with_sound(tones, samples)))
    assert set(one.general_) == {"all but fan", "all but pump"}
    assert digest(one.general_["all but fan"].state_dict()) == digest(other.general_["all but fan"].state_dict())
    assert digest(one.general_["all but pump"].state_dict()) != digest(other.general_["all but pump"].state_dict())


def test_general_audio_hears_no_machine_in_the_first_stage(tones, context):
    samples = [s[::-1] // 2 for s in sounds(tones.train())]
    one, other = (make("general-audio").fit(clips, context()) for clips in (tones.train(), with_sound(tones, samples)))
    assert digest(one.general_["machines"].state_dict()) == digest(other.general_["machines"].state_dict())
    assert (one.train_scores_.values != other.train_scores_.values).all()


def test_ids_are_never_read_by_default(sets, context):
    """Clips of a machine under each other's IDs get the same scores, in training and at test."""
    tones, rng = sets[2020], np.random.default_rng(3)

    def shuffled(table):
        frame = table.frame
        for machine in frame["machine"].unique():
            rows = frame.index[frame["machine"] == machine]
            frame.loc[rows, "id"] = frame.loc[rows, "id"].to_numpy()[rng.permutation(len(rows))]
        assert (frame["id"] != table.frame["id"]).any()
        return ClipTable(frame, year=2020)

    train, test = tones.train(), tones.test()
    model = make().fit(train, context())
    mixed = make().fit(type(train)(train.waves, shuffled(tones.train_table())), context())
    np.testing.assert_array_equal(mixed.train_scores_.values, model.train_scores_.values)
    np.testing.assert_array_equal(
        mixed.score(type(test)(test.waves, shuffled(tones.test_table())), context()).values,
        model.score(test, context()).values,
    )


def test_per_id_has_a_model_for_each_id(sets, context):
    model = make("per-id").fit(sets[2020].train(), context())
    assert set(model.models_) == {"fan/00", "fan/02", "pump/00", "pump/02"} and set(model.general_) == {"machines"}


def test_an_id_without_held_out_clips_is_fitted_too(sets, context):
    """The held-out share is a type's, so that a small ID may have none of it."""
    tones = sets[2020]
    held = make()._held_out(tones.train(), context())
    empty = [g for g in ("fan/00", "fan/02", "pump/00", "pump/02") if not held[tones.train().group("id") == g].any()]
    assert empty, "the set no longer has such an ID: change its seed"
    for variant in ("per-id", "annot"):
        model = make(variant).fit(tones.train(), context())
        assert np.isfinite(model.score(tones.test(), context()).values).all()
        assert np.isfinite(model.train_scores_.values).all()


# The first stage.
def test_images_have_zero_mean_and_unit_variance_over_the_training_clips(context):
    """One mean a band, one spread for all: levels of clips and of bands' swings stay."""
    general, bank = fit_general(context())
    images, valid = general.images(bank, torch.arange(12), torch.zeros(12, dtype=torch.long), 40)
    assert images.shape == (12, 1, 64, 40) and valid.all()
    torch.testing.assert_close(images.mean(dim=(0, 1, 3)), torch.zeros(64), atol=1e-4, rtol=0)
    assert float(images.square().mean()) == pytest.approx(1, rel=1e-4)
    assert float(images.std(dim=(0, 1, 3)).std()) > 0.01
    assert images[3, 0, 7, 11] == (bank.flat[3 * 40 + 11, 7] - general.mean[7]) / general.spread


def test_clips_are_padded_with_their_last_frame(context):
    """9.7: 40 frames to 64, 313 to 320; which frames are sound is said."""
    assert [padded(n) for n in (1, 32, 33, 311, 313, 320, 344)] == [32, 32, 64, 320, 320, 320, 352]
    general, bank = fit_general(context())
    images, valid = general.whole(bank, torch.tensor([2, 5]))
    assert images.shape == (2, 1, 64, 64) and valid.sum(dim=1).tolist() == [40, 40] and valid[:, :40].all()
    assert torch.equal(images[..., 40:], images[..., 39:40].expand(-1, -1, -1, 24))


def test_training_images_are_cut_at_random_places(context):
    general, bank = fit_general(context())
    torch.manual_seed(0)
    images, valid = general.drawn(bank, torch.zeros(400, dtype=torch.long))
    assert images.shape == (400, 1, 64, 32) and valid.all()
    first = {float(v) for v in images[:, 0, 0, 0]}
    frames = ((bank.flat[:40, 0] - general.mean[0]) / general.spread).tolist()
    assert first == set(frames[:9])  # 40 - 32 + 1 places, all of them


def test_padding_counts_in_no_reconstruction_error(context):
    """Clips of 20 frames in images of 32: the repeated frame changes codes, but not the error's frames."""
    general, bank = fit_general(context(), frames=20)
    images, valid = general.drawn(bank, torch.arange(12))
    assert valid.sum(dim=1).tolist() == [20] * 12
    worse = images.clone()
    worse[..., 20:] += 100
    assert masked_error(images, worse, valid) == 0


@pytest.mark.parametrize("level", ["coarse", "fine"])
def test_a_collapsed_codebook_stops_the_run_and_is_named(level, context, monkeypatch):
    """All codes but one out of reach, as from a start far from the features."""
    start = TwoLevelAutoencoder.start

    def far(self, images, valid=None):
        start(self, images, valid)
        with torch.no_grad():
            getattr(self, level).codes[1:] += 1e4

    monkeypatch.setattr(TwoLevelAutoencoder, "start", far)
    ctx = context()
    general, _ = fit_general(ctx, stop_collapsed=True)
    said = rf"the {level} codebook collapsed \(perplexity 1\.00 of 16 codes\)"
    with pytest.raises(RunFailed, match=f"{said}.*revive"):
        general.check("general", ctx)
    assert ctx.history[f"general/perplexity {level}"][-1] == 1
    literal, _ = fit_general(ctx)  # the paper has no remedy: its run goes on, and the record says what happened
    literal.check("general", ctx)
    assert any(re.search(said, note) for note in ctx.notes)


def test_a_cached_collapse_stops_the_next_run_too(tones, cached, monkeypatch):
    """The check stands outside of the stage that it looks at."""
    start = TwoLevelAutoencoder.start

    def far(self, images, valid=None):
        start(self, images, valid)
        with torch.no_grad():
            self.coarse.codes[1:] += 1e4

    monkeypatch.setattr(TwoLevelAutoencoder, "start", far)
    for _ in range(2):
        with pytest.raises(RunFailed, match="coarse codebook collapsed"):
            make("literal", stop_collapsed=True).fit(tones.train(), cached())


def test_revival_rescues_the_same_start(context, monkeypatch):
    """With averages and revival dead codes come back to where features are."""
    start = TwoLevelAutoencoder.start

    def far(self, images, valid=None):
        start(self, images, valid)
        self.fine.codes[1:] += 1e4
        self.fine.sums.copy_(self.fine.codes)
        self.fine.counts[1:] = 0.09

    monkeypatch.setattr(TwoLevelAutoencoder, "start", far)
    ctx = context()
    fit_general(ctx, "ema", iterations=20)
    assert ctx.history["general/perplexity fine"][-1] > 3
    ctx = context()
    general, _ = fit_general(ctx, "ema", iterations=20, revive=False)
    with pytest.raises(RunFailed, match="fine codebook collapsed"):
        general.check("general", ctx)


def test_use_of_codes_is_logged_epoch_by_epoch(context):
    ctx = context()
    general, _ = fit_general(ctx, iterations=12)  # 2 batches an epoch
    for level, book, cells in (("coarse", general.network.coarse, 8 * 4), ("fine", general.network.fine, 16 * 8)):
        use, share = (ctx.history[f"general/{what} {level}"] for what in ("perplexity", "share used"))
        assert len(use) == len(share) == 6 == len(ctx.history["general"])
        assert all(1 <= p <= 16 * s + 1e-4 for p, s in zip(use, share))
        assert int(book.used.sum()) == 12 * cells  # of the last epoch alone
        assert share[-1] == pytest.approx(float((book.used > 0).float().mean()))
    coarse, fine = general.live()
    assert torch.equal(coarse, general.network.coarse.used > 0) and coarse.any() and fine.any()


def test_dead_codes_settle_in_the_last_fifth(context, monkeypatch):
    seen = []
    look = General._look

    def watched(self, epoch, epochs):
        look(self, epoch, epochs)
        seen.append((self.network.coarse.revive, self.network.fine.revive))

    monkeypatch.setattr(General, "_look", watched)
    fit_general(context(), "ema", iterations=20)  # ten epochs
    assert seen == [(True, True)] * 8 + [(False, False)] * 2


# The second stage: simulation.
def encoded(general, bank, clips=8):
    torch.manual_seed(1)
    images, valid = general.drawn(bank, torch.arange(clips))
    with torch.no_grad():
        return images, valid, general.network.encode(images)


@pytest.mark.parametrize("levels", ["both", "coarse", "fine"])
@pytest.mark.parametrize("sampling", ["similar", "uniform"])
def test_codes_change_inside_the_mask_alone(levels, sampling, context):
    """9.10 and 9.11, through the system's own pooling."""
    general, bank = fit_general(context())
    c = config(levels=levels, sampling=sampling)
    _, _, codes = encoded(general, bank)
    torch.manual_seed(2)
    mask = torch.rand(8, 64, 32) < 0.01
    made = simulate(c, general, codes, mask)
    for level, cell in (("coarse", 8), ("fine", 4)):
        cells = mask.view(8, 64 // cell, cell, 32 // cell, cell).any(dim=4).any(dim=2)
        before, after, book = getattr(codes, level).vectors, getattr(made, level), getattr(general.network, level)
        changed = (before != after).any(dim=1)
        if levels not in ("both", level):
            assert torch.equal(before, after)
            continue
        assert torch.equal(before.movedim(1, -1)[~cells], after.movedim(1, -1)[~cells])
        live = general.live()[level == "fine"]
        vectors = {tuple(v) for v in book.codes[live].tolist()}
        assert {tuple(v) for v in after.movedim(1, -1)[cells].tolist()} <= vectors
        if sampling == "similar":
            assert torch.equal(changed, cells)
    cell = 4 if levels == "fine" else 8
    target = mask.view(8, 64 // cell, cell, 32 // cell, cell).any(dim=4).any(dim=2)
    assert torch.equal(made.target, target.repeat_interleave(cell, 1).repeat_interleave(cell, 2))


def test_an_empty_mask_changes_nothing(context):
    """9.11: the maps stay bit for bit, and X_G to the rounding of another memory order."""
    general, bank = fit_general(context())
    _, _, codes = encoded(general, bank)
    made = simulate(config(), general, codes, torch.zeros(8, 64, 32, dtype=torch.bool))
    assert torch.equal(made.coarse, codes.coarse.vectors) and torch.equal(made.fine, codes.fine.vectors)
    assert not made.target.any()
    decode = general.network.decode
    with torch.no_grad():
        torch.testing.assert_close(
            decode(made.coarse, made.fine), decode(codes.coarse.vectors, codes.fine.vectors), rtol=1e-5, atol=1e-6
        )


# The second stage: losses.
def watch_focal(monkeypatch):
    """Keeps what the focal loss is given."""
    given, focal = [], detection.focal

    def watched(logits, target, **options):
        given.append((logits, target, options["weight"]))
        return focal(logits, target, **options)

    monkeypatch.setattr(detection, "focal", watched)
    return given


def object_model(seed=3, **overrides):
    torch.manual_seed(seed)
    return ObjectModel(config(**overrides))


@pytest.mark.parametrize("outliers", [0, 4])
def test_exactly_half_of_a_batch_is_clean(outliers, context, monkeypatch):
    """9.13: 16 clips are 8 clean, then 8 simulated, of which 4 give way to outliers that are anomalous all over."""
    general, bank = fit_general(context(), clips=16)
    given, model = watch_focal(monkeypatch), object_model()
    for _ in range(15):
        with torch.no_grad():
            model.loss(general, *general.drawn(bank, torch.arange(16)), outliers)
    for _, target, _ in given:
        share = target.float().mean(dim=(1, 2))
        assert not share[:8].any() and (share[8:] > 0).all()
        assert (share[16 - outliers :] == 1).all() if outliers else (share < 1).any()
    images = torch.zeros(16, 1, 64, 32)
    valid = torch.arange(32) < torch.tensor([[4], [32]]).repeat(8, 1)  # every second clip is nearly all padding
    for _ in range(500):
        masks = model.masks(images, valid)
        assert (masks & valid[:, None]).flatten(1).any(dim=1).all()


def test_a_map_changes_only_where_it_lies_in_padding_alone():
    images, model = torch.zeros(64, 1, 64, 32), object_model()
    torch.manual_seed(5)
    whole = model.masks(images, torch.ones(64, 32, dtype=torch.bool))
    torch.manual_seed(5)
    cut = model.masks(images, torch.arange(32).expand(64, 32) < 4)
    lost = ~whole[..., :4].flatten(1).any(dim=1)
    assert 0 < lost.sum() < 64 and torch.equal(cut[~lost], whole[~lost])
    assert torch.equal(cut[lost], whole[lost].any(dim=2, keepdim=True).expand(-1, -1, 32))


def test_padded_frames_have_no_weight_in_the_map(context, monkeypatch):
    general, bank = fit_general(context(), frames=20)
    given = watch_focal(monkeypatch)
    images, valid = general.drawn(bank, torch.arange(12))
    object_model().loss(general, images, valid, 0)
    _, target, weight = given[0]
    assert weight.shape == target.shape == (12, 64, 32)
    assert (weight[..., :20] == 1).all() and (weight[..., 20:] == 0).all()


def gradients(model, general, images, valid, outliers):
    torch.manual_seed(4)
    model.zero_grad()
    model.loss(general, images, valid, outliers).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_outliers_count_in_the_focal_loss_alone(context):
    """Other outliers change what the detection network learns, and nothing of the decoder or the restriction."""
    general, bank = fit_general(context())
    images, valid, _ = encoded(general, bank)
    other = images.clone()
    other[-2:] = 2 * torch.randn(2, 1, 64, 32)
    model = object_model()
    one, two = (gradients(model, general, x, valid, 2) for x in (images, other))
    for name in one:
        same = torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-7)
        assert same == (not name.startswith("unet")) or name.endswith("bias"), name
    assert any(name.startswith("decoder") for name in one) and any(name.startswith("restrict") for name in one)


def test_the_loss_of_the_map_never_shapes_the_decoder(context, monkeypatch):
    """Its inputs are detached, as in DSR: with the focal loss a hundredfold the decoder learns the same."""
    general, bank = fit_general(context())
    images, valid, _ = encoded(general, bank)
    model, focal = object_model(), detection.focal
    one = gradients(model, general, images, valid, 0)
    monkeypatch.setattr(detection, "focal", lambda *a, **k: 100 * focal(*a, **k))
    two = gradients(model, general, images, valid, 0)
    for name in one:
        if not name.startswith("unet"):
            torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(two["unet.head.weight"], 100 * one["unet.head.weight"], rtol=1e-4, atol=1e-6)
    assert set(one) == {name for name, _ in model.named_parameters()}  # nothing is left untaught


@pytest.mark.parametrize("sound", [32, 17])
def test_the_loss_is_the_sum_of_its_terms(sound, context, monkeypatch):
    """Focal loss + 10 x squared error of the clean image + squared errors of the clean maps of codes; of half the clips
    only the first frames are sound, and a cell of codes is sound if any of its frames is."""
    general, bank = fit_general(context())
    images, valid, codes = encoded(general, bank)
    valid = valid.clone()
    valid[::2, sound:] = False
    model, found = object_model().eval(), []
    forward = ObjectModel.forward
    monkeypatch.setattr(ObjectModel, "forward", lambda *a: found.append(forward(*a)) or found[-1])
    given = watch_focal(monkeypatch)
    with torch.no_grad():
        total = model.loss(general, images, valid, 0)
        (logits, target, weight), made = given[0], found[0]

        def naive(left, right, size):
            """Mean over clips and columns with any sound."""
            own = [(i, j) for i, row in enumerate(valid) for j in range(left.shape[3])
                   if row[j * size : (j + 1) * size].any()]  # fmt: skip
            return torch.stack([(left - right)[i, :, :, j].square().mean() for i, j in own]).mean()

        parts = [
            detection.focal(logits, target, weight=weight),
            10 * naive(made.object, images, 1),
            naive(made.restored[0], codes.coarse.vectors, 8),
            naive(made.restored[1], codes.fine.vectors, 4),
        ]
    torch.testing.assert_close(total, sum(parts))
    assert torch.equal(made.logits, logits)


@pytest.mark.parametrize(("variant", "restriction"), [("literal", True), ("literal", False), ("ema", True)])
def test_the_first_stage_is_frozen(variant, restriction, context):
    """9.6: byte-equal before and after steps of the second stage, in which everything else moves."""
    ctx = context()
    general, bank = fit_general(ctx, variant)
    model = object_model(restriction=restriction, object_iterations=6)
    before, weights = digest(general.state_dict()), {k: v.clone() for k, v in model.state_dict().items()}
    assert not general.training and not any(p.requires_grad for p in general.parameters())
    train_object(model, general, bank, torch.arange(12), torch.arange(0), "object", ctx)
    assert digest(general.state_dict()) == before and not general.training
    after = model.state_dict()
    assert len(model.restrict) == 2 * restriction
    assert all((after[k] != weights[k]).any() for k in weights if k.endswith("weight"))


# Scores.
class Fixed(nn.Module):
    """In place of a fitted second stage: these logits of the anomaly, images of zeros."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits  # (clip, band, frame)

    def forward(self, general, coarse, fine):
        zeros = torch.zeros_like(self.logits)[:, None]
        return Decoded(zeros, zeros + 1, torch.stack([torch.zeros_like(self.logits), self.logits], dim=1), ())


def scores_of(logits, frames, context, images=None):
    general, _ = fit_general(context())
    use = torch.ones(16), torch.ones(16)
    images = torch.randn(logits.shape)[:, None] if images is None else images
    values, maps = respond(Fixed(logits), general, images, frames, use)
    return dict(zip(detection.SCORES, values.T)), maps


def test_the_score_of_a_constant_map_is_the_constant(context):
    """9.14."""
    c = torch.tensor([0.02, 0.5, 0.9])
    found, maps = scores_of(c.logit()[:, None, None].expand(3, 64, 320).clone(), 313, context)
    for name in ("map-mean", "map-maximum", "map-p95"):
        torch.testing.assert_close(found[name], c)
    assert maps.shape == (3, 64, 313)


def test_the_score_is_the_mean_over_frames_that_are_sound(context):
    """9.14: ones in the first 32 of 313 frames are 0.102236, whatever stands in the padding."""
    logits = torch.full((2, 64, 320), -50.0)
    logits[..., :32] = 50
    logits[1, :, 313:] = 50
    images = torch.randn(1, 1, 64, 320).repeat(2, 1, 1, 1)
    found, maps = scores_of(logits, 313, context, images)
    assert found["map-mean"].tolist() == pytest.approx([0.102236] * 2, abs=1e-6)  # 32 / 313
    assert found["map-maximum"].tolist() == [1, 1] and found["map-p95"].tolist() == [1, 1]
    assert torch.equal(maps[0], maps[1])
    assert all(values[0] == values[1] for values in found.values())


def test_secondary_scores_by_hand(context):
    """One hot block of 21 x 21 fills the window of the maximum; a smaller one a part of it. The rest is errors."""
    logits = torch.full((2, 64, 64), -50.0)
    logits[0, 10:31, 5:26] = 50
    logits[1, 3:10, 40:47] = 50
    images = torch.randn(2, 1, 64, 64)
    found, _ = scores_of(logits, 60, context, images)
    assert found["map-maximum"].tolist() == pytest.approx([1, 49 / 441])
    assert found["map-mean"].tolist() == pytest.approx([441 / 3840, 49 / 3840])
    assert found["map-p95"].tolist() == pytest.approx([1, 0], abs=1e-6)
    sound = images[..., :60]
    torch.testing.assert_close(found["general-error"], sound.square().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(found["object-error"], (sound - 1).square().mean(dim=(1, 2, 3)))
    torch.testing.assert_close(found["decoder-gap"], torch.ones(2))


def test_rarity_is_the_mean_surprise_of_a_clips_codes():
    counts = torch.tensor([7.0, 0.0, 1.0])  # 8, 1, 2 of 11
    indices = torch.tensor([[[0, 0], [0, 0]], [[1, 1], [2, 0]]])
    known = [-math.log(8 / 11), -(2 * math.log(1 / 11) + math.log(2 / 11) + math.log(8 / 11)) / 4]
    assert detection.rarity(indices, counts).tolist() == pytest.approx(known)


def test_code_use_counts_cells_that_hold_sound(context):
    general, bank = fit_general(context(), frames=40)  # padded to 64: 5 coarse, 10 fine columns have sound
    coarse, fine = code_use(general, bank, torch.arange(12))
    assert int(coarse.sum()) == 12 * 8 * 5 and int(fine.sum()) == 12 * 16 * 10


def test_maps_of_a_record_are_means_over_cells():
    torch.manual_seed(5)
    maps = [torch.rand(16, 20), torch.rand(16, 9)]
    coded = blocks(maps)
    assert coded.shape == (2, 2, 3) and coded.dtype == torch.uint8
    for i, (top, left) in itertools.product(range(2), itertools.product((0, 1), (0, 1, 2))):
        part = maps[i][8 * top : 8 * top + 8, 8 * left : 8 * left + 8]
        known = round(255 * math.sqrt(float(part.mean()))) if part.numel() else 0
        assert abs(int(coded[i, top, left]) - known) <= 1
    assert blocks([]).shape[0] == 0


# What the record keeps about the simulation.
def test_the_probe_tells_what_was_visible(context):
    """9.16 and 9.18: change of X_G inside and outside of the anomaly, for both, coarse and fine codes replaced."""
    ctx = context()
    general, bank = fit_general(ctx, "ema", iterations=80, clips=24)
    model = object_model(object_iterations=2)
    train_object(model, general, bank, torch.arange(24), torch.arange(0), "object", ctx)
    none = torch.arange(0)
    found = probe(model, general, bank, torch.arange(24), none, "probe", ctx)
    seen, maps = found["visibility"], found["responses"]
    assert seen.shape == (3, 2) and maps.shape == (24, 4)
    assert (seen[:, 0] > seen[:, 1]).all() and (seen > 0).all()  # the decoder's reach leaks, but fades
    assert ((maps > 0) & (maps < 1)).all()
    again = probe(model, general, bank, torch.arange(24), none, "probe", ctx)
    assert all(torch.equal(again[name], found[name]) for name in found)
    foreign = probe(model, general, bank, torch.arange(16), torch.arange(16, 24), "probe", ctx)["other IDs"]
    assert foreign.shape == (8,) and "other IDs" not in found


def test_the_probe_shows_clean_and_changed_clips_in_two_drawings_and_in_one(context, monkeypatch):
    """Columns of the responses: clean, changed, then both with X_G in both places; padding does not count."""
    ctx = context()
    general, bank = fit_general(ctx, "ema", frames=20)  # 12 of 32 frames are padding
    model, seen = object_model().eval(), []
    forward = model.unet.forward
    monkeypatch.setattr(model.unet, "forward", lambda pair: seen.append((pair, forward(pair))) or seen[-1][1])
    found = probe(model, general, bank, torch.arange(12), torch.arange(0), "probe", ctx)["responses"]
    pairs = [pair for pair, _ in seen]
    assert [torch.equal(pair[:, 0], pair[:, 1]) for pair in pairs] == [False, False, True, True]
    clean, changed, clean_alone, changed_alone = (pair[:, 1] for pair in pairs)
    assert torch.equal(clean, clean_alone) and torch.equal(changed, changed_alone) and not torch.equal(clean, changed)
    images, _ = general.images(bank, torch.arange(12), torch.zeros(12, dtype=torch.long), 32)
    codes = general.network.encode(images)
    torch.testing.assert_close(general.network.decode(codes.coarse.vectors, codes.fine.vectors)[:, 0], clean)
    for column, (_, logits) in enumerate(seen):
        by_hand = logits.softmax(dim=1)[:, 1, :, :20].mean(dim=(1, 2))
        torch.testing.assert_close(found[:, column], by_hand)


def test_a_long_list_of_clips_is_probed_all_over():
    assert spread_out(torch.arange(300)).tolist()[:3] == [0, 5, 9] and len(spread_out(torch.arange(300))) == 64
    assert torch.equal(spread_out(torch.arange(64)), torch.arange(64)) and len(spread_out(torch.arange(0))) == 0


def test_records_keep_maps_and_probes_of_every_group(tones, sets, context):
    model = make().fit(tones.train(), context())
    model.score(tones.test(), context())
    kept, by_id = model.figures(), make("annot").fit(sets[2020].train(), context()).figures()
    assert {name.partition("/")[0] for name in by_id} == {"responses", "visibility", "other IDs"}
    assert {"cells", "visibility/fan", "visibility/pump", "responses/fan", "responses/pump"} <= set(kept)
    assert not any(name.startswith("other IDs") for name in kept)  # a model hears all IDs of its type
    maps = model.maps(tones.test(), context())
    assert kept["cells"].shape == (len(maps), 64 // 8, math.ceil(maps[0].shape[1] / 8))
    assert all(m.dtype == np.float32 and m.min() >= 0 and m.max() <= 1 for m in maps)
    scores = model.score(tones.test(), context()).values
    np.testing.assert_allclose([m.mean() for m in maps], scores, rtol=1e-4)


# Unusual sets.
def test_clips_of_mixed_lengths(tones, context):
    """In training, shorter and longer than a training image; at test each scores as it does alone."""
    samples = [s[: len(s) - 5000 * (i % 3)] for i, s in enumerate(sounds(tones.train()))]
    model = make().fit(with_sound(tones, samples), context())
    tests, table = sounds(tones.test()), tones.test_table()
    cut = [np.tile(s, 3)[: 9000 * (1 + i % 4)] for i, s in enumerate(tests)]
    clips = test_clips(cut, table)
    values, maps = model.score(clips, context()).values, model.maps(clips, context())
    assert np.isfinite(values).all()
    assert [m.shape for m in maps] == [(64, 1 + len(s) // 512) for s in cut]
    for i in (0, 1, 2, 3, len(cut) - 1):
        alone = test_clips([cut[i]], table.take([i]))
        np.testing.assert_allclose(model.score(alone, context()).values[0], values[i], rtol=1e-4)
        np.testing.assert_allclose(model.maps(alone, context())[0], maps[i], atol=1e-4)


def test_one_second_clips_where_training_images_are_longer(tones, context):
    """32 frames in images of 64: half of each image is padding, and so is none of the map."""
    model = make(crop_frames=64).fit(tones.train(), context())
    assert np.isfinite(model.score(tones.test(), context()).values).all()
    assert {m.shape for m in model.maps(tones.test(), context())} == {(64, 32)}


def test_long_clips_are_scored_a_few_at_a_time(context, monkeypatch):
    """At most so many frames at once; the order and the scores of clips do not depend on it."""
    general, bank = fit_general(context(), frames=40)
    whole = [numbers.tolist() for numbers, _, _ in detection.batches(general, bank, torch.arange(12))]
    monkeypatch.setattr(detection, "FRAMES_AT_ONCE", 200)
    few = [numbers.tolist() for numbers, _, _ in detection.batches(general, bank, torch.arange(12))]
    assert whole == [list(range(12))] and few == [list(range(5)), list(range(5, 10)), [10, 11]]
    monkeypatch.setattr(detection, "FRAMES_AT_ONCE", 10)
    assert len(list(detection.batches(general, bank, torch.arange(12)))) == 12


def test_too_few_clips_of_an_id_are_refused_before_any_training(sets, context, change):
    """A batch needs two: one stays clean."""
    tones = sets[2020]
    frame = tones.table.frame
    own = (frame["machine"] + "/" + frame["id"] + "/" + frame["split"]).to_numpy() == "pump/02/train"
    own[np.argmax(own)] = False  # one stays
    few = change["take"](tones, np.flatnonzero(~own))
    ctx = context()
    with pytest.raises(BadInput, match=r"pump/02: \d of its 1 training clip\(s\) are left to learn from.*2 are needed"):
        make("per-id").fit(few.train(), ctx)
    assert not ctx.history


def test_one_machine_type_works_but_leaves_no_other(tones, context, change):
    fans = change["take"](tones, np.flatnonzero(tones.table.frame["machine"] == "fan"))
    model = make().fit(fans.train(), context())
    assert np.isfinite(model.score(fans.test(), context()).values).all()
    ctx = context()
    with pytest.raises(BadInput, match="fan is the only machine type: there are no others"):
        make("leave-one-type-out").fit(fans.train(), ctx)
    assert not ctx.history


@pytest.mark.parametrize(("variant", "missing"), [("literal", "pump"), ("annot", "pump/00")])
def test_unknown_machines_are_refused(variant, missing, sets, context, change):
    tones = sets[2020]
    frame = tones.table.frame
    known = change["take"](tones, np.flatnonzero((frame["machine"] == "fan") & (frame["split"] == "train")))
    model = make(variant).fit(known.train(), context())
    with pytest.raises(BadInput, match=f"no training clips of '{missing}'"):
        model.score(tones.test(), context())


@pytest.mark.parametrize(("variant", "changed", "told"), [
    ("literal", {}, ("machine", "other machines")),
    ("literal", {"group_by": "id"}, ("machine", "id", "other machines")),
    ("annot", {}, ("machine", "id", "other machines")),
    ("general-audio", {}, ("machine", "outside data")),
])  # fmt: skip
def test_what_it_is_told_follows_from_the_settings(variant, changed, told):
    assert AudDsr.known_by(config(variant, **changed)) == told


def test_outliers_need_models_of_ids(tones, context):
    ctx = context()
    with pytest.raises(BadInput, match="set group_by=id"):
        make("annot", group_by="machine").fit(tones.train(), ctx)
    assert not ctx.history


def test_a_type_with_one_id_is_trained_without_outliers_and_says_so(tones, context):
    ctx = context()
    model = make("annot").fit(tones.train(), ctx)  # from 2021 on: section 00 alone
    assert [n for n in ctx.notes if "no other machine ID" in n] and set(model.models_) == {"fan/00", "pump/00"}
    plain = make("per-id").fit(tones.train(), context())
    np.testing.assert_array_equal(plain.train_scores_.values, model.train_scores_.values)


@pytest.mark.parametrize(
    "changed", [{"bands": 128}, {"codes": 32}, {"update": "average"}, {"unet_width": 16}, {"restriction": False}]
)
def test_networks_of_other_settings_are_refused(changed, tones, context):
    model = make().fit(tones.train(), context())
    with pytest.raises(BadInput, match="other settings"):
        AudDsr.from_state(config(**changed), *model.state())


def test_a_loss_that_is_not_a_number_stops_the_run(tones, context):
    with pytest.raises(RunFailed, match="auddsr/general"):
        make(learning_rate=1e30).fit(tones.train(), context())


@pytest.mark.parametrize("changed", [{"bands": 100}, {"crop_frames": 50}, {"codes": 1}, {"object_batch_size": 1}])
def test_settings_that_cannot_work_are_refused(changed):
    with pytest.raises(AsdBookError, match=next(iter(changed))):
        config(**changed)


def test_a_changed_weight_is_another_test_stage(tones, cached):
    """Scores of a cached stage must be those of the weights at hand."""
    ctx = cached()
    model = make().fit(tones.train(), ctx)
    values = model.score(tones.test(), ctx).values
    with torch.no_grad():
        for parameter in model.models_["fan"].unet.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    fans = tones.test().machine == "fan"
    changed = model.score(tones.test(), ctx).values != values
    assert changed[fans].all() and not changed[~fans].any()


def test_the_same_recordings_as_another_machine_are_another_test_stage(tones, cached):
    """`asdbook score --machine pump` after `--machine fan`: the stage of the first must not answer."""
    ctx = cached()
    model = make().fit(tones.train(), ctx)
    table = tones.test_table()
    frame = table.frame
    frame["machine"] = frame["machine"].map({"fan": "pump", "pump": "fan"})
    own, other = (test_clips(sounds(tones.test()), t) for t in (table, ClipTable(frame, year=table.year)))
    values = model.score(own, ctx).values
    assert (model.score(other, ctx).values != values).all()
    np.testing.assert_array_equal(model.score(own, ctx).values, values)


def test_a_killed_run_ends_with_the_same_result(tones, tmp_path, context):
    """Killed in the second stage: codes, their averages and the log of their use come back from checkpoints."""
    whole = make("ema").fit(tones.train(), context())

    class Killed(Exception):
        pass

    def stop(text):
        raise Killed

    for name in ("auddsr/general:", "auddsr/object/pump:"):
        ctx = context(checkpoints=tmp_path, checkpoint_seconds=0.0)
        ctx.on_progress = lambda text, name=name: stop(text) if text.startswith(name) else None
        with pytest.raises(Killed):
            make("ema").fit(tones.train(), ctx)
    ctx = context(checkpoints=tmp_path)
    resumed = make("ema").fit(tones.train(), ctx)
    np.testing.assert_array_equal(resumed.train_scores_.values, whole.train_scores_.values)
    assert digest(resumed.general_["machines"].state_dict()) == digest(whole.general_["machines"].state_dict())


@pytest.mark.gpu
@pytest.mark.parametrize("variant", ["literal", "ema", "annot"])
def test_on_a_gpu_scores_agree_with_the_cpu(variant, sets, context):
    """A system fitted on the CPU scores the same clips on a GPU; and it can be fitted there."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    tones = sets[2020]
    model = make(variant).fit(tones.train(), context())
    values = model.score(tones.test(), context()).values
    moved = AudDsr.from_state(model.config, *model.state())
    np.testing.assert_allclose(moved.score(tones.test(), context(device="cuda")).values, values, rtol=1e-2)
    there = make(variant).fit(tones.train(), context(device="cuda"))
    assert np.isfinite(there.score(tones.test(), context(device="cuda")).values).all()
