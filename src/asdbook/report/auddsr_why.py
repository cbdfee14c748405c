"""Why AudDSR scores what it scores, from runs on development data: ablations, training, simulated shapes.

Development runs may be made on some machines only. Two runs are compared on the machines that both were tested on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report import auddsr, chapter, figures, results, sensitivity, verdicts
from asdbook.report.auddsr import DATA, EMA, GENERAL_AUDIO, LITERAL, NONE, YARDSTICKS, over
from asdbook.report.auddsr_printed import PART, QUANTITIES
from asdbook.report.chapter import Shown, difference
from asdbook.report.embedding_figures import missing
from asdbook.report.show import Picture
from asdbook.report.tables import Html, Table, Value, badge, code

TRIVIAL = YARDSTICKS[0]
LONGER = {"object_iterations": "second stage", "iterations": "autoencoder"}
"""Number of updates to the stage that it trains."""
SEEDS = {"data_seed": chapter.DEVELOPMENT, "seed": chapter.DEVELOPMENT}
"""Of a development run; `retrained` has those with other training seeds."""


def development(
    label: str, overrides: Mapping[str, Any] | None = None, like: Stored | None = None
) -> list[Stored]:  # fmt: skip
    """The run of a variant on the development seed; of several the one on most machines; [] where there is none.

    Args:
        label: "system:variant".
        overrides: settings changed by hand.
        like: a run on the same machines: the autoencoder of a run on some machines hears these alone.
    """
    system, _, variant = label.partition(":")
    found = results.committed(system=system, variant=variant, data=DATA, profile=chapter.RECORDED,
                              **SEEDS, overrides=dict(overrides or {}))  # fmt: skip
    usable = [stored for stored in found if not stored.record.data.premise_off
              and (like is None or tested(stored) == tested(like))]  # fmt: skip
    return sorted(usable, key=lambda s: len(tested(s)))[-1:]


def runs(shown: Shown, label: str) -> list[Stored]:
    """Runs of a system on the verdict seeds, or while there are none the one on the development seed."""
    return shown.group(label) or ([] if shown.live else development(label))


def tested(stored: Stored) -> tuple[str, ...]:
    """Machines of a run that have test clips."""
    return tuple(str(machine["machine"]) for machine in stored.record.metrics["official"]["machines"])


def real_auc(stored: Stored, machine: str = "all") -> float | None:
    """Mean AUC of a run's real (test) anomalies, in percent; of one type or of all."""
    found = {str(m["machine"]): m["score"]["value"] for m in stored.record.metrics["official"]["machines"]}
    value = stored.record.metrics["official"]["score"]["value"] if machine == "all" else found.get(machine)
    return None if value is None else 100 * float(value)


# Development runs.
CHANGES: Mapping[str, str] = {
    "ema": "codes are moving averages, dead ones are revived",
    "uniform": "any code may stand in, not similar ones alone",
    "perlin-only": "simulated shapes: Perlin noise alone",
    "band-only": "simulated shapes: bands alone",
    "unrotated": "Perlin noise is not rotated",
    "coarse-only": "coarse codes replaced alone",
    "fine-only": "fine codes replaced alone",
    "no-restriction": "no subspace restriction",
    "batchnorm": "batch normalisation, not instance normalisation",
    "general-audio": "autoencoder trained on sound of no machine",
    "leave-one-type-out": "autoencoder trained on the other types",
    "per-id": "one model a machine ID",
    "annot": "other machine IDs as anomalies, one model a machine ID",
}
"""Variant to what it changes."""


def base_of(stored: Stored) -> str:
    """What a variant is compared with: `ema` where its codes learn as moving averages, else `literal`."""
    average = stored.record.config.get("update") == "average" and stored.record.label != EMA
    return EMA if average else LITERAL


@lru_cache(maxsize=256)
def _on(stored: Stored, machines: tuple[str, ...]) -> metrics.Evaluation:
    """A run's official evaluation on some of its machines, with resampled values."""
    frame = stored.scores()
    test = frame[(frame["split"] == "test") & frame["machine"].isin(machines)].sort_values("file")
    return metrics.evaluate(
        stored.record.data.year or 2020, test["machine"].to_numpy(dtype=object), test["unit"].to_numpy(dtype=object),
        (test["label"] == "anomaly").to_numpy(dtype=int), test["score"].to_numpy(dtype=float),
        domain=None if test["domain"].isna().all() else test["domain"].to_numpy(dtype=object),
        recording=test["recording"].to_numpy(dtype=object), draws=verdicts.DRAWS, seed=0,
    )  # fmt: skip


def shared(left: Stored, right: Stored) -> tuple[str, ...]:
    """Machines that both runs were tested on."""
    return tuple(machine for machine in tested(left) if machine in tested(right))


def between(left: Sequence[Stored], right: Sequence[Stored]) -> metrics.Interval | None:
    """Score of one run minus that of another on the machines of both, in points, with its interval over clips."""
    if not left or not right or not shared(left[0], right[0]):
        return None
    machines = shared(left[0], right[0])
    return verdicts.points(metrics.paired_difference(_on(left[0], machines), _on(right[0], machines)))


@dataclass(frozen=True)
class Trial:
    """A development run: what it changes, in words, and what it is compared with."""

    what: str
    stored: Stored
    base: list[Stored]

    @property
    def label(self) -> str:
        changed = sensitivity.settings(self.stored.record.overrides)
        return self.stored.record.label + (f", {changed}" if changed else "")


def trials(shown: Shown) -> list[Trial]:
    """All development runs that change one thing, in the order of `CHANGES`, then those with settings changed by
    hand. Variants that only read another score are left out: they are in the table of scores."""
    found = []
    for variant, what in CHANGES.items():
        for stored in development(f"auddsr:{variant}"):
            found.append(Trial(what, stored, development(base_of(stored), like=stored)))
    for stored in results.committed(system="auddsr", data=shown.asked.main, profile=chapter.RECORDED,
                                    **SEEDS):  # fmt: skip
        changed = stored.record.overrides
        if changed and not stored.record.data.premise_off:
            base = development(stored.record.label, like=stored)
            what = f"settings: {sensitivity.settings(changed)}"
            if base and set(changed) <= set(LONGER):
                usual = base[0].record.config
                what = ", ".join(f"{LONGER[k]} trained {v / usual[k]:g} times as long" for k, v in changed.items())
            found.append(Trial(what, stored, base))
    return found


def retrained() -> list[Trial]:
    """Runs of `ema` on the development data that differ in the training seed alone."""
    found = results.committed(system="auddsr", variant="ema", data=DATA, profile=chapter.RECORDED, overrides={},
                              data_seed=chapter.DEVELOPMENT)  # fmt: skip
    others = [s for s in found if s.record.seed != chapter.DEVELOPMENT and not s.record.data.premise_off]
    return [Trial(f"nothing: trained again, seed {s.record.seed}", s, development(EMA, like=s))
            for s in sorted(others, key=lambda s: s.record.seed)]  # fmt: skip


def evidence(shown: Shown, **options: Any) -> Table:
    """One row a change: its score, and differences to what it changes and to the trivial detector."""
    literal: tuple[str, str, list[Stored], list[Stored]] = ("as the paper has it", LITERAL, development(LITERAL), [])
    rows = [(one.what, one.label, [one.stored], one.base) for one in (*trials(shown), *retrained())]
    trivial, lines = development(TRIVIAL), []
    for what, label, group, base in ([literal] if literal[2] or not rows else []) + rows:
        machines = ", ".join(tested(group[0])) if group and group[0].record.data.restricted else "all"
        score = over(group, real_auc) if group else NONE
        against = None
        if base:
            against = Html(f"{difference(between(group, base)).text}<br>{code(base[0].record.label).text}")
        lines.append([Html(f"{what}<br>{code(label).text}"), machines, score, against,
                      difference(between(group, trivial))])  # fmt: skip
    columns = ["what is changed", "machines", "mean AUC there (%)", "minus what it changes (points)",
               Html(f"minus {code(TRIVIAL).text} (points)")]  # fmt: skip
    return Table(columns, lines, notes=[*options.pop("notes", ()), note(shown)], **options)


def note(shown: Shown) -> str:
    """What development runs are."""
    return (f"All on development seed {chapter.DEVELOPMENT} of {shown.asked.main}, profile `{chapter.RECORDED}`, one "
            "training each. An autoencoder heard the machines of its row alone, but that of `general-audio` no "
            "machine, and that of `leave-one-type-out` only the others of these. Intervals (95 %), where there are "
            "any, cover clips, not chance in training.")  # fmt: skip


def evidence_finding(shown: Shown) -> str:
    """How many changes lift the score, and how many then beat the trivial detector, in a sentence."""
    gains = {one.label: between([one.stored], one.base) for one in trials(shown)}
    known = {label: gap for label, gap in gains.items() if gap is not None}
    if not known:
        return "No change has run yet"
    trivial = development(TRIVIAL)
    beats = sum(_above(between([one.stored], trivial)) for one in trials(shown) if one.label in known)
    best = max(known, key=lambda label: known[label].value)
    return (f"{beats} of {len(known)} changes beat the trivial detector with an interval that leaves out zero, for the "
            f"clips of one run. Largest gain: `{best}` ({known[best].value:+.1f} points)"
            f"{beyond([gap.value for gap in known.values()])}")  # fmt: skip


def by_chance() -> list[float]:
    """How far training `ema` again, with another seed, moves its score, in points."""
    return sorted(gap.value for one in retrained() if (gap := between([one.stored], one.base)) is not None)


def luck() -> str:
    """How far chance moves the score, in a sentence; empty where it was not tried."""
    gaps = by_chance()
    if not gaps:
        return ""
    moves = " and ".join(", ".join(f"{gap:+.1f}" for gap in gaps).rsplit(", ", 1))
    lowest = f". The run that rows are compared with is the lowest of {len(gaps) + 1}" if min(gaps) > 0 else ""
    return f"Training `{EMA}` again with other seeds changes its score by {moves} points{lowest}"


def beyond(gains: Sequence[float]) -> str:
    """How far chance moves the score and how many gains are larger, as the end of a sentence; "" where not tried."""
    chance = by_chance()
    if not chance:
        return ""
    more = sum(gain > max(chance) for gain in gains)
    return f". {luck()}. {more} of {len(gains)} changes gain more than the largest of these"


def _above(gap: metrics.Interval | None) -> bool:
    return gap is not None and gap.low is not None and gap.low > 0


UNTRIED = ("The records train with a small share of the paper's updates. What longer training changes has no record "
           "yet: these systems may be under-trained.")  # fmt: skip
"""Stands where `training_notes` has nothing to say."""


def training_notes() -> list[str]:
    """What longer training of either stage did, for each variant that has such a run on the development seed."""
    said = []
    for label in (LITERAL, EMA):
        for key, what in LONGER.items():
            for longer in longer_runs(label, key):
                base = development(label, like=longer)
                if base:
                    times = longer.record.config[key] / base[0].record.config[key]
                    if times < 1:
                        continue
                    effect = longer_said(between([longer], base), times)
                    where = ", ".join(tested(longer)) if longer.record.data.restricted else "all machines"
                    said.append(f"`{label}`, {what}, development seed, {where}: {effect}")
    return said


def longer_said(change: metrics.Interval | None, times: float) -> str:
    """What longer training did, and whether training again without any change does as much."""
    chance = max(by_chance(), default=None)
    if change is None or chance is None:
        return results.training_effect(change, times)
    much = "twice" if times == 2 else f"{times:g} times"
    alike = "no more than" if change.value <= chance else "more than"
    return (f"{much} the training changes the score by {change.value:+.1f} points, {alike} training again with another "
            f"seed does (up to {chance:+.1f}). Longer training may help: one run each does not show it.")  # fmt: skip


def longer_runs(label: str, key: str) -> list[Stored]:
    """Development runs of a variant with another number of updates and nothing else changed, the fewest first."""
    system, _, variant = label.partition(":")
    found = [s for s in results.committed(system=system, variant=variant, data=DATA, profile=chapter.RECORDED,
                                          **SEEDS)
             if list(s.record.overrides) == [key] and not s.record.data.premise_off]  # fmt: skip
    return sorted(found, key=lambda s: s.record.overrides[key])


# Table 2: what the autoencoder hears.
def table2(shown: Shown, **options: Any) -> Table:
    """Table 2: what the autoencoder was trained on, the printed averages, and ours."""
    ours, lines = heard(shown), []
    for row, label, what in (("AudDSR_dcase", EMA, "the machines' own sound"),
                             ("AudDSR_AudioSet", GENERAL_AUDIO, "other sound: AudioSet; ours: no machines, simulated")):
        printed = [chapter.printed_row("auddsr_table2", row, quantity=quantity, score=quantity, part=PART)
                   .cells["all", quantity] for quantity in QUANTITIES]  # fmt: skip
        cells = [over(ours[label], lambda s, q=quantity: auddsr.average(s, q, "over types"))  # type: ignore[misc]
                 for quantity in QUANTITIES]  # fmt: skip
        lines.append([Html(f"{row}<br>{code(label).text}"), what, *printed, *cells])
    official, own = badge("official", PART).text, shown.row(EMA).data.text
    heads = [*(Html(f"{q}, printed (%)<br>{official}") for q in QUANTITIES),
             *(Html(f"{q}, ours (%)<br>{own}") for q in QUANTITIES)]  # fmt: skip
    notes = [*options.pop("notes", ())]
    if shown.group(GENERAL_AUDIO):
        notes.append(f"Ours: data seeds {', '.join(str(s.record.data.seed) for s in ours[GENERAL_AUDIO])}. "
                     "Intervals (95 %) cover data seeds.")
    else:
        notes += [f"Ours on {', '.join(tested(other))}. {note(shown)}" for other in ours[GENERAL_AUDIO]]
    return Table(["row", "the autoencoder hears", *heads], lines, notes=notes, **options)


def heard(shown: Shown) -> dict[str, list[Stored]]:
    """Runs of `general-audio` and `ema`: on the verdict seeds, or while there are none on the development seed."""
    other = shown.group(GENERAL_AUDIO)
    if other:
        seeds = {s.record.data.seed for s in other}
        return {GENERAL_AUDIO: other, EMA: [s for s in shown.group(EMA) if s.record.data.seed in seeds]}
    other = development(GENERAL_AUDIO)
    return {GENERAL_AUDIO: other, EMA: development(EMA, like=other[0]) if other else []}


def table2_finding(shown: Shown) -> str:
    """Whether the sound that the autoencoder hears matters, in a sentence."""
    ours = heard(shown)
    compare = verdicts.between if shown.group(GENERAL_AUDIO) else between
    return f"Ours: {chapter.said(compare(ours[GENERAL_AUDIO], ours[EMA]), GENERAL_AUDIO, EMA)}"


# Which simulated shape helps which fault.
def shapes(shown: Shown, **options: Any) -> Table:
    """One row a fault: AUC of models that learnt from both shapes, from Perlin noise and from bands alone."""
    groups = shape_runs()
    found = {what: auddsr.fault_aucs(group) for what, group in groups.items()}
    alone = [found[what] for what in ("Perlin noise alone", "bands alone")]
    keys = [key for key in alone[0] if key in alone[1]]
    lines = []
    for key in sorted(keys, key=lambda k: (alone[0][k].value.value or 0.0) - (alone[1][k].value.value or 0.0)):
        cells = [found[what][key].value if key in found[what] else NONE for what in found]
        gap = (alone[1][key].value.value or 0.0) - (alone[0][key].value.value or 0.0)
        lines.append([", ".join(key), *cells, Value(gap)])
    heads = [f"{what} (%)" for what in found]
    return Table(["machine, fault", *heads, "bands − Perlin (points)"],
                 lines or [["all faults", NONE, NONE, NONE, NONE]],
                 notes=[*options.pop("notes", ()), note(shown)], **options)  # fmt: skip


def shape_runs() -> dict[str, list[Stored]]:
    """Development runs by simulated shape."""
    perlin, band = (development(f"auddsr:{variant}") for variant in ("perlin-only", "band-only"))
    both = development(base_of(band[0]), like=band[0]) if perlin and band else []
    return {"both shapes": both, "Perlin noise alone": perlin, "bands alone": band}


SURE = 5.0
"""Points of AUC that we call a difference on some fifty clips of one run."""


def shapes_finding() -> str:
    """For how many faults each shape is better, in a sentence."""
    groups = shape_runs()
    perlin, band = (auddsr.fault_aucs(groups[what]) for what in ("Perlin noise alone", "bands alone"))
    gaps = {key: (band[key].value.value or 0.0) - (perlin[key].value.value or 0.0) for key in perlin if key in band}
    if not gaps:
        return "Not run yet: it needs a run with each shape alone"
    better, worse = (sum(sign * gap > SURE for gap in gaps.values()) for sign in (1, -1))
    most, least = max(gaps, key=lambda key: gaps[key]), min(gaps, key=lambda key: gaps[key])
    where = ", ".join(tested(groups["bands alone"][0]))
    return (f"One development run each, on {where}: bands alone score over {SURE:g} points more on {better} of "
            f"{len(gaps)} faults, Perlin noise alone on {worse}. Most for "
            f"bands: {', '.join(most)} ({gaps[most]:+.0f}); for Perlin noise: {', '.join(least)} "
            f"({gaps[least]:+.0f}){chance_said()}")  # fmt: skip


def chance_said() -> str:
    """The end of a sentence on single runs; empty where training again was not tried."""
    chance = by_chance()
    return f". Training again alone moves a whole run by up to {max(map(abs, chance)):.1f} points" if chance else ""


CHOICES: tuple[sensitivity.Choice, ...] = tuple(
    sensitivity.Choice(what, f"auddsr:{other}", LITERAL if other == "ema" else EMA)
    for other, what in CHANGES.items() if other not in ("annot", "per-id")
)  # fmt: skip
"""What the paper leaves open and a variant answers the other way."""


def dots(shown: Shown) -> Picture:
    """The score of every development run as a dot with its interval, changed runs below what they change."""
    trivial = development(TRIVIAL)
    rows = [("literal", development(LITERAL))]
    rows += [(one.label.removeprefix("auddsr:"), [one.stored]) for one in trials(shown)]
    rows += [(f"ema, trained again, {one.stored.record.seed}", [one.stored]) for one in retrained()]
    found = [(name, between(group, trivial)) for name, group in rows]
    lines = [figures.Dot(name, gap.value, gap.low, gap.high) for name, gap in found if gap is not None]
    if not lines:
        return missing(f"{LITERAL} and {TRIVIAL} on development data")
    return figures.intervals(lines, unit="minus the trivial detector, same machines (points)", reference=0.0,
                             reference_label="trivial detector")  # fmt: skip
