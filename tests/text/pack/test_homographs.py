"""Homographs of a made-up language: predicates, decision lists, points, the linear model."""

from __future__ import annotations

from typing import Any

import pytest

from voicelet.errors import ConfigError, PackError
from voicelet.text.pack.homographs import HomographData, Homographs
from voicelet.text.pack.linear import (
    LinearModel,
    feature_numbers,
    features,
    pack_weights,
    tag_of,
)
from voicelet.text.pack.word_context import WordContext, all_of

CLASSES = {"articles": frozenset({"la", "le"}), "birds": frozenset({"tui", "kea"})}
CLAUSE = ("Le", "tui", "ne", "solement", "poro", "la", "Kea", "vide")


def context(place: int) -> WordContext:
    keys = [word.lower() for word in CLAUSE]
    return WordContext(keys, place, CLAUSE, lambda word: word == "ne" or word.endswith("ment"))


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("w-1 solement", True),
        ("w-1 @articles", False),
        ("w+1 @articles vide", True),
        ("w+9 -", True),
        ("w+1 -", False),
        ("skip-1 @birds", True),
        ("skip-2 le", True),
        ("skip-1 solement", False),
        ("before-2 ne", True),
        ("before-2 tui", False),
        ("before tui", True),
        ("after-2 kea", True),
        ("after-1 kea", False),
        ("after vide", True),
        ("clause le", True),
        ("clause lo", False),
        ("word poro", True),
        ("word tui", False),
        ("w-1 ends ment", True),
        ("before ends ui", True),
        ("before ends ea", False),
        ("capital", False),
        ("capital w+2", True),
        ("capital w-1", False),
        ("first", False),
        ("last", False),
        ("score 0", True),
        ("score 3", False),
        ("not w-1 solement", False),
        ("not w+1 @birds", True),
        ("w-1 x | w+1 la", True),
        ("w-1 x | not w+1 la", False),
    ],
)
def test_predicates(line: str, holds: bool) -> None:
    (predicate,) = all_of([line], CLASSES, "test")
    assert predicate(context(4)) is holds


def test_places_at_the_ends_of_a_clause() -> None:
    at_start, at_end = context(0), context(len(CLAUSE) - 1)
    for line in ("first", "w-1 -", "skip-1 -", "skip-2 -", "capital"):
        assert all_of([line], CLASSES, "test")[0](at_start), line
    for line in ("last", "w+1 -", "not after le", "skip-1 kea"):
        assert all_of([line], CLASSES, "test")[0](at_end), line


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("w-1", "isn't a predicate"),
        ("w+0 la", "no place"),
        ("skip-3 la", "no place"),
        ("clauses la", "did you mean 'clause'"),
        ("w-1 @article", "did you mean 'articles'"),
        ("", "isn't a predicate"),
        ("w-1 ends -", "isn't a predicate"),
        ("score many", "no place"),
    ],
)
def test_a_wrong_predicate_is_named(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        all_of([line], CLASSES, "test")


def pack(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "classes": {"articles": "la le", "given": "@articles mi"},
        "adverbs": {"words": "ne", "endings": "ment", "letters": 6},
        "words": {
            "poro": {
                "senses": ["fish", "door", "name"],
                "rules": [
                    {"sense": "name", "when": ["capital", "not first"]},
                    {"sense": None, "when": ["skip-1 nul"]},
                    {"sense": "door", "when": ["skip-1 @given"]},
                ],
            }
        },
        "part_of_speech": {
            "words": "poro sala tiro",
            "chains": [
                [{"add": 2, "when": ["w-1 tu"]}, {"add": -4, "when": ["skip-1 @articles"]}],
                [{"add": 3, "when": ["w+1 la"]}, {"add": -1, "when": ["w+1 -", "score 0"]}],
            ],
            "above": [{"senses": ["verb"]}],
            "below": [{"senses": ["noun", "adj"], "when": ["word ends ro"]}, {"senses": ["noun"]}],
        },
    }
    return data | changes


@pytest.mark.parametrize(
    ("sentence", "word", "senses"),
    [
        ("la ne poro", "poro", ("door",)),
        ("mi poro vide", "poro", ("door",)),
        ("vide Poro", "poro", ("name",)),
        ("Poro vide", "poro", ()),
        ("nul poro vide", "poro", ()),  # its list ends without a sense, and no points count
        ("nul poro", "poro", ("noun", "adj")),
        ("tu sala vide", "sala", ("verb",)),
        ("la lentement sala vide", "sala", ("noun",)),
        ("la sala la", "sala", ("noun",)),
        ("x sala", "sala", ("noun",)),
        ("la tiro", "tiro", ("noun", "adj")),
        ("x sala x", "sala", ()),
        ("tu vide la", "vide", ()),  # no homograph
    ],
)
def test_lists_and_points(sentence: str, word: str, senses: tuple[str, ...]) -> None:
    texts = sentence.split()
    keys = [text.lower() for text in texts]
    assert Homographs.from_mapping(pack())(keys, keys.index(word), texts) == senses


def modelled(weights: dict[str, int], margins: tuple[int, int, int]) -> Homographs:
    """Weights by "PREFIX feature"."""
    use = {
        "weights": "w",
        "classes": ["articles"],
        "endings": ["ment"],
        "over_rules": margins[0],
        "over_points": margins[1],
        "alone": margins[2],
    }
    numbers = {}
    for name, weight in weights.items():
        prefix, _, feature = name.partition(" ")
        numbers[feature_numbers(prefix, [feature.encode()])[0]] = weight
    part = pack()["part_of_speech"] | {
        "groups": [{"group": "o", "when": ["word ends o"]}, {"group": "a"}]
    }
    data = pack(model=use, part_of_speech=part)
    return Homographs.from_mapping(data, pack_weights(numbers))


def test_the_model_overrules_by_margin_only() -> None:
    clause = ["la", "poro", "vide"]
    for lead, senses in ((49, ("door",)), (50, ("name",)), (51, ("name",))):
        homographs = modelled({"poro|name w-1=la": lead}, (50, 0, 0))
        assert homographs(clause, 1, clause) == senses
    alone = ["x", "poro", "x"]
    assert modelled({"poro|door w1=x": 5}, (50, 50, 6))(alone, 1, alone) == ()
    assert modelled({"poro|door w1=x": 6}, (50, 50, 6))(alone, 1, alone) == ("door",)
    # The first sense scores 0; the lead is over the second best.
    both = {"poro|door w1=x": 20, "poro|name w1=x": 15}
    assert modelled(both, (50, 50, 6))(alone, 1, alone) == ()
    assert modelled({"poro|door w1=x": -9, "poro|name w1=x": -7}, (9, 9, 7))(alone, 1, alone) == (
        "fish",
        "noun",
        "adj",
    )


def test_words_without_weights_of_their_own_share() -> None:
    clause = ["la", "sala", "vide"]
    assert modelled({"|a t-1=articles": 9}, (0, 9, 0))(clause, 1, clause) == ("verb",)
    assert modelled({"|a t-1=articles": 9}, (0, 10, 0))(clause, 1, clause) == ("noun",)
    assert modelled({"|o t-1=articles": 99}, (0, 9, 0))(clause, 1, clause) == ("noun",)


def test_every_place_of_odd_clauses_is_read() -> None:
    homographs = modelled({"poro|door b=": 3}, (9, 9, 0))
    for clause in (["poro"], ["poro", "poro"], ["", "poro", ""], ["\ud7ff", "poro", "é" * 300]):
        for place in range(len(clause)):
            assert all(isinstance(s, str) for s in homographs(clause, place, clause))


def test_features_are_what_the_docstring_says() -> None:
    texts = ["Anna", "ne", "POR", "la", "vidento"]
    found = features(
        [t.lower() for t in texts], 2, texts, lambda w: f"T{len(w)}", "anna", "door", -9
    )
    assert found == [
        "b=",
        *("w-3=<", "w-2=anna", "w-1=ne", "w1=la", "w2=vidento", "w3=>"),
        *("w-1,w1=ne,la", "w-2,w-1=anna,ne", "w1,w2=la,vidento"),
        *("t-3=<", "t-2=T4", "t-1=T2", "t1=T2", "t2=T7", "t3=>"),
        *("t-1,t1=T2,T2", "t-2,t-1=T4,T2", "t1,t2=T2,T7"),
        *("t-2,t-1,t1=T4,T2,T2", "t-1,t1,t2=T2,T2,T7"),
        *("s=T4", "s,t1=T4,T2"),
        "e2=nto",
        *("c0=A", "c0=AA"),
        *("bag=anna", "bag=vidento"),
        *("r=door", "r,p=door,-6"),
    ]
    assert "c0,first=A" in features(["la"], 0, ["La"], lambda w: "*", "", "", 0)


def test_tags() -> None:
    classes = [("a", frozenset({"la"})), ("b", frozenset({"la", "tu"}))]
    assert tag_of("la", classes, ("ent",)) == "a"
    assert tag_of("tu", classes, ("ent",)) == "b"
    assert tag_of("vident", classes, ("ment", "ent")) == "*ent"
    assert tag_of("sent", classes, ("ent",)) == "*"


def slow_crc32(data: bytes) -> int:
    """CRC-32 bit by bit, as ISO 3309 defines it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_numbers_are_crc32() -> None:
    assert slow_crc32(b"123456789") == 0xCBF43926
    strings = ["w-1=là", "b="]
    assert feature_numbers("poro|door", [s.encode() for s in strings]) == [
        slow_crc32(f"poro|door\t{s}".encode()) for s in strings
    ]


def test_weights_file() -> None:
    data = pack_weights({7: -3, 4_000_000_000: 127, 1: 2})
    model = LinearModel(data)
    assert model.to_bytes() == data and len(model) == 3
    assert model.score([7, 7, 1, 5, 4_000_000_000, 4_294_967_295]) == -6 + 2 + 127
    assert model.score([]) == 0
    for damaged in (b"", data[:-1], data + b"\0", b"X" + data[1:], data[:8] + b"\xff" * 4):
        with pytest.raises(PackError, match="install the language pack again"):
            LinearModel(damaged)
    swapped = data[:12] + data[16:20] + data[12:16] + data[20:]
    with pytest.raises(PackError, match="out of order"):
        LinearModel(swapped)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wordz": {}}, "did you mean 'words'"),
        ({"words": {"poro": {"rules": [{"when": []}]}}}, "sense"),
        ({"words": {"poro": {"senses": ["one"]}}}, "two senses"),
        ({"words": {"poro": {"rules": [{"sense": "x", "when": ["w-1 @no"]}]}}}, "words.poro"),
        ({"classes": {"given": "@articles"}}, "class 'given'"),
    ],
)
def test_a_wrong_file_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Homographs.from_mapping(pack(**changes))


def test_an_empty_file_has_no_homographs() -> None:
    assert Homographs(HomographData())(["la"], 0, ["La"]) == ()
