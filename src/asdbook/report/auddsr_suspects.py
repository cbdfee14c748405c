"""Why AudDSR loses to simpler detectors where it does: each suspect with what the records say of it."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from asdbook.report import auddsr, auddsr_codes, auddsr_why, chapter
from asdbook.report.auddsr import EMA, PERLIN
from asdbook.report.chapter import Shown
from asdbook.report.tables import Html, Table


def suspects(shown: Shown, **options: Any) -> Table:
    """One row a suspect: what would be wrong, and what was measured."""
    trained = auddsr_why.training_notes()
    found = {
        "replaced codes are unlike machine faults, or found by a shortcut": auddsr_codes.simulated_finding(shown),
        "the map loses what its own pictures hold": auddsr.scores_finding(shown),
        "few codes are in use": auddsr_codes.codebooks_finding(shown),
        "coarse codes change nothing": auddsr_codes.visible_finding(shown),
        "faults take sound away, or change little": auddsr.faults_finding(shown),
        "too little training": " ".join(trained) or "longer training is not run yet",
        "instance normalisation cannot hear level": against_base("batchnorm"),
        "the wrong shapes": auddsr.against(shown, PERLIN, EMA),
        "restriction to normal codes is too strong": against_base("no-restriction"),
    }
    rows = [[what, Html(f'<span class="asd-words asd-wide">{marked(said)}</span>')] for what, said in found.items()]
    return Table(["what could be wrong", "what the records say"], rows, **options)


def against_base(variant: str) -> str:
    """A variant against what it changes, on the development seed, in words."""
    label = f"auddsr:{variant}"
    run = auddsr_why.development(label)
    base = auddsr_why.development(EMA, like=run[0]) if run else []
    gap = auddsr_why.between(run, base)
    if gap is None:
        return chapter.said(gap, label, EMA)
    clips = "" if gap.low is None else f" ({gap.low:+.1f} to {gap.high:+.1f} over clips)"
    where = ", ".join(auddsr_why.tested(run[0]))
    return (f"One development run each, on {where}: `{label}` minus `{EMA}` {gap.value:+.1f} points{clips}"
            f"{auddsr_why.chance_said()}")  # fmt: skip


def marked(text: str) -> str:
    """Names between backticks as code, `**` and `*` left out, everything else escaped."""
    plain = escape(text.replace("**", "").replace("*", ""))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", plain)
