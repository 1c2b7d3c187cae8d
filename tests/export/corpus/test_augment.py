"""Augmentation by numbers: durations sum, f0 scales, noise is as loud as asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.speech import RATE, reader
from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import FeatureConfig
from voicelet.audio.level import active_level_dbfs
from voicelet.config import from_mapping
from voicelet.errors import AudioError, ConfigError
from voicelet_export.corpus import augment as module
from voicelet_export.corpus.augment import AugmentConfig, augment_cache
from voicelet_export.corpus.augment_config import (
    Sounding,
    SpecAugment,
    retimed,
    sound_otherwise,
    spec_augment,
)
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.effects import (
    add_noise,
    change_speed,
    change_tempo,
    change_volume,
    coloured_noise,
    put_in_room,
    room_response,
)
from voicelet_export.corpus.reader import Utterance
from voicelet_export.errors import CorpusError

HOP = 300
ENCODER = Path(__file__).parents[3] / "sdk/voicelet/voices/default/speaker_encoder.onnx"


def vowel(seconds: float = 1.0, f0: float = 150.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, 16))
    return (0.1 * wave).astype(np.float32)


def pitch(wave: np.ndarray) -> float:
    f0 = estimate_f0(wave, RATE, HOP)
    return float(np.median(f0[f0 > 0]))


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.25])
def test_speed_moves_pitch_and_tempo_does_not(factor: float) -> None:
    wave = vowel()
    faster = change_speed(wave, factor)
    assert len(faster) == pytest.approx(len(wave) / factor, abs=2)
    assert pitch(faster) == pytest.approx(150.0 * factor, rel=0.005)
    same = change_tempo(wave, factor, RATE)
    assert len(same) == round(len(wave) / factor)
    assert pitch(same) == pytest.approx(150.0, rel=0.005)
    middle = same[RATE // 10 : -RATE // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(np.sqrt(np.mean(wave**2)), rel=0.03)


def test_tempo_keeps_its_place() -> None:
    """A click train under a tone: events stand where the factor puts them."""
    wave = 0.02 * vowel(2.0)
    for second in (0.4, 0.9, 1.5):
        wave[int(second * RATE) : int(second * RATE) + 48] += 0.8
    for factor in (0.8, 1.2):
        out = change_tempo(wave, factor, RATE)
        for second in (0.4, 0.9, 1.5):
            near = out[int((second / factor - 0.1) * RATE) : int((second / factor + 0.1) * RATE)]
            assert np.argmax(np.abs(near)) / RATE - 0.1 == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("snr", [-3.0, 10.0, 30.0])
def test_noise_is_as_loud_as_asked(snr: float) -> None:
    wave = reader(8)
    noise = coloured_noise(len(wave), np.random.default_rng(1), 1.0)
    added = add_noise(wave, noise, snr, RATE) - wave
    found = active_level_dbfs(wave, RATE) - 10 * np.log10(np.mean(added.astype(np.float64) ** 2))
    assert found == pytest.approx(snr, abs=0.05)
    with pytest.raises(AudioError, match="silence"):
        add_noise(np.zeros(RATE, np.float32), noise[:RATE], snr, RATE)


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_the_colour_of_noise_is_its_slope(slope: float) -> None:
    noise = coloured_noise(1 << 16, np.random.default_rng(2), slope)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[200:400].mean(), power[6400:12800].mean()
    assert 10 * np.log10(low / high) == pytest.approx(slope * 10 * np.log10(32.0), abs=1.0)
    assert np.mean(noise**2) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize(("rt60", "direct"), [(0.2, 10.0), (0.8, 3.0)])
def test_a_room_falls_as_asked_and_delays_nothing(rt60: float, direct: float) -> None:
    response = room_response(np.random.default_rng(3), RATE, rt60, direct)
    tail = response[1:].astype(np.float64)
    assert response[0] == 1.0
    assert 10 * np.log10(1.0 / np.sum(tail**2)) == pytest.approx(direct, abs=0.01)
    # Schroeder's backward integral, from 5 to 25 dB below its start.
    energy = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / np.sum(tail**2))
    a, b = (int(np.argmax(energy < level)) for level in (-5.0, -25.0))
    assert 3.0 * (b - a) / RATE == pytest.approx(rt60, rel=0.1)
    wave = reader(8)
    wet = put_in_room(wave, response)
    assert len(wet) == len(wave)
    lags = np.correlate(wet[10_000:30_000], wave[10_500:29_500], "valid")
    assert np.argmax(lags) == 500


def test_volume_is_as_asked_and_does_not_clip() -> None:
    wave = vowel()
    np.testing.assert_allclose(change_volume(wave, -6.0), wave * 10 ** (-0.3), rtol=1e-5)
    loud = change_volume(wave, 30.0)
    assert np.abs(loud).max() == pytest.approx(0.98, rel=1e-4)
    np.testing.assert_array_equal(change_volume(wave * 0, 10.0), wave * 0)


def test_spec_augment_hides_what_it_is_told_and_no_more() -> None:
    mel = np.random.default_rng(0).normal(size=(200, 80)).astype(np.float32)
    config = SpecAugment(bands=8, frames=30, band_masks=2, frame_masks=1)
    hidden = spec_augment(mel, np.random.default_rng(5), config, fill=-11.5) == -11.5
    bands, frames = hidden.all(axis=0), hidden.all(axis=1)
    assert 0 < bands.sum() <= 16
    assert 0 < frames.sum() <= 30
    assert (hidden == (bands[None, :] | frames[:, None])).all()
    nothing = SpecAugment(band_masks=0, frame_masks=0)
    np.testing.assert_array_equal(spec_augment(mel, np.random.default_rng(5), nothing), mel)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.floats(0.5, 2.0))
def test_durations_follow_the_frames(durations: list[int], factor: float) -> None:
    given_frames = np.array([*durations, 40])
    total = int(given_frames.sum())
    samples = np.zeros(round(total * HOP / factor) + 7, np.float32)
    sounding = Sounding(samples, np.arange(1, total + 1, dtype=np.float32), given_frames)
    frames = len(samples) // HOP
    if np.minimum(given_frames, 1).sum() > frames:
        return
    found = retimed(sounding, samples, factor, HOP)
    assert found.durations_frames is not None
    assert found.durations_frames.sum() == len(found.f0_hz) == len(found.samples) // HOP == frames
    assert (found.durations_frames >= np.minimum(given_frames, 1)).all()
    edges = np.abs(np.cumsum(found.durations_frames) - np.cumsum(given_frames) / factor)
    assert edges.max() <= 1.5 + len(durations)
    if given_frames.min() >= 4:
        assert edges.max() <= 1.5


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caches") / "vowels"
    writer = CacheWriter(folder)
    for i in range(4):
        wave = vowel(1.0, 120.0 + 30.0 * (i % 2))
        utterance = Utterance(f"u{i}", f"s{i % 2}", "", wave, RATE, {})
        writer.add(utterance, np.eye(256, dtype=np.float32)[i % 2], np.arange(4), np.full(4, 20))
    writer.close()
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.is_file()
    }


def test_a_faster_cache_has_higher_f0_and_shorter_phones(tmp_path: Path, cache: Path) -> None:
    config = AugmentConfig(speed=(1.2, 1.2), copies=2)
    assert augment_cache(cache, tmp_path / "out", config, ENCODER) == 8
    before = {e.id: e for e in FeatureCache(cache).entries}
    source, out = FeatureCache(cache), FeatureCache(tmp_path / "out")
    for entry in out.entries:
        name, copy = entry.id.split("~")
        was = before[name]
        assert entry.speaker == f"{was.speaker}~{copy}"
        assert entry.n_frames == pytest.approx(was.n_frames / 1.2, abs=1)
        durations = out.durations(entry)
        assert durations.sum() == entry.n_frames
        assert np.abs(durations - 20 / 1.2).max() <= 1.0
        np.testing.assert_array_equal(out.phones(entry), source.phones(was))
        np.testing.assert_allclose(out.f0_hz(entry)[5:-5], 1.2 * source.f0_hz(was)[10], rtol=0.02)
        assert entry.log_f0_mean - was.log_f0_mean == pytest.approx(np.log(1.2), abs=0.01)
        assert np.linalg.norm(entry.d_vector) == pytest.approx(1.0, abs=1e-3)
        assert entry.d_vector != was.d_vector
        assert pitch(out.audio(entry)) == pytest.approx(float(out.f0_hz(entry)[20]), rel=0.01)


def test_noise_room_and_volume_leave_labels_and_voice(tmp_path: Path, cache: Path) -> None:
    config = AugmentConfig(noise_db=(20.0, 20.0), room_s=(0.2, 0.4), volume_db=(-12.0, -12.0))
    assert augment_cache(cache, tmp_path / "out", config, leave_out=["s0"]) == 2
    source, out = FeatureCache(cache), FeatureCache(tmp_path / "out")
    before = {e.id: e for e in source.entries}
    for entry in out.entries:
        was = before[entry.id.split("~")[0]]
        assert (entry.speaker, entry.d_vector) == ("s1", was.d_vector)
        np.testing.assert_array_equal(out.durations(entry), source.durations(was))
        np.testing.assert_array_equal(out.f0_hz(entry), source.f0_hz(was))
        levels = [active_level_dbfs(w, RATE) for w in (source.audio(was), out.audio(entry))]
        assert -12.0 <= levels[1] - levels[0] < -9.0  # the room's own sound adds to it


def test_copies_are_seeded_and_a_cut_off_run_goes_on_to_the_same_bytes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = AugmentConfig(tempo=(0.9, 1.1), noise_db=(5.0, 30.0), copies=3, seed=4)
    augment_cache(cache, tmp_path / "whole", config)
    real, calls = module.sound_otherwise, []

    def stumbling(*args: object) -> Sounding:
        calls.append(args)
        if len(calls) == 7:
            raise RuntimeError("cut off")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "sound_otherwise", stumbling)
    with pytest.raises(RuntimeError):
        augment_cache(cache, tmp_path / "parts", config)
    assert not (tmp_path / "parts" / "index.json").exists()
    augment_cache(cache, tmp_path / "parts", config)
    assert len(calls) == 7 + 8  # the first copies were not made again
    assert hashes(tmp_path / "parts") == hashes(tmp_path / "whole")
    augment_cache(cache, tmp_path / "parts", config)
    assert len(calls) == 15
    other = AugmentConfig(tempo=(0.9, 1.1), noise_db=(5.0, 30.0), copies=3, seed=5)
    augment_cache(cache, tmp_path / "parts", other)
    assert hashes(tmp_path / "parts")["audio.i16"] != hashes(tmp_path / "whole")["audio.i16"]


def test_one_generator_gives_one_sound() -> None:
    config = AugmentConfig(tempo=(0.8, 1.2), room_s=(0.1, 0.5), noise_db=(0, 20))
    wave = reader(8)[: 80 * HOP]
    sounding = Sounding(wave, np.full(80, 100.0, np.float32), np.full(4, 20))
    a, b, c = (
        sound_otherwise(sounding, np.random.default_rng(s), config, FeatureConfig())
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(a.samples, b.samples)
    assert len(a.samples) != len(c.samples) or not np.array_equal(a.samples, c.samples)


def test_wrong_settings_are_refused(tmp_path: Path, cache: Path) -> None:
    assert from_mapping(AugmentConfig, {"speed": [0.9, 1.1], "spec": {"bands": 4}}) == (
        AugmentConfig(speed=(0.9, 1.1), spec=SpecAugment(bands=4))
    )
    with pytest.raises(ConfigError, match="rising"):
        from_mapping(AugmentConfig, {"speed": [1.1, 0.9]})
    with pytest.raises(ConfigError, match="did you mean 'noise_db'"):
        from_mapping(AugmentConfig, {"noise_dB": [1, 2]})
    with pytest.raises(ConfigError, match="nothing is to be changed"):
        augment_cache(cache, tmp_path / "out", AugmentConfig())
    with pytest.raises(ConfigError, match="speaker encoder"):
        augment_cache(cache, tmp_path / "out", AugmentConfig(speed=(0.9, 1.1)))
    with pytest.raises(CorpusError, match="no whole feature cache"):
        augment_cache(tmp_path, tmp_path / "out", AugmentConfig(tempo=(0.9, 1.1)))
    assert not (tmp_path / "out" / "index.json").exists()
