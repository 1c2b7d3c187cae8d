from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.export.speech import ljspeech, tone
from voicelet.audio.features import FeatureConfig
from voicelet.errors import BundleError, ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.errors import CorpusError
from voicelet_export.teach.base import TeacherSpeech, duration_frames
from voicelet_export.teach.label import LabelConfig, label_corpus, lay_out, read_phones

ENCODER = Path(__file__).parents[3] / "export/artifacts/speaker_encoder/speaker_encoder.onnx"
RATE = 16000
PHONES = [f"{a}ˈ{b}{c} mˈɛn." for a in "bdgk".replace("g", "ɡ") for b in "Aɪʌ" for c in "tsn"]


class Buzzer:
    """Holds every phone for 70 ms on a buzz whose pitch is the speaker's."""

    def __init__(
        self, speakers: tuple[str, ...] = ("low", "high"), fail_after: int = 10**9
    ) -> None:
        self._speakers, self.calls, self._fail_after = speakers, 0, fail_after

    @property
    def speakers(self) -> tuple[str, ...]:
        return self._speakers

    def speak(self, phones: str, speaker: str | None = None, seed: int = 0) -> TeacherSpeech:
        if self.calls >= self._fail_after:
            raise KeyboardInterrupt
        self.calls += 1
        rng = np.random.default_rng(seed)
        durations = np.full(len(phones) + 2, 0.07, np.float32)
        count = round(float(durations.sum()) * RATE)
        time = np.arange(count) / RATE
        f0 = 110.0 if speaker == self._speakers[0] else 200.0
        wave = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, 12))
        noisy = 0.1 * wave + 0.002 * rng.standard_normal(count)
        return TeacherSpeech(noisy.astype(np.float32), RATE, durations)


def test_a_cut_off_labelling_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    config = LabelConfig(hours=0.006, held_out_every=5)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    count = label_corpus(Buzzer(), PHONES, whole, ENCODER, config)
    with pytest.raises(KeyboardInterrupt):
        label_corpus(Buzzer(fail_after=7), PHONES, cut, ENCODER, config)
    again = Buzzer()
    assert label_corpus(again, PHONES, cut, ENCODER, config) == count
    assert again.calls == count - 7
    names = sorted(p.name for p in whole.iterdir())
    assert names == sorted(p.name for p in cut.iterdir())
    assert all((whole / n).read_bytes() == (cut / n).read_bytes() for n in names)


def test_the_cache_holds_what_the_teacher_said(tmp_path: Path) -> None:
    config = LabelConfig(hours=0.004, held_out_every=4)
    label_corpus(Buzzer(), PHONES, tmp_path / "c", ENCODER, config)
    cache = FeatureCache(tmp_path / "c")
    held_out = json.loads((tmp_path / "c/held_out.json").read_text("utf-8"))
    speakers = {e.speaker for e in cache.entries}
    assert {"low", "high"} <= speakers
    assert set(held_out) <= speakers
    assert held_out
    for entry in cache.entries:
        assert cache.durations(entry).sum() == entry.n_frames
        assert cache.durations(entry).min() >= 1
        assert PhoneInventory().decode(cache.phones(entry)) in PHONES
        assert entry.bandwidth_hz == RATE / 2
        wanted = 110.0 if entry.speaker.startswith("low") else 200.0
        assert np.exp(entry.log_f0_mean) == pytest.approx(wanted, rel=0.05)


def test_silence_and_label_delay_lie_where_they_should() -> None:
    features = FeatureConfig()
    phones = "bˈAt."
    spoken = TeacherSpeech(np.ones(RATE * 7 // 10, np.float32), RATE, np.full(7, 0.1, np.float32))
    config = LabelConfig(lead_in_frames=20, tail_frames=10, label_delay_frames=4.0)
    samples, frames = lay_out(spoken, phones, features, config)
    assert frames is not None
    # 0.1 s are 8 frames; labels come 4 frames late; the mark holds the closing silence.
    assert frames.tolist() == [20 + 8 + 4, 8, 8, 8, 8, 8 + 8 + 10 - 4 - 2, 2]
    assert len(samples) == frames.sum() * features.hop_length
    assert not samples[: 20 * features.hop_length].any()
    assert not samples[-10 * features.hop_length :].any()


def test_phones_too_short_for_a_frame_still_get_one() -> None:
    seconds = np.array([0.1, 0.001, 0.001, 0.001, 0.001, 0.1, 0.1], np.float32)
    count = round(float(seconds.sum()) * 24000)
    spoken = TeacherSpeech(np.zeros(count, np.float32), 24000, seconds)
    samples, frames = lay_out(spoken, "bˈAt.", FeatureConfig(), LabelConfig())
    assert frames is not None
    assert frames.min() >= 1
    assert frames.sum() * 300 == len(samples)


def test_durations_that_contradict_the_audio_are_refused() -> None:
    assert duration_frames([0.1, 0.2], 24000 * 3 // 10, 24000, 300).tolist() == [8, 16]
    with pytest.raises(BundleError, match="hop length"):
        duration_frames([0.1, 0.2], 24000, 24000, 300)


def test_texts_come_from_a_corpus_or_a_file(tmp_path: Path) -> None:
    rows = [{"phonemes": "həlˈO."}, {"phonemes": "nˈO♥"}, {"phonemes": "həlˈO."}]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert read_phones(tmp_path) == ["həlˈO."]
    sentences = tmp_path / "s.txt"
    sentences.write_text("Good morning.\nTwo cats.\n", "utf-8")
    assert [p[0] for p in read_phones(sentences)] == ["ɡ", "t"]
    # Of a corpus of another layout, or without phones, the texts are read.
    lj = ljspeech(tmp_path / "lj", {"a": tone(0.5, 1)}, {"a": "Good morning."})
    assert read_phones(lj) == read_phones(sentences)[:1]
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "metadata.jsonl").write_text(json.dumps({"id": "a", "text": "Two cats."}) + "\n")
    assert read_phones(rows) == read_phones(sentences)[1:]
    sentences.write_text("\n", "utf-8")
    with pytest.raises(CorpusError, match="nothing to say"):
        read_phones(sentences)
    with pytest.raises(CorpusError, match="neither"):
        read_phones(tmp_path / "missing")


def test_too_few_texts_and_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="more texts"):
        label_corpus(Buzzer(), PHONES[:2], tmp_path / "c", ENCODER, LabelConfig(hours=1.0))
    assert not (tmp_path / "c/index.json").exists()
    with pytest.raises(ConfigError, match="hours"):
        LabelConfig(hours=0.0)
    with pytest.raises(ConfigError, match="label_delay"):
        LabelConfig(tail_frames=4)
