"""Names of profiles, and the file names they become."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import unicodedata
from pathlib import Path

from voicelet.errors import ProfileError

MAX_CHARACTERS = 64
MAX_FILE_BYTES = 200  # of a file name; file systems allow 255
_FORBIDDEN = set('/\\:*?"<>|')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_name(name: str) -> str:
    """Return the name in Unicode's composed form, if it can be a profile's.

    Letters of any script, digits, spaces, dots, dashes and the like are fine.

    Raises:
        ProfileError: empty, too long, or with characters that could lead out of the folder, break
            a line or hide.
    """
    if not isinstance(name, str):
        raise ProfileError(f"a profile's name must be text, not {type(name).__name__}")
    text = unicodedata.normalize("NFC", name)
    problem = ""
    if not text.strip():
        problem = "is empty"
    elif len(text) > MAX_CHARACTERS:
        problem = f"is longer than {MAX_CHARACTERS} characters"
    elif text != text.strip():
        problem = "begins or ends with a space"
    elif text[0] in ".-" or text[-1] == ".":
        problem = "begins with a dot or a dash, or ends with a dot"
    elif _FORBIDDEN & set(text):
        problem = "holds a character that file names can't"
    elif any(_is_hidden(c) for c in text):
        problem = "holds an invisible or unassigned character"
    elif _WINDOWS_DEVICES.fullmatch(text):
        problem = "is the name of a device on Windows"
    if problem:
        raise ProfileError(
            f"the profile name {name[:80]!a} {problem}; use letters, digits, spaces, '-', '_'"
        )
    return text


def _is_hidden(character: str) -> bool:
    # Zero-width joiners are part of the spelling of some scripts and are let through.
    return character not in "\u200c\u200d" and unicodedata.category(character) in {
        "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp",
    }  # fmt: skip


def file_stem(name: str) -> str:
    """The file name (without suffix) of the profile `name`.

    Names that differ only in case get different files even on file systems that ignore case, and
    long names are shortened; both by a piece of a hash.
    """
    text = check_name(name)
    encoded = text.encode("utf-8")
    if text == text.lower() and len(encoded) <= MAX_FILE_BYTES:
        return text
    digest = hashlib.sha256(encoded).hexdigest()[:12]
    short = encoded[: MAX_FILE_BYTES - 20].decode("utf-8", "ignore")
    return f"{short}~{digest}"


def name_of_file(file: str) -> str:
    """The name of the profile in a file, as far as the file's own name tells.

    That of a very long name is shortened, and so is what is returned.
    """
    stem = file.rpartition(".")[0] or file
    short = stem.rpartition("~")[0]
    try:
        return short if short and file_stem(short) == stem else stem
    except ProfileError:
        return stem


def default_folder() -> Path:
    """The user's own profiles: `$XDG_DATA_HOME/voicelet/profiles`, or the system's equivalent."""
    base = os.environ.get("XDG_DATA_HOME", "")
    if base and os.path.isabs(base):
        return Path(base) / "voicelet" / "profiles"
    try:
        if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
            return Path(os.environ["LOCALAPPDATA"]) / "voicelet" / "profiles"
        return Path.home() / ".local" / "share" / "voicelet" / "profiles"
    except RuntimeError as error:
        raise ProfileError("there is no home folder; set XDG_DATA_HOME to a folder") from error
