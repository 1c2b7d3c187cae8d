"""Signs with a name: "&", "=", "×", "→", Greek letters, emoji."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule

_ALWAYS = {
    "&": "and", "%": "percent", "‰": "per mille", "°": "degrees", "×": "times", "÷": "divided by",
    "±": "plus or minus", "≈": "approximately", "≠": "does not equal", "≤": "is at most",
    "≥": "is at least", "∞": "infinity", "√": "the square root of", "∑": "the sum of",
    "∫": "the integral of", "∂": "partial", "∆": "delta", "∈": "in", "∀": "for all",
    "∃": "there exists", "∩": "intersected with", "∪": "united with", "→": "to", "⇒": "implies",
    "←": "from", "↔": "to and from", "§": "section", "¶": "paragraph", "©": "copyright",
    "@": "at", "$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "¢": "cent", "−": "minus",
    "†": "", "‡": "", "®": "", "™": "", "•": ",", "·": ",", "‣": ",", "◦": ",",
    "²": "squared", "³": "cubed", "✓": "check", "✔": "check",
}  # fmt: skip
_BETWEEN = {"+": "plus", "=": "equals", "<": "is less than", ">": "is greater than", "*": "times",
            "/": "divided by", "^": "to the power of", "<=": "is at most", ">=": "is at least",
            "!=": "does not equal", "==": "equals", "->": "to", "=>": "implies"}  # fmt: skip

_EMOJI = {
    "❤": "red heart", "♥": "heart", "👍": "thumbs up", "👎": "thumbs down", "🙏": "folded hands",
    "🔥": "fire", "🎉": "party popper", "💯": "hundred points", "😊": "smiling face",
    "🙂": "slightly smiling face", "😀": "grinning face", "😃": "grinning face",
    "😄": "grinning face",
    "😁": "beaming face", "😅": "grinning face with sweat", "🤣": "rolling on the floor laughing",
    "😉": "winking face", "😍": "smiling face with heart eyes", "😘": "face blowing a kiss",
    "😎": "smiling face with sunglasses", "🤔": "thinking face", "😢": "crying face",
    "😭": "loudly crying face", "😡": "enraged face", "😱": "face screaming in fear",
    "🥰": "smiling face with hearts", "🤗": "smiling face with open hands", "👏": "clapping hands",
    "💪": "flexed biceps", "👋": "waving hand", "🚀": "rocket", "✨": "sparkles", "⭐": "star",
    "☀": "sun", "☕": "hot beverage", "✅": "check mark", "❌": "cross mark", "⚠": "warning",
    "🤷": "shrug", "🤦": "face palm", "👌": "okay hand", "✌": "victory hand", "💔": "broken heart",
    "☎": "telephone", "☹": "frowning face", "☺": "smiling face", "✈": "airplane", "♻": "recycling",
}  # fmt: skip
"""Where the CLDR short name, which people expect, differs from the Unicode character name."""

_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_RUN = re.compile(
    "([\U0001f1e6-\U0001f1ff]{2})|([\u203c-\u3299\U0001f000-\U0001faff])[\U0001f3fb-\U0001f3ff]?"
)
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]")


@lru_cache(maxsize=1024)
def emoji_name(char: str) -> str:
    """The spoken name of an emoji or pictograph, in letters and spaces; "" if it has none."""
    if char in _EMOJI:
        return _EMOJI[char]
    name = unicodedata.name(char, "").lower()
    words = re.sub(r"[^a-z0-9 ]", " ", name).split()
    return " ".join(_DIGIT_WORDS[int(w)] if w.isdecimal() and len(w) == 1 else w
                    for w in words if not w.isdecimal() or len(w) == 1)  # fmt: skip


@rule("[\U0001f1e6-\U0001f1ff]{2}")
def flag(m: re.Match[str], context: RuleContext) -> str | None:
    letters = "".join(chr(ord(c) - 0x1F1E6 + ord("A")) for c in m[0])
    return f"flag ^{letters}"


@rule("(?![\x01-\x7f])([^\\W\\d_]|[^\\w\\s])(?:[\U0001f3fb-\U0001f3ff]|\\1){0,500}")
def pictograph(m: re.Match[str], context: RuleContext) -> str | None:
    """An emoji, said once however often it is repeated; skin tones are not said."""
    if unicodedata.category(m[1]) not in ("So", "Sk", "Sm"):
        return None
    before = context.text[max(0, m.start() - 1) : m.start()]
    joined = m[1] in "♀♂" and before and unicodedata.category(before) in ("So", "Sk")
    if _SKIN.match(m[1]) or joined:
        return ""
    return f", {emoji_name(m[1])} ,"


@rule(r"(<=|>=|!=|==|->|=>|[+=<>*/^])(?= ?[\w(.$£€-])")
def between(m: re.Match[str], context: RuleContext) -> str | None:
    """Operators are said between operands, and only there: "x = 5", "3 * 4"."""
    before = context.text[max(0, m.start() - 2) : m.start()]
    after = context.text[m.end() : m.end() + 2]
    operand = re.search(r"[\w)°%²³]\s?$", before)
    if m[1] == "/":
        if re.search(r"[0-9)]\s?$", before) and re.match(r"\s?[0-9(]", after):
            return "divided by"
        if not (before[-1:].isalpha() and after[:1].isalpha()):
            return "" if not operand else "slash"
        either = context.previous.lower() == "and" or context.text[m.end() : m.end() + 3] == "or "
        return "" if either else "slash"
    if not operand:
        return None
    spaced = before[-1:] == " " and after[:1] == " "
    numeric = re.search(r"[0-9)]\s?$", before) and re.match(r"\s?[0-9(]", after)
    if m[1] in "+=<>" and (spaced or numeric or m[1] in "=+"):
        return _BETWEEN[m[1]]
    return _BETWEEN[m[1]] if spaced or numeric else None


@rule(r"(?<=[A-Za-z)])\^([0-9]{1,6}|[a-z]\b)")
def exponent(m: re.Match[str], context: RuleContext) -> str | None:
    """ "x^2", "e^x"."""
    if m[1] in ("2", "3"):
        return "squared" if m[1] == "2" else "cubed"
    return "to the " + (f"^{m[1]}" if m[1].isalpha() else numbers.cardinal(m[1]))


@rule(r"(?<=[A-Za-z])\+\+|(?<=[A-Za-z])\+(?![\w+])|(?<=[A-Za-z0-9])\+(?=[\s,.)]|$)")
def plus_after(m: re.Match[str], context: RuleContext) -> str | None:
    return "plus plus" if m[0] == "++" else "plus"


@rule(r"(?<=\b[A-GCF])#(?![A-Za-z0-9])")
def sharp(m: re.Match[str], context: RuleContext) -> str | None:
    return "sharp"


@rule(r"([^\w\s])(?!\1)")
def named(m: re.Match[str], context: RuleContext) -> str | None:
    if m[1] in "@$£€¥¢" and not re.match(r"\s?\w", context.text[m.end() : m.end() + 2]):
        return "" if m[1] == "@" else _ALWAYS[m[1]]
    return _ALWAYS.get(m[1])


@rule(r"[²³]")
def raised(m: re.Match[str], context: RuleContext) -> str | None:
    return _ALWAYS[m[0]]


@rule(r"[\u0370-\u03ff](?![\u0370-\u03ff])(?<![\u0370-\u03ff].)")
def greek(m: re.Match[str], context: RuleContext) -> str | None:
    """A single Greek letter is said by its name, as in formulas."""
    name = unicodedata.name(m[0], "").split(" WITH ")[0]
    return name.split(" ")[-1].lower().replace("lamda", "lambda") if "LETTER" in name else None


@rule("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{1,500}")
def ideographs(m: re.Match[str], context: RuleContext) -> str | None:
    """Chinese characters can't be read by an English voice; it says that some stand here."""
    return "" if context.previous == "characters" else "Chinese characters"


DIGITLESS_RULES: tuple[Rule, ...] = (
    flag,
    exponent,
    plus_after,
    sharp,
    between,
    named,
    raised,
    pictograph,
)
FOREIGN_RULES: tuple[Rule, ...] = (ideographs, greek)
