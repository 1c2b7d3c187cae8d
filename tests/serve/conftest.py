"""A real server, in a thread of its own, that speaks with the packaged voice."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra [serve] isn't installed")
pytest.importorskip("uvicorn", reason="the extra [serve] isn't installed")
pytest.importorskip("wyoming", reason="the extra [serve] isn't installed")

from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.serve.config import AccessConfig, HttpConfig, ServeConfig, SpeechConfig, WyomingConfig
from voicelet.serve.http.run import HttpServer
from voicelet.serve.pool import PoolConfig
from voicelet.serve.server import SpeechServer
from voicelet.serve.wyoming.server import WyomingServer
from voicelet.speaker.vector import KNOWN_ENCODERS, SpeakerStatistics
from voicelet.synth.voice import Voice
from voicelet.trust.consent.statement import Consent, make_record


@dataclasses.dataclass
class Served:
    """A server that runs."""

    url: str
    server: SpeechServer
    http: HttpServer
    wyoming: str


Serve = Callable[..., contextlib.AbstractContextManager[Served]]


@pytest.fixture(scope="session")
def voice() -> Voice:
    return Voice.load()


@pytest.fixture
def serve(voice: Voice) -> Serve:
    @contextlib.contextmanager
    def run(**changes: Any) -> Iterator[Served]:
        http = {"port": 0, "drain_s": 5.0, **changes.pop("http", {})}
        config = ServeConfig(
            http=HttpConfig(**http),
            speech=SpeechConfig(**changes.pop("speech", {})),
            pool=PoolConfig(**{"threads": 2, **changes.pop("pool", {})}),
            access=AccessConfig(**changes.pop("access", {})),
            wyoming=WyomingConfig(**changes.pop("wyoming", {})),
        )
        assert not changes
        server = SpeechServer(config, voice)
        ready = threading.Event()
        wyoming = WyomingServer(server) if config.wyoming.uri is not None else None
        others = [wyoming] if wyoming is not None else []
        running = HttpServer(server, on_ready=lambda url: ready.set(), others=others)
        thread = threading.Thread(target=running.run)
        thread.start()
        assert ready.wait(60)
        try:
            yield Served(running.url, server, running, wyoming.uri if wyoming else "")
        finally:
            running.stop()
            thread.join(60)
            assert not thread.is_alive()

    return run


def consented(name: str = "ana", seed: int = 0, **terms: Any) -> Profile:
    """A made-up person who agreed."""
    rng = np.random.default_rng(seed)
    vector = np.maximum(rng.standard_normal(256), 0).astype(np.float32)
    made = Profile(
        name=name,
        created="2026-01-02T03:04:05Z",
        d_vector=vector / np.linalg.norm(vector),
        statistics=SpeakerStatistics(5.1, 0.2, np.zeros(70, np.float32)),
        encoder_id=KNOWN_ENCODERS[0],
        speech_s=30.0,
        quality=QualitySummary(40.0, 31.5, 35.0, 0.0, -24.0, 11000.0),
        app_version="0.1.0",
    )
    consent = Consent.scripted(name, "made up for a test", **terms)
    return dataclasses.replace(made, consent=make_record(consent, made.voice_sha256))
