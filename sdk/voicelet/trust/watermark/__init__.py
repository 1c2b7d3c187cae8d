"""The inaudible mark in everything that voicelet says, and its public detector."""
