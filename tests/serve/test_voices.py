"""Enrolled people over HTTP: consent at each use, withdrawn in mid-stream, and the cache."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time

import httpx
import pytest

from tests.serve.conftest import Serve, consented
from voicelet.enrolment.consent import revoke_consent
from voicelet.errors import ProfileNotFoundError
from voicelet.profiles.vault.vault import Vault
from voicelet.serve.access import ANYBODY
from voicelet.serve.speakers import Speakers
from voicelet.synth.voice import Voice
from voicelet.trust.audit.device_log import default_log, flush

TEXT = "The boats came in at dusk. "


def test_a_profile_speaks_and_stops_when_consent_ends(serve: Serve) -> None:
    ana = consented()
    Vault().save(ana)
    with serve(pool={"read_ahead_s": 0.5}) as served:
        url = f"{served.url}/v1/audio/speech"
        body = {"input": TEXT, "voice": "ana", "response_format": "pcm"}
        listed = httpx.get(f"{served.url}/v1/voices").json()["data"]
        assert listed[0]["id"] == "ana" and listed[0]["kind"] == "profile"
        assert httpx.post(url, json=body, timeout=60).status_code == 200
        refused = httpx.post(url, json={**body, "purpose": "publishing"}, timeout=60)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "consent"

        long = {**body, "input": TEXT * 400}
        with httpx.stream("POST", url, json=long, timeout=60) as answer:
            parts = answer.iter_bytes(4096)
            assert len(next(parts)) == 4096
            revoke_consent(ana)
            with pytest.raises(httpx.RemoteProtocolError):  # hung up on, in mid-stream
                for _ in parts:
                    pass
        assert httpx.post(url, json=body, timeout=60).status_code == 403
        preset = {**body, "voice": "af_bella"}
        assert httpx.post(url, json=preset, timeout=60).status_code == 200


def test_an_erased_profile_is_gone_at_once(serve: Serve) -> None:
    Vault().save(consented())
    with serve() as served:
        url = f"{served.url}/v1/audio/speech"
        body = {"input": TEXT, "voice": "ana", "response_format": "pcm"}
        assert httpx.post(url, json=body, timeout=60).status_code == 200
        Vault().erase("ana")
        gone = httpx.post(url, json=body, timeout=60)
        assert gone.status_code == 404 and gone.json()["error"]["code"] == "voice_not_found"


def test_open_profiles_are_kept_within_bounds(voice: Voice) -> None:
    vault = Vault()
    for i in range(5):
        vault.save(consented(f"p{i}", seed=i))
    size = len(consented("p0").to_bytes())
    speakers = Speakers(voice, max_bytes=3 * size + size // 2, vault=vault)
    for name in ("p0", "p1", "p2", "p0", "p3", "p1"):
        profile, preset = speakers.find(name)
        assert profile is not None and profile.name == name and preset is None
    assert (speakers.hits, speakers.misses) == (1, 5)  # p1 had to make room for p3
    assert size < speakers.open_bytes <= 3 * size + size // 2
    vault.save(consented("p1", seed=1))  # written anew: another file
    speakers.find("p1")
    assert speakers.misses == 6
    none = Speakers(voice, max_bytes=0, vault=vault)
    none.find("p0")
    assert none.open_bytes == 0


def test_names_that_clients_send(voice: Voice) -> None:
    Vault().save(consented("Zoë"))
    speakers = Speakers(voice, default="Zoë", aliases={"kitchen": "af_bella"})
    assert speakers.resolve(None, ANYBODY) == "Zoë"
    assert speakers.resolve("alloy", ANYBODY) == "Zoë"
    assert speakers.resolve("kitchen", ANYBODY) == "af_bella"
    assert Speakers(voice).resolve("nova", ANYBODY) == voice.presets[0]
    lamp = dataclasses.replace(ANYBODY, voices=("af_bella", "am_michael"))
    assert speakers.resolve("alloy", lamp) == "af_bella"  # the default isn't this token's
    with pytest.raises(ProfileNotFoundError):
        speakers.resolve("Zoë", lamp)


def test_what_is_said_is_in_no_log_but_is_audited(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    Vault().save(consented())
    secret = "My password is swordfish."
    with caplog.at_level(logging.DEBUG), serve() as served:
        url = f"{served.url}/v1/audio/speech"
        for body in ({"input": secret, "voice": "ana"}, {"input": secret, "voice": "swordfish"}):
            httpx.post(url, json=body, timeout=60)
        httpx.get(f"{served.url}/v1/swordfish")
        page = httpx.get(f"{served.url}/metrics").text
    assert any(r.name == "voicelet.serve" for r in caplog.records)
    told = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]  # the client's
    assert "swordfish" not in "\n".join(told) + page
    assert "voicelet_requests_total" in page and "voicelet_first_audio_seconds_count 1.0" in page
    flush()
    events = [record.event for record in default_log().records()]
    assert events.count("use") == 1


def test_a_thousand_leavers_leave_nothing_behind(serve: Serve) -> None:
    with serve(pool={"max_streams": 2000, "max_waiting": 2000}) as served:
        url = f"{served.url}/v1/audio/speech"
        body = {"input": TEXT * 20, "response_format": "pcm"}

        def leave(count: int) -> None:
            with httpx.Client(timeout=120) as client:
                for _ in range(count):
                    with client.stream("POST", url, json=body) as answer:
                        next(answer.iter_bytes(64))

        threads = [threading.Thread(target=leave, args=(125,)) for _ in range(8)]
        before = threading.active_count()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deadline = time.monotonic() + 60
        while served.server.pool.stats().streams and time.monotonic() < deadline:
            time.sleep(0.05)
        stats = served.server.pool.stats()
        assert stats.streams == 0
        assert stats.audio_s < 1000 * 10  # not a thousand times the whole text
        assert threading.active_count() <= before
        assert httpx.post(url, json={**body, "input": "Still here."}, timeout=60).status_code == 200
