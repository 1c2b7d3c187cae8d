"""Embedding: what a mark says, that it is keyed, dated and steady, and can't be left out."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import WatermarkError
from voicelet.synth.marking import MarkFilter
from voicelet.trust.watermark import mark as watermark
from voicelet.trust.watermark.mark import Watermark, is_marking, key_digest, model_digest, now_s
from voicelet.trust.watermark.pattern import (
    BANDS,
    CODED_BITS,
    DEPTH_DB,
    PERIOD_FRAMES,
    PUBLIC_KEY,
    SLOT_FRAMES,
    TILES,
    Payload,
    band_edges,
    bit_errors,
    decode,
    encode,
    gain_table,
    layout,
    tile_signs,
)

FIELDS = st.builds(
    Payload,
    model=st.integers(0, 255),
    week=st.integers(0, 4095),
    key_id=st.integers(0, 255),
)
NOON = 1_780_000_000.0  # 2026-05-28


@given(FIELDS)
def test_a_payload_survives_its_own_code(payload: Payload) -> None:
    assert Payload.from_int(payload.to_int()) == payload
    soft = 2.0 * encode(payload) - 1.0
    assert len(soft) == CODED_BITS and decode(soft) == payload
    assert bit_errors(soft, payload) == 0.0 and bit_errors(-soft, payload) == 1.0


@settings(max_examples=15, deadline=None)
@given(FIELDS, st.integers(0, 2**32 - 1))
def test_one_bit_in_ten_may_be_wrong(payload: Payload, seed: int) -> None:
    rng = np.random.default_rng(seed)
    soft = 2.0 * encode(payload) - 1.0
    soft[rng.choice(CODED_BITS, 8, replace=False)] *= -0.5
    assert decode(soft + rng.normal(0.0, 0.3, CODED_BITS)) == payload


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_says_nothing(seed: int) -> None:
    found = decode(np.random.default_rng(seed).standard_normal(CODED_BITS))
    assert found is None or found.version == 1  # once in 65,536


def test_a_mark_names_model_week_and_key() -> None:
    payload = Watermark(200, lambda: NOON).payload()
    assert payload == Payload(200, 125, 0)
    assert payload.monday.isoformat() == "2026-05-25"
    later = Watermark(200, lambda: NOON + 7 * 86400).payload()
    assert later.week == 126
    with pytest.raises(WatermarkError, match="model must fit 8 bits"):
        Payload(256, 0)
    with pytest.raises(WatermarkError, match="32 bits"):
        Payload.from_int(1 << 32)


def test_the_date_can_be_given_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(watermark.DATE_VARIABLE, str(int(NOON)))
    assert now_s() == NOON and Watermark(1).payload().week == 125
    for wrong in ("soon", "-1", "1.5", "9" * 12, "9" * 400, "٣"):
        monkeypatch.setenv(watermark.DATE_VARIABLE, wrong)
        with pytest.raises(WatermarkError, match="whole seconds since 1970"):
            Watermark(1).payload()


def test_half_of_the_tiles_rise_and_each_is_balanced() -> None:
    signs = tile_signs(Payload(3, 4))
    assert signs.shape == (TILES, BANDS) and 0.4 < np.mean(signs > 0) < 0.6
    table = gain_table(signs, np.arange(601) * 20.0)
    assert table.shape == (2 * TILES, 601)
    decibels = 20.0 * np.log10(table)
    np.testing.assert_allclose(decibels[0::2], -decibels[1::2], atol=1e-4)
    edges = band_edges()
    outside = (np.arange(601) * 20.0 < edges[0]) | (np.arange(601) * 20.0 >= edges[-1])
    assert not decibels[:, outside].any()
    np.testing.assert_allclose(np.abs(decibels[:, ~outside]), DEPTH_DB, atol=1e-4)


def test_pilots_are_public_and_the_payload_is_the_operators() -> None:
    public, private = layout(), layout(b"k" * 32)
    pilots = public.bit < 0
    np.testing.assert_array_equal(pilots, private.bit < 0)
    np.testing.assert_array_equal(public.signs[pilots], private.signs[pilots])
    assert (public.signs[~pilots] != private.signs[~pilots]).any()
    counts = np.bincount(public.bit[~pilots], minlength=CODED_BITS)
    assert counts.min() >= 2 and counts.max() - counts.min() <= 1


def test_an_operators_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"x" * 32)
    monkeypatch.setenv(watermark.KEY_VARIABLE, str(path))
    payload = Watermark(1, lambda: NOON).payload()
    assert payload.key_id == key_digest(b"x" * 32) != 0 == key_digest(PUBLIC_KEY)
    for data in (b"short", b"x" * 65):
        path.write_bytes(data)
        with pytest.raises(WatermarkError, match="16 to 64 bytes"):
            Watermark(1)
    path.unlink()
    with pytest.raises(WatermarkError, match="can't read the watermark key"):
        Watermark(1)


def test_only_research_is_unmarked_and_is_told_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    marks = Watermark(1)
    assert is_marking() and marks.clause("a") is not None
    monkeypatch.setenv(watermark.RESEARCH_SWITCH, "1")
    assert not is_marking() and marks.clause("a") is None
    assert "no watermark" in caplog.text


def test_the_pattern_begins_where_the_first_word_says() -> None:
    marks = Watermark(1, lambda: NOON)
    gains = {word: marks.clause(word) for word in ("ðə", "bˈO", "ðə")}
    tiles = {marks.clause(f"w{i}").tile for i in range(200)}  # type: ignore[union-attr]
    assert tiles == set(range(TILES))  # short clauses hold all of the pattern together
    first = gains["ðə"]
    assert first is not None and first == marks.clause("ðə")
    whole = first.frames(24000, 300, 1200)(0, PERIOD_FRAMES + 60)
    np.testing.assert_array_equal(first.frames(24000, 300, 1200)(37, 60), whole[37:97])
    np.testing.assert_array_equal(whole[PERIOD_FRAMES:], whole[:60])
    assert (np.diff(whole, axis=0) != 0.0).any(axis=1).nonzero()[0][0] == SLOT_FRAMES - 1


@pytest.mark.parametrize("rate", [16000, 22050])
@pytest.mark.parametrize("size", [1, 700, 10**6])
def test_the_filter_gives_what_it_takes_however_it_is_cut(rate: int, size: int) -> None:
    mark = Watermark(1, lambda: NOON).clause("a")
    assert mark is not None
    wave = np.random.default_rng(1).standard_normal(rate // 20 + 7).astype(np.float32)
    whole = MarkFilter(mark, rate)(wave, last=True)
    assert len(whole) == len(wave) and 0.1 < np.abs(whole - wave).max() < 2.0
    cut = MarkFilter(mark, rate)
    pieces = [
        cut(wave[i : i + size], last=i + size >= len(wave)) for i in range(0, len(wave), size)
    ]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-5)


def test_without_gains_the_filter_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from voicelet.trust.watermark import pattern as watermark_pattern

    monkeypatch.setattr(watermark_pattern, "DEPTH_DB", 0.0)
    mark = Watermark(1, lambda: NOON).clause("a")
    assert mark is not None
    wave = np.random.default_rng(2).standard_normal(3001).astype(np.float32)
    np.testing.assert_allclose(MarkFilter(mark, 22050)(wave, last=True), wave, atol=1e-5)


def test_digests_differ() -> None:
    assert len({model_digest("voice", f"1.{i}") for i in range(60)}) > 45
    assert watermark.RESEARCH_SWITCH not in os.environ
