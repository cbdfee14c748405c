"""The fault table: each drill does one thing that goes wrong in real life, and checks what came of it.

    python tests/reliability/drills.py TARGET.json      runs all drills and writes their rows

A drill runs the command line in real processes, harms them or their files, looks at what the user sees, and runs
the same command again. It fails unless every message is one line without a traceback, nothing half-written passes
for whole, finished work is kept, and the scores that come out are those of an undisturbed run, bit for bit.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

import drill_crashes
import drill_files
from forks import forks_in
from harm import Skipped
from lab import Lab
from table import DRILLS, run_one

__all__ = ["DRILLS", "drill_crashes", "drill_files", "lab_in", "main", "run_one"]


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    """A lab in an empty folder."""
    with forks_in(folder / "processes") as forks:
        yield Lab(folder, forks)


def main(target: Path) -> int:
    """Runs all drills and writes the table; 1 where one failed or could not be done."""
    from asdbook.experiment import provenance

    rows, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder, lab_in(Path(folder)) as lab:
        for name in DRILLS:
            try:
                rows.append(run_one(name, lab))
                print(f"ok      {name}: {rows[-1].seen}", flush=True)
            except (AssertionError, Skipped) as problem:
                wrong += 1
                print(f"{'skipped' if isinstance(problem, Skipped) else 'FAILED'} {name}: {problem}", flush=True)
    if wrong:
        print(f"{wrong} of {len(DRILLS)} drills failed or were skipped: {target} stays as it is")
        return 1
    table: dict[str, Any] = {"commit": provenance.commit(), "processor": provenance.processor(),
                             "rows": [asdict(row) for row in rows]}  # fmt: skip
    part = target.with_name(f".{target.name}.part")
    part.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.rename(target)
    print(f"{len(rows)} drills in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
