"""weak.json: groups, forms, links and liaison, in English's pack and in a small French one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from voicelet.errors import ConfigError, PackError
from voicelet.text.language import Language, Pronunciation, SpokenWord
from voicelet.text.lexicon import Lexicon, encode_lexicon
from voicelet.text.pack.entry import ENTRY_SYMBOLS, Entry, entry_symbols, parse_entry
from voicelet.text.pack.inflection import open_inflection
from voicelet.text.pack.packaged import find_language
from voicelet.text.pack.phrases import Phrases, open_phrases
from voicelet.text.pack.spelling import Spelling
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import MULTILINGUAL_SYMBOLS, PhoneInventory
from voicelet.text.words import Clause, Mark, Word

FRENCH = {
    "format": 1,
    "sets": {"subjects": "il elle on ils elles"},
    "classes": {"det": "les un des mon deux", "adj": "petit bon grand", "pronoun": "vous nous ils"},
    "forms": [{"word": "vous", "at": "end", "stress": "primary"}],
    "links": [
        {"word": "l' d' qu'", "join": True},
        {"word": "dix", "ends": "s", "next": "consonant", "put": ""},
        {"word": "dix", "ends": "s", "next": "vowel", "put": "z", "join": True},
        {
            "word_class": "adj", "next_class": "noun", "not_next_class": "h",
            "ends": "ɔ̃", "next": "vowel", "put": "ɔ", "liaison": True, "join": True,
        },
        {
            "word_class": "adj", "next_class": "noun", "not_next_class": "h",
            "next": "vowel w ɥ", "liaison": True, "join": True,
        },
        {
            "word_class": "det pronoun", "not_next_class": "h", "next": "vowel w ɥ",
            "liaison": True, "join": True,
        },
        {"word_class": "verb", "next_word": "@subjects", "liaison": True, "join": True},
    ],
}  # fmt: skip

ENTRIES = {
    "les": "le(z)", "un": "œ̃(n)", "amis": "amˈi(z)/noun", "ami": "amˈi/noun", "l'": "l",
    "petit": "pətˈi(t)", "petits": "pətˈi(z)/adj", "bon": "bˈɔ̃(n)", "vous": "vu(z)",
    "avez": "avˈe(z)/verb", "est": "ɛ(t)/verb", "il": "il", "et": "e",
    "haricots": "aʁikˈo(z)/noun.h",
    "oiseaux": "wazˈo(z)/noun", "dix": "dis", "chats": "ʃˈa(z)/noun", "été": "etˈe/noun",
    "grand": "ɡʁˈɑ̃(t)", "parlez": "paʁlˈe(z)/verb", "arrive": "aʁˈiv/verb",
}  # fmt: skip


def with_phrases(phrases: Phrases, pronunciation: Pronunciation, letters: str = "") -> Language:
    english = find_language()
    changed = replace(pronunciation, phrases=phrases, letters=letters, words=lambda key: None)
    return replace(english, tag="fr", pronunciation=changed)


@pytest.fixture(scope="module")
def french() -> Phonemizer:
    phrases = open_phrases(FRENCH)
    rules = Pronunciation(
        vowel_letters=frozenset("aeiouyéèê"),
        spelled=Spelling(
            {"é": "e", "l": "ɛl"}, "éèê", phrases, open_inflection({"format": 1})
        ).spelled,
        add_s=lambda phones: phones,
        inflected=lambda word, lookup, senses: None,
        senses=lambda keys, place, texts: (),
        phrases=phrases,
    )
    symbols = dict.fromkeys(MULTILINGUAL_SYMBOLS[1:] + ENTRY_SYMBOLS + "abcdefghijklmnopqrstuvwxyz")
    lexicon = Lexicon(encode_lexicon(ENTRIES, "".join(symbols)))
    inventory = PhoneInventory(MULTILINGUAL_SYMBOLS)
    return Phonemizer(lexicon, None, inventory, with_phrases(phrases, rules, "éèê"))


def clause(text: str) -> Clause:
    words = re.finditer(r"[^\W\d_]+'?|[.,?!\"]", text)
    return Clause(tuple(Mark(m[0]) if m[0] in '.,?!"' else Word(m[0], m.span()) for m in words))


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("les amis", "lezamˈi"),
        ("les haricots", "le aʁikˈo"),
        ("les oiseaux", "lezwazˈo"),
        ("les chats", "le ʃˈa"),
        ("un petit ami", "œ̃ pətˈitamˈi"),
        ("petits amis", "pətˈizamˈi"),
        ("un ami", "œ̃namˈi"),
        ("un bon ami", "œ̃ bˈɔnamˈi"),
        ("un grand été", "œ̃ ɡʁˈɑ̃tetˈe"),
        ("il est grand", "il ɛ ɡʁˈɑ̃"),
        ("vous avez", "vuzavˈe"),
        ("est-il grand?", "ɛtil ɡʁˈɑ̃?"),
        ("et il arrive", "e il aʁˈiv"),
        ("les, amis", "le, amˈi"),
        ('les "amis"', 'le "amˈi"'),
        ("l'ami", "lamˈi"),
        ("dix amis", "dizamˈi"),
        ("dix chats", "di ʃˈa"),
        ("dix", "dis"),
        ("parlez vous", "paʁlˈe vˈu"),
        ("ÉTÉ", "etˈe"),
    ],
)
def test_liaison_and_elision(french: Phonemizer, text: str, phones: str) -> None:
    assert french.phonemize(clause(text)).phones == phones


def test_words_lie_where_they_say_after_a_liaison(french: Phonemizer) -> None:
    found = french.phonemize(clause("les amis"))
    assert [found.phones[w.start : w.end] for w in found.words] == ["lez", "amˈi"]


def test_an_emphasized_word_is_linked_and_given_phones_are_not(french: Phonemizer) -> None:
    les, amis = Word("les", (0, 3), emphasis="strong"), Word("amis", (4, 8))
    assert french.phonemize(Clause((les, amis))).phones == "lˈezamˈi"
    given = Word("les", (0, 3), phones="la")
    assert french.phonemize(Clause((given, amis))).phones == "la amˈi"


def test_accents_stay_where_the_alphabet_has_them(french: Phonemizer) -> None:
    assert french.key("E\u0301te\u0301") == "été"
    assert french.key("Señor") == "senor"
    assert french.knows("ÉTÉ") and not french.knows("ete")
    spelled = Word("ÉL", (0, 2), spell=True)
    assert french.phonemize(Clause((spelled,))).phones == "ˌeˈɛl"


def test_the_start_of_a_word_changes_too_and_passes_see_the_whole_phrase() -> None:
    rules = open_phrases(
        {
            "format": 1,
            "links": [{"ends": "vowel", "next": "b", "next_put": "β"}],
            "macros": {"V": "[aeiou]"},
            "passes": [{"name": "voicing", "rules": [["{{V}}", "s", " ˈ?{{V}}", "z"]]}],
        }
    )
    linked = rules.linked(SpokenWord("la", "la"), SpokenWord("vaca", "bˈaka"))
    assert (linked.before, linked.after, linked.joined) == ("la", "βˈaka", False)
    assert rules.rewritten(["os", "ˈoʎus", "as"]) == ["oz", "ˈoʎuz", "as"]


def test_passes_that_lose_a_space_change_nothing() -> None:
    rules = open_phrases({"format": 1, "passes": [{"name": "x", "rules": [["", "a b", "", "ab"]]}]})
    assert rules.rewritten(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"format": 2}, "update voicelet"),
        ({"format": 1, "clitic": {}}, "did you mean 'clitics'"),
        ({"format": 1, "clitics": {"of the": "ʌv"}}, "other words"),
        ({"format": 1, "forms": [{"word": "a", "at": "ending", "say": "ə"}]}, "'end'"),
        ({"format": 1, "forms": [{"word": "a"}]}, "`say` or `stress`"),
        ({"format": 1, "forms": [{"word": "a", "stress": "primry"}]}, "'primary'"),
        ({"format": 1, "links": [{"word": "@dets", "liaison": True}]}, "no set 'dets'"),
        ({"format": 1, "links": [{"put": "z"}]}, "give `ends`"),
        ({"format": 1, "links": [{"at": "phrases"}]}, "'phrase'"),
        ({"format": 1, "joined": [["a"]]}, "pairs"),
    ],
)
def test_what_is_wrong_is_named(data: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        open_phrases(data)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("le(z)/det", Entry("le", "z", frozenset({"det"}))),
        ("aʁikˈo/noun.h", Entry("aʁikˈo", "", frozenset({"noun", "h"}))),
        ("bɔ̃(n)", Entry("bɔ̃", "n")),
        ("amˈi", Entry("amˈi")),
    ],
)
def test_entries_of_a_lexicon(text: str, entry: Entry) -> None:
    assert parse_entry(text) == entry
    assert entry_symbols(text) == ""


@pytest.mark.parametrize("text", ["le(z", "(z)", "le/", "le/Det", "le z", "lе", "le(z)a"])
def test_entries_that_are_none(text: str) -> None:
    assert entry_symbols(text)


def test_a_group_may_keep_its_spaces() -> None:
    english = find_language().pronunciation
    assert english.phrases.clitics[("of", "the")] == (("ʌv", False), ("ðə", True))
    rules = open_phrases({"format": 1, "clitics": {"san jose": "sˌæn hOzˈA", "of a": ""}})
    assert dict(rules.clitics) == {("san", "jose"): (("sˌæn", False), ("hOzˈA", False))}


def test_a_wrong_pattern_of_a_pass_is_found_by_the_check_of_a_pack() -> None:
    phrases = open_phrases({"format": 1, "passes": [{"rules": [["", "(", "", ""]]}]})
    with pytest.raises(PackError):
        phrases.check()
