"""Wyoming's own client, an exchange as Home Assistant's, and callers that mean no good."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from tests.serve.conftest import Serve, Served, consented
from voicelet.errors import ConfigError
from voicelet.profiles.vault.vault import Vault
from voicelet.serve.config import ServeConfig, WyomingConfig
from voicelet.serve.server import SpeechServer
from voicelet.serve.wyoming.server import WyomingServer
from voicelet.synth.voice import Voice

client_module = pytest.importorskip("wyoming.client", reason="wyoming isn't installed")
from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: E402
from wyoming.event import Event  # noqa: E402
from wyoming.info import Describe, Info  # noqa: E402
from wyoming.ping import Ping, Pong  # noqa: E402
from wyoming.tts import (  # noqa: E402
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

LOCAL = {"uri": "tcp://127.0.0.1:0"}
FIRST, SECOND = "The boats came in at dusk. ", "Somebody had lit a fire on the beach."


def exchange(served: Served, *events: Event, until: str) -> list[Event]:
    """Send events at once, and collect answers up to one of a type."""

    async def run() -> list[Event]:
        async with client_module.AsyncClient.from_uri(served.wyoming) as client:
            for event in events:
                await client.write_event(event)
            answers: list[Event] = []
            while not answers or answers[-1].type not in (until, "error"):
                answer = await asyncio.wait_for(client.read_event(), 60)
                assert answer is not None, [a.type for a in answers]
                answers.append(answer)
            return answers

    return asyncio.run(run())


def samples(answers: list[Event]) -> np.ndarray:
    chunks = [AudioChunk.from_event(a) for a in answers if AudioChunk.is_type(a.type)]
    assert all((c.rate, c.width, c.channels) == (24000, 2, 1) for c in chunks)
    at_ms = [c.timestamp for c in chunks]
    assert at_ms == sorted(at_ms)
    return np.frombuffer(b"".join(c.audio for c in chunks), "<i2") / 32767


def test_it_says_who_can_speak(serve: Serve, voice: Voice) -> None:
    Vault().save(consented())
    with serve(wyoming=LOCAL) as served:
        answers = exchange(served, Describe().event(), Ping(text="hello").event(), until="pong")
    (program,) = Info.from_event(answers[0]).tts
    assert program.supports_synthesize_streaming and program.installed
    assert [v.name for v in program.voices] == ["ana", *voice.presets]
    assert program.voices[0].languages == ["en-US"]
    assert Pong.from_event(answers[1]).text == "hello"


def test_a_whole_text(serve: Serve, voice: Voice) -> None:
    Vault().save(consented())
    with serve(wyoming=LOCAL) as served:
        for name in ("af_bella", "ana"):
            asked = Synthesize(FIRST + SECOND, voice=SynthesizeVoice(name=name)).event()
            answers = exchange(served, asked, until="audio-stop")
            assert AudioStart.is_type(answers[0].type) and AudioStop.is_type(answers[-1].type)
            who: Any = {"preset": name} if name != "ana" else {"profile": Vault().load("ana")}
            whole = voice.synthesize(FIRST + SECOND, **who).samples
            heard = samples(answers)
            assert len(heard) == len(whole) and np.abs(heard - whole).max() < 2e-3
        ssml = Synthesize("<speak>One <break time='2s'/> two.</speak>", text_format="ssml")
        assert len(samples(exchange(served, ssml.event(), until="audio-stop"))) > 24000 * 2.5


def test_as_home_assistant_asks(serve: Serve, voice: Voice) -> None:
    """Chunks as a language model writes them, then all of it again, then the end."""
    words = (FIRST + SECOND).split(" ")
    events = [
        SynthesizeStart(voice=SynthesizeVoice(name="af_bella")).event(),
        *(SynthesizeChunk(text=w + " ").event() for w in words),
        Synthesize(text=FIRST + SECOND, voice=SynthesizeVoice(name="af_bella")).event(),
        SynthesizeStop().event(),
    ]
    with serve(wyoming=LOCAL) as served:
        answers = exchange(served, *events, until="synthesize-stopped")
        kinds = [a.type for a in answers]
        assert kinds.count("audio-start") == kinds.count("audio-stop") == 1
        assert kinds[-2:] == ["audio-stop", SynthesizeStopped().event().type]
        each = [voice.synthesize(t, preset="af_bella").samples for t in (FIRST, SECOND)]
        assert np.abs(samples(answers) - np.concatenate(each)).max() < 2e-3


def test_audio_begins_with_the_first_sentence(serve: Serve) -> None:
    async def run(uri: str) -> None:
        async with client_module.AsyncClient.from_uri(uri) as client:
            await client.write_event(SynthesizeStart().event())
            await client.write_event(SynthesizeChunk(text=FIRST + "And then ").event())
            first = await asyncio.wait_for(client.read_event(), 60)
            assert first.type == "audio-start"  # nobody has said that the text is over

    with serve(wyoming=LOCAL) as served:
        asyncio.run(run(served.wyoming))


def test_what_cant_be_said_is_an_error_and_the_next_text_is_spoken(serve: Serve) -> None:
    with serve(wyoming=LOCAL, speech={"max_text_chars": 500}) as served:
        for text, voice in (("", None), ("x" * 600, None), ("Hi.", "nobody")):
            asked = Synthesize(text, voice=SynthesizeVoice(name=voice) if voice else None)
            answers = exchange(served, asked.event(), until="audio-stop")
            assert answers[-1].type == "error"
        long = [SynthesizeStart().event(), SynthesizeChunk(text="x" * 501).event()]
        assert exchange(served, *long, until="never")[-1].type == "error"
        broken = Synthesize("<speak>", text_format="ssml").event()
        good = Synthesize("Good.").event()

        async def both() -> list[str]:
            async with client_module.AsyncClient.from_uri(served.wyoming) as client:
                await client.write_event(broken)
                await client.write_event(good)
                kinds: list[str] = []
                while kinds.count("audio-stop") < 2:
                    kinds.append((await asyncio.wait_for(client.read_event(), 60)).type)
                return kinds

        kinds = asyncio.run(both())
        assert "error" in kinds and "audio-chunk" in kinds


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"data": {}}\n',
        b'{"type": "synthesize", "data": {}}\n',
        b'{"type": "synthesize", "data_length": 99999999999}\n',
        b'{"type": "synthesize", "data_length": -5}\n',
        b'{"type": "audio-chunk", "payload_length": 1e9}\n',
        b'{"type": "audio-chunk", "payload_length": 10000000}\n',
        b'{"type": 7}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
    ],
)
def test_odd_bytes_end_the_connection_alone(serve: Serve, raw: bytes) -> None:
    with serve(wyoming=LOCAL) as served:
        address = urlsplit(served.wyoming)
        with socket.create_connection((address.hostname, address.port), timeout=60) as link:
            link.sendall(raw)
            answer = b""
            while part := link.recv(65536):
                answer += part
        assert b'"error"' in answer
        answers = exchange(served, Synthesize("Still here.").event(), until="audio-stop")
        assert len(samples(answers)) > 10_000


def test_who_leaves_ends_the_work(serve: Serve) -> None:
    with serve(wyoming=LOCAL, pool={"read_ahead_s": 0.3}) as served:
        address = urlsplit(served.wyoming)
        for _ in range(20):
            with socket.create_connection((address.hostname, address.port), timeout=60) as link:
                text = json.dumps({"type": "synthesize", "data": {"text": FIRST * 200}})
                link.sendall(text.encode() + b"\n")
                assert link.recv(100)
        while served.server.pool.stats().streams:
            pass
        assert httpx.get(f"{served.url}/readyz").status_code == 200


def test_people_speak_only_where_they_are_named(voice: Voice, tmp_path: Path) -> None:
    Vault().save(consented())

    def names(uri: str, voices: tuple[str, ...] = ()) -> list[str]:
        config = ServeConfig(wyoming=WyomingConfig(uri, voices))
        server = SpeechServer(config, voice)
        try:
            return [v.name for v in WyomingServer(server)._info().tts[0].voices]
        finally:
            server.close()

    assert names("tcp://0.0.0.0:0") == list(voice.presets)
    assert names("tcp://0.0.0.0:0", ("ana",)) == ["ana"]
    assert names("tcp://127.0.0.1:0")[0] == "ana"
    assert names(f"unix://{tmp_path}/socket")[0] == "ana"
    for wrong in ("http://a:1", "tcp://a", "tcp://a:port", "tcp://:1", "unix://", "x"):
        with pytest.raises(ConfigError, match="Wyoming address"):
            names(wrong)
