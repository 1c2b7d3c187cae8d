"""The server side of sealed embeddings: open, check, hold in memory until they expire."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import numpy.typing as npt

from voicelet_federated.errors import EmbeddingError
from voicelet_federated.sealed.embedding import MOST_BYTES, EmbeddingHeader, ServerKey

Vector = npt.NDArray[np.float32]
PATH = "/v1/embedding"
_SKEW_S = 300.0


class EmbeddingStore:
    """Vectors by handle, bounded in number and time, zeroed when they go; never on a disk.

    Python may have made copies on the way that nobody can zero (the decrypted bytes, until their
    memory is used again): turn swap and core dumps off where that matters.

    Args:
        capacity: the most vectors; the least recently used goes first.
        clock: seconds, monotone.
    """

    def __init__(self, capacity: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        if capacity < 1:
            raise EmbeddingError(f"a store of {capacity} vectors holds nothing")
        self._capacity, self._clock = capacity, clock
        self._vectors: OrderedDict[str, tuple[float, EmbeddingHeader, Vector]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, header: EmbeddingHeader, vector: Vector, seconds: float) -> str:
        """Keep `vector` itself for `seconds`; returns a handle that can't be guessed."""
        handle = secrets.token_urlsafe(24)
        with self._lock:
            self._purge()
            while len(self._vectors) >= self._capacity:
                self._vectors.popitem(last=False)[1][2].fill(0.0)
            self._vectors[handle] = (self._clock() + seconds, header, vector)
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
            _, header, vector = self._vectors[handle]
            if header.purpose != purpose:
                raise EmbeddingError(f"sent for {header.purpose!r}, not for {purpose!r}")
            self._vectors.move_to_end(handle)
            return vector.copy()

    def purge(self) -> int:
        """Zero and forget what has expired; returns how many are left."""
        with self._lock:
            self._purge()
            return len(self._vectors)

    def clear(self) -> None:
        """Zero and forget everything."""
        with self._lock:
            for _, _, vector in self._vectors.values():
                vector.fill(0.0)
            self._vectors.clear()

    def _purge(self) -> None:
        now = self._clock()
        for handle in [h for h, (until, _, _) in self._vectors.items() if until <= now]:
            self._vectors.pop(handle)[2].fill(0.0)


class EmbeddingReceiver:
    """Opens sealed embeddings and keeps those that are in order.

    Args:
        key: this server's, made at this start; so nothing sealed before it can be opened, and the
            list of seen messages needs no disk.
        purposes: that this server serves.
        store: where vectors go.
        longest_s: the longest life of an embedding, seconds.
        most_seen: replays are refused by memory of all unexpired messages; when it is full, new
            ones are refused rather than old ones forgotten.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        key: ServerKey,
        purposes: Collection[str],
        store: EmbeddingStore,
        longest_s: float = 3600.0,
        most_seen: int = 100_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key, self._purposes, self._store = key, frozenset(purposes), store
        self._longest_s, self._most_seen, self._clock = longest_s, most_seen, clock
        self._seen: dict[str, float] = {}
        self._latest = clock()
        self._lock = threading.Lock()

    def receive(self, sealed: bytes) -> str:
        """Open, check, keep; returns the handle.

        Raises:
            EmbeddingError: broken, changed, for another server or purpose, expired, from the
                future, too long-lived, or seen before.
        """
        header, vector = self._key.open(sealed)
        try:
            lifetime_s = self._check(header)
        except EmbeddingError:
            vector.fill(0.0)
            raise
        return self._store.put(header, vector, lifetime_s)

    def _check(self, header: EmbeddingHeader) -> float:
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
            self._seen = {n: until for n, until in self._seen.items() if until > now}
            if header.nonce in self._seen:
                raise EmbeddingError("this message was received before; seal a new one")
            if len(self._seen) >= self._most_seen:
                raise EmbeddingError("too many messages at present; try again later")
            self._seen[header.nonce] = header.expires
            return min(header.expires - now, self._longest_s)


def make_server(
    receiver: EmbeddingReceiver,
    address: tuple[str, int] = ("127.0.0.1", 0),
    tls: ssl.SSLContext | None = None,
) -> ThreadingHTTPServer:
    """An HTTP server that takes ``POST /v1/embedding`` and answers ``{"handle": …}``.

    It logs nothing.  `tls` is advised: HPKE hides the vector, TLS also hides who sends and the
    handle that comes back.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != PATH:
                return self._answer(404, {"error": f"POST {PATH} only"})
            if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
                return self._answer(413, {"error": f"at most {MOST_BYTES} bytes, of known length"})
            try:
                handle = receiver.receive(self.rfile.read(int(length)))
            except EmbeddingError as error:
                return self._answer(400, {"error": str(error)})
            self._answer(200, {"handle": handle})

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

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    if tls is not None:
        # The handshake is left to the handler's thread, so that a silent caller blocks nobody.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server
