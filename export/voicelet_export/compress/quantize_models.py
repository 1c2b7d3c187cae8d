"""Quantize the three graphs of a voice's models, judged on speakers they never heard."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from voicelet_export.compress.calibrate import read_voice_data
from voicelet_export.compress.qat import trained_scales
from voicelet_export.compress.quantize_files import Settings, Sources, quantize_to, stricter
from voicelet_export.compress.quantize_report import GraphReport
from voicelet_export.compress.voice import voice_judges
from voicelet_export.convert.checkpoint import load_acoustic, load_vocoder
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph

JUDGED_FEEDS = 4


@dataclass(frozen=True)
class VoiceRecipe:
    """A voice to quantize.

    Attributes:
        acoustic, vocoder: folders of models.
        caches: feature caches; their training speakers calibrate, the held-out ones judge.
        held_out: JSON file of the held-out speakers.
        out: folder of `acoustic_encoder.onnx`, `acoustic_decoder.onnx` and `vocoder.onnx`, each
            with its report.
        settings: how.  The gate's `streamed` is set for the decoder and the vocoder.
    """

    acoustic: Path
    vocoder: Path
    caches: tuple[Path, ...]
    held_out: Path
    out: Path
    settings: Settings = field(default_factory=Settings)


def quantize_models(recipe: VoiceRecipe) -> dict[str, GraphReport]:
    """Quantize a voice; returns role → report.

    Raises:
        BundleError: a folder isn't a model, the caches lack speakers, or the gate is failed.
        ConfigError: a setting is wrong.
    """
    acoustic, info = load_acoustic(recipe.acoustic)
    vocoder, _ = load_vocoder(recipe.vocoder)
    models = {
        "acoustic_encoder": encoder_graph(acoustic.encoder),
        "acoustic_decoder": decoder_graph(acoustic.decoder),
        "vocoder": vocoder_graph(vocoder),
    }
    modules = {
        "acoustic_encoder": acoustic.encoder,
        "acoustic_decoder": acoustic.decoder,
        "vocoder": vocoder,
    }
    data = read_voice_data(recipe.caches, recipe.held_out, info, models)
    judges = voice_judges(data)
    reports = {}
    for role, model in models.items():
        trained = trained_scales(modules[role], model)
        feeds = data.feeds[role]
        sources = Sources(feeds, feeds[-JUDGED_FEEDS:], judges[role], trained, _key(recipe))
        settings = stricter(recipe.settings, streamed=role != "acoustic_encoder")
        reports[role] = quantize_to(recipe.out / f"{role}.onnx", model, sources, settings)
    return reports


def _key(recipe: VoiceRecipe) -> str:
    """Hash of what calibrates and judges; the models stand in the graphs."""
    digest = hashlib.sha256(recipe.held_out.read_bytes())
    for cache in recipe.caches:
        digest.update((cache / "index.json").read_bytes())
    for folder in (recipe.acoustic, recipe.vocoder):
        # What the other graphs compute is heard through this one.
        for name in ("checkpoint.pt", "weights.safetensors"):
            if (folder / name).exists():
                digest.update((folder / name).read_bytes())
    return json.dumps({"data": digest.hexdigest()})
