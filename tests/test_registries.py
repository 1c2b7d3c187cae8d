"""What is imported by a name in a table is there: a module that moves takes its name along."""

from __future__ import annotations

import importlib
import inspect
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import voicelet
from voicelet.synth import base as architectures
from voicelet.synth.base import Synthesizer

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", voicelet.__all__)
def test_public_names(name: str) -> None:
    assert getattr(voicelet, name) is not None


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_architectures(name: str) -> None:
    module, _, attribute = architectures.ARCHITECTURES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    methods = {name for name, _ in inspect.getmembers(Synthesizer, inspect.isfunction)}
    methods = {name for name in methods if not name.startswith("_")}
    assert isinstance(found, type) and methods and methods <= set(dir(found))


def test_steps_of_a_pipeline() -> None:
    pytest.importorskip("torch")
    from voicelet_export.pipeline.steps import find_kind, kind_names

    for name in kind_names():
        assert find_kind(name).name == name


def test_stages_of_training() -> None:
    pytest.importorskip("torch")
    from voicelet_export.train.loop import Task
    from voicelet_export.train.stages import STAGES

    for stage in STAGES.values():
        assert issubclass(getattr(importlib.import_module(stage.module), stage.task), Task)
        assert callable(stage.config_class())
        assert not stage.finish or callable(stage.finisher())


def test_commands() -> None:
    """Of every distribution, as their pyproject.toml names them."""
    pytest.importorskip("torch")
    pytest.importorskip("flwr")
    files = [ROOT / "pyproject.toml", *ROOT.glob("*/pyproject.toml")]
    line = re.compile(r'^[a-z-]+ = "(voicelet\w*\.[\w.]+(?::\w+)?)"$', re.MULTILINE)
    found = {value for file in files for value in line.findall(file.read_text("utf-8"))}
    assert len(found) >= 4
    for value in found:
        assert EntryPoint("command", value, "console_scripts").load() is not None
