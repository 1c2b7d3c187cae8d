"""Teachers: what speaks phones, and the corpora made of it."""
