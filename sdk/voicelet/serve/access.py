"""Who may ask for what: tokens, of which only hashes are kept, and how often each may be used."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, ServeError
from voicelet.files import atomic_file, file_lock
from voicelet.trust.consent.record import check_purpose

_PREFIX = "voicelet-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_FILE_BYTES = 4 << 20
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Token:
    """What the holder of a token may do.

    Attributes:
        name: of the holder, for the log and the metrics.
        sha256: of the token, hexadecimal.  A token has 256 random bits, so a fast hash serves.
        voices: profiles and presets that may speak; empty for all.
        purposes: what speech may be for; the consent of a profile has to cover it as well.
        requests_per_minute: 0 for any number.
    """

    name: str
    sha256: str
    voices: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ("own-use", "assistive")
    requests_per_minute: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"a token is named with up to 64 letters, digits and . _ -, not {self.name!r:.80}"
            )
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ConfigError(f"the hash of the token {self.name!r} isn't a SHA-256 in hexadecimal")
        for purpose in self.purposes:
            check_purpose(purpose)
        if not 0 <= self.requests_per_minute <= 1_000_000:
            raise ConfigError("requests_per_minute must lie between 0 and 1,000,000")


@dataclass(frozen=True)
class _TokenFile:
    tokens: tuple[Token, ...] = ()
    format: int = 1


ANYBODY = Token("local", "0" * 64, purposes=("own-use", "assistive", "publishing", "research"))
"""Who asks where no tokens are needed."""


def read_tokens(path: str | Path) -> tuple[Token, ...]:
    """The tokens of a file.

    Raises:
        ConfigError: it can't be read, or holds what no token has.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(_MAX_FILE_BYTES)
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=unique_keys)
    except OSError as error:
        raise ConfigError(f"{str(path)!r}: {error.strerror}; check the path") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{str(path)!r} isn't a file of tokens; make it anew") from None
    tokens = from_mapping(_TokenFile, data, str(path)).tokens
    if len({t.name for t in tokens}) != len(tokens):
        raise ConfigError(f"{str(path)!r}: two tokens have the same name")
    return tokens


def add_token(
    path: str | Path,
    name: str,
    *,
    voices: tuple[str, ...] = (),
    purposes: tuple[str, ...] = ("own-use", "assistive"),
    requests_per_minute: int = 0,
) -> str:
    """Make a token and keep its hash; a token of that name is replaced.

    Returns:
        The token, which is nowhere else.

    Raises:
        ConfigError: the file isn't one of tokens, or a value is impossible.
        ServeError: it can't be written.
    """
    path = Path(path)
    secret = _PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    token = Token(name, digest, voices, purposes, requests_per_minute)
    try:
        with file_lock(path.with_name(path.name + ".lock")):
            others = read_tokens(path) if path.exists() else ()
            kept = (*(t for t in others if t.name != name), token)
            text = json.dumps(asdict(_TokenFile(kept)), indent=1) + "\n"
            with atomic_file(path, 0o600) as file:
                file.write(text.encode("utf-8"))
    except OSError as error:
        raise ServeError(f"can't write {str(path)!r}: {error.strerror}; check the folder") from None
    return secret


class Gatekeeper:
    """Knows the callers.

    Args:
        tokens: None where none is needed.
        clock: seconds, for tests.
    """

    def __init__(
        self, tokens: tuple[Token, ...] | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens, self._clock = tokens, clock
        self._budgets: dict[str, tuple[float, float]] = {}

    def find(self, authorization: str | None) -> Token | None:
        """Whose token a header `Authorization: Bearer …` holds; None if it is nobody's."""
        if self._tokens is None:
            return ANYBODY
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        digest = hashlib.sha256(secret.strip().encode("utf-8", "replace")).hexdigest()
        found = None
        for token in self._tokens:  # all of them, so that the time tells nothing
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def wait_s(self, token: Token) -> float:
        """Count a request; how long the caller has to wait first, 0 if it may go on.

        A bucket that holds a minute's requests and fills evenly.
        """
        rate = token.requests_per_minute
        if not rate:
            return 0.0
        now = self._clock()
        left, since_s = self._budgets.get(token.name, (float(rate), now))
        left = min(float(rate), left + (now - since_s) * rate / _MINUTE_S)
        if left < 1.0:
            self._budgets[token.name] = (left, now)
            return (1.0 - left) * _MINUTE_S / rate
        self._budgets[token.name] = (left - 1.0, now)
        return 0.0
