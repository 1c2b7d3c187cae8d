"""Brazilian Portuguese: letters to sound, small words, sounds that meet, how numbers agree."""

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
    return pack_front_end("pt-br")


def test_phone_error_on_held_out_words() -> None:
    error = phone_error(find_language("pt-BR"), HELD_OUT)
    assert error.phones <= 0.03
    assert error.phones_only <= 0.03
    assert error.stress <= 0.02


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("coração", "kˌoɾasˈɐ̃ʊ̃"),
        ("cidade", "sˌidˈaʤy"),
        ("mulher", "muljˈɛr"),
        ("chuva", "ʃˈuvæ"),
        ("guerra", "ɡˈɛxæ"),
        ("exame", "ˌezˈɐ̃my"),
        ("próximo", "prˈɔsimʊ"),
        ("táxi", "tˈaksi"),
        ("linguiça", "lˌiŋɡwˈisæ"),
        ("Brasil", "brazˈiʊ"),
        ("homem", "ˈomAŋ"),
        ("pães", "pˈɐ̃ys"),
        ("também", "tɐ̃mbˈAŋ"),
        ("saúde", "sˌaˈuʤy"),
        ("Souza", "sˈowzæ"),
    ],
)
def test_words(front_end: TextFrontEnd, word: str, phones: str) -> None:
    assert spoken(front_end, word).rstrip(".") == phones


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("as casas azuis", "as kˈazæz azˈuɪs"),
        ("os dois amigos", "ʊz dˈoɪz ˌæmˈiɡʊs"),
        ("o amigo do homem", "u ˌæmˈiɡʊ dʊ ˈomAŋ"),
        ("de água", "ʤj ˈaɡwæ"),
        ("sobre a mesa", "sˈobri a mˈezæ"),
        ("Isso é o fim", "ˈisw ɛ ʊ fˈiŋ"),
        ("amor eterno", "æmˈoɾ ˌetˈɛɾənʊ"),
    ],
)
def test_words_of_a_phrase(front_end: TextFrontEnd, text: str, phones: str) -> None:
    assert spoken(front_end, text).rstrip(".") == phones


@pytest.mark.parametrize(
    ("text", "vowel"),
    [
        ("O gosto dele", "ɡˈostʊ"),
        ("Eu gosto de você", "ɡˈɔstʊ"),
        ("O jogo acabou", "ʒˈoɡ"),
        ("Eu não jogo mais", "ʒˈɔɡʊ"),
        ("Uma colher de sopa", "koljˈɛr"),
        ("Vamos colher maçãs", "koljˈer"),
        ("Estou com sede", "sˈeʤy"),
        ("A sede da empresa", "sˈɛʤy"),
    ],
)
def test_nouns_and_verbs_that_differ_in_a_vowel(
    front_end: TextFrontEnd, text: str, vowel: str
) -> None:
    assert vowel in spoken(front_end, text)


def said(text: str) -> str:
    language = find_language("pt-BR")
    found: list[str] = []
    for clause in clauses(text, ssml=False, language=language):
        for token in clause.tokens:
            if isinstance(token, Word):
                found += token.text.lower() if token.spell else [token.text]
    return " ".join(found)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1 casa e 2 casas", "uma casa e duas casas"),
        ("2 problemas", "dois problemas"),
        ("22 mulheres", "vinte e duas mulheres"),
        ("12 meninas", "doze meninas"),
        ("200 canções", "duzentas canções"),
        ("2.000 pessoas", "duas mil pessoas"),
        ("capítulo 2", "capítulo dois"),
        ("2 h", "duas horas"),
        ("1,5 km", "um vírgula cinco quilômetro"),
        ("£2", "duas libras"),
        ("R$ 1.000.000,00", "um milhão de reais"),
        ("1.230.000", "um milhão duzentos e trinta mil"),
    ],
)
def test_numbers_agree(written: str, words: str) -> None:
    assert said(written) == words


@pytest.mark.parametrize(
    ("interpret", "form", "text", "words"),
    [
        ("date", "dmy", "1/5/2021", "primeiro de maio de dois mil e vinte e um"),
        ("date", "", "2021-05-13", "treze de maio de dois mil e vinte e um"),
        ("time", "hms24", "14:30", "catorze horas e trinta"),
        ("ordinal", "", "21", "vigésimo primeiro"),
        ("cardinal", "", "21", "vinte e um"),
        ("digits", "", "902", "nove zero dois"),
        ("duration", "ms", "1:30", "um minuto e trinta segundos"),
        ("duration", "hms", "2:01:15", "duas horas um minuto e quinze segundos"),
        ("fraction", "", "3/4", "três quartos"),
    ],
)
def test_say_as(interpret: str, form: str, text: str, words: str) -> None:
    found = find_language("pt-BR").normalization.say_as(text, interpret, form)
    assert found is not None
    assert " ".join(found.split()) == words


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        ("?", "ponto de interrogação"),
        ("\\", "barra invertida"),
        ("@", "arroba"),
        ("^", "circunflexo"),
    ],
)
def test_a_mark_alone_is_named(mark: str, name: str) -> None:
    assert said(mark) == name
