"""Recipes: how a number follows from printed cells, with the interval that the cells' rounding leaves.

An expression is data: the address of a cell ("table / row / machine / quantity"), or a table that names a recipe
and its inputs, which may be expressions again:

    {recipe = "difference", minuend = {recipe = "mean", of = "t / ours / AUC"}, subtrahend = "t / theirs / all / AUC"}

Means rise with each of their cells and differences are monotone in each part, so the ends of the interval are
the values at the ends of the cells' spans. A count is certain as far as no rounding can change a comparison.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asdbook.errors import BadInput, UnknownName
from asdbook.papers.cells import Span, exact, find, series, span
from asdbook.papers.tables import ALL

Expression = str | Mapping[str, Any]
Mean = Callable[[np.ndarray], float]

IDS_2020 = {"ToyConveyor": 3}
"""Machine IDs of a type in the 2020 development set where they are not 4 (AudDSR, section 4)."""
USUAL_IDS = 4

ENDS = ("value", "low", "high")
"""The parts of a span, in its order."""


@dataclass(frozen=True)
class Worked:
    """A recomputed number and the calculation in words and numbers."""

    span: Span
    text: str


def evaluate(expression: Expression, *, cut: bool = False) -> Worked:
    """Works an expression out.

    Args:
        expression: a cell's address, or a recipe with inputs.
        cut: read cells as numbers whose further digits were cut off, not rounded.

    Raises:
        UnknownName: no such recipe, input, table, row, machine or quantity.
        BadInput: an input is missing, or an address does not fit.
    """
    if isinstance(expression, str):
        printed = find(expression)
        return Worked(span(printed, cut=cut), printed)
    recipe, inputs = checked(expression)
    return recipe(cut, **inputs)


def checked(expression: Mapping[str, Any]) -> tuple[Callable[..., Worked], dict[str, Any]]:
    """The recipe of an expression and its inputs, once the names fit."""
    inputs = dict(expression)
    name = inputs.pop("recipe", "")
    if name not in RECIPES:
        raise UnknownName("recipe", str(name), RECIPES)
    recipe = RECIPES[name]
    parameters = dict(inspect.signature(recipe).parameters)
    parameters.pop("cut")
    for key in inputs:
        if key not in parameters:
            raise UnknownName(f"input of recipe {name}", key, parameters)
    missing = [k for k, p in parameters.items() if p.default is inspect.Parameter.empty and k not in inputs]
    if missing:
        raise BadInput(f"recipe {name}: input {missing[0]!r} is missing: it takes {', '.join(parameters)}")
    return recipe, inputs


def mean(
    cut: bool, of: str | Sequence[str], machines: Sequence[str] | None = None,
    replace: Mapping[str, str] | None = None,
) -> Worked:
    """Arithmetic mean of one series over machines, or of several."""
    return _mean("mean", np.mean, cut, of, machines, replace)


def hmean(
    cut: bool, of: str | Sequence[str], machines: Sequence[str] | None = None,
    replace: Mapping[str, str] | None = None,
) -> Worked:
    """Harmonic mean n / Σ(1/x) of one series over machines, or of several."""
    return _mean("harmonic mean", _harmonic, cut, of, machines, replace)


def id_mean(cut: bool, of: str) -> Worked:
    """Mean over machine IDs: each type weighted by its number of IDs in the 2020 development set."""
    cells = series(of)
    weights = np.array([IDS_2020.get(machine, USUAL_IDS) for machine in cells], dtype=float)
    spans = [span(printed, cut=cut) for printed in cells.values()]
    worked = _ends(lambda x: float(np.average(x, weights=weights)), spans)
    terms = " + ".join(f"{w:.0f}·{printed}" for w, printed in zip(weights, cells.values()))
    return Worked(worked, f"({terms}) / {weights.sum():.0f}")


def difference(cut: bool, minuend: Expression, subtrahend: Expression) -> Worked:
    """minuend - subtrahend."""
    a, b = evaluate(minuend, cut=cut), evaluate(subtrahend, cut=cut)
    return Worked(a.span - b.span, f"{_operand(minuend, a)} − {_operand(subtrahend, b)}")


def gain(cut: bool, minuend: Expression, subtrahend: Expression) -> Worked:
    """How much larger the minuend is, in percent of the subtrahend."""
    a, b = evaluate(minuend, cut=cut), evaluate(subtrahend, cut=cut)
    ends = [100.0 * (x / y - 1.0) for x, y in ((a.span.value, b.span.value), (a.span.low, b.span.high),
                                               (a.span.high, b.span.low))]
    return Worked(Span(*ends), f"100 · ({_operand(minuend, a)} / {_operand(subtrahend, b)} − 1)")


def lead(
    cut: bool, table: str, row: str, quantity: str, against: Sequence[str], machine: str = ALL
) -> Worked:
    """A row's cell minus the best of the same cell in other rows."""
    ours = find(f"{table} / {row} / {machine} / {quantity}")
    others = {other: find(f"{table} / {other} / {machine} / {quantity}") for other in against}
    best = max(others, key=lambda other: float(others[other]))
    highest = [span(printed, cut=cut) for printed in others.values()]
    rival = Span(float(others[best]), max(s.low for s in highest), max(s.high for s in highest))
    return Worked(span(ours, cut=cut) - rival, f"{ours} − {others[best]} ({best})")


def wins(
    cut: bool, table: str, row: str, quantities: Sequence[str], against: Sequence[str],
    machines: Sequence[str] | None = None, least: int = 0,
) -> Worked:
    """In how many cells (machine and quantity) a row lies above every other row.

    Args:
        cut: see `evaluate`.
        table, row, quantities, against: the cells and the other rows.
        machines: which; all by default.
        least: count machines where the row lies above in at least so many quantities; 0 counts cells.
    """
    ours = [series(f"{table} / {row} / {quantity}", machines) for quantity in quantities]
    theirs = [[series(f"{table} / {other} / {q}", machines) for other in against] for q in quantities]
    won = {
        m: [_above(span(cells[m], cut=cut), [span(other[m], cut=cut) for other in others])
            for cells, others in zip(ours, theirs)]
        for m in ours[0]
    }  # fmt: skip
    if least:
        counted = {m: Span(*(float(getattr(_total(w), end) >= least) for end in ENDS)) for m, w in won.items()}
    else:
        counted = {f"{m} {q}": s for m, w in won.items() for q, s in zip(quantities, w)}
    return Worked(_total(list(counted.values())), _where(counted))


def hmean_wins(
    cut: bool, table: str, row: str, quantities: Sequence[str], against: Sequence[str]
) -> Worked:
    """On how many machines the harmonic mean of a row's quantities lies above that of every other row."""
    order = list(series(f"{table} / {row} / {quantities[0]}"))

    def of(name: str, machine: str) -> Span:
        return hmean(cut, [f"{table} / {name} / {q}" for q in quantities], [machine]).span

    results = {m: _above(of(row, m), [of(other, m) for other in against]) for m in order}
    return Worked(_total(list(results.values())), _where(results))


def gap(cut: bool, table: str, row: str, other: str, quantities: Sequence[str]) -> Worked:
    """Mean distance |a - b| of two rows over all machines and quantities."""
    spans = []
    for quantity in quantities:
        a, b = (series(f"{table} / {name} / {quantity}") for name in (row, other))
        spans += [_distance(span(a[m], cut=cut) - span(b[m], cut=cut)) for m in a]
    value = Span(*(float(np.mean([getattr(s, end) for s in spans])) for end in ENDS))
    return Worked(value, f"mean of |{row} − {other}| over {len(spans)} cells")


def matches(cut: bool, first: Sequence[str], second: Sequence[str]) -> Worked:
    """How many cells of two lists of series may be the same number, within the rounding of both."""
    hits, count = [], 0
    for one, two in zip(first, second, strict=True):
        a, b = series(one), series(two)
        hits += [f"{m} {one.split(' / ')[-1]}" for m in a
                 if span(a[m], cut=cut).overlaps(span(b[m], cut=cut))]
        count += len(a)
    return Worked(exact(len(hits)), f"{len(hits)} of {count} cells")


def total(cut: bool, terms: Sequence[Sequence[float]], minus: float = 0.0) -> Worked:
    """Σ of products of whole or decimal numbers that stand in the text, less a number."""
    products = [float(np.prod(term)) for term in terms]
    text = " + ".join("·".join(f"{x:g}" for x in term) for term in terms)
    return Worked(exact(sum(products) - minus), text + (f" − {minus:g}" if minus else ""))


def repair(cut: bool, of: str, target: str, rule: str) -> Worked:
    """By how much the one cell must change that needs the least to make a mean what is printed.

    Args:
        cut: of no effect: the smallest change starts from printed values.
        of: the series.
        target: address of the printed mean.
        rule: "mean" or "hmean".
    """
    if rule not in ("mean", "hmean"):
        raise UnknownName("rule of recipe repair", rule, ("mean", "hmean"))
    cells, wanted = series(of), float(find(target))
    values = np.array([float(printed) for printed in cells.values()])
    if rule == "mean":
        changed = values + len(values) * (wanted - values.mean())
    else:
        changed = 1.0 / (len(values) / wanted - (np.sum(1.0 / values) - 1.0 / values))
    k = int(np.argmin(np.abs(changed - values)))
    machine = list(cells)[k]
    which = "any one cell by as much, for example " if rule == "mean" else ""
    text = f"{which}{machine} {cells[machine]} would have to be {changed[k]:.2f}"
    return Worked(exact(float(abs(changed[k] - values[k]))), text)


def _mean(
    word: str, rule: Mean, cut: bool, of: str | Sequence[str], machines: Sequence[str] | None,
    replace: Mapping[str, str] | None,
) -> Worked:
    printed: list[str] = []
    for part in [of] if isinstance(of, str) else of:  # a part without slashes is a number itself
        printed += series(part, machines, replace).values() if " / " in part else [part]
    worked = _ends(rule, [span(p, cut=cut) for p in printed])
    return Worked(worked, f"{word} of {', '.join(printed)}")


def _ends(rule: Mean, spans: Sequence[Span]) -> Span:
    """A rising rule at the values and at both ends."""
    return Span(*(float(rule(np.array([getattr(s, end) for s in spans]))) for end in ENDS))


def _harmonic(values: np.ndarray) -> float:
    return float(len(values) / np.sum(1.0 / values))


def _above(ours: Span, others: Sequence[Span]) -> Span:
    """1 where ours is above all others: as printed, for certain, possibly."""
    return Span(
        float(all(ours.value > other.value for other in others)),
        float(all(ours.low > other.high for other in others)),
        float(all(ours.high > other.low for other in others)),
    )


def _where(counted: Mapping[str, Span]) -> str:
    names = [name for name, s in counted.items() if s.value]
    return f"{len(names)} of {len(counted)}: {', '.join(names) or 'none'}"


def _total(spans: Sequence[Span]) -> Span:
    return Span(*(sum(getattr(s, end) for s in spans) for end in ENDS))


def _distance(s: Span) -> Span:
    low = 0.0 if s.low <= 0.0 <= s.high else min(abs(s.low), abs(s.high))
    return Span(abs(s.value), low, max(abs(s.low), abs(s.high)))


def _operand(expression: Expression, worked: Worked) -> str:
    """A part of a calculation: a cell as printed, a recipe as its value."""
    return worked.text if isinstance(expression, str) else f"{worked.span.value:.3f}"


RECIPES: dict[str, Callable[..., Worked]] = {
    recipe.__name__: recipe
    for recipe in (mean, hmean, id_mean, difference, gain, lead, wins, hmean_wins, gap, matches, total, repair)
}
"""Recipe by name. An erratum and a claim may use these and no others."""
