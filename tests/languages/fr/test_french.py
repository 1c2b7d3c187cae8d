"""French: letters to sound, small words, liaison and elision, numbers that agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.languages.phone_error import edit_distance, pack_front_end, phone_error, spoken
from voicelet.text.front_end import TextFrontEnd, clauses
from voicelet.text.pack.folder import PACKAGED
from voicelet.text.pack.packaged import find_language
from voicelet.text.words import Word

HELD_OUT = Path(__file__).with_name("held_out_words.tsv")
"""Words of families that the graph wasn't trained on, with phones by the teacher's phonemizer."""


@pytest.fixture(scope="module")
def front_end() -> TextFrontEnd:
    return pack_front_end("fr")


def phones(front_end: TextFrontEnd, text: str) -> str:
    return spoken(front_end, text).rstrip(".?")


def test_phone_error_on_held_out_words() -> None:
    error = phone_error(find_language("fr"), HELD_OUT)
    assert error.phones <= 0.03
    assert error.phones_only <= 0.03
    assert error.stress <= 0.01


def test_the_graph_is_small() -> None:
    assert (PACKAGED / "fr" / "g2p.onnx").stat().st_size <= 500_000


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("bonjour", "bɔ̃ʒˈuʁ"),
        ("château", "ʃatˈo"),
        ("français", "fʁɑ̃sˈɛ"),
        ("œuvre", "ˈœvʁ"),
        ("grenouille", "ɡʁənˈuj"),
        ("deuxième", "døzjˈɛm"),
        ("aéroport", "aeʁopˈɔʁ"),
        ("monsieur", "məsjˈø"),
        ("femme", "fˈam"),
        ("août", "ˈut"),
        ("vraiment", "vʁɛmˈɑ̃"),
        ("chantaient", "ʃɑ̃tˈɛ"),
        ("NOËL", "nɔˈɛl"),
    ],
)
def test_words(front_end: TextFrontEnd, word: str, expected: str) -> None:
    assert phones(front_end, word) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Liaison: after articles, pronouns, short words, numbers, adjectives before their noun.
        ("les hommes", "lez ˈɔm"),
        ("un enfant", "œ̃n ɑ̃fˈɑ̃"),
        ("nous avons", "nuz avˈɔ̃"),
        ("un grand homme", "œ̃ ɡʁˈɑ̃t ˈɔm"),
        ("un bon ami", "œ̃ bˈɔn amˈi"),
        ("le premier étage", "lə pʁəmjˈeʁ etˈaʒ"),
        ("deux heures", "dˈøz ˈœʁ"),
        ("chez elle", "ʃez ˈɛl"),
        ("dit-il, vient-elle ?", "dˈit ˈil, vjˈɛ̃t ˈɛl"),
        # None before an aspirated h, "et", numbers that are read as such.
        ("les haricots", "le aʁikˈo"),
        ("les héros", "le eʁˈo"),
        ("les onze", "le ˈɔ̃z"),
        ("deux et trois", "dˈø e tʁwˈa"),
        # Elision, written with or without what follows it.
        ("l'homme", "lˈɔm"),
        ("qu'il aime", "kil ˈɛm"),
        ("jusqu'à Paris", "ʒyska paʁˈi"),
        # Forms of numbers and small words.
        ("dix ans, dix minutes", "dˈiz ˈɑ̃, dˈi minˈyt"),
        ("six jours, il y en a six", "sˈi ʒˈuʁ, il i ɑ̃n a sˈis"),
        ("vingt-deux, quatre-vingt-deux", "vˈɛ̃t dˈø, kˈatʁ vɛ̃ dˈø"),
        ("neuf heures", "nˈœv ˈœʁ"),
        ("tous les jours", "tu le ʒˈuʁ"),
        ("2 + 2", "dˈø plˈys dˈø"),
        ("parce que je t'aime", "paʁskə ʒə tˈɛm"),
        ("Y a-t-il du pain ?", "i a til dy pˈɛ̃"),
    ],
)
def test_words_of_a_phrase(front_end: TextFrontEnd, text: str, expected: str) -> None:
    assert phones(front_end, text).removesuffix(" ") == expected


def test_whole_sentences(front_end: TextFrontEnd) -> None:
    """Phones of sentences as a listener should hear them; liaison that is optional isn't made."""
    expected = {
        "Les amis de mes enfants arrivent demain matin.":
            "lez amˈi də mez ɑ̃fˈɑ̃ aʁˈiv dəmˈɛ̃ matˈɛ̃.",
        "C'est l'histoire d'un homme qui aimait la mer.":
            "sɛ listwˈaʁ dœ̃n ˈɔm ki ɛmˈɛ la mˈɛʁ.",
        "Est-ce que vous avez une chambre pour deux personnes ?":
            "ɛskə vuz avˈez yn ʃˈɑ̃bʁ puʁ dˈø pɛʁsˈɔn?",
        "Le docteur Martin habite au 12, rue de la Paix.":
            "lə dɔktˈœʁ maʁtˈɛ̃ abˈit o dˈuz, ʁˈy də la pˈɛ.",
    }  # fmt: skip
    edits = symbols = 0
    for text, wanted in expected.items():
        a, b = spoken(front_end, text).replace(" ", ""), wanted.replace(" ", "")
        edits += edit_distance(a, b)
        symbols += len(b)
    assert edits <= 0.02 * symbols


def said(text: str) -> str:
    found: list[str] = []
    for clause in clauses(text, ssml=False, language=find_language("fr")):
        for token in clause.tokens:
            if isinstance(token, Word):
                found += token.text.lower() if token.spell else [token.text]
    return " ".join(found).replace("' ", "'")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1 heure", "une heure"),
        ("21 heures", "vingt et une heures"),
        ("21 minutes et 21 jours", "vingt et une minutes et vingt et un jours"),
        ("31 pages", "trente et une pages"),
        ("11 pages", "onze pages"),
        ("81 tonnes", "quatre vingt une tonnes"),
        ("1,5 km", "un virgule cinq kilomètre"),
        ("2,5 km", "deux virgule cinq kilomètres"),
        ("1 000 000 €", "un million d'euros"),
        ("1 000 001 €", "un million un euros"),
        ("0 €", "zéro euro"),
        ("£21", "vingt et une livres"),
        ("12,05 €", "douze euros cinq"),
        ("d'1 €", "d'un euro"),
        ("71, 80, 99, 200, 201", "soixante et onze quatre vingts quatre vingt dix neuf deux cents"
         " deux cent un"),
    ],
)  # fmt: skip
def test_numbers_agree(written: str, words: str) -> None:
    assert said(written) == words


@pytest.mark.parametrize(
    ("interpret", "form", "text", "words"),
    [
        ("date", "", "01/05/2021", "premier mai deux mille vingt et un"),
        ("date", "", "2021-05-13", "treize mai deux mille vingt et un"),
        ("time", "", "14:30", "quatorze heures trente"),
        ("ordinal", "", "21", "vingt et unième"),
        ("ordinal", "", "XIV", "quatorzième"),
        ("cardinal", "", "-21", "moins vingt et un"),
        ("digits", "", "902", "neuf zéro deux"),
        ("fraction", "", "3/4", "trois quarts"),
        ("characters", "", "a@1", "^A arobase un"),
    ],
)
def test_say_as(interpret: str, form: str, text: str, words: str) -> None:
    found = find_language("fr").normalization.say_as(text, interpret, form)
    assert found is not None
    assert " ".join(found.replace("-", " ").split()) == words


@pytest.mark.parametrize(
    ("text", "tones"),
    [
        ("Tu viens demain ?", ["rise"]),
        ("Est-ce que tu viens ?", ["rise"]),
        ("Où vas-tu ?", []),
        ("À quelle heure part le train ?", []),
        ("Qu'est-ce que c'est ?", []),
        ("Du thé ou du café ?", ["go_on", "fall"]),
    ],
)
def test_melody_of_questions(front_end: TextFrontEnd, text: str, tones: list[str]) -> None:
    (clause,) = front_end.clauses(text)
    assert [tone.turn for tone in clause.tones] == tones
