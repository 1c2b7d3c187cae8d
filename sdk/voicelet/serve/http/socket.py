"""`/v1/audio/speech/stream`: text comes in piece by piece, speech goes out as sentences end.

For texts that are being written, as by a language model.  Messages of the client are JSON:

    {"type": "start", "voice": "ana", "response_format": "pcm", …}   first; the fields of
                                                                     /v1/audio/speech but `input`
    {"type": "text", "text": "Once upon a"}
    {"type": "flush"}      what has arrived is spoken now, whole sentence or not
    {"type": "cancel"}     what is being spoken and all that waits is dropped
    {"type": "end"}        no more text comes

The server's are audio (binary) and JSON: `started`, `words` (before the audio in which they begin),
`flushed`, `cancelled`, `done` and `error`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from voicelet.errors import VoiceletError
from voicelet.serve.http.errors import HttpError, as_http, body_of
from voicelet.serve.http.requests import parse_json, speech_request
from voicelet.serve.http.speech import STALL_S, client_of, words_of
from voicelet.serve.pool import Spoken
from voicelet.serve.server import SpeechServer
from voicelet.serve.speaking import AsyncSpeech, Utterance
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.language import Language
from voicelet.text.sentences import SentenceSplitter

_MAX_MESSAGE_CHARS = 1 << 16
_IDLE_S = 300.0
_STREAMED = ("pcm", "ulaw")
_FLUSHED, _OVER = object(), object()


async def speech_stream(socket: WebSocket) -> None:
    """The endpoint."""
    await socket.accept()
    server: SpeechServer = socket.app.state.server
    try:
        await _Session(socket, server).run()
    except WebSocketDisconnect:
        return
    except VoiceletError as error:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.send_json({"type": "error", **body_of(as_http(error))})
            await socket.close(1008)


class _Session:
    """One connection: a coroutine reads, another speaks."""

    def __init__(self, socket: WebSocket, server: SpeechServer) -> None:
        self._socket, self._server = socket, server
        self._said = Utterance("")
        self._waiting: deque[str | object] = deque()
        self._characters = 0
        self._news = asyncio.Event()
        self._stream: AsyncSpeech | None = None
        self._offset_s = 0.0

    async def run(self) -> None:
        splitter = SentenceSplitter(await self._start())
        speaking = asyncio.create_task(self._speak())
        reading = asyncio.create_task(self._read(splitter))
        try:
            await asyncio.wait({speaking, reading}, return_when=asyncio.FIRST_EXCEPTION)
            for task in (reading, speaking):
                if task.done():
                    task.result()
        finally:
            for task in (reading, speaking):
                task.cancel()
            if self._stream is not None:
                self._stream.close()

    async def _receive(self) -> dict[str, Any]:
        try:
            text = await asyncio.wait_for(self._socket.receive_text(), _IDLE_S)
        except asyncio.TimeoutError:
            raise HttpError(408, f"nothing came for {_IDLE_S:.0f} s", "timeout") from None
        except KeyError:
            raise HttpError(400, "messages are JSON text", "invalid_json") from None
        if len(text) > _MAX_MESSAGE_CHARS:
            raise HttpError(413, f"a message has at most {_MAX_MESSAGE_CHARS} characters", "size")
        data = parse_json(text)
        if not isinstance(data, dict) or not isinstance(data.get("type"), str):
            raise HttpError(400, "a message is an object with a type", "invalid_json")
        return data

    async def _start(self) -> Language | None:
        message = await self._receive()
        if message.pop("type") != "start":
            raise HttpError(400, "the first message is of type start", "invalid_value")
        message.setdefault("response_format", "pcm")
        asked = speech_request({**message, "input": "."})
        if asked.response_format not in _STREAMED:
            raise HttpError(
                400, f"response_format is one of {', '.join(_STREAMED)} here", "invalid_value",
                param="response_format",
            )  # fmt: skip
        self._said = asked.utterance(1)
        desk = self._server.desk
        _, _, content_type = desk.begin(self._said, self._socket.scope["voicelet.token"])
        await self._send({"type": "started", "content_type": content_type})
        front_end = desk.voice.front_end
        return front_end.language if isinstance(front_end, TextFrontEnd) else None

    async def _read(self, splitter: SentenceSplitter) -> None:
        most_chars = self._server.config.speech.max_text_chars
        while True:
            message = await self._receive()
            kind = message["type"]
            if kind == "text":
                text = message.get("text")
                if not isinstance(text, str):
                    raise HttpError(400, "text must be a text", "invalid_value", param="text")
                if self._characters + len(text) > most_chars:
                    raise HttpError(
                        429, f"{most_chars} characters wait already; send more later",
                        "too_much_text", kind="rate_limit_error",
                    )  # fmt: skip
                self._characters += len(text)
                self._put(*splitter.feed(text))
            elif kind == "flush":
                self._put(*splitter.flush(), _FLUSHED)
            elif kind == "cancel":
                list(splitter.flush())
                self._waiting.clear()
                self._characters = 0
                if self._stream is not None:
                    self._stream.close()
                await self._send({"type": "cancelled"})
            elif kind == "end":
                self._put(*splitter.flush(), _OVER)
                return
            else:
                raise HttpError(
                    400, "there are text, flush, cancel and end", "invalid_value", param="type"
                )

    def _put(self, *pieces: str | object) -> None:
        self._waiting.extend(pieces)
        self._news.set()

    async def _speak(self) -> None:
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            piece = self._waiting.popleft()
            if piece is _OVER:
                await self._send({"type": "done", "duration_s": round(self._offset_s, 4)})
                await self._socket.close()
                return
            if isinstance(piece, str):
                self._characters = max(0, self._characters - len(piece))
                if piece.strip():
                    await self._say(piece)
            else:
                await self._send({"type": "flushed"})

    async def _say(self, text: str) -> None:
        scope = self._socket.scope
        said = replace(self._said, text=text)
        self._stream = stream = AsyncSpeech(
            self._server.desk, said, scope["voicelet.token"], client_of(scope)
        )
        begun_s = self._offset_s
        try:
            while (spoken := await stream.next()) is not None:
                await self._hand_on(spoken, begun_s)
        except VoiceletError as error:
            if as_http(error).code != "cancelled":
                raise
        finally:
            stream.close()
            self._stream = None

    async def _hand_on(self, spoken: Spoken, begun_s: float) -> None:
        words = words_of(spoken)
        for word in words:
            word["start_s"] = round(word["start_s"] + begun_s, 4)
            word["end_s"] = round(word["end_s"] + begun_s, 4)
            del word["span"]  # in the sentence, which the client hasn't cut
        if words:
            await self._send({"type": "words", "words": words})
        if spoken.data:
            await asyncio.wait_for(self._socket.send_bytes(spoken.data), STALL_S)
        self._offset_s += spoken.seconds

    async def _send(self, message: dict[str, Any]) -> None:
        await asyncio.wait_for(self._socket.send_json(message), STALL_S)
