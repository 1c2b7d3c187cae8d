"""Where the sound of a clause begins and ends in its frames.

The model was trained on recordings with silence at both ends, so it makes some 0.2 s of it before a
clause and 0.5 s behind.  What is heard between two clauses is to be the pause that the text asks
for, so the silence is cut by its level, down to a few frames.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.text.phones import PUNCTUATION, STRESS

SILENCE_DB = -26.0
"""Frames whose bands sum to less than this (dB re 1) are silent: some 45 dB below the loud frames
of speech at -23 dBFS, where the weakest sounds (f, θ, the breath after a stop) lie 30 dB below."""
LEAD_FRAMES = 2
"""Silent frames that are kept before the first that sounds; it rises within two."""
TAIL_FRAMES = 2
"""Silent frames that are kept behind the last that sounds; they hold the end of its decay."""
LAST_PHONE_FRAMES = 12
"""Frames of the last phone before a pause that are heard where labels are late."""
ONSET_FRAMES = 8
"""How late after its label the first sound may begin; stops close first."""
_EARLY_FRAMES = 8
"""How far before its label a sound may begin."""

IntArray = npt.NDArray[np.int64]


class ClauseEdges:
    """Finds the first and the last frame of a clause that are worth hearing.

    Args:
        phones: of the clause, without pads.
        ends: frames until the end of each phone, pads included, [N + 2].
        mean, deviation: statistics of the mels, [bands].

    Attributes:
        head: the frames from 0 on that have to be known to find the first that sounds.
        tail: the frame from which on they have to be known to find the last.
    """

    def __init__(
        self, phones: str, ends: IntArray, mean: FloatArray, deviation: FloatArray
    ) -> None:
        self._mean, self._deviation = mean, deviation
        total = int(ends[-1])
        sounding = [i for i, p in enumerate(phones) if p not in PUNCTUATION and p not in STRESS]
        first = int(ends[sounding[0]]) if sounding else total
        last = int(ends[sounding[-1]]) if sounding else 0
        # A clause that was cut between two words goes on in the next.
        self._kept = TAIL_FRAMES if phones[-1:] in PUNCTUATION else 0
        self._lead, self._last = int(ends[0]), sounding[-1] if sounding else -1
        self.head = min(total, first + ONSET_FRAMES)
        self.tail = min(total, max(0, last - _EARLY_FRAMES))

    def first(self, mel: FloatArray) -> int:
        """The first frame to be heard.

        Args:
            mel: the frames 0 to `head`, normalized, [head, bands].
        """
        loud = self._sounding(mel)
        onset = int(loud.argmax()) if loud.any() else self._lead
        return max(0, onset - LEAD_FRAMES)

    def last(self, mel: FloatArray) -> int:
        """How many frames the clause has up to the last one to be heard.

        Args:
            mel: the frames from `tail` on, to the last, [T - tail, bands].
        """
        loud = np.flatnonzero(self._sounding(mel))
        end = int(loud[-1]) + 1 if len(loud) else 0
        return min(self.tail + end + self._kept, self.tail + len(mel))

    def heard(self, ends: IntArray, delay_frames: float) -> npt.NDArray[np.float64]:
        """When each phone is over as it is heard, in frames, pads included, [N + 2].

        Where labels are late, that of the last phone holds the silence behind it as well.

        Args:
            ends: frames until the end of each phone's label.
            delay_frames: by how much the labels lie behind what is heard.
        """
        heard: npt.NDArray[np.float64] = ends.astype(np.float64) - delay_frames
        if delay_frames and self._last >= 0:
            behind = slice(self._last + 1, None)
            over = heard[self._last] + LAST_PHONE_FRAMES
            heard[behind] = np.minimum(heard[behind], over)
        return heard

    def _sounding(self, mel: FloatArray) -> npt.NDArray[np.bool_]:
        level = np.exp(mel * self._deviation + self._mean).sum(axis=1)
        sounding: npt.NDArray[np.bool_] = level > math.exp(SILENCE_DB / 20.0 * math.log(10.0))
        return sounding
