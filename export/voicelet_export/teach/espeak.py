"""Phones of other languages for a teacher to speak, by espeak-ng.

For development only: espeak-ng is GPL-3.0, so nothing of it is shipped, and this module needs the
package `espeakng-loader` (the library with its data), which no extra of this project asks for.

Its IPA with ties is mapped to Kokoro's convention: one letter a diphthong, one an affricate.  It
drops punctuation, so text is cut at marks, spoken piece by piece, and put together again.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import unicodedata
from typing import Any

from voicelet.errors import ConfigError

VOICES = {"es": "es", "fr": "fr", "it": "it", "pt-br": "pt-br"}
"""Language → espeak-ng's voice."""

_TIE = "^"
_TIED = (
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^z", "ʣ"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
)
_MARKS = re.compile(r"([.,!?;:…—()\"“”]+)")
_BEFORE_MARK = re.compile(r" ([.,!?;:…])")  # French sets a space there
_SAME_MARK = str.maketrans(
    {"«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "–": "—", "‹": '"', "›": '"', "’": "'"}
)
_DROPPED = str.maketrans("", "", "-\u032a")  # the second: "dental", which the teacher lacks
_SWITCHED = re.compile(r"\([a-z^-]+\)")  # where it takes a word for another language's

_SYNCHRONOUS, _UTF8 = 2, 1
_IPA_WITH_TIES = 0x02 | 0x80 | ord(_TIE) << 8


class EspeakPhones:
    """Turns text of one language into phones at a time; the library knows one voice at once.

    Args:
        language: one of `VOICES`.

    Raises:
        ConfigError: the language isn't known, or espeakng-loader isn't installed.
    """

    def __init__(self, language: str) -> None:
        if language not in VOICES:
            raise ConfigError(f"no phones for {language!r}; there are {', '.join(sorted(VOICES))}")
        self._voice = VOICES[language].encode("ascii")
        self._library = _library()

    def __call__(self, text: str) -> str:
        """Phones of a sentence in the teacher's convention, marks and word spaces kept."""
        if self._library.espeak_SetVoiceByName(self._voice) != 0:
            raise ConfigError(f"espeak-ng has no voice {self._voice.decode()!r}")
        text = unicodedata.normalize("NFC", text).translate(_SAME_MARK)
        text = text.replace("...", "…").replace("¿", "").replace("¡", "")
        out = [
            piece if _MARKS.fullmatch(piece) else _spaced(piece, self._piece(piece))
            for piece in _MARKS.split(text)
        ]
        return _BEFORE_MARK.sub(r"\1", " ".join("".join(out).split()))

    def _piece(self, text: str) -> str:
        if not text.strip():
            return ""
        buffer = ctypes.create_string_buffer(text.strip().encode("utf-8"))
        pointer = ctypes.c_void_p(ctypes.addressof(buffer))
        found: list[str] = []
        while pointer.value:
            phones = self._library.espeak_TextToPhonemes(
                ctypes.byref(pointer), _UTF8, _IPA_WITH_TIES
            )
            found.append((phones or b"").decode("utf-8"))
        return teacher_phones(" ".join(found))


def teacher_phones(espeak: str) -> str:
    """espeak-ng's IPA with ties in the teacher's convention."""
    espeak = _SWITCHED.sub("", espeak)
    for old, new in _TIED:
        espeak = espeak.replace(old, new)
    return espeak.replace(_TIE, "").translate(_DROPPED).strip()


def _spaced(piece: str, phones: str) -> str:
    if not phones:
        return " "
    before = " " if piece[:1].isspace() else ""
    return before + phones + (" " if piece[-1:].isspace() else "")


_loaded: Any = None


def _library() -> Any:
    global _loaded
    if _loaded is None:
        try:
            loader = importlib.import_module("espeakng_loader")
        except ImportError:
            raise ConfigError(
                "phones of other languages need espeak-ng (GPL-3.0, for development only); "
                "pip install espeakng-loader"
            ) from None
        library = ctypes.CDLL(loader.get_library_path())
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        data = str(loader.get_data_path()).encode("utf-8")
        if library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0) < 0:
            raise ConfigError("espeak-ng can't be started; install espeakng-loader again")
        _loaded = library
    return _loaded
