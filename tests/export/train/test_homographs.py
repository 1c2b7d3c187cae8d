"""The homographs' linear model at toy size: data, training, cross-validation."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from voicelet.errors import VoiceletError
from voicelet.text.pack.homographs import (
    Homograph,
    HomographData,
    Homographs,
    ModelUse,
)
from voicelet_export.cli.main import main
from voicelet_export.corpus.homographs import (
    read_spoken_homographs,
    read_wikipedia_homographs,
    sense_of_word_id,
)
from voicelet_export.errors import CorpusError
from voicelet_export.train.homographs import (
    HomographTraining,
    cross_validate,
    folds,
    importance_of,
    train_homographs,
)

PHONES = {"lead": "lˈid", "lead|metal": "lˈɛd", "record": "ɹˈɛkəɹd", "record|verb": "ɹᵻkˈɔɹd"}
METAL = ("pipes of lead and zinc", "a lump of lead and tin", "roofs of lead and glass")
VERB = ("they lead the team", "we lead the way", "you lead the choir")
SPOKEN = "".join(
    f"{word}\t{sense}\tOn day {number} {text}.\n"
    for number in ("one", "two", "three", "four")
    for word, sense, texts in (
        ("lead", "metal", METAL),
        ("lead", "verb", VERB),
        ("record", "verb", ("they record a song", "we record the rain")),
        ("record", "noun", ("an old record", "the record of rain")),
    )
    for text in texts
)
DATA = HomographData(
    words={
        "lead": Homograph(senses=("verb", "metal")),
        "record": Homograph(senses=("noun", "verb"), shared="verb"),
    },
    classes={"subjects": "they we you"},
    model=ModelUse("homographs.weights", ("subjects",), ("s",), 50, 50, 0),
)
TRAINING = HomographTraining(features=400, folds=3)


def test_wikipedia_offsets_are_bytes(tmp_path: Path) -> None:
    sentence = "À Łódź, the café’s lead singer quit; lead pipes were laid."
    start = len(sentence[: sentence.rindex("lead")].encode())
    path = tmp_path / "train.tsv"
    head = "homograph\twordid\tstart\tend\tsentence\n"
    path.write_text(head + f"lead\tlead_nou\t{start}\t{start + 4}\t{sentence}\n", encoding="utf-8")
    (example,) = read_wikipedia_homographs(path)
    assert example.sense == "metal"
    assert example.keys[example.place : example.place + 3] == ("lead", "pipes", "were")
    path.write_text(head + "lead\tlead_nou\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="line 2: five columns"):
        list(read_wikipedia_homographs(path))
    path.write_text("lead\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="heading"):
        list(read_wikipedia_homographs(path))


def test_upset_after_its_noun_is_stressed_like_the_verb(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    lines = ["homograph\twordid\tstart\tend\tsentence"]
    for sentence in ("She was upset today.", "It was a great upset today."):
        start = sentence.index("upset")
        lines.append(f"upset\tupset_nou\t{start}\t{start + 5}\t{sentence}")
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [e.sense for e in read_wikipedia_homographs(path)] == ["verb", "noun"]
    as_labelled = read_wikipedia_homographs(path, corrected=False)
    assert [e.sense for e in as_labelled] == ["noun", "noun"]


def test_word_ids() -> None:
    ids = ("abuse_vrb", "abstract_adj-nou", "aged_adj", "aged", "row_2", "nestle_nam", "ravel_nou")
    senses = ["verb", "noun", "adj", "past", "quarrel", "name", "verb"]
    assert [sense_of_word_id(word_id) for word_id in ids] == senses


def test_spoken_lines(tmp_path: Path) -> None:
    path = tmp_path / "spoken.tsv"
    path.write_text("lead\tmetal\tMisleading? Lead, I said.\n", encoding="utf-8")
    (example,) = read_spoken_homographs(path)
    assert example.keys[example.place] == "lead" and example.texts[example.place] == "Lead"
    for line, message in (("lead\tmetal", "word, sense"), ("lead\tmetal\tmisleading", "isn't in")):
        path.write_text(line, encoding="utf-8")
        with pytest.raises(CorpusError, match=message):
            list(read_spoken_homographs(path))


def test_training_learns_and_is_reproducible(tmp_path: Path) -> None:
    path = tmp_path / "spoken.tsv"
    path.write_text(SPOKEN, encoding="utf-8")
    examples = list(read_spoken_homographs(path))
    model = train_homographs([], examples, Homographs(DATA), TRAINING)
    assert 0 < len(model) <= TRAINING.features
    again = train_homographs([], examples, Homographs(DATA), TRAINING)
    assert again.to_bytes() == model.to_bytes()
    homographs = Homographs(DATA, model)
    clause = ["she", "bought", "bars", "of", "lead", "and", "tin"]
    assert homographs(clause, 4, clause) == ("metal",)
    _, spoken = cross_validate([], examples, DATA, PHONES.get, TRAINING)
    assert spoken.count == len(examples) and spoken.share > 0.9
    assert spoken.by_word["lead"][1] == 24
    # Without the words around, nothing can be told: the model is what reads them.
    blank = cross_validate([], examples, DATA, {"lead": "lˈid", "record": "x"}.get, TRAINING)[1]
    assert blank.share == 1.0  # all readings alike


def test_parts_hold_every_example_once_and_rare_readings_count_more(tmp_path: Path) -> None:
    path = tmp_path / "spoken.tsv"
    path.write_text(SPOKEN + "lead\tmetal\tLead!\n", encoding="utf-8")
    examples = list(read_spoken_homographs(path))
    parts = folds(examples, 3, 5)
    assert sorted(index for part in parts for index in part) == list(range(len(examples)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts == folds(examples, 3, 5) != folds(examples, 3, 6)
    training = HomographTraining(rarity=1.0, spoken_weight=2.0)
    importance = importance_of(examples[:-1], 1, training)
    assert importance[0] == 1.0 and importance[1] == 2.0
    few = [e for e in examples if e.sense == "metal"][:2] + [
        e for e in examples if e.sense == "verb"
    ]
    assert importance_of(few, len(few), training)[0] > importance_of(few, len(few), training)[-1]


def test_the_pack_must_know_the_sense(tmp_path: Path) -> None:
    path = tmp_path / "spoken.tsv"
    path.write_text("lead\trope\tThe dog pulled on its lead.\n", encoding="utf-8")
    with pytest.raises(VoiceletError, match="no sense 'rope' of 'lead'"):
        train_homographs([], list(read_spoken_homographs(path)), Homographs(DATA), TRAINING)


def test_command(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    use: dict[str, object] = {"weights": "w", "classes": [], "endings": []}
    use |= {"over_rules": 1, "over_points": 1, "alone": 1}
    senses = {"lead": {"senses": ["verb", "metal"]}, "record": {"senses": ["noun", "verb"]}}
    (pack / "homographs.json").write_text(json.dumps({"words": senses, "model": use}))
    (tmp_path / "spoken.tsv").write_text(SPOKEN, encoding="utf-8")
    (tmp_path / "train.tsv").write_text("homograph\twordid\tstart\tend\tsentence\n")
    with caplog.at_level(logging.INFO):
        assert main([
            "homographs", "--wikipedia", str(tmp_path / "train.tsv"),
            "--spoken", str(tmp_path / "spoken.tsv"), "--pack", str(pack),
            "--lexicon", "unused", "--no-scores", "--out", str(pack / "w"),
        ]) == 0  # fmt: skip
    assert "sha256" in caplog.text
    clause = ["bars", "of", "lead", "and", "tin"]
    raw = json.loads((pack / "homographs.json").read_text())
    homographs = Homographs.from_mapping(raw, (pack / "w").read_bytes())
    assert homographs(clause, 2, clause) == ("metal",)
