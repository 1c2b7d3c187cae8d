"""The consent sentences that this device asked for: each for some minutes, and for one consent.

Their hashes, times and tries stand in `$XDG_STATE_HOME/voicelet/sentences/issued.json`, so that a
sentence may be drawn by one process and read to another.  A sentence that isn't there, because it
was drawn elsewhere, too long ago or used already, gives no consent.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ConsentError
from voicelet.files import atomic_file, file_lock, make_private, read_own, state_dir

DEFAULT_MINUTES = 15
MINUTES_VARIABLE = "VOICELET_SENTENCE_MINUTES"
MAX_MINUTES = 1440
MAX_TRIES = 5

_KEPT_AFTER = timedelta(hours=6)  # enrolment may go on after the sentence's time is over
_CLOCK_SLACK = timedelta(minutes=1)
_MOST = 1000
_MAX_BYTES = 1 << 20
_REMEDY = (
    "draw a new one, with voicelet.consent_sentence() or voicelet enrol NAME --sentence, and read"
    " that"
)
_log = logging.getLogger(__name__)


def sentence_lifetime() -> timedelta:
    """How long a sentence may be read: 15 minutes, or what `VOICELET_SENTENCE_MINUTES` says.

    Raises:
        ConfigError: that is no number of minutes from 1 to 1440.
    """
    value = os.environ.get(MINUTES_VARIABLE, "") or str(DEFAULT_MINUTES)
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_MINUTES):
        raise ConfigError(
            f"{MINUTES_VARIABLE}={value[:20]!r}: give whole minutes from 1 to {MAX_MINUTES}"
        )
    return timedelta(minutes=int(value))


@dataclass(frozen=True)
class _Issued:
    sha256: str
    issued: str
    tries: int

    def age(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.issued)


class IssuedSentences:
    """The sentences that were asked for and not used yet, in a file.

    Any number of processes may use it at once.  Every change is one atomic write under a lock: a
    process that is killed leaves the file as it was, and of two that use one sentence, one wins.

    Args:
        path: the file; by default this device's own.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else state_dir() / "sentences" / "issued.json"

    def add(self, text: str, now: datetime | None = None) -> None:
        """Remember a sentence that was drawn just now.

        Raises:
            ConsentError: it can't be written down.
        """
        time = now or datetime.now(timezone.utc)
        new = _Issued(_digest(text), time.astimezone(timezone.utc).isoformat(), 0)
        with self._changing() as sentences:
            limit = sentence_lifetime() + _KEPT_AFTER
            fresh = [s for s in sentences if s.age(time) < limit]
            sentences[:] = [*fresh, new][-_MOST:]

    def check(self, text: str, now: datetime | None = None) -> None:
        """Refuse a sentence that this device didn't ask for in the last minutes.

        Args:
            now: when the speaker's recording was handed over; the present without it.

        Raises:
            ConsentError: it is unknown, used, too old or was tried too often; with the remedy.
        """
        time = now or datetime.now(timezone.utc)
        self._usable(self._read(), text, time)

    def take_try(self, text: str) -> None:
        """Count one attempt to consent with a sentence; only a few are allowed.

        Raises:
            ConsentError: it is unknown, used or was tried too often, or can't be written down.
        """
        with self._changing() as sentences:
            place = sentences.index(self._usable(sentences, text, None))
            sentences[place] = replace(sentences[place], tries=sentences[place].tries + 1)

    def use(self, text: str) -> None:
        """Use a sentence up, at its one consent.

        Raises:
            ConsentError: somebody else has used it meanwhile, or it can't be written down.
        """
        with self._changing() as sentences:
            sentences.remove(self._known(sentences, text))

    def _known(self, sentences: list[_Issued], text: str) -> _Issued:
        digest = _digest(text)
        for sentence in sentences:
            if sentence.sha256 == digest:
                return sentence
        raise ConsentError(
            "this consent sentence wasn't asked for on this device lately, or was used already;"
            f" {_REMEDY}"
        )

    def _usable(self, sentences: list[_Issued], text: str, now: datetime | None) -> _Issued:
        found = self._known(sentences, text)
        if found.tries >= MAX_TRIES:
            raise ConsentError(f"this sentence was tried {found.tries} times; {_REMEDY}")
        if now is not None:
            lifetime = sentence_lifetime()
            if not -_CLOCK_SLACK <= found.age(now) <= lifetime:
                minutes = int(lifetime.total_seconds() // 60)
                raise ConsentError(
                    f"the consent sentence had to be read within {minutes} minutes; {_REMEDY}"
                )
        return found

    def _read(self) -> list[_Issued]:
        try:
            data = read_own(self.path, _MAX_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise self._unwritten(error) from None
            data = b"far too long"  # damaged, as below
        try:
            return _decode(data)
        except (ValueError, TypeError, KeyError, RecursionError, ConfigError) as error:
            # No sentence counts any more, which refuses and harms nobody; a new one can be drawn.
            _log.warning("%s is damaged (%s); sentences drawn before are void", self.path, error)
            return []

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[_Issued]]:
        """The sentences, to be changed in place; written if nothing is raised."""
        try:
            make_private(self.path.parent)
            with file_lock(self.path.with_name(self.path.name + ".lock")):
                sentences = self._read()
                yield sentences
                rows = [asdict(s) for s in sentences]
                with atomic_file(self.path, 0o600, follow=False) as file:
                    file.write(json.dumps({"version": 1, "sentences": rows}).encode("ascii"))
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> ConsentError:
        return ConsentError(
            f"can't keep the consent sentence ({self.path}: {error.strerror or error}); make room"
            " there, or name another folder in XDG_STATE_HOME"
        )


def issued_sentences() -> IssuedSentences:
    """Those of this device."""
    return IssuedSentences()


def _digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _decode(data: bytes) -> list[_Issued]:
    record: Any = json.loads(data)
    if not isinstance(record, dict) or record.get("version") != 1:
        raise ValueError("of another version")
    sentences = [from_mapping(_Issued, row) for row in record["sentences"]]
    for sentence in sentences:
        if datetime.fromisoformat(sentence.issued).tzinfo is None or sentence.tries < 0:
            raise ValueError("an impossible time or count")
    return sentences
