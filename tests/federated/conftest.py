from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")


@pytest.fixture(scope="session")
def tiny_parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(base model, cache), made once."""
    for name in ("torch", "flwr", "opacus"):
        pytest.importorskip(name)
    from tests.federated.tiny_federation import tiny_base

    return tiny_base(tmp_path_factory.mktemp("federation"))


@pytest.fixture
def federation(
    tiny_parts: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Makes federations in the test's own folder."""
    from tests.federated.tiny_federation import CONFIG, Federation
    from voicelet_federated.app.config import SIMULATION

    monkeypatch.setenv(SIMULATION, "1")

    def make(**changes: Any) -> Federation:
        from dataclasses import replace

        return Federation(tmp_path / "run", *tiny_parts, config=replace(CONFIG, **changes))

    return make
