"""What every request passes: who calls, from where, by which name; and its line in the log."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voicelet.serve.http.errors import HttpError, answer, too_many
from voicelet.serve.server import SpeechServer

_log = logging.getLogger("voicelet.serve")

_OPEN = ("/healthz", "/readyz")
"""Paths that need no token: a load balancer has none."""
_NAMED = (
    *_OPEN,
    "/v1/audio/speech",
    "/v1/audio/speech/timestamps",
    "/v1/audio/speech/stream",
    "/v1/audio/voices",
    "/v1/voices",
    "/v1/models",
    "/metrics",
    "/openapi.json",
)
"""Paths that are told by name in the log and the metrics; what strangers make up isn't."""


class Gate:
    """Refuses callers that aren't known, and pages of other sites.

    A page in a browser may send requests to a server on the same machine.  It can't read the
    answers, but voices would speak and records be written; so a foreign `Origin` is refused, and so
    is a `Host` that isn't ours, as a name of another site has that was pointed at this machine.
    """

    def __init__(self, app: ASGIApp, server: SpeechServer) -> None:
        self._app, self._server = app, server
        http, access = server.config.http, server.config.access
        self._hosts = {http.host.lower(), *(h.lower() for h in access.hosts)}
        self._any_address = not http.is_local
        self._origins = set(access.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = "req_" + secrets.token_hex(12)
        began = time.monotonic()
        status = 101 if scope["type"] == "websocket" else 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                MutableHeaders(scope=message).append("x-request-id", request_id)
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                await self._app(scope, receive, send_on)
            elif scope["type"] == "http":
                await answer(refusal)(scope, receive, send_on)
            else:
                await _refuse_socket(answer(refusal), scope, receive, send_on)
        finally:
            path = scope["path"] if scope["path"] in _NAMED else "other"
            self._server.metrics.requests.labels(path, str(status)).inc()
            token = scope.get("voicelet.token")
            _log.info(
                "%s %s %s %d %.0f ms %s",
                request_id,
                scope.get("method", "WS"),
                path,
                status,
                (time.monotonic() - began) * 1e3,
                token.name if token is not None else "-",
            )

    def _refusal(self, scope: Scope) -> HttpError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            return HttpError(
                421, "the server isn't known by this name; add it to access.hosts", "wrong_host"
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and not _is_same(origin, host):
            return HttpError(
                403, "pages of other sites may not ask; add the site to access.origins",
                "wrong_origin", kind="permission_error",
            )  # fmt: skip
        if scope["path"] in _OPEN:
            return None
        token = self._server.gatekeeper.find(headers.get("authorization"))
        if token is None:
            return HttpError(
                401, "give a token of this server: Authorization: Bearer …", "invalid_api_key",
                kind="authentication_error", headers={"www-authenticate": "Bearer"},
            )  # fmt: skip
        scope["voicelet.token"] = token
        wait_s = self._server.gatekeeper.wait_s(token)
        return too_many(wait_s) if wait_s else None

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host).lower()
        if name in self._hosts or name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback


def _without_port(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


async def _refuse_socket(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # the request to connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    await send(
        {
            "type": "websocket.http.response.start",
            "status": response.status_code,
            # uvicorn adds its own lengths and types.
            "headers": [h for h in response.raw_headers if not h[0].startswith(b"content-")],
        }
    )
    await send({"type": "websocket.http.response.body", "body": response.body})
