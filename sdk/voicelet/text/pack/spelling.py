"""Letters said one by one, by their names in the language."""

from __future__ import annotations

from collections.abc import Mapping

from voicelet.text.language import PhraseRules, SpokenWord
from voicelet.text.letters import to_latin
from voicelet.text.pack.inflection import Inflection
from voicelet.text.phones import strengthened, weakened


class Spelling:
    """The names of letters, put together.

    Args:
        names: letter in lower case → phones of its name; without a stress mark, the first vowel is
            stressed.
        letters: the letters of the alphabet beyond a-z.
        phrases: how the sounds of two names meet.
        inflection: how the plural of a spelled word is said.
    """

    def __init__(
        self, names: Mapping[str, str], letters: str, phrases: PhraseRules, inflection: Inflection
    ) -> None:
        self._names = {letter: strengthened(name) for letter, name in names.items()}
        self._letters = letters
        self._phrases = phrases
        self._inflection = inflection

    def spelled(self, text: str) -> str:
        """Phones of a word's letters: secondary stress, the primary on the last.

        A closing plural or possessive ("CDs", "FBI's") isn't spelled but said.
        """
        stem = self._inflection.without_plural(text)
        phones = self._row(text if stem is None else stem)
        return self._inflection.add_plural(phones) if stem is not None and phones else phones

    def _row(self, text: str) -> str:
        known = [c for c in to_latin(text, self._letters) if c in self._names]
        said = ""
        for place, letter in enumerate(known):
            name = self._names[letter]
            if place < len(known) - 1:
                name = weakened(name)
            if said:
                linked = self._phrases.linked(
                    SpokenWord(known[place - 1], said), SpokenWord(letter, name), "letters"
                )
                said, name = linked.before, linked.after
            said += name
        return said
