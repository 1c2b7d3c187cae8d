"""Precision, accumulation and freezing: what they change, and that a run resumes to the bit."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from voicelet.config import from_mapping, to_mapping  # noqa: E402
from voicelet.errors import ConfigError  # noqa: E402
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.train.freeze import Freeze, Freezer, matches  # noqa: E402
from voicelet_export.train.loop import LoopConfig, Task, Trainer  # noqa: E402
from voicelet_export.train.run import TrainingRun, build_trainer  # noqa: E402
from voicelet_export.train.stages import STAGES, find_stage  # noqa: E402

RECIPES = Path(__file__).parents[3] / "export" / "recipes"


class Duel(Task):
    """Two layers and a discriminator: what a GAN does to a loop, on eight numbers."""

    averaged = "maker"

    def __init__(self, batch: int = 4, split: int = 1) -> None:
        torch.manual_seed(0)
        self.maker = nn.Sequential()
        self.maker.add_module("first", nn.Linear(8, 16))
        self.maker.add_module("norm", nn.BatchNorm1d(16, momentum=0.5))
        self.maker.add_module("last", nn.Linear(16, 8))
        self.discriminator = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
        self.modules = {"maker": self.maker, "discriminator": self.discriminator}
        self.optimizers = {
            k: torch.optim.AdamW(m.parameters(), weight_decay=0.1) for k, m in self.modules.items()
        }
        self.batch, self.split = batch, split
        self.dtypes: set[Any] = set()

    def train_step(self, step: int) -> dict[str, float]:
        generator = torch.Generator().manual_seed(step // self.split)
        whole = torch.randn(self.batch * self.split, 8, generator=generator)
        x = whole[step % self.split :: self.split]
        made = self.maker(x) + 0.1 * torch.randn(x.shape)
        self.dtypes.add(made.dtype)
        wrong = (self.discriminator(made.detach()) + 1).square().mean()
        wrong = wrong + (self.discriminator(-x) - 1).square().mean()
        self.update("discriminator", wrong, 10.0)
        self.discriminator.requires_grad_(False)
        loss = (made + x).square().mean() + 0.1 * (self.discriminator(made) - 1).square().mean()
        self.discriminator.requires_grad_(True)
        self.update("maker", loss, 10.0)
        return {"loss": float(loss.detach()), "discriminator": float(wrong.detach())}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        return {}


CONFIG = LoopConfig(steps=40, warmup_steps=2, learning_rate=0.01, log_every=5, ema=0.9)


def train(folder: Path, config: LoopConfig, *stops: int, task: Duel | None = None) -> Duel:
    """Train up to each stop in turn, each time in a new trainer, as after a cut."""
    for stop in stops:
        made = task or Duel()
        Trainer(made, config, folder).run(until_step=stop)
    return made


def state(folder: Path) -> dict[str, torch.Tensor]:
    found = torch.load(folder / "checkpoint.pt", weights_only=True)
    flat = {f"{m}.{k}": v for m, d in found["modules"].items() for k, v in d.items()}
    return flat | {f"average.{k}": v for k, v in found["average"].items()}


PHASES = (Freeze(("first", "norm"), until_step=3), Freeze(("*",), but=("last",), from_step=5))


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulate": 3},
        {"freeze": PHASES},
        {"precision": "bf16"},
        {"precision": "fp16"},
        {"precision": "fp16", "accumulate": 2, "freeze": PHASES},
    ],
    ids=["accumulate", "freeze", "bf16", "fp16", "all"],
)
def test_a_run_that_was_cut_off_ends_with_the_same_bits(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    config = replace(CONFIG, **changes)
    train(tmp_path / "whole", config, 9)
    train(tmp_path / "parts", config, 2, 4, 7, 9)
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[k], parts[k]) for k in whole)
    assert not torch.equal(whole["maker.last.weight"], Duel().maker.last.weight)


class Plain(Duel):
    """The same without noise, batch norm or a discriminator, so that batches add up exactly."""

    def train_step(self, step: int) -> dict[str, float]:
        generator = torch.Generator().manual_seed(step // self.split)
        whole = torch.randn(self.batch * self.split, 8, generator=generator)
        x = whole[step % self.split :: self.split]
        loss = (self.maker.last(torch.tanh(self.maker.first(x))) + x).square().mean()
        self.update("maker", loss, 0.3)
        return {"loss": float(loss.detach())}


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    large = train(tmp_path / "large", CONFIG, 6, task=Plain(batch=12))
    small = train(tmp_path / "small", replace(CONFIG, accumulate=3), 6, task=Plain(4, split=3))
    for a, b in zip(large.maker.parameters(), small.maker.parameters()):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=1e-4)
    rows = [
        json.loads((tmp_path / n / "log.jsonl").read_text().splitlines()[0])["loss"]
        for n in ("large", "small")
    ]
    assert rows[0] == pytest.approx(rows[1], abs=2e-5)


def test_a_discriminator_gathers_only_its_own_loss(tmp_path: Path) -> None:
    """With no `requires_grad_` in the task, the maker's loss would reach its gradients."""

    class Leaky(Duel):
        def train_step(self, step: int) -> dict[str, float]:
            torch.manual_seed(7)
            x = torch.randn(4, 8)
            made = self.maker(x)
            self.update("discriminator", self.discriminator(made.detach()).square().mean(), 1e6)
            self.update("maker", 100.0 * self.discriminator(made).mean(), 1e6)
            if step == 0:  # before any step is taken
                self.seen = [p.grad.clone() for p in self.discriminator.parameters()]
                self.discriminator.zero_grad()
                self.discriminator(made.detach()).square().mean().backward()
                self.alone = [p.grad.clone() for p in self.discriminator.parameters()]
            return {}

    task = Leaky()
    train(tmp_path, replace(CONFIG, accumulate=2), 1, task=task)
    for seen, alone in zip(task.seen, task.alone):
        torch.testing.assert_close(2.0 * seen, alone)


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", "bfloat16"), ("fp16", "float16")])
def test_half_precision_computes_in_half_and_learns(
    tmp_path: Path, precision: str, dtype: str
) -> None:
    full, half = Duel(), Duel()
    config = replace(CONFIG, precision=precision)
    train(tmp_path / "full", CONFIG, 40, task=full)
    train(tmp_path / "half", config, 40, task=half)
    # The noise is float32, so the sum is; the layers under it are not.
    assert full.maker.last.weight.dtype == half.maker.last.weight.dtype == torch.float32
    with half.updates.autocast():
        assert half.maker(torch.randn(2, 8)).dtype == getattr(torch, dtype)
    last = {
        n: [json.loads(r) for r in (tmp_path / n / "log.jsonl").read_text().splitlines()]
        for n in ("full", "half")
    }
    assert last["half"][-1]["loss"] < 0.6 * last["half"][0]["loss"]
    assert last["half"][-1]["loss"] == pytest.approx(last["full"][-1]["loss"], rel=0.1)
    saved = torch.load(tmp_path / "half" / "checkpoint.pt", weights_only=True)
    assert ("scaler" in saved) == (precision == "fp16")


def test_an_overflow_in_half_precision_takes_no_step_and_halves_the_scale(tmp_path: Path) -> None:
    class Loud(Duel):
        def train_step(self, step: int) -> dict[str, float]:
            factor = 1e9 if step == 1 else 1.0
            self.update("maker", factor * self.maker(torch.ones(4, 8)).square().mean(), 1.0)
            return {}

    task = Loud()
    trainer = Trainer(task, replace(CONFIG, precision="fp16"), tmp_path)
    trainer.run(until_step=1)
    before, scale = task.maker.last.weight.clone(), task.updates.scaler.get_scale()
    trainer.run(until_step=2)
    assert torch.equal(before, task.maker.last.weight)
    assert task.updates.scaler.get_scale() == scale / 2
    trainer.run(until_step=3)
    assert not torch.equal(before, task.maker.last.weight)


def test_what_rests_keeps_weights_and_buffers_and_what_wakes_moves(tmp_path: Path) -> None:
    start = {k: v.clone() for k, v in Duel().maker.state_dict().items()}
    rules = (
        Freeze(("first", "norm.*"), until_step=4),
        Freeze(("last", "discriminator"), from_step=4),
    )
    config = replace(CONFIG, freeze=rules)
    task = train(tmp_path, config, 4)
    middle = {k: v.clone() for k, v in task.maker.state_dict().items()}
    moved = {k for k in start if not torch.equal(start[k], middle[k])}
    assert moved == {"last.weight", "last.bias"}
    before = {k: v.clone() for k, v in task.discriminator.state_dict().items()}
    task = train(tmp_path, config, 8)
    end = task.maker.state_dict()
    moved = {k for k in start if not torch.equal(middle[k], end[k])}
    assert moved == set(start) - {"last.weight", "last.bias"}
    # The task turns its discriminator's gradients on at every step; it rests all the same.
    assert all(torch.equal(before[k], v) for k, v in task.discriminator.state_dict().items())


@pytest.mark.parametrize(
    ("name", "pattern", "hit"),
    [
        ("encoder.blocks.0.weight", "encoder", True),
        ("encoder.blocks.0.weight", "encoder.blocks.0", True),
        ("encoder.blocks.0.weight", "encoder.bl", False),
        ("encoder.blocks.0.weight", "*.blocks.[01].*", True),
        ("decoder.blocks.0.weight", "encoder*", False),
    ],
)
def test_patterns(name: str, pattern: str, hit: bool) -> None:
    assert matches(name, pattern) is hit


def test_a_pattern_that_names_nothing_is_refused_with_the_nearest() -> None:
    task = Duel()
    with pytest.raises(ConfigError, match="did you mean 'first'"):
        Freezer(task.modules, task.averaged, [Freeze(("frist.*",))])
    with pytest.raises(ConfigError, match="nothing is left to train at step 5"):
        Freezer(task.modules, task.averaged, [Freeze(("*",), from_step=5)])
    with pytest.raises(ConfigError, match="must lie after"):
        from_mapping(LoopConfig, {"freeze": [{"modules": ["a"], "from_step": 3, "until_step": 3}]})
    with pytest.raises(ConfigError, match="'bf16'"):
        from_mapping(LoopConfig, {"precision": "half"})


def test_a_checkpoint_without_a_loss_scale_loads(tmp_path: Path) -> None:
    train(tmp_path, CONFIG, 3)
    assert "scaler" not in torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    task = Duel()
    trainer = Trainer(task, replace(CONFIG, precision="fp16"), tmp_path)
    trainer.load(tmp_path / "checkpoint.pt")
    assert trainer.step == 3


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("finetune-*.yaml")), ids=lambda p: p.stem)
def test_the_recipes_of_fine_tuning_freeze_what_their_models_have(recipe: Path) -> None:
    import yaml

    from voicelet.audio.features import FeatureConfig
    from voicelet_export.models.fastspeech2 import AcousticModel
    from voicelet_export.models.vocos import Vocoder

    stage = recipe.stem.split("-")[1]
    config = from_mapping(STAGES[stage].config_class(), yaml.safe_load(recipe.read_text()))
    assert config.loop.freeze
    vocoder = stage == "vocoder"
    model = Vocoder(config.model, FeatureConfig()) if vocoder else AcousticModel(config.model)
    modules = {stage: model, "discriminator": nn.Linear(2, 2)}
    freezer = Freezer(modules, stage, config.loop.freeze)
    total = sum(p.numel() for p in model.parameters())
    resting = [sum(p.numel() for p in freezer.at(s)) for s in (0, config.loop.steps - 1)]
    assert 0 < resting[0] < total
    assert resting[1] < total
    assert resting[0] != resting[1]
    assert from_mapping(type(config), json.loads(json.dumps(to_mapping(config)))) == config


def test_a_stage_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'hifigan'"):
        find_stage("hifi-gan")
    run = TrainingRun("vocoder", None, (tmp_path / "nowhere",), None, tmp_path / "out")
    with pytest.raises(CorpusError, match="no whole feature cache"):
        build_trainer(run)
    (tmp_path / "bad.yaml").write_text("loop: {steps: [")
    with pytest.raises(ConfigError, match="can't be read"):
        build_trainer(replace(run, recipe=tmp_path / "bad.yaml"))


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_has_a_configuration_and_a_task(name: str) -> None:
    stage = STAGES[name]
    config = stage.config_class()()
    assert isinstance(config.loop, LoopConfig)
    assert from_mapping(stage.config_class(), json.loads(json.dumps(to_mapping(config)))) == config
    task = getattr(import_module(stage.module), stage.task)
    assert issubclass(task, Task)
    wanted = ["mel_mean", "mel_std"] if stage.statistics else []
    assert list(signature(task).parameters)[3:5] == wanted
