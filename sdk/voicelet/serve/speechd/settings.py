"""Settings as speech-dispatcher sends them, and what they are here."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from voicelet.errors import ConfigError
from voicelet.synth.options import SpeechOptions
from voicelet.text.reading import Capitals, Punctuation

_FASTEST, _SLOWEST = 5.0, 0.4
_SEMITONES = 10.0
_PUNCTUATION: dict[str, Punctuation] = {
    "none": "none",
    "some": "some",
    "most": "most",
    "all": "all",
}
_CAPITALS: dict[str, Capitals] = {"none": "none", "spell": "say", "icon": "tone"}
_KEYS = {"control": "Ctrl", "ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "super": "Super"}
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Settings:
    """What the user has set.

    Attributes:
        rate, pitch, volume: -100 to 100.
        punctuation, capitals: of `SpeechOptions`.
        spells: texts are spelled.
        language: BCP 47 tag, or None.
        voice: a profile or preset; None for the default.
    """

    rate: int = 0
    pitch: int = 0
    volume: int = 100
    punctuation: Punctuation = "none"
    capitals: Capitals = "none"
    spells: bool = False
    language: str | None = None
    voice: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    def changed(self, name: str, value: str) -> Settings:
        """With another value of what speech-dispatcher calls `name`.

        Raises:
            ConfigError: the value is impossible.
        """
        if name in ("rate", "pitch", "volume"):
            if not re.fullmatch(r"-?[0-9]{1,3}", value) or not -100 <= int(value) <= 100:
                raise ConfigError(f"{name} lies between -100 and 100, not {value!r:.20}")
            return replace(self, **{name: int(value)})  # type: ignore[arg-type]
        if name == "punctuation_mode" and value in _PUNCTUATION:
            return replace(self, punctuation=_PUNCTUATION[value])
        if name == "cap_let_recogn" and value in _CAPITALS:
            return replace(self, capitals=_CAPITALS[value])
        if name == "spelling_mode":
            return replace(self, spells=value.lower() in ("on", "1"))
        if name == "language":
            return replace(self, language=None if value.upper() == "NULL" else value)
        if name == "synthesis_voice":
            return replace(self, voice=None if value.upper() == "NULL" else value)
        return replace(self, others={**self.others, name: value})

    @property
    def speed(self) -> float:
        """Factor of the speaking rate: 1 at 0, 5 at 100, 0.4 at -100, even steps between."""
        end = _FASTEST if self.rate >= 0 else _SLOWEST
        return float(end ** (abs(self.rate) / 100.0))

    @property
    def energy(self) -> float:
        """Factor of the loudness: 1 at 100, 20 dB less at -100."""
        return float(10.0 ** ((self.volume - 100) / 200.0))

    def options(self, languages: tuple[str, ...], *, key: bool = False) -> SpeechOptions:
        """How to speak.

        Args:
            languages: of the voice; another one that is set is passed over, as screen readers set
                the desktop's for every voice.
            key: the text is a character or a key.
        """
        language = self.language if _speaks(self.language, languages) else None
        return SpeechOptions(
            speed=self.speed,
            pitch_semitones=_SEMITONES * self.pitch / 100.0,
            energy=self.energy,
            punctuation="none" if key else self.punctuation,
            capitals=self.capitals,
            language=language,
            key=key,
        )


def _speaks(language: str | None, languages: tuple[str, ...]) -> bool:
    return language is not None and any(language.lower() == own.lower() for own in languages)


def spelled(text: str) -> str:
    """SSML that spells a text."""
    plain = html.escape(plain_text(text), quote=False)
    return f'<speak><say-as interpret-as="characters">{plain}</say-as></speak>'


def plain_text(text: str) -> str:
    """A text without its tags."""
    return html.unescape(_TAG.sub("", text)) if text.lstrip().startswith("<speak") else text


def key_name(name: str) -> str:
    """A key as speech-dispatcher names it ("control_c", "space") → as voicelet does ("Ctrl+c")."""
    *modifiers, last = name.split("_") if len(name) > 1 else [name]
    if modifiers and all(m.lower() in _KEYS for m in modifiers) and last:
        return "+".join([*(_KEYS[m.lower()] for m in modifiers), last])
    return name
