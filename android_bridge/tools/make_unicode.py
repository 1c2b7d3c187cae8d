"""Write what the Java runtime knows of Unicode: `python android_bridge/tools/make_unicode.py`.

A language pack depends on properties of characters: whether one is a letter, what NFKC makes of it.
The tables of a JDK and of an Android device are of any Unicode version (Android 7 has 8.0), so the
runtime brings its own: those of the Python that runs this, which read the golden files as well.

Four files, of bytes and of unsigned integers in groups of seven bits, the lowest first:

- `characters.bin`: a byte with the number of classes, of each two bytes (category, flags), then for
  all code points runs of a length and a class; then runs of a gap, a length and a combining class
- `cases.bin`: lower case, then upper case, then the capitals of words where those differ: how many,
  and of each the distance from the one before, a length and code points
- `decompositions.bin`: of each a distance, flags (1: compatibility, 2: never composed), a length
  and code points
- `latin.bin`: letters a-z for letters of other scripts: of each a distance, a length and bytes;
  then those of the 19 + 21 + 28 parts of Hangul syllables
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk")]

from voicelet.text.letters import _latin_letter  # noqa: E402

TARGET = ROOT / "android_bridge/core/src/main/resources/io/github/voicelet/text/unicode"
_LETTERS_TO_NUMBERS = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No"
_MARKS_TO_OTHERS = "Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn"
CATEGORIES = (*_LETTERS_TO_NUMBERS.split(" "), *_MARKS_TO_OTHERS.split(" "))
CODES = range(0x110000)
HANGUL = range(0xAC00, 0xAC00 + 11172)


def integer(value: int) -> bytes:
    """Groups of seven bits, the lowest first; the high bit says that more follow."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(value: str) -> bytes:
    """A length and code points."""
    return integer(len(value)) + b"".join(integer(ord(c)) for c in value)


def flags(char: str) -> int:
    """Of a character, as Python's str sees it; the last two decide about a final sigma."""
    surrogate = unicodedata.category(char) == "Cs"
    cased = not surrogate and (char + "Σ").lower().endswith("ς")
    ignorable = not surrogate and not cased and ("A" + char + "Σ").lower().endswith("ς")
    asked = (char.isalnum(), char.isupper(), char.islower(), char.isspace(), cased, ignorable)
    return sum(1 << bit for bit, holds in enumerate(asked) if holds)


def characters() -> bytes:
    """Categories, flags and combining classes."""
    kinds = [(CATEGORIES.index(unicodedata.category(chr(c))), flags(chr(c))) for c in CODES]
    classes = sorted(set(kinds))
    assert len(classes) < 256
    out = [bytes([len(classes)]), *(bytes(kind) for kind in classes)]
    at = 0
    for kind, group in groupby(kinds):
        length = len(list(group))
        if CATEGORIES[kind[0]] == "Nd":
            assert all(unicodedata.decimal(chr(at + i)) == i % 10 for i in range(length)), at
        out += [integer(length), bytes([classes.index(kind)])]
        at += length
    end = 0
    for combining, codes in groupby(CODES, lambda c: unicodedata.combining(chr(c))):
        run = list(codes)
        if combining:
            out += [integer(run[0] - end), integer(len(run)), bytes([combining])]
            end = run[-1] + 1
    return b"".join(out)


def mapping(of: Callable[[str], str]) -> bytes:
    """How many, and every character that becomes another."""
    return entered([(c, of(chr(c))) for c in CODES if of(chr(c)) != chr(c)])


def titles() -> bytes:
    """How many, and every character whose capital at the start of a word isn't the usual one."""
    capitals = [(c, chr(c).capitalize(), chr(c).upper()) for c in CODES]
    return entered([(c, title) for c, title, upper in capitals if title != upper])


def entered(changed: list[tuple[int, str]]) -> bytes:
    """How many, and each."""
    return integer(len(changed)) + b"".join(entries(changed))


def entries(changed: list[tuple[int, str]]) -> Iterator[bytes]:
    """Distance, length, code points."""
    last = 0
    for code, becomes in changed:
        yield integer(code - last) + text(becomes)
        last = code


def decompositions() -> bytes:
    """One step of each; Hangul is computed."""
    out, last = [], 0
    for code in CODES:
        found = unicodedata.decomposition(chr(code))
        if not found:
            continue
        compatible = found.startswith("<")
        parts = "".join(chr(int(part, 16)) for part in found.split()[compatible:])
        composed = unicodedata.normalize("NFC", unicodedata.normalize("NFD", chr(code)))
        flag = compatible + 2 * (not compatible and composed != chr(code))
        out += [integer(code - last), bytes([flag]), text(parts)]
        last = code
    return b"".join(out)


def latin() -> bytes:
    """Letters of other scripts, as `voicelet.text.letters` reads them."""
    last, out = 0, []
    for code in CODES:
        said = "" if code in HANGUL or code < 128 else _latin_letter(chr(code))
        if said:
            out += [integer(code - last), integer(len(said)), said.encode("ascii")]
            last = code
    parts = hangul_parts()
    body = b"".join(out)
    return integer(len(out) // 3) + body + b"".join(bytes([len(p)]) + p.encode() for p in parts)


def hangul_parts() -> list[str]:
    """The readings of the parts of Hangul syllables, checked against every syllable."""
    # 588 syllables begin alike; the first of each is a consonant and "a", and so on.
    said = {code: _latin_letter(chr(code)) for code in HANGUL}
    vowels = [said[0xAC00 + 588 * 11 + 28 * v] for v in range(21)]  # the silent consonant
    leads = [said[0xAC00 + 588 * n].removesuffix("a") for n in range(19)]
    tails = [said[0xAC00 + 588 * 11 + t].removeprefix("a") for t in range(28)]
    for index, code in enumerate(HANGUL):
        whole = leads[index // 588] + vowels[index // 28 % 21] + tails[index % 28]
        assert whole == said[code], (whole, said[code])
    return [*leads, *vowels, *tails]


def main() -> None:
    """Write the files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, data in (
        ("characters", characters()),
        ("cases", mapping(str.lower) + mapping(str.upper) + titles()),
        ("decompositions", decompositions()),
        ("latin", latin()),
    ):
        (TARGET / f"{name}.bin").write_bytes(data)
        print(f"{name}.bin: {len(data):,} bytes (Unicode {unicodedata.unidata_version})")


if __name__ == "__main__":
    main()
