"""Measures on vectors: by hand on a few points, from records' figures, and what stands for a mechanism."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from asdbook import papers
from asdbook.errors import BadInput
from asdbook.experiment import records
from asdbook.report import claims, embedding_figures, embeddings, measured, results

CLIPS = 24


def vectors(test, label, train=((1.0, 0.0), (0.0, 1.0)), **more):
    label = np.asarray(label)
    base = {"score": np.arange(len(label), dtype=float), "domain": np.array(["source", "target"] * len(label))}
    fields = {"train": np.asarray(train), "test": np.asarray(test, dtype=float), "label": label, **base, **more}
    fields["domain"] = fields["domain"][: len(label)]
    return embeddings.Vectors(**fields)


def test_distances_are_cosines_to_the_nearest():
    found = embeddings.nearest(np.array([[2.0, 0.0], [1.0, 1.0], [-3.0, 0.0]]), np.array([[5.0, 0.0], [0.0, -1.0]]))
    np.testing.assert_allclose(found, [0.0, 1 - 0.5**0.5, 1.0], atol=1e-12)


def test_purity_looks_at_the_nearest_other_clip():
    pure = vectors([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [0, 0, 1, 1])
    assert embeddings.purity(pure) == 100
    assert embeddings.purity(dataclasses.replace(pure, label=np.array([0, 1, 0, 1]))) == 0
    three = vectors([[1, 0], [1, 0.1], [0, 1], [0.2, 1]], [0, 0, 1, 0])
    assert embeddings.purity(three) == 50  # of the last two, each has the other as its nearest


def test_aucs_take_both_domains_together():
    v = vectors([[1, 0], [3, 0], [-1, 0], [-2, 0]], [0, 1, 0, 1], train=[[1.0, 0.0]], score=np.array([0, 3, 2, 1.0]))
    assert embeddings.norm_auc(v) == 100  # lengths 1, 3, 1, 2
    assert embeddings.neighbour_auc(v) == 50  # directions say nothing here
    assert embeddings.error_auc(v) == 75
    assert measured.gain_over_norm(v) == -25


def test_the_rank_of_the_length_is_that_of_what_was_diffused():
    v = vectors([[1, 0], [3, 0], [2, 0]], [0, 1, 0], score=np.array([1.0, 9.0, 4.0]))
    assert embeddings.norm_rank(v) == pytest.approx(1)
    assert embeddings.norm_rank(dataclasses.replace(v, z0=v.test[[1, 0, 2]])) == pytest.approx(-1)
    same = np.array([[1.0, 0.0], [0.0, 1.0], [0.7071, 0.7071]])  # length one but for float16
    assert np.isnan(embeddings.norm_rank(dataclasses.replace(v, z0=same)))


def test_the_first_component_is_that_of_the_training_vectors():
    rng = np.random.default_rng(0)
    train = rng.normal(0, 1, (50, 3)) * [0.1, 5.0, 0.2] + [1.0, 2.0, 3.0]
    along = embeddings.first_component(train, train.mean(axis=0) + np.array([[0, 2.0, 0], [4.0, 0, 0]]))
    assert abs(along[0]) == pytest.approx(2, rel=0.01) and abs(along[1]) < 0.3


def test_a_pca_start_needs_no_seed_and_a_random_one_does():
    rows = np.random.default_rng(1).normal(0, 1, (40, 5))
    assert embeddings.flat(rows).shape == (40, 2)
    np.testing.assert_array_equal(embeddings.flat(rows, seed=1), embeddings.flat(rows, seed=2))
    assert not np.allclose(embeddings.flat(rows, start="random", seed=1),
                           embeddings.flat(rows, start="random", seed=2))


@pytest.fixture
def shelf(tmp_path, monkeypatch, make_record):
    """`shelf(label, seed, gap)` commits a record of slider whose anomalies have vectors `gap` longer and aside."""
    (tmp_path / "book" / "results").mkdir(parents=True)
    monkeypatch.setenv("ASDBOOK_BOOK", str(tmp_path))
    monkeypatch.delenv("ASDBOOK_STATIC", raising=False)

    def add(label, seed, gap=0.0, keep=True, test=CLIPS, **changes):
        system, _, variant = label.partition(":")
        record, frame = make_record(seed, system=system, variant=variant, **changes)
        frame = frame.replace({"fan": "slider"})
        rows = frame[(frame["machine"] == "slider") & (frame["split"] == "test")]
        odd = (rows["label"] == "anomaly").to_numpy(float)
        rng = np.random.default_rng(seed)
        place, away = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, gap])
        arrays = {"train": rng.normal(0, 0.1, (30, 3)) + place,
                  "test": (rng.normal(0, 0.1, (CLIPS, 3)) + place + odd[:, None] * away)[:test]}  # fmt: skip
        folder = tmp_path / "book" / "results" / system / record.slug
        records.write(folder, record, frame, arrays if keep else {})
        return records.load(folder)

    return add


def test_vectors_come_in_the_order_of_the_scores(shelf):
    stored = shelf("ssdm:ss-knn", 0, gap=2.0)
    found = embeddings.of(stored)
    scores = stored.scores()
    rows = scores[(scores["machine"] == "slider") & (scores["split"] == "test")]
    np.testing.assert_array_equal(found.label, (rows["label"] == "anomaly").to_numpy(int))
    np.testing.assert_array_equal(found.score, rows["score"].to_numpy(float))
    assert found.z0 is None and embeddings.neighbour_auc(found) == 100
    assert embeddings.of(shelf("ssdm:ss-knn", 1, keep=False)) is None
    with pytest.raises(BadInput, match="20 vectors for 24 test clips of slider"):
        embeddings.of(shelf("ssdm:ss-knn", 2, test=20))


def test_runs_stand_side_by_side_on_the_same_data_only(shelf):
    left = [shelf("ssdm:no-gate-knn", seed) for seed in (0, 1)]
    right = [shelf("ssdm:ss-knn", seed) for seed in (1, 2)]
    pair = embeddings.side_by_side([left, right])
    assert [(s.record.label, s.record.seed) for s in pair] == [("ssdm:no-gate-knn", 1), ("ssdm:ss-knn", 1)]
    assert embeddings.side_by_side([left[:1], right]) == []
    assert embeddings.side_by_side([left, [shelf("ssdm:ss-knn", 0, keep=False)]]) == []


def test_five_seeds_decide_the_mechanisms(shelf):
    def of(name):
        return next(one for one in claims.decide("ssdm") if one.claim.id == name)

    assert of("ssdm-C7").name == of("ssdm-C8").name == "not run"
    for seed in range(5):
        shelf("ssdm:no-gate-knn", seed, gap=0.05)
        shelf("ssdm:ss-knn", seed, gap=2.0)
    found = of("ssdm-C7")
    assert found.name == "holds in simulation" and "synthetic-2023" in found.data.text
    assert "nearest neighbours on slider" in found.verdict.text and "5 data seeds" in found.verdict.text
    for seed in range(5):  # scores of noise, lengths that tell: the norm is ahead of the error
        shelf("ssdm:literal", seed, gap=9.0)
    stored = [embeddings.of(s) for s in results.committed(system="ssdm", variant="literal")]
    gap = np.mean([embeddings.error_auc(v) - embeddings.norm_auc(v) for v in stored])
    assert gap < 0 and of("ssdm-C8").verdict.text.startswith(f"{measured.MEASURES['ssdm-C8'].name}: {gap:+.1f}")


def test_fewer_seeds_and_development_seeds(shelf):
    for seed in (0, 1, 110, 111, 112, 113):
        shelf("ssdm:no-gate-knn", seed, gap=0.05)
        shelf("ssdm:ss-knn", seed, gap=2.0)
    found = next(one for one in claims.decide("ssdm") if one.claim.id == "ssdm-C7")
    assert found.name == "provisional" and "2 of 5 data seeds" in found.verdict.text


def test_every_measure_belongs_to_a_mechanism_and_names_its_systems():
    for name, measure in measured.MEASURES.items():
        claim = papers.claim(name)
        assert claim.type == "mechanism" and 1 <= len(measure.systems) <= 2
        if claim.contrasts:
            assert [tuple(contrast) for contrast in claim.contrasts] == [measure.systems]
        assert all(system in claim.metric for system in measure.systems) or claim.contrasts


def test_maps_show_every_clip_once_a_panel_and_say_their_numbers():
    rng = np.random.default_rng(0)
    label = np.tile([0, 1], 20)
    panels = {f"panel {k}": vectors(rng.normal(0, 1, (40, 4)), label, train=rng.normal(0, 1, (9, 4))) for k in (1, 2)}
    picture = embedding_figures.maps(panels)
    starts = len(embedding_figures.STARTS)
    assert len(picture.figure.axes) == 2 * starts
    for axes in picture.figure.axes:
        assert sum(len(points.get_offsets()) for points in axes.collections) == 40
    for title, panel in panels.items():
        assert f"{title}: AUC of nearest neighbours {embeddings.neighbour_auc(panel):.1f} %" in picture.alt


def test_densities_count_in_the_better_direction_only_where_there_is_none():
    label = np.tile([0, 1], 15)
    values = np.random.default_rng(0).normal(0, 1, 30) - 3 * label
    signed = embedding_figures.Density("a", values, label, "any")
    assert signed.auc < 10 and dataclasses.replace(signed, either=True).auc == pytest.approx(100 - signed.auc)
    picture = embedding_figures.densities([signed, dataclasses.replace(signed, either=True)])
    assert len(picture.figure.axes) == 2 and f"AUC {signed.auc:.1f} %" in picture.alt


def test_a_sweep_draws_its_values_and_guides():
    line = embedding_figures.Line("AUC (%)", {100: 60.0, 10: 50.0}, {"guide": 55.0})
    picture = embedding_figures.sweep([line], setting="t0", chosen=100)
    curve = picture.figure.axes[0].lines[-1]
    np.testing.assert_array_equal(curve.get_xydata(), [[10, 50], [100, 60]])
    assert "50.0 at 10, 60.0 at 100; guide 55.0" in picture.alt


def test_a_missing_figure_says_so():
    assert "is not run" in embedding_figures.missing("ssdm:literal").alt


