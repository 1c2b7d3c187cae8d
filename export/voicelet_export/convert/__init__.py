"""Trained models as ONNX and LiteRT graphs, and models of other projects as teachers."""
