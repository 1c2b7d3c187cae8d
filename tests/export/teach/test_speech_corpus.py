from __future__ import annotations

import importlib.util
import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from voicelet.errors import ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.reader import iterate_corpus, read_rows
from voicelet_export.errors import CorpusError
from voicelet_export.teach.base import TeacherSpeech
from voicelet_export.teach.espeak import EspeakPhones, teacher_phones
from voicelet_export.teach.speech_corpus import (
    SpeechCorpusConfig,
    front_end_phones,
    plan_turns,
    read_sentences,
    write_speech_corpus,
)

NEWS = [f"la casa número {i}" for i in range(100)]
SENTENCES = {"es": [NEWS, ["sí", "no", "hola", "gracias"]], "it": [["ciao", "buongiorno"]]}
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="espeakng-loader isn't installed"
)


class Hummer:
    """Hums 50 ms a phone; has the surface of Kokoro that the corpus needs."""

    speakers = ("ef_low", "af_high", "mix1")
    mixes: ClassVar = {"mix1": {"ef_low": 0.5, "af_high": 0.5}}

    def __init__(self, fail_after: int = 10**9) -> None:
        self.calls, self._fail_after = 0, fail_after

    def missing(self, phones: str) -> str:
        return "".join(p for p in phones if p == "♥")

    def speak(
        self, phones: str, speaker: str | None = None, seed: int = 0, speed: float | None = None
    ) -> TeacherSpeech:
        if self.calls >= self._fail_after:
            raise KeyboardInterrupt
        self.calls += 1
        tokens = len(phones) + 2
        time = np.arange(tokens * 1200) / 24000
        f0 = 100.0 + 100.0 * self.speakers.index(str(speaker))
        wave = (0.2 * np.sin(2 * np.pi * f0 * time)).astype(np.float32)
        return TeacherSpeech(
            wave,
            24000,
            np.full(tokens, 0.05, np.float32),
            np.full(tokens * 4, f0, np.float32),
        )


PHONES_OF = {"es": lambda text: text, "it": lambda text: text}
CONFIG = SpeechCorpusConfig(hours=0.004, shard_turns=6)


def test_turns_alternate_languages_and_use_texts_up_before_repeating() -> None:
    turns = list(islice(plan_turns(SENTENCES, ["ef_a", "bm_b"], ["m1", "m2"], CONFIG), 400))
    assert [t.language for t in turns[:4]] == ["es", "it", "es", "it"]
    spanish = [t for t in turns if t.language == "es"]
    everyday = [t.text for t in spanish if t.text not in NEWS]
    assert set(everyday[:4]) == {"sí", "no", "hola", "gracias"}
    # √4 of √100 + √4: a sixth, where a twenty-fifth of the sentences are everyday ones.
    assert 0.1 < len(everyday) / len(spanish) < 0.24
    assert max(Counter(t.text for t in spanish if t.text in NEWS).values()) <= 2
    mixes = [t.speaker.startswith("m") for t in spanish]
    assert 0.35 < np.mean(mixes) < 0.65
    native = [t.speaker == "ef_a" for t in spanish if not t.speaker.startswith("m")]
    assert np.mean(native) > 0.55  # 0.4, and half of the others
    assert turns == list(islice(plan_turns(SENTENCES, ["ef_a", "bm_b"], ["m1", "m2"], CONFIG), 400))


def test_a_corpus_that_is_cut_off_is_whole_and_goes_on(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    seconds = write_speech_corpus(Hummer(), SENTENCES, PHONES_OF, whole, CONFIG)
    with pytest.raises(KeyboardInterrupt):
        write_speech_corpus(Hummer(fail_after=9), SENTENCES, PHONES_OF, cut, CONFIG)
    assert len(list(iterate_corpus(cut))) == 6  # the first shard, and nothing of the second
    again = Hummer()
    assert write_speech_corpus(again, SENTENCES, PHONES_OF, cut, CONFIG) == seconds
    assert read_rows(cut) == read_rows(whole)
    assert again.calls == len(read_rows(whole)) - 6
    said: Counter[str] = Counter()
    for utterance in iterate_corpus(cut):
        row = utterance.row
        said[row["language"]] += utterance.row["seconds"]
        assert utterance.sample_rate_hz == 24000
        assert sum(row["frames"]) * 600 == len(utterance.samples)
        assert len(row["f0"]) * 300 == len(utterance.samples)
        assert len(row["frames"]) == len(row["phonemes"]) + 2
        assert row["mix"] == Hummer.mixes.get(row["speaker"], {row["speaker"]: 1.0})
    assert min(said.values()) >= CONFIG.hours * 3600


def test_more_hours_go_on_but_other_texts_are_refused(tmp_path: Path) -> None:
    write_speech_corpus(Hummer(), SENTENCES, PHONES_OF, tmp_path, CONFIG)
    before = read_rows(tmp_path)
    more = SpeechCorpusConfig(hours=0.006, shard_turns=6)
    write_speech_corpus(Hummer(), SENTENCES, PHONES_OF, tmp_path, more)
    rows = read_rows(tmp_path)
    assert rows[: len(before)] == before
    assert len(rows) > len(before)
    with pytest.raises(CorpusError, match="other texts"):
        write_speech_corpus(Hummer(), {"es": [["hola"]]}, PHONES_OF, tmp_path, CONFIG)


def test_what_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    sentences = {"es": [["hola", "te ♥ mucho"]]}
    write_speech_corpus(Hummer(), sentences, PHONES_OF, tmp_path, CONFIG)
    assert {row["text"] for row in read_rows(tmp_path)} == {"hola"}


def test_sentences_are_read_by_language(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("Hola.\n\n Adiós. \nHola.\n", "utf-8")
    found = read_sentences([("es", tmp_path / "a"), ("es", tmp_path / "a")])
    assert found == {"es": [["Hola.", "Adiós."]] * 2}
    (tmp_path / "b").write_text("\n", "utf-8")
    with pytest.raises(CorpusError, match="nothing to say"):
        read_sentences([("es", tmp_path / "b")])
    with pytest.raises(CorpusError, match="can't be read"):
        read_sentences([("es", tmp_path / "missing")])


def test_impossible_settings_are_refused() -> None:
    for wrong in ({"hours": 0.0}, {"mix_share": 1.5}, {"speed": (1.2, 1.0)}, {"shard_turns": 0}):
        with pytest.raises(ConfigError):
            SpeechCorpusConfig(**wrong)  # type: ignore[arg-type]


def test_ties_become_the_teachers_letters() -> None:
    assert teacher_phones("t^ʃ d^ʒ e^ɪ a^ʊ t^s k^w (e^n)foo(fr)") == "ʧ ʤ A W ʦ kw foo"


def test_the_sentences_of_the_recipes_are_distinct_and_without_digits() -> None:
    folder = Path(__file__).parents[3] / "export" / "texts"
    for path in sorted(folder.glob("*.txt")):
        lines = path.read_text("utf-8").splitlines()
        assert len(lines) == len(set(lines)) > 30
        assert not any(c.isdigit() for line in lines for c in line), path


def test_english_is_read_by_the_front_end_of_the_package() -> None:
    phones = front_end_phones()("Is it five? No, six.")
    assert phones == "ɪz ɪt fˈIv? nˈO, sˈɪks."
    assert not PhoneInventory().missing(phones)


@needs_espeak
def test_phones_keep_words_and_marks() -> None:
    spanish, french = EspeakPhones("es"), EspeakPhones("fr")
    assert spanish("¿Qué hora es? Las tres.") == "kˈe ˈoɾa ˈes? las tɾˈes."
    assert french("Bonjour, ça va ?") == "bɔ̃ʒˈuʁ, sa vˈa?"
    assert "(" not in french("Elle parle à Frank et à John.")
    assert EspeakPhones("it")("«Sì», disse.") == '"sˈiː", dˈisse.'
    assert spanish("No.") == "nˈo."
    with pytest.raises(ConfigError, match="no phones for 'de'"):
        EspeakPhones("de")


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicelet_export.teach.espeak._loaded", None)
    monkeypatch.setitem(__import__("sys").modules, "espeakng_loader", None)
    with pytest.raises(ConfigError, match="pip install espeakng-loader"):
        EspeakPhones("es")


def test_the_plan_tells_what_the_corpus_is_made_of(tmp_path: Path) -> None:
    write_speech_corpus(Hummer(), SENTENCES, PHONES_OF, tmp_path, CONFIG)
    plan = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    assert plan["sentences"] == {"es": [100, 4], "it": [2]}
    assert plan["speakers"] == list(Hummer.speakers)
