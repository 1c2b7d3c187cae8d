"""One set of options for every way to speech."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voicelet
from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError, ConsentError
from voicelet.synth import SpeechOptions, Voice, join
from voicelet.synth.languages import choose_language
from voicelet.synth.options import controls_of, speech_options
from voicelet.trust.labels import read_label


def test_keywords_and_options_are_one(voice: Voice) -> None:
    options = SpeechOptions(speed=1.3, energy=0.7, style="calm", seed=4)
    settings = {"speed": 1.3, "energy": 0.7, "style": "calm", "seed": 4}
    by_options = voice.synthesize("Hello world.", options=options)
    by_keywords = voice.synthesize("Hello world.", **settings)  # type: ignore[arg-type]
    np.testing.assert_array_equal(by_options.samples, by_keywords.samples)
    streamed = join(voice.stream("Hello world.", options=options), voice.sample_rate_hz)
    np.testing.assert_allclose(streamed.samples, by_options.samples, atol=1e-3)
    phones = voice.synthesize_phones("həlˈO", options=options)
    other = voice.synthesize_phones("həlˈO", **settings)  # type: ignore[arg-type]
    np.testing.assert_array_equal(phones.samples, other.samples)


def test_a_keyword_overrides_the_options(voice: Voice) -> None:
    slow = SpeechOptions(speed=0.5, seed=9)
    plain = voice.synthesize("Hello world.", seed=9)
    overridden = voice.synthesize("Hello world.", options=slow, speed=1.0)
    np.testing.assert_array_equal(overridden.samples, plain.samples)
    assert voice.synthesize("Hello world.", options=slow).seconds > 1.5 * plain.seconds
    assert slow.speed == 0.5  # they are frozen
    with pytest.raises(dataclasses.FrozenInstanceError):
        slow.speed = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("way", ["stream", "synthesize", "synthesize_phones", "explain"])
def test_unknown_options_are_refused_at_once(voice: Voice, way: str) -> None:
    call: Any = getattr(voice, way, None)
    with pytest.raises(ConfigError, match=r"no option 'sped' \(did you mean 'speed'\?\)"):
        if call is None:
            voicelet.explain(voice, "həlˈO", sped=1.2)  # type: ignore[call-arg]
        else:
            call("həlˈO", sped=1.2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"speed": 9.0}, "speed must lie between"),
        ({"speed": True}, "speed must be a number"),
        ({"pitch_semitones": float("nan")}, "pitch_semitones"),
        ({"energy": "loud"}, "energy must be a number"),
        ({"seed": -1}, "seed must lie between"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"style": "livley"}, "did you mean 'lively'"),
        ({"language": "en_US"}, "BCP 47"),
        ({"language": ""}, "BCP 47"),
        ({"language": 3}, "BCP 47"),
        ({"ssml": "yes"}, "ssml must be"),
        ({"ssml": 1}, "ssml must be"),
        ({"label": "us_ca"}, "did you mean 'us-ca'"),
    ],
)
def test_impossible_values_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SpeechOptions(**settings)
    with pytest.raises(ConfigError, match=message):
        speech_options(None, settings)


def test_a_purpose_that_there_is_not() -> None:
    with pytest.raises(ConsentError, match="did you mean 'assistive'"):
        SpeechOptions(purpose="asistive")


def test_options_must_be_options(voice: Voice) -> None:
    with pytest.raises(ConfigError, match="options must be SpeechOptions, not dict"):
        voice.synthesize("Hello.", options={"speed": 1.2})  # type: ignore[arg-type]


def test_options_go_into_files_and_come_back() -> None:
    options = SpeechOptions(speed=1.5, style="whisper", ssml=False, language="en-GB", label="eu")
    assert from_mapping(SpeechOptions, to_mapping(options)) == options
    assert from_mapping(SpeechOptions, {"speed": 2}) == SpeechOptions(speed=2.0)
    with pytest.raises(ConfigError, match="did you mean 'seed'"):
        from_mapping(SpeechOptions, {"sead": 1})


def test_a_style_shapes_the_controls() -> None:
    controls = controls_of(SpeechOptions(style="calm", speed=2.0, pitch_semitones=3.0))
    assert (controls.speed, controls.pitch_semitones) == pytest.approx((1.84, 2.5))


# ---------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("asked", "offered", "chosen"),
    [
        (None, ("en-US", "de"), "en-US"),
        ("en", ("en",), "en"),
        ("en-US", ("en",), "en"),
        ("EN-us", ("de", "en-US"), "en-US"),
        ("en", ("de", "en-GB", "en-US"), "en-GB"),
        ("en-US", ("en-GB", "en"), "en"),
        ("pt-BR-x-home", ("pt-BR", "pt"), "pt-BR"),
        ("en-GB", ("it", "en-US", "en-AU"), "en-US"),
    ],
)
def test_the_nearest_language_is_taken(
    asked: str | None, offered: tuple[str, ...], chosen: str
) -> None:
    assert choose_language(asked, offered) == chosen


@pytest.mark.parametrize("asked", ["de", "de-AT", "e", "english"])
def test_a_language_that_is_missing_is_named(asked: str) -> None:
    with pytest.raises(ConfigError, match="BCP 47" if asked == "e" else "it speaks en-US, it"):
        choose_language(asked, ("en-US", "it"))


def test_a_voice_says_which_languages_it_has(voice: Voice) -> None:
    own = voice.info.languages[0]
    plain = voice.synthesize("Hello.")
    named = voice.synthesize("Hello.", language=own)
    np.testing.assert_array_equal(named.samples, plain.samples)
    for call in (voice.stream, voice.synthesize, voice.synthesize_phones):
        with pytest.raises(ConfigError, match=f"doesn't speak 'fi'; it speaks {own}"):
            call("həlˈO", language="fi")
    with pytest.raises(ConfigError, match="doesn't speak 'fi'"):
        voicelet.explain(voice, "Hello.", language="fi")


# ---------------------------------------------------------------- labels


def test_a_label_goes_with_the_speech_into_its_file(voice: Voice, tmp_path: Path) -> None:
    audio = voice.synthesize("Hello world.", label="us-ca")
    assert audio.label == "us-ca" and voice.synthesize("Hello.").label is None
    audio.save(tmp_path / "a.flac")
    said = read_label(tmp_path / "a.flac")
    assert said is not None and said["label"] == "California SB 942 latent disclosure"
    audio.save(tmp_path / "a.flac", label=voicelet.Label("none"))
    assert read_label(tmp_path / "a.flac") is None


def test_the_environment_labels_what_says_nothing(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICELET_LABEL", "eu")
    voice.synthesize("Hello.").save(tmp_path / "a.flac")
    said = read_label(tmp_path / "a.flac")
    assert said is not None and said["label"] == "EU AI Act Art. 50(2)"
