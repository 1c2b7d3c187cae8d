"""An offset, hum or rumble in a recording doesn't become part of anybody's voice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.consenting import scripted
from voicelet.audio.io import read_audio
from voicelet.audio.resample import resample
from voicelet.audio.source import load_recording
from voicelet.engine import get_engine
from voicelet.enrolment.enrolment import assess, make_profile
from voicelet.enrolment.gate import check_recordings
from voicelet.profiles.profile import Profile
from voicelet.profiles.verification import verify_recording
from voicelet.speaker.encoder import RunnableGraph, d_vector
from voicelet.speaker.origin import speech_16k

ROOT = Path(__file__).resolve().parents[2]
ENCODER = ROOT / "sdk" / "voicelet" / "voices" / "default" / "speaker_encoder.onnx"
RATE = 16000
Spoil = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def encoder() -> RunnableGraph:
    return get_engine().open(ENCODER)


@pytest.fixture(scope="module")
def ana() -> np.ndarray:
    """A recording with nothing below the voice."""
    files = [ROOT / "samples" / f"reader-{n}.opus" for n in range(1, 6)]
    return np.concatenate([read_audio(file, sample_rate_hz=RATE).samples for file in files])


@pytest.fixture(scope="module")
def profile(encoder: RunnableGraph, ana: np.ndarray) -> Profile:
    return make_profile(assess([(ana, RATE)], encoder), "ana", scripted(), encoder)


def below(ana: np.ndarray, noise: np.ndarray, ratio_db: float) -> np.ndarray:
    """`noise` at `ratio_db` against the voice."""
    gain = np.std(ana) / np.std(noise) * 10.0 ** (ratio_db / 20.0)
    return (gain * noise).astype(np.float32)


def hum(mains_hz: float, ratio_db: float, harmonics: tuple[int, ...] = (1, 2, 3, 5)) -> Spoil:
    def spoil(ana: np.ndarray) -> np.ndarray:
        time_s = np.arange(len(ana)) / RATE
        tones = sum(np.sin(2.0 * np.pi * k * mains_hz * time_s + k) / k for k in harmonics)
        return ana + below(ana, np.asarray(tones), ratio_db)

    return spoil


def rumble(ratio_db: float) -> Spoil:
    def spoil(ana: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(len(ana)))
        spectrum[np.fft.rfftfreq(len(ana), 1.0 / RATE) > 45.0] = 0.0
        return ana + below(ana, np.fft.irfft(spectrum, len(ana)), ratio_db)

    return spoil


def drift(ana: np.ndarray) -> np.ndarray:
    return ana + (0.1 * np.linspace(-1.0, 1.0, len(ana)) ** 3).astype(np.float32)


def channels_apart(ana: np.ndarray) -> np.ndarray:
    return np.stack([0.2 * ana - 0.2, ana + 0.05], axis=1).astype(np.float32)


SPOILT: dict[str, tuple[Spoil, float]] = {
    "offset": (lambda ana: ana + np.float32(0.05), 0.9995),
    "large offset": (lambda ana: ana - np.float32(0.3), 0.9995),
    "drifting offset": (drift, 0.9995),
    "an offset for each channel": (channels_apart, 0.9995),
    "50 Hz at -20 dB": (hum(50.0, -20.0, (1,)), 0.998),
    "60 Hz at -20 dB": (hum(60.0, -20.0, (1,)), 0.998),
    "hum at -30 dB": (hum(50.0, -30.0), 0.99),
    "hum at -20 dB": (hum(60.0, -20.0), 0.985),
    "rumble at -20 dB": (rumble(-20.0), 0.9995),
    "rumble at -6 dB": (rumble(-6.0), 0.995),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_fault_does_not_change_the_voice(
    encoder: RunnableGraph, ana: np.ndarray, profile: Profile, name: str
) -> None:
    spoil, least = SPOILT[name]
    gated = assess([(spoil(ana), RATE)], encoder)
    assert gated.report.accepted, gated.report.reasons
    spoilt = make_profile(gated, "ana", scripted(), encoder)
    assert float(spoilt.d_vector @ profile.d_vector) > least
    drift_of_mean = spoilt.statistics.log_f0_mean - profile.statistics.log_f0_mean
    assert abs(drift_of_mean) < 0.01


def test_a_clean_recording_stays_the_voice_that_it_was(
    encoder: RunnableGraph, ana: np.ndarray, profile: Profile
) -> None:
    """Against the vector of the samples as they are, as profiles were made without cleaning."""
    gated = assess([(ana, RATE)], encoder)
    untouched = d_vector(encoder, speech_16k(resample(ana, RATE, 24000)))
    assert len(gated.speech_16k) > 7 * RATE
    assert float(profile.d_vector @ untouched) > 0.999


@pytest.mark.parametrize("name", ["offset", "50 Hz at -20 dB", "rumble at -6 dB"])
def test_verification_hears_through_a_fault(ana: np.ndarray, profile: Profile, name: str) -> None:
    plain = verify_recording((ana, RATE), profile)
    spoilt = verify_recording((SPOILT[name][0](ana), RATE), profile)
    assert plain.voice is not None
    assert spoilt.voice is not None
    assert spoilt.voice.cosine == pytest.approx(plain.voice.cosine, abs=0.01)
    assert spoilt.speech_s == pytest.approx(plain.speech_s, abs=0.3)


def test_the_gate_says_what_it_took_out(ana: np.ndarray) -> None:
    plain = check_recordings([(ana, RATE)]).report
    assert plain.hum_hz is plain.hum_db is None
    assert not any("hum" in w or "rumble" in w or "clicks" in w for w in plain.warnings)

    hummed = check_recordings([(hum(60.0, -18.0)(ana) + 0.05, RATE)]).report
    assert hummed.hum_hz == 60
    assert hummed.hum_db == pytest.approx(-18.0, abs=5.0)  # to the level of active frames
    assert hummed.offset == pytest.approx(0.05, abs=0.002)
    assert any("mains hum" in w and "60 Hz" in w and "power" in w for w in hummed.warnings)

    faint = check_recordings([(hum(50.0, -33.0, (1,))(ana), RATE)]).report
    assert faint.hum_hz == 50
    assert not any("hum" in w for w in faint.warnings)

    rumbled = check_recordings([(rumble(-3.0)(ana), RATE)]).report
    assert any("rumble" in w for w in rumbled.warnings)

    clicked = ana.copy()
    clicked[:: RATE // 4] += 0.5
    report = check_recordings([(clicked, RATE)]).report
    assert report.clicks_per_s == pytest.approx(4.0, abs=1.0)
    assert any("it clicks (4 times a second)" in w for w in report.warnings)


def test_an_offset_hides_no_silence_and_makes_no_level(ana: np.ndarray) -> None:
    silent = np.full(10 * RATE, 0.2, dtype=np.float32)
    assert "silent" in check_recordings([(silent, RATE)]).report.reasons[0]
    plain, lifted = (check_recordings([(ana + x, RATE)]).report for x in (0.0, 0.2))
    assert lifted.level_dbfs == pytest.approx(plain.level_dbfs, abs=0.05)
    assert lifted.snr_db == pytest.approx(plain.snr_db, abs=0.5)


def test_whoever_was_clipped_on_an_offset_is_still_told(ana: np.ndarray) -> None:
    loud = np.clip(5.0 * ana / np.abs(ana).max() + 0.3, -1.0, 1.0)
    assert any("clipped" in r for r in check_recordings([(loud, RATE)]).report.reasons)


def test_what_is_loaded_starts_and_ends_without_a_click(ana: np.ndarray) -> None:
    loaded = load_recording((ana + np.float32(0.3), RATE), RATE, 60.0).samples
    plain = load_recording((ana, RATE), RATE, 60.0).samples
    assert float(np.abs(loaded - plain).max()) < 1e-4


def test_detectors_hear_a_recording_as_it_was_made(ana: np.ndarray) -> None:
    """Their weights come from recordings that nobody cleaned."""
    lifted = ana + np.float32(0.1)
    loaded = load_recording((lifted, RATE), RATE, 60.0)
    assert np.array_equal(loaded.as_recorded, lifted)
    heard: list[np.ndarray] = []
    check_recordings([(lifted, RATE)], listen=lambda name, wave: heard.append(wave))
    assert float(heard[0].mean()) == pytest.approx(0.1, abs=0.005)
