"""How far phones are from reference phones, and a front end that speaks by a pack alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from voicelet.text.front_end import TextFrontEnd
from voicelet.text.language import Language
from voicelet.text.lexicon import Lexicon, encode_lexicon
from voicelet.text.pack.folder import PACKAGED, open_pack
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import MULTILINGUAL_SYMBOLS, STRESS, PhoneInventory

_NO_STRESS = str.maketrans("", "", STRESS)


@dataclass(frozen=True)
class PhoneError:
    """Of a list of words.

    Attributes:
        phones: edits for every reference symbol, stress marks among them.
        phones_only: the same, stress marks aside.
        stress: share of the words with the right phones whose primary stress is wrong.
    """

    phones: float
    phones_only: float
    stress: float


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and substitutions between two strings (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def phone_error(language: Language, reference: Path) -> PhoneError:
    """What a pack's letter-to-sound makes of the words of a list: word, tab, phones."""
    to_phones = language.pronunciation.letter_to_sound
    assert to_phones is not None
    edits = symbols = bare_edits = bare_symbols = right = misplaced = 0
    for line in reference.read_text(encoding="utf-8").splitlines():
        word, phones = line.split("\t")
        found = to_phones(word)
        bare, bare_found = phones.translate(_NO_STRESS), found.translate(_NO_STRESS)
        edits += edit_distance(found, phones)
        symbols += len(phones)
        bare_edits += edit_distance(bare_found, bare)
        bare_symbols += len(bare)
        if bare == bare_found:
            right += 1
            misplaced += _primary(found) != _primary(phones)
    return PhoneError(edits / symbols, bare_edits / bare_symbols, misplaced / right)


def _primary(phones: str) -> list[int]:
    """How many phones stand before each primary stress."""
    parts = phones.replace("ˌ", "").split("ˈ")[:-1]
    return [sum(map(len, parts[: i + 1])) for i in range(len(parts))]


def pack_front_end(tag: str) -> TextFrontEnd:
    """A front end with a pack's own words and rules, and no bundle's."""
    language = open_pack(PACKAGED / tag)
    inventory = PhoneInventory(MULTILINGUAL_SYMBOLS)
    lexicon = Lexicon(encode_lexicon({}, inventory.symbols))
    return TextFrontEnd(Phonemizer(lexicon, None, inventory, language), language=language)


def spoken(front_end: TextFrontEnd, text: str) -> str:
    """The phones of a text, clause after clause."""
    return " ".join(clause.phones for clause in front_end.clauses(text))
