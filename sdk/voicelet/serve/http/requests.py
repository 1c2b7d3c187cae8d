"""Reading requests: bounded, strict, and with the caller known."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError
from voicelet.serve.access import Token
from voicelet.serve.http.errors import HttpError
from voicelet.serve.speaking import Utterance, check_text
from voicelet.synth.options import SpeechOptions

_MAX_ID_CHARS = 256
_OPTIONS = ("speed", "language", "style", "pitch_semitones", "energy", "seed", "purpose", "ssml",
            "punctuation", "capitals")  # fmt: skip


@dataclass(frozen=True)
class SpeechRequest:
    """The body of `POST /v1/audio/speech`: OpenAI's fields, then ours.

    Attributes:
        input: text or SSML.
        model, instructions: of OpenAI; taken, and nothing is done with them.
        voice: a name, or `{"id": name}`; names of OpenAI's voices are the default voice.
        response_format: "mp3", "opus", "flac", "wav", "pcm" or "ulaw".
        speed: 0.25 to 4 of OpenAI; up to 5 here.
        stream_format: "audio", or "sse" for events with audio in base64.
        sample_rate: in Hz; the voice's own by default, of "ulaw" 8000.
        language, style, pitch_semitones, energy, seed, purpose, ssml, punctuation, capitals: see
            `voicelet.SpeechOptions`.
    """

    input: str
    model: str = "voicelet"
    voice: Any = None
    instructions: str | None = None
    response_format: str = "mp3"
    speed: float = 1.0
    stream_format: str = "audio"
    sample_rate: int | None = None
    language: str | None = None
    style: str = "neutral"
    pitch_semitones: float = 0.0
    energy: float = 1.0
    seed: int = 0
    purpose: str = "own-use"
    ssml: Any = "auto"
    punctuation: str = "none"
    capitals: str = "none"

    def utterance(self, most_chars: int) -> Utterance:
        """What is to be spoken.

        Raises:
            ConfigError: a value is impossible.
        """
        if self.stream_format not in ("audio", "sse"):
            raise ConfigError(f"stream_format is audio or sse, not {self.stream_format!r:.40}")
        options = SpeechOptions(**{name: getattr(self, name) for name in _OPTIONS})
        text = check_text(self.input, most_chars)
        voice = voice_name(self.voice)
        return Utterance(text, voice, self.response_format, self.sample_rate, options)


def voice_name(voice: object) -> str | None:
    """A voice's name, as clients give it: a text, or an object with an id."""
    if isinstance(voice, dict) and set(voice) == {"id"}:
        voice = voice["id"]
    if voice is not None and (not isinstance(voice, str) or len(voice) > _MAX_ID_CHARS):
        raise HttpError(400, 'voice must be a name or {"id": name}', "invalid_value", param="voice")
    return voice


def speech_request(data: Any) -> SpeechRequest:
    """The request that parsed JSON holds.

    Raises:
        HttpError: naming the parameter that is wrong.
    """
    if not isinstance(data, dict):
        raise HttpError(400, "the body must be a JSON object", "invalid_json")
    try:
        request = from_mapping(SpeechRequest, data, "request")
        return replace(request, voice=voice_name(request.voice))
    except ConfigError as error:
        param = next((name for name in data if f"{name!r}" in str(error)), None)
        place = str(error).removeprefix("request").partition(":")[0].lstrip(".")
        found = place or param
        raise HttpError(400, str(error), "invalid_value", param=found or None) from None


async def read_json(request: Request, most_bytes: int, timeout_s: float) -> Any:
    """The JSON of a request's body.

    Raises:
        HttpError: it isn't JSON, is too large, or takes too long to arrive.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A web page elsewhere can't send this type without asking first, which is refused.
        raise HttpError(415, "send JSON, with content-type: application/json", "invalid_json")
    too_large = HttpError(413, f"the body is larger than {most_bytes} bytes", "body_too_large")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most_bytes:
        raise too_large
    body = bytearray()

    async def receive() -> None:
        async for part in request.stream():
            body.extend(part)
            if len(body) > most_bytes:
                raise too_large

    try:
        await asyncio.wait_for(receive(), timeout_s)
    except asyncio.TimeoutError:
        raise HttpError(408, "the request took too long to arrive", "timeout") from None
    return parse_json(bytes(body))


def parse_json(raw: bytes | str) -> Any:
    """Strict JSON.

    Raises:
        HttpError: it isn't that.
    """

    def refuse(name: str) -> None:
        raise ValueError(f"{name} isn't JSON")

    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        return json.loads(text, object_pairs_hook=unique_keys, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise HttpError(400, "the body isn't JSON in UTF-8", "invalid_json") from None


def token_of(request: Request) -> Token:
    """The caller's token, as the gate has found it."""
    token: Token = request.scope["voicelet.token"]
    return token
