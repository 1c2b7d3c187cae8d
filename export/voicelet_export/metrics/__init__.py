"""Figures of speech and of models."""
