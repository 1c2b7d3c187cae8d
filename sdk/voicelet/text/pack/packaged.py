"""The languages inside the package, and which of them reads a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.text.language import DEFAULT_LANGUAGE, Language
from voicelet.text.pack.folder import PACKAGED, languages, open_pack


@lru_cache(maxsize=64)
def packaged_language(folder: str) -> Language:
    """The language of one of :func:`languages`."""
    return open_pack(PACKAGED / folder, check=False)


@lru_cache(maxsize=64)
def find_language(tag: str = DEFAULT_LANGUAGE) -> Language:
    """The language of a BCP 47 tag: itself, or the nearest that it is a kind of.

    "en-US" is read by "en"; "pt" by the only Portuguese that there is, "pt-br".

    Raises:
        ConfigError: voicelet can't read it; the message says what it can.
    """
    return packaged_language(match_tag(tag, languages()))


def match_tag(tag: str, known: Sequence[str]) -> str:
    """Which of the packs that there are reads a language: itself, or the nearest it is a kind of.

    Args:
        tag: BCP 47.
        known: tags in lower case.

    Raises:
        ConfigError: none does; the message says what there is.
    """
    wanted = tag.replace("_", "-").lower().split("-")
    for length in range(len(wanted), 0, -1):
        if (nearest := "-".join(wanted[:length])) in known:
            return nearest
    regional = [k for k in known if k.split("-")[0] == wanted[0]]
    if len(regional) == 1:
        return regional[0]
    raise ConfigError(
        f"voicelet doesn't read the language {tag!r}{did_you_mean(tag.lower(), known)}; it reads "
        f"{', '.join(sorted(known))}. Install a pack of it (voicelet pack install)"
    )
