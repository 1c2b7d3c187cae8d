"""Spoken consent: a fresh sentence, read aloud by the person whose voice is enrolled, just now."""
