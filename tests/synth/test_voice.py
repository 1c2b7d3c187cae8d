"""The façade: what it gives, what it refuses, and that threads may share it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.consenting import someone
from tests.synth.voices import speaker_vectors, tiny_voice
from voicelet.errors import (
    BundleError,
    BundleTamperedError,
    BundleUnsignedError,
    ConfigError,
    PhoneError,
    ProfileError,
    SsmlError,
    TextError,
)
from voicelet.synth import Voice, join
from voicelet.synth.presets import F0_INDEX
from voicelet.synth.stream import ENDING_S, GAIN_DB, to_output_level

TEXT = "Hello world. The long story, again!"


class Someone:
    """Stands for a profile."""

    def __init__(self, vector: Any) -> None:
        self.vector = vector

    def speaker_vector(self, mel_mean: npt.ArrayLike, mel_std: npt.ArrayLike) -> Any:
        assert np.shape(mel_mean) == np.shape(mel_std) == (80,)
        return self.vector


def test_speaker_vectors_have_one_layout() -> None:
    from voicelet.speaker.vector import D_VECTOR_SIZE

    assert F0_INDEX == D_VECTOR_SIZE


def test_speaks_text_with_timings(voice: Voice) -> None:
    audio = voice.synthesize(TEXT)
    assert audio.samples.dtype == np.float32 and audio.sample_rate_hz == 24000
    assert audio.seconds == len(audio.samples) / 24000 > 0.5
    assert 0.02 < np.abs(audio.samples).max() <= 1.0
    said = [w.text.lower() for w in audio.words]
    assert said == ["hello", "world", "the", "long", "story", "again"]
    assert [TEXT[slice(*w.span)].lower() for w in audio.words] == said
    assert all(0 <= w.start_s < w.end_s <= audio.seconds for w in audio.words)


def test_stream_is_the_same_audio(voice: Voice) -> None:
    whole = voice.synthesize(TEXT, seed=3)
    streamed = join(voice.stream(TEXT, seed=3), voice.sample_rate_hz)
    np.testing.assert_allclose(streamed.samples, whole.samples, atol=1e-3)
    assert streamed.words == whole.words


@pytest.mark.parametrize("text", ["", "   ", "?!...", "\0\0", "🙂🙂"])
def test_any_text_is_spoken_or_silent(voice: Voice, text: str) -> None:
    assert np.isfinite(voice.synthesize(text).samples).all()


def test_presets_and_profiles(voice: Voice) -> None:
    assert voice.presets == ("low", "high")
    low, high = (voice.synthesize("hello", preset=p).samples for p in voice.presets)
    np.testing.assert_array_equal(voice.synthesize("hello").samples, low)
    assert np.abs(low - high).max() > 1e-2
    profile = someone(f0_hz=210.0)
    statistics = voice.bundle.manifest.statistics
    vector = profile.speaker_vector(statistics.mel_mean, statistics.mel_std)
    np.testing.assert_allclose(vector, speaker_vectors()[1], atol=1e-6)
    np.testing.assert_allclose(voice.synthesize("hello", profile=profile).samples, high, atol=1e-5)


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(10, np.float32),
        np.zeros(328, np.float32),
        np.full(328, np.nan, np.float32),
        np.full(328, 100.0, np.float32),
    ],
)
def test_wrong_profiles_are_refused(voice: Voice, vector: Any) -> None:
    with pytest.raises(ProfileError, match="enrol"):
        voice._synthesizer.speakers.vector(Someone(vector), None)
    with pytest.raises(ProfileError, match="enrol"):
        voice.synthesize("hello", profile=someone(bands=69))


def test_things_that_are_no_profile(voice: Voice) -> None:
    with pytest.raises(ProfileError, match="str"):
        voice.synthesize("hello", profile="ana")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="did you mean 'high'"):
        voice.synthesize("hello", preset="hihg")
    with pytest.raises(ConfigError, match="not both"):
        voice.synthesize("hello", preset="high", profile=someone())


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.0},
        {"speed": 5.1},
        {"speed": float("nan")},
        {"speed": "fast"},
        {"pitch_semitones": 25.0},
        {"pitch_semitones": float("-inf")},
        {"energy": 0.0},
        {"energy": True},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": 2**63},
    ],
)
def test_wrong_controls_are_refused_at_once(voice: Voice, wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    with pytest.raises(ConfigError, match=name):
        voice.stream("hello", **wrong)


def test_wrong_text(voice: Voice) -> None:
    with pytest.raises(TextError):
        voice.synthesize(b"hello")  # type: ignore[arg-type]
    with pytest.raises(SsmlError):
        voice.synthesize("<speak>hello", ssml=True)
    with pytest.raises(PhoneError, match="Q"):
        voice.synthesize_phones("Q")


def test_phones_go_past_the_front_end(voice: Voice) -> None:
    said = voice.synthesize_phones("həlˈO.")
    assert said.words == () and said.seconds > 0.2
    np.testing.assert_array_equal(voice.synthesize("hello.").samples[:4800], said.samples[:4800])


def test_speed_and_energy(voice: Voice) -> None:
    normal, fast = voice.synthesize(TEXT), voice.synthesize(TEXT, speed=2.0)
    assert 0.45 < fast.seconds / normal.seconds < 0.75  # the pauses between clauses stay
    soft = voice.synthesize(TEXT, energy=0.5)
    change_db = 20.0 * np.log10(soft.samples.std() / normal.samples.std())
    assert len(soft.samples) == len(normal.samples) and -9.0 < change_db < -4.5


def test_loud_voices_are_bent_not_clipped() -> None:
    loud = to_output_level(np.linspace(-9.0, 9.0, 10001, dtype=np.float32), 4.0)
    assert np.abs(loud).max() <= 1.0 and (np.diff(loud) >= 0.0).all()
    quiet = np.linspace(-0.4, 0.4, 101, dtype=np.float32)
    np.testing.assert_allclose(to_output_level(quiet), quiet * 10 ** (GAIN_DB / 20), rtol=1e-6)


def test_ssml_is_followed(voice: Voice) -> None:
    plain = voice.synthesize("hello")
    paused = voice.synthesize('<speak>hello<break time="700ms"/><mark name="m"/></speak>')
    assert paused.seconds == pytest.approx(plain.seconds - ENDING_S + 0.7, abs=0.11)
    assert [m.name for m in paused.marks] == ["m"]


def test_threads_share_a_voice(voice: Voice) -> None:
    jobs = [("hello world", 1), ("the long story", 2), ("again", 3)] * 4
    alone = [voice.synthesize(t, seed=s).samples for t, s in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: voice.synthesize(job[0], seed=job[1]).samples, jobs))
    for a, b in zip(alone, together):
        np.testing.assert_array_equal(a, b)


def test_two_streams_take_turns(voice: Voice) -> None:
    a, b = voice.stream(TEXT, seed=1), voice.stream(TEXT, seed=2)
    mixed_a, mixed_b = [], []
    for one, two in zip(a, b):
        mixed_a.append(one.samples)
        mixed_b.append(two.samples)
    np.testing.assert_array_equal(
        np.concatenate(mixed_a), join(voice.stream(TEXT, seed=1), 24000).samples
    )
    np.testing.assert_array_equal(
        np.concatenate(mixed_b), join(voice.stream(TEXT, seed=2), 24000).samples
    )


def test_user_lexicon_goes_first(tmp_path: Path, voice: Voice) -> None:
    bundle = voice.bundle.root
    taught = Voice.load(bundle, user_lexicon={"hello": "[[wˈɜɹld]]"})
    np.testing.assert_array_equal(
        taught.synthesize("hello").samples, voice.synthesize("world").samples
    )


def test_info_says_what_it_is(voice: Voice) -> None:
    info = voice.info
    assert info.name == "tiny" and info.presets == ("low", "high")
    assert info.total_bytes == sum(
        f.stat().st_size for f in info.root.iterdir() if not f.name.startswith("manifest")
    )
    assert info.trusted_by == "key" and info.signed_by == voice.bundle.signed_by
    assert set(info.precision) == set(voice.bundle.manifest.graphs)


def test_loading_refuses(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        Voice.load(tmp_path / "nowhere")
    folder = tiny_voice(tmp_path / "bundle")
    unsigned = tiny_voice(tmp_path / "unsigned", signing_key=None)
    with pytest.raises(BundleUnsignedError):
        Voice.load(unsigned, require_signature=True, trust_bundle=True)
    for threads in (0, 1000, "2", True):
        with pytest.raises(ConfigError, match="threads"):
            Voice.load(folder, threads=threads)  # type: ignore[arg-type]
    graphs = tiny_voice(tmp_path / "other")
    (graphs / "vocoder.onnx").write_bytes(b"")
    with pytest.raises(BundleError):
        Voice.load(graphs)


def test_damaged_presets_are_refused(tmp_path: Path) -> None:
    from voicelet.bundle import Preset

    with pytest.raises(BundleError, match="presets"):
        Voice.load(tiny_voice(tmp_path / "b", presets=(Preset("third", 7),)))


def test_a_package_may_name_the_keys_it_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    import voicelet.bundle.trust as module

    ours, theirs = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    monkeypatch.setattr(module, "embedded_bundle", lambda: tmp_path / "voices" / "default")
    (tmp_path / "voices").mkdir()
    keys = tmp_path / "voices" / "trusted_keys.txt"
    keys.write_text(ours.public_key().public_bytes_raw().hex() + "\n")
    good = tiny_voice(tmp_path / "good", signing_key=ours)
    other = tiny_voice(tmp_path / "other", signing_key=theirs)
    assert Voice.load(good, require_signature=True).info.signed_by == keys.read_text().strip()
    assert Voice.load(good).info.trusted_by == "package"
    assert Voice.load(other, trust_bundle=True).info.signed_by is not None
    with pytest.raises(BundleUnsignedError, match="--trust-key"):
        Voice.load(other)
    with pytest.raises(BundleTamperedError, match="trusted"):
        Voice.load(other, require_signature=True)


def test_kinds_of_voice_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"'voiceled' \(did you mean 'voicelet'\?\).*piper-vits"):
        Voice.load(tiny_voice(tmp_path / "odd", architecture="voiceled"))


def test_a_strangers_mel_is_corrected_half_the_way(voice: Voice) -> None:
    """Presets get all of the vocoder's correction, anybody else half (`correction.py`)."""
    low, high = (voice._synthesizer.speakers.vector(None, name) for name in voice.presets)
    assert voice._synthesizer.speakers.is_preset(low)
    assert not voice._synthesizer.speakers.is_preset((low + high) / 2)
    bands = voice._synthesizer.vocoder.bands
    assert bands is not None
    rng = np.random.default_rng(0)
    spectra = np.exp(rng.normal(-1.0, 0.3, (4, bands.of_bins.shape[0]))).astype(np.float32)
    target = np.zeros((4, 80), np.float32)
    whole, half = bands.gains(spectra, target), bands.gains(spectra, target, 0.5)
    np.testing.assert_allclose(half, np.sqrt(whole), rtol=1e-5)
    assert whole.min() > 1.5
