"""Copies, reports and the command line, on sounds made here; no metric's package is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import voicelet.bundle
import voicelet.engine
from benchmarks import copies, quality
from benchmarks.common import write_wav
from benchmarks.report.build import accepted, bounds, listening, notes
from voicelet.audio.features import FeatureConfig
from voicelet_export.metrics.base import MetricError, need, read_audio
from voicelet_export.metrics.folder import Clip, read_copies
from voicelet_export.metrics.scoring import FolderScore


def _tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    time = np.arange(int(24000 * seconds)) / 24000
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def test_copies_are_written_beside_their_originals(tmp_path: Path) -> None:
    original = tmp_path / "a.wav"
    write_wav(original, _tone(200.0), 24000)
    seen: list[tuple[int, ...]] = []

    def vocode(mel: np.ndarray, log_f0: np.ndarray, voicing: np.ndarray) -> np.ndarray:
        seen.append((*mel.shape, len(log_f0), len(voicing)))
        assert np.exp(np.median(log_f0)) == pytest.approx(200.0, rel=0.01)
        return _tone(100.0, len(mel) / 80)

    copies.write_copies([original], vocode, tmp_path / "copy")
    assert seen == [(40, 80, 40, 40)]
    ((copy, source),) = read_copies(tmp_path / "copy")
    assert source == original.resolve()
    assert len(read_audio(copy)[0]) == len(read_audio(original)[0])


def test_a_bundles_vocoder_gets_normalized_mels_and_gives_a_hop_a_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[np.ndarray] = []

    class Graph:
        inputs = (SimpleNamespace(name="voicing"),)
        outputs = tuple(
            SimpleNamespace(name=name, shape=(1, "frames", 601), dtype="float32")
            for name in ("harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude")
        )

        def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            given.append(inputs["mel"])
            zeros = np.zeros((1, inputs["mel"].shape[1], 601), np.float32)
            names = ("harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude")
            return dict.fromkeys(names, zeros)

    statistics = SimpleNamespace(mel_mean=[-4.0] * 80, mel_std=[2.0] * 80)
    manifest = SimpleNamespace(features=FeatureConfig(), statistics=statistics)
    bundle = SimpleNamespace(
        manifest=manifest,
        graph_path=lambda role: (Path(role), None),
        graph=lambda role: SimpleNamespace(context_frames=8),
    )
    engine = SimpleNamespace(open=lambda path, threads: Graph())
    monkeypatch.setattr(voicelet.bundle, "open_bundle", lambda path: bundle)
    monkeypatch.setattr(voicelet.engine, "get_engine", lambda: engine)
    mel = np.full((100, 80), -2.0, dtype=np.float32)
    vocode = copies.bundle_vocoder(None)
    out = vocode(mel, np.full(100, 5.0, np.float32), np.ones(100, np.float32))
    assert np.allclose(np.concatenate(given, axis=1), 1.0)
    assert out.shape == (100 * 300,)
    assert np.abs(out).max() > 0.0


def test_written_audio_is_clamped(tmp_path: Path) -> None:
    write_wav(tmp_path / "loud.wav", 9.0 * _tone(200.0), 24000)
    samples, rate = read_audio(tmp_path / "loud.wav")
    assert rate == 24000
    assert 0.99 < np.abs(samples).max() <= 1.0
    assert samples.max() > 0.99  # clamped, not wrapped round


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF no")
    with pytest.raises(MetricError, match="can't be read"):
        read_audio(tmp_path / "a.wav")
    with pytest.raises(MetricError, match=r"setup\.sh"):
        need("a_metric_that_nobody_wrote")


def _score(name: str, **summary: float) -> FolderScore:
    row = {"file": "a.wav", "wer": 0.25, "p808": 3.5, "similarity": 0.7}
    return FolderScore(name, dict(summary), (row,), (0.7,), (0.5,))


def test_bounds_come_from_the_recordings_of_real_people() -> None:
    real = _score("recordings", similarity=0.9, similarity_others=0.5, eer=0.02, eer_threshold=0.75)
    assert bounds([_score("voicelet", similarity=0.7)]) == {}
    limits = bounds([_score("voicelet", similarity=0.7), real])
    assert limits == {"floor": 0.5, "ceiling": 0.9, "eer": 0.02, "eer_threshold": 0.75}
    heard = ({"similarity": 0.8}, {"similarity": 0.7}, {"similarity": 0.75}, {"similarity": 0.1})
    judged = accepted(replace(_score("a", similarity=0.6), clips=heard), limits)
    assert judged == {"similarity": 0.6, "accepted": 0.5}
    assert "0.500" in notes(limits)[0] and "0.900" in notes(limits)[0]
    assert notes({}) == []


def test_the_page_has_a_table_by_sentence_and_one_by_person() -> None:
    ana = Path("references/ana.wav")
    clips = {
        "recordings": [Clip(Path("r.wav"), "", ana)],
        "voicelet": [Clip(Path("v.wav"), "Hello.", ana)],
        "piper": [Clip(Path("p.wav"), "Hello.")],
    }
    by_text, by_person = listening([_score(n) for n in clips], clips)
    assert list(by_text.columns) == ["voicelet", "piper"]
    ((label, sounds),) = by_text.rows
    assert label == "Hello."
    assert [s.path.name for s in sounds if s] == ["v.wav", "p.wav"]
    assert "WER % 25.0" in sounds[0].note if sounds[0] else False
    ((person, players),) = by_person.rows
    assert person == "ana"
    assert [s.path.name if s else None for s in players] == ["ana.wav", "r.wav", "v.wav", None]


def test_a_wrong_folder_ends_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.main(["score-folder", str(tmp_path)]) == 1
    assert "texts.tsv is missing" in capsys.readouterr().err
    assert quality.main(["--systems", "festival", "--out", str(tmp_path)]) == 1
    assert "unknown system" in capsys.readouterr().err
