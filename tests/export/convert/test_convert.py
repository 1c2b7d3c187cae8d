"""Graphs against models, int8 against float, the device's arithmetic against the trainer's."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from tests.packs.toy import write_toy_pack
from voicelet.audio.features import FeatureConfig, hann_window
from voicelet.engine.onnx import OnnxGraph
from voicelet.errors import BundleError, ConfigError
from voicelet.packs.bundled import bundled_tags
from voicelet.synth import Voice
from voicelet.synth.source_filter.acoustic import ENERGY_STD_DB, repeat_phones
from voicelet.synth.source_filter.vocoder import ClauseVocoder
from voicelet.synth.source_filter.vocoder import Vocoder as DeviceVocoder
from voicelet.text.lexicon import encode_lexicon
from voicelet.text.phones import ENGLISH_SYMBOLS, PhoneInventory
from voicelet_export.bundle.build import BundleRecipe, build_bundle
from voicelet_export.bundle.presets import TEACHER_VOICES
from voicelet_export.compress.quantize.files import Settings
from voicelet_export.compress.quantize.models import VoiceRecipe, quantize_models
from voicelet_export.compress.quantize.sensitivity import sensitivities
from voicelet_export.compress.quantize.static_qdq import (
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.compress.quantize.voice import quantize_graph, static_quantizer
from voicelet_export.convert import parity
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph
from voicelet_export.corpus.cache import CacheWriter
from voicelet_export.corpus.reader import Utterance
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel, expand_frames
from voicelet_export.models.int8_codes import best_scale, quantize_weight
from voicelet_export.models.vocos import (
    Vocoder,
    VocoderConfig,
    band_matrices,
    corrected,
    frame_stft,
    harmonic_source,
    synthesize,
    to_wave,
)
from voicelet_export.train.utterances import ENERGY_STD_DB as TRAINED_ENERGY_STD_DB

ACOUSTIC = AcousticConfig(
    channels=48, hidden=96, encoder_blocks=2, pitch_blocks=1, mel_blocks=2, attention_heads=2
)
VOCODER = VocoderConfig(channels=48, hidden=96, blocks=2)


def scrambled(model: torch.nn.Module, seed: int = 0) -> Any:
    """Every weight and buffer of a fresh model moved, so that nothing passes by being 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.data += 0.05 * torch.randn(tensor.shape, generator=generator)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def acoustic() -> Any:
    torch.manual_seed(0)
    return scrambled(AcousticModel(ACOUSTIC))


@pytest.fixture(scope="module")
def vocoder() -> Any:
    torch.manual_seed(0)
    model = Vocoder(VOCODER)
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    return scrambled(model)


@pytest.fixture(scope="module")
def continuous() -> Any:
    """A vocoder whose pulses never pause; its graph doesn't ask for voicing."""
    torch.manual_seed(0)
    model = Vocoder(replace(VOCODER, continuous_source=True))
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    return scrambled(model)


@pytest.fixture(scope="module")
def correcting() -> Any:
    """A vocoder whose output is corrected."""
    torch.manual_seed(0)
    model = Vocoder(replace(VOCODER, corrects=True))
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    return scrambled(model)


def vocoder_feed(frames: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "mel": rng.standard_normal((1, frames, 80)).astype(np.float32),
        "log_f0": np.cumsum(rng.normal(0, 0.02, (1, frames)), axis=1).astype(np.float32) + 5.0,
        "voicing": (np.arange(frames) // 9 % 3 > 0).astype(np.float32)[None],
    }


def test_graphs_follow_the_models(
    acoustic: Any, vocoder: Any, continuous: Any, correcting: Any
) -> None:
    encoder, decoder = encoder_graph(acoustic.encoder), decoder_graph(acoustic.decoder)
    assert parity.check_acoustic(acoustic, encoder, decoder, seed=1) < 1e-4
    assert parity.check_vocoder(vocoder, vocoder_graph(vocoder), seed=1) < 1e-4
    graph = vocoder_graph(continuous)
    assert [i.name for i in graph.graph.input] == ["mel", "log_f0"]
    assert parity.check_vocoder(continuous, graph, seed=1) < 1e-4
    graph = vocoder_graph(correcting)
    assert [o.name for o in graph.graph.output][3:] == ["target"]
    assert parity.check_vocoder(correcting, graph, seed=1) < 1e-4


def test_a_correction_brings_the_mel_nearer() -> None:
    """White noise in frames that know nothing of one another, and a mel with a slope."""
    features, rng = FeatureConfig(), torch.Generator().manual_seed(0)
    noise = torch.randn(1, 60 * 300, generator=rng) / (0.375 * 1200) ** 0.5
    window = torch.tensor(hann_window(1200))
    target = torch.linspace(0.0, -3.0, 80).expand(1, 60, 80)
    of_bins, of_mels, _ = band_matrices(features, 1200)
    wanted = (target.exp() @ of_mels).log()

    def off(spectrum: torch.Tensor) -> float:
        there = (spectrum.abs() @ of_bins).log()
        return float((there - wanted)[:, 4:-4].abs().mean())

    spectrum = frame_stft(noise, window, 300)
    once = frame_stft(to_wave(corrected(spectrum, target, features), window, 300), window, 300)
    assert off(spectrum) > 1.0 and off(once) < 0.2 * off(spectrum)
    assert off(corrected(spectrum, target, features)) < 0.15 * off(spectrum)


def test_parity_notices_a_changed_weight(vocoder: Any) -> None:
    graph = vocoder_graph(vocoder)
    weight = next(t for t in graph.graph.initializer if t.name == "blocks.1.expand.weight")
    values = onnx.numpy_helper.to_array(weight).copy()
    values[0] += 0.5
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    with pytest.raises(BundleError, match="vocoder"):
        parity.check_vocoder(vocoder, graph)


def test_edges_are_those_of_the_contract(acoustic: Any, vocoder: Any) -> None:
    graphs = {
        "encoder": encoder_graph(acoustic.encoder),
        "decoder": decoder_graph(acoustic.decoder),
        "vocoder": vocoder_graph(vocoder),
    }
    edges = {
        k: ([v.name for v in m.graph.input], [v.name for v in m.graph.output])
        for k, m in graphs.items()
    }
    assert edges == {
        "encoder": (
            ["phones", "speaker"],
            ["hidden", "log_duration", "pitch", "energy", "condition"],
        ),
        "decoder": (["frames", "condition", "log_f0_mean"], ["mel", "log_f0", "voicing"]),
        "vocoder": (
            ["mel", "log_f0", "voicing"],
            ["harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude"],
        ),
    }


class Replayed:
    """A generator that gives a known phase and known noise."""

    def __init__(self, phase: float, noise: np.ndarray) -> None:
        self._phase, self._noise, self._place = phase, noise, 0

    def random(self, shape: Any = None, dtype: Any = None) -> Any:
        if shape is None:
            return self._phase
        count = int(np.prod(shape))
        self._place += count
        return self._noise[self._place - count : self._place].reshape(shape).copy()


@pytest.mark.parametrize(
    "stretches", [(90,), (1, 2, 40, 41, 90), (30, 60, 88, 90), (3, 70, 89, 90)]
)
@pytest.mark.parametrize("kind", ["vocoder", "continuous", "correcting"])
def test_device_synthesis_is_the_trainers(
    kind: str, stretches: tuple[int, ...], request: pytest.FixtureRequest
) -> None:
    """The same filters, phase and noise give the same waveform in numpy and in torch."""
    vocoder = request.getfixturevalue(kind)
    features, frames, hop = FeatureConfig(), 90, 300
    feed = vocoder_feed(frames)
    tensors = [torch.from_numpy(v) for v in feed.values()]
    rng = np.random.default_rng(7)
    drawn = rng.random((frames + 1) * hop, dtype=np.float32)
    used = drawn[hop // 2 : hop // 2 + frames * hop] - np.float32(0.5)
    used *= np.float32(np.sqrt(12.0 / (0.375 * VOCODER.fft_size)))
    # The device starts half a hop earlier, where nothing is heard yet.
    start = 0.25 + 150 * float(np.exp(feed["log_f0"][0, 0])) / features.sample_rate_hz
    harmonic = harmonic_source(
        tensors[1],
        vocoder.sounding(tensors[2]),
        hop,
        features.sample_rate_hz,
        torch.tensor([[start]]),
    )
    filters, noise = vocoder(*tensors), torch.from_numpy(used)[None]
    expected = synthesize(filters, harmonic, noise, vocoder.config, features)[0].numpy()
    graph = OnnxGraph(parity.session(vocoder_graph(vocoder)), "vocoder")
    device = DeviceVocoder(graph, VOCODER.context_frames, features)
    clause = ClauseVocoder(
        device,
        feed["mel"][0],
        feed["log_f0"][0],
        feed["voicing"][0],
        Replayed(0.25, drawn),  # type: ignore[arg-type]
        None,
    )
    found = np.concatenate([clause.advance(last) for last in stretches])
    assert found.shape == expected.shape
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(found, expected, atol=2e-3 * scale)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 2e-4 * np.sqrt(np.mean(expected**2))


def test_device_repeats_phones_as_the_trainer_does() -> None:
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((6, 5)).astype(np.float32)
    pitch, energy = rng.standard_normal((2, 6)).astype(np.float32)
    durations = np.array([2, 1, 7, 3, 1, 4])
    expected = expand_frames(
        *(torch.from_numpy(v)[None] for v in (hidden, pitch, energy, durations)), 18
    )
    found = repeat_phones(hidden, pitch, energy, durations)
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-6)
    assert ENERGY_STD_DB == TRAINED_ENERGY_STD_DB


def test_weights_are_seven_bits_an_output_channel() -> None:
    weight = np.array([[1.0, -0.5, 0.001], [100.0, 0.0, -100.0]], np.float32)
    coded, steps = quantize_weight(weight)
    assert np.abs(coded).max() == 63
    assert (np.abs(coded * steps[:, None] - weight) <= 0.5 * steps[:, None] + 1e-7).all()


def test_scale_clips_what_is_rare() -> None:
    rng = np.random.default_rng(0)
    usual = rng.standard_normal(1_000_000).astype(np.float32)
    plain, with_outlier = best_scale(usual), best_scale(np.append(usual, np.float32(20.0)))
    assert plain.step <= with_outlier.step < 0.7 * 25.0 / 255
    positive = best_scale(np.abs(usual))
    assert positive.zero == 0 and positive.step < plain.step


def test_int8_is_small_close_and_free_of_chunks(vocoder: Any) -> None:
    graph = vocoder_graph(vocoder)
    feeds = [vocoder_feed(60, seed) for seed in range(4)]
    names = [p.name for p in products(graph)]
    assert len(names) == 9
    quantized = quantize_products(graph, measure_products(graph, feeds), names)
    assert quantized.ByteSize() < 0.4 * graph.ByteSize()
    assert not any(n.op_type == "Relu" for n in quantized.graph.node)
    feed = vocoder_feed(80, 9)
    plain, coarse = parity.session(graph), parity.session(quantized)
    expected, found = parity.run(plain, feed), parity.run(coarse, feed)
    for name, value in expected.items():
        error = np.sqrt(np.mean((found[name] - value) ** 2)) / value.std()
        assert error < 0.06, name
    part = parity.run(coarse, {k: v[:, 20:70] for k, v in feed.items()})
    context = VOCODER.context_frames
    for name, value in part.items():
        inner = slice(context, 50 - context)
        whole = found[name][0, 20:70]
        np.testing.assert_allclose(value[0][inner], whole[inner], atol=1e-4)


def test_gate_gives_up_what_hurts(vocoder: Any) -> None:
    """A loss that can't stand one product in int8 gets it in float, and only that one."""
    graph = vocoder_graph(vocoder)
    feeds = [vocoder_feed(40, seed) for seed in range(2)]
    worst = sensitivities(graph, feeds, static_quantizer(graph, feeds))[0].name

    def evaluate(model: onnx.ModelProto) -> dict[str, float]:
        coded = {t.name for t in model.graph.initializer}
        return {"loss": 1.2 if f"{worst}.weight.i8" in coded else 1.0}

    quantized, changes = quantize_graph(graph, feeds, evaluate)
    coded = {t.name for t in quantized.graph.initializer if t.name.endswith(".i8")}
    expected = {f"{p.name}.weight.i8" for p in products(graph) if p.name != worst}
    assert changes == {"loss": 0.0} and expected == {c for c in coded if c.endswith("weight.i8")}


def speech(rng: np.random.Generator, frames: int, f0: float) -> np.ndarray:
    """A buzz with a syllable's rhythm, at 24 kHz."""
    t = np.arange(frames * 300) / 24000
    wave = sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 12))
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * t)
    return (0.1 * wave * rhythm + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, acoustic: Any, vocoder: Any) -> Path:
    """Folders as training leaves them: runs, a cache, a lexicon, an encoder, a held-out list."""
    root = tmp_path_factory.mktemp("runs")
    rng, inventory = np.random.default_rng(0), PhoneInventory()
    writer = CacheWriter(root / "cache")
    for index, speaker in enumerate([*TEACHER_VOICES, "kept_a", "kept_b"]):
        phones = inventory.encode("həlˈO wˈɜɹld.")
        durations = np.full(len(phones), 6)
        wave = speech(rng, int(durations.sum()), 100.0 + 20 * index)
        d_vector = np.abs(rng.standard_normal(256)).astype(np.float32)
        d_vector /= np.linalg.norm(d_vector)
        utterance = Utterance(f"u{index}", speaker, "", wave, 24000, {})
        writer.add(utterance, d_vector, phones, durations)
    writer.close()
    statistics = {"mel_mean": [-5.0] * 80, "mel_std": [2.0] * 80}
    for name, model, config in (("ac", acoustic, ACOUSTIC), ("voc", vocoder, VOCODER)):
        (root / name).mkdir()
        (root / name / "config.json").write_text(json.dumps({"model": asdict(config)}))
        (root / name / "statistics.json").write_text(json.dumps(statistics))
        torch.save({"step": 7, "average": model.state_dict()}, root / name / "checkpoint.pt")
    (root / "held.json").write_text(json.dumps(["kept_a", "kept_b"]))
    (root / "g2p").mkdir()
    lexicon = encode_lexicon({"hello": "həlˈO", "world": "wˈɜɹld"}, ENGLISH_SYMBOLS)
    (root / "g2p" / "lexicon.bin").write_bytes(lexicon)
    (root / "speaker").mkdir()
    from tests.tiny import linear_graph

    (root / "speaker" / "speaker_encoder.onnx").write_bytes(linear_graph())
    return root


def recipe(runs: Path, out: Path, **changes: Any) -> BundleRecipe:
    values: dict[str, Any] = {
        "acoustic": runs / "ac",
        "vocoder": runs / "voc",
        "g2p": runs / "g2p",
        "speaker_encoder": runs / "speaker",
        "caches": (runs / "cache",),
        "held_out": runs / "held.json",
        "out": out,
    }
    return BundleRecipe(**{**values, **changes})


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_bundle_is_built_and_speaks(runs: Path, tmp_path: Path, precision: Any) -> None:
    bundle = build_bundle(recipe(runs, tmp_path / "out", precision=precision))
    m = bundle.manifest
    roles = {"acoustic_encoder", "acoustic_decoder", "vocoder", "speaker_encoder"}
    assert set(m.graphs) == roles
    assert m.graphs["vocoder"].context_frames == VOCODER.context_frames
    assert m.graphs["vocoder"].alternatives[0].precision == precision
    assert [p.name for p in m.presets] == list(TEACHER_VOICES)
    card = bundle.data_path("model_card").read_text(encoding="utf-8")
    assert "Kokoro-82M" in card and "CC BY 4.0" in card and "7 training steps" in card
    if precision == "int8":
        assert all(v <= 3.5 for k, v in m.measured.items() if k.startswith("int8_"))
        assert len([k for k in m.measured if k.startswith("int8_")]) == 8
    voice = Voice.load(bundle.root, trust_bundle=True)
    whole = voice.synthesize("Hello world, hello.", preset="am_fenrir").samples
    streamed = [c.samples for c in voice.stream("Hello world, hello.", preset="am_fenrir")]
    assert np.isfinite(whole).all() and whole.any()
    np.testing.assert_allclose(np.concatenate(streamed), whole, atol=1e-3)


def test_a_bundle_of_several_languages_carries_their_packs(runs: Path, tmp_path: Path) -> None:
    own = write_toy_pack(tmp_path / "source")
    with pytest.raises(BundleError, match=r"trained on \d+ phone symbols"):
        build_bundle(recipe(runs, tmp_path / "few", languages=("en-US", "es"), precision="fp32"))
    built = build_bundle(recipe(runs, tmp_path / "out", packs=(own,), precision="fp32"))
    assert built.manifest.languages == ("en-US",)
    assert bundled_tags(built) == ("eo",)
    with pytest.raises(ConfigError, match="doesn't read the language 'xal'"):
        build_bundle(recipe(runs, tmp_path / "no", languages=("en-US", "xal")))


def test_a_bundle_of_graphs_that_were_quantized_before(runs: Path, tmp_path: Path) -> None:
    given = VoiceRecipe(
        acoustic=runs / "ac",
        vocoder=runs / "voc",
        caches=(runs / "cache",),
        held_out=runs / "held.json",
        out=tmp_path / "graphs",
        settings=Settings(rounds=1),
    )
    reports = quantize_models(given)
    bundle = build_bundle(recipe(runs, tmp_path / "out", graphs=given.out))
    for role, report in reports.items():
        assert bundle.manifest.graphs[role].alternatives[0].bytes == report.best.bytes
    assert len([k for k in bundle.manifest.measured if k.startswith("int8_")]) == 8
    assert Voice.load(bundle.root, trust_bundle=True).synthesize("Hello world.").samples.any()
    file = given.out / "vocoder.quantize.json"
    file.write_text(file.read_text().replace(reports["vocoder"].source_sha256, "0" * 64))
    with pytest.raises(BundleError, match="another model"):
        build_bundle(recipe(runs, tmp_path / "other", graphs=given.out))
    with pytest.raises(BundleError, match="not a graph"):
        build_bundle(recipe(runs, tmp_path / "other", graphs=runs))
    assert not (tmp_path / "other").exists()


def test_a_bundle_isnt_built_of_what_doesnt_fit(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BundleError, match="training run"):
        build_bundle(recipe(runs, out, acoustic=runs / "g2p"))
    with pytest.raises(ConfigError, match="n_symbols"):
        build_bundle(recipe(runs, out, vocoder=runs / "ac"))
    other = tmp_path / "voc2"
    other.mkdir()
    for file in ("config.json", "checkpoint.pt"):
        (other / file).write_bytes((runs / "voc" / file).read_bytes())
    statistics = {"mel_mean": [-4.0] * 80, "mel_std": [2.0] * 80}
    (other / "statistics.json").write_text(json.dumps(statistics))
    with pytest.raises(BundleError, match="statistics"):
        build_bundle(recipe(runs, out, vocoder=other))
    assert not out.exists()


def test_a_signed_bundle_is_signed(runs: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    out = tmp_path / "out"
    published = tmp_path / "trusted_keys.txt"
    bundle = build_bundle(
        recipe(runs, out, precision="fp32", signing_key=pem, publish_key=published)
    )
    public = key.public_key().public_bytes_raw().hex()
    assert published.read_text() == public + "\n"
    assert bundle.signed_by == public
    assert Voice.load(out, require_signature=True, trusted_keys=[public]).info.signed_by == public
