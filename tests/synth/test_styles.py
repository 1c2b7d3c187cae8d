"""Styles are heard in the packaged voice: in rate and pitch, and a whisper has no voice."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import log_mel
from voicelet.errors import ConfigError
from voicelet.synth import Voice
from voicelet.synth.styles import STYLES, styled, whispered

TEXT = "My brother wants to know whether you will come to dinner on Sunday."


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice.load()


@pytest.fixture(scope="module")
def said(voice: Voice) -> dict[str, np.ndarray]:
    return {style: voice.synthesize(TEXT, style=style).samples for style in STYLES}


def semitones(samples: np.ndarray) -> np.ndarray:
    f0 = estimate_f0(samples, 24000, 300)
    return 12.0 * np.log2(f0[f0 > 0.0])


def test_calm_speech_is_slower_and_flatter_and_lively_speech_the_contrary(
    said: dict[str, np.ndarray],
) -> None:
    length = {style: len(samples) for style, samples in said.items()}
    spread = {
        s: np.subtract(*np.percentile(semitones(said[s]), [90, 10]))
        for s in ("calm", "neutral", "lively")
    }
    assert length["lively"] < length["neutral"] < length["calm"]
    assert spread["calm"] < 0.85 * spread["neutral"]
    assert spread["lively"] > 1.15 * spread["neutral"]


def test_a_whisper_has_the_vowels_and_no_voice(said: dict[str, np.ndarray]) -> None:
    voiced = {s: np.mean(estimate_f0(said[s], 24000, 300) > 0.0) for s in said}
    assert voiced["neutral"] > 0.4 and voiced["whisper"] < 0.1
    spoken, breathed = log_mel(said["neutral"]), log_mel(said["whisper"])
    # The middle of the spectrum, where vowels differ, moves as it does in speech.
    middle = slice(25, 60)
    a = spoken[:, middle].mean(axis=1)
    grid = np.linspace(0, len(breathed) - 1, len(a)).round().astype(int)
    b = breathed[grid][:, middle].mean(axis=1)
    assert np.corrcoef(a, b)[0, 1] > 0.8


def test_a_whisper_only_adds_to_the_noise() -> None:
    rng = np.random.default_rng(0)
    harmonic, noise = rng.normal(-4, 2, (2, 5, 601)).astype(np.float32)
    out = whispered(harmonic, noise, 24000)
    assert (out >= noise).all()
    assert (out[:, 0] < harmonic[:, 0]).mean() > 0.2 and out.dtype == np.float32


def test_styles_multiply_what_the_caller_asks_and_typos_are_named(voice: Voice) -> None:
    controls = styled("calm", 2.0, 3.0, 0.5, 7)
    assert controls.speed == pytest.approx(1.84) and controls.pitch_semitones == 2.5
    assert controls.pitch_range == 0.7 and controls.seed == 7 and not controls.whisper
    with pytest.raises(ConfigError, match="did you mean 'lively'"):
        voice.synthesize("Hi.", style="livly")
