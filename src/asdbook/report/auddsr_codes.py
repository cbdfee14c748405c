"""What AudDSR's two stages learnt: how codebooks are used, and whether simulated anomalies are seen and found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report.auddsr import EMA, LITERAL, NONE, over
from asdbook.report.auddsr_why import real_auc, runs
from asdbook.report.chapter import UNCORRECTED, Shown
from asdbook.report.embedding_figures import missing
from asdbook.report.show import Picture
from asdbook.report.style import SEQUENCE, canvas, styled
from asdbook.report.tables import Html, Table, Value, code

LEVELS = ("coarse", "fine")
SHARE, SPREAD = "share used", "perplexity"
COVERS = ("Intervals (95 %) cover data seeds; few seeds make them wide, and they are not cut off where a number can go "
          f"no further. {UNCORRECTED}")  # fmt: skip


# Codebooks.
def codes_used(stored: Stored, what: str, level: str) -> list[float]:
    """Perplexity or share of used codes of one codebook by epoch; mean over autoencoders where there are several."""
    found = [values for name, values in stored.record.loss_history.items() if name.endswith(f"/{what} {level}")]
    return [float(v) for v in np.mean([v[: min(map(len, found))] for v in found], axis=0)] if found else []


def loss_of_codes(stored: Stored) -> list[float]:
    """Loss of the autoencoder by epoch."""
    found = [v for name, v in stored.record.loss_history.items()
             if name.startswith("auddsr/general") and SPREAD not in name and SHARE not in name]  # fmt: skip
    return [float(v) for v in np.mean([v[: min(map(len, found))] for v in found], axis=0)] if found else []


def codebooks(shown: Shown, **options: Any) -> Table:
    """`literal` beside `ema`: worst and last loss, perplexity and share of used codes at the end."""
    lines = []
    for label, what in ((LITERAL, "gradient of Eq. (1)"), (EMA, "moving averages, dead codes revived")):
        group = [stored for stored in runs(shown, label) if loss_of_codes(stored)]
        line: list[Any] = [Html(f"{what}<br>{code(label).text}"), span([max(loss_of_codes(s)) for s in group]),
                           span([loss_of_codes(s)[-1] for s in group])]  # fmt: skip
        for level in LEVELS:
            line.append(span([codes_used(s, SPREAD, level)[-1] for s in group]))
            line.append(span([100 * codes_used(s, SHARE, level)[-1] for s in group]))
        lines.append(line)
    heads = ["highest loss", "loss at the end",
             *(f"{level}: {what}" for level in LEVELS for what in ("perplexity", "codes used (%)"))]  # fmt: skip
    notes = [*options.pop("notes", ()), "Median over runs, then the least and the greatest.", *collapsed(shown)]
    return Table(["codes learn by", *heads], lines, notes=notes, **options)


def collapsed(shown: Shown) -> list[str]:
    """Runs whose record says that a codebook collapsed, a sentence each."""
    return [f"`{label}`, data seed {stored.record.data.seed}: {said.partition(': ')[2]}. The run is scored like any "
            "other."
            for label in (LITERAL, EMA) for stored in runs(shown, label)
            for said in stored.record.notes if "collapsed" in said]  # fmt: skip


def span(values: Sequence[float]) -> Value | Html:
    """Median, least and greatest of some runs' numbers, which may lie orders of magnitude apart."""
    if not values:
        return NONE
    middle, least, most = (f"{v:.3g}" for v in (np.median(values), min(values), max(values)))
    ends = f' <span class="asd-interval">{least} to {most}</span>' if len(values) > 1 else ""
    return Html(f'<span class="asd-value">{middle}</span>{ends}')


def codebooks_finding(shown: Shown) -> str:
    """What share of their codes both ways use at the end, in a sentence."""
    said = []
    for label in (LITERAL, EMA):
        group = [s for s in runs(shown, label) if loss_of_codes(s)]
        if group:
            shares = [over(group, lambda s, at=level: 100 * codes_used(s, SHARE, at)[-1]).value  # type: ignore[misc]
                      for level in LEVELS]  # fmt: skip
            said.append(f"`{label}` ends, on average, with {shares[0]:.0f} % of the coarse and {shares[1]:.0f} % of "
                        "the fine codes in use")  # fmt: skip
    return "; ".join(said) if said else "No record yet"


def codebooks_figure(shown: Shown) -> Picture:
    """Loss, perplexity and share of used codes over epochs, one colour a way of learning, one line style a level."""
    groups = {label: [s for s in runs(shown, label) if loss_of_codes(s)] for label in (LITERAL, EMA)}
    if not any(groups.values()):
        return missing(f"{LITERAL} and {EMA}")
    styles, said = {"coarse": "-", "fine": "--"}, []
    with styled():
        figure, panels = canvas(3, 1, height=5.6, sharex=True)
        for k, (label, group) in enumerate(groups.items()):
            colour = SEQUENCE[k]
            for number, stored in enumerate(group):
                losses = loss_of_codes(stored)
                epochs = range(1, len(losses) + 1)
                panels[0].plot(epochs, losses, color=colour, alpha=0.8, label=None if number else label)
                for level, line in styles.items():
                    name = None if number else f"{label}, {level}"
                    panels[1].plot(epochs, codes_used(stored, SPREAD, level), line, color=colour, alpha=0.8, label=name)
                    shares = [100 * v for v in codes_used(stored, SHARE, level)]
                    panels[2].plot(epochs, shares, line, color=colour, alpha=0.8)
            if group:
                said.append(f"{label}: loss at most {max(max(loss_of_codes(s)) for s in group):.3g}, at the end "
                            f"{np.mean([loss_of_codes(s)[-1] for s in group]):.3g}")  # fmt: skip
        panels[0].set(yscale="log", ylabel="loss of the\nautoencoder")
        panels[1].set(yscale="log", ylabel="perplexity")
        panels[2].set(ylabel="codes used (%)", xlabel="epoch", ylim=(0, 105))
        figure.legend(*panels[1].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return Picture(figure, f"Loss, perplexity and share of used codes over epochs. {'; '.join(said)}. "
                           f"{codebooks_finding(shown)}.")  # fmt: skip


# What held-out clips with simulated anomalies told (`systems.auddsr.probes`).
@dataclass(frozen=True)
class Probe:
    """Of the networks of one machine type (or ID).

    Attributes:
        machine: type.
        simulated: AUC (percent) of held-out clips with a simulated anomaly against the same without.
        alone: the same where the network sees X_G in place of X_S too, in all clips.
        visibility: mean change of X_G by the simulation, (both, coarse, fine) x (inside, outside).
    """

    machine: str
    simulated: float
    alone: float
    visibility: np.ndarray


def probes(stored: Stored) -> list[Probe]:
    """What a record keeps of them; [] where it keeps nothing."""
    arrays, made = stored.figures(), []
    for name, values in arrays.items():
        kind, _, group = name.partition("/")
        if kind == "responses":
            clean, changed, clean_alone, changed_alone = np.asarray(values, dtype=float).T
            label = np.repeat([0, 1], len(clean))
            found, alone = (100 * float(metrics.auc(label, np.concatenate(pair)))
                            for pair in ((clean, changed), (clean_alone, changed_alone)))  # fmt: skip
            seen = np.asarray(arrays[f"visibility/{group}"], dtype=float)
            made.append(Probe(group.partition("/")[0], found, alone, seen))
    return made


def mean_probe(stored: Stored, what: str, machine: str = "all") -> float | None:
    """Mean over the machine types of a run (types weigh alike), or over the groups of one type, in percent."""
    by_machine: dict[str, list[float]] = {}
    for probe in probes(stored):
        by_machine.setdefault(probe.machine, []).append(getattr(probe, what))
    means = {name: float(np.mean(values)) for name, values in by_machine.items()}
    return means.get(machine) if machine != "all" else (float(np.mean(list(means.values()))) if means else None)


def simulated(shown: Shown, **options: Any) -> Table:
    """One row a machine: AUC on simulated anomalies, on real ones, and on simulated ones from X_G alone."""
    groups = {label: [s for s in runs(shown, label) if probes(s)] for label in (LITERAL, EMA)}
    lines = []
    for machine in ("all", *shown.machines):
        line: list[Any] = ["all types" if machine == "all" else machine]
        for group in groups.values():
            line.append(over(group, lambda s, m=machine: mean_probe(s, "simulated", m)))  # type: ignore[misc]
            line.append(over(group, lambda s, m=machine: real_auc(s, m)))  # type: ignore[misc]
            line.append(over(group, lambda s, m=machine: mean_probe(s, "alone", m)))  # type: ignore[misc]
        lines.append(line)
    words = ("simulated (%)", "of the test clips (%)", "simulated, X_G alone (%)")
    heads = [Html(f"{code(label).text}:<br>{word}") for label in groups for word in words]
    notes = [*options.pop("notes", ()), "*X_G alone*: the detector sees X_G twice, in clips with a simulated anomaly "
             "and in clean ones. Simulated anomalies are put into crops as long as training images; test clips are "
             "whole.", COVERS]  # fmt: skip
    return Table(["machine type", *heads], lines, notes=notes, **options)


def simulated_finding(shown: Shown) -> str:
    """Simulated against real AUC, in a sentence."""
    said = []
    for label in (LITERAL, EMA):
        group = [s for s in runs(shown, label) if probes(s)]
        if group:
            both = [over(group, lambda s, w=what: mean_probe(s, w)).value for what in ("simulated", "alone")]  # type: ignore[misc]
            real = over(group, real_auc).value
            said.append(f"AUC of `{label}`: {both[0]:.0f} % on simulated anomalies, {real:.0f} % on those of the test "
                        f"clips; on simulated ones from X_G alone {both[1]:.0f} %")  # fmt: skip
    return "; ".join(said) if said else "No record yet"


CLIPS = ("held out, clean", "held out, simulated", "test, normal", "test, anomalous")
"""Kinds of clips whose scores `bridge` sets side by side."""


def four_kinds(stored: Stored) -> dict[str, list[np.ndarray]]:
    """Machine to the scores of its clips of each kind of `CLIPS`; the groups of a type together."""
    arrays, frame = stored.figures(), stored.scores()
    test, found = frame[frame["split"] == "test"], {}
    for machine in dict.fromkeys(probe.machine for probe in probes(stored)):
        held = np.concatenate([np.asarray(values, dtype=float) for name, values in arrays.items()
                               if name.startswith("responses/") and name.split("/")[1] == machine])  # fmt: skip
        own = test[test["machine"] == machine]
        found[machine] = [held[:, 0], held[:, 1], *(own.loc[own["label"] == label, "score"].to_numpy(dtype=float)
                                                    for label in ("normal", "anomaly"))]  # fmt: skip
    return found


def bridge(shown: Shown, label: str) -> Picture:
    """Scores of held-out and of test clips, normal and anomalous, machine by machine: the run of the first seed."""
    group = [s for s in runs(shown, label) if probes(s)]
    if not group:
        return missing(label)
    kinds = four_kinds(group[0])
    with styled():
        rows = -(-len(kinds) // 2)
        figure, grid = canvas(rows, 2, height=0.5 + 1.15 * rows, sharey=True, squeeze=False)
        for axes in grid.flat[len(kinds) :]:
            axes.axis("off")
        for axes, (machine, scores) in zip(grid.flat, kinds.items()):
            for at, values in enumerate(scores):
                colour = SEQUENCE[at % 2]
                low, left, middle, right, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
                axes.plot([low, high], [at, at], color=colour, linewidth=1)
                axes.plot([left, right], [at, at], color=colour, linewidth=4, solid_capstyle="butt")
                axes.plot(middle, at, "o", color=colour, markersize=4, markeredgecolor="white", markeredgewidth=0.7)
            axes.set_title(machine, fontsize=9)
            axes.set(yticks=range(len(CLIPS)), ylim=(len(CLIPS) - 0.4, -0.6))
            axes.set_yticklabels(CLIPS, fontsize=8)
            axes.locator_params(axis="x", nbins=3)
        for axes in grid[-1]:
            axes.set_xlabel("score")
    return Picture(figure, "Scores of four kinds of clips, a panel a machine: a dot at the median, a thick line over "
                           "the middle half, a thin one from 5 % to 95 %. "
                           f"{bridge_finding(shown, label)}.")  # fmt: skip


def bridge_finding(shown: Shown, label: str) -> str:
    """How far simulated and real anomalies lift the median score, in a sentence."""
    group = [s for s in runs(shown, label) if probes(s)]
    if not group:
        return "No record yet"
    lifts = []
    for held, simulated, normal, anomalous in four_kinds(group[0]).values():
        lifts.append([(np.median(odd) - np.median(usual)) / np.subtract(*np.quantile(usual, (0.75, 0.25)))
                      for odd, usual in ((simulated, held), (anomalous, normal))])  # fmt: skip
    put, real = np.median(lifts, axis=0)
    return (f"`{label}`, data seed {group[0].record.data.seed}, median over machines: replaced codes lift the median "
            f"score by {put:.1f} times the width of the middle half of the same clips, machine faults by {real:.1f} "
            "times that of normal test clips")  # fmt: skip


def visible(shown: Shown, **options: Any) -> Table:
    """How much X_G changes where codes were replaced, and elsewhere: both levels, the coarse one, the fine one."""
    lines = []
    for label in (LITERAL, EMA):
        group = [s for s in runs(shown, label) if probes(s)]
        for k, level in enumerate(("both", *LEVELS)):
            cells = [over(group, lambda s, at=(k, side): float(np.nanmean([p.visibility[at] for p in probes(s)])), 3)  # type: ignore[misc]
                     for side in (0, 1)]  # fmt: skip
            lines.append([Html(f"{level}<br>{code(label).text}"), *cells])
    heads = ["change inside the map (spreads)", "change outside"]
    return Table(["codes replaced", *heads], lines, notes=[*options.pop("notes", ()), COVERS], **options)


def visible_finding(shown: Shown) -> str:
    """Coarse codes against fine ones, in a sentence."""
    said = []
    for label in (LITERAL, EMA):
        group = [s for s in runs(shown, label) if probes(s)]
        if group:
            inside = [over(group, lambda s, at=k: float(np.nanmean([p.visibility[at, 0] for p in probes(s)]))).value  # type: ignore[misc]
                      for k in (1, 2)]  # fmt: skip
            said.append(f"`{label}`: other coarse codes change X_G by {inside[0]:.2f} spreads, other fine ones by "
                        f"{inside[1]:.2f}")  # fmt: skip
    return "; ".join(said) if said else "No record yet"
