"""What the chapter of SSDM shows: any subset of its records gives a page that says what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bs4 import BeautifulSoup

from asdbook import papers
from asdbook.report import chapter, claims, embeddings, front, printed, ssdm, ssdm_figures, ssdm_why

MACHINES = ("slider", "valve")
SIZE = 24


def cells(table):
    page = BeautifulSoup(table.html().replace("<wbr>", ""), "html.parser")
    return [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]


@pytest.fixture
def write(commit, make_record):
    """`write(label, seed, gap, **changes)` commits a record: anomalies score `gap` higher, and lie `gap` aside."""

    def one(label, seed, gap=1.0, off=(), **changes):
        system, _, variant = label.partition(":")
        frame = make_record(seed)[1].replace({"fan": "slider"})
        rng = np.random.default_rng(1000 * seed + len(variant))
        odd = (frame["label"] == "anomaly").to_numpy(float)
        frame["score"] = np.exp(rng.normal(0, 1, len(frame)) + gap * odd)
        data = {"premise_off": list(off), "machines": list(MACHINES), "fingerprint": f"{seed}{len(off)}".ljust(64, "0")}
        history = {"ssdm/network": [3.0, 2.0], "ssdm/diffusion/slider": [1.0, 0.25 if variant != "unit" else 0.05]}
        config = {"start": changes.get("overrides", {}).get("start", 200)}
        own = ((frame["machine"] == "slider") & (frame["split"] == "test")).to_numpy()
        place = np.array([1, 0, 0, 0])
        vectors = rng.normal(0, 0.3, (own.sum(), 4)) + place + np.outer(odd[own], [0, 0, gap, 0])
        arrays = {"train": rng.normal(0, 0.3, (30, 4)) + place, "test": vectors}
        if variant not in ("ss-knn", "no-gate-knn"):
            unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            arrays |= {"z0": unit, "rebuilt": unit + rng.normal(0, 0.1, unit.shape)}
        fields = {"loss_history": history, "config": config, "knows": ["machine"], **changes}
        return commit(label, seed, frame, arrays if system == "ssdm" else {}, data, **fields)

    return one


def shown(profile="smoke", **changes):
    return chapter.Shown(ssdm.asked("synthetic-2023", [110], profile), **changes)


def every_table(page):
    """All tables and figures of the chapter that read records."""
    decided = claims.decide("ssdm", page.runs)
    tables = [
        printed.glance(decided), printed.verdict_table(decided), ssdm.table1(page), ssdm.table2(page),
        ssdm.pattern(page), ssdm.mechanisms(page), ssdm_why.evidence(page), ssdm_why.readings(page),
        ssdm_why.detectors(page), ssdm_why.scalings(page, {"unit": 0.03}),
        chapter.differences(page, ssdm.SYSTEMS, ssdm.YARDSTICKS),
        chapter.knowledge(page, ssdm.SYSTEMS, {"ssdm": ["machine"]}),
    ]  # fmt: skip
    panels = ssdm.densities(ssdm.density_runs(page))
    pictures = [ssdm.gate_maps(ssdm.gate_pair(page)), ssdm.density_figure(panels), ssdm_why.start_sweep(page)]
    return tables, pictures


def test_without_any_record_every_table_and_figure_says_so(write):
    page = shown()
    tables, pictures = every_table(page)
    assert all(table.rows for table in tables)
    assert all("is not run" in picture.alt for picture in pictures)
    assert cells(tables[2])[-1] == ["ours, autoencoder:mahalanobis synthetic-2023 · quick", "no record yet", *["–"] * 7]
    said = [ssdm.table1_finding(page), ssdm.pattern_finding(page), ssdm.gate_finding([]), ssdm.density_finding([]),
            ssdm.against(page, "trivial:mean"), ssdm.table2_finding(page), ssdm.mechanisms_finding(page),
            ssdm_why.detectors_finding(page), ssdm_why.evidence_finding(page), ssdm_why.scaling_finding(page, {}),
            ssdm_why.start_finding(page), ssdm_why.agreement(page, claims.decide("ssdm"))]  # fmt: skip
    assert all("yet" in sentence for sentence in said)
    assert ssdm_why.trials() == 0


@pytest.mark.parametrize("labels", [
    ["ssdm:literal"], ["ssdm:ss-knn", "trivial:mean"], ["ssdm:literal", "ssdm:dm"], ["ssdm:no-gate-knn", "ssdm:ss-knn"],
])  # fmt: skip
@pytest.mark.parametrize("seed", [0, 110])
def test_any_subset_of_records_gives_a_page(write, labels, seed):
    for label in labels:
        write(label, seed)
    tables, pictures = every_table(shown())
    assert all(table.html() for table in tables) and all(picture.alt for picture in pictures)


def test_table_one_has_the_papers_rows_with_marks_then_ours(write):
    stored = [write("ssdm:literal", seed) for seed in range(5)]
    lines = cells(ssdm.table1(shown()))
    assert [line[0].split(" 2023")[0] for line in lines[:6]] == list(papers.table("ssdm_table1")["row"].unique())
    assert lines[5][1:] == ["68.09", "56.26", "57.75", "65.84", "67.77", "72.09", "89.55", "78.55"]
    assert lines[1][1] == "62.00 ssdm-E1" and lines[0][4] == "60.02 ssdm-E4"
    ours = next(line for line in lines if "ssdm:literal" in line[0])
    score = 100 * np.mean([s.record.metrics["official"]["score"]["value"] for s in stored])
    assert ours[1].startswith(f"{score:.1f} ") and ours[2] == "–"  # no ToyCar in these records
    slider = [row["score"]["value"] for s in stored for row in s.record.metrics["official"]["machines"]
              if row["machine"] == "slider"]
    assert ours[7].startswith(f"{100 * np.mean(slider):.1f} ")


def test_gains_are_taken_within_each_data_set_and_marked(write):
    lines = cells(ssdm.pattern(shown()))
    assert [line[1].split()[0] for line in lines] == ["2.22", "11.98", "2.32", "4.54", "1.21", "10.41"]
    assert all(line[2] == "no record yet" for line in lines)
    assert "ssdm-E4" in lines[-1][1]  # a cell of the row that the average stands on
    for seed in range(5):
        write("ssdm:literal", seed, gap=0.2)
        write("ssdm:ss-knn", seed, gap=2.5)
    first = cells(ssdm.pattern(shown()))[0]
    assert float(first[2].split()[0]) < 0 and "detectable" in first[2]
    assert ssdm.pattern_finding(shown()).startswith("0 of 1 gains")
    assert "scores *below*" in chapter.said(
        chapter.verdicts.between(*(shown().group(label) for label in (ssdm.LITERAL, ssdm.KNN))), "a", "b")


def test_both_panels_of_figure_two_show_the_same_clips(write):
    for seed in (1, 2):
        write("ssdm:ss-knn", seed, gap=3.0)
    write("ssdm:no-gate-knn", 2, gap=0.0)
    assert ssdm.mechanisms_finding(shown()).startswith("C7: not run on enough data yet; C8: not run")
    pair = ssdm.gate_pair(shown())
    assert [(s.record.label, s.record.seed) for s in pair] == [("ssdm:no-gate-knn", 2), ("ssdm:ss-knn", 2)]
    aucs = [embeddings.neighbour_auc(embeddings.of(stored)) for stored in pair]
    assert f"from {aucs[0]:.0f} to {aucs[1]:.0f} %" in ssdm.gate_finding(pair)
    assert "data seed 2" in ssdm.gate_finding(pair)


def test_figure_three_has_the_panels_that_there_are_runs_for(write):
    write("ssdm:literal", 110, gap=2.0)
    titles = [panel.title for panel in ssdm.densities(ssdm.density_runs(shown()))]
    assert titles == ["(b) embeddings", "(c) rebuilt embeddings", "(c) error"]
    write("ssdm:dm", 110, gap=2.0)
    panels = ssdm.densities(ssdm.density_runs(shown()))
    assert [panel.title for panel in panels] == ["(a) mean spectra", "(a) as in (b)", *titles]
    assert panels[0].either and panels[2].unit == panels[3].unit != panels[1].unit
    own = embeddings.of(ssdm.density_runs(shown())[ssdm.DM])
    assert panels[1].auc == embeddings.neighbour_auc(own)
    assert f"{panels[0].said}: {panels[0].auc:.0f} %; (a) as in (b): " in ssdm.density_finding(panels)
    figure = ssdm.density_figure(panels)
    axes = figure.figure.axes
    assert axes[2].get_xlim() == axes[3].get_xlim() != axes[4].get_xlim()
    turned = replace(panels[0], values=-panels[0].values)
    assert {one.said.endswith("lower values anomalous") for one in (panels[0], turned)} == {True, False}
    assert turned.auc == pytest.approx(panels[0].auc)


def test_the_sweep_knows_its_guides_and_only_starts(write):
    for start in (10, 50):
        write("ssdm:literal", 110, overrides={"start": start})
    write("ssdm:literal", 110)
    write("ssdm:literal", 110, overrides={"epochs": 40})
    write("ssdm:literal", 110, off=["attributes"])
    write("ssdm:ss-knn", 110, gap=3.0)
    assert sorted(ssdm_why.starts(shown())) == [10, 50, 200]
    picture = ssdm_why.start_sweep(shown())
    assert "nearest neighbours" in picture.alt and "norm of z alone" in picture.alt
    scores = {t: 100 * s.record.metrics["official"]["score"]["value"] for t, s in ssdm_why.starts(shown()).items()}
    said = ssdm_why.start_finding(shown())
    assert "the literal 200 scores" in said
    assert said.endswith(f"the ends: {scores[10]:.1f} % at 10, {scores[200]:.1f} % at 200")


def test_readings_are_counted_against_the_verdict(write):
    write("ssdm:ss-knn", 110, gap=1.0)
    for variant, gap in (("literal", 0.0), ("onestep", 3.0), ("nonoise", 0.1)):
        write(f"ssdm:{variant}", 110, gap=gap)
    assert ssdm_why.agreement(shown(), claims.decide("ssdm")) == (
        "2 of 3 readings point where the literal one points (C6 is not run)")
    for seed in range(5):
        write("ssdm:ss-knn", seed, gap=0.0)
        write("ssdm:literal", seed, gap=4.0)
    found = ssdm_why.agreement(shown(), claims.decide("ssdm"))
    assert found == "1 of 3 readings agree with the verdict on C6 (holds in simulation)"


@pytest.mark.parametrize("knn, dm, said", [(0.0, 0.0, "more than either"), (4.0, 0.0, "less than one"),
                                           (4.0, 4.0, "less than either")])  # fmt: skip
def test_the_whole_is_set_between_its_halves(write, knn, dm, said):
    write("ssdm:literal", 0, gap=2.0)
    write("ssdm:ss-knn", 0, gap=knn)
    write("ssdm:dm", 0, gap=dm)
    assert ssdm.table2_finding(shown()) == f"Ours: the whole scores {said} half"


def test_detectors_are_set_beside_the_trivial_one(write):
    write("trivial:mean", 110, gap=1.5)
    write("ssdm:literal", 110, gap=0.0)
    write("ssdm:ss-kmeans", 110, gap=4.0)
    said = ssdm_why.detectors_finding(shown())
    assert "`ss-kmeans` scores highest" in said and "1 of 2 score more" in said


def test_the_lowest_loss_is_set_beside_its_score(write):
    write("ssdm:unit", 110, gap=0.0)
    write("ssdm:literal", 110, gap=3.0)
    lines = cells(ssdm_why.scalings(shown(), {"unit": 0.031}))
    assert lines[0][1:3] == ["0.050", "0.031"] and lines[2][1:3] == ["0.250", "–"] and lines[1][1] == "not run yet"
    assert ssdm_why.scaling_finding(shown(), {"unit": 0.08}).startswith("Lowest loss: `unit` (0.050, 0.030 below its")
    assert ssdm_why.scaling_finding(shown(), {}).startswith("Lowest loss: `unit` (0.050), score")


def test_evidence_names_what_lifts_the_score_and_what_stands_apart(write):
    write("ssdm:literal", 110, gap=0.0)
    write("trivial:mean", 110, gap=1.0)
    write("ssdm:draws-8", 110, gap=0.0)
    knn_run = write("ssdm:ss-knn", 110, gap=6.0)
    assert ssdm_why.premise_finding(shown()) == "not run yet"
    shuffled = write("ssdm:ss-knn", 110, gap=0.5, off=["attributes"])
    lines = {line[0]: line[1:] for line in cells(ssdm_why.evidence(shown()))}
    knn = lines["another detector: nearest neighbour ssdm:ss-knn"]
    assert all(float(cell.split()[0]) > 0 for cell in knn[1:])
    assert lines["same sound, shuffled: attributes ssdm:ss-knn"][1:] == ["–", "–"]
    plain, off = (100 * s.record.metrics["official"]["score"]["value"] for s in (knn_run, shuffled))
    assert ssdm_why.premise_finding(shown()) == f"`ssdm:ss-knn` goes from {plain:.1f} to {off:.1f} %"
    assert "no gates ssdm:no-gate" not in lines
    assert "`no gates`" in ssdm_why.evidence(shown()).notes[-1]
    said = ssdm_why.evidence_finding(shown())
    assert "1 of 2 changes lift" in said and "nearest neighbour" in said and "1 of 2 then beat" in said
    assert ssdm_why.trials() == 4
    write("ssdm:literal", 0, started="2026-02-03T05:00:00+00:00")
    write("ssdm:unit", 110, started="2026-02-03T06:00:00+00:00")
    assert ssdm_why.trials() == 5


def test_a_page_that_ran_systems_shows_and_decides_by_its_runs(write):
    write("ssdm:literal", 0, gap=0.0)
    live = {label: [write(label, seed, gap=gap) for seed in range(7, 12)]
            for label, gap in (("ssdm:literal", 4.0), ("ssdm:ss-knn", 0.0))}
    page = shown("quick", live=live)
    assert page.row("ssdm:literal").origin == "ran here" and page.data == "synthetic-2023"
    assert page.machines == list(MACHINES)
    found = {one.claim.id: one for one in claims.decide("ssdm", page.runs)}
    assert found["ssdm-C6"].name == "holds in simulation" and found["ssdm-C4"].name == "not run"
    assert {o["seed"] for o in page.asked.options()} == {110} and "machines" not in page.asked.options()[0]


def test_the_small_run_is_one_machine_of_built_in_data():
    small = ssdm.asked("synthetic-2023", [3, 4], "smoke")
    assert small.labels == list(ssdm.LIVE)
    assert small.options() == [{"data_seed": 3, "seed": 3, "profile": "quick", "machines": ("slider",),
                                "overrides": dict(ssdm.LIVE_SETTINGS)}]
    assert "machines" not in ssdm.asked("/data/mine", [3], "smoke").options()[0]
    columns = {column: {"epochs": k} for k, column in enumerate(("live", "records", "paper"), 1)}
    table = chapter.sizes(small, columns, {"epochs": "epochs"})
    rows = {line[0]: line[1:] for line in cells(table)}
    assert rows["machines"] == ["1", "7", "7"] and rows["epochs"] == ["1", "2", "3"]
    assert rows["training clips a machine"] == ["200", "200", "1000"]


def test_updates_of_the_denoiser_are_counted():
    asked = ssdm.asked("synthetic-2023", [3], "smoke")
    one = {"held_out": 0.1, "diffusion_batch_size": 128, "diffusion_epochs": 500}
    settings = {"live": {**one, "diffusion_epochs": 60}, "records": one, "paper": one}
    assert ssdm.updates(asked, settings) == {"live": "120", "records": "1000", "paper": "4000"}
    assert not ssdm.updates(ssdm.asked("/data/mine", [3], "smoke"), settings)["live"].isdigit()


def test_a_variant_uses_what_its_settings_need():
    plain = {"inputs": "embedding", "detector": "diffusion", "target_share": 0.0}
    told = {name: ssdm.used({**plain, **changed}) for name, changed in {
        "literal": {}, "dm": {"inputs": "logmel"}, "balanced": {"target_share": 0.2}, "knn": {"detector": "knn"},
        "two": {"detector": "two_banks"}, "density": {"detector": "local_density", "target_share": 0.2}}.items()}
    assert told["dm"] == ["machine"] and "attributes" in told["literal"]
    assert [name for name, facts in told.items() if "domain" in facts] == ["balanced", "two"]
    table = chapter.knowledge(shown(), ["ssdm:literal", "ssdm:dm"], {f"ssdm:{k}": v for k, v in told.items()})
    assert cells(table)[1] == ["ssdm:dm", "yes", "no", "no", "no"]


def test_twice_the_epochs_are_noted_by_system(write):
    write("ssdm:literal", 110, config={"epochs": 20})
    assert ssdm_why.training_notes(shown(), ssdm.SYSTEMS) == []
    write("ssdm:literal", 110, gap=4.0, config={"epochs": 40}, overrides={"epochs": 40})
    (note,) = ssdm_why.training_notes(shown(), ssdm.SYSTEMS)
    assert note.startswith("`ssdm:literal`, development seed: Twice the training changes") and "**under" in note
    assert ssdm_why.training_notes(shown(live={"ssdm:literal": []}), ssdm.SYSTEMS) == []


def test_verdicts_say_whose_record_is_missing_and_who_is_not_built(write):
    for seed in range(2):
        write("ssdm:literal", seed)
        write("autoencoder:mahalanobis", seed)
    numbers = {line[0].split()[0]: line[2] for line in cells(printed.verdict_table(claims.decide("ssdm")))}
    assert numbers["C3"].startswith("no record of ssdm:featex-knn, ssdm:no-gate-knn yet")
    assert numbers["C3"].endswith("not built here: MobileNetV2, Han et al.")
    assert numbers["C4"] == "no record of ssdm:ss-knn, ssdm:dm yet"
    assert numbers["C5"] == "nothing was run for this claim"
    for seed in range(5):
        write("ssdm:literal", seed, gap=0.0)
        write("ssdm:no-gate-knn", seed, gap=4.0)
        write("autoencoder:mahalanobis", seed)
    found = {one.claim.id: one for one in claims.decide("ssdm")}["ssdm-C3"]
    assert found.name == "fails in simulation" and found.missing == ("ssdm:featex-knn",)
    (last,) = [row[2].text for row in printed.verdict_table([found]).rows]
    assert "no record of ssdm:featex-knn yet" in last and "no-gate-knn: -" in last


def test_verdicts_are_linked_to_their_claims(write):
    decided = claims.decide("ssdm")
    page = BeautifulSoup(printed.glance(decided).html(), "html.parser")
    assert [tag["href"] for tag in page.select("tbody a")] == [f"claims.html#ssdm-C{k}" for k in range(1, 11)]
    lines = cells(printed.verdict_table(decided))
    assert "printed 6.09: differs" in lines[1][2] and "(primary)" in lines[5][0]
    assert lines[0][2] == "nothing was run for this claim"
    assert printed.counted(decided).startswith("8 × not run")


def test_what_diffusion_rebuilt_is_compared_with_what_it_was_given(write):
    group = [write("ssdm:literal", seed, gap=2.0) for seed in range(5)]
    vectors = [embeddings.of(stored) for stored in group]
    gaps = [ssdm.rebuilt_auc(v) - embeddings.neighbour_auc(v) for v in vectors]
    lines = cells(ssdm.mechanisms(shown()))
    line = lines[2]
    assert line[0] == "AUC of nearest neighbours: rebuilt, against z"
    assert line[2].startswith(f"{round(np.mean(gaps), 1) + 0.0:.1f} ")
    assert f"rebuilt (%): {np.mean([ssdm.rebuilt_auc(v) for v in vectors]):.1f} " in line[1]
    moved = [np.mean([(embeddings.nearest(v.rebuilt, v.train) - embeddings.nearest(v.test, v.train))[v.label == label]
                      .mean() for v in vectors]) for label in (0, 1)]
    assert [row[2].split()[0] for row in lines[3:5]] == [f"{round(gap, 3) + 0.0:.3f}" for gap in moved]
    assert lines[3][0].endswith("normal clips") and lines[4][0].endswith("anomalies")
    said = f"changes the distance by {moved[0]:+.3f} (normal clips) and {moved[1]:+.3f} (anomalies)"
    assert said in ssdm.mechanisms_finding(shown())


def test_the_front_page_shows_the_variant_that_the_primary_claim_is_about(write):
    for seed in range(3):
        write("ssdm:ss-knn", seed)
    assert {s.record.variant for s in front.shelf()[0].records} == {"ss-knn"}
    write("ssdm:literal", 0)
    assert [s.record.label for s in front.shelf()[0].records] == ["ssdm:literal"]
    assert "ssdm.html" in front.table(front.shelf()[:1]).html()


def test_the_drawing_says_what_it_draws():
    picture = ssdm_figures.idea()
    assert "arc" in picture.alt and "the anomalous one" in picture.alt
    near, far = (float(word.rstrip(".")) for word in picture.alt.split() if word.rstrip(".").replace(".", "").isdigit()
                 and "." in word.rstrip("."))
    assert far > 2 * near


def test_lines_of_one_table_stand_on_the_same_seeds(write):
    """A development record shows while there is nothing else, and not beside verdict seeds."""
    write("ssdm:featex-knn", 110)
    assert [one.record.seed for one in shown().group("ssdm:featex-knn")] == [110]
    write("ssdm:literal", 0)
    assert shown().group("ssdm:featex-knn") == []
    write("ssdm:featex-knn", 0)
    assert [one.record.seed for one in shown().group("ssdm:featex-knn")] == [0]
