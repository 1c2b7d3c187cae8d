"""Packs the Java modules for Android: the same bytes whenever the same files go in."""
