"""What the chapter of the official autoencoder shows: its parameters, records by data set, tables and claims.

The parameters of the page decide: `smoke` trains a small network live and reads committed records for the tables;
any other profile runs every system on every seed of the named data, and the tables show those runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asdbook import papers, simulate
from asdbook.experiment.records import Stored
from asdbook.papers import quoting
from asdbook.report import official, results, sets, verdicts
from asdbook.report.chapter import DEVELOPMENT, RECORDED
from asdbook.report.results import Row
from asdbook.report.tables import Html, Table, badge, code

SCORES = ("mse", "mahalanobis", "mahalanobis-framewise")
"""Variants of the autoencoder that differ in the score: the rows of the main tables."""
RIVALS = ("trivial:mean", "trivial:p95")
OTHERS = ("official-split", "official-threshold")
MAIN = "synthetic-2023"
"""The set whose figures the chapter shows."""
LIVE_EPOCHS = 20
"""Of the small live run: enough for the loss to flatten, some seconds on a laptop."""


@dataclass(frozen=True)
class Asked:
    """The page's parameters.

    Attributes:
        data: a built-in set or a folder of recordings.
        seeds: training seeds; of built-in data also the data seeds.
        profile: "smoke": a small live run of the first seed; else every system on every seed.
        variants: of the autoencoder, as the library knows them.
    """

    data: str
    seeds: Sequence[int]
    profile: str = "smoke"
    variants: Sequence[str] = (*SCORES, *OTHERS)

    @property
    def whole(self) -> bool:
        """Whether the page's tables come from runs of its own."""
        return self.profile != "smoke"

    @property
    def built_in(self) -> bool:
        return self.data in simulate.PRESETS

    @property
    def labels(self) -> list[str]:
        """Which systems run here."""
        chosen = self.variants if self.whole else SCORES
        return [*(RIVALS if self.whole else ()), *(f"autoencoder:{variant}" for variant in chosen)]

    def options(self) -> list[dict[str, Any]]:
        """What `experiment.run` is told for each seed, besides system, data and device."""
        seeds = self.seeds if self.whole else self.seeds[:1]
        small: dict[str, Any] = {"profile": RECORDED, "overrides": {"epochs": LIVE_EPOCHS}}
        if self.built_in:
            small["machines"] = ("fan",)
        sizes = {"profile": self.profile} if self.whole else small
        return [{"data_seed": seed, "seed": seed, **sizes} for seed in seeds]


@dataclass(frozen=True)
class Shown:
    """Where the page's numbers come from: runs of its own where its parameters ask for them, else records.

    Attributes:
        asked: the parameters.
        live: system to the runs of this page; empty where the page reads records.
    """

    asked: Asked
    live: Mapping[str, Sequence[Stored]] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        """The name of the data that the parameters ask for, as its records call it; None for a folder not run."""
        runs = next((group for group in self.live.values() if group), None)
        return runs[0].record.data.name if runs else self.asked.data if self.asked.built_in else None

    @property
    def sets(self) -> list[str]:
        """Names of the data sets with tables: that of the parameters first, then the built-in ones."""
        first = [] if self.name is None else [self.name]
        built_in = sorted(simulate.PRESETS, key=lambda name: name != MAIN)  # the chapter's main set first
        return list(dict.fromkeys([*first, *built_in]))

    def here(self, data: str) -> bool:
        """Whether numbers on this data set were made while the page ran."""
        return bool(self.live) and data == self.name

    def group(self, label: str, data: str) -> list[Stored]:
        """Runs of one system on one data set that differ in seeds only."""
        if self.here(data):
            return list(self.live.get(label, ()))
        system, _, variant = label.partition(":")
        return results.for_tables(
            results.committed(system=system, variant=variant, data=data, profile=RECORDED)
        )

    def year(self, data: str) -> int:
        """The year whose rules a data set follows (recordings of one's own: 2020)."""
        if data in simulate.PRESETS:
            return simulate.PRESETS[data].year
        return next(iter(self.live.values()))[0].record.data.year or 2020

    def row(self, label: str, data: str) -> Row:
        """A line of a table: the runs, or that there are none yet."""
        group, who = self.group(label, data), f"ours, {label.removeprefix('autoencoder:')}"
        if group:
            return results.from_records(group, who=who, here=self.here(data))
        return official.missing(self.year(data), who, badge("synthetic", data, RECORDED))

    def value(self, label: str, data: str, machine: str, quantity: str) -> float | None:
        """One number of a line in percent, or None."""
        cell = self.row(label, data).cells.get((machine, quantity))
        return None if cell is None else cell.value


def printed_table(year: int, machines: Sequence[str]) -> str | None:
    """The official table of a year that holds most of these machines; None where no cells are printed."""
    found = {}
    for part in official.PARTS:
        name = f"baseline_{year}_{part}"
        if name in papers.names() and set(papers.table(name)["unit"]) - {"mean", "all"}:
            known = set(papers.baseline(name, "mse").index.get_level_values("machine"))
            found[name] = len(known & set(machines)) if machines else int(part == "dev")
    return max(found, key=lambda name: found[name]) if found else None


def machines_of(shown: Shown, data: str) -> list[str]:
    """The machines of a data set that have test clips."""
    if shown.here(data):
        group = next(group for group in shown.live.values() if group)
        return [machine["machine"] for machine in group[0].record.metrics["official"]["machines"]]
    return [name for name, facts in simulate.describe(data).items() if not facts["train_only"]]


def printed_rows(shown: Shown, data: str, systems: Sequence[str] = ("mse", "mahalanobis")) -> list[Row]:
    """The official rows of the data set's year, for the systems that the source prints."""
    name = printed_table(shown.year(data), machines_of(shown, data)) or ""
    return [official.row(name, system) for system in systems if _prints(name, system)]


def _prints(name: str, system: str) -> bool:
    """Whether a table of printed numbers has this system."""
    return name in papers.names() and system in set(papers.table(name)["system"])


def table(shown: Shown, data: str, scores: Sequence[str], **options: Any) -> Table:
    """Printed and ours of one data set: for each machine the official line, then a line a variant.

    Args:
        shown: where numbers come from.
        data: name of the set.
        scores: variants of the autoencoder.
        **options: caption, name, notes of the `Table`.
    """
    rows = printed_rows(shown, data, scores)
    name = printed_table(shown.year(data), machines_of(shown, data)) or ""
    said = [note for score in scores if _prints(name, score) for note in official.notes(name, score)]
    ours = [shown.row(f"autoencoder:{score}", data) for score in scores]
    notes = [*options.pop("notes", ()), *said]
    here = machines_of(shown, data)
    same = all(set(row.machines) == set(here) for row in rows)  # else the aggregates stand for other machines
    return results.beside([*rows, *ours], official.columns(shown.year(data)), machines=here,
                          total="all machines" if same else "", notes=notes, **options)


def profiles(asked: Asked, epochs: Mapping[str, Mapping[str, Any]], **options: Any) -> Table:
    """What this page runs, what the records ran, what the paper's code runs.

    Args:
        asked: the page's parameters.
        epochs: `profiles` of the autoencoder.
        **options: of the `Table`.
    """
    preset = asked.data if asked.built_in else MAIN
    every = sum(not fact["train_only"] for fact in simulate.describe(preset).values())
    whole = asked.whole and asked.built_in
    here = ["all" if not asked.built_in else every if whole else 1,
            epochs[asked.profile]["epochs"] if asked.whole else LIVE_EPOCHS, asked.profile if whole else RECORDED]
    columns: dict[str, list[Any]] = {"this page, live": here}
    columns |= {name: [every, epochs[profile]["epochs"], profile]
                for name, profile in (("records", RECORDED), ("paper", "paper"))}
    facts = [("machines", [str(c[0]) for c in columns.values()]), ("epochs", [str(c[1]) for c in columns.values()])]
    for role, word in (("train", "training"), ("test", "test")):
        facts.append((f"{word} clips a machine", [sets.machine_span(preset, c[2], role) for c in columns.values()]))
    facts.append(("seconds a clip", [sets.seconds_of(preset, c[2]) for c in columns.values()]))
    rows = [[name, *values] for name, values in facts]
    if not asked.built_in:
        rows = [[row[0], "as in the folder" if k > 1 else row[1], *row[2:]] for k, row in enumerate(rows)]
    return Table(["", *columns], rows, **options)


def development(labels: Sequence[str]) -> dict[str, list[Stored]]:
    """Label to its committed run on the development seed of the chapter's main set, where there is one."""
    found = {}
    for label in labels:
        system, _, variant = label.partition(":")
        group = results.committed(system=system, variant=variant, data=MAIN, profile=RECORDED,
                                  data_seed=DEVELOPMENT, overrides={})
        found[label] = [s for s in group if results.untouched(s)][-1:]
    return found


def doubled(variant: str, epochs: int) -> list[Stored]:
    """The development run of a variant with this many epochs."""
    return results.committed(system="autoencoder", variant=variant, data=MAIN, profile=RECORDED,
                             data_seed=DEVELOPMENT, overrides={"epochs": epochs})[-1:]


def overview(shown: Shown, **options: Any) -> Table:
    """The official score of every system on every data set; each column stands for itself."""
    labels = [*RIVALS, *(f"autoencoder:{score}" for score in SCORES)]
    heads: list[Html] = []
    lines: dict[str, list[Any]] = {label: [code(label)] for label in labels}
    origins = []
    for data in shown.sets:
        score = _score(shown, data)
        said = "mean AUC" if score == "AUC" else score
        heads.append(Html(f"{badge_of(shown, data).text}<br>{said} (%)"))
        for label in labels:
            row = shown.row(label, data)
            lines[label].append(row.cells["all", score])
            origins.append(Row(data, row.data, {}, row.origin, row.covers))
    notes = [*options.pop("notes", ()), *results.origins(origins)]
    return Table(["system", *heads], list(lines.values()), notes=notes, **options)


def winner(shown: Shown, data: str) -> str | None:
    """The system with the highest official score on a data set; None without records."""
    labels = [*RIVALS, *(f"autoencoder:{score}" for score in SCORES)]
    scores = {label: shown.value(label, data, "all", _score(shown, data)) for label in labels}
    known = {label: value for label, value in scores.items() if value is not None}
    return max(known, key=lambda label: known[label]) if known else None


def finding(shown: Shown, data: str, score: str) -> str:
    """What a table shows of one variant, in a sentence: its score, its best and its worst machine."""
    label, quantity = f"autoencoder:{score}", _score(shown, data)
    value, row = shown.value(label, data, "all", quantity), shown.row(label, data)
    known = {m: cell.value for (m, q), cell in row.cells.items() if q == quantity and m != "all"}
    machines = {m: v for m, v in known.items() if v is not None}
    if value is None or not machines:
        return f"No record of ours on {data} yet."
    high, low = max(machines, key=lambda m: machines[m]), min(machines, key=lambda m: machines[m])
    return (f"Ours, {score}: {quantity} {value:.1f} %, from {machines[low]:.1f} % ({low}) to "
            f"{machines[high]:.1f} % ({high}).")


def _score(shown: Shown, data: str) -> str:
    """The quantity that stands for a data set's official score in tables."""
    return "Omega" if shown.year(data) > 2020 else "AUC"


def domain_gap(shown: Shown, data: str) -> list[str | None]:
    """How far the source AUC is above the target AUC, ours and printed, and how many target AUCs are below 50 %.

    Returns:
        Gap of ours, gap of the printed numbers, machines below 50 % and all machines of ours, those printed; None
        where there are no records.
    """
    ours, (printed, *_) = shown.row("autoencoder:mse", data), printed_rows(shown, data, ["mse"])
    found: list[list[str | None]] = []
    for row in (ours, printed):
        ends = [row.cells["all", quantity].value for quantity in ("AUC source", "AUC target")]
        gap = None if None in ends else f"{ends[0] - ends[1]:.1f}"  # type: ignore[operator]
        cells = [row.cells[machine, "AUC target"].value for machine in row.machines]
        low = sum(value is not None and value < 50 for value in cells)
        found.append([gap, str(low) if cells else None, str(len(cells)) if cells else None])
    return [found[0][0], found[1][0], *found[0][1:], *found[1][1:]]


def badge_of(shown: Shown, data: str) -> Html:
    """The badge of a data set on this page."""
    group = next((g for label in shown.asked.labels if (g := shown.group(label, data))), None)
    return results.data_badge(group[0].record) if group else badge("synthetic", data, RECORDED)


NAMES = {
    "B1": "Better than guessing", "B2": "Source above target", "B3": "Mahalanobis beats squared error",
    "B4": "The text's formula beats the code's", "B5": "The printed score of mse adds up",
    "B6": "The printed score of mahalanobis adds up",
}  # fmt: skip
"""The chapter's own claims in a few words; B stands for baseline."""

TEXTS = {
    "B1": "Anomalies get larger errors than normal clips: the official score is above that of guessing.",
    "B2": "The source AUC is above the target AUC.",
    "B3": "The Mahalanobis score of the code beats the squared error.",
    "B4": "The Mahalanobis score of the text beats that of the code.",
    "B5": "The printed official score of 2023 (mse) follows from its printed cells.",
    "B6": "The printed official score of 2023 (mahalanobis) follows from its printed cells.",
}


def claims(shown: Shown, data: str) -> list[verdicts.Claim]:
    """B1 to B4 on one data set; B2 only where the year has domains."""
    mse, code, text = (shown.group(f"autoencoder:{score}", data) for score in SCORES)
    found = [("B1", verdicts.within(mse, "score", 0.5), mse)]
    if shown.year(data) > 2020:
        found.append(("B2", verdicts.within(mse, "AUC source", "AUC target"), mse))
    found += [("B3", verdicts.between(code, mse), code), ("B4", verdicts.between(text, code), text)]
    return [
        verdicts.claim(key, TEXTS[key], "superiority", contrast, group, primary=key == "B1", name=NAMES[key])
        for key, contrast, group in found
    ]


def printed_claims() -> list[verdicts.Claim]:
    """B5 and B6: printed scores against their own cells."""
    found = []
    for key, system in (("B5", "mse"), ("B6", "mahalanobis")):
        stated = quoting.printed("baseline_2023_eval", system)["all", "Omega"].percent
        again = official.recomputed("baseline_2023_eval", system)
        found.append(verdicts.arithmetic(key, TEXTS[key], again, stated, rounding=6e-5, name=NAMES[key]))
    return found


def decide(shown: Shown) -> dict[str, verdicts.Verdicts]:
    """Verdicts by data set, and under "printed numbers" those that need no run."""
    found = {data: verdicts.decide(claims(shown, data)) for data in shown.sets}
    return {**found, "printed numbers": verdicts.decide(printed_claims())}
