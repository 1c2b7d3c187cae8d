"""Importance by its definition, plans, cuts against masked models, and the whole."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_models import save_model, tiny_cache

torch = pytest.importorskip("torch")

import voicelet_export.compress.prune.prune as prune_module  # noqa: E402
from voicelet.config import from_mapping  # noqa: E402
from voicelet.errors import BundleError, CancelledError, ConfigError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.compress.cost import model_cost  # noqa: E402
from voicelet_export.compress.distil.acoustic import (  # noqa: E402
    AcousticDistillation,
    AcousticOracle,
)
from voicelet_export.compress.prune.curve import table  # noqa: E402
from voicelet_export.compress.prune.cut import cut_model, hidden_moments, repair  # noqa: E402
from voicelet_export.compress.prune.importance import (  # noqa: E402
    Importance,
    magnitude_importance,
    named_blocks,
    taylor_importance,
)
from voicelet_export.compress.prune.measure import export_graphs, time_in_turns  # noqa: E402
from voicelet_export.compress.prune.plan import Keep, Limits, plan_cuts  # noqa: E402
from voicelet_export.compress.prune.prune import PruneRun, prune, stage_of  # noqa: E402
from voicelet_export.corpus.cache import FeatureCache  # noqa: E402
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel  # noqa: E402
from voicelet_export.models.vocos import Vocoder, VocoderConfig  # noqa: E402
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder  # noqa: E402
from voicelet_export.train.data import load_items  # noqa: E402
from voicelet_export.train.utterances import UtteranceSampler  # noqa: E402

VOCODER = VocoderConfig(n_mels=80, channels=24, hidden=64, blocks=3)
ACOUSTIC = AcousticConfig(
    channels=24, hidden=48, encoder_blocks=4, attention_heads=3, pitch_blocks=2, mel_blocks=3
)


def _vocoder(config: VocoderConfig = VOCODER) -> Vocoder:
    torch.manual_seed(1)
    model = Vocoder(config)
    torch.nn.init.normal_(model.head.weight, std=0.2)
    return model.eval()


def _acoustic(config: AcousticConfig = ACOUSTIC) -> AcousticModel:
    torch.manual_seed(2)
    model = AcousticModel(config).eval()
    for layer in (model.encoder.film, model.encoder.condition):
        torch.nn.init.normal_(layer.weight, std=0.2)
    return model


def _inputs() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(3)
    return torch.randn(2, 40, 80), torch.rand(2, 40) + 4.7, torch.ones(2, 40)


def _speak(model: AcousticModel) -> list[torch.Tensor]:
    torch.manual_seed(4)
    phones, speaker = torch.randint(0, 60, (2, 9)), torch.randn(2, 328)
    encoded = model.encoder(phones, speaker)
    frames = torch.cat([encoded[0].repeat_interleave(3, dim=1), torch.randn(2, 27, 4)], dim=-1)
    decoded = model.decoder(frames, encoded[-1], torch.full((2, 1), 5.0))
    return [*encoded[:4], *decoded]


# --- importance


def test_taylor_importance_is_the_square_of_the_gates_gradient() -> None:
    """By its definition: a gate of 1 at the unit, and the loss's derivative by it."""
    model, inputs = _vocoder(), _inputs()
    block = model.blocks[1]
    gate = torch.ones(64, requires_grad=True)
    whole = torch.ones(1, requires_grad=True)
    handles = [
        block.contract.register_forward_pre_hook(lambda _m, given: (given[0] * gate,)),
        block.contract.register_forward_hook(lambda _m, _given, made: made * whole),
    ]
    loss = sum(y.square().mean() for y in model(*inputs))
    loss.backward()
    for handle in handles:
        handle.remove()
    found = taylor_importance(model, [lambda: sum(y.square().mean() for y in model(*inputs))])
    assert gate.grad is not None
    assert whole.grad is not None
    np.testing.assert_allclose(found.units["blocks.1"], gate.grad.square().numpy(), rtol=2e-3)
    assert found.blocks["blocks.1"] == pytest.approx(float(whole.grad) ** 2, rel=2e-3)
    assert all(p.grad is None for p in model.parameters())


def test_a_dead_unit_is_of_no_importance_by_either_criterion() -> None:
    model, inputs = _vocoder(), _inputs()
    with torch.no_grad():
        model.blocks[0].contract.weight[:, 5] = 0.0
        model.blocks[0].expand.bias[9] = -1e3  # never active
    taylor = taylor_importance(model, [lambda: sum(y.square().mean() for y in model(*inputs))])
    assert taylor.units["blocks.0"][5] == 0.0
    assert taylor.units["blocks.0"][9] == 0.0
    assert np.count_nonzero(taylor.units["blocks.0"]) == 62
    magnitude = magnitude_importance(model)
    assert magnitude.units["blocks.0"][5] == 0.0
    assert magnitude.units["blocks.0"].min() == 0.0
    assert magnitude.units["blocks.0"][9] > 0.0  # weights don't tell what is used


# --- plans


def _flat(model: torch.nn.Module) -> Importance:
    blocks = named_blocks(model)
    heads = {"encoder.attention": np.ones(3)} if isinstance(model, AcousticModel) else {}
    return Importance(
        {n: np.ones(b.expand.out_features) for n, b in blocks.items()}, heads,
        dict.fromkeys(blocks, 1e9),
    )  # fmt: skip


def test_a_plan_meets_its_target_with_what_matters_least() -> None:
    model = _vocoder()
    importance = _flat(model)
    importance.units["blocks.1"][:] = 1e-3
    importance.units["blocks.2"][::2] = 1e-2
    limits = Limits(group=8, smallest=16)
    target = 0.97 * model_cost(model).madds
    keep = plan_cuts(model, importance, target, limits)
    assert len(keep.units["blocks.1"]) == 16  # as far down as it may
    np.testing.assert_array_equal(keep.units["blocks.0"], np.arange(64))
    gone = set(range(64)) - set(keep.units["blocks.2"].tolist())
    assert gone
    assert len(gone) % 8 == 0
    assert gone <= set(range(0, 64, 2))
    after = model_cost(cut_model(model, keep)).madds
    assert target - 8 * 2 * 24 * 80 < after <= target


def test_what_costs_more_goes_first_at_equal_importance() -> None:
    # A frame's unit runs 80 times a second, a phone's 14 times.
    model = _acoustic()
    keep = plan_cuts(model, _flat(model), 0.8 * model_cost(model).madds, Limits(group=4))
    assert all(len(keep.units[f"encoder.blocks.{i}"]) == 48 for i in range(4))
    assert sum(len(v) for n, v in keep.units.items() if n.startswith("decoder")) < 5 * 48


def test_a_block_goes_where_blocks_may_and_never_the_last_of_its_stack() -> None:
    model = _acoustic()
    importance = _flat(model)
    for name in importance.blocks:
        importance.blocks[name] = 0.0
    limits = Limits(("hidden", "heads", "blocks"), group=4)
    keep = plan_cuts(model, importance, 0.5 * model_cost(model).madds, limits)
    left = {n for n, units in keep.units.items() if len(units)}
    for stack in ("encoder.blocks", "decoder.pitch_blocks", "decoder.mel_blocks"):
        assert any(n.startswith(stack) for n in left)
    assert len(left) < 9


def test_a_target_out_of_reach_is_an_error() -> None:
    model = _vocoder()
    with pytest.raises(ConfigError, match="let blocks go"):
        plan_cuts(model, _flat(model), 0.1 * model_cost(model).madds, Limits())


# --- cuts


def test_a_cut_vocoder_is_the_masked_one() -> None:
    model, inputs = _vocoder(), _inputs()
    units = {
        "blocks.0": np.arange(0, 64, 2), "blocks.1": np.zeros(0, np.int64),
        "blocks.2": np.arange(64),
    }  # fmt: skip
    cut = cut_model(model, Keep(units, {}))
    masked = copy.deepcopy(model)
    with torch.no_grad():
        masked.blocks[0].contract.weight[:, 1::2] = 0.0
        masked.blocks[1].layer_scale.zero_()
        expected, found = masked(*inputs), cut(*inputs)
    assert cut.config.block_hidden == (32, 64)
    for a, b in zip(expected, found):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    export_graphs(cut)  # checks the graphs against the model
    with torch.no_grad():  # the old one is as it was
        torch.testing.assert_close(model(*inputs)[0], _vocoder()(*inputs)[0], atol=0, rtol=0)


@pytest.mark.parametrize("gone", [(), (0,), (1, 3), (2, 3)])
def test_a_cut_acoustic_model_is_the_masked_one(gone: tuple[int, ...]) -> None:
    model = _acoustic()
    units = {n: np.arange(48) for n in named_blocks(model)}
    units["encoder.blocks.1"] = units["decoder.mel_blocks.0"] = np.arange(0, 48, 3)
    dropped = [f"encoder.blocks.{i}" for i in gone]
    if gone:
        dropped += ["decoder.pitch_blocks.0", "decoder.mel_blocks.1"]
    masked = copy.deepcopy(model)
    with torch.no_grad():
        for name, kept in units.items():
            block = named_blocks(masked)[name]
            block.contract.weight[:, np.setdiff1d(np.arange(48), kept)] = 0.0
        for name in dropped:
            named_blocks(masked)[name].layer_scale.zero_()
            units[name] = np.zeros(0, np.int64)
        masked.encoder.attention.out.weight[:, 8:16] = 0.0  # the second of three heads
        cut = cut_model(model, Keep(units, {"encoder.attention": np.array([0, 2])}))
        for a, b in zip(_speak(masked), _speak(cut)):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert cut.config.attention_heads == 2
    again = from_mapping(AcousticConfig, json.loads(json.dumps(dataclasses.asdict(cut.config))))
    assert again == cut.config
    export_graphs(cut)


def test_repair_takes_over_what_can_be_told_from_the_rest() -> None:
    model, inputs = _vocoder(), _inputs()
    with torch.no_grad():  # every odd unit does what the even one before it does
        for block in model.blocks:
            block.expand.weight[1::2] = block.expand.weight[::2] * 2.0
            block.expand.bias[1::2] = block.expand.bias[::2] * 2.0
        keep = Keep({f"blocks.{i}": np.arange(0, 64, 2) for i in range(3)}, {})
        cut = cut_model(model, keep)
        moments = hidden_moments(model, [partial(model, *inputs)])
        expected = model(*inputs)
        before = max(float((a - b).abs().max()) for a, b in zip(expected, cut(*inputs)))
        repair(model, cut, keep, moments)
        after = max(float((a - b).abs().max()) for a, b in zip(expected, cut(*inputs)))
    assert before > 0.1
    assert after < 0.02 * before


def test_sizes_of_blocks_are_checked() -> None:
    with pytest.raises(ConfigError, match="block_hidden must be empty or hold 3 sizes"):
        from_mapping(VocoderConfig, {"blocks": 3, "block_hidden": [4, 4]})
    with pytest.raises(ConfigError, match="attention_before"):
        from_mapping(AcousticConfig, {"encoder_blocks": 2, "attention_before": 3})


# --- the whole


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prune")
    cache = tiny_cache(folder / "cache", count=6, phone_frames=24)
    (folder / "held.json").write_text(json.dumps(["s2"]))
    save_model(folder / "vocoder", _vocoder(), cache)
    save_model(folder / "acoustic", _acoustic(), cache)
    return folder


def _prune(place: Path, out: Path, model: str, **changes: object) -> PruneRun:
    values: dict[str, object] = {
        "model": place / model, "target_flops": 0.94, "caches": (place / "cache",),
        "held_out": place / "held.json", "out": out, "limits": Limits(group=4, smallest=8),
        "rounds": 2, "batches": 2, "speed": False,
    }  # fmt: skip
    return PruneRun(**{**values, **changes})  # type: ignore[arg-type]


RETRAIN = """
training:
  loop: {steps: 3, warmup_steps: 1, learning_rate: 0.001, log_every: 1, validate_every: 1000}
  batch_size: 2
  segment_frames: 24
"""


@pytest.fixture(scope="module")
def whole(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A vocoder pruned and trained again without a stop, and what came of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "retrain.yaml").write_text(RETRAIN)
    run = _prune(place, folder / "out", "vocoder", retrain=folder / "retrain.yaml")
    return run.out, prune(run)


def test_a_pruned_model_is_smaller_and_was_trained_again(
    whole: tuple[Path, dict[str, Any]],
) -> None:
    folder, result = whole
    assert result == json.loads((folder / "prune.json").read_text())
    assert 0.92 < result["flops_ratio"] <= 0.94
    assert result["bytes"]["after"]["fp32"] < result["bytes"]["before"]["fp32"]
    assert result["bytes"]["after"]["int8"] < 0.5 * result["bytes"]["after"]["fp32"]
    assert result["losses"]["retrained"] != result["losses"]["pruned"]
    final, info = load_vocoder(folder)
    pruned, _ = load_vocoder(folder / "pruned")
    assert final.config == pruned.config
    assert sum(final.config.block_hidden) < 3 * 64
    assert info.step == 3
    assert model_cost(final).madds == result["cost"]["after"]["madds"]


def test_training_that_is_stopped_goes_on_to_the_same_bits(
    place: Path, tmp_path: Path, whole: tuple[Path, dict[str, Any]]
) -> None:
    (tmp_path / "retrain.yaml").write_text(RETRAIN)
    run = _prune(place, tmp_path / "out", "vocoder", retrain=tmp_path / "retrain.yaml")
    handlers = {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)}
    done: list[int] = []
    try:
        with pytest.raises(CancelledError, match="start again"):
            prune(run, lambda step, _: os.kill(os.getpid(), signal.SIGTERM))
        assert not (run.out / "prune.json").exists()
        assert not (run.out / "weights.safetensors").exists()
        result = prune(run, lambda step, _: done.append(step))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert done == [2, 3]
    assert result == whole[1]
    files = [(folder / "weights.safetensors").read_bytes() for folder in (run.out, whole[0])]
    assert files[0] == files[1]


def test_importance_and_repair_keep_an_acoustic_model_near_to_itself(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {
        "taylor": _prune(place, tmp_path / "taylor", "acoustic", target_flops=0.8),
        "plain": _prune(place, tmp_path / "plain", "acoustic", target_flops=0.8, repair=False),
        "worst": _prune(place, tmp_path / "worst", "acoustic", target_flops=0.8, repair=False),
    }
    before, info = load_acoustic(place / "acoustic")
    items, _ = load_items([FeatureCache(place / "cache")], set(), True)
    sampler = UtteranceSampler(items, info.mel_mean, info.mel_std, 1)
    batch = sampler.collate(items[:2], None)
    config = AcousticDistillation()
    expected = AcousticOracle(before, sampler, config).run(batch)["mel"]
    apart = {}
    for name, run in changes.items():
        if name == "worst":  # the most important parts go first

            def turned(*args: object) -> Importance:
                found = taylor_importance(*args)  # type: ignore[arg-type]
                return dataclasses.replace(found, units={k: -v for k, v in found.units.items()})

            monkeypatch.setattr(prune_module, "taylor_importance", turned)
        losses = prune(run)["losses"]
        assert set(losses["pruned"]) == {"mel", "f0", "voicing", "duration", "pitch", "energy"}
        assert all(np.isfinite(v) for v in losses["pruned"].values())
        after, _ = load_acoustic(run.out)
        found = AcousticOracle(after, sampler, config).run(batch)["mel"]
        apart[name] = float((found - expected).square().mean())
    assert apart["taylor"] < 0.8 * apart["plain"]
    assert apart["plain"] < 0.5 * apart["worst"]
    assert stage_of(tmp_path / "plain") == "acoustic"


def test_a_curve_is_a_table_and_a_picture(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--model", place / "vocoder", "--cache", place / "cache", "--out", tmp_path]
    given += ["--held-out", place / "held.json", "--target-flops", "0.94", "1", "--rounds", "1"]
    given += ["--group", "4", "--smallest", "8", "--no-speed"]
    assert main(["prune", *map(str, given)]) == 0
    results = json.loads((tmp_path / "curve.json").read_text())
    assert results[0]["flops_ratio"] == 1.0
    assert results[0]["losses"]["before"] == results[0]["losses"]["pruned"]
    assert results[1]["flops_ratio"] < 0.95
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
    shown = capsys.readouterr().out
    assert shown.strip() == table(results)
    assert shown.count("\n") == 4


def test_speed_is_measured_on_the_exported_graphs() -> None:
    graphs = export_graphs(_vocoder())
    took = time_in_turns({"a": graphs, "b": graphs}, rounds=2)
    assert all(len(times) == 2 and min(times) > 0.0 for times in took.values())


def test_what_cannot_be_pruned_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="target_flops"):
        _prune(place, tmp_path, "vocoder", target_flops=1.5)
    with pytest.raises(BundleError, match="not a model folder"):
        prune(_prune(place, tmp_path / "out", "cache"))
    with pytest.raises(ConfigError, match="let blocks go"):
        prune(_prune(place, tmp_path / "out", "vocoder", target_flops=0.01))
    assert not (tmp_path / "out").exists()
