"""The pronunciation lexicon of a bundle: one file, kept as it is and looked up in place.

A hundred thousand words as a Python dict would cost tens of megabytes and a visible part of a
second at every start.  Here its bytes are searched as they lie: words are sorted and front-coded in
blocks (each stores only what differs from the word before), a phone is one byte, and a lookup is a
binary search over the blocks' first words and a walk through one block.

Layout, little-endian (version 1)::

    "VLEX"  u16 version  u16 bytes of the symbols  u32 words  u32 words a block  u32 blocks
    u32 CRC-32 of all else
    symbols, UTF-8: phone byte b stands for symbols[b]
    u32 offset of each block, and of the end of the last one, from the end of this table
    blocks: for each word  u8 shared with the word before, u8 more, bytes (UTF-8); u8 phones, bytes

Keys are lower case.  A key may carry a sense after a bar (``read|past``), for `homographs`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from voicelet.errors import BundleError, BundleVersionError

MAGIC = b"VLEX"
VERSION = 1
BLOCK_WORDS = 32
MAX_KEY_BYTES = 255
_HEADER = struct.Struct("<4sHHIII")
_CRC = struct.Struct("<I")
_BODY = _HEADER.size + _CRC.size
_REMEDY = "install the voice again"


def encode_lexicon(entries: Mapping[str, str], symbols: str) -> bytes:
    """Write a lexicon file.

    Args:
        entries: key (lower case, at most 255 bytes of UTF-8) → phones (at most 255 symbols).
        symbols: every symbol the phones use, at most 256.

    Raises:
        ValueError: an entry is too long, empty, or holds a symbol that isn't in `symbols`.
    """
    codes = {symbol: index for index, symbol in enumerate(symbols)}
    if len(codes) != len(symbols) or len(symbols) > 256:
        raise ValueError("the symbols of a lexicon are at most 256, each once")
    blocks, offsets = bytearray(), []
    previous = b""
    # Order of the bytes, not of the characters' collation: the reader compares bytes.
    for number, (key, phones) in enumerate(sorted((k.encode(), v) for k, v in entries.items())):
        if not 0 < len(key) <= MAX_KEY_BYTES or not 0 < len(phones) <= 255:
            raise ValueError(f"{key!r}: a key and its phones have 1 to 255 bytes")
        if number % BLOCK_WORDS == 0:
            offsets.append(len(blocks))
            previous = b""
        shared = 0
        while shared < min(len(key), len(previous)) and key[shared] == previous[shared]:
            shared += 1
        try:
            coded = bytes(codes[p] for p in phones)
        except KeyError as error:
            raise ValueError(f"{key.decode()!r} holds {error.args[0]!r}, not a symbol") from None
        blocks += bytes((shared, len(key) - shared)) + key[shared:] + bytes((len(coded),)) + coded
        previous = key
    offsets.append(len(blocks))
    body = symbols.encode() + struct.pack(f"<{len(offsets)}I", *offsets) + bytes(blocks)
    header = _HEADER.pack(
        MAGIC, VERSION, len(symbols.encode()), len(entries), BLOCK_WORDS, len(offsets) - 1
    )
    return header + _CRC.pack(zlib.crc32(body, zlib.crc32(header))) + body


class Lexicon:
    """Read-only words → phones.  Safe to share between threads.

    Raises:
        BundleError: the data isn't a lexicon, is truncated or doesn't match its checksum.
        BundleVersionError: it was written by a newer voicelet.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        if len(data) < _BODY:
            raise BundleError(f"the lexicon is truncated; {_REMEDY}")
        header = data[: _HEADER.size]
        magic, version, symbol_bytes, words, block_words, blocks = _HEADER.unpack(header)
        (crc,) = _CRC.unpack(data[_HEADER.size : _BODY])
        if magic != MAGIC:
            raise BundleError(f"not a lexicon file; {_REMEDY}")
        if version != VERSION:
            raise BundleVersionError(
                f"the lexicon has version {version}, this voicelet reads {VERSION}; update voicelet"
            )
        table = _BODY + symbol_bytes
        self._base = table + 4 * (blocks + 1)
        if self._base > len(data):
            raise BundleError(f"the lexicon is truncated; {_REMEDY}")
        with memoryview(data) as view, view[_BODY:] as body:
            if zlib.crc32(body, zlib.crc32(header)) != crc:
                raise BundleError(f"the lexicon is damaged (checksum); {_REMEDY}")
        self._offsets = struct.unpack(f"<{blocks + 1}I", data[table : self._base])
        ends = (0, *self._offsets)
        if any(a > b for a, b in pairwise(ends)) or (self._base + self._offsets[-1] != len(data)):
            raise BundleError(f"the lexicon's blocks don't fill the file; {_REMEDY}")
        if words > block_words * blocks:
            raise BundleError(f"the lexicon's blocks can't hold its words; {_REMEDY}")
        self._words: int = words
        try:
            self.symbols = data[_BODY:table].decode()
        except UnicodeDecodeError:
            raise BundleError(f"the lexicon's symbols aren't UTF-8; {_REMEDY}") from None

    @classmethod
    def open(cls, path: Path) -> Lexicon:
        """Read a lexicon file; a bundle's own is `Lexicon(read_data(bundle, "lexicon"))`.

        It isn't mapped: a file that is cut short meanwhile would end the process.

        Raises:
            BundleError: it can't be read or isn't a sound lexicon.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BundleError(f"the lexicon {path} can't be read: {error}; {_REMEDY}") from None
        return cls(data)

    def __len__(self) -> int:
        return self._words

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for block in range(len(self._offsets) - 1):
            for key, phones in self._entries(block):
                yield key.decode(), self._decode(phones)

    def get(self, key: str) -> str | None:
        """The phones of `key` (lower case, perhaps with a sense), or None."""
        encoded = key.encode(errors="replace")
        low, high = 0, len(self._offsets) - 1
        if high == 0 or len(encoded) > MAX_KEY_BYTES:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self._first(middle) <= encoded:
                low = middle
            else:
                high = middle
        for entry_key, phones in self._entries(low):
            if entry_key >= encoded:
                return self._decode(phones) if entry_key == encoded else None
        return None

    def _decode(self, phones: bytes) -> str:
        try:
            return "".join(self.symbols[b] for b in phones)
        except IndexError:
            raise BundleError(f"the lexicon holds an unknown phone; {_REMEDY}") from None

    def _first(self, block: int) -> bytes:
        start = self._base + self._offsets[block]
        return bytes(self._data[start + 2 : start + 2 + self._data[start + 1]])

    def _entries(self, block: int) -> Iterator[tuple[bytes, bytes]]:
        data = self._data[self._base + self._offsets[block] : self._base + self._offsets[block + 1]]
        key, at = b"", 0
        try:
            while at < len(data):
                shared, more = data[at], data[at + 1]
                end = at + 2 + more
                count = data[end]
                if shared > len(key) or end + 1 + count > len(data):
                    raise BundleError(f"a block of the lexicon is damaged; {_REMEDY}")
                key = key[:shared] + data[at + 2 : end]
                yield key, data[end + 1 : end + 1 + count]
                at = end + 1 + count
        except IndexError:
            raise BundleError(f"a block of the lexicon is damaged; {_REMEDY}") from None
