"""Telephone numbers and other digits that come in groups: cards, IP addresses, versions."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule


def grouped(text: str) -> str:
    """Every group of digits digit by digit, with a comma between groups; "+" is "plus"."""
    groups = re.findall(r"[0-9]+", text)
    said = []
    for i, group in enumerate(groups):
        # "1-800" is said "one eight hundred", as everybody does.
        if group in ("800", "900") and i <= 1 and len(groups) > 2:
            said.append(numbers.cardinal(group[0]) + " hundred")
        else:
            said.append(" ".join(numbers.cardinal(c) for c in group))
    return ("plus " if text.lstrip().startswith("+") else "") + " , ".join(said)


@rule(r"(?:\+?[0-9]{1,2}[ .-]?)?(?:\([0-9]{3}\)[ .-]?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?![0-9])")
def north_american(m: re.Match[str], context: RuleContext) -> str | None:
    return grouped(m[0])


@rule(r"\+[0-9]{1,3}(?:[ .-]?\(?[0-9]{1,5}\)?){2,6}(?![0-9])")
def international(m: re.Match[str], context: RuleContext) -> str | None:
    return grouped(m[0]) if len(re.sub(r"\D", "", m[0])) >= 7 else None


@rule(r"\(?0[0-9]{2,4}\)?[ -][0-9]{3,4}[ -]?[0-9]{3,4}(?![0-9])")
def national(m: re.Match[str], context: RuleContext) -> str | None:
    return grouped(m[0])


@rule(r"[0-9]{3}-[0-9]{4}(?![0-9-])")
def local(m: re.Match[str], context: RuleContext) -> str | None:
    # "1999-2004" has four digits first; "555-0123" is a telephone number.
    return grouped(m[0])


@rule(r"[0-9]{4}(?:[ -][0-9]{4}){2,4}(?![0-9])|[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9])")
def card(m: re.Match[str], context: RuleContext) -> str | None:
    return grouped(m[0])


@rule(r"[0-9]{1,5}(?:-[0-9X]{1,7}){2,6}(?![0-9])")
def hyphenated(m: re.Match[str], context: RuleContext) -> str | None:
    return grouped(m[0])


@rule(r"[0-9]{1,6}(?:\.[0-9]{1,6}){2,8}(?![0-9])")
def dotted(m: re.Match[str], context: RuleContext) -> str | None:
    groups = m[0].split(".")
    joint = " dot " if len(groups) == 4 and all(len(g) <= 3 for g in groups) else " point "
    return joint.join(numbers.number(g) for g in groups)


@rule(r"[Vv](?:er)?\.? ?([0-9]{1,6}(?:\.[0-9]{1,6}){0,6})(?:-?(rc|beta|alpha)\.?([0-9]{0,3}))?\b")
def version(m: re.Match[str], context: RuleContext) -> str | None:
    if m[0][1] == " " and "." not in m[1]:
        return None
    said = "version " + " point ".join(numbers.number(g) for g in m[1].split("."))
    if m[2]:
        said += (" ^RC" if m[2] == "rc" else f" {m[2]}") + (f" {numbers.number(m[3])}" * bool(m[3]))
    return said


DIGIT_RULES: tuple[Rule, ...] = (north_american, national, card, local, hyphenated, dotted)
SYMBOL_RULES: tuple[Rule, ...] = (north_american, international, national)
LETTER_RULES: tuple[Rule, ...] = (version,)
