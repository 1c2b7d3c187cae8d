"""Pipelines: cached by content, resumable after any kill, refused with the nearest known name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from voicelet.errors import ConfigError, EngineError, OutputError
from voicelet_export.cli.main import main
from voicelet_export.pipeline.cache import Store, hash_input
from voicelet_export.pipeline.recipe import Recipe, read_recipe
from voicelet_export.pipeline.run import locked, pipeline_status, run_pipeline
from voicelet_export.pipeline.steps import find_kind, kind_names
from voicelet_export.pipeline.steps.train import merged_recipe

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "export/recipes/pipeline-tiny.yaml"


def written(folder: Path, steps: dict[str, Any], **more: Any) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"steps": steps, **more}, sort_keys=False))
    return read_recipe(path)


def corpus(**changes: Any) -> dict[str, Any]:
    return {"step": "synthetic", "utterances": 2, "speakers": 2, **changes}


def states(recipe: Recipe, work: Path) -> dict[str, str]:
    seen: dict[str, str] = {}
    run_pipeline(recipe, work, on_step=lambda s, state: seen.update({s.name: state}))
    return seen


def test_a_pipeline_killed_over_and_over_ends_with_the_same_hashes(tmp_path: Path) -> None:
    paths = os.pathsep.join(str(ROOT / p) for p in ("sdk", "export"))
    done = subprocess.run(
        [sys.executable, ROOT / "tests/export/nursery.py", TINY, tmp_path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["kills"]) >= 5
    # Kills fell into both trainings, after some of their steps and before the last.
    assert any(steps == 3 and 2 <= logged < 8 for steps, logged in found["kills"])
    assert any(steps == 5 and 2 <= logged < 6 for steps, logged in found["kills"])
    assert list(found["whole"]) == list(read_recipe(TINY).steps)
    assert found["killed"] == found["whole"]


def test_what_is_made_is_passed_over_until_something_it_reads_changes(tmp_path: Path) -> None:
    steps = {
        "corpus": corpus(),
        "names": {"step": "write", "file": "a.json", "value": ["s0"]},
        "other": {"step": "write", "file": "b.json", "value": 1},
        "all": {"step": "report"},
    }
    work = tmp_path / "work"
    assert set(states(written(tmp_path, steps), work).values()) == {"missing"}
    assert set(states(written(tmp_path, steps), work).values()) == {"cached"}
    steps["names"]["value"] = ["s1"]
    again = states(written(tmp_path, steps), work)
    assert again == {"corpus": "cached", "names": "missing", "other": "cached", "all": "missing"}
    steps["names"]["value"] = ["s0"]  # what was made before is still there
    assert set(states(written(tmp_path, steps), work).values()) == {"cached"}


def test_a_key_tells_contents_and_not_places(tmp_path: Path) -> None:
    keys = []
    for name in ("here", "there"):
        root = tmp_path / name
        root.mkdir()
        (root / "figures.json").write_text('{"x": 1}')
        recipe = written(root, {"c": corpus(), "r": {"step": "report", "title": "t"}})
        keys.append(run_pipeline(recipe, root / "work", root)["c"].key)
    assert keys[0] == keys[1]
    assert hash_input(tmp_path / "here/figures.json") == hash_input(tmp_path / "there/figures.json")
    before = hash_input(tmp_path / "here/figures.json")
    (tmp_path / "here/figures.json.json").write_text("{}")  # as voice.onnx has voice.onnx.json
    assert hash_input(tmp_path / "here/figures.json") != before


def test_a_damaged_output_is_made_again_and_comes_out_the_same(tmp_path: Path) -> None:
    recipe, work = written(tmp_path, {"corpus": corpus()}), tmp_path / "work"
    record = run_pipeline(recipe, work)["corpus"]
    shard = Store(work).out(record.key) / "shard-0.tar"
    good = shard.read_bytes()
    for damage in (lambda: shard.write_bytes(good[:-1] + b"?"), shard.unlink):
        damage()
        assert pipeline_status(recipe, work)["corpus"][0] == "missing"
        assert run_pipeline(recipe, work)["corpus"].output == record.output
        assert shard.read_bytes() == good
    (shard.parent / "extra").write_text("not made by the step")
    assert states(recipe, work) == {"corpus": "missing"}
    assert not (shard.parent / "extra").exists()


def test_a_failing_step_leaves_nothing_behind(tmp_path: Path) -> None:
    steps = {"corpus": corpus(), "features": {"step": "cache", "corpus": "@corpus"}}
    (tmp_path / "no-encoder.onnx").write_bytes(b"?")
    steps["features"]["encoder"] = str(tmp_path / "no-encoder.onnx")
    recipe, work = written(tmp_path, steps), tmp_path / "work"
    with pytest.raises(EngineError, match="no-encoder"):
        run_pipeline(recipe, work)
    status = pipeline_status(recipe, work)
    assert (status["corpus"][0], status["features"][0]) == ("cached", "missing")
    assert len(list((work / "store").iterdir())) == 1


def test_one_pipeline_at_a_time(tmp_path: Path) -> None:
    recipe, work = written(tmp_path, {"corpus": corpus()}), tmp_path / "work"
    with locked(work), pytest.raises(OutputError, match=rf"process {os.getpid()}\b"):
        run_pipeline(recipe, work)
    assert (work / "lock").exists()  # left behind, as by a kill; it holds nobody up
    assert states(recipe, work) == {"corpus": "missing"}


def test_parts_of_a_pipeline(tmp_path: Path) -> None:
    write = {"step": "write", "file": "x.json", "value": 1}
    recipe = written(tmp_path, {"a": corpus(), "b": write, "c": {"step": "report"}})
    work = tmp_path / "work"
    assert list(run_pipeline(recipe, work, until="b")) == ["b"]
    assert pipeline_status(recipe, work)["c"][0] == "waiting"
    done = run_pipeline(recipe, work, again=frozenset({"b"}))
    assert (work / "steps/a/out/metadata.jsonl").exists()
    (work / "store" / "old").mkdir()
    run_pipeline(recipe, work, clean=True)
    assert {p.name for p in (work / "store").iterdir()} == {r.key for r in done.values()}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"a": {"step": "synthetik"}}, "did you mean 'synthetic'"),
        ({"a": {"step": "predict", "acoustic": "@corpsu", "cache": "x"}, "corpus": corpus()},
         "did you mean 'corpus'"),
        ({"a": {"step": "publish", "bundle": "@b"}, "b": {"step": "publish", "bundle": "@a"}},
         "circle"),
        ({"a": {"utterances": 3}}, "say what it does"),
        ({"a b": corpus()}, "letters"),
        ({"a": corpus(utterances="${utterances}")}, "no variable"),
        ({"a": {"step": "train", "stage": "acoustic", "caches": "one"}}, "list of paths"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused(tmp_path: Path, steps: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        written(tmp_path, steps)


def test_wrong_options_are_refused_before_work_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'utterances'"):
        run_pipeline(written(tmp_path, {"a": corpus(utterance=3)}), tmp_path / "work")
    recipe = written(tmp_path, {"a": {"step": "publish", "bundle": "nowhere"}})
    with pytest.raises(ConfigError, match="there is no nowhere"):
        run_pipeline(recipe, tmp_path / "work", tmp_path)
    with pytest.raises(ConfigError, match="isn't the name of a file"):
        bad = {"step": "write", "file": "../x", "value": 1}
        run_pipeline(written(tmp_path, {"a": bad}), tmp_path / "work")
    with pytest.raises(ConfigError, match="did you mean 'a'"):
        run_pipeline(written(tmp_path, {"a": corpus()}), tmp_path / "work", until="aa")
    for text in ("- a\n- b\n", "steps: {a: [\n", "steps: 3\n"):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(ConfigError, match=r"bad\.yaml"):
            read_recipe(tmp_path / "bad.yaml")


def test_variables_keep_their_types_and_can_be_set(tmp_path: Path) -> None:
    steps = {
        "a": corpus(utterances="${n}"),
        "b": {"step": "write", "file": "${n}.json", "value": 1},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"variables": {"n": 3}, "steps": steps}))
    recipe = read_recipe(path)
    assert recipe.steps["a"].options["utterances"] == 3
    assert recipe.steps["b"].options["file"] == "3.json"
    set_to_7 = read_recipe(path, {"n": "7"})
    assert set_to_7.steps["a"].options["utterances"] == 7
    assert set_to_7.steps["b"].options["file"] == "7.json"
    with pytest.raises(ConfigError, match="no variable 'm'"):
        read_recipe(path, {"m": "7"})


def test_a_recipe_of_training_is_laid_over_another(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("loop: {steps: 5, seed: 2}\nmax_frames: 9\n")
    out = merged_recipe(tmp_path / "base.yaml", {"loop": {"steps": 7}}, tmp_path / "out.yaml")
    assert yaml.safe_load(out.read_text()) == {"loop": {"steps": 7, "seed": 2}, "max_frames": 9}


def test_every_kind_can_be_found_and_every_recipe_read() -> None:
    assert all(find_kind(name).name == name for name in kind_names())
    recipes = sorted((ROOT / "export/recipes").glob("pipeline-*.yaml"))
    assert TINY in recipes
    for path in recipes:
        assert read_recipe(path).steps


def test_the_command_shows_hashes_and_what_is_cached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"steps": {"a": corpus(), "b": {"step": "report"}}}))
    arguments = ["pipeline", str(recipe), "--work", str(tmp_path / "work")]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["a", "b"]
    assert len(lines[0].split()[0]) == 64
    assert main([*arguments, "--status"]) == 0
    assert [row.split()[:2] for row in capsys.readouterr().out.splitlines()] == [
        ["cached", "a"], ["cached", "b"],
    ]  # fmt: skip
    assert main(["report", *arguments[1:], "--out", str(tmp_path / "page")]) == 0
    assert "synthetic" in (tmp_path / "page/report.md").read_text()
    assert main([*arguments, "--set", "x"]) == 2
    assert "NAME=VALUE" in capsys.readouterr().err


def test_who_is_held_out(tmp_path: Path) -> None:
    encoder = str(ROOT / "export/artifacts/speaker_encoder/speaker_encoder.onnx")
    steps = {
        "listed": {"step": "write", "file": "given.json", "value": ["s1"]},
        "first": corpus(utterances=4, prefix="a_"),
        "second": corpus(utterances=4),
        "a": {"step": "cache", "corpus": "@first", "encoder": encoder},
        "b": {"step": "cache", "corpus": "@second", "encoder": encoder},
        "split": {"step": "split", "caches": ["@a", "@b"], "given": "@listed/given.json"},
        "both": {"step": "merge", "caches": ["@a", "@b"]},
    }
    done = run_pipeline(written(tmp_path, steps), tmp_path / "work")
    names = json.loads((tmp_path / "work/steps/split/out/held_out.json").read_text())
    # Of the first cache one speaker is drawn; the second has one in the list already.
    assert "s1" in names and "s0" not in names
    assert sum(name.startswith("a_") for name in names) == 1 and len(names) == 2
    assert done["both"].figures["speakers"] == 4 and done["both"].figures["utterances"] == 8
