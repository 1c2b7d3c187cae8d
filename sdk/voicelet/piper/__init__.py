"""Voices made for Piper (VITS in one ONNX file), run by voicelet's own front end and streaming."""
