"""Abbreviations: titles, places, days, Latin, initials; and whether one ends its sentence."""

from __future__ import annotations

import re

from voicelet.text.rules import Rule, RuleContext, rule, word_set

_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor",
    "Gen": "General", "Col": "Colonel", "Lt": "Lieutenant", "Sgt": "Sergeant", "Capt": "Captain",
    "Cpt": "Captain", "Cmdr": "Commander", "Maj": "Major", "Cpl": "Corporal", "Adm": "Admiral",
    "Rev": "Reverend", "Hon": "Honorable", "Gov": "Governor", "Sen": "Senator",
    "Rep": "Representative", "Pres": "President", "Supt": "Superintendent", "Messrs": "Messers",
    "Mme": "Madame", "Mlle": "Mademoiselle", "Fr": "Father", "Sr": "Sister", "Br": "Brother",
    "Mt": "Mount", "Ft": "Fort", "St": "Saint", "Ste": "Sainte",
}  # fmt: skip
"""They stand before a name, so their full stop never ends a sentence there."""

_WITHOUT_STOP = word_set("Mr Mrs Ms Dr")

_AFTER_NAME = {
    "St": "Street", "Dr": "Drive", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Ln": "Lane",
    "Ct": "Court", "Pl": "Place", "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway",
    "Apt": "apartment", "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited",
    "Co": "Company", "Corp": "Corporation", "Bros": "Brothers", "Esq": "Esquire",
    "Univ": "University", "Dept": "Department", "Intl": "International", "Mfg": "Manufacturing",
}  # fmt: skip

_ANYWHERE = {
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "est": "established",
    "dept": "department", "govt": "government", "al": "al", "ca": "circa", "cf": "compare",
    "ext": "extension", "tel": "telephone", "misc": "miscellaneous", "incl": "including",
    "excl": "excluding", "max": "maximum", "avg": "average", "temp": "temperature",
    "resp": "respectively", "viz": "namely", "appt": "appointment", "assoc": "associate",
    "asst": "assistant", "attn": "attention", "hrs": "hours", "mins": "minutes", "secs": "seconds",
    "lbs": "pounds", "oz": "ounces", "ibid": "ibid",
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Jan": "January", "Feb": "February",
    "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip

_BEFORE_NUMBER = {
    "No": "number", "Nos": "numbers", "Fig": "figure", "Figs": "figures", "p": "page",
    "pp": "pages",
    "vol": "volume", "ch": "chapter", "sec": "section", "art": "article", "eq": "equation",
    "ver": "version", "para": "paragraph", "op": "opus", "ed": "edition", "Sat": "Saturday",
    "Sun": "Sunday", "no": "number", "nos": "numbers", "fig": "figure", "min": "minimum",
}  # fmt: skip

_DOTTED = {
    "e.g.": "for example",
    "i.e.": "that is",
    "a.k.a.": "also known as",
    "w.r.t.": "with regard to",
}


def _keys(names: dict[str, str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def _stop(m: re.Match[str], context: RuleContext) -> str:
    return " ." if context.ends_sentence(m.end()) else ""


@rule(r"(" + _keys(_TITLES) + r")(\.?)(?= ?[A-Z\"'(])(?![A-Za-z])")
def title(m: re.Match[str], context: RuleContext) -> str | None:
    if not m[2] and m[1] not in _WITHOUT_STOP:
        return None
    following = context.next_word(m.end())
    after_name = context.previous[:1].isupper() and len(context.previous) > 1
    if m[1] in _AFTER_NAME and (after_name or not following):
        return None  # "Main St. Bridge", "Martin Luther King Jr. Day"
    return _TITLES[m[1]]


@rule(r"(" + _keys(_AFTER_NAME) + r")\.(?![A-Za-z0-9])")
def after_name(m: re.Match[str], context: RuleContext) -> str | None:
    return _AFTER_NAME[m[1]] + _stop(m, context)


@rule(r"(Mr|Mrs|Ms|Messrs|Dr|Prof|Capt|Sgt|Lt|Gov|Sen|Rev|Supt|Cmdr)\.(?![A-Za-z0-9])")
def title_alone(m: re.Match[str], context: RuleContext) -> str | None:
    """ "Mr. and Mrs. Brown", "the capt. said"."""
    if m[1] == "Dr" and context.previous[:1].isupper():
        return None
    return _TITLES[m[1]] + _stop(m, context)


@rule(r"(St|Dr|Ave|Blvd|Rd|Jr|Sr|Inc|Ltd|Corp)(?= ?(?:[,;)]|\n|$))")
def after_name_bare(m: re.Match[str], context: RuleContext) -> str | None:
    return _AFTER_NAME[m[1]] if context.previous[:1].isupper() else None


@rule(r"(" + _keys(_BEFORE_NUMBER) + r")\. ?(?=[0-9]|[IVXLC]{1,6}\b)", re.IGNORECASE)
def before_number(m: re.Match[str], context: RuleContext) -> str | None:
    said = _BEFORE_NUMBER.get(m[1]) or _BEFORE_NUMBER.get(m[1].lower())
    # "He said no. 5 people left": before a sentence's number there is a space and a capital No.
    return None if m[1] == "no" and context.previous.lower() in ("said", "say", "says") else said


@rule(r"(Sat|Sun)\.,?(?= (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|[0-9]))")
def weekend(m: re.Match[str], context: RuleContext) -> str | None:
    return _BEFORE_NUMBER[m[1]]


@rule(r"(" + _keys(_ANYWHERE) + r")\.(?![A-Za-z0-9])", re.IGNORECASE)
def anywhere(m: re.Match[str], context: RuleContext) -> str | None:
    said = _ANYWHERE.get(m[1]) or (_ANYWHERE.get(m[1].lower()) if not m[1].isupper() else None)
    if said is None or (m[1] in ("max", "temp", "est", "al") and context.ends_sentence(m.end())
                        and m[1] != "al"):  # fmt: skip
        return None
    return said + _stop(m, context)


@rule(r"(?:[A-Za-z]\.){2,8}(?![A-Za-z0-9])|Ph\.D\.")
def dotted(m: re.Match[str], context: RuleContext) -> str | None:
    known = _DOTTED.get(m[0].lower())
    stop = _stop(m, context)
    return (known if known else "^" + m[0].replace(".", "").upper()) + stop


@rule(r"([A-Z])\. ?(?=[A-Z](?:\.|[a-z]))")
def initial(m: re.Match[str], context: RuleContext) -> str | None:
    """ "J. R. R. Tolkien"; "I" before a sentence's first word is the pronoun."""
    following = context.next_word(m.end() - 1)
    if following in ("The", "This", "It", "He", "She", "But", "And", "They", "We"):
        return None
    return (
        None
        if m[1] == "I" and not context.text[m.end() : m.end() + 2].endswith(".")
        else "^" + m[1]
    )


@rule(r"[wW]/(o\b)?(?=[ A-Za-z])")
def with_(m: re.Match[str], context: RuleContext) -> str | None:
    return "without" if m[1] else "with"


@rule(r"vs\b(?!\.)")
def versus(m: re.Match[str], context: RuleContext) -> str | None:
    return "versus"


LETTER_RULES: tuple[Rule, ...] = (
    title,
    title_alone,
    after_name,
    after_name_bare,
    weekend,
    before_number,
    anywhere,
    dotted,
    initial,
    with_,
    versus,
)
