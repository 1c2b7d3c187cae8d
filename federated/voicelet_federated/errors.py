"""Errors of the federation, below voicelet's own."""

from __future__ import annotations

from voicelet.errors import VoiceletError


class FederationError(VoiceletError):
    """Something in a federated run is wrong."""

    exit_code = 70


class CohortError(FederationError):
    """Too few devices, or not those who were asked."""

    exit_code = 71


class MaskingError(FederationError):
    """A key or a mask can't be trusted."""

    exit_code = 72


class BudgetError(FederationError):
    """A privacy budget would be exceeded."""

    exit_code = 73


class UpdateError(FederationError):
    """A device's update isn't what was asked for."""

    exit_code = 74


class PowerError(FederationError):
    """The device's battery is too low to train."""

    exit_code = 82


class EmbeddingError(FederationError):
    """A sealed embedding can't be made, opened or accepted."""

    exit_code = 81
