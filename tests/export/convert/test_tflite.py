"""The layouts for LiteRT against the models; the conversion where its tools are installed."""

from __future__ import annotations

import importlib.util
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from voicelet.audio.features import FeatureConfig
from voicelet.bundle import (
    SCHEMA_VERSION,
    UNHASHED,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Preset,
    Statistics,
    TensorSpec,
    open_bundle,
    write_bundle,
)
from voicelet.errors import BundleError, EngineError
from voicelet.synth import Voice
from voicelet.text.lexicon import encode_lexicon
from voicelet.text.phones import ENGLISH_SYMBOLS
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph
from voicelet_export.convert.tflite.bundle import TFLiteRecipe, build_tflite
from voicelet_export.convert.tflite.models import DecoderAtLength, EncoderAtLength, VocoderAtLength
from voicelet_export.convert.tflite.parity import MIN_SNR_DB, snr_db, voice_references
from voicelet_export.convert.tflite.small_models import G2PAtLength, LSTMEnd, LSTMStep
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_export.models.g2p import G2P, G2PConfig
from voicelet_export.models.speaker_encoder import SpeakerEncoder, SpeakerEncoderConfig
from voicelet_export.models.vocos import Vocoder, VocoderConfig

ACOUSTIC = AcousticConfig(
    channels=48, hidden=96, encoder_blocks=2, pitch_blocks=1, mel_blocks=2, attention_heads=2
)
VOCODER = VocoderConfig(channels=48, hidden=96, blocks=2)
LENGTH, PADDED = 13, 20


def scrambled(model: torch.nn.Module, seed: int = 0) -> Any:
    """Every weight and buffer of a fresh model moved, so that nothing passes by being 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.data += 0.05 * torch.randn(tensor.shape, generator=generator)
    return model.eval().requires_grad_(False)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def padded(x: torch.Tensor) -> torch.Tensor:
    """Padding of large numbers, which must not be seen."""
    out = torch.full((1, PADDED, *x.shape[2:]), 7.0, dtype=x.dtype)
    out[:, :LENGTH] = x
    return out


KEEP = padded(torch.ones(1, LENGTH, 1)) * (torch.arange(PADDED) < LENGTH)[None, :, None]


def worst(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    assert set(found) == set(expected)
    differences = []
    for name, value in expected.items():
        cut = found[name] if found[name].shape == value.shape else found[name][:, :LENGTH]
        differences.append(float((cut - value).abs().max()))
    return max(differences)


def test_the_encoder_s_layout_follows_it_and_ignores_padding() -> None:
    model = scrambled(AcousticModel(ACOUSTIC)).encoder
    phones = torch.arange(LENGTH)[None] % ACOUSTIC.n_symbols
    speaker = random(1, ACOUSTIC.speaker_size)
    names = ("hidden", "log_duration", "pitch", "energy", "condition")
    expected = dict(zip(names, model(phones, speaker)))
    layout = EncoderAtLength(model)
    assert worst(layout(padded(phones).int(), speaker, KEEP), expected) < 2e-5
    assert worst(layout(phones.int(), speaker, torch.ones(1, LENGTH, 1)), expected) < 2e-5


def test_the_decoder_s_layout_follows_it_and_ignores_padding() -> None:
    model = scrambled(AcousticModel(ACOUSTIC)).decoder
    frames, condition = random(1, LENGTH, ACOUSTIC.channels + 4), random(1, ACOUSTIC.condition_size)
    mean = torch.full((1, 1), 5.1)
    mel, log_f0, logit = model(frames, condition, mean)
    expected = {"mel": mel, "log_f0": log_f0, "voicing": logit.sigmoid()}
    layout = DecoderAtLength(model)
    assert worst(layout(padded(frames), condition, mean, KEEP), expected) < 2e-5


@pytest.mark.parametrize("continuous, corrects", [(False, False), (True, False), (False, True)])
def test_the_vocoder_s_layout_follows_it_and_ignores_padding(
    continuous: bool, corrects: bool
) -> None:
    model = Vocoder(replace(VOCODER, continuous_source=continuous, corrects=corrects))
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    model = scrambled(model)
    given = random(1, LENGTH, 80), 5.0 + 0.3 * random(1, LENGTH), (random(1, LENGTH) > 0).float()
    expected = dict(zip(model.config.outputs, model(*given)))
    mel, log_f0, voicing = (padded(x) for x in given)
    found = VocoderAtLength(model)(mel, log_f0, KEEP, None if continuous else voicing)
    assert worst(found, expected) < 2e-5


def test_one_step_at_a_time_is_the_speaker_encoder() -> None:
    model = scrambled(SpeakerEncoder(SpeakerEncoderConfig(8, 12, 3, 10)))
    mel = random(5, 9, 8).abs()
    step, state = LSTMStep(model), torch.zeros(6, 5, 12)
    for place in range(9):
        state = step(mel[:, place], state)["next_state"]
    assert worst(LSTMEnd(model)(state), {"embedding": model(mel)}) < 1e-5


def test_the_letter_to_sound_layout_ignores_padding() -> None:
    model = scrambled(G2P(G2PConfig(channels=16, layers=2)))
    letters = torch.arange(LENGTH)[None] % 28
    expected = model(letters)
    found = G2PAtLength(model)(padded(letters).int(), KEEP)["logits"]
    assert torch.allclose(found[:, : 2 * LENGTH], expected, atol=1e-5)


def test_large_products_are_spread_over_their_range() -> None:
    """One scale for a matrix errs as little as one a row, for every row spans -1 to 1."""
    layout = VocoderAtLength(scrambled(Vocoder(VOCODER)))
    products = [m for m in layout.modules() if type(m).__name__ == "Int8Linear"]
    assert len(products) == 2 * VOCODER.blocks + 4
    for product in products:
        assert torch.allclose(product.weight.abs().amax(dim=1), torch.ones(1))


TOOLS = all(importlib.util.find_spec(m) for m in ("litert_torch", "ai_edge_quantizer"))
ARTIFACTS = Path(__file__).resolve().parents[3] / "export" / "artifacts"
EMBEDDED = ARTIFACTS.parents[1] / "sdk" / "voicelet" / "voices" / "default"


def write_models(root: Path, acoustic: Any, vocoder: Any) -> None:
    statistics = {"mel_mean": [-5.0] * 80, "mel_std": [2.0] * 80}
    for name, model, config in (("acoustic", acoustic, ACOUSTIC), ("vocoder", vocoder, VOCODER)):
        (root / name).mkdir()
        (root / name / "config.json").write_text(json.dumps({"model": asdict(config)}))
        (root / name / "statistics.json").write_text(json.dumps(statistics))
        torch.save({"step": 7, "average": model.state_dict()}, root / name / "checkpoint.pt")


def write_source(root: Path, acoustic: Any, vocoder: Any) -> Path:
    """An ONNX bundle of the models, and of the repository's small graphs."""
    graphs = {
        "acoustic_encoder": encoder_graph(acoustic.encoder).SerializeToString(),
        "acoustic_decoder": decoder_graph(acoustic.decoder).SerializeToString(),
        "vocoder": vocoder_graph(vocoder).SerializeToString(),
        "speaker_encoder": (EMBEDDED / "speaker_encoder.onnx").read_bytes(),
        "g2p": (EMBEDDED / "g2p.onnx").read_bytes(),
    }
    contexts = {
        "acoustic_decoder": ACOUSTIC.context_frames,
        "vocoder": VOCODER.context_frames,
    }
    speaker = acoustic.encoder.speaker_mean.numpy().copy()
    speaker[256] = 5.0
    presets = io.BytesIO()
    np.save(presets, speaker[None])
    specs = {}
    for role, raw in graphs.items():
        graph = onnx.load_from_string(raw).graph
        inputs, outputs = (tuple(tensor_spec(v) for v in t) for t in (graph.input, graph.output))
        form = GraphFile(f"{role}.onnx", UNHASHED, 0, "onnx", inputs, outputs)
        specs[role] = GraphSpec((form,), contexts.get(role, 0))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name="small",
        version="1",
        languages=("en-US",),
        sample_rate_hz=24000,
        features=FeatureConfig(),
        statistics=Statistics((-5.0,) * 80, (2.0,) * 80, 0.25, ACOUSTIC.speaker_size),
        phones=ENGLISH_SYMBOLS,
        graphs=specs,
        data={
            "lexicon": BundleFile("lexicon.bin", UNHASHED, 0),
            "presets": BundleFile("presets.npy", UNHASHED, 0),
        },
        presets=(Preset("one", 0),),
    )
    lexicon = encode_lexicon({"hello": "həlˈO", "world": "wˈɜɹld"}, ENGLISH_SYMBOLS)
    files = {f"{role}.onnx": raw for role, raw in graphs.items()}
    files |= {"lexicon.bin": lexicon, "presets.npy": presets.getvalue()}
    return write_bundle(root / "onnx", manifest, files).root


def tensor_spec(value: Any) -> TensorSpec:
    kind = value.type.tensor_type
    dtype = {1: "float32", 7: "int64"}[kind.elem_type]
    shape = tuple(d.dim_param or d.dim_value for d in kind.shape.dim)
    return TensorSpec(value.name, dtype, shape)


@pytest.fixture(scope="module")
def models() -> Any:
    vocoder = Vocoder(VOCODER)
    vocoder.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    return scrambled(AcousticModel(ACOUSTIC)), scrambled(vocoder)


@pytest.fixture
def recipe(tmp_path: Path, models: Any) -> TFLiteRecipe:
    write_models(tmp_path, *models)
    return TFLiteRecipe(
        bundle=write_source(tmp_path, *models),
        acoustic=tmp_path / "acoustic",
        vocoder=tmp_path / "vocoder",
        out=tmp_path / "litert",
        speaker_encoder=ARTIFACTS / "speaker_encoder",
        g2p=ARTIFACTS / "g2p",
        phone_lengths=(208,),
        frame_lengths=(48,),
        letter_lengths=(48,),
    )


def test_what_does_not_belong_together_is_refused(
    recipe: TFLiteRecipe, tmp_path: Path, models: Any
) -> None:
    other = json.dumps({"mel_mean": [-4.0] * 80, "mel_std": [2.0] * 80})
    (tmp_path / "acoustic" / "statistics.json").write_text(other)
    with pytest.raises(BundleError, match="mel statistics"):
        build_tflite(recipe)
    with pytest.raises(BundleError, match="no such bundle"):
        build_tflite(replace(recipe, bundle=tmp_path / "absent"))
    with pytest.raises(ValueError, match="between 1 and 4096"):
        replace(recipe, frame_lengths=(0,))
    assert not recipe.out.exists()


def test_the_references_tell_a_right_graph_from_a_wrong_one(
    recipe: TFLiteRecipe, models: Any
) -> None:
    """The judge of every conversion, on ONNX graphs of the right and of other weights."""
    source = open_bundle(recipe.bundle)
    found = voice_references(*models, source)
    voice = Voice.load(recipe.bundle, trust_bundle=True)
    for role, some in found.items():
        assert min(snr_db(voice._open_graph(role), some).values()) > 80.0
    wrong = voice_references(scrambled(AcousticModel(ACOUSTIC), seed=1), models[1], source)
    ratios = snr_db(voice._open_graph("acoustic_decoder"), wrong["acoustic_decoder"])
    assert min(ratios.values()) < MIN_SNR_DB["int8"]


@pytest.mark.skipif(TOOLS, reason="the tools are installed")
def test_without_its_tools_the_remedy_is_named(recipe: TFLiteRecipe) -> None:
    with pytest.raises(EngineError, match=r'pip install "voicelet-export\[tflite\]"'):
        build_tflite(recipe)
    assert not recipe.out.exists()


@pytest.mark.skipif(not TOOLS, reason="voicelet-export[tflite] isn't installed")
def test_a_bundle_is_converted(recipe: TFLiteRecipe) -> None:
    bundle = build_tflite(recipe)
    assert {f.engine for g in bundle.manifest.graphs.values() for f in g.alternatives} == {"litert"}
    measured = bundle.manifest.measured
    assert min(v for k, v in measured.items() if "int8" not in k) > 60.0
    assert min(v for k, v in measured.items() if "int8" in k) > 20.0
    voice = Voice.load(recipe.out, trust_bundle=True)
    assert voice.synthesize("Hello world. Blorvish.").samples.any()
    frames = {k: random(1, 100, *v).numpy() for k, v in (("mel", (80,)), ("log_f0", ()))}
    frames |= {"log_f0": frames["log_f0"] * 0.2 + 5.0, "voicing": np.ones((1, 100), np.float32)}
    vocoder, side = voice._open_graph("vocoder"), VOCODER.context_frames
    whole = vocoder.run(frames)["harmonic_phase"][:, 40:60]
    cut = vocoder.run({k: v[:, 40 - side : 60 + side] for k, v in frames.items()})
    np.testing.assert_allclose(cut["harmonic_phase"][:, side : side + 20], whole, atol=1e-4)
    before = (recipe.out / "manifest.json").read_bytes()
    build_tflite(recipe)
    assert (recipe.out / "manifest.json").read_bytes() == before


@pytest.mark.skipif(not TOOLS, reason="voicelet-export[tflite] isn't installed")
def test_in_float32_the_engines_give_the_same_waveform(recipe: TFLiteRecipe) -> None:
    build_tflite(replace(recipe, precision="fp32", speaker_encoder=None, keep_onnx=True))
    onnx_voice = Voice.load(recipe.out, engine="onnx", trust_bundle=True)
    voice = Voice.load(
        recipe.out, trust_bundle=True
    )  # the speaker encoder is left in ONNX, so no engine is named
    assert type(voice._open_graph("vocoder")).__name__ == "LiteRTGraph"
    a = onnx_voice.synthesize("Hello world, hello.").samples
    b = voice.synthesize("Hello world, hello.").samples
    assert len(a) == len(b) > 0
    assert 10.0 * np.log10(np.sum(a**2) / np.sum((a - b) ** 2)) > 40.0
