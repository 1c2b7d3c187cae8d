"""Tunes: which sentences rise, where, and which don't."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.bundle import open_bundle
from voicelet.synth.front_end import open_front_end
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.words import PhoneClause


@pytest.fixture(scope="module")
def front_end() -> TextFrontEnd:
    return open_front_end(open_bundle())


def told(clauses: list[PhoneClause]) -> list[tuple[str, str]]:
    """(turn, the last word it covers) of every tone."""
    found = []
    for clause in clauses:
        for tone in clause.tones:
            assert 0 <= tone.start < tone.end <= len(clause.phones)
            word = next(w for w in clause.words if w.end >= tone.end)
            found.append((tone.turn, word.text))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Is it raining?",
        "You left the key at home?",
        "And did you see him?",
        "It's cold, isn't it?",
        "When it rains, do you stay home?",
        "Do you know where it is?",
        "Oh, really?",
        "Please, can you help me or not?",
        "Ready?",
        '"Are you coming?" he asked.',
    ],
)
def test_these_rise(front_end: TextFrontEnd, text: str) -> None:
    turns = told(list(front_end.clauses(text)))
    assert [turn for turn, _ in turns] == ["rise"]


@pytest.mark.parametrize(
    "text",
    [
        "Where is it?",
        "What's that?",
        "And why, after all this, did you call her?",
        "In which house do you live?",
        "How many are there?",
        "It is raining.",
        "Stop that!",
        "She asked whether it was true.",
        "I saw him, but he was late.",
        "After the rain, the sun came out.",
        "",
        "?",
        "?!,…",
    ],
)
def test_these_have_a_melody_of_their_own(front_end: TextFrontEnd, text: str) -> None:
    assert told(list(front_end.clauses(text))) == []


def test_the_rise_begins_at_the_last_stress(front_end: TextFrontEnd) -> None:
    (clause,) = front_end.clauses("Did you like it?")
    (tone,) = clause.tones
    assert clause.phones[tone.start] == "ˈ"
    assert clause.phones[tone.start : tone.end].startswith("ˈIk")
    assert clause.phones[tone.end :] == "?"


def test_a_choice_goes_up_and_comes_down(front_end: TextFrontEnd) -> None:
    clauses = list(front_end.clauses("Would you like tea or coffee?"))
    assert told(clauses) == [("go_on", "tea"), ("fall", "coffee")]


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("We need pears, plums, and figs.", ["pears", "plums", "figs"]),
        ("We need pears, plums and figs.", ["pears", "plums", "figs"]),
        # Cut at a comma after the first words, so that the listener waits less.
        (
            "She comes on Monday, Tuesday, Wednesday, and Friday.",
            ["Tuesday", "Wednesday", "Friday"],
        ),
        (
            "I bought some apples, pears, plums, and cherries.",
            ["apples", "pears", "plums", "cherries"],
        ),
    ],
)
def test_lists_go_up_and_at_last_down(front_end: TextFrontEnd, text: str, turns: list[str]) -> None:
    found = told(list(front_end.clauses(text)))
    assert [word for _, word in found][-3:] == turns[-3:]
    assert [turn for turn, _ in found] == ["go_on"] * (len(found) - 1) + ["fall"]


def test_exclamations_are_told(front_end: TextFrontEnd) -> None:
    clauses = list(front_end.clauses("Watch out! It is hot. Really?"))
    assert [clause.exclaimed for clause in clauses] == [True, False, False]


def test_a_wh_word_is_remembered_over_a_cut(front_end: TextFrontEnd) -> None:
    long = "Where did the people whom we met at the station yesterday evening, "
    text = long * 3 + "after all that had happened to them on the way, go?"
    clauses = list(front_end.clauses(text))
    assert len(clauses) > 1
    assert told(clauses) == [] or told(clauses)[-1][0] != "rise"
    (again,) = front_end.clauses("Did they go?")
    assert again.tones[0].turn == "rise"


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="abc ,.?!or and\n\"'—…()", max_size=80))
def test_tones_lie_within_their_clause(front_end: TextFrontEnd, text: str) -> None:
    for clause in front_end.clauses(text):
        for tone in clause.tones:
            assert 0 <= tone.start < tone.end <= len(clause.phones)
        starts = [tone.start for tone in clause.tones]
        assert starts == sorted(starts)
