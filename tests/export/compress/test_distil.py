"""Distillation on a tiny synthetic corpus: every loss, the store of outputs, exact resumption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_models import save_model, tiny_cache

torch = pytest.importorskip("torch")

from voicelet.errors import BundleError, ConfigError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.compress.distil.acoustic import AcousticOracle  # noqa: E402
from voicelet_export.compress.distil.distil import DistilRun, build_distillation, distil  # noqa: E402
from voicelet_export.compress.distil.taps import (  # noqa: E402
    attention_loss,
    layer_width,
    map_loss,
)
from voicelet_export.compress.distil.vocoder import VocoderOracle, filter_loss  # noqa: E402
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel  # noqa: E402
from voicelet_export.models.vocos import Vocoder, VocoderConfig  # noqa: E402
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder  # noqa: E402

TEACHERS = {
    "acoustic": AcousticConfig(
        channels=24, hidden=40, encoder_blocks=2, pitch_blocks=1, mel_blocks=2
    ),
    "vocoder": VocoderConfig(channels=24, hidden=40, blocks=2),
}
ACOUSTIC = """
training:
  loop: {steps: 40, warmup_steps: 4, learning_rate: 0.004, log_every: 4, validate_every: 1000}
  model: {channels: 16, hidden: 24, encoder_blocks: 1, pitch_blocks: 1, mel_blocks: 1,
          attention_heads: 1}
  max_frames: 500
  f0_noise: 0.0
maps: [{teacher: encoder.blocks.1, student: encoder.blocks.0},
       {teacher: decoder.mel_blocks.1, student: decoder.mel_blocks.0}]
attention_weight: 0.1
"""
VOCODER = """
training:
  loop: {steps: 40, warmup_steps: 4, learning_rate: 0.003, log_every: 4, validate_every: 1000}
  model: {channels: 16, hidden: 24, blocks: 1}
  batch_size: 2
  segment_frames: 24
  adversarial_from: 1000000
maps: [{teacher: blocks.1, student: blocks.0}]
"""
RECIPES = {"acoustic": ACOUSTIC, "vocoder": VOCODER}
STAGES = pytest.mark.parametrize("stage", ["acoustic", "vocoder"])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_cache(tmp_path_factory.mktemp("caches") / "tiny")


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, Path]:
    """Random teachers: what they say is as hard to copy as anything."""
    torch.manual_seed(5)
    folder = tmp_path_factory.mktemp("teachers")
    models = {
        "acoustic": AcousticModel(TEACHERS["acoustic"]),
        "vocoder": Vocoder(TEACHERS["vocoder"]),
    }
    with torch.no_grad():  # phones of about 10 frames, like the corpus
        models["acoustic"].encoder.variance_head.bias[0] = 2.3
    return {name: save_model(folder / name, model, cache) for name, model in models.items()}


def _run(
    tmp_path: Path, cache: Path, stage: str, teacher: Path | None, out: str, recipe: str = ""
) -> DistilRun:
    student = tmp_path / f"{out}.yaml"
    student.write_text(recipe or RECIPES[stage])
    (tmp_path / "held.json").write_text(json.dumps(["s2"]))
    return DistilRun(
        stage, student, (cache,), tmp_path / "held.json", tmp_path / out, teacher,
        store=tmp_path / "store",
    )  # fmt: skip


def _state(folder: Path) -> dict[str, torch.Tensor]:
    modules = torch.load(folder / "checkpoint.pt", weights_only=True)["modules"]
    return {f"{name}.{k}": v for name, state in modules.items() for k, v in state.items()}


def _log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def _same(a: Path, b: Path) -> bool:
    first, second = _state(a), _state(b)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@STAGES
def test_a_second_run_asks_no_teacher_and_ends_with_the_same_bits(
    tmp_path: Path,
    cache: Path,
    teachers: dict[str, Path],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    oracle = AcousticOracle if stage == "acoustic" else VocoderOracle
    asked: list[str] = []
    ask = oracle.__call__

    def counted(self: object, item: object) -> object:
        asked.append(item.entry.id)  # type: ignore[attr-defined]
        return ask(self, item)  # type: ignore[arg-type]

    monkeypatch.setattr(oracle, "__call__", counted)
    distil(_run(tmp_path, cache, stage, teachers[stage], "first"), until_step=3)
    assert asked
    assert len(asked) == len(set(asked)), "an utterance was computed twice"
    asked.clear()
    distil(_run(tmp_path, cache, stage, teachers[stage], "second"), until_step=3)
    assert not asked
    assert _same(tmp_path / "first", tmp_path / "second")


@STAGES
def test_a_run_that_was_cut_off_ends_with_the_same_bits(
    tmp_path: Path, cache: Path, teachers: dict[str, Path], stage: str
) -> None:
    # Live and with discriminators or free running, so that all state there is counts.
    live = RECIPES[stage] + "cached: false\n"
    recipe = live.replace("1000000", "1") if stage == "vocoder" else live + "free_weight: 1.0\n"
    distil(_run(tmp_path, cache, stage, teachers[stage], "whole", recipe), until_step=4)
    parts = _run(tmp_path, cache, stage, teachers[stage], "parts", recipe)
    distil(parts, until_step=2)
    distil(parts, until_step=4)
    assert _same(tmp_path / "whole", tmp_path / "parts")
    assert any(name.startswith("projections.") for name in _state(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("stage", "terms"),
    [
        ("acoustic", ["teacher_mel", "teacher_duration", "teacher_energy", "teacher_map"]),
        ("vocoder", ["teacher_mel", "teacher_filter", "teacher_map"]),
    ],
)
def test_the_student_comes_nearer_to_its_teacher(
    tmp_path: Path, cache: Path, teachers: dict[str, Path], stage: str, terms: list[str]
) -> None:
    recipe = RECIPES[stage] + "ground_weight: 0.0\n"
    out = distil(_run(tmp_path, cache, stage, teachers[stage], "run", recipe))
    rows = [row for row in _log(out) if row["kind"] == "train"]
    for term in terms:
        assert rows[-1][term] < 0.93 * rows[0][term], term
    model, info = (load_acoustic if stage == "acoustic" else load_vocoder)(out)
    assert model.config.channels == 16
    assert info.step == 40


def test_free_running_compares_frame_by_frame(
    tmp_path: Path, cache: Path, teachers: dict[str, Path]
) -> None:
    """A student that is the teacher agrees with it in both ways of running, but for float16."""
    sizes = json.dumps(json.loads((teachers["acoustic"] / "config.json").read_text())["model"])
    recipe = f"""
training: {{loop: {{steps: 4, warmup_steps: 1, learning_rate: 0.0, log_every: 1}},
           model: {sizes}, max_frames: 500, f0_noise: 0.0}}
free_weight: 1.0
free_every: 1
attention_weight: 1.0
cached: false
maps: [{{teacher: decoder.mel_blocks.0, student: decoder.mel_blocks.0}}]
"""
    run = _run(tmp_path, cache, "acoustic", teachers["acoustic"], "same", recipe)
    distil(replace(run, start_from=teachers["acoustic"] / "weights.safetensors"))
    for row in _log(tmp_path / "same"):
        for term in ("teacher_mel", "free_mel", "free_f0", "teacher_map", "teacher_attention"):
            assert row[term] == pytest.approx(0.0, abs=2e-4), term
        assert row["mel"] > 0.1  # against the recordings it's a random model


def test_a_cache_labelled_by_any_teacher_serves_by_itself(tmp_path: Path, cache: Path) -> None:
    for stage, recipe in RECIPES.items():
        out = distil(_run(tmp_path, cache, stage, None, stage, recipe), until_step=12)
        losses = [row["mel"] for row in _log(out) if row["kind"] == "train"]
        assert losses[-1] < losses[0]


def test_one_speaker_is_enough(tmp_path: Path, teachers: dict[str, Path]) -> None:
    single = tiny_cache(tmp_path / "single", speakers=("one", "one.held-out"), count=6)
    run = _run(tmp_path, single, "acoustic", teachers["acoustic"], "run")
    (tmp_path / "held.json").write_text(json.dumps(["one.held-out"]))
    distil(run, until_step=2)
    assert all(torch.isfinite(v).all() for v in _state(run.out).values())


def test_another_teacher_gets_another_store(
    tmp_path: Path, cache: Path, teachers: dict[str, Path]
) -> None:
    build_distillation(_run(tmp_path, cache, "vocoder", teachers["vocoder"], "a"))
    build_distillation(_run(tmp_path, cache, "vocoder", teachers["vocoder"], "b"))
    assert len(list((tmp_path / "store").iterdir())) == 1
    torch.manual_seed(6)
    other = save_model(tmp_path / "other", Vocoder(TEACHERS["vocoder"]), cache)
    build_distillation(_run(tmp_path, cache, "vocoder", other, "c"))
    assert len(list((tmp_path / "store").iterdir())) == 2


def test_what_does_not_fit_is_refused(
    tmp_path: Path, cache: Path, teachers: dict[str, Path]
) -> None:
    bad = VOCODER.replace("teacher: blocks.1", "teacher: block.1")
    with pytest.raises(ConfigError, match="did you mean 'blocks"):
        build_distillation(_run(tmp_path, cache, "vocoder", teachers["vocoder"], "a", bad))
    bad = VOCODER.replace("blocks: 1}", "blocks: 1, fft_size: 2400}")
    with pytest.raises(ConfigError, match="filter_weight"):
        build_distillation(_run(tmp_path, cache, "vocoder", teachers["vocoder"], "b", bad))
    with pytest.raises(ConfigError, match="unknown key 'blocks'"):
        build_distillation(_run(tmp_path, cache, "acoustic", teachers["vocoder"], "c"))
    with pytest.raises(BundleError, match="not the folder of a training run"):
        build_distillation(_run(tmp_path, cache, "acoustic", tmp_path, "c"))
    with pytest.raises(ConfigError, match="did you mean 'map_weight'"):
        build_distillation(
            _run(tmp_path, cache, "vocoder", teachers["vocoder"], "d", "map_weigth: 1.0")
        )


def test_weights_of_another_size_and_a_broken_store_are_told(
    tmp_path: Path, cache: Path, teachers: dict[str, Path]
) -> None:
    run = _run(tmp_path, cache, "vocoder", teachers["vocoder"], "a")
    with pytest.raises(ConfigError, match="sizes must agree"):
        build_distillation(replace(run, start_from=teachers["vocoder"] / "weights.safetensors"))
    (store,) = (tmp_path / "store").iterdir()
    (store / "wave.npy").write_bytes(b"not an array")
    with pytest.raises(ConfigError, match="delete"):
        build_distillation(run)


def test_the_command_tells_what_is_wrong(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _run(tmp_path, cache, "vocoder", None, "a", "wave_wieght: 1.0")
    given = ["--student", run.student, "--cache", cache, "--held-out", run.held_out]
    code = main(["distil", "vocoder", *map(str, given), "--out", str(tmp_path / "out")])
    assert code == 2
    assert "did you mean 'wave_weight'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_losses_of_maps_attention_and_filters() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(2, 50, 8)
    keep = torch.ones(2, 50, 1)
    keep[1, 25:] = 0.0
    assert float(map_loss(teacher, teacher, keep)) == 0.0
    mean = (teacher * keep).sum((0, 1)) / 75.0
    assert float(map_loss(mean.expand_as(teacher), teacher, keep)) == pytest.approx(1.0, rel=1e-5)
    wrong = teacher + 100.0 * (1.0 - keep)  # padding doesn't count
    assert float(map_loss(wrong, teacher, keep)) == 0.0

    even, first = torch.full((1, 1, 4, 4), 0.25), torch.zeros(1, 1, 4, 4)
    first[..., 0] = 1.0
    phones = torch.ones(1, 4, 1)
    assert float(attention_loss(even, first, phones)) == pytest.approx(np.log(4.0), rel=1e-4)
    assert float(attention_loss(even, even.expand(1, 3, 4, 4), phones)) == pytest.approx(0.0)

    zero = torch.zeros(1, 6, 5)
    taught = {"harmonic": zero + 2.0, "phase": zero + np.pi, "noise": zero + 0.5}
    voiced = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    assert float(filter_loss((zero, zero, zero), taught, voiced)) == pytest.approx(4.5)
    model = AcousticModel(TEACHERS["acoustic"])
    assert layer_width(model, "decoder.project") == 24
    assert layer_width(model, "encoder.attention") == 24
