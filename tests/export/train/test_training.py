"""Training on a tiny synthetic corpus: it learns, and it resumes to the same bits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from voicelet.errors import ConfigError  # noqa: E402
from voicelet.text.phones import PhoneInventory  # noqa: E402
from voicelet_export.corpus.cache import CacheWriter, FeatureCache  # noqa: E402
from voicelet_export.corpus.reader import Utterance  # noqa: E402
from voicelet_export.train.data import load_items, read_held_out  # noqa: E402
from voicelet_export.train.encoder import ge2e_loss  # noqa: E402
from voicelet_export.train.freeze import matches  # noqa: E402
from voicelet_export.train.loop import warmup_cosine  # noqa: E402
from voicelet_export.train.milestone import load_milestone, save_milestone  # noqa: E402
from voicelet_export.train.run import TrainingRun, build_trainer, finish_run  # noqa: E402

RATE = 24000


def _utterance(index: int) -> tuple[Utterance, np.ndarray, np.ndarray]:
    """A few buzzing "vowels" of different formants, 20 frames each."""
    rng = np.random.default_rng(index)
    phones = PhoneInventory().encode("".join(rng.choice(list("aiuAO"), size=6)))
    durations = np.full(len(phones), 20)
    time = np.arange(20 * 300 * len(phones)) / RATE
    f0 = 110.0 + 20.0 * (index % 3)
    wave = np.zeros_like(time)
    for k in range(1, 12):
        gain = np.repeat(np.exp(-((k * f0 - 300.0 - 150.0 * phones) ** 2) / 3e5), 20 * 300)
        wave += gain * np.cos(2 * np.pi * k * f0 * time)
    wave[: 20 * 300] = wave[-20 * 300 :] = 0.0
    wave = (0.1 * wave + 1e-4 * rng.standard_normal(len(wave))).astype(np.float32)
    speaker = f"s{index % 3}"
    return Utterance(f"u{index}", speaker, "", wave, RATE, {}), phones, durations


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caches") / "tiny"
    writer = CacheWriter(folder)
    rng = np.random.default_rng(0)
    voices = {f"s{i}": np.abs(rng.standard_normal(256)).astype(np.float32) for i in range(3)}
    for index in range(12):
        utterance, phones, durations = _utterance(index)
        writer.add(utterance, voices[utterance.speaker], phones, durations)
    writer.close()
    return folder


def _run(tmp_path: Path, cache: Path, stage: str, recipe: str, out: str) -> TrainingRun:
    (tmp_path / "recipe.yaml").write_text(recipe)
    (tmp_path / "held.json").write_text(json.dumps(["s2"]))
    return TrainingRun(
        stage, tmp_path / "recipe.yaml", (cache,), tmp_path / "held.json", tmp_path / out
    )


ACOUSTIC = """
loop: {steps: 60, warmup_steps: 5, learning_rate: 0.003, log_every: 5, validate_every: 30}
model: {channels: 32, hidden: 48, encoder_blocks: 2, pitch_blocks: 1, mel_blocks: 2}
max_frames: 800
adversarial_from: %d
"""
VOCODER = """
loop: {steps: 60, warmup_steps: 5, learning_rate: 0.002, log_every: 5, validate_every: 30}
model: {channels: 32, hidden: 48, blocks: 2}
batch_size: 2
segment_frames: 32
adversarial_from: %d
"""


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return {f"{m}.{k}": v for m in ("modules",) for n, d in state[m].items() for k, v in
            ((f"{n}.{k}", v) for k, v in d.items())}  # fmt: skip


@pytest.mark.parametrize(("stage", "recipe"), [("acoustic", ACOUSTIC), ("vocoder", VOCODER)])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(
    tmp_path: Path, cache: Path, stage: str, recipe: str
) -> None:
    text = recipe % 3  # the discriminators enter before the cut, so that their state counts too
    build_trainer(_run(tmp_path, cache, stage, text, "whole")).run(until_step=8)
    build_trainer(_run(tmp_path, cache, stage, text, "parts")).run(until_step=5)
    build_trainer(_run(tmp_path, cache, stage, text, "parts")).run(until_step=8)
    whole, parts = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


def test_a_run_out_of_minutes_goes_on_another_time(tmp_path: Path, cache: Path) -> None:
    text = ACOUSTIC % 10_000
    build_trainer(_run(tmp_path, cache, "acoustic", text, "whole")).run(until_step=2)
    for done in (1, 2):
        trainer = build_trainer(_run(tmp_path, cache, "acoustic", text, "parts"))
        trainer.run(minutes=0.0)  # one step, and then it is late
        assert trainer.step == done
        assert not trainer.finished
    whole, parts = _weights(tmp_path / "whole"), _weights(tmp_path / "parts")
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


@pytest.mark.parametrize(
    ("stage", "recipe", "ratio"), [("acoustic", ACOUSTIC, 0.88), ("vocoder", VOCODER, 0.9)]
)
def test_training_learns(
    tmp_path: Path, cache: Path, stage: str, recipe: str, ratio: float
) -> None:
    build_trainer(_run(tmp_path, cache, stage, recipe % 10_000, "run")).run()
    rows = [json.loads(r) for r in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [r["mel"] for r in rows if r["kind"] == "train"]
    assert losses[-1] < ratio * losses[0]
    assert any(r["kind"] == "valid" and np.isfinite(r["mel"]) for r in rows)


ENCODER = """
loop: {steps: 12, warmup_steps: 2, learning_rate: 0.0005, log_every: 3, validate_every: 12}
start: %s
speakers: 2
windows: 3
"""
PUBLIC = Path(__file__).parents[3] / "export/artifacts/speaker_encoder/speaker_encoder.safetensors"


def test_the_encoder_learns_to_tell_people_apart(tmp_path: Path, cache: Path) -> None:
    build_trainer(_run(tmp_path, cache, "encoder", ENCODER % PUBLIC, "run")).run()
    rows = [json.loads(r) for r in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [r["loss"] for r in rows if r["kind"] == "train"]
    assert losses[-1] < 0.95 * losses[0]


XVECTOR = """
loop: {steps: 12, warmup_steps: 2, learning_rate: 0.003, log_every: 3, validate_every: 12}
model: {channels: 16, wide: 24, size: 12}
speakers: 4
frames: 40
"""


def test_the_second_encoder_learns_as_well(tmp_path: Path, cache: Path) -> None:
    run = _run(tmp_path, cache, "xvector", XVECTOR, "run")
    trainer = build_trainer(run)
    trainer.run()
    rows = [json.loads(r) for r in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [r["loss"] for r in rows if r["kind"] == "train"]
    assert losses[-1] < 0.9 * losses[0]
    written = finish_run(run, trainer)
    assert written is not None and written.name == "xvector.npz"


def test_the_ge2e_loss_is_small_when_people_are_apart_and_large_when_they_are_mixed() -> None:
    scale, bias = torch.tensor(10.0), torch.tensor(-5.0)
    apart = torch.eye(3).repeat_interleave(4, dim=0).view(3, 4, 3)
    mixed = apart.transpose(0, 1).reshape(3, 4, 3)
    small, large = ge2e_loss(apart, scale, bias), ge2e_loss(mixed, scale, bias)
    assert float(small) == pytest.approx(float(np.log1p(2 * np.exp(-10.0))), rel=1e-2)
    assert float(large) > 1.0


def test_a_milestone_starts_a_new_run(tmp_path: Path, cache: Path) -> None:
    first = _run(tmp_path, cache, "vocoder", VOCODER % 0, "first")
    build_trainer(first).run(until_step=3)
    save_milestone(tmp_path / "first", tmp_path / "kept")
    second = _run(tmp_path, cache, "vocoder", VOCODER % 0, "second")
    trainer = build_trainer(replace(second, start_from=tmp_path / "kept" / "weights.safetensors"))
    assert trainer.step == 0
    state = torch.load(tmp_path / "first" / "checkpoint.pt", weights_only=True)
    for name, value in trainer.task.modules["discriminator"].state_dict().items():
        torch.testing.assert_close(value, state["modules"]["judge"][name], atol=2e-3, rtol=2e-3)
    for name, value in trainer.average.state_dict().items():
        torch.testing.assert_close(value, state["average"][name], atol=2e-3, rtol=2e-3)


def test_files_may_call_the_discriminator_by_either_name(tmp_path: Path, cache: Path) -> None:
    run = _run(tmp_path, cache, "acoustic", ACOUSTIC % 1, "run")
    build_trainer(run).run(until_step=3)
    path = run.out / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    for part in ("modules", "optimisers"):  # the name on disk, which older versions read as well
        assert set(state[part]) == {"acoustic", "judge"}
        state[part]["discriminator"] = state[part].pop("judge")
    (tmp_path / "renamed").mkdir()
    torch.save(state, tmp_path / "renamed" / "checkpoint.pt")
    one, two = build_trainer(run), build_trainer(run)
    one.load(path)
    two.load(tmp_path / "renamed" / "checkpoint.pt")
    for name, module in one.task.modules.items():
        other = two.task.modules[name].state_dict()
        assert all(torch.equal(v, other[k]) for k, v in module.state_dict().items())
    moments = two.task.optimizers["discriminator"].state_dict()["state"]
    assert moments and all(float(m["step"]) == 2 for m in moments.values())
    save_milestone(run.out, tmp_path / "kept")
    weights = load_milestone(tmp_path / "kept" / "weights.safetensors")["modules"]["judge"]
    assert weights.keys() == one.task.modules["discriminator"].state_dict().keys()
    released = PUBLIC.parents[1] / "vocoder" / "weights.safetensors"
    assert "judges.0.convs.0.bias" in load_milestone(released)["modules"]["judge"]


def test_a_recipe_may_call_the_discriminator_by_either_name() -> None:
    for pattern in ("judge", "judge.*", "discriminator", "discriminator.layers"):
        assert matches("discriminator.layers.0.bias", pattern)
    assert not matches("decoder.judge.0.bias", "judge")


def test_held_out_speakers_are_never_trained_on(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "held.json").write_text(json.dumps({"people": [{"speaker": "s1"}]}))
    train, valid = load_items([FeatureCache(cache)], read_held_out(tmp_path / "held.json"), True)
    assert {i.entry.speaker for i in valid} == {"s1"}
    assert {i.entry.speaker for i in train} == {"s0", "s2"}


def test_a_recipe_with_a_wrong_key_is_refused_with_the_nearest(tmp_path: Path, cache: Path) -> None:
    run = _run(tmp_path, cache, "vocoder", "segment_frame: 3", "run")
    with pytest.raises(ConfigError, match="did you mean 'segment_frames'"):
        build_trainer(run)


def test_the_schedule_warms_up_and_ends_at_its_floor() -> None:
    assert warmup_cosine(0, 10, 100, 0.1) == pytest.approx(0.1)
    assert warmup_cosine(9, 10, 100, 0.1) == pytest.approx(1.0)
    assert warmup_cosine(55, 10, 100, 0.1) == pytest.approx(0.55)
    assert warmup_cosine(500, 10, 100, 0.1) == pytest.approx(0.1)
