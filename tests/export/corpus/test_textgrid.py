"""TextGrids: the format, what an alignment becomes, and real speech on the clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from tests.export.speech import RATE, reader, write  # noqa: E402
from voicelet.text.words import WordPhones  # noqa: E402
from voicelet_export.corpus.align import FitScore  # noqa: E402
from voicelet_export.corpus.align_cache import Aligned  # noqa: E402
from voicelet_export.corpus.layouts import read_sources  # noqa: E402
from voicelet_export.corpus.prepare import Tools, recording_aligner  # noqa: E402
from voicelet_export.corpus.speech_times import align_to_textgrids, text_grid  # noqa: E402
from voicelet_export.corpus.textgrid import (  # noqa: E402
    Interval,
    TextGrid,
    Tier,
    filled,
    read_textgrid,
    write_textgrid,
)
from voicelet_export.errors import CorpusError  # noqa: E402

labels = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), labels), min_size=1, max_size=8), labels)
def test_what_is_written_is_read_again(spans: list[tuple[int, str]], name: str) -> None:
    place, intervals = 0, []
    for length, label in spans:
        intervals.append(Interval(place / 80, (place + length) / 80, label))
        place += length
    grid = TextGrid(place / 80, (Tier(name, tuple(intervals)), Tier("é", tuple(intervals[:]))))
    assert read_textgrid(write_textgrid(grid)) == grid


PRAAT = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "say ""hi"""
        xmin = 0
        xmax = 2.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.25
            text = "a [1] 3"
        intervals [2]:
            xmin = 1.25
            xmax = 2.5
            text = ""
'''
"""As Praat's manual lays it out."""


def test_the_long_format_is_praats() -> None:
    tiers = (Tier('say "hi"', (Interval(0, 1.25, "a [1] 3"), Interval(1.25, 2.5, ""))),)
    assert write_textgrid(TextGrid(2.5, tiers)) == PRAAT
    assert read_textgrid(PRAAT) == TextGrid(2.5, tiers)
    short = '"ooTextFile"\n"TextGrid"\n0\n2\n<exists>\n1\n"IntervalTier" "w" 0 2 1\n0 2 "x"\n'
    assert read_textgrid(short) == TextGrid(2.0, (Tier("w", (Interval(0.0, 2.0, "x"),)),))


@pytest.mark.parametrize("cut", [20, 60, 150, 300, len(PRAAT) - 30])
def test_a_cut_file_is_refused(cut: int) -> None:
    with pytest.raises(CorpusError):
        read_textgrid(PRAAT[:cut])


def test_gaps_are_filled_and_never_written() -> None:
    spans = [Interval(-0.1, 0.5, "a"), Interval(0.7, 0.7, "b"), Interval(0.9, 1.4, "c")]
    assert filled(spans, 1.2) == (
        Interval(0.0, 0.5, "a"),
        Interval(0.5, 0.9, ""),
        Interval(0.9, 1.2, "c"),
    )
    with pytest.raises(ValueError, match="gap or an overlap"):
        write_textgrid(TextGrid(1.0, (Tier("w", (Interval(0.1, 1.0, "a"),)),)))
    with pytest.raises(ValueError, match="ends at"):
        write_textgrid(TextGrid(1.0, (Tier("w", (Interval(0.0, 0.9, "a"),)),)))


def test_an_alignment_becomes_words_and_phones() -> None:
    #         _  h  ˈ  I  ,  _space  j  u  .  _
    phones = "hˈI, ju."
    durations = np.array([20, 8, 2, 10, 30, 4, 6, 12, 20, 2])
    words = (WordPhones("hi", (0, 2), 0, 3), WordPhones("you", (4, 7), 5, 7))
    aligned = Aligned(phones, durations, 10, 114, FitScore(-1.0, -1.0, 0.0), 0, words)
    spoken = np.zeros(140, bool)
    by_name = {t.name: t.intervals for t in text_grid(aligned, spoken, 80.0).tiers}
    start = (10 + 20 - 4.5) / 80
    assert [i.label for i in by_name["phones"]] == ["", "h", "ˈI", "", "j", "u", ""]
    starts = [i.start_s for i in by_name["phones"]]
    # The stress mark's frames are the vowel's.
    expected = np.cumsum([start, 0.1, 0.15, 0.425, 0.075, 0.15])
    assert starts == pytest.approx([0.0, *expected], abs=1e-9)
    assert [i.label for i in by_name["words"]] == ["", "hi", "", "you", ""]
    assert by_name["words"][1].start_s == pytest.approx(start)
    assert by_name["words"][1].end_s == pytest.approx(start + 0.25)
    assert by_name["words"][3].end_s == pytest.approx(start + 0.9)
    # A pause too short to be one belongs to what is before it.
    quick = replace(aligned, durations_frames=np.array([20, 8, 2, 10, 2, 2, 6, 12, 20, 2]))
    tiers = {t.name: t.intervals for t in text_grid(quick, spoken, 80.0).tiers}
    assert [i.label for i in tiers["words"]] == ["", "hi", "you", ""]
    assert tiers["words"][1].end_s == tiers["words"][2].start_s == tiers["phones"][2].end_s
    # Before a pause, a phone ends with its sound: of the vowel's twelve frames five are silent.
    quiet = spoken.copy()
    quiet[38:] = True
    tiers = {t.name: t.intervals for t in text_grid(aligned, quiet, 80.0).tiers}
    assert tiers["phones"][2].end_s == tiers["words"][1].end_s == pytest.approx(38 / 80)


def test_real_speech_is_put_on_the_clock(tmp_path: Path) -> None:
    """A second of a room's noise before and after: words begin and end where the speech does."""
    noise = (4e-4 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    texts = {8: "Get me out of here please", 9: "We can never have too many friends"}
    for number, text in texts.items():
        wave = np.concatenate([noise, reader(number, 6.0), noise])
        write(tmp_path / "in" / "ana" / f"{number}.wav", wave)
        (tmp_path / "in" / "ana" / f"{number}.txt").write_text(text)
    aligner = recording_aligner(Tools.found())
    sources = read_sources(tmp_path / "in")
    report = align_to_textgrids(sources, tmp_path / "out", aligner)
    assert report["written"] == 2
    assert json.loads((tmp_path / "out" / "alignment.json").read_text()) == report
    for number, text in texts.items():
        path = tmp_path / "out" / "ana" / f"ana-{number}.TextGrid"
        words = {t.name: t for t in read_textgrid(path.read_text("utf-8")).tiers}["words"]
        spoken = [i for i in words.intervals if i.label]
        assert [i.label.lower() for i in spoken] == text.lower().split()
        frames = reader(number, 6.0)[: len(reader(number, 6.0)) // 300 * 300].reshape(-1, 300)
        level = np.sqrt((frames**2).mean(axis=1))
        loud = np.flatnonzero(level > 0.03 * level.max())
        assert spoken[0].start_s == pytest.approx(1.0 + loud[0] / 80, abs=0.05)
        assert spoken[-1].end_s == pytest.approx(1.0 + (loud[-1] + 1) / 80, abs=0.1)
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*.TextGrid")}
    assert align_to_textgrids(sources, tmp_path / "out", aligner) == report
    assert before == {p: p.read_bytes() for p in (tmp_path / "out").rglob("*.TextGrid")}
