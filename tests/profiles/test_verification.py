"""Three answers about a recording: whose voice, made by voicelet, likely synthetic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import voicelet
from tests.consenting import agreed, draft, scripted
from voicelet.audio.resample import resample
from voicelet.audio.source import load_recording
from voicelet.cli.main import main
from voicelet.errors import AudioError, EngineError, LivenessRejectedError, ProfileError
from voicelet.profiles.vault.vault import Vault
from voicelet.profiles.verification import verify_recording
from voicelet.speaker.origin import (
    RecordingOrigin,
    check_origin,
    hint,
    origin_of,
    refusal,
    spoken_refusal,
)
from voicelet.speaker.synthetic_speech import (
    STATISTICS,
    decode_weights,
    encode_weights,
    spectral_statistics,
    synthetic_log_odds,
    synthetic_weights,
)

SAMPLES = Path(__file__).parents[2] / "samples"
READER = [SAMPLES / f"reader-{n}.opus" for n in range(1, 10)]
TEXT = "The harbour was quiet in the morning, and nobody had expected the ferry before noon."


def joined(*numbers: int) -> np.ndarray:
    """Samples of the reader at 24 kHz."""
    return np.concatenate([load_recording(READER[n], 24000, 60.0).samples for n in numbers])


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """Speech of voicelet, at 24 kHz."""
    return np.asarray(voicelet.Voice.load().synthesize(TEXT).samples)


def test_the_person_herself_and_a_machine(spoken: np.ndarray) -> None:
    profile = voicelet.enrol([str(f) for f in READER[:5]], consent=scripted(), name="ana")
    herself = verify_recording((joined(5, 6, 7, 8), 24000), profile)
    assert herself.same_speaker and herself.speech_s > 5.0
    assert herself.voice is not None and herself.voice.probability > 0.9
    assert not herself.origin.made_by_voicelet and not herself.origin.likely_synthetic

    machine = verify_recording((spoken, 24000), profile)
    assert machine.same_speaker is False
    assert machine.origin.made_by_voicelet and machine.origin.likely_synthetic


def test_what_voicelet_said_cant_be_enrolled(spoken: np.ndarray) -> None:
    with pytest.raises(LivenessRejectedError, match="recording 2: it was synthesized by voicelet"):
        check_origin([("recording 1", joined(0)), ("recording 2", spoken)])
    with pytest.raises(LivenessRejectedError, match="synthesized by voicelet"):
        voicelet.enrol([(spoken, 24000)], consent=scripted(), name="copy")
    faster = np.interp(np.arange(0, len(spoken), 1.03), np.arange(len(spoken)), spoken)
    with pytest.raises(LivenessRejectedError, match="synthesized by voicelet"):
        check_origin([("it", faster.astype(np.float32))])


def test_the_likelihood_tells_voicelet_from_a_person_without_the_mark(spoken: np.ndarray) -> None:
    person = origin_of(joined(*range(9)))
    assert person.synthetic_log_odds is not None and person.synthetic_log_odds < 0.0
    assert origin_of(spoken).synthetic_log_odds is not None
    assert origin_of(spoken).synthetic_log_odds > person.synthetic_log_odds + 3.0


def test_no_answer_where_there_is_nothing_to_judge() -> None:
    assert synthetic_log_odds(np.zeros(48000, np.float32)) is None
    assert synthetic_log_odds(np.ones(8000, np.float32)) is None
    speech = load_recording(READER[1], 16000, 60.0).samples
    spectrum = np.fft.rfft(speech)
    spectrum[np.fft.rfftfreq(len(speech), 1 / 16000) > 3400] = 0.0
    dull = np.fft.irfft(spectrum, len(speech)).astype(np.float32)
    assert synthetic_log_odds(dull) is None
    reason = spoken_refusal(origin_of(resample(dull, 16000, 24000)))
    assert reason is not None and "another microphone" in reason  # not a way round the detector
    assert spectral_statistics(speech).shape == (STATISTICS,)


def test_a_spoken_consent_that_sounds_synthetic_is_refused(spoken: np.ndarray) -> None:
    """Whatever became of the mark; at enrolment it stays a warning."""
    heard = RecordingOrigin(None, origin_of(spoken, scales=False).synthetic_log_odds)
    reason = spoken_refusal(heard)
    assert reason is not None and "sounds synthesized" in reason and "into a microphone" in reason
    assert refusal(heard) is None and hint(heard) is not None


def test_a_person_isnt_refused() -> None:
    for numbers in ((0, 1, 2), (3, 4, 5), (6, 7, 8)):
        assert spoken_refusal(origin_of(joined(*numbers))) is None


def test_silence_around_speech_dilutes_nothing(spoken: np.ndarray) -> None:
    speech = resample(spoken, 24000, 16000)
    rng = np.random.default_rng(1)
    quiet = (rng.standard_normal(16000 * 20) * 0.002).astype(np.float32)
    alone, among = (synthetic_log_odds(w) for w in (speech, np.concatenate([quiet, speech, quiet])))
    assert alone is not None and among is not None and among > 0.5 * alone


def test_the_level_of_a_recording_doesnt_count() -> None:
    speech = load_recording(READER[1], 16000, 60.0).samples
    loud, soft = (synthetic_log_odds(speech * np.float32(g)) for g in (1.0, 0.1))
    assert loud is not None and soft == pytest.approx(loud, abs=0.1)


def test_damaged_weights_are_named() -> None:
    whole = encode_weights(synthetic_weights())
    assert len(whole) < 100_000
    again = decode_weights(whole)
    np.testing.assert_array_equal(again.inner, synthetic_weights().inner)
    for wrong in (whole[:200], b"", whole[:-30]):
        with pytest.raises(EngineError):
            decode_weights(wrong)


def test_profiles_of_another_encoder_and_silence_are_refused() -> None:
    with pytest.raises(ProfileError, match="another speaker encoder"):
        verify_recording(READER[1], agreed(draft(encoder_id="another")))
    with pytest.raises(AudioError, match="0.0 s of speech"):
        verify_recording((np.zeros(48000, np.float32), 24000))


def test_the_command_gives_three_answers(capsys: pytest.CaptureFixture[str]) -> None:
    profile = voicelet.enrol([str(f) for f in READER[:5]], consent=scripted(), name="ana")
    Vault().save(profile)
    assert main(["verify", str(READER[7]), "--profile", "ana", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same_speaker"] is True and found["made_by_voicelet"] is False
    assert main(["verify", str(READER[7])]) == 0
    shown = capsys.readouterr().out
    assert "made by voicelet" in shown and "likely synthetic" in shown


def test_a_list_made_and_loaded_on_the_command_line_guards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import soundfile

    soundfile.write(tmp_path / "reader.wav", joined(*range(6)), 24000)
    out = tmp_path / "list.json"
    recordings = [str(tmp_path / "reader.wav"), str(READER[0])]  # the second is too short
    assert main(["protected", "make", "family", *recordings, "-o", str(out)]) == 21
    assert f"{READER[0]}: it holds" in capsys.readouterr().err and not out.exists()
    assert main(["protected", "make", "family", recordings[0], "-o", str(out)]) == 0
    assert main(["protected", "load", str(out)]) == 0
    assert main(["protected", "list", "--json"]) == 0
    assert '"voices": 1' in capsys.readouterr().out
    files = [str(f) for f in READER[:5]]
    with pytest.raises(voicelet.errors.VoiceProtectedError, match="'family'"):
        voicelet.enrol(files, consent=scripted(), name="ana")
    assert main(["protected", "remove", "family"]) == 0
    voicelet.enrol(files, consent=scripted(), name="ana")
