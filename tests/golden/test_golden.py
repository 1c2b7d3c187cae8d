"""The embedded voice against its golden vectors; tolerances are those for other runtimes too."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import voicelet

HERE = Path(__file__).resolve().parent

TOLERANCES = {
    "d_vector": 0.01,
    "log_mel": 2e-3,
    "log_f0": 5e-3,
    "ltas": 5e-3,
    "encoder_log_duration": 0.02,
    "encoder_pitch": 0.05,
    "encoder_energy": 0.05,
    "encoder_condition": 0.05,
    "decoder_mel": 0.08,
    "decoder_log_f0": 0.02,
    "decoder_voicing": 0.1,
    "vocoder_harmonic_log_magnitude": 0.15,
    "vocoder_noise_log_magnitude": 0.15,
}
"""Largest absolute difference.  int8 kernels of other processors round differently, hence the width
of the encoder's, decoder's and vocoder's; phases are compared as unit vectors, weighted."""

OTHER_BUNDLE = os.environ.get("VOICELET_GOLDEN_BUNDLE") or None
"""The same voice in another form, to be held against the embedded one's vectors: its folder."""
SLACK = 4.0 if OTHER_BUNDLE else 1.0
"""Two roundings of the same weights differ by what each differs from float32: measured for LiteRT's
int8, up to 3.1 times the tolerances, of which LiteRT's own part is the smaller."""


def _make_golden() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make_golden.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def voice() -> voicelet.Voice:
    return voicelet.Voice.load(OTHER_BUNDLE, trust_bundle=True)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(HERE / "vectors.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def measured(voice: voicelet.Voice) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = _make_golden().measure(voice)
    return found


@pytest.mark.parametrize("name", TOLERANCES)
def test_numbers_match(
    name: str, golden: dict[str, np.ndarray], measured: dict[str, np.ndarray]
) -> None:
    assert measured[name].shape == golden[name].shape
    assert np.max(np.abs(measured[name] - golden[name])) <= SLACK * TOLERANCES[name]


def test_phases_match(golden: dict[str, np.ndarray], measured: dict[str, np.ndarray]) -> None:
    weight = np.exp(golden["vocoder_harmonic_log_magnitude"])
    turn = golden["vocoder_harmonic_phase"] - measured["vocoder_harmonic_phase"]
    assert np.sum(weight * np.cos(turn)) / np.sum(weight) > 0.98


def test_the_waveform_matches_in_its_spectrum(
    golden: dict[str, np.ndarray], measured: dict[str, np.ndarray]
) -> None:
    from voicelet.audio.features import log_mel

    length = min(len(golden["waveform"]), len(measured["waveform"]))
    assert abs(len(golden["waveform"]) - len(measured["waveform"])) <= 2 * 300
    expected = log_mel(golden["waveform"][:length])
    found = log_mel(measured["waveform"][:length])
    loud = expected > expected.max() - 7.0
    assert np.mean(np.abs(expected - found)[loud]) < 0.35


def test_text_becomes_the_same_phones(voice: voicelet.Voice) -> None:
    expected = json.loads((HERE / "phones.json").read_text(encoding="utf-8"))
    assert _make_golden().phone_strings(voice) == expected
