"""The audit log of this device: `note` what happened, `default_log` to look at it.

`note` costs some microseconds.  What happens all the time ("use") is kept in memory for about a
second and written by a thread in the background; everything else is on the disk when `note`
returns.  A crash loses those uses, nothing else.  A failure of the log never stops
speech: it is reported once through :mod:`logging`.

`VOICELET_AUDIT` names another folder, or is "off": whoever integrates voicelet and keeps a record
of their own may do without this one.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import hmac
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import VoiceletError
from voicelet.files import data_dir, state_dir
from voicelet.trust.audit.log import AuditLog, Event, timestamp
from voicelet.trust.audit.record import Field, check_event

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HIDDEN = frozenset(
    {"name", "profile", "speaker", "person", "owner", "given_by", "recipient", "text"}
)
"""Fields whose text is never kept: a keyed hash of it takes its place."""
BUFFERED = frozenset({"use"})
MOST_BUFFERED = 10_000
"""Uses kept while the disk is full; then the oldest are dropped, and the log says how many."""
_DELAY_S = 1.0
_RETRY_S = 30.0
_log = logging.getLogger(__name__)


def note(event: str, **fields: Field) -> None:
    """Note an event in this device's audit log; never raises.

        note("use", profile="ana", seconds=3.2, text="Hello.")

    Args:
        event: "enrol", "consent", "use", "export", "revoke", "erase", "federation", …
        fields: short facts.  Text under the names in `HIDDEN` becomes a keyed hash at once.
    """
    if not is_on():
        return
    try:
        hashed = {
            k: _digest(v) if k in HIDDEN and isinstance(v, str) else v for k, v in fields.items()
        }
        check_event(event, hashed)
        _RECORDER.add(Event(event, hashed, timestamp()), event in BUFFERED)
    except (VoiceletError, RuntimeError, TypeError, ValueError) as error:
        # RuntimeError: no thread can be started while the interpreter shuts down.
        _log.warning("the audit log misses an event (%r): %s", event, error)


def flush() -> None:
    """Write what is buffered.

    Raises:
        AuditError: it can't be written; it is kept and tried again later.
    """
    _RECORDER.flush()


def is_on() -> bool:
    """Whether events are noted."""
    return os.environ.get("VOICELET_AUDIT", "").lower() != "off"


def audit_folder() -> Path:
    """Where the log is: `$XDG_STATE_HOME/voicelet/audit`, or what `VOICELET_AUDIT` names."""
    named = os.environ.get("VOICELET_AUDIT", "")
    if named and named.lower() != "off":
        return Path(named).absolute()
    return state_dir() / "audit"


def default_log(key: Ed25519PrivateKey | bytes | None = None) -> AuditLog:
    """This device's log, with this device's key.

    Args:
        key: another key, or a public one to look with.

    Raises:
        SealError: the device's key can't be had.
    """
    from voicelet.trust.keys.device_key import device_key

    folder = audit_folder()
    # The head is in another folder, so that removing the folder of the log is noticed.
    place = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]
    head = data_dir() / "audit" / f"head-{place}.json"
    return AuditLog(folder, device_key() if key is None else key, head_path=head)


def pseudonym(value: str, key: Ed25519PrivateKey | None = None) -> str:
    """The hash that is logged in place of a name or a text; always the same on this device.

    HMAC-SHA256 (16 bytes, hexadecimal) under a key derived from the device's, so that nobody
    without it can try out names or sentences.

    Raises:
        SealError: the device's key can't be had.
    """
    from voicelet.trust.keys.device_key import device_key

    return _keyed(_digest(value), key or device_key())


def _digest(value: str) -> _Digest:
    return _Digest(hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest())


class _Digest(str):
    """A hash that still has to be keyed, when the key is at hand."""

    __slots__ = ()


def _keyed(digest: _Digest, key: Ed25519PrivateKey) -> str:
    return hmac.new(_pseudonym_key(key), digest.encode("ascii"), "sha256").hexdigest()[:32]


@functools.lru_cache(maxsize=4)
def _pseudonym_key(key: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = b"voicelet-audit-pseudonym-1"
    return HKDF(SHA256(), 32, salt=None, info=info).derive(key.private_bytes_raw())


class AuditRecorder:
    """Collects events and writes them to the default log, soon."""

    def __init__(self) -> None:
        self._queue: deque[Event] = deque()
        self._lost = 0
        self._lock = threading.Lock()  # of the two above; held for microseconds
        self._writing = threading.RLock()  # held while events are on their way to the disk
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._warned = False

    def add(self, event: Event, buffered: bool) -> None:
        """Take an event; an unbuffered one is written before this returns, if it can be."""
        with self._lock:
            self._queue.append(event)
            if len(self._queue) > MOST_BUFFERED:
                self._queue.popleft()
                self._lost += 1
        if buffered and not sys.is_finalizing():
            self._start()
            self._wake.set()
        else:
            self.try_flush()

    def flush(self) -> None:
        """Write all that waits; see `voicelet.trust.audit.device_log.flush`."""
        with self._writing:  # what another thread has taken to write is there, too, afterwards
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            events, n_lost = list(self._queue), self._lost
            self._queue.clear()
            self._lost = 0
        if n_lost:
            events.insert(0, Event("lost", {"events": n_lost}, events[0].time))
        if not events:
            return
        try:
            log = default_log()
            log.extend([self._keyed(event, log) for event in events])
        except BaseException:
            with self._lock:
                self._queue.extendleft(reversed(events[1:] if n_lost else events))
                self._lost += n_lost
            raise

    def try_flush(self) -> bool:
        """Write all waiting events; logs a failure once.  Returns whether they were written."""
        try:
            self.flush()
        except (VoiceletError, OSError, RuntimeError) as error:
            if not self._warned:
                _log.warning("the audit log can't be written (speech goes on): %s", error)
                self._warned = True
            return False
        self._warned = False
        return True

    def discard(self) -> None:
        """Drop all waiting events."""
        with self._writing, self._lock:
            self._queue.clear()
            self._lost = 0

    def _begin_anew(self) -> None:
        """Reset in a child process, which has no thread; the parent writes what it collected."""
        self.__init__()  # type: ignore[misc]

    @staticmethod
    def _keyed(event: Event, log: AuditLog) -> Event:
        key = log.private_key
        fields: Mapping[str, Field] = {
            k: _keyed(v, key) if isinstance(v, _Digest) else v for k, v in event.fields.items()
        }
        return Event(event.name, fields, event.time)

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="voicelet-audit", daemon=True
                    )
                    self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()  # never set
        while True:
            self._wake.wait()
            pause.wait(_DELAY_S)  # more may come, and first audio goes first
            self._wake.clear()
            if not self.try_flush():
                pause.wait(_RETRY_S)
                self._wake.set()


_RECORDER = AuditRecorder()
atexit.register(_RECORDER.try_flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_RECORDER._begin_anew)

__all__ = ["AuditLog", "default_log", "flush", "note", "pseudonym"]
