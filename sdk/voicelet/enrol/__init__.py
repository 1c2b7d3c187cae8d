"""Recordings → profile, and where profiles are kept."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from voicelet.audio.gate_report import GateConfig, GateReport
from voicelet.enrol.enrolment import enrol
from voicelet.enrol.profile import Profile
from voicelet.enrol.vault import Vault

__all__ = ["GateConfig", "GateReport", "Profile", "Vault", "enrol"]


class _CallablePackage(ModuleType):
    """To users `voicelet.enrol` is a function, yet once imported the package has that name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Profile:
        return enrol(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
