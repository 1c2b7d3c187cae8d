"""Who may ask: names, origins, tokens, sizes, and callers who take their time."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.serve.conftest import Serve
from voicelet.cli.main import main
from voicelet.errors import ConfigError, ServeError
from voicelet.serve.access import ANYBODY, Gatekeeper, Token, add_token, read_tokens
from voicelet.serve.config import AccessConfig, HttpConfig, ServeConfig, read_config
from voicelet.serve.http import run as run_module

BODY = {"input": "Hello.", "response_format": "pcm"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_other_sites_and_other_names_are_refused(serve: Serve) -> None:
    with serve(access={"origins": ("https://mine.example",), "hosts": ("pi.local",)}) as served:
        url = f"{served.url}/v1/audio/speech"

        def ask(**headers: str) -> httpx.Response:
            return httpx.post(url, json=BODY, headers=headers, timeout=60)

        assert ask().status_code == 200
        assert ask(host="evil.example").status_code == 421
        assert ask(host="pi.local:8484").status_code == 200
        assert ask(origin="https://evil.example").status_code == 403
        assert ask(origin=served.url).status_code == 200
        allowed = ask(origin="https://mine.example")
        assert allowed.headers["access-control-allow-origin"] == "https://mine.example"
        asked = {"access-control-request-method": "POST", "origin": "https://evil.example"}
        assert "access-control-allow-origin" not in httpx.options(url, headers=asked).headers
        # What a form of another page can send without asking.
        plain = httpx.post(url, content=json.dumps(BODY), headers={"content-type": "text/plain"})
        assert plain.status_code == 415


def test_tokens(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    everything = add_token(path, "home", purposes=("own-use", "publishing"))
    one = add_token(path, "lamp", voices=("af_bella",), requests_per_minute=3)
    kept = path.read_text()
    assert everything not in kept and one not in kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with serve(access={"tokens": str(path)}) as served:
        url = f"{served.url}/v1/audio/speech"

        def ask(token: str | None, **body: str) -> httpx.Response:
            headers = {} if token is None else bearer(token)
            return httpx.post(url, json={**BODY, **body}, headers=headers, timeout=60)

        for wrong in (None, "x", "voicelet-none", everything[:-1], everything + "x"):
            refused = ask(wrong)
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        assert httpx.get(f"{served.url}/metrics").status_code == 401
        assert ask(everything, voice="am_michael", purpose="publishing").status_code == 200
        assert ask(everything, purpose="research").status_code == 403
        voices = httpx.get(f"{served.url}/v1/voices", headers=bearer(one)).json()["voices"]
        assert voices == ["af_bella"]
        assert ask(one, voice="am_michael").status_code == 404
        assert ask(one).status_code == 200  # the voice that it has
        limited = ask(one)
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["retry-after"]) <= 20
        assert ask(everything).status_code == 200


def test_budgets_fill_again() -> None:
    now = [0.0]
    keeper = Gatekeeper((), clock=lambda: now[0])
    token = Token("a", "0" * 64, requests_per_minute=2)
    assert [keeper.wait_s(token) for _ in range(2)] == [0.0, 0.0]
    assert keeper.wait_s(token) == pytest.approx(30.0)
    now[0] = 31.0
    assert keeper.wait_s(token) == 0.0
    assert keeper.wait_s(token) > 0.0
    now[0] = 1e6
    assert [keeper.wait_s(token) > 0 for _ in range(3)] == [False, False, True]
    assert Gatekeeper(None).find(None) is ANYBODY


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"tokens": [{"name": "a", "sha256": "00"}]}',
        '{"tokens": [{"name": "../a", "sha256": "%s"}]}' % ("0" * 64),
        '{"tokenz": []}',
        '{"tokens": [{"name": "a", "sha256": "%s", "purposes": ["fun"]}]}' % ("0" * 64),
    ],
)
def test_odd_files_of_tokens(text: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(Exception, match=r".") as caught:
        read_tokens(path)
    assert type(caught.value).__module__ == "voicelet.errors"
    with pytest.raises(type(caught.value)):
        add_token(path, "b")
    assert path.read_text() == text


def test_nobody_listens_to_the_world_by_accident(tmp_path: Path) -> None:
    def config(host: str, tokens: str | None = None, **http: object) -> ServeConfig:
        return ServeConfig(HttpConfig(host=host, **http), access=AccessConfig(tokens=tokens))  # type: ignore[arg-type]

    for host in ("127.0.0.1", "::1", "localhost", "127.8.9.1"):
        config(host).check_exposed()
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", ""):
        with pytest.raises(ServeError, match="TLS"):
            config(host).check_exposed()
        with pytest.raises(ServeError, match="token"):
            config(host, plain_http=True).check_exposed()
        config(host, tokens="t", plain_http=True).check_exposed()
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == ServeError.exit_code == 70
    assert main(["serve", "--port", "0", "--tokens", str(tmp_path / "none")]) == 2


def test_the_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "voicelet.toml"
    path.write_text(
        '[http]\nport = 9000\nhost = "::1"\n[pool]\nread_ahead_s = 3\n'
        '[speech.aliases]\nalloy = "ana"\n'
    )
    config = read_config(path)
    assert config.http.port == 9000 and config.pool.read_ahead_s == 3.0
    assert config.speech.aliases == {"alloy": "ana"}
    for text, message in (
        ("[htpp]\nport = 1", "did you mean 'http'"),
        ("[http]\nprot = 1", "did you mean 'port'"),
        ("[http]\nport = 99999", "port must lie"),
        ("[http]\nport = 'x'", "port"),
        ("[http]\ntls_key = 'x'", "go together"),
        ("nonsense", "isn't TOML"),
        ("a = " + "[" * 100_000, "isn't TOML"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_config(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="isn't TOML"):
        read_config(path)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[1]", 400),
        (b'"text"', 400),
        (b'{"input": "a", "input": "b"}', 400),
        (b'{"input": NaN}', 400),
        (b'{"input": 5}', 400),
        (b'{"input": "\xff"}', 400),
        (b"[" * 100_000, 400),
        (b'{"input": "' + b"a" * (2 << 20) + b'"}', 413),
        (b'{"input": "\\ud800"}', 400),
        (b'{"input": "Hi", "voice": {"id": 3}}', 400),
        (b'{"input": "Hi", "voice": {"name": "a"}}', 400),
        (b'{"input": "<speak><break", "ssml": true}', 400),
        (b'{"input": "Hi", "seed": -1}', 400),
        (b'{"input": "Hi", "speed": 1e999}', 400),
        (b'{"input": "\\u0000\\u0001"}', 400),
    ],
)
def test_odd_bodies_are_named_errors(serve: Serve, body: bytes, status: int) -> None:
    with serve() as served:
        answer = httpx.post(
            f"{served.url}/v1/audio/speech",
            content=body,
            headers={"content-type": "application/json"},
            timeout=60,
        )
        assert answer.status_code == status, answer.text
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert httpx.get(f"{served.url}/readyz").text == "ready\n"


def test_chunked_bodies_are_bounded_too(serve: Serve) -> None:
    with serve() as served:
        answer = httpx.post(
            f"{served.url}/v1/audio/speech",
            content=(b"x" * 65536 for _ in range(64)),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 413


def test_callers_who_never_finish_are_hung_up_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_HEAD_S", 0.3)
    with serve(http={"body_timeout_s": 1.0}) as served:
        port = urlsplit(served.url).port
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for connection in slow[:10]:
            connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nhost: loc")
        late = socket.create_connection(("127.0.0.1", port))
        late.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json"
            b"\r\ncontent-length: 100\r\n\r\n{"
        )
        assert httpx.post(f"{served.url}/v1/audio/speech", json=BODY, timeout=60).status_code == 200
        for connection in slow:
            connection.settimeout(20)
            assert connection.recv(1) == b""
            connection.close()
        late.settimeout(20)
        assert b"408" in late.recv(4096)
        late.close()


def test_unknown_paths_and_methods(serve: Serve) -> None:
    with serve() as served:
        assert httpx.get(f"{served.url}/v1/nothing").status_code == 404
        refused = httpx.get(f"{served.url}/v1/audio/speech")
        assert refused.status_code == 405 and refused.headers["allow"] == "POST"
        for path in ("/../etc/passwd", "/v1/models/..%2f..", "/v1/models/%00"):
            assert httpx.get(served.url + path).status_code == 404
        # A path of a stranger makes no new line in the metrics.
        page = httpx.get(f"{served.url}/metrics").text
        assert 'path="other"' in page and "passwd" not in page
