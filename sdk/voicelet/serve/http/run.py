"""Running the HTTP server: signals, systemd, slow callers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from voicelet.errors import ServeError
from voicelet.serve.config import HttpConfig
from voicelet.serve.http.app import build_app
from voicelet.serve.server import SpeechServer

_log = logging.getLogger("voicelet.serve")

_HEAD_S = 10.0
"""A caller that hasn't sent the head of a request by then is hung up on."""
_SYSTEMD_FIRST_FD = 3
_MAX_HEAD_BYTES = 1 << 15


class _Impatient(H11Protocol):
    """uvicorn waits for ever for the head of the first request; this doesn't."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HEAD_S, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


class Companion(Protocol):
    """A server of another protocol that runs beside HTTP."""

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Stop listening, and let go of who is connected."""
        ...


class HttpServer:
    """Listens and serves until it is told to stop.

    Args:
        server: what speaks.
        on_ready: called with the address once requests are taken.
        others: servers of other protocols, for the same loop.

    Raises:
        ServeError: the address is taken, or the certificate can't be read.
    """

    def __init__(
        self,
        server: SpeechServer,
        on_ready: Callable[[str], None] | None = None,
        others: Sequence[Companion] = (),
    ) -> None:
        self._server, self._on_ready, self._others = server, on_ready, others
        http = server.config.http
        self._sockets = [_inherited() or _listen(http)]
        if http.tls_certificate is not None:
            _check_certificate(http.tls_certificate, http.tls_key)
        config = uvicorn.Config(
            build_app(server),
            http=_Impatient,
            ws="websockets-sansio",
            ws_max_size=1 << 20,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=http.max_connections,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
            ssl_certfile=http.tls_certificate,
            ssl_keyfile=http.tls_key,
        )
        self._uvicorn = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._sockets[0].getsockname()[:2]
        scheme = "https" if self._server.config.http.tls_certificate is not None else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; returns whether all speech ended by itself."""
        return asyncio.run(self._run())

    async def _run(self) -> bool:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        if threading.current_thread() is threading.main_thread() and os.name == "posix":
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
        with _no_signals_of_uvicorn(self._uvicorn):
            serving = asyncio.create_task(self._uvicorn.serve(self._sockets))
            while not self._uvicorn.started and not serving.done():
                await asyncio.sleep(0.01)
            if serving.done():
                serving.result()
                raise ServeError("the server ended before it was ready; see its log")
            for other in self._others:
                await other.start()
            _log.info("ready at %s", self.url)
            _notify("READY=1")
            if self._on_ready is not None:
                self._on_ready(self.url)
            self._stop = lambda: loop.call_soon_threadsafe(stop.set)
            await asyncio.wait(
                {serving, asyncio.create_task(stop.wait())}, return_when="FIRST_COMPLETED"
            )
            _notify("STOPPING=1")
            # Not ready from now on; what has begun goes on; then nobody is listened to any more.
            self._server.is_ready = False
            drain_s = self._server.config.http.drain_s
            whole = await asyncio.to_thread(self._server.close, drain_s)
            for other in self._others:
                await other.stop()
            await asyncio.sleep(0.05)  # the last bytes leave
            self._uvicorn.should_exit = True
            self._uvicorn.config.timeout_graceful_shutdown = 5
            await serving
        return whole

    def stop(self) -> None:
        """Stop as SIGTERM does; from any thread, once it is ready."""
        self._stop()

    _stop: Callable[[], Any] = staticmethod(lambda: None)


@contextlib.contextmanager
def _no_signals_of_uvicorn(server: uvicorn.Server) -> Any:
    """uvicorn would stop at once at a signal, in the midst of speech."""
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    yield


def _listen(http: HttpConfig) -> socket.socket:
    try:
        family = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((http.host, http.port))
    except OSError as error:
        raise ServeError(
            f"can't listen on {http.host}:{http.port}: {error.strerror or error}; choose another"
            " --host or --port"
        ) from None
    return listening


def _inherited() -> socket.socket | None:
    """The socket that systemd has opened, if it started this process for one."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS") != "1":
        raise ServeError("systemd handed over several sockets; one is served")
    return socket.socket(fileno=_SYSTEMD_FIRST_FD)


def _check_certificate(certificate: str, key: str | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ServeError(f"the certificate or its key can't be read: {error}") from None


def _notify(state: str) -> None:
    """Tell systemd (sd_notify(3)); nothing where it didn't start this process."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(address)
        out.sendall(state.encode())
