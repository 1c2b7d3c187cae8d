"""The caller's own pronunciations: word or phrase → respelling or `[[phones]]`.

The word list of a language pack (`lexicon.tsv`: word, tab, bare phones) is read, too.  A file is
such a list where a stress mark stands outside brackets; then all of its pronunciations are phones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voicelet.errors import LexiconError, PhoneError, TextError
from voicelet.text.encoding import decode_text
from voicelet.text.ipa import ipa_phones
from voicelet.text.pack.entry import entry_symbols, parse_entry
from voicelet.text.phones import STRESS

MAX_KEY_CHARS = 60
MAX_ENTRIES = 100_000
MAX_FILE_BYTES = 16 << 20

_PHONES = re.compile(r"\[\[(.+)\]\]", re.DOTALL)
_RESPELLING = re.compile(r"[A-Za-zÀ-ɏ' -]{1,200}")


@dataclass(frozen=True)
class LexiconEntry:
    """One pronunciation: either `phones`, or `respelling` to be read like other words."""

    respelling: str = ""
    phones: str | None = None


class UserLexicon:
    """Looks up a caller's words, longest first, without regard to case.

    Args:
        entries: word or phrase → a respelling ("nuh-VAH-duh") or phones ("[[nəvˈæɾə]]").

    Raises:
        LexiconError: an entry is empty, too long, or its pronunciation can't be read.
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        if len(entries) > MAX_ENTRIES:
            raise LexiconError(f"{len(entries)} entries are too many; keep to {MAX_ENTRIES}")
        self._entries: dict[str, LexiconEntry] = {}
        for key, pronunciation in entries.items():
            if not isinstance(key, str) or not isinstance(pronunciation, str):
                raise LexiconError(f"{key!r}: both the word and its pronunciation must be text")
            name = " ".join(key.split()).lower()
            if not name or len(name) > MAX_KEY_CHARS:
                raise LexiconError(f"{key[:70]!r}: a word has 1 to {MAX_KEY_CHARS} characters")
            self._entries[name] = _entry(key, pronunciation)
        by_first: dict[str, set[int]] = {}
        for name in self._entries:
            by_first.setdefault(name[0], set()).add(len(name))
        self._lengths = {c: sorted(sizes, reverse=True) for c, sizes in by_first.items()}

    @classmethod
    def from_file(cls, path: str | Path) -> UserLexicon:
        """Read a lexicon file: JSON (one object) or lines of word, tab, pronunciation.

        In the second form empty lines and lines that start with "#" are skipped; its
        pronunciations may be those of a pack's word list.

        Raises:
            LexiconError: the file can't be read, or an entry is wrong (with its line).
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise LexiconError(f"the lexicon {path} can't be read: {error}") from None
        if len(raw) > MAX_FILE_BYTES:
            raise LexiconError(
                f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB; split or shorten it"
            )
        try:
            text = decode_text(raw, str(path))
        except TextError:
            raise LexiconError(f"{path} is not UTF-8 text; save it as UTF-8") from None
        return cls(_json(text, path) if text.lstrip().startswith("{") else _lines(text, path))

    def __len__(self) -> int:
        return len(self._entries)

    def match(self, text: str, start: int) -> tuple[int, LexiconEntry] | None:
        """The longest entry that stands at `text[start:]` as a whole word: its end, and itself."""
        for size in self._lengths.get(text[start : start + 1].lower(), ()):
            end = start + size
            entry = self._entries.get(text[start:end].lower())
            if entry is None or end > len(text):
                continue
            inside_word = text[end - 1].isalnum() and end < len(text) and text[end].isalnum()
            if not inside_word:
                return end, entry
        return None


def _entry(key: str, pronunciation: str) -> LexiconEntry:
    pronunciation = pronunciation.strip()
    phones = _PHONES.fullmatch(pronunciation)
    if phones:
        try:
            return LexiconEntry(phones=ipa_phones(phones[1]))
        except PhoneError as error:
            raise LexiconError(f"{key!r}: {error}") from None
    if not _RESPELLING.fullmatch(pronunciation) or not any(c.isalpha() for c in pronunciation):
        raise LexiconError(
            f"{key!r}: {pronunciation[:40]!r} is neither a respelling in letters nor [[phones]]"
        )
    return LexiconEntry(respelling=pronunciation)


def _json(text: str, path: Path) -> dict[str, str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LexiconError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise LexiconError(f"{path}: expected one object of word → pronunciation")
    return data


def _lines(text: str, path: Path) -> dict[str, str]:
    entries = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, tab, pronunciation = line.partition("\t")
        if not tab or not word.strip() or not pronunciation.strip():
            raise LexiconError(f"{path}, line {number}: write word, a tab, and its pronunciation")
        entries[word] = pronunciation
    bare = [p for p in entries.values() if not _PHONES.fullmatch(p.strip())]
    if any(mark in p for mark in STRESS for p in bare):
        return {word: _of_pack(word, said, path) for word, said in entries.items()}
    return entries


def _of_pack(word: str, pronunciation: str, path: Path) -> str:
    """A line of a pack's word list as a caller's entry."""
    said = pronunciation.strip()
    if _PHONES.fullmatch(said):
        return said
    if "|" in word:
        raise LexiconError(
            f"{path}: {word!r}: a sense of a word is for a language pack to say; give the word"
            " itself, or put the list into a pack"
        )
    if unknown := entry_symbols(said):
        raise LexiconError(f"{path}: {word!r}: {unknown!r} is not a phone")
    return f"[[{parse_entry(said).phones}]]"
