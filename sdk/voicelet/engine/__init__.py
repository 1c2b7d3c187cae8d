"""How a graph is run."""

from __future__ import annotations

from voicelet.engine.base import Engine, Graph, GraphLayout, TensorInfo
from voicelet.engine.providers import Providers
from voicelet.engine.select import (
    AUTO,
    ENGINES,
    check_engine_name,
    choose_form,
    get_engine,
    is_installed,
    open_form,
)
from voicelet.engine.watchdog import WORK_LIMIT_S, work_limit_s

__all__ = [
    "AUTO",
    "ENGINES",
    "WORK_LIMIT_S",
    "Engine",
    "Graph",
    "GraphLayout",
    "Providers",
    "TensorInfo",
    "check_engine_name",
    "choose_form",
    "get_engine",
    "is_installed",
    "open_form",
    "work_limit_s",
]
