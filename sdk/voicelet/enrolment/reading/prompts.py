"""Prompts: sentences to read, short words to repeat, pictures to name, and their order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from voicelet.enrolment.enrolment import phonetic_coverage
from voicelet.errors import ConfigError

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".tif", ".tiff"})
"""Suffixes by which a line of a file of prompts is taken for a picture."""
MAX_BYTES = 1 << 18
MAX_PROMPTS = 500
MAX_CHARACTERS = 300

Pronounce = Callable[[str], str]
"""Text → its phones."""


@dataclass(frozen=True)
class Prompt:
    """What is asked for once.

    Attributes:
        text: the words that are expected; "" where only the speaker knows.
        picture: a picture to be named, None for a text.
    """

    text: str
    picture: Path | None = None


def sentences() -> tuple[Prompt, ...]:
    """Forty English sentences of about three seconds each, which hold all common sounds."""
    return _packaged("sentences.txt")


def short_words() -> tuple[Prompt, ...]:
    """English words that children know, for those to whom a sentence is too much."""
    return _packaged("words.txt")


def _packaged(name: str) -> tuple[Prompt, ...]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return tuple(Prompt(line) for line in text.splitlines() if line)


def read_prompts(file: str | os.PathLike[str]) -> tuple[Prompt, ...]:
    """Read a file of prompts: UTF-8, a prompt a line, in the order in which they are asked.

    A line is a text, or the path of a picture (by its suffix; relative to the file's folder), or
    the path of a picture, a tab and the words for it.  Empty lines and lines that begin with "#"
    are skipped.

    Raises:
        ConfigError: it can't be read, holds no prompt, or a line of it is unusable; the line is
            named.
    """
    path = Path(file)
    try:
        with path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8 text; save it as UTF-8"
        raise ConfigError(f"the prompts {str(path)!r} can't be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the prompts {str(path)!r} are longer than {MAX_BYTES >> 10} kB")
    prompts = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            prompts.append(_parse(stripped, f"line {number} of {str(path)!r}", path.parent))
    if not prompts:
        raise ConfigError(f"{str(path)!r} holds no prompts; write a sentence or a picture a line")
    if len(prompts) > MAX_PROMPTS:
        raise ConfigError(f"{str(path)!r} holds more than {MAX_PROMPTS} prompts; split it")
    return tuple(prompts)


def _parse(line: str, place: str, folder: Path) -> Prompt:
    first, _, words = (part.strip() for part in line.partition("\t"))
    is_picture = Path(first).suffix.lower() in PICTURES
    text = words if is_picture else " ".join(line.split())
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"{place} is longer than {MAX_CHARACTERS} characters; make two of it")
    if not all(character.isprintable() for character in text):
        raise ConfigError(f"{place} holds characters that can't be shown; remove them")
    if not is_picture:
        return Prompt(text)
    picture = folder / first
    if not first.isprintable() or not picture.is_file():
        raise ConfigError(f"{place}: there is no picture {first!r}; check the path")
    return Prompt(text, picture)


def order_by_coverage(
    prompts: Sequence[Prompt], pronounce: Pronounce, inventory: str
) -> tuple[Prompt, ...]:
    """Bring prompts into the order in which they cover the language's sounds soonest.

    Greedy: the next prompt is the one that adds most to the coverage, or the first of those that
    add as much.  Where nothing is left to add, it begins anew, so that further prompts cover all
    sounds a second time.
    """
    left = [(prompt, pronounce(prompt.text)) for prompt in prompts]
    ordered: list[Prompt] = []
    heard = ""
    while left:
        reached = [phonetic_coverage(heard + phones, inventory) for _, phones in left]
        if max(reached) <= phonetic_coverage(heard, inventory):
            heard = ""
            reached = [phonetic_coverage(phones, inventory) for _, phones in left]
        prompt, phones = left.pop(reached.index(max(reached)))
        ordered.append(prompt)
        heard += phones
    return tuple(ordered)
