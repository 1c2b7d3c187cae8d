"""English: its rules of reading and saying, put together."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from pathlib import Path

from voicelet.languages.en import weak
from voicelet.languages.en.homographs import sense_of
from voicelet.languages.en.inflect import add_s, inflected
from voicelet.languages.en.letter_names import spelled
from voicelet.languages.en.normalize import (
    abbreviations,
    acronyms,
    dates,
    internet,
    money,
    numeric,
    roman,
    symbols,
    telephone,
    times,
    units,
)
from voicelet.languages.en.say_as import say_as
from voicelet.text.characters import CharacterNames
from voicelet.text.language import Language, Melody, Normalization, Pronunciation
from voicelet.text.pack.characters import character_names
from voicelet.text.pack.tables import Table, Tables, parse_table
from voicelet.text.rules import word_set

NORMALIZATION = Normalization(
    digit_rules=(
        *numeric.FIRST_DIGIT_RULES,
        *dates.DIGIT_RULES,
        *times.DIGIT_RULES,
        *telephone.DIGIT_RULES,
        *money.DIGIT_RULES,
        *units.DIGIT_RULES,
        *numeric.DIGIT_RULES,
    ),
    letter_rules=(
        *dates.LETTER_RULES,
        *telephone.LETTER_RULES,
        *money.LETTER_RULES,
        *abbreviations.LETTER_RULES,
        *units.LETTER_RULES,
        *roman.LETTER_RULES,
        *acronyms.LETTER_RULES,
        *symbols.FOREIGN_RULES,
    ),
    symbol_rules=(
        *times.SYMBOL_RULES,
        *telephone.SYMBOL_RULES,
        *money.SYMBOL_RULES,
        *units.SYMBOL_RULES,
        *numeric.SYMBOL_RULES,
        *internet.SYMBOL_RULES,
        *symbols.DIGITLESS_RULES,
    ),
    apostrophe_rules=dates.APOSTROPHE_RULES,
    address_rules=internet.ADDRESS_RULES,
    abbreviated=frozenset({"vs"}) | units.SYMBOLS,
    contraction=re.compile(r"'(?:tis|twas|cause|em|til|bout|cept|gainst|n)\b", re.IGNORECASE),
    lone_letters=frozenset("aio"),
    dot="dot",
    sentence_starters=word_set(
        """A After All Also Although An And Another Any As At Because Before Both But By Did Do Does
    During Each Every Finally For From Had Has Have He Her Here His How However I If In Is It Its
    Later Let Many Maybe Meanwhile Most My Nevertheless Next No Nobody None Nor Not Nothing Now Of
    On Once One Or Other Our Perhaps Please She Since So Some Someone Still Such Suddenly That The
    Their Then There Therefore These They This Those Though Thus To Today Tomorrow Two Under Until
    Was We Well Were What When Where Which While Who Why Will With Without Yes Yet You Your"""
    ),
    say_as=say_as,
    possessive="'s",
    cleanup={"№": "No.", "ª": "a", "º": "o", "¿": "", "¡": ""},
)

PRONUNCIATION = Pronunciation(
    vowel_letters=frozenset("aeiouy"),
    spelled=spelled,
    add_s=add_s,
    inflected=inflected,
    senses=sense_of,
    clitics=weak.CLITICS,
    strong_at_end=weak.STRONG_AT_END,
    joined=weak.joined,
    in_phrase=weak.in_phrase,
    linked=weak.linked,
)

MELODY = Melody(
    question_words=word_set("what which who whom whose when where why how"),
    asking=word_set(
        """am is are was were do does did have has had can could will would shall should may might
        must isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't
        couldn't won't wouldn't shan't shouldn't mustn't needn't mightn't ain't right okay ok
        yes no eh huh"""
    ),
    openers=word_set(
        """and but so or well oh ah hey then now okay ok please look listen sorry excuse me in on
        at to from for with by of about since until under over after before into"""
    ),
    coordinators=frozenset({"and", "or"}),
    choice="or",
    no_choice=word_set("not so something anything somebody someone whatever anyone else"),
)


@lru_cache(maxsize=1)
def _characters() -> CharacterNames:
    paths = (Path(__file__).parent / "tables").glob("*.tsv")
    read = {path.stem: partial(_table, path) for path in paths}
    return character_names(Tables(read, {}, "the pack of English"))


def _table(path: Path) -> Table:
    return parse_table(path.read_text("utf-8"), str(path))


ENGLISH = Language(
    tag="en",
    normalization=NORMALIZATION,
    pronunciation=PRONUNCIATION,
    melody=MELODY,
    conjunctions=word_set(
        """and but or nor so yet because although though while when where which who that if unless
        until since before after as than whether with without for from into through between
        during"""
    ),
    chapter_heading=re.compile(
        r"(?:chapter|part|book|section|act|scene)\s+(?:\d{1,4}|[ivxlc]{1,8}|[a-z]{3,12})\b.{0,80}"
        r"|(?:prologue|epilogue|preface|foreword|introduction|afterword|contents)\b.{0,20}",
        re.IGNORECASE,
    ),
    characters=_characters,
)
