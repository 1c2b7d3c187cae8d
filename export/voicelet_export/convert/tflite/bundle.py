"""`voicelet-export tflite`: a bundle again, with its graphs for LiteRT."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from voicelet.bundle import (
    UNHASHED,
    Bundle,
    BundleFile,
    GraphFile,
    GraphSpec,
    TensorSpec,
    open_bundle,
    write_bundle,
)
from voicelet.bundle.manifest import canonical_bytes
from voicelet.errors import BundleError
from voicelet.synth.front_end import UNITS_ROLE
from voicelet_export.convert.tflite.models import DecoderAtLength, EncoderAtLength, VocoderAtLength
from voicelet_export.convert.tflite.modules import (
    Precision,
    Signature,
    at_lengths,
    convert,
    quantize,
    without_names,
)
from voicelet_export.convert.tflite.parity import (
    Reference,
    check_graph,
    g2p_references,
    speaker_references,
    voice_references,
)
from voicelet_export.convert.tflite.small_models import G2PAtLength, LSTMEnd, LSTMStep
from voicelet_export.models.g2p import G2P, UNITS, G2PConfig
from voicelet_export.models.speaker_encoder import SpeakerEncoder
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder

log = logging.getLogger(__name__)

ARCHITECTURE = "voicelet"


@dataclass(frozen=True)
class TFLiteRecipe:
    """What is converted, and how.

    Attributes:
        bundle: folder or archive of the ONNX bundle; all but the graphs is taken from it.
        acoustic, vocoder: model folders that the bundle was made of.
        out: folder of the new bundle, replaced if it is there.
        speaker_encoder: folder with `speaker_encoder.safetensors`; None keeps that graph in ONNX.
        g2p: folder with `g2p.safetensors`; None keeps that graph in ONNX.
        precision: "int8" stores weights in int8.
        keep_onnx: offer the graphs for ONNX Runtime as well, after those for LiteRT.
        phone_lengths, frame_lengths, letter_lengths: that there are signatures for.
        windows: rows that the speaker encoder takes at once.
    """

    bundle: Path
    acoustic: Path
    vocoder: Path
    out: Path
    speaker_encoder: Path | None = None
    g2p: Path | None = None
    precision: Precision = "int8"
    keep_onnx: bool = False
    phone_lengths: tuple[int, ...] = (32, 64, 128, 208)
    frame_lengths: tuple[int, ...] = (64, 128, 256, 384)
    letter_lengths: tuple[int, ...] = (16, 48)
    windows: int = 8

    def __post_init__(self) -> None:
        lengths = (*self.phone_lengths, *self.frame_lengths, *self.letter_lengths, self.windows)
        if not lengths or min(lengths) < 1 or max(lengths) > 4096:
            raise ValueError("lengths must lie between 1 and 4096")


def build_tflite(recipe: TFLiteRecipe) -> Bundle:
    """Convert, quantize, compare with the models, write, and open what was written.

    The same models give the same bytes.

    Raises:
        BundleError: the bundle or a model can't be read, they don't belong together, or a graph
            doesn't compute what its model computes.
        EngineError: a tool isn't installed, or can't convert a graph.
    """
    torch.set_num_threads(1)
    source = open_bundle(recipe.bundle)
    if source.manifest.architecture != ARCHITECTURE:
        raise BundleError(
            f"{recipe.bundle}: only bundles of the architecture {ARCHITECTURE!r} can be converted, "
            f"this one is of {source.manifest.architecture!r}"
        )
    signatures, found = _voice_signatures(recipe, source)
    if recipe.speaker_encoder is not None:
        encoder = _load_speaker_encoder(recipe.speaker_encoder)
        signatures["speaker_encoder"] = _speaker_signatures(encoder, recipe.windows)
        found["speaker_encoder"] = speaker_references(encoder, recipe.windows)
    extra: dict[str, bytes] = {}
    if recipe.g2p is not None:
        g2p = _load_g2p(recipe.g2p)
        signatures["g2p"] = at_lengths(G2PAtLength(g2p), recipe.letter_lengths, _letters)
        found["g2p"] = g2p_references(g2p)
        extra["g2p_units.json"] = json.dumps(UNITS, ensure_ascii=False).encode()
    graphs, files, measured = dict(source.manifest.graphs), dict[str, bytes](), {}
    for role, entries in signatures.items():
        spec = _spec(role, source.graph(role), recipe)
        log.info("%s: %s", role, ", ".join(s.name for s in entries))
        exact = convert(entries)
        model = without_names(exact)
        ratio = check_graph(role, model, spec, found[role], "fp32")
        measured[f"litert_{role}_snr_db"] = round(ratio, 1)
        if recipe.precision == "int8":
            model = without_names(quantize(exact))
            ratio = check_graph(role, model, spec, found[role], "int8")
            measured[f"litert_{role}_int8_snr_db"] = round(ratio, 1)
        graphs[role] = spec
        files[f"{role}.tflite"] = model
    return _write(recipe, source, graphs, {**files, **extra}, measured)


def _voice_signatures(
    recipe: TFLiteRecipe, source: Bundle
) -> tuple[dict[str, list[Signature]], dict[str, list[Reference]]]:
    """Signatures and references of the acoustic model and the vocoder."""
    acoustic, info = load_acoustic(recipe.acoustic)
    vocoder, _ = load_vocoder(recipe.vocoder)
    statistics = source.manifest.statistics
    if abs(info.mel_mean - statistics.mel_mean).max() > 1e-4:
        raise BundleError(
            f"{recipe.acoustic}: its mel statistics aren't those of {recipe.bundle}; give the "
            "models that the bundle was made of"
        )
    c = acoustic.config

    def phones(n: int) -> dict[str, torch.Tensor]:
        return {
            "phones": torch.zeros(1, n, dtype=torch.int32),
            "speaker": torch.zeros(1, c.speaker_size),
            "keep": torch.ones(1, n, 1),
        }

    def frames(n: int) -> dict[str, torch.Tensor]:
        return {
            "frames": torch.zeros(1, n, c.channels + 4),
            "condition": torch.zeros(1, c.condition_size),
            "log_f0_mean": torch.zeros(1, 1),
            "keep": torch.ones(1, n, 1),
        }

    def mels(n: int) -> dict[str, torch.Tensor]:
        out = {
            "mel": torch.zeros(1, n, c.n_mels),
            "log_f0": torch.zeros(1, n),
            "keep": torch.ones(1, n, 1),
        }
        pauses = not vocoder.config.continuous_source
        return out | ({"voicing": torch.zeros(1, n)} if pauses else {})

    signatures = {
        "acoustic_encoder": at_lengths(
            EncoderAtLength(acoustic.encoder), recipe.phone_lengths, phones
        ),
        "acoustic_decoder": at_lengths(
            DecoderAtLength(acoustic.decoder), recipe.frame_lengths, frames
        ),
        "vocoder": at_lengths(VocoderAtLength(vocoder), recipe.frame_lengths, mels),
    }
    return signatures, voice_references(acoustic, vocoder, source)


def _speaker_signatures(encoder: SpeakerEncoder, windows: int) -> list[Signature]:
    c = encoder.config

    def state(n: int) -> dict[str, torch.Tensor]:
        return {"state": torch.zeros(2 * c.layers, n, c.hidden_size)}

    def frame(n: int) -> dict[str, torch.Tensor]:
        return {"mel": torch.zeros(n, c.n_mels), **state(n)}

    return [
        *at_lengths(LSTMStep(encoder), (windows,), frame, "step"),
        *at_lengths(LSTMEnd(encoder), (windows,), state, "end"),
    ]


def _letters(n: int) -> dict[str, torch.Tensor]:
    return {"letters": torch.zeros(1, n, dtype=torch.int32), "keep": torch.ones(1, n, 1)}


def _spec(role: str, source: GraphSpec, recipe: TFLiteRecipe) -> GraphSpec:
    """The manifest's entry; at its edges the graph is the one for ONNX Runtime."""
    first = source.alternatives[0]
    inputs, outputs = first.inputs, first.outputs
    if role == "g2p":  # words one at a time, so the batch is no axis that varies
        inputs = (TensorSpec("letters", "int64", (1, "letters")),)
        outputs = (TensorSpec("logits", "float32", (1, "frames", len(UNITS))),)
    form = GraphFile(f"{role}.tflite", UNHASHED, 0, "litert", inputs, outputs, recipe.precision)
    kept = source.alternatives if recipe.keep_onnx else ()
    return GraphSpec((form, *kept), source.context_frames)


def _write(
    recipe: TFLiteRecipe,
    source: Bundle,
    graphs: Mapping[str, GraphSpec],
    made: Mapping[str, bytes],
    measured: Mapping[str, float],
) -> Bundle:
    old = source.manifest
    data = dict(old.data)
    if "g2p_units.json" in made:
        data[UNITS_ROLE] = BundleFile("g2p_units.json", UNHASHED, 0)
    manifest = replace(
        old,
        graphs=dict(graphs),
        data=data,
        # The source's figures were measured with its own graphs.
        measured=dict(measured),
        provenance={
            **old.provenance,
            "converted_from": hashlib.sha256(canonical_bytes(old)).hexdigest(),
        },
    )
    files: dict[str, Path | bytes] = dict(made)
    for file in manifest.files():
        if file.file not in files:
            files[file.file] = source.root / file.file
    bundle = write_bundle(recipe.out, manifest, files)
    log.info("%s: %.2f MB", recipe.out, bundle.manifest.total_bytes / 1e6)
    return bundle


def _load_speaker_encoder(folder: Path) -> SpeakerEncoder:
    state, _ = _read(folder / "speaker_encoder.safetensors")
    model = SpeakerEncoder()
    return _loaded(model, state, folder)


def _load_g2p(folder: Path) -> G2P:
    state, metadata = _read(folder / "g2p.safetensors")
    try:
        model = G2P(G2PConfig(**json.loads(metadata["config"])))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{folder}: g2p.safetensors says no shape ({error!r})") from None
    return _loaded(model, state, folder)


def _read(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118
            return tensors, dict(opened.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file}: not a file of weights ({error})") from None


def _loaded(model: Any, state: Mapping[str, torch.Tensor], folder: Path) -> Any:
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(f"{folder}: the weights are of another model ({error})") from None
    return model.eval().requires_grad_(False)
