"""Text that arrives little by little: whole sentences as soon as they are over, nothing lost."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.text import sentences
from voicelet.text.sentences import MAX_PIECE_CHARS, SentenceSplitter


def pieces(text: str, size: int = 1, **settings: bool) -> tuple[list[str], str]:
    """What is given while the text arrives, and what only its end gives."""
    splitter = SentenceSplitter(**settings)
    given = [p for i in range(0, len(text), size) for p in splitter.feed(text[i : i + size])]
    return given, "".join(splitter.flush())


@pytest.mark.parametrize(
    ("text", "given", "rest"),
    [
        ("Hello there. How are", ["Hello there. "], "How are"),
        ("Hello there. ", [], "Hello there. "),  # "Mr. " may go on, as this may
        ("Hello there.\n", ["Hello there.\n"], ""),
        ("Dr. Smith came. He saw. ", ["Dr. Smith came. "], "He saw. "),
        ("It is 3.5 m. I think. So", ["It is 3.5 m. "], "I think. So"),
        ('"Go." "No way." She', ['"Go." '], '"No way." She'),
        ("A title\n\nA text", ["A title\n\n"], "A text"),
        ("a line\nof more\n", [], "a line\nof more\n"),
        ("<speak>One. Two.</speak >\n", ["<speak>One. Two.</speak >"], "\n"),
        ("<?xml version='1.0'?>\n<!-- A. B. -->\n<speak>a. b. ", [], None),
        ("<3 you. All of", ["<3 you. "], "All of"),
    ],
)
def test_ends_of_sentences(text: str, given: list[str], rest: str | None) -> None:
    assert pieces(text) == (given, text if rest is None else rest)


def test_much_at_once_is_cut_after_the_last_sentence_that_is_over() -> None:
    text = "One is here. Two is here. Three is here. Fo"
    assert pieces(text, 100) == (["One is here. Two is here. "], "Three is here. Fo")


def test_lines() -> None:
    assert pieces("one. two\n\nthree", 4, lines=True) == (["one. two\n", "\n"], "three")
    assert pieces("<speak>\na\n", 40, lines=True)[0] == ["<speak>\n", "a\n"]


def test_ssml_without_a_root_is_one_piece() -> None:
    assert pieces("One. <break/> Two.\n\nThree. ", 3, ssml=True)[0] == []


@pytest.mark.parametrize("lines", [True, False])
def test_text_without_ends_is_cut_between_words(lines: bool) -> None:
    given, rest = pieces("word " * 8000, 500, lines=lines)
    assert len(given) == 40_000 // MAX_PIECE_CHARS
    assert all(p.endswith("word ") and len(p) <= MAX_PIECE_CHARS for p in given)
    assert len(rest) < MAX_PIECE_CHARS


alphabet = st.sampled_from([*"aB.!?…\"')»。 \n\r\t<>/&[]\x00\udcff", "Dr. ", "<speak>", "</speak>"])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(alphabet, max_size=8).map("".join), max_size=12), st.booleans())
def test_nothing_is_lost(chunks: list[str], lines: bool) -> None:
    splitter = SentenceSplitter(lines=lines)
    out = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    out += splitter.flush()
    assert "".join(out) == "".join(chunks) and all(out)


@pytest.mark.parametrize("text", ["Dr. Who ", "e.g. this\n", ". ", "word ", "a\n \n", "\n", 'q." '])
def test_work_is_linear_for_a_writer_of_single_letters(text: str) -> None:
    """Counted in characters that the front end was asked about."""

    def asked(count: int) -> int:
        with mock.patch.object(sentences, "clauses", wraps=sentences.clauses) as front_end:
            pieces(text * count)
        return sum(len(call.args[0]) for call in front_end.call_args_list)

    few, many = asked(200), asked(600)
    assert many <= 3.5 * few + 1000
