"""The verbalizers of a pack: how digits, addresses and signs are said with its words.

They know no language: number words come from numbers.rbnf, names of signs from the table `signs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from voicelet.text.pack.config import PackConfig
from voicelet.text.pack.plurals import Plurals
from voicelet.text.pack.tables import Tables

if TYPE_CHECKING:
    from voicelet.text.pack.numbers import NumberRules

MAX_PARTS = 60
"""Of an address; the rest isn't read."""

_CACHED = 4096
_DECIMALS_BETWEEN_BREATHS = 10
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_YEARS = range(1100, 2100)


def roman_value(text: str) -> int | None:
    """The value of a well-formed Roman numeral in capitals up to 3999; None for anything else."""
    if not text or len(text) > 15 or not _ROMAN.fullmatch(text):
        return None
    digits = [_ROMAN_VALUES[c] for c in text]
    following = digits[1:] + [0]
    return sum(-d if d < n else d for d, n in zip(digits, following, strict=True))


class Verbalizers:
    """Says digits and signs in the words of one pack.

    Args:
        config: the pack's settings.
        rules: gives its number rules.
        tables: its tables; "signs" names the signs of addresses, "characters" and "pictographs"
            characters that are said alone; the sets "spelled_in_addresses" and
            "said_in_addresses" hold parts of addresses.
    """

    def __init__(
        self, config: PackConfig, rules: Callable[[], NumberRules], tables: Tables
    ) -> None:
        self._numbers = config.numbers
        self._decimal = config.decimal
        self._no_grouping = str.maketrans("", "", config.grouping)
        self._grouping = frozenset(config.grouping)
        self._rules = rules
        self._plurals = Plurals(config.plurals)
        self._vowels = frozenset(config.vowel_letters)
        self._tables = tables
        self._said: dict[tuple[str, str], str] = {}

    def plain(self, text: str) -> str:
        """Digits without grouping, with "." before decimals."""
        return text.translate(self._no_grouping).replace(self._decimal, ".")

    def plural(self, text: str) -> str:
        """CLDR category of a written number."""
        return self._plurals.category(self.plain(text))

    def gender_rules(self, gender: str) -> str:
        """The rule set for a value of the column `gender`: what it names, or itself."""
        return self._numbers.genders.get(gender, gender) or self._numbers.cardinal

    def whole(self, text: str, rules: str = "") -> str:
        """A whole number in digits; digit by digit where it is too long to name."""
        said = self._said.get((text, rules))
        if said is None:
            digits = text.lstrip("0") or "0"
            if len(digits) > self._numbers.max_digits:
                return self.digits(digits)
            said = self._rules().spell(digits, rules or self._numbers.cardinal).replace("-", " ")
            if len(self._said) >= _CACHED:
                self._said.clear()
            self._said[text, rules] = said
        return said

    def spell(self, text: str, rules: str) -> str:
        """A written number by a rule set; its decimals, if any, as :meth:`decimals`."""
        sign, number = ("-", text[1:]) if text[:1] in ("-", "−") else ("", text)
        whole, dot, decimals = self.plain(number).partition(".")
        if not whole.isdecimal() or (decimals and not decimals.isdecimal()):
            return ""
        if sign and len(whole) <= self._numbers.max_digits:
            said = self._rules().spell("-" + whole, rules).replace("-", " ")
        else:
            said = self.whole(whole, rules)
        return said + self._after_point(decimals) if dot else said

    def number(self, text: str, rules: str = "") -> str:
        """A written number: "1,234.50", "007", ".5".

        Leading zeros, and more digits without grouping than `max_plain_digits`, mean an
        identifier: digit by digit.
        """
        grouped = not self._grouping.isdisjoint(text)
        whole, dot, decimals = self.plain(text).partition(".")
        if not (whole + decimals).isdecimal():
            return ""
        if not whole:
            said = ""
        elif not grouped and (
            (whole[0] == "0" and len(whole) > 1) or len(whole) > self._numbers.max_plain_digits
        ):
            said = self.digits(whole)
        else:
            said = self.whole(whole, rules)
        return (said + self._after_point(decimals)).strip() if dot else said

    def _after_point(self, decimals: str) -> str:
        if not decimals:
            return ""
        if len(decimals) > self._numbers.decimals_as_number:
            said = self.digits(decimals, _DECIMALS_BETWEEN_BREATHS)
        else:
            rest = decimals.lstrip("0")
            zeros = [self.whole("0")] * (len(decimals) - len(rest))
            said = " ".join([*zeros, *([self.whole(rest)] if rest else [])])
        return f" {self._numbers.decimal_word} {said}"

    def digits(self, text: str, group: int = 0) -> str:
        """Digit by digit, with a comma between groups so that there is somewhere to breathe."""
        group = group or self._numbers.group
        words = [self.whole(c) for c in text if "0" <= c <= "9"]
        if len(words) <= group + 2:
            return " ".join(words)
        return " , ".join(" ".join(words[i : i + group]) for i in range(0, len(words), group))

    def pairs(self, text: str) -> str:
        """Room and flight numbers: "1408" as a year, "215" as 2 and 15; others digit by digit."""
        if not text.isdecimal():
            return self.number(text)  # "1.5", "1,408"
        if len(text) == 4 and text[0] != "0" and text[1:] != "000":
            return self.year(text)
        if len(text) == 3 and text[1] != "0" and text[0] != "0":
            return f"{self.whole(text[0])} {self.whole(text[1:])}"
        return self.digits(text)

    def year(self, text: str) -> str:
        """A year by its rule set; a plain number outside 1 to 9999."""
        if not text.isdecimal():
            return ""
        usual = len(text.lstrip("0")) in range(1, 5)
        named = usual and self._rules().has(self._numbers.year)
        return self.whole(text, self._numbers.year if named else "")

    def grouped(self, text: str, rules: str = "") -> str:
        """A telephone number: groups parted by commas, each digit by digit or by `rules`."""
        groups = _DIGITS.findall(text)
        said = []
        for i, group in enumerate(groups):
            # "1-800" is said "one eight hundred".
            if group in self._numbers.whole_groups and i <= 1 and len(groups) > 2:
                said.append(self.whole(group))
            elif rules:
                rest = group.lstrip("0")
                zeros = [self.whole("0")] * (len(group) - len(rest))
                said.append(" ".join([*zeros, *([self.whole(rest, rules)] if rest else [])]))
            else:
                said.append(" ".join(self.whole(c) for c in group))
        plus = self.sign("+") + " " if text.lstrip().startswith("+") else ""
        return plus + " , ".join(said)

    def numbers(self, text: str, joint: str) -> str:
        """Every run of digits as a number, with `joint` between two: "1.2.15"."""
        return joint.join(self.number(digits) for digits in _DIGITS.findall(text))

    def sign(self, char: str) -> str:
        """The name of a sign, or ""."""
        return self._cell("signs", char)

    def _cell(self, table: str, key: str) -> str:
        row = self._tables.table(table).rows.get(key) if self._tables.has(table) else None
        return row[0] if row else ""

    def address(self, text: str, silent: str = "") -> str:
        """An address piece by piece: names of its signs (but those of `silent`), words, numbers."""
        said: list[str] = []
        for part in _PARTS.findall(text)[:MAX_PARTS]:
            if "0" <= part[0] <= "9":
                short = len(part) <= 4
                said.append(self.number(part) if short else self.digits(part, len(part)))
            elif part.isascii() and part.isalpha():
                said.append(self._address_word(part))
            elif part not in silent and (name := self.sign(part)):
                said.append(name)
        return " ".join(said)

    def _address_word(self, part: str) -> str:
        low = part.lower()
        if low in self._tables.words_or_none("spelled_in_addresses"):
            return "^" + low.upper()
        known = low in self._tables.words_or_none("said_in_addresses")
        if len(part) <= 3 and not known and self._vowels.isdisjoint(low):
            return "^" + part.upper()
        return part if part[1:].islower() or len(part) == 1 else low

    def camel(self, text: str) -> str:
        """A name in mixed case, word by word: "NoMoreWar2024", "my_list"."""
        said = []
        for part in _CAMEL.findall(text)[:MAX_PARTS]:
            if "0" <= part[0] <= "9":
                year = len(part) == 4 and int(part) in _YEARS
                said.append(self.year(part) if year else self.number(part))
            elif part.isupper() and 1 < len(part) <= 4:
                said.append("^" + part)
            else:
                said.append(part if len(part) > 1 and not part.isupper() else part.lower())
        return " ".join(said)

    def characters(self, text: str) -> str:
        """Every character by its name; white space is a comma."""
        return " ".join(self._characters(text))

    def _characters(self, text: str) -> Iterable[str]:
        for char in text:
            if char.isalpha():
                yield "^" + char.upper()
            elif "0" <= char <= "9":
                yield self.whole(char)
            elif char.isspace():
                yield ","
            else:
                yield self._cell("characters", char) or self._cell("pictographs", char)
