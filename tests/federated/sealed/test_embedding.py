"""Sealed embeddings: what travels, what the server takes, and what it forgets."""

from __future__ import annotations

import base64
import http.client
import json
import math
import socket
import ssl
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from tests.consenting import agreed, draft, foreign, read_aloud
from tests.federated.memory_search import Needles
from voicelet.audio.io import read_audio
from voicelet.engine import get_engine
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, ProfileError
from voicelet.profiles.profile import Profile
from voicelet.speaker.encoder import d_vector
from voicelet.trust.audit.device_log import audit_folder, default_log, flush
from voicelet.trust.consent.revocations import device_revocations
from voicelet_federated.deploy.certificates import make_certificates
from voicelet_federated.errors import EmbeddingError
from voicelet_federated.privacy.local_dp import LocalDp, delta_of, sigma_for
from voicelet_federated.sealed.embedding import ServerKey, ServerPublic, seal_embedding
from voicelet_federated.sealed.server import (
    PATH,
    EmbeddingReceiver,
    EmbeddingStore,
    make_server,
)

ROOT = Path(__file__).parents[3]
ENCODER = ROOT / "sdk" / "voicelet" / "voices" / "default" / "speaker_encoder.onnx"
SAMPLE = ROOT / "federated" / "samples" / "reader-a" / "1.opus"


def unit(size: int = 256, seed: int = 0) -> np.ndarray:
    v = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return v / np.linalg.norm(v)


def voice_of(vector: np.ndarray, *purposes: str) -> Profile:
    """A profile with that d-vector, whose owner agreed, aloud, to `federation` or to others."""
    return read_aloud(draft("ana", d_vector=vector), *(purposes or ("federation",)))


@pytest.mark.parametrize("hybrid", [None, False])
def test_sealed_and_opened(hybrid: bool | None) -> None:
    key = ServerKey("voice.example", hybrid)
    public = ServerPublic.from_json(key.public.to_json())
    profile = voice_of(unit())
    header, vector = key.open(seal_embedding(profile, public, "synthesis", 60))
    assert np.array_equal(vector, profile.d_vector)
    assert (header.audience, header.purpose) == ("voice.example", "synthesis")
    mels = (np.linspace(-7, -2, 80), np.full(80, 1.5))
    sealed = seal_embedding(profile, public, "synthesis", 60, mel_statistics=mels)
    header, vector = key.open(sealed)
    assert header.size == 328 and np.array_equal(vector, profile.speaker_vector(*mels))


def test_no_voice_leaves_without_its_owners_consent_to_federation() -> None:
    key = ServerKey("a")
    for profile in (
        draft("ana", d_vector=unit()),
        voice_of(unit(), "own-use", "publishing"),
        agreed(draft("ana", d_vector=unit()), purposes="federation"),  # only written down
        foreign(draft("ana", d_vector=unit()), purposes="federation")[0],
    ):
        with pytest.raises(ConsentError):
            seal_embedding(profile, key.public, "synthesis", 60)
    profile = voice_of(unit())
    sealed = seal_embedding(profile, key.public, "synthesis", 60)
    header, _ = key.open(sealed)
    record = profile.check_record()
    assert header.consent == record.id
    flush()
    noted = [
        (r.event, r.fields["consent"]) for r in default_log().records() if r.fields.get("what")
    ]
    assert noted == [("export", record.id), ("import", record.id)]
    assert b"ana" not in b"".join(p.read_bytes() for p in audit_folder().iterdir() if p.is_file())
    device_revocations().add(record.id)
    with pytest.raises(ConsentEndedError):
        seal_embedding(profile, key.public, "synthesis", 60)


def test_what_is_sealed_is_the_voice_that_was_agreed_to() -> None:
    key = ServerKey("a")
    agreed_to, victim = voice_of(unit()), unit(seed=1)
    _ = agreed_to.voice_sha256  # a hash that an object might remember
    object.__setattr__(agreed_to, "d_vector", victim)
    lookalike = SimpleNamespace(
        check_consent=lambda purpose: None,
        check_record=voice_of(unit()).check_record,
        d_vector=victim,
        name="ana",
    )
    hooked = voice_of(unit())
    object.__setattr__(hooked, "speaker_vector", lambda *mels: np.tile(victim, 2)[:328])
    mels = (np.linspace(-7, -2, 80), np.full(80, 1.5))
    for profile in (agreed_to, lookalike):
        with pytest.raises(ProfileError):
            seal_embedding(profile, key.public, "synthesis", 60)  # type: ignore[arg-type]
    _, sent = key.open(seal_embedding(hooked, key.public, "synthesis", 60, mel_statistics=mels))
    assert np.array_equal(sent, voice_of(unit()).speaker_vector(*mels))


def test_a_header_that_names_no_consent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    key = ServerKey("a")
    voice = voice_of(unit())
    monkeypatch.setattr(Profile, "check_record", lambda self: SimpleNamespace(id=""))
    monkeypatch.setattr(Profile, "check_consent", lambda self, purpose: None)
    sealed = seal_embedding(voice, key.public, "synthesis", 60)
    with pytest.raises(EmbeddingError, match="names no consent"):
        key.open(sealed)


def test_every_changed_byte_is_noticed() -> None:
    key = ServerKey("a")
    sealed = seal_embedding(voice_of(unit()), key.public, "synthesis", 60)
    for i in range(0, len(sealed), 7):
        bad = bytearray(sealed)
        bad[i] ^= 1
        with pytest.raises(EmbeddingError):
            key.open(bytes(bad))
    for length in (0, 3, 6, 40, len(sealed) - 1):
        with pytest.raises(EmbeddingError):
            key.open(sealed[:length])


def test_only_its_server_opens_it() -> None:
    mine, same_name, other = ServerKey("a"), ServerKey("a"), ServerKey("b")
    sealed = seal_embedding(voice_of(unit()), mine.public, "synthesis", 60)
    for key in (same_name, other):
        with pytest.raises(EmbeddingError):
            key.open(sealed)


def test_impossible_vectors_are_refused() -> None:
    public = ServerKey("a").public
    mels = (np.zeros(80), np.ones(80))
    with pytest.raises(EmbeddingError, match="d-vectors only"):
        seal_embedding(voice_of(unit()), public, "x", 60, LocalDp(100.0), mel_statistics=mels)
    with pytest.raises(EmbeddingError, match="enrol"):
        narrow = (np.zeros(40), np.ones(40))
        seal_embedding(
            read_aloud(draft("ana", unit(), bands=30), "federation"),
            public,
            "x",
            60,
            mel_statistics=narrow,
        )
    with pytest.raises(EmbeddingError, match="expire"):
        seal_embedding(voice_of(unit()), public, "x", 0)


def test_receiver_checks_time_purpose_and_replay() -> None:
    key, now = ServerKey("a"), [time.time()]
    receiver = EmbeddingReceiver(
        key, ["synthesis"], EmbeddingStore(), longest_s=600, most_seen=2, clock=lambda: now[0]
    )
    sealed = seal_embedding(voice_of(unit()), key.public, "synthesis", 60)
    receiver.receive(sealed)
    with pytest.raises(EmbeddingError, match="before"):
        receiver.receive(sealed)
    with pytest.raises(EmbeddingError, match="purpose"):
        receiver.receive(seal_embedding(voice_of(unit()), key.public, "training", 60))
    with pytest.raises(EmbeddingError, match="too long"):
        receiver.receive(seal_embedding(voice_of(unit()), key.public, "synthesis", 1e5))
    late = seal_embedding(voice_of(unit()), key.public, "synthesis", 30)
    now[0] += 100
    with pytest.raises(EmbeddingError, match="expired"):
        receiver.receive(late)
    now[0] -= 100  # a clock set back brings nothing to life
    with pytest.raises(EmbeddingError, match="expired"):
        receiver.receive(sealed)
    for _ in range(2):
        receiver.receive(seal_embedding(voice_of(unit()), key.public, "synthesis", 300))
    with pytest.raises(EmbeddingError, match="later"):
        receiver.receive(seal_embedding(voice_of(unit()), key.public, "synthesis", 300))


def test_store_is_bounded_expires_and_zeroes() -> None:
    key, now = ServerKey("a"), [0.0]
    header, _ = key.open(seal_embedding(voice_of(unit()), key.public, "synthesis", 60))
    store = EmbeddingStore(2, clock=lambda: now[0])
    vectors = [unit(seed=i) for i in range(3)]
    handles = [store.put(header, v, 10.0) for v in vectors[:2]]
    assert np.array_equal(store.get(handles[0], "synthesis"), unit(seed=0))
    last = store.put(header, vectors[2], 20.0)  # the second was used longest ago
    assert not vectors[1].any() and vectors[0].any()
    with pytest.raises(EmbeddingError, match="not for"):
        store.get(last, "training")
    now[0] = 15.0
    assert store.purge() == 1 and not vectors[0].any()
    store.clear()
    assert not vectors[2].any()


class Tap:
    """Passes one connection on and keeps every byte of both directions."""

    def __init__(self, port: int) -> None:
        self.seen = bytearray()
        self._target = port
        self._listen = socket.create_server(("127.0.0.1", 0))
        self.port = self._listen.getsockname()[1]
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        near, _ = self._listen.accept()
        far = socket.create_connection(("127.0.0.1", self._target))
        back = threading.Thread(target=self._pass, args=(far, near))
        back.start()
        self._pass(near, far)
        back.join()
        for s in (near, far, self._listen):
            s.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(4096):
            self.seen += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def forms(vector: np.ndarray, wave: np.ndarray) -> Needles:
    """The vector and the recording in whatever form somebody might send them."""
    made = Needles()
    made.add_floats("vector", vector)
    made.add_floats("its opposite", -vector)
    for levels, kind in ((127, "i1"), (255, "u1"), (32767, "i2"), (2**31 - 1, "i4")):
        for scale in (1.0, float(np.abs(vector).max())):
            whole = np.rint(vector.astype(np.float64) / scale * levels).astype(np.int64)
            made.add("rounded vector", whole.astype(kind))
    for data in (vector.astype("<f4").tobytes(), vector.astype("<f8").tobytes()):
        made.add_bytes("hex vector", data.hex().encode())
        for skipped in range(3):
            made.add_bytes("base64 vector", base64.b64encode(data[skipped:]))
            made.add_bytes("base64 vector", base64.urlsafe_b64encode(data[skipped:]))
    made.add_bytes("recording", SAMPLE.read_bytes())
    made.add_bytes("base64 recording", base64.b64encode(SAMPLE.read_bytes()))
    made.add("recording", np.rint(wave * 32767).astype("i2"))
    made.add("recording", wave.astype("f4"))
    return made


def upload(port: int, tls: ssl.SSLContext | None, *bodies: bytes) -> list[tuple[int, str]]:
    """Each in a connection of its own, all of them through one tap; status and answer."""
    answers = []
    for body in bodies:
        client = (
            http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            if tls is None
            else http.client.HTTPSConnection("127.0.0.1", port, timeout=300, context=tls)
        )
        client.request("POST", PATH, body)
        answer = client.getresponse()
        answers.append((answer.status, answer.read().decode()))
        client.close()
    return answers


@pytest.mark.parametrize("with_tls", [False, True])
def test_a_capture_holds_neither_embedding_nor_audio(with_tls: bool, tmp_path: Path) -> None:
    """The d-vector of a real recording, through a real TCP relay that keeps every byte."""
    rate = 16_000
    wave = read_audio(SAMPLE, sample_rate_hz=rate).samples
    vector = d_vector(get_engine().open(ENCODER), wave[: 4 * rate])
    needles = forms(vector, wave[:rate])
    near = far = None
    if with_tls:
        files = make_certificates(tmp_path)
        near = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        near.load_cert_chain(files.certificate, files.key)
        far = ssl.create_default_context(cafile=str(files.ca))
    key, store = ServerKey("a"), EmbeddingStore()
    server = make_server(EmbeddingReceiver(key, ["synthesis"], store), tls=near)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    port = server.server_address[1]
    tap, open_tap = Tap(port), Tap(port)
    try:
        sealed = seal_embedding(voice_of(vector), key.public, "synthesis", 60)
        [(status, body)] = upload(tap.port, far, sealed)
        tap.thread.join(30)
        # What a careless client might send, the server's refusal included.
        careless = json.dumps([float(v) for v in vector]).encode()[:6000]
        [(refused, _)] = upload(open_tap.port, far, careless)
        open_tap.thread.join(30)
    finally:
        server.shutdown()
        server.server_close()
    handle = json.loads(body)["handle"]
    assert status == 200 and refused == 400
    assert np.array_equal(store.get(handle, "synthesis"), vector)
    seen = bytes(tap.seen)
    assert len(seen) > len(sealed) and len(needles) > 100_000
    assert not needles.found_in([seen])
    assert (sealed in seen, handle.encode() in seen) == (not with_tls, not with_tls)
    # The search finds what is there; TLS alone hides the careless one's too.
    found = needles.found_in([bytes(open_tap.seen)])
    assert found == (set() if with_tls else {"vector text"})
    for name in ("recording <int16", "base64 recording", "hex vector", "vector >float64"):
        leak = next(run for run, told in needles.runs.items() if told == name)
        assert name in needles.found_in([seen[: len(seen) // 16 * 16] + leak])


def test_noise_is_the_analytic_gaussians() -> None:
    for epsilon in (0.1, 1.0, 10.0, 1000.0):
        sigma = sigma_for(epsilon, 1e-5)
        assert 0.99e-5 < delta_of(epsilon, sigma) <= 1e-5
        assert delta_of(epsilon, sigma * 0.99) > 1e-5
    # The classical bound holds below epsilon 1, and is looser.
    assert sigma_for(0.5, 1e-5) < 2.0 * math.sqrt(2 * math.log(1.25e5)) / 0.5
    # Balle and Wang's delta, by integrating the privacy loss of N(0, s) against N(2, s).
    x = np.linspace(-60, 60, 2_000_001)
    p, q = (np.exp(-((x - m) ** 2) / (2 * 9.0)) / math.sqrt(2 * math.pi * 9.0) for m in (2.0, 0.0))
    integral = np.maximum(p - math.exp(1.0) * q, 0.0).sum() * (x[1] - x[0])
    assert delta_of(1.0, 3.0) == pytest.approx(integral, rel=1e-4)


def test_uploads_add_up() -> None:
    dp = LocalDp(10.0)
    assert dp.spent(0) == 0.0
    assert dp.spent(1) == pytest.approx(10.0, rel=1e-4)
    assert 10.0 < dp.spent(4) < 40.0
    assert math.isinf(LocalDp(math.inf).spent(1))


def test_noised_vectors_have_the_stated_noise() -> None:
    rng, v = np.random.default_rng(1), unit()
    dp = LocalDp(300.0)
    out = np.stack([dp.noised(v, rng) for _ in range(300)])
    assert np.allclose(np.linalg.norm(out, axis=1), 1.0, atol=1e-5)
    expected = 1.0 / math.sqrt(1.0 + 256 * dp.sigma**2)
    assert float((out @ v).mean()) == pytest.approx(expected, abs=0.01)
    assert np.allclose(LocalDp(math.inf).noised(v), v, atol=1e-6)
    assert not np.array_equal(dp.noised(v), dp.noised(v))
    for bad in (np.zeros(256), np.full(256, np.inf)):
        with pytest.raises(ConfigError):
            dp.noised(bad)
    with pytest.raises(ConfigError):
        LocalDp(0.0)
