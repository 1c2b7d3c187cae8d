"""What would stop a pipeline is said before any of its steps begins."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.export.speech import ljspeech, tone
from voicelet.errors import ConfigError, OutputError, VoiceletError
from voicelet_export.cli.main import main
from voicelet_export.corpus.synthetic import write_synthetic_corpus
from voicelet_export.errors import CorpusError
from voicelet_export.pipeline.plan import plan_pipeline
from voicelet_export.pipeline.recipe import Recipe, read_recipe
from voicelet_export.pipeline.run import run_pipeline
from voicelet_export.pipeline.survey import Package

ROOT = Path(__file__).resolve().parents[3]
RECIPES = ROOT / "export/recipes"
ENCODER = str(ROOT / "export/artifacts/speaker_encoder/speaker_encoder.onnx")
VOICE = ROOT / "sdk/voicelet/voices/default"
LOOP = {"steps": 2, "warmup_steps": 1, "learning_rate": 0.001}
LINES = [f"This is sentence number {n}, and it is said aloud." for n in range(40)]


def recipe_of(folder: Path, last: dict[str, Any], **variables: Any) -> Recipe:
    """A step that could be made at once, and one after it that is looked at first."""
    steps = {"first": {"step": "write", "file": "a.json", "value": []}, "last": last}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"variables": variables, "steps": steps}, sort_keys=False))
    return read_recipe(path)


def refused(folder: Path, kind: type[VoiceletError], match: str, last: dict[str, Any]) -> None:
    recipe = recipe_of(folder, last)
    with pytest.raises(kind, match=match):
        run_pipeline(recipe, folder / "work")
    assert not list((folder / "work/store").iterdir()), "a step was made all the same"


def test_a_path_that_is_missing_names_the_variable_that_mends_it(tmp_path: Path) -> None:
    last = {"step": "cache", "corpus": "${corpora}/teacher", "encoder": ENCODER}
    recipe = recipe_of(tmp_path, last, corpora=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"no .*none/teacher; .*--set corpora=PATH"):
        run_pipeline(recipe, tmp_path / "work")


def test_a_folder_that_is_no_corpus_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/todo.md").write_text("buy milk")
    last = {"step": "prepare", "corpus": str(tmp_path / "notes"), "encoder": ENCODER}
    last |= {"lexicon": str(VOICE / "lexicon.bin")}
    refused(tmp_path, CorpusError, "any known layout .*a recording and a .txt", last)
    waves = {f"a{n}": tone(0.5, n) for n in range(3)}
    other = ljspeech(tmp_path / "lj", waves, dict.fromkeys(waves, "hello"))
    last = {"step": "cache", "corpus": str(other), "encoder": ENCODER}
    refused(tmp_path, CorpusError, "layout ljspeech.*corpus prepare", last)


def test_too_few_minutes_are_told_with_how_many_there_are(tmp_path: Path) -> None:
    waves = {f"a{n}": tone(2.0, n) for n in range(3)}
    small = ljspeech(tmp_path / "lj", waves, dict.fromkeys(waves, "hello"))
    last = {"step": "prepare", "corpus": str(small), "encoder": ENCODER}
    last |= {"lexicon": str(VOICE / "lexicon.bin")}
    refused(tmp_path, CorpusError, r"0\.1 minutes of speech, at least 10 are needed", last)
    packed = tmp_path / "packed"
    seconds = write_synthetic_corpus(packed, 4, 2)
    last = {"step": "cache", "corpus": str(packed), "encoder": ENCODER, "least_minutes": 3}
    refused(tmp_path, CorpusError, rf"holds {seconds / 60:.1f} minutes", last)
    for shard in packed.glob("*.tar"):
        shard.unlink()
    refused(tmp_path, CorpusError, r"no shard-\*\.tar", {**last, "least_minutes": 0})


def test_a_teacher_and_its_texts_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(b"?")
    texts = tmp_path / "sentences.txt"
    texts.write_text("\n".join(LINES))
    last = {"step": "label", "teacher": str(tmp_path / "voice.onnx"), "texts": str(texts)}
    last |= {"encoder": ENCODER, "hours": 0.03}
    refused(tmp_path, ConfigError, r"no teacher; give a Piper \.onnx with its \.onnx\.json", last)
    (tmp_path / "voice.onnx.json").write_text("{}")
    last["hours"] = 0.6
    refused(tmp_path, CorpusError, r"about 2\.\d minutes of speech, 36\.0 are asked for", last)
    plan = plan_pipeline(recipe_of(tmp_path, {**last, "hours": 0.05}), tmp_path / "work")
    assert not plan.problems and plan.steps[-1].estimate.minutes == pytest.approx(3.0)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voicelet_export.pipeline.steps import corpus

    missing = Package("a_package_nobody_has", "corpus")
    kinds = tuple(replace(kind, packages=(missing,)) for kind in corpus.KINDS)
    monkeypatch.setattr(corpus, "KINDS", kinds)
    packed = tmp_path / "packed"
    write_synthetic_corpus(packed, 2, 2)
    last = {"step": "voicing", "cache": str(packed)}
    refused(tmp_path, ConfigError, r"nobody_has.*pip install .voicelet-export\[corpus\]", last)


def test_a_disk_without_room_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    last = {"step": "train", "stage": "vocoder", "caches": ["@first"], "config": {"loop": LOOP}}
    refused(tmp_path, OutputError, r"about 250 MB, 0 MB are free; make room, or give --work", last)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"config": {"loop": {**LOOP, "step": 3}}}, "did you mean 'steps'"),
        ({"config": {"loop": LOOP, "batchsize": 2}}, "unknown key 'batchsize'"),
        ({"stage": "vocodr"}, "did you mean 'vocoder'"),
        ({"config": {"loop": LOOP}, "until_step": 3}, "until_step is 3, the recipe has 2"),
        ({"config": {"loop": LOOP}, "start_from": "here"}, "no checkpoint.pt and no weights"),
        ({"config": {"loop": LOOP}, "held_out": "here"}, "here"),
    ],
)
def test_a_training_is_checked_to_its_last_key(
    tmp_path: Path, options: dict[str, Any], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    refused(
        tmp_path, ConfigError, match,
        {"step": "train", "stage": "vocoder", "caches": ["@first"], **options},
    )  # fmt: skip


def test_all_problems_are_listed_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = {
        "a": {"step": "cache", "corpus": "nowhere", "encoder": ENCODER},
        "b": {"step": "train", "stage": "vocoder", "caches": ["@a"], "config": {"x": 1}},
        "c": {"step": "denoise", "cache": "@a", "encoder": ENCODER, "least_cosin": 1.0},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({"steps": steps}))
    plan = plan_pipeline(read_recipe(tmp_path / "recipe.yaml"), tmp_path / "work")
    assert [s.name for s in plan.steps] == ["a", "b", "c"] and len(plan.problems) == 3
    arguments = ["pipeline", str(tmp_path / "recipe.yaml"), "--work", str(tmp_path / "work")]
    assert main([*arguments, "--plan"]) == 2
    shown = capsys.readouterr()
    assert "nowhere" in shown.out and "'x'" in shown.out and "least_cosine" in shown.out
    assert "3 things are in the way" in shown.err
    assert not (tmp_path / "work").exists()
    assert main([*arguments, "--plan", "--until", "d"]) == 2
    assert "no step 'd'" in capsys.readouterr().err


def test_what_is_made_is_not_checked_again(tmp_path: Path) -> None:
    texts = tmp_path / "sentences.txt"
    steps: dict[str, Any] = {"a": {"step": "synthetic", "utterances": 2, "speakers": 2}}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"steps": steps}))
    run_pipeline(read_recipe(path), tmp_path / "work")
    texts.write_text("one line")
    steps["b"] = {"step": "label", "teacher": ENCODER, "texts": str(texts), "encoder": ENCODER}
    path.write_text(yaml.safe_dump({"steps": steps}))
    with pytest.raises(ConfigError, match="no teacher"):
        run_pipeline(read_recipe(path), tmp_path / "work")
    seen: list[str] = []
    run_pipeline(
        read_recipe(path), tmp_path / "work", until="a",
        on_step=lambda step, state: seen.append(f"{step.name} {state}"),
    )  # fmt: skip
    assert seen == ["a cached"]


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    base = {
        "variables": {"n": 2, "m": "x"},
        "steps": {
            "a": {"step": "synthetic", "utterances": "${n}", "speakers": 2},
            "b": {"step": "write", "file": "b.json", "value": {"k": 1, "l": 2}},
            "c": {"step": "write", "file": "c.json", "value": 1},
        },
    }
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base, sort_keys=False))
    over = {
        "extends": "base.yaml",
        "x-note": [1],
        "variables": {"n": 3},
        "steps": {"new": {"step": "write", "file": "n.json", "value": 0},
                  "a": {"speakers": 1}, "b": {"value": {"l": 3}}, "c": None},
    }  # fmt: skip
    (tmp_path / "over.yaml").write_text(yaml.safe_dump(over, sort_keys=False))
    recipe = read_recipe(tmp_path / "over.yaml")
    assert recipe.name == "over" and list(recipe.steps) == ["new", "a", "b"]
    assert recipe.steps["a"].options == {"utterances": 3, "speakers": 1}
    assert recipe.steps["b"].options["value"] == {"k": 1, "l": 3}
    assert recipe.steps["a"].variables["utterances"] == ("n",)
    assert read_recipe(tmp_path / "over.yaml", {"n": "9"}).steps["a"].options["utterances"] == 9
    kind = {"extends": "over.yaml", "steps": {"a": {"step": "write", "file": "a", "value": 1}}}
    (tmp_path / "kind.yaml").write_text(yaml.safe_dump(kind))
    assert read_recipe(tmp_path / "kind.yaml").steps["a"].options == {"file": "a", "value": 1}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump({**base, "extends": "over.yaml"}))
    with pytest.raises(ConfigError, match="without a circle"):
        read_recipe(tmp_path / "over.yaml")


@pytest.mark.parametrize("name", sorted(p.name for p in RECIPES.glob("pipeline-*.yaml")))
def test_options_of_the_recipes_that_ship_are_right(name: str, tmp_path: Path) -> None:
    """Corpora, teachers and converters may be missing here; nothing else may be wrong."""
    import os

    here = Path.cwd()
    os.chdir(ROOT)  # recipes name files of the checkout
    try:
        plan = plan_pipeline(read_recipe(RECIPES / name), tmp_path / "work")
    finally:
        os.chdir(here)
    wrong = [
        str(error)
        for error in plan.problems
        if not ("--set" in str(error) and "there is no" in str(error))
        and "litert_torch" not in str(error)
    ]
    assert not wrong
    assert json.dumps([s.name for s in plan.steps])
