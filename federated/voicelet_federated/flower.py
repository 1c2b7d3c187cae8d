"""Flower's own programs: where they are, and in what surroundings they run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from voicelet_federated.address import DeploymentError


def environment(home: Path) -> dict[str, str]:
    """For Flower's processes: own home, no telemetry, no look for updates, one thread."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        **os.environ,
        "FLWR_HOME": str(home.resolve()),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }


def program(name: str) -> str:
    """A command of Flower's, beside this Python.

    Raises:
        DeploymentError: it isn't installed.
    """
    found = Path(sys.executable).parent / name
    if not found.is_file():
        raise DeploymentError(f"{name} isn't installed; `pip install voicelet[federated]`")
    return str(found)


def toml_value(value: Any) -> str:
    """A value as TOML has it, for Flower's configurations."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)  # inf and nan are TOML as well
    return json.dumps(value) if isinstance(value, str) else str(value)
