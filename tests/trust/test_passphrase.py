"""Which passphrases may protect voices anew."""

from __future__ import annotations

import random
import string

import pytest

from voicelet.errors import ConfigError
from voicelet.trust.keys.passphrase import check_strength

WEAK = {
    "too short": ["", "brief", "x7$kQ!2"],
    "sequence or repeats": ["aaaaaaaa", "11111111", "abababababab", "        ", "12341234"],
    "repeats a few": ["aabababbabaabbab"],
    "common": [
        "password", "Password1!", "p@ssw0rd", "PASSWORD2026", "letmein123", "iloveyou!",
        "voicelet2026", "passwordpassword", "secretsecret99", "correct horse battery staple",
    ],
    "sequence": [
        "12345678", "87654321", "abcdefgh", "ABCDEFGH", "qwertyuiop", "asdfghjkl", "zxcvbnm,",
        "1234567890", "qwerty123456", "abc123abc123", "aabbccddeeff", "0123456789012345",
        "31121999",
    ],
    "digits": ["19840512", "4915770012", "2718281828459"],
}  # fmt: skip


@pytest.mark.parametrize(("why", "passphrase"), [(w, p) for w, ps in WEAK.items() for p in ps])
def test_what_is_tried_first_is_refused(why: str, passphrase: str) -> None:
    with pytest.raises(ConfigError, match=f"(?i){why}.*words") as refusal:
        check_strength(passphrase)
    assert not passphrase or passphrase not in str(refusal.value)


@pytest.mark.parametrize(
    "passphrase",
    [
        "correct horse", "battery staple", "Grüße, ihr", "the kettle is on", "ζεστό νερό αύριο",
        "27182818284590452353", "x7$kQ!2m", "the secret garden of ana", "пять зелёных чашек",
    ],
)  # fmt: skip
def test_others_are_taken_as_they_are(passphrase: str) -> None:
    assert check_strength(passphrase) == passphrase


def test_random_ones_are_hardly_ever_refused() -> None:
    rng = random.Random(0)
    refused = 0
    for _ in range(5000):
        try:
            check_strength("".join(rng.choices(string.ascii_lowercase + string.digits, k=8)))
        except ConfigError:
            refused += 1
    assert refused < 50
