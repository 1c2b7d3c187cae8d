"""What a homograph's rules may ask of the words around it: a closed set of predicates.

A predicate is a line of text, `PLACE [ends] WORDS`, `capital`, `first`, `last` or `score N`.
Places:

==================  ================================================================
`w-1`, `w+2`        the word so many places away (1 to 9)
`skip-1`            the word before, adverbs skipped (the pack says what those are)
`skip-2`            the word just before `skip-1`
`before-3`          any of the three words before; `after-3` likewise
`before`, `after`   any word before, any word after
`clause`            any word of the clause, the homograph too
`word`              the homograph itself
==================  ================================================================

WORDS are lower-case words and names of classes (`@determiners`), parted by spaces; one of them must
be at the place.  `-` is "no word there".  With `ends`, WORDS are endings.  `capital`: it is written
with a capital; `capital w+1`: the word there is.  `first` and `last`: it is so in its clause.
`score N`: so many points were counted so far.

A capital is a character with the Unicode property Uppercase; the first one of the word counts.

`not P` denies a predicate, `P | Q` asks for either.  Places never look beyond the clause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError


class WordContext:
    """A word among the words of its clause.

    Args:
        keys: the clause's words as the lexicon knows them, in lower case.
        place: which of them.
        texts: the same words as they were written.
        skipped: tells an adverb, which `skip-1` passes over.
    """

    __slots__ = ("_skipped", "_stop", "keys", "place", "score", "texts")

    def __init__(
        self,
        keys: Sequence[str],
        place: int,
        texts: Sequence[str],
        skipped: Callable[[str], bool],
    ) -> None:
        self.keys = keys
        self.place = place
        self.texts = texts
        self.score = 0
        self._skipped = skipped
        self._stop: int | None = None

    def at(self, offset: int) -> str:
        """The word so many places away; "" beyond the clause."""
        index = self.place + offset
        return self.keys[index] if 0 <= index < len(self.keys) else ""

    def written(self, offset: int) -> str:
        """The word so many places away as it was written; "" beyond the clause."""
        index = self.place + offset
        return self.texts[index] if 0 <= index < len(self.texts) else ""

    def past_adverbs(self, number: int) -> str:
        """The word before, adverbs skipped (1), or the one just before that (2); "" for none."""
        if self._stop is None:
            self._stop = self.place - 1
            while self._stop >= 0 and self._skipped(self.keys[self._stop]):
                self._stop -= 1
        index = self._stop + 1 - number
        return self.keys[index] if self._stop >= 0 and index >= 0 else ""


Predicate = Callable[[WordContext], bool]
_Words = Callable[[WordContext], Sequence[str]]

_ONE = re.compile(r"(w[-+]|skip-)([1-9])")
_RANGE = re.compile(r"(before|after)(?:-([1-9]))?")
_PLACES = ("w-1", "w+1", "skip-1", "skip-2", "before", "after", "before-2", "clause", "word")
_BARE: dict[str, Predicate] = {
    "capital": lambda context: context.texts[context.place][:1].isupper(),
    "first": lambda context: context.place == 0,
    "last": lambda context: context.place == len(context.keys) - 1,
}


def word_class(text: str, classes: Mapping[str, frozenset[str]], where: str) -> frozenset[str]:
    """The words of a list in which `@name` stands for a class and `-` for no word.

    Raises:
        ConfigError: a class isn't defined.
    """
    words: set[str] = set()
    for word in text.split():
        if word.startswith("@"):
            if word[1:] not in classes:
                raise ConfigError(
                    f"{where}: no class is named {word!r}{did_you_mean(word[1:], classes)};"
                    ' define it under "classes"'
                )
            words |= classes[word[1:]]
        else:
            words.add("" if word == "-" else word)
    return frozenset(words)


def word_classes(texts: Mapping[str, str], where: str) -> dict[str, frozenset[str]]:
    """Classes by their names; one may be built from those before it.

    Raises:
        ConfigError: a class names one that isn't defined before it.
    """
    classes: dict[str, frozenset[str]] = {}
    for name, text in texts.items():
        classes[name] = word_class(text, classes, f"{where}: class {name!r}")
    return classes


def all_of(
    lines: Sequence[str], classes: Mapping[str, frozenset[str]], where: str
) -> tuple[Predicate, ...]:
    """The predicates of a `when`; each must hold.

    Args:
        lines: as this module's docstring says.
        classes: name → words.
        where: for messages.

    Raises:
        ConfigError: a line isn't a predicate.
    """
    return tuple(_either(line, classes, where) for line in lines)


def _either(line: str, classes: Mapping[str, frozenset[str]], where: str) -> Predicate:
    options = tuple(_one(part.strip(), classes, where) for part in line.split("|"))
    if len(options) == 1:
        return options[0]
    return lambda context: any(option(context) for option in options)


def _one(line: str, classes: Mapping[str, frozenset[str]], where: str) -> Predicate:
    if line.startswith("not "):
        denied = _one(line[4:].lstrip(), classes, where)
        return lambda context: not denied(context)
    name, _, rest = line.partition(" ")
    if name in _BARE and not rest:
        return _BARE[name]
    if name == "capital" and (near := re.fullmatch(r"w([-+])([1-9])", rest)):
        offset = -int(near[2]) if near[1] == "-" else int(near[2])
        return lambda context: context.written(offset)[:1].isupper()
    if name == "score" and re.fullmatch(r"-?[0-9]{1,4}", rest):
        points = int(rest)
        return lambda context: context.score == points
    ends = rest.startswith("ends ")
    words = word_class(rest[5:] if ends else rest, classes, where)
    if not words or (ends and "" in words):
        raise ConfigError(
            f"{where}: {line!r} isn't a predicate; write a place and words, as in"
            ' "w-1 the a @owners"'
        )
    return _ending(name, tuple(words), where) if ends else _membership(name, words, where)


def _membership(name: str, words: frozenset[str], where: str) -> Predicate:
    if one := _ONE.fullmatch(name):
        number = int(one[2])
        if one[1] == "skip-":
            _check_skip(number, name, where)
            return lambda context: context.past_adverbs(number) in words
        offset = -number if one[1] == "w-" else number
        return lambda context: context.at(offset) in words
    several = _several(name, where)
    return lambda context: not words.isdisjoint(several(context))


def _ending(name: str, endings: tuple[str, ...], where: str) -> Predicate:
    if one := _ONE.fullmatch(name):
        number = int(one[2])
        if one[1] == "skip-":
            _check_skip(number, name, where)
            return lambda context: context.past_adverbs(number).endswith(endings)
        offset = -number if one[1] == "w-" else number
        return lambda context: context.at(offset).endswith(endings)
    several = _several(name, where)
    return lambda context: any(word.endswith(endings) for word in several(context))


def _check_skip(number: int, name: str, where: str) -> None:
    if number > 2:
        raise _unknown_place(name, where)


def _several(name: str, where: str) -> _Words:
    if name == "clause":
        return lambda context: context.keys
    if name == "word":
        return lambda context: context.keys[context.place : context.place + 1]
    between = _RANGE.fullmatch(name)
    if between is None:
        raise _unknown_place(name, where)
    count = int(between[2]) if between[2] else 0
    if between[1] == "after":
        if not count:
            return lambda context: context.keys[context.place + 1 :]
        return lambda context: context.keys[context.place + 1 : context.place + 1 + count]
    if not count:
        return lambda context: context.keys[: context.place]
    return lambda context: context.keys[max(0, context.place - count) : context.place]


def _unknown_place(name: str, where: str) -> ConfigError:
    hint = did_you_mean(name, (*_PLACES, *_BARE))
    return ConfigError(f"{where}: {name!r} is no place a predicate may look at{hint}")
