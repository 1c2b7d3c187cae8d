"""The OpenAPI document, made from what requests are read with."""

from __future__ import annotations

import dataclasses
from typing import Any

from voicelet import __version__
from voicelet.serve.encoding import FORMATS, SAMPLE_RATES_HZ
from voicelet.serve.http.requests import SpeechRequest
from voicelet.trust.consent.statement import PURPOSES

_LIMITS: dict[str, dict[str, Any]] = {
    "input": {"type": "string", "minLength": 1},
    "voice": {
        "anyOf": [
            {"type": "string", "maxLength": 256},
            {
                "type": "object",
                "properties": {"id": {"type": "string", "maxLength": 256}},
                "required": ["id"],
                "additionalProperties": False,
            },
            {"type": "null"},
        ]
    },
    "response_format": {"enum": list(FORMATS)},
    "speed": {"type": "number", "minimum": 0.25, "maximum": 5.0},
    "stream_format": {"enum": ["audio", "sse"]},
    "sample_rate": {"enum": [*SAMPLE_RATES_HZ, None]},
    "language": {"type": ["string", "null"]},
    "style": {"enum": ["neutral", "calm", "lively", "whisper"]},
    "pitch_semitones": {"type": "number", "minimum": -24.0, "maximum": 24.0},
    "energy": {"type": "number", "minimum": 0.1, "maximum": 4.0},
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    "purpose": {"enum": list(PURPOSES)},
    "ssml": {"enum": [True, False, "auto"]},
    "punctuation": {"enum": ["none", "some", "most", "all"]},
    "capitals": {"enum": ["none", "say", "pitch", "tone"]},
    "model": {"type": "string"},
    "instructions": {"type": ["string", "null"]},
}
_ERRORS = {
    "400": "the request is wrong",
    "401": "no token, or none of this server",
    "403": "the voice's owner, or the token, doesn't allow it",
    "404": "no such voice",
    "405": "no such method",
    "408": "the request took too long to arrive",
    "413": "the body is too large",
    "415": "the body isn't JSON",
    "421": "the server isn't known by this name",
    "429": "busy, or asked too often; see Retry-After",
    "500": "a fault",
    "503": "voices are locked",
}


def document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    request = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Speech"}}},
    }
    audio = {"schema": {"type": "string", "format": "binary"}}
    types = ("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav", "audio/pcm", "audio/basic")
    speech = {"description": "speech", "content": dict.fromkeys(types, audio)}
    speech["content"]["text/event-stream"] = {"schema": {}}  # type: ignore[index]
    return {
        "openapi": "3.1.0",
        "info": {"title": "voicelet", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": {
            "/v1/audio/speech": {"post": _operation("speak a text", speech, request)},
            "/v1/audio/speech/timestamps": {
                "post": _operation("speak, with times of words", _json("speech"), request)
            },
            "/v1/voices": {"get": _operation("who can speak", _json("voices"))},
            "/v1/audio/voices": {"get": _operation("who can speak", _json("voices"))},
            "/v1/models": {"get": _operation("models", _json("models"))},
            "/healthz": {"get": _operation("whether it lives", _text())},
            "/readyz": {"get": _operation("whether it takes requests", _text())},
            "/metrics": {"get": _operation("counters", _text())},
        },
        "components": {
            "schemas": {"Speech": _schema(), "Error": _error_schema()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _schema() -> dict[str, Any]:
    fields = dataclasses.fields(SpeechRequest)
    required = [f.name for f in fields if f.default is dataclasses.MISSING]
    return {
        "type": "object",
        "properties": {
            f.name: _LIMITS[f.name]
            | ({} if f.default is dataclasses.MISSING else {"default": f.default})
            for f in fields
        },
        "required": required,
        "additionalProperties": False,
    }


def _error_schema() -> dict[str, Any]:
    fields: dict[str, Any] = {name: {"type": ["string", "null"]} for name in ("param", "code")}
    fields |= {name: {"type": "string"} for name in ("message", "type")}
    error = {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def _operation(
    summary: str, found: dict[str, Any], request: dict[str, Any] | None = None
) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Error"}}
    errors = {
        status: {"description": what, "content": {"application/json": schema}}
        for status, what in _ERRORS.items()
    }
    operation = {"summary": summary, "responses": {"200": found, **errors}}
    return operation if request is None else {**operation, "requestBody": request}


def _json(what: str) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": {"type": "object"}}}}


def _text() -> dict[str, Any]:
    return {"description": "text", "content": {"text/plain": {"schema": {"type": "string"}}}}
