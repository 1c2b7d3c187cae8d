"""Listening for Wyoming connections."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from voicelet import __version__
from voicelet.errors import ConfigError, ServeError
from voicelet.serve.access import Token
from voicelet.serve.config import is_loopback
from voicelet.serve.server import SpeechServer
from voicelet.serve.wyoming.events import MAX_LINE_BYTES
from voicelet.serve.wyoming.session import Session

_log = logging.getLogger("voicelet.serve")

_MOST_CONNECTIONS = 64
_HOME = "https://pypi.org/project/voicelet/"


class WyomingServer:
    """Speaks for Home Assistant.

    The protocol knows neither passwords nor TLS.  So where others reach the address, presets speak
    alone, and people only if they are named in `wyoming.voices`.

    Args:
        server: what speaks.

    Raises:
        ConfigError: the address isn't tcp://HOST:PORT or unix://PATH.
    """

    def __init__(self, server: SpeechServer) -> None:
        self._server = server
        config = server.config.wyoming
        uri = config.uri or ""
        parts = urlsplit(uri)
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host, self._port = "", None
        self._path = parts.path if parts.scheme == "unix" else None
        is_tcp = parts.scheme == "tcp" and self._host and self._port is not None
        if not is_tcp and not self._path:
            raise ConfigError(f"a Wyoming address is tcp://HOST:PORT or unix:///PATH, not {uri!r}")
        voices = config.voices
        if not voices and self._path is None and not is_loopback(self._host):
            voices = server.voice.presets
        self._token = Token("wyoming", "0" * 64, voices=tuple(voices))
        self._sessions: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    @property
    def uri(self) -> str:
        """Where it listens."""
        if self._path is not None or self._listening is None:
            return f"unix://{self._path}"
        host, port = self._listening.sockets[0].getsockname()[:2]
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"

    async def start(self) -> None:
        """Take connections from now on.

        Raises:
            ServeError: the address is taken.
        """
        try:
            if self._path is not None:
                self._listening = await asyncio.start_unix_server(
                    self._connected, self._path, limit=MAX_LINE_BYTES
                )
            else:
                self._listening = await asyncio.start_server(
                    self._connected, self._host, self._port, limit=MAX_LINE_BYTES
                )
        except OSError as error:
            raise ServeError(
                f"can't listen for Wyoming: {error.strerror or error}; choose another address"
            ) from None
        _log.info("ready at %s", self.uri)

    async def stop(self) -> None:
        """Take no more connections, and end those that are open."""
        if self._listening is not None:
            self._listening.close()
        for session in list(self._sessions):
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._sessions) >= _MOST_CONNECTIONS:
            writer.close()
            return
        self._sessions.add(task)
        address = writer.get_extra_info("peername")
        client = str(address[0]) if isinstance(address, tuple) else "unix"
        most_chars = self._server.config.speech.max_text_chars
        try:
            await Session(
                self._server.desk, self._token, self._info, most_chars, client, reader, writer
            ).run()
        finally:
            self._sessions.discard(task)

    def _info(self) -> Info:
        voice = self._server.voice.info
        maker = Attribution("voicelet", _HOME)
        voices = [
            TtsVoice(
                name=served.id,
                description=f"{served.id} ({served.kind})",
                attribution=maker,
                installed=True,
                version=voice.version,
                languages=list(voice.languages),
            )
            for served in self._server.desk.speakers.served(self._token)
        ]
        program = TtsProgram(
            name="voicelet",
            description="Private voice cloning on the device",
            attribution=maker,
            installed=True,
            version=__version__,
            voices=voices,
            supports_synthesize_streaming=True,
        )
        return Info(tts=[program])
