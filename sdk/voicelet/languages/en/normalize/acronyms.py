"""Capitals: which are spelled ("FBI"), which are said as words ("NASA"), which are only loud."""

from __future__ import annotations

import re

from voicelet.text.rules import Rule, RuleContext, rule, word_set

_SAID = word_set(
    """NASA NATO UNESCO UNICEF AIDS OPEC LASER RADAR SONAR SCUBA NAFTA FIFA UEFA PIN SIM RAM COVID
    ASCII SWAT POTUS SCOTUS FEMA NASDAQ OSHA NAACP ASAP BASIC CAPTCHA DARPA DOS ECMA FAQ GIF GUI
    HIPAA IKEA INTERPOL JPEG JSON LEGO MIDI MOMA NIMBY NOAA OXFAM SARS TASER UNIX WASP YOLO ZIP CAD
    COBOL FORTRAN LAN WAN MAC RIP TED VAT NAND EPROM ROM FOMO"""
) - frozenset({"NAACP", "VAT", "RIP", "FAQ", "GUI"})
_PARTLY = {"JPEG": "^J peg", "MPEG": "^M peg", "NAACP": "N double ^ACP", "IEEE": "^I triple ^E",
           "AAA": "triple ^A", "OK": "okay", "TV": "^TV", "DVD": "^DVD", "PHD": "^PHD",
           "CDROM": "^CD rom", "WIFI": "wifi"}  # fmt: skip
_SPELLED = word_set(
    """FBI CIA USA UK EU UN US IT IBM BBC CNN NBC ABC CBS PBS NPR CEO CFO CTO COO HR PR AI ML API
    CPU GPU USB URL HTML HTTP HTTPS PDF XML SQL CSS TV DVD CD DNA RNA ATM AM PM AD BC BCE CE
    ID IQ UFO VIP SUV MRI EKG ECG MIT UCLA USC NYU NYPD LAPD LAX JFK NBA NFL NHL MLB IRS EPA
    FDA CDC WHO IMF GDP LLC LGBT RSVP DIY FYI BTW OMG LOL UAE USSR ICU IV OS IOS IP VPN SMS
    GPS LED LCD HD EV AC DC TTS ASR PC PHD MD BA MA RN EST PST GMT UTC CET BST IOU SOS AKA ETA
    ROI IPO MVP RPG AWOL"""
)
_SHORT_WORDS = word_set(
    """A I AM AN AS AT BE BY DO GO HE IF IN IS IT ME MY NO OF OH ON OR SO TO UP WE ALL AND ANY ARE
    ASK BAD BIG BUT BUY CAN CAR DAY DID DIE DOG END FOR FUN GET GOD GOT HAD HAS HER HIM HIS HOT HOW
    ITS JOB LET MAN MAY MEN NEW NOT NOW OFF OLD ONE OUR OUT OWN PAY PUT RED RUN SAW SAY SEE SHE SIT
    SIX TEN THE TOO TOP TRY TWO USE WAR WAS WAY WHY WIN YES YET YOU"""
)
_AMBIGUOUS = word_set("AM IT US WHO ID IV AD MA BA OS AC AI")
"""Acronyms, unless the whole line is in capitals."""

_ARTICLE = re.compile(r" [A-Za-z]")
_CAPS_WORD = re.compile(r"[A-Za-z]{2,}")
_CONSONANTS = re.compile(
    r"[^AEIOUY]{4}|^[^AEIOUY]{3}"
    r"|^(?![AEIOU]|[BCDFGKPT][LR]|[SCTPW]H|S[CKLMNPTW]|TW|QU|KN|WR|[^AEIOU][AEIOUY])"
)


def pronounceable(word: str) -> bool:
    """Whether capitals look like a word of English: it has vowels and no hard cluster."""
    return re.search("[AEIOUY]", word) is not None and _CONSONANTS.search(word) is None


def shouting(context: RuleContext, start: int, end: int) -> bool:
    """Whether the words around `start:end` are in capitals as well."""
    before = context.text[max(0, start - 60) : start].rpartition("\n\n")[2]
    after = context.text[end : end + 60].partition("\n\n")[0]
    around = _CAPS_WORD.findall(f"{before} {after}")
    return len(around) >= 2 and sum(w.isupper() for w in around) >= 0.7 * len(around)


@rule(r"([A-Z]{2,40})(s|'s|'S)?(?![A-Za-z])")
def capitals(m: re.Match[str], context: RuleContext) -> str | None:
    word, ending = m[1], (m[2] or "").lower()
    loud = shouting(context, m.start(), m.end())
    if word in _PARTLY:
        said = _PARTLY[word]
        return said + (ending if said.split()[-1].isalpha() and ending else "")
    if word in _SAID or (ending == "'s" and word == "IT" and loud):
        return word.capitalize() + ending
    if word in _SHORT_WORDS and (loud or word not in _AMBIGUOUS):
        return word.lower() + ending
    if word in _SPELLED:
        return "^" + word + ending
    if (len(word) > 6 and re.search("[AEIOUY]", word)) or (loud and pronounceable(word)):
        return word.lower() + ending if len(word) > 1 else word
    if len(word) > 3 and (context.known(word.lower()) if context.known else pronounceable(word)):
        return word.lower() + ending
    if len(word) > 5 and pronounceable(word):
        return word.lower() + ending
    return "^" + word + ending


@rule(r"([A-Z]{1,3})&([A-Z]{1,3})\b")
def joined(m: re.Match[str], context: RuleContext) -> str | None:
    """ "R&D", "AT&T"."""
    return f"^{m[1]} and ^{m[2]}"


@rule(r"([A-Z])('s|s)?(?![A-Za-z'])")
def letter(m: re.Match[str], context: RuleContext) -> str | None:
    if not m[2] and (m[1] == "I" or (m[1] == "A" and _ARTICLE.match(context.text, m.end()))):
        return m[1]
    if m[2] == "s" and m[1] in "AIU":  # "As", "Is", "Us" that open a sentence
        return m[0]
    return "^" + m[1] + (m[2] or "")


@rule(r"([B-HJ-Zb-hj-z])(?:-(?=[A-Za-z]))")
def letter_prefix(m: re.Match[str], context: RuleContext) -> str | None:
    """ "T-shirt", "x-ray", "e-mail"."""
    return "^" + m[1].upper()


@rule(r"PhD('?s)?\b")
def doctorate(m: re.Match[str], context: RuleContext) -> str | None:
    return "^PHD" + (m[1] or "")


LETTER_RULES: tuple[Rule, ...] = (doctorate, letter_prefix, joined, capitals, letter)
