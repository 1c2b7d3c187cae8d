"""Why a text sounds as it does: words, phones, durations, pitch, loudness, spectrogram.

Nothing is vocoded: the outputs of the acoustic model are shown as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.synth.audit import note_use
from voicelet.synth.compression.rendering import model_pace
from voicelet.synth.consent_check import check_consent
from voicelet.synth.languages import AUTO_LANGUAGE, choose_language
from voicelet.synth.options import (
    SpeechOptions,
    SpeechSettings,
    controls_of,
    reading_of,
    speech_options,
)
from voicelet.synth.source_filter.edges import ClauseEdges
from voicelet.synth.source_filter.intonation import of_clause
from voicelet.synth.source_filter.synthesizer import FastSpeechSynthesizer
from voicelet.synth.stream import split_clause
from voicelet.synth.types import Controls
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.phone_source import PhoneSource, lexicon_line, origins
from voicelet.text.phonemize import Phonemizer
from voicelet.text.words import PhoneClause

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from voicelet.profiles.profile import Profile
    from voicelet.synth.voice import Voice

_QUIETEST_DB = -100.0


@dataclass(frozen=True)
class PhoneFacts:
    """One phone.

    Attributes:
        symbol: of the inventory.
        start_s, end_s: when it is heard, in seconds of all that is shown.
        f0_hz: mean over its voiced frames; None where it has none.
        energy_db: mean over its frames, 0 for the loudest frame of all.
        word: index of the word it belongs to; None for spaces and marks between words.
    """

    symbol: str
    start_s: float
    end_s: float
    f0_hz: float | None
    energy_db: float
    word: int | None


@dataclass(frozen=True)
class Explanation:
    """A text, explained.

    Attributes:
        words: in the order in which they are said.
        phones: all of them; pauses between clauses are left out.
        mel_db: [T, bands], the spectrogram, 0 for the largest value of all.
        f0_hz: [T], 0 where unvoiced.
        frames_per_s: of both.
    """

    words: tuple[PhoneSource, ...]
    phones: tuple[PhoneFacts, ...]
    mel_db: FloatArray
    f0_hz: FloatArray
    frames_per_s: float

    @property
    def guessed(self) -> tuple[PhoneSource, ...]:
        """Words that no lexicon knows: where to look first for a mispronunciation."""
        return tuple(word for word in self.words if word.is_guessed)

    def lexicon_line(self, word: PhoneSource) -> str:
        """A line for a user lexicon that says the word as it is said now, to be changed."""
        return lexicon_line(word, self.words)


def explain(
    voice: Voice,
    text: str,
    *,
    profile: Profile | None = None,
    preset: str | None = None,
    options: SpeechOptions | None = None,
    **settings: Unpack[SpeechSettings],
) -> Explanation:
    """Explain how a voice says a text; arguments and errors are those of `Voice.stream`.

        print(explain(voice, "Zoltrix paid.").guessed)

    Raises:
        ConfigError: the voice's model doesn't predict these figures (a Piper voice).

    With a profile it needs the same consent as speech and is noted in the audit log ("explain"):
    whoever holds spectrogram and f0 can make speech of them that carries no mark.
    Beyond twice the normal speed it shows what the model makes, before that is compressed in time.
    """
    requested = speech_options(options, settings)
    synthesizer = voice._synthesizer
    from voicelet.synth.voice import front_end_of  # which imports what is explained

    front_end = front_end_of(voice, requested, preset, enrolled=profile is not None)
    if not isinstance(synthesizer, FastSpeechSynthesizer) or not isinstance(
        front_end, TextFrontEnd
    ):
        raise ConfigError("only voices of voicelet's own kind can be explained, not Piper's")
    if not isinstance(front_end.phonemizer, Phonemizer):
        raise ConfigError("this voice has a phonemizer of its own, which doesn't explain itself")
    choose_language(requested.language, voice.info.languages)
    controls = controls_of(requested)
    checked = check_consent(profile, requested.purpose)
    speaker = synthesizer.speakers.vector(checked, preset)
    collector = _Collector(synthesizer, speaker)
    words: list[PhoneSource] = []
    found = front_end.with_words(
        text,
        ssml=requested.ssml,
        reading=reading_of(requested),
        detect=requested.language == AUTO_LANGUAGE,
        strict=requested.strict_language,
    )
    for clause, phone_clause in found:
        first = len(words)
        words += origins(text, clause, phone_clause, front_end.reader_of)
        of_phone: list[int | None] = [None] * len(phone_clause.phones)
        for number, word in enumerate(phone_clause.words):
            of_phone[word.start : word.end] = [first + number] * (word.end - word.start)
        at = 0
        for part in split_clause(phone_clause):
            if part.phones:
                size = len(part.phones)
                pace, _ = model_pace(of_clause(controls, part))
                collector.add(part, of_phone[at : at + size], pace)
                at += size
    explanation = collector.result(tuple(words))
    if checked is not None:
        # Spectrogram and f0 of a person are nearly their speech, so it counts as a use.
        seconds = len(explanation.f0_hz) / explanation.frames_per_s
        note_use("explain", seconds, text, checked, None, voice.info.name)
    return explanation


class _Collector:
    """Runs the acoustic model on clauses and lays their frames end to end."""

    def __init__(
        self, synthesizer: FastSpeechSynthesizer, speaker: npt.NDArray[np.float32]
    ) -> None:
        self._s, self._speaker = synthesizer, speaker
        self._mel: list[FloatArray] = []
        self._f0: list[FloatArray] = []
        self._phones: list[tuple[str, int, int, int | None]] = []  # symbol, frames from and to
        self._frames = 0

    def add(self, clause: PhoneClause, words: list[int | None], controls: Controls) -> None:
        s, phones = self._s, clause.phones
        tokens = s.inventory.encode(phones)
        encoded = s.acoustic.encode(
            tokens, self._speaker, controls, clause.tones, phones, clause.accents
        )
        mel, log_f0, voicing = s.acoustic.decode(encoded, 0, len(encoded))
        edges = ClauseEdges(phones, encoded.ends, s.mel_mean, s.mel_deviation)
        start, end = edges.first(mel[: edges.head]), edges.last(mel[edges.tail :])
        mel, log_f0, voicing = mel[start:end], log_f0[start:end], voicing[start:end]
        self._mel.append(mel * s.mel_deviation + s.mel_mean)
        self._f0.append(np.where(voicing > 0.0, np.exp(log_f0), 0.0).astype(np.float32))
        late = s.acoustic.label_delay_frames
        bounds = np.rint(encoded.ends - late - start).clip(0, len(mel)).astype(int)
        for symbol, start, end, word in zip(phones, bounds[:-1], bounds[1:], words):
            self._phones.append((symbol, self._frames + start, self._frames + end, word))
        self._frames += len(mel)

    def result(self, words: tuple[PhoneSource, ...]) -> Explanation:
        bands = self._s.bands
        log_mel = np.concatenate(self._mel) if self._mel else np.zeros((0, bands), np.float32)
        f0 = np.concatenate(self._f0) if self._f0 else np.zeros(0, np.float32)
        per_neper = 20.0 / np.log(10.0)
        mel_db = (log_mel - log_mel.max(initial=-np.inf)) * per_neper if len(log_mel) else log_mel
        # The log of the mean power over bands, in dB below the loudest frame.
        power = np.log(np.exp(2.0 * log_mel.astype(np.float64)).mean(1)) if len(log_mel) else f0
        loud_db = (power - power.max(initial=-np.inf)) * (per_neper / 2.0) if len(power) else power
        rate = self._s.rate / self._s.hop
        facts = []
        for symbol, start, end, word in self._phones:
            cut = slice(start, max(end, start + 1))
            voiced = f0[cut][f0[cut] > 0.0]
            level = float(loud_db[cut].mean()) if len(loud_db[cut]) else _QUIETEST_DB
            pitch = float(voiced.mean()) if len(voiced) else None
            facts.append(PhoneFacts(symbol, start / rate, end / rate, pitch, level, word))
        return Explanation(words, tuple(facts), mel_db.astype(np.float32), f0, rate)
