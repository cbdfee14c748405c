"""Sounds to hear: 16 kHz mono wav files, equal gain within a comparison, a text alternative for each.

Only simulated sound may be published with the book: the licences of real recordings do not allow it here.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from asdbook.errors import BadInput
from asdbook.report import static
from asdbook.report.show import bundle

FS = 16_000
MAX_SECONDS = 4.0
"""BOOK.md: longer sounds would make pages heavy, and a machine repeats itself within four seconds."""
PEAK = 0.7
"""Largest sample of the loudest sound in a comparison: -3 dB of full scale, loud enough and never clipped."""


@dataclass(frozen=True)
class Sound:
    """One sound of a comparison.

    Attributes:
        label: what is heard, for the player's name.
        wave: simulated samples at 16 kHz, shape (samples,).
        text: what a listener notices, for readers who do not hear it.
    """

    label: str
    wave: np.ndarray
    text: str


def common_gain(waves: Sequence[np.ndarray]) -> float:
    """The one factor that brings the loudest sample of all sounds to `PEAK`."""
    peak = max(float(np.max(np.abs(w))) if len(w) else 0.0 for w in waves)
    if not np.isfinite(peak):
        raise BadInput("sound: a sample is not a finite number: look at the clip before it is played")
    return PEAK / peak if peak > 0 else 1.0


def wav_bytes(samples: np.ndarray, gain: float) -> bytes:
    """A 16-bit mono wav file of at most `MAX_SECONDS` (a longer clip is cut at its end, with a 5 ms fade)."""
    samples = np.asarray(samples, dtype=np.float64).reshape(-1)
    if samples.size == 0:
        raise BadInput("sound: no samples to play")
    limit = int(MAX_SECONDS * FS)
    if samples.size > limit:
        samples = samples[:limit].copy()
        samples[-FS // 200 :] *= np.linspace(1, 0, FS // 200)  # a hard cut clicks, and a click sounds like a fault
    pcm = np.clip(np.rint(samples * gain * 32767), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(FS)
        file.writeframes(pcm.tobytes())
    return out.getvalue()


@dataclass(frozen=True)
class Players:
    """Players in a row, all at one gain."""

    sounds: Sequence[Sound]
    gain: float

    def html(self) -> str:
        """One figure element a sound: label, player that loads nothing before it is used, words."""
        items = "".join(self._item(sound) for sound in self.sounds)
        return f'<div class="asd-sounds">{items}</div>'

    def _item(self, sound: Sound) -> str:
        address = static.page_address(wav_bytes(sound.wave, self.gain), "audio", ".wav", "audio/wav")
        label, text = escape(sound.label), escape(sound.text)
        player = f'<audio controls preload="none" aria-label="{label}" src="{address}"></audio>'
        return (f'<figure class="asd-sound"><figcaption><strong>{label}</strong></figcaption>{player}'
                f'<p class="asd-sound-text">{text}</p></figure>')

    def markdown(self) -> str:
        """The same elements: MyST passes a block of HTML through."""
        return self.html() + "\n"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        words = "; ".join(f"{sound.label}: {sound.text}" for sound in self.sounds)
        return bundle(self.markdown(), self.html, f"sounds: {words}")


def players(*sounds: Sound) -> Players:
    """Players of sounds that are compared: the same gain for all.

    Raises:
        BadInput: no sound, an empty one, or a sound without text.
    """
    if not sounds:
        raise BadInput("sound: nothing to play")
    for sound in sounds:
        if not sound.text.strip():
            raise BadInput(f"sound {sound.label!r} has no text: say what a listener notices")
        if len(sound.wave) == 0:
            raise BadInput(f"sound {sound.label!r} has no samples")
    return Players(sounds, common_gain([sound.wave for sound in sounds]))
