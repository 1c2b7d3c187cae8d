"""The patterns of a pack: their macros are expanded, and they compile when first used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.pack.regex import MAX_PATTERN_CHARS, Parsed, parse
from voicelet.text.pack.tables import Tables

END = "(?![\\s\\S])"
"""The end of the text, for `{{END}}`."""

_MACRO = re.compile(r"\{\{([^{}]{1,80})\}\}")
_MAX_NESTED = 8
_ESCAPED = frozenset("\\.[](){}*+?^$|-&~#/% ")


def escaped(text: str) -> str:
    """`text` as a pattern that matches just it."""
    return "".join("\\" + c if c in _ESCAPED else c for c in text)


class Macros:
    """What `{{…}}` stands for: `{{name}}` a macro, `{{keys:NAME}}` the keys of a table or words of
    a set (longest first), `{{keys-any-case:NAME}}` the same in capitals or not, `{{chars:NAME}}`
    single characters for the inside of a class.

    Args:
        macros: name → pattern, which may use others.
        tables: tables and sets.
        check: ask what patterns cost; without, they are known not to be too slow.
    """

    def __init__(self, macros: Mapping[str, str], tables: Tables, check: bool = True) -> None:
        self.check = check
        self._macros = {"END": END, **macros}
        self._tables = tables
        self._keys: dict[str, str] = {}

    def expand(self, pattern: str) -> str:
        """`pattern` without macros.

        Raises:
            PackError: one isn't there, they call one another in a circle, or grow too long.
        """
        for _ in range(_MAX_NESTED):
            if "{{" not in pattern:
                return pattern
            pattern = _MACRO.sub(lambda match: self._value(match[1]), pattern)
            if len(pattern) > MAX_PATTERN_CHARS:
                raise PackError(f"longer than {MAX_PATTERN_CHARS} characters with its macros")
        if "{{" in pattern:
            raise PackError(
                f"macros nest deeper than {_MAX_NESTED} or call one another in a circle:"
                f" {pattern[pattern.index('{{') :][:40]!r}"
            )
        return pattern

    def _value(self, name: str) -> str:
        kind, colon, table = name.partition(":")
        if not colon:
            if name not in self._macros:
                raise PackError(f"there is no macro {name!r}{did_you_mean(name, self._macros)}")
            return self._macros[name]
        if name not in self._keys:
            self._keys[name] = self._of_table(kind, table)
        return self._keys[name]

    def _of_table(self, kind: str, table: str) -> str:
        keys = sorted(self._tables.words(table), key=lambda k: (-len(k), k))
        if not keys:
            raise PackError(f"{{{{{kind}:{table}}}}}: {table!r} is empty")
        if kind == "keys":
            return "(?:" + "|".join(map(escaped, keys)) + ")"
        if kind == "keys-any-case":
            folded = sorted({k.lower() for k in keys}, key=lambda k: (-len(k), k))
            return "(?:" + "|".join("".join(map(_any_case, k)) for k in folded) + ")"
        if kind == "chars":
            return "".join(escaped(k) for k in keys if len(k) == 1)
        raise PackError(
            f"{{{{{kind}:{table}}}}}: write {{{{keys:…}}}}, {{{{keys-any-case:…}}}} or"
            " {{chars:…}}"
        )


def _any_case(char: str) -> str:
    upper = char.upper()
    return f"[{char}{upper}]" if upper != char and len(upper) == 1 else escaped(char)


class Pattern:
    """A portable pattern; compiled when first used.

    Args:
        source: the pattern, with macros.
        macros: expand them.
        where: the rule's name for messages.

    Attributes:
        match: as `re.Pattern.match(text, at)`.
        search: as `re.Pattern.search(text)`.
        fullmatch: as `re.Pattern.fullmatch(text)`.
    """

    def __init__(self, source: str, macros: Macros, where: str) -> None:
        self._source = source
        self._macros = macros
        self._where = where
        self._parsed: Parsed | None = None
        self.match: Callable[[str, int], re.Match[str] | None] = self._first_match
        self.search: Callable[[str], re.Match[str] | None] = self._first_search
        self.fullmatch: Callable[[str], re.Match[str] | None] = self._first_fullmatch

    def parsed(self) -> Parsed:
        """The pattern, checked.

        Raises:
            PackError: it isn't portable, or too slow.
        """
        if self._parsed is None:
            try:
                expanded = self._macros.expand(self._source)
                self._parsed = parse(expanded, self._macros.check)
            except PackError as error:
                raise PackError(f"{self._where}: {error}") from None
        return self._parsed

    def may_begin(self, char: str) -> bool:
        """Whether a match may begin with `char`."""
        code = ord(char)
        return any(low <= code <= high for low, high in self.parsed().first)

    def compile(self) -> re.Pattern[str]:
        """The pattern, for Python.

        Raises:
            PackError: as :meth:`parsed`.
        """
        parsed = self.parsed()
        try:
            compiled = re.compile(parsed.python)
        except (re.error, RecursionError, OverflowError) as error:
            raise PackError(f"{self._where}: {error}") from None
        self.match, self.search, self.fullmatch = (
            compiled.match,
            compiled.search,
            compiled.fullmatch,
        )
        return compiled

    def _first_match(self, text: str, at: int) -> re.Match[str] | None:
        return self.compile().match(text, at)

    def _first_search(self, text: str) -> re.Match[str] | None:
        return self.compile().search(text)

    def _first_fullmatch(self, text: str) -> re.Match[str] | None:
        return self.compile().fullmatch(text)
