"""A small linear model of which reading of a homograph is meant, with integer weights.

A reading's score is a sum of int8 weights, one for each feature of the words around that the model
knows.  Everything is integer arithmetic, so that another implementation gets the same score to
the bit.

**Features** are strings, `TEMPLATE=VALUE`, of the clause's words in lower case, the words as
written, and a tag for each word.  The tag is the name of the first class of the model's list that
holds the word; else "*" and the first of the model's endings that it has, if it is longer than
that ending by two letters; else "*".  A place before the clause is the word `<` with the tag `<`,
one after it `>`.  With `wK` the word at place K, `tK` its tag, and `,` as written:

- `b=`; `w-3=` to `w3=` but w0; `w-1,w1=X,Y`; `w-2,w-1=X,Y`; `w1,w2=X,Y`;
- for K in -2, -1, 1, 2: `eK=` the last three letters of wK, if it has five or more;
- `t-3=` to `t3=` but t0; `t-1,t1=`; `t-2,t-1=`; `t1,t2=`; `t-2,t-1,t1=`; `t-1,t1,t2=`;
- `s=` the tag of the word before, where words that the pack calls adverbs are skipped, and
  `s,t1=` the same with t1;
- for K in -1, 0, 1: `cK=A` if the word's first written letter is a capital, `cK=AA` if it has two
  letters or more and all are; and `c0,first=A` instead of `c0=A` at the start of the clause;
  (a capital has the Unicode property Uppercase; "all" means no letter that is Lowercase or Lt);
- `bag=X` once for each word X of four letters or more within eight places, itself left out;
- `r=` the sense that the rules chose, or `-`; `r,p=` the same with the points of the parts of
  speech, between -6 and 6.

**Hashing.**  A feature's number is the CRC-32 (zlib's, ISO 3309) of the UTF-8 bytes of
`PREFIX TAB FEATURE`; the prefix is `WORD|SENSE` for the word's own weights and `|GROUP` for the
weights that words share.

**File** (little-endian): the eight bytes `VLHOMOG1`, the number of features N (uint32), the N
numbers in ascending order (uint32), the N weights (int8).

Method: a maximum-entropy classifier over words and tags in a window, as in Ratnaparkhi (1996).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from voicelet.errors import PackError

MAGIC = b"VLHOMOG1"
MAX_FEATURES = 1 << 20
WINDOW = 8
"""How many places away a word may be and still count for `bag`."""

_HEAD = struct.Struct("<8sI")
_REMEDY = "install the language pack again"


def tag_of(word: str, classes: Sequence[tuple[str, frozenset[str]]], endings: Sequence[str]) -> str:
    """The tag of a word: its class, its ending, or "*"."""
    for name, words in classes:
        if word in words:
            return name
    for ending in endings:
        if len(word) >= len(ending) + 2 and word.endswith(ending):
            return "*" + ending
    return "*"


def features(
    keys: Sequence[str],
    place: int,
    texts: Sequence[str],
    tag: Callable[[str], str],
    before: str,
    rules_sense: str,
    points: int,
) -> list[str]:
    """The features of a word among the words of its clause, as the module's docstring lists them.

    Args:
        keys: the clause's words in lower case.
        place: which of them.
        texts: the same words as written.
        tag: gives a word its tag.
        before: the word before, adverbs skipped; "" for none.
        rules_sense: what the rules chose; "" for nothing.
        points: of the parts of speech.
    """
    last = len(keys) - 1

    def word(offset: int) -> str:
        index = place + offset
        return "<" if index < 0 else ">" if index > last else keys[index]

    def tagged(neighbour: str) -> str:
        return neighbour if neighbour in "<>" else tag(neighbour)

    c, b, a, d, e, f = (word(offset) for offset in (-3, -2, -1, 1, 2, 3))
    tc, tb, ta, td, te, tf = (tagged(x) for x in (c, b, a, d, e, f))
    skipped = tag(before) if before else "<"
    found = [
        "b=",
        f"w-3={c}", f"w-2={b}", f"w-1={a}", f"w1={d}", f"w2={e}", f"w3={f}",
        f"w-1,w1={a},{d}", f"w-2,w-1={b},{a}", f"w1,w2={d},{e}",
        f"t-3={tc}", f"t-2={tb}", f"t-1={ta}", f"t1={td}", f"t2={te}", f"t3={tf}",
        f"t-1,t1={ta},{td}", f"t-2,t-1={tb},{ta}", f"t1,t2={td},{te}",
        f"t-2,t-1,t1={tb},{ta},{td}", f"t-1,t1,t2={ta},{td},{te}",
        f"s={skipped}", f"s,t1={skipped},{td}",
    ]  # fmt: skip
    for offset, near in ((-2, b), (-1, a), (1, d), (2, e)):
        if len(near) >= 5:
            found.append(f"e{offset}={near[-3:]}")
    for offset in (-1, 0, 1):
        index = place + offset
        text = texts[index] if 0 <= index <= last else ""
        if text[:1].isupper():
            name = "c0,first" if index == 0 == offset else f"c{offset}"
            found.append(f"{name}=A")
            if len(text) >= 2 and text.isupper():
                found.append(f"c{offset}=AA")
    around = keys[max(0, place - WINDOW) : place + 1 + WINDOW]
    found += [f"bag={x}" for x in sorted({x for x in around if len(x) >= 4} - {keys[place]})]
    found.append(f"r={rules_sense or '-'}")
    found.append(f"r,p={rules_sense or '-'},{max(-6, min(6, points))}")
    return found


def feature_numbers(prefix: str, strings: Sequence[bytes]) -> list[int]:
    """The features' numbers under a prefix.

    Args:
        prefix: `WORD|SENSE` or `|GROUP`.
        strings: features in UTF-8.
    """
    start = zlib.crc32(prefix.encode() + b"\t")
    return [zlib.crc32(string, start) for string in strings]


class LinearModel:
    """Integer weights of features, from the bytes of their file.

    Args:
        data: the file.

    Raises:
        PackError: it isn't such a file, or damaged.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEAD.size or data[:8] != MAGIC:
            raise PackError(f"these are no homograph weights; {_REMEDY}")
        count = _HEAD.unpack_from(data)[1]
        if not 0 < count <= MAX_FEATURES or len(data) != _HEAD.size + 5 * count:
            raise PackError(f"the homograph weights are damaged; {_REMEDY}")
        self._numbers: NDArray[np.uint32] = np.frombuffer(data, "<u4", count, _HEAD.size)
        self._weights: NDArray[np.int8] = np.frombuffer(data, "i1", count, _HEAD.size + 4 * count)
        if not bool(np.all(self._numbers[:-1] < self._numbers[1:])):
            raise PackError(f"the homograph weights are out of order; {_REMEDY}")

    def to_bytes(self) -> bytes:
        """The file."""
        head = _HEAD.pack(MAGIC, len(self._numbers))
        return head + self._numbers.tobytes() + self._weights.tobytes()

    def __len__(self) -> int:
        return len(self._numbers)

    def score(self, numbers: Sequence[int]) -> int:
        """The sum of the weights of the features that are known."""
        asked = np.array(numbers, np.uint32)
        at = np.minimum(np.searchsorted(self._numbers, asked), len(self._numbers) - 1)
        return int(self._weights[at][self._numbers[at] == asked].sum(dtype=np.int64))


def pack_weights(weights: dict[int, int]) -> bytes:
    """The file of a model.

    Args:
        weights: a feature's number → its weight, -127 to 127.
    """
    numbers = sorted(weights)
    return (
        _HEAD.pack(MAGIC, len(numbers))
        + np.array(numbers, "<u4").tobytes()
        + np.array([weights[n] for n in numbers], "i1").tobytes()
    )
