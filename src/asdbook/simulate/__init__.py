"""Built-in machines: sounds whose truth is known (methods: simulator notes; NumPy and SciPy only).

`generate` yields a whole set block by block, `render` any clips of it, `twin` a clip with and without its
fault, `boxes` where a fault shows, `write` the official folders. `describe` says what each machine and each fault is.
"""

from __future__ import annotations

from asdbook.simulate.clips import boxes
from asdbook.simulate.presets import PRESETS, SIZES, Preset
from asdbook.simulate.seeds import VERSION
from asdbook.simulate.sets import (
    Block,
    Twin,
    describe,
    extra_audio,
    generate,
    render,
    twin,
    write,
)
from asdbook.simulate.spec import BlockPlan, Spec, plan
from asdbook.simulate.truth import read_truth

__all__ = [
    "PRESETS",
    "SIZES",
    "VERSION",
    "Block",
    "BlockPlan",
    "Preset",
    "Spec",
    "Twin",
    "boxes",
    "describe",
    "extra_audio",
    "generate",
    "plan",
    "read_truth",
    "render",
    "twin",
    "write",
]
