"""Text or SSML in, clauses of phones out: the machine that reads a language."""
