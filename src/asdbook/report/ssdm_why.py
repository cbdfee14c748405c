"""Why SSDM scores what it scores, from runs on the development seed: readings, scalings, detectors, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from asdbook import metrics
from asdbook.experiment.records import Stored
from asdbook.report import chapter, embedding_figures, embeddings, results, sensitivity, verdicts
from asdbook.report.chapter import Shown, difference
from asdbook.report.claims import Decided
from asdbook.report.embedding_figures import Line
from asdbook.report.show import Picture
from asdbook.report.ssdm import DM, KNN, LITERAL
from asdbook.report.tables import Html, Table, Value, code

TRIVIAL = "trivial:mean"
READINGS: Mapping[str, str] = {
    "literal": "noise to step 200 of 500, then 200 steps back, one draw",
    "draws-8": "the same, mean of eight draws",
    "respaced": "200 of the 500 steps, from pure noise",
    "rebuilt": "a new schedule of 200 steps",
    "onestep": "noise to step 200, one estimate",
    "nonoise": "no noise added, 200 steps back",
    "ddim": "noise to step 200, back without fresh noise",
    "eps-average": "mean error of the predicted noise over steps 1 to 200",
}
"""Variant to its reading of "200 steps in testing"."""
DETECTORS: Mapping[str, str] = {
    "literal": "diffusion, one draw", "draws-8": "diffusion, eight draws", "ss-knn": "nearest neighbour",
    "ss-kmeans": "k-means of source, all of target",
    "ss-smote-knn": "nearest neighbour, target oversampled", "ss-mixture": "Gaussian mixture",
    "ss-mahalanobis": "Mahalanobis distance", "ss-local-density": "distance over local density",
}  # fmt: skip
"""Variant to its detector on the same embeddings."""
SCALINGS: Mapping[str, str] = {
    "unit": "length one", "raw": "as the network gives it", "literal": "length one, times the root of 256",
    "perdim": "the same, each dimension standardised",
}  # fmt: skip
"""Variant to what becomes of z before diffusion."""
NONE = Value(None, reason="not run yet")


def readings(shown: Shown, **options: Any) -> Table:
    """One row a reading: score, score of slider alone, difference to nearest neighbours on the same embeddings."""
    return _variants(shown, READINGS, "reading of “200 steps in testing”", KNN, **options)


def detectors(shown: Shown, **options: Any) -> Table:
    """One row a detector on the same embeddings."""
    return _variants(shown, DETECTORS, "detector on the same embeddings", LITERAL, **options)


def detectors_finding(shown: Shown) -> str:
    """Which detectors score more and less than the trivial one, in a sentence."""
    trivial = _score(shown.development(TRIVIAL)).value
    scores = {v: _score(shown.development(f"ssdm:{v}")).value for v in DETECTORS}
    known = {variant: value for variant, value in scores.items() if value is not None}
    if trivial is None or not known:
        return "Not run yet"
    best = max(known, key=lambda v: known[v])
    above = sum(value > trivial for value in known.values())
    return (f"The same embeddings, other detectors: `{best}` scores highest ({known[best]:.1f} %); {above} of "
            f"{len(known)} score more than the trivial detector ({trivial:.1f} %)")


def _variants(shown: Shown, words: Mapping[str, str], head: str, rival: str, **options: Any) -> Table:
    lines, absent = [], []
    for variant, what in words.items():
        group = shown.development(f"ssdm:{variant}")
        absent += [] if group else [variant]
        first = Html(f"{what}<br>{code(variant).text}")
        change = verdicts.between(group, shown.development(rival)) if f"ssdm:{variant}" != rival else None
        lines.append([first, _score(group), _slider(group), difference(change) if change else None])
    columns = [head, "all machines (%)", "slider, AUC (%)", Html(f"minus {code(rival).text} (points)")]
    lines, left_out = _ran(lines, absent, list(words))
    return Table(columns, lines, notes=[*options.pop("notes", ()), note(shown), *left_out], **options)


def _ran(lines: list[list[Any]], absent: Sequence[str], names: Sequence[str]) -> tuple[list[list[Any]], list[str]]:
    """The rows that have a record, and a note that names the others; all rows where nothing ran.

    Args:
        lines: one row a name.
        absent: names without a record.
        names: of all rows.
    """
    if not absent or len(absent) == len(names):
        return lines, []
    kept = [line for line, name in zip(lines, names, strict=True) if name not in absent]
    return kept, [f"Not run yet: {', '.join(f'`{name}`' for name in absent)}."]


def note(shown: Shown) -> str:
    """What the intervals of development runs cover."""
    return (f"All on development seed {chapter.DEVELOPMENT} of {shown.asked.main}, profile `{chapter.RECORDED}`. "
            f"Intervals (95 %) cover {results.COVERS_ONE}: no new machines, no new training.")


def _score(group: Sequence[Stored]) -> Value:
    if not group:
        return NONE
    row = results.from_records(group)
    return row.cells["all", group[0].record.metrics["official"]["score"]["name"]]


def _slider(group: Sequence[Stored]) -> Value:
    vectors = embeddings.of(group[0]) if group else None
    return NONE if vectors is None else Value(embeddings.error_auc(vectors))


def agreement(shown: Shown, decided: Sequence[Decided]) -> str:
    """How many readings point where the verdict on C6 points; where it has none, where the literal one does."""
    gaps = {}
    for variant in READINGS:
        gap = verdicts.between(shown.development(f"ssdm:{variant}"), shown.development(KNN))
        if gap is not None:
            gaps[variant] = gap.value
    name = next((one.name for one in decided if one.claim.id == "ssdm-C6"), "")
    sides = {"holds in simulation": True, "supported": True, "fails in simulation": False,
             "not reproduced under our reading": False}  # fmt: skip
    if not gaps:
        return "No reading has run yet"
    if name in sides:
        wanted, word = sides[name], f"agree with the verdict on C6 ({name})"
    elif "literal" in gaps:
        wanted, word = gaps["literal"] > 0, f"point where the literal one points (C6 is {name})"
    else:
        return f"{len(gaps)} readings have run, the literal one has not"
    alike = sum((gap > 0) == wanted for gap in gaps.values())
    return f"{alike} of {len(gaps)} readings {word}"


def scalings(shown: Shown, bayes: Mapping[str, float], **options: Any) -> Table:
    """One row a scaling: training loss at the end beside what the score is worth.

    Args:
        shown: where records come from.
        bayes: variant to the loss of a denoiser that knows nothing but the spread of a dimension.
        **options: of the `Table`.
    """
    lines = []
    for variant, what in SCALINGS.items():
        group = shown.development(f"ssdm:{variant}")
        vectors = embeddings.of(group[0]) if group else None
        rank = None if vectors is None else embeddings.norm_rank(vectors)
        known = Value(bayes[variant], digits=3) if variant in bayes else Value(None)
        shown_rank = NONE if rank is None else Value(rank, digits=2, reason="all lengths alike")
        lines.append([Html(f"{what}<br>{code(variant).text}"), final_loss(group), known, _score(group),
                      _slider(group), shown_rank])  # fmt: skip
    columns = ["what is diffused", "loss at the end", "loss of a guess", "all machines (%)", "slider, AUC (%)",
               "rank correlation with its length"]  # fmt: skip
    notes = [*options.pop("notes", ()), NO_GUESS, note(shown)]
    return Table(columns, lines, notes=notes, **options)


NO_GUESS = ("`raw` has no guess: how large its numbers are differs from machine to machine and is fixed by no formula "
            "beforehand.")  # fmt: skip
"""Why one line of the table of scalings is empty."""


def final_loss(group: Sequence[Stored]) -> Value:
    """Mean over machines of the denoisers' last training loss."""
    if not group:
        return NONE
    history = group[0].record.loss_history
    last = [values[-1] for name, values in history.items() if name.startswith("ssdm/diffusion/")]
    return Value(float(np.mean(last)), digits=3) if last else Value(None)


def scaling_finding(shown: Shown, bayes: Mapping[str, float]) -> str:
    """Which scaling has the lowest loss, how far that is below a guess (as for `scalings`), and what its score is."""
    groups = {variant: shown.development(f"ssdm:{variant}") for variant in SCALINGS}
    losses = {variant: final_loss(group).value for variant, group in groups.items() if group}
    known = {variant: loss for variant, loss in losses.items() if loss is not None}
    if len(known) < 2:
        return "Not enough scalings have run yet"
    low, high = min(known, key=lambda v: known[v]), max(known, key=lambda v: known[v])
    values = {v: _score(groups[v]).value for v in (low, high)}
    below = f", {bayes[low] - known[low]:.3f} below its guess" if low in bayes else ""
    return (f"Lowest loss: `{low}` ({known[low]:.3f}{below}), score {values[low]:.1f} %. Highest loss: `{high}` "
            f"({known[high]:.3f}), score {values[high]:.1f} %")


def starts(shown: Shown) -> dict[int, Stored]:
    """Development runs of the literal variant that differ in the step where the chain starts."""
    system, _, variant = LITERAL.partition(":")
    found = results.committed(system=system, variant=variant, data=shown.asked.main, profile=chapter.RECORDED,
                              data_seed=chapter.DEVELOPMENT)  # fmt: skip
    plain = [s for s in found if set(s.record.overrides) <= {"start"} and not s.record.data.premise_off]
    return {int(s.record.config["start"]): s for s in plain if "start" in s.record.config}


def start_sweep(shown: Shown) -> Picture:
    """The score along the step where the chain starts, with the norm alone and nearest neighbours as guides."""
    runs = starts(shown)
    if len(runs) < 2:
        return embedding_figures.missing(f"{LITERAL} with other starts")
    knn, trivial = (_score(shown.development(label)).value for label in (KNN, TRIVIAL))
    scores = {t: float(_score([run]).value or 0.0) for t, run in runs.items()}
    guides = {"nearest neighbours": knn, "trivial detector": trivial}
    panels = [Line("all machines:\nscore (%)", scores, {k: v for k, v in guides.items() if v is not None})]
    vectors = {t: v for t, run in runs.items() if (v := embeddings.of(run)) is not None}
    if vectors:
        first = next(iter(vectors.values()))
        own = {"nearest neighbours": embeddings.neighbour_auc(first), "norm of z alone": embeddings.norm_auc(first)}
        panels.append(Line("slider:\nAUC (%)", {t: embeddings.error_auc(v) for t, v in vectors.items()}, own))
    return embedding_figures.sweep(panels, setting="step where the chain starts, t0", chosen=200)


def start_finding(shown: Shown) -> str:
    """Which start scores highest, and what the literal one scores."""
    scores = {t: float(_score([run]).value or 0.0) for t, run in starts(shown).items()}
    if len(scores) < 2:
        return "Not run yet: it needs more than one start"
    best = max(scores, key=lambda t: scores[t])
    literal = f"; the literal 200 scores {scores[200]:.1f} %" if 200 in scores else ""
    ends = ", ".join(f"{scores[t]:.1f} % at {t}" for t in (min(scores), max(scores)))
    return f"The start at step {best} scores highest ({scores[best]:.1f} %){literal}; the ends: {ends}"


def training_notes(shown: Shown, labels: Sequence[str]) -> list[str]:
    """What twice the epochs of the network did to each system that has such a run on the development seed.

    Args:
        shown: where records come from; a page with runs of its own says nothing of theirs.
        labels: systems.
    """
    said = []
    for label in labels if not shown.live else ():
        plain = shown.development(label)
        epochs = plain[0].record.config.get("epochs") if plain else None
        longer = shown.development(label, overrides={"epochs": 2 * epochs}) if epochs else []
        if longer:
            said.append(f"`{label}`, development seed: {results.training_effect(verdicts.between(longer, plain))}")
    return said


WAYS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("as the paper has it", LITERAL, {}),
    ("less noise: eight draws", "ssdm:draws-8", {}),
    ("less noise: errors of 200 steps averaged", "ssdm:eps-average", {}),
    ("less noise: an earlier start", LITERAL, {"start": 50}),
    ("longer training of the network", LITERAL, {"epochs": 40}),
    ("longer training of the denoiser: as many updates as with the paper's clips", LITERAL, {"diffusion_epochs": 2000}),
    ("another loss: fixed scale", "ssdm:fixed-scale", {}),
    ("no gates", "ssdm:no-gate", {}),
    ("more target clips", "ssdm:balanced", {}),
    ("another detector: nearest neighbour", KNN, {}),
    ("the same, longer training", KNN, {"epochs": 40}),
    ("another detector: local density", "ssdm:ss-local-density", {}),
    ("no network: diffusion of spectra", DM, {}),
    ("the same, as many updates as with the paper's clips", DM, {"diffusion_epochs": 2000}),
)
"""Changes that could explain a low score: words, system, settings changed by hand."""


def evidence(shown: Shown, **options: Any) -> Table:
    """One row a change: score, difference to the literal variant, difference to the trivial detector."""
    literal, trivial = shown.development(LITERAL), shown.development(TRIVIAL)
    lines, names, absent = [], [], []
    for what, label, changed in WAYS:
        group = shown.development(label, overrides=dict(changed))
        names.append(what)
        absent += [] if group else [what]
        said = f", {sensitivity.settings(changed)}" if changed else ""
        own = label == LITERAL and not changed
        first = Html(f"{what}<br>{code(label + said).text}")
        lines.append([first, _score(group), None if own else difference(verdicts.between(group, literal)),
                      difference(verdicts.between(group, trivial))])  # fmt: skip
    lines, left_out = _ran(lines, absent, names)
    lines += _premises(shown)
    columns = ["what is changed", "all machines (%)", Html(f"minus {code(LITERAL).text} (points)"),
               Html(f"minus {code(TRIVIAL).text} (points)")]  # fmt: skip
    return Table(columns, lines, notes=[*options.pop("notes", ()), note(shown), *left_out], **options)


SAME_SOUND = ("attributes",)
"""Premises whose switch changes names alone: attributes are shuffled, and every clip sounds as before."""


def _without_premise(shown: Shown) -> list[Stored]:
    """Development runs on data where a premise of the method is switched off."""
    found = results.committed(system="ssdm", data=shown.asked.main, profile=chapter.RECORDED, overrides={},
                              data_seed=chapter.DEVELOPMENT)  # fmt: skip
    return [stored for stored in found if stored.record.data.premise_off]


def _premises(shown: Shown) -> list[list[Any]]:
    """Rows of runs without a premise: no difference is taken, for names or sounds are others."""
    rows = []
    for stored in _without_premise(shown):
        off = stored.record.data.premise_off
        same = set(off) <= set(SAME_SOUND)
        what = f"same sound, shuffled: {', '.join(off)}" if same else f"other sound, premise off: {', '.join(off)}"
        rows.append([Html(f"{what}<br>{code(stored.record.label).text}"), _score([stored]), None, None])
    return rows


def premise_finding(shown: Shown) -> str:
    """What the systems score with shuffled attributes, in words."""
    said = []
    for stored in _without_premise(shown):
        before = _score(shown.development(stored.record.label)).value
        if before is not None and stored.record.data.premise_off == ["attributes"]:
            said.append(f"`{stored.record.label}` goes from {before:.1f} to {_score([stored]).value:.1f} %")
    return "; ".join(said) if said else "not run yet"


def evidence_finding(shown: Shown) -> str:
    """How many changes lift the score, and how many then beat the trivial detector."""
    literal, trivial = shown.development(LITERAL), shown.development(TRIVIAL)
    groups = {what: shown.development(label, overrides=dict(changed)) for what, label, changed in WAYS[1:]}
    gains = {what: verdicts.between(group, literal) for what, group in groups.items()}
    known = {what: gain for what, gain in gains.items() if gain is not None}
    if not known:
        return "No change has run yet"
    lifts = sum(_above(gain) for gain in known.values())
    beats = sum(_above(verdicts.between(groups[what], trivial)) for what in known)
    best = max(known, key=lambda what: known[what].value)
    return (f"{lifts} of {len(known)} changes lift the score with an interval that leaves out zero, for the clips of "
            f"one run; most of all: {best} ({known[best].value:+.1f} points). {beats} of {len(known)} then beat the "
            "trivial detector in this sense")


def _above(gap: metrics.Interval | None) -> bool:
    return gap is not None and gap.low is not None and gap.low > 0


def trials() -> int:
    """How many runs of SSDM on the development seed are committed."""
    return len(results.committed(system="ssdm", data_seed=chapter.DEVELOPMENT))


CHOICES: tuple[sensitivity.Choice, ...] = tuple(
    sensitivity.Choice(what, f"ssdm:{other}", f"ssdm:{ours}")
    for what, other, ours in (
        ("eight draws of noise, not one", "draws-8", "literal"),
        ("each dimension standardised, not only the length fixed", "perdim", "literal"),
        ("length one, not the root of the dimension", "unit", "literal"),
        ("the embedding as it is, not its direction", "raw", "literal"),
        ("a fifth of target clips in training, not their own share", "balanced", "literal"),
        ("the loss with a fixed scale, not the scale as coded", "fixed-scale", "literal"),
        ("the same with nearest neighbours", "fixed-scale-knn", "ss-knn"),
        ("centres frozen and half the clips mixed, not learnt centres and all", "frozen-knn", "fixed-scale-knn"),
        ("gates at the input", "gate-input-knn", "ss-knn"),
        ("gates after the first stage alone", "gate-stage-a-knn", "ss-knn"),
        ("gates after every stage", "gate-every-stage-knn", "ss-knn"),
        ("squeeze-and-excitation blocks, not gates", "gate-se-knn", "ss-knn"),
        ("diffusion of stacked frames, not of mean spectra", "dm-frames", "dm"),
        ("diffusion of pooled spectra, not of mean spectra", "dm-spectrum", "dm"),
    )
)
"""What the paper leaves open and a variant answers the other way."""
