"""The aligner's model, training and the alignment of recordings, on synthetic speech."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from voicelet.audio.features import FeatureConfig  # noqa: E402
from voicelet.text.lexicon import Lexicon, encode_lexicon  # noqa: E402
from voicelet.text.phones import ENGLISH_SYMBOLS, PhoneInventory  # noqa: E402
from voicelet.text.words import Mark, Word  # noqa: E402
from voicelet_export.corpus.align import Alignment  # noqa: E402
from voicelet_export.corpus.align_cache import (  # noqa: E402
    RealAlignConfig,
    RecordingAligner,
    align_cache,
    longest_run,
    pauses_after,
    silent_frames,
    trimmed,
)
from voicelet_export.corpus.cache import CacheWriter, FeatureCache  # noqa: E402
from voicelet_export.corpus.reader import Utterance  # noqa: E402
from voicelet_export.corpus.transcripts import TranscriptReader, with_commas  # noqa: E402
from voicelet_export.models.aligner import (  # noqa: E402
    AlignerConfig,
    FrameClassifier,
    FramePosteriors,
    load_aligner,
    normalize_bands,
    save_aligner,
)
from voicelet_export.train.aligner import (  # noqa: E402
    AlignerTask,
    AlignerTraining,
    alignment_report,
)
from voicelet_export.train.data import Item  # noqa: E402
from voicelet_export.train.loop import LoopConfig, Trainer  # noqa: E402
from voicelet_export.train.mel_augment import MelAugmentConfig, augment  # noqa: E402

INVENTORY = PhoneInventory()
LEXICON = {"man": "mˈæn", "sits": "sˈɪts", "a": "ə"}
NO_CHANGE = MelAugmentConfig(
    speed=0.0, warp=0.0, tilt=0.0, noise_probability=0.0, reverb_probability=0.0, mask_bands=0
)


def say(phones: str, durations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """24 kHz audio where every symbol has a tone of its own, and silence is nearly silent."""
    hop, rate = 300, 24000
    out = []
    for token, frames in zip(INVENTORY.encode(phones), durations):
        time = np.arange(int(frames) * hop) / rate
        loud = 0.0 if ENGLISH_SYMBOLS[token] in "_.," else 0.3
        out.append(loud * np.sin(2 * np.pi * (200.0 + 90.0 * token) * time))
    wave = np.concatenate(out)
    return (wave + rng.normal(0.0, 1e-3, len(wave))).astype(np.float32)


def make_cache(folder: Path, count: int, aligned: bool) -> FeatureCache:
    rng = np.random.default_rng(5)
    writer = CacheWriter(folder)
    phones = "mˈæn sˈɪts." if aligned else "mˈæn, sˈɪts."
    for number in range(count):
        durations = rng.integers(4, 9, size=len(phones) + 2)
        durations[0] = 60 if not aligned else 20
        if not aligned:
            durations[phones.index(",") + 1] = 24
        wave = say(phones, durations, rng)
        row: dict[str, object] = {}
        utterance = Utterance(f"u{number}", f"s{number % 2}", "MAN SITS", wave, 24000, row)
        vector = np.zeros(256, np.float32)
        if aligned:
            writer.add(utterance, vector, INVENTORY.encode(phones), durations)
        else:
            writer.add(utterance, vector)
    writer.close()
    return FeatureCache(folder)


def small_training(steps: int) -> AlignerTraining:
    return AlignerTraining(
        loop=LoopConfig(
            steps=steps, warmup_steps=5, learning_rate=5e-3, ema=0.9, validate_every=1000
        ),
        model=AlignerConfig(channels=32, dilations=(1, 2)),
        augment=NO_CHANGE,
        batch=4,
        frames=96,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[FrameClassifier, list[Item]]:
    folder = tmp_path_factory.mktemp("teacher")
    cache = make_cache(folder, 6, aligned=True)
    items = [Item(cache, entry) for entry in cache.entries]
    task = AlignerTask(small_training(60), items[:4], items[4:])
    trainer = Trainer(task, task.config.loop, folder / "run")
    trainer.run()
    assert isinstance(trainer.average, FrameClassifier)
    return trainer.average, items[4:]


def test_training_learns_to_align_unheard_utterances(
    trained: tuple[FrameClassifier, list[Item]],
) -> None:
    model, held_out = trained
    report = alignment_report(FramePosteriors(model), held_out, AlignerTraining().align)
    assert report["boundary_median_ms"] <= 12.5
    assert report["within_25_ms"] > 0.9
    assert report["frame_accuracy"] > 0.85


def test_a_cut_off_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    cache = make_cache(tmp_path / "cache", 3, aligned=True)
    items = [Item(cache, entry) for entry in cache.entries]
    config = small_training(6)

    def run(folder: Path, stops: list[int]) -> dict[str, torch.Tensor]:
        for stop in stops:
            trainer = Trainer(AlignerTask(config, items, items), config.loop, folder)
            trainer.run(stop)
        return trainer.average.state_dict()

    whole, pieces = run(tmp_path / "a", [6]), run(tmp_path / "b", [2, 6])
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


def test_weights_survive_the_file(
    trained: tuple[FrameClassifier, list[Item]], tmp_path: Path
) -> None:
    model, held_out = trained
    save_aligner(model, tmp_path / "aligner.safetensors")
    again = load_aligner(tmp_path / "aligner.safetensors")
    assert again.config == model.config
    mel = held_out[0].cache.mel(held_out[0].entry)
    before, after = FramePosteriors(model)(mel), FramePosteriors(again)(mel)
    assert np.abs(np.exp(before) - np.exp(after)).max() < 0.02
    assert np.exp(after).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_normalization_ignores_gain_and_the_length_of_silence() -> None:
    rng = np.random.default_rng(0)
    speech = rng.normal(-3.0, 1.0, (100, 80)).astype(np.float32)
    silence = np.full((60, 80), -11.0, dtype=np.float32)
    short = normalize_bands(np.concatenate([silence[:10], speech]), 70)[10:]
    long = normalize_bands(np.concatenate([silence, speech]) + 2.0, 70)[60:]
    assert np.abs(short - long).max() < 1e-4
    assert abs(short.mean()) < 1e-4


def test_augmentation_moves_labels_with_the_speed() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 3, 7], [20, 30, 50])
    mel = -6.0 + np.repeat(labels[:, None], 80, axis=1).astype(np.float32)
    lengths = set()
    for _ in range(5):
        out, moved = augment(mel, labels, rng, MelAugmentConfig(0.3, 0.0, 0.0, 0.0, (8, 50), 0.0))
        assert len(out) == len(moved)
        inside = np.abs(out[:, 0] + 6.0 - moved) < 0.01
        assert inside.mean() > 0.95  # frames between two labels are blends
        lengths.add(len(out))
        assert np.bincount(moved, minlength=8)[[0, 3, 7]] / len(moved) == pytest.approx(
            [0.2, 0.3, 0.5], abs=0.03
        )
    assert len(lengths) > 1
    same, _ = augment(mel, labels, rng, NO_CHANGE)
    assert np.array_equal(same, mel)


def test_transcripts_in_capitals_are_words_not_letters() -> None:
    reader = TranscriptReader(Lexicon(encode_lexicon(LEXICON, ENGLISH_SYMBOLS)))
    read = reader.read("A MAN SITS")
    assert [t.text for t in read.tokens] == ["a", "man", "sits", "."]
    assert read.unknown == ()
    assert reader.phones(read.tokens).phones == "ə mˈæn sˈɪts."
    assert reader.read("A man sits?").tokens[-1] == Mark("?")
    assert reader.read("A ZORBLE SITS").unknown == ("zorble",)


def test_commas_go_where_no_mark_stands() -> None:
    a, b, c = (Word(t, (0, 1)) for t in "abc")
    out = with_commas((a, b, Mark(";"), c, Mark(".")), [0, 1, 2])
    assert [t.text for t in out] == ["a", ",", "b", ";", "c", "."]


def test_pauses_are_found_at_the_space() -> None:
    reader = TranscriptReader(Lexicon(encode_lexicon(LEXICON, ENGLISH_SYMBOLS)))
    clause = reader.phones(reader.read("a man sits").tokens)
    durations = np.full(len(clause.phones) + 2, 5)
    alignment = Alignment(durations, np.zeros(len(durations), np.float32))
    silent = np.zeros(int(durations.sum()), dtype=bool)
    end_of_man = 5 * (clause.words[1].end + 1)
    silent[end_of_man - 4 : end_of_man + 8] = True
    assert pauses_after(clause, alignment, silent, 12) == [1]
    assert pauses_after(clause, alignment, silent, 13) == []


def test_long_silence_is_cut_off_both_ends() -> None:
    durations = np.array([90, 5, 6, 70, 30])
    cut, count, kept = trimmed(
        Alignment(durations, np.zeros(5, np.float32)), "ma.", RealAlignConfig()
    )
    assert (cut, count) == (58, 32 + 5 + 6 + 24)
    assert kept.tolist() == [32, 5, 6, 22, 2]
    short = np.array([1, 5, 6, 1, 1])
    cut, count, kept = trimmed(Alignment(short, np.zeros(5, np.float32)), "ma.", RealAlignConfig())
    assert (cut, count, kept.tolist()) == (0, 14, short.tolist())


def test_silence_is_told_from_speech() -> None:
    mel = np.full((60, 80), -8.0, dtype=np.float32)
    mel[20:45] = -2.0
    assert np.flatnonzero(~silent_frames(mel)).tolist() == list(range(20, 45))
    assert longest_run(np.array([True, False, True, True, True, False])) == 3
    assert longest_run(np.zeros(4, dtype=bool)) == 0


def test_a_cache_of_recordings_is_aligned_in_place(
    trained: tuple[FrameClassifier, list[Item]], tmp_path: Path
) -> None:
    cache = make_cache(tmp_path / "cache", 3, aligned=False)
    assert all(entry.n_phones == 0 for entry in cache.entries)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    texts = ["MAN SITS", "MAN SITS", "MAN ZORBLES"]
    rows = [{"id": f"u{i}", "text": text} for i, text in enumerate(texts)]
    (corpus / "metadata.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    reader = TranscriptReader(Lexicon(encode_lexicon(LEXICON, ENGLISH_SYMBOLS)))
    config = RealAlignConfig(least_mean=-4.0, least_word=-6.0)
    aligner = RecordingAligner(reader, FramePosteriors(trained[0]), config)
    report = align_cache(cache.folder, corpus, aligner)
    assert (report["aligned"], report["speakers"]) == (2, 2)
    assert report["dropped"] == {"unknown word": 1}
    assert report["commas_added"] == 2
    aligned = FeatureCache(cache.folder)
    assert aligned.features == FeatureConfig()
    for before, entry in zip(cache.entries[:2], aligned.entries[:2]):
        durations = aligned.durations(entry)
        assert INVENTORY.decode(aligned.phones(entry)) == "mˈæn, sˈɪts."
        assert durations.sum() == entry.n_frames == len(aligned.mel(entry))
        assert durations.min() >= 1
        # 60 frames of silence at the start: all but 32 go.
        assert before.n_frames - entry.n_frames == pytest.approx(28, abs=3)
        comma = 6
        assert durations[comma] == pytest.approx(24, abs=6)
    assert aligned.entries[2].n_phones == 0
    # A second run starts from the recording, not from what the first one left of it.
    assert align_cache(cache.folder, corpus, aligner) == report
    assert FeatureCache(cache.folder).entries == aligned.entries
