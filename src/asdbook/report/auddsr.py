"""What the chapter of AudDSR shows: its systems, the paper's tables beside ours, its scores by fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from asdbook import metrics, simulate
from asdbook.experiment.records import Stored
from asdbook.report import auddsr_printed, chapter, clips, listening, results, spectrograms, verdicts
from asdbook.report.auddsr_printed import PART, QUANTITIES
from asdbook.report.chapter import Asked, Shown
from asdbook.report.tables import Html, Table, Value, badge, code, join, stacked

DATA = "synthetic-2020"
LITERAL, EMA, ANNOT, PER_ID, GENERAL_AUDIO, PERLIN = (
    f"auddsr:{v}" for v in ("literal", "ema", "annot", "per-id", "general-audio", "perlin-only")
)
SYSTEMS = (LITERAL, EMA)
"""The two ways that codes learn."""
YARDSTICKS = ("trivial:mean", "trivial:by-machine", "autoencoder:mse", "autoencoder:mahalanobis")
"""The first knows machine IDs, the others do not."""
SCORES: Mapping[str, str] = {
    "": "mean of the map",
    "smoothed-maximum": "largest average of the map over 21 bands and 21 frames",
    "p95": "95th percentile of the map",
    "general-error": "squared difference of X and X_G: the autoencoder's own error",
    "object-error": "squared difference of X and X_S: the object decoder's own error",
    "decoder-gap": "squared difference of X_S and X_G",
    "code-rarity": "how rare the clip's codes are in training",
}
"""Scores of one trained model: end of the variant's name to what is read."""
LIVE = (EMA,)
LIVE_SETTINGS: Mapping[str, Any] = {"iterations": 300, "object_iterations": 60}
"""Of the small live run: about a minute on one thread, enough for both losses to fall."""
LIVE_MACHINES = ("fan", "valve")
PRINTED = {LITERAL: "AudDSR", ANNOT: "AudDSR_annot", "autoencoder:mse": "AE"}
"""System to its row of the paper's Table 1."""
NONE = Value(None, reason="no record yet")


def variant(base: str, score: str) -> str:
    """The system that reads `score` from the models of `base`: ("auddsr:ema", "p95") is "auddsr:ema-p95"."""
    if not score:
        return base
    return f"auddsr:{score}" if base == LITERAL else f"{base}-{score}"


def asked(data: str, seeds: Sequence[int], profile: str) -> Asked:
    """The page's parameters with the chapter's systems."""
    small = {"profile": chapter.RECORDED, "overrides": dict(LIVE_SETTINGS), "machines": LIVE_MACHINES}
    free = [variant(base, score) for base in (LITERAL, EMA) for score in SCORES if score]
    systems = (*SYSTEMS, ANNOT, GENERAL_AUDIO, PERLIN, *free, *YARDSTICKS)
    return Asked(data, seeds, profile, systems, LIVE, small, main=DATA)


# Table 1.
def table1(shown: Shown, **options: Any) -> Table:
    """Table 1: the paper's ten systems as printed, then ours and the yardsticks; AUC above pAUC in each cell."""
    machines = shown.machines
    lines: list[list[Any]] = []
    for row in auddsr_printed.rows():
        cells = [[auddsr_printed.printed(row, quantity, machine) for quantity in QUANTITIES]
                 for machine in ("all", *machines)]  # fmt: skip
        lines.append([join(row, badge("official", PART)), *map(_pair, cells)])
    ours = [shown.row(label, f"ours, {label}") for label in (*SYSTEMS, *YARDSTICKS)]
    for found in ours:
        shown_cells = [[found.cells.get((machine, quantity), Value(None)) for quantity in QUANTITIES]
                       for machine in ("all", *machines)]  # fmt: skip
        lines.append([join(found.who, found.data), *map(_pair, shown_cells)])
    notes = [*options.pop("notes", ()), "Upper number AUC, lower number pAUC, both in percent. *All*: the mean over "
             "machine types; of the paper, the average as printed.", *results.origins(ours)]  # fmt: skip
    return Table(["system and data", "all", *machines], lines, notes=notes, **options)


def _pair(values: Sequence[Value]) -> Html:
    """AUC above pAUC."""
    return stacked([Html(value.html()) for value in values])


def table1_finding(shown: Shown) -> str:
    """What our rows of Table 1 show, in a sentence."""
    ours = {label: shown.value(label) for label in (*SYSTEMS, *YARDSTICKS)}
    best = chapter.better(ours)
    if best is None or ours[LITERAL] is None:
        return f"Ours: no record of `{LITERAL}` yet"
    told = "; ".join(f"`{label}` {ours[label]:.1f} %" for label in (LITERAL, EMA) if ours[label] is not None)
    printed = auddsr_printed.printed(PRINTED[LITERAL], "AUC").text
    return (f"Ours, mean AUC over types: {told}; highest `{best}` with {ours[best]:.1f} %. "
            f"Printed, on other data: {printed} %")  # fmt: skip


def both_rules(shown: Shown, **options: Any) -> Table:
    """Our averages by both rules: over machine types, and over machine IDs."""
    lines = []
    for label in (*SYSTEMS, *YARDSTICKS):
        group = shown.group(label)
        cells = [over(group, lambda s, q=quantity, r=rule: average(s, q, r))  # type: ignore[misc]
                 for quantity in QUANTITIES for rule in auddsr_printed.RULES]  # fmt: skip
        lines.append([code(label), *cells])
    heads = [f"{quantity}, {rule} (%)" for quantity in QUANTITIES for rule in auddsr_printed.RULES]
    return Table(["ours", *heads], lines, **options)


def average(stored: Stored, quantity: str, rule: str) -> float:
    """A record's average of one quantity by one of `auddsr_printed.RULES`, in percent."""
    by_machine = [[cell["value"] for cell in machine["cells"] if cell["quantity"] == quantity]
                  for machine in stored.record.metrics["official"]["machines"]]  # fmt: skip
    if rule == "over types":
        return 100 * float(np.mean([np.mean(values) for values in by_machine]))
    return 100 * float(np.mean([value for values in by_machine for value in values]))


def over(group: Sequence[Stored], value: Callable[[Stored], float | None], digits: int = 1) -> Value:
    """One number of some runs: mean and t interval over data seeds (trainings on one data set averaged first)."""
    by_data: dict[object, list[float]] = {}
    for stored in group:
        found = value(stored)
        if found is not None:
            by_data.setdefault((stored.record.data.seed, stored.record.data.fingerprint), []).append(found)
    if not by_data:
        return NONE
    interval = metrics.over_data_seeds([float(np.mean(values)) for values in by_data.values()])
    return Value(interval.value, interval.low, interval.high, digits)


def against(shown: Shown, rival: str, label: str = LITERAL) -> str:
    """What a system does against a yardstick, in words."""
    return chapter.said(verdicts.between(shown.group(label), shown.group(rival)), label, rival)


# One trained model, seven scores.
def scores(shown: Shown, **options: Any) -> Table:
    """One row a score: what `literal` and `ema` get by it, and its difference to the mean of the map."""
    lines = []
    for score, what in SCORES.items():
        line: list[Any] = [what]
        for base in (LITERAL, EMA):
            group = shown.group(variant(base, score))
            cell = shown.row(variant(base, score)).cells.get(("all", shown.score), NONE)
            gap = None if not score else chapter.difference(verdicts.between(group, shown.group(base)))
            line += [cell, gap]
        lines.append(line)
    heads = [head for base in (LITERAL, EMA)
             for head in (Html(f"{code(base).text} (%)"), "minus the map's mean (points)")]  # fmt: skip
    notes = [*options.pop("notes", ()), "All scores of one column come from the same trained networks. Only the first "
             "three use the detection network.", chapter.UNCORRECTED]  # fmt: skip
    return Table(["score of a clip", *heads], lines, notes=notes, **options)


def scores_finding(shown: Shown) -> str:
    """Which score does best for each way of learning codes, in a sentence."""
    said = []
    for base in (LITERAL, EMA):
        found = {what: shown.value(variant(base, score)) for score, what in SCORES.items()}
        best = chapter.better(found)
        plain = found[SCORES[""]]
        if best is not None and plain is not None:
            known = sum(value is not None for value in found.values())
            said.append(f"`{base}`, {known} of {len(found)} scores recorded: highest by “{best}” "
                        f"({found[best]:.1f} %), by the map's mean {plain:.1f} %")  # fmt: skip
    return "; ".join(said) if said else "No score has a record yet"


# What machine IDs give.
ID_MACHINES = ("slider",)
"""Models of one machine ID each were trained on this type."""


def id_runs(label: str) -> list[Stored]:
    """Runs on the verdict seeds on `ID_MACHINES` alone. A yardstick, whose models share nothing between types, may have
    run on all machines; AudDSR's autoencoder would have heard the others."""
    system, _, variant = label.partition(":")
    found = results.committed(system=system, variant=variant, data=DATA, profile=chapter.RECORDED, overrides={})
    sealed = [s for s in found if s.record.data.seed in results.VERDICT_SEEDS and not s.record.data.premise_off]
    few = [s for s in sealed if tuple(s.record.data.machines) == ID_MACHINES]
    return few or [s for s in sealed if not s.record.data.restricted and system != "auddsr"]


def on_slider(stored: Stored, quantity: str = "AUC") -> float | None:
    """Mean over the machine IDs of `ID_MACHINES`, in percent; None where a run has none of them."""
    own = [m for m in stored.record.metrics["official"]["machines"] if m["machine"] in ID_MACHINES]
    values = [cell["value"] for machine in own for cell in machine["cells"] if cell["quantity"] == quantity]
    return 100 * float(np.mean(values)) if values else None


def id_gap(label: str, rival: str) -> metrics.Interval | None:
    """AUC of a system minus that of another, on the same data seeds, in points; None where no pair ran."""
    both = [{s.record.data.seed: value for s in id_runs(one) if (value := on_slider(s)) is not None}
            for one in (label, rival)]  # fmt: skip
    seeds = sorted(set(both[0]) & set(both[1]), key=str)
    return metrics.over_data_seeds([both[0][seed] - both[1][seed] for seed in seeds]) if seeds else None


def ids_apart(stored: Stored) -> float | None:
    """How well the models of one ID each tell held-out normal clips of the type's other IDs from those of their own:
    mean AUC in percent, 100 where every stranger scores higher; None where a record keeps nothing of it."""
    arrays, found = stored.figures(), []
    for name, strangers in arrays.items():
        kind, _, group = name.partition("/")
        if kind == "other IDs":
            own = np.asarray(arrays[f"responses/{group}"], dtype=float)[:, 0]
            label = np.repeat([0, 1], [len(own), len(strangers)])
            found.append(float(metrics.auc(label, np.concatenate([own, np.asarray(strangers, dtype=float)]))))
    return 100 * float(np.mean(found)) if found else None


ID_ROWS: Mapping[str, str] = {
    EMA: "one model for all IDs", PER_ID: "one model an ID", ANNOT: "one model an ID, the other IDs as outliers",
    YARDSTICKS[1]: "no model: nearest training clip of all IDs",
    YARDSTICKS[0]: "no model: nearest training clip of the same ID",
}  # fmt: skip


def ids(shown: Shown, **options: Any) -> Table:
    """One row a way to use machine IDs: AUC and pAUC on the slider, and paired differences."""
    lines = []
    for label, what in ID_ROWS.items():
        cells = [over(id_runs(label), lambda s, q=quantity: on_slider(s, q)) for quantity in QUANTITIES]  # type: ignore[misc]
        gaps = [None if label == rival else chapter.difference(id_gap(label, rival)) for rival in (EMA, YARDSTICKS[0])]
        apart = over(id_runs(label), ids_apart) if label in (PER_ID, ANNOT) else None
        lines.append([Html(f"{what}<br>{code(label).text}"), *cells, *gaps, apart])
    heads = [*(f"{quantity} (%)" for quantity in QUANTITIES),
             *(Html(f"minus {code(rival).text} (points)") for rival in (EMA, YARDSTICKS[0])),
             "other IDs told apart, AUC (%)"]  # fmt: skip
    where = f"On {', '.join(ID_MACHINES)} of {shown.asked.main} alone, the only type that these autoencoders heard."
    most = max(len(id_runs(label)) for label in ID_ROWS)
    notes = [*options.pop("notes", ()), f"{where} Intervals (95 %) cover data seeds, {most} at most.",
             chapter.UNCORRECTED,
             "*Other IDs told apart*: normal clips of the type's other IDs, held out, against its own."]
    return Table(["machine IDs are used for", *heads], lines, notes=notes, **options)


def ids_finding() -> str:
    """What outliers of other IDs give, and whether they are learnt at all, in a sentence."""
    said = [chapter.said(id_gap(ANNOT, rival), ANNOT, rival) for rival in (EMA, PER_ID)]
    told = {label: over(id_runs(label), ids_apart).value for label in (ANNOT, PER_ID)}
    said += [f"`{label}` tells normal clips of other IDs from those of its own with an AUC of {value:.0f} %"
             for label, value in told.items() if value is not None]  # fmt: skip
    return "; ".join(said)


# AUC of each fault.
@lru_cache(maxsize=64)
def by_fault(stored: Stored) -> pd.DataFrame:
    """AUC (percent) of each fault of a run on built-in machines: machine, fault, clips, auc."""
    data = stored.record.data
    known_ = clips.with_truth(stored.scores(), preset=data.name, data_seed=data.seed or 0, profile=str(data.profile))
    return clips.auc_by_fault(known_)


@dataclass(frozen=True)
class FaultAuc:
    """What a system gets on one fault: AUC in percent, over data seeds."""

    machine: str
    fault: str
    value: Value


def fault_aucs(group: Sequence[Stored]) -> dict[tuple[str, str], FaultAuc]:
    """AUC of every fault over runs whose truth is known, by (machine, fault)."""
    usable = [stored for stored in group if results.known_truth([stored]) is not None]
    tables = {stored.folder: by_fault(stored).set_index(["machine", "fault"])["auc"] for stored in usable}
    keys = dict.fromkeys(key for table in tables.values() for key in table.index)
    return {(machine, fault): FaultAuc(str(machine), str(fault), over(
                [s for s in usable if (machine, fault) in tables[s.folder].index],
                lambda s, k=(machine, fault): float(tables[s.folder][k])))  # type: ignore[misc]
            for machine, fault in keys}  # fmt: skip


def faults(shown: Shown, **options: Any) -> Table:
    """One row a fault: AUC of `literal`, `ema` and the trivial detector, the worst for `literal` first."""
    labels = (LITERAL, EMA, YARDSTICKS[0])
    found = {label: fault_aucs(shown.group(label)) for label in labels}
    first = next((aucs for aucs in found.values() if aucs), {})
    order = sorted(first, key=lambda key: first[key].value.value or 0.0)
    lines = [[f"{machine}, {fault}", *(found[label].get((machine, fault), FaultAuc(machine, fault, NONE)).value
                                       for label in labels)] for machine, fault in order]  # fmt: skip
    notes = [*options.pop("notes", ()), "AUC of the fault's clips against all normal test clips of the machine, all "
             "IDs together. Intervals (95 %) cover data seeds.", chapter.UNCORRECTED]  # fmt: skip
    heads = [Html(f"{code(label).text} (%)") for label in labels]
    return Table(["machine, fault", *heads], lines or [["all faults", NONE, NONE, NONE]], notes=notes, **options)


def level_changes(preset: str, data_seed: int, machines: Sequence[str]) -> dict[str, float]:
    """Mean change of level that each fault makes in its place at full severity, in dB; below zero it takes sound away.

    Args:
        preset: a built-in set.
        data_seed: of the machines.
        machines: types.
    """
    found = {}
    for machine in machines:
        for name in (fact["name"] for fact in simulate.describe(preset)[machine]["faults"]):
            heard = listening.fault(preset, machine, name, data_seed=data_seed, candidates=1)
            healthy, faulty = (spectrograms.levels(wave) for wave in heard.waves)
            inside = listening.box_mask(heard.twin.boxes, healthy.shape)
            found[f"{machine}, {name}"] = float((faulty - healthy)[inside if inside.any() else slice(None)].mean())
    return found


def taken_said(changes: Mapping[str, float], aucs: Mapping[str, Mapping[str, float]]) -> str:
    """Mean AUC over the faults that take sound away and over those that add some, in a sentence.

    Args:
        changes: fault to what it adds, dB (`level_changes`).
        aucs: system to fault to AUC in percent.
    """
    said = []
    for system, found in aucs.items():
        taken, added = ([found[n] for n, dB in changes.items() if n in found and (dB < 0) is away]
                        for away in (True, False))  # fmt: skip
        if taken and added:
            said.append(f"`{system}` {np.mean(taken):.0f} % over {len(taken)} faults that take sound away, "
                        f"{np.mean(added):.0f} % over {len(added)} that add some")  # fmt: skip
    return f"Mean AUC: {'; '.join(said)}" if said else "No record yet"


def below_chance(shown: Shown, label: str = LITERAL) -> list[FaultAuc]:
    """Faults whose clips score below normal ones, the lowest first."""
    found = [one for one in fault_aucs(shown.group(label)).values()
             if one.value.value is not None and one.value.value < 50]  # fmt: skip
    return sorted(found, key=lambda one: one.value.value or 0.0)


def faults_finding(shown: Shown) -> str:
    """How many faults score below normal, and for how many that is sure."""
    said = []
    for label in (LITERAL, EMA):
        every = fault_aucs(shown.group(label))
        if not every:
            continue
        low = below_chance(shown, label)
        sure = [one for one in low if one.value.high is not None and one.value.high < 50]
        names = ", ".join(f"{one.machine} {one.fault} ({one.value.value:.0f} %)" for one in low[:3])
        most = f": lowest {names}" if names else ""
        said.append(f"`{label}` scores {len(low)} of {len(every)} faults below normal clips, {len(sure)} of them with "
                    f"all of the interval{most}")  # fmt: skip
    return "; ".join(said) if said else "No record yet"
