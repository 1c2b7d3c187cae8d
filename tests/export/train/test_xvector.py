"""The second speaker encoder: what is trained is what the benchmarks hear with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from voicelet_export.metrics.base import MetricError  # noqa: E402
from voicelet_export.metrics.second_encoder import MODEL, XVectorEncoder  # noqa: E402
from voicelet_export.models.xvector import XVector, XVectorConfig, save_xvector  # noqa: E402
from voicelet_export.train.xvector import XVectorTask, XVectorTraining  # noqa: E402

SMALL = XVectorConfig(channels=16, wide=24, size=12)


def test_numpy_follows_torch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = XVector(SMALL)
    with torch.no_grad():
        for _ in range(30):  # running statistics that aren't 0 and 1
            model(torch.randn(8, 60, 70) * 1.5 + 0.3)
    model.eval()
    save_xvector(model, tmp_path / "x.npz")
    judge = XVectorEncoder(tmp_path / "x.npz")
    for frames in (model.least_frames, 50, 200):
        bands = np.random.default_rng(frames).standard_normal((frames, 70)).astype(np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(bands)[None])[0].numpy()
        assert float(judge.vector(bands) @ expected) > 0.9999
    assert judge.vector(bands[:3]).shape == (12,)


def test_the_margin_makes_it_harder() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(4, 12), dim=-1)
    target = torch.tensor([0, 1, 2, 0])
    losses = []
    for margin in (0.0, 0.2):
        task = object.__new__(XVectorTask)
        task.config = XVectorTraining(model=SMALL, margin=margin, scale=10.0)
        torch.manual_seed(1)
        task.classes = torch.nn.Linear(12, 3, bias=False)
        losses.append(float(task.loss(vectors, target).detach()))
    cosines = vectors @ torch.nn.functional.normalize(task.classes.weight, dim=-1).T
    plain = torch.nn.functional.cross_entropy(10.0 * cosines, target)
    assert losses[0] == pytest.approx(float(plain.detach()), rel=1e-5) and losses[1] > losses[0]


def test_the_committed_one_tells_the_sample_speaker_from_noise_of_his_own() -> None:
    """Two halves of one person are nearer than either is to a voice an octave away."""
    from voicelet_export.corpus.reader import resample
    from voicelet_export.metrics.base import read_audio

    samples, rate = read_audio(next(iter(sorted(Path("samples").glob("reader-*.opus")))))
    encoder = XVectorEncoder()
    half = len(samples) // 2
    first, second = encoder.embed(samples[:half], rate), encoder.embed(samples[half:], rate)
    shifted = encoder.embed(resample(samples[half:], rate * 3, rate * 2), rate)
    assert first @ second > first @ shifted + 0.1
    assert MODEL.stat().st_size < 2_000_000


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(MetricError, match="VOICELET_BENCH_SECOND_ENCODER"):
        XVectorEncoder(tmp_path / "none.npz")
