"""What is known of a clip besides its sound, and where it is written: never beside the clips."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asdbook.data.names import name_2020, name_2023
from asdbook.errors import BadInput
from asdbook.simulate.assign import Lot
from asdbook.simulate.clips import Where, site
from asdbook.simulate.spec import Spec
from asdbook.simulate.take import Take


def clip_path(spec: Spec, machine: str, role: str, part: str, label: str, index: int, lot: Lot) -> str:
    """Official relative path, e.g. "fan/train/section_00_source_train_normal_0000_m-n_W.wav".

    Audit clips are named like test clips (they exist in memory alone).
    """
    split = "train" if role == "train" else "test"
    number = index + spec.machine(machine).layout.first_index
    if spec.definition.unit == "id":
        return f"{machine}/{split}/{name_2020(label, part, number)}"
    return f"{machine}/{split}/{name_2023('00', part, split, label, number, lot.shown)}"


def truth_of(spec: Spec, machine: str, part: str, label: str, path: str, lot: Lot, take: Take) -> dict[str, Any]:
    """The truth of one clip as JSON can hold it; boxes are [t0, t1, f0, f1] in s and Hz."""
    point = take.point
    # With premise `text` off the words are those of a place that was never heard.
    name = f"another than {point.site}" if "text" in spec.premise_off else point.site
    noise = site(Where.of(spec, machine), name, lot.physics)
    return {
        "file": path,
        "machine": machine,
        "part": part,
        "label": label,
        "fault": lot.fault,
        "severity": lot.severity,
        "attributes": dict(lot.shown),
        "heard": dict(lot.values),
        "individual": point.individual,
        "speed": point.speed,
        "load": point.load,
        "site": point.site,
        "noise": list(noise.words),
        "snr_db": round(lot.snr_db, 4),
        "gain_db": round(lot.gain_db, 4),
        "boxes": take.boxes,
    }


def check_apart(folder: Path, truth_folder: Path) -> None:
    """Refuses a truth folder that a system reading `folder` would see."""
    clips, truth = folder.resolve(), truth_folder.resolve()
    if truth == clips or clips in truth.parents:
        raise BadInput(f"truth folder {truth_folder} lies inside the clips' folder {folder}: choose one outside")


def write_truth(target: Path, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line; written to a temporary name and renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    part.replace(target)


def read_truth(folder: Path) -> list[dict[str, Any]]:
    """All rows of a truth folder, machine by machine in alphabetical order."""
    files = sorted(Path(folder).glob("*.jsonl"))
    if not files:
        raise BadInput(f"no truth files (*.jsonl) in {folder}: name the truth folder that was given at writing")
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
