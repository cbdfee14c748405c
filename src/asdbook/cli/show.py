"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from asdbook.experiment.records import Record


def number(value: dict[str, Any]) -> str:
    """ "0.701 [0.650, 0.752]", or what is missing and why."""
    if value.get("value") is None:
        return "missing"
    text = f"{value['value']:.3f}"
    if value.get("low") is not None:
        text += f" [{value['low']:.3f}, {value['high']:.3f}]"
    return text


def grid(rows: Iterable[list[str]]) -> None:
    """Prints left-aligned columns."""
    table = [list(map(str, row)) for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def print_metrics(metrics: dict[str, Any]) -> None:
    """One convention's table: a row a machine (and unit), the official score last."""
    quantities = list(metrics["columns"])
    rows = [["machine", "unit", *quantities]]
    reasons: set[str] = set()
    for machine in metrics["machines"]:
        units: dict[str, dict[str, Any]] = {}
        for cell in machine["cells"]:
            units.setdefault(cell["unit"], {})[cell["quantity"]] = cell
            if cell.get("reason"):
                reasons.add(f"{machine['machine']} {cell['unit']} {cell['quantity']}: {cell['reason']}")
        for unit, cells in units.items():
            rows.append([machine["machine"], unit, *(number(cells.get(q, {})) for q in quantities)])
    rows.append(["all", "", *(number(metrics["columns"][q]) for q in quantities)])
    grid(rows)
    typer.echo(f"{metrics['score']['name']} {number(metrics['score'])}  (95 % over recordings)")
    for reason in sorted(reasons):
        typer.echo(f"missing: {reason}")


def changes(record: Record) -> str:
    """What a run did otherwise than its name says: settings, premises and machines; "" for nothing."""
    data = record.data
    parts = [f"{key}={value}" for key, value in sorted(record.overrides.items())]
    if data.premise_off:
        parts.append(f"off: {', '.join(sorted(data.premise_off))}")
    if data.restricted:
        parts.append(f"only {', '.join(data.machines)}")
    return "; ".join(parts)


def left_out(notes: dict[str, Any]) -> list[str]:
    """What reading a folder did to its clips, a line each."""
    lines = []
    skipped = notes.get("skipped", [])
    if skipped:
        named = ", ".join(one["file"] for one in skipped[:3]) + ", ..." * (len(skipped) > 3)
        lines.append(f"{len(skipped)} unusable file{'s' * (len(skipped) > 1)} left out: {named}")
    for rate, count in notes.get("resampled", {}).items():
        lines.append(f"{count} clips resampled from {rate} Hz")
    for channels, count in notes.get("channel", {}).items():
        lines.append(f"{count} clips have {channels} channels: the first is used")
    return lines


def print_record(record: Record) -> None:
    """The result of a run."""
    data = record.data
    seeds = f", data seed {data.seed}" if data.seed is not None else ""
    changed = changes(record)
    typer.echo(
        f"{record.label} on {data.name} ({data.kind}{seeds}), seed {record.seed}, {record.profile}"
        + (f"; {changed}" if changed else "")
    )
    if not record.metrics:
        typer.echo("no labels: no metrics")
    for convention, metrics in record.metrics.items():
        if len(record.metrics) > 1:
            typer.echo(f"\nconvention: {convention}")
        print_metrics(metrics)
    alarms = [r for r in record.decision.get("rates", []) if r["false_alarm"] is not None]
    if alarms:
        typer.echo("\nfalse alarms at the 0.9 gamma threshold")
        grid(
            [["machine", "domain", "false alarms", "detections"]]
            + [
                [r["machine"], r["domain"] or "-", _rate(r["false_alarm"]), _rate(r["detection"])]
                for r in alarms
            ]
        )
    for note in [*left_out(data.notes), *record.notes]:
        typer.echo(f"note: {note}")
    cost = record.cost
    here = f" ({cost['this_run_seconds']:.0f} s in this run)" if cost.get("earlier_seconds") else ""
    memory = f"peak memory {cost['peak_memory_mb']:.0f} MB"
    typer.echo(f"{cost['wall_seconds']:.0f} s{here}, {memory}, {record.device['name']}")


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
