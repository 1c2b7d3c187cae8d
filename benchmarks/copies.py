"""Copy-synthesis: a vocoder given the features of a recording, compared with the recording.

Originals are utterances of held-out speakers, at the rate and the level a voice is trained with.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.common import write_wav
from benchmarks.corpora import TarCorpus
from benchmarks.heldout import HeldOut
from voicelet.audio.features import FeatureConfig, FloatArray, log_mel
from voicelet.audio.level import normalize_level
from voicelet.audio.voicing import voiced_f0
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import read_audio

UTTERANCES_EACH = 2
# log mel [T, 80], log f0 [T] (interpolated where unvoiced), voicing [T] -> samples [n]
Vocode = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def write_originals(
    corpus: Path, held_out: HeldOut, out: Path, config: FeatureConfig = FeatureConfig()
) -> list[Path]:
    """Write utterances of the teacher's held-out speakers and of every second real person."""
    teacher, real = TarCorpus(corpus / "teacher"), TarCorpus(corpus / "real")
    wanted: list[tuple[TarCorpus, str]] = []
    for speaker in held_out.teacher_speakers:
        ids = sorted(i for i, row in teacher.rows.items() if row["speaker"] == speaker)
        wanted += [(teacher, i) for i in ids[:UTTERANCES_EACH]]
    wanted += [(real, person.ceiling[0]) for person in held_out.people[::2]]
    paths: list[Path] = []
    for source, utterance in wanted:
        samples, rate = source.read(utterance)
        wave = resample(samples, rate, config.sample_rate_hz)
        level = normalize_level(wave, config.sample_rate_hz)
        path = out / "originals" / f"{utterance}.wav"
        write_wav(path, np.asarray(level, dtype=np.float32), config.sample_rate_hz)
        paths.append(path)
    return paths


def vocoder_features(
    samples: FloatArray, config: FeatureConfig = FeatureConfig()
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log mel [T, n_mels], log f0 [T] (interpolated) and voicing [T] (0 or 1) of a recording."""
    mel = log_mel(samples, config)
    f0 = voiced_f0(samples, config.sample_rate_hz, config.hop_length)[: len(mel)]
    voiced = np.flatnonzero(f0 > 0.0)
    log_f0 = np.full(len(mel), 5.0, dtype=np.float32)
    if len(voiced):
        log_f0 = np.interp(np.arange(len(mel)), voiced, np.log(f0[voiced])).astype(np.float32)
    return mel, log_f0, (f0 > 0.0).astype(np.float32)


def write_copies(originals: list[Path], vocode: Vocode, out: Path) -> None:
    """Let a vocoder copy originals into `out`, with `copies.tsv`."""
    lines: list[str] = []
    for original in originals:
        samples, rate = read_audio(original)
        copy = vocode(*vocoder_features(samples))
        write_wav(out / original.name, copy, rate)
        lines.append(f"{original.name}\t{original.resolve()}\n")
    (out / "copies.tsv").write_text("".join(lines), "utf-8")


def bundle_vocoder(path: Path | None) -> Vocode:
    """The vocoder of a bundle (the embedded one for None), run by the device's own code."""
    from voicelet.bundle import open_bundle
    from voicelet.engine import get_engine
    from voicelet.synth.source_filter.vocoder import ClauseVocoder, Vocoder

    bundle = open_bundle(path)
    file, _ = bundle.graph_path("vocoder")
    features, statistics = bundle.manifest.features, bundle.manifest.statistics
    mean = np.asarray(statistics.mel_mean, dtype=np.float32)
    deviation = np.asarray(statistics.mel_std, dtype=np.float32)
    vocoder = Vocoder(
        get_engine().open(file, threads=1),
        bundle.graph("vocoder").context_frames,
        features,
    )

    def vocode(mel: FloatArray, log_f0: FloatArray, voicing: FloatArray) -> FloatArray:
        normal = ((mel - mean) / deviation).astype(np.float32)
        clause = ClauseVocoder(vocoder, normal, log_f0, voicing, np.random.default_rng(1), None)
        return clause.advance(len(normal))

    return vocode
