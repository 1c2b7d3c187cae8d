"""`voicelet-export bundle`: from training runs to a bundle that a device opens."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import onnx
import torch

from voicelet.audio.features import FeatureConfig
from voicelet.bundle import (
    SCHEMA_VERSION,
    UNHASHED,
    Bundle,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Statistics,
    TensorSpec,
    load_signing_key,
    open_bundle,
    write_bundle,
)
from voicelet.errors import BundleError, PackError
from voicelet.packs.bundled import pack_files
from voicelet.text.pack.folder import PACKAGED, languages
from voicelet.text.pack.packaged import match_tag
from voicelet.text.phones import ENGLISH_SYMBOLS, MULTILINGUAL_SYMBOLS
from voicelet_export.bundle.model_card import LEARNED_FROM, model_card
from voicelet_export.bundle.presets import TEACHER_VOICES, measure_presets, presets_of
from voicelet_export.compress.quantize.speaker_encoder import int8_speaker_encoder
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph
from voicelet_export.convert.parity import check_acoustic, check_vocoder
from voicelet_export.models.fastspeech2 import PITCH_SCALE
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder

log = logging.getLogger(__name__)

Precision = Literal["int8", "fp32"]

DEFAULT_TEACHER = "Kokoro-82M (Apache-2.0)"
DEFAULT_TAG = "en-US"
_DTYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}


@dataclass(frozen=True)
class BundleRecipe:
    """What goes into a bundle.

    Attributes:
        acoustic, vocoder: folders of training runs or of milestones.
        g2p: folder with `lexicon.bin` and, where there is one, `g2p.onnx`; a bundle has both.
        speaker_encoder: folder with `speaker_encoder.onnx`, whose weights an int8 bundle stores in
            int8 (a graph that is stored so already goes in as it is).  `None` for a voice that
            nobody is enrolled in.
        caches: feature caches, for presets and calibration.
        held_out: JSON file of the speakers that quality is gated on.
        scales_from: bundle whose int8 graphs say which products are quantized and with which
            scales of activations; calibration and its caches aren't needed then.
        presets_from: bundle whose presets go in, in place of those that the caches give.
        out: folder of the bundle, replaced if it is there.
        precision: "int8" quantizes the acoustic model, the vocoder and the speaker encoder.
        graphs: folder of `acoustic_encoder.onnx`, `acoustic_decoder.onnx` and `vocoder.onnx`, made
            of the same models by `voicelet-export quantize`; they go in as they are.
        name, version: of the bundle.
        signing_key: PEM file of an Ed25519 key.
        publish_key: text file that the signer's public key is written to, as what a package trusts.
        measured: figures for manifest and model card.
        provenance: text for the manifest.
        voices: speaker of a cache → description; they become the presets, the first the default.
        teacher: who spoke the corpus, with its licence.
        learned_from: sources for the model card; if empty, those of the default voice, and the
            teacher before them where it is another.
        licence: SPDX expression.
        languages: BCP 47 tags of what the models speak, the first that of `g2p`.  The language pack
            of every further one goes into the bundle.
        packs: folders of language packs that go in; one of a language of `languages` stands for the
            pack that the package has of it.
    """

    acoustic: Path
    vocoder: Path
    g2p: Path
    speaker_encoder: Path | None
    out: Path
    caches: tuple[Path, ...] = ()
    held_out: Path | None = None
    scales_from: Path | None = None
    presets_from: Path | None = None
    precision: Precision = "int8"
    graphs: Path | None = None
    name: str = "voicelet-en"
    version: str = "0.1"
    signing_key: Path | None = None
    publish_key: Path | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    voices: Mapping[str, str] = field(default_factory=lambda: dict(TEACHER_VOICES))
    teacher: str = DEFAULT_TEACHER
    learned_from: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    languages: tuple[str, ...] = (DEFAULT_TAG,)
    packs: tuple[Path, ...] = ()


def build_bundle(recipe: BundleRecipe) -> Bundle:
    """Export, check, quantize, gather, sign, write, and open what was written.

    Raises:
        BundleError: a run or a file is missing or doesn't fit, or a graph doesn't compute what its
            model computes.
        ConfigError: a run's configuration is wrong, or a preset's voice isn't in the caches.
    """
    torch.set_num_threads(1)
    _check_sources(recipe)
    packs = _packs(recipe)
    acoustic, info = load_acoustic(recipe.acoustic)
    phones = _phones(recipe, acoustic.config.n_symbols)
    vocoder, vocoder_info = load_vocoder(recipe.vocoder)
    if not (
        (info.mel_mean == vocoder_info.mel_mean).all()
        and (info.mel_std == vocoder_info.mel_std).all()
    ):
        raise BundleError(
            f"{recipe.acoustic} and {recipe.vocoder} were trained on mels of different statistics; "
            "train one of them again with the other's statistics.json"
        )
    models = {
        "acoustic_encoder": encoder_graph(acoustic.encoder),
        "acoustic_decoder": decoder_graph(acoustic.decoder),
        "vocoder": vocoder_graph(vocoder),
    }
    worst = max(
        check_acoustic(acoustic, models["acoustic_encoder"], models["acoustic_decoder"]),
        check_vocoder(vocoder, models["vocoder"]),
    )
    log.info("graphs follow the models to %.1e", worst)
    measured = dict(recipe.measured)
    if recipe.graphs is not None:
        from voicelet_export.compress.quantize.files import losses_of

        measured |= losses_of(recipe.graphs, models)
        models = {role: _given(recipe.graphs, role, model) for role, model in models.items()}
    elif recipe.precision == "int8" and recipe.scales_from is not None:
        from voicelet_export.compress.quantize.requantize import quantize_like

        models = quantize_like(models, open_bundle(recipe.scales_from))
    elif recipe.precision == "int8":
        from voicelet_export.compress.quantize.qat import trained_scales
        from voicelet_export.compress.quantize.voice import quantize_voice

        assert recipe.held_out is not None  # _check_sources has seen to it
        parts = (acoustic.encoder, acoustic.decoder, vocoder)
        trained = {r: trained_scales(part, models[r]) for r, part in zip(models, parts)}
        models, figures = quantize_voice(models, info, recipe.caches, recipe.held_out, trained)
        measured |= figures
    contexts = {
        "acoustic_decoder": acoustic.config.context_frames,
        "vocoder": vocoder.config.context_frames,
    }
    files: dict[str, Path | bytes] = {}
    graphs = {}
    for role, model in models.items():
        files[f"{role}.onnx"] = bytes(model.SerializeToString())
        graphs[role] = _spec(role, model, _precision(model), contexts.get(role, 0))
    for role, model in _borrowed(recipe).items():
        files[f"{role}.onnx"] = bytes(model.SerializeToString())
        graphs[role] = _spec(role, model, _precision(model), 0)
    if recipe.presets_from is not None:
        presets, table = presets_of(open_bundle(recipe.presets_from), acoustic.config.speaker_size)
    else:
        presets, table = measure_presets(recipe.caches, info.mel_mean, info.mel_std, recipe.voices)
    files |= {"lexicon.bin": recipe.g2p / "lexicon.bin", "presets.npy": table}
    files |= packs
    files["MODEL_CARD.md"] = model_card(
        name=recipe.name,
        version=recipe.version,
        licence=recipe.licence,
        precision=recipe.precision,
        total_bytes=sum(_size(f) for f in files.values()),
        acoustic_step=info.step,
        vocoder_step=vocoder_info.step,
        presets=tuple(p.name for p in presets),
        has_g2p="g2p" in graphs,
        measured=measured,
        has_encoder="speaker_encoder" in graphs,
        learned_from=_learned_from(recipe),
    ).encode()
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        version=recipe.version,
        languages=recipe.languages,
        sample_rate_hz=FeatureConfig().sample_rate_hz,
        features=FeatureConfig(),
        statistics=Statistics(
            tuple(round(float(v), 5) for v in info.mel_mean),
            tuple(round(float(v), 5) for v in info.mel_std),
            PITCH_SCALE,
            acoustic.config.speaker_size,
            acoustic.config.label_delay_frames,
        ),
        phones=phones,
        graphs=graphs,
        data={
            "lexicon": BundleFile("lexicon.bin", UNHASHED, 0),
            "presets": BundleFile("presets.npy", UNHASHED, 0),
            "model_card": BundleFile("MODEL_CARD.md", UNHASHED, 0),
            **{name: BundleFile(name, UNHASHED, 0) for name in packs},
        },
        presets=presets,
        licence=recipe.licence,
        model_card="model_card",
        provenance={
            "teacher": recipe.teacher,
            "acoustic_steps": str(info.step),
            "vocoder_steps": str(vocoder_info.step),
            **recipe.provenance,
        },
        measured=measured,
    )
    key = load_signing_key(recipe.signing_key) if recipe.signing_key is not None else None
    bundle = write_bundle(recipe.out, manifest, files, key)
    if recipe.publish_key is not None and bundle.signed_by is not None:
        recipe.publish_key.write_text(bundle.signed_by + "\n", encoding="utf-8")
    log.info("%s: %.2f MB", recipe.out, bundle.manifest.total_bytes / 1e6)
    return bundle


def _check_sources(recipe: BundleRecipe) -> None:
    """Refuse a recipe that lacks what its presets or its scales are measured with."""
    if recipe.presets_from is None and not recipe.caches:
        raise BundleError(
            "presets are measured with feature caches; give --cache, or --presets-from a bundle"
        )
    calibrated = recipe.precision == "int8" and recipe.graphs is None
    if calibrated and recipe.scales_from is None and not (recipe.caches and recipe.held_out):
        raise BundleError(
            "int8 is calibrated on feature caches; give --cache and --held-out, --scales-from a "
            "bundle of the same architecture, or --precision fp32"
        )


def _packs(recipe: BundleRecipe) -> dict[str, bytes]:
    """Files of the language packs that go in: path inside the bundle → bytes."""
    folders = {folder.name.lower(): folder for folder in recipe.packs}
    try:
        for tag in recipe.languages[1:]:
            if tag.lower() not in folders:
                name = match_tag(tag, (*folders, *languages()))
                folders.setdefault(name, PACKAGED / name)
        return {
            name: raw for folder in folders.values() for name, raw in pack_files(folder).items()
        }
    except PackError as error:
        raise BundleError(str(error)) from None


def _phones(recipe: BundleRecipe, known: int) -> str:
    """The inventory: that of all languages where there is more than English.

    Args:
        known: symbols that the acoustic model has room for.
    """
    if all(tag.split("-")[0].lower() == "en" for tag in recipe.languages):
        return ENGLISH_SYMBOLS
    if known < len(MULTILINGUAL_SYMBOLS):
        raise BundleError(
            f"{recipe.acoustic} was trained on {known} phone symbols, and {recipe.languages} need"
            f" {len(MULTILINGUAL_SYMBOLS)}; train it on a corpus of these languages"
        )
    return MULTILINGUAL_SYMBOLS


def _borrowed(recipe: BundleRecipe) -> dict[str, onnx.ModelProto]:
    """Graphs that other commands make, by role."""
    out: dict[str, onnx.ModelProto] = {}
    if recipe.speaker_encoder is not None:
        path = recipe.speaker_encoder / "speaker_encoder.onnx"
        if not path.is_file():
            raise BundleError(f"{recipe.speaker_encoder}: holds no {path.name}")
        encoder = onnx.load(str(path))
        if recipe.precision == "int8" and _precision(encoder) == "fp32":
            encoder = int8_speaker_encoder(encoder)
        out["speaker_encoder"] = encoder
    if (recipe.g2p / "g2p.onnx").is_file():
        out["g2p"] = onnx.load(str(recipe.g2p / "g2p.onnx"))
    if not (recipe.g2p / "lexicon.bin").is_file():
        raise BundleError(f"{recipe.g2p}: holds no lexicon.bin; an open voice's folder has one")
    return out


def _given(folder: Path, role: str, model: onnx.ModelProto) -> onnx.ModelProto:
    """A quantized graph, if it takes and gives what the model's own does."""
    from voicelet_export.compress.quantize.files import read_graph

    path = folder / f"{role}.onnx"
    read_graph(path)  # refuses what can't be run
    given = onnx.load(str(path))
    for own, other in ((model.graph.input, given.graph.input),
                       (model.graph.output, given.graph.output)):  # fmt: skip
        if [_tensor(v) for v in own] != [_tensor(v) for v in other]:
            raise BundleError(f"{path}: made of another model; quantize this one")
    return given


def _learned_from(recipe: BundleRecipe) -> tuple[str, ...]:
    if recipe.learned_from or recipe.teacher == DEFAULT_TEACHER:
        return recipe.learned_from
    return (f"Speech generated by {recipe.teacher}.", *LEARNED_FROM)


def _spec(role: str, model: onnx.ModelProto, precision: str, context: int) -> GraphSpec:
    file = GraphFile(
        file=f"{role}.onnx",
        sha256=UNHASHED,
        bytes=0,
        engine="onnx",
        inputs=tuple(_tensor(v) for v in model.graph.input),
        outputs=tuple(_tensor(v) for v in model.graph.output),
        precision=precision,
    )
    return GraphSpec((file,), context)


def _precision(model: onnx.ModelProto) -> str:
    """For people: what most weights are stored in."""
    sizes = {"int8": 0, "fp16": 0, "fp32": 0}
    kinds = {
        onnx.TensorProto.INT8: "int8",
        onnx.TensorProto.UINT8: "int8",
        onnx.TensorProto.FLOAT16: "fp16",
        onnx.TensorProto.FLOAT: "fp32",
    }
    for tensor in model.graph.initializer:
        if tensor.data_type in kinds:
            sizes[kinds[tensor.data_type]] += math.prod(tensor.dims)
    return max(sizes, key=lambda name: sizes[name])


def _tensor(value: onnx.ValueInfoProto) -> TensorSpec:
    kind = value.type.tensor_type
    if kind.elem_type not in _DTYPES:
        raise BundleError(f"{value.name}: only float32 and int64 may cross the edge of a graph")
    shape = tuple(d.dim_param or (d.dim_value if d.dim_value else "any") for d in kind.shape.dim)
    return TensorSpec(value.name, _DTYPES[kind.elem_type], shape)


def _size(file: Path | bytes) -> int:
    return len(file) if isinstance(file, bytes) else file.stat().st_size
