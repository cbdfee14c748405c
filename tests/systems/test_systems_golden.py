"""Results are guarded: a system's `tiny` outputs against committed arrays.

When a result changes on purpose, raise the system's `version` and write the arrays anew:
ASDBOOK_GOLDEN=write pytest tests/systems/test_systems_golden.py
"""

import os
from pathlib import Path

import numpy as np
import pytest

from asdbook import systems

FOLDER = Path(__file__).parents[1] / "golden" / "systems"
EVERY = [(name, variant) for name in systems.BUILT_IN for variant in systems.get(name).variants]


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_tiny_outputs_are_the_committed_ones(name, variant, tones, context):
    system = systems.get(name)
    model = system(systems.make_config(system, variant, "tiny")).fit(tones.train(), context())
    found = {
        "test": model.score(tones.test(), context()).values,
        "train": model.train_scores_.values,
        **{f"threshold {m}": v for m, v in (model.threshold_scores_ or {}).items()},
    }
    path = FOLDER / f"{name}-{variant}.npz"
    known = dict(np.load(path)) if path.exists() else {"version": np.array(0)}
    if os.environ.get("ASDBOOK_GOLDEN") == "write" and int(known["version"]) < system.version:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, version=np.array(system.version), **found)
        pytest.skip(f"wrote {path.name}")
    assert int(known.pop("version")) == system.version, "write the golden arrays of the new version"
    assert set(found) == set(known)
    for key, values in known.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-4, err_msg=f"{key}: raise the version")
