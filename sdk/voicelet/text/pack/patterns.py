"""The patterns of a pack: their macros are expanded, and they compile when first used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.pack.beginning import Beginning
from voicelet.text.pack.tables import Tables

if TYPE_CHECKING:
    from voicelet.text.pack.regex import Parsed

END = "(?![\\s\\S])"
"""The end of the text, for `{{END}}`."""

_MACRO = re.compile(r"\{\{([^{}]{1,80})\}\}")
_GROUP_NAME = re.compile(r"(\\[\s\S]|\[\^?(?:\\[\s\S]|[^\]\\])+\])|\(\?<(?=[a-z])")
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
        check: patterns are parsed, and asked what they cost; without, they are known to be right.
    """

    def __init__(self, macros: Mapping[str, str], tables: Tables, check: bool = True) -> None:
        self.check = check
        self._macros = {"END": END, **macros}
        self._tables = tables
        self._keys: dict[str, str] = {}
        if check:
            for name, part in macros.items():
                self._check_length(len(part), f"the macro {name!r} is ")

    def expand(self, pattern: str, *, lists: bool = True) -> str:
        """`pattern` without macros.

        Args:
            lists: without, `{{keys:…}}` and `{{keys-any-case:…}}` stay, and no table is read.

        Raises:
            PackError: one isn't there, they call one another in a circle, or grow too long.
        """
        for _ in range(_MAX_NESTED):
            if "{{" not in pattern:
                return pattern
            before, pattern = pattern, self._expand_once(pattern, lists)
            if pattern == before:
                return pattern
        if lists and "{{" in pattern:
            raise PackError(
                f"macros nest deeper than {_MAX_NESTED} or call one another in a circle:"
                f" {pattern[pattern.index('{{') :][:40]!r}"
            )
        return pattern

    def _expand_once(self, pattern: str, lists: bool) -> str:
        length = len(pattern)

        def value(match: re.Match[str]) -> str:
            nonlocal length
            part = self._value(match[1], not lists)
            length += len(part) - len(match[0])
            if self.check:
                self._check_length(length)  # before a hundred long lists are joined
            return part

        return _MACRO.sub(value, pattern)

    def first_chars(self, name: str) -> set[str]:
        """The characters that `{{keys:…}}` or `{{keys-any-case:…}}` may begin with."""
        kind, _, table = name.partition(":")
        chars = {key[0] for key in self._tables.words(table)}
        if kind == "keys":
            return chars
        return {case for c in chars for case in (c.lower(), _upper(c.lower()))}

    def _check_length(self, chars: int, what: str = "") -> None:
        from voicelet.text.pack.regex import MAX_PATTERN_CHARS

        if chars > MAX_PATTERN_CHARS:
            raise PackError(f"{what}longer than {MAX_PATTERN_CHARS} characters with its macros")

    def _value(self, name: str, keep: bool = False) -> str:
        kind, colon, table = name.partition(":")
        if keep and kind in ("keys", "keys-any-case"):
            return f"{{{{{name}}}}}"
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
    upper = _upper(char)
    return f"[{char}{upper}]" if upper != char else escaped(char)


def _upper(char: str) -> str:
    """Its capital, if that is one character."""
    upper = char.upper()
    return upper if len(upper) == 1 else char


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
        self._beginning: Beginning | None = None
        self._compiled: re.Pattern[str] | None = None
        self.match: Callable[[str, int], re.Match[str] | None] = self._first_match
        self.search: Callable[[str], re.Match[str] | None] = self._first_search
        self.fullmatch: Callable[[str], re.Match[str] | None] = self._first_fullmatch

    def parsed(self) -> Parsed:
        """The pattern, checked.

        Raises:
            PackError: it isn't portable, or too slow.
        """
        if self._parsed is None:
            from voicelet.text.pack.regex import parse  # packs of this package are never parsed

            try:
                self._parsed = parse(self._macros.expand(self._source), self._macros.check)
            except PackError as error:
                raise PackError(f"{self._where}: {error}") from None
        return self._parsed

    def check(self) -> None:
        """Parse the pattern, unless it is known to be right.

        Raises:
            PackError: as :meth:`parsed`.
        """
        if self._macros.check:
            self.parsed()

    def may_begin(self, char: str) -> bool:
        """Whether a match may begin with `char`."""
        if self._macros.check:
            code = ord(char)
            return any(low <= code <= high for low, high in self.parsed().first)
        if self._beginning is None:
            begins = self._expanded(self._source, lists=False)
            self._beginning = Beginning(begins, self._macros.first_chars)
        return self._beginning.has(char)

    def groups(self) -> tuple[str, ...]:
        """Names of its groups, in order."""
        return tuple(self.compile().groupindex)

    def compile(self) -> re.Pattern[str]:
        """The pattern, for Python.

        Raises:
            PackError: as :meth:`parsed`.
        """
        if self._compiled is not None:
            return self._compiled
        python = self.parsed().python if self._macros.check else self._python()
        try:
            compiled = re.compile(python)
        except (re.error, RecursionError, OverflowError) as error:
            raise PackError(f"{self._where}: {error}") from None
        self._compiled = compiled
        self.match, self.search, self.fullmatch = (
            compiled.match,
            compiled.search,
            compiled.fullmatch,
        )
        return compiled

    def _python(self) -> str:
        """The pattern in Python's syntax, which names groups otherwise."""
        short = self._expanded(self._source, lists=False)
        if "(?<" in short:
            short = _GROUP_NAME.sub(lambda match: match[1] or "(?P<", short)
        return self._expanded(short)

    def _expanded(self, pattern: str, *, lists: bool = True) -> str:
        try:
            return self._macros.expand(pattern, lists=lists)
        except PackError as error:
            raise PackError(f"{self._where}: {error}") from None

    def _first_match(self, text: str, at: int) -> re.Match[str] | None:
        return self.compile().match(text, at)

    def _first_search(self, text: str) -> re.Match[str] | None:
        return self.compile().search(text)

    def _first_fullmatch(self, text: str) -> re.Match[str] | None:
        return self.compile().fullmatch(text)
