"""What screen readers ask for: marks by name, capitals made known, characters and keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voicelet.errors import ConfigError, PackError
from voicelet.text.characters import CharacterNames, MarkName
from voicelet.text.front_end import clauses
from voicelet.text.items import MAX_LONE_CHARS
from voicelet.text.pack.characters import character_names
from voicelet.text.pack.packaged import find_language
from voicelet.text.pack.tables import Tables, parse_table
from voicelet.text.reading import Reading
from voicelet.text.words import Word


def words(text: str, **reading: Any) -> list[Word]:
    found = clauses(text, reading=Reading(**reading))
    return [t for clause in found for t in clause.tokens if isinstance(t, Word)]


def said(text: str, **reading: Any) -> str:
    """Words as they are said, "^" before those that are spelled."""
    return " ".join("^" * w.spell + w.text for w in words(text, **reading))


# ---------------------------------------------------------------- punctuation


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("none", "yes no and times so on"),
        ("some", "yes no and star so on"),
        ("most", "left parenthesis yes right parenthesis no semicolon and star so on"),
        (
            "all",
            "left parenthesis yes right parenthesis comma no semicolon and star so on"
            " question mark",
        ),
    ],
)
def test_every_level_speaks_its_marks_and_those_of_the_levels_before(
    level: str, expected: str
) -> None:
    assert said("(yes), no; and * so on?", punctuation=level) == expected


def test_a_mark_that_is_spoken_still_shapes_the_sentence() -> None:
    (plain,), (named,) = (
        list(clauses("Is it there?", reading=Reading(punctuation=level)))
        for level in ("none", "all")  # type: ignore[arg-type]
    )
    assert plain.tokens[-1] == named.tokens[-1]
    assert len(list(clauses("One. Two.", reading=Reading(punctuation="all")))) == 2


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("It cost 3.50 or 1,200.", "all", "It cost three point five zero or one thousand two"),
        ("at 3:45", "some", "at three forty five"),
        ("at 3:45", "most", "at three colon forty five"),
        ("don't", "all", "don't"),
        ("'tis", "all", "apostrophe tis"),
        ("C:\\temp", "some", "^C backslash temp"),
        ("a_b", "most", "a underscore ^b"),
        ("----------", "most", "ten dash"),
        ("a -- b", "most", "a dash dash ^b"),
        ("wait...", "all", "wait dot dot dot"),
        ("[[tˈi]] [x]", "most", " left bracket ^x right bracket"),
    ],
)
def test_numbers_words_and_runs(text: str, level: str, expected: str) -> None:
    heard = said(text, punctuation=level)
    assert heard.lower().startswith(expected.lower()), heard


def test_a_name_stands_where_its_mark_is() -> None:
    text = "née (x) 🙂 y"
    assert {text[slice(*w.span)] for w in words(text, punctuation="most")} >= {"(", ")", "née"}
    (dash,) = (w for w in words("a -------- b", punctuation="most") if w.text == "dash")
    assert dash.span == (2, 10)
    ssml = "<speak>a &amp; b</speak>"
    (name,) = (w for w in words(ssml, punctuation="some") if w.text == "and")
    assert ssml[slice(*name.span)] == "&amp;"


def test_long_texts_are_named_as_they_come() -> None:
    endless = clauses("(word) " * 200_000, reading=Reading(punctuation="most"))
    first = next(endless)
    assert [t.text for t in first.tokens if isinstance(t, Word)][:3] == [
        "left",
        "parenthesis",
        "word",
    ]


# ---------------------------------------------------------------- marks alone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?", "question mark"),
        ("\\", "backslash"),
        ("^", "caret"),
        (" . ", "dot"),
        ("?!", "question mark exclamation mark"),
        ("->", "dash greater than"),
        ("←", "left arrow"),
        ("<speak>&amp;</speak>", "and"),
        ("<speak>;</speak>", "semicolon"),
    ],
)
def test_marks_alone_are_spoken(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\x00", "<speak/>"])
def test_nothing_is_still_nothing(text: str) -> None:
    assert list(clauses(text)) == []


def test_a_long_text_of_marks_is_no_question() -> None:
    assert list(clauses("?!" * MAX_LONE_CHARS)) == []


def test_marks_beside_words_keep_their_silence() -> None:
    assert said("Really?!") == "Really"


# ---------------------------------------------------------------- capitals


def test_capitals_are_announced() -> None:
    text = "Ana saw the FBI, É. and an iPhone; Dr. Smith too"
    expected = "cap Ana saw the all caps ^FBI cap ^É and an iPhone cap Doctor cap Smith too"
    assert said(text, capitals="say") == expected
    assert said("no capital here", capitals="say") == "no capital here"


@pytest.mark.parametrize("way", ["pitch", "tone"])
def test_capitals_are_flagged_once_each(way: str) -> None:
    marked = [w.text for w in words("It costs $5 in New York.", capitals=way) if w.capital]
    assert marked == ["It", "New", "York"]
    assert not any(w.capital for w in words("It costs $5."))


# ---------------------------------------------------------------- characters and keys


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a", "^A"),
        ("A", "^A"),
        ("o", "^O"),
        ("5", "five"),
        (" ", "space"),
        ("\t", "tab"),
        ("\n", "new line"),
        ("?", "question mark"),
        ("?\n", "question mark"),
        ("\\", "backslash"),
        ("½", "one half"),
        ("é", "^E acute"),
        ("e\u0301", "^E acute"),
        ("ǖ", "^U umlaut macron"),
        ("ß", "sharp ^S"),
        ("λ", "lambda"),
        ("Enter", "enter"),
        ("PageUp", "page up"),
        ("page up", "page up"),
        ("arrow-left", "left arrow"),
        ("Esc", "escape"),
        ("F5", "^F five"),
        ("f12", "^F twelve"),
        ("Ctrl+C", "control ^C"),
        ("ctrl+shift++", "control shift plus"),
        ("+", "plus"),
        ("🙂", "slightly smiling face"),
        ("\ue000", "^U ^E zero zero zero"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_characters_and_keys(key: str, expected: str) -> None:
    assert said(key, key=True) == expected


def test_capitals_of_characters() -> None:
    assert said("É", key=True, capitals="say") == "cap ^E acute"
    assert said("é", key=True, capitals="say") == "^E acute"
    assert said("Ctrl+C", key=True, capitals="say") == "control ^C"
    assert [w.capital for w in words("É", key=True, capitals="pitch")] == [True, False]


def test_no_character_is_silent() -> None:
    assert [hex(c) for c in range(0x20, 0x3100, 29) if not words(chr(c), key=True)] == []


def test_no_key_stands_for_nothing() -> None:
    assert list(clauses("", reading=Reading(key=True))) == []


# ---------------------------------------------------------------- the names are the language's


def test_names_come_from_the_language() -> None:
    names = CharacterNames(
        marks={"?": MarkName("zug zug", "some")},
        letters={"ñ": "enye", "\u0301": "akut"},
        keys={"enter": "mata", "f*": "^F"},
        capital="groß",
        capitals="alles groß",
    )
    toy = replace(find_language(), characters=lambda: names)

    def heard(text: str, reading: Reading) -> list[str]:
        found = clauses(text, reading=reading, language=toy)
        return [t.text for c in found for t in c.tokens if isinstance(t, Word)]

    assert heard("Ja?", Reading(punctuation="some", capitals="say")) == ["groß", "Ja", "zug", "zug"]
    assert heard("Ñ", Reading(key=True, capitals="say")) == ["groß", "enye"]
    assert heard("Enter", Reading(key=True)) == ["mata"]
    assert heard("(x)", Reading(punctuation="all")) == ["x"]


def tables(**sources: str) -> Tables:
    made = {name: parse_table(text, name) for name, text in sources.items()}
    return Tables({n: lambda t=t: t for n, t in made.items()}, {}, "toy")  # type: ignore[misc]


def test_a_pack_may_lack_names() -> None:
    assert character_names(tables()) == CharacterNames()
    only = character_names(tables(capitals="what\tname\nletter\tcap\n"))
    assert (only.capital, only.capitals) == ("cap", "cap")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mark\tname\tlevel\n??\tx\tall\n", "one character"),
        ("mark\tname\tlevel\n?\tx\tmots\n", "did you mean 'most'"),
        ("mark\tname\n?\tx\n", "no column 'level'"),
    ],
)
def test_wrong_tables_are_refused(text: str, message: str) -> None:
    with pytest.raises(PackError, match=message):
        character_names(tables(punctuation=text))


def test_the_tables_of_every_language_can_be_read() -> None:
    root = Path(__file__).parents[2] / "sdk" / "voicelet" / "languages"
    folders = {path.parent for path in root.glob("*/tables/punctuation.tsv")}
    assert root / "en" / "tables" in folders
    for folder in folders:
        read = {p.stem: parse_table(p.read_text("utf-8"), str(p)) for p in folder.glob("*.tsv")}
        names = character_names(Tables({n: lambda t=t: t for n, t in read.items()}, {}, "it"))  # type: ignore[misc]
        assert set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") <= set(names.marks), folder
        assert {"space", "enter", "f*", "tab", "escape"} <= set(names.keys), folder
        assert names.capital and names.capitals, folder


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"punctuation": "mots"}, "did you mean 'most'"),
        ({"punctuation": True}, "punctuation can't be True"),
        ({"capitals": "beep"}, "none, say, pitch, tone"),
    ],
)
def test_wrong_readings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Reading(**wrong)
