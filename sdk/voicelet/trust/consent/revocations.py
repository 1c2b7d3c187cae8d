"""Withdrawn consents: a signed list that only grows, and what tells when it has shrunk.

The list (:mod:`.chain`) is a file.  Its state is kept apart from it (:mod:`.anchor`).  A list that
is missing, shorter than it was, another one or damaged stops every enrolled voice, for any of them
may have been withdrawn, until the list is restored or its owner has it repaired.  Where no state
is kept yet, because the list is older than that or nothing was ever withdrawn, the first use takes
the list as it is.

A withdrawal is written to the list first, then to its copy, the states, the audit log, and when the
vault is next opened to its index.  So whenever the machine stops, the list is at least as long as
anything says, and the next use brings the others up to it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from voicelet.errors import ConsentEndedError, ConsentError, SealError
from voicelet.files import atomic_file, data_dir, file_lock, make_private
from voicelet.trust.audit.device_log import note
from voicelet.trust.audit.record import Field
from voicelet.trust.consent.anchor import AnchorStore, read_audit_log
from voicelet.trust.consent.chain import (
    Anchor,
    Chain,
    Revocation,
    is_id,
    longest_sound,
    mentioned,
    parse,
    read_raw,
    scattered,
)
from voicelet.trust.consent.record import ConsentRecord, check_text, to_iso, utc_now
from voicelet.trust.keys.device_key import device_key, device_public_key

__all__ = ["Repair", "Revocation", "Revocations", "default_file", "device_revocations"]

REMEDY = "restore it from a backup, or have it put together again: voicelet consent repair"
_FOUND_AGAIN = "withdrawn before; found again"
_log = logging.getLogger(__name__)
_FileState = tuple[int, ...]


@dataclass(frozen=True)
class Repair:
    """What :meth:`Revocations.repair` did.

    Attributes:
        kept: withdrawals that the list, or its copy, still held.
        added: ids that were found elsewhere and added again.
        lost: how many more there had been.
    """

    kept: int
    added: tuple[str, ...]
    lost: int


@dataclass(frozen=True)
class _Status:
    """What a look at the list found: ids, with dates; its state; or why it can't be trusted."""

    revoked: Mapping[str, str]
    anchor: Anchor | None
    problem: str = ""


class Revocations:
    """The list in a file.

    Args:
        path: the file; by default the device's own, see :func:`default_file`.  It isn't among the
            profiles: a voice that is erased and imported again stays revoked.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else default_file()
        self._store = AnchorStore(self.path)
        self._seen: tuple[tuple[_FileState, _FileState], _Status] | None = None
        self._expected: frozenset[Anchor] = frozenset()
        self._expected_ids: frozenset[str] = frozenset()

    def add(self, record_id: str, reason: str = "", now: datetime | None = None) -> Revocation:
        """Withdraw the consent with that id, for good; doing so twice adds nothing.

        Raises:
            ConsentError: the list can't be written, or isn't what it was.
            SealError: the device's key can't be had.
        """
        if not is_id(record_id):
            raise ConsentError(f"{record_id[:40]!r} is no id of a consent record")
        reason = check_text("the reason", reason, empty=True)
        if reason.startswith("replaces "):
            raise ConsentError("a reason can't begin with 'replaces'; say it in other words")
        key = device_key()
        try:
            self._status()  # a list of before is taken as it is, before it grows
            with self._locked():
                states, position = self._states()
                chain = self._sound(self._read(), states)
                for entry in chain.entries:
                    if entry.id == record_id:
                        return entry
                chain = chain.grown(key, record_id, to_iso(now or utc_now()), reason)
                self._write(chain, position)
        except ConsentError as error:
            raise ConsentError(f"{error}; the consent is NOT revoked") from None
        except OSError as error:
            raise ConsentError(
                f"{self.path}: {error.strerror or error}; the consent is NOT revoked"
            ) from None
        self._note(record_id, chain)
        return chain.entries[-1]

    def check(self, record: ConsentRecord) -> None:
        """Raise if the record is listed, or may have been.  Costs a look at two files' dates.

        Raises:
            ConsentEndedError: it is listed.
            ConsentError: the list isn't what it was, so that nobody knows; with the remedy.
        """
        status = self._status()
        if record.id in status.revoked:
            on = f" on {status.revoked[record.id][:10]}" if status.revoked[record.id] else ""
            raise ConsentEndedError(
                f"{record.given_by} withdrew the consent to this voice{on}; to agree anew:"
                " voicelet consent add"
            )
        if status.problem:
            raise ConsentError(status.problem)

    def __contains__(self, record_id: object) -> bool:
        """Whether a record is listed.

        Raises:
            ConsentError: it isn't, and the list isn't what it was.
        """
        status = self._status()
        if record_id not in status.revoked and status.problem:
            raise ConsentError(status.problem)
        return record_id in status.revoked

    def withdrawn_on(self, record_id: str) -> str | None:
        """When a record was withdrawn, ISO 8601; "" if that isn't known, None if it wasn't."""
        return self._status().revoked.get(record_id)

    def entries(self) -> list[Revocation]:
        """All revocations, oldest first.

        Raises:
            ConsentError: a line was changed, removed or moved; it is named.
        """
        states, _ = self._states()
        return list(self._sound(self._read(), states).entries)

    def expect(self, state: Anchor | None, ids: Iterable[str]) -> None:
        """Have the list compared with a state that is kept elsewhere, from now on.

        Args:
            state: what the list was, if that is known.
            ids: that it held; they count as revoked, whatever became of the list.
        """
        states = self._expected | ({state} if state is not None else set())
        known = self._expected_ids | set(ids)
        if (states, known) != (self._expected, self._expected_ids):
            self._expected, self._expected_ids = states, known
            self._seen = None

    def present(self) -> tuple[Anchor, list[str]] | None:
        """The state of the list and the ids on it, to be kept elsewhere; None if it is broken."""
        status = self._status()
        return None if status.anchor is None else (status.anchor, list(status.revoked))

    def repair(self, *, accept_loss: bool = False) -> Repair:
        """Put the list together again, from all that this device knows; for its owner to ask for.

        From its copy where that is whole; else from the lines that still hold, the audit log, and
        the vaults that were opened (:meth:`expect`).  Nothing that is found is left out.

        Args:
            accept_loss: go on even if there were more withdrawals than are found again.

        Raises:
            ConsentError: there were more, or the list can't be written.
            SealError: the device's key can't be had.
        """
        key, now = device_key(), to_iso(utc_now())
        try:
            with self._locked():
                states, raws = self._surviving_states(), (self._raw(), self._store.read_copy())
                starts = [longest_sound(raw)[0] for raw in raws]
                chain = max(starts, key=lambda c: (self._broken(c, states) is None, len(c.lines)))
                kept, ids = len(chain.lines), dict(chain.ids())
                lines = {k: v for raw in raws for k, v in scattered(raw).items()}
                undated = dict.fromkeys((*self._noted("")[0], *self._expected_ids), now)
                elsewhere = {**undated, **{k: v.revoked for k, v in lines.items()}}
                added = tuple(i for i in elsewhere if i not in ids)
                missing = [state for state in sorted(states) if not self._has(chain, state)]
                # Anybody can sign lines; only this device's stand for withdrawals that it counted.
                own = key.public_key().public_bytes_raw().hex()
                counted = {e.id for e in (*chain.entries, *lines.values()) if e.device == own}
                lost = max((s.count for s in missing), default=0) - len(counted | set(undated))
                if lost > 0 and not accept_loss:
                    raise ConsentError(
                        f"{lost} withdrawn consents can't be found again, in {self.path}, its copy,"
                        " the audit log or the profiles; restore a backup of that file, or add"
                        " --accept-loss if there is none: those voices may then speak"
                    )
                for record_id in added:
                    chain = chain.grown(key, record_id, elsewhere[record_id], _FOUND_AGAIN)
                for state in missing:
                    why = f"replaces {state.count} {state.sha256}"
                    chain = chain.grown(key, secrets.token_hex(16), now, why)
                self._make_room()
                self._write(chain, "", must=True)
        except OSError as error:
            raise ConsentError(f"{self.path}: {error.strerror or error}; nothing changed") from None
        self._note("", chain)
        return Repair(kept, added, max(0, lost))

    def _status(self) -> _Status:
        state = (_file_state(self.path), _file_state(self._store.head))
        if self._seen is None or self._seen[0] != state:
            status = self._look()
            # What the look itself wrote needs no second one; the list may have changed since.
            self._seen = ((state[0], _file_state(self._store.head)), status)
        return self._seen[1]

    def _look(self) -> _Status:
        """Read everything; the list last, since it is what writers write first."""
        expected = dict.fromkeys(self._expected_ids, "")
        raw = b""
        try:
            states, position = self._states()
            is_first = not states
            noted, position = self._noted(position)
            raw = self._read()
            chain = self._sound(raw, states)
        except ConsentError as error:
            raws = (raw or self._raw(), self._store.read_copy())
            named = {i for r in raws for i in mentioned(r)} | set(self._noted("")[0])
            return _Status({**dict.fromkeys(named, ""), **expected}, None, str(error))
        unlisted = [i for i in dict.fromkeys((*noted, *expected)) if i not in chain.ids()]
        if unlisted and not is_first:
            return _Status(
                {**expected, **dict.fromkeys(unlisted, ""), **chain.ids()},
                None,
                f"{self.path} lacks {len(unlisted)} withdrawn consents that the audit log, or a"
                f" profile, knows of; {REMEDY}",
            )
        chain = self._bring_up(chain, unlisted, states, position)
        return _Status({**dict.fromkeys(unlisted, ""), **expected, **chain.ids()}, chain.anchor)

    def _noted(self, since: str) -> tuple[list[str], str]:
        """What the audit log knows, of the device's own list; see `read_audit_log`."""
        return read_audit_log(since) if self.path == default_file() else ([], since)

    def _bring_up(
        self, chain: Chain, unlisted: list[str], states: list[Anchor], position: str
    ) -> Chain:
        """Add what only the audit log knows; bring the states that are kept up to the list."""
        if not unlisted and self._is_kept(chain.anchor, position):
            return chain
        try:
            with self._locked():
                if self._read() != chain.raw:
                    return chain  # it has grown; whoever wrote it sees to the rest
                if unlisted:
                    key, now = device_key(), to_iso(utc_now())
                    for record_id in unlisted:
                        chain = chain.grown(key, record_id, now, _FOUND_AGAIN)
                    self._write(chain, position)
                else:
                    self._store.write(chain, position)
        except (OSError, SealError, ConsentError) as error:
            _log.log(
                logging.WARNING if chain.lines else logging.INFO,
                "the state of the list of revocations can't be kept: %s",
                error,
            )
        return chain

    def _is_kept(self, anchor: Anchor, position: str) -> bool:
        with contextlib.suppress(ConsentError):
            states, before = self._store.read()
            # A position in the same file of the log isn't worth a write.
            as_far = before.rpartition(":")[0] == position.rpartition(":")[0]
            kept = self._store.read_keystore()
            return as_far and states == [anchor, anchor] and kept in (None, anchor)
        return False

    def _states(self) -> tuple[list[Anchor], str]:
        """What the list must hold, and how far the audit log was read.

        Raises:
            ConsentError: what says so is damaged.
        """
        try:
            stored, position = self._store.read()
        except ConsentError as error:
            raise ConsentError(f"{error}; {REMEDY}") from None
        kept = self._store.read_keystore()
        return [*stored, *([kept] if kept is not None else []), *self._expected], position

    def _surviving_states(self) -> set[Anchor]:
        with contextlib.suppress(ConsentError):
            return set(self._states()[0])
        kept = self._store.read_keystore()
        return {*self._expected, *([kept] if kept is not None else [])}

    def _sound(self, raw: bytes, states: Iterable[Anchor]) -> Chain:
        """Parse the list and compare it with the states.

        Raises:
            ConsentError: it is damaged, missing, shorter than it was, or another one.
        """
        try:
            chain = parse(raw)
        except ConsentError as error:
            raise ConsentError(f"{self.path}, {error}; {REMEDY}") from None
        problem = self._broken(chain, states)
        if problem is not None:
            raise ConsentError(f"{self.path} {problem}; no enrolled voice speaks; {REMEDY}")
        return chain

    def _broken(self, chain: Chain, states: Iterable[Anchor]) -> str | None:
        for state in states:
            if self._has(chain, state):
                continue
            if not chain.lines:
                return f"is missing or empty, and it held {state.count} withdrawn consents"
            if len(chain.lines) < state.count:
                return f"holds {len(chain.lines)} withdrawn consents, and it held {state.count}"
            return "is another list than it was"
        return None

    @staticmethod
    def _has(chain: Chain, state: Anchor) -> bool:
        if chain.holds(state):
            return True
        return any(e.replaces for e in chain.entries) and (
            state in chain.replaced(device_public_key().hex())
        )

    def _write(self, chain: Chain, position: str, must: bool = False) -> None:
        """The list, then what is kept apart from it; see the top of this file for the order."""
        with atomic_file(self.path, 0o600, follow=False) as file:
            file.write(chain.raw)
        self._seen = None
        try:
            self._store.write(chain, position)
        except SealError as error:
            if must:
                raise ConsentError(f"the list is whole, but not its state: {error}") from None
            _log.warning("the state of the list of revocations can't be kept: %s", error)

    def _note(self, record_id: str, chain: Chain) -> None:
        if self.path == default_file():
            event = "revocation" if record_id else "repair-revocations"
            named: dict[str, Field] = {"consent": record_id} if record_id else {}
            note(event, **named, lines=chain.anchor.count, head=chain.anchor.sha256)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self.path.parent)
        with file_lock(self.path.with_name(self.path.name + ".lock")):
            yield

    def _make_room(self) -> None:
        """Put aside a folder, or the like, that stands in the list's place."""
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            self.path.rename(self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}"))

    def _raw(self) -> bytes:
        """As :meth:`_read`; empty if it can't be read."""
        try:
            return self._read()
        except ConsentError:
            return b""

    def _read(self) -> bytes:
        try:
            return read_raw(self.path)
        except ConsentError as error:
            raise ConsentError(f"{error}; {REMEDY}") from None


def device_revocations() -> Revocations:
    """This device's list; one object for all, so that the file is read only when it has changed."""
    return _shared(default_file())


@lru_cache(maxsize=4)
def _shared(path: Path) -> Revocations:
    return Revocations(path)


def default_file() -> Path:
    """`$XDG_DATA_HOME/voicelet/consent/revoked.jsonl`."""
    return data_dir() / "consent" / "revoked.jsonl"


def _file_state(path: Path) -> _FileState:
    """What changes whenever the file does; its error where there is none to see."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError as error:
        return (error.errno or -1,)
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
