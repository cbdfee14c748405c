"""From a system to the arrays of a record."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from asdbook.experiment.evaluation import FIGURE_BYTES, figure_arrays
from asdbook.systems.base import Scores


def test_arrays_for_figures_that_do_not_fit_are_named():
    large = np.zeros(FIGURE_BYTES, dtype=np.uint8)
    system, notes = SimpleNamespace(figures=lambda: {"maps": large, "few": np.ones(3)}), []
    kept = figure_arrays(system, Scores(np.zeros(2)), notes.append)
    assert list(kept) == ["few"] and kept["few"].dtype == np.float16
    assert notes == ["array maps of 800 kB is not kept for figures: a record holds 800 kB of them"]
    whole = SimpleNamespace(figures=lambda: {"maps": large})
    assert list(figure_arrays(whole, Scores(np.zeros(2)), notes.append)) == ["maps"] and len(notes) == 1


def test_embeddings_are_kept_and_systems_without_figures_keep_nothing():
    scores, notes = Scores(np.zeros(2), embeddings=np.ones((2, 5))), []
    assert figure_arrays(SimpleNamespace(), Scores(np.zeros(2)), notes.append) == {}
    assert figure_arrays(SimpleNamespace(), scores, notes.append)["test_embeddings"].dtype == np.float16
    assert notes == []
