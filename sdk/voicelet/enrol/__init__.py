"""Recordings → profile, and where profiles are kept."""

from __future__ import annotations

from voicelet.audio.gate_report import GateConfig, GateReport
from voicelet.enrol.enrolment import enrol
from voicelet.enrol.profile import Profile
from voicelet.enrol.vault import Vault

__all__ = ["GateConfig", "GateReport", "Profile", "Vault", "enrol"]
