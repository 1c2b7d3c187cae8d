"""What speaking leaves in the audit log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voicelet.errors import TextError
from voicelet.synth import Voice
from voicelet.synth.audit import audited
from voicelet.synth.types import Chunk
from voicelet.trust.audit import device_log as audit


def uses() -> list[dict[str, Any]]:
    audit.flush()
    return [r.fields for r in audit.default_log().records() if r.event == "use"]


def test_every_way_of_speaking_is_noted(voice: Voice) -> None:
    whole = voice.synthesize("Hello world.")
    streamed = list(voice.stream("Hello world.", preset=voice.presets[1]))
    phones = voice.synthesize_phones("həlˈO")
    seconds = [whole.seconds, sum(len(c.samples) for c in streamed) / 24000, phones.seconds]
    noted = uses()
    assert [u["seconds"] for u in noted] == pytest.approx(seconds, abs=1e-3)
    assert [u["text"] for u in noted] == [
        audit.pseudonym(t) for t in ("Hello world.", "Hello world.", "həlˈO")
    ]
    assert [u.get("preset") for u in noted] == [None, voice.presets[1], None]
    assert {u["voice"] for u in noted} == {voice.info.name}
    audit.default_log().verify()


def test_whose_voice_and_by_which_consent() -> None:
    ana = SimpleNamespace(name="Ana", consent=SimpleNamespace(id="c1"), speaker_vector=None)
    chunk = Chunk(np.zeros(12000, np.float32), 24000)
    assert list(audited(iter([chunk, chunk]), "Hello.", ana, None, "v")) == [chunk, chunk]
    (use,) = uses()
    assert use == {
        "seconds": 1.0,
        "voice": "v",
        "profile": audit.pseudonym("Ana"),
        "consent": "c1",
        "text": audit.pseudonym("Hello."),
    }


def test_a_stream_that_is_left_counts_what_was_given(voice: Voice) -> None:
    stream = voice.stream("Hello world. " * 20)
    first = next(stream)
    stream.close()
    (use,) = uses()
    assert use["seconds"] == pytest.approx(len(first.samples) / 24000, abs=1e-3)


def test_nothing_said_is_nothing_used(voice: Voice) -> None:
    voice.stream("Hello.")  # never begun
    assert len(voice.synthesize("").samples) == 0
    with pytest.raises(TextError):
        voice.synthesize(None)  # type: ignore[arg-type]
    assert uses() == []


def test_a_log_that_cant_be_written_changes_no_sample(
    voice: Voice, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = voice.synthesize("Hello world.").samples
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VOICELET_AUDIT", str(tmp_path / "file" / "log"))
    np.testing.assert_array_equal(voice.synthesize("Hello world.").samples, want)
