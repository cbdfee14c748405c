"""The official autoencoder: worked numbers of its quirks, naive versions of its scores, its variants."""

import numpy as np
import pytest
import torch

from asdbook import systems
from asdbook.errors import RunFailed
from asdbook.experiment.stages import StageCache
from asdbook.systems.autoencoder import (
    CodedCovariance,
    OfficialAutoencoder,
    PooledCovariance,
    clip_scores,
    inverse,
    vector_terms,
)

# methods/baseline.md section 5: 2 mels, 2 frames a vector; two batches of one domain.
BATCHES = [torch.tensor([[1.0, 2, 3, 4], [2, 0, 1, 1]]), torch.tensor([[0.0, 1, 2, 2]])]


def score_of(errors, score, inverses):
    """Score of one clip with errors (vector, P, F)."""
    terms = vector_terms(errors, score, inverses).mean(dim=0, keepdim=True)
    return float(clip_scores(terms, score, inverses))


def test_coded_covariance_is_the_worked_example():
    total = CodedCovariance(2, "cpu")
    for batch in BATCHES:
        total.add(batch.view(-1, 2, 2))
    np.testing.assert_allclose(total.value(), [[2.375, 1.875], [1.875, 4.625]], rtol=1e-12)


def test_pooled_covariance_is_the_worked_example():
    total = PooledCovariance(2, "cpu")
    for batch in BATCHES:
        total.add(batch.view(-1, 2, 2))
    np.testing.assert_allclose(total.value(), [[1.1, 0.8], [0.8, 28 / 15]], rtol=1e-12)
    rows = torch.cat(BATCHES).view(-1, 2).numpy()
    np.testing.assert_allclose(total.value(), np.cov(rows.T), rtol=1e-12)


def test_coded_covariance_is_a_loop_over_batches():
    rng = np.random.default_rng(0)
    batches = [rng.normal(3, 1, (n, 5, 4)) for n in (6, 2, 1)]
    total, expected = CodedCovariance(4, "cpu"), np.zeros((4, 4))
    for batch in batches:
        total.add(torch.from_numpy(batch))
        rows = batch.reshape(-1, 4)
        for row in rows - rows.mean(0):
            expected += np.outer(row, row)
    total.add(torch.zeros(0, 5, 4))  # a batch without a clip of this domain
    np.testing.assert_allclose(total.value(), expected / (6 + 2 + 1 - 1), rtol=1e-12)


def test_quirk_1_is_the_worked_example():
    errors = torch.tensor([[[1.0, 0]], [[0, 1]], [[1, 1]]])
    metric = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64)).expand(2, 2, 2)
    assert score_of(errors, "mahalanobis", metric) == pytest.approx(4 / 3, rel=1e-7)
    assert score_of(errors, "mahalanobis-framewise", metric) == pytest.approx(2.0, rel=1e-7)


def random_case(seed, vectors=7, frames=5, bands=6):
    rng = np.random.default_rng(seed)
    errors = rng.normal(0.3, 1, (vectors, frames, bands))
    roots = rng.normal(size=(2, bands, bands))
    return errors, np.einsum("dij,dkj->dik", roots, roots) + np.eye(bands)


@pytest.mark.parametrize("seed", range(5))
def test_mahalanobis_is_the_average_over_all_pairs_of_frames(seed):
    errors, inverses = random_case(seed)
    rows = errors.reshape(-1, errors.shape[2])
    pairs = [(rows @ p @ rows.T).mean(axis=1).sum() / len(rows) for p in inverses]  # as the code: all entries
    found = score_of(torch.from_numpy(errors), "mahalanobis", torch.from_numpy(inverses))
    assert found == pytest.approx(min(pairs), rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_framewise_is_the_average_of_the_diagonal(seed):
    errors, inverses = random_case(seed)
    rows = errors.reshape(-1, errors.shape[2])
    means = [np.mean([row @ p @ row for row in rows]) for p in inverses]
    found = score_of(torch.from_numpy(errors), "mahalanobis-framewise", torch.from_numpy(inverses))
    assert found == pytest.approx(min(means), rel=1e-10)


def test_mse_is_the_mean_of_squares():
    errors, _ = random_case(0)
    assert score_of(torch.from_numpy(errors), "mse", torch.zeros(0)) == pytest.approx((errors**2).mean(), rel=1e-12)


def test_inverse():
    covariance = torch.tensor([[2.0, 1], [1, 3]], dtype=torch.float64)
    np.testing.assert_allclose(inverse(covariance, 0.0) @ covariance, np.eye(2), atol=1e-12)
    ridged = np.linalg.inv(covariance.numpy() + 0.1 * 2.5 * np.eye(2))
    np.testing.assert_allclose(inverse(covariance, 0.1), ridged, rtol=1e-12)


@pytest.mark.parametrize(
    "bad", [torch.ones(2, 2), torch.zeros(2, 2), torch.full((2, 2), torch.nan), torch.diag(torch.tensor([1.0, -1]))]
)
def test_a_singular_covariance_has_no_inverse(bad):
    assert inverse(bad.double(), 0.0) is None


def fit(dataset, context, variant, profile="tiny", overrides=None):
    config = systems.make_config(OfficialAutoencoder, variant, profile, overrides)
    return OfficialAutoencoder(config).fit(dataset.train(), context)


def test_variants_share_one_training(tones, context, tmp_path):
    def cached(note=None):
        stages = StageCache(tmp_path, fingerprint=tones.fingerprint, seed=110, mode={}, note=note)
        return context(stages=stages)

    first = cached()
    one = fit(tones, first, "mse")
    assert set(first.history) == {"autoencoder/fan", "autoencoder/pump"}
    trained = len(list(tmp_path.glob("*.safetensors")))
    for variant in ("mahalanobis", "mahalanobis-framewise", "official-threshold"):
        ctx = cached()
        model = fit(tones, ctx, variant)
        assert ctx.history == first.history and ctx.parameters == first.parameters
        assert "fit/train" not in ctx.phases and "train" not in ctx.phases
        for group, fitted in model.fitted_.items():
            for key, value in fitted.network.state_dict().items():
                assert torch.equal(value, one.fitted_[group].network.state_dict()[key])
    assert len(list(tmp_path.glob("*.safetensors"))) == trained == 2
    other = cached()
    fit(tones, other, "official-split")
    assert other.history != first.history
    fit(tones, cached(), "mse", overrides={"epochs": 3})
    assert len(list(tmp_path.glob("*.safetensors"))) == 3 * trained


def test_one_model_a_machine_or_an_id(sets, context):
    assert list(fit(sets[2020], context(), "mse").fitted_) == ["fan", "pump"]
    by_id = fit(sets[2020], context(), "official-threshold", overrides={"group_by": "id"})
    assert list(by_id.fitted_) == ["fan/00", "fan/02", "pump/00", "pump/02"]
    assert set(by_id.threshold_scores_) == {"fan", "pump"}


def test_held_out_clips_are_whole_and_a_tenth(tones, context):
    by_clip = fit(tones, context(), "mse").train_scores_
    assert len(by_clip.clips) == 2 * 2  # ceil(0.1 x 12) clips of each of two machines
    by_vector = fit(tones, context(), "official-split").train_scores_
    assert len(by_vector.clips) > 2 * 6  # nearly every clip has a vector in a random tenth of 12 x 28


def test_held_out_clips_are_not_trained_on(tones, context, monkeypatch):
    """Replacing a held-out clip's sound changes its score and nothing else."""
    model = fit(tones, context(), "mse")
    held = int(model.train_scores_.clips[0])
    train = tones.train()
    batches = train.batches

    class Swapped:
        def __getattr__(self, name):
            return getattr(train, name)

        def __len__(self):
            return len(train)

        def batches(self, positions=None, size=64, device="cpu"):
            for chosen, waves in batches(positions, size, device):
                waves = waves.clone()
                waves[torch.from_numpy(chosen == held)] *= 0.5
                yield chosen, waves

    other = OfficialAutoencoder(model.config).fit(Swapped(), context())
    assert other.train_scores_.values[0] != model.train_scores_.values[0]
    np.testing.assert_array_equal(other.train_scores_.values[1:], model.train_scores_.values[1:])
    tests = tones.test()
    np.testing.assert_array_equal(other.score(tests, context()).values, model.score(tests, context()).values)


@pytest.mark.parametrize("variant", ["mahalanobis", "mahalanobis-framewise"])
def test_covariances_are_those_of_a_naive_pass(variant, tones, context):
    """Both domains, batch by batch in the order of the pass after the last epoch."""
    ctx = context()
    model = fit(tones, ctx, variant)
    c = model.config
    train, members = tones.train(), np.flatnonzero(tones.train().machine == "fan")
    vectors = model._vectors(train, members, ctx)
    held = np.isin(members[vectors.clip.numpy()], model.train_scores_.clips)
    numbers = np.flatnonzero(~held)
    order = ctx.order("autoencoder/fan", len(numbers), c.epochs).numpy()
    target = train.domain[members[vectors.clip.numpy()]] == "target"
    sums, counts, rows = np.zeros((2, 16, 16)), [0, 0], [[], []]
    for first in range(0, len(order), c.batch_size):
        batch = numbers[order[first : first + c.batch_size]]
        x = vectors[torch.from_numpy(batch)]
        with torch.no_grad():
            error = (x - model.fitted_["fan"].network(x)).double().numpy().reshape(len(batch), 5, 16)
        for d in (0, 1):
            mine = error[target[batch] == bool(d)].reshape(-1, 16)
            rows[d].append(mine)
            counts[d] += len(mine) // 5
            centred = mine - mine.mean(0) if len(mine) else mine
            sums[d] += centred.T @ centred
    for d in (0, 1):
        pooled = np.cov(np.concatenate(rows[d]).T)
        expected = (
            sums[d] / (counts[d] - 1)
            if variant == "mahalanobis"
            else pooled + c.ridge * np.trace(pooled) / 16 * np.eye(16)
        )
        found = np.linalg.inv(model.fitted_["fan"].inverses[d].numpy())
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_too_few_target_clips_take_the_sources_covariance(tones, context, change):
    """One clip of 32 frames has no covariance of 64 bands."""
    frame = tones.table.frame
    target = np.flatnonzero((frame["domain"] == "target") & (frame["split"] == "train"))
    few = change["take"](tones, np.setdiff1d(np.arange(len(frame)), target[[0, 1, 3, 4]]))
    ctx = context()
    model = fit(few, ctx, "mahalanobis", overrides={"bands": 64, "held_out": 0.01})
    assert ctx.notes == [f"{m}: too few target clips for a covariance of their own: the source's is used"
                         for m in ("fan", "pump")]  # fmt: skip
    assert all(torch.equal(*fitted.inverses) for fitted in model.fitted_.values())


def test_too_few_clips_altogether_stop_the_run(tones, context, change):
    two = np.flatnonzero((tones.table.frame["machine"] == "fan") & (tones.table.frame["split"] == "train"))[:2]
    with pytest.raises(RunFailed, match="fan: the covariance of the reconstruction error is singular"):
        fit(change["take"](tones, two), context(), "mahalanobis", overrides={"bands": 64})


def test_without_target_clips_both_covariances_are_the_sources(sets, context):
    for variant in ("mahalanobis", "mahalanobis-framewise"):
        for fitted in fit(sets[2020], context(), variant).fitted_.values():
            assert fitted.inverses.shape[0] == 2 and torch.equal(fitted.inverses[0], fitted.inverses[1])


def test_official_threshold_scores_are_batch_losses(tones, context):
    ctx = context()
    model = fit(tones, ctx, "official-threshold")
    c = model.config
    trained, held = 10 * 28, 2 * 28  # 12 clips of 28 vectors a machine, two held out
    scores = model.threshold_scores_["fan"]
    assert len(scores) == -(-trained // c.batch_size) + -(-held // c.batch_size)
    weights = np.diff([*range(0, trained, c.batch_size), trained])
    last = np.average(scores[: len(weights)], weights=weights)
    assert last == pytest.approx(ctx.history["autoencoder/fan"][-1], rel=1e-12)
    assert fit(tones, context(), "mse").threshold_scores_ is None


def test_official_threshold_with_mahalanobis_scores_batches_as_clips(tones, context):
    model = fit(tones, context(), "official-threshold", overrides={"score": "mahalanobis"})
    clips = model.train_scores_.values
    # Batches mix clips, so their mean error is near zero: far below any clip's (methods/baseline.md section 6).
    assert np.median(model.threshold_scores_["fan"]) < np.median(clips)


def test_a_lone_last_vector_is_left_out(tones, context):
    config = {"batch_size": 279}  # 280 training vectors
    assert fit(tones, context(), "mahalanobis", overrides=config).train_scores_.values.min() > 0


def test_network_learns(tones, context):
    ctx = context()
    fit(tones, ctx, "mse", overrides={"epochs": 30})
    losses = ctx.history["autoencoder/fan"]
    assert losses[-1] < 0.8 * losses[0] and np.all(np.diff(losses) < 0)
