"""A language pack's letter-to-sound graph and lexicon, from words that a phonemizer says."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from voicelet.errors import ConfigError
from voicelet.text.g2p import FINAL, NeuralG2P
from voicelet.text.lexicon import Lexicon
from voicelet_export.models.g2p import G2PConfig
from voicelet_export.teach.pack_letters import (
    SOUNDS,
    PackLettersBuild,
    Sounds,
    build_pack_letters,
    family,
    is_usable,
    read_list,
    split_families,
)
from voicelet_export.train.g2p import G2PTraining

# A language of its own: "on" is a nasal vowel, the last vowel is stressed, one word is irregular.
SAID = {"a": "a", "é": "e", "o": "ɔ\u0303", "b": "b", "ç": "s", "t": "t"}
TOY = Sounds("aéobçt", "a e ɔ\u0303 b s t", FINAL)
WORDS = ["".join(word) for word in product("bçt", "aéo", "bçt", "aéo", "bçt")]


def phones(word: str) -> str:
    if word == "bobat":
        return "tˈat"
    said = [SAID[letter] for letter in word]
    return "".join([*said[:-2], "ˈ", *said[-2:]])


def test_a_build_from_words_to_files(tmp_path: Path) -> None:
    listed = tmp_path / "words.txt"
    listed.write_text("\n".join([*WORDS, "x-ray", "été\t7", "b", WORDS[0]]), encoding="utf-8")
    training = G2PTraining(
        model=G2PConfig(channels=32, layers=2, kernel=3),
        steps=200, batch=32, learning_rate=5e-3, warmup=20, average=0.9, save_every=100,
    )  # fmt: skip
    build = PackLettersBuild(
        "toy", listed, tmp_path / "run", tmp_path / "out", held_out=6, training=training,
        refinement=replace(training, steps=40, seed=2),
    )  # fmt: skip
    scores = build_pack_letters(build, phones, TOY)
    assert json.loads((build.out / "scores.json").read_text()) == scores
    assert scores["held_out"]["phone_error"] < 0.1
    assert scores["held_out"]["words"] >= 20
    graph = NeuralG2P(build.out / "g2p.onnx")
    lexicon = Lexicon.open(build.out / "lexicon.bin")
    assert lexicon.get("bobat") == "tˈat"
    for word in WORDS:
        assert (lexicon.get(word) or graph.phones(word)) == phones(word)
    held = (build.out / "held_out.tsv").read_text(encoding="utf-8").splitlines()
    assert held and all(phones(word) == said for word, said in (r.split("\t") for r in held))
    with pytest.raises(ConfigError, match="no letters of 'toy'; there are fr, it"):
        build_pack_letters(build, phones)


def test_the_list_of_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("e\u0301te\u0301\t5\nChat\nl'eau\nété\nchat\n" + "a" * 25, encoding="utf-8")
    assert read_list(path, SOUNDS["fr"].letters) == ["été", "chat"]
    with pytest.raises(ConfigError, match="can't be read"):
        read_list(tmp_path / "none", "abc")


@pytest.mark.parametrize(
    ("word", "said", "usable"),
    [
        ("maison", "mɛzˈɔ\u0303", True),
        ("football", "fˈʊtbɔːl", False),  # another language's sounds
        ("sncf", "ˌɛsˌɛnsˌeˈɛf", False),  # spelled
        ("que", "kə", False),  # no stress to learn
    ],
)
def test_words_of_the_language_itself(word: str, said: str, usable: bool) -> None:
    assert is_usable(said, word, SOUNDS["fr"]) is usable


def test_relatives_are_held_out_together() -> None:
    assert family("préférer") == family("préférence") == family("Préféré".lower())
    words = {f"{stem}{end}": "a" for stem in ("chanteu", "maisonn", "voiture", "grandir", "parlera")
             for end in ("", "s", "r", "nt")}  # fmt: skip
    training, testing = split_families(words, 2)
    assert training and testing
    assert not {family(w) for w, _ in training} & {family(w) for w, _ in testing}


def test_stressed_vowels_are_classes_where_the_stress_is_scored() -> None:
    assert {"ˈɛ", "ɛ", "tː"} <= set(SOUNDS["it"].classes)
    assert "ˈɛ" not in SOUNDS["fr"].classes and "ɑ\u0303" in SOUNDS["fr"].classes
    assert SOUNDS["it"].classes[0] == ""
