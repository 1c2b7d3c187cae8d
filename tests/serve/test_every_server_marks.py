"""Whatever leaves a server is marked, and nobody speaks without consent."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from tests.consenting import draft
from tests.serve.conftest import Serve
from tests.serve.test_socket import connected, said, send
from tests.serve.test_speechd import Server
from tests.serve.test_wyoming import LOCAL, exchange, samples
from voicelet.profiles.vault.vault import Vault
from voicelet.synth.voice import Voice
from voicelet.trust.watermark.detect import detect_watermark

pytest.importorskip("wyoming", reason="the extra [serve] isn't installed")
from wyoming.tts import Synthesize, SynthesizeVoice

TEXT = "The boats came in at dusk, low in the water. Somebody had lit a fire on the beach."


def is_marked(samples: np.ndarray) -> bool:
    return detect_watermark(samples.astype(np.float32), 24000, scales=False).found


def test_every_way_out_is_marked(serve: Serve, voice: Voice) -> None:
    with serve(wyoming=LOCAL) as served:
        body = {"input": TEXT, "response_format": "pcm", "voice": "af_bella"}
        raw = httpx.post(f"{served.url}/v1/audio/speech", json=body, timeout=60).content
        assert is_marked(np.frombuffer(raw, "<i2") / 32767)
        with connected(served) as socket:
            send(socket, {"type": "start"}, {"type": "text", "text": TEXT}, {"type": "end"})
            parts = [m for m in said(socket, "done") if isinstance(m, bytes)]
        assert is_marked(np.frombuffer(b"".join(parts), "<i2") / 32767)
        assert is_marked(samples(exchange(served, Synthesize(TEXT).event(), until="audio-stop")))
    screen_reader = Server(voice)
    try:
        assert is_marked(screen_reader.say(TEXT)[0])
    finally:
        screen_reader.close()


def test_a_profile_without_consent_is_silent_everywhere(serve: Serve, voice: Voice) -> None:
    vault = Vault()
    vault.path.mkdir(parents=True, exist_ok=True)
    (vault.path / "old.vclp").write_bytes(draft("old").to_bytes())  # as voicelet 0.1 left it
    with serve(wyoming=LOCAL) as served:
        body = {"input": TEXT, "voice": "old"}
        for path in ("", "/timestamps"):
            refused = httpx.post(f"{served.url}/v1/audio/speech{path}", json=body, timeout=60)
            assert refused.status_code == 403, refused.text
            assert refused.json()["error"]["code"] == "consent"
        with connected(served) as socket:
            send(socket, {"type": "start", "voice": "old"}, {"type": "text", "text": TEXT})
            send(socket, {"type": "end"})
            answers = list(said(socket, "done"))
        assert not any(isinstance(a, bytes) for a in answers)
        assert answers[-1]["error"]["code"] == "consent"
        asked = Synthesize(TEXT, voice=SynthesizeVoice(name="old")).event()
        answers = exchange(served, asked, until="audio-stop")
        assert answers[-1].type == "error" and len(samples(answers)) == 0
    screen_reader = Server(voice)
    try:
        screen_reader.send("SET", "synthesis_voice=old", ".")
        assert screen_reader.until("203 OK SETTINGS RECEIVED")
        assert len(screen_reader.say(TEXT)[0]) == 0
    finally:
        screen_reader.close()
