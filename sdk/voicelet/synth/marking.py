"""Voices whose graphs give samples are marked by a filter around their renderings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.synth.base import Check, FloatArray, Rendering
from voicelet.trust.watermark import ClauseMark
from voicelet.trust.watermark_filter import MarkFilter


class MarkedRendering:
    """A rendering whose samples leave it marked; see `voicelet.synth.base.Rendering`.

    Args:
        inner: renders the clause.
        mark: of the clause.
        hop: samples in a frame of the voice.
        rate: in Hz.
    """

    def __init__(self, inner: Rendering, mark: ClauseMark, hop: int, rate: int) -> None:
        self._inner, self._hop = inner, hop
        self._filter = MarkFilter(mark, rate)
        self._ahead = -(-self._filter.delay // hop)
        self._ready = np.zeros(0, np.float32)
        self._rendered = self._given = 0

    @property
    def frames(self) -> int:
        """Its length, in frames of the voice."""
        return self._inner.frames

    @property
    def ends_s(self) -> npt.NDArray[np.float64]:
        """When each phone ends."""
        return self._inner.ends_s

    def advance(self, last: int, check: Check) -> FloatArray:
        """Render a little further than asked, for the filter looks ahead."""
        wanted = min(self.frames, last + self._ahead)
        if wanted > self._rendered:
            samples = self._inner.advance(wanted, check)
            self._rendered = wanted
            marked = self._filter(samples, last=wanted == self.frames)
            self._ready = np.concatenate([self._ready, marked])
        count = last * self._hop - self._given
        self._given += count
        out, self._ready = self._ready[:count], self._ready[count:]
        return out
