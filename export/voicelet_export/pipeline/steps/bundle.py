"""Steps that make bundles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from voicelet.errors import ConfigError
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind
from voicelet_export.pipeline.survey import TFLITE, Survey


@dataclass(frozen=True)
class BundleStep:
    """A bundle of two trained models; see `voicelet_export.bundle.build.BundleRecipe`.

    Attributes:
        acoustic, vocoder: folders of runs or milestones.
        scales_from: a bundle that is quantized as this one is to be; no caches are needed then.
        presets_from: a bundle whose presets go in.
        graphs: folder of a `quantize` step, whose graphs go in as they are.
        measured: JSON object of figures.
        languages: what the models speak, the language of `g2p` first.
        packs: folders of language packs that go in.
    """

    acoustic: Path
    vocoder: Path
    g2p: Path
    caches: tuple[Path, ...] = ()
    held_out: Path | None = None
    speaker_encoder: Path | None = None
    scales_from: Path | None = None
    presets_from: Path | None = None
    graphs: Path | None = None
    precision: Literal["int8", "fp32"] = "int8"
    name: str = "voicelet-en"
    version: str = "0.1"
    voices: dict[str, str] = field(default_factory=dict)
    teacher: str = ""
    learned_from: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    provenance: dict[str, str] = field(default_factory=dict)
    measured: Path | None = None
    signing_key: Path | None = None
    languages: tuple[str, ...] = ("en-US",)
    packs: tuple[Path, ...] = ()


def _bundle(config: BundleStep, context: StepContext) -> Figures:
    from voicelet_export.bundle.build import DEFAULT_TEACHER, BundleRecipe, build_bundle
    from voicelet_export.bundle.presets import TEACHER_VOICES

    bundle = build_bundle(
        BundleRecipe(
            acoustic=config.acoustic,
            vocoder=config.vocoder,
            g2p=config.g2p,
            speaker_encoder=config.speaker_encoder,
            caches=config.caches,
            held_out=config.held_out,
            scales_from=config.scales_from,
            presets_from=config.presets_from,
            out=context.out,
            graphs=config.graphs,
            precision=config.precision,
            name=config.name,
            version=config.version,
            signing_key=config.signing_key,
            measured=read_figures((config.measured,) if config.measured else ()),
            provenance=config.provenance,
            voices=config.voices or TEACHER_VOICES,
            teacher=config.teacher or DEFAULT_TEACHER,
            learned_from=config.learned_from,
            licence=config.licence,
            languages=config.languages,
            packs=config.packs,
        )
    )
    return {"bytes": bundle.manifest.total_bytes, **bundle.manifest.measured}


def _check_bundle(config: BundleStep, survey: Survey) -> None:
    for folder, file in ((config.g2p, "lexicon.bin"),
                         (config.speaker_encoder, "speaker_encoder.onnx")):  # fmt: skip
        if folder is None or survey.step_of(folder) is not None:
            continue
        if not (folder / file).is_file():
            raise ConfigError(f"step {survey.step!r}: {folder} holds no {file}; check the path")


@dataclass(frozen=True)
class TFLiteStep:
    """A bundle again, for LiteRT; see `voicelet_export.convert.tflite.bundle.TFLiteRecipe`."""

    bundle: Path
    acoustic: Path
    vocoder: Path
    speaker_encoder: Path | None = None
    g2p: Path | None = None
    precision: Literal["int8", "fp32"] = "int8"
    keep_onnx: bool = False


def _tflite(config: TFLiteStep, context: StepContext) -> Figures:
    from voicelet_export.convert.tflite.bundle import TFLiteRecipe, build_tflite

    bundle = build_tflite(
        TFLiteRecipe(
            bundle=config.bundle,
            acoustic=config.acoustic,
            vocoder=config.vocoder,
            out=context.out,
            speaker_encoder=config.speaker_encoder,
            g2p=config.g2p,
            precision=config.precision,
            keep_onnx=config.keep_onnx,
        )
    )
    return {"bytes": bundle.manifest.total_bytes, **_litert(bundle.manifest.measured)}


def _litert(measured: dict[str, float]) -> Figures:
    return {k: v for k, v in measured.items() if k.startswith("litert")}


@dataclass(frozen=True)
class PublishStep:
    """A bundle with its measured figures in manifest and model card, signed.

    Attributes:
        bundle: as it was measured; its files but the model card stay as they are.
        figures: JSON objects of figures; later ones go before earlier ones.
        version: a new one.
        signing_key: PEM file of an Ed25519 key.
    """

    bundle: Path
    figures: tuple[Path, ...] = ()
    version: str = ""
    signing_key: Path | None = None


def _publish(config: PublishStep, context: StepContext) -> Figures:
    from voicelet.bundle import load_signing_key, open_bundle, write_bundle
    from voicelet_export.bundle.model_card import with_figures

    bundle = open_bundle(config.bundle)
    manifest = bundle.manifest
    measured = {**manifest.measured, **read_figures(config.figures)}
    files: dict[str, Path | bytes] = {f.file: bundle.root / f.file for f in manifest.files()}
    if manifest.model_card:
        card = manifest.data[manifest.model_card].file
        text = (bundle.root / card).read_text(encoding="utf-8")
        files[card] = with_figures(text, measured).encode("utf-8")
    changed = replace(manifest, measured=measured, version=config.version or manifest.version)
    key = load_signing_key(config.signing_key) if config.signing_key is not None else None
    done = write_bundle(context.out, changed, files, key)
    return {"bytes": done.manifest.total_bytes, "signed": done.signed_by is not None, **measured}


def read_figures(paths: tuple[Path, ...]) -> dict[str, float]:
    """Figures of JSON objects, one over the other.

    Raises:
        ConfigError: a file isn't a JSON object of numbers.
    """
    out: dict[str, float] = {}
    for path in paths:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            out |= {str(k): float(v) for k, v in data.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: not a JSON object of numbers ({error})") from None
    return out


KINDS = (
    StepKind("bundle", 1, BundleStep, _bundle, check=_check_bundle),
    StepKind("tflite", 1, TFLiteStep, _tflite, packages=(TFLITE,)),
    StepKind("publish", 1, PublishStep, _publish),
)
