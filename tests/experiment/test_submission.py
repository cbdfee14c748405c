"""A run's scores in the official form, read back with their truth, give the record's metrics to 1e-12."""

import csv

import numpy as np
import pytest
import soundfile

from asdbook import cli, experiment
from asdbook.errors import BadInput
from asdbook.experiment.evaluate import evaluate_path
from asdbook.experiment.submission import submission


def clip(root, path, seed):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    gain = 0.2 if "anomaly" in path else 0.1
    soundfile.write(file, np.random.default_rng(seed).normal(0, gain, 5_000).clip(-1, 1), 16_000, subtype="PCM_16")


def paths(year):
    """Two machines, two IDs or sections (one from 2023 on); unequal cells."""
    for machine in ("fan", "valve"):
        for unit in ("00", "02") if year == 2020 else ("00", "01") if year < 2023 else ("00",):
            for i in range(8):
                domain = "source" if i < 5 else "target"
                if year == 2020:
                    yield f"{machine}/train/normal_id_{unit}_{i:08d}.wav"
                    yield f"{machine}/test/{'anomaly' if i < 5 else 'normal'}_id_{unit}_{i:08d}.wav"
                    continue
                label, attributes = ("anomaly" if i % 2 else "normal"), "" if year == 2021 else "_n_A"
                yield f"{machine}/train/section_{unit}_{domain}_train_normal_{i:04d}_n_A.wav"
                yield f"{machine}/test/section_{unit}_{domain}_test_{label}_{i:04d}{attributes}.wav"


@pytest.fixture(params=[2020, 2021, 2022, 2024])
def stored(request, tmp_path, home):
    """A record of a year; its clips differ from test to test as the folder does."""
    for seed, path in enumerate(paths(request.param)):
        clip(tmp_path / f"set-{request.param}", path, seed)
    return experiment.run("trivial", str(tmp_path / f"set-{request.param}"), profile="smoke", year=request.param)


def write_truth(stored, folder):
    """The evaluators' truth of a record's test clips."""
    table = stored.scores()
    year, test = stored.record.data.year, table[table["split"] == "test"]
    lines = {}
    for row in test.itertuples():
        name, label = row.file.rsplit("/", 1)[1], int(row.label == "anomaly")
        if year == 2020:
            blocks = lines.setdefault("eval_data_list.csv", [])
            if row.machine not in blocks:  # rows are sorted by path, so a machine's clips follow each other
                blocks.append(row.machine)
            blocks.append(f"{name},{name},{label}")
            continue
        domain = f"{row.domain}_" if year == 2021 else ""
        file = f"ground_truth_{row.machine}_section_{row.unit}_{domain}test.csv"
        lines.setdefault(f"ground_truth_data/{file}", []).append(f"{name},{label}")
        if year >= 2022:
            lines.setdefault(f"ground_truth_domain/{file}", []).append(f"{name},{int(row.domain == 'target')}")
    for name, rows in lines.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(rows) + "\n")
    return folder


def numbers(metrics):
    """Every value of an evaluation by name."""
    found = {"score": metrics["score"]["value"]}
    found.update({name: column["value"] for name, column in metrics["columns"].items()})
    for machine in metrics["machines"]:
        for cell in machine["cells"]:
            found[machine["machine"], cell["unit"], cell["quantity"]] = cell["value"]
    return found


@pytest.mark.parametrize("with_truth", [True, False])
def test_round_trip(stored, tmp_path, with_truth):
    files = submission(str(stored.folder), tmp_path / "out", team="us", system="ours")
    truth = write_truth(stored, tmp_path / "truth") if with_truth else None  # these names carry their labels
    again = evaluate_path(files[0].parent, truth, year=stored.record.data.year, draws=0)
    assert set(again["metrics"]) == set(stored.record.metrics)
    for convention, metrics in stored.record.metrics.items():
        expected, found = numbers(metrics), numbers(again["metrics"][convention])
        assert expected.keys() == found.keys() and len(expected) > 5
        for key, value in expected.items():
            assert found[key] == pytest.approx(value, abs=1e-12)
    if stored.record.data.year >= 2021:
        rates = {(r["machine"], r["domain"]): r for r in stored.record.decision["rates"]}
        for machine, domain in rates:
            rows = [r for r in again["decisions"] if (r["machine"], r["domain"]) == (machine, domain)]
            normals = sum(r["fp"] + r["tn"] for r in rows)
            assert sum(r["fp"] for r in rows) / normals == pytest.approx(rates[machine, domain]["false_alarm"])


def test_names_and_lines_are_the_evaluators(stored, tmp_path):
    year = stored.record.data.year
    files = submission(str(stored.folder), tmp_path / "out", team="us", system="ours")
    home = tmp_path / "out" / "teams" / "us" / "ours" if year >= 2022 else tmp_path / "out" / "teams" / "us"
    assert {file.parent for file in files} == {home}
    first = {
        2020: "anomaly_score_fan_id_00.csv",
        2021: "anomaly_score_fan_section_00_source_test.csv",
        2022: "anomaly_score_fan_section_00_test.csv",
        2024: "anomaly_score_fan_section_00_test.csv",
    }[year]
    assert files[0].name == first
    counts = {2020: 4, 2021: 16, 2022: 8, 2024: 4}  # scores, and decisions from 2021 on
    assert len(files) == counts[year]
    table = stored.scores()
    scores = {row.file.rsplit("/", 1)[1] + row.machine: row for row in table[table["split"] == "test"].itertuples()}
    for file in files:
        rows = list(csv.reader(file.read_text().splitlines()))
        assert [name for name, _ in rows] == sorted(name for name, _ in rows)
        machine = "fan" if "_fan_" in file.name else "valve"
        for name, value in rows:
            row = scores[name + machine]
            decided = file.name.startswith("decision_result")
            assert value == (str(row.decision) if decided else repr(row.score))
    assert not list((tmp_path).glob(".*.part"))


def test_hidden_labels_with_the_organisers_truth(tmp_path, home):
    root, truth = tmp_path / "eval", tmp_path / "truth"
    lines = {"ground_truth_data": [], "ground_truth_domain": []}
    for i in range(6):
        domain = "source" if i < 4 else "target"
        clip(root, f"grinder/train/section_00_{domain}_train_normal_{i:04d}_noAttribute.wav", i)
    for i in range(12):
        clip(root, f"grinder/test/section_00_{i:04d}.wav", 50 + i)
        lines["ground_truth_data"].append(f"section_00_{i:04d}.wav,{i % 2}")
        lines["ground_truth_domain"].append(f"section_00_{i:04d}.wav,{i // 6}")
    for kind, rows in lines.items():
        (truth / kind).mkdir(parents=True)
        (truth / kind / "ground_truth_grinder_section_00_test.csv").write_text("\n".join(rows) + "\n")
    stored = experiment.run("trivial", str(root), profile="smoke", truth=str(truth))
    files = submission(str(stored.folder), tmp_path / "out")
    assert files[0].read_text().startswith("section_00_0000.wav,")
    assert files[0].parent.name == "trivial_mean"
    again = evaluate_path(files[0].parent, truth, year=2023, draws=0)
    assert numbers(again["metrics"]["official"]) == pytest.approx(numbers(stored.record.metrics["official"]), abs=1e-12)
    with pytest.raises(BadInput, match="carries no label; give the truth folder"):
        evaluate_path(files[0].parent, None, year=2023)


def test_refusals(stored, tmp_path, home, capsys):
    target = tmp_path / "out"
    target.mkdir()
    assert cli.main(["submission", str(stored.folder), str(target)]) == 0  # empty is as good as new
    before = sorted(target.rglob("*"))
    assert cli.main(["submission", str(stored.folder), str(target)]) == 2
    assert "not empty: choose a new folder" in capsys.readouterr().err
    assert sorted(target.rglob("*")) == before
    for options in ({"team": "../up"}, {"team": ""}, {"system": "a/b"}, {"system": ".."}):
        with pytest.raises(BadInput, match="use letters, digits"):
            submission(str(stored.folder), tmp_path / "other", **options)
    assert not (tmp_path / "other").exists()


def test_own_recordings_have_no_challenge(tmp_path, home):
    for i in range(4):
        clip(tmp_path / "own", f"press/train/{i}.wav", i)
    stored = experiment.run("trivial", str(tmp_path / "own"), profile="smoke")
    with pytest.raises(BadInput, match="no challenge"):
        submission(str(stored.folder), tmp_path / "out")
