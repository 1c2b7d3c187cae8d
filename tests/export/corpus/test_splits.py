"""Splits: no speaker in two parts, parts alike, and what is held out stays out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from tests.export.speech import RATE, ljspeech, reader, tone  # noqa: E402
from voicelet.errors import ConfigError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.corpus.augment import AugmentConfig, augment_cache  # noqa: E402
from voicelet_export.corpus.cache import CacheWriter, FeatureCache  # noqa: E402
from voicelet_export.corpus.merge import merge_caches  # noqa: E402
from voicelet_export.corpus.prepare import Tools, build_cache, prepare_data  # noqa: E402
from voicelet_export.corpus.reader import Utterance  # noqa: E402
from voicelet_export.corpus.splits import (  # noqa: E402
    SplitConfig,
    SpokenUtterance,
    draw_held_out,
    read_spoken,
    split_speakers,
    write_split,
)
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.train.data import load_items  # noqa: E402


def people(count: int, seed: int = 0) -> list[SpokenUtterance]:
    """Speakers of both genders with 2 to 12 utterances each."""
    rng = np.random.default_rng(seed)
    return [
        SpokenUtterance(f"{who}-{n}", f"p{who}", float(rng.uniform(1, 9)), "fm"[who % 3 == 0])
        for who in range(count)
        for n in range(int(rng.integers(2, 13)))
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 60), st.integers(0, 5), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_no_speaker_is_in_two_parts(count: int, seed: int, valid: float, test: float) -> None:
    spoken = people(count, seed)
    split = split_speakers(spoken, SplitConfig(valid, test, seed))
    parts = [set(split.speakers[p]) for p in ("train", "valid", "test")]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == count
    ids = [i for p in split.utterances.values() for i in p]
    assert sorted(ids) == sorted(s.id for s in spoken)
    assert split == split_speakers(spoken[::-1], SplitConfig(valid, test, seed))


def test_parts_have_their_share_of_each_gender() -> None:
    spoken = people(120)
    split = split_speakers(spoken, SplitConfig(0.1, 0.2))
    seconds = {s.id: s.seconds for s in spoken}
    gender = {s.id: s.gender for s in spoken}
    for g in "fm":
        total = sum(v for k, v in seconds.items() if gender[k] == g)
        for part, share in (("train", 0.7), ("valid", 0.1), ("test", 0.2)):
            mine = sum(seconds[i] for i in split.utterances[part] if gender[i] == g)
            assert mine / total == pytest.approx(share, abs=0.03)
    assert split != split_speakers(spoken, SplitConfig(0.1, 0.2, seed=2))


def test_one_speaker_is_split_by_utterance(tmp_path: Path) -> None:
    spoken = [SpokenUtterance(f"u{i}", "only", 3.0) for i in range(40)]
    split = split_speakers(spoken)
    assert split.by_utterance
    assert [len(split.utterances[p]) for p in ("train", "valid", "test")] == [36, 2, 2]
    report = write_split(split, spoken, tmp_path)
    held_out = json.loads((tmp_path / "held_out.json").read_text())
    assert set(held_out) == {*report["valid"]["utterances"], *report["test"]["utterances"]}
    with pytest.raises(CorpusError, match="can't be split"):
        split_speakers(spoken[:2])
    with pytest.raises(ConfigError, match="between 0 and 1"):
        SplitConfig(0.0, 0.0)


def cache_of(folder: Path, speakers: dict[str, float], count: int = 2) -> Path:
    writer = CacheWriter(folder)
    time = np.arange(RATE // 2) / RATE
    for name, f0 in speakers.items():
        for n in range(count):
            wave = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, 12))
            samples = (0.1 * wave).astype(np.float32)
            utterance = Utterance(f"{name}-{n}", name, "", samples, RATE, {})
            writer.add(utterance, np.ones(256, np.float32) / 16)
    writer.close()
    return folder


def test_a_cache_tells_genders_by_pitch_and_names_its_held_out(tmp_path: Path) -> None:
    cache = cache_of(tmp_path / "c", {"low": 110.0, "high": 220.0, "mid": 200.0})
    assert {s.speaker: s.gender for s in read_spoken(cache)} == {
        "low": "m", "high": "f", "mid": "f"
    }  # fmt: skip
    drawn = draw_held_out([FeatureCache(cache)])
    assert len(drawn) == 1
    assert drawn < {"low", "high", "mid"}
    (cache / "held_out.json").write_text('["mid"]')
    assert draw_held_out([FeatureCache(cache)]) == {"mid"}


def test_copies_of_held_out_people_are_not_trained_on(tmp_path: Path) -> None:
    cache = cache_of(tmp_path / "c", {"ana": 200.0, "ben": 100.0})
    augment_cache(cache, tmp_path / "a", AugmentConfig(volume_db=(-6, -6)))
    merge_caches([cache, tmp_path / "a"], tmp_path / "both")
    both = [FeatureCache(tmp_path / "both")]
    train, valid = load_items(both, {"ben"}, False)
    assert {i.entry.speaker for i in train} == {"ana"}
    assert len(train) == 4
    train, valid = load_items(both, {"ana-1"}, False)
    assert {i.entry.id for i in valid} == {"ana-1"}
    assert {i.entry.id for i in train} == {
        "ana-0", "ana-0~1", "ben-0", "ben-0~1", "ben-1", "ben-1~1"
    }  # fmt: skip


TEXTS = {
    3: "And of course it happens that way",
    7: "Ready to get down to business",
    8: "Get me out of here please",
    9: "We can never have too many friends",
}


def test_a_folder_becomes_an_aligned_cache_in_one_call(tmp_path: Path) -> None:
    waves = {f"r{n}": reader(n) for n in TEXTS}
    folder = ljspeech(tmp_path / "ana", waves, {f"r{n}": t for n, t in TEXTS.items()})
    tools = Tools.found()
    cache = prepare_data(folder, tmp_path / "data", tools)
    found = FeatureCache(cache)
    aligned = [e for e in found.entries if e.n_phones]
    assert len(found.entries) == 4
    assert len(aligned) >= 3
    for entry in aligned:
        assert found.durations(entry).sum() == entry.n_frames
    before = (cache / "index.json").stat().st_mtime_ns
    assert prepare_data(folder, tmp_path / "data", tools) == cache
    assert (cache / "index.json").stat().st_mtime_ns == before
    # Without an aligner: for vocoders, in a cache of its own.
    bare = Tools(tools.encoder, None, tools.lexicon, tools.g2p)
    build_cache(tmp_path / "data" / "ana-corpus", tmp_path / "bare", bare)
    assert all(e.n_phones == 0 for e in FeatureCache(tmp_path / "bare").entries)
    assert prepare_data(cache, tmp_path / "other", tools) == cache


def test_train_takes_a_folder_and_draws_what_it_holds_out(tmp_path: Path) -> None:
    waves = {f"u{n}": tone(1.2, n) for n in range(6)}
    folder = ljspeech(tmp_path / "buzz", waves, dict.fromkeys(waves, "Ah."))
    (tmp_path / "r.yaml").write_text(
        "loop: {steps: 2, warmup_steps: 1, log_every: 1, validate_every: 2}\n"
        "model: {channels: 16, hidden: 16, blocks: 1}\nbatch_size: 2\nsegment_frames: 16\n"
    )
    (tmp_path / "a.yaml").write_text("{tempo: [0.9, 1.1], noise_db: [20, 40]}")
    command = ["train", "vocoder", "--data", str(folder), "--out", str(tmp_path / "run")]
    command += ["--augment", str(tmp_path / "a.yaml")]
    assert main([*command, "--recipe", str(tmp_path / "r.yaml")]) == 0
    assert len(FeatureCache(tmp_path / "run" / "data" / "buzz-augmented").entries) == 6
    held_out = json.loads((tmp_path / "run" / "held_out.json").read_text())
    assert len(held_out) == 1
    assert held_out[0] in waves
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 2
    assert main(["train", "vocoder", "--out", str(tmp_path / "none")]) == 2
    assert main(["train", "vocoder", "--data", str(tmp_path), "--out", str(tmp_path / "x")]) == 22


def test_the_split_command_writes_both_files(tmp_path: Path) -> None:
    cache = cache_of(tmp_path / "c", {"a": 110.0, "b": 220.0, "c": 200.0, "d": 120.0}, 1)
    command = ["corpus", "split", str(cache), "--out", str(tmp_path / "s"), "--valid", "0.2"]
    assert main(command) == 0
    report = json.loads((tmp_path / "s" / "split.json").read_text())
    assert sum(len(report[p]["speakers"]) for p in ("train", "valid", "test")) == 4
    held_out = json.loads((tmp_path / "s" / "held_out.json").read_text())
    assert set(held_out) == {*report["valid"]["speakers"], *report["test"]["speakers"]}
    assert main(["corpus", "split", str(tmp_path / "s"), "--out", str(tmp_path / "t")]) == 22
