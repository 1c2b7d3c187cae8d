"""Servers that speak with a voice: a module each, and a command for it in `voicelet.cli`."""
