"""Clips of a built-in set by their official names: their sound again, their truth, and which went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asdbook import metrics, simulate
from asdbook.data.names import parse
from asdbook.errors import BadInput
from asdbook.simulate.assign import lots


@dataclass(frozen=True)
class Clip:
    """A clip of a built-in set, rendered again from its official name."""

    wave: np.ndarray
    truth: Mapping[str, Any]


def place(file: str, preset: str) -> tuple[str, str, str, str, int]:
    """Machine, role, part (domain or machine ID), label and number in its cell of a clip of a built-in set.

    Raises:
        BadInput: the name is not one of that set.
    """
    folders, known = file.split("/"), simulate.PRESETS[preset].machines
    if len(folders) != 3 or folders[0] not in known:
        raise BadInput(f"{file}: not a clip of {preset}: its names are machine/train or test/clip.wav")
    machine, role, name = folders
    found, layout = parse(name), known[machine].layout
    part = found.domain or found.id
    if part is None or part not in layout.parts or found.label is None:
        raise BadInput(f"{file}: not a clip of {preset}: its name does not follow the grammar of that year")
    return machine, role, part, found.label, found.index - layout.first_index


def clip(file: str, *, preset: str, data_seed: int, profile: str) -> Clip:
    """The clip of that name as a run heard it: sound (float) and truth.

    Args:
        file: official path, "fan/test/section_00_source_test_anomaly_0003_m-n_W.wav".
        preset, data_seed, profile: of the run's data.
    """
    machine, role, part, label, index = place(file, preset)
    spec = simulate.Spec(preset=preset, data_seed=data_seed, profile=profile, machines=(machine,))
    block = simulate.render(spec, machine, role, part, label, 1, index)
    if block.names[0] != file:
        raise BadInput(f"{file}: data seed {data_seed} has {block.names[0]} there: name the run's own data seed")
    return Clip(block.audio[0] / 32768, block.truth[0])


def with_truth(scores: pd.DataFrame, *, preset: str, data_seed: int, profile: str) -> pd.DataFrame:
    """Test scores with what the simulator knows: columns `fault` (None: normal), `severity`, `snr_db`."""
    test = scores[scores["split"] == "test"].copy()
    spec = simulate.Spec(preset=preset, data_seed=data_seed, profile=profile)
    found = []
    for file in test["file"]:
        machine, role, part, label, index = place(file, preset)
        lot = lots(spec, machine, role, part, label, spec.cell(role, part))[index]
        found.append((lot.fault, lot.severity, lot.snr_db))
    test[["fault", "severity", "snr_db"]] = pd.DataFrame(found, index=test.index)
    return test


def auc_by_fault(known: pd.DataFrame) -> pd.DataFrame:
    """AUC (percent) of each fault's clips against all normal test clips of its machine, with their number.

    Args:
        known: from `with_truth`.

    Returns:
        Columns machine, fault, clips, auc.
    """
    rows = []
    for machine, part in known.groupby("machine", sort=False):
        normal = part[part["label"] == "normal"]["score"].to_numpy(dtype=float)
        for name, hit in part[part["label"] == "anomaly"].groupby("fault", sort=True):
            values = hit["score"].to_numpy(dtype=float)
            label = np.repeat([0, 1], [len(normal), len(values)])
            area = 100 * float(metrics.auc(label, np.concatenate([normal, values])))
            rows.append((str(machine), str(name), len(values), area))
    return pd.DataFrame(rows, columns=["machine", "fault", "clips", "auc"])


def most_wrong(scores: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """Test clips that a system gets most wrong, one a machine, worst first; column `wrong` from 0 to 1.

    An anomaly is as wrong as the share of normal clips of its machine that score at least as high, a normal
    clip as the share of anomalies that score at most as high.
    """
    test = scores[scores["split"] == "test"].copy()
    test["wrong"] = 0.0
    for _, part in test.groupby("machine"):
        normal = part[part["label"] == "normal"]["score"].to_numpy(dtype=float)
        odd = part[part["label"] == "anomaly"]["score"].to_numpy(dtype=float)
        for index, row in part.iterrows():
            above, below = (normal >= row["score"]).mean(), (odd <= row["score"]).mean()
            test.loc[index, "wrong"] = above if row["label"] == "anomaly" else below
    ranked = test.sort_values(["wrong", "file"], ascending=[False, True], kind="stable")
    return ranked.drop_duplicates("machine").head(count) if ranked["machine"].nunique() >= count else ranked.head(count)


def normal_medians(scores: pd.DataFrame, machine: str) -> str:
    """What the median normal test clip of a machine scores, by domain where there are any: half a sentence."""
    test = scores[(scores["split"] == "test") & (scores["machine"] == machine) & (scores["label"] == "normal")]
    if test["domain"].isna().all():
        return f"scores {test['score'].median():.1f}"
    found = test.groupby("domain")["score"].median()
    return "scores " + " and ".join(f"{value:.1f} in the {domain} domain" for domain, value in found.items())


def middle_clip(scores: pd.DataFrame, machine: str, label: str, domain: str = "source") -> str:
    """The test clip of a machine, label and domain whose score is the median (the lower one of two).

    A year without domains has one pool of clips.
    """
    test = scores[(scores["split"] == "test") & (scores["machine"] == machine) & (scores["label"] == label)]
    pool = test if scores["domain"].isna().all() else test[test["domain"] == domain]
    part = pool.sort_values(["score", "file"])
    if part.empty:
        raise BadInput(f"no {label} {domain} test clip of {machine} in these scores")
    return str(part.iloc[(len(part) - 1) // 2]["file"])
