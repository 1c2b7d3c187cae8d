"""Errors in the shape in which OpenAI's clients expect them."""

from __future__ import annotations

import math

from starlette.responses import JSONResponse

from voicelet.errors import (
    CancelledError,
    ConfigError,
    ConsentError,
    ProfileError,
    ProfileLockedError,
    ProfileNotFoundError,
    ServerBusyError,
    TextError,
    TrustError,
    VoiceletError,
)

_KINDS: tuple[tuple[type[VoiceletError], int, str, str, str | None], ...] = (
    # error, status, type, code, param; the first that fits
    (ServerBusyError, 429, "rate_limit_error", "server_busy", None),
    (ProfileNotFoundError, 404, "invalid_request_error", "voice_not_found", "voice"),
    (ProfileLockedError, 503, "server_error", "voices_locked", None),
    (ProfileError, 500, "server_error", "voice_damaged", "voice"),
    (ConsentError, 403, "permission_error", "consent", "voice"),
    (TrustError, 403, "permission_error", "not_allowed", None),
    (TextError, 400, "invalid_request_error", "text", "input"),
    (ConfigError, 400, "invalid_request_error", "invalid_value", None),
    (CancelledError, 499, "invalid_request_error", "cancelled", None),
)


class HttpError(VoiceletError):
    """An answer other than 200.

    Attributes:
        status, kind, code, param: of the answer.
        headers: beside the usual ones.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.param = status, kind, code, param
        self.headers = headers or {}


def as_http(error: VoiceletError) -> HttpError:
    """The answer that an error is."""
    if isinstance(error, HttpError):
        return error
    for kind, status, name, code, param in _KINDS:
        if isinstance(error, kind):
            headers = {"retry-after": "1"} if status == 429 else {}
            param = param or (_parameter(str(error)) if status == 400 else None)
            return HttpError(status, str(error), code, kind=name, param=param, headers=headers)
    return HttpError(500, str(error), "server_error", kind="server_error")


_NAMED = {
    "no format": "response_format",
    "no sample rate": "sample_rate",
    "Opus has no": "sample_rate",
    "no style": "style",
    "no language": "language",
}
_PARAMETERS = ("input", "speed", "language", "style", "pitch_semitones", "energy", "seed", "ssml",
               "punctuation", "capitals", "stream_format")  # fmt: skip


def _parameter(message: str) -> str | None:
    """What a message says is wrong, if it begins with that."""
    for start, name in _NAMED.items():
        if message.startswith(start):
            return name
    first = message.partition(" ")[0]
    return first if first in _PARAMETERS else None


def body_of(error: HttpError) -> dict[str, dict[str, str | None]]:
    """The JSON of an answer."""
    fields = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    return {"error": fields}


def answer(error: VoiceletError) -> JSONResponse:
    """An error as a response."""
    found = as_http(error)
    return JSONResponse(body_of(found), found.status, headers=found.headers)


def too_many(wait_s: float) -> HttpError:
    """The caller has asked too often."""
    return HttpError(
        429,
        f"this token has been used too often; ask again in {wait_s:.0f} s",
        "rate_limit_exceeded",
        kind="rate_limit_error",
        headers={"retry-after": str(math.ceil(wait_s))},
    )
