"""Figures: alt text from the numbers, two forms, fixed colours, files or embedded bytes."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import asdbook.report
from asdbook.errors import BadInput
from asdbook.report import figures, show, spectrograms, static, style

NAMES = ("loss", "scores", "roc", "intervals", "ten", "idea", "spectrograms", "fields")


@pytest.fixture(scope="module")
def drawings(make_record):
    return draw(make_record)


def draw(make_record):
    record, frame = make_record()
    rng = np.random.default_rng(0)
    tone = 0.1 * np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000)
    return {
        "loss": figures.loss_curves(record.loss_history),
        "scores": figures.score_distributions(frame, "fan", threshold=0.5),
        "roc": figures.roc([0, 0, 1, 1], [1, 3, 2, 4]),
        "intervals": figures.intervals([figures.Dot("fan", 61.0, 55.0, 67.0, (60.0, 62.0), "ours")], unit="AUC (%)"),
        "ten": figures.ten_scores([0, 1, 1], [0.1, 0.2, 0.4], ["source", "source", "target"]),
        "idea": figures.bottleneck_idea(),
        "spectrograms": spectrograms.spectrograms(
            [spectrograms.Panel("tone", tone, [(0.1, 0.4, 2000, 4000)]), spectrograms.Panel("noise", tone * 0.1)]),
        "fields": spectrograms.fields([spectrograms.Field("input", rng.normal(-40, 5, (128, 30)))], seconds=1.0),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_alt_text_and_renders_within_bounds(name, drawings):
    picture = drawings[name]
    assert len(picture.alt) > 40 and picture.alt.endswith(".") and "\n" not in picture.alt
    image = Image.open(io.BytesIO(picture.content))
    assert image.width == round(style.WIDTH * style.DPI)
    assert image.getpixel((2, 2)) is not None and image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    assert len(picture.content) < 200_000
    assert f':alt: {show.quoted(picture.alt)}' in picture.markdown()
    assert 'alt="' in picture.html()


def test_alt_texts_hold_the_numbers(drawings):
    alt = {name: picture.alt for name, picture in drawings.items()}
    assert "fan from 30 to 12.5" in alt["loss"] and "2 epochs" in alt["loss"]
    assert "decision threshold is 0.5" in alt["scores"] and "source domain: median of 6 normal clips" in alt["scores"]
    assert "Area 0.750" in alt["roc"]
    assert "fan (ours) 61.0, 55.0 to 67.0, 2 seeds" in alt["intervals"]
    assert "source anomaly: 0.2; target normal: ; target anomaly: 0.4" in alt["ten"]
    assert "most of its power from 2000 to 4000 Hz, framed regions: 1" in alt["spectrograms"]
    assert "tone, -23 dB" in alt["spectrograms"] and "noise, -43 dB" in alt["spectrograms"]


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(BadInput, match="say in words"):
        show.Picture(style.canvas()[0], "  ")


def test_roc_points_meet_a_count_by_hand():
    fpr, tpr = figures.roc_points(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 4.0]))
    np.testing.assert_array_equal(fpr, [0, 0, 0.5, 0.5, 1])
    np.testing.assert_array_equal(tpr, [0, 0.5, 0.5, 1, 1])
    fpr, tpr = figures.roc_points(np.array([0, 1]), np.array([1.0, 1.0]))  # a tie rises aslant
    np.testing.assert_array_equal(np.column_stack([fpr, tpr]), [[0, 0], [1, 1]])


def test_spectrogram_levels_are_decibels_of_full_scale():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    picture = spectrograms.levels(tone)
    peak = picture.max(axis=0)
    assert picture.shape[0] == 513 and int(picture.mean(axis=1).argmax()) == 64  # 1000 Hz / 15.625 Hz
    np.testing.assert_allclose(peak, 20 * np.log10(0.25), atol=0.1)  # a tone's two-sided line: half its amplitude
    assert np.isfinite(spectrograms.levels(np.zeros(16_000))).all()


def test_labels_and_domains_differ_without_colour():
    for marks in (style.LABELS, style.DOMAINS):
        assert len({m.marker for m in marks.values()}) == len({m.line for m in marks.values()}) == len(marks)
    colours = [m.colour for m in (*style.LABELS.values(), *style.DOMAINS.values())]
    assert len(set(colours)) == 4


def test_files_when_there_is_a_static_folder(tmp_path, monkeypatch, drawings):
    picture = drawings["roc"].named("fig-roc", "See {numref}`tab-x` and *this*.")
    monkeypatch.setenv(static.STATIC, str(tmp_path))
    data = picture._repr_mimebundle_()
    (address,) = re.findall(r"\{figure\} /_static/(figures/[0-9a-f]{20}\.png)", data["text/markdown"])
    assert (tmp_path / address).read_bytes() == picture.content
    assert ":name: fig-roc" in data["text/markdown"] and "text/html" not in data


def test_bytes_inside_when_a_notebook_runs_alone(monkeypatch, drawings):
    picture = drawings["roc"].named("fig-roc", "See {numref}`tab-x` and *this*.")
    monkeypatch.delenv(static.STATIC, raising=False)
    data = picture._repr_mimebundle_()
    assert "data:image/png;base64," in data["text/markdown"] and "data:image/png;base64," in data["text/html"]
    assert "<figcaption>See tab-x and this.</figcaption>" in data["text/html"]


def test_equal_inputs_give_equal_bytes(drawings):
    assert drawings["idea"].content == figures.bottleneck_idea().content


def test_pyplot_keeps_no_open_figure(make_record):
    import matplotlib.pyplot as plt

    assert set(draw(make_record)) == set(NAMES)
    assert plt.get_fignums() == []


def test_source_is_the_librarys_own():
    shown = show.source(figures.roc_points)
    assert shown.path == "asdbook.report.figures.roc_points"
    assert shown.text.startswith("def roc_points(") and '"""' in shown.text
    assert '"""' not in show.source(figures.roc_points, docstring=False).text
    ast.parse(show.source(figures.roc_points, docstring=False).text)


def test_numbers_for_prose():
    seen = []
    import myst_nb

    original = myst_nb.glue
    try:
        myst_nb.glue = lambda key, value, display: seen.append((key, value, display))
        show.numbers(auc=(61.26, ".1f"), machines=7, missing=None)
    finally:
        myst_nb.glue = original
    assert seen == [("auc", "61.3", False), ("machines", "7", False), ("missing", "not run", False)]


def test_report_loads_no_torch():
    names = sorted(p.stem for p in Path(asdbook.report.__file__).parent.glob("*.py") if p.stem != "__init__")
    code = (f"import sys, importlib; [importlib.import_module('asdbook.report.' + n) for n in {names}]; "
            "sys.exit('torch' in sys.modules)")
    assert len(names) >= 8
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
