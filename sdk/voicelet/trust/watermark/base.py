"""What a watermark must offer to be in all speech, and which one it is.

`voicelet.synth` knows a mark only by what stands here: it opens one for a voice, asks it for the
mark of each clause, and multiplies the spectra of the clause by the gains that it gives.  Another
watermark is a package that offers the same, and a line in :func:`open_watermark`; its detector is
called by `voicelet.trust.watermark.detect.detect_watermark`, which everything else asks.
"""

from __future__ import annotations

from typing import Protocol

from voicelet.audio.features import FloatArray


class FrameMark(Protocol):
    """Factors of the amplitudes of STFT frames."""

    def __call__(self, first: int, count: int) -> FloatArray:
        """Those of `count` frames from `first` on, float32 [count, bins]."""


class ClauseWatermark(Protocol):
    """The mark of one clause, for the code that renders the clause."""

    def frames(self, rate: int, hop: int, size: int, offset: int = 0) -> FrameMark:
        """The mark of STFT frames that are centred on `offset + (i + 0.5) · hop` in the clause.

        Args:
            rate: in Hz.
            hop, size: of the STFT, in samples.
        """


class SpeechWatermark(Protocol):
    """What all streams of a voice share.  Threads may share it."""

    def clause(self, opening: str) -> ClauseWatermark | None:
        """The mark of a clause that begins with the word `opening`, whatever is said before it.

        None where nothing is marked, which only a research switch brings about.
        """


def open_watermark(name: str, version: str) -> SpeechWatermark:
    """The mark of a voice.

    Args:
        name, version: of its bundle.

    Raises:
        WatermarkError: a key is configured and can't be used.
    """
    from voicelet.trust.watermark.mark import Watermark, model_digest

    return Watermark(model_digest(name, version))
