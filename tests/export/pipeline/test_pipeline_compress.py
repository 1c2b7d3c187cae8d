"""Steps that make models smaller, in a pipeline over a tiny voice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from voicelet.bundle import open_bundle
from voicelet.errors import BundleError
from voicelet.synth import Voice
from voicelet_export.bundle.build import BundleRecipe, build_bundle
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_export.models.vocos import Vocoder, VocoderConfig
from voicelet_export.pipeline.recipe import read_recipe
from voicelet_export.pipeline.run import run_pipeline
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder
from voicelet_export.train.milestone import save_milestone

ARTIFACTS = Path(__file__).resolve().parents[3] / "export/artifacts"
EMBEDDED = ARTIFACTS.parents[1] / "sdk/voicelet/voices/default"
ACOUSTIC = AcousticConfig(
    channels=32, hidden=64, encoder_blocks=2, pitch_blocks=1, mel_blocks=2, attention_heads=2
)
VOCODER = VocoderConfig(channels=32, hidden=64, blocks=2)


def model_folder(folder: Path, model: Any, config: Any) -> None:
    run = folder / "run"
    run.mkdir(parents=True)
    generator = torch.Generator().manual_seed(3)
    for tensor in model.parameters():
        tensor.data += 0.05 * torch.randn(tensor.shape, generator=generator)
    statistics = {"mel_mean": [-5.0] * 80, "mel_std": [2.0] * 80}
    (run / "config.json").write_text(json.dumps({"model": asdict(config)}))
    (run / "statistics.json").write_text(json.dumps(statistics))
    state = {"step": 5, "average": model.state_dict(), "modules": {}}
    torch.save(state, run / "checkpoint.pt")
    save_milestone(run, folder, half=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("compress")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model_folder(root / "acoustic", AcousticModel(ACOUSTIC), ACOUSTIC)
    vocoder = Vocoder(VOCODER)
    vocoder.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    model_folder(root / "vocoder", vocoder, VOCODER)
    small = {"channels": 16, "hidden": 32, "blocks": 1}
    loop = {"steps": 2, "warmup_steps": 1, "learning_rate": 0.001, "validate_every": 2}
    batch = {"loop": loop, "batch_size": 2, "segment_frames": 24, "adversarial_from": 1000}
    held = {"held_out": "@split/held_out.json"}
    encoder = str(ARTIFACTS / "speaker_encoder/speaker_encoder.onnx")
    steps = {
        "corpus": {"step": "synthetic", "utterances": 8, "speakers": 2},
        "features": {"step": "cache", "corpus": "@corpus", "encoder": encoder},
        "split": {"step": "write", "file": "held_out.json", "value": ["s1"]},
        "pruned": {
            "step": "prune", "model": "acoustic", "caches": ["@features"], **held,
            "target_flops": 0.8, "rounds": 1, "batches": 2, "limits": {"group": 8},
        },
        "student": {
            "step": "distil", "stage": "vocoder", "caches": ["@features"], **held,
            "teacher": "vocoder", "config": {"training": {**batch, "model": small}},
        },
        "graphs": {
            "step": "quantize", "acoustic": "@pruned", "vocoder": "@student",
            "caches": ["@features"], **held, "scheme": "weights-int8", "rounds": 1,
            "gate": {"max_change": 5.0},
        },
        "bundle": {
            "step": "bundle", "acoustic": "@pruned", "vocoder": "@student", "graphs": "@graphs",
            "g2p": str(EMBEDDED), "caches": ["@features"], **held,
            "voices": {"s0": "buzz"}, "teacher": "A buzz (CC0)", "licence": "CC0-1.0",
        },
    }  # fmt: skip
    (root / "recipe.yaml").write_text(yaml.safe_dump({"steps": steps}, sort_keys=False))
    done = run_pipeline(read_recipe(root / "recipe.yaml"), root / "work", root)
    return root, {name: root / "work/steps" / name / "out" for name in done} | {"records": done}


def test_a_pruned_model_and_a_student_are_smaller(made: tuple[Path, dict[str, Any]]) -> None:
    root, out = made
    pruned, info = load_acoustic(out["pruned"])
    whole, _ = load_acoustic(root / "acoustic")
    count = lambda model: sum(p.numel() for p in model.parameters())  # noqa: E731
    assert count(pruned) < count(whole)
    assert out["records"]["pruned"].figures["flops_ratio"] <= 0.82
    student, of = load_vocoder(out["student"])
    assert student.config.channels == 16 and of.step == 2
    assert (info.mel_mean == of.mel_mean).all()
    assert not list((root / "work/partial").iterdir())


def test_a_bundle_takes_the_quantized_graphs_as_they_are(
    made: tuple[Path, dict[str, Any]],
) -> None:
    _, out = made
    bundle = open_bundle(out["bundle"])
    for role in ("acoustic_encoder", "acoustic_decoder", "vocoder"):
        made_by_bundle = bundle.graph_path(role)[0].read_bytes()
        assert made_by_bundle == (out["graphs"] / f"{role}.onnx").read_bytes()
    manifest = bundle.manifest
    assert "speaker_encoder" not in manifest.graphs
    assert [(p.name, p.description) for p in manifest.presets] == [("s0", "buzz")]
    assert manifest.provenance["teacher"] == "A buzz (CC0)" and manifest.licence == "CC0-1.0"
    card = bundle.data_path("model_card").read_text(encoding="utf-8")
    assert "Speech generated by A buzz (CC0)." in card
    assert "anyone enrolled" not in card and "GE2E" not in card
    samples = Voice.load(out["bundle"], trust_bundle=True).synthesize("hello").samples
    assert samples.any()


def test_graphs_of_another_model_are_refused(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, out = made
    recipe = BundleRecipe(
        acoustic=root / "acoustic",  # of other sizes than the pruned one
        vocoder=out["student"],
        g2p=EMBEDDED,
        speaker_encoder=None,
        caches=(out["features"],),
        held_out=out["split"] / "held_out.json",
        out=tmp_path / "bundle",
        graphs=out["corpus"],
        voices={"s0": ""},
    )
    with pytest.raises(BundleError, match=r"acoustic_encoder\.onnx"):
        build_bundle(recipe)
    assert not recipe.out.exists()
