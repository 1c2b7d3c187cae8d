"""Text goes in token by token, speech comes out sentence by sentence."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.serve.conftest import Serve, Served
from voicelet.serve.access import add_token
from voicelet.synth.voice import Voice

client = pytest.importorskip("websockets.sync.client", reason="websockets isn't installed")
exceptions = pytest.importorskip("websockets.exceptions")
FIRST, SECOND = "The boats came in at dusk. ", "Somebody had lit a fire on the beach."


def connected(served: Served, **options: Any) -> Any:
    address = served.url.replace("http", "ws") + "/v1/audio/speech/stream"
    return client.connect(address, max_size=None, **options)


def said(socket: Any, until: str) -> Iterator[Any]:
    """Messages up to one of a type: bytes, or objects."""
    while True:
        raw = socket.recv(timeout=60)
        message = raw if isinstance(raw, bytes) else json.loads(raw)
        yield message
        if isinstance(message, dict) and message["type"] in (until, "error"):
            return


def send(socket: Any, *messages: dict[str, Any]) -> None:
    for message in messages:
        socket.send(json.dumps(message))


def test_tokens_of_text_are_spoken_as_sentences_end(serve: Serve, voice: Voice) -> None:
    with serve() as served, connected(served) as socket:
        send(socket, {"type": "start", "voice": "af_bella"})
        assert json.loads(socket.recv(timeout=60))["type"] == "started"
        for word in FIRST.split():
            send(socket, {"type": "text", "text": word + " "})
        send(socket, {"type": "text", "text": "Somebody "})
        # The first sentence comes while the second is still being written.
        first = list(said(socket, "words"))
        assert first[-1]["words"][0]["text"].lower() == "the"
        send(socket, {"type": "text", "text": SECOND.removeprefix("Somebody ")}, {"type": "end"})
        rest = list(said(socket, "done"))
    audio = b"".join(m for m in (*first, *rest) if isinstance(m, bytes))
    words = [w for m in (*first, *rest) if not isinstance(m, bytes) for w in m.get("words", ())]
    wave = [voice.synthesize(text, preset="af_bella").samples for text in (FIRST, SECOND)]
    heard = np.frombuffer(audio, "<i2") / 32767
    assert np.abs(heard - np.concatenate(wave)).max() < 2e-3
    assert [w["text"].lower() for w in words] == (FIRST + SECOND).lower().replace(".", "").split()
    starts = [w["start_s"] for w in words]
    assert starts == sorted(starts) and starts[6] > len(wave[0]) / 24000 - 0.5
    assert rest[-1]["duration_s"] == pytest.approx(len(heard) / 24000, abs=1e-3)


def test_flush_and_cancel(serve: Serve) -> None:
    with serve(pool={"read_ahead_s": 0.3}) as served, connected(served) as socket:
        send(socket, {"type": "start"}, {"type": "text", "text": "No full stop"})
        send(socket, {"type": "flush"})
        heard = list(said(socket, "flushed"))
        assert sum(len(m) for m in heard if isinstance(m, bytes)) > 20_000
        send(socket, {"type": "text", "text": FIRST * 300}, {"type": "flush"})
        list(said(socket, "words"))
        send(socket, {"type": "cancel"})
        list(said(socket, "cancelled"))
        send(socket, {"type": "text", "text": "Short."}, {"type": "end"})
        rest = list(said(socket, "done"))
        # Hardly anything of the long text was on its way.
        assert sum(len(m) for m in rest if isinstance(m, bytes)) < 48_000 * 6
        assert served.server.pool.stats().streams <= 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ('{"type": "text", "text": "a"}', "invalid_value"),
        ('{"type": "start", "voice": "nobody"}', "voice_not_found"),
        ('{"type": "start", "response_format": "mp3"}', "invalid_value"),
        ('{"type": "start", "speeed": 1}', "invalid_value"),
        (b"\x00\x01", "invalid_json"),
        ('{"type": "text", "text": "' + "a" * 70_000 + '"}', "size"),
    ],
)
def test_odd_messages_are_named_errors(serve: Serve, message: str | bytes, code: str) -> None:
    with serve() as served, connected(served) as socket:
        socket.send(message)
        answer = json.loads(socket.recv(timeout=60))
        assert answer["type"] == "error" and answer["error"]["code"] == code
        with pytest.raises(exceptions.ConnectionClosed):
            socket.recv(timeout=60)


def test_too_much_text_is_refused(serve: Serve) -> None:
    with serve(speech={"max_text_chars": 1000}) as served, connected(served) as socket:
        with contextlib.suppress(exceptions.ConnectionClosed):  # it may hang up before the last
            send(socket, {"type": "start"}, *[{"type": "text", "text": "word " * 100}] * 9)
        answers = list(said(socket, "never"))
        assert answers[-1]["error"]["code"] == "too_much_text"


def test_leaving_ends_the_work_and_tokens_are_asked_for(serve: Serve, tmp_path: Any) -> None:
    path = tmp_path / "tokens.json"
    token = add_token(path, "a")
    with serve(access={"tokens": str(path)}) as served:
        with pytest.raises(exceptions.InvalidStatus) as refused:
            connected(served)
        assert refused.value.response.status_code == 401
        headers = {"authorization": f"Bearer {token}"}
        with pytest.raises(exceptions.InvalidStatus) as refused:
            connected(served, origin="https://evil.example", additional_headers=headers)
        assert refused.value.response.status_code == 403
        with connected(served, additional_headers=headers) as socket:
            send(socket, {"type": "start"}, {"type": "text", "text": FIRST * 200})
            list(said(socket, "words"))
        while served.server.pool.stats().streams:
            pass
