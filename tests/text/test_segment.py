"""Clauses: where text is cut, what is paused, and that all of it is lazy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from voicelet.errors import TextError
from voicelet.text import segment
from voicelet.text.cleanup import SourcePiece, plain_pieces
from voicelet.text.front_end import clauses
from voicelet.text.language import Pauses
from voicelet.text.pack.packaged import find_language
from voicelet.text.scanner import Scanner
from voicelet.text.words import Clause, Mark, Word

PAUSES = Pauses()


def show(clause: Clause) -> str:
    return " ".join(t.text for t in clause.tokens)


def texts(text: str) -> list[str]:
    return [show(c) for c in clauses(text)]


def spoken_chars(clause: Clause) -> int:
    return sum(len(t.text) + 1 for t in clause.tokens if isinstance(t, Word))


def test_abbreviations_dont_end_sentences() -> None:
    found = list(clauses("Dr. Smith went to Washington D.C. on Jan. 3rd. He left."))
    assert [show(c) for c in found] == [
        "Doctor Smith went to Washington DC on January third .",
        "He left .",
    ]
    assert [c.sentence_end for c in found] == [True, True]


def test_pauses_by_what_stands_between() -> None:
    text = "One sentence here. Another one?\n\nA paragraph; the last"
    found = list(clauses(text))
    assert [c.pause_after_ms for c in found] == [
        PAUSES.sentence_ms,
        PAUSES.paragraph_ms,
        0,
    ]


def test_a_quoted_question_goes_on() -> None:
    found = list(clauses('"Really?" he asked. "Yes." She nodded.'))
    assert [show(c) for c in found] == ['" Really ? "', "he asked .", '" Yes . "', "She nodded ."]
    assert [c.sentence_end for c in found] == [False, True, True, True]
    assert found[0].pause_after_ms == PAUSES.clause_ms


def test_a_sentence_may_begin_with_a_figure() -> None:
    assert [c.sentence_end for c in clauses("Wow! 2 cats. 3 dogs.")] == [True, True, True]


def test_an_ellipsis_is_a_hesitation_or_an_end() -> None:
    found = list(clauses("Well... perhaps. So… Then"))
    assert [show(c) for c in found] == ["Well ,", "perhaps .", "So .", "Then ."]
    assert [c.sentence_end for c in found] == [False, True, True, True]
    assert [c.pause_after_ms for c in found] == [
        PAUSES.ellipsis_ms,
        PAUSES.sentence_ms,
        PAUSES.trailed_off_ms,
        0,
    ]


def test_a_clause_ends_at_a_dash() -> None:
    found = list(clauses("He came — late, as ever — and left. — No."))
    assert [show(c) for c in found] == ["He came ,", "late , as ever ,", "and left .", "No ."]
    assert [c.pause_after_ms for c in found] == [
        PAUSES.dash_ms,
        PAUSES.dash_ms,
        PAUSES.sentence_ms,
        0,
    ]
    assert texts("A well-known man — of 1990-95.")[0] == "A well known man ,"
    assert texts("Wait, — no —. Yes") == ["Wait ,", "no .", "Yes ."]


def test_parentheses_are_clauses_of_their_own() -> None:
    found = list(clauses("The old man (who was tired), slept (as he did)."))
    assert [(show(c), c.aside) for c in found] == [
        ("The old man ,", False),
        ("( who was tired )", True),
        ("slept ,", False),
        ("( as he did ) .", True),
    ]
    assert [c.pause_after_ms for c in found] == [PAUSES.aside_ms] * 3 + [0]
    assert [c.sentence_end for c in found] == [False, False, False, True]
    # Nothing is set off where nothing is inserted, and nothing stays open.
    assert texts("Your key(s) or print() here.") == ["Your key ( s ) or print here ."]
    found = list(clauses("So (he said. Then he left. a) one b) two"))
    assert [c.aside for c in found] == [False, True, False, False]
    found = list(clauses("A (b\n\nNext one. And another."))
    assert [c.aside for c in found] == [False, True, False, False]
    found = list(clauses("(He was tired. Very.) Then he slept."))
    assert [(show(c), c.aside) for c in found] == [
        ("( He was tired .", True),
        ("Very . )", True),
        ("Then he slept .", False),
    ]


def test_an_end_without_a_mark_gets_a_full_stop() -> None:
    assert texts("Hello") == ["Hello ."]
    assert texts("A heading\nThen the text goes on.") == ["A heading .", "Then the text goes on ."]
    assert texts("- one\n- two") == ["one .", "two ."]


def test_hard_wrapped_prose_is_not_broken_at_line_ends() -> None:
    text = "This is a long line of prose that was wrapped by an editor\nNot at a sentence's end."
    assert len(texts(text)) == 1


def test_the_first_clause_is_short() -> None:
    text = "When the rain had finally stopped, the children went out, and they played all day."
    assert texts(text) == [
        "When the rain had finally stopped ,",
        "the children went out , and they played all day .",
    ]
    # Not for a word or two on either side of the comma.
    assert texts("Well, that was quite something to see.") == [
        "Well , that was quite something to see ."
    ]
    assert len(texts("I have never seen the sea before, John.")) == 1


def test_long_sentences_are_cut_where_one_would_breathe() -> None:
    text = (
        "The committee, which had met every week since the early spring, decided that the old"
        " bridge had to be closed to all traffic; the new one, which nobody had yet seen, would"
        " be opened by the mayor and the oldest inhabitant in September."
    )
    first, second, third = texts(text)
    assert first == "The committee , which had met every week since the early spring ,"
    assert second.endswith("all traffic ;")
    assert third.startswith("the new one")


def test_without_punctuation_clauses_keep_to_the_limit() -> None:
    found = list(clauses("word " * 20_000))
    assert sum(isinstance(t, Word) for c in found for t in c.tokens) == 20_000
    assert max(spoken_chars(c) for c in found) <= segment.MAX_CLAUSE_CHARS * 4 // 3
    assert min(spoken_chars(c) for c in found[:-1]) >= segment.MAX_CLAUSE_CHARS // 2
    assert {c.pause_after_ms for c in found} == {0}


def test_a_cut_prefers_conjunctions_to_bare_spaces() -> None:
    text = "word " * 20 + "and " + "word " * 30
    assert texts(text)[1].startswith("and")


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00", "\u200b", "\ud800"])
def test_nothing_to_say_gives_no_clauses(text: str) -> None:
    assert texts(text) == []


def test_the_limit_can_be_chosen() -> None:
    text = "one two three four five six seven eight nine ten " * 4
    assert len(list(clauses(text, max_clause_chars=40))) > len(list(clauses(text)))


def test_only_text_is_taken() -> None:
    with pytest.raises(TextError, match="bytes"):
        clauses(b"hello")  # type: ignore[arg-type]


def test_the_source_is_read_as_far_as_the_first_clause_needs() -> None:
    taken = []

    def pieces() -> Iterator[SourcePiece]:
        for piece in plain_pieces("This is a sentence. " * 5000):
            taken.append(piece)
            yield piece

    first = next(segment.Segmenter().clauses(Scanner(pieces()).items()))
    assert show(first) == "This is a sentence ."
    assert len(taken) <= 2


def test_spans_point_at_what_was_written() -> None:
    text = "Zoë\u200b paid  $5 on\r\n3 May “now” 😂 ﬁne."
    words = [t for c in clauses(text) for t in c.tokens if isinstance(t, Word)]
    written = {w.text: text[slice(*w.span)] for w in words}
    assert written["Zoë"] == "Zoë"
    assert written["five"] == written["dollars"] == "$5"
    assert written["May"] == "3 May"
    assert written["now"] == "now"
    assert written["joy"] == "😂"
    assert written["fine"] == "ﬁne"


def test_marks_never_pile_up() -> None:
    for clause in clauses("Well,,, - ;; ... (( )) yes ,;: ok!!??.. (no)). And ) so" * 50):
        run = 0
        for token in clause.tokens:
            run = run + 1 if isinstance(token, Mark) else 0
            assert run <= segment.MAX_MARKS_IN_ROW


def test_a_language_says_how_long_it_pauses() -> None:
    slow = replace(find_language(), pauses=Pauses(sentence_ms=700, clause_ms=90))
    found = list(clauses('"Really?" he asked. "Yes." She nodded.', language=slow))
    assert [c.pause_after_ms for c in found] == [90, 700, 700, 0]
    with pytest.raises(ValueError, match="dash_ms is from 0 to 10000"):
        Pauses(dash_ms=-1)
