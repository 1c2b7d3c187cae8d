"""Speech options: one set for every way to speak a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.synth.languages import check_tag
from voicelet.synth.styles import styled
from voicelet.synth.types import Controls
from voicelet.text.front_end import Ssml
from voicelet.text.reading import Capitals, Punctuation, Reading
from voicelet.trust.consent.record import check_purpose
from voicelet.trust.labels import check_region


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """How a text is spoken, whoever speaks it.

        brisk = SpeechOptions(speed=1.2, style="lively")
        voice.synthesize("Hello.", options=brisk)
        voice.synthesize("Hello.", options=brisk, seed=7)   # a keyword overrides the options

    Who speaks (`profile`, `preset`) and how to stop it (`cancel`) are arguments of their own.

    Attributes:
        speed: factor of the speaking rate, 0.25 to 5; beyond 2 the finished speech is compressed in
            time, so that it can still be understood.
        pitch_semitones: shift of f0, -24 to 24; the timbre stays.
        energy: factor of the loudness, 0.1 to 4 (2 is 6 dB up).
        style: "neutral", "calm", "lively" or "whisper".
        seed: of the noise in the voice, 0 to 2^63 - 1; equal seeds give equal samples.
        language: BCP 47 tag of the text; None for the first language of the voice; "auto" to find
            out for each sentence which of the voice's languages it is in.
        strict_language: raise where SSML names a language that the voice doesn't speak; else such a
            stretch is read in the language of the text, with a warning in the log.
        ssml: read the text as SSML; "auto" does so if it opens with <speak>.
        purpose: what the speech is for; the profile's consent must cover it.  "own-use",
            "assistive", "publishing", "research" or "federation".
        label: which rules the label follows in a file that this speech is saved to ("default",
            "eu", "us-ca", "cn" or "none"); None for what `VOICELET_LABEL` says.
        punctuation: which marks are spoken by name: "none", "some", "most" or "all".
        capitals: how a capital is made known: "none", "say" ("cap" before the word), "pitch" or
            "tone".
        key: the text is one character or the name of a key, to be said by its name.

    Raises:
        ConfigError: a value is out of its range or of the wrong type.
        ConsentError: there is no such purpose.
    """

    speed: float = 1.0
    pitch_semitones: float = 0.0
    energy: float = 1.0
    style: str = "neutral"
    seed: int = 0
    language: str | None = None
    ssml: Ssml = "auto"
    purpose: str = "own-use"
    label: str | None = None
    punctuation: Punctuation = "none"
    capitals: Capitals = "none"
    key: bool = False
    strict_language: bool = False

    def __post_init__(self) -> None:
        controls_of(self)
        reading_of(self)
        if not isinstance(self.key, bool):
            raise ConfigError(f"key must be True or False, not {self.key!r}")
        if not isinstance(self.strict_language, bool):
            raise ConfigError(
                f"strict_language must be True or False, not {self.strict_language!r}"
            )
        if self.language is not None:
            check_tag(self.language)
        if not isinstance(self.ssml, bool) and self.ssml != "auto":
            raise ConfigError(f'ssml must be True, False or "auto", not {self.ssml!r}')
        check_purpose(self.purpose)
        if self.label is not None:
            check_region(self.label)


class SpeechSettings(TypedDict, total=False):
    """The fields of :class:`SpeechOptions` as keyword arguments."""

    speed: float
    pitch_semitones: float
    energy: float
    style: str
    seed: int
    language: str | None
    ssml: Ssml
    purpose: str
    label: str | None
    punctuation: Punctuation
    capitals: Capitals
    key: bool
    strict_language: bool


def speech_options(options: SpeechOptions | None, settings: Mapping[str, Any]) -> SpeechOptions:
    """The options of one call: those given, changed by its keyword arguments.

    Raises:
        ConfigError: there is no such option (the nearest is named), or a value is impossible.
    """
    base = SpeechOptions() if options is None else options
    if not isinstance(base, SpeechOptions):
        raise ConfigError(f"options must be SpeechOptions, not {type(base).__name__}")
    names = [field.name for field in fields(SpeechOptions)]
    for name in settings:
        if name not in names:
            raise ConfigError(
                f"no option {name!r}{did_you_mean(name, names)}; there are {', '.join(names)}"
            )
    return replace(base, **settings) if settings else base


def controls_of(options: SpeechOptions) -> Controls:
    """The options as controls of the models, the style included.

    Raises:
        ConfigError: there is no such style, or a number is out of range.
    """
    o = options
    return styled(o.style, o.speed, o.pitch_semitones, o.energy, o.seed)


def reading_of(options: SpeechOptions) -> Reading:
    """What the options ask of the text front end.

    Raises:
        ConfigError: there is no such level of punctuation, or no such way for capitals.
    """
    o = options
    return Reading(punctuation=o.punctuation, capitals=o.capitals, key=o.key)
