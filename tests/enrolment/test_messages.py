"""Messages with a measured and a needed number, and of what was refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from voicelet.audio.quality import rounded_down
from voicelet.enrolment.gate import DEFAULT_GATE, check_recordings, find_reasons
from voicelet.errors import LivenessRejectedError
from voicelet.speaker import origin
from voicelet.speaker.origin import check_origin


@pytest.mark.parametrize("short_by", [1e-7, 0.004, 0.04, 0.3, 0.49, 0.6])
def test_what_is_too_little_never_reads_as_enough(short_by: float) -> None:
    noise = np.random.default_rng(1).normal(size=48_000).astype(np.float32) * 0.01
    report = replace(
        check_recordings([(noise, 24_000)], DEFAULT_GATE).report,
        speech_s=DEFAULT_GATE.min_speech_s - short_by,
        snr_db=DEFAULT_GATE.min_snr_db - short_by,
    )
    text = " ".join(find_reasons(report, DEFAULT_GATE, -20.0))
    held = re.search(r"holds ([\d.]+) s of speech and at least ([\d.]+) s", text)
    noisy = re.search(r"only ([\d.]+) dB above the background, ([\d.]+) dB are needed", text)
    assert held is not None and float(held[1]) < float(held[2])
    assert noisy is not None and float(noisy[1]) < float(noisy[2])


def test_rounded_down() -> None:
    assert [rounded_down(x) for x in (9.9, 9.96, 2.3, 10.0, 0.0)] == [
        "9.9",
        "9.9",
        "2.3",
        "10.0",
        "0.0",
    ]
    assert rounded_down(-0.05) == "-0.1"


def test_recordings_that_are_refused_are_not_called_a_spoken_consent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(origin, "refusal", lambda found: "it was synthesized")
    wave = np.zeros(24_000, np.float32)
    with pytest.raises(LivenessRejectedError) as refused:
        check_origin([("a.wav", wave)])
    assert str(refused.value) == "the recordings were refused: a.wav: it was synthesized"
