"""`run`: one system on one data set, from recordings to a record, resumable and cached by content."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdbook import simulate
from asdbook.errors import BadInput, RunFailed
from asdbook.experiment import datasets, provenance, records
from asdbook.experiment.folders import RunFolder
from asdbook.experiment.home import place

if TYPE_CHECKING:
    from asdbook.data import DataSet
    from asdbook.experiment.context import RunContext
    from asdbook.systems.base import System

CHECKPOINT_SECONDS = 10.0  # work that a kill may cost; writing one takes milliseconds


@dataclass(frozen=True)
class Request:
    """What to run; every field is part of the experiment's identity or changes only where it runs."""

    name: str
    data: str
    profile: str = "quick"
    data_seed: int = 110
    seed: int = 110
    overrides: Mapping[str, Any] | None = None
    premise_off: Sequence[str] = ()
    machines: Sequence[str] | None = None
    device: str = "cpu"
    precision: str = "float32"
    compile: bool = False
    threads: int | None = None
    skip_bad: bool = False
    year: int | None = None
    truth: str | None = None

    def __post_init__(self) -> None:
        for name, seed in (("data_seed", self.data_seed), ("seed", self.seed)):
            if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
                raise BadInput(f"{name} = {seed!r}: give a whole number, zero or more")
            object.__setattr__(self, name, int(seed))  # JSON knows no NumPy integers
        for name in ("premise_off", "machines"):
            if isinstance(one := getattr(self, name), str):
                object.__setattr__(self, name, (one,))  # one name, not its letters


def run(
    name: str,
    data: str,
    *,
    fresh: bool = False,
    progress: Callable[[str], None] = datasets.SILENT,
    **options: Any,
) -> records.Stored:
    """Runs `name` ("system" or "system:variant") on `data`, or returns the record that is already there.

    Args:
        name: system and variant, for example "autoencoder:mahalanobis".
        data: a built-in set ("synthetic-2023") or a folder of recordings.
        fresh: make a new attempt even when a complete record exists.
        progress: called with one line at a time.
        **options: the other fields of `Request` (profile, data_seed, seed, overrides, device, ...).

    Raises:
        BadInput: unknown names or keys, unusable recordings.
        RunFailed: a loss that is not finite, a full disk, the same experiment running elsewhere.
    """
    request = Request(name=name, data=data, **options)
    job = _Job(request, progress)
    cached = None if fresh else job.folder.latest()
    if cached is not None:
        job.folder.mark_used()
        progress(f"from the cache: {cached}")
        return records.load(cached)
    with job.folder.locked():
        try:
            return records.load(job.execute())
        except BadInput:
            job.folder.forget_empty()
            raise
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise RunFailed(
                f"{job.folder.base}: disk full: run `asdbook cache prune` or free some space, then run "
                "again; finished parts are kept"
            ) from error


class _Job:
    """One experiment: its configuration, data, folder and context."""

    def __init__(self, request: Request, progress: Callable[[str], None]):
        from asdbook import systems
        from asdbook.experiment import seeding

        self.request, self.progress = request, progress
        self.system_class, self.variant = systems.parse(request.name)
        self.config = systems.make_config(
            self.system_class, self.variant, request.profile, dict(request.overrides or {})
        )
        self.threads = seeding.default_threads(request.threads)
        self.mode = provenance.numeric_mode(
            request.device, request.precision, compile=request.compile, threads=self.threads
        )
        self.data: DataSet | None = None
        self.folder = RunFolder.of(self._identity(), Path(request.data).name)

    def _fingerprint(self) -> str:
        if datasets.is_builtin(self.request.data):
            return datasets.builtin_fingerprint(self._spec())
        return self.load_data().fingerprint

    def _spec(self) -> simulate.Spec:
        r = self.request
        return datasets.spec_of(r.data, r.data_seed, r.profile, r.premise_off, r.machines)

    def _identity(self) -> dict[str, Any]:
        forced = {} if self.request.year is None else {"year": self.request.year}  # the same clips, other rules
        return forced | {
            "system": self.system_class.name,
            "variant": self.variant,
            "version": self.system_class.version,
            "config": self.config.model_dump(mode="json"),
            "profile": self.request.profile,
            "data": self._fingerprint(),
            "seed": self.request.seed,
            "mode": self.mode,
        }

    def load_data(self) -> DataSet:
        r = self.request
        if self.data is None:
            self.data = datasets.resolve(
                r.data,
                data_seed=r.data_seed,
                profile=r.profile,
                premise_off=r.premise_off,
                machines=r.machines,
                skip_bad=r.skip_bad,
                year=r.year,
                truth=r.truth,
                progress=self.progress,
            )
        return self.data

    def context(self, work: Path) -> RunContext:
        from asdbook.experiment.context import RunContext
        from asdbook.experiment.stages import StageCache

        r = self.request
        return RunContext(
            seed=r.seed,
            profile=r.profile,
            device=r.device,
            precision=r.precision,
            compile=r.compile,
            threads=self.threads,
            stages=StageCache(place("stages"), fingerprint=self._fingerprint(), seed=r.seed, mode=self.mode),
            checkpoints=work / "checkpoints",
            checkpoint_seconds=float(os.environ.get("ASDBOOK_CHECKPOINT_SECONDS", CHECKPOINT_SECONDS)),
            on_progress=self.progress,
            noise=lambda kind, clips, samples: simulate.extra_audio(kind, clips, samples, seed=r.seed),
        )

    def execute(self) -> Path:
        """Fits, scores, evaluates and writes the record; returns its folder."""
        from asdbook import systems
        from asdbook.experiment import evaluation
        from asdbook.systems.base import Scores

        attempt = self.folder.next_attempt()
        work = self.folder.base / f"{attempt}.part"
        work.mkdir(exist_ok=True)
        started = datetime.now(UTC)
        ctx = self.context(work)
        with ctx.phase("data"):
            data = self.load_data()
            if "other machines" not in self.system_class.known_by(self.config):
                data = evaluation.with_test(data)
            for note in evaluation.check_usable(data):
                ctx.note(note)
        system = self.system_class(self.config)
        with ctx.phase("fit"):
            system.fit(data.train(), ctx)
        with ctx.phase("score"):
            tests = data.test()
            scores = system.score(tests, ctx) if len(tests) else Scores(np.zeros(0))
        with ctx.phase("evaluate"):
            table, metrics, decision = evaluation.assess(data, system, scores, ctx)
        systems.save(system, work)
        figures = evaluation.figure_arrays(system, scores, ctx.note)
        record = self._record(data, system, ctx, metrics, decision, attempt, started)
        records.write(work, record, table, figures)
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
        return work.rename(self.folder.base / str(attempt))

    def _record(
        self,
        data: DataSet,
        system: System,
        ctx: RunContext,
        metrics: dict[str, dict[str, Any]],
        decision: dict[str, Any],
        attempt: int,
        started: datetime,
    ) -> records.Record:
        r = self.request
        return records.Record(
            schema=records.SCHEMA,
            system=system.name,
            variant=self.variant,
            system_version=system.version,
            title=system.title,
            config=self.config.model_dump(mode="json"),
            overrides=dict(r.overrides or {}),
            profile=r.profile,
            data=provenance.data_info(
                data, self._spec() if datasets.is_builtin(r.data) else None, restricted=bool(r.machines)
            ),
            seed=r.seed,
            attempt=attempt,
            metrics=metrics,
            decision=decision,
            loss_history=ctx.history,
            cost=provenance.cost(ctx, data),
            device=provenance.device(r.device, self.threads),
            numeric_mode=self.mode,
            versions=provenance.versions(),
            commit=provenance.commit(),
            started=started.isoformat(timespec="seconds"),
            notes=list(dict.fromkeys(ctx.notes)),
            deviations=list(system.deviations),
            knows=list(system.known_by(self.config)),
        )
