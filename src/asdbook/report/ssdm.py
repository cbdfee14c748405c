"""What the chapter of SSDM shows: its systems, the paper's tables beside ours, its figures and own measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asdbook import metrics, papers
from asdbook.experiment.records import Stored
from asdbook.papers.recompute import evaluate
from asdbook.report import chapter, embedding_figures, embeddings, measured, sets, verdicts
from asdbook.report.chapter import Asked, Shown
from asdbook.report.embedding_figures import Density
from asdbook.report.show import Picture
from asdbook.report.tables import Html, Table, Value, badge, code, stacked

PAPER = "ssdm"
LITERAL, KNN, BARE, DM, FEATEX = (
    f"ssdm:{variant}" for variant in ("literal", "ss-knn", "no-gate-knn", "dm", "featex-knn")
)
SYSTEMS = (LITERAL, KNN, BARE, DM, FEATEX)
"""The rows of the paper's tables that are built here."""
OTHERS = ("ssdm:draws-8", "ssdm:eps-average", "ssdm:ss-local-density")
"""Not in the paper: the score with less noise, twice, and another detector on the same embeddings."""
YARDSTICKS = ("trivial:mean", "autoencoder:mse", "autoencoder:mahalanobis")
MAHALANOBIS = YARDSTICKS[-1]
LIVE = (LITERAL, KNN)
LIVE_SETTINGS: Mapping[str, Any] = {
    "width": 4, "window_seconds": 1.0, "epochs": 8, "batch_size": 32, "diffusion_epochs": 60,
}  # fmt: skip
"""Of the small live run: some ten seconds of work, enough for both losses to fall."""
PRINTED = {
    LITERAL: ("ssdm_table1", "SSDM (Ours)"), KNN: ("ssdm_table2", "SS+KNN"), DM: ("ssdm_table2", "DM"),
    BARE: ("ssdm_table1", "Self-implement Baseline"), FEATEX: ("ssdm_table1", "FeatEx"),
    MAHALANOBIS: ("ssdm_table1", "AE (Mahala.)"),
}  # fmt: skip
"""System to the paper's table and row."""
QUANTITY, PART = "h-mean", "2023 development"


def asked(data: str, seeds: Sequence[int], profile: str) -> Asked:
    """The page's parameters with the chapter's systems."""
    small = {"profile": chapter.RECORDED, "overrides": dict(LIVE_SETTINGS), "machines": (embeddings.SHOWN,)}
    return Asked(data, seeds, profile, (*SYSTEMS, *OTHERS, *YARDSTICKS), LIVE, small)


BY_DOMAIN = ("two_banks", "kmeans", "smote_knn", "mixture", "mahalanobis")
"""Detectors that treat source and target clips apart; the others look at all normal clips alike."""


def used(config: Mapping[str, Any]) -> list[str]:
    """What a variant uses of what is known of a training clip: the system declares all that any variant may use.

    Args:
        config: its settings (`SsdmConfig`).
    """
    facts = ["machine"]
    if config["inputs"] == "embedding":  # the classes of the side task are those of all machines and attributes
        facts += ["id", "attributes", "other machines"]
    by_domain = config["target_share"] > 0 if config["detector"] == "diffusion" else config["detector"] in BY_DOMAIN
    return [*facts, "domain"] if by_domain else facts


def updates(asked: Asked, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """How often a machine's denoiser is updated: batches an epoch times epochs.

    Args:
        asked: the page's parameters.
        settings: those of the system, for each column of `chapter.sizes`.
    """
    preset, found = asked.data if asked.built_in else asked.main, {}
    for column, profile in chapter.profiles(asked).items():
        config, clips = settings[column], sets.clips_of(preset, embeddings.SHOWN, profile)[0]
        heard = clips - math.ceil(config["held_out"] * clips)
        found[column] = str(math.ceil(heard / config["diffusion_batch_size"]) * config["diffusion_epochs"])
    return found if asked.built_in else {**found, "live": "as the clips allow"}


FEATEX_SAID = (f"`{FEATEX}` is what FeatEx adds to the dual path, trained as SSDM is. It is not the whole system of "
               "the paper's row *FeatEx*.")  # fmt: skip
"""Stands wherever the paper's row and ours do."""


def table1(shown: Shown, **options: Any) -> Table:
    """Table I: the paper's six systems as printed, then ours and two yardsticks; systems down, machines across."""
    rows = [
        chapter.printed_row("ssdm_table1", str(row), quantity=QUANTITY, score=shown.score, part=PART)
        for row in papers.table("ssdm_table1")["row"].unique()
    ]
    rows += [shown.row(label, f"ours, {label}") for label in (*SYSTEMS, *OTHERS, *YARDSTICKS)]
    notes = [*options.pop("notes", ()), FEATEX_SAID]
    return chapter.across(rows, shown.score, shown.machines, total="all", notes=notes, **options)


def table1_finding(shown: Shown) -> str:
    """What our rows of Table I show, in a sentence."""
    ours = {label: shown.value(label) for label in (*SYSTEMS, *OTHERS, *YARDSTICKS)}
    best = chapter.better(ours)
    if best is None or ours[LITERAL] is None:
        return "Ours: no record of `ssdm:literal` yet"
    return (f"Ours, all machines: `{LITERAL}` {ours[LITERAL]:.1f} %, highest `{best}` with {ours[best]:.1f} %. "
            f"Printed, on other data: {printed_value(LITERAL):.2f} %")


def printed_value(label: str, machine: str = "all") -> float:
    """The printed score of a system, in percent."""
    table, row = PRINTED[label]
    frame = papers.table(table)
    chosen = frame[(frame["row"] == row) & (frame["machine"] == machine) & (frame["quantity"] == QUANTITY)]
    return float(chosen["percent"].iloc[0])


def table2(shown: Shown, **options: Any) -> Table:
    """Table II: which module is there, the printed score, ours."""
    parts = {"SS+KNN": (KNN, "yes", "no"), "DM": (DM, "no", "yes"), "SSDM": (LITERAL, "yes", "yes")}
    lines = []
    for name, (label, network, diffusion) in parts.items():
        printed = chapter.printed_row("ssdm_table2", name, quantity=QUANTITY, score=shown.score, part=PART)
        row = shown.row(label)
        lines.append([Html(f"{name}<br>{code(label).text}"), network, diffusion, printed.cells["all", shown.score],
                      row.cells.get(("all", shown.score), Value(None, reason="no record yet"))])  # fmt: skip
    heads = [_head("printed", badge("official", PART)), _head("ours", shown.row(LITERAL).data)]
    return Table(["row", "self-supervised module", "diffusion module", *heads], lines, **options)


def table2_finding(shown: Shown) -> str:
    """Where the whole stands between its halves in ours, in a sentence."""
    whole, network, diffusion = (shown.value(label) for label in (LITERAL, KNN, DM))
    if whole is None or network is None or diffusion is None:
        return "Ours: not all three have run yet"
    below = (whole < network) + (whole < diffusion)
    return f"Ours: the whole scores {('more than either half', 'less than one half', 'less than either half')[below]}"


def _head(word: str, data: Html) -> Html:
    return Html(f"{word} (%)<br>{data.text}")


PATTERN: tuple[tuple[str, str], ...] = (
    (LITERAL, KNN), (LITERAL, DM), (KNN, BARE), (LITERAL, BARE), (LITERAL, FEATEX), (LITERAL, MAHALANOBIS),
)  # fmt: skip
"""Contrasts that the paper's tables show, and ours too."""


def pattern(shown: Shown, **options: Any) -> Table:
    """The paper's gains, as printed and as ours: each within its own data."""
    lines = []
    for left, right in PATTERN:
        what = Html(f"{code(left).text} −<br>{code(right).text}")
        ours = chapter.difference(verdicts.between(shown.group(left), shown.group(right)))
        lines.append([what, printed_gain(left, right), ours])
    heads = [_points("printed", badge("official", PART)), _points("ours", shown.row(LITERAL).data)]
    notes = [*options.pop("notes", ()), chapter.UNCORRECTED, FEATEX_SAID]
    return Table(["what is compared", *heads], lines, notes=notes, **options)


def _points(word: str, data: Html) -> Html:
    return Html(f"{word} (points)<br>{data.text}")


def printed_gain(left: str, right: str) -> Value:
    """Difference of two printed averages, in points; marked with the errata of the numbers that enter."""
    names = []
    for label in (left, right):
        table, row = PRINTED[label]
        frame = papers.table(table)
        names += [str(cell) for cell in frame[frame["row"] == row]["errata"]]  # an average stands on all its cells
    address = [" / ".join((*PRINTED[label], "all", QUANTITY)) for label in (left, right)]
    gain = evaluate({"recipe": "difference", "minuend": address[0], "subtrahend": address[1]}).span.value
    errata = tuple(dict.fromkeys(name for cell in names for name in cell.split()))
    return Value(gain, digits=2, computed=True, errata=errata)


def pattern_finding(shown: Shown) -> str:
    """How many of the paper's gains have the same sign in ours, as far as records are there."""
    found = [(printed_gain(*pair).value or 0.0, verdicts.between(*(shown.group(label) for label in pair)))
             for pair in PATTERN]
    known = [(gain, ours) for gain, ours in found if ours is not None]
    if not known:
        return "No pair of ours has run yet"
    alike = sum(gain * ours.value > 0 for gain, ours in known)
    sure = sum(ours.low is not None and ours.high is not None and ours.low * ours.high > 0 and gain * ours.value > 0
               for gain, ours in known)
    return (f"{alike} of {len(known)} gains of the paper over systems that are built here have the same sign in "
            f"ours, {sure} of them with an interval "
            "that leaves out zero")


def against(shown: Shown, rival: str) -> str:
    """What the literal variant does against a yardstick, in words."""
    return chapter.said(verdicts.between(shown.group(LITERAL), shown.group(rival)), LITERAL, rival)


# Fig. 2 and claim C7: embeddings of slider without and with gates.
def gate_pair(shown: Shown) -> list[Stored]:
    """A run without and one with gates on the same data, both with vectors; the lowest verdict seed first."""
    groups = [shown.group(label) or shown.development(label) for label in (BARE, KNN)]
    found = embeddings.side_by_side(groups)
    return found or embeddings.side_by_side([shown.development(label) for label in (BARE, KNN)])


def gate_maps(pair: Sequence[Stored]) -> Picture:
    """Fig. 2: t-SNE without and with gates."""
    if not pair:
        return embedding_figures.missing(f"{BARE} and {KNN} on the same data")
    vectors = [embeddings.of(stored) for stored in pair]
    return embedding_figures.maps({t: v for t, v in zip(("without gates", "with gates"), vectors) if v is not None})


def gate_finding(pair: Sequence[Stored]) -> str:
    """What both panels' numbers are."""
    if not pair:
        return "Not run yet: it needs a run with and one without gates"
    both = [v for stored in pair if (v := embeddings.of(stored)) is not None]
    auc, pure = [embeddings.neighbour_auc(v) for v in both], [embeddings.purity(v) for v in both]
    return (f"Slider, data seed {pair[0].record.data.seed}: with gates the AUC of nearest neighbours goes from "
            f"{auc[0]:.0f} to {auc[1]:.0f} %, the label purity from {pure[0]:.0f} to {pure[1]:.0f} %. "
            "The maps of one column show the same vectors")


def mechanisms(shown: Shown, **options: Any) -> Table:
    """The numbers that stand for C7 and C8, over all data seeds: both sides and their difference."""
    lines = [_gated("AUC of nearest neighbours", measured.MEASURES["ssdm-C7"], shown),
             _gated("label purity", measured.Measure((KNN, BARE), "label purity", embeddings.purity), shown)]
    group, both = shown.group(LITERAL), {"rebuilt": rebuilt_auc, "z": embeddings.neighbour_auc}
    lines.append(_own("AUC of nearest neighbours: rebuilt, against z", both, group, unit="%"))
    for what, label in (("normal clips", 0), ("anomalies", 1)):
        sides = {"rebuilt": _distance(label, rebuilt=True), "z": _distance(label, rebuilt=False)}
        lines.append(_own(f"distance to the nearest training embedding, rebuilt − z: {what}", sides, group, digits=3))
    ends = {"error": embeddings.error_auc, "length of z": embeddings.norm_auc}
    lines.append(_own("AUC of one number: error, against length of z", ends, group, unit="%"))
    notes = [*options.pop("notes", ()), f"Vectors of {embeddings.SHOWN} alone, for records keep only that machine. A "
             "distance is one minus the cosine, mean over test clips. Intervals (95 %) cover data seeds.",
             chapter.UNCORRECTED]
    return Table([f"number, on {embeddings.SHOWN}", "both sides", "first − second (points; distances: as they are)"],
                 lines, notes=notes, **options)  # fmt: skip


Number = Callable[[embeddings.Vectors], float]


def _gated(name: str, measure: measured.Measure, shown: Shown) -> list[Any]:
    """A row that compares two systems by one number, in percent."""
    groups = [shown.group(label) for label in measure.systems]
    both = list(zip(*verdicts.paired_seeds(*groups))) or groups  # sides of the same data, where there are any
    sides = [(word, _mean(group, measure.value)) for word, group in zip(("with gates (%)", "without (%)"), both)]
    return [name, _sides(sides), chapter.difference(measured.interval(measure, groups))]


def _own(
    name: str, both: Mapping[str, Number], group: Sequence[Stored], *, unit: str = "", digits: int = 1
) -> list[Any]:
    """A row that compares two numbers of one system."""
    measure = measured.Measure((LITERAL,), name, _gap(*both.values()))
    sides = [(f"{word} ({unit})" if unit else word, _mean(group, value, digits)) for word, value in both.items()]
    return [name, _sides(sides), chapter.difference(measured.interval(measure, [group]), digits)]


def _gap(first: Number, second: Number) -> Number:
    return lambda vectors: first(vectors) - second(vectors)


def _distance(label: int, *, rebuilt: bool) -> Number:
    """Mean distance to the nearest training embedding, of the test clips with this label."""

    def mean(vectors: embeddings.Vectors) -> float:
        rows = vectors.rebuilt if rebuilt and vectors.rebuilt is not None else vectors.test
        return float(embeddings.nearest(rows, vectors.train)[vectors.label == label].mean())

    return mean


def rebuilt_auc(vectors: embeddings.Vectors) -> float:
    """AUC of the distance of what diffusion rebuilt to the nearest training embedding: 50 % where anomalies were
    pulled to the normal pattern."""
    rebuilt = vectors.test if vectors.rebuilt is None else vectors.rebuilt
    return embeddings.auc(vectors.label, embeddings.nearest(rebuilt, vectors.train))


def mechanisms_finding(shown: Shown) -> str:
    """Which of the two claims' numbers are sure to be above or below zero, and what diffusion moved."""
    said = []
    for name in ("ssdm-C7", "ssdm-C8"):
        measure = measured.MEASURES[name]
        gap = measured.interval(measure, [shown.group(label) for label in measure.systems])
        if gap is None or gap.low is None or gap.high is None:
            said.append(f"{name.removeprefix('ssdm-')}: not run on enough data yet")
            continue
        side = "above" if gap.low > 0 else "below" if gap.high < 0 else "with an interval that holds"
        said.append(f"{name.removeprefix('ssdm-')}: {gap.value:+.1f} points, {side} zero")
    if moved := _moved(shown.group(LITERAL)):
        said.append(moved)
    return "; ".join(said)


def _moved(group: Sequence[Stored]) -> str:
    """How diffusion changes the distance of normal clips and of anomalies to the training embeddings."""
    changes = []
    for label in (0, 1):
        change = _gap(_distance(label, rebuilt=True), _distance(label, rebuilt=False))
        gap = measured.interval(measured.Measure((LITERAL,), "rebuilt − z", change), [group])
        if gap is None:
            return ""
        changes.append(gap.value)
    return f"diffusion changes the distance by {changes[0]:+.3f} (normal clips) and {changes[1]:+.3f} (anomalies)"


def _sides(sides: Sequence[tuple[str, Value]]) -> Html:
    return stacked([Html(f"{word}: {value.html()}") for word, value in sides])


def _mean(group: Sequence[Stored], value: Number, digits: int = 1) -> Value:
    """A measure over data seeds."""
    found = [value(vectors) for stored in group if (vectors := embeddings.of(stored)) is not None]
    if not found:
        return Value(None, reason="no record yet")
    interval = metrics.over_data_seeds(found)
    return Value(interval.value, interval.low, interval.high, digits)


# Fig. 3 and claim C8: densities before, between and after the modules.
def density_runs(shown: Shown) -> dict[str, Stored]:
    """Runs of the two systems of Fig. 3 on the same data, by system; one of them where no pair is there."""
    choices = [[shown.group(label) for label in (LITERAL, DM)], [shown.development(label) for label in (LITERAL, DM)]]
    for groups in choices:
        if pair := embeddings.side_by_side(groups):
            return dict(zip((LITERAL, DM), pair))
    lone = [stored for groups in choices for stored in groups[0] if embeddings.of(stored) is not None]
    return {LITERAL: lone[0]} if lone else {}


def densities(runs: Mapping[str, Stored]) -> list[Density]:
    """The panels of Fig. 3 that there are runs for: spectra, embeddings, reconstructions, errors."""
    panels = []
    raw = embeddings.of(runs[DM]) if DM in runs else None
    if raw is not None:
        spectra = embeddings.first_component(raw.train, raw.test)
        panels.append(Density("(a) mean spectra", spectra, raw.label, "first principal component", either=True))
        unit = "cosine distance to the nearest training spectrum"  # the measure of (b)
        panels.append(Density("(a) as in (b)", embeddings.nearest(raw.test, raw.train), raw.label, unit))
    own = embeddings.of(runs[LITERAL]) if LITERAL in runs else None
    if own is not None:
        unit = "cosine distance to the nearest training embedding"
        panels.append(Density("(b) embeddings", embeddings.nearest(own.test, own.train), own.label, unit))
        if own.rebuilt is not None:
            rebuilt = embeddings.nearest(own.rebuilt, own.train)
            panels.append(Density("(c) rebuilt embeddings", rebuilt, own.label, unit))
        panels.append(Density("(c) error", np.log10(own.score), own.label, "log10 of the reconstruction error"))
    return panels


def density_figure(panels: Sequence[Density]) -> Picture:
    """Fig. 3."""
    return embedding_figures.densities(panels) if panels else embedding_figures.missing(f"{LITERAL} with its vectors")


def density_finding(panels: Sequence[Density]) -> str:
    """The panels' AUCs in words."""
    if not panels:
        return "Not run yet"
    return "Slider, AUC: " + "; ".join(f"{panel.said}: {panel.auc:.0f} %" for panel in panels)

