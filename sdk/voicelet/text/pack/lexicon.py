"""The word lists of a pack: pronunciations that go before those of the bundle's lexicon.

A line is a word in lower case, or `word|sense`, a tab and its phones; empty lines and lines that
begin with "#" are skipped.  Where a word comes twice, the last line counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from voicelet.errors import ConfigError, PackError
from voicelet.text.lexicon import Lexicon
from voicelet.text.pack.entry import entry_symbols
from voicelet.text.pack.files import read_text

MAX_LINES = 200_000
MAX_FILE_BYTES = 8 << 20
_MAX_KEY_CHARS = 60
_MAX_PHONES = 255


def parse_words(text: str, where: str = "lexicon.tsv") -> dict[str, str]:
    """Read a word list.

    Args:
        where: name for messages.

    Raises:
        ConfigError: a line isn't a word, a tab and phones.
    """
    words: dict[str, str] = {}
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ConfigError(f"{where}: more than {MAX_LINES} lines; shorten it")
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if not line or line[0] == "#":
            continue
        key, tab, phones = line.partition("\t")
        if not tab or not key.strip() or not phones.strip() or "\t" in phones:
            raise ConfigError(f"{where}, line {number}: write a word, a tab, and its phones")
        if len(key) > _MAX_KEY_CHARS or len(phones) > _MAX_PHONES or key != key.lower():
            raise ConfigError(
                f"{where}, line {number}: {key[:60]!r}: words are in lower case, of at most"
                f" {_MAX_KEY_CHARS} characters, their phones of at most {_MAX_PHONES}"
            )
        if unknown := entry_symbols(phones):
            raise ConfigError(f"{where}, line {number}: {key!r}: {unknown!r} is not a phone")
        words[key] = phones
    return words


def read_words(path: Path) -> dict[str, str]:
    """Read the word list at `path`.

    Raises:
        ConfigError: it can't be read, or a line is wrong.
    """
    return parse_words(_text(path), str(path))


@lru_cache(maxsize=32)
def _known_words(path: Path) -> dict[str, str]:
    """A list that was checked before; kept, for every voice of a process uses the same."""
    lines = (line.rstrip("\r") for line in _text(path).split("\n"))
    return dict(line.split("\t", 1) for line in lines if "\t" in line and line[0] != "#")


def _text(path: Path) -> str:
    try:
        return read_text(path, MAX_FILE_BYTES)
    except PackError as error:
        raise ConfigError(str(error)) from None


class PackLexicon:
    """The words of a pack and of those that it inherits from, read at the first look-up.

    The lists aren't checked then; :meth:`check` does that for packs that may be wrong.

    Args:
        lists: word lists; a word is taken from the first that has it.
        compiled: lexicons as `voicelet.text.lexicon` has them, asked after the lists.
    """

    def __init__(self, lists: Iterable[Path], compiled: Iterable[Path] = ()) -> None:
        self._paths = tuple(lists)
        self._compiled_paths = tuple(compiled)
        self._sources: tuple[dict[str, str] | Lexicon, ...] | None = None

    def get(self, key: str) -> str | None:
        """What is known of a word (see `voicelet.text.pack.entry`), or None.

        Raises:
            ConfigError: a list can't be read.
            BundleError: a compiled lexicon is damaged.
        """
        if self._sources is None:
            lists = tuple(_known_words(path) for path in self._paths)
            self._sources = (*lists, *(Lexicon.open(path) for path in self._compiled_paths))
        for source in self._sources:
            if (said := source.get(key)) is not None:
                return said
        return None

    def check(self) -> None:
        """Read everything and look at every line.

        Raises:
            ConfigError: a line of a list is wrong.
            BundleError: a compiled lexicon is damaged.
        """
        for path in self._paths:
            read_words(path)
        for path in self._compiled_paths:
            Lexicon.open(path)
