"""The privacy budget that this device has spent over all runs: encrypted, written in advance.

An older copy of the file that was put back is noticed.

The file is replaced whole, under ChaCha20-Poly1305, with a counter inside that only rises; a second
small file holds the counter too.  A changed or shortened file doesn't open; an older copy of one
file doesn't fit the other.  Whoever puts back older copies of both, or deletes both, isn't noticed:
keep the second where backups don't reach or the key in a store that is wiped with them.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, VoiceletError
from voicelet.files import atomic_file, make_private, open_own, read_own
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy.accounting import DELTA, Account
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

_DATA, _COUNT = b"VLLG\x01", b"VLLC\x01"
_NONCE = 12


class LedgerFile:
    """Text under a rising counter; several processes may use it, inside :meth:`locked`.

    Args:
        path: of the text.
        key: 32 bytes, kept apart from the file.
        counter_path: the second file; beside the first by default.
    """

    def __init__(self, path: Path, key: bytes, counter_path: Path | None = None) -> None:
        if len(key) != 32:
            raise ConfigError(f"a ledger's key has 32 bytes, not {len(key)}")
        self.path, self._cipher = path, ChaCha20Poly1305(key)
        self._count_path = counter_path or path.with_name(path.name + ".count")
        self._counted = 0

    def read(self) -> bytes:
        """The text, b"" if there is none yet.

        Raises:
            BudgetError: the files can't be read, or were changed.
        """
        text, count = self._read(self.path, _DATA), self._read(self._count_path, _COUNT)
        try:
            self._counted = int(count or b"0")
        except ValueError:
            raise self.broken("its counter isn't a number") from None
        return text

    def check_counter(self, counter: int) -> None:
        """See that a text just read with this counter in it is the newest.

        Raises:
            BudgetError: it is an older one, or the counter's file is.
        """
        # A crash between the two writes leaves the text one ahead, never behind.
        if not self._counted <= counter <= self._counted + 1:
            raise BudgetError(
                f"{self.path}: not the newest ledger, or its counter isn't; what was spent is "
                "unknown and the device joins no more until both are back"
            )

    def write(self, text: bytes, counter: int) -> None:
        """Replace the text by one whose counter is one more than that of the last.

        Raises:
            BudgetError: it can't be written; the last text, or this one, is still there whole.
        """
        try:
            if (
                self._counted < counter - 1
            ):  # the counter catches up first, so it is never two behind
                self._write(self._count_path, _COUNT, b"%d" % (counter - 1))
            self._write(self.path, _DATA, text)
            self._write(self._count_path, _COUNT, b"%d" % counter)
        except OSError as error:
            raise BudgetError(
                f"{self.path}: can't be written ({error}); free some room, until then the device "
                "sits rounds out"
            ) from None
        self._counted = counter

    def broken(self, reason: str) -> BudgetError:
        """The error for a text that is undamaged but invalid."""
        return BudgetError(f"{self.path}: unreadable ({reason}); the device joins no more")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock against other processes.

        Raises:
            BudgetError: it can't be locked.
        """
        try:
            import fcntl
        except ImportError:  # Windows: one process a ledger
            yield
            return
        try:
            make_private(self.path.parent)
            lock = self.path.with_name(self.path.name + ".lock")
            file = open(open_own(lock, os.O_RDWR | os.O_CREAT), "r+b")  # noqa: SIM115
        except OSError as error:
            raise BudgetError(f"{self.path}: can't be locked ({error})") from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self, path: Path, magic: bytes) -> bytes:
        try:
            data = read_own(path)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise BudgetError(f"{path}: can't be read ({error})") from None
        start = len(magic) + _NONCE
        if data[: len(magic)] != magic:
            raise BudgetError(f"{path}: not a ledger of a version known here")
        try:
            return self._cipher.decrypt(data[len(magic) : start], data[start:], magic)
        except (InvalidTag, ValueError):
            raise BudgetError(
                f"{path}: changed, cut short or of another key; the device joins no more"
            ) from None

    def _write(self, path: Path, magic: bytes, plain: bytes) -> None:
        nonce = secrets.token_bytes(_NONCE)
        with atomic_file(path, 0o600, follow=False) as stream:
            stream.write(magic + nonce + self._cipher.encrypt(nonce, plain, magic))


PURPOSE = "improve the shared voice"
_REMEDY = "`voicelet-federated ledger --consent` agrees"


@dataclass(frozen=True)
class FederationConsent:
    """What a person agrees to; having agreed to cloning is no such consent.

    Attributes:
        purpose: what for.
        rounds: joined at most in the device's life, earlier consents' rounds among them.
        epsilon: spent at most in the device's life; infinite for simulated devices alone.
        expires: seconds since 1970.
    """

    purpose: str
    rounds: int
    epsilon: float
    expires: float

    def __post_init__(self) -> None:
        if self.rounds < 1 or not self.epsilon > 0.0 or not math.isfinite(self.expires):
            raise ConfigError("a consent needs rounds, a positive epsilon and a day it ends")


@dataclass(frozen=True)
class LedgerEntry:
    """One payment.

    Attributes:
        run, round: what for.
        time: seconds since 1970.
        share: the noise that the terms asked of every device.
        honest: devices of the cohort that were taken to add it, this one among them: the payment is
            accounted with their noise alone.  0, as before there was a floor: all of the minimum.
    """

    run: str
    round: int
    time: float
    share: NoiseShare
    honest: int = 0

    @property
    def counted(self) -> CountedShare:
        """What it costs."""
        return CountedShare(self.share, self.honest)


@dataclass(frozen=True)
class _State:
    counter: int = 0
    latest: float = 0.0
    consent: FederationConsent | None = None
    entries: tuple[LedgerEntry, ...] = ()
    withdrawn: bool = False


Check = Callable[[tuple[LedgerEntry, ...]], None]


class DeviceLedger:
    """The ledger of one device; several processes may use it.

    Args:
        path: the file; made at the first grant.
        key: 32 bytes, kept apart from the file.
        delta: that epsilon is stated at.
        counter_path: the second file (:mod:`voicelet_federated.ledger`).
        clock: seconds since 1970; one that goes backwards is held at the latest time seen.

    Raises:
        BudgetError: the files are broken, changed or older than they were.
    """

    def __init__(
        self,
        path: Path,
        key: bytes,
        delta: float = DELTA,
        counter_path: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file, self._clock = LedgerFile(path, key, counter_path), clock
        self.delta = delta
        with self._file.locked():
            self._load()

    @property
    def consent(self) -> FederationConsent | None:
        """What is agreed to at present, expired or not."""
        return self._state.consent

    @property
    def withdrawn(self) -> bool:
        """Whether there was a consent that was withdrawn."""
        return self._state.withdrawn

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """All payments, the oldest first."""
        return self._state.entries

    @property
    def epsilon(self) -> float:
        """Spent so far."""
        return self._account(math.inf).spent()

    @property
    def expired(self) -> bool:
        """Whether the consent's day has come."""
        state = self._state
        now = max(state.latest, self._clock())
        return state.consent is not None and state.consent.expires <= now

    def grant(self, consent: FederationConsent) -> None:
        """Agree; replaces an earlier consent, and forgets nothing that was spent.

        Raises:
            BudgetError: it has expired already, or can't be written.
        """
        with self._file.locked():
            state = self._load()
            now = max(state.latest, self._clock())
            if consent.expires <= now:
                day = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
                raise BudgetError(
                    f"this consent has expired already; choose a day after {day:%Y-%m-%d}, the "
                    "latest that this device's clock has shown"
                )
            self._save(replace(state, consent=consent, latest=now, withdrawn=False))

    def revoke(self) -> None:
        """Withdraw the consent.

        Raises:
            BudgetError: it can't be written.
        """
        with self._file.locked():
            state = self._load()
            latest = max(state.latest, self._clock())
            withdrawn = state.withdrawn or state.consent is not None
            self._save(replace(state, consent=None, latest=latest, withdrawn=withdrawn))

    def adopt(self, entries: Sequence[LedgerEntry]) -> None:
        """Take over payments that were written down elsewhere, before this ledger was.

        Raises:
            BudgetError: it can't be written.
        """
        with self._file.locked():
            state = self._load()
            self._save(replace(state, entries=(*entries, *state.entries)))

    def may_join(
        self,
        share: NoiseShare,
        purpose: str = PURPOSE,
        check: Check | None = None,
        honest: int = 0,
    ) -> float:
        """Whether one more round could be paid for, as :meth:`join`; nothing is paid.

        Returns:
            epsilon spent after that round.
        """
        with self._file.locked():
            counted = CountedShare(share, honest)
            return self._next(self._load(), counted, purpose, check)[1]

    def join(
        self,
        share: NoiseShare,
        run: str,
        round: int,
        purpose: str = PURPOSE,
        check: Check | None = None,
        honest: int = 0,
    ) -> float:
        """Pay for one round (or one more attempt at it) before it begins.

        Args:
            share: the noise of the round.
            run, round: which.
            purpose: what the run is for.
            check: is given all payments so far and raises what else there is to refuse.
            honest: devices of the cohort that are taken to add their noise
                (:class:`LedgerEntry`).

        Returns:
            epsilon spent so far, this round included; on the disk when this returns.

        Raises:
            ConsentError: nobody has agreed, or to something else.
            ConsentEndedError: withdrawn, or expired.
            BudgetError: too many rounds, too much epsilon, or it can't be written.
            The device must then not join.
        """
        with self._file.locked():
            state = self._load()
            counted = CountedShare(share, honest)
            now, spent = self._next(state, counted, purpose, check)
            entries = (*state.entries, LedgerEntry(run, round, now, share, honest))
            self._save(replace(state, latest=now, entries=entries))
            return spent

    def _next(
        self, state: _State, share: CountedShare, purpose: str, check: Check | None
    ) -> tuple[float, float]:
        """(now, epsilon after one more round)."""
        now = max(state.latest, self._clock())
        consent = state.consent
        if consent is None and state.withdrawn:
            raise ConsentEndedError(
                f"the consent to federated learning was withdrawn; {_REMEDY} again"
            )
        if consent is None:
            raise ConsentError(f"nobody has agreed to federated learning; {_REMEDY}")
        if consent.purpose != purpose:
            raise ConsentError(f"agreed to {consent.purpose!r}, not to {purpose!r}")
        if consent.expires <= now:
            if now > state.latest:
                self._save(replace(state, latest=now))  # so that it stays expired
            raise ConsentEndedError(
                f"the consent to federated learning has expired; {_REMEDY} again"
            )
        if len(state.entries) >= consent.rounds:
            raise BudgetError(f"{len(state.entries)} rounds joined, as many as agreed to")
        if check is not None:
            check(state.entries)
        return now, self._account(consent.epsilon).pay(share)

    def _account(self, epsilon: float) -> Account:
        return Account(epsilon, self.delta, tuple(e.counted for e in self._state.entries))

    def _load(self) -> _State:
        text = self._file.read()
        try:
            state = from_mapping(_State, json.loads(text)) if text else _State()
        except (ValueError, VoiceletError) as error:
            raise self._file.broken(str(error)) from None
        self._file.check_counter(state.counter)
        self._state = state
        return state

    def _save(self, state: _State) -> None:
        new = replace(state, counter=state.counter + 1)
        self._file.write(json.dumps(asdict(new)).encode(), new.counter)
        self._state = new
