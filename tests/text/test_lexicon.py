"""The lexicon file: what goes in comes out, and damage is told, never a crash."""

from __future__ import annotations

import os
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import BundleError, BundleVersionError
from voicelet.text.lexicon import MAGIC, Lexicon, encode_lexicon
from voicelet.text.pack.packaged import find_language
from voicelet.text.phones import ENGLISH_SYMBOLS

SYMBOLS = "ˈˌbdkltsɹəiæɛɪz"
SHIPPED = Path(__file__).parents[2] / "sdk/voicelet/voices/default/lexicon.bin"

keys = st.text("abcdefghijklmnopqrstuvwxyz'|éж", min_size=1, max_size=20)
phones = st.text(SYMBOLS, min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(keys, phones, max_size=80))
def test_what_is_written_is_read(entries: dict[str, str]) -> None:
    lexicon = Lexicon(encode_lexicon(entries, SYMBOLS))
    assert len(lexicon) == len(entries)
    assert dict(lexicon) == entries
    for key, value in entries.items():
        assert lexicon.get(key) == value
        assert entries.get(key + "x") == lexicon.get(key + "x")
    assert lexicon.get("") is None
    assert "never-there" not in lexicon


def test_mapped_and_in_memory_agree(tmp_path: Path) -> None:
    data = encode_lexicon({"cat": "kˈæt", "cats": "kˈæts", "read|past": "ɹˈɛd"}, SYMBOLS)
    path = tmp_path / "lexicon.bin"
    path.write_bytes(data)
    assert dict(Lexicon.open(path)) == dict(Lexicon(data))
    assert Lexicon.open(path).get("read|past") == "ɹˈɛd"


@pytest.mark.parametrize(
    "entries", [{"": "k"}, {"a": ""}, {"a": "ж"}, {"a" * 256: "k"}, {"a": "k" * 256}]
)
def test_impossible_entries_are_refused(entries: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        encode_lexicon(entries, SYMBOLS)


def test_every_truncation_is_told() -> None:
    data = encode_lexicon({f"word{i}": "kˈæt" for i in range(100)}, SYMBOLS)
    for length in range(len(data)):
        with pytest.raises(BundleError):
            Lexicon(data[:length])


def test_every_flipped_byte_is_told() -> None:
    data = encode_lexicon({f"word{i}": "kˈæt" for i in range(40)}, SYMBOLS)
    for at in range(len(data)):
        with pytest.raises(BundleError):
            Lexicon(data[:at] + bytes((data[at] ^ 0x41,)) + data[at + 1 :])


def _with_crc(data: bytes) -> bytes:
    head = struct.calcsize("<4sHHIII")
    right = zlib.crc32(data[head + 4 :], zlib.crc32(data[:head]))
    return data[:head] + struct.pack("<I", right) + data[head + 4 :]


def test_forged_blocks_never_crash() -> None:
    """With the checksum made right again, wrong contents still raise BundleError or read sanely."""
    data = encode_lexicon({f"word{i}": "kˈæt" for i in range(100)}, SYMBOLS)
    chance = random.Random(0)
    refused = 0
    for _ in range(300):
        forged = bytearray(data)
        for _ in range(3):
            forged[chance.randrange(28, len(forged))] = chance.randrange(256)
        try:
            lexicon = Lexicon(_with_crc(bytes(forged)))
            for i in range(0, 100, 7):
                lexicon.get(f"word{i}")
        except BundleError:
            refused += 1
    assert refused > 50


def test_another_version_and_another_file_are_told(tmp_path: Path) -> None:
    data = encode_lexicon({"a": "k"}, SYMBOLS)
    with pytest.raises(BundleVersionError):
        Lexicon(MAGIC + struct.pack("<H", 2) + data[6:])
    with pytest.raises(BundleError):
        Lexicon(b"RIFF" + data[4:])
    empty = tmp_path / "empty"
    empty.touch()
    for path in (empty, tmp_path, tmp_path / "missing"):
        with pytest.raises(BundleError):
            Lexicon.open(path)


def test_the_shipped_lexicon() -> None:
    lexicon = Lexicon.open(SHIPPED)
    assert SHIPPED.stat().st_size <= 2.0e6
    assert len(lexicon) > 60_000
    assert not set(lexicon.symbols) - set(ENGLISH_SYMBOLS)
    assert lexicon.get("president") == "pɹˈɛzɪdənt"
    assert lexicon.get("department") == "dᵻpˈɑɹtmənt"
    assert lexicon.get("record|verb") == "ɹᵻkˈɔɹd"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cats", "kˈæts"),
        ("dog's", "dˈɔɡz"),
        ("boxes", "bˈɑksᵻz"),
        ("cities", "sˈɪTiz"),
        ("dogs'", "dˈɔɡz"),
        ("walked", "wˈɔkt"),
        ("visited", "vˈɪzɪTᵻd"),
        ("hopping", "hˈɑpɪŋ"),
        ("hoping", "hˈOpɪŋ"),
        ("carried", "kˈæɹid"),
        ("waiting", "wˈATɪŋ"),
        ("muttering", "mˈʌTəɹɹɪŋ"),
        ("things", None),
        ("bus", None),
    ],
)
def test_regular_endings(word: str, expected: str | None) -> None:
    stems = {
        "cat": "kˈæt", "dog": "dˈɔɡ", "box": "bˈɑks", "city": "sˈɪTi", "walk": "wˈɔk",
        "visit": "vˈɪzɪt", "hop": "hˈɑp", "hope": "hˈOp", "carry": "kˈæɹi", "wait": "wˈAt",
        "mutter": "mˈʌTəɹ", "bu": "bˈu",
    }  # fmt: skip
    assert find_language().pronunciation.inflected(word, stems.get, ()) == expected


def test_a_lexicon_in_use_doesnt_mind_what_becomes_of_its_file(tmp_path: Path) -> None:
    """Mapped into memory, a file that is cut short would end the process."""
    path = tmp_path / "lexicon.bin"
    path.write_bytes(SHIPPED.read_bytes())
    lexicon = Lexicon.open(path)
    os.truncate(path, 10)
    assert lexicon.get("zebra") == Lexicon.open(SHIPPED).get("zebra") is not None
