"""English: how its words are said (its rules of reading are data, beside this module)."""

from __future__ import annotations

from voicelet.languages.en import weak
from voicelet.languages.en.homographs import sense_of
from voicelet.languages.en.inflect import add_s, inflected
from voicelet.languages.en.letter_names import spelled
from voicelet.text.language import Pronunciation

PRONUNCIATION = Pronunciation(
    vowel_letters=frozenset("aeiouy"),
    spelled=spelled,
    add_s=add_s,
    inflected=inflected,
    senses=sense_of,
    clitics=weak.CLITICS,
    strong_at_end=weak.STRONG_AT_END,
    joined=weak.joined,
    in_phrase=weak.in_phrase,
    linked=weak.linked,
)
