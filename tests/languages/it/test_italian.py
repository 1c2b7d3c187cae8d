"""Italian: letters to sound, small words, elision, numbers and ordinals that agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.languages.phone_error import pack_front_end, phone_error, spoken
from voicelet.text.front_end import TextFrontEnd, clauses
from voicelet.text.pack.folder import PACKAGED
from voicelet.text.pack.packaged import find_language
from voicelet.text.words import Word

HELD_OUT = Path(__file__).with_name("held_out_words.tsv")
"""Words of families that the graph wasn't trained on, with phones by the teacher's phonemizer."""


@pytest.fixture(scope="module")
def front_end() -> TextFrontEnd:
    return pack_front_end("it")


def test_phone_error_on_held_out_words() -> None:
    error = phone_error(find_language("it"), HELD_OUT)
    assert error.phones <= 0.0175
    assert error.phones_only <= 0.01
    assert error.stress <= 0.02


def test_the_graph_is_small() -> None:
    assert (PACKAGED / "it" / "g2p.onnx").stat().st_size <= 500_000


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("casa", "kˈaza"),
        ("città", "ʧitːˈa"),
        ("famiglia", "famˈiʎa"),
        ("scienza", "ʃˈɛnʦa"),
        ("zucchero", "ʣˈukːeɾo"),
        ("ghiaccio", "ɡjˈaʧːo"),
        ("perché", "perkˈe"),
        ("tavolo", "tˈavolo"),
        ("telefono", "telˈɛfono"),
        ("bellissimo", "bellˈissimo"),
        ("uomo", "wˈɔmo"),
        ("andrò", "andrˈɔ"),
    ],
)
def test_words(front_end: TextFrontEnd, word: str, expected: str) -> None:
    assert spoken(front_end, word).rstrip(".") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("un'ora", "ʊnˈora"),
        ("dell'acqua", "dellˈakːwa"),
        ("quest'anno", "kwestˈanno"),
        ("mi chiamo Marco", "mɪ kjˈamo mˈarko"),
        ("la casa di mio fratello", "la kˈaza dɪ mˌio fratˈɛllo"),
        ("come te", "kˌome tˈe"),
        ("l'8 marzo", "lˈɔtːo mˈarʦo"),
    ],
)
def test_words_of_a_phrase(front_end: TextFrontEnd, text: str, expected: str) -> None:
    assert spoken(front_end, text).rstrip(".") == expected


def said(text: str) -> str:
    found: list[str] = []
    for clause in clauses(text, ssml=False, language=find_language("it")):
        for token in clause.tokens:
            if isinstance(token, Word):
                found += token.text.lower() if token.spell else [token.text]
    return " ".join(found).replace("' ", "'")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1 ora", "un'ora"),
        ("1 h", "un'ora"),
        ("1 settimana", "una settimana"),
        ("1 zaino", "uno zaino"),
        ("1 mese", "un mese"),
        ("21 ore", "ventuno ore"),
        ("1 €", "un euro"),
        ("2 €", "due euro"),
        ("1.000.000 €", "un milione di euro"),
        ("£1", "una sterlina"),
        ("1,5 km", "uno virgola cinque chilometri"),
        ("23, 28, 101", "ventitré ventotto cento uno"),
    ],
)
def test_numbers_agree(written: str, words: str) -> None:
    assert said(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1º", "primo"),
        ("2ª", "seconda"),
        ("11º", "undicesimo"),
        ("23ª", "ventitreesima"),
        ("28º", "ventottesimo"),
        ("100º", "centesimo"),
        ("1000º", "millesimo"),
        ("2000º", "duemillesimo"),
        ("10.000º", "diecimillesimo"),
        ("21.000º", "ventunomillesimo"),
        ("1.000.000º", "milionesimo"),
        ("XXI secolo", "ventunesimo secolo"),
        ("Elisabetta II", "Elisabetta seconda"),
    ],
)
def test_ordinals(written: str, words: str) -> None:
    assert said(written) == words


@pytest.mark.parametrize(
    ("interpret", "form", "text", "words"),
    [
        ("date", "", "01/05/2021", "primo maggio duemila ventuno"),
        ("date", "", "2021-05-13", "tredici maggio duemila ventuno"),
        ("time", "", "14:30", "quattordici e trenta"),
        ("ordinal", "", "21", "ventunesimo"),
        ("ordinal", "", "XIV", "quattordicesimo"),
        ("cardinal", "", "-21", "meno ventuno"),
        ("digits", "", "902", "nove zero due"),
        ("fraction", "", "3/4", "tre quarti"),
        ("characters", "", "a@1", "^A chiocciola uno"),
    ],
)
def test_say_as(interpret: str, form: str, text: str, words: str) -> None:
    found = find_language("it").normalization.say_as(text, interpret, form)
    assert found is not None
    assert " ".join(found.split()) == words


@pytest.mark.parametrize(
    ("text", "tones"),
    [
        ("Vieni domani?", ["rise"]),
        ("Che ore sono?", []),
        ("Com'è andata?", []),
        ("A che ora parte il treno?", []),
        ("Un tè o un caffè?", ["go_on", "fall"]),
    ],
)
def test_melody_of_questions(front_end: TextFrontEnd, text: str, tones: list[str]) -> None:
    (clause,) = front_end.clauses(text)
    assert [tone.turn for tone in clause.tones] == tones
