"""Amounts of money: "$1.50", "£3m", "€2.5 billion", "50¢", "100 USD"."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopek", "kopeks"),
    "₩": ("won", "won", "", ""),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "฿": ("baht", "baht", "", ""),
    "₺": ("lira", "lira", "", ""),
    "₴": ("hryvnia", "hryvnias", "", ""),
    "₫": ("dong", "dong", "", ""),
}
_PREFIXES = {"US": "^US", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
             "NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore"}  # fmt: skip
_CODES = {
    "USD": ("^US dollar", "^US dollars"),
    "EUR": ("euro", "euros"),
    "GBP": ("British pound", "British pounds"),
    "JPY": ("Japanese yen", "Japanese yen"),
    "CHF": ("Swiss franc", "Swiss francs"),
    "CAD": ("Canadian dollar", "Canadian dollars"),
    "AUD": ("Australian dollar", "Australian dollars"),
    "INR": ("Indian rupee", "Indian rupees"),
    "CNY": ("Chinese yuan", "Chinese yuan"),
}
_SCALES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion",
           "tn": "trillion", "t": "trillion"}  # fmt: skip

_SIGNS = "[" + "".join(_CURRENCIES) + "]"
_AMOUNT = r"([0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,24})?(\.[0-9]{1,6})?"
_NUMBER = r"([0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,24})(?![0-9.,]*[0-9])"
_SCALE = r"(?: ?(thousand|million|billion|trillion|mn|bn|tn)\b|([kKmMbBtT])\b)?"


def say_amount(sign: str, whole: str, part: str, scale: str = "", prefix: str = "") -> str:
    """ "one dollar and fifty cents", "two point five billion euros", "ninety nine cents"."""
    one, many, small_one, small_many = _CURRENCIES[sign]
    adjective = f"{prefix} " if prefix else ""
    whole = whole.replace(",", "")
    if scale:
        return f"{numbers.number((whole or '0') + part)} {scale} {adjective}{many}"
    if len(part) != 3 or not small_one:
        single = whole.lstrip("0") == "1" and not part.strip(".0")
        said = numbers.number((whole or "0") + part) if part.strip(".0") else _whole(whole)
        return f"{said} {adjective}{one if single else many}"
    cents = int(part[1:])
    parts = []
    if whole.strip("0") or not cents:
        parts.append(f"{_whole(whole)} {adjective}{one if whole.lstrip('0') == '1' else many}")
    if cents:
        parts.append(f"{numbers.cardinal(cents)} {small_one if cents == 1 else small_many}")
    return " and ".join(parts)


def _whole(whole: str) -> str:
    return numbers.cardinal(whole.lstrip("0") or "0")


@rule(r"([-+−]?)((?:US|AU?|CA?|NZ|HK|S)?)(" + _SIGNS + r") ?" + _AMOUNT + _SCALE)
def prefixed(m: re.Match[str], context: RuleContext) -> str | None:
    if m[4] is None and m[5] is None:
        return None
    scale = m[6] or (m[7] or "").lower()
    said = say_amount(
        m[3], m[4] or "", m[5] or "", _SCALES.get(scale, scale), _PREFIXES.get(m[2], "")
    )
    sign = {"-": "minus ", "−": "minus ", "+": "plus "}.get(m[1], "")
    return sign + said


@rule(r"([0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,24})(\.[0-9]{1,6})? ?(" + _SIGNS + r"|¢)")
def suffixed(m: re.Match[str], context: RuleContext) -> str | None:
    if m[3] == "¢":
        said = numbers.number(m[1] + (m[2] or ""))
        return f"{said} cent" + "s" * (said != "one")
    if re.match(r" ?[0-9]", context.text[m.end() : m.end() + 2]) and m[3] == "$":
        return None  # "5 $6": the sign belongs to what follows
    return say_amount(m[3], m[1], m[2] or "")


@rule(r"([0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,24})(\.[0-9]{1,6})?" + _SCALE
      + r" ?(" + "|".join(_CODES) + r")\b")  # fmt: skip
def coded(m: re.Match[str], context: RuleContext) -> str | None:
    one, many = _CODES[m[5]]
    scale = m[3] or (m[4] or "").lower()
    said = numbers.number(m[1] + (m[2] or ""))
    scale = _SCALES.get(scale, scale)
    return f"{said} {scale + ' ' if scale else ''}{one if said == 'one' and not scale else many}"


@rule(r"(" + "|".join(_CODES) + r") ?" + _AMOUNT + _SCALE)
def code_first(m: re.Match[str], context: RuleContext) -> str | None:
    if not m[2]:
        return None
    scale = m[4] or (m[5] or "").lower()
    said = numbers.number(m[2] + (m[3] or ""))
    scale = _SCALES.get(scale, scale)
    return f"{said} {scale + ' ' if scale else ''}{_CODES[m[1]][1]}"


@rule(rf"({_SIGNS}) ?{_NUMBER} ?[-–] ?\1?{_NUMBER}{_SCALE}")
def amount_range(m: re.Match[str], context: RuleContext) -> str | None:
    """ "$5-10" is "five to ten dollars"."""
    scale = m[4] or (m[5] or "").lower()
    return f"{numbers.number(m[2])} to " + say_amount(m[1], m[3], "", _SCALES.get(scale, scale))


@rule(r"€ ?([0-9]{1,9})(?:\.([0-9]{3}))?,([0-9]{2})(?![0-9,])")
def decimal_comma(m: re.Match[str], context: RuleContext) -> str | None:
    """ "€5,50", as most of the countries write that use the euro."""
    return say_amount("€", m[1] + (m[2] or ""), "." + m[3])


DIGIT_RULES: tuple[Rule, ...] = (suffixed, coded)
SYMBOL_RULES: tuple[Rule, ...] = (decimal_comma, amount_range, prefixed)
LETTER_RULES: tuple[Rule, ...] = (prefixed, code_first)
