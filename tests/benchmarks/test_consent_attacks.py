"""The attacks on spoken consent that the benchmark runs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks.common import BenchmarkError
from benchmarks.verification.consent import ATTACKS, Attempt, dropped, replay_row, summary
from benchmarks.verification.engines import open_engine
from voicelet.enrolment.liveness.check import LivenessReport
from voicelet.enrolment.liveness.transcript import NO_FIT
from voicelet.speaker.origin import RecordingOrigin


def test_no_old_consent_is_accepted_again() -> None:
    row = replay_row(40)
    assert row["tried"] == 40 and row["accepted"] == 0


def test_attacks_leave_a_sentence_to_be_heard() -> None:
    rng = np.random.default_rng(0)
    wave = (0.1 * np.sin(np.arange(24000 * 6) * 0.05)).astype(np.float32)
    for name, attack in ATTACKS.items():
        changed = attack(wave, rng)
        assert 3.5 < len(changed) / 24000 < 8.5, name
        assert float(np.abs(changed).max()) > 0.01, name
    assert len(dropped(wave, rng)) == len(wave) * 108 // 120


def test_the_summary_counts_what_got_through() -> None:
    fooled = LivenessReport(9.0, NO_FIT, 0.9, None, RecordingOrigin(None, -3.0))
    caught = LivenessReport(9.0, NO_FIT, 0.9, None, RecordingOrigin(None, 9.0), ("no",))
    rows = summary([Attempt("a", "v", fooled), Attempt("a", "v", caught)], "voicelet")
    assert [row["attack"] for row in rows] == ["a", "all"]
    assert rows[0]["accepted"] == 1 and rows[0]["synthetic"] == 0.5 and rows[0]["mark"] == 0.0


def test_an_engine_is_any_program_that_writes_a_file() -> None:
    code = (
        "import sys,soundfile as f,numpy; f.write(sys.argv[1], numpy.ones(len(sys.argv[2])), 8000)"
    )
    name, say = open_engine(f'me="{sys.executable}" -c "{code}" {{out}} {{text}}')
    samples, rate_hz = say("Hello.")
    assert (name, len(samples), rate_hz) == ("me", 6, 8000)
    with pytest.raises(BenchmarkError, match="NAME=COMMAND"):
        open_engine("espeak-ng")
    _, broken = open_engine(f'me="{sys.executable}" -c "raise SystemExit(1)" {{out}}')
    with pytest.raises(BenchmarkError, match="said nothing"):
        broken("Hello.")
