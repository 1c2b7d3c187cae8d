"""From a request to a stream of the pool: who speaks, what, and as which bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event

from voicelet.errors import ConfigError, ConsentError
from voicelet.serve.access import Token
from voicelet.serve.encoding import Encoder, open_encoder
from voicelet.serve.pool import Spoken, StreamPool
from voicelet.serve.speakers import Speakers
from voicelet.synth.options import SpeechOptions
from voicelet.synth.types import Chunk
from voicelet.synth.voice import Voice
from voicelet.trust.labels import Label


@dataclass(frozen=True)
class Utterance:
    """What somebody asks to be spoken.

    Attributes:
        text: plain or SSML.
        voice: as the client named it; None for the default one.
        format: one of `encoding.FORMATS`.
        sample_rate_hz: of the audio; None for the voice's own.
        options: how to speak.
    """

    text: str
    voice: str | None = None
    format: str = "mp3"
    sample_rate_hz: int | None = None
    options: SpeechOptions = field(default_factory=SpeechOptions)


class Desk:
    """Takes requests and hands them to the pool.

    Args:
        voice: speaks.
        speakers: who it can be.
        pool: does the work.
    """

    def __init__(self, voice: Voice, speakers: Speakers, pool: StreamPool) -> None:
        self.voice, self.speakers, self.pool = voice, speakers, pool

    def begin(
        self, said: Utterance, token: Token, *, tagged: bool = True
    ) -> tuple[Callable[[Event], Iterator[Spoken]], Callable[[], None] | None, str]:
        """Check a request; what is left to do is slow.

        Args:
            token: of the caller.
            tagged: whether a file's metadata says that it is synthetic speech.

        Returns:
            What opens the stream, what asks anew whether it may go on, and the content type.

        Raises:
            ConfigError: there is no such format or rate.
            ProfileNotFoundError: there is no such voice, or the caller may not use it.
            ConsentError: the caller may not use voices for this purpose.
        """
        purpose = said.options.purpose
        if purpose not in token.purposes:
            raise ConsentError(
                f"this token doesn't speak for {purpose!r}; it speaks for"
                f" {', '.join(token.purposes) or 'nothing'}"
            )
        name = self.speakers.resolve(said.voice, token)
        is_profile = name in self.speakers.profiles()
        encoder = self._encoder(said, tagged)

        def begin(cancel: Event) -> Iterator[Spoken]:
            profile, preset = self.speakers.find(name)
            chunks = self.voice.stream(
                said.text, profile=profile, preset=preset, options=said.options, cancel=cancel
            )
            return _encoded(chunks, encoder)

        def check() -> None:
            profile, _ = self.speakers.find(name)  # erased or replaced meanwhile?
            if profile is not None:
                profile.check_consent(purpose)

        return begin, check if is_profile else None, encoder.content_type

    def _encoder(self, said: Utterance, tagged: bool) -> Encoder:
        label = Label.of_settings(said.options.label, voice=self.voice.bundle.manifest.name)
        tags = label.tags() if tagged else {}
        rate_hz = self.voice.sample_rate_hz
        return open_encoder(said.format, rate_hz, said.sample_rate_hz, tags)


def _encoded(chunks: Iterator[Chunk], encoder: Encoder) -> Iterator[Spoken]:
    spoken = False
    try:
        for chunk in chunks:
            spoken = True
            yield Spoken(chunk, encoder.push(chunk.samples))
        if spoken:
            yield Spoken(None, encoder.finish())
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


class AsyncSpeech:
    """A stream of the pool, for a coroutine.

    Args:
        desk, said, token, tagged: as `Desk.begin` takes them.
        client: who asks, for fairness.

    Raises:
        ServerBusyError: the pool is full.
        VoiceletError: as `Desk.begin`.
    """

    def __init__(
        self, desk: Desk, said: Utterance, token: Token, client: str, *, tagged: bool = True
    ) -> None:
        begin, check, self.content_type = desk.begin(said, token, tagged=tagged)
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._stream = desk.pool.open(begin, client=client, wake=self._wake, check=check)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop ended before the stream
            self._stream.close()

    async def next(self) -> Spoken | None:
        """What comes next; None at the end.

        Raises:
            VoiceletError: why the stream ended early.
        """
        while True:
            self._news.clear()
            try:
                spoken = self._stream.poll()
            except StopIteration:
                return None
            if spoken is not None:
                return spoken
            await self._news.wait()

    def close(self) -> None:
        """The reader has left."""
        self._stream.close()


def check_text(text: object, most_chars: int) -> str:
    """The text of a request.

    Raises:
        ConfigError: it isn't one, is empty, or too long.
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError("input must be a text that isn't empty")
    if len(text) > most_chars:
        raise ConfigError(
            f"input has {len(text)} characters, {most_chars} are allowed; split it at a sentence"
        )
    return text
