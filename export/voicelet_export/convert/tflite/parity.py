"""Do LiteRT graphs compute what the models compute?  Checked at every conversion, on real inputs.

A file that loads may still compute garbage, so numbers are compared, through the engine that the
device uses: lengths below, at and beyond the longest signature.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from voicelet.bundle import Bundle, GraphSpec
from voicelet.engine import Graph, open_form
from voicelet.errors import BundleError
from voicelet.synth.front_end import open_front_end
from voicelet.synth.presets import F0_INDEX
from voicelet.synth.source_filter.acoustic import phone_frames, repeat_phones
from voicelet.text.g2p import encode_letters
from voicelet.text.phones import PhoneInventory
from voicelet_export.models.fastspeech2 import AcousticModel
from voicelet_export.models.g2p import G2P
from voicelet_export.models.speaker_encoder import SpeakerEncoder
from voicelet_export.models.vocos import Vocoder

MIN_SNR_DB: Mapping[str, float] = {"fp32": 40.0, "int8": 15.0}
"""What the worst output of a graph must reach."""

TEXTS = (
    "Hello.",
    "The quick brown fox jumps over the lazy dog, and nobody minds.",
    "When the sunlight strikes raindrops in the air they act as a prism and form a rainbow while "
    "the rainbow is a division of white light into many beautiful colours that take the shape of "
    "a long round arch with its path high above",
)
WORDS = ("a", "blorvish", "antidisestablishmentarianism", "o'snarkle")

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Reference:
    """Inputs of a graph, and what its model makes of them."""

    inputs: Arrays
    outputs: Arrays


def check_graph(
    role: str,
    model: bytes,
    spec: GraphSpec,
    found: Sequence[Reference],
    precision: Literal["fp32", "int8"],
) -> float:
    """Compare a file with its references; returns the signal-to-noise ratio of its worst output.

    Raises:
        BundleError: it is below :data:`MIN_SNR_DB`.
    """
    with tempfile.TemporaryDirectory() as folder:
        form = spec.alternatives[0]
        (Path(folder) / form.file).write_bytes(model)
        graph = open_form(Path(folder), form, context_frames=spec.context_frames)
        ratios = snr_db(graph, found)
    name = min(ratios, key=lambda key: ratios[key])
    if not ratios[name] >= MIN_SNR_DB[precision]:
        raise BundleError(
            f"{role}: {name} of the LiteRT graph ({precision}) is {ratios[name]:.1f} dB above its "
            f"difference to the model, less than {MIN_SNR_DB[precision]:.0f}; the layout in "
            "convert/tflite/models.py no longer follows the model"
        )
    return ratios[name]


def snr_db(graph: Graph, found: Sequence[Reference]) -> dict[str, float]:
    """Power of every output over that of its error, in dB, over all references."""
    signal: dict[str, float] = {}
    noise: dict[str, float] = {}
    for reference in found:
        outputs = graph.run(reference.inputs)
        for name, expected in reference.outputs.items():
            if outputs[name].shape != expected.shape:
                raise BundleError(f"{name}: {outputs[name].shape} instead of {expected.shape}")
            error = (outputs[name] - expected).astype(np.float64)
            signal[name] = signal.get(name, 0.0) + float(np.square(expected, dtype=float).sum())
            noise[name] = noise.get(name, 0.0) + float(np.square(error).sum())
    return {n: 10.0 * float(np.log10(signal[n] / max(noise[n], 1e-20))) for n in signal}


@torch.no_grad()
def voice_references(
    acoustic: AcousticModel, vocoder: Vocoder, bundle: Bundle
) -> dict[str, list[Reference]]:
    """Sentences through the models: role → what each was given and gave."""
    c = acoustic.config
    front_end, inventory = open_front_end(bundle), PhoneInventory(bundle.manifest.phones)
    out: dict[str, list[Reference]] = {"acoustic_encoder": [], "acoustic_decoder": []}
    out["vocoder"] = []
    rng = np.random.default_rng(0)
    mean, std = acoustic.encoder.speaker_mean.numpy(), acoustic.encoder.speaker_std.numpy()
    for text in TEXTS:
        clauses = [clause.phones for clause in front_end.clauses(text)]
        phones = inventory.encode("".join(clauses)[:200])[None]
        speaker = (mean + std * rng.standard_normal(c.speaker_size)).astype(np.float32)[None]
        inputs: Arrays = {"phones": phones, "speaker": speaker}
        encoded = _run(
            acoustic.encoder, inputs, ("hidden", "log_duration", "pitch", "energy", "condition")
        )
        out["acoustic_encoder"].append(Reference(inputs, encoded))
        durations = phone_frames(encoded["log_duration"][0], 1.0)
        frames = repeat_phones(
            encoded["hidden"][0], encoded["pitch"][0], encoded["energy"][0], durations
        )
        inputs = {
            "frames": frames[None],
            "condition": encoded["condition"],
            "log_f0_mean": speaker[:, F0_INDEX : F0_INDEX + 1],
        }
        decoded = _run(acoustic.decoder, inputs, ("mel", "log_f0", "voicing"))
        decoded["voicing"] = 1.0 / (1.0 + np.exp(-decoded["voicing"]))  # the model gives logits
        out["acoustic_decoder"].append(Reference(inputs, decoded))
        inputs = {**decoded, "voicing": np.rint(decoded["voicing"])}
        given = _run(vocoder, inputs, vocoder.config.outputs)
        if vocoder.config.continuous_source:
            del inputs["voicing"]
        out["vocoder"].append(Reference(inputs, given))
    return out


@torch.no_grad()
def speaker_references(encoder: SpeakerEncoder, windows: int) -> list[Reference]:
    """Windows of powers as voices have them: peaks over a floor that falls with frequency."""
    rng = np.random.default_rng(0)
    slope = np.logspace(-2, -6, encoder.config.n_mels)
    out = []
    for count in (1, windows + 3):
        mel = slope * np.exp(2.0 * rng.standard_normal((count, 160, encoder.config.n_mels)))
        inputs: Arrays = {"mel": mel.astype(np.float32)}
        out.append(Reference(inputs, _run(encoder, inputs, ("embedding",))))
    return out


@torch.no_grad()
def g2p_references(model: G2P) -> list[Reference]:
    """Words that no lexicon holds, and one that does."""
    out = []
    for word in WORDS:
        inputs: Arrays = {"letters": encode_letters(word, model.config.letters)[None]}
        out.append(Reference(inputs, _run(model, inputs, ("logits",))))
    return out


def _run(model: Any, inputs: Arrays, names: tuple[str, ...]) -> Arrays:
    given = model(*(torch.from_numpy(np.ascontiguousarray(v)) for v in inputs.values()))
    values = given if isinstance(given, tuple) else (given,)
    return {name: value.numpy() for name, value in zip(names, values)}
