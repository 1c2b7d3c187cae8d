"""Models as LiteRT graphs."""
