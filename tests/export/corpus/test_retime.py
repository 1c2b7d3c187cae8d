from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicelet.errors import ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.reader import Utterance
from voicelet_export.corpus.retime import RetimeConfig, retime_cache, retimed

TEXT = "bi, da mu."
CONFIG = RetimeConfig(delay_frames=4, lead_frames=4, trail_frames=8, pad_frames=2)
# Frames in which something is heard: "bi" 40 to 60, "da mu" 80 to 122, of 160.
HEARD = ((40, 60), (80, 122))


def _labels(late: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.array([40, 50, 60, 70, 80, 90, 100, 102, 112, 122, 156, 160])
    ends[:-2] += late
    return PhoneInventory().encode(TEXT), np.diff(ends, prepend=0)


def _silent() -> np.ndarray:
    silent = np.ones(160, np.bool_)
    for first, last in HEARD:
        silent[first:last] = False
    return silent


@pytest.mark.parametrize("late", [4, 6, 2, 0])
def test_phones_begin_and_end_with_their_sound(late: int) -> None:
    phones, durations = _labels(late)
    first, moved = retimed(phones, durations, _silent(), CONFIG)
    edges = first + np.cumsum(moved)
    assert first == 36
    assert edges[0] == 40
    assert edges[2] == 60  # the end of "bi"
    assert edges[4] == 80  # the beginning of "da", behind comma and space
    assert edges[9] == 122
    assert edges[-1] == 122 + 8
    assert moved[-1] == 2
    assert abs(edges[5] - 90) <= abs(late - 4)
    assert moved.min() >= 1


def test_the_marks_are_those_of_the_inventory() -> None:
    from voicelet.text.phones import ENGLISH_SYMBOLS
    from voicelet_export.corpus import retime

    assert {ENGLISH_SYMBOLS[i] for i in retime._STRESS} == {"ˈ", "ˌ"}
    assert ENGLISH_SYMBOLS[retime._SPACE] == " "
    assert not ENGLISH_SYMBOLS[retime._LAST_MARK].isalpha()


def test_a_closure_before_a_mere_space_moves_no_word() -> None:
    phones, durations = _labels(4)
    silent = _silent()
    silent[96:99] = True  # a stop in "da", just before "mu" begins
    first, moved = retimed(phones, durations, silent, CONFIG)
    edges = first + np.cumsum(moved)
    assert edges[5:8].tolist() == [90, 100, 102]


def test_without_silence_labels_are_only_moved() -> None:
    phones, durations = _labels(4)
    first, moved = retimed(phones, durations, np.zeros(160, np.bool_), CONFIG)
    edges = first + np.cumsum(moved)
    assert edges[:10].tolist() == [40, 50, 60, 70, 80, 90, 100, 102, 112, 122]


def test_tokens_that_would_vanish_keep_a_frame() -> None:
    phones, durations = _labels(4)
    durations = np.maximum(durations // 8, 1)
    silent = np.zeros(int(durations.sum()), np.bool_)
    silent[:2] = silent[-2:] = True
    first, moved = retimed(phones, durations, silent, CONFIG)
    assert moved.min() >= 1
    assert first >= 0


def test_a_cache_keeps_its_sound_and_loses_its_silence(tmp_path: Path) -> None:
    phones, durations = _labels(4)
    rng = np.random.default_rng(0)
    wave = 1e-4 * rng.standard_normal(160 * 300)
    for first, last in HEARD:
        wave[first * 300 : last * 300] += 0.2 * rng.standard_normal((last - first) * 300)
    vector = np.ones(256, np.float32)
    writer = CacheWriter(tmp_path / "late")
    item = Utterance("u", "s", "", wave.astype(np.float32), 24000, {})
    writer.add(item, vector, phones, durations)
    writer.close()
    share = retime_cache(tmp_path / "late", tmp_path / "out", CONFIG)
    late, out = FeatureCache(tmp_path / "late"), FeatureCache(tmp_path / "out")
    entry = out.entries[0]
    assert share == entry.n_frames / 160
    assert abs(entry.first_frame - 36) <= 3  # a mel's window sees the sound a little early
    assert abs(entry.n_frames - (122 + 8 - 36)) <= 5
    whole = late.mel(late.entries[0])
    cut = whole[entry.first_frame : entry.first_frame + entry.n_frames]
    np.testing.assert_array_equal(out.mel(entry), cut)
    assert out.durations(entry).sum() == entry.n_frames


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="pad_frames"):
        replace(CONFIG, pad_frames=8)
    with pytest.raises(ConfigError, match="negative"):
        replace(CONFIG, lead_frames=0)
