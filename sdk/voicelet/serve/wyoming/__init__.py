"""The Wyoming protocol, by which Home Assistant speaks."""
