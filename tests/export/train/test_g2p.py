"""Learning to pronounce: readings, the convention, the model, its training and its graph."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from voicelet.errors import ConfigError  # noqa: E402
from voicelet.text.g2p import NeuralG2P, encode_letters  # noqa: E402
from voicelet.text.lexicon import Lexicon  # noqa: E402
from voicelet.text.pack.packaged import find_language  # noqa: E402
from voicelet_export.bundle.g2p import G2PBuild, build_g2p  # noqa: E402
from voicelet_export.convert.g2p import to_onnx  # noqa: E402
from voicelet_export.corpus.lexicon import (  # noqa: E402
    LexiconSource,
    in_corpus_convention,
    pruned,
    read_misaki,
    to_inventory,
    train_converter,
    usual_readings,
    write,
)
from voicelet_export.corpus.phone_mapping import (  # noqa: E402
    ConventionConverter,
    align_units,
    letters_of_units,
    units,
)
from voicelet_export.corpus.word_alignment import Readings, pair, read  # noqa: E402
from voicelet_export.models.g2p import G2P, UNITS, G2PConfig  # noqa: E402
from voicelet_export.train.g2p import (  # noqa: E402
    G2PTraining,
    batches,
    edit_distance,
    encode_units,
    learning_rate_at,
    lemma,
    pronounce,
    score,
    split,
    train_g2p,
    training_words,
)

# A language of its own: every letter one sound, the first vowel stressed.
_SOUNDS = {"a": "æ", "e": "ɛ", "i": "ɪ", "o": "ɑ", "b": "b", "d": "d", "k": "k", "t": "t", "n": "n"}


def _toy(word: str) -> str:
    phones = "".join(_SOUNDS[letter] for letter in word)
    at = next(i for i, phone in enumerate(phones) if phone in "æɛɪɑ")
    return phones[:at] + "ˈ" + phones[at:]


TOY = {word: _toy(word) for word in map("".join, product("bdkt", "aeio", "bdktn", "aeio"))}
SMALL = G2PTraining(
    model=G2PConfig(channels=32, layers=2, kernel=3),
    steps=160,
    batch=40,
    learning_rate=5e-3,
    warmup=20,
    average=0.9,
    save_every=50,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[G2P, list[tuple[str, str]]]:
    words = sorted(TOY.items())
    testing = words[::8]
    training = [pair for pair in words if pair not in testing]
    return train_g2p(training, tmp_path_factory.mktemp("run"), SMALL), testing


def test_it_learns_words_it_never_saw(trained: tuple[G2P, list[tuple[str, str]]]) -> None:
    model, testing = trained
    said = pronounce(model, [word for word, _ in testing])
    assert score([(said[word], phones) for word, phones in testing]).phone_error < 0.03


@pytest.mark.parametrize("int8", [False, True])
def test_the_graph_says_what_the_model_says(
    trained: tuple[G2P, list[tuple[str, str]]], tmp_path: Path, int8: bool
) -> None:
    model, testing = trained
    path = tmp_path / "g2p.onnx"
    size = to_onnx(model, path, int8=int8)
    assert size == path.stat().st_size
    graph = NeuralG2P(path)
    said = pronounce(model, [word for word, _ in testing])
    same = sum(graph.phones(word) == said[word] for word, _ in testing)
    assert same >= len(testing) - (1 if int8 else 0)

    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    letters = encode_letters("badkoti")[None]
    (logits,) = session.run(None, {"letters": letters})
    with torch.no_grad():
        expected = model(torch.from_numpy(letters)).numpy()
    assert logits.shape == expected.shape == (1, 2 * letters.shape[1], len(UNITS))
    assert np.abs(logits - expected).max() < (0.5 if int8 else 1e-3)


def test_it_learns_another_alphabet(tmp_path: Path) -> None:
    sounds = {"a": "a", "é": "e", "è": "ɛ", "o": "o\u0303", "b": "b", "ç": "s", "t": "tː"}
    words = [
        ("".join(word), "".join(sounds[x] for x in word[:-1]) + "ˈ" + sounds[word[-1]])
        for word in product("bçt", "aéèo", "bçt", "aéèo")
    ]
    shape = replace(SMALL.model, letters="aéèobçt", units=("", *sounds.values()), stress="final")
    plain = [(word, phones.replace("ˈ", "")) for word, phones in words]
    model = train_g2p(plain[::2], tmp_path / "run", replace(SMALL, model=shape))
    to_onnx(model, tmp_path / "g2p.onnx")
    graph = NeuralG2P(tmp_path / "g2p.onnx")
    said = pronounce(model, [word for word, _ in words])
    assert score([(said[word], phones) for word, phones in words]).phone_error < 0.03
    assert sum(graph.phones(word.upper()) == said[word] for word, _ in words) >= len(words) - 1
    with pytest.raises(ValueError, match="can't say"):
        encode_units("x", shape.units)


def test_training_goes_on_to_the_bit(tmp_path: Path) -> None:
    config = replace(SMALL, steps=20, save_every=10)
    words = sorted(TOY.items())
    whole = train_g2p(words, tmp_path / "whole", config).state_dict()

    class Killed(Exception):
        pass

    def killed_after_the_first_checkpoint(path: Path, target: Path) -> None:
        shutil.move(path, target)
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed_after_the_first_checkpoint)
        train_g2p(words, tmp_path / "parts", config)
    resumed = train_g2p(words, tmp_path / "parts", config).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    with pytest.raises(ValueError, match="another configuration"):
        train_g2p(words, tmp_path / "parts", replace(config, seed=2))


def test_batches_hold_one_length_and_every_word() -> None:
    words = [("ab", "æb"), ("abc", "æbk"), ("abd", "æbd"), ("b", "b")]
    source = batches(words, 2, seed=3)
    lengths: Counter[int] = Counter()
    for _ in range(3):
        letters, targets, counts = next(source)
        lengths[letters.shape[1]] += letters.shape[0]
        assert targets.shape[0] == int(counts.sum())
    assert lengths == {3: 1, 4: 1, 5: 2}


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate_at(step, SMALL) for step in range(SMALL.steps)]
    assert rates.index(max(rates)) in (SMALL.warmup - 1, SMALL.warmup)
    assert rates[-1] < 0.02 * max(rates)


def test_families_are_held_out_whole() -> None:
    assert len({lemma(word) for word in ("walk", "walks", "walked", "walking", "walker")}) == 1
    words = {f"{stem}{end}": "wˈɔk" for stem in ("walk", "talk", "jump", "print", "flick", "grunt",
             "blend", "scold") for end in ("", "s", "ed", "ing")}  # fmt: skip
    training, testing = split(words, 3)
    assert not {lemma(word) for word, _ in training} & {lemma(word) for word, _ in testing}
    assert len(training) + len(testing) == len(words)


def test_scores() -> None:
    assert edit_distance("kitten", "sitting") == 3
    result = score([("kˈæt", "kˈæt"), ("kˌæt", "kˈæt"), ("kˈɪt", "kˈæt")])
    assert result.phone_error == pytest.approx(2 / 12)
    assert result.phone_error_no_stress == pytest.approx(1 / 9)
    assert result.word_error == pytest.approx(2 / 3)
    assert [UNITS[unit] for unit in encode_units("kˈætˌi")] == ["k", "ˈæ", "t", "ˌi"]


def test_words_and_groups_are_paired() -> None:
    lexicon = {"in": "ɪn", "the": "ðə", "end": "ˈɛnd", "it": "ɪt", "works": "wˈɜɹks"}
    groups = pair("In the end, McGee works.", "ɪnðɪ ˈɛnd, mə ɡˈi wˈɜɹks.", lexicon.get)
    assert groups is not None
    assert [(g.words, g.phones) for g in groups] == [
        (("In", "the"), ("ɪnðɪ",)),
        (("end",), ("ˈɛnd",)),
        (("McGee",), ("mə", "ɡˈi")),
        (("works",), ("wˈɜɹks",)),
    ]
    assert pair("one", "a b c d e", lexicon.get) is None
    readings = read([("In the end.", "ɪnðɪ ˈɛnd."), ("one", "a b c d e")], lexicon)
    assert readings.words["end"] == {"ˈɛnd": 1}
    assert readings.groups[("in", "the")] == {"ɪnðɪ": 1}
    assert readings.skipped == 1


def test_usual_readings_forget_the_neighbours() -> None:
    counts = {"corner": Counter({"kˈɔɹnəɹɹ": 3, "kˈɔɹnəɹ": 2}), "it": Counter({"ɪT": 9, "ɪt": 1})}
    assert usual_readings(Readings(words=counts)) == {"corner": "kˈɔɹnəɹ", "it": "ɪt"}


def test_units_and_their_letters() -> None:
    assert units("kˈætˌi") == ["k", "ˈæ", "t", "ˌi"]
    assert align_units(units("kˈætə"), units("kˈætɪs")) == [("k",), ("ˈæ",), ("t",), ("ɪ", "s")]
    assert letters_of_units("nation", units("nˈAʃən")) == [0, 1, 2, 4, 5]


def test_a_convention_is_learnt() -> None:
    """ə written with i becomes ɪ; written with another letter it stays."""
    chance = random.Random(0)
    slots = ("bdfglmnpt", "a", "dlmnt", "iaeo", "lnst")
    pairs = []
    for _ in range(250):
        word = "".join(chance.choice(slot) for slot in slots)
        source = f"{word[0]}ˈæ{word[2]}ə{word[4]}"
        pairs.append((word, source, source.replace("ə", "ɪ") if word[3] == "i" else source))
    converter = ConventionConverter.train(pairs)
    assert converter.convert("gadis", "ɡˈædəs") == "ɡˈædɪs"
    assert converter.convert("gadas", "ɡˈædəs") == "ɡˈædəs"


def test_misaki_is_read(tmp_path: Path) -> None:
    path = tmp_path / "us.json"
    path.write_text(
        json.dumps(
            {
                "Cat": "kˈæt",
                "butter": "bˈʌɾəɹ",
                "record": {"DEFAULT": "ɹˈɛkəɹd", "VERB": "ɹəkˈɔɹd", "None": None},
                "FBI": "fbˈI",
                "x-ray": "ˈɛksɹˌA",
            }
        )
    )
    source = read_misaki(path)
    assert source.words == {"cat": "kˈæt", "butter": "bˈʌTəɹ", "record": "ɹˈɛkəɹd"}
    assert source.senses == {"record|verb": "ɹəkˈɔɹd"}
    assert to_inventory("ˈɔɹəʤən əɹˈIv") == "ˈɔɹəʤən əɹɹˈIv"


def test_the_corpus_wins_and_what_is_said_anyway_is_dropped(tmp_path: Path) -> None:
    source = LexiconSource(
        {"visit": "vˈɪzət", "visits": "vˈɪzəts", "blick": "blˈɪk", "zebra": "zˈibɹə"}, {}
    )
    converter = ConventionConverter.train([("visit", "vˈɪzət", "vˈɪzɪt")])
    entries = in_corpus_convention(source, {"visit": "vˈɪzɪt"}, converter)
    assert entries["visit"] == "vˈɪzɪt"
    assert entries["visits"] == "vˈɪzɪts"
    kept = pruned(entries, ["zebra"], lambda word: "blˈɪk" if word == "blick" else "zˈibɹə")
    assert {"visit", "zebra"} <= set(kept)
    assert not {"visits", "blick"} & set(kept)
    path = tmp_path / "lexicon.bin"
    assert write(kept, path) == path.stat().st_size
    assert dict(Lexicon.open(path)) == kept


def test_a_whole_build(tmp_path: Path) -> None:
    words = sorted(TOY.items())
    (tmp_path / "gold.json").write_text(json.dumps(dict(words[::2])))
    (tmp_path / "silver.json").write_text(json.dumps(dict(words[1::2])))
    said = [words[i : i + 3] for i in range(0, 60, 3)]
    rows = [
        {"text": " ".join(w for w, _ in three), "phonemes": " ".join(p for _, p in three)}
        for three in said
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    build = G2PBuild(
        gold=tmp_path / "gold.json",
        silver=tmp_path / "silver.json",
        corpus=tmp_path / "rows.jsonl",
        run=tmp_path / "run",
        out=tmp_path / "out",
        training=replace(SMALL, steps=60, held_out=5),
        refinement=replace(SMALL, steps=10, held_out=5, seed=2),
    )
    scores = build_g2p(build)
    assert scores["all"]["words"] > 20
    assert json.loads((build.out / "scores.json").read_text()) == scores
    lexicon = Lexicon.open(build.out / "lexicon.bin")
    graph = NeuralG2P(build.out / "g2p.onnx")
    inflected = find_language().pronunciation.inflected
    for word, phones in words:
        said = lexicon.get(word) or inflected(word, lexicon.get, ()) or graph.phones(word)
        assert said == phones
    with pytest.raises(ConfigError, match="misaki"):
        build_g2p(replace(build, gold=tmp_path / "none"))


def test_training_words_leave_out_what_endings_give() -> None:
    entries = {"cat": "kˈæt", "cats": "kˈæts", "of": "ʌv", "cat|verb": "kˈæt", "dog": "dˈɔɡ"}
    chosen = training_words(entries, {"of": "ʌv"}, {"cat", "dog"}, regular_share=0.0)
    assert chosen == {"cat": "kˈæt", "dog": "dˈɔɡ"}


def test_a_new_lexicon_holds_what_the_pack_says() -> None:
    source = LexiconSource({"jose": "ʤˈOz", "grace": "ɡɹˈɑ"}, {"abuses|noun": "əbjˈuzᵻz"})
    converter = train_converter(source, {"jose": "ʤˈOz", "grace": "ɡɹˈɑ"})
    entries = in_corpus_convention(source, {"grace": "ɡɹˈɑ"}, converter)
    assert entries["garcia"] == "ɡɑɹsˈiə" and entries["kevin"] == "kˈɛvɪn"
    assert entries["jose"] == "hOzˈA" and entries["grace"] == "ɡɹˈAs"
    assert entries["abuses|noun"] == "əbjˈusᵻz" and entries["exposé"] == "ˌɛkspOzˈA"
    assert not any("/" in phones for phones in entries.values())
