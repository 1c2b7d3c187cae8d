"""The server side of sealed embeddings: open, check, hold in memory until they expire.

Anybody can seal a message for a server, so a sealed message says nothing of who sent it.  Whoever
sends is therefore known by a token before anything of theirs is opened or kept, and each has a
share of the memory that nobody else can fill.
"""

from __future__ import annotations

import hashlib
import heapq
import ipaddress
import json
import logging
import re
import secrets
import ssl
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import numpy.typing as npt

from voicelet_federated.errors import EmbeddingError
from voicelet_federated.sealed.embedding import (
    MOST_BYTES,
    EmbeddingHeader,
    ServerKey,
    note_received,
)

Vector = npt.NDArray[np.float32]
log = logging.getLogger(__name__)

PATH = "/v1/embedding"
_SKEW_S = 300.0
_SHORTEST_TOKEN = 16


class CallerError(EmbeddingError):
    """Nobody known sent this, or somebody who has sent too much."""


class Callers:
    """Who may send embeddings, by a secret token each.

    Args:
        tokens: name (not empty) → token, 16 characters or more (`secrets.token_urlsafe()` makes
            good ones); only their hashes are kept.

    Raises:
        EmbeddingError: there is none, one is too short to be a secret, or two are the same.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._names = {_token_hash(token): name for name, token in tokens.items()}
        short = [name for name, token in tokens.items() if len(token) < _SHORTEST_TOKEN]
        if short or not tokens or "" in tokens or len(self._names) != len(tokens):
            raise EmbeddingError(
                f"each caller needs a token of its own of {_SHORTEST_TOKEN} characters or more"
                + (f"; {short[0]!r} has none" if short else "")
            )

    def name_of(self, authorization: str) -> str:
        """Whose token an ``Authorization: Bearer …`` header holds.

        Raises:
            CallerError: nobody's.
        """
        scheme, _, token = authorization.strip().partition(" ")
        # Found by the hash of what was sent, so that the time it takes tells nothing of a token.
        name = self._names.get(_token_hash(token.strip()))
        if scheme.lower() != "bearer" or name is None:
            raise CallerError("no caller known here; send the token that the server's owner gave")
        return name

    def __len__(self) -> int:
        return len(self._names)


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class EmbeddingStore:
    """Vectors by handle, bounded in number and time, zeroed when they go; never on a disk.

    Python may have made copies on the way that nobody can zero (the decrypted bytes, until their
    memory is used again): turn swap and core dumps off where that matters.

    Args:
        capacity: the most vectors.  When it is full, the least recently used one goes of whoever
            has most, so that a caller who sends many pushes out their own.
        clock: seconds, monotone.
    """

    def __init__(self, capacity: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        if capacity < 1:
            raise EmbeddingError(f"a store of {capacity} vectors holds nothing")
        self._capacity, self._clock = capacity, clock
        self._vectors: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, header: EmbeddingHeader, vector: Vector, seconds: float, caller: str = "") -> str:
        """Keep `vector` itself for `seconds`; returns a handle that can't be guessed."""
        handle = secrets.token_urlsafe(24)
        with self._lock:
            self._purge()
            while len(self._vectors) >= self._capacity:
                self._evict(caller)
            self._vectors[handle] = _Kept(self._clock() + seconds, header, vector, caller)
        return handle

    def get(self, handle: str, purpose: str) -> Vector:
        """A copy of the vector, which the caller zeroes after use.

        Raises:
            EmbeddingError: there is none (any more), or it was sent for another purpose.
        """
        with self._lock:
            self._purge()
            if handle not in self._vectors:
                raise EmbeddingError(
                    "no such embedding: expired, evicted or never sent; send again"
                )
            kept = self._vectors[handle]
            if kept.header.purpose != purpose:
                raise EmbeddingError(f"sent for {kept.header.purpose!r}, not for {purpose!r}")
            self._vectors.move_to_end(handle)
            return kept.vector.copy()

    def purge(self) -> int:
        """Zero and forget what has expired; returns how many are left."""
        with self._lock:
            self._purge()
            return len(self._vectors)

    def clear(self) -> None:
        """Zero and forget everything."""
        with self._lock:
            for kept in self._vectors.values():
                kept.vector.fill(0.0)
            self._vectors.clear()

    def _evict(self, caller: str) -> None:
        held = Counter(kept.caller for kept in self._vectors.values())
        held[caller] += 1  # with what is about to come
        most = max(held.values())
        handle = next(h for h, kept in self._vectors.items() if held[kept.caller] == most)
        self._vectors.pop(handle).vector.fill(0.0)

    def _purge(self) -> None:
        now = self._clock()
        for handle in [h for h, kept in self._vectors.items() if kept.until <= now]:
            self._vectors.pop(handle).vector.fill(0.0)


@dataclass(frozen=True)
class _Kept:
    until: float
    header: EmbeddingHeader
    vector: Vector
    caller: str


class _Received:
    """Messages that must not be taken again before they expire, by hash; callers share no room.

    An entry goes when its message has expired, which the receiver then refuses for that, and never
    earlier.
    """

    def __init__(self, most: int, most_a_caller: int) -> None:
        self._most, self._most_a_caller = most, most_a_caller
        self._seen: dict[bytes, str] = {}  # hash of a message → caller
        self._queue: list[tuple[float, bytes]] = []  # a heap by the time of expiry
        self._held: Counter[str] = Counter()

    def add(self, message: bytes, expires: float, now: float, caller: str) -> None:
        while self._queue and self._queue[0][0] <= now:
            owner = self._seen.pop(heapq.heappop(self._queue)[1])
            self._held[owner] -= 1
            if not self._held[owner]:
                del self._held[owner]
        if message in self._seen:
            raise EmbeddingError("this message was received before; seal a new one")
        if caller and self._held[caller] >= self._most_a_caller:
            raise CallerError("too many of your messages haven't expired; try again later")
        if len(self._seen) >= self._most:
            raise EmbeddingError("too many messages at present; try again later")
        self._seen[message] = caller
        self._held[caller] += 1
        heapq.heappush(self._queue, (expires, message))


class EmbeddingReceiver:
    """Opens sealed embeddings and keeps those that are in order.

    Args:
        key: this server's, made at this start; so nothing sealed before it can be opened, and the
            list of seen messages needs no disk.
        purposes: that this server serves.
        store: where vectors go.
        longest_s: the longest life of an embedding, seconds.
        most_seen: replays are refused by memory of all unexpired messages (a hash of 32 bytes
            each); when it is full, new ones are refused rather than old ones forgotten.
        most_a_caller: of these from one named caller; a hundredth of `most_seen` if 0.  With no
            more callers than `most_seen` / `most_a_caller`, none can take another's room.
        clock: seconds since 1970.

    Attributes:
        most_callers: named callers that there is room for.
    """

    def __init__(
        self,
        key: ServerKey,
        purposes: Collection[str],
        store: EmbeddingStore,
        longest_s: float = 3600.0,
        most_seen: int = 100_000,
        most_a_caller: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key, self._purposes, self._store = key, frozenset(purposes), store
        self._longest_s, self._clock = longest_s, clock
        self.most_callers = most_seen // (most_a_caller or max(1, most_seen // 100))
        self._received = _Received(most_seen, most_a_caller or max(1, most_seen // 100))
        self._latest = clock()
        self._lock = threading.Lock()

    def receive(self, sealed: bytes, caller: str = "") -> str:
        """Open, check, keep; returns the handle.

        Args:
            sealed: as it came.
            caller: who sent it, known before this is called; "" where nobody is told apart, who
                then share all the room.

        Raises:
            CallerError: the caller has as many unexpired messages as they may.
            EmbeddingError: broken, changed, for another server or purpose, expired, from the
                future, too long-lived, or seen before.
        """
        header, vector = self._key.decrypt(sealed)
        try:
            lifetime_s = self._check(header, hashlib.sha256(sealed).digest(), caller)
        except EmbeddingError:
            vector.fill(0.0)
            raise
        note_received(header)
        return self._store.put(header, vector, lifetime_s, caller)

    def _check(self, header: EmbeddingHeader, message: bytes, caller: str) -> float:
        with self._lock:
            # A clock set back would bring expired messages to life.
            now = self._latest = max(self._latest, self._clock())
            if header.purpose not in self._purposes:
                raise EmbeddingError(f"purpose {header.purpose!r} isn't served here")
            if header.expires <= now:
                raise EmbeddingError(
                    "the embedding has expired; seal it again, with the device's clock set"
                )
            if header.issued > now + _SKEW_S:
                raise EmbeddingError("sealed in the future; set the device's clock")
            if header.expires - now > self._longest_s + _SKEW_S:
                raise EmbeddingError(f"lives too long; at most {self._longest_s:g} s are taken")
            # Every byte of a message is authenticated, so another spelling of it doesn't open.
            self._received.add(message, header.expires, now, caller)
            return min(header.expires - now, self._longest_s)


_SHORT_NUMBER = re.compile("[0-9]{1,6}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _QuietServer(ThreadingHTTPServer):
    """Says nothing of who calls, not even of callers that leave in the middle."""

    def handle_error(self, *_: object) -> None:
        """Log the kind of error, without an address and a traceback."""
        log.warning("a request came to nothing: %s", type(sys.exc_info()[1]).__name__)


def make_server(
    receiver: EmbeddingReceiver,
    address: tuple[str, int] = ("127.0.0.1", 0),
    tls: ssl.SSLContext | None = None,
    callers: Callers | None = None,
) -> ThreadingHTTPServer:
    """An HTTP server that takes ``POST /v1/embedding`` and answers ``{"handle": …}``.

    It logs nothing.  HPKE hides the vector; TLS also hides the token, who sends, and the handle
    that comes back.

    Args:
        receiver: takes what comes.
        address: host and port to listen on.
        tls: needed for any host but this machine's own.
        callers: who may send; needed for any host but this machine's own, and behind a proxy.
            Without it any program of this machine may send, and fill the memory for replays: then
            new messages are refused, and none is ever taken twice.

    Raises:
        EmbeddingError: the address is open to others and there is no TLS, or nobody to tell callers
            apart by; or there are more callers than the receiver has room for.
    """
    if not _is_loopback(address[0]) and (tls is None or callers is None):
        raise EmbeddingError(
            f"{address[0]} is open to others: give `tls`, and `callers` with a token for each, so "
            "that no stranger can fill the memory for replays"
        )
    if callers is not None and len(callers) > receiver.most_callers:
        raise EmbeddingError(
            f"{len(callers)} callers and room for {receiver.most_callers}; raise most_seen or "
            "lower most_a_caller"
        )

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != PATH:
                return self._answer(404, {"error": f"POST {PATH} only"})
            try:
                caller = self._caller()
            except CallerError as error:
                return self._answer(401, {"error": str(error)})
            if not _SHORT_NUMBER.fullmatch(length) or int(length) > MOST_BYTES:
                return self._answer(413, {"error": f"at most {MOST_BYTES} bytes, of known length"})
            try:
                handle = receiver.receive(self.rfile.read(int(length)), caller)
            except CallerError as error:
                return self._answer(429, {"error": str(error)})
            except EmbeddingError as error:
                return self._answer(400, {"error": str(error)})
            self._answer(200, {"handle": handle})

        def _caller(self) -> str:
            if callers is None:
                return ""
            return callers.name_of(self.headers.get("Authorization", ""))

        def _answer(self, status: int, body: dict[str, str]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Log nothing, for privacy."""

    server = _QuietServer(address, Handler)
    server.daemon_threads = True
    if tls is not None:
        # The handshake is left to the handler's thread, so that a silent caller blocks nobody.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server
