"""Folders of wavs that metrics read, and the cache of their results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voicelet_export.metrics.__main__ import main
from voicelet_export.metrics.base import MetricError
from voicelet_export.metrics.cache import Cache, digest, file_digest
from voicelet_export.metrics.folder import read_copies, read_folder, write_texts


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "ana.wav"):
        (tmp_path / name).write_bytes(b"x")
    write_texts(tmp_path, [("a.wav", "Hello\tthere.", "ana.wav"), ("b.wav", "Bye.", "")])
    one, two = read_folder(tmp_path)
    assert (one.text, one.reference) == ("Hello there.", tmp_path / "ana.wav")
    assert (two.path, two.reference) == (tmp_path / "b.wav", None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.wav", "columns"),
        ("no.wav\thi", "no file"),
        ("a.wav\thi\tno.wav", "no file"),
        ("", "no cl"),
    ],
)
def test_a_wrong_folder_says_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(MetricError, match="missing"):
        read_folder(tmp_path)
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "texts.tsv").write_text(content)
    with pytest.raises(MetricError, match=message):
        read_folder(tmp_path)


def test_copies_need_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "copies.tsv").write_text("a.wav\tb.wav\n")
    with pytest.raises(MetricError, match="two files"):
        read_copies(tmp_path)
    (tmp_path / "b.wav").write_bytes(b"x")
    assert read_copies(tmp_path) == [(tmp_path / "a.wav", tmp_path / "b.wav")]


def test_the_cache_makes_a_thing_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    calls: list[int] = []

    def make() -> tuple[np.ndarray, int]:
        calls.append(1)
        return np.arange(4, dtype=np.float32), 24000

    key = digest("a", "b")
    assert key != digest("ab", "")
    first, again = cache.speech_or(key, make), cache.speech_or(key, make)
    assert len(calls) == 1
    assert again[1] == 24000 and np.array_equal(first[0], again[0])
    assert cache.get_or(key, lambda: {"wer": 0.5}) == cache.get_or(key, lambda: None)
    assert not list(tmp_path.rglob("*.part"))
    Cache(None).speech_or(key, make)
    assert len(calls) == 2


def test_the_hash_of_a_folder_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = file_digest(tmp_path)
    (tmp_path / "a").write_text("2")
    changed = file_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({before, changed, file_digest(tmp_path)}) == 3


def test_the_program_says_what_is_wrong_with_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--no-cache"]) == 1
    assert "texts.tsv is missing" in capsys.readouterr().err
    assert not (tmp_path / "score.json").exists()
