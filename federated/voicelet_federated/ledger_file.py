"""An encrypted file that isn't taken back to an older state unnoticed.

The file is replaced whole, under ChaCha20-Poly1305, with a counter inside that only rises; a second
small file holds the counter too.  A changed or shortened file doesn't open; an older copy of one
file doesn't fit the other.  Whoever puts back older copies of both, or deletes both, isn't noticed:
keep the second where backups don't reach or the key in a store that is wiped with them.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_federated.errors import BudgetError

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
            if self._counted < counter - 1:  # catches up first: never two behind
                self._write(self._count_path, _COUNT, b"%d" % (counter - 1))
            self._write(self.path, _DATA, text)
            self._write(self._count_path, _COUNT, b"%d" % counter)
        except OSError as error:
            raise BudgetError(
                f"{self.path}: can't be written ({error}); free some room, until then the device "
                "sits rounds out"
            ) from None
        self._counted = counter

    def broken(self, why: str) -> BudgetError:
        """For a text that is whole and yet makes no sense."""
        return BudgetError(f"{self.path}: unreadable ({why}); the device joins no more")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes away meanwhile.

        Raises:
            BudgetError: it can't be locked.
        """
        try:
            import fcntl
        except ImportError:  # Windows: one process a ledger
            yield
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self.path.with_name(self.path.name + ".lock"), "ab")  # noqa: SIM115
        except OSError as error:
            raise BudgetError(f"{self.path}: can't be locked ({error})") from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

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
