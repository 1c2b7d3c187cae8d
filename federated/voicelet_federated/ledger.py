"""What this device has spent in its life, over all runs: encrypted, and written before spending.

The file is replaced whole, under ChaCha20-Poly1305, with a counter inside that only rises; a second
small file holds the counter too.  A changed or shortened file doesn't open; an older copy of one
file doesn't fit the other.  Whoever puts back older copies of both, or deletes both, isn't noticed:
keep the second where backups don't reach (`counter_path`) or the key in a store that is wiped with
them.
"""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from voicelet.audio.atomic import atomic_file
from voicelet.config import from_mapping
from voicelet.errors import ConfigError, VoiceletError
from voicelet_federated.account import Account
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy import DELTA
from voicelet_federated.skellam import NoiseShare

PURPOSE = "improve the shared voice"
_LEDGER, _COUNT = b"VLLG\x01", b"VLLC\x01"
_NONCE = 12


@dataclass(frozen=True)
class FederationConsent:
    """What a person agrees to; having agreed to cloning is no such consent.

    Attributes:
        purpose: what for.
        rounds: joined at most in the device's life, earlier consents' rounds among them.
        epsilon: spent at most in the device's life.
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
class Entry:
    """One payment: run, round, when (seconds since 1970), and the noise it is accounted with."""

    run: str
    round: int
    time: float
    share: NoiseShare


@dataclass(frozen=True)
class _State:
    counter: int = 0
    latest: float = 0.0
    consent: FederationConsent | None = None
    entries: tuple[Entry, ...] = ()


class DeviceLedger:
    """The ledger of one device; several processes may use it.

    Args:
        path: the file; made at the first grant.
        key: 32 bytes, kept apart from the file.
        delta: that epsilon is stated at.
        counter_path: the second file; beside the first by default.
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
        if len(key) != 32:
            raise ConfigError(f"a ledger's key has 32 bytes, not {len(key)}")
        self._path, self._cipher, self._delta = path, ChaCha20Poly1305(key), delta
        self._count_path = counter_path or path.with_name(path.name + ".count")
        self._clock = clock
        with self._locked():
            self._load()

    @property
    def consent(self) -> FederationConsent | None:
        """What is agreed to at present, expired or not."""
        return self._state.consent

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All payments, the oldest first."""
        return self._state.entries

    @property
    def epsilon(self) -> float:
        """Spent so far."""
        return self._account(math.inf).spent()

    def grant(self, consent: FederationConsent) -> None:
        """Agree; replaces an earlier consent, and forgets nothing that was spent.

        Raises:
            BudgetError: it has expired already, or can't be written.
        """
        with self._locked():
            state = self._load()
            now = max(state.latest, self._clock())
            if consent.expires <= now:
                raise BudgetError("this consent has expired already; choose a later day")
            self._save(replace(state, consent=consent, latest=now))

    def revoke(self) -> None:
        """Agree to nothing any more.

        Raises:
            BudgetError: it can't be written.
        """
        with self._locked():
            state = self._load()
            latest = max(state.latest, self._clock())
            self._save(replace(state, consent=None, latest=latest))

    def join(self, share: NoiseShare, run: str, round: int, purpose: str = PURPOSE) -> float:
        """Pay for one round (or one more attempt at it) before it begins.

        Args:
            share: the noise of the round.
            run, round: which.
            purpose: what the run is for.

        Returns:
            epsilon spent so far, this round included; on the disk when this returns.

        Raises:
            BudgetError: no consent, expired or for something else; too many rounds; too much
                epsilon; or it can't be written.  The device must then not join.
        """
        with self._locked():
            state = self._load()
            now = max(state.latest, self._clock())
            consent = state.consent
            if consent is None:
                raise BudgetError("nobody has agreed to federated learning; grant it first")
            if consent.purpose != purpose:
                raise BudgetError(f"agreed to {consent.purpose!r}, not to {purpose!r}")
            if consent.expires <= now:
                self._save(replace(state, latest=now))  # so that it stays expired
                raise BudgetError("the consent has expired; grant it again")
            if len(state.entries) >= consent.rounds:
                raise BudgetError(f"{len(state.entries)} rounds joined, as many as agreed to")
            spent = self._account(consent.epsilon).pay(share)
            entries = (*state.entries, Entry(run, round, now, share))
            self._save(replace(state, latest=now, entries=entries))
            return spent

    def _account(self, epsilon: float) -> Account:
        return Account(epsilon, self._delta, tuple(e.share for e in self._state.entries))

    def _load(self) -> _State:
        ledger, count = self._read(self._path, _LEDGER), self._read(self._count_path, _COUNT)
        try:
            state = from_mapping(_State, json.loads(ledger)) if ledger else _State()
            counter = int(json.loads(count)) if count else 0
        except (ValueError, VoiceletError) as error:
            raise BudgetError(
                f"{self._path}: unreadable ({error}); the device joins no more"
            ) from (None)
        # A crash between the two writes leaves the ledger one ahead, never behind.
        if not counter <= state.counter <= counter + 1:
            raise BudgetError(
                f"{self._path}: not the newest ledger, or its counter isn't; what was spent is "
                "unknown and the device joins no more until both are back"
            )
        self._state = state
        return state

    def _save(self, state: _State) -> None:
        new = replace(state, counter=state.counter + 1)
        try:
            # The counter catches up first: never two ahead of it.
            self._write(self._count_path, _COUNT, json.dumps(state.counter).encode())
            self._write(self._path, _LEDGER, json.dumps(asdict(new)).encode())
            self._state = new
            self._write(self._count_path, _COUNT, json.dumps(new.counter).encode())
        except OSError as error:
            raise BudgetError(
                f"{self._path}: can't be written ({error}); free some room, until then the device "
                "sits rounds out"
            ) from None

    def _read(self, path: Path, magic: bytes) -> bytes:
        try:
            data = path.read_bytes()
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
        with atomic_file(path, 0o600) as out:
            out.write(magic + nonce + self._cipher.encrypt(nonce, plain, magic))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            import fcntl
        except ImportError:  # Windows: one process a ledger
            yield
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self._path.with_name(self._path.name + ".lock"), "ab")  # noqa: SIM115
        except OSError as error:
            raise BudgetError(f"{self._path}: can't be locked ({error})") from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
