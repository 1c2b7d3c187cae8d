"""Whose voice is it, and was it made by a machine?  Three answers that don't depend on another."""

from __future__ import annotations

from voicelet.verify.verification import Verification, verify_recording

__all__ = ["Verification", "verify_recording"]
