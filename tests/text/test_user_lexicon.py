"""The caller's own pronunciations and inline phones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voicelet.errors import LexiconError, PhoneError
from voicelet.text.front_end import TextFrontEnd, clauses
from voicelet.text.ipa import ipa_phones, own_phones
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import Clause, PhoneClause, Word


def words(text: str, lexicon: object = None) -> list[Word]:
    found = clauses(text, user_lexicon=lexicon)  # type: ignore[arg-type]
    return [t for c in found for t in c.tokens if isinstance(t, Word)]


def test_respellings_phones_phrases_and_signs() -> None:
    lexicon = {"SQL": "sequel", "Nguyen": "[[wˈɪn]]", "New York": "noo york", ".NET": "dot net"}
    assert [w.text for w in words("SQL and sql", lexicon)] == ["sequel", "and", "sequel"]
    (name,) = words("Nguyen", lexicon)
    assert (name.phones, name.text, name.span) == ("wˈɪn", "Nguyen", (0, 6))
    assert [w.text for w in words("in New York's .NET", lexicon)] == [
        "in",
        "noo",
        "york's",
        "dot",
        "net",
    ]
    assert [w.text for w in words("MySQL SQLite", {"SQL": "sequel"})] == ["MySQL", "SQLite"]


def test_a_possessive_keeps_its_ending() -> None:
    (name,) = words("Nguyen's", {"nguyen": "[[wˈɪn]]"})
    assert name.phones == "wˈɪnz"
    assert name.span == (0, 8)


def test_files(tmp_path: Path) -> None:
    tsv = tmp_path / "words.tsv"
    tsv.write_text("# mine\n\nSQL\tsequel\nNguyen\t[[wˈɪn]]\n", encoding="utf-8")
    assert len(UserLexicon.from_file(tsv)) == 2
    found = tmp_path / "words.json"
    found.write_text(json.dumps({"SQL": "sequel"}), encoding="utf-8")
    assert [w.text for w in words("SQL", found)] == ["sequel"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SQL sequel\n", "line 1.*tab"),
        (b"ok\tfine\n\nbad\t\n", "line 3"),
        (b'{"a": ', "not valid JSON"),
        (b'{"a": 5}', "must be text"),
        (b"[1, 2]", "tab"),
        (b"caf\xe9 [[k@fe]]", "UTF-8"),
        ("x\t[[Ж]]".encode(), "not a phone"),
        (b"x\t123", "neither"),
        (("x" * 61 + "\tex").encode(), "1 to 60"),
        (b'{"a":' * 100_000, "JSON"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "lexicon"
    path.write_bytes(content)
    with pytest.raises(LexiconError, match=message):
        UserLexicon.from_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="can't be read"):
        UserLexicon.from_file(tmp_path / "nothing")


def test_inline_phones() -> None:
    first, second = words("Say [[həlˈO]] ")
    assert (first.text, second.phones, second.span) == ("Say", "həlˈO", (4, 13))
    with pytest.raises(PhoneError, match="Ж"):
        words("[[Ж]]")
    off = list(clauses("[[hello]]", inline_phones=False))
    assert [t.text for t in off[0].tokens] == ["(", "hello", ")", "."]


def test_ipa_becomes_the_inventory() -> None:
    assert ipa_phones("/həˈloʊ wɝld/") == "həˈlO wɜɹld"
    assert ipa_phones("tʃaɪld dʒɔɪ") == "ʧIld ʤY"
    assert ipa_phones("həlˈO") == "həlˈO"
    for wrong in ("", "...", "xЖ", "_a_", "a" * 500):
        with pytest.raises(PhoneError):
            own_phones(wrong)


class Echo:
    """A phonemizer that only shows what reached it."""

    def phonemize(self, clause: Clause) -> PhoneClause:
        assert clause.tokens
        return PhoneClause("a", (), clause.pause_after_ms, clause.prosody, clause.marks, True)


def test_the_front_end_passes_pauses_by_the_phonemizer() -> None:
    front = TextFrontEnd(Echo(), user_lexicon={"a": "[[ɐ]]"})
    found = list(front.clauses("<speak><break time='1s'/>hi<mark name='m'/></speak>"))
    assert [(c.phones, c.pause_after_ms, c.marks) for c in found] == [
        ("", 1000, ()),
        ("a", 0, ()),
        ("", 0, ("m",)),
    ]


def test_the_word_list_of_a_pack_is_a_lexicon_too(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("# mine\nnguyen\twˈɪn/noun\nles\tle(z)/det\nsql\t[[sˈikwəl]]\n", "utf-8")
    found = words("Nguyen les SQL", path)
    assert [w.phones for w in found] == ["wˈɪn", "le", "sˈikwəl"]
    path.write_text("nguyen\twˈɪn\nread|past\tɹˈɛd\n", "utf-8")
    with pytest.raises(LexiconError, match=r"read\|past.*language pack"):
        UserLexicon.from_file(path)
    path.write_text("nguyen\twˈ8n\n", "utf-8")
    with pytest.raises(LexiconError, match="'8' is not a phone"):
        UserLexicon.from_file(path)
