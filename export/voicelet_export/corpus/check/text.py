"""Is a transcript something that can be spoken?"""

from __future__ import annotations

import re
import unicodedata

from voicelet_export.corpus.check.config import Finding

_PLAIN = set(" .,;:!?'\"()-–—…‘’“”&%$£€@#/+*=°")
_BROKEN_BYTES = re.compile("Ã[\u0080-\u00bf©¨¢«´]|â€[™œ\u009d\u0153“”˜¦]|Â[\u00a0-\u00bf]")
"""UTF-8 that was read as Windows-1252: "Ã©" for "é"."""


def letters_in(text: str) -> int:
    """Letters and digits; a digit counts as four letters, about what its word has."""
    return sum(4 if c.isdigit() else 1 for c in text if c.isalnum())


def check_text(name: str, text: str) -> list[Finding]:
    """What is wrong with the text of the utterance `name`."""
    if letters_in(text) == 0:
        return [Finding(name, "text", "error", "there is no text; write down what is said")]
    found = []
    control = sorted({c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn", "Cs")})
    if control or "\ufffd" in text or _BROKEN_BYTES.search(text):
        shown = ", ".join(f"U+{ord(c):04X}" for c in control) or "wrongly decoded letters"
        message = f"the text holds {shown}; save it as UTF-8 and read it through"
        found.append(Finding(name, "characters", "error", message))
    if _BROKEN_BYTES.search(text):
        return found  # what else is odd comes from that
    odd = sorted({c for c in text if c not in control and c != "\ufffd" and not _speakable(c)})
    if odd:
        shown = " ".join(odd[:8])
        message = f"the text holds {shown}; write it as it is said"
        found.append(Finding(name, "characters", "warning", message, float(len(odd))))
    return found


def _speakable(character: str) -> bool:
    if character in _PLAIN or (character.isdecimal() and character.isascii()):
        return True
    return character.isalpha() and "LATIN" in unicodedata.name(character, "")
