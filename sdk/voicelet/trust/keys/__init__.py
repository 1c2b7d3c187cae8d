"""Keys, signatures, sealing, and where this device keeps its secrets."""
