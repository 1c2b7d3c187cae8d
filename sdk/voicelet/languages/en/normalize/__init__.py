"""Written English as words: a module a kind of token, each with its rules in order."""
