"""How a text is read to somebody who can't see it: what screen readers ask for.

The levels of punctuation are those that screen readers share (NVDA, Orca, the Speech Dispatcher
protocol): every mark has a level from which on it is spoken by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError

Punctuation: TypeAlias = Literal["none", "some", "most", "all"]
Capitals: TypeAlias = Literal["none", "say", "pitch", "tone"]

PUNCTUATION: tuple[Punctuation, ...] = get_args(Punctuation)
"""Each level speaks the marks of those before it, too."""
CAPITALS: tuple[Capitals, ...] = get_args(Capitals)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a text is read.

    Attributes:
        punctuation: which marks are spoken by name; with "none" they only shape the speech.
        capitals: how a capital is made known: by a word before it ("say"), by a higher pitch or by
            a short tone.
        key: the text is one character or the name of a key.

    Raises:
        ConfigError: there is no such level, or no such way.
    """

    punctuation: Punctuation = "none"
    capitals: Capitals = "none"
    key: bool = False

    def __post_init__(self) -> None:
        for name, known in (("punctuation", PUNCTUATION), ("capitals", CAPITALS)):
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(
                    f"{name} can't be {value!r}{did_you_mean(str(value), known)}; there are "
                    f"{', '.join(known)}"
                )

    def speaks(self, level: Punctuation) -> bool:
        """Whether marks of a level are spoken."""
        return PUNCTUATION.index(level) <= PUNCTUATION.index(self.punctuation)


PLAIN = Reading()
"""Text as it is read to anybody."""
