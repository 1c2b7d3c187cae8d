"""Passphrases: where they come from by default, which may be new ones, and how they are stretched.

By default they come from the environment, then from a function that a program sets.  A new one must
be no word of the lists that guessers try first; one that is in use already opens what it opens.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from voicelet.errors import ConfigError

VARIABLE = "VOICELET_PASSPHRASE"
LEAST_CHARACTERS = 8
_LEAST_DIGITS = 14
_LEAST_DISTINCT = 5
_LEAST_UNPREDICTABLE = 6
_MOST_SCRYPT_WORK = 1 << 19  # n times p
_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "1234567890")
_LEET = str.maketrans("@40315$7", "aaoelsst")
_COMMON = """
password passwort passphrase motdepasse contrasena letmein welcome iloveyou loveyou admin
administrator monkey dragon football baseball basketball soccer sunshine princess master shadow
superman batman spiderman michael jennifer jessica charlie ashley nicole daniel computer
internet samsung google facebook whatever trustno secret changeme default starwars pokemon
freedom hello helloworld flower lovely summer winter spring autumn mustang harley cheese
chocolate butterfly liverpool chelsea arsenal barcelona blahblah testing test login guest root
toor access killer hunter ranger jordan pepper ginger cookie purple orange voicelet voice
myvoice profile backup raspberry raspberrypi correcthorsebatterystaple
"""


class _Default:
    source: Callable[[], str] | None = None
    for_new = False


def set_default(source: Callable[[], str] | None, for_new: bool = False) -> None:
    """Have `source` called for passphrases that neither a caller nor the environment gave.

    Args:
        source: returns it, or "" for none; None to ask nobody.
        for_new: whether new vaults are protected by it, too.
    """
    _Default.source, _Default.for_new = source, for_new


def default() -> str:
    """The passphrase, "" for none."""
    passphrase = os.environ.get(VARIABLE, "")
    return passphrase or (_Default.source() if _Default.source is not None else "")


def check_strength(passphrase: str) -> str:
    """Return a new passphrase, if it isn't among the first that would be tried.

    Raises:
        ConfigError: it is short, a common one, a sequence or of too few different characters; the
            message says which, and never shows it.
    """
    text = unicodedata.normalize("NFC", passphrase).casefold()
    problem = ""
    if len(text) < LEAST_CHARACTERS:
        problem = f"is too short: it needs {LEAST_CHARACTERS} characters at least"
    elif _is_common(text):
        problem = "is a common one, which is tried first"
    elif _unpredictable(text) < _LEAST_UNPREDICTABLE:
        problem = "is a sequence or repeats itself"
    elif text.isdecimal() and len(text) < _LEAST_DIGITS:
        problem = f"is all digits, as dates and numbers are: then it needs {_LEAST_DIGITS} of them"
    elif len(set(text)) < _LEAST_DISTINCT:
        problem = "repeats a few characters"
    if problem:
        raise ConfigError(f"this passphrase {problem}; take four or five words, in no known order")
    return passphrase


def _is_common(text: str) -> bool:
    """Whether it is a common word, twice perhaps, with digits and signs around it or as letters."""
    common = _COMMON.split()
    for spelled in (text, text.translate(_LEET)):
        letters = "".join(c for c in spelled if c.isalpha())
        half = letters[: len(letters) // 2]
        if letters in common or (letters == 2 * half and half in common):
            return True
    return False


def _unpredictable(text: str) -> int:
    """Characters that don't follow from those before: by a step, on the keyboard, or repeated."""
    for period in range(1, len(text) // 2 + 1):
        if text == (text[:period] * len(text))[: len(text)]:
            text = text[:period]
            break
    text = "".join(c for i, c in enumerate(text) if i == 0 or c != text[i - 1])
    count = 0
    for i, c in enumerate(text):
        steps = ord(c) - ord(text[i - 1]) if i else 0
        in_run = i > 1 and abs(steps) == 1 and ord(text[i - 1]) - ord(text[i - 2]) == steps
        piece = text[i - 2 : i + 1] if i > 1 else ""
        on_row = bool(piece) and any(piece in row or piece[::-1] in row for row in _ROWS)
        count += not (in_run or on_row)
    return count


@dataclass(frozen=True)
class Stretch:
    """Settings of scrypt (RFC 7914): 32 MiB, three passes, a quarter of a second on a desktop core.

    Attributes:
        salt: at least 16 bytes, hexadecimal.
        n, r, p: cost, block size and parallelism.
    """

    salt: str
    n: int = 1 << 15
    r: int = 8
    p: int = 3

    def __post_init__(self) -> None:
        # A changed file must not cost all memory or minutes: 128 MiB and five times today's work.
        allowed = self.n in {1 << i for i in range(14, 18)} and self.r == 8 and self.p > 0
        if not allowed or self.n * self.p > _MOST_SCRYPT_WORK:
            raise ValueError("impossible settings of scrypt")
        if len(bytes.fromhex(self.salt)) < 16:
            raise ValueError("a salt that is too short")

    def key(self, passphrase: str) -> bytes:
        """The key of 32 bytes that a passphrase stands for."""
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

        text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
        salt = bytes.fromhex(self.salt)
        return Scrypt(salt=salt, length=32, n=self.n, r=self.r, p=self.p).derive(text)


def protects_new() -> bool:
    """Whether new vaults are to have a passphrase."""
    return bool(os.environ.get(VARIABLE)) or (_Default.source is not None and _Default.for_new)
