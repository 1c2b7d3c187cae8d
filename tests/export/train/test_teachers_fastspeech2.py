"""FastSpeech 2 as a teacher: the paper's sizes, the learned aligner, training without labels."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import betabinom

from tests.teacher_corpus import Split, label, split, write_corpus
from tests.tiny_models import save_model

torch = pytest.importorskip("torch")

from voicelet.config import from_mapping  # noqa: E402
from voicelet.errors import BundleError, ConfigError, PhoneError  # noqa: E402
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.models.blocks import length_mask  # noqa: E402
from voicelet_export.models.teachers.fft_fastspeech2 import (  # noqa: E402
    FftFastSpeech2,
    FftFastSpeech2Config,
)
from voicelet_export.models.teachers.learned_aligner import (  # noqa: E402
    LearnedAligner,
    beta_binomial_prior,
    binarization_loss,
    forward_sum_loss,
    hard_durations,
)
from voicelet_export.models.teachers.mel_voice import load_mel_voice  # noqa: E402
from voicelet_export.models.vocos import Vocoder, VocoderConfig  # noqa: E402
from voicelet_export.teach.mel_teacher import MelTeacher  # noqa: E402
from voicelet_export.train.loop import LoopConfig, Trainer  # noqa: E402
from voicelet_export.train.teachers.fastspeech2 import (  # noqa: E402
    FastSpeech2Task,
    FastSpeech2Training,
)
from voicelet_export.train.teachers.mel_task import save_trained  # noqa: E402

SMALL = FftFastSpeech2Config(
    encoder_blocks=1,
    decoder_blocks=1,
    channels=32,
    hidden=64,
    dropout=0.0,
    predictor_channels=32,
    predictor_dropout=0.0,
    aligner_channels=32,
    aligner_temperature=0.02,
)


def training(steps: int, **changes: object) -> FastSpeech2Training:
    loop = LoopConfig(
        steps=steps, warmup_steps=5, learning_rate=4e-3, ema=0.9, log_every=5, validate_every=steps
    )
    config = FastSpeech2Training(
        loop=loop, model=SMALL, max_frames=300, binarize_from=30, binarize_ramp=5
    )
    return replace(config, **changes)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Phones, and no durations at all."""
    return split(write_corpus(tmp_path_factory.mktemp("fs2") / "bare", aligned=False))


@pytest.fixture(scope="module")
def trained(corpus: Split, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Path]:
    folder = tmp_path_factory.mktemp("run")
    config = training(90)
    trainer = Trainer(FastSpeech2Task(config, *corpus), config.loop, folder)
    trainer.run()
    save_trained(trainer, folder / "model")
    return trainer, folder


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_default_has_the_papers_size() -> None:
    with torch.device("meta"):
        model = FftFastSpeech2(FftFastSpeech2Config(speaker_size=0))
    # By hand, from the paper's table: attention 4 · 256², feed-forward 256 · 1024 · (9 + 1).
    block = 4 * (256**2 + 256) + (256 * 1024 * 10 + 1024 + 256) + 4 * 256
    assert count(model.encoder) == count(model.decoder) == 4 * block
    assert count(model) == pytest.approx(27e6, rel=0.12)  # the paper's, with its pitch wavelets
    assert count(model.duration) == pytest.approx(2 * 256 * 256 * 3, rel=0.01)


def test_every_frame_is_decoded_of_its_phone() -> None:
    torch.manual_seed(0)
    model = FftFastSpeech2(replace(SMALL, decoder_blocks=0)).eval()
    hidden, flat = torch.randn(1, 4, 32), torch.zeros(1, 4)
    frames, keep = model.decode(hidden, flat, flat, torch.tensor([[2, 1, 4, 3]]))
    assert frames.mel.shape == (1, 10, 80)
    assert keep.sum() == 10
    changed = hidden.clone()
    changed[:, 2] += 1.0
    other, _ = model.decode(changed, flat, flat, torch.tensor([[2, 1, 4, 3]]))
    moved = (other.mel - frames.mel).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.tolist() == [False] * 3 + [True] * 4 + [False] * 3


@pytest.mark.parametrize("variance", ["bins", "continuous"])
def test_padding_changes_nothing(variance: str) -> None:
    torch.manual_seed(0)
    config = replace(SMALL, postnet_layers=2, postnet_channels=16)
    model = FftFastSpeech2(from_mapping(type(config), vars(config) | {"variance": variance}))
    model.eval()
    phones, speaker = torch.randint(1, 60, (2, 6)), torch.randn(2, 328)
    durations = torch.tensor([[2, 3, 1, 2, 0, 0], [1, 4, 2, 2, 3, 3]])
    pitch, energy = torch.randn(2, 6), torch.randn(2, 6)
    pitch[0, 4:] = energy[0, 4:] = 0.0

    def run(rows: int, phones_kept: int) -> tuple[torch.Tensor, torch.Tensor]:
        n = torch.tensor([4, 6])[:rows]
        keep = length_mask(n, phones_kept)
        cut = (slice(0, rows), slice(0, phones_kept))
        hidden = model.encode(phones[cut], speaker[:rows], keep)
        frames, _ = model.decode(hidden, pitch[cut], energy[cut], durations[cut])
        return frames.mel[0, :8], model.variances(hidden, keep).log_duration[0, :4]

    if variance == "continuous":  # its convolution reaches one phone over the end
        durations[0, 3:] = torch.tensor([2, 0, 0])
    with torch.no_grad():
        alone, beside = run(1, 4), run(2, 6)
    torch.testing.assert_close(alone[1], beside[1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(alone[0], beside[0], atol=1e-5, rtol=1e-5)


def test_pitch_and_energy_change_the_mel_and_speed_the_length() -> None:
    torch.manual_seed(0)
    model = FftFastSpeech2(SMALL).eval()
    with torch.no_grad():
        model.duration.out.bias.fill_(float(np.log(8.0)))
    phones, speaker = torch.randint(1, 60, (1, 5)), torch.randn(1, 328)
    frames, durations = model.speak(phones, speaker)
    faster, _ = model.speak(phones, speaker, speed=2.0)
    assert frames.mel.shape[1] == durations.sum()
    assert faster.mel.shape[1] == pytest.approx(durations.sum() / 2, abs=5)
    other, _ = model.speak(phones, -speaker)
    assert other.mel.shape != frames.mel.shape or (other.mel - frames.mel).abs().max() > 1e-3
    keep = torch.ones(1, 5, 1)
    hidden = model.encode(phones, speaker, keep)
    base = model.decode(hidden, torch.zeros(1, 5), torch.zeros(1, 5), durations)[0].mel
    for pitch, energy in ((1.0, 0.0), (0.0, 1.0)):
        values = torch.full((1, 5), pitch), torch.full((1, 5), energy)
        changed = model.decode(hidden, *values, durations)[0].mel
        assert (changed - base).abs().max() > 1e-2


def test_the_prior_is_the_beta_binomial_distribution() -> None:
    prior = beta_binomial_prior(torch.tensor([5, 3]), torch.tensor([9, 4]), 0.7).exp().numpy()
    for row, (n, t) in enumerate(((5, 9), (3, 4))):
        for frame in range(t):
            a, b = 0.7 * (frame + 1), 0.7 * (t - frame)
            wanted = betabinom(n - 1, a, b).pmf(np.arange(n))
            assert prior[row, frame, :n] == pytest.approx(wanted, abs=1e-6)
    assert prior[1, 4:].max() < 1e-7
    assert prior[1, :, 3:].max() < 1e-7


def test_the_forward_sum_counts_every_monotonic_path() -> None:
    torch.manual_seed(3)
    logits = torch.randn(1, 6, 3)
    log_p = logits.log_softmax(-1)[0].double().numpy()
    total = -np.inf
    for cuts in itertools.combinations(range(1, 6), 2):  # where phones 1 and 2 begin
        path = np.repeat([0, 1, 2], np.diff([0, *cuts, 6]))
        total = np.logaddexp(total, log_p[np.arange(6), path].sum())
    loss = forward_sum_loss(logits, torch.tensor([3]), torch.tensor([6]))
    assert float(loss) == pytest.approx(-total / 3, rel=1e-4)


def test_hard_durations_follow_a_clear_alignment_and_binarization_vanishes_on_it() -> None:
    truth = torch.tensor([[3, 1, 4], [2, 5, 0]])
    n_phones, n_frames = torch.tensor([3, 2]), torch.tensor([8, 7])
    attention = torch.full((2, 8, 3), 1e-4)
    for row in range(2):
        path = torch.repeat_interleave(torch.arange(3), truth[row])
        attention[row, torch.arange(len(path)), path] = 1.0
    log_attention = attention.log()
    found = hard_durations(log_attention, n_phones, n_frames)
    assert torch.equal(found, truth)
    assert float(binarization_loss(log_attention, found)) == pytest.approx(0.0, abs=1e-6)
    flat = torch.full((2, 8, 3), 1 / 3).log()
    assert float(binarization_loss(flat, found)) == pytest.approx(np.log(3), rel=1e-4)


def test_padded_phones_are_never_attended() -> None:
    aligner = LearnedAligner(8, 80, 16)
    keep = length_mask(torch.tensor([2, 4]), 4)
    with torch.no_grad():
        _, log_attention = aligner(torch.randn(2, 4, 8), torch.randn(2, 9, 80), keep)
    assert log_attention.exp()[0, :, 2:].max() < 1e-6
    assert log_attention.exp().sum(-1) == pytest.approx(1.0, abs=1e-5)


def test_training_without_durations_learns_speech_and_finds_the_phones(
    trained: tuple[Trainer, Path],
) -> None:
    trainer, folder = trained
    rows = [json.loads(r) for r in (folder / "log.jsonl").read_text().splitlines()]
    losses = [r for r in rows if r["kind"] == "train"]
    assert losses[-1]["mel"] < 0.65 * losses[0]["mel"]
    assert losses[-1]["align"] < 0.1 * losses[0]["align"]
    assert losses[-1]["duration"] < 0.5 * losses[0]["duration"]
    assert np.isfinite([r["mel"] for r in rows if r["kind"] == "valid"]).all()
    model, voice = load_mel_voice(folder / "model", "fastspeech2")
    assert list(voice.speakers) == ["s0", "s1"]
    phones = torch.tensor([[0, 20, 40, 1, 21, 41, 0]])
    vector = torch.tensor(voice.speakers["s0"].vector)[None]
    here, there = trainer.average.speak(phones, vector), model.speak(phones, vector)
    assert torch.equal(here[1], there[1])
    torch.testing.assert_close(here[0].mel, there[0].mel, atol=1e-4, rtol=1e-4)


def test_it_labels_a_corpus_through_the_devices_vocoder(
    corpus: Split, trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    vocoder = Vocoder(VocoderConfig(channels=16, hidden=24, blocks=1))
    save_model(tmp_path / "vocos", vocoder, corpus[0][0].cache.folder)
    teacher = MelTeacher(trained[1] / "model", tmp_path / "vocos")
    spoken = teacher.speak("bad imu", "s1", seed=3)
    assert spoken.durations_s is not None
    assert spoken.durations_s.sum() == pytest.approx(len(spoken.samples) / 24000, abs=1e-4)
    assert len(spoken.durations_s) == len("bad imu") + 2
    again, other = teacher.speak("bad imu", "s1", seed=3), teacher.speak("bad imu", "s0", seed=3)
    assert np.array_equal(spoken.samples, again.samples)
    assert not np.array_equal(spoken.samples, other.samples)
    cache = label(teacher, tmp_path / "labelled")
    assert {e.speaker.split(".")[0] for e in cache.entries} == {"s0", "s1"}
    with pytest.raises(ConfigError, match="no speaker"):
        teacher.speak("ba", "s7")
    with pytest.raises(PhoneError):
        teacher.speak("ba7")


def test_a_damaged_or_a_wrong_folder_is_refused(
    trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    good = trained[1] / "model"
    with pytest.raises(BundleError, match="no vocoder"):
        MelTeacher(good, good)
    with pytest.raises(BundleError, match="not the folder"):
        MelTeacher(tmp_path, good)
    config = json.loads((good / "config.json").read_text("utf-8"))
    weights = (good / "weights.safetensors").read_bytes()
    changes = (
        ({"mel_std": [0.0] * 80}, weights, "positive"),
        ({"speakers": {"s0": {"vector": [1.0], "log_f0_mean": 5.0}}}, weights, "328 numbers"),
        ({"model": config["model"] | {"channels": 64}}, weights, "different models"),
        ({}, weights[:-100], "can't be read"),
    )
    for number, (change, data, message) in enumerate(changes):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config | change), "utf-8")
        (folder / "weights.safetensors").write_bytes(data)
        with pytest.raises(BundleError, match=message):
            load_mel_voice(folder, "tacotron2", "fastspeech2")


def test_a_run_that_was_cut_off_ends_with_the_same_bits(corpus: Split, tmp_path: Path) -> None:
    config = training(8, binarize_from=2)
    dropped = replace(config, model=replace(SMALL, dropout=0.2, predictor_dropout=0.5))

    def run(folder: Path, *stops: int) -> dict[str, torch.Tensor]:
        for stop in stops:
            Trainer(FastSpeech2Task(dropped, *corpus), config.loop, folder).run(stop)
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        return state["modules"]["fastspeech2"] | state["average"]

    whole, parts = run(tmp_path / "whole", 6), run(tmp_path / "parts", 3, 6)
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


def test_speakers_may_have_vectors_of_any_length(corpus: Split, tmp_path: Path) -> None:
    vectors = {f"s{i}": np.eye(3, 7, dtype=np.float32)[i] for i in range(3)}
    np.savez(tmp_path / "x.npz", **vectors)
    config = training(
        2, model=replace(SMALL, speaker_size=7), speaker_vectors=str(tmp_path / "x.npz")
    )
    task = FastSpeech2Task(config, *corpus)
    assert np.isfinite(task.train_step(0)["mel"])
    assert task.speakers.table()["s1"].vector == tuple(vectors["s1"].tolist())
    for size in (0, 256):  # a single speaker; the d-vector alone
        task = FastSpeech2Task(training(2, model=replace(SMALL, speaker_size=size)), *corpus)
        assert np.isfinite(task.train_step(0)["mel"])
    with pytest.raises(ConfigError, match="speaker_size"):
        FastSpeech2Task(replace(config, speaker_vectors=""), *corpus)
    np.savez(tmp_path / "x.npz", s0=vectors["s0"])
    with pytest.raises(ConfigError, match="s1"):
        FastSpeech2Task(config, *corpus)


def test_durations_of_the_corpus_must_be_there(corpus: Split, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="durations: learned"):
        FastSpeech2Task(training(2, durations="corpus"), *corpus)
    aligned = split(write_corpus(tmp_path / "aligned", 6))
    for durations, learned in (("corpus", False), ("auto", False), ("learned", True)):
        losses = FastSpeech2Task(training(2, durations=durations), *aligned).train_step(0)
        assert np.isfinite(losses["mel"])
        assert ("align" in losses) == learned


def test_impossible_sizes_are_refused() -> None:
    for wrong in ({"channels": 33}, {"kernel": 8}, {"bins": 1}, {"postnet_layers": 1}):
        with pytest.raises(ConfigError):
            from_mapping(FftFastSpeech2Config, wrong)
