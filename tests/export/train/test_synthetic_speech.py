"""Training the detector of synthetic speech: edits on both sides, people kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import voicelet
from benchmarks.verification.origin import readings, share_interval
from voicelet.audio.source import load_recording
from voicelet.speaker.synthetic_speech import STATISTICS, in_one_codec
from voicelet_export.errors import CorpusError
from voicelet_export.train.synthetic_speech import (
    AS_IT_IS,
    EDITS,
    REAL,
    Clip,
    Examples,
    SyntheticTraining,
    calibrates,
    examples,
    forms,
    measure,
    read_clips,
    train_weights,
)

SAMPLES = Path(__file__).parents[3] / "samples"


def reader(number: int) -> np.ndarray:
    return load_recording(SAMPLES / f"reader-{number}.opus", 24000, 60.0).samples


def test_every_edit_leaves_speech_of_people_and_machines() -> None:
    said = np.asarray(voicelet.Voice.load().synthesize("The harbour was quiet.").samples)
    for clip in (Clip(REAL, "ana", reader(2)), Clip("clone", "ana", said)):
        made = dict(forms(clip, np.random.default_rng(1), len(EDITS)))
        assert set(made) == {AS_IT_IS, *EDITS}
        for wave in made.values():
            assert wave.dtype == np.float32 and np.isfinite(wave).all()
            assert 16000 < len(wave) < 80000 and float(np.abs(wave).max()) > 0.01


def test_one_codec_keeps_length_and_speech_and_level_doesnt_count() -> None:
    speech = load_recording(SAMPLES / "reader-2.opus", 16000, 60.0).samples
    once = in_one_codec(speech)
    assert once.shape == speech.shape
    assert np.corrcoef(once[4000:-4000], speech[4000:-4000])[0, 1] > 0.9
    np.testing.assert_allclose(in_one_codec(speech * np.float32(0.01)), once, atol=0.1)


def made_up(rng: np.random.Generator, count: int = 240) -> Examples:
    """Statistics that differ in a few places, by people with an offset of their own."""
    kinds = tuple((REAL, "clone", "copy")[i % 3] for i in range(count))
    speakers = tuple(f"p{i // 3 % 40}" for i in range(count))
    rows = rng.standard_normal((count, STATISTICS)).astype(np.float32)
    rows[np.array(kinds) != REAL, :40] += 2.0
    return Examples(rows, kinds, speakers, (AS_IT_IS,) * count)


def test_training_finds_what_differs_and_calibrates_on_other_people() -> None:
    rng = np.random.default_rng(0)
    weights = train_weights(made_up(rng), SyntheticTraining(steps=200))
    fresh = made_up(np.random.default_rng(9))
    odds = weights.log_odds(fresh.statistics)
    assert ((odds > 0) == fresh.synthetic).mean() > 0.9
    again = train_weights(made_up(np.random.default_rng(0)), SyntheticTraining(steps=200))
    np.testing.assert_array_equal(again.inner, weights.inner)


def test_people_on_one_side_only_are_refused() -> None:
    found = made_up(np.random.default_rng(0), 30)
    one = next(s for s in found.speakers if not calibrates(s))
    alone = Examples(found.statistics, found.kinds, (one,) * 30, found.edits)
    with pytest.raises(CorpusError, match="both need real and synthetic"):
        train_weights(alone)


def test_clips_come_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no KIND"):
        list(read_clips(tmp_path))
    (tmp_path / REAL).mkdir()
    soundfile.write(tmp_path / REAL / "ana-b-1.flac", reader(2), 24000)
    (clip,) = read_clips(tmp_path)
    assert (clip.kind, clip.speaker) == (REAL, "ana-b")
    found = examples(iter([clip]), SyntheticTraining(edits=1))
    assert len(found.kinds) == len(found.statistics) >= 2
    assert set(found.edits) > {AS_IT_IS} and not found.synthetic.any()
    assert not list(measure(Clip(REAL, "ana", np.zeros(72000, np.float32)), _rng(), 0))
    soundfile.write(tmp_path / REAL / "ana-2.flac", reader(2), 16000)
    with pytest.raises(CorpusError, match="16000 Hz; clips have 24000"):
        list(read_clips(tmp_path))


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_recordings_are_joined_into_readings_as_long_as_a_sentence() -> None:
    second = np.zeros(24000, np.float32)
    clips = [Clip(REAL, s, np.tile(second, n)) for s, n in (("a", 5), ("b", 3), ("a", 4), ("a", 9))]
    clips.append(Clip("clone", "a", second))
    made = readings(clips)
    lengths = sorted((c.kind, c.speaker, len(c.samples) // 24000) for c in made)
    assert lengths == [("clone", "a", 1), (REAL, "a", 9), (REAL, "a", 9), (REAL, "b", 3)]


def test_an_interval_counts_people_not_recordings() -> None:
    none = np.zeros(300, bool)
    low, high = share_interval(none, [f"p{i % 30}" for i in range(300)])
    assert low == 0.0 and 0.11 < high < 0.13  # thirty people, not 300
    hits = np.arange(300) % 30 == 0  # all of one person
    low, high = share_interval(hits, [f"p{i % 30}" for i in range(300)])
    assert low == 0.0 and high > 0.06
