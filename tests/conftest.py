"""Shared by all tests: folders of their own, and tiny bundles with real graphs."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.tiny import TEST_KEY, tiny_bundle
from voicelet.bundle.trust import trust_key
from voicelet.trust.audit import device_log as audit

# On a busy machine an example takes as long as it takes.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["export/*"]


def pytest_report_header() -> str | None:
    if importlib.util.find_spec("torch") is None:
        return "tests/export is left out: torch isn't installed (make setup-export installs it)"
    return None


def trusting_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `home` the user's, who trusts the key that signs the bundles of tests."""
    monkeypatch.setenv("HOME", str(home))
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.lower()))
    trust_key(TEST_KEY.public_key().public_bytes_raw().hex())


@pytest.fixture(autouse=True, scope="session")
def _home_of_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the fixtures of modules find what they keep."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        trusting_home(tmp_path_factory.mktemp("home"), monkeypatch)
        yield


@pytest.fixture(autouse=True)
def _own_folders(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Keep every test away from the profiles, bundles and caches of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    trusting_home(home, monkeypatch)
    monkeypatch.setenv("VOICELET_KEYSTORE", "file")  # nor their keychain
    yield
    audit._RECORDER.discard()  # what this test did isn't the next one's business


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Give every test and its fixtures the same random numbers, whichever test ran before."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a tiny bundle and returns its folder (see `tests.tiny`)."""

    def make(name: str = "tiny", **changes: Any) -> Path:
        return tiny_bundle(tmp_path / "bundles" / name, name=name, **changes)

    return make
