"""Spanish: letters to sound, small words, sounds that meet, and how numbers agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.languages.phone_error import pack_front_end, phone_error, spoken
from voicelet.text.front_end import TextFrontEnd, clauses
from voicelet.text.pack.packaged import find_language
from voicelet.text.words import Word

HELD_OUT = Path(__file__).with_name("held_out_words.tsv")
"""600 words that no rule was written from, with phones by the teacher's phonemizer."""


@pytest.fixture(scope="module")
def front_end() -> TextFrontEnd:
    return pack_front_end("es")


def test_phone_error_on_held_out_words() -> None:
    error = phone_error(find_language("es"), HELD_OUT)
    assert error.phones <= 0.01
    assert error.phones_only <= 0.01
    assert error.stress <= 0.01


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("guitarra", "ɡitˈara"),
        ("pingüino", "pˌiŋɡuˈino"),
        ("ciudad", "θjuðˈad"),
        ("hueso", "wˈeso"),
        ("examen", "eksˈamen"),
        ("carro", "kˈaro"),
        ("alrededor", "ˌalreðeðˈoɾ"),
        ("enviar", "embjˈaɾ"),
        ("fácilmente", "fˈaθilmˈente"),
        ("murciélago", "muɾθjˈelaɣo"),
        ("rey", "rˈA"),
        ("línea", "lˈinea"),
        ("país", "paˈis"),
        ("xilófono", "silˈofono"),
        ("México", "mˈɛxiko"),
    ],
)
def test_words(front_end: TextFrontEnd, word: str, phones: str) -> None:
    assert spoken(front_end, word).rstrip(".") == phones


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("un barco", "ˈum bˈaɾko"),
        ("la boca de Diego", "la βˈoka ðe ðjˈeɣo"),
        ("un gato", "ˈuŋ ɡˈato"),
        ("verdad eterna", "beɾðˈað etˈeɾna"),
        ("entre la casa y el río", "ˌentɾe la kˈasa i el rˈio"),
        ("No sé de qué, pero sí de quién", "nˈo sˈe ðe kˈe, pˌeɾo sˈi ðe kjˈen"),
        ("¿Para qué?", "pˌaɾa kˈe?"),
    ],
)
def test_words_of_a_phrase(front_end: TextFrontEnd, text: str, phones: str) -> None:
    assert spoken(front_end, text).rstrip(".") == phones


def said(text: str) -> str:
    language = find_language("es")
    found: list[str] = []
    for clause in clauses(text, ssml=False, language=language):
        for token in clause.tokens:
            if isinstance(token, Word):
                found += token.text.lower() if token.spell else [token.text]
    return " ".join(found)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("21 casas", "veintiuna casas"),
        ("21 árboles", "veintiún árboles"),
        ("21 días", "veintiún días"),
        ("21 noches", "veintiuna noches"),
        ("el 21", "el veintiuno"),
        ("capítulo 21", "capítulo veintiuno"),
        ("1 canción y 1 problema", "una canción y un problema"),
        ("300 canciones", "trescientas canciones"),
        ("500.000 mujeres", "quinientas mil mujeres"),
        ("31 km", "treinta y un kilómetros"),
        ("31 lb", "treinta y una libras"),
        ("1,5 l", "uno coma cinco litros"),
        ("1,5 €", "uno coma cinco euros"),
        ("1,5 millones", "uno coma cinco millones"),
        ("£21", "veintiuna libras"),
        ("21 %", "veintiuno por ciento"),
    ],
)
def test_numbers_agree(written: str, words: str) -> None:
    assert said(written) == words


@pytest.mark.parametrize(
    ("interpret", "form", "text", "words"),
    [
        ("date", "dmy", "1/5/2021", "primero de mayo de dos mil veintiuno"),
        ("date", "mdy", "5/13/2021", "trece de mayo de dos mil veintiuno"),
        ("date", "", "2021-05-13", "trece de mayo de dos mil veintiuno"),
        ("time", "hms24", "14:30", "catorce y media"),
        ("ordinal", "", "21", "vigesimoprimero"),
        ("cardinal", "", "21", "veintiuno"),
        ("digits", "", "902", "nueve cero dos"),
        ("duration", "ms", "1:30", "un minuto y treinta segundos"),
        ("duration", "hms", "2:01:15", "dos horas un minuto y quince segundos"),
        ("fraction", "", "3/4", "tres cuartos"),
    ],
)
def test_say_as(interpret: str, form: str, text: str, words: str) -> None:
    found = find_language("es").normalization.say_as(text, interpret, form)
    assert found is not None
    assert " ".join(found.split()) == words


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ("?", "interrogación"),
        ("\\", "barra invertida"),
        ("¿", "abre interrogación"),
        ("@", "arroba"),
    ],
)
def test_a_mark_alone_is_named(mark: str, name: str) -> None:
    assert said(mark) == name
