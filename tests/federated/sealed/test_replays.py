"""The memory for replays: nobody unknown gets into it, nobody fills another's share of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
import pytest

from tests.consenting import draft, read_aloud
from voicelet.trust.audit.device_log import default_log, flush
from voicelet.trust.keys import hpke
from voicelet_federated.errors import EmbeddingError
from voicelet_federated.sealed.embedding import EmbeddingHeader, ServerKey, seal_embedding
from voicelet_federated.sealed.server import (
    PATH,
    CallerError,
    Callers,
    EmbeddingReceiver,
    EmbeddingStore,
    make_server,
)

TOKENS = {"ana": "ana's token of 24 letters", "ben": "ben's token of 24 letters"}


def unit(seed: int = 0) -> np.ndarray:
    v = np.random.default_rng(seed).normal(size=256).astype(np.float32)
    return v / np.linalg.norm(v)


@pytest.fixture(scope="module")
def key() -> ServerKey:
    return ServerKey("a", hybrid=False)


def sealed(key: ServerKey, seconds: float = 60.0) -> bytes:
    voice = read_aloud(draft(d_vector=unit()), "federation")
    return seal_embedding(voice, key.public, "synthesis", seconds)


def receiver_of(key: ServerKey, now: list[float], most: int, a_caller: int) -> EmbeddingReceiver:
    return EmbeddingReceiver(
        key,
        ["synthesis"],
        EmbeddingStore(),
        longest_s=600.0,
        most_seen=most,
        most_a_caller=a_caller,
        clock=lambda: now[0],
    )


def test_one_caller_fills_nobody_else_s_share(key: ServerKey) -> None:
    now = [time.time()]
    receiver = receiver_of(key, now, most=6, a_caller=3)
    first = [sealed(key) for _ in range(3)]
    for message in first:
        receiver.receive(message, "mallory")
    for _ in range(20):
        with pytest.raises(CallerError, match="of your messages"):
            receiver.receive(sealed(key), "mallory")
    for _ in range(3):
        receiver.receive(sealed(key), "ana")
    # What is remembered stays remembered, whoever sends it again.
    for message in first:
        with pytest.raises(EmbeddingError, match="received before"):
            receiver.receive(message, "ana")
    now[0] += 61.0
    receiver.receive(sealed(key, 300.0), "mallory")
    with pytest.raises(EmbeddingError, match="expired"):
        receiver.receive(first[0], "mallory")


def test_a_full_memory_forgets_nothing_that_still_opens(key: ServerKey) -> None:
    began = time.time()
    now = [began]
    receiver = receiver_of(key, now, most=4, a_caller=2)
    lives = [30.0, 200.0, 100.0, 300.0]
    messages = [sealed(key, seconds) for seconds in lives]
    for message in messages:
        receiver.receive(message)
    for later_s in (0.0, 31.0, 101.0, 201.0, 301.0):
        now[0] = began + later_s
        for message in messages:
            with pytest.raises(EmbeddingError, match=r"received before|has expired"):
                receiver.receive(message)


def test_strangers_are_turned_away_before_anything_is_opened(
    key: ServerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.time()]
    receiver = receiver_of(key, now, most=4, a_caller=2)
    opened: list[bytes] = []
    honest = ServerKey.decrypt

    def noted(own: ServerKey, message: bytes) -> object:
        opened.append(message)
        return honest(own, message)

    monkeypatch.setattr(ServerKey, "decrypt", noted)
    with serving(receiver, Callers(TOKENS)) as port:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic " + TOKENS["ana"]},
            {"Authorization": "Bearer"},
        ):
            assert post(port, sealed(key), headers)[0] == 401
        assert not opened
        bearer = {name: {"Authorization": f"Bearer {token}"} for name, token in TOKENS.items()}
        answers = [post(port, sealed(key), bearer["ben"])[0] for _ in range(3)]
        assert answers == [200, 200, 429]
        status, body = post(port, sealed(key), bearer["ana"])
        assert status == 200 and json.loads(body)["handle"]
        # More digits than Python makes a number of.
        assert post(port, b"", {**bearer["ana"], "Content-Length": "1" * 5000})[0] == 413
    assert len(opened) == 4


def test_a_server_for_others_needs_tokens_and_tls(key: ServerKey) -> None:
    receiver = receiver_of(key, [time.time()], most=4, a_caller=2)
    for host in ("0.0.0.0", "::", "192.168.0.7", "voice.example"):
        with pytest.raises(EmbeddingError, match="open to others"):
            make_server(receiver, (host, 0))
        with pytest.raises(EmbeddingError, match="open to others"):
            make_server(receiver, (host, 0), callers=Callers(TOKENS))
    crowd = Callers({**TOKENS, "eve": "eve's token of 24 letters"})
    with pytest.raises(EmbeddingError, match="3 callers and room for 2"):
        make_server(receiver, callers=crowd)
    for bad in (
        {},
        {"ana": "short"},
        {"": TOKENS["ana"]},
        {"a": TOKENS["ana"], "b": TOKENS["ana"]},
    ):
        with pytest.raises(EmbeddingError, match="token of its own"):
            Callers(bad)


@pytest.mark.parametrize("name", ["issued", "expires", "size", "epsilon", "delta", "nonce"])
def test_a_header_may_hold_anything(key: ServerKey, name: str) -> None:
    header, _ = key.open(sealed(key))
    receiver = receiver_of(key, [time.time()], most=4, a_caller=2)
    for value in (0, -1, 1e308, math.nan, math.inf, 10**400, True, None, "x", [], "x" * 4000):
        raw = json.dumps({**asdict(header), name: value}).encode()
        info = b"voicelet sealed embedding 1" + raw  # an honest seal of a dishonest header
        box = hpke.encrypt(key.public.key(), unit().astype("<f4").tobytes(), info)
        message = b"VLEM\x01" + struct.pack(">H", len(raw)) + raw + box
        with contextlib.suppress(EmbeddingError):
            receiver.receive(message)


def test_who_sends_most_pushes_out_their_own_vectors() -> None:
    header = EmbeddingHeader("X25519", "a", "synthesis", 0.0, 60.0, "n", 256)
    store = EmbeddingStore(4, clock=lambda: 0.0)
    ana = store.put(header, unit(1), 10.0, "ana")
    flood = [store.put(header, unit(2 + i), 10.0, "mallory") for i in range(50)]
    assert np.array_equal(store.get(ana, "synthesis"), unit(1))
    kept = [handle for handle in flood if held(store, handle)]
    assert kept == flood[-3:]
    ben = store.put(header, unit(99), 10.0, "ben")
    assert held(store, ben) and held(store, ana) and not held(store, flood[-3])


def held(store: EmbeddingStore, handle: str) -> bool:
    try:
        store.get(handle, "synthesis")
    except EmbeddingError:
        return False
    return True


@contextmanager
def serving(receiver: EmbeddingReceiver, callers: Callers) -> Iterator[int]:
    """A server in a thread; the port it listens on."""
    server = make_server(receiver, callers=callers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def post(port: int, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        client.request("POST", PATH, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def test_who_leaves_in_the_middle_is_not_named(
    key: ServerKey, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server = make_server(receiver_of(key, [time.time()], most=4, a_caller=2))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        caller = socket.create_connection(server.server_address[:2])  # type: ignore[arg-type]
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.sendall(b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        caller.close()  # with a reset
        deadline = time.monotonic() + 20
        while "came to nothing" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        server.shutdown()
        server.server_close()
    assert "came to nothing: Connection" in caplog.text
    assert "127.0.0.1" not in caplog.text + capfd.readouterr().err


def test_what_is_refused_does_not_make_the_log_grow(key: ServerKey) -> None:
    now = [time.time()]
    receiver = receiver_of(key, now, most=4, a_caller=2)
    message = sealed(key)
    receiver.receive(message, "ana")
    for _ in range(5):
        with pytest.raises(EmbeddingError, match="before"):
            receiver.receive(message, "ana")
    receiver.receive(sealed(key), "ana")
    with pytest.raises(CallerError):
        receiver.receive(sealed(key), "ana")
    voice = read_aloud(draft(d_vector=unit()), "federation")
    with pytest.raises(EmbeddingError, match="isn't served"):
        receiver.receive(seal_embedding(voice, key.public, "another", 60.0), "ben")
    flush()
    noted = [r for r in default_log().records() if r.event == "import"]
    assert len(noted) == 2
