"""The application: its paths, and what stands before them."""

from __future__ import annotations

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from voicelet.errors import VoiceletError
from voicelet.serve.http.errors import HttpError, answer
from voicelet.serve.http.gate import Gate
from voicelet.serve.http.openapi import document
from voicelet.serve.http.requests import token_of
from voicelet.serve.http.socket import speech_stream
from voicelet.serve.http.speech import speech, timestamps
from voicelet.serve.metrics import CONTENT_TYPE
from voicelet.serve.server import SpeechServer

_log = logging.getLogger(__name__)

MODELS = ("voicelet", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names of models that clients ask for; all are this one."""
_MADE_S = 1764547200
"""OpenAI's clients want a time at which a model was made."""


def build_app(server: SpeechServer) -> Starlette:
    """The HTTP application of a server."""
    routes = [
        Route("/v1/audio/speech", speech, methods=["POST"]),
        Route("/v1/audio/speech/timestamps", timestamps, methods=["POST"]),
        WebSocketRoute("/v1/audio/speech/stream", speech_stream),
        Route("/v1/voices", _voices),
        Route("/v1/audio/voices", _voices),
        Route("/v1/models", _models),
        Route("/v1/models/{name}", _model),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        Route("/openapi.json", _openapi),
    ]
    middleware = [Middleware(Gate, server=server)]
    if server.config.access.origins:
        # Before the gate, for a browser's question whether it may ask has no token.
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(server.config.access.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
            expose_headers=["x-request-id"],
        )
        middleware.insert(0, cors)
    handlers: Any = {VoiceletError: _on_error, HTTPException: _on_http, Exception: _on_fault}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)
    app.state.server = server
    return app


async def _voices(request: Request) -> Response:
    server: SpeechServer = request.app.state.server
    info = server.voice.info
    served = server.desk.speakers.served(token_of(request))
    voices = [
        {
            "id": voice.id,
            "name": voice.id,
            "object": "voice",
            "kind": voice.kind,
            "languages": list(info.languages),
        }
        for voice in served
    ]
    return JSONResponse({"object": "list", "data": voices, "voices": [v["id"] for v in voices]})


async def _models(request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [_described(name) for name in MODELS]})


async def _model(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in MODELS:
        raise HttpError(404, f"no model; there are {', '.join(MODELS)}", "model_not_found")
    return JSONResponse(_described(name))


def _described(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _MADE_S, "owned_by": "voicelet"}


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _readyz(request: Request) -> Response:
    server: SpeechServer = request.app.state.server
    if server.is_ready:
        return PlainTextResponse("ready\n")
    return PlainTextResponse("stopping\n", 503)


async def _metrics(request: Request) -> Response:
    server: SpeechServer = request.app.state.server
    return Response(server.metrics.page(), media_type=CONTENT_TYPE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(document())


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, VoiceletError)
    return answer(error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "invalid_request")
    headers = dict(error.headers or {})
    return answer(HttpError(error.status_code, error.detail, code, headers=headers))


async def _on_fault(request: Request, error: Exception) -> Response:
    # The message of a foreign error may hold the text that was to be spoken.
    _log.error("a request failed: %s", type(error).__name__, exc_info=_without_text(error))
    return answer(HttpError(500, "a fault in voicelet; see its log", "fault", kind="server_error"))


def _without_text(error: Exception) -> Any:
    return (type(error), None, error.__traceback__)
