"""Records: written deterministically, read strictly."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from asdbook.errors import BadInput
from asdbook.experiment import records


def example(**changes):
    data = dict(
        name="synthetic-2023",
        kind="synthetic",
        year=2023,
        seed=110,
        profile="smoke",
        simulator_version=1,
        fingerprint="ab",
        machines=["fan"],
        train_clips=2,
        test_clips=2,
        seconds=4.0,
    )
    fields = dict(
        schema=1,
        system="trivial",
        variant="mean",
        system_version=1,
        title="t",
        config={"group_by": "id"},
        profile="smoke",
        data=data,
        seed=110,
        metrics={},
        decision={},
        cost={},
        device={},
        numeric_mode={},
        versions={},
        commit="abc",
        started="2026-01-01T00:00:00+00:00",
    )
    return records.Record(**{**fields, **changes})


def scores():
    return pd.DataFrame(
        {
            "file": ["fan/test/a.wav", "fan/test/b.wav"],
            "machine": "fan",
            "unit": "00",
            "domain": ["source", None],
            "label": ["normal", "anomaly"],
            "split": "test",
            "recording": ["1", "2"],
            "score": [0.1, 1 / 3],
            "decision": [0, 1],
        }
    )


def test_round_trip(tmp_path):
    figures = {"x": np.arange(6, dtype=np.float16).reshape(2, 3)}
    records.write(tmp_path / "r", example(), scores(), figures)
    stored = records.load(tmp_path / "r")
    assert stored.record == example()
    back = stored.scores()
    assert list(back.columns) == records.SCORE_COLUMNS
    assert back["unit"].tolist() == ["00", "00"]  # text stays text
    assert back["score"].tolist() == [0.1, 1 / 3]  # to the last bit
    assert back["domain"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(stored.figures()["x"], figures["x"])


def test_bytes_depend_on_content_alone(tmp_path):
    for name in "ab":
        records.write(tmp_path / name, example(), scores(), {"x": np.zeros(3, np.float16)})
    for file in ("record.json", "scores.csv.gz", "figures.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_find_filters(tmp_path):
    records.write(tmp_path / "a", example(), scores(), {})
    records.write(tmp_path / "b", example(variant="p95"), scores(), {})
    assert [s.record.variant for s in records.find(tmp_path, data="synthetic-2023", variant="p95")] == ["p95"]
    assert records.find(tmp_path, data="elsewhere") == []
    records.write(tmp_path / ".c.part", example(variant="p95"), scores(), {})  # a promotion on its way
    assert len(list(records.scan(tmp_path))) == 2


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "no record here"),
        (lambda p: p.write_text("{"), "damaged record"),
        (lambda p: p.write_text(json.dumps({"schema": 99})), "schema 99"),
        (lambda p: p.write_text("[1]"), "schema None"),
        (lambda p: p.write_text(json.dumps({"schema": 1})), "Field required"),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    records.write(tmp_path, example(), scores(), {})
    damage(tmp_path / "record.json")
    with pytest.raises(BadInput, match=message) as caught:
        records.load(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_changed_digit_is_noticed_and_an_old_record_has_no_seal(tmp_path):
    records.write(tmp_path, example(cost={"wall_seconds": 12.5}), scores(), {})
    path = tmp_path / "record.json"
    text = path.read_text()
    path.write_text(text.replace("12.5", "12.6"))
    with pytest.raises(BadInput, match="not what was written"):
        records.load(tmp_path)
    content = json.loads(text)
    del content["seal"]
    path.write_text(json.dumps(content))
    assert records.load(tmp_path).record.cost == {"wall_seconds": 12.5}


def test_truncated_scores_are_named(tmp_path):
    records.write(tmp_path, example(), scores(), {})
    path = tmp_path / "scores.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match="not a readable scores file"):
        records.load(tmp_path).scores()
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(BadInput, match="not a readable scores file"):
        records.load(tmp_path).scores()


def test_scores_damaged_in_the_middle_are_named(tmp_path):
    records.write(tmp_path, example(), scores(), {})
    path = tmp_path / "scores.csv.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:10] + bytes([255] * 20) + whole[30:])  # behind the gzip header: no deflate block
    with pytest.raises(BadInput, match="not a readable scores file") as caught:
        records.load(tmp_path).scores()
    assert str(path) in str(caught.value) and "run again" in str(caught.value)


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"x" * 99,
                                    lambda b: b[:60] + bytes([255] * 20) + b[80:]])  # fmt: skip
def test_damaged_figures_are_named(tmp_path, damage):
    records.write(tmp_path, example(), scores(), {"x": np.arange(999, dtype=np.float16)})
    path = tmp_path / "figures.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadInput, match="not a readable file of figures") as caught:
        records.load(tmp_path).figures()
    assert str(path) in str(caught.value) and "run again" in str(caught.value)


def test_nan_cannot_enter_a_record(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        records.write(tmp_path, example(cost={"x": float("nan")}), scores(), {})
    assert not (tmp_path / "record.json").exists()


def test_slug_is_safe_in_paths_and_tells_experiments_apart():
    odd = [example(overrides={"a/b": "../x"}), example(overrides={"a/b": "../y"}), example(variant="../m")]
    slugs = [record.slug for record in [example(), *odd]]
    assert slugs[0] == "mean-synthetic-2023-d110-s110-smoke"
    assert len(set(slugs)) == 4 and not any("/" in slug or ".." in slug for slug in slugs)
