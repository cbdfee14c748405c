"""Features of waveforms, as torch modules that run on the device the waveform is on.

Conventions: a waveform batch is (clip, sample) float32 in [-1, 1); a spectrogram is (clip, frame, band), frames
before bands, so that a stacked vector of frames is contiguous.
"""

from asdbook.features.bank import FrameBank, Vectors, frame_bank
from asdbook.features.framing import check_waves, frame_count, frames
from asdbook.features.logmel import LogMel, decibel
from asdbook.features.spectrum import Spectrum
from asdbook.features.stft import MagnitudeStft, PhaseStft, stft
from asdbook.features.windows import WindowBank

__all__ = [
    "FrameBank",
    "LogMel",
    "MagnitudeStft",
    "PhaseStft",
    "Spectrum",
    "Vectors",
    "WindowBank",
    "check_waves",
    "decibel",
    "frame_bank",
    "frame_count",
    "frames",
    "stft",
]
