"""What the pages of the task, the errata and the claims show: sets, anchors, counts, frames, a citation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup

from asdbook import papers, simulate
from asdbook.errors import UnknownName
from asdbook.publish.check_notebook import MAX_CELL_LINES
from asdbook.report import chapter, claims, figures, listening, printed, provenance, sets, show, spectrograms, yardstick

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "book").glob("*.py"))


def soup(shown):
    return BeautifulSoup(shown.html().replace("<wbr>", ""), "html.parser")


def lines(table):
    return {row.th.get_text(" ", strip=True): [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
            for row in soup(table).select("tbody tr")}


def test_every_set_is_in_the_table_of_sets():
    table = sets.overview()
    assert list(table.columns)[1:] == list(simulate.PRESETS)
    found = lines(table)
    for k, (name, preset) in enumerate(simulate.PRESETS.items()):
        facts = simulate.describe(name)
        assert found["rules of"][k] == str(preset.year)
        tested = [m for m, f in facts.items() if not f["train_only"]]
        assert found["machines with test clips"][k] == f"{len(tested)}: {', '.join(tested)}"
        for profile in simulate.SIZES:
            spec = simulate.Spec(preset=name, profile=profile)
            counts = {sum(spec.cell("train", p) for p in spec.parts(m)) for m in facts}
            assert found[f"clips, {profile}"][k].startswith(str(min(counts)))
    assert found["additional machines, training clips only"][:2] == ["none", "none"]
    assert "AirCompressor" in found["additional machines, training clips only"][2]


def test_additional_machines_have_training_clips_alone():
    train, test = sets.clips_of("synthetic-2024", "AirCompressor", "quick")
    assert train > 0 and test == 0
    assert sets.clips_of("synthetic-2023", "fan", "quick") == (200, 200)
    assert lines(sets.machines("synthetic-2024"))["AirCompressor"][-1] == "training only"


def test_ids_with_the_same_settings_share_a_line():
    settings = lines(sets.machines("synthetic-2020"))["fan"][1]
    assert settings.startswith("00, 02, 04, 06: ") and settings.count(":") == 1
    assert sets.few(["a", "b", "c", "d"]) == "a, b and 2 more" and sets.few(["a"]) == "a"


def test_every_premise_has_words():
    names = {premise for preset in simulate.PRESETS.values() for premise in preset.premises}
    assert names <= set(sets.PREMISES) and {"ids", "text"} <= names
    table = sets.premises()
    assert {row[0] for row in table.rows} == names
    ids = next(row for row in table.rows if row[0] == "ids")
    assert dict(zip(list(table.columns)[2:], ids[2:])) == {
        name: "yes" if "ids" in preset.premises else "no" for name, preset in simulate.PRESETS.items()}


def test_every_erratum_has_one_place_and_its_recomputations_stand_below():
    for paper in papers.PAPERS:
        found = papers.all_errata(paper)
        places = [tag["id"] for tag in soup(printed.errata(found)).select("[id]")]
        assert places == [e.id for e in found]
        proofs = soup(printed.proofs(found)).select("tbody tr")
        shown = [row.a["href"].removeprefix("#") for row in proofs if row.a]
        assert shown == [e.id for e in found for _ in e.checks]
        for e, cell in zip(found, soup(printed.errata(found)).select("tbody tr")):
            said = cell.find_all("td")[-1].get_text()
            assert said == ("no number in it to recompute" if not e.checks else
                            f"{len(e.checks)} check{'s' if len(e.checks) > 1 else ''} below")


def test_recomputed_errata_are_counted():
    found = papers.recomputed()
    assert found["entries"] + found["wording"] == len(papers.all_errata())
    assert found["proven"] == sum(len(papers.all_errata(kind=k)) for k in ("number", "statement", "conflict"))
    assert all(e.checks for k in ("number", "statement", "conflict") for e in papers.all_errata(kind=k))
    assert found["checks"] == papers.counts().loc["all", "recomputations"] == sum(
        len(e.checks) for e in papers.all_errata())


def test_captions_count_what_their_tables_show(book):
    decided = claims.decide("oevae")
    assert printed.claims_said("OEVAE", decided).startswith(f"OEVAE: {len(decided)} claims, ")
    numbers = [int(n) for n in re.findall(r"(\d+) ×", printed.claims_said("OEVAE", decided))]
    assert sum(numbers) == len(decided)
    found = papers.all_errata("ssdm")
    assert printed.errata_said("SSDM", found) == "SSDM: 9 errata, 1 note"
    said = printed.proofs_said("SSDM", found)
    assert said.startswith("SSDM: 13 recomputations: ")
    assert sum(int(n) for n in re.findall(r"(\d+) ×", said)) == 13
    rows = soup(printed.claim_checks(decided)).select("tbody tr")
    assert printed.checks_said("OEVAE", decided).startswith(f"OEVAE: {len(rows)} recomputation")


def test_the_yardsticks_claims_have_places_that_the_chapter_links_to(book):
    found = yardstick.decide(chapter.Shown(yardstick.asked("synthetic-2023", [110])))
    places = [tag["id"] for tag in soup(printed.own_claims(found)).select("[id]")]
    assert places == [f"baseline-{key}" for key in ("B1", "B2", "B3", "B4", "B5", "B6")]
    from asdbook.report import verdicts

    linked = [tag["href"].removeprefix("claims.html#") for tag in soup(verdicts.glance(found)).select("a")]
    assert linked == places


def test_a_region_that_is_nearly_everything_is_not_framed():
    boxes = [[0.0, 4.0, 0.0, 8000.0], [1.0, 1.02, 0.0, 8000.0], [0.0, 4.0, 400.0, 600.0]]
    assert spectrograms.telling(boxes, 4.0) == boxes[1:]
    wave = np.random.default_rng(0).normal(0, 0.1, 64_000)
    picture = spectrograms.change(spectrograms.Panel("a", wave), spectrograms.Panel("b", 1.5 * wave, boxes[:1]))
    titles = [axes.get_title() for axes in picture.figure.axes]
    assert "what the fault changes, nearly everywhere" in titles
    assert not [patch for axes in picture.figure.axes for patch in axes.patches]
    picture = spectrograms.change(spectrograms.Panel("a", wave), spectrograms.Panel("b", 1.5 * wave, boxes[1:]))
    assert sum(len(axes.patches) for axes in picture.figure.axes) == 2


def test_second_numbers_are_drawn_and_said():
    picture = figures.intervals([figures.Dot("leak", 3.0, other=0.5), figures.Dot("rub", 2.0)], unit="dB",
                                other="in the mean spectrum")
    assert "leak 3.0, in the mean spectrum 0.5; rub 2.0" in picture.alt
    assert picture.figure.legends and [line.get_marker() for line in picture.figure.axes[0].lines].count("D") == 1


def test_a_fault_says_what_the_mean_spectrum_shows():
    heard = listening.fault("synthetic-2020", "fan", "tick", data_seed=110, candidates=1)  # a set with IDs
    assert f"the mean spectrum of the clip by {heard.mean_change():.1f} dB" in heard.known().text
    assert heard.twin.truth["part"] == "00"


def test_a_citation_can_be_copied(tmp_path, monkeypatch):
    monkeypatch.setenv("ASDBOOK_BOOK", str(ROOT))
    shown = provenance.citation("harada2023baseline")
    assert shown.markdown().startswith("```bibtex\n@inproceedings{harada2023baseline,\n") and shown.text.count("@") == 2
    assert "@misc{asdbook," in shown.text and re.search(r"year = \{20\d\d\}", shown.text)
    assert shown.text.count("{") == shown.text.count("}")
    with pytest.raises(UnknownName, match="did you mean 'harada2023baseline'"):
        provenance.citation("harada2023baselin")
    assert isinstance(shown, show.Code) and shown.html().startswith("<pre>")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_cells_of_chapters_fit_a_column(page):
    """88 letters fit at 1280 pixels without scrolling; a cell longer than 15 lines fails the build."""
    text = page.read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in code if len(line) > 88] == []
    cells = [cell.partition("\n")[2].strip() for cell in text.split("\n# %%")[1:] if "[markdown]" not in cell[:12]]
    assert [cell for cell in cells if len(cell.splitlines()) > MAX_CELL_LINES] == []
