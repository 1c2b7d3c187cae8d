"""The gate, with the real speaker encoder, on real recordings and on what people do to them."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.consenting import scripted
from voicelet.audio.io import read_audio
from voicelet.audio.quality import bandwidth_hz
from voicelet.audio.resample import resample
from voicelet.audio.source import load_recording
from voicelet.bundle import Bundle, GraphSpec, open_bundle
from voicelet.engine import get_engine
from voicelet.enrolment.enrolment import assess, enrol, make_profile, phonetic_coverage
from voicelet.enrolment.gate import GateConfig, check_recordings
from voicelet.errors import (
    AudioError,
    ConfigError,
    ConsentError,
    ProfileError,
    RecordingRejectedError,
)
from voicelet.speaker.consistency import speaker_consistency
from voicelet.speaker.encoder import RunnableGraph, d_vector, embed_windows
from voicelet.text.phones import CONSONANTS, ENGLISH_SYMBOLS, VOWELS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "audio" / "data"
ENCODER = ROOT / "sdk" / "voicelet" / "voices" / "default" / "speaker_encoder.onnx"
RATE = 16000


@pytest.fixture(scope="module")
def encoder() -> RunnableGraph:
    return get_engine().open(ENCODER)


@pytest.fixture(scope="module")
def ana() -> np.ndarray:
    return read_audio(DATA / "reader_6437.opus", sample_rate_hz=RATE).samples


@pytest.fixture(scope="module")
def bob() -> np.ndarray:
    return read_audio(DATA / "reader_1970.opus", sample_rate_hz=RATE).samples


def reasons(wave: np.ndarray, encoder: RunnableGraph, **changes: float) -> str:
    gated = assess([(wave, RATE)], encoder, config=GateConfig(**changes))
    return "; ".join(gated.report.reasons)


def test_a_good_recording_is_measured(encoder: RunnableGraph) -> None:
    seen: list[float] = []
    gated = assess([DATA / "reader_6437.opus"], encoder, progress=seen.append)
    report = gated.report
    assert report.accepted
    assert report.total_s == pytest.approx(12.84, abs=0.1)
    assert 9.0 < report.speech_s <= report.total_s
    assert len(gated.speech_24k) == pytest.approx(24000 * report.speech_s, rel=0.001)
    assert len(gated.speech_16k) == pytest.approx(16000 * report.speech_s, rel=0.001)
    assert report.snr_db > 15
    assert report.clipped_fraction == 0.0
    assert report.pitch is not None
    assert 60 < report.pitch.low_hz < report.pitch.median_hz < report.pitch.high_hz < 500
    assert 7000 < report.bandwidth_hz < 8600
    assert any("30 to 60 s" in w for w in report.warnings)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_two_files_add_up_and_order_does_not_matter(
    encoder: RunnableGraph, ana: np.ndarray
) -> None:
    half = len(ana) // 2
    both = assess([(ana[:half], RATE), (ana[half:], RATE)], encoder)
    swapped = assess([(ana[half:], RATE), (ana[:half], RATE)], encoder)
    assert both.report.speech_s == pytest.approx(swapped.report.speech_s)
    first, second = (make_profile(gated, "a", scripted(), encoder) for gated in (both, swapped))
    assert float(first.d_vector @ second.d_vector) > 0.98


def test_too_little_speech(encoder: RunnableGraph, ana: np.ndarray) -> None:
    assert "at least 3 s are needed" in reasons(ana[: 2 * RATE], encoder)
    padded = np.concatenate([np.zeros(20 * RATE), ana[: 2 * RATE], np.zeros(20 * RATE)])
    assert "at least 3 s are needed" in reasons(padded, encoder)


def test_silence_and_no_speech(encoder: RunnableGraph) -> None:
    rng = np.random.default_rng(0)
    assert "silent" in reasons(np.zeros(10 * RATE), encoder)
    assert "silent" in reasons(1e-4 * rng.standard_normal(10 * RATE), encoder)
    assert "nobody speaks" in reasons(0.05 * rng.standard_normal(10 * RATE), encoder)


def test_clipping(encoder: RunnableGraph, ana: np.ndarray) -> None:
    loud = np.clip(ana / np.abs(ana).max() * 6.0, -1.0, 1.0)
    assert "clipped" in reasons(loud, encoder)
    assert "clipped" in reasons(0.3 * loud, encoder)  # turned down afterwards
    coded = io.BytesIO()
    soundfile.write(coded, loud, RATE, format="MP3")
    assert any("clipped" in r for r in assess([coded], encoder).report.reasons)


def test_noise(encoder: RunnableGraph, ana: np.ndarray) -> None:
    noise = np.random.default_rng(3).standard_normal(len(ana)) * ana.std()
    assert "too noisy" in reasons(ana + noise * 10 ** (-3 / 20), encoder)
    assert "noisy" not in reasons(ana + noise * 10 ** (-20 / 20), encoder)


@pytest.mark.parametrize("snr_db", [5, 10, 15])
def test_the_measured_snr_is_the_true_one(ana: np.ndarray, snr_db: int) -> None:
    frames = ana[: len(ana) // 320 * 320].reshape(-1, 320)
    power = np.mean(frames**2, axis=1)
    speech = power[power > 1e-3 * np.percentile(power, 95)].mean()
    noise = np.random.default_rng(4).standard_normal(len(ana))
    noisy = ana + noise * np.sqrt(speech * 10 ** (-snr_db / 10))
    assert check_recordings([(noisy, RATE)]).report.snr_db == pytest.approx(snr_db, abs=2.0)


def test_two_people(encoder: RunnableGraph, ana: np.ndarray, bob: np.ndarray) -> None:
    for wave in (
        np.concatenate([ana, bob]),
        np.concatenate([ana[: 6 * RATE], bob[: 6 * RATE]]),
        np.concatenate([ana[: 5 * RATE], bob, ana[5 * RATE :]]),
    ):
        assert "more than one person" in reasons(wave, encoder)
    for wave in (ana, bob):
        assert "more than one person" not in reasons(wave, encoder)


def test_only_the_first_speech_counts(encoder: RunnableGraph, ana: np.ndarray) -> None:
    gated = assess([(ana, RATE), (ana, RATE)], encoder, config=GateConfig(max_speech_s=8.0))
    assert gated.report.speech_s == pytest.approx(8.0, abs=0.01)
    assert any("first 8 s" in w for w in gated.report.warnings)
    assert gated.report.accepted


def test_every_broken_file_is_named(tmp_path: Path, encoder: RunnableGraph) -> None:
    (tmp_path / "notes.wav").write_bytes(b"shopping list" * 50)
    (tmp_path / "nothing.wav").write_bytes(b"")
    files = [tmp_path / "notes.wav", DATA / "reader_6437.opus", tmp_path / "nothing.wav"]
    with pytest.raises(RecordingRejectedError) as caught:
        assess(files, encoder)
    assert len(caught.value.reasons) == 2
    assert "notes.wav" in caught.value.reasons[0]
    assert "nothing.wav" in caught.value.reasons[1]


def test_what_is_no_list_of_recordings(encoder: RunnableGraph) -> None:
    with pytest.raises(AudioError, match="list"):
        assess("a.wav", encoder)  # type: ignore[arg-type]
    with pytest.raises(RecordingRejectedError, match="no recording"):
        assess([], encoder)
    for bad in [(np.zeros((2, 2, 2)), RATE), (["a"], RATE), ([], RATE), ([1.0], 1.5), ([0.1], 1)]:
        with pytest.raises(RecordingRejectedError):
            assess([bad], encoder)  # type: ignore[list-item]


def test_arrays_of_integers_and_channels_are_the_same_sound(ana: np.ndarray) -> None:
    want = load_recording((ana, RATE), 24000, 60.0).samples
    stereo = np.stack([np.zeros_like(ana), ana], axis=1)
    forms = [
        (ana * 32767).astype(np.int16),
        (ana * 2147483000.0).astype(np.int32),
        stereo,
        (128 + ana * 127).astype(np.uint8),
    ]
    for form, tolerance in zip(forms, (1e-3, 1e-3, 1e-6, 2e-2), strict=True):
        got = load_recording((form, RATE), 24000, 60.0).samples
        np.testing.assert_allclose(got, want, atol=tolerance)


def test_bandwidth(ana: np.ndarray) -> None:
    assert bandwidth_hz(resample(ana, RATE, 24000), 24000) == pytest.approx(7900, abs=500)
    telephone = resample(resample(ana, RATE, 8000), 8000, 24000)
    assert bandwidth_hz(telephone, 24000) == pytest.approx(3900, abs=250)
    report = check_recordings([(resample(ana, RATE, 8000), 8000)]).report
    assert any("telephone" in w for w in report.warnings)


def test_consistency_of_made_up_embeddings() -> None:
    rng = np.random.default_rng(0)

    def cloud(centre: int, count: int) -> np.ndarray:
        points = 0.03 * rng.standard_normal((count, 256))
        points[:, centre] += 1.0
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    one, two = cloud(0, 40), cloud(1, 40)
    assert speaker_consistency(one).cosine > 0.95
    mixed = speaker_consistency(np.concatenate([one, two[:12]]))
    assert mixed.cosine < 0.2
    assert mixed.minor_share == pytest.approx(12 / 52, abs=0.05)
    assert speaker_consistency(np.concatenate([one, two[:2]])).cosine > 0.9  # an odd moment
    assert speaker_consistency(one[:3]).cosine == 1.0


def test_d_vectors_know_people(encoder: RunnableGraph, ana: np.ndarray, bob: np.ndarray) -> None:
    half = len(ana) // 2
    first, second = d_vector(encoder, ana[:half]), d_vector(encoder, ana[half:])
    assert first.shape == (256,)
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)
    assert float(first @ second) > 0.8
    assert float(first @ d_vector(encoder, bob)) < 0.7
    quiet = d_vector(encoder, 0.05 * ana[:half])
    assert float(first @ quiet) > 0.999  # whatever the level
    assert embed_windows(encoder, ana).shape[0] == pytest.approx(len(ana) / RATE / 0.77, abs=2)


def test_no_speech_has_no_d_vector(encoder: RunnableGraph) -> None:
    for wave in (np.zeros(0), np.zeros(RATE), np.ones(100)):
        with pytest.raises(AudioError):
            embed_windows(encoder, wave)


def test_make_profile(encoder: RunnableGraph, ana: np.ndarray) -> None:
    gated = assess([(ana, RATE)], encoder)
    made = make_profile(gated, "Ana", scripted(), encoder)
    assert made.report == gated.report
    assert made.speech_s == gated.report.speech_s
    assert made.quality.snr_db == gated.report.snr_db
    assert np.log(60) < made.statistics.log_f0_mean < np.log(400)
    refused = dataclasses.replace(gated.report, reasons=("too short",))
    with pytest.raises(RecordingRejectedError, match="too short"):
        worse = dataclasses.replace(gated, report=refused)
        make_profile(worse, "Ana", scripted(), encoder)
    with pytest.raises(ConfigError):
        make_profile(check_recordings([(ana, RATE)]), "Ana", scripted(), encoder)


class OneGraph(Bundle):
    """A bundle that holds nothing but the speaker encoder."""

    def __init__(self) -> None:
        object.__setattr__(self, "root", ENCODER.parent)
        self.__dict__["_trusted_by"] = "package"

    def graph(self, role: str) -> GraphSpec:
        assert role == "speaker_encoder"
        return open_bundle(None).graph(role)

    @property
    def manifest(self) -> object:  # type: ignore[override]
        return type("Manifest", (), {"phones": ENGLISH_SYMBOLS})()


def test_enrol(tmp_path: Path) -> None:
    made = enrol(
        [DATA / "reader_1970.opus"], consent=scripted("Bob"), name="Bob", bundle=OneGraph()
    )
    assert made.name == "Bob"
    assert made.report is not None
    assert made.report.phonetic_coverage is None
    with pytest.raises(ProfileError):
        enrol([tmp_path / "absent.wav"], consent=scripted(), name="../x", bundle=OneGraph())
    for nothing in (None, object(), "yes"):
        with pytest.raises(ConsentError, match="Consent.scripted"):
            enrol([DATA / "reader_1970.opus"], consent=nothing)  # type: ignore[arg-type]
    import voicelet

    made = voicelet.enrol([DATA / "reader_1970.opus"], consent=scripted(), bundle=OneGraph())
    assert made.name == "unnamed"


def test_phonetic_coverage() -> None:
    assert phonetic_coverage(ENGLISH_SYMBOLS, ENGLISH_SYMBOLS) == 1.0
    assert phonetic_coverage("", ENGLISH_SYMBOLS) == 0.0
    assert phonetic_coverage("., ˈˌ", ENGLISH_SYMBOLS) == 0.0
    assert 0.4 < phonetic_coverage(CONSONANTS, ENGLISH_SYMBOLS) < 0.7
    assert phonetic_coverage("abc" + VOWELS, ENGLISH_SYMBOLS) < 1.0


class ReadOnce(io.BytesIO):
    """A pipe, as it were: what was read from it once is gone."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.readings = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.readings += size != 0  # a look at what kind of file it is takes nothing
        assert self.readings <= 1, "decoded twice"
        return super().read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise OSError("a pipe can't be read again")

    def seekable(self) -> bool:
        return False


def test_every_recording_is_decoded_once() -> None:
    pipes = [ReadOnce((ROOT / "samples" / f"reader-{n}.opus").read_bytes()) for n in (1, 2, 3, 4)]
    profile = enrol(pipes, consent=scripted(), name="ana")
    assert profile.report is not None and profile.report.recordings == 4
    assert [pipe.readings for pipe in pipes] == [1, 1, 1, 1]
