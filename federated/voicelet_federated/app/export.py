"""From a run's state to a voice bundle: `voicelet-federated export`.

A trained adapter is a shift of four biases of the acoustic encoder, so a new bundle needs neither
calibration nor training data: the same shift goes into the int8 graph of the bundle that the base
model is in, and every other byte of that bundle stays.  The error of the int8 graph against
the merged model is measured and compared with the error before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from voicelet.audio.features import FloatArray
from voicelet.bundle import (
    UNHASHED,
    Bundle,
    GraphFile,
    load_signing_key,
    open_bundle,
    write_bundle,
)
from voicelet.errors import BundleError
from voicelet_export.compress.quantize.weights import store_weights
from voicelet_export.convert.onnx import encoder_graph
from voicelet_export.convert.parity import run, session
from voicelet_export.models.fastspeech2 import AcousticModel
from voicelet_federated.app.adapter import merge
from voicelet_federated.app.config import AdapterSpec
from voicelet_federated.errors import FederationError

_FOLDED_TOLERANCE = 0.05
"""Largest difference, as a share of a bias's largest value, that quantization may cause."""


def shift_biases(
    int8: onnx.ModelProto, base: onnx.ModelProto, merged: onnx.ModelProto
) -> onnx.ModelProto:
    """A copy of a quantized graph with the shifts of a merged model added to its biases.

    Args:
        int8: as the bundle has it.
        base, merged: float32 graphs of the model before and after.

    Raises:
        BundleError: the quantized graph isn't of the base model, or more than biases differ.
    """
    shifted = onnx.ModelProto()
    shifted.CopyFrom(int8)
    stored = {tensor.name: tensor for tensor in shifted.graph.initializer}
    before, after = _constants(base), _constants(merged)
    for name in sorted(before):
        if np.array_equal(before[name], after[name]):
            continue
        if not name.endswith(".bias"):
            raise BundleError(f"{name} differs from the base model; an adapter shifts biases only")
        shift = after[name].astype(np.float64) - before[name]
        _add(stored, name, shift, before[name])
    onnx.checker.check_model(shifted)
    return shifted


def parity(reference: onnx.ModelProto, graph: onnx.ModelProto, model: AcousticModel) -> float:
    """Relative RMS error of a graph's hidden states and condition, over random clauses."""
    rng = np.random.default_rng(0)
    mean, std = model.encoder.speaker_mean.numpy(), model.encoder.speaker_std.numpy()
    sessions = session(reference), session(graph)
    error = power = 0.0
    for length in (17, 40, 64):
        speaker = (mean + std * rng.standard_normal(len(mean))).astype(np.float32)[None]
        phones = rng.integers(0, model.config.n_symbols, (1, length))
        expected, actual = (run(s, {"phones": phones, "speaker": speaker}) for s in sessions)
        for name in ("hidden", "condition"):
            error += float(np.mean((expected[name] - actual[name]).astype(np.float64) ** 2))
            power += float(np.mean(expected[name].astype(np.float64) ** 2))
    return float(np.sqrt(error / max(power, 1e-12)))


def _add(
    stored: Mapping[str, onnx.TensorProto],
    name: str,
    shift: npt.NDArray[np.float64],
    expected: FloatArray,
) -> None:
    """Add to a bias, whichever way the graph stores it."""
    int32, floats = stored.get(f"{name}.i32"), stored.get(name) or stored.get(f"{name}.f16")
    step = stored.get(f"{name}.step") or stored.get(f"{name}.step.f16")
    if int32 is not None and step is not None:
        steps = numpy_helper.to_array(step).astype(np.float64)
        values = numpy_helper.to_array(int32) * steps
        _refuse_other(name, values, expected)
        new = np.rint((values + shift) / steps)
        limit = np.iinfo(np.int32).max
        int32.CopyFrom(
            numpy_helper.from_array(np.clip(new, -limit, limit).astype(np.int32), int32.name)
        )
    elif floats is not None:
        old = numpy_helper.to_array(floats)
        _refuse_other(name, old.astype(np.float64), expected)
        floats.CopyFrom(numpy_helper.from_array((old + shift).astype(old.dtype), floats.name))
    else:
        raise BundleError(
            f"the bundle's acoustic encoder has no {name}; name the bundle of the base model"
        )


def _refuse_other(name: str, values: npt.NDArray[np.float64], expected: FloatArray) -> None:
    if values.shape != expected.shape or not np.allclose(
        values, expected, atol=_FOLDED_TOLERANCE * max(1e-6, float(np.abs(expected).max()))
    ):
        raise BundleError(
            f"the bundle's {name} isn't the base model's; name the bundle that was made of it"
        )


def _constants(graph: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    return {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}


log = logging.getLogger(__name__)

ROLE = "acoustic_encoder"
SENTENCE = "The new voice has learned from many people, and kept none of their recordings."
_SAME = 0.05
_WORSE = 1.5
_CARD = """
## Federated learning
The speaker conditioning of this voice was trained further by the devices of {devices} people, in
{rounds} rounds, from masked sums with noise; no recording and no single update left a device.
Everybody's privacy loss is at most epsilon {epsilon:.4g} at delta {delta:g} ({neighbours}); an
epsilon above ten or so promises little by itself.  Figures above this section are those of the
voice it began from.
"""


@dataclass(frozen=True)
class RunProvenance:
    """What a bundle says of the run it came from.

    Attributes:
        run: name.
        rounds: that ended well.
        devices: that took part.
        epsilon, delta: spent by the user who joined most.
        neighbours: what epsilon is about.
    """

    run: str
    rounds: int
    devices: int
    epsilon: float
    delta: float
    neighbours: str = "add or remove one user"

    def mapping(self) -> dict[str, str]:
        """For a manifest's provenance."""
        return {
            "federated_run": self.run,
            "federated_rounds": str(self.rounds),
            "federated_devices": str(self.devices),
            "federated_epsilon": f"{self.epsilon:.6g}",
            "federated_delta": f"{self.delta:g}",
            "federated_neighbours": self.neighbours,
        }


@dataclass(frozen=True)
class Exported:
    """A bundle that was made.

    Attributes:
        bundle: opened again and verified.
        error_before, error_after: of the int8 graph's hidden states and condition against the float
            model, relative RMS, for the base and for the merged model.
        seconds: of speech that it said when asked to.
    """

    bundle: Bundle
    error_before: float
    error_after: float
    seconds: float


def export_bundle(
    model: AcousticModel,
    spec: AdapterSpec,
    flat: FloatArray,
    source: Path | None,
    out: Path,
    origin: RunProvenance,
    signing_key: Path | None = None,
) -> Exported:
    """Write the bundle of a model with an adapter folded in, and let it speak.

    Args:
        model: the base that the adapter was trained on.
        spec, flat: the adapter, float32 [size].
        source: bundle that the base model is in; `None` is the one in the package.
        out: folder, replaced if it is there; nothing is written unless all is well.
        origin: for its provenance and model card.
        signing_key: PEM file of an Ed25519 key; the bundle is unsigned without.

    Raises:
        UpdateError: the adapter doesn't fit or isn't finite.
        BundleError: the bundle isn't of this base model, or the new one isn't as good in int8.
        FederationError: the new voice says nothing that can be heard.
    """
    old = open_bundle(source)
    if ROLE not in old.manifest.graphs:
        raise BundleError(f"{old.root} holds no {ROLE}; name the bundle of the base model")
    merged = merge(model, spec, flat)
    graphs = encoder_graph(model.encoder), encoder_graph(merged.encoder)
    int8 = onnx.load(str(old.graph_path(ROLE)[0]))
    shifted = shift_biases(int8, *graphs)
    before, after = parity(graphs[0], int8, model), parity(graphs[1], shifted, model)
    limit = max(_SAME, _WORSE * before)
    if not after <= limit:
        # The adapter moves activations out of the ranges that the graph was calibrated for.
        log.warning("int8 would be off by %.1f %%; weights alone are int8 then", 100 * after)
        shifted = store_weights(graphs[1], "int8")
        after = parity(graphs[1], shifted, model)
    if not after <= limit:
        raise BundleError(
            f"in int8 the merged model is off by {after:.1%}, the base by {before:.1%}; quantize "
            "the merged model anew (voicelet-export bundle)"
        )
    manifest = old.manifest
    spec_of = manifest.graphs[ROLE]
    onnx_file = spec_of.for_engine("onnx")
    assert onnx_file is not None  # graph_path has found it
    # What was converted from the old graph for other engines is of the old model.
    graph = replace(spec_of, alternatives=(_unhashed(onnx_file),))
    card = old.data_path(manifest.model_card) if manifest.model_card else None
    manifest = replace(
        manifest,
        name=f"{manifest.name}-federated",
        graphs={**manifest.graphs, ROLE: graph},
        provenance={**manifest.provenance, **origin.mapping()},
        measured={},
    )
    files: dict[str, Path | bytes] = {f.file: old.root / f.file for f in manifest.files()}
    files[onnx_file.file] = shifted.SerializeToString(deterministic=True)
    if card is not None:
        section = _CARD.format(**asdict(origin))
        files[str(card.relative_to(old.root))] = card.read_bytes() + section.encode()
    key = load_signing_key(signing_key) if signing_key is not None else None
    bundle = write_bundle(out, manifest, files, key)
    seconds = speak(out)
    log.info("%s: int8 is off by %.2f %%, before %.2f %%", out, 100 * after, 100 * before)
    return Exported(bundle, before, after, seconds)


def speak(bundle: Path, text: str = SENTENCE, to: Path | None = None) -> float:
    """Say a sentence with a bundle's first preset.

    Args:
        bundle: folder.
        text: to say.
        to: WAV file that it is written to.

    Returns:
        Seconds of speech.

    Raises:
        FederationError: nothing that can be heard came out.
    """
    import voicelet
    from voicelet.audio.writer import write_wav

    audio = voicelet.Voice.load(bundle, trust_bundle=True).synthesize(text)
    level = float(np.sqrt(np.mean(audio.samples.astype(np.float64) ** 2))) if audio.seconds else 0.0
    if not (np.isfinite(audio.samples).all() and audio.seconds > 0.04 * len(text) and level > 0.01):
        raise FederationError(
            f"{bundle} says {audio.seconds:.2f} s at a level of {level:.4f}, which isn't speech; "
            "keep the old bundle"
        )
    if to is not None:
        write_wav(to, audio.samples, audio.sample_rate_hz)
    return float(audio.seconds)


def _unhashed(file: GraphFile) -> GraphFile:
    return replace(file, sha256=UNHASHED, bytes=0)
