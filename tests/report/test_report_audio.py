"""Sounds: one gain in a comparison, 16 kHz mono, at most four seconds, named by content, always with text."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
import pytest
from bs4 import BeautifulSoup

from asdbook.errors import BadInput
from asdbook.report import audio, static
from asdbook.report.audio import FS, PEAK, Sound

LOUD = 0.4 * np.sin(2 * np.pi * 440 * np.arange(FS) / FS)
QUIET = LOUD / 4


def read(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def test_equal_gain_keeps_levels_apart(tmp_path, monkeypatch):
    monkeypatch.setenv(static.STATIC, str(tmp_path))
    html = audio.players(Sound("loud", LOUD, "a tone"), Sound("quiet", QUIET, "the same, softer")).html()
    names = re.findall(r'src="\.\./_static/(audio/[0-9a-f]{20}\.wav)"', html)
    loud, quiet = (read((tmp_path / name).read_bytes()) for name in names)
    assert np.abs(loud).max() == pytest.approx(PEAK, abs=1e-3)
    assert np.sqrt(np.mean(loud**2) / np.mean(quiet**2)) == pytest.approx(4.0, rel=1e-3)


def test_same_sound_same_file(tmp_path, monkeypatch):
    monkeypatch.setenv(static.STATIC, str(tmp_path))
    first = audio.players(Sound("a", LOUD, "t")).html()
    second = audio.players(Sound("b", LOUD.copy(), "t")).html()
    address = re.compile(r'src="([^"]+)"')
    assert address.findall(first) == address.findall(second)
    assert len(list((tmp_path / "audio").iterdir())) == 1


def test_long_sounds_are_cut_without_a_click():
    samples = read(audio.wav_bytes(np.ones(10 * FS), 0.5))
    assert len(samples) == audio.MAX_SECONDS * FS
    assert samples[-1] == 0 and np.abs(np.diff(samples)).max() < 0.01


def test_embedded_when_a_notebook_runs_alone(monkeypatch):
    monkeypatch.delenv(static.STATIC, raising=False)
    html = audio.players(Sound("a", LOUD, "t")).html()
    (content,) = re.findall(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", html)
    assert len(read(base64.b64decode(content))) == FS


def test_player_is_named_lazy_and_described():
    sounds = audio.players(Sound('<b>"fan"</b>', LOUD, "hum & <i>hiss</i>"))
    page = BeautifulSoup(sounds.html(), "html.parser")
    player = page.find("audio")
    assert player["preload"] == "none" and player["aria-label"] == '<b>"fan"</b>' and player.has_attr("controls")
    assert page.find("b") is None and page.find("i") is None
    assert page.find(class_="asd-sound-text").get_text() == "hum & <i>hiss</i>"
    assert "hum & <i>hiss</i>" in sounds._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    "sounds, message",
    [((), "nothing to play"), ((Sound("a", LOUD, " "),), "has no text"), ((Sound("a", LOUD[:0], "t"),), "no samples"),
     ((Sound("a", LOUD * np.nan, "t"),), "not a finite number")],
)
def test_unusable_sounds_are_refused(sounds, message):
    with pytest.raises(BadInput, match=message):
        audio.players(*sounds)


def test_silence_stays_silence():
    assert audio.common_gain([np.zeros(4)]) == 1.0
    assert not read(audio.wav_bytes(np.zeros(160), 1.0)).any()
