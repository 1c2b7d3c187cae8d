"""A clause that is spoken at the model's pace and heard at a higher one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.synth.base import Check, Rendering
from voicelet.synth.types import Controls

MODEL_SPEED = 2.0
"""Up to this a model speaks as fast as it is asked to.  Beyond, its phones would be shorter than
any that it learnt from, and run together; so it speaks at its normal pace, and that is compressed.
"""
_STRETCHES = (48, 96, 192)
"""Frames of the first stretches that the model makes, and of all further ones.  They don't depend
on how much is asked for: the choice of windows turns on the last bits of the samples, so only equal
samples give equal speech, streamed or not."""
_STRETCH = 320


def model_pace(controls: Controls) -> tuple[Controls, float]:
    """How the model is to speak, and by what its time is compressed then."""
    if controls.speed <= MODEL_SPEED:
        return controls, 1.0
    return replace(controls, speed=1.0), controls.speed


class CompressedRendering:
    """A rendering in less time; see `voicelet.synth.base.Rendering`.

    Args:
        inner: renders the clause at the model's pace.
        phones: of the clause, without pads.
        factor: by which it is faster, above 1.
        hop: samples in a frame of the voice.
        rate: in Hz.
    """

    def __init__(self, inner: Rendering, phones: str, factor: float, hop: int, rate: int) -> None:
        # Every start of a voice imports this module, few speak so fast.
        from voicelet.synth.compression.similarity import SimilarityOverlapAdd, half_window
        from voicelet.synth.compression.time_map import time_map

        self._inner, self._hop = inner, hop
        self._times = times = time_map(phones, inner.ends_s, inner.frames * hop / rate, factor)
        self.ends_s: npt.NDArray[np.float64] = times.heard(inner.ends_s)
        self._rate = rate
        half = half_window(rate)
        middles = np.arange(-(-self.frames * hop // half) + 1, dtype=np.float64) * (half / rate)
        centres = np.rint(times.spoken(middles) * rate).astype(np.int64)
        self._joined = SimilarityOverlapAdd(centres, rate)
        self._stretches = iter(_STRETCHES)
        self._rendered = self._n_out = 0
        self._ready = np.zeros(0, np.float32)

    @property
    def frames(self) -> int:
        """Its length; less once the silence at the model's end is known."""
        spoken_s = np.array([self._inner.frames * self._hop / self._rate])
        return max(1, math.ceil(float(self._times.heard(spoken_s)[0]) * self._rate / self._hop))

    def advance(self, last: int, check: Check) -> FloatArray:
        """Render as much as these frames are made of, and compress it."""
        inner = self._inner
        needed = self._joined.needed(last * self._hop)
        while self._rendered < inner.frames and self._rendered * self._hop < needed:
            target = min(inner.frames, self._rendered + next(self._stretches, _STRETCH))
            self._joined.add(inner.advance(target, check))
            self._rendered = target
        wanted = min(last, self.frames) * self._hop
        made = self._joined.advance(wanted, ended=self._rendered >= inner.frames)
        self._ready = np.concatenate([self._ready, made])
        count = wanted - self._n_out
        self._n_out = wanted
        out, self._ready = self._ready[:count], self._ready[count:]
        return out
