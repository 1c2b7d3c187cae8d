"""Encrypted profiles on the disk of their device."""
