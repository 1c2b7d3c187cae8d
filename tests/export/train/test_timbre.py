"""Timbre tokens and languages: they begin by adding nothing, and are then learnt and used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from voicelet.errors import BundleError, ConfigError  # noqa: E402
from voicelet.text.phones import (  # noqa: E402
    ENGLISH_SYMBOLS,
    MODEL_LANGUAGES,
    MULTILINGUAL_SYMBOLS,
    PhoneInventory,
)
from voicelet_export.convert import parity  # noqa: E402
from voicelet_export.convert.onnx import encoder_graph, timbre_graph  # noqa: E402
from voicelet_export.corpus.cache import CacheEntry, CacheWriter, FeatureCache  # noqa: E402
from voicelet_export.corpus.reader import Utterance  # noqa: E402
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.models.fastspeech2 import (  # noqa: E402
    AcousticConfig,
    AcousticModel,
    grown_state,
)
from voicelet_export.models.timbre import TimbreEncoder  # noqa: E402
from voicelet_export.train.checkpoint import load_acoustic  # noqa: E402
from voicelet_export.train.data import Item, mel_statistics  # noqa: E402
from voicelet_export.train.milestone import save_milestone  # noqa: E402
from voicelet_export.train.run import TrainingRun, build_trainer  # noqa: E402
from voicelet_export.train.utterances import UtteranceSampler  # noqa: E402

ENCODER = Path(__file__).parents[3] / "export/artifacts/speaker_encoder/speaker_encoder.safetensors"
RATE = 24000
SMALL = {"channels": 32, "hidden": 48, "encoder_blocks": 2, "pitch_blocks": 1, "mel_blocks": 2}
TOKENS = {"timbre_tokens": 4, "timbre_width": 8, "timbre_channels": 16, "timbre_blocks": 1}
RECIPE = """
loop: {steps: %d, warmup_steps: 3, learning_rate: 0.004, log_every: 5, validate_every: 60}
model: {n_symbols: 90, channels: 32, hidden: 48, encoder_blocks: 2, pitch_blocks: 1,
  mel_blocks: 2, timbre_tokens: 4, timbre_width: 8, timbre_channels: 16, timbre_blocks: 1,
  languages: 5}
max_frames: 900
reference_frames: 60
adversarial_from: 1000000
drop_d_vector: 0.2
drop_pitch: 0.1
drop_timbre: 0.1
"""
PLAIN = """
loop: {steps: 4, warmup_steps: 3, learning_rate: 0.003, log_every: 5, validate_every: 30}
model: {channels: 32, hidden: 48, encoder_blocks: 2, pitch_blocks: 1, mel_blocks: 2}
max_frames: 900
adversarial_from: 1000000
"""


def _utterance(index: int) -> tuple[Utterance, np.ndarray, np.ndarray]:
    """Vowels in one of four timbres that only the mels tell: everyone's d-vector is the same."""
    rng = np.random.default_rng(index)
    phones = PhoneInventory().encode("".join(rng.choice(list("aiuAO"), size=6)))
    durations = np.full(len(phones), 16)
    time = np.arange(16 * 300 * len(phones)) / RATE
    timbre = index % 4
    wave = np.zeros_like(time)
    for k in range(1, 30):
        gain = np.repeat(np.exp(-((k * 120.0 - 300.0 - 150.0 * phones) ** 2) / 3e5), 16 * 300)
        gain = gain + 0.6 * np.exp(-((k * 120.0 - 900.0 - 700.0 * timbre) ** 2) / 2e4)
        wave += gain * np.cos(2 * np.pi * k * 120.0 * time)
    wave[: 16 * 300] = wave[-16 * 300 :] = 0.0
    wave = (0.05 * wave + 1e-4 * rng.standard_normal(len(wave))).astype(np.float32)
    row = {"language": "es"} if index % 2 else {}
    return Utterance(f"u{index}", f"s{timbre}", "", wave, RATE, row), phones, durations


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caches") / "tiny"
    writer = CacheWriter(folder)
    voice = np.abs(np.random.default_rng(0).standard_normal(256)).astype(np.float32)
    for index in range(16):
        writer.add(_utterance(index)[0], voice, *_utterance(index)[1:])
    # Nor do their statistics tell them apart.
    same = {k: getattr(writer.entries[0], k) for k in ("ltas", "log_f0_mean", "log_f0_std")}
    writer.entries[:] = [replace(entry, **same) for entry in writer.entries]
    writer.close()
    return folder


def _run(tmp_path: Path, cache: Path, recipe: str, out: str, **more: Path) -> TrainingRun:
    (tmp_path / f"{out}.yaml").write_text(recipe)
    (tmp_path / "held.json").write_text(json.dumps([f"u{i}" for i in range(8, 16)]))
    return TrainingRun(
        "acoustic",
        tmp_path / f"{out}.yaml",
        (cache,),
        tmp_path / "held.json",
        tmp_path / out,
        **more,
    )


def _inputs(count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randint(1, 60, (count, 9)), torch.randn(count, 328), torch.randn(count, 50, 80)


def test_an_older_model_grows_and_says_the_same() -> None:
    torch.manual_seed(1)
    old = AcousticModel(AcousticConfig(**SMALL))
    new = AcousticModel(AcousticConfig(n_symbols=90, languages=5, **SMALL, **TOKENS))
    new.load_state_dict(grown_state(new, old.state_dict()))
    phones, speaker, reference = _inputs()
    tokens = new.encoder.voice_tokens(reference, torch.tensor([50, 30]))
    assert tokens is not None and tokens.abs().sum() > 0
    expected = old.encoder(phones, speaker)
    for given in (None, tokens):
        found = new.encoder(phones, speaker, None, given, torch.tensor([0, 3]))
        for a, b in zip(expected, found):
            torch.testing.assert_close(a, b)
    assert old.encoder.voice_tokens(reference, torch.tensor([50, 30])) is None


def test_one_language_without_tokens_says_the_same_and_can_be_exported(
    cache: Path, tmp_path: Path
) -> None:
    trainer = build_trainer(_run(tmp_path, cache, RECIPE % 12, "run"))
    trainer.run()
    with pytest.raises(BundleError, match="milestone --language"):
        load_acoustic(tmp_path / "run")
    whole, _ = load_acoustic(tmp_path / "run", plain=False)
    phones, speaker, _ = _inputs()
    for number, language in ((0, "en"), (1, "es")):
        save_milestone(tmp_path / "run", tmp_path / language, half=False, language=language)
        plain, info = load_acoustic(tmp_path / language)
        assert info.step == 12
        expected = whole.encoder(phones, speaker, None, None, torch.full((2,), number))
        for a, b in zip(expected, plain.encoder(phones, speaker)):
            torch.testing.assert_close(a, b)
    with pytest.raises(ConfigError, match="'de'"):
        save_milestone(tmp_path / "run", tmp_path / "de", language="de")


@pytest.mark.parametrize("place", [1, 2])
def test_the_graphs_follow_the_model(place: int) -> None:
    torch.manual_seed(4)
    config = AcousticConfig(languages=5, attention_before=place, **SMALL, **TOKENS)
    model = AcousticModel(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    phones, speaker, reference = _inputs(1)
    told = parity.session(timbre_graph(model.encoder.timbre))  # type: ignore[arg-type]
    found = parity.run(told, {"mel": reference.numpy()})["tokens"]
    tokens = model.encoder.voice_tokens(reference, torch.tensor([50]))
    np.testing.assert_allclose(found, tokens, atol=1e-4)
    encoder = parity.session(encoder_graph(model.encoder))
    for given in (found, np.zeros_like(found)):
        inputs = {"phones": phones.numpy(), "speaker": speaker.numpy(), "tokens": given}
        inputs["language"] = np.array([3])
        expected = model.encoder(phones, speaker, None, torch.from_numpy(given), torch.tensor([3]))
        for name, value in zip(
            ("hidden", "log_duration", "pitch", "energy", "condition"), expected
        ):
            np.testing.assert_allclose(parity.run(encoder, inputs)[name], value, atol=2e-4)


def test_new_phones_begin_near_those_that_sound_alike(cache: Path, tmp_path: Path) -> None:
    build_trainer(_run(tmp_path, cache, PLAIN, "old")).run()
    run = _run(tmp_path, cache, RECIPE % 5, "new", start_from=tmp_path / "old/checkpoint.pt")
    task = build_trainer(run).task
    rows = task.model.encoder.embed.weight.detach()  # type: ignore[attr-defined]
    place = MULTILINGUAL_SYMBOLS.index
    distance = (rows[place("r")] - rows).norm(dim=1)
    assert int(distance[: len(ENGLISH_SYMBOLS)].argmin()) == place("ɹ")
    assert 0.0 < float(distance[place("ʁ")]) < float(distance[place("a")])


def test_only_what_is_new_may_be_missing() -> None:
    new = AcousticModel(AcousticConfig(languages=5, **SMALL, **TOKENS))
    state = AcousticModel(AcousticConfig(**SMALL)).state_dict()
    del state["encoder.film.bias"]
    with pytest.raises(RuntimeError, match="film.bias"):
        new.load_state_dict(grown_state(new, state))


def test_padding_and_absence_change_nothing() -> None:
    torch.manual_seed(2)
    encoder = TimbreEncoder(80, 70, 4, 8, 16, 2)
    mel = torch.randn(2, 40, 80)
    keep = torch.ones(2, 40, 1)
    keep[0, 30:] = 0.0
    padded = encoder(mel, keep)
    torch.testing.assert_close(padded[:1], encoder(mel[:1, :30], keep[:1, :30]))
    keep[1] = 0.0
    assert not encoder(mel, keep)[1].any()
    other = mel.clone()
    other[..., 70:] = 9.0  # bands that a recording at 16 kHz lacks
    torch.testing.assert_close(encoder(other, keep), encoder(mel, keep))


def test_references_are_other_utterances_of_the_same_person(cache: Path, tmp_path: Path) -> None:
    whole = FeatureCache(cache)
    items = [Item(whole, e) for e in whole.entries]
    mean, std = mel_statistics(items)
    sampler = UtteranceSampler(items, mean, std, 900, reference_frames=90)
    rng = np.random.default_rng(3)
    for item in items:
        found = sampler.reference(item, rng)
        assert 30 <= len(found) <= 90
        own = {e.id: (whole.mel(e) - mean) / std for e in whole.entries}
        first = next(n for n, mel in own.items() if (np.abs(mel - found[0]).sum(1) < 1e-4).any())
        entry = next(e for e in whole.entries if e.id == first)
        assert entry.speaker == item.entry.speaker
        assert entry.id != item.entry.id
    alone = UtteranceSampler(items[:3], mean, std, 900, reference_frames=90)
    batch = alone.collate(items[:3], rng)
    assert batch.n_reference is not None and batch.n_reference.tolist() == [0, 0, 0]
    assert batch.language.tolist() == [0, 1, 0]
    assert sampler.collate(items[:3], None).n_reference.tolist() == [90, 90, 90]  # type: ignore[union-attr]


def test_caches_of_weight_zero_are_references_only(cache: Path) -> None:
    whole = FeatureCache(cache)
    items = [Item(whole, e) for e in whole.entries]
    mean, std = mel_statistics(items)
    with pytest.raises(CorpusError, match="weight 0"):
        UtteranceSampler(items, mean, std, 900, {"tiny": 0.0}, 60)


def test_a_cut_off_run_ends_with_the_same_bits(cache: Path, tmp_path: Path) -> None:
    for out, steps in (("whole", (8,)), ("parts", (5, 8))):
        for until in steps:
            build_trainer(_run(tmp_path, cache, RECIPE % 60, out)).run(until_step=until)
    whole, parts = (
        torch.load(tmp_path / out / "checkpoint.pt", weights_only=True)
        for out in ("whole", "parts")
    )
    assert whole["step"] == parts["step"] == 8
    for name in ("average", "modules", "optimisers"):
        torch.testing.assert_close(whole[name], parts[name], rtol=0, atol=0)


def test_tokens_are_learnt_where_only_they_tell_the_voice(cache: Path, tmp_path: Path) -> None:
    build_trainer(_run(tmp_path, cache, PLAIN, "old")).run()
    run = _run(tmp_path, cache, RECIPE % 180, "new", start_from=tmp_path / "old/checkpoint.pt")
    trainer = build_trainer(run)
    trainer.run()
    rows = [json.loads(r) for r in (tmp_path / "new/log.jsonl").read_text().splitlines()]
    last = [r for r in rows if r["kind"] == "valid"][-1]
    assert last["mel"] < 0.93 * last["mel_without_tokens"]
    model = trainer.average
    assert isinstance(model, AcousticModel)
    whole = FeatureCache(cache)
    items = [Item(whole, e) for e in whole.entries]
    mean, std = mel_statistics(items)
    sampler = UtteranceSampler(items, mean, std, 900, reference_frames=60)
    batch = sampler.collate(items[:4], None)
    tokens = model.encoder.voice_tokens(batch.reference, batch.n_reference)
    assert tokens is not None
    condition = model.encoder(batch.phones, batch.speaker, None, tokens)[4]
    swapped = model.encoder(batch.phones, batch.speaker, None, tokens.roll(1, 0))[4]
    assert (condition - swapped).abs().mean() > 0.01


def test_validation_tells_the_likeness_of_every_cache(cache: Path, tmp_path: Path) -> None:
    recipe = RECIPE % 2 + f"speaker_encoder: {ENCODER}\n"
    trainer = build_trainer(_run(tmp_path, cache, recipe, "run"))
    found = trainer.task.validate(trainer.average, 0, tmp_path)
    assert -1.0 <= found["cosine"] <= 1.0
    assert found["cosine"] == found["cosine_tiny"]
    assert found["cosine_without_tokens"] == pytest.approx(found["cosine"])  # as yet


def test_a_row_may_lose_what_is_known_of_it(cache: Path, tmp_path: Path) -> None:
    all_gone = RECIPE.replace("0.2", "1.0").replace("drop_pitch: 0.1", "drop_pitch: 1.0")
    task = build_trainer(_run(tmp_path, cache, all_gone % 5, "gone")).task
    batch = task.sampler.draw(np.random.default_rng(0))  # type: ignore[attr-defined]
    less = task._less_known(batch, np.random.default_rng(0))  # type: ignore[attr-defined]
    mean = task.model.encoder.speaker_mean  # type: ignore[attr-defined]
    torch.testing.assert_close(less.speaker[:, :258], mean[:258].expand(len(less.speaker), -1))
    torch.testing.assert_close(less.speaker[:, 258:], batch.speaker[:, 258:])
    certain = replace(task.config, drop_timbre=1.0)  # type: ignore[type-var]
    task.config = certain  # type: ignore[attr-defined]
    gone = task._less_known(batch, np.random.default_rng(0))  # type: ignore[attr-defined]
    assert not gone.n_reference.any()


def test_voices_between_people_are_asked_of_the_encoder_alone(cache: Path, tmp_path: Path) -> None:
    encoder = f"speaker_encoder: {ENCODER}\nspeaker_every: 1\n"
    recipe = RECIPE % 4 + encoder + "stranger_weight: 0.5\nstranger_rows: 2\n"
    trainer = build_trainer(_run(tmp_path, cache, recipe, "strangers"))
    sampler = trainer.task.sampler
    vector, mean, d_vector = sampler.stranger(np.random.default_rng(1))
    again = sampler.stranger(np.random.default_rng(1))
    assert np.array_equal(vector, again[0]) and mean == again[1]
    assert vector.shape == (328,) and abs(float(np.linalg.norm(d_vector)) - 1.0) < 1e-5
    batch = sampler.draw(np.random.default_rng(0))
    places = np.array([1, 0])
    some = batch.rows(places)
    assert torch.equal(some.n_frames, batch.n_frames[places])
    assert some.mel.shape[1] == int(some.n_frames.max()) and len(some.bands) == 2
    assert torch.equal(some.mel[0], batch.mel[1, : some.mel.shape[1]])
    terms = trainer.task.train_step(0)
    assert 0.0 < terms["stranger"] < 2.0
    without = build_trainer(_run(tmp_path, cache, RECIPE % 4 + encoder, "without"))
    assert "stranger" not in without.task.train_step(0)


def test_impossible_recipes_are_refused(cache: Path, tmp_path: Path) -> None:
    for wrong in ("reference_frames: 0", "reference_frames: 6"):
        text = RECIPE.replace("reference_frames: 60", wrong) % 5
        with pytest.raises(ConfigError, match="reference_frames"):
            build_trainer(_run(tmp_path, cache, text, "wrong"))
    with pytest.raises(ConfigError, match="multiple of 4"):
        build_trainer(_run(tmp_path, cache, RECIPE.replace("width: 8", "width: 6") % 5, "wrong"))
    with pytest.raises(ConfigError, match="drop_d_vector"):
        build_trainer(_run(tmp_path, cache, RECIPE.replace("0.2", "1.2") % 5, "wrong"))


def test_the_inventory_grows_at_its_end_and_caches_keep_the_language(cache: Path) -> None:
    assert MULTILINGUAL_SYMBOLS.startswith(ENGLISH_SYMBOLS)
    inventory = PhoneInventory(MULTILINGUAL_SYMBOLS)
    assert not inventory.missing("kon ˈesta ˈoβɾa, sɔ\u0303 yˈi œ, ʎɪ riʧetːˈario, ɲ ʦʣxɣ")
    assert MODEL_LANGUAGES[0] == "en"
    entries = FeatureCache(cache).entries
    assert [e.language for e in entries[:3]] == ["en", "es", "en"]
    bare = {"first_frame": 0, "n_frames": 1, "first_phone": 0, "n_phones": 0, "ltas": [0.0]}
    old = {"bandwidth_hz": 8000.0, "d_vector": [0.0], "log_f0_mean": 5.0, "log_f0_std": 0.2}
    assert CacheEntry(id="a", speaker="b", **bare, **old).language == "en"  # type: ignore[arg-type]
