"""Graphs in int8, as much of them as quality allows."""
