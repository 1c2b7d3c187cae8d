"""One tiny voice for all tests of synthesis; nothing in a voice changes when it speaks."""

from __future__ import annotations

import pytest

from tests.synth.voices import tiny_voice
from voicelet.synth import Voice


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return Voice.load(tiny_voice(tmp_path_factory.mktemp("voice") / "bundle"))
