"""Generated clips written as files and read back are the set that is generated straight into a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from asdbook import data, simulate


@pytest.mark.parametrize(
    ("preset", "machines"),
    [
        ("synthetic-2020", ("ToyConveyor", "fan")),
        ("synthetic-2023", ("fan", "valve")),
        ("synthetic-2024", ("HoveringDrone", "gearbox", "valve")),
    ],
)
def test_files_and_arrays_of_the_simulator_agree(tmp_path: Path, preset: str, machines: tuple[str, ...]) -> None:
    spec = simulate.Spec(preset=preset, data_seed=110, profile="smoke", machines=machines)
    simulate.write(spec, tmp_path / "set", truth_folder=tmp_path / "truth")
    data.write_mark(tmp_path / "set", spec.preset)
    read = data.load(tmp_path / "set", cache_dir=tmp_path / "cache")
    blocks = ((data.rows_of(block.names, block.recording), block.audio) for block in simulate.generate(spec, 1))
    built = data.build(tmp_path / "built", name=spec.preset, year=spec.definition.year, blocks=blocks)
    data.check_usable(read.table, need_test=preset != "synthetic-2024")
    assert (read.fingerprint, read.kind, read.name) == (built.fingerprint, built.kind, built.name)
    pd.testing.assert_frame_equal(read.table.frame, built.table.frame)
    assert all(np.array_equal(read.waves.array(i), built.waves.array(i)) for i in range(len(read.waves)))
    assert "attribute_mismatches" not in read.notes
