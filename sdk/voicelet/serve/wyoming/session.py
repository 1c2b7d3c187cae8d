"""One Wyoming connection: what is asked, and the speech that answers it.

Home Assistant sends a text as it is written (`synthesize-start`, `-chunk` …) and then all of it
once more (`synthesize`) for servers that know no streaming, and `synthesize-stop`.  The whole is
passed over while a stream is open.  Audio begins with the first whole sentence, and all sentences
of a text are one piece of audio.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from voicelet.errors import VoiceletError
from voicelet.serve.access import Token
from voicelet.serve.speaking import AsyncSpeech, Desk, Utterance, check_text
from voicelet.serve.wyoming.events import EventError, read_event
from voicelet.synth.options import SpeechOptions
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.sentences import SentenceSplitter

_log = logging.getLogger("voicelet.serve")

_STALL_S = 60.0
_MOST_EVENTS = 256
"""Events that may wait while speech is going on; then no more are read."""


class Session:
    """Answers one connection.

    Args:
        desk: speaks.
        token: which voices, and what for.
        info: makes the answer to `describe`.
        most_chars: of a text.
        client: for fairness among connections.
    """

    def __init__(
        self,
        desk: Desk,
        token: Token,
        info: Callable[[], Info],
        most_chars: int,
        client: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._desk, self._token, self._info = desk, token, info
        self._most_chars, self._client = most_chars, client
        self._reader, self._writer = reader, writer
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_EVENTS)
        self._speech: AsyncSpeech | None = None
        self._splitter: SentenceSplitter | None = None
        self._voice: SynthesizeVoice | None = None
        self._ssml = False
        self._characters = 0
        self._sounding = False
        self._sent_s = 0.0

    async def run(self) -> None:
        """Until the other side leaves, or sends what is no event."""
        reading = asyncio.create_task(self._read())
        answering = asyncio.create_task(self._answer())
        try:
            # Who leaves is noticed by the reader, also in the midst of speech.
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            for task in (reading, answering):
                if task.done():
                    task.result()
        except EventError as error:
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await self._send(Error(str(error), "bad_event").event())
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            for task in (reading, answering):
                task.cancel()
            if self._speech is not None:
                self._speech.close()
            self._writer.close()

    async def _read(self) -> None:
        while (event := await read_event(self._reader)) is not None:
            await self._events.put(event)

    async def _answer(self) -> None:
        while True:
            event = await self._events.get()
            assert event is not None
            try:
                await self._handle(event)
            except VoiceletError as error:
                self._splitter = None
                await self._send(Error(str(error), type(error).__name__).event())
                await self._end()
            except KeyError as error:
                raise EventError(f"the event {event.type!r:.40} lacks {error}") from None

    async def _handle(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self._send((await asyncio.to_thread(self._info)).event())
        elif Ping.is_type(event.type):
            await self._send(Pong(text=Ping.from_event(event).text).event())
        elif SynthesizeStart.is_type(event.type):
            start = SynthesizeStart.from_event(_with_objects(event))
            front_end = self._desk.voice.front_end
            self._voice, self._ssml = start.voice, start.text_format == "ssml"
            language = front_end.language if isinstance(front_end, TextFrontEnd) else None
            self._splitter = SentenceSplitter(language, ssml=self._ssml)
            self._characters = 0
        elif SynthesizeChunk.is_type(event.type):
            text = event.data["text"]
            if self._splitter is not None and isinstance(text, str):
                self._characters += len(text)
                if self._characters > self._most_chars:
                    check_text("x" * self._characters, self._most_chars)
                await self._say_all(list(self._splitter.feed(text)))
        elif SynthesizeStop.is_type(event.type):
            if self._splitter is not None:
                splitter, self._splitter = self._splitter, None
                await self._say_all(list(splitter.flush()))
                await self._end()
            await self._send(SynthesizeStopped().event())
        elif Synthesize.is_type(event.type) and self._splitter is None:
            asked = Synthesize.from_event(_with_objects(event))
            self._voice, self._ssml = asked.voice, asked.text_format == "ssml"
            await self._say_all([check_text(asked.text, self._most_chars)])
            await self._end()

    async def _say_all(self, texts: list[str]) -> None:
        for text in texts:
            if text.strip():
                await self._say(text)

    async def _say(self, text: str) -> None:
        voice = self._voice
        name = None if voice is None else voice.speaker or voice.name
        options = SpeechOptions(ssml=True) if self._ssml else SpeechOptions()
        said = Utterance(text, name, "pcm", options=options)
        self._speech = speech = AsyncSpeech(
            self._desk, said, self._token, self._client, tagged=False
        )
        rate = self._desk.voice.sample_rate_hz
        try:
            while (spoken := await speech.next()) is not None:
                if not spoken.data:
                    continue
                if not self._sounding:
                    self._sounding = True
                    await self._send(AudioStart(rate, 2, 1, timestamp=0).event())
                at_ms = round(self._sent_s * 1000)
                await self._send(AudioChunk(rate, 2, 1, spoken.data, timestamp=at_ms).event())
                self._sent_s += spoken.seconds
        finally:
            speech.close()
            self._speech = None

    async def _end(self) -> None:
        """The audio of a text is over; who waits for it is told even where there was none."""
        if not self._sounding:
            rate = self._desk.voice.sample_rate_hz
            await self._send(AudioStart(rate, 2, 1, timestamp=0).event())
        await self._send(AudioStop(timestamp=round(self._sent_s * 1000)).event())
        self._sounding, self._sent_s = False, 0.0

    async def _send(self, event: Event) -> None:
        await asyncio.wait_for(async_write_event(event, self._writer), _STALL_S)


def _with_objects(event: Event) -> Event:
    """The event with a voice that is an object of texts; the package takes that for granted."""
    voice = event.data.get("voice")
    texts = isinstance(voice, dict) and all(isinstance(v, str) for v in voice.values())
    return Event(event.type, {**event.data, "voice": voice if texts else {}}, event.payload)
