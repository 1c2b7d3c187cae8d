"""`/v1/audio/speech`: speech while it is being spoken."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from voicelet.errors import VoiceletError
from voicelet.serve.http.errors import HttpError, as_http, body_of
from voicelet.serve.http.requests import read_json, speech_request, token_of
from voicelet.serve.pool import Spoken
from voicelet.serve.server import SpeechServer
from voicelet.serve.speaking import AsyncSpeech

_log = logging.getLogger(__name__)

STALL_S = 60.0
"""A client that takes nothing for so long is hung up on."""


async def speech(request: Request) -> Response:
    """`POST /v1/audio/speech`."""
    server: SpeechServer = request.app.state.server
    asked, stream = await _open(request, server)
    first = await _first(stream)
    if asked.stream_format == "sse":
        return _Events(stream, first, len(asked.input))
    return _Audio(stream, first)


async def timestamps(request: Request) -> Response:
    """`POST /v1/audio/speech/timestamps`: the audio, and when each word is heard."""
    server: SpeechServer = request.app.state.server
    asked, stream = await _open(request, server)
    spoken: Spoken | None = await _first(stream)
    audio, words, marks, length_s = bytearray(), [], [], 0.0
    try:
        while spoken is not None:
            audio += spoken.data
            if spoken.chunk is not None:
                words += words_of(spoken)
                marks += [{"name": m.name, "time_s": m.time_s} for m in spoken.chunk.marks]
            length_s += spoken.seconds
            spoken = await stream.next()
    finally:
        stream.close()
    return JSONResponse(
        {
            "audio": base64.b64encode(bytes(audio)).decode("ascii"),
            "format": asked.response_format,
            "duration_s": round(length_s, 4),
            "words": words,
            "marks": marks,
        }
    )


def words_of(spoken: Spoken) -> list[dict[str, Any]]:
    """The words that begin in a chunk, as JSON has them."""
    if spoken.chunk is None:
        return []
    return [
        {
            "text": word.text,
            "start_s": round(word.start_s, 4),
            "end_s": round(word.end_s, 4),
            "span": list(word.span),
        }
        for word in spoken.chunk.words
    ]


async def _open(request: Request, server: SpeechServer) -> tuple[Any, AsyncSpeech]:
    http = server.config.http
    data = await read_json(request, http.max_body_bytes, http.body_timeout_s)
    asked = speech_request(data)
    said = asked.utterance(server.config.speech.max_text_chars)
    token = token_of(request)
    return asked, AsyncSpeech(server.desk, said, token, client_of(request.scope))


def client_of(scope: Scope) -> str:
    """Whom a request counts for: the token's holder, else the address."""
    token = scope["voicelet.token"]
    address = scope.get("client") or ("",)
    return str(token.name) if token.sha256.strip("0") else str(address[0])


async def _first(stream: AsyncSpeech) -> Spoken:
    """The first chunk; errors that come before it are answers of their own."""
    try:
        first = await stream.next()
    except BaseException:
        stream.close()
        raise
    if first is None:
        raise HttpError(
            400, "input holds nothing that can be spoken", "nothing_to_say", param="input"
        )
    return first


class _Audio(Response):
    """Sends chunks as they come, and stops the work when the client leaves."""

    def __init__(self, stream: AsyncSpeech, first: Spoken) -> None:
        self.background = None
        self.status_code = 200
        self._stream, self._first = stream, first
        self.media_type = self._type()
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    def _type(self) -> str:
        return self._stream.content_type

    def _start(self) -> bytes:
        return b""

    def _part(self, spoken: Spoken) -> bytes:
        return spoken.data

    def _end(self) -> bytes:
        return b""

    def _broken(self, error: VoiceletError) -> bytes | None:
        """What is sent where the stream breaks off; None to hang up."""
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(self._watch(receive))
        try:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(head)
            await self._send_all(send)
        finally:
            watcher.cancel()
            self._stream.close()

    async def _send_all(self, send: Send) -> None:
        spoken: Spoken | None = self._first
        pieces = self._start()
        try:
            while spoken is not None:
                pieces += self._part(spoken)
                if pieces:
                    await self._send(send, pieces)
                pieces = b""
                spoken = await self._stream.next()
            pieces = self._end()
        except VoiceletError as error:
            broken = self._broken(error)
            if broken is None:
                # The status has been sent; a body without an end is all that can be said now.
                _log.warning("speech broke off: %s", type(error).__name__)
                return
            pieces = broken
        await self._send(send, pieces, more=False)

    async def _send(self, send: Send, body: bytes, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": more}
        await asyncio.wait_for(send(message), STALL_S)

    async def _watch(self, receive: Receive) -> None:
        """End the stream as soon as the client has left."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stream.close()


class _Events(_Audio):
    """The same as server-sent events, as OpenAI's `stream_format: "sse"` has them."""

    def __init__(self, stream: AsyncSpeech, first: Spoken, characters: int) -> None:
        self._characters, self._spoken_s = characters, 0.0
        super().__init__(stream, first)

    def _type(self) -> str:
        return "text/event-stream"

    def _part(self, spoken: Spoken) -> bytes:
        self._spoken_s += spoken.seconds
        if not spoken.data:
            return b""
        audio = base64.b64encode(spoken.data).decode("ascii")
        return _event({"type": "speech.audio.delta", "audio": audio})

    def _end(self) -> bytes:
        # A model of tokens is asked for; characters go in, hundredths of a second come out.
        usage = {"input_tokens": self._characters, "output_tokens": round(self._spoken_s * 100)}
        usage["total_tokens"] = sum(usage.values())
        return _event({"type": "speech.audio.done", "usage": usage})

    def _broken(self, error: VoiceletError) -> bytes:
        return _event({"type": "error", **body_of(as_http(error))})


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
