"""Smaller models: distilled, pruned, quantized."""
