"""What the chapter of AudDSR shows: any subset of its records gives a page that says what is missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bs4 import BeautifulSoup

from asdbook import papers, simulate
from asdbook.errors import BadInput
from asdbook.report import (
    auddsr,
    auddsr_codes,
    auddsr_figures,
    auddsr_printed,
    auddsr_suspects,
    auddsr_why,
    chapter,
    claims,
    front,
    mel_sound,
    printed,
    provenance,
)

MACHINES = ("fan", "valve")
IDS = ("00", "02")


def cells(table):
    page = BeautifulSoup(table.html().replace("<wbr>", ""), "html.parser")
    return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]


@pytest.fixture
def write(commit, make_record):
    """`write(label, seed, gap, **changes)` commits a record of the 2020 form: anomalies score `gap` higher.

    Its clips have official names, half of them of each machine ID, so that their truth is known.
    """

    def one(label, seed, /, gap=1.0, machines=MACHINES, simulated=2.0, **changes):
        system, _, variant = label.partition(":")
        frame = make_record(seed)[1]
        frame = frame[frame["machine"].isin(machines)].reset_index(drop=True)
        rng = np.random.default_rng(1000 * seed + len(variant))
        odd = (frame["label"] == "anomaly").to_numpy()
        frame["score"] = rng.normal(0, 1, len(frame)) + gap * odd
        frame["domain"] = None
        number = frame.groupby(["machine", "split", "label"]).cumcount().to_numpy()
        frame["unit"] = [IDS[k % 2] for k in number]
        names = zip(frame["machine"], frame["split"], frame["label"], frame["unit"], number // 2)
        prefix = {"train": "normal"}
        frame["file"] = [f"{m}/{s}/{prefix.get(s, w)}_id_{u}_{n:08d}.wav" for m, s, w, u, n in names]
        frame["recording"] = frame["file"]
        history = {
            "auddsr/general": [1.0, 0.5] if "ema" in label else [900.0, 0.7],
            "auddsr/general/perplexity coarse": [9.0, 30.0], "auddsr/general/perplexity fine": [9.0, 40.0],
            "auddsr/general/share used coarse": [0.5, 1.0 if "ema" in label else 0.1],
            "auddsr/general/share used fine": [0.5, 1.0 if "ema" in label else 0.25],
        }  # fmt: skip
        arrays = {}
        if system == "auddsr" and variant.rpartition("-")[2] not in ("error", "p95"):
            clean = rng.normal(0, 1, (40, 1))
            for machine in machines:
                found = np.hstack([clean, rng.normal(simulated, 1, (40, 1)), rng.normal(5, 1, (40, 2))])
                arrays[f"responses/{machine}"] = found.astype(np.float16)
                arrays[f"visibility/{machine}"] = np.array([[0.4, 0.1], [0.05, 0.0], [0.5, 0.1]], np.float16)
        restricted = tuple(machines) != MACHINES
        data = {"name": "synthetic-2020", "year": 2020, "machines": list(machines), "restricted": restricted,
                "fingerprint": f"{seed}{len(machines)}".ljust(64, "0")}  # fmt: skip
        config = {"update": "average" if "ema" in label else "gradient", "object_iterations": 300, "iterations": 800}
        fields = {"loss_history": history if system == "auddsr" else {}, "knows": ["machine"], **changes}
        fields["config"] = {**config, **changes.get("overrides", {}), **changes.get("config", {})}
        return commit(label, seed, frame, arrays, data, **fields)

    return one


def shown(profile="smoke", **changes):
    return chapter.Shown(auddsr.asked("synthetic-2020", [110], profile), **changes)


def every_table(page):
    """All tables and figures of the chapter that read records."""
    decided = claims.decide("auddsr", page.runs)
    tables = [
        printed.glance(decided), printed.verdict_table(decided), auddsr.table1(page), auddsr.both_rules(page),
        auddsr_why.table2(page), auddsr.ids(page), auddsr.scores(page), auddsr.faults(page),
        auddsr_codes.codebooks(page), auddsr_codes.simulated(page), auddsr_codes.visible(page),
        auddsr_why.evidence(page), auddsr_why.shapes(page), auddsr_suspects.suspects(page),
        chapter.differences(page, auddsr.SYSTEMS, auddsr.YARDSTICKS),
    ]  # fmt: skip
    return tables, [auddsr_codes.codebooks_figure(page), auddsr_codes.bridge(page, auddsr.EMA), auddsr_why.dots(page)]


def sentences(page):
    return [auddsr.table1_finding(page), auddsr_why.table2_finding(page), auddsr.ids_finding(),
            auddsr.scores_finding(page), auddsr.faults_finding(page), auddsr.against(page, "trivial:mean"),
            auddsr_codes.codebooks_finding(page), auddsr_codes.simulated_finding(page),
            auddsr_codes.visible_finding(page), auddsr_why.evidence_finding(page),
            auddsr_why.shapes_finding()]  # fmt: skip


def test_without_any_record_every_table_and_figure_says_so(write):
    page = shown()
    tables, pictures = every_table(page)
    assert all(table.rows for table in tables)
    assert all("is not run" in picture.alt for picture in pictures)
    assert all("yet" in sentence for sentence in sentences(page))
    assert auddsr_why.training_notes() == [] and auddsr_why.trials(page) == []
    ours = next(line for line in cells(auddsr.table1(page)) if line[0].startswith("ours, auddsr:literal"))
    assert ours[1].startswith("no record yet")


@pytest.mark.parametrize("labels", [
    ["auddsr:literal"], ["auddsr:ema", "trivial:mean"], ["auddsr:ema", "auddsr:literal", "auddsr:annot"],
    ["auddsr:perlin-only", "auddsr:band-only"], ["auddsr:general-error", "auddsr:ema-p95"],
])  # fmt: skip
@pytest.mark.parametrize("seed", [0, 110])
def test_any_subset_of_records_gives_a_page(write, labels, seed):
    for label in labels:
        write(label, seed)
    page = shown()
    tables, pictures = every_table(page)
    assert all(table.html() for table in tables) and all(picture.alt for picture in pictures)
    assert all(sentences(page))


def test_variants_that_read_another_score_are_named_as_the_system_names_them():
    from asdbook import systems

    known = systems.get("auddsr").variants
    for base in (auddsr.LITERAL, auddsr.EMA):
        for score in auddsr.SCORES:
            assert auddsr.variant(base, score).partition(":")[2] in known
    assert set(auddsr_why.CHANGES) <= set(known)
    assert all(label.partition(":")[2] in known for label in (*auddsr.SYSTEMS, auddsr.GENERAL_AUDIO))


def test_table_one_has_the_papers_rows_with_marks_then_ours(write):
    stored = [write("auddsr:literal", seed) for seed in range(5)]
    table = auddsr.table1(shown())
    lines = cells(table)
    assert [line[0].split(" 2020")[0] for line in lines[:10]] == auddsr_printed.rows()
    assert lines[4][1].startswith("84.97 71.45 auddsr-E1")
    assert "auddsr-E2" in lines[6][1] and lines[6][1].startswith("85.20")
    fan = list(table.columns).index("fan")
    assert lines[4][fan] == "73.82 64.98"
    ours = next(line for line in lines if line[0].startswith("ours, auddsr:literal"))
    auc = 100 * np.mean([s.record.metrics["official"]["score"]["value"] for s in stored])
    assert ours[1].startswith(f"{auc:.1f} ")
    pauc = 100 * np.mean([s.record.metrics["official"]["columns"]["pAUC"]["value"] for s in stored])
    assert f" {pauc:.1f} " in ours[1]


def test_both_rules_agree_where_all_types_have_as_many_ids_and_differ_where_not(write):
    stored = write("auddsr:literal", 0)
    assert auddsr.average(stored, "AUC", "over types") == pytest.approx(auddsr.average(stored, "AUC", "over IDs"))
    machines = stored.record.metrics["official"]["machines"]
    first = [cell for cell in machines[0]["cells"] if cell["quantity"] == "AUC"]
    machines[0]["cells"] = first[:1]
    second = [cell["value"] for cell in machines[1]["cells"] if cell["quantity"] == "AUC"]
    assert auddsr.average(stored, "AUC", "over IDs") == pytest.approx(100 * np.mean([first[0]["value"], *second]))
    assert auddsr.average(stored, "AUC", "over types") == pytest.approx(
        50 * (first[0]["value"] + np.mean(second)))


def test_printed_averages_follow_the_rule_that_the_notes_found():
    found = {(row, q): auddsr_printed.follows(row, q) for row in auddsr_printed.rows() for q in ("AUC", "pAUC")}
    assert [key for key, rule in found.items() if rule == "neither"] == [("AudDSR", "pAUC")]
    assert {key[0] for key, rule in found.items() if rule == "over IDs"} == {"GlowAff", "AudDSR_annot"}
    assert auddsr_printed.recomputed("GeCo", "pAUC", "over IDs") == pytest.approx(87.2270, abs=1e-4)
    assert auddsr_printed.ids() == 23
    lines = {line[0]: line for line in cells(auddsr_printed.averages())}
    assert lines["AudDSR"][5:] == ["71.45 auddsr-E1", "71.42", "71.72", "neither"]
    assert "15 of 20" in auddsr_printed.averages_finding()
    alt = auddsr_printed.averages_figure().alt
    assert "GlowAff AUC: over types 84.67, over IDs 85.24, printed 85.20" in alt


def test_two_types_carry_the_printed_gain():
    best, rest = auddsr_printed.carried("AUC")
    assert best == ["ToyCar", "pump"] and rest == pytest.approx(-1.45, abs=1e-9)
    assert "valve -5.36" in auddsr_printed.gains_figure().alt and "-1.45" in auddsr_printed.gains_finding()


def test_one_model_read_by_other_scores_is_compared_with_itself(write):
    for seed in range(5):
        write("auddsr:literal", seed, gap=0.0)
        write("auddsr:general-error", seed, gap=4.0)
    lines = {line[0]: line[1:] for line in cells(auddsr.scores(shown()))}
    error = next(line for what, line in lines.items() if "autoencoder's own error" in what)
    assert float(error[1].split()[0]) > 20 and "detectable" in error[1] and error[2] == "no record yet"
    assert lines["mean of the map"][1] == "–"
    assert "highest by “squared difference of X and X_G" in auddsr.scores_finding(shown())
    found = {one.claim.id: one for one in claims.decide("auddsr")}
    assert found["auddsr-C12"].name == "fails in simulation"


def test_codebooks_are_compared_by_what_they_use(write):
    for seed in range(2):
        write("auddsr:literal", seed)
        write("auddsr:ema", seed)
    assert auddsr_codes.codebooks_finding(shown()) == (
        "`auddsr:literal` ends, on average, with 10 % of the coarse and 25 % of the fine codes in use; "
        "`auddsr:ema` ends, on average, with 100 % of the coarse and 100 % of the fine codes in use")
    lines = cells(auddsr_codes.codebooks(shown()))
    assert lines[0][1].startswith("900 ") and lines[1][1].startswith("1 ") and lines[0][4].startswith("10 10 to 10")
    picture = auddsr_codes.codebooks_figure(shown())
    assert "loss at most 900" in picture.alt
    assert len(picture.figure.axes[0].lines) == 4


def test_simulated_anomalies_are_set_beside_real_ones_and_those_found_in_one_drawing(write):
    stored = write("auddsr:literal", 0, gap=0.0, simulated=4.0)
    probe = auddsr_codes.probes(stored)[0]
    assert probe.machine == "fan" and probe.simulated > 95
    assert 30 < probe.alone < 70  # X_G twice lifts the map of clean clips as well
    lines = cells(auddsr_codes.simulated(shown()))
    assert lines[0][0] == "all types" and float(lines[0][1].split()[0]) > 95
    assert lines[0][4] == "no record yet"
    real = 100 * stored.record.metrics["official"]["score"]["value"]
    assert lines[0][2].startswith(f"{real:.1f}")
    by_machine = {line[0]: line for line in lines}
    assert by_machine["fan"][1] != by_machine["pump"][1] == "no record yet"
    inside = cells(auddsr_codes.visible(shown()))
    assert [line[1].split()[0] for line in inside[:3]] == ["0.400", "0.050", "0.500"]


def test_the_bridge_compares_lifts_in_spreads_of_normal_clips(write):
    page = shown()
    assert auddsr_codes.bridge_finding(page, auddsr.EMA) == "No record yet"
    stored = write("auddsr:ema", 0, gap=0.0, simulated=8.0)
    kinds = auddsr_codes.four_kinds(stored)
    assert list(kinds) == list(dict.fromkeys(p.machine for p in auddsr_codes.probes(stored)))
    held, simulated, normal, anomalous = kinds["fan"]
    assert np.median(simulated) - np.median(held) > 6 and len(normal) == len(anomalous)
    finding = auddsr_codes.bridge_finding(page, auddsr.EMA)
    put, real = (float(part.split()[-1]) for part in finding.split(" times")[:2])
    assert put > 3 and abs(real) < 1
    picture = auddsr_codes.bridge(page, auddsr.EMA)
    assert [axes.get_title() for axes in picture.figure.axes[: len(kinds)]] == list(kinds) and finding in picture.alt


def test_probes_of_several_ids_are_averaged_by_type(write, commit):
    stored = write("auddsr:annot", 110)
    arrays = {}
    for name, shift in (("fan/00", 0.0), ("fan/02", 9.0), ("valve/00", 9.0)):
        low = np.linspace(0, 1, 20)
        arrays[f"responses/{name}"] = np.column_stack([low, low + shift, low, low])
        arrays[f"visibility/{name}"] = np.ones((3, 2))
    again = commit("auddsr:annot", 111, stored.scores(), arrays, {"name": "synthetic-2020", "year": 2020})
    assert auddsr_codes.mean_probe(again, "simulated", "fan") == pytest.approx(75.0)
    assert auddsr_codes.mean_probe(again, "simulated") == pytest.approx(87.5)
    assert auddsr_codes.mean_probe(again, "simulated", "pump") is None


def test_development_runs_on_some_machines_are_compared_there(write):
    write("trivial:mean", 110, gap=1.0)
    base = write("auddsr:literal", 110, gap=0.0)
    write("auddsr:ema", 110, gap=2.0)
    write("auddsr:ema", 110, gap=2.0, machines=("fan",))
    few = write("auddsr:uniform", 110, gap=5.0, machines=("fan",), config={"update": "average"})
    odd = write("auddsr:perlin-only", 110, gap=2.0, machines=("valve",), config={"update": "average"})
    assert auddsr_why.base_of(few) == "auddsr:ema" and auddsr_why.development("auddsr:ema", like=odd) == []
    gap = auddsr_why.between([few], [base])
    aucs = [next(m["score"]["value"] for m in s.record.metrics["official"]["machines"] if m["machine"] == "fan")
            for s in (few, base)]
    assert gap.value == pytest.approx(100 * (aucs[0] - aucs[1]))
    lines = {line[0]: line for line in cells(auddsr_why.evidence(shown()))}
    changed = lines["any code may stand in, not similar ones alone auddsr:uniform"]
    assert changed[1] == "fan" and changed[3].endswith("auddsr:ema") and float(changed[4].split()[0]) > 0
    assert lines["simulated shapes: Perlin noise alone auddsr:perlin-only"][3] == "–"
    assert lines["as the paper has it auddsr:literal"][1] == "all"
    assert auddsr_why.evidence_finding(shown()).startswith("1 of 2 changes beat the trivial detector")
    assert "uniform" in auddsr_why.dots(shown()).alt


def test_training_again_shows_how_far_chance_moves_the_score(write):
    write("trivial:mean", 110, gap=1.0)
    base = write("auddsr:ema", 110, gap=1.0)
    write("auddsr:uniform", 110, gap=3.0, config={"update": "average"})
    assert auddsr_why.luck() == ""
    again = write("auddsr:ema", 110, gap=2.0, seed=111)
    assert auddsr_why.development("auddsr:ema")[0].record.seed == 110
    (trial,) = auddsr_why.retrained()
    assert trial.stored.record.seed == 111 and trial.base[0].record.seed == 110
    gap = auddsr_why.between([again], [base]).value
    finding = auddsr_why.evidence_finding(shown())
    chance = f"Training `auddsr:ema` again with other seeds changes its score by {gap:+.1f} points"
    lowest = "The run that rows are compared with is the lowest of 2"
    assert finding.endswith(f". {chance}. {lowest}. 1 of 1 changes gain more than the largest of these") and gap > 0
    assert auddsr_why.training_notes() == []
    write("auddsr:ema", 110, gap=1.1, overrides={"object_iterations": 600})
    (longer,) = auddsr_why.training_notes()
    assert f"no more than training again with another seed does (up to {gap:+.1f})" in longer and "under" not in longer
    assert ". 1 of 2 changes gain more" in auddsr_why.evidence_finding(shown())
    write("auddsr:ema", 110, gap=0.5, seed=112)  # below the run that rows are compared with
    assert "lowest of" not in auddsr_why.luck() and " and " in auddsr_why.luck()
    assert finding.startswith("1 of 1 changes beat")  # a run with another seed is no change
    names = [line[0] for line in cells(auddsr_why.evidence(shown()))]
    assert names[-2:] == [f"nothing: trained again, seed {seed} auddsr:ema" for seed in (111, 112)]
    assert "trained again, 111" in auddsr_why.dots(shown()).alt


def test_longer_training_is_a_trial_and_a_note(write):
    write("auddsr:literal", 110, gap=0.0)
    for updates in (2400, 600):
        write("auddsr:literal", 110, gap=4.0, overrides={"object_iterations": updates})
    write("auddsr:literal", 110, gap=4.0, overrides={"object_iterations": 900, "unet_width": 2})
    write("auddsr:literal", 110, gap=0.0, overrides={"object_iterations": 150})  # shorter, not longer
    twice, often = auddsr_why.training_notes()
    assert twice.startswith("`auddsr:literal`, second stage, development seed, all machines: Twice the")
    assert "**under" in twice and ": 8 times the training" in often
    trials = [trial for trial in auddsr_why.trials(shown()) if "unet_width" not in trial.label]
    assert "auddsr:literal, object_iterations = 600" in [trial.label for trial in trials]
    assert [trial.what for trial in trials if "600" in trial.label] == ["second stage trained 2 times as long"]
    assert {trial.what for trial in auddsr_why.trials(shown())} > {"settings: object_iterations = 900, unet_width = 2"}


def test_each_shape_alone_is_compared_fault_by_fault(write):
    write("auddsr:perlin-only", 110, gap=0.0)
    write("auddsr:band-only", 110, gap=6.0)
    write("auddsr:literal", 110, gap=3.0)
    lines = cells(auddsr_why.shapes(shown()))
    names = {f"{m}, {f['name']}" for m in MACHINES for f in simulate.describe("synthetic-2020")[m]["faults"]}
    assert {line[0] for line in lines} <= names
    gaps = [float(line[-1]) for line in lines]
    assert gaps == sorted(gaps, reverse=True) and np.mean(gaps) > 10
    assert auddsr_why.shapes_finding().startswith("One development run each, on fan, valve: bands alone score over 5 ")


def test_faults_below_chance_are_named(write):
    for seed in range(3):
        write("auddsr:literal", seed, gap=-3.0)
    low = auddsr.below_chance(shown())
    assert low and low[0].value.value < 20
    said = auddsr.faults_finding(shown())
    assert f"scores {len(low)} of " in said and f"{low[0].machine} {low[0].fault}" in said
    first = cells(auddsr.faults(shown()))[0]
    assert first[0] == f"{low[0].machine}, {low[0].fault}" and first[2] == "no record yet"


def test_level_changes_tell_faults_that_add_from_those_that_take():
    found = auddsr.level_changes("synthetic-2020", 110, ["fan"])
    assert list(found) == [f"fan, {f['name']}" for f in simulate.describe("synthetic-2020")["fan"]["faults"]]
    assert found["fan, clogging"] < 0 < found["fan, rub"]
    aucs = {"s": {name: 30.0 if dB < 0 else 80.0 for name, dB in found.items()}, "none": {}}
    taken = sum(dB < 0 for dB in found.values())
    assert auddsr.taken_said(found, aucs) == (
        f"Mean AUC: `s` 30 % over {taken} faults that take sound away, 80 % over {len(found) - taken} that add some")
    assert auddsr.taken_said(found, {}) == "No record yet"


def test_a_page_that_ran_systems_shows_and_decides_by_its_runs(write):
    write("auddsr:literal", 0, gap=0.0)
    live = {label: [write(label, seed, gap=gap) for seed in range(7, 12)]
            for label, gap in (("auddsr:literal", 4.0), ("trivial:by-machine", 0.0))}
    page = shown("quick", live=live)
    assert page.row("auddsr:literal").origin == "ran here" and page.year == 2020
    found = {one.claim.id: one for one in claims.decide("auddsr", page.runs)}
    assert found["auddsr-C1"].name == "holds in simulation" and found["auddsr-C3"].name == "not run"
    assert auddsr_why.runs(page, "auddsr:ema") == []


def test_the_small_run_is_two_machines_of_built_in_data():
    small = auddsr.asked("synthetic-2020", [3, 4], "smoke")
    assert small.labels == list(auddsr.LIVE)
    assert small.options() == [{"data_seed": 3, "seed": 3, "profile": "quick", "machines": ("fan", "valve"),
                                "overrides": dict(auddsr.LIVE_SETTINGS)}]
    assert "machines" not in auddsr.asked("/data/mine", [3], "smoke").options()[0]


def test_what_ids_give_is_paired_on_one_machine_type(write, monkeypatch):
    monkeypatch.setattr(auddsr, "ID_MACHINES", ("fan",))
    for seed in range(3):
        write("trivial:mean", seed)
        write("auddsr:ema", seed, gap=0.0, machines=("fan",))
        write("auddsr:annot", seed, gap=4.0, machines=("fan",))
    write("auddsr:ema", 0, gap=0.0)
    write("auddsr:per-id", 0, gap=0.0)  # its autoencoder heard other machines too
    assert [s.record.data.machines for s in auddsr.id_runs("auddsr:ema")] == [["fan"]] * 3
    gap = auddsr.id_gap("auddsr:annot", "auddsr:ema")
    assert gap.value > 10 and len(gap.points) == 3 and auddsr.id_gap("auddsr:per-id", "auddsr:ema") is None
    lines = cells(auddsr.ids(shown()))
    assert lines[1][1] == "no record yet" and float(lines[2][3].split()[0]) > 10
    assert "`auddsr:annot` beats `auddsr:ema`" in auddsr.ids_finding()


def test_models_of_one_id_are_asked_whether_they_know_the_other_ids(write, commit, monkeypatch):
    monkeypatch.setattr(auddsr, "ID_MACHINES", ("fan",))
    stored = write("auddsr:annot", 0, machines=("fan",))
    assert auddsr.ids_apart(stored) is None and "tells" not in auddsr.ids_finding()
    own = np.linspace(0, 1, 21)
    arrays = {}
    for name, strangers in (("fan/00", own + 5), ("fan/02", own)):  # all above; the same
        arrays |= {f"responses/{name}": np.column_stack([own] * 4), f"other IDs/{name}": strangers,
                   f"visibility/{name}": np.ones((3, 2))}  # fmt: skip
    data = {"name": "synthetic-2020", "year": 2020, "machines": ["fan"], "restricted": True}
    again = commit("auddsr:annot", 1, stored.scores(), arrays, data)
    assert auddsr.ids_apart(again) == pytest.approx(75.0)
    assert auddsr.ids_finding().endswith("tells normal clips of other IDs from those of its own with an AUC of 75 %")
    assert "`auddsr:annot` tells" in auddsr.ids_finding()
    assert [line[-1] for line in cells(auddsr.ids(shown()))] == ["–", "no record yet", "75.0", "–", "–"]


def test_table_two_compares_the_same_machines(write):
    write("auddsr:ema", 110, gap=4.0)
    few = write("auddsr:general-audio", 110, gap=2.0, machines=("fan",), config={"update": "average"})
    assert auddsr_why.table2_finding(shown()).endswith("have no run on the same data and seeds yet")
    write("auddsr:ema", 110, gap=2.0, machines=("fan",))
    lines = cells(auddsr_why.table2(shown()))
    assert lines[0][2:4] == ["84.97", "71.45 auddsr-E1"] and lines[1][2:4] == ["84.86", "71.61"]
    assert lines[1][4] == f"{100 * few.record.metrics['official']['score']['value']:.1f}"
    for seed in range(5):  # verdict seeds go before the development seed
        write("auddsr:ema", seed, gap=1.0)
        write("auddsr:general-audio", seed, gap=4.0, config={"update": "average"})
    assert "`auddsr:general-audio` beats `auddsr:ema`" in auddsr_why.table2_finding(shown())
    assert float(cells(auddsr_why.table2(shown()))[1][4].split()[0]) > float(lines[1][4])


def test_suspects_have_names_as_code_and_no_marks(write):
    for label in ("auddsr:ema", "auddsr:batchnorm"):
        write(label, 110, gap=4.0 if label.endswith("norm") else 0.0, config={"update": "average"})
    table = auddsr_suspects.suspects(shown())
    assert "`" not in table.html() and "*" not in table.html() and "<code>auddsr:ema</code>" in table.html()
    lines = {line[0]: line[1] for line in cells(table)}
    assert lines["instance normalisation cannot hear level"].startswith(
        "One development run each, on fan, valve: auddsr:batchnorm minus auddsr:ema +")
    assert "over clips)" in lines["instance normalisation cannot hear level"]
    assert lines["the wrong shapes"].endswith("have no run on the same data and seeds yet")


def test_the_front_page_shows_the_literal_variant(write):
    for seed in range(3):
        write("auddsr:ema", seed)
    write("auddsr:literal", 0)
    entry = next(one for one in front.shelf() if one.key == "auddsr")
    assert [s.record.label for s in entry.records] == ["auddsr:literal"]
    assert "auddsr.html" in front.table([entry]).html()


def test_verdicts_are_linked_and_the_cited_works_exist(write, monkeypatch):
    page = BeautifulSoup(printed.glance(claims.decide("auddsr")).html(), "html.parser")
    assert [tag["href"] for tag in page.select("tbody a")] == [f"claims.html#auddsr-C{k}" for k in range(1, 14)]
    monkeypatch.setenv("ASDBOOK_BOOK", str(Path(__file__).parents[2]))
    text = provenance.citation("zavrtanik2024auddsr", "razavi2019vqvae2", "zavrtanik2022dsr").text
    assert text.count("@") == 4
    assert len(papers.all_errata("auddsr")) >= 8


def test_drawings_say_what_they_draw():
    assert "bright exactly there" in auddsr_figures.idea().alt
    assert auddsr_figures.parts(128, 320)["q1"].text.endswith("16 × 40")
    assert "128 × 320" in auddsr_figures.blocks(128, 320).alt
    mask = np.zeros((8, 16), bool)
    mask[:4, :8] = True
    grids = [{"coarse cells": mask[::8, ::8], "fine cells": mask[::4, ::4]}]
    picture = auddsr_figures.masks({"band": mask}, grids)
    assert [axes.get_title() for axes in picture.figure.axes] == ["map M", "coarse cells", "fine cells"]
    assert "band: 25% of the image, 50% of the coarse cells, 25% of the fine cells" in picture.alt
    steps = auddsr_figures.Steps([1.0, 1e5], [9.0, 1.0])
    picture = auddsr_figures.cold_start({"N = 0": steps}, 8)
    assert "largest number at most 1e+05, perplexity at the end 1.0" in picture.alt
    image = np.random.default_rng(0).normal(size=(8, 16))
    picture = auddsr_figures.images({"X": image, "X_G": image}, {"map": np.full((8, 16), 0.25)})
    assert "map, mean 0.25" in picture.alt
    found = auddsr_figures.fault_scatter({"fan, a": -2.0, "fan, b": 3.0}, {"s": {"fan, a": 30.0, "fan, b": 80.0}})
    assert "mean AUC 55 % over 2 faults, 30 % over the 1 that take sound away" in found.alt


def test_sound_of_an_image_has_its_level_and_its_spectrum():
    from asdbook import features

    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    time = np.arange(32_000) / 16_000
    wave = 0.2 * np.sin(2 * np.pi * 440 * time) + 0.02 * rng.normal(size=len(time))
    log_mel = features.LogMel(bands=128)
    levels = log_mel(torch.from_numpy(wave).float()[None])[0].T.numpy().astype(float)
    made = mel_sound.wave(levels)
    assert mel_sound.misfit(made, levels) < 1.5 < 3.0 < mel_sound.misfit(0.5 * made, levels)
    assert len(made) == (levels.shape[1] - 1) * mel_sound.HOP
    assert abs(10 * np.log10(np.mean(made**2) / np.mean(wave**2))) < 0.5
    again = log_mel(torch.from_numpy(made).float()[None])[0].T.numpy()
    inner = slice(2, again.shape[1] - 2)
    assert np.sqrt(np.mean((again - levels[:, : again.shape[1]])[:, inner] ** 2)) < 1.5
    assert (mel_sound.wave(levels) == made).all() and (mel_sound.wave(levels, seed=1) != made).any()


def test_an_image_with_holes_is_refused():
    with pytest.raises(BadInput, match="finite"):
        mel_sound.power(np.array([[np.nan, 0.0]]))


def test_a_collapsed_codebook_is_named_with_its_seed(monkeypatch):
    said = ["auddsr/general: the coarse codebook collapsed (perplexity 1.00 of 256 codes)", "auddsr/general: 26% used"]
    stored = SimpleNamespace(record=SimpleNamespace(notes=said, data=SimpleNamespace(seed=4)))
    monkeypatch.setattr(auddsr_codes, "runs", lambda _, label: [stored] if label == auddsr.LITERAL else [])
    (note,) = auddsr_codes.collapsed(None)
    assert note.startswith("`auddsr:literal`, data seed 4: the coarse codebook collapsed (perplexity 1.00")
