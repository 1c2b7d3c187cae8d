"""VITS voices made for Piper, streamed like every other."""
