"""The real client of OpenAI, against a real server."""

from __future__ import annotations

import base64
import io
import json

import httpx
import numpy as np
import pytest
import soundfile

from tests.serve.conftest import Serve
from voicelet.synth.voice import Voice

openai = pytest.importorskip("openai", reason="OpenAI's client isn't installed")
TEXT = "The boats came in at dusk. Somebody had lit a fire on the beach."


def client_of(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def test_every_format_speaks(serve: Serve, voice: Voice) -> None:
    whole = voice.synthesize(TEXT)
    with serve() as served:
        client = client_of(served.url)
        for name in ("mp3", "opus", "flac", "wav", "pcm"):
            answer = client.audio.speech.create(
                model="tts-1", voice="alloy", input=TEXT, response_format=name
            )
            raw = answer.read()
            if name == "pcm":
                heard = np.frombuffer(raw, "<i2") / 32767
                assert np.abs(heard - whole.samples).max() < 2e-3
            elif name in ("wav", "opus"):
                heard, rate = soundfile.read(io.BytesIO(raw))
                assert rate == 24000
                assert len(heard) / rate == pytest.approx(whole.seconds, abs=0.05)
            else:
                assert raw[:4] in (b"fLaC", b"ID3\x04", b"ID3\x03") or raw[0] == 0xFF
        answer = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
        assert answer.response.headers["content-type"] == "audio/mpeg"  # where nothing is said
        assert answer.response.headers["x-request-id"].startswith("req_")


def test_speech_arrives_while_it_is_spoken(serve: Serve) -> None:
    with serve() as served:
        with client_of(served.url).audio.speech.with_streaming_response.create(
            model="tts-1", voice="af_bella", input=TEXT * 4, response_format="pcm"
        ) as answer:
            parts = list(answer.iter_bytes())
        assert len(parts) > 8


def test_events(serve: Serve) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "pcm"}
    with serve() as served:
        plain = httpx.post(f"{served.url}/v1/audio/speech", json=body, timeout=60).content
        answer = httpx.post(
            f"{served.url}/v1/audio/speech", json={**body, "stream_format": "sse"}, timeout=60
        )
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(part[6:]) for part in answer.text.split("\n\n") if part]
    assert [e["type"] for e in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert b"".join(base64.b64decode(e["audio"]) for e in events[:-1]) == plain
    assert events[-1]["type"] == "speech.audio.done"
    usage = events[-1]["usage"]
    assert usage["input_tokens"] == len(TEXT)
    assert usage["output_tokens"] == pytest.approx(len(plain) / 480, abs=2)


def test_speed_voice_and_rate(serve: Serve, voice: Voice) -> None:
    with serve() as served:
        client = client_of(served.url)

        def seconds(speed: float) -> float:
            raw = client.audio.speech.create(
                model="tts-1", voice="am_michael", input=TEXT, response_format="pcm", speed=speed
            ).read()
            return len(raw) / 48000

        assert seconds(0.5) > 1.5 * seconds(1.0) > 2.0 * seconds(4.0)
        raw = client.audio.speech.create(
            model="tts-1", voice="af_bella", input=TEXT, response_format="wav",
            extra_body={"sample_rate": 8000, "style": "calm"},
        ).read()  # fmt: skip
        heard, rate = soundfile.read(io.BytesIO(raw))
        calm = voice.synthesize(TEXT, preset="af_bella", style="calm")
        assert rate == 8000 and len(heard) / rate == pytest.approx(calm.seconds, abs=0.02)
        named = client.audio.speech.create(
            model="tts-1", voice={"id": "af_bella"}, input=TEXT, response_format="pcm"
        ).read()
        heard = np.frombuffer(named, "<i2") / 32767
        assert np.abs(heard - voice.synthesize(TEXT, preset="af_bella").samples).max() < 2e-3


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({"voice": "nobody"}, "voice", "no voice 'nobody'"),
        ({"voice": "af_belle"}, "voice", "did you mean 'af_bella'"),
        ({"speed": 9.0}, "speed", "speed"),
        ({"speed": "fast"}, "speed", "speed"),
        ({"response_format": "aac"}, "response_format", "there are mp3"),
        ({"stream_format": "xml"}, "stream_format", "audio or sse"),
        ({"input": "  "}, "input", "isn't empty"),
        ({"input": "x" * 30_000}, "input", "20000 are allowed"),
        ({"sped": 1.0}, "sped", "did you mean 'speed'"),
        ({"language": "xx"}, None, "language"),
        ({"purpose": "fun"}, None, "purpose"),
    ],
)
def test_errors_are_openais(serve: Serve, body: dict, param: str | None, message: str) -> None:  # type: ignore[type-arg]
    asked = {"model": "tts-1", "voice": "alloy", "input": TEXT, **body}
    with serve() as served:
        extra = {k: asked.pop(k) for k in list(asked) if k not in ("model", "voice", "input")}
        with pytest.raises(openai.APIStatusError) as caught:
            client_of(served.url).audio.speech.create(**asked, extra_body=extra)
    assert caught.value.status_code in (400, 403, 404)
    assert message in str(caught.value)
    assert caught.value.code
    if param is not None:
        assert caught.value.param == param


def test_models_and_voices(serve: Serve, voice: Voice) -> None:
    with serve() as served:
        client = client_of(served.url)
        assert {"tts-1", "voicelet"} <= {m.id for m in client.models.list()}
        assert client.models.retrieve("tts-1").owned_by == "voicelet"
        voices = httpx.get(f"{served.url}/v1/voices").json()
        assert [v["id"] for v in voices["data"]] == list(voice.presets) == voices["voices"]
        assert voices == httpx.get(f"{served.url}/v1/audio/voices").json()


def test_timestamps(serve: Serve, voice: Voice) -> None:
    body = {"input": TEXT, "response_format": "pcm", "voice": "af_heart"}
    with serve() as served:
        url = f"{served.url}/v1/audio/speech/timestamps"
        answer = httpx.post(url, json=body, timeout=60).json()
    whole = voice.synthesize(TEXT, preset="af_heart")
    assert len(base64.b64decode(answer["audio"])) == 2 * len(whole.samples)
    assert answer["duration_s"] == pytest.approx(whole.seconds, abs=1e-3)
    assert [w["text"] for w in answer["words"]] == [w.text for w in whole.words]
    for word, own in zip(answer["words"], whole.words, strict=True):
        assert word["start_s"] == pytest.approx(own.start_s, abs=1e-3)
        assert TEXT[slice(*word["span"])].lower().startswith(own.text.lower()[:1])
