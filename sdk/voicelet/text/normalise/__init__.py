"""Normalisation: written English becomes words to pronounce, in one pass and lazily."""

from voicelet.text.normalise.scanner import Boundary, Scanner, spoken

__all__ = ["Boundary", "Scanner", "spoken"]
