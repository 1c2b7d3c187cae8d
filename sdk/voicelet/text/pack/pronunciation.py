"""How a pack says its words: word lists, endings, phrases, homographs, letters put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from voicelet.errors import BundleError, ConfigError, PackError
from voicelet.text.language import Pronunciation
from voicelet.text.pack.config import PackConfig
from voicelet.text.pack.files import read_bytes
from voicelet.text.pack.lexicon import PackLexicon
from voicelet.text.pack.phrases import Phrases, open_phrases
from voicelet.text.pack.word_context import word_class, word_classes

if TYPE_CHECKING:
    # Most texts have no word that needs these; what reads them is loaded when one comes.
    from voicelet.text.pack.homographs import Homographs
    from voicelet.text.pack.inflection import Inflection
    from voicelet.text.pack.letter_rules import LetterRules
    from voicelet.text.pack.spelling import Spelling

if TYPE_CHECKING:
    from voicelet.text.g2p import NeuralG2P

WORD_LISTS = ("lexicon.tsv", "names.tsv")
"""In the order of asking."""

COMPILED_LEXICON = "lexicon.bin"
HOMOGRAPHS = "homographs.json"
LETTER_RULES = "letters.json"
GRAPH = "g2p.onnx"
"""The letter-to-sound model of a language without letter rules."""

MAX_WEIGHTS_BYTES = 8 << 20
_EMPTY: Mapping[str, Any] = {"format": 1}

T = TypeVar("T")
Senses = Callable[[Sequence[str], int, Sequence[str]], "tuple[str, ...]"]
ReadJson = Callable[[Path], "dict[str, Any]"]
_log = logging.getLogger(__name__)


def open_pronunciation(
    folders: Sequence[Path], config: PackConfig, read: ReadJson, *, check: bool = False
) -> Pronunciation:
    """What the files of a pack, and of those that it inherits from, say of pronunciation.

    Args:
        folders: the pack's, then the one that it inherits from, and so on.
        config: pack.json, what is inherited merged into it.
        read: reads a JSON file.
        check: read all of it now, so that whatever is wrong is found.

    Raises:
        PackError: a file is wrong; the message says which and where.  Without `check` also from
            what is returned, when it is first asked.
    """
    parts = _Parts(tuple(folders), config, read, check)
    if check:
        parts.check()
    return Pronunciation(
        vowel_letters=frozenset(config.vowel_letters),
        spelled=lambda text: parts.spelling.spelled(text),
        add_s=lambda phones: parts.inflection.add_plural(phones),
        inflected=lambda word, look_up, senses: parts.inflection.inflected(word, look_up, senses),
        senses=lambda keys, place, texts: parts.senses(keys, place, texts),
        phrases=parts.phrases,
        letters=config.letters,
        words=parts.lexicon.get,
        letter_to_sound=parts.letter_to_sound,
    )


@dataclass(frozen=True)
class _Parts:
    """The parts, each made when it is first asked for."""

    folders: tuple[Path, ...]
    config: PackConfig
    read: ReadJson
    checked: bool

    @cached_property
    def phrases(self) -> Phrases:
        return self._opened("weak.json", open_phrases)

    @cached_property
    def inflection(self) -> Inflection:
        from voicelet.text.pack.inflection import open_inflection

        return self._opened(
            "inflection.json", lambda data, where: open_inflection(data, where, check=self.checked)
        )

    @cached_property
    def spelling(self) -> Spelling:
        from voicelet.text.pack.spelling import Spelling

        config = self.config
        return Spelling(config.letter_names, config.letters, self.phrases, self.inflection)

    @cached_property
    def senses(self) -> Senses:
        if not self._paths(HOMOGRAPHS):
            return lambda keys, place, texts: ()
        if self.checked:
            return self.homographs
        known = self._opened(HOMOGRAPHS, _homograph_words)

        def senses(keys: Sequence[str], place: int, texts: Sequence[str]) -> tuple[str, ...]:
            return self.homographs(keys, place, texts) if keys[place] in known else ()

        return senses

    @cached_property
    def homographs(self) -> Homographs:
        return self._opened(HOMOGRAPHS, lambda data, where: self._homographs(data, where))

    @cached_property
    def lexicon(self) -> PackLexicon:
        lists = [path for name in WORD_LISTS for path in self._paths(name)]
        lists.sort(key=lambda path: self.folders.index(path.parent))
        return PackLexicon(lists, self._paths(COMPILED_LEXICON))

    @cached_property
    def letter_to_sound(self) -> Callable[[str], str] | None:
        made = self._letter_to_sound()
        if made is None:
            return None
        warned: list[str] = []

        def phones(word: str) -> str:
            """Of the word; where that fails it is spelled, and the sentence is spoken."""
            try:
                return made(word)
            except (BundleError, ConfigError, PackError) as error:
                if not warned:
                    warned.append(str(error))
                    _log.warning("%s: words are spelled: %s", self.folders[0], error)
                return ""

        return phones

    def _letter_to_sound(self) -> Callable[[str], str] | None:
        if self._paths(LETTER_RULES):
            return lambda word: self.letter_rules.phones(word)
        if not self._paths(GRAPH):
            return None
        return lambda word: self.letter_graph.phones(word)

    @cached_property
    def letter_graph(self) -> NeuralG2P:
        from voicelet.text.g2p import NeuralG2P  # numpy: a text that needs no model waits for none

        return NeuralG2P(self._paths(GRAPH)[0])

    @cached_property
    def letter_rules(self) -> LetterRules:
        from voicelet.text.pack.letter_rules import LetterRules

        return self._opened(LETTER_RULES, lambda data, where: LetterRules(data))

    def check(self) -> None:
        """Make everything.

        Raises:
            PackError: something is wrong.
        """
        _ = self.phrases, self.inflection, self.spelling, self.senses
        try:
            self.lexicon.check()
            if self._paths(LETTER_RULES):
                self.letter_rules.check()
            if (graph_or_rules := self._letter_to_sound()) is not None:  # checked before it is run
                graph_or_rules("a")
            self.phrases.check()
        except (BundleError, ConfigError) as error:
            raise PackError(str(error)) from None

    def _paths(self, name: str) -> list[Path]:
        return [folder / name for folder in self.folders if (folder / name).is_file()]

    def _opened(self, name: str, open_: Callable[[Mapping[str, Any], str], T]) -> T:
        """A part from its file, what is inherited merged into it."""
        data: Mapping[str, Any] = {}
        for path in reversed(self._paths(name)):
            data = merged_settings(data, self.read(path))
        try:
            return open_(data or _EMPTY, str(self.folders[0] / name))
        except ConfigError as error:
            raise PackError(str(error)) from None

    def _homographs(self, data: Mapping[str, Any], where: str) -> Homographs:
        from voicelet.text.pack.homographs import Homographs  # numpy, as above

        weights = None
        if (model := data.get("model")) and isinstance(model, Mapping):
            weights = self._weights(str(model.get("weights", "")), where)
        return Homographs.from_mapping(data, weights, where, check=self.checked)

    def _weights(self, name: str, where: str) -> bytes:
        if name != Path(name).name or not (paths := self._paths(name)):
            raise PackError(f"{where}: there is no file {name!r} beside it")
        return read_bytes(paths[0], MAX_WEIGHTS_BYTES)


def _homograph_words(data: Mapping[str, Any], where: str) -> frozenset[str]:
    """The words of a homographs.json that is known to be right."""
    part = data.get("part_of_speech") or {"words": ""}
    classes = word_classes(data.get("classes", {}), where)
    return word_class(part["words"], classes, where) | frozenset(data.get("words", ()))


def merged_settings(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The parent's values with the child's in their place; mappings are merged key by key."""
    merged: dict[str, Any] = dict(parent)
    for key, value in child.items():
        base = merged.get(key)
        if isinstance(base, Mapping) and isinstance(value, Mapping):
            value = merged_settings(base, value)
        merged[key] = value
    return merged
