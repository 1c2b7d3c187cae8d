"""A document in chapters."""

from __future__ import annotations

from dataclasses import dataclass

MAX_TITLE_CHARS = 120


@dataclass(frozen=True)
class Chapter:
    """A part of a document.

    Attributes:
        title: its heading; "" where there is none.
        paragraphs: its text, none of them empty.
    """

    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """Heading and paragraphs, as they are to be spoken."""
        heading = self.title if not self.title or self.title[-1] in ".!?:…" else self.title + "."
        return "\n\n".join(filter(None, (heading, *self.paragraphs)))


@dataclass(frozen=True)
class Document:
    """A text in chapters.

    Attributes:
        title, author: what the file says of itself; "" if nothing.
        chapters: those that hold anything to say.
    """

    title: str
    author: str
    chapters: tuple[Chapter, ...]
