"""Each stretch of a text is read by the pack of its own language, as far as the voice speaks it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.synth.voices import tiny_voice
from voicelet import SpeechOptions, Voice
from voicelet.errors import ConfigError
from voicelet.synth.explain import explain
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.phones import MULTILINGUAL_SYMBOLS
from voicelet.text.words import Clause, PhoneClause, Word


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    """A voice of English and Spanish."""
    folder = tmp_path_factory.mktemp("voice") / "two"
    tiny_voice(folder, languages=("en-US", "es"), phones=MULTILINGUAL_SYMBOLS)
    return Voice.load(folder)


def front_end(voice: Voice, language: str | None = None) -> TextFrontEnd:
    found = voice.front_end_for(SpeechOptions(language=language), None)
    assert isinstance(found, TextFrontEnd)
    return found


def read(
    voice: Voice, text: str, language: str | None = None, **how: Any
) -> list[tuple[Clause, PhoneClause]]:
    return list(front_end(voice, language).with_words(text, **how))


def said(voice: Voice, text: str, language: str | None = None, **how: Any) -> str:
    return " ".join(phones.phones for _, phones in read(voice, text, language, **how))


def words(voice: Voice, text: str, language: str | None = None, **how: Any) -> list[str]:
    found = read(voice, text, language, **how)
    return [t.text for clause, _ in found for t in clause.tokens if isinstance(t, Word)]


@pytest.mark.parametrize("tag", ["es", "es-MX", "ES", "es-419"])
def test_a_text_is_read_in_the_language_that_is_asked_for(voice: Voice, tag: str) -> None:
    assert words(voice, "Son 21 casas.", tag) == ["Son", "veintiuna", "casas"]
    assert said(voice, "La casa.", tag) == "la kˈasa."
    assert len(voice.synthesize("La casa.", language=tag).samples) > 0


def test_english_is_still_read_as_english(voice: Voice) -> None:
    assert words(voice, "It is 21.") == ["It", "is", "twenty", "one"]
    assert said(voice, "hello world", "en") == said(voice, "hello world") == "həlˈO wˈɜɹld."


def test_a_language_that_the_voice_lacks_is_an_error(voice: Voice) -> None:
    with pytest.raises(ConfigError, match=r"doesn't speak 'fr'; it speaks en-US, es"):
        voice.synthesize("Bonjour.", language="fr")


def test_a_language_that_no_pack_reads_is_another_error(tmp_path: Path) -> None:
    voice = Voice.load(tiny_voice(tmp_path / "v", languages=("en", "xal")))
    with pytest.raises(ConfigError, match=r"doesn't read the language 'xal'.*pack install"):
        voice.synthesize("Мендвт.", language="xal")
    assert len(voice.synthesize("hello").samples) > 0


MIXED = '<speak>The long story of <lang xml:lang="es">21 casas</lang> again.</speak>'


def test_marked_words_are_read_by_their_own_pack_within_the_sentence(voice: Voice) -> None:
    ((clause, phones),) = read(voice, MIXED)
    assert [t.text for t in clause.tokens if isinstance(t, Word)] == [
        "The", "long", "story", "of", "veintiuna", "casas", "again",
    ]  # fmt: skip
    assert phones.phones.startswith("ðə lˈɔŋ stˈɔɹi ")
    assert phones.phones.endswith(" kˈasas əɡˈɛn.")
    spanish = said(voice, "21 casas", "es").rstrip(".")
    assert spanish in phones.phones
    (casas,) = [w for w in phones.words if w.text == "casas"]
    assert phones.phones[casas.start : casas.end] == "kˈasas"
    assert MIXED[slice(*casas.span)] == "21 casas"  # read as one thing: the noun has a gender


def test_a_sentence_that_is_all_foreign_is_wholly_of_its_language(voice: Voice) -> None:
    text = '<speak xml:lang="es">¿Dónde está la casa?</speak>'
    assert said(voice, text) == said(voice, "¿Dónde está la casa?", "es")
    (_, phones), *_ = read(voice, text)
    (_, plain), *_ = read(voice, "¿Dónde está la casa?", "es")
    assert phones.tones == plain.tones  # a question with a question word doesn't rise
    assert said(voice, '<speak xml:lang="es">Hay <s xml:lang="en">the world</s></speak>').endswith(
        said(voice, "the world")
    )


def test_english_inside_spanish_has_the_lexicon_of_the_voice(voice: Voice) -> None:
    text = '<speak>La casa <lang xml:lang="en-US">hello world</lang> es.</speak>'
    assert "həlˈO wˈɜɹld" in said(voice, text, "es")


def test_say_as_and_sub_are_of_the_marked_language(voice: Voice) -> None:
    text = (
        '<speak><lang xml:lang="es"><sub alias="21 casas">x</sub>'
        ' <say-as interpret-as="cardinal">5</say-as></lang></speak>'
    )
    assert words(voice, text) == ["veintiuna", "casas", "cinco"]


def test_emphasis_and_marks_stay_on_foreign_words(voice: Voice) -> None:
    text = (
        '<speak>the <lang xml:lang="es">la <mark name="here"/><emphasis>casa</emphasis></lang>'
        " again</speak>"
    )
    ((_, phones),) = read(voice, text)
    (accent,) = phones.accents
    assert phones.phones[accent.start : accent.end] == "kˈasa"
    (mark,) = phones.inner_marks
    assert mark.at == accent.start


def test_a_tag_that_says_less_than_the_language_of_the_text_changes_nothing(voice: Voice) -> None:
    text = '<speak>25/12 and <lang xml:lang="en">schedule</lang></speak>'
    assert said(voice, text, "en-GB") == said(voice, "25/12 and schedule", "en-GB")


def test_a_missing_language_in_a_text_is_read_with_one_warning(
    voice: Voice, caplog: pytest.LogCaptureFixture
) -> None:
    text = '<speak>hello <lang xml:lang="fr">world</lang> <lang xml:lang="fr">a</lang></speak>'
    with caplog.at_level(logging.WARNING):
        assert said(voice, text) == said(voice, "hello world a")
        said(voice, text)
    warnings = [r.message for r in caplog.records if "'fr'" in r.message]
    assert len(warnings) == 1
    assert "read as 'en'" in warnings[0]
    with pytest.raises(ConfigError, match="doesn't speak 'fr'"):
        voice.synthesize(text, strict_language=True)


def test_sentences_are_told_apart_if_asked(voice: Voice) -> None:
    text = (
        "The house is at the end of the road. La casa está al final de la calle, y tiene 21"
        " ventanas. And this is the story of it, with 21 pages."
    )
    heard = words(voice, text, "auto", detect=True)
    assert "veintiuna" in heard
    assert heard.count("twenty") == 1
    assert words(voice, text).count("twenty") == 2
    samples = voice.synthesize(text, language="auto").samples
    assert len(samples) != len(voice.synthesize(text).samples)


def test_short_sentences_keep_the_language_before(voice: Voice) -> None:
    text = "¿Cómo está la señora en la casa? Sí. 21. Ok."
    assert words(voice, text, "auto", detect=True)[-3:] == ["Sí", "veintiuno", "Ok"]
    assert words(voice, "Ok. 21.", "auto", detect=True) == ["Ok", "twenty", "one"]


def test_detection_goes_through_ssml_and_keeps_what_is_marked(voice: Voice) -> None:
    text = (
        "<speak><p>La casa está en la calle con 21 &amp; 22.</p>"
        '<p>This is <lang xml:lang="es">21</lang> of the 31.</p></speak>'
    )
    heard = words(voice, text, "auto", detect=True)
    assert "veintiuno" in heard
    assert heard[-4:] == ["of", "the", "thirty", "one"]


def test_every_character_of_a_detected_text_keeps_its_place(voice: Voice) -> None:
    text = "The end of the road is here. La casa está en la calle.\n\nAnd this is the house."
    found = read(voice, text, "auto", detect=True)
    spans = [(w.text, w.span) for _, phones in found for w in phones.words]
    assert all(text[slice(*span)] == written for written, span in spans)
    assert [span for _, span in spans] == sorted(span for _, span in spans)


def test_explain_names_the_language_of_each_word(voice: Voice) -> None:
    found = {w.said: w for w in explain(voice, MIXED).words}
    assert found["story"].language == "en"
    assert found["casas"].language == found["veintiuna"].language == "es"
    assert found["veintiuna"].rule
    assert found["veintiuna"].rule_file.endswith("es/rules.json")
    assert (found["story"].rule, found["story"].source) == ("", "lexicon")
