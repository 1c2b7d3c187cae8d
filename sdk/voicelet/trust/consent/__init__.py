"""Who agreed to what with whose voice, and who withdrew it."""
