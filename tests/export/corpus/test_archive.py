from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.teacher_corpus import write_corpus
from voicelet.errors import ConfigError
from voicelet_export.corpus.archive import ArchiveConfig, read_archive, write_archive
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.errors import CorpusError


def test_caches_come_back_from_an_archive(tmp_path: Path) -> None:
    first = write_corpus(tmp_path / "a", 6)
    write_corpus(tmp_path / "b", 3)
    hours = write_archive([tmp_path / "a", tmp_path / "b"], tmp_path / "x.zip")
    folders = read_archive(tmp_path / "x.zip", tmp_path / "out")
    assert [f.name for f in folders] == ["a", "b"]
    found = FeatureCache(folders[0])
    assert found.features == first.features
    frames = sum(e.n_frames for f in folders for e in FeatureCache(f).entries)
    assert hours == pytest.approx(frames / 80 / 3600)
    for old, new in zip(first.entries, found.entries, strict=True):
        assert (new.id, new.speaker, new.language) == (old.id, old.speaker, old.language)
        np.testing.assert_array_equal(found.phones(new), first.phones(old))
        np.testing.assert_array_equal(found.durations(new), first.durations(old))
        np.testing.assert_allclose(found.f0_hz(new), first.f0_hz(old), atol=0.011)
        heard = first.mel(old) > -12.0
        difference = np.abs(found.mel(new) - first.mel(old))[heard]
        assert difference.max() < 0.08
        d_vector = np.asarray(old.d_vector) / np.linalg.norm(old.d_vector)
        assert d_vector @ np.asarray(new.d_vector) > 0.999
        np.testing.assert_allclose(new.ltas, old.ltas, atol=0.01)
    assert found.audio(found.entries[0]).size == 0


def test_equal_caches_give_equal_bytes_and_a_small_size_takes_a_share(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", 12)
    for name in ("x", "y"):
        write_archive([tmp_path / "a"], tmp_path / name)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    size = (tmp_path / "x").stat().st_size / 1e6
    small = ArchiveConfig(megabytes=0.6 * size)
    write_archive([tmp_path / "a"], tmp_path / "small", small)
    assert (tmp_path / "small").stat().st_size < 0.62 * size * 1e6
    (folder,) = read_archive(tmp_path / "small", tmp_path / "out")
    assert 3 <= len(FeatureCache(folder).entries) < 9
    with pytest.raises(CorpusError, match="don't fit"):
        write_archive([tmp_path / "a"], tmp_path / "none", replace(small, megabytes=1e-5))
    with pytest.raises(ConfigError, match="above 0"):
        ArchiveConfig(megabytes=0.0)


def test_what_cannot_be_archived_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", 3)
    with pytest.raises(CorpusError, match="same name"):
        write_archive([tmp_path / "a", tmp_path / "a"], tmp_path / "x")
    write_archive([tmp_path / "a"], tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorpusError, match="copy it again"):
        read_archive(tmp_path / "cut", tmp_path / "out")
