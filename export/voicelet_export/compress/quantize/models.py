"""Quantize the three graphs of a voice's models, tested on speakers they never heard."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx

from voicelet.files import atomic_file
from voicelet_export.compress.quantize.calibrate import VoiceData, read_voice_data
from voicelet_export.compress.quantize.files import (
    Settings,
    Sources,
    quantize_to,
    report_path,
    stricter,
)
from voicelet_export.compress.quantize.qat import fine_tune, trained_scales
from voicelet_export.compress.quantize.report import GraphReport
from voicelet_export.compress.quantize.voice import loss_changes, voice_evaluations
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph
from voicelet_export.models.int8_codes import Scale
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder
from voicelet_export.train.run import TrainingRun

log = logging.getLogger(__name__)

TEST_FEEDS = 4
ROLES = {"acoustic": ("acoustic_encoder", "acoustic_decoder"), "vocoder": ("vocoder",)}
"""Stage of training → the graphs of its model."""


@dataclass(frozen=True)
class VoiceRecipe:
    """A voice to quantize.

    Attributes:
        acoustic, vocoder: folders of models.
        caches: feature caches; their training speakers calibrate, the held-out ones test.
        held_out: JSON file of the held-out speakers.
        out: folder of `acoustic_encoder.onnx`, `acoustic_decoder.onnx` and `vocoder.onnx`, each
            with its report.
        settings: how.  The gate's `streamed` is set for the decoder and the vocoder.
        qat: "acoustic" or "vocoder" → recipe of a fine-tuning, run in `out/qat-…` if static int8
            doesn't serve every product of that model.
    """

    acoustic: Path
    vocoder: Path
    caches: tuple[Path, ...]
    held_out: Path
    out: Path
    settings: Settings = field(default_factory=Settings)
    qat: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class _Voice:
    models: Mapping[str, onnx.ModelProto]
    scales: Mapping[str, Mapping[str, Scale]]
    data: VoiceData


def quantize_models(recipe: VoiceRecipe) -> dict[str, GraphReport]:
    """Quantize a voice; returns role → report.

    A model that was fine-tuned takes the place of the one it came from only if, in int8, no loss is
    further above that of the first model in float than the gate allows.

    Raises:
        BundleError: a folder isn't a model, the caches lack speakers, or the gate is failed.
        ConfigError: a setting is wrong.
    """
    first = _read(recipe)
    # What each model gave stays apart, so that a second run finds all of it again.
    place = recipe.out / "plain" if recipe.qat else recipe.out
    reports = _quantize(recipe, first, place)
    for stage, training in recipe.qat.items():
        roles = ROLES[stage]
        if all(_serves(reports[role]) for role in roles):
            log.info("%s: int8 serves every product; nothing to fine-tune", stage)
            continue
        folder = recipe.out / f"qat-{stage}"
        vocoder = stage == "vocoder"
        start = recipe.vocoder if vocoder else recipe.acoustic
        fine_tune(TrainingRun(stage, training, recipe.caches, recipe.held_out, folder, start))
        tuned = replace(recipe, vocoder=folder) if vocoder else replace(recipe, acoustic=folder)
        second = _read(tuned)
        other = recipe.out / f"qat-{stage}-graphs"
        found = _quantize(tuned, second, other)
        changes: dict[str, float] = {}
        for role in roles:
            made = onnx.load(str(other / f"{role}.onnx"))
            after = voice_evaluations(second.data)[role](made)
            changes |= loss_changes(after, voice_evaluations(first.data)[role](first.models[role]))
        if all(v <= recipe.settings.gate.max_change for v in changes.values()):
            recipe, first, reports, place = tuned, second, found, other
            log.info("%s: fine-tuned, %s", stage, changes)
        else:
            log.info("%s: fine-tuning lost more than the gate allows (%s)", stage, changes)
    for role in reports if place != recipe.out else ():
        for source in (place / f"{role}.onnx", report_path(place / f"{role}.onnx")):
            with atomic_file(recipe.out / source.name) as file:
                file.write(source.read_bytes())
    return reports


def _serves(report: GraphReport) -> bool:
    static = next((row for row in report.schemes if row.scheme == "static"), None)
    return static is None or (static.passed and not static.kept)


def _read(recipe: VoiceRecipe) -> _Voice:
    acoustic, info = load_acoustic(recipe.acoustic)
    vocoder, _ = load_vocoder(recipe.vocoder)
    models = {
        "acoustic_encoder": encoder_graph(acoustic.encoder),
        "acoustic_decoder": decoder_graph(acoustic.decoder),
        "vocoder": vocoder_graph(vocoder),
    }
    parts = (acoustic.encoder, acoustic.decoder, vocoder)
    scales = {role: trained_scales(part, models[role]) for role, part in zip(models, parts)}
    return _Voice(models, scales, read_voice_data(recipe.caches, recipe.held_out, info, models))


def _quantize(recipe: VoiceRecipe, voice: _Voice, out: Path) -> dict[str, GraphReport]:
    evaluations, key = voice_evaluations(voice.data), _key(recipe, voice)
    reports = {}
    for role, model in voice.models.items():
        feeds = voice.data.feeds[role]
        sources = Sources(feeds, feeds[-TEST_FEEDS:], evaluations[role], voice.scales[role], key)
        settings = stricter(recipe.settings, streamed=role != "acoustic_encoder")
        reports[role] = quantize_to(out / f"{role}.onnx", model, sources, settings)
    return reports


def _key(recipe: VoiceRecipe, voice: _Voice) -> str:
    """Hash of what calibrates and tests: each graph is heard through the others."""
    digest = hashlib.sha256(recipe.held_out.read_bytes())
    for cache in recipe.caches:
        digest.update((cache / "index.json").read_bytes())
    for role, model in voice.models.items():
        digest.update(model.SerializeToString(deterministic=True))
        digest.update(repr(sorted(voice.scales[role].items())).encode())
    for statistic in (voice.data.mel_mean, voice.data.mel_std):
        digest.update(statistic.tobytes())
    return digest.hexdigest()
