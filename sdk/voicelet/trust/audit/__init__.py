"""The append-only, signed log of what this device did with voices."""
