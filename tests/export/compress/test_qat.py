"""Fine-tuning with int8's roundings: it helps where rounding hurts, and it is what then runs."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.export.convert.test_convert import speech
from voicelet.errors import BundleError
from voicelet.text.phones import PhoneInventory
from voicelet_export.compress.quantize.files import Settings
from voicelet_export.compress.quantize.models import VoiceRecipe, quantize_models
from voicelet_export.compress.quantize.qat import fine_tune, trained_scales
from voicelet_export.compress.quantize.sensitivity import error_db
from voicelet_export.compress.quantize.static_qdq import (
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.convert import parity
from voicelet_export.convert.onnx import vocoder_graph
from voicelet_export.corpus.cache import CacheWriter
from voicelet_export.corpus.reader import Utterance
from voicelet_export.models.fake_quant import insert_fake_quant, set_fake
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_export.models.vocos import Vocoder, VocoderConfig
from voicelet_export.train.checkpoint import load_vocoder
from voicelet_export.train.milestone import save_milestone
from voicelet_export.train.run import TrainingRun

CONFIG = VocoderConfig(channels=48, hidden=96, blocks=2)
NAMES = ("harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude")


def hard_vocoder(seed: int = 0) -> Any:
    """A vocoder with two channels a hundred times as large as the others behind each norm.

    Matrices undo it, so in float it computes what it would without; one scale for all channels
    has little left for the small ones.
    """
    torch.manual_seed(seed)
    model = Vocoder(CONFIG)
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    for tensor in model.parameters():
        tensor.data += 0.05 * torch.randn(tensor.shape)
    factor = torch.ones(CONFIG.channels)
    factor[:2] = 100.0
    layers = [(b.norm.norm, b.expand) for b in model.blocks] + [(model.out_norm.norm, model.head)]
    for norm, linear in layers:
        norm.weight.data *= factor
        norm.bias.data *= factor
        linear.weight.data /= factor
    return model


def feed(seed: int, frames: int = 40) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "mel": rng.standard_normal((1, frames, 80)).astype(np.float32),
        "log_f0": rng.uniform(4.5, 5.5, (1, frames)).astype(np.float32),
        "voicing": rng.integers(0, 2, (1, frames)).astype(np.float32),
    }


def outputs(model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    with torch.no_grad():
        found = model(*(torch.from_numpy(v) for v in inputs.values()))
    return {name: value.numpy() for name, value in zip(NAMES, found)}


def int8_graph(model: Any, scales: Any) -> Any:
    graph = vocoder_graph(model)
    covered = [p.name for p in products(graph) if p.name != "envelope"]
    return quantize_products(graph, scales, covered)


def test_it_mends_what_plain_quantization_breaks() -> None:
    teacher = hard_vocoder().eval().requires_grad_(False)
    feeds = [feed(i) for i in range(6)]
    graph = vocoder_graph(teacher)
    plain = parity.session(int8_graph(teacher, measure_products(graph, feeds)))
    student = copy.deepcopy(teacher).requires_grad_(True).train()
    assert set(insert_fake_quant(student)) == {
        "entry", "blocks.0.expand", "blocks.0.contract", "blocks.1.expand", "blocks.1.contract",
        "head",
    }  # fmt: skip
    optimizer = torch.optim.Adam(student.parameters(), lr=2e-3)
    for step in range(80):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1.0 - step / 80)
        inputs = [torch.from_numpy(v) for v in feed(100 + step).values()]
        pairs = zip(student(*inputs), teacher(*inputs))
        loss = sum(((a - b) ** 2).mean() / (b**2).mean() for a, b in pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    student.eval()
    tuned = parity.session(int8_graph(student, trained_scales(student, vocoder_graph(student))))
    fresh = [feed(1000 + i) for i in range(4)]
    expected = [outputs(teacher, f) for f in fresh]
    before = error_db(expected, [parity.run(plain, f) for f in fresh])
    after = error_db(expected, [parity.run(tuned, f) for f in fresh])
    assert before > -4.0 and after < before - 4.0, (before, after)
    # The exported graph is the model that was trained, rounding for rounding.
    own = [outputs(student, f) for f in fresh]
    assert error_db(own, [parity.run(tuned, f) for f in fresh]) < after - 15.0


def test_an_untouched_model_is_the_same_without_roundings() -> None:
    model = hard_vocoder().eval()
    twin = copy.deepcopy(model)
    insert_fake_quant(twin)
    set_fake(twin, False)
    inputs = feed(3)
    for name, value in outputs(model, inputs).items():
        np.testing.assert_array_equal(outputs(twin, inputs)[name], value)
    assert trained_scales(twin, vocoder_graph(twin)) == {}


RECIPE = """
loop: {steps: %d, warmup_steps: 2, learning_rate: 0.0005, log_every: 2, validate_every: 50}
model: {channels: 48, hidden: 96, blocks: 2}
batch_size: 2
segment_frames: 32
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caches") / "buzz"
    writer, rng = CacheWriter(folder), np.random.default_rng(0)
    phones = PhoneInventory().encode("həlˈO wˈɜɹld.")
    durations = np.full(len(phones), 6)
    for index in range(6):
        wave = speech(rng, int(durations.sum()), 100.0 + 20 * index)
        d_vector = np.full(256, 1.0 / 16.0, np.float32)
        utterance = Utterance(f"u{index}", f"s{index % 3}", "", wave, 24000, {})
        writer.add(utterance, d_vector, phones, durations)
    writer.close()
    return folder


@pytest.fixture
def run(tmp_path: Path, cache: Path) -> Any:
    """Fine-tuning of the hard vocoder, as a folder of a finished model holds it."""
    start = tmp_path / "start"
    start.mkdir()
    model = hard_vocoder()
    state = {"step": 9, "average": model.state_dict(), "modules": {}, "optimisers": {}}
    torch.save(state, start / "checkpoint.pt")
    (start / "config.json").write_text(json.dumps({"model": asdict(CONFIG)}))
    statistics = {"mel_mean": [-4.0] * 80, "mel_std": [2.5] * 80}
    (start / "statistics.json").write_text(json.dumps(statistics))
    (tmp_path / "held.json").write_text(json.dumps(["s2"]))
    (tmp_path / "recipe.yaml").write_text(RECIPE % 6)

    def make(out: str, start_from: Path | None = start) -> TrainingRun:
        recipe = tmp_path / "recipe.yaml"
        held_out = tmp_path / "held.json"
        return TrainingRun("vocoder", recipe, (cache,), held_out, tmp_path / out, start_from)

    return make


def test_a_run_starts_from_a_model_and_is_exported_with_its_scales(
    run: Any, tmp_path: Path
) -> None:
    fine_tune(run("whole"))
    fine_tune(run("parts"), until_step=4)
    fine_tune(run("parts"))
    states = [
        torch.load(tmp_path / n / "checkpoint.pt", weights_only=True)["average"]
        for n in ("whole", "parts")
    ]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert json.loads((tmp_path / "whole" / "statistics.json").read_text())["mel_mean"][0] == -4.0
    save_milestone(tmp_path / "whole", tmp_path / "kept")
    for name in ("whole", "kept"):
        model, info = load_vocoder(tmp_path / name)
        graph = vocoder_graph(model)
        assert info.step == 6 and parity.check_vocoder(model, graph) < 1e-4
        scales = trained_scales(model, graph)
        # entry, two a block, and the head's three products read one tensor.
        assert len(scales) == 6 and all(s.step > 0 for s in scales.values())
        opened = parity.session(int8_graph(model, scales))
        rounded = outputs(model, feed(5))
        set_fake(model, True)
        inputs = feed(5)
        found, own = parity.run(opened, inputs), outputs(model, inputs)
        assert error_db([own], [found]) < error_db([rounded], [found]) - 10.0


def test_what_is_no_model_is_refused(run: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="--start-from"):
        fine_tune(run("a", None))
    with pytest.raises(BundleError, match="not the folder of a model"):
        fine_tune(run("b", tmp_path))
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("hidden: 96", "hidden: 64") % 6)
    with pytest.raises(BundleError, match="not the model of"):
        fine_tune(run("c"))
    assert not (tmp_path / "c" / "checkpoint.pt").exists()


def test_a_voice_is_fine_tuned_where_int8_fails_it(run: Any, tmp_path: Path) -> None:
    """From folders of models to graphs; the vocoder needs it, the acoustic model doesn't."""
    torch.manual_seed(0)
    config = AcousticConfig(channels=48, hidden=96, encoder_blocks=1, pitch_blocks=1, mel_blocks=1)
    start, acoustic = run("x").start_from, tmp_path / "acoustic"
    acoustic.mkdir()
    state = AcousticModel(config).state_dict()
    torch.save({"step": 1, "average": state}, acoustic / "checkpoint.pt")
    (acoustic / "config.json").write_text(json.dumps({"model": asdict(config)}))
    (acoustic / "statistics.json").write_bytes((start / "statistics.json").read_bytes())
    steps = RECIPE.replace("0.0005", "0.002").replace("2, log", "1, log") % 12
    (tmp_path / "recipe.yaml").write_text(steps)
    recipe = VoiceRecipe(
        acoustic=acoustic,
        vocoder=start,
        caches=run("x").caches,
        held_out=tmp_path / "held.json",
        out=tmp_path / "graphs",
        settings=Settings(rounds=1),
        qat={"vocoder": tmp_path / "recipe.yaml", "acoustic": tmp_path / "recipe.yaml"},
    )
    reports = quantize_models(recipe)
    graphs = tmp_path / "graphs"
    assert (graphs / "qat-vocoder" / "checkpoint.pt").exists()
    assert not (graphs / "qat-acoustic").exists()
    # Twelve steps lowered the losses, so the tuned vocoder took the place of the first.
    tuned, _ = load_vocoder(graphs / "qat-vocoder")
    assert reports["vocoder"].source_bytes == vocoder_graph(tuned).ByteSize()
    kept = json.loads((graphs / "qat-vocoder-graphs" / "vocoder.quantize.json").read_text())
    assert kept["schemes"][0]["kept"] == list(reports["vocoder"].schemes[0].kept)
    made = [(graphs / f"{role}.onnx").read_bytes() for role in reports]
    assert quantize_models(recipe) == reports  # and again, from what is there
    assert made == [(graphs / f"{role}.onnx").read_bytes() for role in reports]
