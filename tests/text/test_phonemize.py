"""Clauses to phones: the corpus' own sentences, and text nobody would write."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import PhoneError
from voicelet.text.front_end import clauses
from voicelet.text.letters import to_latin
from voicelet.text.lexicon import Lexicon, encode_lexicon
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer, to_key
from voicelet.text.phones import ENGLISH_SYMBOLS, PhoneInventory
from voicelet.text.words import Clause, Mark, PhoneClause, Prosody, Word

ENTRIES = {
    "in": "ɪn", "the": "ðə", "end": "ˈɛnd", "of": "ʌv", "a": "ə", "to": "tə", "it": "ɪt",
    "is": "ɪz", "was": "wʌz", "corner": "kˈɔɹnəɹ", "house": "hˈWs", "hour": "ˈWəɹ", "on": "ˌɔn",
    "go": "ɡˌO", "eat": "ˈit", "come": "kˈʌm", "that": "ðæt", "old": "ˈOld", "be": "bi",
    "well": "wˈɛl", "known": "nˈOn", "sixty": "sˈɪksti", "three": "θɹˈi", "get": "ɡɛt",
    "she": "ʃi", "said": "sˈɛd", "when": "wˌɛn", "did": "dˈɪd", "not": "nˌɑt", "cat": "kˈæt",
    "record": "ɹˈɛkəɹd", "record|verb": "ɹᵻkˈɔɹd", "man": "mˈæn",
}  # fmt: skip


class Guess:
    """A letter-to-sound model that says one syllable for any word."""

    def phones(self, word: str) -> str:
        return "blˈɑ" if word else ""


@pytest.fixture(scope="module")
def phonemizer() -> Phonemizer:
    lexicon = Lexicon(encode_lexicon(ENTRIES, ENGLISH_SYMBOLS[1:]))
    return Phonemizer(lexicon, Guess(), PhoneInventory())


def clause(text: str) -> Clause:
    return Clause(
        tuple(
            Mark(m[0]) if m[0] in '.,?!;:"()…—' else Word(m[0], m.span())
            for m in re.finditer(r"[\w'’-]+|[.,?!;:\"()…—]", text)
        )
    )


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("In the end.", "ɪnðɪ ˈɛnd."),
        ("in the house", "ɪnðə hˈWs"),
        ("The corner of a house.", "ðə kˈɔɹnəɹɹ əvə hˈWs."),
        ("The corner, of", "ðə kˈɔɹnəɹ, ʌv"),
        ("It is on.", "ɪT ɪz ˈɔn."),
        ("It was on the house.", "ɪt wʌz ɔnðə hˈWs."),
        ("to eat", "tʊ ˈit"),
        ("to come", "tə kˈʌm"),
        ("Go on, eat.", "ɡˌO ˈɔn, ˈit."),
        ("get it", "ɡˈɛt ɪt"),
        ("to be", "tə bˈi"),
        ("to be old", "təbi ˈOld"),
        ("sixty three", "sˈɪkstiθɹˈi"),
        ("sixty-three", "sˈɪkstiθɹˈi"),
        ("well-known", "wˈɛlnˈOn"),
        ('She said "Come" (the man).', 'ʃi sˈɛd "kˈʌm" (ðə mˈæn).'),
        ("when did", "wˌɛn dˈɪd"),
        ("that was when", "ðæt wʌz wˈɛn"),
        ("It did not end.", "ɪt dɪdnˌɑt ˈɛnd."),
        ("cats", "kˈæts"),
        ("the cat’s end", "ðə kˈæts ˈɛnd"),
        ("Qwzt", "kjˌudˌʌbəljˌuzˌitˈi"),
        ("flooble", "blˈɑ"),
        ("to record the man", "tə ɹᵻkˈɔɹd ðə mˈæn"),
        ("the record", "ðə ɹˈɛkəɹd"),
    ],
)
def test_the_conventions_of_the_corpus(phonemizer: Phonemizer, text: str, phones: str) -> None:
    assert phonemizer.phonemize(clause(text)).phones == phones


def test_words_lie_where_they_say(phonemizer: Phonemizer) -> None:
    found = phonemizer.phonemize(clause('In the end, "it is".'))
    said = [(word.text, found.phones[word.start : word.end], word.span) for word in found.words]
    assert said == [
        ("In", "ɪn", (0, 2)),
        ("the", "ðɪ", (3, 6)),
        ("end", "ˈɛnd", (7, 10)),
        ("it", "ɪT", (13, 15)),
        ("is", "ɪz", (16, 18)),
    ]


def test_spelled_words(phonemizer: Phonemizer) -> None:
    def say(text: str) -> str:
        return phonemizer.phonemize(Clause((Word(text, (0, len(text)), spell=True),))).phones

    assert say("FBI") == "ˌɛfbˌiˈI"
    assert say("FBI's") == "ˌɛfbˌiˈIz"
    assert say("CDs") == "sˌidˈiz"
    assert say("PRS") == "pˌiˌɑɹɹˈɛs"
    assert say("W") == "dˈʌbəljˌu"


def test_given_phones_and_emphasis(phonemizer: Phonemizer) -> None:
    words = (
        Word("[x]", (0, 3), phones="hɛlˈO wˈɜɹld"),
        Word("it", (4, 6), emphasis="strong"),
        Word("corner", (7, 13), emphasis="reduced"),
    )
    assert phonemizer.phonemize(Clause(words)).phones == "hɛlˈO wˈɜɹld ˈɪt kˌɔɹnəɹ"
    with pytest.raises(PhoneError, match="й"):
        phonemizer.phonemize(Clause((Word("x", (0, 1), phones="й"),)))


def test_clause_fields_are_kept(phonemizer: Phonemizer) -> None:
    prosody = Prosody(speed=1.5)
    found = phonemizer.phonemize(Clause((), 300, prosody, ("here",), True))
    assert found == PhoneClause("", (), 300, prosody, ("here",), True)


def test_the_same_word_object_twice(phonemizer: Phonemizer) -> None:
    word = Word("cat", (0, 3))
    found = phonemizer.phonemize(Clause((word, Mark(","), word)))
    assert found.phones == "kˈæt, kˈæt"
    assert [(w.start, w.end) for w in found.words] == [(0, 4), (6, 10)]


def test_a_lexicon_the_voice_cant_say_is_refused() -> None:
    lexicon = Lexicon(encode_lexicon({"a": "й"}, "й"))
    with pytest.raises(PhoneError):
        Phonemizer(lexicon, None, PhoneInventory())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30) | st.sampled_from(list('.,?!;:"()…—')), max_size=12))
def test_any_words_give_inventory_phones(phonemizer: Phonemizer, texts: list[str]) -> None:
    tokens = tuple(
        Mark(text)
        if text in tuple('.,?!;:"()…—')
        else Word(text, (0, len(text)), spell=bool(i % 2))
        for i, text in enumerate(texts)
    )
    found = phonemizer.phonemize(Clause(tokens))
    PhoneInventory().encode(found.phones)
    assert "  " not in found.phones
    for word in found.words:
        assert 0 <= word.start < word.end <= len(found.phones)


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Café", "cafe"),
        ("Москва", "moskva"),
        ("Αθήνα", "athina"),
        ("straße", "strasse"),
        ("Łódź", "lodz"),
        ("かな", "kana"),
        ("한글", "hangeul"),
        ("שלום", "shlvm"),
        ("漢字", ""),
        ("ﬁn", "fin"),
        ("\ud800x\x00", "x"),
    ],
)
def test_other_scripts(text: str, latin: str) -> None:
    assert to_latin(text) == latin


def test_letters_and_keys() -> None:
    spelled = find_language().pronunciation.spelled
    assert spelled("bbc") == "bˌibˌisˈi"
    assert spelled("") == ""
    assert to_key("Don’t") == "don't"
    assert to_key("Jean-Luc") == "jean-luc"


def test_words_that_open_a_sentence_are_not_letters() -> None:
    for text in ("As it was.", "Is it?", "Us two.", "So. As if."):
        assert not any(
            token.spell
            for found in clauses(text)
            for token in found.tokens
            if hasattr(token, "spell")
        )


def test_known_words(phonemizer: Phonemizer) -> None:
    assert all(phonemizer.knows(word) for word in ("cat", "CATS", "cat’s", "Eating"))
    assert not any(phonemizer.knows(word) for word in ("", "flooble", "nato", "漢字"))


def test_a_huge_word_ends(phonemizer: Phonemizer) -> None:
    for text in ("a" * 10_000, "b" * 10_000, "-" * 10_000, "a-" * 2_000, "'" * 5_000):
        PhoneInventory().encode(phonemizer.phonemize(Clause((Word(text, (0, 1)),))).phones)
