from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicelet.errors import ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.cut import CutConfig, cut_cache, pieces, range_db
from voicelet_export.corpus.reader import Utterance
from voicelet_export.errors import CorpusError

TEXT = "bi bi, da da. mu"
CONFIG = CutConfig(pause_frames=16, least_frames=40, label_delay_frames=4)


def _labels(comma: int = 10, stop: int = 20) -> tuple[np.ndarray, np.ndarray]:
    frames = [12, *(10 for _ in TEXT), 14]
    frames[1 + TEXT.index(",")] = comma
    frames[1 + TEXT.index(".")] = stop
    return PhoneInventory().encode(TEXT), np.array(frames)


def test_an_utterance_is_cut_in_the_middle_of_its_pauses() -> None:
    phones, durations = _labels()
    found = pieces(phones, durations, CONFIG)
    texts = [PhoneInventory().decode(p.phones) for p in found]
    assert texts == ["bi bi,", "da da.", "mu"]
    # Pauses in frames 62 to 82 and 132 to 162; the next word is heard 4 frames before its label.
    assert [p.first_frame for p in found] == [0, 70, 145]
    assert sum(int(p.durations_frames.sum()) for p in found) == durations.sum()
    assert found[0].durations_frames.tolist() == [12, 10, 10, 10, 10, 10, 6, 2]
    assert found[1].durations_frames[:2].tolist() == [12, 10]
    assert found[2].durations_frames[-1] == 14
    for piece in found:
        assert piece.durations_frames.min() >= 1


def test_short_pauses_and_short_pieces_stay_together() -> None:
    phones, durations = _labels(comma=3, stop=3)
    (whole,) = pieces(phones, durations, CONFIG)
    np.testing.assert_array_equal(whole.durations_frames, durations)
    long = CutConfig(pause_frames=16, least_frames=70)
    assert len(pieces(*_labels(), long)) == 2
    with pytest.raises(ConfigError, match="pause_frames"):
        CutConfig(pause_frames=4)


def test_a_cache_of_pieces_shares_its_sound(tmp_path: Path) -> None:
    phones, durations = _labels()
    count = int(durations.sum()) * 300
    rng = np.random.default_rng(0)
    wave = (0.1 * rng.standard_normal(count)).astype(np.float32)
    vector = np.ones(256, np.float32)
    writer = CacheWriter(tmp_path / "whole")
    writer.add(
        Utterance("u1", "s1", "", wave, 24000, {"language": "it"}), vector, phones, durations
    )
    writer.add(Utterance("u2", "s1", "", wave, 24000, {}), vector)
    writer.close()
    assert cut_cache(tmp_path / "whole", tmp_path / "cut", CONFIG) == (1, 3)
    whole, cut = FeatureCache(tmp_path / "whole"), FeatureCache(tmp_path / "cut")
    assert [e.id for e in cut.entries] == ["u1~p0", "u1~p1", "u1~p2"]
    assert {e.language for e in cut.entries} == {"it"}
    mels = np.concatenate([cut.mel(e) for e in cut.entries])
    np.testing.assert_array_equal(mels, whole.mel(whole.entries[0]))
    said = [PhoneInventory().decode(cut.phones(e)) for e in cut.entries]
    assert said == ["bi bi,", "da da.", "mu"]
    assert all(cut.durations(e).sum() == e.n_frames for e in cut.entries)
    strict = replace(CONFIG, least_range_db=40.0)
    with pytest.raises(CorpusError, match="too noisy"):
        cut_cache(tmp_path / "whole", tmp_path / "none", strict)
    writer = CacheWriter(tmp_path / "bare")
    writer.add(Utterance("u", "s", "", wave, 24000, {}), vector)
    writer.close()
    with pytest.raises(CorpusError, match="align"):
        cut_cache(tmp_path / "bare", tmp_path / "none")


def test_the_range_of_a_recording_is_what_speech_stands_above_noise() -> None:
    mel = np.full((100, 80), -8.0, np.float32)
    mel[:60] = -2.0
    assert range_db(mel) == pytest.approx(6.0 * 20 / np.log(10), rel=0.01)
