"""Regular endings, so that a lexicon needs the stem only: inflection.json.

A word's ending is found in its letters; the lexicon is asked for each stem that the word may have
come from, the likeliest first, and the ending's sounds are put on the phones that it knows.  Stems
and sounds are changed by the same kind of row: after what, how much is dropped, what is put.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voicelet.config import did_you_mean, from_mapping
from voicelet.errors import PackError
from voicelet.text.pack.entry import parse_entry

FORMAT = 1
_END = "(?![\\s\\S])"
_MAX_NESTED = 4
_MAX_CHARS = 20_000
_LONGEST_END = 64  # of a word or its phones, that a pattern may look at

Lookup = Callable[[str], "str | None"]
"""What a lexicon says of a word in lower case, or None."""


@dataclass(frozen=True)
class ChangeConfig:
    """What is put at an end.

    Attributes:
        after: portable pattern of the end that it applies to; any if empty.
        drop: symbols that are taken from the end.
        put: what stands there instead.
    """

    after: str = ""
    drop: int = 0
    put: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.drop <= 20:
            raise ValueError("drop is from 0 to 20")


@dataclass(frozen=True)
class EndingConfig:
    """An ending in letters.

    Attributes:
        written: its letters.
        min_letters: of the whole word.
        after: portable pattern of the end of what stands before it; any if empty.
        stems: what the word without the ending may come from, the likeliest first.  Every one that
            fits is asked for.
        add: which row of `adds` makes its sounds; nothing if empty.
        sense: the sense in which the lexicon is asked for the stem first ("verb" for "-ing"); if
            empty, the senses that the word itself may have.
        not_class: classes of stems that don't take it ("name" for "-ing"), parted by blanks.
    """

    written: str
    stems: tuple[ChangeConfig, ...]
    min_letters: int = 0
    after: str = ""
    add: str = ""
    sense: str = ""
    not_class: str = ""

    def __post_init__(self) -> None:
        if not self.written:
            raise ValueError("an ending has letters")


@dataclass(frozen=True)
class InflectionConfig:
    """inflection.json.

    Attributes:
        format: :data:`FORMAT`.
        macros: name → part of a pattern, for `{{name}}`.
        endings: tried in order.
        adds: name → how the sounds of an ending are put on phones; the first that fits is taken.
        plural: which of `adds` is the plural or possessive of a spelled word ("CDs"), and of a word
            of the user's own.
        spelled: endings of a spelled word that are its plural or possessive.
    """

    format: int
    macros: dict[str, str] = field(default_factory=dict)
    endings: tuple[EndingConfig, ...] = ()
    adds: dict[str, tuple[ChangeConfig, ...]] = field(default_factory=dict)
    plural: str = ""
    spelled: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"format {self.format}: this voicelet reads format {FORMAT}; update voicelet"
            )
        for name in (*(ending.add for ending in self.endings), self.plural):
            if name and name not in self.adds:
                raise ValueError(f"`adds` has no {name!r}{did_you_mean(name, self.adds)}")


class Inflection:
    """The endings of a language, ready to be asked.  Safe to share between threads.

    Args:
        config: the content of inflection.json.
        where: its name for messages.
        check: make all patterns now, and refuse those that aren't portable or could take too long.

    Raises:
        PackError: a pattern is wrong; with `check` also where it isn't portable, or a word could
            make it too slow.
    """

    def __init__(
        self, config: InflectionConfig, where: str = "inflection.json", *, check: bool = True
    ) -> None:
        patterns = _Patterns(config.macros, where, check)
        self._adds = {
            name: tuple(_Change.of(change, patterns) for change in changes)
            for name, changes in config.adds.items()
        }
        self._endings = tuple(_Ending.of(ending, patterns) for ending in config.endings)
        self._plural = config.plural
        self._spelled = config.spelled

    def inflected(self, word: str, lookup: Lookup, senses: Sequence[str] = ()) -> str | None:
        """Phones of a regular inflection whose stem `lookup` knows, or None.

        Args:
            word: lower case, with straight apostrophes.
            lookup: what a lexicon says of a word.
            senses: in which the word may be meant here.
        """
        for ending, stem in self._readings(word):
            asked = (ending.config.sense,) if ending.config.sense else senses
            for key in (*(f"{stem}|{sense}" for sense in asked), stem):
                if (said := lookup(key)) and not (
                    entry := parse_entry(said)
                ).classes & ending.without:
                    return self.add(ending.config.add, entry.phones)
        return None

    def add(self, name: str, phones: str) -> str:
        """`phones` with the sounds of an ending of `adds`."""
        for change in self._adds.get(name, ()):
            if (changed := change.apply(phones)) is not None:
                return changed
        return phones

    def add_plural(self, phones: str) -> str:
        """`phones` with the plural or possessive."""
        return self.add(self._plural, phones)

    def without_plural(self, spelled: str) -> str | None:
        """A spelled word without its closing plural or possessive; None where it has none.

        An ending in lower case on otherwise capital letters is one ("CDs", "FBI's").
        """
        text = spelled.replace("’", "'")
        for ending in self._spelled:
            stem = text[: -len(ending)]
            if text.endswith(ending) and any(c.isupper() for c in stem):
                return stem
        return None

    def _readings(self, word: str) -> Iterator[tuple[_Ending, str]]:
        for ending in self._endings:
            if ending.fits(word):
                before = word[: -len(ending.config.written)]
                for change in ending.stems:
                    if stem := change.apply(before):
                        yield ending, stem


def open_inflection(
    data: Mapping[str, Any], where: str = "inflection.json", *, check: bool = True
) -> Inflection:
    """The endings of an inflection.json.

    Args:
        data: the object that the file holds.
        where: its name for messages.
        check: see :class:`Inflection`.

    Raises:
        ConfigError, PackError: it is wrong; the message says where.
    """
    return Inflection(from_mapping(InflectionConfig, data, where), where, check=check)


class _Patterns:
    """Compiles the ends that changes apply to, their macros expanded."""

    def __init__(self, macros: Mapping[str, str], where: str, check: bool) -> None:
        self._macros = macros
        self._where = where
        self._check = check
        for name, part in macros.items():
            if len(part) > _MAX_CHARS:
                raise PackError(f"{where}: macros.{name}: over {_MAX_CHARS} characters; shorten it")

    def compile(self, pattern: str) -> re.Pattern[str] | None:
        if not pattern:
            return None
        for _ in range(_MAX_NESTED):
            for name, part in self._macros.items():
                pattern = pattern.replace("{{" + name + "}}", part)
                if len(pattern) > _MAX_CHARS:
                    raise self._error(pattern, f"it has over {_MAX_CHARS} characters")
        python = f"(?:{pattern}){_END}"
        try:
            return re.compile(self._checked(python) if self._check else python)
        except (re.error, RecursionError, OverflowError, PackError) as error:
            raise self._error(pattern, str(error)) from None

    def _checked(self, pattern: str) -> str:
        from voicelet.text.pack.regex import parse  # the packs of this package are never parsed

        return parse(pattern).python

    def _error(self, pattern: str, message: str) -> PackError:
        return PackError(f"{self._where}: the pattern {pattern[:60]!r} is wrong: {message}")


@dataclass(frozen=True)
class _Change:
    after: re.Pattern[str] | None
    drop: int
    put: str

    @classmethod
    def of(cls, config: ChangeConfig, patterns: _Patterns) -> _Change:
        return cls(patterns.compile(config.after), config.drop, config.put)

    def apply(self, text: str) -> str | None:
        if len(text) < self.drop or (
            self.after is not None and not self.after.search(text[-_LONGEST_END:])
        ):
            return None
        return text[: len(text) - self.drop] + self.put


@dataclass(frozen=True)
class _Ending:
    config: EndingConfig
    after: re.Pattern[str] | None
    stems: tuple[_Change, ...]
    without: frozenset[str]

    @classmethod
    def of(cls, config: EndingConfig, patterns: _Patterns) -> _Ending:
        stems = tuple(_Change.of(change, patterns) for change in config.stems)
        without = frozenset(config.not_class.split())
        return cls(config, patterns.compile(config.after), stems, without)

    def fits(self, word: str) -> bool:
        written = self.config.written
        if not word.endswith(written) or len(word) < max(self.config.min_letters, len(written) + 1):
            return False
        before = word[: -len(written)]
        return self.after is None or self.after.search(before[-_LONGEST_END:]) is not None
