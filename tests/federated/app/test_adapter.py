from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from voicelet.errors import ConfigError  # noqa: E402
from voicelet_federated.app.adapter import (  # noqa: E402
    Adapted,
    merge,
    schema_hash,
    walsh_hadamard,
)
from voicelet_federated.app.config import AdapterSpec, LocalTraining  # noqa: E402
from voicelet_federated.app.devices import DeviceData, load_base  # noqa: E402
from voicelet_federated.app.training import (  # noqa: E402
    clipped_mean,
    per_sample,
    train_locally,
    utterance_losses,
)
from voicelet_federated.errors import UpdateError  # noqa: E402

SPEC = AdapterSpec()


def random_flat(scale: float = 0.3) -> np.ndarray:
    return np.random.default_rng(5).normal(0.0, scale, SPEC.size).astype(np.float32)


def test_gradients_of_utterances_are_those_of_a_loop(tiny_parts: tuple[Path, Path]) -> None:
    base = load_base(tiny_parts[0])
    sampler = DeviceData(tiny_parts[1], "s1").sampler(base.info)
    batch = sampler.collate(sampler.items, None)
    adapted = Adapted(base.model, SPEC)
    adapted.set_flat(random_flat())
    wrapped = per_sample(adapted)
    utterance_losses(wrapped, batch, adapted.base.decoder)["mel"].sum().backward()
    found = adapted.adapter.weight.grad_sample.detach().clone()
    wrapped.remove_hooks()
    assert found.shape == (len(sampler.items), SPEC.size, 1)
    assert len(sampler.items) > 1 and not torch.allclose(found[0], found[1])
    for row, item in enumerate(sampler.items):
        adapted.adapter.weight.grad = None
        one = sampler.collate([item], None)
        utterance_losses(adapted, one, adapted.base.decoder)["mel"].sum().backward()
        torch.testing.assert_close(found[row], adapted.adapter.weight.grad, rtol=1e-3, atol=1e-6)


def test_a_folded_adapter_speaks_as_the_adapted_model(tiny_parts: tuple[Path, Path]) -> None:
    base = load_base(tiny_parts[0])
    sampler = DeviceData(tiny_parts[1], "s0").sampler(base.info)
    batch = sampler.collate(sampler.items, None)
    adapted = Adapted(base.model, SPEC)
    before = {k: v.clone() for k, v in base.model.state_dict().items()}
    with torch.no_grad():
        plain = base.model.encoder(batch.phones, batch.speaker)
        untouched = adapted.encode(batch.phones, batch.speaker)
        adapted.set_flat(random_flat())
        moved = adapted.encode(batch.phones, batch.speaker)
        folded = merge(base.model, SPEC, random_flat()).encoder(batch.phones, batch.speaker)
    for a, b in zip(plain, untouched):
        assert torch.equal(a, b)
    for a, b in zip(moved, folded):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(plain[0], moved[0], atol=1e-2)
    assert all(torch.equal(before[k], v) for k, v in base.model.state_dict().items())


def test_adapters_of_another_layout_have_another_name(tiny_parts: tuple[Path, Path]) -> None:
    config = load_base(tiny_parts[0]).model.config
    name = schema_hash(SPEC, config)
    assert name == schema_hash(AdapterSpec(), config) and len(name) == 64
    others = [replace(SPEC, size=2000), replace(SPEC, seed=1), replace(SPEC, scale=1.0)]
    named = {schema_hash(o, config) for o in others} | {
        schema_hash(SPEC, replace(config, hidden=8))
    }
    assert len(named | {name}) == 5
    with pytest.raises(ConfigError, match="not 300"):
        AdapterSpec(size=300)  # type: ignore[arg-type]


def test_an_adapter_is_finite_and_of_its_size(tiny_parts: tuple[Path, Path]) -> None:
    adapted = Adapted(load_base(tiny_parts[0]).model, SPEC)
    broken = random_flat()
    broken[7] = np.nan
    for wrong in (broken, random_flat()[:-1], random_flat().astype(np.int32)):
        with pytest.raises(UpdateError, match="finite numbers"):
            adapted.set_flat(wrong)
    adapted.set_flat(random_flat())
    assert np.array_equal(adapted.get_flat(), random_flat())


def test_walsh_hadamard_is_its_matrix() -> None:
    rows = walsh_hadamard(torch.eye(8))
    assert torch.equal(rows @ rows, 8 * torch.eye(8)) and set(rows.flatten().tolist()) == {-1, 1}


def test_training_lowers_the_loss_of_a_device(tiny_parts: tuple[Path, Path]) -> None:
    base = load_base(tiny_parts[0])
    sampler = DeviceData(tiny_parts[1], "s2").sampler(base.info)
    adapted = Adapted(base.model, SPEC)
    start = np.zeros(SPEC.size, np.float32)
    config = LocalTraining(steps=8, utterances=2, learning_rate=0.5, max_seconds=1e6)
    result = train_locally(adapted, start, sampler, config, seed=3)
    assert result.loss_after < 0.97 * result.loss_before and result.steps == 8
    assert np.array_equal(adapted.get_flat() - start, result.update)
    again = train_locally(adapted, start, sampler, config, seed=3)
    assert np.allclose(result.update, again.update, atol=1e-5)


def test_one_utterance_pulls_no_harder_than_the_clip() -> None:
    gradients = torch.stack([torch.full((4, 1), 1e9), torch.zeros(4, 1), torch.full((4, 1), 0.1)])
    mean = clipped_mean(gradients, 0.5)
    assert float(mean.norm()) == pytest.approx((0.5 + 0.2) / 3, rel=1e-4)


def test_a_device_without_speech_trains_nothing(tiny_parts: tuple[Path, Path]) -> None:
    base = load_base(tiny_parts[0])
    with pytest.raises(UpdateError, match="enrol"):
        train_locally(
            Adapted(base.model, SPEC),
            np.zeros(SPEC.size, np.float32),
            DeviceData(tiny_parts[1], "nobody").sampler(base.info),
            LocalTraining(),
            seed=0,
        )
