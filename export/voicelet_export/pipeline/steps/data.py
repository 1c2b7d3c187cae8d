"""Steps that make what models learn from: labelled corpora, feature caches, predicted mels."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.pipeline.cache import write_json
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind


@dataclass(frozen=True)
class SyntheticStep:
    """A packed corpus of buzzing vowels: enough to try a pipeline with, of no other use.

    Attributes:
        utterances, speakers: how many.
        seed: of everything random.
    """

    utterances: int = 12
    speakers: int = 3
    seed: int = 1


def _synthetic(config: SyntheticStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.synthetic import write_synthetic_corpus

    seconds = write_synthetic_corpus(context.out, config.utterances, config.speakers, config.seed)
    return {"utterances": config.utterances, "seconds": round(seconds, 2)}


@dataclass(frozen=True)
class WriteStep:
    """A small JSON file, such as a list of speakers to hold out.

    Attributes:
        file: its name.
        value: what it holds.
    """

    file: str
    value: Any


def _write(config: WriteStep, context: StepContext) -> Figures:
    if Path(config.file).name != config.file or config.file.startswith("."):
        raise ConfigError(f"step {context.name!r}: {config.file!r} isn't the name of a file")
    write_json(context.out / config.file, config.value)
    return {}


@dataclass(frozen=True)
class LabelStep:
    """A teacher speaks a corpus; see `voicelet_export.teach.label.LabelConfig`.

    Attributes:
        teacher: a Piper voice, or a model folder.
        texts: a corpus folder with phonemes, or a text file.
        encoder: the speaker encoder, ONNX.
    """

    teacher: Path
    texts: Path
    encoder: Path
    hours: float = 1.0
    seed: int = 1
    name: str = "teacher"
    held_out_every: int = 25
    max_seconds: float = 9.0
    label_delay_frames: float = 4.5


def _label(config: LabelStep, context: StepContext) -> Figures:
    from voicelet_export.teach.label import LabelConfig, label_corpus, read_phones
    from voicelet_export.teach.open import open_teacher

    cache = context.partial / "cache"
    if not (cache / "index.json").exists():  # written last
        options = LabelConfig(
            hours=config.hours,
            held_out_every=config.held_out_every,
            seed=config.seed,
            label_delay_frames=config.label_delay_frames,
            max_seconds=config.max_seconds,
            name=config.name,
        )
        phones = read_phones(config.texts)
        teacher = open_teacher(config.teacher)
        label_corpus(teacher, phones, cache, config.encoder, options, context.progress)
    for file in sorted(p for p in cache.iterdir() if p.is_file()):
        link_or_copy(file, context.out / file.name)
    return cache_figures(context.out)


@dataclass(frozen=True)
class CacheStep:
    """Features of a packed corpus, aligned where its rows are.

    Attributes:
        corpus: its folder.
        encoder: the speaker encoder, ONNX.
    """

    corpus: Path
    encoder: Path


def _cache(config: CacheStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.align_cache import build_real_cache
    from voicelet_export.corpus.cache import build_aligned_cache
    from voicelet_export.corpus.reader import read_rows

    rows = read_rows(config.corpus)
    aligned = bool(rows) and all("frames" in row and "phonemes" in row for row in rows)
    build = build_aligned_cache if aligned else build_real_cache
    build(config.corpus, context.out, config.encoder)
    return cache_figures(context.out)


@dataclass(frozen=True)
class AlignStep:
    """A cache of recordings gets phones and durations.

    Attributes:
        cache: of a corpus without alignments.
        corpus: where the transcripts are.
        aligner: weights, safetensors.
        lexicon: `lexicon.bin`.
        g2p: letter-to-sound graph for words it lacks.
    """

    cache: Path
    corpus: Path
    aligner: Path
    lexicon: Path
    g2p: Path | None = None


def _align(config: AlignStep, context: StepContext) -> Figures:
    import torch

    from voicelet.text.g2p import NeuralG2P
    from voicelet.text.lexicon import Lexicon
    from voicelet_export.corpus.align_cache import RecordingAligner, align_cache
    from voicelet_export.corpus.transcripts import TranscriptReader
    from voicelet_export.models.aligner import FramePosteriors, load_aligner

    torch.set_num_threads(1)
    shutil.copytree(config.cache, context.out, dirs_exist_ok=True)
    g2p = NeuralG2P(config.g2p) if config.g2p is not None else None
    reader = TranscriptReader(Lexicon.open(config.lexicon), g2p)
    aligner = RecordingAligner(reader, FramePosteriors(load_aligner(config.aligner)))
    report = align_cache(context.out, config.corpus, aligner)
    counts = {k: v for k, v in report.items() if isinstance(v, (int, float))}
    return {**cache_figures(context.out), **counts}


@dataclass(frozen=True)
class PredictStep:
    """A copy of a cache with the mels that an acoustic model predicts.

    Attributes:
        acoustic: folder of a run or a milestone.
        cache: to predict.
    """

    acoustic: Path
    cache: Path


def _predict(config: PredictStep, context: StepContext) -> Figures:
    import torch

    from voicelet_export.train.predicted_mels import predict_cache

    torch.set_num_threads(1)
    predicted = predict_cache(config.acoustic, config.cache, context.out)
    return {"predicted": predicted, **cache_figures(context.out)}


def cache_figures(folder: Path) -> Figures:
    """Utterances, hours and speakers of a feature cache."""
    from voicelet_export.corpus.cache import FeatureCache

    cache = FeatureCache(folder)
    frames = sum(e.n_frames for e in cache.entries)
    hop, rate = cache.features.hop_length, cache.features.sample_rate_hz
    return {
        "utterances": len(cache.entries),
        "aligned": sum(e.n_phones > 0 for e in cache.entries),
        "hours": round(frames * hop / rate / 3600.0, 4),
        "speakers": len({e.speaker for e in cache.entries}),
    }


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


KINDS = (
    StepKind("synthetic", 1, SyntheticStep, _synthetic),
    StepKind("write", 1, WriteStep, _write),
    StepKind("label", 1, LabelStep, _label, resumable=True),
    StepKind("cache", 1, CacheStep, _cache),
    StepKind("align", 1, AlignStep, _align),
    StepKind("predict", 1, PredictStep, _predict),
)
