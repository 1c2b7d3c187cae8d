"""Steps that turn corpora into caches and caches into others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet_export.errors import CorpusError
from voicelet_export.pipeline.cache import write_json
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind
from voicelet_export.pipeline.steps.data import cache_figures, link_or_copy
from voicelet_export.pipeline.survey import (
    CACHE_MB_A_MINUTE,
    DENOISER,
    WORLD,
    Estimate,
    Survey,
)


@dataclass(frozen=True)
class PrepareStep:
    """A feature cache of a corpus of any layout, aligned; see `voicelet_export.corpus.prepare`.

    Rows that tell phones, durations and f0 are taken at their word.

    Attributes:
        corpus: folder of recordings and texts, or a packed corpus.
        encoder: the speaker encoder, ONNX.
        aligner: weights, safetensors; without them nothing is aligned.
        lexicon: `lexicon.bin`.
        g2p: letter-to-sound graph for words it lacks.
        pack: fields of `voicelet_export.corpus.pack.PackConfig`.
        bounds: fields of `voicelet_export.corpus.align_cache.RealAlignConfig`.
        least_minutes: of speech; less isn't worth a training, and is refused before it begins.
    """

    corpus: Path
    encoder: Path
    lexicon: Path
    aligner: Path | None = None
    g2p: Path | None = None
    pack: dict[str, Any] = field(default_factory=dict)
    bounds: dict[str, Any] = field(default_factory=dict)
    least_minutes: float = 10.0


def _prepare(config: PrepareStep, context: StepContext) -> Figures:
    import torch

    from voicelet_export.corpus.align_cache import RealAlignConfig
    from voicelet_export.corpus.cache import CACHE_FILES
    from voicelet_export.corpus.pack import PackConfig
    from voicelet_export.corpus.prepare import Tools, prepare_data

    torch.set_num_threads(1)
    where = f"step {context.name!r}"
    tools = Tools(
        encoder=config.encoder,
        aligner=config.aligner,
        lexicon=config.lexicon,
        g2p=config.g2p,
        bounds=from_mapping(RealAlignConfig, config.bounds, f"{where}: bounds"),
    )
    pack = from_mapping(PackConfig, config.pack, f"{where}: pack")
    made = prepare_data(config.corpus, context.partial, tools, pack, context.progress)
    for name in (*CACHE_FILES, "index.json", "alignment.json"):
        if (made / name).is_file():
            link_or_copy(made / name, context.out / name)
    return cache_figures(context.out)


def _check_prepare(config: PrepareStep, survey: Survey) -> None:
    from voicelet_export.corpus.align_cache import RealAlignConfig
    from voicelet_export.corpus.pack import PackConfig

    pack = from_mapping(PackConfig, config.pack, f"step {survey.step!r}: pack")
    from_mapping(RealAlignConfig, config.bounds, f"step {survey.step!r}: bounds")
    survey.require_minutes(config.corpus, config.least_minutes, pack.layout, pack.most_per_speaker)


def _estimate_prepare(config: PrepareStep, survey: Survey) -> Estimate:
    from voicelet_export.corpus.pack import PackConfig

    pack = from_mapping(PackConfig, config.pack, f"step {survey.step!r}: pack")
    minutes = survey.minutes(config.corpus, pack.layout, pack.most_per_speaker)
    # The packed corpus and the parts of the cache lie beside the cache until it is whole.
    return Estimate(minutes, 2.6 * CACHE_MB_A_MINUTE * minutes)


@dataclass(frozen=True)
class DenoiseStep:
    """The aligned utterances of a cache, denoised; see `voicelet_export.corpus.denoise`.

    Attributes:
        cache: aligned.
        encoder: the speaker encoder, ONNX.
        least_cosine: whose d-vector moves further is left out.
    """

    cache: Path
    encoder: Path
    least_cosine: float = 0.9


def _denoise(config: DenoiseStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.denoise import denoise_cache

    done = denoise_cache(
        config.cache, context.out, config.encoder, context.progress, config.least_cosine
    )
    if not done.kept:
        raise CorpusError(
            f"step {context.name!r}: after denoising, all {done.changed} utterances sound "
            "like other speakers; are these recordings of speech?"
        )
    return {"left_out": done.changed, **cache_figures(context.out)}


@dataclass(frozen=True)
class VoicingStep:
    """A cache whose voicing is decided anew; see `voicelet_export.corpus.voicing`.

    Attributes:
        cache: of any kind.
        corpus: its corpus, if its rows tell an f0.
    """

    cache: Path
    corpus: Path | None = None


def _voicing(config: VoicingStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.voicing import revoice_cache

    for file in sorted(p for p in config.cache.iterdir() if p.is_file()):
        link_or_copy(file, context.out / file.name)
    # What is linked is never written to: a file that changes is replaced.
    before, after = revoice_cache(context.out, config.corpus, context.progress)
    voiced = {"voiced_before": round(before, 4), "voiced": round(after, 4)}
    return {**voiced, **cache_figures(context.out)}


@dataclass(frozen=True)
class AugmentStep:
    """Changed copies of a cache; see `voicelet_export.corpus.augment.AugmentConfig`.

    Attributes:
        cache: whose utterances are copied.
        encoder: the speaker encoder, ONNX; for a changed speed.
        held_out: JSON of speakers that get no copies.
        config: what is changed.
    """

    cache: Path
    encoder: Path | None = None
    held_out: Path | None = None
    config: dict[str, Any] = field(default_factory=dict)


def _augment(config: AugmentStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.augment import AugmentConfig, augment_cache
    from voicelet_export.corpus.cache import CACHE_FILES
    from voicelet_export.train.data import read_held_out

    settings = from_mapping(AugmentConfig, config.config, f"step {context.name!r}: config")
    left_out = sorted(read_held_out(config.held_out)) if config.held_out is not None else []
    made = context.partial / "cache"
    augment_cache(config.cache, made, settings, config.encoder, left_out, context.progress)
    for name in (*CACHE_FILES, "index.json"):
        link_or_copy(made / name, context.out / name)
    return cache_figures(context.out)


def _check_augment(config: AugmentStep, survey: Survey) -> None:
    from voicelet_export.corpus.augment import AugmentConfig

    from_mapping(AugmentConfig, config.config, f"step {survey.step!r}: config")


def _estimate_augment(config: AugmentStep, survey: Survey) -> Estimate:
    copies = config.config.get("copies", 1)
    minutes = survey.minutes(config.cache) * (copies if isinstance(copies, int) else 1)
    return Estimate(minutes, 2.0 * CACHE_MB_A_MINUTE * minutes)


@dataclass(frozen=True)
class MergeStep:
    """Several caches as one.

    Attributes:
        caches: no utterance may be in two of them.
    """

    caches: tuple[Path, ...]


def _merge(config: MergeStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.merge import merge_caches

    merge_caches(config.caches, context.out)
    return cache_figures(context.out)


@dataclass(frozen=True)
class SplitStep:
    """The speakers that are kept out of training: `held_out.json`.

    A cache that names some itself (`held_out.json`) is taken at its word; of each other cache a
    twentieth is drawn, whole speakers where there are several.

    Attributes:
        caches: of all trainings; none where `given` is to serve alone.
        given: JSON of more speakers.
    """

    caches: tuple[Path, ...] = ()
    given: Path | None = None


def _split(config: SplitStep, context: StepContext) -> Figures:
    from voicelet_export.corpus.cache import FeatureCache
    from voicelet_export.corpus.splits import draw_held_out
    from voicelet_export.train.data import read_held_out

    names = read_held_out(config.given) if config.given is not None else set()
    caches = [FeatureCache(folder) for folder in config.caches]
    for cache in caches:
        known = {entry.speaker for entry in cache.entries}
        # A cache with speakers of `given` needs no others, but what it names itself stays out.
        if (cache.folder / "held_out.json").is_file() or not known & names:
            names |= draw_held_out([cache], aligned=any(e.n_phones for e in cache.entries))
    write_json(context.out / "held_out.json", sorted(names))
    return {"held_out": len(names)}


def _estimate_copy(config: Any, survey: Survey) -> Estimate:
    minutes = survey.minutes(config.cache)
    return Estimate(minutes, CACHE_MB_A_MINUTE * minutes)


def _estimate_linked(config: Any, survey: Survey) -> Estimate:
    return Estimate(survey.minutes(config.cache), 1.0)


def _estimate_merge(config: MergeStep, survey: Survey) -> Estimate:
    minutes = sum(survey.minutes(cache) for cache in config.caches)
    return Estimate(minutes, CACHE_MB_A_MINUTE * minutes)


KINDS = (
    StepKind(
        "prepare", 1, PrepareStep, _prepare, resumable=True,
        check=_check_prepare, estimate=_estimate_prepare,
    ),
    StepKind(
        "denoise", 1, DenoiseStep, _denoise, packages=(DENOISER,), estimate=_estimate_copy
    ),
    StepKind(
        "voicing", 1, VoicingStep, _voicing, packages=(WORLD,), estimate=_estimate_linked
    ),
    StepKind(
        "augment", 1, AugmentStep, _augment, resumable=True, check=_check_augment,
        estimate=_estimate_augment,
    ),
    StepKind("merge", 1, MergeStep, _merge, estimate=_estimate_merge),
    StepKind("split", 1, SplitStep, _split),
)  # fmt: skip
